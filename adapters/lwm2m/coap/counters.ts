/** Counts datagrams in plain numbers and hands the sums to the metrics once a second: a datagram costs an addition. */
import type { Clock } from '../../../src/support/clock.ts';
import type { Metrics } from '../../../src/support/metrics.ts';
import type { DropReason } from './drop-reasons.ts';

const period = 1_000; // ms

export class Counters {
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #technology: string;
  /** Since the start. */
  readonly dropped = new Map<DropReason, number>();
  received = 0;
  sent = 0;
  readonly #told = { received: 0, sent: 0, dropped: new Map<DropReason, number>() };
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, metrics: Metrics, technology: string) {
    this.#clock = clock;
    this.#metrics = metrics;
    this.#technology = technology;
  }

  countReceived(): void {
    this.received++;
    if (!this.#cancel) this.#arm();
  }

  countSent(): void {
    this.sent++;
    if (!this.#cancel) this.#arm();
  }

  drop(reason: DropReason): void {
    this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + 1);
    if (!this.#cancel) this.#arm();
  }

  flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const technology = this.#technology;
    const told = this.#told;
    if (this.received > told.received) {
      this.#metrics.count('trivet_datagrams_total', { technology, direction: 'in' }, this.received - told.received);
    }
    if (this.sent > told.sent) {
      this.#metrics.count('trivet_datagrams_total', { technology, direction: 'out' }, this.sent - told.sent);
    }
    told.received = this.received;
    told.sent = this.sent;
    for (const [reason, count] of this.dropped) {
      const before = told.dropped.get(reason) ?? 0;
      if (count > before) this.#metrics.count('trivet_datagrams_dropped_total', { technology, reason }, count - before);
      told.dropped.set(reason, count);
    }
  }

  #arm(): void {
    this.#cancel = this.#clock.after(period, () => this.flush());
  }
}
