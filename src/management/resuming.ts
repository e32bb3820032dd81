/** Requesters of before a restart: their operations went on, and here they find them again. */
import type { Core } from './core.ts';
import type { Reply, Requester } from './facade.ts';
import { waiterOf } from './lane.ts';
import { isSettled, operationOf } from './operation-rows.ts';
import type { DeviceId, Operation } from './operation.ts';
import type { Outcome } from './outcome.ts';
import { replyOf } from './replies.ts';

const pageSize = 200;

export type ResumedReply = Reply & { created?: string };

/**
 * The reply to the operation that a request had become, at once or when it ends; a trigger is answered when the device has
 * accepted it, as ever. Undefined: the request had become none, so nothing was sent.
 */
export async function resumeRequest(
  core: Core,
  device: DeviceId,
  requester: Requester,
): Promise<ResumedReply | undefined> {
  const operation = await operationOfRequest(core, device, requester);
  if (!operation) return undefined;
  if (isSettled(operation)) return replyTo(operation, operation.outcome);
  if (operation.state === 'accepted') return { done: true, patch: {}, operation: operation.id };
  const entry = core.lanes.entry(operation.id);
  if (!entry) return replyTo(operation, undefined);
  return new Promise((resolve) => {
    const told = (reply: Reply, outcome?: Outcome): void => resolve({ ...reply, created: outcome?.created });
    core.lanes.wait(waiterOf(entry, requester, told));
  });
}

function replyTo(operation: Operation, outcome: Outcome | undefined): ResumedReply {
  const known = outcome ?? { status: 'unknown', results: [] };
  return { ...replyOf(operation, known, {}), created: known.created };
}

/** An application may use a Request Identifier again; together with the expiration it is one request. */
async function operationOfRequest(
  core: Core,
  device: DeviceId,
  { originator, requestIdentifier, expiresAt }: Requester,
): Promise<Operation | undefined> {
  for (let offset = 0; ; offset += pageSize) {
    const rows = await core.store.find<Operation>({
      table: 'operations',
      where: [{ column: 'device', is: '=', value: device }],
      orderBy: [{ column: 'key', descending: true }],
      limit: pageSize,
      offset,
    });
    const found = rows.find(
      ({ data }) =>
        data.requester.originator === originator &&
        data.requester.requestIdentifier === requestIdentifier &&
        data.expiresAt === expiresAt,
    );
    // What this process knows of it is newer than the row, and has the same number.
    if (found) return core.lanes.entry(found.data.id)?.operation ?? operationOf(found);
    if (rows.length < pageSize) return undefined;
  }
}
