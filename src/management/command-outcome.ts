/** How an execution stands, in the terms of `<execInstance>` (TS-0004 6.3.4.2.15 and 6.3.4.2.16). Pure. */
import { enumerations } from '../onem2m/enumerations.ts';
import { failureIn } from './causes.ts';
import type { CommandTable } from './command-table.ts';
import type { Failure, Outcome } from './outcome.ts';
import type { AttributePatch } from './resource-side.ts';

const { execStatusType: status, execResultType: result } = enumerations;

/** In the lane, and the requester has not been answered. */
export const startedExecution: AttributePatch = Object.freeze({
  execStatus: status.INITIATED,
  execResult: result.STATUS_NOT_FINISHED,
});

/** Accepted by the device, or waiting for it. */
export const pendingExecution: AttributePatch = Object.freeze({
  execStatus: status.PENDING,
  execResult: result.STATUS_NOT_FINISHED,
});

/** An execution that is over. One that was cancelled has no result. */
export function finishedExecution(table: CommandTable, outcome: Outcome): AttributePatch {
  switch (outcome.status) {
    case 'succeeded':
      return { execStatus: status.FINISHED, execResult: result.STATUS_SUCCESS };
    case 'cancelled':
      return { execStatus: status.CANCELLED, execResult: result.STATUS_NOT_FINISHED };
    default:
      return { execStatus: status.FINISHED, execResult: resultOf(table, failureIn(outcome)) };
  }
}

/** The device's own fault code where it has one that TS-0004 repeats; else by cause. */
export function resultOf(table: CommandTable, failure: Failure): number {
  const code = /^\d{4}\b/.exec(failure.evidence ?? '')?.[0];
  const byCode = code === undefined ? undefined : table.results.cwmp[code];
  return byCode ?? table.results.causes?.[failure.cause] ?? result.STATUS_INTERNAL_ERROR;
}
