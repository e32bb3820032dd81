/** JSON with integers beyond 2^53: `JSON.parse` would round them (and Node 20 gives a reviver no access to the digits). */
import { CodecError } from './codec-error.ts';

/**
 * Parses JSON. An integer that a double cannot hold becomes a string of its digits.
 * @throws CodecError when it is not JSON.
 */
export function parseJson(text: string): unknown {
  const plain = parse(text);
  if (!/\d{16}/.test(text)) return plain;
  return parse(quoteLongIntegers(text));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CodecError('The payload is not JSON', { cause: error });
  }
}

/** `text` is well-formed JSON: every string ends, and a digit outside of strings belongs to a number. */
function quoteLongIntegers(text: string): string {
  let out = '';
  let copied = 0;
  for (let at = 0; at < text.length;) {
    const code = text.charCodeAt(at);
    if (code === 34) {
      at++;
      while (text.charCodeAt(at) !== 34) at += text.charCodeAt(at) === 92 ? 2 : 1;
      at++;
    } else if (code === 45 || (code >= 48 && code <= 57)) {
      const start = at;
      while (at < text.length && isNumberPart(text.charCodeAt(at))) at++;
      const number = text.slice(start, at);
      if (/^-?\d+$/.test(number) && !Number.isSafeInteger(Number(number))) {
        out += `${text.slice(copied, start)}"${number}"`;
        copied = at;
      }
    } else at++;
  }
  return out + text.slice(copied);
}

/** Digits, sign, point and exponent. */
function isNumberPart(code: number): boolean {
  return (code >= 48 && code <= 57) || code === 43 || code === 45 || code === 46 || code === 69 || code === 101;
}

/** A number as `parseJson` gives it: a number, or the digits of a long integer. */
export function readJsonNumber(value: unknown): number | bigint | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^-?\d{1,40}$/.test(value) ? BigInt(value) : undefined;
}

export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
