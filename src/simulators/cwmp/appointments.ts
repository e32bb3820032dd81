import type { Timers } from '../lwm2m/timers.ts';
import type { StunServer } from './stun-client.ts';
import { unknownTime } from './values.ts';
import type { Workshop } from './workshop.ts';

export interface AppointmentOptions {
  speed: number;
  /** Sends a STUN binding request; undefined when the device does not listen for UDP. */
  bind(server: StunServer): Promise<void> | undefined;
  /** STUN was switched off. */
  unbind(): void;
}

const nothing = (): void => undefined;
const longestStep = 10;

/** When a device calls by itself: periodic Informs, retries after a failure, and the STUN binding. All of it hangs on parameters and ends with the power. */
export class Appointments {
  readonly #workshop: Workshop;
  readonly #timers: Timers;
  readonly #options: AppointmentOptions;
  #retryCount = 0;
  #endRetry = nothing;
  #endPeriod = nothing;
  #endBinding = nothing;
  #isBinding = false;

  constructor(workshop: Workshop, timers: Timers, options: AppointmentOptions) {
    this.#workshop = workshop;
    this.#timers = timers;
    this.#options = options;
  }

  /** RetryCount of the next Inform. */
  get retryCount(): number {
    return this.#retryCount;
  }

  /** A session has ended well, or the power has gone. */
  succeeded(): void {
    this.#retryCount = 0;
  }

  /** A session begins, so that none is due any more. */
  retried(): void {
    this.#endRetry();
  }

  /** TR-069 3.2.1.1: the wait grows with each failure. */
  retry(run: () => void): void {
    const { random, journal, scale } = this.#workshop;
    this.#retryCount += 1;
    const minimum = Number(this.#value('CWMPRetryMinimumWaitInterval'));
    const factor = Number(this.#value('CWMPRetryIntervalMultiplier')) / 1000;
    const step = Math.min(this.#retryCount, longestStep) - 1;
    const seconds = minimum * factor ** step * (1 + random() * (factor - 1));
    journal.tell('session', `tries again in ${Math.round(seconds)} s (retry ${this.#retryCount})`);
    this.#endRetry = this.#timers.after(scale(seconds), run);
  }

  /** Sets the timers anew from the parameters. */
  arm(): void {
    this.#endPeriod();
    this.#endBinding();
    if (this.#value('PeriodicInformEnable') === 'true') this.#armPeriod();
    const wasBinding = this.#isBinding;
    this.#isBinding = this.#value('STUNEnable') === 'true';
    // TR-069 G.2.1.1: without an address of its own it is the host of the ACS.
    if (this.#isBinding) this.#bind(this.#value('STUNServerAddress') || new URL(this.#value('URL')).hostname);
    else if (wasBinding) this.#options.unbind();
  }

  #value(name: string): string {
    const { tree, path } = this.#workshop;
    return tree.get(path(`ManagementServer.${name}`)) ?? '';
  }

  #armPeriod(): void {
    const { outbox, wantSession } = this.#workshop;
    const { speed } = this.#options;
    const interval = Number(this.#value('PeriodicInformInterval')) * 1000;
    const phase = this.#value('PeriodicInformTime');
    const due = (): void => {
      outbox.add('2 PERIODIC');
      wantSession();
      this.#endPeriod = this.#timers.after(interval / speed, due);
    };
    // PeriodicInformTime is a phase: some Inform would be at that moment. On a device that runs faster than life it means nothing.
    const at = phase === unknownTime || speed !== 1 ? Number.NaN : Date.parse(phase);
    const since = (((Date.now() - at) % interval) + interval) % interval;
    this.#endPeriod = this.#timers.after((Number.isNaN(at) ? interval : interval - since) / speed, due);
  }

  #bind(host: string): void {
    const { scale, journal } = this.#workshop;
    const port = Number(this.#value('STUNServerPort'));
    this.#options
      .bind({ host, port, username: this.#value('STUNUsername'), password: this.#value('STUNPassword') })
      ?.catch((problem: unknown) => journal.tell('fault', `STUN failed: ${String(problem)}`));
    const seconds = Math.max(1, Number(this.#value('STUNMinimumKeepAlivePeriod')));
    this.#endBinding = this.#timers.after(scale(seconds), () => this.#bind(host));
  }
}
