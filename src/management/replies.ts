/** Answers to those who wait for an operation. */
import type { WakeResult } from './adapter.ts';
import type { Core } from './core.ts';
import { causes, failureIn, refusalOf } from './causes.ts';
import type { DeviceEntry } from './device-registry.ts';
import type { Reply } from './facade.ts';
import type { LaneEntry, Waiter } from './lane.ts';
import type { Operation } from './operation.ts';
import type { Cause, Outcome } from './outcome.ts';
import type { AttributePatch } from './resource-side.ts';

export function answer(core: Core, waiter: Waiter, reply: Reply, outcome?: Outcome): void {
  core.lanes.stopWaiting(waiter);
  waiter.answer?.(reply, outcome);
}

export function answerAll(core: Core, entry: LaneEntry, reply: Reply, outcome?: Outcome): void {
  while (entry.waiters.length > 0) answer(core, entry.waiters[0]!, reply, outcome);
}

export function replyOf(operation: Operation, outcome: Outcome, patch: AttributePatch): Reply {
  if (outcome.status === 'succeeded') return { done: true, patch, operation: operation.id };
  return { done: false, ...refusalOf(failureIn(outcome), operation.kind), operation: operation.id };
}

/** A refusal before there is an operation. */
export function refuse(cause: Cause, explanation = causes[cause].explanation): Reply & { done: false } {
  return { done: false, responseStatusCode: causes[cause].responseStatusCode, explanation, cause };
}

/** It was sent, and the requester's time is over: the only honest answer names the operation. */
export function sentWithoutOutcome(operation: Operation): Reply {
  return {
    done: false,
    responseStatusCode: causes['no-answer'].responseStatusCode,
    explanation:
      `operation ${operation.id} was sent to the device and has no outcome yet; ` +
      (operation.kind === 'read'
        ? 'a read changes nothing, repeat it when you like'
        : 'its outcome will update the resource, do not repeat it before you have looked there'),
    operation: operation.id,
  };
}

/** Why nothing was sent in time, with what is known of the device. */
export function notSentInTime(device: DeviceEntry | undefined): string {
  if (!device) return causes['session-timeout'].explanation;
  const { state, lastSeen, why } = device.device.presence;
  const wake = wordsOf(device.wake);
  return (
    `the device was not available in time (${state}${why ? `: ${why}` : ''}, last contact ${new Date(lastSeen).toISOString()}${wake}); ` +
    'nothing was sent and nothing will be, use a longer Request Expiration Timestamp or a non-blocking request'
  );
}

/** How it was called, or when one that cannot be called comes by itself. */
function wordsOf(wake: WakeResult | undefined): string {
  switch (wake?.state) {
    case 'asked':
      return `; it was called by ${wake.by}${expected(' before', wake.expectedBefore)}`;
    case 'waiting':
      return `; ${wake.why}${expected('', wake.nextContact)}`;
    case 'impossible':
      return `; ${wake.why}`;
    default:
      return '';
  }
}

function expected(word: string, time: number | undefined): string {
  return time === undefined ? '' : `, expected${word} ${new Date(time).toISOString()}`;
}
