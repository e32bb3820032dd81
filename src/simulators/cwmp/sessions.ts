import type { Timers } from '../lwm2m/timers.ts';
import { SessionFailure } from './answer.ts';
import type { TlsOptions } from './answer.ts';
import type { Appointments } from './appointments.ts';
import { Authorizer } from './digest.ts';
import { informContent } from './inform.ts';
import type { Identity } from './inform.ts';
import type { Methods } from './methods.ts';
import { Died, Session } from './session.ts';
import { Transport } from './transport.ts';
import type { HttpStyle } from './transport.ts';
import type { Workshop } from './workshop.ts';

/** How a session ended. `why` tells what went wrong. */
export interface SessionResult {
  ok: boolean;
  /** Event codes of its Inform. */
  events: string[];
  /** RPCs that the server asked for. */
  methods: string[];
  why?: string;
}

export interface SessionSettings {
  factory: Identity;
  /** ms */
  timeout: number;
  tls: TlsOptions;
  style: HttpStyle;
}

/** What the sessions need of the device around them. */
export interface Surroundings {
  readonly methods: Methods;
  readonly appointments: Appointments;
  /** End with the power. */
  readonly timers: Timers;
  /** Parameters of every Inform, below the root. */
  readonly informed: readonly string[];
  isUp(): boolean;
  /** Runs at once, or at the next boot. */
  whenUp(run: () => void): void;
  powerCut(): void;
}

const mostKept = 100;

/** The sessions of a CPE, one at a time: when they begin, what they tell, and what follows from their end. */
export class Sessions {
  readonly #workshop: Workshop;
  readonly #settings: SessionSettings;
  readonly #device: Surroundings;
  readonly #authorizer = new Authorizer();
  readonly #kept: Transport[] = [];
  readonly #seen = new Set<string>();
  readonly #changes = new Set<string>();
  #afterSession: (() => void)[] = [];
  #running: Promise<SessionResult> | undefined;
  #wanted = false;
  #throttledUntil = 0;
  #messageId = 0;
  #cookies = 'session=of-an-older-life';

  constructor(workshop: Workshop, settings: SessionSettings, device: Surroundings) {
    this.#workshop = workshop;
    this.#settings = settings;
    this.#device = device;
  }

  get running(): Promise<SessionResult> | undefined {
    return this.#running;
  }

  /** A parameter that is told of has changed. An active notification opens a session, not more often than the throttle says. */
  changed(path: string, isActive: boolean): void {
    this.#changes.add(path);
    if (!isActive) return;
    this.#workshop.outbox.add('4 VALUE CHANGE');
    const wait = this.#throttledUntil - Date.now();
    if (wait > 0) this.#device.timers.after(wait, () => this.want());
    else this.want();
  }

  forgetChanges(): void {
    this.#changes.clear();
  }

  /** Opens a session as soon as possible. */
  want(): void {
    this.#wanted = true;
    if (this.#device.isUp() && !this.#running) void this.#start();
  }

  /** Runs when the running session has ended, or at once when there is none. */
  afterwards(run: () => void): void {
    if (this.#running) this.#afterSession.push(run);
    else run();
  }

  /** The device has stopped: waits for the session that ends with it. */
  async stop(): Promise<void> {
    await this.#running;
    for (const transport of this.#kept) transport.close();
  }

  /** Opens a session with these events and what waits, after the one that runs, and tells how it ended. Never rejects. */
  async inform(...codes: string[]): Promise<SessionResult> {
    const { outbox } = this.#workshop;
    for (const code of codes) outbox.add(code);
    while (this.#running) await this.#running;
    // Every Inform has an event.
    if (outbox.isEmpty && this.#changes.size === 0) outbox.add('2 PERIODIC');
    return this.#start();
  }

  #start(): Promise<SessionResult> {
    if (this.#running) return this.#running;
    this.#device.appointments.retried();
    this.#wanted = false;
    // Not at once: a session that fails at its first step must not end before it is known to run.
    this.#running = Promise.resolve().then(() => this.#session());
    return this.#running;
  }

  async #session(): Promise<SessionResult> {
    const { outbox, tree, journal, faults, path: nameOf, scale, power } = this.#workshop;
    const events = outbox.forInform();
    const changes = [...this.#changes];
    this.#changes.clear();
    const told = [...events];
    if (changes.length > 0 && !events.some((event) => event.code === '4 VALUE CHANGE'))
      told.push({ code: '4 VALUE CHANGE', commandKey: '' });
    if (changes.length > 0) {
      const throttle = Number(tree.get(nameOf('ManagementServer.DefaultActiveNotificationThrottle')));
      this.#throttledUntil = Date.now() + scale(throttle);
    }
    const codes = told.map((event) => event.code);
    const paths = [...this.#device.informed.map(nameOf), ...changes];
    let unsaid = true;
    let transport: Transport | undefined;
    let session: Session | undefined;
    let problem: unknown;
    journal.tell('session', `informs: ${codes.join(', ')}`);
    try {
      if (!this.#device.isUp() || faults.offline) throw new SessionFailure('the device is not on the net');
      transport = this.#transport(power);
      session = new Session({
        workshop: this.#workshop,
        methods: this.#device.methods,
        transport,
        signal: power,
        inform: informContent(
          this.#workshop,
          this.#settings.factory,
          told,
          paths,
          this.#device.appointments.retryCount,
        ),
        informed: () => {
          unsaid = false;
          outbox.informed(events);
        },
        nextId: () => String((this.#messageId += 1)),
        seen: this.#seen,
      });
      await session.run();
    } catch (failure) {
      problem = failure;
    }
    if (transport) this.#part(transport);
    if (unsaid) for (const path of changes) this.#changes.add(path);
    outbox.sessionEnded();
    const result: SessionResult = { ok: problem === undefined, events: codes, methods: session?.methods ?? [] };
    if (problem !== undefined) result.why = problem instanceof Error ? problem.message : String(problem);
    this.#ended(result, problem);
    return result;
  }

  #part(transport: Transport): void {
    this.#cookies = transport.cookies || this.#cookies;
    if (!this.#workshop.quirks.has(38)) return transport.close();
    this.#kept.push(transport);
    if (this.#kept.length > mostKept) this.#kept.shift()?.close();
  }

  #ended(result: SessionResult, problem: unknown): void {
    const { journal, outbox } = this.#workshop;
    const { appointments } = this.#device;
    const { events, methods, why } = result;
    this.#running = undefined;
    const deferred = this.#afterSession;
    this.#afterSession = [];
    if (result.ok) {
      appointments.succeeded();
      journal.record({ kind: 'session', events, detail: methods.join(', ') });
      journal.tell('session', 'the session is over');
    } else {
      journal.record({ kind: 'session-failed', events, detail: why });
      journal.tell('fault', `the session failed: ${why}`);
      if (problem instanceof Died && problem.how === 'power') this.#device.powerCut();
      // 6 CONNECTION REQUEST alone is not tried again.
      else if (this.#device.isUp() && !(outbox.isEmpty && this.#changes.size === 0))
        appointments.retry(() => void this.#start());
    }
    for (const run of deferred) this.#device.whenUp(run);
    if (this.#device.isUp() && this.#wanted && result.ok && !this.#running) void this.#start();
  }

  #transport(signal: AbortSignal): Transport {
    const { tree, path, quirks } = this.#workshop;
    const { timeout, tls, style } = this.#settings;
    const value = (name: string): string => tree.get(path(`ManagementServer.${name}`)) ?? '';
    // The nonce of an older session is used again by quirk 34 only.
    if (!quirks.has(34)) this.#authorizer.forget();
    return new Transport({
      url: value('URL'),
      credentials: { username: value('Username'), password: value('Password') },
      authorizer: this.#authorizer,
      tls,
      style,
      quirks,
      timeout,
      signal,
      olderCookies: quirks.has(31) ? this.#cookies : '',
    });
  }
}
