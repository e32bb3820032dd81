/** What the endpoint remembers of a peer. A peer is small (there may be 200,000) and is forgotten when it is idle and room is needed. */
import { randomInt } from 'node:crypto';
import type { Exchange } from './exchange.ts';
import type { Observation } from './observations.ts';
import type { PeerId } from './transport.ts';

export class Peer {
  readonly id: PeerId;
  /** Short name for keys of maps. */
  readonly index: number;
  #messageId: number;
  /** Sent, not over. */
  exchanges: Exchange[] | undefined = undefined;
  /** Not sent yet, most urgent first. */
  waiting: Exchange[] | undefined = undefined;
  /** Confirmable requests without an ACK: NSTART counts these. */
  unacknowledged = 0;
  /** Requests and notifications of the peer that we have not answered yet. */
  unanswered = 0;
  observations: Map<string, Observation> | undefined = undefined;

  constructor(id: PeerId, index: number) {
    this.id = id;
    this.index = index;
    this.#messageId = randomInt(0x10000);
  }

  nextMessageId(): number {
    this.#messageId = (this.#messageId + 1) & 0xffff;
    return this.#messageId;
  }

  get idle(): boolean {
    return !this.exchanges?.length && !this.waiting?.length && !this.observations?.size && this.unanswered === 0;
  }
}

/** How many peers are looked at for an idle one; the busy ones go to the end of the line. */
const searchLimit = 64;

export class Peers {
  readonly #maximum: number;
  readonly #peers = new Map<PeerId, Peer>();
  #nextIndex = 1;

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  get size(): number {
    return this.#peers.size;
  }

  find(id: PeerId): Peer | undefined {
    return this.#peers.get(id);
  }

  /** The peer, remembered from now on. Undefined: all of them are busy. */
  reach(id: PeerId): Peer | undefined {
    let peer = this.#peers.get(id);
    if (peer) return peer;
    if (this.#peers.size >= this.#maximum && !this.#makeRoom()) return undefined;
    peer = new Peer(id, this.#nextIndex++);
    this.#peers.set(id, peer);
    return peer;
  }

  all(): IterableIterator<Peer> {
    return this.#peers.values();
  }

  #makeRoom(): boolean {
    let looked = 0;
    for (const [id, peer] of this.#peers) {
      this.#peers.delete(id);
      if (peer.idle) return true;
      this.#peers.set(id, peer);
      if (++looked >= searchLimit) return false;
    }
    return false;
  }
}
