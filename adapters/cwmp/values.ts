/** Neutral values ⇄ text with xsi:type. The type that the CPE itself reports for a parameter wins over any other. */
import type { Value, ValueType } from '../../src/management/operation.ts';
import { isWritableTime, readBoolean, readInteger, readTime, unknownTime, writeTime } from './scalars.ts';

/** One parameter on the wire. */
export interface ParameterValue {
  name: string;
  value: string;
  /** Local part of xsi:type: `string`, `unsignedInt`; '' when the CPE gave none. */
  type: string;
}

/** How this CPE wants its values; from its profile. */
export interface LiteralStyle {
  /** `word`: true, false. `digit`: 1, 0 (quirk 10). */
  booleans: 'word' | 'digit';
}

export const defaultStyle: Readonly<LiteralStyle> = Object.freeze({ booleans: 'word' });

export class ValueError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ValueError';
  }
}

/** Ranges of the integer types of XML Schema that CWMP uses. */
const integers: Readonly<Record<string, readonly [bigint, bigint]>> = Object.freeze({
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  integer: [-(2n ** 63n), 2n ** 63n - 1n],
  long: [-(2n ** 63n), 2n ** 63n - 1n],
  unsignedInt: [0n, 2n ** 32n - 1n],
  unsignedLong: [0n, 2n ** 64n - 1n],
});

const knownTypes: ReadonlySet<string> = new Set([
  ...Object.keys(integers),
  'string',
  'boolean',
  'dateTime',
  'base64',
  'base64Binary',
  'hexBinary',
]);

/** Spellings in the field → the type of XML Schema. Others, `xsd:json` for example, are opaque text (quirk 13). */
const spellings: Readonly<Record<string, string>> = Object.freeze({
  bool: 'boolean',
  uint: 'unsignedInt',
  unsignedint: 'unsignedInt',
  unsignedlong: 'unsignedLong',
  datetime: 'dateTime',
  base64binary: 'base64Binary',
  hexbinary: 'hexBinary',
});

/** The type as XML Schema spells it; '' when it is none of CWMP's. */
export function knownType(type: string): string {
  if (knownTypes.has(type)) return type;
  const lower = type.toLowerCase();
  return spellings[lower] ?? (knownTypes.has(lower) ? lower : '');
}

/**
 * The neutral value of a parameter. `null`: the CPE says that it knows none (unknown time, empty number).
 * @param wanted type that the mapping states; it decides where the CPE says no type, or says "string"
 */
export function valueFromWire({ value, type }: Pick<ParameterValue, 'value' | 'type'>, wanted?: ValueType): Value {
  if (wanted === 'string') return value;
  const known = knownType(type);
  const read = known === '' || known === 'string' ? readAs(wireTypeOf(wanted), value) : readAs(known, value);
  return read === undefined ? value : read;
}

/** Undefined: the text is no such value, and stays text. */
function readAs(type: string, text: string): Value | undefined {
  if (type === 'string') return undefined;
  // Nothing in a place for a number, a switch or a time (quirk 8).
  if (text.trim() === '') return type.startsWith('base64') || type === 'hexBinary' ? { bytes: '' } : null;
  switch (type) {
    case 'boolean':
      return readBoolean(text);
    case 'dateTime':
      return timeFrom(text);
    case 'base64':
    case 'base64Binary':
      return bytesFrom(text.replaceAll(/\s/g, ''), 'base64');
    case 'hexBinary':
      return bytesFrom(text.trim(), 'hex');
    default: {
      const integer = readInteger(text);
      if (integer === undefined) return undefined;
      const number = Number(integer);
      return Number.isSafeInteger(number) ? number : { integer: String(integer) };
    }
  }
}

function timeFrom(text: string): Value | undefined {
  const time = readTime(text);
  if (time !== undefined) return { time };
  // The first years of our era: unknown, or relative to a start that only the CPE knows.
  return /^\s*-?0\d{3}-/.test(text) ? null : undefined;
}

function bytesFrom(text: string, encoding: 'base64' | 'hex'): Value | undefined {
  const valid = encoding === 'hex' ? /^(?:[0-9a-fA-F]{2})*$/ : /^[A-Za-z0-9+/]*={0,2}$/;
  return valid.test(text) ? { bytes: Buffer.from(text, encoding).toString('base64') } : undefined;
}

/** The type of XML Schema for a type of the mapping, for parameters that the CPE was never heard of. */
export function wireTypeOf(wanted: ValueType | undefined): string {
  switch (wanted) {
    case 'integer':
      return 'int';
    case 'unsigned':
      return 'unsignedInt';
    case 'boolean':
      return 'boolean';
    case 'time':
      return 'dateTime';
    case 'opaque':
      return 'base64';
    case 'float':
    case 'link':
    case 'string':
    case undefined:
      return 'string';
  }
}

/**
 * Text and type for SetParameterValues.
 * @param reported the type that the CPE gave for this parameter; '' = never heard
 * @throws ValueError with a sentence when the value cannot be said in the type
 */
export function valueToWire(
  name: string,
  value: Value,
  reported: string,
  wanted?: ValueType,
  style: LiteralStyle = defaultStyle,
): ParameterValue {
  const type = knownType(reported) || (reported === '' ? naturalType(value, wanted) : 'string');
  return { name, value: textFor(name, value, type, style), type: reported === '' ? type : reported };
}

function naturalType(value: Value, wanted: ValueType | undefined): string {
  if (wanted !== undefined && wanted !== 'float') return widened(wireTypeOf(wanted), value);
  switch (typeof value) {
    case 'boolean':
      return 'boolean';
    case 'number':
      return Number.isInteger(value) ? widened(value < 0 ? 'int' : 'unsignedInt', value) : 'string';
    default:
      if (value === null || typeof value === 'string') return 'string';
      if ('time' in value) return 'dateTime';
      if ('bytes' in value) return 'base64';
      return 'integer' in value ? (value.integer.startsWith('-') ? 'long' : 'unsignedLong') : 'string';
  }
}

/** A number beyond 32 bits needs the longer type. */
function widened(type: string, value: Value): string {
  if (type !== 'int' && type !== 'unsignedInt') return type;
  const integer = integerOf(value);
  if (integer === undefined || isWithin(integer, integers[type]!)) return type;
  return type === 'int' ? 'long' : 'unsignedLong';
}

function textFor(name: string, value: Value, type: string, style: LiteralStyle): string {
  const range = integers[type];
  if (range) {
    const integer = integerOf(value);
    if (integer === undefined || !isWithin(integer, range)) throw unsayable(name, type, value);
    return String(integer);
  }
  switch (type) {
    case 'boolean': {
      const truth = typeof value === 'boolean' ? value : readBoolean(String(plain(value) ?? ''));
      if (truth === undefined) throw unsayable(name, type, value);
      return style.booleans === 'digit' ? (truth ? '1' : '0') : String(truth);
    }
    case 'dateTime':
      return timeText(name, value);
    case 'base64':
    case 'base64Binary':
      return bytesOf(name, value, type).toString('base64');
    case 'hexBinary':
      return bytesOf(name, value, type).toString('hex').toUpperCase();
    default: {
      const text = plain(value);
      if (text === undefined) throw unsayable(name, 'string', value);
      return text;
    }
  }
}

function timeText(name: string, value: Value): string {
  if (value === null) return unknownTime;
  const seconds =
    typeof value === 'string' ? readTime(value) : typeof value === 'object' && 'time' in value ? value.time : undefined;
  if (seconds === undefined || !isWritableTime(seconds)) throw unsayable(name, 'dateTime', value);
  return writeTime(seconds);
}

function bytesOf(name: string, value: Value, type: string): Buffer {
  if (typeof value === 'object' && value !== null && 'bytes' in value) return Buffer.from(value.bytes, 'base64');
  if (typeof value === 'string') return Buffer.from(value, 'utf8');
  throw unsayable(name, type, value);
}

function integerOf(value: Value): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'string') return readInteger(value);
  return value !== null && 'integer' in value ? readInteger(value.integer) : undefined;
}

/** Text of a value that has one. */
function plain(value: Value): string | undefined {
  if (value === null) return '';
  if (typeof value !== 'object') return String(value);
  if ('integer' in value) return value.integer;
  if ('link' in value) return value.link;
  if ('time' in value) return isWritableTime(value.time) ? writeTime(value.time) : undefined;
  return 'bytes' in value ? value.bytes : undefined;
}

function isWithin(value: bigint, [from, to]: readonly [bigint, bigint]): boolean {
  return value >= from && value <= to;
}

function unsayable(name: string, type: string, value: Value): ValueError {
  const shown = JSON.stringify(value).slice(0, 60);
  return new ValueError(`${name}: ${shown} cannot be said as xsd:${type}; change the value`);
}
