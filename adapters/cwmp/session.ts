/**
 * One CWMP session as a pure state machine (TR-069 3.7.2): what happened goes in, what is to be done comes out. It knows no
 * socket, no store and no clock; `conversation.ts` does what it says.
 */
import type { CpeFault } from './faults.ts';
import { answerBody, type CpeRequest } from './rpc.ts';
import { faultBody, writeEnvelope, type Element } from './soap.ts';
import type { Xml } from './xml.ts';

/**
 * - `fresh`: nothing came yet.
 * - `storing`: what the CPE said is made durable, and answered after that.
 * - `theirs`: answered; the CPE may go on with requests of its own.
 * - `ours`: the CPE has handed us the word and waits.
 * - `asked`: a request of ours is out.
 * - `done`: we have nothing more (204). Late requests of the CPE are still answered.
 * - `over`: nothing is answered any more.
 */
export type Phase = 'fresh' | 'storing' | 'theirs' | 'ours' | 'asked' | 'done' | 'over';

interface Asked {
  id: string;
  method: string;
  /** Carried out twice it does no more than once. */
  repeatable: boolean;
  /** The CPE spoke of something else since. */
  interrupted: boolean;
  /** How often it was sent once more, because the CPE seemed not to have got it. */
  repeats: number;
}

interface Question {
  method: string;
  body: Xml;
  hold: boolean;
  repeatable: boolean;
}

export interface SessionState {
  readonly phase: Phase;
  readonly namespace: string;
  /** An XML declaration in front of envelopes, for CPEs that insist on one. */
  readonly declaration: boolean;
  /** CWMP version for `UseCWMPVersion` in the InformResponse. */
  readonly useVersion?: string;
  /** What is being stored, with the ID to answer to, and the phase after it. */
  readonly storing?: { request: CpeRequest; id?: string; after: Phase };
  readonly asked?: Asked;
  /** A request of ours that waits until the CPE hands us the word. */
  readonly queued?: Question;
  /** Requests of ours so far. */
  readonly count: number;
  /** Our last words, and what they answered: a repeat gets them again. */
  readonly said?: { to: string; text: string };
  /** Our last words did not reach the CPE. */
  readonly undelivered: boolean;
}

export type SessionEvent =
  /** A request of the CPE; `key` tells a repeat of the same message. */
  | { event: 'request'; id?: string; key: string; request: CpeRequest }
  | { event: 'response'; id?: string; key: string; elsewhere?: boolean; method: string; response: Element }
  /** `elsewhere`: it came over another connection than the one to which our last words went. */
  | { event: 'fault'; id?: string; key: string; elsewhere?: boolean; fault: CpeFault }
  | { event: 'unknown'; id?: string; key: string; method: string }
  | { event: 'empty' }
  | { event: 'unreadable'; why: string }
  /** What was to be stored is durable. */
  | { event: 'stored' }
  /** What was to be stored is not taken; `code` 8000–8899. */
  | { event: 'refused'; code: number; why: string }
  /** We ask the CPE. `hold`: more will follow, so it shall keep its own requests back. */
  | { event: 'ask'; method: string; body: Xml; hold: boolean; repeatable: boolean }
  /** We have nothing to ask. */
  | { event: 'nothing' }
  | { event: 'undelivered' }
  /** Time-out, a newer session, the end of the gateway. */
  | { event: 'lost'; why: string };

/** What became of a request of ours. */
export type RpcEnd =
  | { end: 'response'; response: Element }
  | { end: 'fault'; fault: CpeFault }
  /** An empty POST in its place: the CPE does not know the method (quirk 19). */
  | { end: 'unsupported' }
  /** Whatever the CPE sent, it is no answer to this request. */
  | { end: 'wrong'; why: string }
  /** No answer will come; it may have been carried out. */
  | { end: 'unanswered'; why: string };

/**
 * - `no-question`: an answer, and nothing was asked.
 * - `wrong-id`: an answer with the ID of no question.
 * - `wrong-method`: an answer to another method than was asked.
 * - `unknown-method`: a request that we do not know; the only one that the CPE cannot be blamed for.
 * - `wrong-order`: a request that cannot come now.
 * - `no-session`: anything after the end.
 */
export type Refusal = 'no-question' | 'wrong-id' | 'wrong-method' | 'unknown-method' | 'wrong-order' | 'no-session';

export type SessionAction =
  | { do: 'store'; request: CpeRequest }
  | { do: 'send'; text: string }
  /** 204. */
  | { do: 'close' }
  /** A message is not taken: for the log and for counting. */
  | { do: 'refuse'; reason: Refusal; why: string }
  /** An HTTP error; nothing more comes of this session. */
  | { do: 'reject'; status: number; why: string }
  /** The CPE waits for us. */
  | { do: 'think' }
  | { do: 'tell'; end: RpcEnd }
  | { do: 'end'; why: string };

/** A CPE that says the same again and again has got the question. */
const maximumRepeats = 3;

export interface SessionStep {
  state: SessionState;
  actions: SessionAction[];
}

/** A session that begins with an Inform in this namespace. */
export function freshSession(options: { namespace: string; declaration?: boolean; useVersion?: string }): SessionState {
  return { phase: 'fresh', declaration: false, count: 0, undelivered: false, ...options };
}

export function stepSession(state: SessionState, event: SessionEvent): SessionStep {
  if (state.phase === 'over') return { state, actions: afterEnd(event) };
  switch (event.event) {
    case 'request':
      return takeRequest(state, event);
    case 'response':
    case 'fault':
      return takeAnswer(state, event);
    case 'unknown': {
      if (isRepeat(state, event.key)) return repeat(state);
      const why = `the method ${event.method} is not supported`;
      const text = envelope(state, event.id, faultBody(8000, why));
      return refused(say(interrupted(state), event.key, text), 'unknown-method', why);
    }
    case 'empty':
      return takeEmpty(state);
    case 'unreadable':
      if (state.asked) return tell(state, { end: 'wrong', why: event.why });
      // The reader has said why already.
      return reject(state, 400, event.why);
    case 'stored':
      return answerStored(state);
    case 'refused':
      return refuseStored(state, event);
    case 'ask':
      if (state.phase === 'ours') return ask(state, event);
      return { state: { ...state, queued: event }, actions: [] };
    case 'nothing':
      if (state.phase !== 'ours') return { state, actions: [] };
      return { state: { ...state, phase: 'done', undelivered: false }, actions: [{ do: 'close' }] };
    case 'undelivered':
      return { state: { ...state, undelivered: true }, actions: [] };
    case 'lost':
      return lose(state, event.why);
  }
}

const isOver = 'the session is over: send an Inform';

function afterEnd(event: SessionEvent): SessionAction[] {
  switch (event.event) {
    case 'ask':
      return [{ do: 'tell', end: { end: 'unanswered', why: 'the session was over before it was sent' } }];
    case 'request':
    case 'response':
    case 'fault':
    case 'unknown':
    case 'empty':
    case 'unreadable':
      return [
        { do: 'reject', status: 400, why: isOver },
        { do: 'refuse', reason: 'no-session', why: isOver },
      ];
    default:
      return [];
  }
}

function takeRequest(state: SessionState, event: Extract<SessionEvent, { event: 'request' }>): SessionStep {
  const { request, id, key } = event;
  if (isRepeat(state, key)) return repeat(state);
  if (state.phase === 'storing') return disorder(state, 'the message before this one is not answered yet');
  const isFirst = state.phase === 'fresh';
  if (isFirst !== (request.method === 'Inform')) {
    return disorder(state, isFirst ? 'a session begins with an Inform' : 'an Inform begins a session of its own');
  }
  const after = isFirst ? 'theirs' : state.phase === 'ours' ? 'theirs' : state.phase;
  const storing = { request, id, after: after as Phase };
  return {
    state: { ...interrupted(state), phase: 'storing', storing, said: { to: key, text: '' } },
    actions: [{ do: 'store', request }],
  };
}

function answerStored(state: SessionState): SessionStep {
  const { storing } = state;
  if (!storing) return { state, actions: [] };
  const isInform = storing.request.method === 'Inform';
  const text = writeEnvelope({
    namespace: state.namespace,
    id: storing.id,
    declaration: state.declaration,
    useVersion: isInform ? state.useVersion : undefined,
    body: answerBody(storing.request),
  });
  return say({ ...state, phase: storing.after, storing: undefined }, state.said?.to ?? '', text);
}

function refuseStored(state: SessionState, { code, why }: { code: number; why: string }): SessionStep {
  const { storing } = state;
  if (!storing) return { state, actions: [] };
  const text = envelope(state, storing.id, faultBody(code, why));
  // A refused Inform ends the session (TR-069 3.7.2.4).
  const phase = storing.request.method === 'Inform' ? 'over' : storing.after;
  const step = say({ ...state, phase, storing: undefined }, state.said?.to ?? '', text);
  return phase === 'over' ? { ...step, actions: [...step.actions, { do: 'end', why }] } : step;
}

function takeAnswer(
  state: SessionState,
  event: Extract<SessionEvent, { event: 'response' } | { event: 'fault' }>,
): SessionStep {
  const { asked } = state;
  if (!asked) {
    if (isRepeat(state, event.key)) return repeat(state);
    const why = 'it answers a request that was never made';
    return refused(reject(state, 400, why), 'no-question', why);
  }
  const doubt = isRepeat(state, event.key) ? doubtOf(state, asked, event) : undefined;
  if (doubt === 'repeat') return repeat({ ...state, asked: { ...asked, repeats: asked.repeats + 1 } });
  if (doubt === 'unknown') {
    const why = 'the answer is that to the question before, or the same once more, and has no ID';
    return tell(state, { end: 'unanswered', why }, event.key);
  }
  // A CPE that gives no ID answers in order.
  const isOurs = event.id === undefined || event.id === asked.id;
  if (!isOurs) {
    const why = `the answer has the ID ${event.id?.slice(0, 40)} instead of ${asked.id}`;
    return refused(tell(state, { end: 'wrong', why }, event.key), 'wrong-id', why);
  }
  if (event.event === 'fault') return tell(state, { end: 'fault', fault: event.fault }, event.key);
  if (event.method !== asked.method) {
    const why = `the answer is a ${event.method.slice(0, 40)}Response and not a ${asked.method}Response`;
    return refused(tell(state, { end: 'wrong', why }, event.key), 'wrong-method', why);
  }
  return tell(state, { end: 'response', response: event.response }, event.key);
}

/**
 * Octets that are the same as those of the answer before. Without an ID they may answer the present question, too: whoever has got
 * it has no reason to come over another connection, whoever has not says again what he said before. `undefined`: it is the answer.
 */
function doubtOf(
  { undelivered }: SessionState,
  asked: Asked,
  event: Extract<SessionEvent, { event: 'response' } | { event: 'fault' }>,
): 'repeat' | 'unknown' | undefined {
  const isNamed = event.id !== undefined;
  const fits = isNamed ? event.id === asked.id : event.event === 'fault' || event.method === asked.method;
  if (!fits) return asked.repeats < maximumRepeats ? 'repeat' : undefined;
  if (isNamed) return undefined;
  if (undelivered) return 'repeat';
  if (!event.elsewhere || asked.repeats > 0) return undefined;
  return asked.repeatable ? 'repeat' : 'unknown';
}

function takeEmpty(state: SessionState): SessionStep {
  switch (state.phase) {
    case 'theirs':
      if (state.queued) return ask({ ...state, said: undefined }, state.queued);
      return { state: { ...state, phase: 'ours', said: undefined }, actions: [{ do: 'think' }] };
    case 'asked':
      if (state.undelivered) return repeat(state);
      return state.asked?.interrupted
        ? tell(state, { end: 'unanswered', why: 'the CPE spoke of something else and went on without an answer' })
        : tell(state, { end: 'unsupported' });
    case 'done':
      return { state, actions: [{ do: 'close' }] };
    case 'ours':
    case 'storing':
      // Sent again over another connection: the answer that is being made goes there.
      return { state, actions: [] };
    case 'fresh':
    case 'over':
      return disorder(state, 'a session begins with an Inform');
  }
}

function ask(state: SessionState, { method, body, hold, repeatable }: Question): SessionStep {
  const id = String(state.count + 1);
  const { namespace, declaration } = state;
  const text = writeEnvelope({ namespace, id, declaration, holdRequests: hold, body });
  return {
    state: {
      ...state,
      phase: 'asked',
      queued: undefined,
      asked: { id, method, repeatable, interrupted: false, repeats: 0 },
      count: state.count + 1,
      said: { to: state.said?.to ?? '', text },
      undelivered: false,
    },
    actions: [{ do: 'send', text }],
  };
}

/** The word is ours again. */
function tell(state: SessionState, end: RpcEnd, key?: string): SessionStep {
  return {
    state: { ...state, phase: 'ours', asked: undefined, said: key === undefined ? undefined : { to: key, text: '' } },
    actions: [{ do: 'tell', end }],
  };
}

function say(state: SessionState, to: string, text: string): SessionStep {
  return { state: { ...state, said: { to, text }, undelivered: false }, actions: [{ do: 'send', text }] };
}

function reject(state: SessionState, status: number, why: string): SessionStep {
  const { actions, state: after } = lose(state, why);
  return { state: after, actions: [{ do: 'reject', status, why }, ...actions] };
}

function refused({ state, actions }: SessionStep, reason: Refusal, why: string): SessionStep {
  return { state, actions: [...actions, { do: 'refuse', reason, why }] };
}

function disorder(state: SessionState, why: string): SessionStep {
  return refused(reject(state, 400, why), 'wrong-order', why);
}

function lose(state: SessionState, why: string): SessionStep {
  const actions: SessionAction[] = [];
  if (state.asked || state.queued) actions.push({ do: 'tell', end: { end: 'unanswered', why } });
  actions.push({ do: 'end', why });
  return { state: { ...state, phase: 'over', asked: undefined, queued: undefined, storing: undefined }, actions };
}

/** The same message once more: the CPE did not get our answer. While the answer is being made there is nothing to do. */
function isRepeat(state: SessionState, key: string): boolean {
  return state.said?.to === key && key !== '';
}

function repeat(state: SessionState): SessionStep {
  const text = state.said?.text ?? '';
  return { state: { ...state, undelivered: false }, actions: text === '' ? [] : [{ do: 'send', text }] };
}

function interrupted(state: SessionState): SessionState {
  return state.asked ? { ...state, asked: { ...state.asked, interrupted: true } } : state;
}

function envelope({ namespace, declaration }: SessionState, id: string | undefined, body: Xml): string {
  return writeEnvelope({ namespace, id, declaration, body });
}
