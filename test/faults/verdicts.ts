/** What must hold of a request after the gateway was killed: the device's journal and the store agree, and nobody was misled. */
import { settledStates, type Operation } from '../../src/management/operation.ts';
import type { JournalEntry } from '../../src/simulators/lwm2m-device.ts';
import type { McaAnswer } from '../support/mca-client.ts';
import type { Deed } from './deeds.ts';
import type { Patient } from './patient.ts';
import type { StoreContent, StoredRequest } from './stored-operations.ts';

export type Mode = 'blocking' | 'synchronous' | 'asynchronous';

/** Where the request was when the gateway died. */
export const phases = ['receive', 'store', 'dispatch', 'accept', 'settle', 'answer'] as const;
export type Phase = (typeof phases)[number];

/** A request to the gateway, and what became of it. */
export interface Asked {
  /** Request Identifier. */
  id: string;
  number: number;
  deed: Deed;
  mode: Mode;
  patient: Patient;
  /** Length of the journal when it was sent. */
  from: number;
  /** Its length when the next request of the kind was sent; absent where the journal tells requests apart by their values. */
  to?: number;
  /** Only a part of it was sent. */
  cut: boolean;
  /** The whole answer, when there was one. */
  answer?: McaAnswer;
  operation?: Operation;
  request?: StoredRequest;
}

const pending = 3;
const completed = 1;

export function look(asked: Asked, { operations, requests }: StoreContent): void {
  asked.operation = operations.find(({ requester }) => requester.requestIdentifier === asked.id);
  asked.request = requests.find(({ requestID }) => requestID === asked.id);
}

export function isSettled({ state, settledAt }: Operation): boolean {
  return settledAt !== undefined && settledStates.has(state);
}

export function phaseOf({ operation, request, answer, mode }: Asked): Phase {
  if (operation?.state === 'accepted') return 'accept';
  if (mode === 'blocking' ? answer : request && request.status !== pending) return 'answer';
  if (operation && isSettled(operation)) return 'settle';
  if (operation?.state === 'dispatched') return 'dispatch';
  return operation || request ? 'store' : 'receive';
}

/** What was done to its device from the moment it was sent. */
function entriesOf({ patient, from, to }: Asked): JournalEntry[] {
  return patient.device.journal.slice(from, to);
}

export function timesDone(asked: Asked): number {
  return asked.deed.times(entriesOf(asked), asked.number);
}

/** `write /9/1/3 "http://…", execute /9/1/4, software-installed /9/1` */
function journalOf(asked: Asked): string {
  return entriesOf(asked)
    .map(({ kind, path = '', value }) => `${kind} ${path}${value === undefined ? '' : ` ${JSON.stringify(value)}`}`)
    .join(', ');
}

/** Sent before the gateway died, not to be repeated, and what would prove it has not happened. */
export function waitsForEvidence(asked: Asked): boolean {
  return asked.deed.waitsForRestart === true && asked.operation?.state === 'dispatched' && timesDone(asked) === 0;
}

/** True when nothing more will happen to it. */
export function isOver(asked: Asked): boolean {
  const { operation, request } = asked;
  if (operation && !isSettled(operation)) return waitsForEvidence(asked);
  return request?.status !== pending;
}

/** Of a dead store: what was acknowledged must be in it. */
export function lostBy({ id, deed, mode, answer, operation, request }: Asked): string[] {
  if (!answer || answer.rsc >= 4000) return [];
  if (mode !== 'blocking')
    return request ? [] : [`${id} (${deed.name}) was acknowledged with ${answer.rsc} and is not in the store`];
  if (deed.reading) return [];
  if (!operation) return [`${id} (${deed.name}) was answered ${answer.rsc} and its operation is not in the store`];
  const { state } = operation;
  const told = state === 'succeeded' || (deed.procedure === true && (state === 'accepted' || isSettled(operation)));
  return told ? [] : [`${id} (${deed.name}) was answered ${answer.rsc} and its operation is ${state} in the store`];
}

/** Of a request that is over, or waits for evidence: contradictions between device, store and answer. */
export function contradictionsOf(asked: Asked): string[] {
  const { deed, operation, request, mode, answer, cut } = asked;
  if (deed.reading) return [];
  const times = timesDone(asked);
  const found: string[] = [];
  const say = (sentence: string): void => {
    const state = operation ? `${operation.state} ${operation.outcome?.failure?.explanation ?? ''}` : 'not there';
    found.push(
      `${asked.id} ${mode} ${deed.name} on ${asked.patient.device.endpoint}: ${sentence} [operation ${state}; done ${times} times; ${journalOf(asked)}]`,
    );
  };
  if (cut && operation) say('half a request became an operation');
  if (!deed.repeatable && times > 1) say('what may not be repeated was done twice');
  const excess = deed.excess?.(entriesOf(asked), asked.number);
  if (excess !== undefined) say(excess);
  if (!operation) {
    if (times > 0) say('the device did what was never stored');
    if (mode !== 'blocking' && request?.status === completed) say('the request completed without an operation');
    return found;
  }
  if (operation.state === 'succeeded' && times === 0) say('the store says that it was done, the device does not');
  if (operation.state !== 'succeeded' && isSettled(operation)) {
    if (operation.dispatchedAt === undefined && times > 0) say('it is said to have never been sent, and was done');
    if (operation.state === 'failed' && times > 0 && !mayFailAfterwards(asked))
      say('it is said to have failed, and was done');
  }
  if (operation.state === 'unknown' && isSettled(operation) && deed.evidence) {
    say('its outcome stayed unknown, although the mapping names evidence');
  }
  if (
    mode === 'blocking' &&
    answer &&
    answer.rsc < 4000 &&
    !['succeeded', 'accepted'].includes(operation.state) &&
    !deed.procedure
  ) {
    say(`it was answered ${answer.rsc}`);
  }
  if (request && isSettled(operation)) {
    const good = operation.state === 'succeeded' || deed.procedure === true;
    if (request.status === completed && !good) say('its <request> is completed');
    // A device makes an object, and the gateway dies before it makes the resource: onboarding does it, and the result says so.
    const isMadeLater = deed.name === 'create' && request.why.includes('the device has made');
    if (request.status !== completed && operation.state === 'succeeded' && !isMadeLater) {
      say(`its <request> failed: ${request.why}`);
    }
  }
  return found;
}

/** A procedure may do its Execute and fail all the same; then the device says so. */
function mayFailAfterwards(asked: Asked): boolean {
  const { deed, number } = asked;
  return deed.isFinished !== undefined && !deed.isFinished(entriesOf(asked), number);
}
