import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { generate, parse } from 'coap-packet';
import type { ParsedPacket } from 'coap-packet';
import { eventually } from './lwm2m-server.ts';

export interface RawRequest {
  token?: string;
  observe?: 0 | 1;
  accept?: number;
  format?: number;
  query?: string[];
  block1?: number;
  block2?: number;
  payload?: Buffer;
  messageId?: number;
}

/** A peer that speaks single CoAP datagrams: nothing is repeated, reassembled or acknowledged unless the test does it. */
export class RawPeer {
  readonly #socket: Socket;
  readonly #received: ParsedPacket[] = [];
  #port = 0;
  #messageId = 1000;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (bytes) => this.#received.push(parse(bytes)));
  }

  static async open(): Promise<RawPeer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new RawPeer(socket);
  }

  aim(port: number): void {
    this.#port = port;
  }

  /** Sends a CON request without waiting; its message ID. */
  send(code: string, path: string, request: RawRequest = {}): number {
    const messageId = request.messageId ?? ++this.#messageId;
    const uint = (value: number): Buffer =>
      value === 0
        ? Buffer.alloc(0)
        : Buffer.from(value.toString(16).padStart(value > 255 ? (value > 65_535 ? 6 : 4) : 2, '0'), 'hex');
    const options = [
      ...(request.observe === undefined ? [] : [{ name: 'Observe', value: uint(request.observe) }]),
      ...path
        .split('/')
        .filter((part) => part !== '')
        .map((part) => ({ name: 'Uri-Path', value: Buffer.from(part) })),
      ...(request.format === undefined ? [] : [{ name: 'Content-Format', value: uint(request.format) }]),
      ...(request.query ?? []).map((part) => ({ name: 'Uri-Query', value: Buffer.from(part) })),
      ...(request.accept === undefined ? [] : [{ name: 'Accept', value: uint(request.accept) }]),
      ...(request.block2 === undefined ? [] : [{ name: 'Block2', value: uint(request.block2) }]),
      ...(request.block1 === undefined ? [] : [{ name: 'Block1', value: uint(request.block1) }]),
    ];
    const token = Buffer.from(request.token ?? messageId.toString(16).padStart(4, '0'), 'hex');
    const bytes = generate({ confirmable: true, code, messageId, token, options, payload: request.payload });
    this.#socket.send(bytes, this.#port, '127.0.0.1');
    return messageId;
  }

  /** Sends a request and takes the answer with its message ID. */
  request(code: string, path: string, request: RawRequest = {}): Promise<ParsedPacket> {
    const messageId = this.send(code, path, request);
    return this.take((packet) => packet.ack && packet.messageId === messageId);
  }

  /** Waits for a packet that fits and takes it out. */
  take(fits: (packet: ParsedPacket) => boolean): Promise<ParsedPacket> {
    return eventually(() => {
      const at = this.#received.findIndex(fits);
      return at < 0 ? undefined : this.#received.splice(at, 1)[0];
    }, 'no datagram came that fits');
  }

  next(): Promise<ParsedPacket> {
    return this.take(() => true);
  }

  /** What has come and was not taken; taken out unless told otherwise. */
  waiting(taking = true): ParsedPacket[] {
    return taking ? this.#received.splice(0) : [...this.#received];
  }

  reset(messageId: number): void {
    this.#socket.send(generate({ code: '0.00', reset: true, messageId }), this.#port, '127.0.0.1');
  }

  async exchange(bytes: Buffer): Promise<Buffer> {
    const answer = once(this.#socket, 'message');
    this.#socket.send(bytes, this.#port, '127.0.0.1');
    const [received] = await answer;
    this.#received.length = 0;
    return Buffer.from(received);
  }

  /** Datagrams as they are. */
  sendBytes(datagrams: Buffer[]): void {
    for (const bytes of datagrams) this.#socket.send(bytes, this.#port, '127.0.0.1');
  }

  observe(packet: ParsedPacket): number {
    const value = packet.options.find((option) => option.name === 'Observe')?.value;
    return value === undefined || value.length === 0 ? 0 : value.readUIntBE(0, value.length);
  }

  /** number/more/size, or '' without the option. */
  block2(packet: ParsedPacket): string {
    return this.#block(packet, 'Block2');
  }

  block1(packet: ParsedPacket): string {
    return this.#block(packet, 'Block1');
  }

  #block(packet: ParsedPacket, name: string): string {
    const value = packet.options.find((option) => option.name === name)?.value;
    if (value === undefined) return '';
    const bits = value.length === 0 ? 0 : value.readUIntBE(0, value.length);
    return `${bits >> 4}/${(bits >> 3) & 1}/${2 ** ((bits & 7) + 4)}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}
