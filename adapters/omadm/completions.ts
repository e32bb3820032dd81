/**
 * What alerts of a device say of orders that it carries out later. An order is found by its correlator, else by the object that the
 * alert names, when one alone fits (OMA DM RepPro 1.2.1, 6.5.1.5).
 */
import { Withdrawn, type AdapterContext } from '../../src/management/adapter.ts';
import type { DeviceId, Operation } from '../../src/management/operation.ts';
import { failed, succeeded } from '../../src/management/outcome.ts';
import type { DeviceSettings } from './device-settings.ts';
import { isWithin } from './paths.ts';
import { failureOfResult, isGoodResult } from './result-codes.ts';
import {
  correlatorOf,
  expectedWork,
  tellerOfAccepted,
  tellerOfUnanswered,
  workStateOf,
  type Teller,
  type Work,
} from './work.ts';

/** One item of a generic alert (1226). */
export interface Report {
  type: string;
  correlator: string;
  /** The node that it tells of; '' = it names none. */
  source: string;
  /** As text. */
  data: string;
  /** Undefined: the data is no result code. */
  code: number | undefined;
}

/** An operation whose end may be reported, and how it is told of. */
export interface Candidate {
  operation: Operation;
  work: Work;
  correlator: string;
  teller: Teller;
}

/** What the device has accepted, and what was sent to it and never answered. */
export async function candidatesOf(context: AdapterContext, id: DeviceId): Promise<Candidate[]> {
  const accepted = (await context.pending(id)).flatMap((operation): Candidate[] => {
    const { pending } = operation;
    const state = workStateOf(operation);
    if (!pending || !state) return [];
    const work = {
      procedure: pending.procedure,
      holds: pending.holds,
      state,
      deadline: pending.deadline - context.now(),
    };
    return [{ operation, work, correlator: pending.correlator, teller: tellerOfAccepted(context, operation) }];
  });
  const unanswered = (await context.unanswered(id)).flatMap((operation): Candidate[] => {
    const candidate = candidateFor(operation, tellerOfUnanswered(context, operation));
    return candidate ? [candidate] : [];
  });
  return [...accepted, ...unanswered];
}

/** Undefined: nothing that a device reports later. */
export function candidateFor(operation: Operation, teller: Teller): Candidate | undefined {
  const step = operation.steps.at(-1);
  const work = step && expectedWork(step, operation);
  return work && { operation, work, correlator: correlatorOf(operation), teller };
}

export function matching(
  candidates: readonly Candidate[],
  { correlator, source, type }: Report,
): Candidate | undefined {
  if (correlator !== '') return candidates.find((one) => one.correlator === correlator);
  const fitting = candidates.filter(({ work }) => {
    const { object } = work.state;
    if (object === '') return false;
    // A notification of the user, or a value that has changed, ends nothing.
    if (!isResult(type)) return false;
    return source !== '' && (isWithin(source, object) || isWithin(object, source));
  });
  return fitting.length === 1 ? fitting[0] : undefined;
}

/** Types of alerts that tell an end. */
function isResult(type: string): boolean {
  const word = type.toLowerCase();
  return word.endsWith(':operationcomplete') || /\.firmwareupdate\.(?:download|update|downloadandupdate)$/.test(word);
}

/** Durable when it resolves; a repeat changes nothing. True: what the device has may have changed. */
export async function noteResult(
  { work, teller }: Candidate,
  report: Report,
  settings: DeviceSettings,
): Promise<boolean> {
  const { code, type } = report;
  const { state } = work;
  const evidence = code === undefined ? `alert ${type}` : `ResultCode ${code}`;
  try {
    if (code !== undefined && !isGoodResult(code)) {
      await teller.ends(failed({ ...failureOfResult(code, familyOf(state.work, type)) }));
      return true;
    }
    switch (state.work) {
      case 'firmware': {
        const result = code ?? 200;
        if (state.phase === 'downloading' || state.phase === 'ready') {
          if (type.toLowerCase().endsWith('.download') || !type.toLowerCase().endsWith('update')) {
            await teller.goesOn({
              ...work,
              state: { ...state, phase: 'ready' },
              deadline: settings.updateDeadline,
              progress: 50,
            });
            return true;
          }
        }
        // The version that runs is the proof, where one was asked for.
        if (state.version === undefined) await teller.ends(succeeded([], { evidence }));
        else if (state.phase !== 'reported') {
          const deadline = settings.updateDeadline;
          await teller.goesOn({ ...work, state: { ...state, phase: 'reported', result }, deadline, progress: 90 });
        }
        return true;
      }
      case 'software':
        if (state.phase === 'downloading') {
          await teller.goesOn({
            ...work,
            state: { ...state, phase: 'ready' },
            deadline: settings.updateDeadline,
            progress: 50,
          });
        } else await teller.ends(succeeded([], { evidence }));
        return true;
      case 'order':
      case 'restart':
        await teller.ends(succeeded([], { evidence }));
        return true;
    }
  } catch (error) {
    // Settled by other evidence in that moment.
    if (error instanceof Withdrawn) return false;
    throw error;
  }
}

function familyOf(work: Work['state']['work'], type: string): Parameters<typeof failureOfResult>[1] {
  if (work === 'firmware' || work === 'software') return work;
  if (/:scomo:/i.test(type)) return 'software';
  return /:lawmo:/i.test(type) ? 'lawmo' : 'other';
}
