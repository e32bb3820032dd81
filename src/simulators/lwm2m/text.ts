import { exactInteger, Refusal } from './value.ts';
import type { Value, ValueType } from './value.ts';

/** A value as text/plain; opaque is base64, a boolean 0 or 1. */
export function encodeText(value: Value): Buffer {
  if (value instanceof Uint8Array) return Buffer.from(Buffer.from(value).toString('base64'));
  if (typeof value === 'boolean') return Buffer.from(value ? '1' : '0');
  return Buffer.from(String(value), 'utf8');
}

/** Reads a text/plain value of the given type. Throws a Refusal 4.00 when the text does not say one. */
export function decodeText(bytes: Buffer, type: ValueType): Value {
  const text = bytes.toString('utf8');
  switch (type) {
    case 'string':
    case 'corelnk':
      return text;
    case 'integer':
    case 'unsigned':
    case 'time':
      if (!/^[+-]?\d{1,20}$/.test(text)) break;
      return exactInteger(BigInt(text.replace('+', '')));
    case 'float':
      if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) break;
      return Number(text);
    case 'boolean':
      if (text !== '0' && text !== '1') break;
      return text === '1';
    case 'opaque':
      if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) break;
      return Buffer.from(text, 'base64');
    case 'objlnk':
      if (!/^\d{1,5}:\d{1,5}$/.test(text)) break;
      return text;
  }
  throw new Refusal('4.00', `"${text.slice(0, 40)}" is not a value of type ${type}`);
}
