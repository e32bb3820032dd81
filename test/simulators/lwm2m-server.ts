import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { Agent, Server } from 'coap';
import type { IncomingMessage, OutgoingMessage } from 'coap';
import type { CoapMethod } from 'coap-packet';
import { startLwm2mDevice } from '../../src/simulators/lwm2m-device.ts';
import type { DeviceOptions, SimulatedDevice } from '../../src/simulators/lwm2m-device.ts';

/** What a device has sent to the server. */
export interface Arrival {
  method: string;
  path: string;
  query: string[];
  payload: string;
  port: number;
}

export interface ServerAnswer {
  code: string;
  payload: Buffer;
  headers: IncomingMessage['headers'];
  message: IncomingMessage;
}

export interface ServerRequest {
  format?: number;
  accept?: number;
  query?: string;
  observe?: 0 | 1;
  token?: Buffer;
  /** Exponent of the size of blocks to push in: 2 is 64 octets. */
  block1?: number;
  confirmable?: boolean;
}

/** An LwM2M server of a few lines on node-coap: accepts every registration, keeps what arrives, sends requests. */
export class TestServer {
  readonly arrivals: Arrival[] = [];
  /** CoAP codes to answer instead of success, by path. */
  readonly refusals = new Map<string, string>();
  readonly #socket: Socket;
  readonly #server = new Server();
  readonly #agent: Agent;
  readonly #devices: SimulatedDevice[] = [];
  #registrations = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#agent = new Agent({ socket });
    this.#server.on('request', (message: IncomingMessage, response: OutgoingMessage) =>
      this.#receive(message, response),
    );
    this.#server.listen(socket);
  }

  static async start(): Promise<TestServer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new TestServer(socket);
  }

  get url(): string {
    return `coap://127.0.0.1:${this.#socket.address().port}`;
  }

  #receive(message: IncomingMessage, response: OutgoingMessage): void {
    const [path = '', query = ''] = message.url.split('?');
    const payload = message.payload.toString('utf8');
    this.arrivals.push({ method: message.method, path, query: query.split('&'), payload, port: message.rsinfo.port });
    const refusal = this.refusals.get(path);
    if (refusal) response.code = refusal;
    else if (message.method === 'POST' && path === '/rd') {
      this.#registrations += 1;
      response.setOption('Location-Path', [Buffer.from('rd'), Buffer.from(`r${this.#registrations}`)]);
      response.code = '2.01';
    } else response.code = message.method === 'DELETE' ? '2.02' : '2.04';
    response.end();
  }

  /** A device registered here that ends with the server; ten times as fast as in life, and still unless asked. */
  async device(options: Partial<DeviceOptions> = {}): Promise<SimulatedDevice> {
    const device = await startLwm2mDevice({
      endpoint: 'test-device',
      server: this.url,
      speed: 20,
      life: false,
      localAddress: '127.0.0.1',
      timeout: 5,
      ...options,
    });
    this.#devices.push(device);
    return device;
  }

  request(
    device: SimulatedDevice,
    method: CoapMethod,
    path: string,
    body?: Buffer | string,
    options: ServerRequest = {},
  ): Promise<ServerAnswer> {
    return new Promise((resolve, reject) => {
      const message = this.#agent.request({
        hostname: '127.0.0.1',
        port: device.port,
        method,
        pathname: path,
        query: options.query,
        token: options.token,
        observe: options.observe,
        confirmable: options.confirmable,
      });
      if (options.format !== undefined) message.setOption('Content-Format', options.format);
      if (options.accept !== undefined) message.setOption('Accept', options.accept);
      if (options.block1 !== undefined) message.setOption('Block1', Buffer.of(options.block1));
      message.on('error', reject);
      message.on('response', (response: IncomingMessage) =>
        resolve({ code: response.code, payload: response.payload, headers: response.headers, message: response }),
      );
      message.end(typeof body === 'string' ? Buffer.from(body) : body);
    });
  }

  async read(device: SimulatedDevice, path: string, accept?: number): Promise<string> {
    const answer = await this.request(device, 'GET', path, undefined, { accept });
    return answer.code === '2.05' ? answer.payload.toString(accept === 11_542 ? 'hex' : 'utf8') : answer.code;
  }

  /** Waits for the next arrival that fits, also one that is there already from `since` on. */
  async arrival(fits: (arrival: Arrival) => boolean, since = 0): Promise<Arrival> {
    return eventually(() => this.arrivals.slice(since).find(fits), 'the server did not get what was expected');
  }

  async stop(): Promise<void> {
    for (const device of this.#devices) await device.stop();
    this.#server.close();
    this.#agent.close();
    this.#socket.close();
  }
}

/** Polls until `look` finds something; fails with the sentence after 5 s. */
export async function eventually<Found>(
  look: () => Found | undefined | Promise<Found | undefined>,
  sentence: string,
): Promise<Found> {
  const deadline = performance.now() + 5000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(sentence);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
