import { Crash, Executor } from './commands.ts';
import type { User } from './interaction.ts';
import { Proofs } from './proofs.ts';
import type { ProofMemory } from './proofs.ts';
import { Died, Session } from './session.ts';
import type { Outbox } from './outbox.ts';
import { SessionFailure, Transport } from './transport.ts';
import type { TlsOptions } from './transport.ts';
import type { Wire } from './wire.ts';
import type { Workshop } from './workshop.ts';

/** How a session ended. `why` tells what went wrong. */
export interface SessionResult {
  ok: boolean;
  sessionId: string;
  /** 1200 or 1201. */
  begin: number;
  /** Names of the commands that the server sent. */
  commands: string[];
  why?: string;
}

export interface SessionsSettings {
  server: string;
  deviceId: string;
  serverId: string;
  wire: Wire;
  maximumMessageSize: number | undefined;
  maximumObjectSize: number;
  lists: boolean;
  user: User | undefined;
  login: string;
  /** ms */
  timeout: number;
  tls: TlsOptions;
  localAddress: string | undefined;
  firstSessionId: number;
}

/** What the sessions need of the client around them. */
export interface Surroundings {
  isUp(): boolean;
  /** Runs at once, or at the next boot. */
  whenUp(run: () => void): void;
  powerCut(): void;
  succeeded(): void;
}

interface Call {
  sessionId: string;
  zero: boolean;
}

const firstPause = 5;
const longestPause = 3600;

/** The sessions of a client, one at a time: when they begin and what follows from their end. */
export class Sessions {
  readonly #workshop: Workshop;
  readonly #settings: SessionsSettings;
  readonly #device: Surroundings;
  readonly #outbox: Outbox;
  readonly #memory: ProofMemory;
  #running: Promise<SessionResult> | undefined;
  #afterwards: (() => void)[] = [];
  #wanted = false;
  #call: Call | undefined;
  #runningId = '';
  #failures = 0;
  #retries = false;
  #next: number;
  #olderResponseUri: string | undefined;
  #callOff: () => void = () => undefined;

  constructor(
    workshop: Workshop,
    settings: SessionsSettings,
    device: Surroundings,
    outbox: Outbox,
    memory: ProofMemory,
  ) {
    this.#workshop = workshop;
    this.#settings = settings;
    this.#device = device;
    this.#outbox = outbox;
    this.#memory = memory;
    this.#next = settings.firstSessionId;
  }

  get running(): Promise<SessionResult> | undefined {
    return this.#running;
  }

  /** Opens a session as soon as possible. */
  want(): void {
    this.#wanted = true;
    if (this.#device.isUp() && !this.#running) void this.#start(true);
  }

  /** The server has called: 1200 with the number that it has chosen. */
  called(sessionId: number, zero: boolean): void {
    const name = sessionId.toString(16).toUpperCase();
    // The same notification by another bearer, or once more.
    if (name === this.#runningId || name === this.#call?.sessionId) return;
    this.#call = { sessionId: name, zero };
    this.want();
  }

  /** Runs when the running session has ended, or at once when there is none. */
  afterwards(run: () => void): void {
    if (this.#running) this.#afterwards.push(run);
    else run();
  }

  async stop(): Promise<void> {
    this.#callOff();
    await this.#running;
  }

  /** Opens a session, after the one that runs, and tells how it ended. Never rejects. */
  async open(): Promise<SessionResult> {
    while (this.#running) await this.#running;
    return this.#start(false);
  }

  /** `retries`: the client has begun it by itself, and tries again when it fails. */
  #start(retries: boolean): Promise<SessionResult> {
    if (this.#running) return this.#running;
    this.#callOff();
    this.#retries = retries;
    this.#wanted = false;
    // Not at once: a session that fails at its first step must not end before it is known to run.
    this.#running = Promise.resolve().then(() => this.#session());
    return this.#running;
  }

  #sessionId(): string {
    if (this.#workshop.quirks.has('same-session-id')) return '1';
    this.#next = (this.#next % 65_535) + 1;
    return this.#next.toString(16).toUpperCase();
  }

  async #session(): Promise<SessionResult> {
    const { journal, faults, power } = this.#workshop;
    const { server, deviceId, serverId, wire, lists, user, timeout, tls, localAddress, ...rest } = this.#settings;
    const call = this.#call;
    this.#call = undefined;
    const sessionId = call?.sessionId ?? this.#sessionId();
    const begin = call ? 1200 : 1201;
    this.#runningId = sessionId;
    const transport = new Transport({ url: server, tls, timeout, signal: power, localAddress });
    const proofs = new Proofs(this.#memory, { zero: call?.zero ?? false, spontaneous: !this.#outbox.isEmpty });
    const session = new Session({
      workshop: this.#workshop,
      transport,
      executor: new Executor(this.#workshop, { serverId, form: wire.form, user, lists }),
      proofs,
      outbox: this.#outbox,
      wire,
      deviceId,
      server,
      sessionId,
      begin,
      maximumMessageSize: rest.maximumMessageSize,
      maximumObjectSize: rest.maximumObjectSize,
      olderResponseUri: this.#olderResponseUri,
      login: rest.login,
      signal: power,
    });
    let problem: unknown;
    journal.tell('session', `opens session ${sessionId} (${begin})`);
    try {
      if (!this.#device.isUp() || faults.offline) throw new SessionFailure('the device is not on the net');
      await session.run();
    } catch (failure) {
      problem = failure;
    }
    transport.close();
    this.#olderResponseUri = session.responseUri ?? this.#olderResponseUri;
    const result: SessionResult = { ok: problem === undefined, sessionId, begin, commands: session.commands };
    if (problem !== undefined) result.why = problem instanceof Error ? problem.message : String(problem);
    this.#ended(result, problem);
    return result;
  }

  #ended(result: SessionResult, problem: unknown): void {
    const { journal } = this.#workshop;
    const { sessionId, begin, commands, why } = result;
    this.#running = undefined;
    this.#runningId = '';
    const deferred = this.#afterwards;
    this.#afterwards = [];
    if (result.ok) {
      if (this.#outbox.isEmpty) this.#failures = 0;
      this.#retries = false;
      journal.record({ kind: 'session', session: sessionId, code: begin, detail: commands.join(', ') });
      journal.tell('session', `session ${sessionId} is over`);
      this.#device.succeeded();
    } else {
      journal.record({ kind: 'session-failed', session: sessionId, code: begin, detail: why ?? '' });
      journal.tell('fault', `session ${sessionId} failed: ${why}`);
      if (problem instanceof Crash || (problem instanceof Died && problem.how === 'power')) this.#device.powerCut();
    }
    for (const run of deferred) this.#device.whenUp(run);
    if (!this.#device.isUp() || this.#running) return;
    if (this.#wanted && result.ok) void this.#start(true);
    else if (!this.#outbox.isEmpty || (this.#retries && !result.ok)) this.#retry();
  }

  /** What waits to be told is told again, later and later. */
  #retry(): void {
    this.#failures += 1;
    const pause = Math.min(longestPause, firstPause * 2 ** Math.min(this.#failures - 1, 10));
    const timer = setTimeout(() => this.want(), this.#workshop.scale(pause));
    timer.unref();
    this.#callOff = () => clearTimeout(timer);
  }
}
