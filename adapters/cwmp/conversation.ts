/**
 * A session with its promises and its clock: HTTP messages go in and are answered, requests of ours are asked and come back
 * as answers. What follows from what is decided by the state machine of `session.ts`.
 */
import { hash } from 'node:crypto';
import type { Clock } from '../../src/support/clock.ts';
import type { CpeFault } from './faults.ts';
import {
  isRepeatable,
  readAnswer,
  requestBody,
  type AcsMethod,
  type Answer,
  type Arguments,
  type CpeRequest,
  type Incoming,
} from './rpc.ts';
import {
  stepSession,
  type Phase,
  type Refusal,
  type RpcEnd,
  type SessionAction,
  type SessionEvent,
  type SessionState,
} from './session.ts';

export interface Reply {
  status: 200 | 204 | 400 | 503;
  /** An envelope for 200, a sentence for the others. */
  text: string;
  /** The session needs the connection no more. */
  last: boolean;
}

export interface ConversationHost {
  /** Makes durable what the CPE says. A refusal: a code 8000–8899 and a sentence. Never rejects. */
  store(request: CpeRequest): Promise<{ code: number; why: string } | undefined>;
  /** Anything came from the CPE. */
  heard(): void;
  /** The CPE has handed us the word: ask, or finish. */
  think(): void;
  /** A message of the CPE was not taken. */
  refused(reason: Refusal, why: string): void;
  /** Nothing more is answered in this session. */
  ended(why: string): void;
}

export interface ConversationSettings {
  clock: Clock;
  /** ms that the CPE may be silent. */
  silence: number;
  /** ms in which a late request is still answered after the end (quirk 26). */
  linger: number;
}

/** What became of a request of ours. Refusal and silence are ordinary. */
export type Asked<M extends AcsMethod> =
  | { answer: Answer<M> }
  | { fault: CpeFault }
  | Exclude<RpcEnd, { end: 'response' | 'fault' }>;

/** Where the next words go. */
export interface Exchange {
  /** The connection that it belongs to. */
  readonly connection?: unknown;
  reply(reply: Reply): void;
}

/** We have said that we have nothing more, and the CPE had nothing more either: whatever comes next does not break it off. */
const normalEnd = 'both had nothing more to say';

export class Conversation {
  #state: SessionState;
  readonly #host: ConversationHost;
  readonly #settings: ConversationSettings;
  #exchange: Exchange | undefined;
  /** Where our last words went. */
  #replied: Exchange | undefined;
  #answered: ((end: RpcEnd) => void) | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(state: SessionState, host: ConversationHost, settings: ConversationSettings) {
    this.#state = state;
    this.#host = host;
    this.#settings = settings;
  }

  get phase(): Phase {
    return this.#state.phase;
  }

  /** Requests of ours so far. */
  get count(): number {
    return this.#state.count;
  }

  /** A message of the CPE. `text` tells a repeat. */
  take(
    incoming: Incoming | { kind: 'empty' } | { kind: 'unreadable'; why: string },
    text: string,
    id: string | undefined,
    exchange: Exchange,
  ): void {
    this.#cancelTimer?.();
    // An older exchange waits for nobody: the CPE has come back over another connection.
    this.#exchange?.reply({ status: 503, text: 'the message was sent again over another connection', last: true });
    this.#exchange = exchange;
    this.#host.heard();
    const elsewhere = this.#replied !== undefined && this.#replied.connection !== exchange.connection;
    this.#step(eventOf(incoming, text, id, elsewhere));
  }

  /** The connection of an exchange broke before its answer was out. */
  undelivered(exchange: Exchange): void {
    if (this.#exchange === exchange) this.#exchange = undefined;
    else if (this.#replied === exchange) this.#step({ event: 'undelivered' });
  }

  /**
   * Asks the CPE; one question at a time. Resolves when it has answered, or when it is certain that it will not.
   * @param hold more questions follow, and the CPE shall keep its own requests back
   */
  async ask<M extends AcsMethod>(method: M, request: Arguments<M>, hold = false): Promise<Asked<M>> {
    if (this.#answered) throw new Error('one question at a time: the CPE has not answered the one before');
    const body = requestBody(method, request);
    const end = await new Promise<RpcEnd>((resolve) => {
      this.#answered = resolve;
      this.#step({ event: 'ask', method, body, hold, repeatable: isRepeatable(method) });
    });
    if (end.end === 'response') return { answer: readAnswer(method, end.response) };
    return end.end === 'fault' ? { fault: end.fault } : end;
  }

  /** We have nothing to ask. */
  finish(): void {
    this.#step({ event: 'nothing' });
  }

  /** The session is dead: a newer one came, or the gateway stops. */
  lose(why: string): void {
    this.#step({ event: 'lost', why: this.phase === 'done' ? normalEnd : why });
  }

  #step(event: SessionEvent): void {
    const { state, actions } = stepSession(this.#state, event);
    this.#state = state;
    for (const action of actions) this.#act(action);
    this.#watch();
  }

  #act(action: SessionAction): void {
    switch (action.do) {
      case 'store':
        this.#host.store(action.request).then(
          (refusal) => this.#step(refusal ? { event: 'refused', ...refusal } : { event: 'stored' }),
          () => this.#step({ event: 'refused', code: 8002, why: 'internal error' }),
        );
        break;
      case 'send':
        // The CPE is gone for the moment: it will ask for these words again.
        if (!this.#exchange) this.#state = stepSession(this.#state, { event: 'undelivered' }).state;
        this.#reply({ status: 200, text: action.text, last: false });
        break;
      case 'close':
        this.#reply({ status: 204, text: '', last: true });
        break;
      case 'reject':
        this.#reply({ status: 400, text: action.why, last: true });
        break;
      case 'refuse':
        this.#host.refused(action.reason, action.why);
        break;
      case 'think':
        this.#host.think();
        break;
      case 'tell': {
        const answered = this.#answered;
        this.#answered = undefined;
        answered?.(action.end);
        break;
      }
      case 'end':
        this.#cancelTimer?.();
        this.#reply({ status: 503, text: action.why, last: true });
        this.#host.ended(action.why);
    }
  }

  #reply(reply: Reply): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#replied = exchange;
    exchange?.reply(reply);
  }

  /** While the CPE has the word, its silence is measured. */
  #watch(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const { phase } = this.#state;
    if (this.#exchange || (phase !== 'theirs' && phase !== 'asked' && phase !== 'done' && phase !== 'ours')) return;
    const { clock, silence, linger } = this.#settings;
    const limit = phase === 'done' ? linger : silence;
    const why = `the CPE was silent for ${Math.round(silence / 1000)} s`;
    this.#cancelTimer = clock.after(limit, () => this.lose(why));
  }
}

function eventOf(
  incoming: Incoming | { kind: 'empty' } | { kind: 'unreadable'; why: string },
  text: string,
  id: string | undefined,
  elsewhere: boolean,
): SessionEvent {
  if (incoming.kind === 'empty') return { event: 'empty' };
  if (incoming.kind === 'unreadable') return { event: 'unreadable', why: incoming.why };
  const key = hash('sha1', text, 'base64');
  switch (incoming.kind) {
    case 'request':
      return { event: 'request', id, key, request: incoming.request };
    case 'response':
      return { event: 'response', id, key, elsewhere, method: incoming.method, response: incoming.response };
    case 'fault':
      return { event: 'fault', id, key, elsewhere, fault: incoming.fault };
    case 'unknown':
      return { event: 'unknown', id, key, method: incoming.method };
  }
}
