/** Client role, Block1 (RFC 7959 2.5): a body that is too long for one message. */
import { CoapError } from './errors.ts';
import type { CoapMessage, MessageOptions } from './message.ts';

/** A body that is read as it is sent. */
export interface BodySource {
  /** Octets. */
  size: number;
  /** Octets from `offset`; fewer at the end only. */
  read(offset: number, length: number): Promise<Uint8Array> | Uint8Array;
}

export function bufferSource(payload: Buffer): BodySource {
  return { size: payload.length, read: (offset, length) => payload.subarray(offset, offset + length) };
}

export type SendBlock = (options: MessageOptions, payload: Buffer) => Promise<CoapMessage>;

const maximumBlocks = 0x100000; // 20 bits of block number

/** 16..1024 → 0..6; what is no power of two is rounded down. */
export function exponentOf(blockSize: number): number {
  return Math.min(6, Math.max(0, 31 - Math.clz32(Math.max(16, blockSize)) - 4));
}

/**
 * Sends a body block by block and answers with the peer's final response, or with its first error. A peer may ask for smaller
 * blocks at any time. Every block is a request of its own, so that others go between two of them.
 * @throws CoapError, or what `onBlock` throws: nothing more is sent then
 */
export async function uploadBlocks(
  source: BodySource,
  blockSize: number,
  sendBlock: SendBlock,
  onBlock?: (sent: number, total: number) => Promise<void> | void,
): Promise<CoapMessage> {
  let exponent = exponentOf(blockSize);
  let offset = 0;
  let incompleteOnce = false;
  for (;;) {
    const size = 16 << exponent;
    const number = offset / size;
    if (number >= maximumBlocks) throw new CoapError('too-large', 'the body needs more than 2^20 blocks', offset > 0);
    const more = offset + size < source.size;
    const payload = await readBlock(source, offset, Math.min(size, source.size - offset));
    const options: MessageOptions = { block1: { number, more, exponent } };
    if (offset === 0) options.size1 = source.size;
    const answer = await sendBlock(options, payload);
    const echoed = answer.options.block1;
    if (answer.code === '4.13' && echoed && echoed.exponent < exponent && fits(answer, source)) {
      exponent = echoed.exponent; // too large for one message, not as a whole: again with smaller blocks
      offset = 0;
      continue;
    }
    if (answer.code === '4.08' && offset > 0 && !incompleteOnce) {
      incompleteOnce = true; // the peer has lost the blocks before this one
      offset = 0;
      continue;
    }
    if (!answer.code.startsWith('2.')) return answer;
    offset += payload.length;
    await onBlock?.(offset, source.size);
    if (!more) return answer;
    // Without the option it is the final response: the peer wants no more.
    if (!echoed) return answer;
    if (echoed.number !== number) throw new CoapError('bad-block', 'the peer acknowledged another block', true);
    exponent = Math.min(exponent, echoed.exponent);
  }
}

function fits(answer: CoapMessage, source: BodySource): boolean {
  return answer.options.size1 === undefined || answer.options.size1 >= source.size;
}

async function readBlock(source: BodySource, offset: number, length: number): Promise<Buffer> {
  let octets: Uint8Array;
  try {
    octets = await source.read(offset, length);
  } catch (error) {
    throw new CoapError('source-failed', `octet ${offset} of the body could not be read`, offset > 0, error);
  }
  if (octets.length !== length) {
    throw new CoapError('source-failed', `the body ends before its ${offset + length} octets`, offset > 0);
  }
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
}
