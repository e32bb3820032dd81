/** Neutral values ⇄ values of nodes (TS-0005 5.1; OMA DM TND 1.2, 7.7.2). The format that the device says wins over the mapping. */
import type { Value, ValueType } from '../../src/management/operation.ts';
import type { Format, NodeValue } from './exchange.ts';

export class ValueError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ValueError';
  }
}

/** `int` has 32 bits with a sign (TS-0005 5.1). */
const smallest = -(2n ** 31n);
const largest = 2n ** 31n - 1n;

const canonicalInteger = /^(?:0|-?[1-9]\d{0,15})$/;
const anyInteger = /^\s*([+-]?)0*(\d{1,20})\s*$/;
const anyNumber = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?\s*$/;

/** `null`: the node has no value. What cannot be read as what it should be stays text. */
export function valueFromNode(node: NodeValue, wanted?: ValueType): Value {
  const { format } = node;
  if (format === 'null') return null;
  if (wanted === 'opaque' || format === 'b64' || format === 'bin') {
    if (wanted !== undefined && wanted !== 'opaque') return readText(textOf(node), wanted);
    return { bytes: octetsOf(node).toString('base64') };
  }
  const text = textOf(node);
  if (wanted !== undefined) return readText(text, wanted);
  switch (format) {
    case 'int':
      return readText(text, 'integer');
    case 'bool':
      return readText(text, 'boolean');
    case 'float':
      return readText(text, 'float');
    default:
      // What a status is read from has no type in the mapping, and some devices say `chr` of every node.
      return canonicalInteger.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : text;
  }
}

/** Text of a node, whatever its format. Some clients end it with NUL. */
export function textOf({ text, octets }: NodeValue): string {
  const plain = text ?? (octets ? Buffer.from(octets).toString('utf8') : '');
  return plain.replace(/\0+$/, '');
}

function octetsOf({ text, octets }: NodeValue): Buffer {
  return octets ? Buffer.from(octets) : Buffer.from(text ?? '', 'utf8');
}

function readText(text: string, wanted: ValueType): Value {
  if (wanted === 'string') return text;
  if (text.trim() === '') return null;
  switch (wanted) {
    case 'integer':
    case 'unsigned':
      return readInteger(text) ?? text;
    case 'float':
      return anyNumber.test(text) ? Number(text) : text;
    case 'boolean':
      return readBoolean(text) ?? text;
    case 'time': {
      const time = readTime(text);
      return time === undefined ? text : { time };
    }
    case 'link':
      return { link: text };
    case 'opaque':
      return { bytes: Buffer.from(text, 'utf8').toString('base64') };
  }
}

function readInteger(text: string): Value | undefined {
  const integer = bigOf(text);
  if (integer === undefined) return undefined;
  const number = Number(integer);
  return Number.isSafeInteger(number) ? number : { integer: String(integer) };
}

function bigOf(text: string): bigint | undefined {
  const digits = anyInteger.exec(text);
  if (!digits) return undefined;
  const value = BigInt(digits[2]!);
  return digits[1] === '-' ? -value : value;
}

export function readBoolean(text: string | undefined): boolean | undefined {
  switch (text?.trim().toLowerCase()) {
    case 'true':
    case '1':
      return true;
    case 'false':
    case '0':
      return false;
    default:
      return undefined;
  }
}

/** Seconds since 1970 of `2026-11-22`, `2026-11-22T04:00:00Z` and their basic forms; without a zone UTC is taken. */
function readTime(text: string): number | undefined {
  const parts = /^(\d{4})-?(\d{2})-?(\d{2})(?:T(\d{2}):?(\d{2}):?(\d{2})(?:[.,]\d{1,9})?(Z|[+-]\d{2}:?\d{2})?)?$/.exec(
    text.trim(),
  );
  if (!parts) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0)) as Moment;
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 24 || minute > 59 || second > 60) return undefined;
  const zone = /^([+-])(\d{2}):?(\d{2})$/.exec(parts[7] ?? '');
  const offset = zone ? (zone[1] === '-' ? -1 : 1) * (Number(zone[2]) * 60 + Number(zone[3])) * 60 : 0;
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - offset;
}

type Moment = [number, number, number, number, number, number];

/** The format that a device expects of a value, as long as it has not said another one. */
export function formatFor(value: Value, wanted?: ValueType): Format {
  switch (wanted) {
    case 'integer':
    case 'unsigned':
      return 'int';
    case 'float':
      return 'float';
    case 'boolean':
      return 'bool';
    case 'opaque':
      return 'bin';
    case 'string':
    case 'link':
    case 'time':
      return 'chr';
    case undefined:
      break;
  }
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float';
  if (value === null) return 'null';
  if (typeof value === 'object' && 'bytes' in value) return 'bin';
  return typeof value === 'object' && 'integer' in value ? 'int' : 'chr';
}

/** @throws ValueError with a sentence when the value cannot be said in the format */
export function nodeFromValue(path: string, value: Value, format: string): NodeValue {
  switch (format) {
    case 'int': {
      const integer = integerOf(value);
      if (integer === undefined || integer < smallest || integer > largest) throw unsayable(path, format, value);
      return { format, text: String(integer) };
    }
    case 'bool': {
      const truth = typeof value === 'boolean' ? value : readBoolean(plain(value));
      if (truth === undefined) throw unsayable(path, format, value);
      return { format, text: String(truth) };
    }
    case 'float': {
      const text = plain(value) ?? '';
      if (!anyNumber.test(text)) throw unsayable(path, format, value);
      return { format, text };
    }
    case 'bin':
    case 'b64':
      return { format, type: 'application/octet-stream', octets: bytesOf(path, value, format) };
    case 'null':
      return { format };
    default: {
      const text = plain(value);
      if (text === undefined) throw unsayable(path, format, value);
      return { format, type: 'text/plain', text };
    }
  }
}

function bytesOf(path: string, value: Value, format: string): Uint8Array {
  if (typeof value === 'object' && value !== null && 'bytes' in value) return Buffer.from(value.bytes, 'base64');
  if (typeof value === 'string') return Buffer.from(value, 'utf8');
  throw unsayable(path, format, value);
}

function integerOf(value: Value): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'string') return bigOf(value);
  return value !== null && 'integer' in value ? bigOf(value.integer) : undefined;
}

/** Text of a value that has one. */
function plain(value: Value): string | undefined {
  if (value === null) return '';
  if (typeof value !== 'object') return String(value);
  if ('integer' in value) return value.integer;
  if ('link' in value) return value.link;
  if ('time' in value) {
    const isSayable = value.time >= -62_135_596_800 && value.time <= 253_402_300_799;
    return isSayable ? `${new Date(Math.floor(value.time) * 1000).toISOString().slice(0, 19)}Z` : undefined;
  }
  return 'bytes' in value ? value.bytes : undefined;
}

function unsayable(path: string, format: string, value: Value): ValueError {
  const shown = JSON.stringify(value).slice(0, 60);
  return new ValueError(`${path}: ${shown} cannot be said as ${format}; change the value`);
}
