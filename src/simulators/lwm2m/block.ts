/** A Block1 or Block2 option (RFC 7959 2.2). `size` in octets. */
export interface Block {
  number: number;
  more: boolean;
  size: number;
}

/** Undefined when the option is longer than 3 octets or uses the reserved size. */
export function parseBlock(value: Uint8Array): Block | undefined {
  if (value.length > 3) return undefined;
  let bits = 0;
  for (const octet of value) bits = bits * 256 + octet;
  const exponent = bits & 7;
  if (exponent === 7) return undefined;
  return { number: Math.floor(bits / 16), more: (bits & 8) !== 0, size: 2 ** (exponent + 4) };
}

export function encodeBlock(block: Block): Buffer {
  const bits = block.number * 16 + (block.more ? 8 : 0) + (Math.log2(block.size) - 4);
  const bytes = Buffer.alloc(bits > 0xffff ? 3 : bits > 0xff ? 2 : 1);
  bytes.writeUIntBE(bits, 0, bytes.length);
  return bytes;
}
