/** Plain text (Content-Format 0; TS-Core 1.1, 7.4.1): the value of one resource or resource instance. */
import type { Value, ValueType } from '../../../src/management/operation.ts';
import { CodecError, quote } from './codec-error.ts';
import type { Collector } from './decoded.ts';
import type { FlatScalar } from './encoded.ts';
import { formatPath } from './path.ts';
import { bytesOf, linkText, numberOf, readBase64, readLinkText, type Scalar } from './values.ts';

/** @throws CodecError */
export function decodeText(payload: Buffer, collector: Collector): void {
  const { base } = collector;
  if (base.length < 3) throw new CodecError(`${formatPath(base)} is no resource: text holds the value of one resource`);
  const text = payload.toString('utf8');
  const type = collector.typeOf(base);
  const value = readText(text, type);
  if (value === undefined)
    throw new CodecError(`${formatPath(base)}: ${quote(text)} is not ${type ?? 'a value'} in text`);
  collector.add(base, value);
}

/** A resource that the model does not know is a string: digits alone do not make a number. */
function readText(text: string, type: ValueType | undefined): Value | undefined {
  switch (type) {
    case 'integer':
    case 'unsigned':
      return readInteger(text);
    case 'time': {
      const seconds = readInteger(text);
      return typeof seconds === 'number' ? { time: seconds } : seconds;
    }
    case 'float':
      return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?$/.test(text.trim()) ? numberOf(Number(text)) : undefined;
    case 'boolean':
      return text === '1' || text === 'true' ? true : text === '0' || text === 'false' ? false : undefined;
    case 'opaque': {
      const octets = readBase64(text);
      return octets && bytesOf(octets);
    }
    case 'link':
      return readLinkText(text);
    case 'string':
    case undefined:
      return text;
  }
}

function readInteger(text: string): Value | undefined {
  const digits = text.trim();
  return /^[+-]?\d{1,40}$/.test(digits) ? numberOf(BigInt(digits)) : undefined;
}

function writeText(scalar: Scalar): string {
  switch (scalar.type) {
    case 'string':
      return scalar.value;
    case 'integer':
    case 'unsigned':
    case 'time':
      return scalar.value.toString();
    case 'float':
      return decimal(scalar.value);
    case 'boolean':
      return scalar.value ? '1' : '0';
    case 'opaque':
      return Buffer.from(scalar.value).toString('base64');
    case 'link':
      return linkText(scalar.value);
  }
}

/** Without an exponent where it can be: 1.0 clients read plain decimals only. */
function decimal(value: number): string {
  const text = value.toString();
  const [mantissa = '', exponent] = text.split('e');
  if (exponent === undefined) return text;
  const sign = mantissa.startsWith('-') ? '-' : '';
  const [whole = '', fraction = ''] = mantissa.replace('-', '').split('.');
  const shift = Number(exponent);
  if (shift < 0) return `${sign}0.${'0'.repeat(-shift - 1)}${whole}${fraction}`;
  return `${sign}${whole}${fraction.padEnd(shift, '0')}`;
}

/** @throws CodecError when it is not exactly one value. */
export function encodeText(values: readonly FlatScalar[]): Buffer {
  const [only] = values;
  if (!only || values.length > 1) throw new CodecError(`Text holds one value, not ${values.length}: use SenML or TLV`);
  return Buffer.from(writeText(only.scalar), 'utf8');
}
