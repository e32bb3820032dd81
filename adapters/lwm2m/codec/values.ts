/**
 * Values between the wire and the neutral form of an operation. Two directions: `interpret` gives a value that carries
 * its own wire type (JSON, CBOR) the type that the object model states; `conform` prepares a neutral value for a format.
 */
import type { Value, ValueType } from '../../../src/management/operation.ts';
import { CodecError, quote } from './codec-error.ts';

/** A value as JSON and CBOR have it. */
export type WireValue = string | number | bigint | boolean | null | Uint8Array;

/** A neutral value that fits its type: what the encoders write. */
export type Scalar =
  | { type: 'string'; value: string }
  | { type: 'integer' | 'unsigned' | 'time'; value: number | bigint }
  | { type: 'float'; value: number }
  | { type: 'boolean'; value: boolean }
  | { type: 'opaque'; value: Uint8Array }
  | { type: 'link'; value: readonly [objectId: number, instanceId: number] };

const NO_LINK = 65_535;

export function bytesOf(octets: Uint8Array): Value {
  return { bytes: Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('base64') };
}

/** A number, or `{ integer }` beyond 2^53. NaN and the infinities, which JSON cannot say, are null: "no value". */
export function numberOf(value: number | bigint): Value {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  const plain = Number(value);
  return Number.isSafeInteger(plain) ? plain : { integer: value.toString() };
}

export function linkOf(objectId: number, instanceId: number): Value {
  if (objectId === NO_LINK) return { link: '' };
  return { link: instanceId === NO_LINK ? `/${objectId}` : `/${objectId}/${instanceId}` };
}

/** `10:0` → `{ link: '/10/0' }`; undefined when it is not an object link. */
export function readLinkText(text: string): Value | undefined {
  const match = /^(\d{1,5}):(\d{1,5})$/.exec(text);
  if (!match) return undefined;
  const [objectId, instanceId] = [Number(match[1]), Number(match[2])];
  return objectId > NO_LINK || instanceId > NO_LINK ? undefined : linkOf(objectId, instanceId);
}

/** Base64 of both alphabets, with or without padding; undefined when it is not. */
export function readBase64(text: string): Buffer | undefined {
  const digits = text.replace(/=+$/, '');
  if (text.length - digits.length > 2 || digits.length % 4 === 1 || !/^[A-Za-z0-9+/_-]*$/.test(digits))
    return undefined;
  return Buffer.from(digits, 'base64');
}

/**
 * A value that came with a wire type of its own, read in the light of the model: seconds of a time resource become
 * `{ time }`, `"10:0"` of a link resource `{ link }`, 0 and 1 of a boolean false and true. A value that does not fit what
 * the model says is handed on as it came: one odd resource must not cost the answer of a whole instance.
 */
export function interpret(value: WireValue, type: ValueType | undefined): Value {
  if (value === null) return null;
  if (typeof value === 'object') return bytesOf(value);
  if (typeof value === 'number' || typeof value === 'bigint') {
    if (type === 'boolean' && (value === 0 || value === 1)) return value === 1;
    const number = numberOf(type === 'float' ? Number(value) : value);
    return type === 'time' && typeof number === 'number' ? { time: number } : number;
  }
  if (type === 'link' && typeof value === 'string') return readLinkText(value) ?? value;
  return value;
}

/** The type that a value has by itself, for resources that the model does not know. */
function ownType(value: Value): ValueType | undefined {
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'integer' : 'float';
  if (value === null || 'instances' in value) return undefined;
  if ('bytes' in value) return 'opaque';
  if ('time' in value) return 'time';
  return 'link' in value ? 'link' : 'integer';
}

function plainOf(value: Value): string | number | bigint | boolean | undefined {
  if (value === null) return undefined;
  if (typeof value !== 'object') return value;
  if ('integer' in value && /^[+-]?\d{1,40}$/.test(value.integer)) return BigInt(value.integer);
  if ('time' in value) return value.time;
  return undefined;
}

function integerOf(value: Value): number | bigint | undefined {
  const plain = plainOf(value);
  if (typeof plain === 'boolean') return plain ? 1 : 0;
  if (typeof plain === 'string') {
    return /^[+-]?\d{1,40}$/.test(plain) ? shortest(BigInt(plain)) : undefined;
  }
  if (typeof plain === 'bigint') return shortest(plain);
  // -0 is 0: no integer format has it.
  return plain !== undefined && Number.isSafeInteger(plain) ? plain + 0 : undefined;
}

function shortest(value: bigint): number | bigint {
  const plain = Number(value);
  return Number.isSafeInteger(plain) ? plain : value;
}

function floatOf(value: Value): number | undefined {
  const plain = plainOf(value);
  if (plain === undefined || typeof plain === 'boolean') return undefined;
  if (typeof plain === 'string' && !/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?$/.test(plain)) return undefined;
  const number = Number(plain);
  return Number.isFinite(number) ? number : undefined;
}

function stringOf(value: Value): string | undefined {
  const plain = plainOf(value);
  if (typeof plain === 'string') return plain;
  return plain === undefined ? undefined : String(plain);
}

function booleanOf(value: Value): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (value === 1 || value === '1' || value === 'true') return true;
  if (value === 0 || value === '0' || value === 'false') return false;
  return undefined;
}

function linkTarget(value: Value): readonly [number, number] | undefined {
  const text =
    typeof value === 'string'
      ? value
      : value !== null && typeof value === 'object' && 'link' in value
        ? value.link
        : undefined;
  if (text === undefined) return undefined;
  if (text === '') return [NO_LINK, NO_LINK];
  // The alternate root, where the device has one, does not belong to a link: the last two numbers are object and instance.
  const segments = text.split(/[/:]/).filter((segment) => segment !== '');
  const numbers = segments.filter((segment) => /^\d{1,5}$/.test(segment)).map(Number);
  const [objectId, instanceId = NO_LINK] = numbers;
  if (objectId === undefined || numbers.length > 2 || !/\d$/.test(text)) return undefined;
  return objectId > NO_LINK || instanceId > NO_LINK ? undefined : [objectId, instanceId];
}

function octetsOf(value: Value): Uint8Array | undefined {
  if (value === null || typeof value !== 'object' || !('bytes' in value)) return undefined;
  return readBase64(value.bytes);
}

function describe(value: Value): string {
  return quote(JSON.stringify(value) ?? String(value));
}

/**
 * Makes a neutral value fit the type that the device's resource has; `type` undefined: the value's own.
 * Lossless conversions only: decimal text ⇄ number, true/false ⇄ 1/0, number → seconds.
 * @throws CodecError when the value cannot be said in that type.
 */
export function conform(value: Value, type: ValueType | undefined): Scalar {
  const wanted = type ?? ownType(value);
  switch (wanted) {
    case 'string': {
      const text = stringOf(value);
      if (text !== undefined) return { type: 'string', value: text };
      break;
    }
    case 'integer':
    case 'unsigned':
    case 'time': {
      const integer = integerOf(value);
      if (integer !== undefined && (wanted !== 'unsigned' || integer >= 0)) return { type: wanted, value: integer };
      break;
    }
    case 'float': {
      const float = floatOf(value);
      if (float !== undefined) return { type: 'float', value: float };
      break;
    }
    case 'boolean': {
      const flag = booleanOf(value);
      if (flag !== undefined) return { type: 'boolean', value: flag };
      break;
    }
    case 'opaque': {
      const octets = octetsOf(value);
      if (octets) return { type: 'opaque', value: octets };
      break;
    }
    case 'link': {
      const target = linkTarget(value);
      if (target) return { type: 'link', value: target };
      break;
    }
    case undefined:
      break;
  }
  throw new CodecError(`${describe(value)} cannot be written as ${wanted ?? 'a value'}: give a value of that type`);
}

/** `[10, 0]` → `10:0`. */
export function linkText(target: readonly [number, number]): string {
  return `${target[0]}:${target[1]}`;
}
