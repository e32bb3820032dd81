import { createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import type { Credentials } from './digest.ts';

export interface UdpSide {
  credentials(): Credentials;
  up(): boolean;
  /** How a datagram was taken, for the journal. */
  answered(how: string, woken: boolean): void;
  /** STUN has found the address from outside. */
  bound(address: string, nat: boolean): void;
}

const magic = Buffer.from('dslforum.org/TR-111 ');
const connectionRequestBinding = 0xc0_01;
const mappedAddress = 0x00_01;
const userName = 0x00_06;

/** The signature of a UDP connection request (TR-069 G.2.2.3): 40 hexadecimal digits. */
export function signature(password: string, ts: string, id: string, un: string, cn: string): string {
  return createHmac('sha1', password).update(`${ts}${id}${un}${cn}`).digest('hex');
}

/** Listens for UDP connection requests and keeps a STUN binding (TR-069 annex G). */
export class UdpWake {
  readonly #socket: Socket;
  readonly #side: UdpSide;
  #lastId = -1n;
  #transaction = Buffer.alloc(0);

  constructor(side: UdpSide, type: 'udp4' | 'udp6') {
    this.#side = side;
    this.#socket = createSocket(type);
    this.#socket.on('message', (datagram, from) => this.#hear(datagram, from));
    this.#socket.on('error', (problem) => side.answered(`the socket failed: ${problem.message}`, false));
  }

  async listen(address: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.once('error', reject);
      this.#socket.bind(0, address, () => resolve());
    });
  }

  get address(): string {
    const { address, port } = this.#socket.address();
    return `${address}:${port}`;
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }

  #hear(datagram: Buffer, from: RemoteInfo): void {
    if (!this.#side.up()) return;
    // STUN messages begin with two zero bits.
    if ((datagram[0] ?? 0xff) < 0x40) return this.#hearStun(datagram, from);
    const [line = ''] = datagram.toString('latin1').split('\r\n');
    const [method, uri = '', version] = line.split(' ');
    if (method !== 'GET' || !version?.startsWith('HTTP/1') || !URL.canParse(uri))
      return this.#side.answered('not a connection request', false);
    const query = new URL(uri).searchParams;
    const [ts = '', id = '', un = '', cn = '', sig = ''] = ['ts', 'id', 'un', 'cn', 'sig'].map(
      (name) => query.get(name) ?? '',
    );
    const { username, password } = this.#side.credentials();
    if (un !== username || !/^\d{1,20}$/.test(id) || !/^\d{1,20}$/.test(ts))
      return this.#side.answered('wrong name, id or time', false);
    if (sig.toLowerCase() !== signature(password, ts, id, un, cn)) return this.#side.answered('wrong signature', false);
    // Copies of one request have one id; only the first of them counts.
    if (BigInt(id) <= this.#lastId) return;
    this.#lastId = BigInt(id);
    this.#side.answered('taken', true);
  }

  /** Sends a STUN Binding Request; its answer comes to `bound`. */
  async bind(server: { host: string; port: number; username: string }): Promise<void> {
    this.#transaction = randomBytes(16);
    const user = Buffer.from(server.username);
    const padded = Buffer.concat([user, Buffer.alloc((4 - (user.length % 4)) % 4, 0x20)]);
    const attributes = [attribute(connectionRequestBinding, magic)];
    if (user.length > 0) attributes.push(attribute(userName, padded));
    const body = Buffer.concat(attributes);
    const head = Buffer.alloc(4);
    head.writeUInt16BE(0x00_01, 0);
    head.writeUInt16BE(body.length, 2);
    const { address } = await lookup(server.host);
    this.#socket.send(Buffer.concat([head, this.#transaction, body]), server.port, address);
  }

  #hearStun(datagram: Buffer, from: RemoteInfo): void {
    const own =
      datagram.length >= 20 &&
      datagram.readUInt16BE(0) === 0x01_01 &&
      datagram.subarray(4, 20).equals(this.#transaction);
    if (!own) return this.#side.answered(`an unknown STUN message from ${from.address}`, false);
    for (let at = 20; at + 4 <= datagram.length;) {
      const type = datagram.readUInt16BE(at);
      const length = datagram.readUInt16BE(at + 2);
      if (type === mappedAddress && length === 8 && at + 12 <= datagram.length) {
        const port = datagram.readUInt16BE(at + 6);
        const address = [...datagram.subarray(at + 8, at + 12)].join('.');
        const mapped = `${address}:${port}`;
        return this.#side.bound(mapped, mapped !== this.address);
      }
      at += 4 + length;
    }
  }
}

function attribute(type: number, value: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value]);
}
