/** All lanes of the process, and every operation that is not settled, found by its id, its device or the object that it holds. */
import type { Clock } from '../support/clock.ts';
import type { Log } from '../support/log.ts';
import { Deadlines } from './deadlines.ts';
import { insertInOrder, Lane, newEntry, removeFrom, type LaneEntry, type Waiter } from './lane.ts';
import type { DeviceId, LaneId, Operation, OperationId } from './operation.ts';

/** How exactly a requester's expiration is kept, in ms. */
const granularity = 50;

export interface LaneCallbacks {
  /** A waiter's time has come. */
  expired(waiter: Waiter): void;
  /** A procedure's deadline, or the time to wait for evidence, has passed. */
  overdue(entry: LaneEntry): void;
}

export class Lanes {
  readonly #lanes = new Map<LaneId, Lane>();
  readonly #entries = new Map<OperationId, LaneEntry>();
  /** Accepted, or with an unknown outcome: out of the lane and not settled. */
  readonly #outstanding = new Map<DeviceId, Set<LaneEntry>>();
  readonly #holds = new Map<string, LaneEntry>();
  readonly #shared = new Map<string, LaneEntry>();
  readonly #depth = new Map<string, number>();
  readonly #sessions = new Map<string, number>();
  readonly #waiting: Deadlines<Waiter>;
  readonly #overdue: Deadlines<LaneEntry>;
  readonly #clock: Clock;
  readonly #log: Log;
  #order = 0;

  constructor(clock: Clock, log: Log, callbacks: LaneCallbacks) {
    this.#clock = clock;
    this.#log = log;
    this.#waiting = new Deadlines(clock, granularity, (waiter) => callbacks.expired(waiter));
    this.#overdue = new Deadlines(clock, 1000, (entry) => callbacks.overdue(entry));
  }

  lane(id: LaneId, technology: string): Lane {
    let lane = this.#lanes.get(id);
    if (!lane) {
      lane = new Lane(id, technology);
      this.#lanes.set(id, lane);
    }
    return lane;
  }

  existing(id: LaneId): Lane | undefined {
    return this.#lanes.get(id);
  }

  /** A lane without work and without holder is forgotten. */
  dropIfEmpty(lane: Lane): void {
    if (lane.empty) this.#lanes.delete(lane.id);
  }

  entry(id: OperationId): LaneEntry | undefined {
    return this.#entries.get(id);
  }

  entries(): IterableIterator<LaneEntry> {
    return this.#entries.values();
  }

  /** A new entry at the end of the lane, or at the place that `order` says. */
  enter(operation: Operation, technology: string, order?: number): LaneEntry {
    const entry = newEntry(operation, order ?? ++this.#order);
    this.#entries.set(operation.id, entry);
    this.enqueue(entry, this.lane(operation.lane, technology));
    return entry;
  }

  /** An entry that is known and does not wait in a lane (recovered as accepted or unknown). */
  admit(operation: Operation): LaneEntry {
    const entry = newEntry(operation, ++this.#order);
    entry.ready = true;
    this.#entries.set(operation.id, entry);
    return entry;
  }

  enqueue(entry: LaneEntry, lane: Lane): void {
    insertInOrder(lane.queue, entry);
    this.#count(this.#depth, lane.technology, 1);
    if (entry.operation.kind !== 'read' && entry.operation.kind !== 'refresh') {
      lane.lastChange = Math.max(lane.lastChange, entry.order);
    }
  }

  /** Takes the first entry out of the queue. */
  shift(lane: Lane): LaneEntry {
    this.#count(this.#depth, lane.technology, -1);
    return lane.queue.shift()!;
  }

  unqueue(entry: LaneEntry): void {
    const lane = this.#lanes.get(entry.operation.lane);
    if (lane && removeFrom(lane.queue, entry)) this.#count(this.#depth, lane.technology, -1);
  }

  /** Out of the hands of a session. */
  land(entry: LaneEntry): void {
    this.#lanes.get(entry.operation.lane)?.inFlight.delete(entry);
    entry.takenBy = undefined;
  }

  /** Wakes the holder of a lane when it has nothing to do and there is something. */
  announce(lane: Lane): void {
    const holder = lane.holder;
    if (!holder?.idle || !lane.queue[0]?.ready) return;
    holder.idle = false;
    try {
      holder.onWork();
    } catch (error) {
      this.#log.error({ err: error, lane: lane.id }, 'a leg failed when it was told of work');
    }
  }

  /** The end of an entry: nothing finds it any more. */
  forget(entry: LaneEntry): void {
    this.#entries.delete(entry.operation.id);
    this.unqueue(entry);
    const lane = this.#lanes.get(entry.operation.lane);
    if (lane) {
      lane.inFlight.delete(entry);
      if (!lane.holder) this.dropIfEmpty(lane);
    }
    this.settleOutstanding(entry);
    if (entry.holds !== undefined) this.release(entry);
    if (entry.shared !== undefined && this.#shared.get(entry.shared) === entry) this.#shared.delete(entry.shared);
    for (const waiter of entry.waiters) this.#waiting.remove(waiter, waiter.bucket);
  }

  // Waiters

  wait(waiter: Waiter): void {
    waiter.entry.waiters.push(waiter);
    waiter.bucket = this.#waiting.add(waiter, waiter.expiresAt);
  }

  stopWaiting(waiter: Waiter): void {
    this.#waiting.remove(waiter, waiter.bucket);
    const index = waiter.entry.waiters.indexOf(waiter);
    if (index >= 0) waiter.entry.waiters.splice(index, 1);
  }

  /** Calls `overdue` at that time, once; a later call replaces it. */
  watch(entry: LaneEntry, at: number): void {
    if (entry.overdue !== undefined) this.#overdue.remove(entry, entry.overdue);
    entry.overdue = this.#overdue.add(entry, at);
  }

  // Accepted operations and unknown outcomes

  makeOutstanding(entry: LaneEntry): void {
    const { device } = entry.operation;
    const set = this.#outstanding.get(device);
    if (set) set.add(entry);
    else this.#outstanding.set(device, new Set([entry]));
  }

  settleOutstanding(entry: LaneEntry): void {
    if (entry.overdue !== undefined) this.#overdue.remove(entry, entry.overdue);
    entry.overdue = undefined;
    const set = this.#outstanding.get(entry.operation.device);
    if (!set?.delete(entry)) return;
    if (set.size === 0) this.#outstanding.delete(entry.operation.device);
  }

  outstanding(device: DeviceId): LaneEntry[] {
    const set = this.#outstanding.get(device);
    return set ? [...set] : [];
  }

  // Objects that are held

  holderOf(key: string): LaneEntry | undefined {
    return this.#holds.get(key);
  }

  hold(entry: LaneEntry, key: string): void {
    if (entry.holds !== undefined) this.release(entry);
    entry.holds = key;
    this.#holds.set(key, entry);
  }

  release(entry: LaneEntry): void {
    if (entry.holds !== undefined && this.#holds.get(entry.holds) === entry) this.#holds.delete(entry.holds);
    entry.holds = undefined;
  }

  // Reads that wait together

  share(entry: LaneEntry, key: string): void {
    entry.shared = key;
    this.#shared.set(key, entry);
  }

  /** An equal read that has no answer yet, unless something was to change on the device since. */
  sharedRead(key: string): LaneEntry | undefined {
    const entry = this.#shared.get(key);
    if (!entry || entry.doomed) return undefined;
    const lane = this.#lanes.get(entry.operation.lane);
    return lane && lane.lastChange < entry.order ? entry : undefined;
  }

  // Figures

  countSession(technology: string, by: 1 | -1): void {
    this.#count(this.#sessions, technology, by);
  }

  depths(): ReadonlyMap<string, number> {
    return this.#depth;
  }

  sessions(): ReadonlyMap<string, number> {
    return this.#sessions;
  }

  /** Technology → time of acceptance of the oldest operation that waits (ms since 1970). */
  oldest(): Map<string, number> {
    const oldest = new Map<string, number>();
    for (const lane of this.#lanes.values()) {
      const first = lane.queue[0]?.operation.acceptedAt;
      if (first !== undefined && first < (oldest.get(lane.technology) ?? Infinity)) oldest.set(lane.technology, first);
    }
    return oldest;
  }

  now(): number {
    return this.#clock.now();
  }

  close(): void {
    this.#waiting.close();
    this.#overdue.close();
  }

  #count(figures: Map<string, number>, technology: string, by: number): void {
    figures.set(technology, (figures.get(technology) ?? 0) + by);
  }
}
