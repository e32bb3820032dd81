/** A body that claims to be JSON, read with limits: UTF-8, depth in one pass before parsing, syntax. */
import { isUtf8 } from 'node:buffer';
import type { Json } from '../onem2m/primitive.ts';
import { RefusedRequest } from './refused-request.ts';

const quote = 0x22;
const backslash = 0x5c;

/**
 * True when arrays and objects are nested deeper than `most`. One pass without recursion, so that the parser, which does
 * recurse, never sees such a text. Text that is no JSON may be judged wrongly in either way; the parser refuses it.
 */
export function isDeeperThan(bytes: Uint8Array, most: number): boolean {
  let depth = 0;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index];
    if (byte === quote) {
      for (index++; index < bytes.length && bytes[index] !== quote; index++) {
        if (bytes[index] === backslash) index++;
      }
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > most) return true;
    } else if (byte === 0x7d || byte === 0x5d) {
      depth--;
    }
  }
  return false;
}

/** Bytes → JSON value. An empty body is undefined. */
export function parseJsonBody(bytes: Buffer, maximumDepth: number): Json | undefined | RefusedRequest {
  if (bytes.length === 0) return undefined;
  if (!isUtf8(bytes)) return new RefusedRequest('the body is not UTF-8; send JSON in UTF-8');
  if (isDeeperThan(bytes, maximumDepth)) {
    return new RefusedRequest(`the body nests deeper than ${maximumDepth} levels; send a flatter one`);
  }
  const hasMark = bytes.length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  try {
    return JSON.parse(bytes.toString('utf8', hasMark ? 3 : 0)) as Json;
  } catch (error) {
    // The parser's message quotes the text; its position is what helps.
    const position = error instanceof Error ? /position \d+/.exec(error.message)?.[0] : undefined;
    return new RefusedRequest(`the body is not JSON${position ? ` (error at ${position})` : ''}; correct its syntax`);
  }
}
