/** When the registrations of devices run out. Renewals are frequent: a later end costs nothing before the old one falls due. */
import type { Clock } from '../support/clock.ts';
import { Deadlines } from './deadlines.ts';
import type { DeviceEntry } from './device-entry.ts';

const granularity = 1000; // ms

export class Lifetimes {
  readonly #clock: Clock;
  readonly #expired: (entry: DeviceEntry) => void;
  readonly #deadlines: Deadlines<DeviceEntry>;

  /** @param expired is called when the registration of a device has run out; must not throw */
  constructor(clock: Clock, expired: (entry: DeviceEntry) => void) {
    this.#clock = clock;
    this.#expired = expired;
    this.#deadlines = new Deadlines(clock, granularity, (entry) => this.#due(entry));
  }

  /** Watches `until`. A later one is noticed when the present bucket falls due; only an earlier one moves the entry. */
  watch(entry: DeviceEntry): void {
    const { until, state } = entry.device.presence;
    if (until === undefined || state === 'gone') return;
    if (entry.bucket >= 0) {
      if (entry.bucket * granularity <= until + granularity) return;
      this.#deadlines.remove(entry, entry.bucket);
    }
    entry.bucket = this.#deadlines.add(entry, until);
  }

  forget(entry: DeviceEntry): void {
    if (entry.bucket >= 0) this.#deadlines.remove(entry, entry.bucket);
  }

  close(): void {
    this.#deadlines.close();
  }

  #due(entry: DeviceEntry): void {
    const { until, state } = entry.device.presence;
    entry.bucket = -1;
    if (until === undefined || state === 'gone') return;
    if (until > this.#clock.now()) entry.bucket = this.#deadlines.add(entry, until);
    else this.#expired(entry);
  }
}
