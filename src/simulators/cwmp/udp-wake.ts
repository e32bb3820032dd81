import { createHmac } from 'node:crypto';
import type { DatagramPort } from './datagrams.ts';
import type { Credentials } from './digest.ts';
import { StunClient } from './stun-client.ts';
import type { StunServer } from './stun-client.ts';

export interface UdpSide {
  credentials(): Credentials;
  up(): boolean;
  /** How a datagram was taken, for the journal. */
  answered(how: string, woken: boolean): void;
  /** What became of a question to the STUN server, for the journal. */
  stun(what: string): void;
  /** The address at which the device is reached now. */
  bound(address: string, nat: boolean): void;
}

/** The signature of a UDP connection request (TR-069 G.2.2.3): 40 hexadecimal digits. */
export function signature(password: string, ts: string, id: string, un: string, cn: string): string {
  return createHmac('sha1', password).update(`${ts}${id}${un}${cn}`).digest('hex');
}

/** Listens for UDP connection requests and keeps a STUN binding (TR-069 annex G). */
export class UdpWake {
  readonly #port: DatagramPort;
  readonly #side: UdpSide;
  readonly #stun: StunClient;
  #lastId = -1n;

  constructor(side: UdpSide, port: DatagramPort) {
    this.#side = side;
    this.#port = port;
    this.#stun = new StunClient({
      send: (bytes, to, address) => port.send(bytes, to, address),
      bound: (address) => side.bound(address, address !== port.local),
      told: (what) => side.stun(what),
    });
    port.onMessage((datagram, from) => this.#hear(datagram, from));
  }

  /** host:port as the device sees it. */
  get address(): string {
    return this.#port.local;
  }

  async stop(): Promise<void> {
    this.#stun.forget();
    await this.#port.stop();
  }

  /** Asks the STUN server for the binding, and tells it of a new one. */
  bind(server: StunServer): Promise<void> {
    return this.#stun.keep(server);
  }

  /** No more STUN: the address is the one that the device sees itself. */
  unbind(): void {
    this.#stun.forget();
    this.#side.bound(this.#port.local, false);
  }

  #hear(datagram: Buffer, from: string): void {
    if (!this.#side.up()) return;
    // STUN messages begin with two zero bits.
    if ((datagram[0] ?? 0xff) < 0x40) return this.#stun.hear(datagram, from);
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
    if (BigInt(id) <= this.#lastId) return this.#side.answered('repeated id', false);
    this.#lastId = BigInt(id);
    this.#side.answered('taken', true);
  }
}
