/** How an operation ended, in neutral terms, one result per target, the device's own evidence kept. */
import type { Value } from './operation.ts';

export type OutcomeStatus = 'succeeded' | 'failed' | 'unknown' | 'withdrawn' | 'expired' | 'cancelled';

/**
 * Why something failed, free of a protocol. `management/causes.ts` gives each its response status code; a leg picks the
 * nearest and keeps its own code in `evidence`.
 */
export type Cause =
  | 'bad-request' // device calls the request malformed
  | 'no-privilege' // device denies the gateway
  | 'not-found' // object or resource is not on the device
  | 'not-allowed' // the device does not offer this operation there
  | 'not-acceptable' // no common format, or not possible in the present state
  | 'contents-unacceptable' // too large, wrong format
  | 'already-exists'
  | 'not-implemented'
  | 'unavailable' // device is busy; try again later
  | 'device-error' // the device's own failure
  | 'unreadable' // device answered in a form that cannot be decoded
  | 'not-reachable' // device is unknown or not registered: nothing was sent
  | 'no-session' // cannot be woken: nothing was sent
  | 'session-timeout' // not awake in time: nothing was sent
  | 'no-answer' // sent, no outcome in time
  | 'conversion' // a value cannot be said in the protocol
  | 'conflict' // a procedure holds the object
  | 'too-many-operations' // the lane is full
  | 'invalid-command' // device refuses the command's arguments
  | 'transfer-failed' // firmware/software image could not be fetched or checked
  | 'update-failed' // image was there, the update failed
  | 'version-mismatch' // device says success, but runs another version than asked for
  | 'deadline' // a procedure did not end in time
  | 'window-missed' // the device came after the time in which it was to be done: nothing was sent
  | 'cancelled';

export interface Failure {
  cause: Cause;
  /** A sentence for people: what happened and what to do. */
  explanation: string;
  /** The device's own words: `4.04 Not Found`, `9003 Invalid arguments`, `Update Result 5`. */
  evidence?: string;
  /** Path of the target that failed, where it is one. */
  path?: string;
}

export type TargetResult =
  | { path: string; value: Value } // read
  | { path: string; done: true } // written, executed, created, deleted
  | { path: string; absent: true } // the device does not have it
  | { path: string; failure: Failure };

export interface Outcome {
  status: OutcomeStatus;
  /** Index of the step that failed; the steps before it were done. */
  failedStep?: number;
  failure?: Failure;
  /** One result per target, in order of the steps. */
  results: TargetResult[];
  /** Path of the instance that a `create` step made. */
  created?: string;
  /** The device's own evidence in a word: `2.04 Changed`. */
  evidence?: string;
}

export function succeeded(results: TargetResult[] = [], extra: Partial<Outcome> = {}): Outcome {
  return { status: 'succeeded', results, ...extra };
}

export function failed(failure: Failure, results: TargetResult[] = [], failedStep = 0): Outcome {
  return { status: 'failed', failure, failedStep, results };
}
