import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';
import { codes, decodeDatagram, encodeDatagram, options as names, types, uint } from './lwm2m/datagram.ts';
import type { Datagram } from './lwm2m/datagram.ts';
import { bodyOf } from './lwm2m/fleet-body.ts';

export interface FleetOptions {
  count: number;
  /** For example coap://127.0.0.1:5683; an IPv4 address or 'localhost'. */
  server: string;
  /** Default 'fleet-'; the endpoints are prefix + 0, 1, 2 … */
  prefix?: string;
  /** UDP sockets that the devices share; default: one per device up to 1000. */
  sockets?: number;
  /** Addresses of this machine that the sockets are bound to in turn; default 127.0.0.1, which has ports for some 20,000. */
  addresses?: string[];
  /** Seconds; default 86400. Devices update by themselves when half of it is over. */
  lifetime?: number;
  /** Seconds between two notifications of one observation; default 60. 0: never. */
  notifyEvery?: number;
  /** Registrations and updates under way at a time; default 64. */
  inFlight?: number;
  /** Default '1.0'. */
  version?: '1.0' | '1.1';
}

/** How a round of registrations or updates went. */
export interface Round {
  done: number;
  failed: number;
  seconds: number;
}

export interface Fleet {
  readonly registered: number;
  readonly observations: number;
  /** What the devices have answered and said since the start. */
  readonly counters: Readonly<{
    reads: number;
    writes: number;
    executes: number;
    notifications: number;
    updates: number;
    retransmissions: number;
  }>;
  /** How the registration of all went. */
  readonly registration: Round;
  /** Updates every device once. */
  update(): Promise<Round>;
  /** Registers every device anew. */
  register(): Promise<Round>;
  /** Ends the devices without a word to the server. */
  stop(): Promise<void>;
}

interface Device {
  index: number;
  socket: SharedSocket;
  /** Segments of the registration, as Uri-Path options. */
  location: [number, Buffer][] | undefined;
}

interface Waiting {
  bytes: Buffer;
  sentAt: number;
  attempts: number;
  done(answer: Datagram | undefined): void;
}

interface Watch {
  peer: RemoteInfo;
  token: Buffer;
  path: string;
  accept: number | undefined;
  sequence: number;
}

const nothing: Buffer = Buffer.alloc(0);
const retransmitAfter = 2000;
const maximumAttempts = 5;
const tickEvery = 100;

/** One UDP socket with the devices that live behind it, told apart by an alternate root per device. */
class SharedSocket {
  readonly waiting = new Map<number, Waiting>();
  readonly watches = new Map<string, Watch>();
  readonly #socket: Socket;
  readonly #counters: { reads: number; writes: number; executes: number; retransmissions: number };
  #nextId = Math.floor(Math.random() * 65_536);

  constructor(counters: { reads: number; writes: number; executes: number; retransmissions: number }) {
    this.#counters = counters;
    this.#socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20, sendBufferSize: 1 << 20 });
    this.#socket.on('message', (bytes, peer) => this.#receive(bytes, peer));
    // A lost datagram is retransmitted or counted as failed; there is nobody else to tell.
    this.#socket.on('error', () => {});
  }

  open(address: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.once('error', reject);
      this.#socket.bind(0, address, () => resolve());
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }

  nextId(): number {
    this.#nextId = (this.#nextId + 1) & 0xffff;
    return this.#nextId;
  }

  request(
    code: number,
    host: string,
    port: number,
    list: [number, Buffer][],
    payload: Buffer = nothing,
  ): Promise<Datagram | undefined> {
    const messageId = this.nextId();
    const token = Buffer.of(messageId >> 8, messageId & 0xff);
    const bytes = encodeDatagram({ type: types.confirmable, code, messageId, token, options: list, payload });
    return new Promise((resolve) => {
      this.waiting.set(messageId, { bytes, sentAt: performance.now(), attempts: 1, done: resolve });
      this.#socket.send(bytes, port, host);
    });
  }

  /** Retransmits what has waited long enough, gives up what has waited too long. */
  sweep(host: string, port: number): void {
    const now = performance.now();
    for (const [id, one] of this.waiting) {
      if (now - one.sentAt < retransmitAfter * 2 ** (one.attempts - 1)) continue;
      if (one.attempts >= maximumAttempts) {
        this.waiting.delete(id);
        one.done(undefined);
        continue;
      }
      one.attempts += 1;
      this.#counters.retransmissions += 1;
      this.#socket.send(one.bytes, port, host);
    }
  }

  notify(watch: Watch, level: number): void {
    const body = bodyOf(watch.path, watch.accept, level);
    if (!body) return;
    watch.sequence = (watch.sequence + 1) & 0xffffff;
    const bytes = encodeDatagram({
      type: types.nonConfirmable,
      code: codes.content,
      messageId: this.nextId(),
      token: watch.token,
      options: [
        [names.observe, uint(watch.sequence)],
        [names.contentFormat, uint(body.format)],
      ],
      payload: body.payload,
    });
    this.#socket.send(bytes, watch.peer.port, watch.peer.address);
  }

  #receive(bytes: Buffer, peer: RemoteInfo): void {
    const message = decodeDatagram(bytes);
    if (!message) return;
    if (message.code === codes.empty || message.code >= 0x40) {
      // Tokens are message IDs here, so a separate response finds its request too.
      const id =
        message.type === types.acknowledgement || message.token.length !== 2
          ? message.messageId
          : message.token.readUInt16BE(0);
      const one = this.waiting.get(id);
      if (message.code === codes.empty) {
        if (message.type === types.confirmable)
          this.#reply(message, types.reset, codes.empty, [], nothing, peer, nothing);
        return;
      }
      if (message.type === types.confirmable)
        this.#reply(message, types.acknowledgement, codes.empty, [], nothing, peer, nothing);
      this.waiting.delete(id);
      one?.done(message);
      return;
    }
    this.#answer(message, peer);
  }

  #reply(
    message: Datagram,
    type: number,
    code: number,
    list: [number, Buffer][],
    payload: Buffer,
    peer: RemoteInfo,
    token = message.token,
  ): void {
    const messageId = type === types.nonConfirmable ? this.nextId() : message.messageId;
    this.#socket.send(
      encodeDatagram({ type, code, messageId, token, options: list, payload }),
      peer.port,
      peer.address,
    );
  }

  #answer(message: Datagram, peer: RemoteInfo): void {
    const segments: string[] = [];
    let observe: number | undefined;
    let accept: number | undefined;
    for (const [number, value] of message.options) {
      if (number === names.uriPath) segments.push(value.toString('utf8'));
      else if (number === names.observe) observe = value.length === 0 ? 0 : value.readUIntBE(0, value.length);
      else if (number === names.accept) accept = value.length === 0 ? 0 : value.readUIntBE(0, value.length);
    }
    const type = message.type === types.confirmable ? types.acknowledgement : types.nonConfirmable;
    const reply = (code: number, list: [number, Buffer][] = [], payload: Buffer = nothing): void =>
      this.#reply(message, type, code, list, payload, peer);
    // The alternate root is a segment like e17.
    const path = (/^e\d+$/.test(segments[0] ?? '') ? segments.slice(1) : segments).join('/');
    if (message.code === codes.put || (message.code === codes.post && path.split('/').length === 2)) {
      this.#counters.writes += 1;
      reply(codes.changed);
    } else if (message.code === codes.post) {
      this.#counters.executes += 1;
      reply(codes.changed);
    } else if (message.code === codes.get) {
      const body = bodyOf(path, accept, 90);
      if (!body) {
        reply(codes.notFound);
        return;
      }
      this.#counters.reads += 1;
      const key = `${peer.port}/${message.token.toString('latin1')}`;
      if (observe === 0) this.watches.set(key, { peer, token: Buffer.from(message.token), path, accept, sequence: 1 });
      if (observe === 1) this.watches.delete(key);
      const list: [number, Buffer][] = observe === 0 ? [[names.observe, uint(1)]] : [];
      reply(codes.content, [...list, [names.contentFormat, uint(body.format)]], body.payload);
    } else reply(codes.methodNotAllowed);
  }
}

/**
 * Starts many small devices on few sockets, registers them all and keeps them alive: they answer reads of /3/0 and notify what is observed.
 * For measurements; a device with behaviour is startLwm2mDevice. Rejects when the address is wrong; registrations that fail are counted.
 */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  if (!URL.canParse(options.server) || new URL(options.server).protocol !== 'coap:') {
    throw new Error(`${options.server} is not a server address; give one like coap://127.0.0.1:5683`);
  }
  const url = new URL(options.server);
  const host = url.hostname === 'localhost' ? '127.0.0.1' : url.hostname;
  const port = url.port === '' ? 5683 : Number(url.port);
  const { count, prefix = 'fleet-', lifetime = 86_400, notifyEvery = 60, inFlight = 64, version = '1.0' } = options;
  const counters = { reads: 0, writes: 0, executes: 0, notifications: 0, updates: 0, retransmissions: 0 };
  const sockets = Array.from(
    { length: Math.max(1, Math.min(options.sockets ?? 1000, count)) },
    () => new SharedSocket(counters),
  );
  const addresses = options.addresses ?? ['127.0.0.1'];
  await Promise.all(sockets.map((socket, index) => socket.open(addresses[index % addresses.length] ?? '127.0.0.1')));
  const shared = count > sockets.length;
  const devices = Array.from({ length: count }, (_, index): Device => {
    const socket = sockets[index % sockets.length] ?? new SharedSocket(counters);
    return { index, socket, location: undefined };
  });

  const register = async (device: Device): Promise<boolean> => {
    const root = shared ? `/e${device.index}` : '';
    const links = `<${root === '' ? '/' : root}>;rt="oma.lwm2m";ct=11542,<${root}/1/0>,<${root}/3/0>`;
    const query = [`ep=${prefix}${device.index}`, `lt=${lifetime}`, `lwm2m=${version}`, 'b=U'];
    const list: [number, Buffer][] = [
      [names.uriPath, Buffer.from('rd')],
      [names.contentFormat, uint(40)],
      ...query.map((one): [number, Buffer] => [names.uriQuery, Buffer.from(one)]),
    ];
    const answer = await device.socket.request(codes.post, host, port, list, Buffer.from(links));
    if (answer?.code !== codes.created) return false;
    device.location = answer.options
      .filter(([number]) => number === names.locationPath)
      .map(([, value]) => [names.uriPath, Buffer.from(value)]);
    return true;
  };
  const update = async (device: Device): Promise<boolean> => {
    if (!device.location) return false;
    const answer = await device.socket.request(codes.post, host, port, device.location);
    if (answer?.code === codes.changed) counters.updates += 1;
    if (answer?.code === codes.notFound) return register(device);
    return answer?.code === codes.changed;
  };
  const round = async (act: (device: Device) => Promise<boolean>): Promise<Round> => {
    const started = performance.now();
    let next = 0;
    let done = 0;
    const lane = async (): Promise<void> => {
      for (let device = devices[next++]; device; device = devices[next++]) if (await act(device)) done += 1;
    };
    await Promise.all(Array.from({ length: Math.min(inFlight, count) }, lane));
    return { done, failed: count - done, seconds: (performance.now() - started) / 1000 };
  };

  let turn = 0;
  let notifyDebt = 0;
  let updateTurn = 0;
  let updateDebt = 0;
  let order: { socket: SharedSocket; watch: Watch }[] = [];
  const tick = setInterval(() => {
    for (const socket of sockets) if (socket.waiting.size > 0) socket.sweep(host, port);
    if (notifyEvery > 0) {
      // Spread evenly: each observation has its turn once in notifyEvery. A new one does not wait for the turns of the few before it.
      const isNew = fleet.observations !== order.length;
      if (turn >= order.length || isNew) {
        order = sockets.flatMap((socket) => [...socket.watches.values()].map((watch) => ({ socket, watch })));
        if (turn >= order.length) turn = 0;
      }
      notifyDebt = Math.min(notifyDebt + (order.length * tickEvery) / (notifyEvery * 1000), order.length);
      for (; notifyDebt >= 1 && turn < order.length; notifyDebt -= 1, turn += 1) {
        const entry = order[turn];
        entry?.socket.notify(entry.watch, 20 + ((entry.watch.sequence * 7) % 80));
        counters.notifications += 1;
      }
    }
    updateDebt += (count * tickEvery) / (lifetime * 500);
    for (; updateDebt >= 1; updateDebt -= 1, updateTurn = (updateTurn + 1) % count) {
      const device = devices[updateTurn];
      // A failure shows as a registration that ends; the next turn registers anew.
      if (device?.location) void update(device);
    }
  }, tickEvery);

  const fleet = {
    registration: { done: 0, failed: 0, seconds: 0 },
    counters,
    get registered() {
      return devices.filter((device) => device.location !== undefined).length;
    },
    get observations() {
      return sockets.reduce((sum, socket) => sum + socket.watches.size, 0);
    },
    update: () => round(update),
    register: () => round(register),
    async stop() {
      clearInterval(tick);
      for (const socket of sockets) {
        for (const one of socket.waiting.values()) one.done(undefined);
        socket.waiting.clear();
      }
      await Promise.all(sockets.map((socket) => socket.close()));
    },
  };
  fleet.registration = await round(register);
  return fleet;
}
