/**
 * Devices for measurements, as a worker: 64 sockets, one device on each, one thing under way at a time. They register and update as fast as
 * they are answered, and answer a read of /3/0 at once with the same 142 octets. Written by hand, to cost less than what they ask.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { Tally } from './rounds.ts';
import { serveCommands } from './worker.ts';

const socketCount = 64;
const answerWithin = 20_000; // ms

const links = Buffer.from('</>;rt="oma.lwm2m";ct=11542,</1/0>,</3/0>,</4/0>,</5/0>');

/** TLV of an object instance: manufacturer, a long serial number, battery level. */
const object = Buffer.concat([
  Buffer.from('c80017', 'hex'),
  Buffer.alloc(23, 'M'),
  Buffer.from('c8026b', 'hex'),
  Buffer.alloc(107, 'S'),
  Buffer.from('c40900000064', 'hex'),
]);
const objectAnswer = Buffer.concat([Buffer.from('c22d16ff', 'hex'), object]); // Content-Format 11542
const objectPath = Buffer.from('b1330130', 'hex'); // Uri-Path 3, Uri-Path 0

const codes = { get: 1, post: 2, created: 0x41, changed: 0x44, content: 0x45, notFound: 0x84 } as const;
const locationPath = 8;
const uriPath = 11;
const contentFormat = 12;
const uriQuery = 15;

/** Options as delta, length, value; all values shorter than 269 octets. */
function encodeOptions(options: [number, Buffer][]): Buffer {
  let before = 0;
  return Buffer.concat(
    options.flatMap(([number, value]) => {
      const delta = number - before;
      before = number;
      const long = value.length >= 13;
      const head = Buffer.of((delta << 4) | (long ? 13 : value.length), ...(long ? [value.length - 13] : []));
      return [head, value];
    }),
  );
}

function decodeOptions(bytes: Buffer): [number, Buffer][] {
  const options: [number, Buffer][] = [];
  let number = 0;
  for (let at = 4 + (bytes[0]! & 15); at < bytes.length && bytes[at] !== 0xff;) {
    const head = bytes[at++]!;
    number += head >> 4 === 13 ? 13 + bytes[at++]! : head >> 4;
    const length = (head & 15) === 13 ? 13 + bytes[at++]! : head & 15;
    options.push([number, bytes.subarray(at, at + length)]);
    at += length;
  }
  return options;
}

/** A confirmable POST with a two-octet token; message ID and token are filled in when it is sent. */
function post(options: Buffer, payload?: Buffer): Buffer {
  const head = Buffer.from('420200000000', 'hex');
  return Buffer.concat(payload ? [head, options, Buffer.of(0xff), payload] : [head, options]);
}

class Device {
  readonly #socket: Socket;
  readonly #registration: Buffer;
  #update = post(Buffer.alloc(0));
  #messageId = Math.floor(Math.random() * 65_536);
  #answered: ((answer: Buffer) => void) | undefined;
  reads = 0;

  constructor(socket: Socket, endpoint: string) {
    this.#socket = socket;
    const query = ['b=U', 'lwm2m=1.1', 'lt=86400', `ep=${endpoint}`];
    this.#registration = post(
      encodeOptions([
        [uriPath, Buffer.from('rd')],
        [contentFormat, Buffer.of(40)],
        ...query.map((part): [number, Buffer] => [uriQuery, Buffer.from(part)]),
      ]),
      links,
    );
    socket.on('message', (bytes, peer) => this.#receive(bytes, peer));
  }

  get port(): number {
    return this.#socket.address().port;
  }

  register(port: number, done: () => void): void {
    this.#ask(port, this.#registration, codes.created, (answer) => {
      const location = decodeOptions(answer).filter(([number]) => number === locationPath);
      this.#update = post(encodeOptions(location.map(([, value]) => [uriPath, value])));
      done();
    });
  }

  update(port: number, done: () => void): void {
    this.#ask(port, this.#update, codes.changed, done);
  }

  #ask(port: number, bytes: Buffer, expected: number, done: (answer: Buffer) => void): void {
    this.#messageId = (this.#messageId + 1) & 0xffff;
    bytes.writeUInt16BE(this.#messageId, 2);
    bytes.writeUInt16BE(this.#messageId, 4);
    this.#answered = (answer) => {
      if (answer[1] !== expected) throw new Error(`a request was answered ${answer[1]! >> 5}.${answer[1]! & 31}`);
      done(answer);
    };
    this.#socket.send(bytes, port, '127.0.0.1');
  }

  #receive(bytes: Buffer, peer: RemoteInfo): void {
    if (bytes[1]! >= 0x40) {
      this.#answered?.(bytes);
      return;
    }
    if (bytes[1] === 0) return;
    const tokenLength = bytes[0]! & 15;
    const head = Buffer.from(bytes.subarray(0, 4 + tokenLength));
    head[0] = 0x60 | tokenLength;
    const at = 4 + tokenLength;
    const isRead =
      bytes[1] === codes.get &&
      bytes.compare(objectPath, 0, 4, at, at + 4) === 0 &&
      (bytes.length === at + 4 || bytes[at + 4]! >> 4 !== 0);
    if (isRead) this.reads += 1;
    head[1] = isRead ? codes.content : codes.notFound;
    this.#socket.send(isRead ? Buffer.concat([head, objectAnswer]) : head, peer.port, peer.address);
  }
}

async function open(index: number): Promise<Device> {
  const socket = createSocket({ type: 'udp4', lookup: (host, _options, done) => done(null, host, 4) });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return new Device(socket, `bench-${String(index).padStart(2, '0')}`);
}

const devices = await Promise.all(Array.from({ length: socketCount }, (_, index) => open(index)));

/** Each device does it again and again for so long. @returns how often, all together */
function repeat(seconds: number, act: (device: Device, done: () => void) => void): Promise<Tally> {
  return new Promise((resolve, reject) => {
    let count = 0;
    let running = devices.length;
    const started = performance.now();
    const until = started + seconds * 1000;
    const silence = setTimeout(() => reject(new Error('a request was not answered')), seconds * 1000 + answerWithin);
    const next = (device: Device): void => {
      act(device, () => {
        count += 1;
        const now = performance.now();
        if (now < until) {
          next(device);
          return;
        }
        running -= 1;
        if (running > 0) return;
        clearTimeout(silence);
        resolve({ count, seconds: (now - started) / 1000 });
      });
    };
    devices.forEach(next);
  });
}

async function register({ port }: { port: number }): Promise<number[]> {
  await repeat(0, (device, done) => device.register(port, done));
  return devices.map((device) => device.port);
}

serveCommands({
  register,
  updates: ({ port, seconds }: { port: number; seconds: number }) =>
    repeat(seconds, (device, done) => device.update(port, done)),
  registrations: ({ port, seconds }: { port: number; seconds: number }) =>
    repeat(seconds, (device, done) => device.register(port, done)),
  reads: () => devices.reduce((sum, device) => sum + device.reads, 0),
});
