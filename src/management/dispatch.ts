/** Out of the lane: taking, the point of no return, and the way back. */
import { Withdrawn } from './adapter.ts';
import { failureOf } from './causes.ts';
import { commitAnew } from './commits.ts';
import type { Core } from './core.ts';
import { exclusively, type Lane, type LaneEntry } from './lane.ts';
import { putOf } from './operation-rows.ts';
import type { Operation } from './operation.ts';
import { commitOperation, isGone, putBack, settle } from './settlement.ts';
import { expire } from './withdrawal.ts';

const done = Promise.resolve();

/** In order; stops before an operation whose acceptance is still being committed. */
export function takeFrom(core: Core, lane: Lane, session: object, max: number): Operation[] {
  const taken: Operation[] = [];
  const now = core.clock.now();
  while (taken.length < max && lane.queue[0]?.ready) {
    const entry = core.lanes.shift(lane);
    entry.operation.state = 'taken';
    entry.takenBy = session;
    lane.inFlight.add(entry);
    if (entry.operation.expiresAt <= now && isLate(core, entry)) continue;
    taken.push(entry.operation);
  }
  return taken;
}

/** Its time is over and the timer has not come to it yet: it is not sent any more. */
function isLate(core: Core, entry: LaneEntry): boolean {
  const waiter = entry.waiters.at(-1);
  if (!waiter || waiter.expiresAt > core.clock.now()) return false;
  expire(core, waiter);
  return true;
}

/**
 * Before the first byte leaves. All or none: rejects with `Withdrawn` when one of them must not be sent (any more), and with what
 * the store says when it cannot be noted; nothing may be sent then, and they are back at their place. Reads for a
 * requester who waits, and reads for ourselves, are marked in memory; everything else is durable first.
 */
export function markDispatched(core: Core, session: object, operations: Operation[]): Promise<void> {
  const entries: LaneEntry[] = [];
  let stored = false;
  for (const operation of operations) {
    const entry = core.lanes.entry(operation.id);
    if (!entry || !isHeldBy(entry, session)) return Promise.reject(new Withdrawn(operation.id));
    if (operation.expiresAt <= core.clock.now() && isLate(core, entry)) {
      return Promise.reject(new Withdrawn(operation.id));
    }
    stored ||= needsRow(operation);
    entries.push(entry);
  }
  if (stored) return dispatchStored(core, session, entries);
  const now = core.clock.now();
  for (const entry of entries) leave(core, entry, now);
  return done;
}

function leave(core: Core, entry: LaneEntry, now: number): void {
  const { operation } = entry;
  // It may have been sent before, in a session that ended without an outcome: a release takes back this dispatch only.
  entry.sentBefore = operation.dispatchedAt;
  operation.state = 'dispatched';
  operation.dispatchedAt = now;
  core.tell?.(operation, 'dispatched');
}

function isHeldBy(entry: LaneEntry, session: object): boolean {
  return entry.takenBy === session && entry.operation.state === 'taken' && !entry.doomed;
}

/** A read for ourselves is simply queued again after a crash, and nobody was promised anything. */
function needsRow(operation: Operation): boolean {
  return !operation.volatile && operation.kind !== 'refresh';
}

function dispatchStored(core: Core, session: object, entries: LaneEntry[]): Promise<void> {
  // One order for all sessions, so that two of them never wait for each other.
  const ordered = [...entries].sort((one, other) => one.order - other.order);
  return inTurn(ordered, async () => {
    const lost = ordered.find((entry) => isGone(core, entry) || !isHeldBy(entry, session));
    if (lost) throw new Withdrawn(lost.operation.id);
    const now = core.clock.now();
    const rows = ordered.filter(({ operation }) => needsRow(operation));
    const next = rows.map(({ operation }): Operation => ({ ...operation, state: 'dispatched', dispatchedAt: now }));
    try {
      await core.store.commit({
        expect: next.map(({ sequence, version }) => ({ table: 'operations', key: String(sequence), version })),
        put: next.map((operation) => putOf(operation)),
      });
    } catch (error) {
      core.log.error(
        { err: error, operations: next.map(({ id }) => id) },
        'a dispatch could not be stored; it is not sent',
      );
      for (const entry of ordered) if (isHeldBy(entry, session)) putBack(core, entry);
      // They are not withdrawn: whoever holds the lane takes them again, and not at once.
      throw error;
    }
    for (const { operation } of rows) operation.version++;
    const taken = ordered.find((entry) => !isHeldBy(entry, session));
    if (taken) {
      // A newer session came while this was written: nothing was sent, and it says so again.
      await unsend(core, rows).catch((error: unknown) => {
        // A crash now would leave an unknown outcome behind; the next dispatch writes the row anew.
        core.log.error({ err: error }, 'a dispatch that did not happen could not be taken back in the store');
      });
      throw new Withdrawn(taken.operation.id);
    }
    for (const entry of ordered) leave(core, entry, now);
  });
}

/** Back to their place: they were not sent after all. */
export async function undoDispatch(core: Core, session: object, operations: Operation[]): Promise<void> {
  for (const operation of operations) {
    const entry = core.lanes.entry(operation.id);
    if (!entry || entry.takenBy !== session) continue;
    if (operation.state === 'dispatched' && needsRow(operation)) {
      await exclusively(entry, async () => {
        if (isGone(core, entry) || entry.operation.state !== 'dispatched') return;
        const written = commitOperation(core, entry, async (next) => {
          next.state = 'queued';
          next.dispatchedAt = entry.sentBefore;
          return { commit: {} };
        });
        await written.catch((error: unknown) => {
          core.log.error(
            { err: error, operation: operation.id },
            'a release could not be stored; it is queued in memory',
          );
          operation.dispatchedAt = entry.sentBefore;
        });
        putBack(core, entry);
      });
    } else if (operation.state === 'dispatched') {
      operation.dispatchedAt = entry.sentBefore;
      putBack(core, entry);
    } else if (operation.state === 'taken') {
      putBack(core, entry);
    }
    const waiter = entry.waiters.at(-1);
    if (waiter && waiter.expiresAt <= core.clock.now()) expire(core, waiter);
  }
}

/** The session ended: what was not sent goes back; of what was sent, only what may be repeated does. */
export function returnInFlight(core: Core, entries: LaneEntry[]): void {
  for (const entry of entries) {
    const { operation } = entry;
    if (operation.state === 'dispatched' && !operation.repeatable) {
      core.seekEvidence(entry);
    } else if (operation.state === 'dispatched' && isWornOut(core, entry)) {
      const failure = failureOf(
        'no-answer',
        `the device did not answer in ${entry.returns === 1 ? 'its session' : `${entry.returns} sessions`}`,
      );
      settle(core, operation, { status: 'failed', failure, results: [] }).catch(() => {
        // Logged and tried again by settlement.
      });
    } else {
      putBack(core, entry);
    }
  }
}

/** Asked often enough, or nobody waits for it any more and no timer would ever end it. */
function isWornOut(core: Core, entry: LaneEntry): boolean {
  return ++entry.returns > core.settings.maximumReturns || entry.operation.expiresAt <= core.clock.now();
}

async function unsend(core: Core, rows: LaneEntry[]): Promise<void> {
  await commitAnew(core, async () => ({
    commit: {
      expect: rows.map(({ operation }) => ({
        table: 'operations',
        key: String(operation.sequence),
        version: operation.version,
      })),
      put: rows.map(({ operation }) => putOf(operation)),
    },
  }));
  for (const { operation } of rows) operation.version++;
}

function inTurn<T>(entries: LaneEntry[], change: () => Promise<T>): Promise<T> {
  const [first, ...rest] = entries;
  return first ? exclusively(first, () => inTurn(rest, change)) : change();
}
