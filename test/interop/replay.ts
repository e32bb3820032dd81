/**
 * A device made of datagrams that real clients sent (test/fixtures/lwm2m): what it says are their octets, only the server's
 * own choices (message ID and token of a request, the location of a registration, a block's number) are put in. What it
 * hears is read with coap-packet, so that none of our own code says what is right.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { generate, parse, type OptionName, type ParsedPacket } from 'coap-packet';
import { eventually } from '../support/eventually.ts';

const folder = new URL('../fixtures/lwm2m/', import.meta.url);

/** One UDP payload, as it was captured. */
export function capturedDatagram(name: string): Buffer {
  return Buffer.from(readFileSync(new URL(`${name}.hex`, folder), 'utf8').trim(), 'hex');
}

/** The captured answer or notification, as an answer to this message ID and token. */
export function inAnswerTo(request: Pick<ParsedPacket, 'messageId' | 'token'>, datagram: Buffer): Buffer {
  const rest = datagram.subarray(4 + (datagram[0]! & 0x0f));
  const head = Buffer.from(datagram.subarray(0, 4));
  head[0] = (head[0]! & 0xf0) | request.token.length;
  head.writeUInt16BE(request.messageId, 2);
  return Buffer.concat([head, request.token, rest]);
}

/** The captured notification of its own message ID, with the token of the observation. */
export function notificationFor(request: Pick<ParsedPacket, 'token'>, datagram: Buffer): Buffer {
  return inAnswerTo({ messageId: datagram.readUInt16BE(2), token: request.token }, datagram);
}

export function valuesOf(packet: ParsedPacket, name: OptionName): string[] {
  return packet.options.filter((option) => option.name === name).map(({ value }) => value.toString());
}

export function numberOf(packet: ParsedPacket, name: OptionName): number | undefined {
  const value = packet.options.find((option) => option.name === name)?.value;
  return value === undefined ? undefined : value.length === 0 ? 0 : value.readUIntBE(0, value.length);
}

/** `/3/0/9` */
export function pathOf(packet: ParsedPacket): string {
  return `/${valuesOf(packet, 'Uri-Path').join('/')}`;
}

/** An answer of a few words, for what was not captured. */
export function plainAnswer(
  request: ParsedPacket,
  code: string,
  payload: Buffer | string = '',
  options: { name: OptionName; value: Buffer }[] = [],
): Buffer {
  const { messageId, token } = request;
  return generate({ ack: true, code, messageId, token, options, payload: Buffer.from(payload) });
}

/** Answers one request of the gateway; undefined = silence. */
export type Answering = (request: ParsedPacket) => Buffer | undefined;

export class ReplayedDevice {
  readonly #socket: Socket;
  readonly #gateway: { hostname: string; port: number };
  /** Everything that came, oldest first. */
  readonly heard: ParsedPacket[] = [];

  private constructor(socket: Socket, gateway: URL, answering: Answering) {
    this.#socket = socket;
    this.#gateway = { hostname: gateway.hostname, port: Number(gateway.port) };
    socket.on('message', (bytes) => {
      const packet = parse(bytes);
      this.heard.push(packet);
      if (!packet.code.startsWith('0.') || packet.code === '0.00') return;
      const answer = answering(packet);
      if (answer) this.send(answer);
    });
  }

  static async open(gateway: string, answering: Answering): Promise<ReplayedDevice> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new ReplayedDevice(socket, new URL(gateway), answering);
  }

  send(datagram: Buffer): void {
    this.#socket.send(datagram, this.#gateway.port, this.#gateway.hostname);
  }

  /** Sends a captured request and waits for what is said to its message ID. */
  async ask(datagram: Buffer): Promise<ParsedPacket> {
    this.send(datagram);
    return this.answerTo(datagram.readUInt16BE(2));
  }

  answerTo(messageId: number): Promise<ParsedPacket> {
    return eventually(`an answer to message ${messageId}`, () =>
      this.heard.find((packet) => (packet.ack || packet.reset) && packet.messageId === messageId),
    );
  }

  /** The requests of the gateway for a path, oldest first. */
  requestsFor(path: string): ParsedPacket[] {
    return this.heard
      .filter(({ code, ack, reset }) => !ack && !reset && code !== '0.00')
      .filter((packet) => pathOf(packet) === path);
  }

  close(): void {
    this.#socket.close();
  }
}
