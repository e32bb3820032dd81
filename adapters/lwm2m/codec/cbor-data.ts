/**
 * CBOR (RFC 8949) as far as LwM2M needs it: a reader with limits that keeps map keys of any type in order, and a writer. It
 * is on the path of every answer of an LwM2M 1.1 device, where `cbor2` takes longer than the whole exchange; the tests hold
 * it against `cbor2`.
 */
import { CodecError, codecLimits } from './codec-error.ts';

export type CborItem = string | number | bigint | boolean | null | Buffer | CborItem[] | CborMap;

export interface CborMap {
  readonly entries: [key: CborItem, value: CborItem][];
}

/** Items of one payload; a record of SenML has up to a dozen. */
const MAXIMUM_ITEMS = codecLimits.records * 12;

const BREAK = Symbol('break');

interface Reader {
  readonly buffer: Buffer;
  at: number;
  items: number;
}

/** @throws CodecError when it is not exactly one well-formed item within the limits. */
export function readCbor(payload: Buffer): CborItem {
  const reader: Reader = { buffer: payload, at: 0, items: 0 };
  const item = readItem(reader, 0);
  if (item === BREAK) throw new CodecError('CBOR ends a list that was not begun');
  if (reader.at !== payload.length) throw new CodecError(`CBOR is followed by ${payload.length - reader.at} octets`);
  return item;
}

function need(reader: Reader, octets: number): number {
  const start = reader.at;
  if (start + octets > reader.buffer.length) throw new CodecError(`CBOR ends inside an item at octet ${start}`);
  reader.at = start + octets;
  return start;
}

/** The argument of an item's head: a length, a count or a number. */
function readArgument(reader: Reader, information: number): number | bigint {
  const { buffer } = reader;
  if (information < 24) return information;
  switch (information) {
    case 24:
      return buffer.readUInt8(need(reader, 1));
    case 25:
      return buffer.readUInt16BE(need(reader, 2));
    case 26:
      return buffer.readUInt32BE(need(reader, 4));
    case 27: {
      const wide = buffer.readBigUInt64BE(need(reader, 8));
      return wide <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(wide) : wide;
    }
    default:
      throw new CodecError(`CBOR head ${information} is reserved`);
  }
}

function readLength(reader: Reader, information: number): number {
  const length = readArgument(reader, information);
  // Every item has one octet at least: a longer list cannot be in what is left.
  if (length > reader.buffer.length - reader.at) throw new CodecError('CBOR length reaches past the end');
  return Number(length);
}

function readItem(reader: Reader, depth: number): CborItem | typeof BREAK {
  if (++reader.items > MAXIMUM_ITEMS) throw new CodecError(`CBOR has more than ${MAXIMUM_ITEMS} items`);
  if (depth > codecLimits.depth) throw new CodecError(`CBOR is nested deeper than ${codecLimits.depth}`);
  const head = reader.buffer.readUInt8(need(reader, 1));
  const information = head & 0x1f;
  switch (head >> 5) {
    case 0:
      return readArgument(reader, information);
    case 1:
      return negative(readArgument(reader, information));
    case 2:
      return readOctets(reader, information, 2);
    case 3:
      return readOctets(reader, information, 3).toString('utf8');
    case 4:
      return readArray(reader, information, depth);
    case 5:
      return readMap(reader, information, depth);
    case 6:
      return readTag(reader, readArgument(reader, information), depth);
    default:
      return readSimple(reader, information);
  }
}

function negative(argument: number | bigint): number | bigint {
  if (typeof argument === 'number') return argument < Number.MAX_SAFE_INTEGER ? -1 - argument : -1n - BigInt(argument);
  return -1n - argument;
}

/** Octets of a string of either major type; of indefinite length in chunks. */
function readOctets(reader: Reader, information: number, major: number): Buffer {
  if (information !== 31) return slice(reader, readLength(reader, information));
  const chunks: Buffer[] = [];
  for (;;) {
    const head = reader.buffer.readUInt8(need(reader, 1));
    if (head === 0xff) return Buffer.concat(chunks);
    if (head >> 5 !== major || (head & 0x1f) === 31) throw new CodecError('CBOR string has a chunk of another type');
    if (++reader.items > MAXIMUM_ITEMS) throw new CodecError(`CBOR has more than ${MAXIMUM_ITEMS} items`);
    chunks.push(slice(reader, readLength(reader, head & 0x1f)));
  }
}

function slice(reader: Reader, length: number): Buffer {
  const start = need(reader, length);
  return reader.buffer.subarray(start, start + length);
}

function readArray(reader: Reader, information: number, depth: number): CborItem[] {
  const count = information === 31 ? Infinity : readLength(reader, information);
  const items: CborItem[] = [];
  while (items.length < count) {
    const item = readItem(reader, depth + 1);
    if (item === BREAK) {
      if (count === Infinity) return items;
      throw new CodecError('CBOR ends a list of known length early');
    }
    items.push(item);
  }
  return items;
}

function readMap(reader: Reader, information: number, depth: number): CborMap {
  const count = information === 31 ? Infinity : readLength(reader, information);
  const entries: [CborItem, CborItem][] = [];
  while (entries.length < count) {
    const key = readItem(reader, depth + 1);
    if (key === BREAK && count === Infinity) break;
    const value = key === BREAK ? BREAK : readItem(reader, depth + 1);
    if (key === BREAK || value === BREAK) throw new CodecError('CBOR map ends before its last value');
    entries.push([key, value]);
  }
  return { entries };
}

/** Tags that a value of LwM2M may have: seconds, big numbers, decimal fractions (RFC 8428 clause 6), "this is CBOR". */
function readTag(reader: Reader, tag: number | bigint, depth: number): CborItem {
  const content = readItem(reader, depth + 1);
  if (content === BREAK) throw new CodecError('CBOR tag has no content');
  if ((tag === 1 && (typeof content === 'number' || typeof content === 'bigint')) || tag === 55_799) return content;
  if ((tag === 2 || tag === 3) && Buffer.isBuffer(content) && content.length <= 16) {
    const magnitude = content.length === 0 ? 0n : BigInt(`0x${content.toString('hex')}`);
    const value = tag === 2 ? magnitude : -1n - magnitude;
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
  if (tag === 4 && Array.isArray(content) && content.length === 2) {
    const [exponent, mantissa] = content;
    if (
      typeof exponent === 'number' &&
      Math.abs(exponent) <= 400 &&
      (typeof mantissa === 'number' || typeof mantissa === 'bigint')
    ) {
      return Number(`${mantissa}e${exponent}`);
    }
  }
  throw new CodecError(`CBOR tag ${tag} with this content is no value of LwM2M`);
}

function readSimple(reader: Reader, information: number): CborItem | typeof BREAK {
  const { buffer } = reader;
  switch (information) {
    case 20:
      return false;
    case 21:
      return true;
    case 22:
    case 23:
      return null;
    case 25:
      return readHalf(buffer.readUInt16BE(need(reader, 2)));
    case 26:
      return buffer.readFloatBE(need(reader, 4));
    case 27:
      return buffer.readDoubleBE(need(reader, 8));
    case 31:
      return BREAK;
    default:
      throw new CodecError(`CBOR simple value ${information} is no value of LwM2M`);
  }
}

function readHalf(bits: number): number {
  const sign = (bits & 0x80_00) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3_ff;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

function writeHead(major: number, argument: number | bigint): Buffer {
  const number = BigInt(argument);
  const type = major << 5;
  if (number < 24n) return Buffer.from([type | Number(number)]);
  const width = number < 0x1_00n ? 1 : number < 0x1_00_00n ? 2 : number < 0x1_00_00_00_00n ? 4 : 8;
  if (number > 0xff_ff_ff_ff_ff_ff_ff_ffn) throw new CodecError(`${argument} does not fit into 64 bits`);
  const head = Buffer.allocUnsafe(9);
  head[0] = type | (width === 1 ? 24 : width === 2 ? 25 : width === 4 ? 26 : 27);
  if (width === 8) head.writeBigUInt64BE(number, 1);
  else head.writeUIntBE(Number(number), 1, width);
  return head.subarray(0, 1 + width);
}

export function writeCborInteger(value: number | bigint): Buffer {
  const number = BigInt(value);
  return number >= 0n ? writeHead(0, number) : writeHead(1, -1n - number);
}

/** Single precision where it loses nothing, else double; never an integer, so that the device sees a float. */
export function writeCborFloat(value: number): Buffer {
  const isSingle = Math.fround(value) === value;
  const octets = Buffer.allocUnsafe(isSingle ? 5 : 9);
  octets[0] = isSingle ? 0xfa : 0xfb;
  if (isSingle) octets.writeFloatBE(value, 1);
  else octets.writeDoubleBE(value, 1);
  return octets;
}

export function writeCborText(text: string): Buffer {
  const octets = Buffer.from(text, 'utf8');
  return Buffer.concat([writeHead(3, octets.length), octets]);
}

export function writeCborBytes(octets: Uint8Array): Buffer {
  return Buffer.concat([writeHead(2, octets.length), octets]);
}

export function writeCborBoolean(value: boolean): Buffer {
  return Buffer.from([value ? 0xf5 : 0xf4]);
}

export function writeCborArray(items: readonly Buffer[]): Buffer {
  return Buffer.concat([writeHead(4, items.length), ...items]);
}

/** Entries are encoded key and value in turn. */
export function writeCborMap(entries: readonly (readonly [Buffer, Buffer])[]): Buffer {
  return Buffer.concat([writeHead(5, entries.length), ...entries.flat()]);
}
