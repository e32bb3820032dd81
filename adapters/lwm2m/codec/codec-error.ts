/** The only thing that a codec throws: a payload that cannot be read, or a value that cannot be said in a format. */
export class CodecError extends Error {
  override readonly name = 'CodecError';
  readonly code = 'codec';
}

/**
 * Limits of every decoder: a payload beyond one of them is refused with a `CodecError`.
 * - `size` octets of one payload;
 * - `records` values (or links) of one payload;
 * - `depth` nested CBOR arrays, maps and tags.
 */
export const codecLimits = Object.freeze({ size: 1_048_576, records: 10_000, depth: 16 });

/** What is wrong with one value, when the rest of its payload can be read. What no codec has thrown is thrown on. */
export function problemOf(error: unknown): string {
  if (error instanceof CodecError) return error.message;
  throw error;
}

/** A short quotation of something from outside, safe to show in a sentence. */
export function quote(text: string): string {
  const short = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return JSON.stringify(short);
}
