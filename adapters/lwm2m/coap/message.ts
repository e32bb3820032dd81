/**
 * CoAP messages (RFC 7252) with their options as typed fields, from datagrams and to datagrams. It happens for every one of them, so it is
 * done in one pass; `coap-packet`, which the simulators use, would also cut off in silence what runs past the end.
 */
import type { DropReason } from './drop-reasons.ts';

export type MessageType = 'CON' | 'NON' | 'ACK' | 'RST';

/** Block1 and Block2 (RFC 7959 2.2). Block size is `16 << exponent`. */
export interface Block {
  number: number;
  more: boolean;
  exponent: number;
}

export interface MessageOptions {
  path?: string[];
  query?: string[];
  contentFormat?: number;
  accept?: number;
  observe?: number;
  block1?: Block;
  block2?: Block;
  etag?: Buffer;
  maxAge?: number;
  size1?: number;
  size2?: number;
  locationPath?: string[];
}

export interface CoapMessage {
  type: MessageType;
  /** `0.01`, `2.05`; `0.00` = empty. */
  code: string;
  messageId: number;
  token: Buffer;
  options: MessageOptions;
  payload: Buffer;
  /** A critical option that cannot be honoured, and the code that says so. */
  problem?: { code: '4.00' | '4.02' | '5.05'; explanation: string };
}

export const emptyBuffer = Buffer.alloc(0);
const maximumOptions = 64;
const noOptions: MessageOptions = Object.freeze({});
const types = ['CON', 'NON', 'ACK', 'RST'] as const;

/** By their octet: `0.01`, `2.05`. */
const codes: readonly string[] = Array.from(
  { length: 256 },
  (_, octet) => `${octet >> 5}.${String(octet & 31).padStart(2, '0')}`,
);
const codeOctets: ReadonlyMap<string, number> = new Map(codes.map((code, octet) => [code, octet]));

/** Reads a datagram; a reason instead of a message when it is none. Never throws. */
export function parseMessage(bytes: Buffer): CoapMessage | DropReason {
  if (bytes.length < 4) return 'too-short';
  const first = bytes[0]!;
  const codeNumber = bytes[1]!;
  if (first >> 6 !== 1) return 'wrong-version';
  const type = types[(first >> 4) & 3]!;
  const messageId = (bytes[2]! << 8) | bytes[3]!;
  if (codeNumber === 0) {
    if (bytes.length !== 4 || type === 'NON') return 'bad-empty-message';
    return { type, code: '0.00', messageId, token: emptyBuffer, options: noOptions, payload: emptyBuffer };
  }
  const codeClass = codeNumber >> 5;
  if (codeClass === 1 || codeClass > 5) return 'reserved-code';
  // An ACK carries a response or nothing, an RST nothing (RFC 7252 4.3).
  if (type === 'RST' || (type === 'ACK' && codeClass === 0)) return 'reserved-code';
  const tokenLength = first & 15;
  if (tokenLength > 8) return 'bad-token-length';
  const start = 4 + tokenLength;
  if (bytes.length < start) return 'too-short';
  const token = tokenLength === 0 ? emptyBuffer : bytes.subarray(4, start);
  const message: CoapMessage = { type, code: codes[codeNumber]!, messageId, token, options: {}, payload: emptyBuffer };
  return readOptions(bytes, start, message) ?? message;
}

/** Options, then the payload (RFC 7252 3.1). Nothing that runs past the end of the datagram is taken. */
function readOptions(bytes: Buffer, start: number, message: CoapMessage): DropReason | undefined {
  const end = bytes.length;
  let at = start;
  let number = 0;
  for (let count = 0; at < end; count++) {
    const head = bytes[at]!;
    if (head === 0xff) {
      if (at + 1 === end) return 'bad-payload';
      message.payload = bytes.subarray(at + 1);
      return undefined;
    }
    if (count >= maximumOptions) return 'too-many-options';
    let delta = head >> 4;
    let length = head & 15;
    if (delta === 15 || length === 15) return 'bad-options';
    at++;
    if (delta === 13) delta = 13 + (bytes[at++] ?? 0);
    else if (delta === 14) {
      delta = 269 + ((bytes[at] ?? 0) << 8) + (bytes[at + 1] ?? 0);
      at += 2;
    }
    if (length === 13) length = 13 + (bytes[at++] ?? 0);
    else if (length === 14) {
      length = 269 + ((bytes[at] ?? 0) << 8) + (bytes[at + 1] ?? 0);
      at += 2;
    }
    number += delta;
    if (at + length > end || number > 0xffff) return 'bad-options';
    foldOption(message, number, bytes, at, at + length);
    at += length;
  }
  return undefined;
}

/** Message ID of a datagram that could not be read, when its header says that it is confirmable. */
export function confirmableMessageId(bytes: Buffer): number | undefined {
  return bytes.length >= 4 && bytes[0]! >> 4 === 0b0100 ? bytes.readUInt16BE(2) : undefined;
}

/** Option numbers: RFC 7252 5.10, RFC 7641 2, RFC 7959 2.1 and 4. */
const Option = {
  URI_HOST: 3,
  ETAG: 4,
  OBSERVE: 6,
  URI_PORT: 7,
  LOCATION_PATH: 8,
  URI_PATH: 11,
  CONTENT_FORMAT: 12,
  MAX_AGE: 14,
  URI_QUERY: 15,
  ACCEPT: 17,
  BLOCK2: 23,
  BLOCK1: 27,
  SIZE2: 28,
  PROXY_URI: 35,
  PROXY_SCHEME: 39,
  SIZE1: 60,
} as const;

/** An elective option that is malformed counts as absent, a critical one is a problem of the message (RFC 7252 5.4.1). */
function foldOption(message: CoapMessage, option: number, bytes: Buffer, start: number, end: number): void {
  const options = message.options;
  const length = end - start;
  switch (option) {
    case Option.URI_PATH:
      if (length > 255) return critical(message, 'Uri-Path');
      (options.path ??= []).push(bytes.toString('utf8', start, end));
      return;
    case Option.URI_QUERY:
      if (length > 255) return critical(message, 'Uri-Query');
      (options.query ??= []).push(bytes.toString('utf8', start, end));
      return;
    case Option.LOCATION_PATH:
      if (length <= 255) (options.locationPath ??= []).push(bytes.toString('utf8', start, end));
      return;
    case Option.CONTENT_FORMAT:
      if (length <= 2 && options.contentFormat === undefined) options.contentFormat = readUint(bytes, start, end);
      return;
    case Option.ACCEPT:
      if (length > 2 || options.accept !== undefined) return critical(message, 'Accept');
      options.accept = readUint(bytes, start, end);
      return;
    case Option.OBSERVE:
      if (length <= 3 && options.observe === undefined) options.observe = readUint(bytes, start, end);
      return;
    case Option.BLOCK1:
      if (length > 3 || options.block1) return critical(message, 'Block1');
      options.block1 = readBlock(bytes, start, end);
      if (options.block1.exponent === 7) message.problem = reservedBlockSize;
      return;
    case Option.BLOCK2:
      if (length > 3 || options.block2) return critical(message, 'Block2');
      options.block2 = readBlock(bytes, start, end);
      if (options.block2.exponent === 7) message.problem = reservedBlockSize;
      return;
    case Option.ETAG:
      if (length >= 1 && length <= 8) options.etag ??= bytes.subarray(start, end);
      return;
    case Option.MAX_AGE:
      if (length <= 4) options.maxAge = readUint(bytes, start, end);
      return;
    case Option.SIZE1:
      if (length <= 4) options.size1 = readUint(bytes, start, end);
      return;
    case Option.SIZE2:
      if (length <= 4) options.size2 = readUint(bytes, start, end);
      return;
    case Option.URI_HOST:
    case Option.URI_PORT:
      return; // one host, one port: whoever reaches us means us
    case Option.PROXY_URI:
    case Option.PROXY_SCHEME:
      message.problem = { code: '5.05', explanation: 'this server is no proxy' };
      return;
    default:
      if (option % 2 === 1) critical(message, namedCritical[option] ?? String(option)); // RFC 7252 5.4.1
  }
}

/** Critical options that have a name and are of no use here. */
const namedCritical: Readonly<Record<number, string>> = {
  1: 'If-Match',
  5: 'If-None-Match',
  9: 'OSCORE',
  19: 'Q-Block1',
  31: 'Q-Block2',
};

const reservedBlockSize = Object.freeze({ code: '4.00', explanation: 'block size exponent 7 is reserved' } as const);

function critical(message: CoapMessage, name: string): void {
  message.problem ??= { code: '4.02', explanation: `option ${name} is not supported, or malformed` };
}

/** At most four octets. */
function readUint(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) value = value * 256 + bytes[at]!;
  return value;
}

function readBlock(bytes: Buffer, start: number, end: number): Block {
  const number = readUint(bytes, start, end);
  return { number: number >>> 4, more: (number & 8) !== 0, exponent: number & 7 };
}

/** Octets of a message. Throws RangeError for options that cannot be written; callers pass checked values. */
export function encodeMessage(
  type: MessageType,
  code: string,
  messageId: number,
  token: Buffer,
  options: MessageOptions,
  payload: Buffer,
): Buffer {
  writer.begin(0x40 | (typeNumbers[type] << 4) | token.length, codeOctets.get(code) ?? 0, messageId, token);
  writeOptions(options);
  return writer.end(payload);
}

const maximumMessage = 65_507;
const typeNumbers = { CON: 0, NON: 1, ACK: 2, RST: 3 } as const;

/** Writes one message after the other into one room, and hands out copies. Options in order of their numbers. */
class MessageWriter {
  readonly #bytes = Buffer.allocUnsafe(maximumMessage);
  #at = 0;
  #number = 0;

  begin(first: number, code: number, messageId: number, token: Buffer): void {
    const bytes = this.#bytes;
    bytes[0] = first;
    bytes[1] = code;
    bytes[2] = messageId >> 8;
    bytes[3] = messageId & 0xff;
    bytes.set(token, 4);
    this.#at = 4 + token.length;
    this.#number = 0;
  }

  uint(number: number, value: number): void {
    const length = value === 0 ? 0 : value <= 0xff ? 1 : value <= 0xffff ? 2 : value <= 0xffffff ? 3 : 4;
    this.#head(number, length);
    if (length > 0) this.#at = this.#bytes.writeUIntBE(value, this.#at, length);
  }

  octets(number: number, value: Buffer): void {
    this.#head(number, value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  end(payload: Buffer): Buffer {
    const marker = payload.length > 0 ? 1 : 0;
    this.#reserve(marker + payload.length);
    const message = Buffer.allocUnsafe(this.#at + marker + payload.length);
    // Mostly a few dozen octets: a loop is faster than a call.
    for (let at = 0; at < this.#at; at++) message[at] = this.#bytes[at]!;
    if (marker) {
      message[this.#at] = 0xff;
      message.set(payload, this.#at + 1);
    }
    return message;
  }

  /** RFC 7252 3.1. */
  #head(number: number, length: number): void {
    const delta = number - this.#number;
    this.#number = number;
    this.#reserve(5 + length);
    this.#bytes[this.#at++] = (nibble(delta) << 4) | nibble(length);
    this.#extra(delta);
    this.#extra(length);
  }

  #extra(value: number): void {
    if (value < 13) return;
    if (value < 269) this.#bytes[this.#at++] = value - 13;
    else this.#at = this.#bytes.writeUInt16BE(value - 269, this.#at);
  }

  #reserve(octets: number): void {
    if (this.#at + octets > maximumMessage) {
      throw new RangeError(`a message of ${this.#at + octets} octets does not fit into a datagram`);
    }
  }
}

const writer = new MessageWriter();

function nibble(value: number): number {
  return value < 13 ? value : value < 269 ? 13 : 14;
}

function writeOptions(options: MessageOptions): void {
  if (options.etag) writer.octets(Option.ETAG, options.etag);
  if (options.observe !== undefined) writer.uint(Option.OBSERVE, options.observe);
  if (options.locationPath) for (const part of options.locationPath) writer.octets(Option.LOCATION_PATH, text(part));
  if (options.path) for (const segment of options.path) writer.octets(Option.URI_PATH, text(segment));
  if (options.contentFormat !== undefined) writer.uint(Option.CONTENT_FORMAT, options.contentFormat);
  if (options.maxAge !== undefined) writer.uint(Option.MAX_AGE, options.maxAge);
  if (options.query) for (const part of options.query) writer.octets(Option.URI_QUERY, text(part));
  if (options.accept !== undefined) writer.uint(Option.ACCEPT, options.accept);
  if (options.block2) writer.uint(Option.BLOCK2, blockNumber(options.block2));
  if (options.block1) writer.uint(Option.BLOCK1, blockNumber(options.block1));
  if (options.size2 !== undefined) writer.uint(Option.SIZE2, options.size2);
  if (options.size1 !== undefined) writer.uint(Option.SIZE1, options.size1);
}

function blockNumber(value: Block): number {
  return value.number * 16 + (value.more ? 8 : 0) + value.exponent;
}

/** An empty message: ACK, RST, or CON as a ping. */
export function encodeEmpty(type: 'CON' | 'ACK' | 'RST', messageId: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes[0] = type === 'CON' ? 0x40 : type === 'ACK' ? 0x60 : 0x70;
  bytes[1] = 0;
  bytes.writeUInt16BE(messageId, 2);
  return bytes;
}

/** Path segments and queries repeat: `3`, `0`, `rd`. Bounded, and dropped as a whole when full. */
const texts = new Map<string, Buffer>();

function text(value: string): Buffer {
  let bytes = texts.get(value);
  if (!bytes) {
    bytes = Buffer.from(value, 'utf8');
    if (texts.size >= 1024) texts.clear();
    if (value.length <= 16) texts.set(value, bytes);
  }
  return bytes;
}
