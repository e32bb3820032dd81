/** How much strangers may ask of the STUN server: so many messages a second, of one address and of all. */
import type { Clock } from '../../src/support/clock.ts';

export interface StunLimits {
  /** Messages a second from one address: a NAT of an operator stands for many CPEs. */
  perAddress: number;
  inAll: number;
}

const second = 1000;
/** Addresses that are counted apart in one second; more than these share one count. */
const maximumAddresses = 10_000;

export class StunAllowance {
  readonly #clock: Clock;
  readonly #limits: StunLimits;
  readonly #counts = new Map<string, number>();
  #total = 0;
  #began: number;

  constructor(clock: Clock, limits: StunLimits) {
    this.#clock = clock;
    this.#limits = limits;
    this.#began = clock.monotonic();
  }

  /** Counts a message; false = it is too much. */
  take(address: string): boolean {
    const now = this.#clock.monotonic();
    if (now - this.#began >= second) {
      this.#began = now;
      this.#total = 0;
      this.#counts.clear();
    }
    if (this.#total >= this.#limits.inAll) return false;
    const key = this.#counts.has(address) || this.#counts.size < maximumAddresses ? address : 'others';
    const count = this.#counts.get(key) ?? 0;
    if (count >= this.#limits.perAddress) return false;
    this.#counts.set(key, count + 1);
    this.#total += 1;
    return true;
  }
}
