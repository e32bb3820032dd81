/** CoAP datagrams by hand (RFC 7252 3), as much as a fleet of small devices needs. */

export const types = { confirmable: 0, nonConfirmable: 1, acknowledgement: 2, reset: 3 } as const;
export const codes = {
  empty: 0x00,
  get: 0x01,
  post: 0x02,
  put: 0x03,
  delete: 0x04,
  created: 0x41,
  deleted: 0x42,
  changed: 0x44,
  content: 0x45,
  notFound: 0x84,
  methodNotAllowed: 0x85,
} as const;
export const options = {
  observe: 6,
  locationPath: 8,
  uriPath: 11,
  contentFormat: 12,
  uriQuery: 15,
  accept: 17,
} as const;

export interface Datagram {
  type: number;
  code: number;
  messageId: number;
  token: Buffer;
  /** In order of their number. */
  options: [number, Buffer][];
  payload: Buffer;
}

const nothing = Buffer.alloc(0);

/** The shortest big-endian form; 0 is empty. */
export function uint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from(bytes);
}

function extended(value: number): { nibble: number; bytes: number[] } {
  if (value < 13) return { nibble: value, bytes: [] };
  if (value < 269) return { nibble: 13, bytes: [value - 13] };
  return { nibble: 14, bytes: [(value - 269) >> 8, (value - 269) & 0xff] };
}

export function encodeDatagram(datagram: Omit<Datagram, 'payload'> & { payload?: Buffer }): Buffer {
  const { type, code, messageId, token, payload = nothing } = datagram;
  const parts: Buffer[] = [Buffer.of(0x40 | (type << 4) | token.length, code, messageId >> 8, messageId & 0xff), token];
  let last = 0;
  for (const [number, value] of datagram.options) {
    const delta = extended(number - last);
    const length = extended(value.length);
    parts.push(Buffer.of((delta.nibble << 4) | length.nibble, ...delta.bytes, ...length.bytes), value);
    last = number;
  }
  if (payload.length > 0) parts.push(Buffer.of(0xff), payload);
  return Buffer.concat(parts);
}

/** Undefined for what is no CoAP message. */
export function decodeDatagram(bytes: Buffer): Datagram | undefined {
  const first = bytes[0] ?? 0;
  const tokenLength = first & 0x0f;
  if (bytes.length < 4 || first >> 6 !== 1 || tokenLength > 8 || bytes.length < 4 + tokenLength) return undefined;
  const found: [number, Buffer][] = [];
  let at = 4 + tokenLength;
  let number = 0;
  const extend = (nibble: number): number => {
    if (nibble < 13) return nibble;
    if (nibble === 13) {
      at += 1;
      return (bytes[at - 1] ?? 0) + 13;
    }
    at += 2;
    return ((bytes[at - 2] ?? 0) << 8) + (bytes[at - 1] ?? 0) + 269;
  };
  while (at < bytes.length && bytes[at] !== 0xff) {
    const head = bytes[at] ?? 0;
    if (head >> 4 === 15 || (head & 0x0f) === 15) return undefined;
    at += 1;
    number += extend(head >> 4);
    const length = extend(head & 0x0f);
    if (at + length > bytes.length) return undefined;
    found.push([number, bytes.subarray(at, at + length)]);
    at += length;
  }
  return {
    type: (first >> 4) & 3,
    code: bytes[1] ?? 0,
    messageId: bytes.readUInt16BE(2),
    token: bytes.subarray(4, 4 + tokenLength),
    options: found,
    payload: at < bytes.length ? bytes.subarray(at + 1) : nothing,
  };
}
