import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';
import { generate, parse } from 'coap-packet';
import type { ParsedPacket } from 'coap-packet';
import type { Faults } from './faults.ts';
import { Timers } from './timers.ts';

/**
 * node-coap reassembles and cuts blocks by token and peer, which breaks with peers that use a new token per block. So the block options
 * travel through it under these unassigned numbers, and the simulator does block-wise transfer itself.
 */
export const hiddenBlock1 = '65021';
export const hiddenBlock2 = '65023';

const hide: Record<string, string> = { Block1: hiddenBlock1, Block2: hiddenBlock2 };
const show: Record<string, string> = { [hiddenBlock1]: 'Block1', [hiddenBlock2]: 'Block2' };

/** RFC 7252 4.8.2: how long a message ID must be remembered. */
const exchangeLifetime = 247_000;
const remembered = 512;

export interface LineEvents {
  /** A request came again with the same message ID; it was not handed on. */
  repeated(messageId: number, code: string): void;
  /** A datagram came while the device did not listen. */
  unheard(): void;
  /** A peer does not know the observation of this token. */
  reset(token: string): void;
}

interface Exchange {
  at: number;
  token: string;
  answer?: Buffer;
}

/**
 * One UDP socket that node-coap's server and agent share through two sockets that are never bound: datagrams go to the one that they are for,
 * repeated requests are answered from the last answer, pings are answered here, and the faults of the network happen here.
 */
export class Line {
  readonly serverSocket: Socket;
  readonly agentSocket: Socket;
  readonly #socket: Socket;
  readonly #faults: Faults;
  readonly #random: () => number;
  readonly #events: LineEvents;
  readonly #timers = new Timers();
  readonly #exchanges = new Map<string, Exchange>();
  readonly #requests = new Set<number>();
  readonly #notifications = new Map<number, { token: string; confirmable: boolean }>();
  #up = true;
  #awakeUntil = Number.POSITIVE_INFINITY;
  #awakeFor: number | undefined;

  constructor(options: {
    faults: Faults;
    random: () => number;
    awakeFor?: number;
    type: 'udp4' | 'udp6';
    events: LineEvents;
  }) {
    this.#faults = options.faults;
    this.#random = options.random;
    this.#events = options.events;
    this.#awakeFor = options.awakeFor;
    this.#socket = createSocket(options.type);
    this.serverSocket = this.#front(options.type);
    this.agentSocket = this.#front(options.type);
    this.#socket.on('message', (bytes, peer) => this.#disturb(() => this.#receive(bytes, peer)));
    // A socket without an error listener would end the process; the device's own timeouts notice a dead network.
    this.#socket.on('error', () => {});
  }

  /** Binds to a free port. */
  bind(address: string | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.once('error', reject);
      this.#socket.bind(0, address, () => {
        this.#socket.off('error', reject);
        resolve();
      });
    });
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Off while the device reboots; what it knew of exchanges is lost with its memory. */
  set up(up: boolean) {
    this.#up = up;
    this.#timers.clear();
    this.#exchanges.clear();
    this.#requests.clear();
    this.#notifications.clear();
  }

  get listening(): boolean {
    return this.#up && this.#faults.asleep !== true && performance.now() <= this.#awakeUntil;
  }

  close(): Promise<void> {
    this.#up = false;
    this.#timers.clear();
    return new Promise((resolve) => {
      this.serverSocket.close();
      this.agentSocket.close();
      this.#socket.close(() => resolve());
    });
  }

  #front(type: 'udp4' | 'udp6'): Socket {
    const front = createSocket(type);
    front.address = () => this.#socket.address();
    front.send = (...args: unknown[]) => {
      // node-coap always sends (bytes, offset, length, port, host, callback?).
      const [bytes, , , port, host, done] = args;
      if (bytes instanceof Uint8Array && typeof port === 'number' && typeof host === 'string') {
        this.#send(Buffer.from(bytes), port, host);
      }
      if (typeof done === 'function') setImmediate(() => done(null));
    };
    return front;
  }

  #disturb(pass: () => void): void {
    const { loss = 0, duplication = 0, delay } = this.#faults;
    if (loss > 0 && this.#random() < loss) return;
    const times = duplication > 0 && this.#random() < duplication ? 2 : 1;
    for (let time = 0; time < times; time += 1) {
      if (delay === undefined) pass();
      else
        this.#timers.after(typeof delay === 'number' ? delay : delay[0] + (delay[1] - delay[0]) * this.#random(), pass);
    }
  }

  #transmit(bytes: Buffer, port: number, host: string): void {
    this.#disturb(() => {
      // A datagram that cannot be sent is a lost datagram: the exchange times out and says so.
      if (this.#up) this.#socket.send(bytes, port, host, () => {});
    });
  }

  #send(bytes: Buffer, port: number, host: string): void {
    if (!this.#up || this.#faults.asleep === true) return;
    this.#stayAwake();
    const packet = parse(bytes);
    if (packet.code.startsWith('0.') && packet.code !== '0.00') {
      bound(this.#requests, 256).add(packet.messageId);
    } else if (packet.ack) {
      const exchange = this.#exchanges.get(`${host}:${port}/${packet.messageId}`);
      if (exchange) exchange.answer = renamed(packet, show) ?? bytes;
    } else if (packet.code !== '0.00') {
      this.#notifications.set(packet.messageId, {
        token: packet.token.toString('hex'),
        confirmable: packet.confirmable,
      });
      if (this.#notifications.size > 256) this.#notifications.delete([...this.#notifications.keys()][0] ?? 0);
    }
    this.#transmit(renamed(packet, show) ?? bytes, port, host);
  }

  #stayAwake(): void {
    if (this.#awakeFor !== undefined) this.#awakeUntil = performance.now() + this.#awakeFor;
  }

  #receive(bytes: Buffer, peer: RemoteInfo): void {
    if (!this.listening) {
      this.#events.unheard();
      return;
    }
    let packet: ParsedPacket;
    try {
      packet = parse(bytes);
    } catch {
      // Malformed: dropped, as a small device does.
      return;
    }
    this.#stayAwake();
    if (packet.code === '0.00') this.#receiveEmpty(packet, bytes, peer);
    else if (packet.code.startsWith('0.')) this.#receiveRequest(packet, bytes, peer);
    else this.agentSocket.emit('message', renamed(packet, hide) ?? bytes, peer);
  }

  #receiveEmpty(packet: ParsedPacket, bytes: Buffer, peer: RemoteInfo): void {
    if (packet.confirmable) {
      this.#transmit(generate({ code: '0.00', reset: true, messageId: packet.messageId }), peer.port, peer.address);
      return;
    }
    if (this.#requests.has(packet.messageId)) {
      this.agentSocket.emit('message', bytes, peer);
      return;
    }
    const sent = this.#notifications.get(packet.messageId);
    // node-coap takes a Reset of a NON for a request.
    if (packet.ack || sent?.confirmable) this.serverSocket.emit('message', bytes, peer);
    if (packet.reset && sent) this.#events.reset(sent.token);
  }

  #receiveRequest(packet: ParsedPacket, bytes: Buffer, peer: RemoteInfo): void {
    if (packet.ack || packet.reset) return;
    const key = `${peer.address}:${peer.port}/${packet.messageId}`;
    const token = packet.token.toString('hex');
    const known = this.#exchanges.get(key);
    // Another token is another request: a server that was restarted may use a message ID again.
    if (known?.token === token && performance.now() - known.at < exchangeLifetime) {
      this.#events.repeated(packet.messageId, packet.code);
      if (known.answer) this.#transmit(known.answer, peer.port, peer.address);
      return;
    }
    this.#exchanges.delete(key);
    this.#exchanges.set(key, { at: performance.now(), token });
    if (this.#exchanges.size > remembered) this.#exchanges.delete([...this.#exchanges.keys()][0] ?? '');
    this.serverSocket.emit('message', renamed(packet, hide) ?? bytes, peer);
  }
}

function bound(set: Set<number>, size: number): Set<number> {
  if (set.size >= size) set.delete([...set][0] ?? 0);
  return set;
}

/** The datagram with its block options renamed, or undefined when it has none. */
function renamed(packet: ParsedPacket, names: Record<string, string>): Buffer | undefined {
  if (!packet.options.some((option) => String(option.name) in names)) return undefined;
  const options = packet.options.map((option) => ({
    name: names[String(option.name)] ?? String(option.name),
    value: option.value,
  }));
  return generate({ ...packet, options }, 65_535);
}
