/** Client role, Block2 (RFC 7959 2.4): the rest of a response that came in blocks. */
import { CoapError } from './errors.ts';
import type { Block, CoapMessage } from './message.ts';

/** Fetches the block; the exchange goes before everything else that waits for this peer. */
export type FetchBlock = (block: Block) => Promise<CoapMessage>;

const restarts = 2;

/**
 * Puts a response together. `first` is the response with block 0 (or any response without blocks). The result has the options of the
 * first block and the whole payload.
 * @throws CoapError `bad-block`, `too-large`, or what `fetchBlock` throws
 */
export async function collectBlocks(first: CoapMessage, fetchBlock: FetchBlock, maximum: number): Promise<CoapMessage> {
  let start = first;
  for (let attempt = 0; attempt <= restarts; attempt++) {
    const result = await collectOnce(start, fetchBlock, maximum);
    if (result.complete) return result.message;
    // The representation changed while it was read: from the beginning.
    start = await fetchBlock({ number: 0, more: false, exponent: first.options.block2!.exponent });
    if (!start.options.block2?.more) return start;
  }
  throw new CoapError('bad-block', 'the representation changed whenever it was read; read it again later', true);
}

async function collectOnce(
  first: CoapMessage,
  fetchBlock: FetchBlock,
  maximum: number,
): Promise<{ complete: true; message: CoapMessage } | { complete: false }> {
  const parts: Buffer[] = [];
  let length = 0;
  let message = first;
  let exponent = first.options.block2!.exponent;
  if ((first.options.size2 ?? 0) > maximum) throw tooLarge(maximum);
  for (;;) {
    const block = message.options.block2;
    if (!block || block.number * (16 << block.exponent) !== length || message.problem) {
      throw new CoapError('bad-block', 'the peer sent another block than the one asked for', true);
    }
    if (block.more && message.payload.length !== 16 << block.exponent) {
      throw new CoapError('bad-block', 'the peer sent a block that is not as long as it says', true);
    }
    length += message.payload.length;
    if (length > maximum) throw tooLarge(maximum);
    parts.push(message.payload);
    if (!block.more) return { complete: true, message: { ...first, payload: Buffer.concat(parts, length) } };
    exponent = Math.min(exponent, block.exponent);
    message = await fetchBlock({ number: length / (16 << exponent), more: false, exponent });
    if (!message.code.startsWith('2.')) {
      throw new CoapError('bad-block', `the peer refused to send the rest: ${message.code}`, true);
    }
    if (!sameTag(first.options.etag, message.options.etag)) return { complete: false };
  }
}

function sameTag(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one === undefined || other === undefined ? one === other : one.equals(other);
}

function tooLarge(maximum: number): CoapError {
  return new CoapError('too-large', `the response is larger than ${maximum} octets`, true);
}
