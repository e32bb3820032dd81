/**
 * A session with its promises and its clock: messages go in and are answered, requests of ours are asked and come back as answers.
 * What follows from what is decided in `session.ts`.
 */
import type { Clock } from '../../src/support/clock.ts';
import { isHeaderStatus, startsSession } from './incoming-package.ts';
import type { SessionProofs, Verdict } from './authenticator.ts';
import type { Answer, Arrival, AskOptions, Exchange, Request, SessionHost } from './exchange.ts';
import { type DmSession, type Phase, type Refusal, type SessionAction, type SessionEvent } from './session.ts';
import type { Status, SyncmlMessage } from './syncml/message.ts';

/** A message of the device with all that belongs to it. */
export interface Received {
  message: SyncmlMessage;
  octets: Uint8Array;
  /** Tells the same octets: a digest of them. */
  key: string;
  hmac: string | undefined;
}

export interface Reply {
  status: 200 | 400 | 404 | 503;
  /** A message for 200, a sentence for the others. */
  octets: Buffer;
  headers: Readonly<Record<string, string>>;
  /** The session needs the connection no more. */
  last: boolean;
}

/** Where the next words go. */
export interface Responder {
  reply(reply: Reply): void;
}

export interface ConversationHost {
  /** The device's half; `arrived` without what the transport knows. */
  device: Omit<SessionHost, 'arrived'> & {
    arrived(
      arrival: Pick<Arrival, 'startedBy' | 'deviceInfo'>,
      exchange: Exchange,
    ): Promise<{ status: number; why: string } | undefined>;
  };
  /** A mistake of ours; the session is lost. */
  failed(error: unknown): void;
  /** A message of the device was not taken. */
  refused(reason: Refusal | 'unauthenticated' | 'wrong-order' | 'repeats', why: string): void;
}

export interface ConversationSettings {
  clock: Clock;
  /** ms that the device may be silent; shorter before it has proved who it is. */
  silence: number;
  setupSilence: number;
}

/**
 * What a message is to this session.
 * - `next`: it goes on.
 * - `repeat`: the same message once more; its answer was lost.
 * - `restart`: the device begins anew; this session is dead.
 * - `disorder`: an old message, or one before the last is answered.
 * - `late`: the session is over.
 */
export type Relation = 'next' | 'repeat' | 'restart' | 'disorder' | 'late';

interface Last {
  id: string;
  key: string;
  /** It says what a new session would have to do once more. */
  hasAlerts: boolean;
}

interface Said {
  octets: Buffer;
  headers: Readonly<Record<string, string>>;
  messageId: string;
  harmless: boolean;
  /** Somebody was there to take it. */
  delivered: boolean;
}

/** A device that says the same again and again does not get on. */
const maximumRepeats = 10;

export class Conversation implements Exchange {
  readonly #session: DmSession;
  readonly #host: ConversationHost;
  readonly #proofs: SessionProofs;
  readonly #settings: ConversationSettings;
  #responder: Responder | undefined;
  #last: Last | undefined;
  #said: Said | undefined;
  #repeats = 0;
  /** The last message is not answered yet. */
  #working = false;
  #isChallenged = false;
  #isProven = false;
  #thinking = false;
  #answered: ((answers: Answer[]) => void) | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(session: DmSession, host: ConversationHost, proofs: SessionProofs, settings: ConversationSettings) {
    this.#session = session;
    this.#host = host;
    this.#proofs = proofs;
    this.#settings = settings;
  }

  get phase(): Phase {
    return this.#session.phase;
  }

  /** A message of the device was proven. */
  get isProven(): boolean {
    return this.#isProven;
  }

  get isOver(): boolean {
    return this.phase === 'over';
  }

  get isOpen(): boolean {
    return this.phase === 'ours' || this.phase === 'asked' || (this.phase === 'storing' && this.#session.hasArrived);
  }

  get count(): number {
    return this.#session.count;
  }

  ask(requests: readonly Request[], options: AskOptions = {}): Promise<Answer[]> {
    if (this.#answered) throw new Error('one call at a time: the device has not answered the one before');
    if (requests.length === 0) return Promise.resolve([]);
    return new Promise((resolve) => {
      this.#answered = resolve;
      this.#step({ event: 'ask', requests, options });
    });
  }

  /** What a message is to this session; nothing changes. */
  relate(message: SyncmlMessage, key: string): Relation {
    const last = this.#last;
    if (!last) return 'next';
    const starts = startsSession(message);
    const order = compareIds(message.header.messageId, last.id);
    if (order === 0) {
      if (key === last.key) return starts && this.#mayRestart(last) ? 'restart' : 'repeat';
      // Devices that do not count, and devices that begin anew with every challenge.
      if (!this.#answersUs(message)) {
        if (!starts) return 'repeat';
        if (!this.#isChallenged) return 'restart';
      }
    } else if (starts && (order < 0 || this.isOver) && !this.#isChallenged) return 'restart';
    else if (order < 0 && !this.#isChallenged) return 'disorder';
    if (this.isOver) return starts ? 'restart' : 'late';
    return this.#working ? 'disorder' : 'next';
  }

  /**
   * The same package #1 again: an HTTP client that repeats itself, or a device that has died and begins anew. What must not be done
   * twice is not sent twice.
   */
  #mayRestart(last: Last): boolean {
    const said = this.#said;
    if (this.#working || !said?.delivered) return false;
    return said.harmless ? this.isOver && !last.hasAlerts : true;
  }

  /** It answers what we said last, so it is not the message before once more. */
  #answersUs({ commands }: SyncmlMessage): boolean {
    const said = this.#said?.messageId;
    return (
      said !== undefined &&
      said !== '1' &&
      commands.some((command) => command.command === 'Status' && command.messageRef === said)
    );
  }

  /** A message that goes on with this session. */
  take(received: Received, responder: Responder): void {
    this.#cancelTimer?.();
    this.#responder = responder;
    this.#working = true;
    this.#repeats = 0;
    const { message, key } = received;
    this.#last = { id: message.header.messageId, key, hasAlerts: hasAlerts(message) };
    this.#judge(received).catch((error: unknown) => this.#fail(error));
  }

  /** The last message once more: its answer, again. */
  repeat(responder: Responder): void {
    if (++this.#repeats > maximumRepeats) {
      this.#host.refused('repeats', `the device has sent the same message ${this.#repeats} times`);
      responder.reply(problem(400, 'the same message again and again', true));
      if (!this.isOver) this.lose('the device sends the same message again and again');
      return;
    }
    if (this.#working) {
      // The connection before waits for nobody any more.
      this.#responder?.reply(problem(503, 'the message was sent again over another connection', true));
      this.#responder = responder;
      return;
    }
    const said = this.#said;
    if (!said) return responder.reply(problem(404, 'the session is over', true));
    said.delivered = true;
    responder.reply({ status: 200, octets: said.octets, headers: said.headers, last: this.isOver });
    this.#watch();
  }

  /** A message after the end: what answers us needs no more than an empty answer; anything else has to come again. */
  dismiss({ commands }: SyncmlMessage, responder: Responder): boolean {
    const isAnswer = commands.every((command) => command.command === 'Status' || command.command === 'Results');
    if (isAnswer) responder.reply({ status: 200, octets: Buffer.alloc(0), headers: {}, last: true });
    else responder.reply(problem(404, 'the session is over: begin a new one', true));
    return isAnswer;
  }

  /** The connection broke before its answer was out. */
  undelivered(responder: Responder): void {
    if (this.#responder === responder) this.#responder = undefined;
  }

  /** The session is dead: a newer one came, or the gateway stops. */
  lose(why: string): void {
    if (this.isOver) return;
    this.#step({ event: 'lost', why, delivered: this.#said?.delivered ?? false });
    this.#answer(problem(503, why, true));
  }

  #fail(error: unknown): void {
    this.#host.failed(error);
    this.lose('internal error');
  }

  async #judge({ message, octets, hmac }: Received): Promise<void> {
    const { header } = message;
    const verdict: Verdict = await this.#proofs.check({ header, hmac, octets });
    if (this.isOver) return;
    this.#isChallenged = !verdict.proven;
    if (verdict.proven) this.#isProven = true;
    else if (verdict.status === 401 || verdict.over) this.#host.refused('unauthenticated', verdict.why);
    const status = verdict.proven ? headerStatus(message) : undefined;
    const told = status && (await this.#proofs.told({ code: status.code, challenge: status.challenge }));
    if (this.isOver) return;
    this.#step({ event: 'message', message, verdict, told, own: this.#proofs.own(), size: octets.length });
  }

  #step(event: SessionEvent): void {
    for (const action of this.#session.step(event)) this.#act(action);
    this.#watch();
  }

  #act(action: SessionAction): void {
    switch (action.do) {
      case 'store':
        this.#store(action).catch((error: unknown) => this.#fail(error));
        break;
      case 'send':
        this.#send(action);
        break;
      case 'think':
        this.#think();
        break;
      case 'tell': {
        const answered = this.#answered;
        this.#answered = undefined;
        answered?.(action.answers);
        break;
      }
      case 'refuse':
        this.#host.refused(action.reason, action.why);
        break;
      case 'end':
        this.#cancelTimer?.();
        this.#host.device.ended(action.why);
    }
  }

  async #store({ arrival, alerts }: Extract<SessionAction, { do: 'store' }>): Promise<void> {
    const { device } = this.#host;
    const refusal = arrival && (await device.arrived(arrival, this));
    if (refusal) return this.#step({ event: 'refused', ...refusal });
    const codes: number[] = [];
    for (const { alert, items } of alerts) codes.push(await device.alerted(alert, items));
    this.#step({ event: 'stored', codes });
  }

  #think(): void {
    if (this.#thinking) return;
    this.#thinking = true;
    this.#host.device.think().then(
      () => this.#step({ event: 'nothing' }),
      (error: unknown) => this.#fail(error),
    );
  }

  #send({ octets, messageId, harmless }: Extract<SessionAction, { do: 'send' }>): void {
    const headers = this.#proofs.sign(octets);
    this.#said = { octets, headers, messageId, harmless, delivered: this.#responder !== undefined };
    this.#answer({ status: 200, octets, headers, last: this.isOver });
  }

  #answer(reply: Reply): void {
    const responder = this.#responder;
    this.#responder = undefined;
    this.#working = false;
    responder?.reply(reply);
  }

  /** While the device has the word, its silence is measured. */
  #watch(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#working || this.isOver) return;
    const { clock, silence, setupSilence } = this.#settings;
    const limit = this.#isProven ? silence : setupSilence;
    const why = `the device was silent for ${Math.round(limit / 1000)} s`;
    this.#cancelTimer = clock.after(limit, () => this.lose(why));
  }
}

export function problem(status: 400 | 404 | 503, text: string, last: boolean): Reply {
  return { status, octets: Buffer.from(text), headers: {}, last };
}

function headerStatus({ commands }: SyncmlMessage): Status | undefined {
  for (const command of commands) {
    if (command.command === 'Status' && isHeaderStatus(command)) return command;
  }
  return undefined;
}

/** Alerts that tell something, besides that a session begins. */
function hasAlerts({ commands }: SyncmlMessage): boolean {
  return commands.some((command) => command.command === 'Alert' && command.code !== 1200 && command.code !== 1201);
}

/** Negative: before; 0: the same; positive: after, or nobody can tell. */
function compareIds(id: string, last: string): number {
  if (id === last) return 0;
  const [one, other] = [Number(id), Number(last)];
  return Number.isFinite(one) && Number.isFinite(other) ? one - other : 1;
}
