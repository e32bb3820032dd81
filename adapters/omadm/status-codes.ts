/**
 * Status codes of OMA DM (DM Representation 1.2.1, 10) and the failures that they are (TS-0005 5.4.1). `evidence` of a failure begins
 * with the code.
 */
import type { Cause, Failure } from '../../src/management/outcome.ts';

interface StatusRow {
  name: string;
  cause: Cause;
  advice: string;
}

function row(name: string, cause: Cause, advice: string): Readonly<StatusRow> {
  return Object.freeze({ name, cause, advice });
}

const notExecuted = 'not-acceptable';

/** Only what is no success. */
const rows: Readonly<Record<number, StatusRow>> = Object.freeze({
  0: row('no status', 'device-error', 'the device gave no reason; it may want credentials of the gateway'),
  211: row('item not deleted', notExecuted, 'the device keeps it; look at it there'),
  213: row('chunked item accepted', 'device-error', 'the device waits for more of the value; try again'),
  214: row('operation cancelled', notExecuted, 'the user of the device has cancelled it; ask again'),
  215: row('not executed', notExecuted, 'the device did not carry it out, for something before it failed'),
  216: row('atomic roll back', notExecuted, 'the device took it back, for something together with it failed'),
  304: row('not modified', notExecuted, 'the user of the device said no, or nothing was to be changed'),
  400: row('bad request', 'bad-request', 'the device calls the command malformed; check the value'),
  401: row(
    'invalid credentials',
    'no-session',
    'the device does not take the credentials of the gateway; correct them',
  ),
  402: row('payment required', 'no-privilege', 'the device wants to be paid for it'),
  403: row('forbidden', 'no-privilege', 'the device denies it; change that on the device'),
  404: row('not found', 'not-found', 'the device does not have the node; let its tree be discovered again'),
  405: row('command not allowed', 'not-allowed', 'the node does not take this command; the device decides that'),
  406: row('optional feature not supported', 'not-implemented', 'the device does not implement it'),
  407: row('missing credentials', 'no-session', 'the device wants credentials of the gateway; give it some'),
  408: row('request timeout', 'no-answer', 'nobody answered on the device in time; ask again'),
  409: row('conflict', 'conflict', 'it does not fit the present state of the device; try again later'),
  410: row('gone', 'not-found', 'the device does not have the node any more; let its tree be discovered again'),
  411: row('size required', 'contents-unacceptable', 'the device wants to know the size before; send less'),
  412: row('incomplete command', 'invalid-command', 'the device misses something in the command; give all arguments'),
  413: row('request entity too large', 'contents-unacceptable', 'it is too large for the device; send or read less'),
  414: row('URI too long', 'bad-request', 'the path is longer or deeper than the device takes; shorten it'),
  415: row(
    'unsupported media type or format',
    'contents-unacceptable',
    'the node has another format; check the mapping',
  ),
  416: row('requested size too big', 'contents-unacceptable', 'it is too large for the device; send less'),
  417: row('retry later', 'unavailable', 'the device is busy; try again later'),
  418: row('already exists', 'already-exists', 'the device has this node already'),
  420: row('device full', notExecuted, 'the device has no room; make some'),
  424: row('size mismatch', 'device-error', 'the device did not get all of the value; try again'),
  425: row('permission denied', 'no-privilege', 'the access control list on the device does not let the gateway do it'),
  500: row('command failed', 'device-error', 'the device failed; look at it, then try again'),
  501: row('command not implemented', 'not-implemented', 'the device does not know this command'),
  503: row('service unavailable', 'unavailable', 'the device is busy; try again later'),
  507: row('atomic failed', 'device-error', 'one command of several failed, so none is done; see which'),
  510: row('data store failure', 'device-error', 'the device could not store it; try again'),
  511: row('server failure', 'device-error', 'the device failed; look at it, then try again'),
  516: row('atomic roll back failed', 'device-error', 'what was done could not be taken back; read the object again'),
  517: row('atomic response too large', 'device-error', 'the answer does not fit into a message; ask for less at once'),
});

/** Classes of codes that no row names. */
const ranges: readonly { below: number; row: StatusRow }[] = [
  { below: 200, row: row('in progress', 'device-error', 'the device is not done with it; read the object later') },
  { below: 400, row: row('not done', notExecuted, 'the device wants it done in another way') },
  { below: 500, row: row('refused', 'bad-request', 'the device refuses it; look at the command') },
  { below: 600, row: row('failed', 'device-error', 'the device failed; look at it, then try again') },
];
const unknown = row('unknown status', 'device-error', 'the code is in no specification; ask the vendor of the device');

/** Codes above 200 that say yes: 202 = not over yet, 212 = header, 217 = with an inherited ACL (DM 1.3). */
const successes: ReadonlySet<number> = new Set([200, 201, 202, 203, 204, 205, 206, 212, 217]);

export function isSuccess(status: number): boolean {
  return successes.has(status);
}

/** 202: the device has begun, and reports the end in an alert of its own. */
export function isAccepted(status: number): boolean {
  return status === 202;
}

/** `404 not found`, and what the device says besides. */
export function evidenceOf(status: number, said?: string): string {
  const { name } = rowOf(status);
  const words = said?.trim().slice(0, 256) ?? '';
  return words === '' ? `${status} ${name}` : `${status} ${name}: ${words}`;
}

/** The failure that a status is which is no success. @param said the device's own words, its original error */
export function failureOfStatus(status: number, said?: string, path?: string): Failure {
  const { cause, advice } = rowOf(status);
  return {
    cause,
    explanation: advice,
    evidence: evidenceOf(status, said),
    ...(path === undefined ? undefined : { path }),
  };
}

/** The code at the beginning of the evidence of a failure of this leg. */
export function statusIn(evidence: string | undefined): number | undefined {
  const found = /^(\d{1,4})\b/.exec(evidence ?? '')?.[1];
  return found === undefined ? undefined : Number(found);
}

function rowOf(status: number): StatusRow {
  return rows[status] ?? (isSuccess(status) ? okay : (ranges.find(({ below }) => status < below)?.row ?? unknown));
}

const okay = row('OK', 'device-error', 'the device said yes');
