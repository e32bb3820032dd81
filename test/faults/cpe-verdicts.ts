/** What must hold of a request to a CPE after the gateway was killed: journal and store agree, and nobody was misled. */
import type { Operation } from '../../src/management/operation.ts';
import type { JournalEntry } from '../../src/simulators/cwmp-cpe.ts';
import type { McaAnswer } from '../support/mca-client.ts';
import type { CpeDeed, CpePatient, Traces } from './cpe-deeds.ts';
import type { StoreContent, StoredRequest } from './stored-operations.ts';
import { isSettled } from './verdicts.ts';

export interface CpeAsked {
  /** Request Identifier. */
  id: string;
  number: number;
  deed: CpeDeed;
  blocking: boolean;
  patient: CpePatient;
  /** Length of the journal when it was sent. */
  from: number;
  /** Its length when the next request of the kind was sent. */
  to?: number;
  answer?: McaAnswer;
  operation?: Operation;
  request?: StoredRequest;
}

/** What a CPE says of the end of an order. */
export interface Report {
  serialNumber: string;
  method: string;
  commandKey: string;
  /** The gateway has said that it has it. */
  answered: boolean;
}

const completed = 1;
const pending = 3;

export function lookAt(asked: CpeAsked, { operations, requests }: StoreContent): void {
  asked.operation = operations.find(({ requester }) => requester.requestIdentifier === asked.id);
  asked.request = requests.find(({ requestID }) => requestID === asked.id);
}

function tracesOf({ patient, from, to, operation }: CpeAsked): Traces {
  return { entries: patient.device.journal.slice(from, to), key: operation?.id };
}

export function timesTaken(asked: CpeAsked): number {
  return asked.deed.times(tracesOf(asked), asked.number);
}

export function isDone(asked: CpeAsked): boolean {
  return asked.deed.isDone(tracesOf(asked), asked.number);
}

/** Sent before the gateway died, and the CPE has it not: it waits for what would prove the contrary. */
export function waitsForEvidence(asked: CpeAsked): boolean {
  return asked.operation?.state === 'dispatched' && !asked.deed.repeatable && timesTaken(asked) === 0;
}

/** True when nothing more will happen to it. */
export function isOver({ operation, request }: CpeAsked): boolean {
  if (operation && !isSettled(operation)) return false;
  return request?.status !== pending;
}

/** Of a dead store: what was acknowledged to the requester must be in it. */
export function lostOf({ id, deed, blocking, answer, operation, request }: CpeAsked): string[] {
  if (!answer || answer.rsc >= 4000) return [];
  const what = `${id} (${deed.name}) was answered ${answer.rsc}`;
  if (!blocking) return request ? [] : [`${what} and its <request> is not in the store`];
  if (!operation) return [`${what} and its operation is not in the store`];
  const told = operation.state === 'succeeded' || deed.procedure;
  return told ? [] : [`${what} and its operation is ${operation.state} in the store`];
}

/** Of a dead store: a report that was answered must have changed its operation. */
export function lostReports(reports: readonly Report[], { operations }: StoreContent): string[] {
  return reports
    .filter(({ answered }) => answered)
    .flatMap(({ method, commandKey, serialNumber }) => {
      const operation = operations.find(({ id }) => id === commandKey);
      if (!operation) return [`${method} ${commandKey} of ${serialNumber} was answered, and nothing is known of it`];
      const isNoted = isSettled(operation)
        ? operation.outcome?.status !== 'unknown'
        : operation.state === 'accepted' && operation.pending?.state['phase'] === 'applying';
      return isNoted
        ? []
        : [`${method} ${commandKey} of ${serialNumber} was answered, and its operation is ${operation.state}`];
    });
}

/** Of a request that is over: contradictions between the CPE, the store and the answer. */
export function contradictions(asked: CpeAsked): string[] {
  const { deed, operation, request, blocking, answer } = asked;
  const times = timesTaken(asked);
  const done = isDone(asked);
  const found: string[] = [];
  const say = (sentence: string): void => {
    const { state = 'no operation', outcome } = operation ?? {};
    const why = outcome?.failure?.explanation ?? outcome?.evidence ?? '';
    const where = `${asked.id} ${deed.name} on ${asked.patient.device.serialNumber}`;
    const facts = `${state}: ${why}; taken ${times} times, ${done ? 'done' : 'not done'}; ${journalOf(asked)}`;
    found.push(`${where}: ${sentence} [${facts}]`);
  };
  if (!deed.repeatable && times > 1) say('what may not be repeated was taken twice');
  if (!operation) {
    if (times > 0) say('the device did what was never stored');
    return found;
  }
  const { state, outcome, dispatchedAt } = operation;
  if (!isSettled(operation)) {
    if (!waitsForEvidence(asked)) say('it never ended');
    return found;
  }
  if (dispatchedAt === undefined && times > 0) say('it is said to have never been sent, and was done');
  if (state === 'succeeded' && !done) say('the store says that it was done, the device does not');
  if (state === 'failed' && done) say('it is said to have failed, and was done');
  if (state === 'unknown' && !outcome?.failure?.explanation.includes('outcome unknown')) say('it does not say so');
  if (state === 'unknown' && times > 0 && deed.report !== undefined) say('the device has reported it');
  const isTrue = state === 'succeeded' || deed.procedure;
  if (blocking && answer && answer.rsc < 4000 && !isTrue) say(`it was answered ${answer.rsc}`);
  if (request?.status === completed && !isTrue) say('its <request> is completed');
  return found;
}

function journalOf({ patient, from, to }: CpeAsked): string {
  return patient.device.journal.slice(from, to).slice(-25).map(wordOf).join(', ');
}

function wordOf({ kind, method, path, value, commandKey, fault, detail }: JournalEntry): string {
  return [kind, method, path, value, commandKey, fault, kind === 'session-failed' ? detail : undefined]
    .filter((part) => part !== undefined && part !== '')
    .join(' ');
}
