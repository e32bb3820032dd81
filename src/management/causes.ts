/** Which response status code a cause becomes (TS-0004 6.6.3, 7.3.4; TS-0005 6.4.1 where it names one). The only such table. */
import { statusCodes } from '../onem2m/status-codes.ts';
import type { Operation } from './operation.ts';
import type { Cause, Failure, Outcome } from './outcome.ts';

interface CauseRow {
  responseStatusCode: number;
  /** Said when a failure comes without a sentence of its own. */
  explanation: string;
}

export const causes: Readonly<Record<Cause, CauseRow>> = {
  'bad-request': row(
    statusCodes.BAD_REQUEST,
    'the device calls the request malformed; check the values that were written',
  ),
  'no-privilege': row(
    statusCodes.RECEIVER_HAS_NO_PRIVILEGE,
    'the device denies the gateway this operation; change the access control on the device',
  ),
  'not-found': row(
    statusCodes.EXTERNAL_OBJECT_NOT_FOUND,
    'the device does not have the object; let it register again, so that its management objects are refreshed',
  ),
  'not-allowed': row(statusCodes.OPERATION_NOT_ALLOWED, 'the device does not offer this operation on the object'),
  'not-acceptable': row(
    statusCodes.NOT_ACCEPTABLE,
    'the device cannot do it in its present state, or shares no data format with the gateway; try again later',
  ),
  'contents-unacceptable': row(
    statusCodes.CONTENTS_UNACCEPTABLE,
    'the device does not take the content: too large, or in a format that it does not know',
  ),
  'already-exists': row(statusCodes.ALREADY_EXISTS, 'the device has this object already, with other values'),
  'not-implemented': row(statusCodes.NOT_IMPLEMENTED, 'the device does not implement the operation'),
  unavailable: row(statusCodes.TARGET_NOT_REACHABLE, 'the device is busy; try again later'),
  'device-error': row(statusCodes.INTERNAL_SERVER_ERROR, 'the device reports an error of its own'),
  unreadable: row(
    statusCodes.INTERNAL_SERVER_ERROR,
    'the device answered in a form that cannot be read; look at its trace, and correct the device or its profile',
  ),
  'not-reachable': row(
    statusCodes.EXTERNAL_OBJECT_NOT_REACHABLE,
    'the device is not registered; nothing was sent, repeat the request once it has registered',
  ),
  'no-session': row(
    statusCodes.MGMT_SESSION_CANNOT_BE_ESTABLISHED,
    'the device cannot be woken; nothing was sent, use a non-blocking request to wait for it',
  ),
  'session-timeout': row(
    statusCodes.MGMT_SESSION_ESTABLISHMENT_TIMEOUT,
    'the device was not awake in time; nothing was sent, use a longer Request Expiration Timestamp or a non-blocking request',
  ),
  'no-answer': row(
    statusCodes.REQUEST_TIMEOUT,
    'the operation was sent to the device and no outcome came in time; it may have been done',
  ),
  conversion: row(statusCodes.BAD_REQUEST, 'a value cannot be said in the protocol of the device; change the value'),
  conflict: row(
    statusCodes.CONFLICT,
    'an earlier trigger of the same object is still running; wait for it, or let the operator cancel it',
  ),
  'too-many-operations': row(
    statusCodes.NOT_ACCEPTABLE,
    'too many operations wait for the device; wait until it has been in contact, or raise lane.capacity',
  ),
  'invalid-command': row(statusCodes.INVALID_ARGUMENTS, 'the device refuses the arguments of the command'),
  'transfer-failed': row(
    statusCodes.INTERNAL_SERVER_ERROR,
    'the image could not be fetched or checked; check its URL and its content',
  ),
  'update-failed': row(statusCodes.INTERNAL_SERVER_ERROR, 'the image was there and the device failed to apply it'),
  'version-mismatch': row(
    statusCodes.INTERNAL_SERVER_ERROR,
    'the device reports success and runs another version than was asked for',
  ),
  'window-missed': row(
    statusCodes.REQUEST_TIMEOUT,
    'the device came after the time in which it was to be done; nothing was sent, give a later time',
  ),
  deadline: row(statusCodes.REQUEST_TIMEOUT, 'the procedure did not end in time'),
  cancelled: row(statusCodes.NOT_ACCEPTABLE, 'the operation was cancelled'),
};

function row(responseStatusCode: number, explanation: string): CauseRow {
  return Object.freeze({ responseStatusCode, explanation });
}

/** Causes that promise: nothing was sent and nothing will be. */
export const promisesNothingSent: ReadonlySet<Cause> = new Set<Cause>([
  'not-reachable',
  'no-session',
  'session-timeout',
  'too-many-operations',
]);

/** The refusal that a failure becomes. A conversion that fails in a command has a code of its own (TS-0004 7.4.16.2.3). */
export function refusalOf(
  failure: Failure,
  kind: Operation['kind'],
): { responseStatusCode: number; explanation: string } {
  const { responseStatusCode, explanation } = causes[failure.cause];
  const code =
    failure.cause === 'conversion' && kind === 'command' ? statusCodes.MGMT_CONVERSION_ERROR : responseStatusCode;
  const evidence = failure.evidence ? ` (the device says: ${failure.evidence})` : '';
  const where = failure.path ? `${failure.path}: ` : '';
  return { responseStatusCode: code, explanation: `${where}${failure.explanation || explanation}${evidence}` };
}

/** A failure with the default sentence of its cause. */
export function failureOf(cause: Cause, explanation = causes[cause].explanation): Failure {
  return { cause, explanation };
}

/** The failure of an outcome that did not succeed, also where the leg gave none. */
export function failureIn(outcome: Outcome): Failure {
  if (outcome.failure) return outcome.failure;
  switch (outcome.status) {
    case 'withdrawn':
    case 'expired':
      return failureOf('session-timeout');
    case 'unknown':
      return failureOf('no-answer');
    case 'cancelled':
      return failureOf('cancelled');
    case 'failed':
    case 'succeeded':
      return failureOf('device-error');
  }
}
