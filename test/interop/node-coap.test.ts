import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createReceiver } from 'node:http';
import {
  Agent,
  createServer,
  request as coapRequest,
  type IncomingMessage,
  type OutgoingMessage,
  type Server,
} from 'coap';
import { eventually } from '../support/eventually.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { managementObjects } from './nodes.ts';

const root = '/m2m';

/** A client written on node-coap in the plainest way: below an alternate root, in SenML JSON, slow where a test wants it. */
class HandMadeClient {
  readonly endpoint: string;
  readonly #gateway: { hostname: string; port: number };
  readonly #socket: Socket;
  readonly #server: Server;
  readonly #agent: Agent;
  /** What was done to it. */
  readonly deeds: string[] = [];
  readonly values: Record<string, string | number | boolean> = {
    '/3/0/0': 'ACME',
    '/3/0/1': 'R7',
    '/3/0/2': '4711',
    '/3/0/3': '1.0',
    '/3/0/6': 1,
    '/3/0/9': 87,
    '/3/0/20': 0,
    '/15/0/0': 'Wi-Fi',
    '/15/0/4': false,
    '/20/0/4010': 1,
  };
  /** ms until it answers a read; node-coap acknowledges what takes longer than 50, and answers apart. */
  delay = 0;
  #observers: { path: string; response: OutgoingMessage }[] = [];

  private constructor(gateway: URL, endpoint: string, socket: Socket) {
    this.endpoint = endpoint;
    this.#gateway = { hostname: gateway.hostname, port: Number(gateway.port) };
    this.#socket = socket;
    this.#agent = new Agent({ socket });
    this.#server = createServer((request: IncomingMessage, response: OutgoingMessage) =>
      this.#serve(request, response),
    );
    this.#server.listen(socket);
  }

  static async open(gateway: string, endpoint: string): Promise<HandMadeClient> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new HandMadeClient(new URL(gateway), endpoint, socket);
  }

  ask(method: 'POST' | 'DELETE', pathname: string, query = '', links?: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const outgoing = coapRequest({ ...this.#gateway, method, pathname, query, agent: this.#agent });
      if (links !== undefined) outgoing.setOption('Content-Format', 'application/link-format');
      outgoing.on('response', resolve);
      outgoing.on('error', reject);
      outgoing.end(links);
    });
  }

  async register(objects: string, parameters = 'b=U'): Promise<string> {
    const query = `lwm2m=1.1&ep=${this.endpoint}&lt=300&${parameters}`;
    const answer = await this.ask('POST', '/rd', query, this.links(objects));
    assert.equal(answer.code, '2.01');
    // node-coap keeps the last segment of a location.
    return `/rd/${String(answer.headers['Location-Path'])}`;
  }

  links(objects: string): string {
    const list = objects.split(' ').map((path) => `<${root}${path}>`);
    return [`<${root}>;rt="oma.lwm2m";ct=110`, ...list].join(',');
  }

  notify(path: string, value: string | number | boolean): void {
    this.values[path] = value;
    for (const { response, path: observed } of this.#observers)
      if (observed === path) response.write(this.#senml(path));
  }

  close(): void {
    // node-coap's timers go on for a while, and would send on a closed socket.
    this.#socket.send = () => {};
    this.#agent.close();
    this.#server.close();
    this.#socket.close();
  }

  #serve(request: IncomingMessage, response: OutgoingMessage): void {
    const path = request.url.startsWith(`${root}/`) ? request.url.slice(root.length) : '';
    const payload = request.payload.toString();
    // Its answer was not acknowledged: the test is over.
    response.on('error', () => {});
    switch (request.method) {
      case 'GET':
        return void setTimeout(() => this.#read(request, response, path), this.delay);
      case 'PUT':
        this.deeds.push(`PUT ${path} ${payload}`);
        this.values[path] = Number(payload);
        return this.#end(response, '2.04');
      case 'POST':
        this.deeds.push(`POST ${path}${payload && ` ${payload}`}`);
        if (path === '/15/0/5') this.values['/15/0/4'] = true;
        return this.#end(response, '2.04');
      default:
        return this.#end(response, '4.05');
    }
  }

  #read(request: IncomingMessage, response: OutgoingMessage, path: string): void {
    const isThere = Object.keys(this.values).some((name) => name === path || name.startsWith(`${path}/`));
    if (path === '' || !isThere) return this.#end(response, '4.04');
    response.setOption('Content-Format', 'application/senml+json');
    if (request.headers['Observe'] !== 0) return void response.end(this.#senml(path));
    this.#observers.push({ path, response });
    response.on('finish', () => {
      this.#observers = this.#observers.filter((one) => one.response !== response);
    });
    response.write(this.#senml(path));
  }

  #senml(path: string): string {
    const records = Object.entries(this.values)
      .filter(([name]) => name === path || name.startsWith(`${path}/`))
      .map(([name, value]) => {
        if (typeof value === 'number') return { n: root + name, v: value };
        return typeof value === 'string' ? { n: root + name, vs: value } : { n: root + name, vb: value };
      });
    return JSON.stringify(records);
  }

  #end(response: OutgoingMessage, code: string): void {
    response.code = code;
    response.end();
  }
}

describe('a client written by hand on node-coap', () => {
  let gateway: TestGateway;
  let client: HandMadeClient;
  let node: string;
  let clients = 0;

  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.stop());

  beforeEach(async () => {
    const name = `node-coap-${++clients}`;
    node = `cse-in/${name}`;
    client = await HandMadeClient.open(gateway.urls['lwm2m']!, name);
  });
  afterEach(() => client.close());

  const childrenOf = (): Promise<string[]> => managementObjects(gateway.mca, node);

  it('is read below its alternate root, in SenML JSON', async () => {
    await client.register('/1/0 /3/0');
    await eventually('its battery', async () => (await childrenOf()).includes('battery'));
    const { body } = await gateway.mca.get(`${node}/battery`);
    assert.equal(body['m2m:bat']!['btl'], 87);
    assert.equal(body['m2m:bat']!['bts'], 1);
    assert.deepEqual(body['m2m:bat']!['obps'], ['/m2m/3/0']);
  });

  it('is read when it acknowledges first and answers later', async () => {
    await client.register('/1/0 /3/0');
    await eventually('its node', async () => (await childrenOf()).includes('deviceInfo'));
    client.delay = 200;
    const { rsc, body } = await gateway.mca.get(`${node}/deviceInfo`);
    assert.equal(rsc, 2000);
    assert.equal(body['m2m:dvi']!['man'], 'ACME');
  });

  it('gives a long text in blocks', async () => {
    client.values['/3/0/0'] = 'long '.repeat(1000);
    await client.register('/1/0 /3/0');
    await eventually('its node', async () => (await childrenOf()).includes('deviceInfo'));
    const { body } = await gateway.mca.get(`${node}/deviceInfo`);
    assert.equal(body['m2m:dvi']!['man'], client.values['/3/0/0']);
  });

  it('is written, and read back', async () => {
    await client.register('/1/0 /3/0 /20/0');
    await eventually('its event log', async () => (await childrenOf()).includes('eventLog'));
    const { rsc, dbg } = await gateway.mca.update(`${node}/eventLog`, { 'm2m:evl': { lgt: 2 } });
    assert.equal(rsc, 2004, dbg);
    assert.deepEqual(client.deeds, ['PUT /20/0/4010 2']);
    const { body } = await gateway.mca.get(`${node}/eventLog?atrl=lgt`);
    assert.deepEqual(body['m2m:evl'], { lgt: 2 });
  });

  it('is told to switch a capability on, and shows that it is', async () => {
    await client.register('/1/0 /3/0 /15/0');
    await eventually('its capability', async () => (await childrenOf()).includes('deviceCapability'));
    const { rsc, dbg } = await gateway.mca.update(`${node}/deviceCapability`, { 'm2m:dvc': { ena: true } });
    assert.equal(rsc, 2004, dbg);
    assert.deepEqual(client.deeds, ['POST /15/0/5']);
    const { body } = await gateway.mca.get(`${node}/deviceCapability`);
    assert.equal(body['m2m:dvc']!['cus'], true);
    assert.deepEqual(body['m2m:dvc']!['cas'], { acn: 'ena', sus: 1 });
  });

  it('notifies, and the subscriber hears of it', async () => {
    const levels: unknown[] = [];
    const receiver = createReceiver((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        const content = JSON.parse(text) as { 'm2m:sgn'?: { nev?: { rep?: { 'm2m:bat'?: { btl: number } } } } };
        const battery = content['m2m:sgn']?.nev?.rep?.['m2m:bat'];
        if (battery) levels.push(battery.btl);
        response.setHeader('X-M2M-RSC', '2000');
        response.setHeader('X-M2M-RI', String(request.headers['x-m2m-ri']));
        response.end();
      });
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const address = receiver.address();
    try {
      await client.register('/1/0 /3/0');
      await eventually('its battery', async () => (await childrenOf()).includes('battery'));
      const { rsc, dbg } = await gateway.mca.create(`${node}/battery`, 23, {
        'm2m:sub': { nu: [`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`], enc: { net: [1] } },
      });
      assert.equal(rsc, 2001, dbg);
      // The gateway observes in its own time; until then the client has nobody to notify.
      let level = 80;
      await eventually('a notified level', () => {
        if (levels.length === 0) client.notify('/3/0/9', --level);
        return levels.length > 0;
      });
      const last = levels.length;
      client.notify('/3/0/9', 5);
      await eventually('the low level', () => levels.slice(last).includes(5));
    } finally {
      receiver.close();
      receiver.closeAllConnections();
    }
  });

  it('gains and loses management objects with its list of objects', async () => {
    const location = await client.register('/1/0 /3/0');
    await eventually('its node', async () => (await childrenOf()).includes('deviceInfo'));
    assert.ok(!(await childrenOf()).includes('software'));
    const grown = await client.ask('POST', location, '', client.links('/1/0 /3/0 /9/0 /20/0'));
    assert.equal(grown.code, '2.04');
    assert.ok((await childrenOf()).includes('software'));
    const shrunk = await client.ask('POST', location, '', client.links('/1/0 /3/0'));
    assert.equal(shrunk.code, '2.04');
    await eventually('the loss of the software', async () => !(await childrenOf()).includes('software'));
    assert.ok(!(await childrenOf()).includes('eventLog'));
    assert.ok((await childrenOf()).includes('deviceInfo'));
  });

  it('de-registers: the node stays, requests are refused without a datagram', async () => {
    const location = await client.register('/1/0 /3/0');
    await eventually('its node', async () => (await childrenOf()).includes('deviceInfo'));
    assert.equal((await client.ask('DELETE', location)).code, '2.02');
    const { rsc, dbg } = await gateway.mca.get(`${node}/deviceInfo`);
    assert.equal(rsc, 6003, dbg);
    await client.register('/1/0 /3/0');
    assert.equal((await gateway.mca.get(`${node}/deviceInfo`)).rsc, 2000);
  });
});
