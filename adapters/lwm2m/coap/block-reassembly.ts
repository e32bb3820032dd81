/**
 * Server role, Block1: bodies of requests that come in blocks. A body belongs to peer, method, path and queries, not to a token:
 * some clients keep the token, others take a new one for every block.
 */
import type { Core } from './core.ts';
import type { CoapMessage } from './message.ts';
import type { Peer } from './peers.ts';
import { WheelEntry } from './timer-wheel.ts';

export type Reassembled =
  /** All of the body is here. */
  | { state: 'complete'; payload: Buffer }
  /** Answer with this code; `size1` = what we would take. */
  | { state: 'answer'; code: '2.31' | '4.00' | '4.08' | '4.13' | '5.03'; explanation?: string; size1?: number };

class Transfer extends WheelEntry {
  readonly #owner: Reassembly;
  readonly key: string;
  readonly peerIndex: number;
  readonly contentFormat: number | undefined;
  readonly parts: Buffer[] = [];
  length = 0;

  constructor(owner: Reassembly, key: string, peerIndex: number, contentFormat: number | undefined) {
    super();
    this.#owner = owner;
    this.key = key;
    this.peerIndex = peerIndex;
    this.contentFormat = contentFormat;
  }

  override due(): void {
    this.#owner.drop(this);
  }
}

const transfersPerPeer = 4;

export class Reassembly {
  readonly #core: Core;
  readonly #transfers = new Map<string, Transfer>();
  readonly #perPeer = new Map<number, number>();
  #octets = 0;

  constructor(core: Core) {
    this.#core = core;
  }

  get size(): number {
    return this.#transfers.size;
  }

  get octets(): number {
    return this.#octets;
  }

  /** Takes a request with a Block1 option. */
  take(peer: Peer, message: CoapMessage): Reassembled {
    const block = message.options.block1!;
    const limit = this.#core.settings.maximumRequestBody;
    const size = 16 << block.exponent;
    const offset = block.number * size;
    const end = offset + message.payload.length;
    if (block.more ? message.payload.length !== size : message.payload.length > size) {
      return { state: 'answer', code: '4.00', explanation: 'the block is not as long as its option says' };
    }
    if (block.number === 0 && !block.more) return { state: 'complete', payload: message.payload };
    const key = transferKey(peer, message);
    let transfer = this.#transfers.get(key);
    if (end > limit || (message.options.size1 ?? 0) > limit) {
      if (transfer) this.drop(transfer);
      return { state: 'answer', code: '4.13', explanation: `the body is limited to ${limit} octets`, size1: limit };
    }
    if (block.number === 0) {
      if (transfer) this.drop(transfer);
      transfer = this.#begin(key, peer, message);
      if (!transfer) return { state: 'answer', code: '5.03', explanation: 'too many bodies in blocks at once' };
    } else if (!transfer || transfer.contentFormat !== message.options.contentFormat) {
      return { state: 'answer', code: '4.08', explanation: 'the blocks before this one are not here' };
    } else if (offset !== transfer.length) {
      // A block that is here already, sent again with a new message ID.
      if (block.more && end === transfer.length) return { state: 'answer', code: '2.31' };
      this.drop(transfer);
      return { state: 'answer', code: '4.08', explanation: 'a block between is missing' };
    }
    if (this.#octets + message.payload.length > this.#core.settings.maximumTransferOctets) {
      this.drop(transfer);
      return { state: 'answer', code: '5.03', explanation: 'too many octets in blocks at once' };
    }
    transfer.parts.push(message.payload);
    transfer.length = end;
    this.#octets += message.payload.length;
    if (block.more) {
      this.#core.wheel.add(transfer, this.#core.settings.exchangeLifetime);
      return { state: 'answer', code: '2.31' };
    }
    this.drop(transfer);
    return { state: 'complete', payload: Buffer.concat(transfer.parts, transfer.length) };
  }

  drop(transfer: Transfer): void {
    if (this.#transfers.get(transfer.key) !== transfer) return;
    this.#transfers.delete(transfer.key);
    this.#octets -= transfer.length;
    this.#core.wheel.remove(transfer);
    const left = (this.#perPeer.get(transfer.peerIndex) ?? 1) - 1;
    if (left === 0) this.#perPeer.delete(transfer.peerIndex);
    else this.#perPeer.set(transfer.peerIndex, left);
  }

  #begin(key: string, peer: Peer, message: CoapMessage): Transfer | undefined {
    const ofPeer = this.#perPeer.get(peer.index) ?? 0;
    if (ofPeer >= transfersPerPeer || this.#transfers.size >= this.#core.settings.maximumTransfers) return undefined;
    const transfer = new Transfer(this, key, peer.index, message.options.contentFormat);
    this.#transfers.set(key, transfer);
    this.#perPeer.set(peer.index, ofPeer + 1);
    return transfer;
  }
}

function transferKey(peer: Peer, message: CoapMessage): string {
  const { path, query } = message.options;
  return JSON.stringify([peer.index, message.code, path ?? [], query ?? []]);
}
