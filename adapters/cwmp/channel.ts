/** A CPE as the steps of an operation see it: questions and answers, failures in neutral terms, busy CPEs asked again. */
import type { Clock } from '../../src/support/clock.ts';
import type { Failure } from '../../src/management/outcome.ts';
import type { Conversation } from './conversation.ts';
import { failureOfFault, isTransient, requestDenied, type CpeFault } from './faults.ts';
import type { Knowledge } from './knowledge.ts';
import { isRepeatable, type AcsMethod, type Answer, type Arguments } from './rpc.ts';
import { defaultStyle, type LiteralStyle } from './values.ts';

export type Result<T> =
  | { answer: T; failure?: undefined; fault?: undefined }
  | { answer?: undefined; failure: Failure; fault?: CpeFault };

export interface Channel {
  /** `hold`: more follows, and the CPE shall keep its own requests back. */
  ask<M extends AcsMethod>(method: M, request: Arguments<M>, hold?: boolean): Promise<Result<Answer<M>>>;
  readonly knowledge: Knowledge;
  /** As its profile says, else as its model was found to take values. */
  readonly style: LiteralStyle;
  /** The profile says it. */
  readonly isStyleStated: boolean;
  /** Names in one question. */
  readonly batchSize: number;
  /** Requests of ours so far, and how many a session may carry. */
  readonly count: number;
  readonly maximumRequests: number;
}

export interface ChannelSettings {
  clock: Clock;
  /** As the profile says. */
  style?: LiteralStyle;
  batchSize: number;
  maximumRequests: number;
  transientPause: number;
  transientRetries: number;
  /** Before a question leaves, and after its answer came. */
  trace(line: { direction: 'in' | 'out'; summary: string }): void;
}

export function createChannel(conversation: Conversation, knowledge: Knowledge, settings: ChannelSettings): Channel {
  async function askOnce<M extends AcsMethod>(
    method: M,
    request: Arguments<M>,
    hold: boolean,
  ): Promise<Result<Answer<M>>> {
    if (conversation.count >= settings.maximumRequests) return { failure: exhausted(settings.maximumRequests) };
    settings.trace({ direction: 'out', summary: `${method} ${summaryOf(request)}`.trim() });
    const asked = await conversation.ask(method, request, hold);
    if ('answer' in asked) {
      settings.trace({ direction: 'in', summary: `${method}Response` });
      return { answer: asked.answer };
    }
    const result = failureOf(method, asked);
    settings.trace({ direction: 'in', summary: result.failure.evidence ?? result.failure.explanation });
    return result;
  }

  return {
    knowledge,
    get style() {
      return settings.style ?? (knowledge.booleans ? { booleans: knowledge.booleans } : defaultStyle);
    },
    isStyleStated: settings.style !== undefined,
    batchSize: settings.batchSize,
    get count() {
      return conversation.count;
    },
    maximumRequests: settings.maximumRequests,
    async ask(method, request, hold = false) {
      for (let retry = 0; ; retry++) {
        const result = await askOnce(method, request, hold);
        if (!mayAskAgain(method, result.fault) || retry >= settings.transientRetries) return result;
        await new Promise<void>((resolve) => void settings.clock.after(settings.transientPause * 2 ** retry, resolve));
      }
    },
  };
}

/** A CPE that denies a request (9001) has not begun with it; one that fails (9002) may have done a part of it. */
function mayAskAgain(method: AcsMethod, fault: CpeFault | undefined): boolean {
  if (!fault || !isTransient(fault.code) || fault.parameters.length > 0) return false;
  return fault.code === requestDenied || isRepeatable(method);
}

function failureOf(
  method: AcsMethod,
  asked: Exclude<Awaited<ReturnType<Conversation['ask']>>, { answer: unknown }>,
): { failure: Failure; fault?: CpeFault } {
  if ('fault' in asked) return { failure: failureOfFault(asked.fault), fault: asked.fault };
  switch (asked.end) {
    case 'unsupported': {
      const fault = { code: 9000, text: 'an empty POST in place of the answer', parameters: [] };
      return { failure: failureOfFault(fault), fault };
    }
    case 'wrong': {
      const explanation = `the CPE did not answer ${method} in a way that can be understood: ${asked.why}`;
      return { failure: { cause: 'device-error', explanation } };
    }
    case 'unanswered':
      return { failure: { cause: 'no-answer', explanation: `the CPE did not answer ${method}: ${asked.why}` } };
  }
}

function exhausted(maximum: number): Failure {
  return {
    cause: 'unavailable',
    explanation: `${maximum} requests were made in this session; the rest has to wait for the next one`,
  };
}

/** What a question is about, without values: those may be secrets. */
function summaryOf(request: object): string {
  const words: string[] = [];
  for (const [name, value] of Object.entries(request)) {
    if (name === 'path' || name === 'commandKey' || name === 'fileType') words.push(String(value));
    else if (name === 'names' && Array.isArray(value)) words.push(shortened(value.map(String)));
    else if ((name === 'values' || name === 'changes') && Array.isArray(value)) {
      words.push(shortened(value.map((one: { name: string }) => one.name)));
    }
  }
  return words.join(' ');
}

function shortened(names: string[]): string {
  return names.length <= 6 ? names.join(' ') : `${names.slice(0, 6).join(' ')} … ${names.length - 6} more`;
}
