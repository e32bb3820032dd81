/** Operations for people and for other parts: those that go on, and those that are over and still kept. */
import type { Core } from './core.ts';
import { isUnknown } from './evidence.ts';
import { operationOf } from './operation-rows.ts';
import type { DeviceId, Operation, OperationId } from './operation.ts';

/** Newest first. Reads for a requester who waits are there while they last; they are never stored. */
export async function operationsOf(core: Core, device: DeviceId, limit: number): Promise<Operation[]> {
  const rows = await core.store.find<Operation>({
    table: 'operations',
    where: [{ column: 'device', is: '=', value: device }],
    orderBy: [{ column: 'key', descending: true }],
    limit,
  });
  const found = new Map(rows.map(operationOf).map((operation) => [operation.id, operation]));
  // What this process knows of them is newer than their rows.
  for (const { operation } of core.lanes.entries()) {
    if (operation.device === device && (operation.volatile || found.has(operation.id))) {
      found.set(operation.id, operation);
    }
  }
  return [...found.values()].sort(newestFirst).slice(0, limit);
}

/** From memory: every operation that is not over is there, also after a restart. */
export function isUnderWay(core: Core, id: OperationId): boolean {
  const operation = core.lanes.entry(id)?.operation;
  if (!operation) return false;
  return operation.state === 'dispatched' || operation.state === 'accepted' || isUnknown(operation);
}

function newestFirst(one: Operation, other: Operation): number {
  return other.acceptedAt - one.acceptedAt || other.sequence - one.sequence;
}
