/**
 * How operations end, and how accepted ones go on: operation, resources and audit in one commit, then the answer. A second
 * settlement finds no entry and changes nothing.
 */
import { mergeCommits, type Conflict } from '../store/store.ts';
import { failureIn, failureOf, promisesNothingSent } from './causes.ts';
import { commitAnew, type Prepared } from './commits.ts';
import type { Core } from './core.ts';
import { Withdrawn, type Observation } from './adapter.ts';
import { boundObjects, effectsOf, patchesFromValues, understand, type Effects } from './effects.ts';
import { endsWithReturn, returnPending } from './execution-marks.ts';
import { logFailedProcedure } from './failed-procedures.ts';
import { settleOnboarding } from './onboarding.ts';
import { exclusively, type LaneEntry } from './lane.ts';
import { appendOf, isSettled, operationOf, putOf } from './operation-rows.ts';
import type { Operation, Pending } from './operation.ts';
import { succeeded, type Outcome } from './outcome.ts';
import { purposeOf } from './purpose.ts';
import { enterCommitted, refreshOperation } from './internal-operations.ts';
import { heedIdentity } from './remapping.ts';
import { answerAll, replyOf } from './replies.ts';
import { noteAnswered } from './returns.ts';
import type { AttributePatch } from './resource-side.ts';
import { valuesOf } from './translation.ts';

const settledAlready = Promise.resolve();
const retryAfter = 5_000;

/** Ends an operation. Durable when it resolves (a volatile read: when its values are). */
export function settle(core: Core, operation: Operation, outcome: Outcome): Promise<void> {
  const entry = core.lanes.entry(operation.id);
  if (!entry) return settledAlready;
  return entry.operation.volatile ? settleVolatile(core, entry, outcome) : settleStored(core, entry, outcome, false);
}

/**
 * As `settle`, and no evidence is sought any more.
 * @param stillHolds looked at when its turn has come: what was known of the operation may be overtaken by then
 */
export function settleForGood(
  core: Core,
  entry: LaneEntry,
  outcome: Outcome,
  stillHolds?: (operation: Operation) => boolean,
): Promise<void> {
  return settleStored(core, entry, outcome, true, stillHolds);
}

/** The device took it and will report later: it leaves the lane. A second call is progress. Rejects with `Withdrawn` when it is over. */
export function accept(
  core: Core,
  operation: Operation,
  pending: Pending,
  soFar: Partial<Outcome> = {},
): Promise<void> {
  const entry = core.lanes.entry(operation.id);
  if (!entry) return Promise.reject(new Withdrawn(operation.id));
  if (entry.operation.state === 'accepted') return progress(core, operation, pending);
  return exclusively(entry, async () => {
    if (isGone(core, entry)) throw new Withdrawn(operation.id);
    await acceptInTurn(core, entry, pending, soFar);
  });
}

async function acceptInTurn(core: Core, entry: LaneEntry, pending: Pending, soFar: Partial<Outcome>): Promise<void> {
  const { operation } = entry;
  const outcome = succeeded([], soFar);
  let effects: Effects | undefined;
  await commitOperation(core, entry, async (next) => {
    effects = await effectsOf(core, operation, outcome, 'accepted');
    next.state = 'accepted';
    next.pending = pending;
    next.dispatchedAt ??= core.clock.now();
    return core.resourceSide().outcome(next, outcome, effects.patches, effects.notes);
  });
  core.tell?.(operation, 'taken over by the device', { procedure: pending.procedure });
  core.lanes.unqueue(entry);
  core.lanes.land(entry);
  core.lanes.makeOutstanding(entry);
  if (pending.holds !== undefined) core.lanes.hold(entry, holdKey(operation.device, pending.holds));
  core.lanes.watch(entry, pending.deadline + core.settings.deadlineGrace);
  answerAll(core, entry, { done: true, patch: effects?.own ?? {}, operation: operation.id }, outcome);
}

/**
 * New state of an accepted operation; `values` are shown on the resources at once. Rejects with `Withdrawn` when it is over: nothing
 * more may be done for it on the device.
 */
export function progress(
  core: Core,
  operation: Operation,
  pending: Pending,
  values: readonly Observation[] = [],
): Promise<void> {
  const entry = core.lanes.entry(operation.id);
  if (!entry) return Promise.reject(new Withdrawn(operation.id));
  return exclusively(entry, async () => {
    if (isGone(core, entry)) throw new Withdrawn(operation.id);
    await commitOperation(core, entry, async (next) => {
      next.pending = pending;
      const objects = values.length > 0 ? await boundObjects(core, next.device) : [];
      const patches = patchesFromValues(core, objects, new Map(values.map(({ path, value }) => [path, value])));
      return patches.size > 0 ? core.resourceSide().outcome(next, undefined, patches) : { commit: {} };
    });
    core.tell?.(operation, 'went on', { procedure: pending.procedure, progress: pending.progress });
    core.lanes.watch(entry, pending.deadline + core.settings.deadlineGrace);
  });
}

export function holdKey(device: string, object: string): string {
  return `${device} ${object}`;
}

/** True: settled or forgotten while its turn was waited for. */
export function isGone(core: Core, entry: LaneEntry): boolean {
  return core.lanes.entry(entry.operation.id) !== entry;
}

// Volatile reads: memory only, and the store only where a value is news.

function settleVolatile(core: Core, entry: LaneEntry, given: Outcome): Promise<void> {
  const { operation, object, completed } = entry;
  const outcome = honest(operation, given);
  const waiters = entry.waiters;
  entry.waiters = [];
  for (const waiter of waiters) core.lanes.stopWaiting(waiter);
  core.lanes.forget(entry);
  finish(core, operation, outcome);
  heedIdentity(core, operation.device, outcome.results);
  completed?.(outcome);
  const tell = (patch: AttributePatch, told: Outcome): void => {
    const reply = replyOf(operation, told, patch);
    for (const waiter of waiters) waiter.answer?.(reply, told);
  };
  if (outcome.status !== 'succeeded' || !object) {
    tell({}, outcome);
    return settledAlready;
  }
  if (!core.translator.hasLinks(object)) {
    const { patch, problems } = understand(core, object, valuesOf(outcome.results), undefined);
    if (problems.length === 0 && Object.keys(patch).length === 0) {
      tell({}, outcome);
      return settledAlready;
    }
  }
  return storeRead(core, operation, outcome).then(
    ({ own, lost }) => tell(own, lost ? notUnderstood(lost) : outcome),
    (error: unknown) => {
      core.log.error({ err: error, operation: operation.id }, 'values that were read could not be stored');
      tell({}, storeFailed());
    },
  );
}

async function storeRead(core: Core, operation: Operation, outcome: Outcome): Promise<Pick<Effects, 'own' | 'lost'>> {
  let effects: Effects | undefined;
  await commitAnew(core, async () => {
    effects = await effectsOf(core, operation, outcome, 'settled');
    return effects.patches.size > 0 ? core.resourceSide().outcome(operation, outcome, effects.patches) : undefined;
  });
  return { own: effects?.own ?? {}, lost: effects?.lost };
}

/** The requester gets the device's words in place of an old value. */
function notUnderstood(problems: readonly string[]): Outcome {
  return { status: 'failed', failure: { cause: 'unreadable', explanation: problems.join('; ') }, results: [] };
}

// Stored operations

function settleStored(
  core: Core,
  entry: LaneEntry,
  given: Outcome,
  forGood: boolean,
  stillHolds?: (operation: Operation) => boolean,
): Promise<void> {
  return exclusively(entry, async () => {
    const { operation } = entry;
    if (isGone(core, entry) || stillHolds?.(operation) === false) return;
    const outcome = honest(operation, given);
    if (!forGood && isUncertain(operation, outcome) && bringBack(core, entry)) return;
    if (!forGood && endsWithReturn(operation, outcome) && !hasRestartedSince(core, operation)) {
      await acceptInTurn(core, entry, returnPending(core, operation), outcome);
      return;
    }
    try {
      await conclude(core, entry, isUncertain(operation, outcome) ? { ...outcome, status: 'unknown' } : outcome);
      if (!forGood && outcome.status === 'succeeded') noteAnswered(core, operation);
    } catch (error) {
      core.log.error({ err: error, operation: operation.id }, 'an outcome could not be stored; it is tried again');
      core.clock.after(retryAfter, () => {
        settleStored(core, entry, given, true, stillHolds).catch(() => {
          // Logged above, and tried again from there.
        });
      });
      throw error;
    }
  });
}

/** What was sent cannot be called "never sent". */
function honest(operation: Operation, outcome: Outcome): Outcome {
  if (operation.dispatchedAt === undefined) return outcome;
  if (outcome.status === 'withdrawn' || outcome.status === 'expired') {
    return { ...outcome, status: 'unknown', failure: failureOf('no-answer') };
  }
  if (!outcome.failure || !promisesNothingSent.has(outcome.failure.cause)) return outcome;
  return { ...outcome, failure: { ...outcome.failure, cause: 'no-answer' } };
}

/** The device was faster than the note of its answer. */
function hasRestartedSince(core: Core, { device, dispatchedAt }: Operation): boolean {
  return (core.devices.known(device)?.restartedAt ?? -Infinity) > (dispatchedAt ?? Infinity);
}

/** Sent, and nobody knows what came of it. */
function isUncertain(operation: Operation, outcome: Outcome): boolean {
  if (operation.pending || operation.dispatchedAt === undefined) return false;
  return outcome.status === 'unknown' || (outcome.status === 'failed' && outcome.failure?.cause === 'no-answer');
}

/** Asks again where that is allowed, or seeks evidence. False: nothing of it is possible. */
function bringBack(core: Core, entry: LaneEntry): boolean {
  const { operation } = entry;
  if (!operation.repeatable) {
    if (!operation.evidence) return false;
    core.lanes.land(entry);
    core.seekEvidence(entry);
    return true;
  }
  if (entry.returns >= core.settings.maximumReturns || core.clock.now() >= operation.expiresAt) return false;
  entry.returns++;
  putBack(core, entry);
  return true;
}

/** Back to its place in the lane; the holder is not told, for the device has just been silent. */
export function putBack(core: Core, entry: LaneEntry): void {
  const { operation } = entry;
  const device = core.devices.known(operation.device);
  core.lanes.unqueue(entry);
  core.lanes.land(entry);
  operation.state = 'queued';
  core.tell?.(operation, 'back to its place');
  const lane = core.lanes.lane(operation.lane, device?.device.technology ?? '');
  core.lanes.enqueue(entry, lane);
  if (lane.holder) lane.holder.idle = true;
}

async function conclude(core: Core, entry: LaneEntry, outcome: Outcome): Promise<void> {
  const { operation } = entry;
  const purpose = purposeOf(operation);
  let effects: Effects | undefined;
  let refresh: Operation | undefined;
  let onboarding: Operation | undefined;
  if (purpose.what === 'onboarding') onboarding = await settleOnboarding(core, operation, purpose, outcome);
  const result = await commitOperation(core, entry, async (next) => {
    effects = await effectsOf(core, operation, outcome, 'settled');
    next.state = outcome.status;
    next.settledAt = core.clock.now();
    next.outcome = outcome;
    refresh = onboarding ?? (await refreshOperation(core, operation.device, effects.refresh));
    const changes = await core.resourceSide().outcome(next, outcome, effects.patches, effects.notes);
    const append = [auditOf(core, next, outcome), ...(refresh ? [appendOf(refresh)] : [])];
    return { commit: mergeCommits({ append }, changes.commit), afterCommit: changes.afterCommit };
  });
  core.lanes.forget(entry);
  count(core, operation, outcome);
  void logFailedProcedure(core, operation, outcome);
  if (purpose.what !== 'onboarding') heedIdentity(core, operation.device, outcome.results);
  entry.completed?.(outcome);
  answerAll(core, entry, replyOf(operation, outcome, effects?.own ?? {}), outcome);
  core.bus.publish('operation', [operation.id]);
  if (refresh && result) enterCommitted(core, refresh, result.appended[1]!);
}

/** Writes the operation as `change` makes it, with what `change` adds; the entry's operation follows when it is durable. */
export async function commitOperation(
  core: Core,
  entry: LaneEntry,
  change: (next: Operation) => Promise<Prepared>,
): ReturnType<typeof commitAnew> {
  const { operation } = entry;
  let next: Operation = operation;
  const result = await commitAnew(
    core,
    async () => {
      next = { ...operation };
      const more = await change(next);
      const own = {
        expect: [{ table: 'operations' as const, key: String(operation.sequence), version: operation.version }],
        put: [putOf(next, isSettled(next) ? core.clock.now() + core.settings.operationRetention : undefined)],
      };
      return { commit: mergeCommits(own, more.commit), afterCommit: more.afterCommit };
    },
    (conflict) => reload(core, operation, conflict),
  );
  Object.assign(operation, next, { version: operation.version + 1 });
  return result;
}

/** The row was changed elsewhere: go on from what it is now. */
async function reload(core: Core, operation: Operation, conflict: Conflict): Promise<void> {
  if (conflict.table !== 'operations') return;
  const row = await core.store.get<Operation>('operations', String(operation.sequence));
  if (!row || isSettled(operationOf(row))) throw conflict;
  operation.version = row.version;
}

function auditOf(
  core: Core,
  operation: Operation,
  outcome: Outcome,
): Required<Pick<Prepared['commit'], 'append'>>['append'][number] {
  const failure = outcome.status === 'succeeded' ? undefined : failureIn(outcome);
  return {
    table: 'audit',
    columns: { device: operation.device, at: core.clock.now() },
    data: {
      operation: operation.id,
      kind: operation.kind,
      resource: operation.resource,
      requester: operation.requester,
      // What was asked, without values: those may be secrets.
      steps: operation.steps.map((step) => ({ action: step.action, paths: pathsOf(step) })),
      acceptedAt: operation.acceptedAt,
      dispatchedAt: operation.dispatchedAt,
      outcome: outcome.status,
      cause: failure?.cause,
      explanation: failure?.explanation,
      evidence: failure?.evidence ?? outcome.evidence,
    },
  };
}

function pathsOf(step: Operation['steps'][number]): string[] {
  switch (step.action) {
    case 'read':
      return step.targets.map(({ path }) => path);
    case 'write':
      return step.assignments.map(({ path }) => path);
    case 'execute':
      return [step.target.path];
    case 'create':
    case 'delete':
    case 'discover':
      return [step.path];
    case 'procedure':
      return [step.object];
  }
}

function finish(core: Core, operation: Operation, outcome: Outcome): void {
  operation.state = outcome.status;
  operation.settledAt = core.clock.now();
  operation.outcome = outcome;
  count(core, operation, outcome);
}

function count(core: Core, operation: Operation, outcome: Outcome): void {
  core.tell?.(operation, outcome.status, endOf(outcome));
  const technology = core.devices.known(operation.device)?.device.technology ?? '';
  core.metrics.count('trivet_operations_total', { technology, kind: operation.kind, outcome: outcome.status });
}

function endOf({ failure, evidence }: Outcome): object {
  return { cause: failure?.cause, explanation: failure?.explanation, evidence: failure?.evidence ?? evidence };
}

function storeFailed(): Outcome {
  return {
    status: 'failed',
    failure: failureOf('device-error', 'the store did not take the values; look at the log of the gateway'),
    results: [],
  };
}
