/** Operations as rows of the store, and back. */
import type { Append, Columns, Put, Row } from '../store/store.ts';
import { settledStates, type Operation, type OperationState } from './operation.ts';

/** States in the store. "taken" is known to the process alone; an unknown outcome that may still be settled stays "dispatched". */
function storedState(operation: Operation): OperationState {
  if (operation.state === 'taken') return 'queued';
  if (operation.state === 'unknown' && operation.settledAt === undefined) return 'dispatched';
  return operation.state;
}

function columnsOf(operation: Operation, due: number): Columns {
  return {
    id: operation.id,
    lane: operation.lane,
    device: operation.device,
    state: storedState(operation),
    correlator: operation.pending?.correlator ?? null,
    resource: operation.resource ?? null,
    due: Math.round(due),
  };
}

function dueOf(operation: Operation): number {
  return operation.state === 'accepted' && operation.pending ? operation.pending.deadline : operation.expiresAt;
}

export function appendOf(operation: Operation): Append {
  return { table: 'operations', columns: columnsOf(operation, dueOf(operation)), data: dataOf(operation) };
}

/** @param purgeAt of a settled operation: when its row may go; ms since 1970 */
export function putOf(operation: Operation, purgeAt?: number): Put {
  return {
    table: 'operations',
    key: String(operation.sequence),
    columns: columnsOf(operation, purgeAt ?? dueOf(operation)),
    data: dataOf(operation),
  };
}

function dataOf(operation: Operation): Operation {
  return { ...operation, state: storedState(operation) };
}

export function operationOf(row: Row<Operation>): Operation {
  return { ...row.data, sequence: Number(row.key), version: row.version };
}

/** Settled for good; an unknown outcome counts once nothing can settle it any more. */
export function isSettled(operation: Operation): boolean {
  return operation.settledAt !== undefined && settledStates.has(operation.state);
}
