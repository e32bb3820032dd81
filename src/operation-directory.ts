/** Operations for the admin interface: as management knows them, with the names that people know. */
import type { CancelAnswer, OperationDirectory, OperationSummary } from './admin/operation-routes.ts';
import type { DeviceDirectory } from './admin/device-routes.ts';
import { failureIn } from './management/causes.ts';
import type { ManagementRuntime } from './management/management.ts';
import type { Operation } from './management/operation.ts';
import { purposeOf } from './management/purpose.ts';
import { statusCodes } from './onem2m/status-codes.ts';
import type { Store } from './store/store.ts';

export function createOperationDirectory(
  store: Store,
  management: ManagementRuntime,
  devices: Pick<DeviceDirectory, 'find'>,
): OperationDirectory {
  async function pathsOf(operations: Operation[]): Promise<Map<string, string>> {
    const ids = [...new Set(operations.flatMap(({ resource }) => resource ?? []))];
    const rows = await store.getMany('resources', ids);
    return new Map([...rows].map(([id, { columns }]) => [id, String(columns['path'])]));
  }

  return {
    async list(name, limit) {
      const device = await devices.find(name);
      if (!device) return undefined;
      const operations = await management.operations(device.id, limit);
      const paths = await pathsOf(operations);
      return operations.map((operation) => summarize(operation, paths));
    },
    async cancel(id, givesUp): Promise<CancelAnswer> {
      const requester = { originator: 'the operator', requestIdentifier: '', expiresAt: Infinity, blocking: true };
      const reply = await management.cancel(id, requester, givesUp);
      if (reply.done) return { cancelled: true };
      const known = reply.responseStatusCode !== statusCodes.NOT_FOUND;
      return { cancelled: false, known, explanation: reply.explanation };
    },
  };
}

function summarize(operation: Operation, paths: ReadonlyMap<string, string>): OperationSummary {
  const { id, kind, resource, requester, state, acceptedAt, dispatchedAt, settledAt, pending, outcome } = operation;
  const isOver = settledAt !== undefined && outcome !== undefined;
  return {
    id,
    kind,
    resource: resource === undefined ? undefined : (paths.get(resource) ?? resource),
    attributes: attributesOf(operation),
    requester: requester.originator === '' ? undefined : requester,
    state,
    acceptedAt: timeOf(acceptedAt),
    dispatchedAt: dispatchedAt === undefined ? undefined : timeOf(dispatchedAt),
    settledAt: settledAt === undefined ? undefined : timeOf(settledAt),
    progress: isOver ? undefined : pending?.progress,
    failure: isOver && outcome.status !== 'succeeded' ? failureIn(outcome) : undefined,
  };
}

/** Names only: values may be secrets. */
function attributesOf(operation: Operation): string[] | undefined {
  const purpose = purposeOf(operation);
  if (purpose.what !== 'update') return undefined;
  const names = [
    ...Object.keys(purpose.written),
    ...Object.keys(purpose.held),
    ...purpose.triggers.map(({ attribute }) => attribute),
  ];
  return [...new Set(names)];
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
