/**
 * Unknown outcomes: the operation was sent, may not be repeated, and nobody knows what came of it. The mapping names what settles
 * it: the device coming back, or values that are read. What no evidence settles ends as "outcome unknown".
 */
import { isDeepStrictEqual } from 'node:util';
import { failureOf } from './causes.ts';
import type { Core } from './core.ts';
import { boundObjects } from './effects.ts';
import { awaitsReturn } from './execution-marks.ts';
import { waiterOf, type LaneEntry } from './lane.ts';
import type { DeviceEntry } from './device-entry.ts';
import type { DeviceId, Operation, Target, Value } from './operation.ts';
import { succeeded, type Outcome } from './outcome.ts';
import { purposeOf } from './purpose.ts';
import { isProvenByReturn, provenByReturn, settledByReturn } from './returns.ts';
import { operationFor, ourselves } from './drafts.ts';
import { accept, isGone, settleForGood } from './settlement.ts';
import { valuesOf } from './translation.ts';

type Verdict = { is: 'settled'; outcome: Outcome } | { is: 'running' } | { is: 'unknown'; why: string };

/** From now on the operation waits, out of the lane, for what settles it. */
export function seekEvidence(core: Core, entry: LaneEntry): void {
  const { operation } = entry;
  const device = core.devices.known(operation.device);
  operation.state = 'unknown';
  core.tell?.(operation, 'of unknown outcome');
  core.lanes.unqueue(entry);
  core.lanes.land(entry);
  core.lanes.makeOutstanding(entry);
  if (!operation.evidence || !device) {
    conclude(core, entry, unknown('the mapping names no evidence that could settle it'));
    return;
  }
  core.lanes.watch(entry, (operation.dispatchedAt ?? core.clock.now()) + core.settings.evidenceDeadline);
  if (settledByReturn(operation.evidence) && isProvenByReturn(device, entry)) {
    conclude(core, entry, cameBack());
  } else if (operation.evidence.read) {
    readEvidence(core, entry, operation.evidence.read);
  }
}

/**
 * The device came back (Register, BOOT). Durable when it resolves.
 * @param owed it had answered an operation that made it go
 */
export async function deviceRestarted(core: Core, device: DeviceEntry, at: number, owed: boolean): Promise<void> {
  const { id, lane } = device.device;
  const waiting = core.lanes.outstanding(id).filter(({ operation }) => isUnknown(operation) || awaitsReturn(operation));
  // Sent in a session that the restart has ended: no answer will come any more.
  const sent = [...(core.lanes.existing(lane)?.inFlight ?? [])].filter(
    ({ operation }) =>
      operation.device === id &&
      !operation.volatile &&
      // Or its answer is being noted.
      (operation.state === 'dispatched' || awaitsReturn(operation)),
  );
  const open = [...waiting, ...sent].filter(
    ({ provenAfter = 0, operation: { evidence, dispatchedAt, repeatable } }) => {
      const since = Math.max(dispatchedAt ?? Infinity, provenAfter);
      return !repeatable && evidence && settledByReturn(evidence) && since <= at;
    },
  );
  for (const entry of provenByReturn(device, open, owed)) {
    await settleForGood(
      core,
      entry,
      cameBack(),
      (operation) => isUnknown(operation) || awaitsReturn(operation) || operation.state === 'dispatched',
    );
  }
}

/** A session was opened: what can be settled by reading is read first. */
export function askAgain(core: Core, device: DeviceId): void {
  for (const entry of core.lanes.outstanding(device)) {
    const read = isUnknown(entry.operation) ? entry.operation.evidence?.read : undefined;
    if (read) readEvidence(core, entry, read);
  }
}

/** No evidence came in time. */
export function evidenceOverdue(core: Core, entry: LaneEntry): void {
  conclude(core, entry, unknown('no evidence came in time'));
}

export function isUnknown(operation: Operation): boolean {
  return operation.state === 'unknown' && operation.settledAt === undefined;
}

/** Reads at the place in the lane that the operation had: before everything that came later. */
function readEvidence(core: Core, entry: LaneEntry, read: Record<string, Target>): void {
  const { operation } = entry;
  const device = core.devices.known(operation.device);
  const lane = device && core.lanes.existing(device.device.lane);
  // Without a session it waits for the next one, which calls `askAgain`.
  if (!device || !lane?.holder || entry.evidenceRead) return;
  const targets = Object.values(read).map((target) => ({ ...target, optional: true }));
  const question = operationFor(core, device.device, {
    kind: 'refresh',
    steps: [{ action: 'read', targets }],
    repeatable: true,
    purpose: { what: 'evidence', operation: operation.id },
    requester: ourselves,
    expiresAt: core.clock.now() + core.settings.evidenceDeadline,
    volatile: true,
  });
  const asked = core.lanes.enter(question, device.device.technology, entry.order);
  entry.evidenceRead = true;
  // A device that never comes back must not keep the question for ever.
  core.lanes.wait(waiterOf(asked, { ...ourselves, expiresAt: question.expiresAt, blocking: false }));
  asked.completed = (outcome) => {
    entry.evidenceRead = false;
    if (isGone(core, entry) || !isUnknown(entry.operation)) return;
    if (outcome.status === 'succeeded') weigh(core, entry, outcome);
    else if (++entry.returns > core.settings.maximumReturns)
      conclude(core, entry, unknown('the evidence could not be read'));
  };
  core.lanes.announce(lane);
}

function weigh(core: Core, entry: LaneEntry, read: Outcome): void {
  judge(core, entry.operation, read)
    .then((verdict) => {
      if (verdict.is === 'settled') conclude(core, entry, verdict.outcome);
      else if (verdict.is === 'unknown') conclude(core, entry, unknown(verdict.why));
      else resume(core, entry);
    })
    .catch((error: unknown) => {
      core.log.error({ err: error, operation: entry.operation.id }, 'evidence could not be weighed');
      conclude(core, entry, unknown('the evidence could not be weighed; look at the log of the gateway'));
    });
}

async function judge(core: Core, operation: Operation, read: Outcome): Promise<Verdict> {
  const values = valuesOf(read.results);
  const { read: names = {}, succeededWhen } = operation.evidence ?? {};
  if (succeededWhen) {
    const found: Record<string, Value | undefined> = {};
    for (const [name, { path }] of Object.entries(names)) {
      const value = values.get(path);
      if (typeof value !== 'symbol') found[name] = value;
    }
    const proven = isProven(succeededWhen, found);
    if (proven === undefined) return { is: 'unknown', why: 'the device does not tell what would be evidence' };
    const failure = failureOf('device-error', 'the device gave no answer, and its values show that it was not done');
    return { is: 'settled', outcome: proven ? succeeded() : { status: 'failed', failure, results: [] } };
  }
  return judgeByStatus(core, operation, values);
}

/** All values have to be there and equal; one that differs disproves it, whatever else is missing. Undefined: nobody can tell. */
export function isProven(wanted: Record<string, Value>, found: Record<string, Value | undefined>): boolean | undefined {
  const names = Object.keys(wanted);
  if (names.some((name) => found[name] !== undefined && !isDeepStrictEqual(found[name], wanted[name]))) return false;
  return names.every((name) => found[name] !== undefined) ? true : undefined;
}

/** The status attribute that the trigger reports to, as the mapping reads it from the device. */
async function judgeByStatus(core: Core, operation: Operation, values: ReturnType<typeof valuesOf>): Promise<Verdict> {
  const purpose = purposeOf(operation);
  const objects = await boundObjects(core, operation.device);
  const object = objects.find(({ resourceID }) => resourceID === operation.resource);
  const trigger = purpose.what === 'update' ? purpose.triggers.at(-1) : undefined;
  if (object && trigger?.reports !== undefined) {
    const { patch } = core.translator.patchFromValues({ ...object, attributes: {} }, values);
    const status = patch[trigger.reports];
    switch (statusIn(status)) {
      case 1:
        return { is: 'settled', outcome: succeeded() };
      case 2: {
        const failure = failureOf('update-failed', 'the device gave no answer, and its state shows that it failed');
        return { is: 'settled', outcome: { status: 'failed', failure, failedStep: trigger.steps[0], results: [] } };
      }
      case 3:
        if (trigger.procedure !== undefined) return { is: 'running' };
    }
  }
  return { is: 'unknown', why: 'the state of the device does not tell whether it was done' };
}

function statusIn(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null || !('status' in value)) return undefined;
  return typeof value.status === 'number' ? value.status : undefined;
}

/** The device is at work on it: the procedure goes on as an accepted one whose own state was lost. */
function resume(core: Core, entry: LaneEntry): void {
  const { operation } = entry;
  const step = operation.steps.findLast(({ action }) => action === 'procedure');
  if (step?.action !== 'procedure' || !isUnknown(operation)) return;
  core.lanes.settleOutstanding(entry);
  accept(core, operation, {
    correlator: step.object,
    procedure: step.procedure,
    state: { recovered: true },
    deadline: core.clock.now() + core.settings.refreshExpiration,
    holds: step.object,
  }).catch((error: unknown) => {
    core.log.error({ err: error, operation: operation.id }, 'an operation could not be resumed');
  });
}

function cameBack(): Outcome {
  return succeeded([], { evidence: 'the device came back after it' });
}

function unknown(why: string): Outcome {
  const failure = failureOf(
    'no-answer',
    `outcome unknown: it was sent and ${why}; it is not repeated, look at the device before you do`,
  );
  return { status: 'unknown', failure, results: [] };
}

/** Evidence counts while nobody knows: meanwhile the device may have accepted it, and then the procedure has the word. */
function conclude(core: Core, entry: LaneEntry, outcome: Outcome): void {
  settleForGood(core, entry, outcome, isUnknown).catch(() => {
    // Logged and tried again by settlement.
  });
}
