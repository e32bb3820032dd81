import type { Socket } from 'node:dgram';
import type { DatagramPort } from './datagrams.ts';
import { closeSocket, openSocket } from './datagrams.ts';

/** What a device behind a NAT takes for its own address. */
export const privateAddress = '192.168.1.2';
const privatePort = 7547;

/**
 * A NAT before one device: it gives the device an address that nobody reaches, and lets in only what comes from an address and
 * port to which the device has sent something ("port restricted cone", RFC 3489 5).
 */
export class Nat implements DatagramPort {
  readonly local = `${privateAddress}:${privatePort}`;
  readonly #address: string;
  readonly #olds: Socket[] = [];
  #outside: Socket;
  #known = new Set<string>();
  #hear: (bytes: Buffer, from: string) => void = () => undefined;
  #strays = 0;

  static async open(address: string): Promise<Nat> {
    return new Nat(address, await openSocket(address));
  }

  private constructor(address: string, outside: Socket) {
    this.#address = address;
    this.#outside = outside;
    this.#carry(outside);
  }

  /** host:port as others see the device now. */
  get mapped(): string {
    const { address, port } = this.#outside.address();
    return `${address}:${port}`;
  }

  /** Datagrams that were not let in: from strangers, and to addresses that the device had before. */
  get strays(): number {
    return this.#strays;
  }

  send(bytes: Buffer, port: number, address: string): void {
    this.#known.add(`${address}:${port}`);
    this.#outside.send(bytes, port, address, () => undefined);
  }

  onMessage(hear: (bytes: Buffer, from: string) => void): void {
    this.#hear = hear;
  }

  /** The binding ends, and the next datagram gets a new one. */
  async rebind(): Promise<void> {
    const next = await openSocket(this.#address);
    // It stays open, so that what is sent there is seen, and nobody else gets the port.
    this.#olds.push(this.#outside);
    this.#outside = next;
    this.#known = new Set();
    this.#carry(next);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#outside, ...this.#olds].map(closeSocket));
  }

  #carry(socket: Socket): void {
    socket.on('error', () => undefined);
    socket.on('message', (bytes, { address, port }) => {
      const from = `${address}:${port}`;
      if (socket === this.#outside && this.#known.has(from)) this.#hear(bytes, from);
      else this.#strays += 1;
    });
  }
}
