/**
 * What the words of a mapping row cannot say, as named functions (`convert: logStatusBits`). Each turns a device's value
 * into an attribute's value, and back where the attribute can be written.
 */
import type { Json } from '../onem2m/primitive.ts';
import type { Value } from './operation.ts';

/** A value cannot be said on the other side; the message is a sentence without its subject. */
export class ConversionFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConversionFailure';
  }
}

export interface NamedConversion {
  /** Throws `ConversionFailure`. */
  fromDevice(value: Value): Json;
  /** Absent: the attribute is read only with this conversion. Throws `ConversionFailure`. */
  toDevice?(value: Json): Value;
}

/**
 * Bits of LogStatus (resource 4013 of LwM2M object 20: 1 stopped, 2 data is valid, 4 error) → m2m:logStatus:
 * 5 Error, 1 Started, 4 NotPresent, 2 Stopped (TS-0004 6.3.4.2.24).
 */
const logStatusBits: NamedConversion = {
  fromDevice(value) {
    const bits = integerOf(value);
    if (bits < 0 || bits > 255) throw new ConversionFailure(`is ${bits}, which is no set of 8 bits`);
    if (bits & 4) return 5;
    if (!(bits & 1)) return 1;
    return bits & 2 ? 2 : 4;
  },
};

/**
 * `"0"`, `"1"` or `"0 1"`, also as one instance per item or with commas ⇄ list of booleans (TS-0004 D.12.6,
 * limitsDelAggregation). Written as one text, which every form of it takes.
 */
const delAggregation: NamedConversion = {
  fromDevice(value) {
    const text = itemsOf(value).map(textOf).join(' ');
    const items = text.split(/[\s,]+/).filter((item) => item !== '');
    return items.map((item) => {
      if (item === '0' || item === 'false') return false;
      if (item === '1' || item === 'true') return true;
      throw new ConversionFailure(`holds ${quoted(item)} where 0 or 1 belongs`);
    });
  },
  toDevice(value) {
    if (!Array.isArray(value)) throw new ConversionFailure('is no list of booleans');
    return { instances: { 0: value.map((item) => (item === true ? '1' : '0')).join(' ') } };
  },
};

/** `"0 1"` as plain text: the form of `delAggregation` for a leg without instances. */
const delAggregationText: NamedConversion = {
  fromDevice: delAggregation.fromDevice,
  toDevice(value) {
    if (!Array.isArray(value)) throw new ConversionFailure('is no list of booleans');
    return value.map((item) => (item === true ? '1' : '0')).join(' ');
  },
};

/** Three integers in one text, `"1000 500 60000"` ⇄ the back-off parameters of the default action (TS-0004 D.12.8), ms. */
const backOffTriple: NamedConversion = {
  fromDevice(value) {
    const numbers = textOf(value)
      .trim()
      .split(/[\s,]+/)
      .map(Number);
    const [initial, additional, maximum] = numbers;
    if (numbers.length !== 3 || numbers.some((number) => !Number.isSafeInteger(number))) {
      throw new ConversionFailure(`is ${quoted(textOf(value))}; three integers belong there`);
    }
    return {
      backOffParametersSet: [
        {
          initialBackoffTime: initial ?? 0,
          additionalBackoffTime: additional ?? 0,
          maximumBackoffTime: maximum ?? 0,
        },
      ],
    };
  },
  toDevice(value) {
    const set = isObject(value) ? value['backOffParametersSet'] : undefined;
    const only = Array.isArray(set) && set.length === 1 ? set[0] : undefined;
    if (!isObject(only))
      throw new ConversionFailure('holds more or less than one set of parameters; the device takes one');
    if ('networkAction' in only || 'optionalRandomBackoffTime' in only) {
      throw new ConversionFailure('has networkAction or optionalRandomBackoffTime, for which the device has no place');
    }
    return ['initialBackoffTime', 'additionalBackoffTime', 'maximumBackoffTime']
      .map((name) => String(only[name]))
      .join(' ');
  },
};

/** A list of anything in one text: a single string as it is, everything else as JSON. */
const anyList: NamedConversion = {
  fromDevice(value) {
    const text = textOf(value);
    if (text === '') return [];
    const parsed = text.startsWith('[') ? parsedOr(text, undefined) : undefined;
    return Array.isArray(parsed) ? parsed : [text];
  },
  toDevice(value) {
    if (!Array.isArray(value)) throw new ConversionFailure('is no list');
    const [first] = value;
    if (value.length === 0) return '';
    return value.length === 1 && typeof first === 'string' && first !== '' && !first.startsWith('[')
      ? first
      : JSON.stringify(value);
  },
};

const named: Readonly<Record<string, NamedConversion>> = {
  logStatusBits,
  delAggregation,
  delAggregationText,
  backOffTriple,
  anyList,
};

export const conversionNames: readonly string[] = Object.keys(named);

/** Undefined: no conversion of that name. */
export function conversionNamed(name: string): NamedConversion | undefined {
  return Object.hasOwn(named, name) ? named[name] : undefined;
}

/** anyType: text as it is; text that is a JSON object or list as what it says. */
export function anyFromText(text: string): Json {
  return /^[[{]/.test(text) ? parsedOr(text, text) : text;
}

/** `YYYYMMDDThhmmss[,ffffff]` (TS-0004 6.3.3) ⇄ seconds since 1970, UTC. */
export function secondsFromTimestamp(text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(?:,\d{1,6})?$/.exec(text);
  if (!match) throw new ConversionFailure(`is ${quoted(text)}; a time is written 20260131T235959`);
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const time = new Date(0);
  time.setUTCFullYear(year, month - 1, day);
  time.setUTCHours(hour, minute, second);
  if (time.getUTCMonth() !== month - 1 || time.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) {
    throw new ConversionFailure(`is ${quoted(text)}, which is no day or no time of day`);
  }
  return time.getTime() / 1000;
}

export function timestampFromSeconds(seconds: number): string {
  // Years 0 to 9999 have a form; a broken clock has not.
  if (!(seconds >= -62_167_219_200 && seconds < 253_402_300_800)) {
    throw new ConversionFailure(`is ${seconds} s since 1970, which is no year of four digits`);
  }
  return new Date(Math.floor(seconds) * 1000).toISOString().replaceAll(/[-:]/g, '').slice(0, 15);
}

/** A list joined by commas, a comma inside an item as `%2C` (TR-106 3.2.3). */
export function joinWithCommas(items: readonly string[]): string {
  return items.map((item) => item.replaceAll('%', '%25').replaceAll(',', '%2C')).join(',');
}

export function splitAtCommas(text: string): string[] {
  if (text.trim() === '') return [];
  return text.split(',').map((item) => item.trim().replaceAll(/%2c/gi, ',').replaceAll('%25', '%'));
}

/** Items of a multiple-instance value in order of their numbers; any other value is its only item. */
export function itemsOf(value: Value): Value[] {
  if (value === null || typeof value !== 'object' || !('instances' in value)) return [value];
  const instances = value.instances;
  return Object.keys(instances)
    .sort((a, b) => Number(a) - Number(b) || (a < b ? -1 : 1))
    .map((key) => instances[key] ?? null);
}

/** Any single value as text. */
export function textOf(value: Value): string {
  if (value === null) return '';
  if (typeof value !== 'object') return String(value);
  if ('bytes' in value) return value.bytes;
  if ('time' in value) return timestampFromSeconds(value.time);
  if ('link' in value) return value.link;
  if ('integer' in value) return value.integer;
  throw new ConversionFailure('has several instances where one value belongs');
}

/** An integer in the safe range, from a number or its decimal text. */
export function integerOf(value: Value): number {
  const number =
    typeof value === 'number'
      ? value
      : typeof value === 'boolean'
        ? Number(value)
        : numberFromDecimal(textOf(value).trim());
  if (!Number.isSafeInteger(number))
    throw new ConversionFailure(`is ${quoted(textOf(value))}; an integer below 2^53 belongs there`);
  return number;
}

/** A boolean, from itself, 0 and 1, or the words true and false. */
export function booleanOf(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  const text = textOf(value).trim().toLowerCase();
  if (text === '1' || text === 'true') return true;
  if (text === '0' || text === 'false') return false;
  throw new ConversionFailure(`is ${quoted(textOf(value))}; true or false belongs there`);
}

export function isObject(value: unknown): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** For sentences: short, in quotes. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}

function numberFromDecimal(text: string): number {
  return /^[+-]?\d{1,20}$/.test(text) ? Number(text) : Number.NaN;
}

function parsedOr<Otherwise>(text: string, otherwise: Otherwise): Json | Otherwise {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return otherwise; // text that only looks like JSON
  }
}
