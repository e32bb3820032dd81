/** After a start: what was not settled when the last process ended goes on, and what is settled for long goes away. */
import type { Condition } from '../store/store.ts';
import type { Core } from './core.ts';
import { failureOf } from './causes.ts';
import { internalRequester } from './internal-operations.ts';
import { isUnknown, evidenceOverdue } from './evidence.ts';
import { waiterOf, type LaneEntry } from './lane.ts';
import { operationOf } from './operation-rows.ts';
import { settledStates, type Operation } from './operation.ts';
import { purposeOf } from './purpose.ts';
import { holdKey, settleForGood } from './settlement.ts';

const pageSize = 500;

/** @returns how many operations go on */
export async function recoverOperations(core: Core): Promise<number> {
  let after = 0;
  let count = 0;
  for (;;) {
    const rows = await core.store.find<Operation>({
      table: 'operations',
      where: [
        { column: 'state', is: 'in', value: ['queued', 'dispatched', 'accepted'] },
        { column: 'key', is: '>', value: after },
      ],
      orderBy: [{ column: 'key' }],
      limit: pageSize,
    });
    for (const row of rows) await recover(core, operationOf(row));
    count += rows.length;
    if (rows.length < pageSize) return count;
    after = Number(rows.at(-1)!.key);
  }
}

async function recover(core: Core, operation: Operation): Promise<void> {
  const device = await core.devices.find(operation.device);
  if (!device) {
    await core.store.commit({ delete: [{ table: 'operations', key: String(operation.sequence) }] });
    core.log.warn(
      { operation: operation.id, device: operation.device },
      'an operation of a device that is gone was dropped',
    );
    return;
  }
  core.tell?.(operation, 'found after a start', { state: operation.state });
  switch (operation.state) {
    case 'queued':
      requeue(core, operation, device.device.technology);
      return;
    case 'accepted':
      goOn(core, operation);
      return;
    default:
      if (operation.repeatable) {
        requeue(core, { ...operation, state: 'queued' }, device.device.technology);
      } else {
        const entry = core.lanes.admit(operation);
        hold(core, entry);
        core.seekEvidence(entry);
      }
  }
}

function requeue(core: Core, operation: Operation, technology: string): void {
  const entry = core.lanes.enter(operation, technology);
  entry.ready = true;
  hold(core, entry);
  core.lanes.wait(waiterOf(entry, internalRequester(operation)));
}

function goOn(core: Core, operation: Operation): void {
  const entry = core.lanes.admit(operation);
  core.lanes.makeOutstanding(entry);
  hold(core, entry);
  const deadline = operation.pending?.deadline ?? operation.expiresAt;
  // A deadline that passed while we were away is given the time in which the leg finds out how it ended.
  core.lanes.watch(entry, Math.max(deadline, core.clock.now()) + core.settings.deadlineGrace);
}

function hold(core: Core, entry: LaneEntry): void {
  const { operation } = entry;
  const purpose = purposeOf(operation);
  if (operation.pending?.holds !== undefined) {
    core.lanes.hold(entry, holdKey(operation.device, operation.pending.holds));
  } else if ((purpose.what === 'update' || purpose.what === 'command') && purpose.holds !== undefined) {
    core.lanes.hold(entry, purpose.holds);
  }
}

/** The leg did not end a procedure in time, or no evidence came. */
export function overdue(core: Core, entry: LaneEntry): void {
  entry.overdue = undefined;
  if (isUnknown(entry.operation)) {
    evidenceOverdue(core, entry);
    return;
  }
  if (entry.operation.state !== 'accepted') return;
  const failure = failureOf(
    'deadline',
    'the device did not report the end of it in time; look at the device before you repeat it',
  );
  settleForGood(core, entry, { status: 'failed', failure, results: [] }).catch(() => {
    // Logged and tried again by settlement.
  });
}

/** Removes rows of operations that were settled long ago, and the end of the audit trail. @returns how many */
export async function purgeSettled(core: Core): Promise<number> {
  const now = core.clock.now();
  const settled = await purge(core, 'operations', [
    { column: 'state', is: 'in', value: [...settledStates] },
    { column: 'due', is: '<', value: now },
  ]);
  return settled + (await purge(core, 'audit', [{ column: 'at', is: '<', value: now - core.settings.auditRetention }]));
}

/** A page at a time, until nothing is left: a sweep that stops early falls behind for good under load. */
async function purge(core: Core, table: 'operations' | 'audit', where: Condition[]): Promise<number> {
  let count = 0;
  for (;;) {
    const rows = await core.store.find({ table, where, limit: pageSize });
    if (rows.length > 0) await core.store.commit({ delete: rows.map(({ key }) => ({ table, key })) });
    count += rows.length;
    if (rows.length < pageSize || core.stopping) return count;
  }
}
