/** The end of an operation that was not sent, and the end of a requester's patience. */
import { failureOf } from './causes.ts';
import type { Core } from './core.ts';
import { exclusively, type LaneEntry, type Waiter } from './lane.ts';
import type { Outcome } from './outcome.ts';
import { answer, answerAll, notSentInTime, refuse, replyOf, sentWithoutOutcome } from './replies.ts';
import { isGone, settle, settleForGood } from './settlement.ts';

/**
 * Ends an operation that nobody has sent. Either this wins or the dispatch does, never both: a stored operation changes one
 * version of its row, a volatile one changes in memory.
 * @returns false when it had been sent, or was over
 */
export async function withdraw(core: Core, entry: LaneEntry, outcome: Outcome): Promise<boolean> {
  const { operation } = entry;
  if (operation.volatile) {
    if (!isUnsent(entry)) return false;
    await settle(core, operation, outcome);
    return true;
  }
  // While a dispatch is being committed it has the first word.
  const won = await exclusively(entry, async () => {
    if (isGone(core, entry) || !isUnsent(entry)) return false;
    entry.doomed = true;
    core.lanes.unqueue(entry);
    core.lanes.land(entry);
    return true;
  });
  if (!won) return false;
  await settleForGood(core, entry, outcome).catch((error: unknown) => {
    // It is never sent all the same: this process has taken it out of the lane, and a later one finds it expired.
    core.log.error({ err: error, operation: operation.id }, 'a withdrawal could not be stored');
    // So the promise holds without the store, and who waits need not wait for it.
    if (operation.expiresAt <= core.clock.now()) answerAll(core, entry, replyOf(operation, outcome, {}), outcome);
  });
  return true;
}

export function isUnsent({ operation, doomed }: LaneEntry): boolean {
  return !doomed && (operation.state === 'queued' || operation.state === 'taken');
}

/** A waiter's time has come. */
export function expire(core: Core, waiter: Waiter): void {
  const { entry } = waiter;
  const { operation } = entry;
  const shared = entry.waiters.length > 1;
  if (!isUnsent(entry) || (shared && operation.dispatchedAt !== undefined)) {
    if (!entry.doomed) answer(core, waiter, sentWithoutOutcome(operation));
    return;
  }
  const device = core.devices.known(operation.device);
  if (shared) {
    // Others still wait for the same read; it is no longer sent for this one.
    answer(core, waiter, refuse('session-timeout', notSentInTime(device)));
    return;
  }
  const outcome: Outcome = {
    status: waiter.blocking ? 'withdrawn' : 'expired',
    failure: failureOf('session-timeout', notSentInTime(device)),
    results: [],
  };
  withdraw(core, entry, outcome).then(
    (won) => {
      if (!won && entry.waiters.includes(waiter)) answer(core, waiter, sentWithoutOutcome(operation));
    },
    (error: unknown) => {
      core.log.error({ err: error, operation: operation.id }, 'an operation could not be withdrawn');
      answer(core, waiter, sentWithoutOutcome(operation));
    },
  );
}
