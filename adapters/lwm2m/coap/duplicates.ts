/**
 * Message IDs seen from peers, with the answer to send again (RFC 7252 4.5). Two generations of a map: nothing is swept, and what is
 * remembered is bounded. When a flood fills a generation it is swapped early, so the time that is covered shrinks.
 */
import type { Clock } from '../../../src/support/clock.ts';

export interface Seen {
  /** Monotonic ms after which the ID counts as new. */
  until: number;
  /** Octets of the last answer, as latin1 (a short string costs a fifth of a Buffer). Undefined: no answer yet, or none. */
  answer: string | undefined;
}

export class Duplicates {
  readonly #clock: Clock;
  readonly #maximum: number;
  readonly #lifetime: number;
  #young = new Map<number, Seen>();
  #old = new Map<number, Seen>();
  #swapAt = 0;

  constructor(clock: Clock, maximum: number, lifetime: number) {
    this.#clock = clock;
    this.#maximum = maximum;
    this.#lifetime = lifetime;
    this.#swapAt = clock.monotonic() + lifetime;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  find(peer: number, messageId: number): Seen | undefined {
    const key = peer * 0x10000 + messageId;
    const seen = this.#young.get(key) ?? this.#old.get(key);
    return seen && seen.until > this.#clock.monotonic() ? seen : undefined;
  }

  remember(peer: number, messageId: number, lifetime: number): Seen {
    const now = this.#clock.monotonic();
    if (now >= this.#swapAt || this.#young.size >= this.#maximum) {
      this.#old = now >= this.#swapAt + this.#lifetime ? new Map<number, Seen>() : this.#young;
      this.#young = new Map<number, Seen>();
      this.#swapAt = now + this.#lifetime;
    }
    const seen: Seen = { until: now + lifetime, answer: undefined };
    this.#young.set(peer * 0x10000 + messageId, seen);
    return seen;
  }

  /** The message was not taken after all: when it comes again it is new. */
  forget(peer: number, messageId: number): void {
    const key = peer * 0x10000 + messageId;
    this.#young.delete(key);
    this.#old.delete(key);
  }
}
