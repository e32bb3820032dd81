/** A session of a lane: the only one that drains it, until it is closed or a newer one comes. Light, for every device has one. */
import { Withdrawn, type LaneSession } from './adapter.ts';
import type { Core } from './core.ts';
import type { DeviceEntry } from './device-registry.ts';
import { askAgain } from './evidence.ts';
import type { Lane, LaneEntry, LaneHolder } from './lane.ts';
import { markDispatched, returnInFlight, takeFrom, undoDispatch } from './dispatch.ts';
import type { DeviceId, Operation, Pending } from './operation.ts';
import type { Outcome } from './outcome.ts';
import { accept, settle } from './settlement.ts';

const done = Promise.resolve();
const nothing: Promise<Operation[]> = Promise.resolve([]);

/** Takes the lane of a device; an older session of it ends. */
export function openLaneSession(core: Core, device: DeviceEntry, onWork: () => void): Session {
  // First the end of the older one: it may leave the lane empty, and an empty lane is forgotten.
  core.lanes.existing(device.device.lane)?.holder?.end('a newer session took the lane');
  const lane = core.lanes.lane(device.device.lane, device.device.technology);
  const session = new Session(core, device.device.id, lane, onWork);
  lane.holder = session;
  core.lanes.countSession(lane.technology, 1);
  askAgain(core, device.device.id);
  if (lane.queue.length > 0) {
    // For a leg that waits to be told; one that takes at once has made the session busy by then.
    setImmediate(() => core.lanes.announce(lane));
  }
  return session;
}

export class Session implements LaneSession, LaneHolder {
  readonly device: DeviceId;
  readonly onWork: () => void;
  idle = true;
  readonly #core: Core;
  readonly #lane: Lane;
  #controller: AbortController | undefined;
  #closed: string | undefined;

  constructor(core: Core, device: DeviceId, lane: Lane, onWork: () => void) {
    this.device = device;
    this.onWork = onWork;
    this.#core = core;
    this.#lane = lane;
  }

  /** Made when it is asked for: most sessions of a big fleet never are. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#closed !== undefined) this.#controller.abort(new Error(this.#closed));
    }
    return this.#controller.signal;
  }

  take(max: number): Promise<Operation[]> {
    if (this.#closed !== undefined) return nothing;
    const operations = takeFrom(this.#core, this.#lane, this, max);
    this.idle = operations.length < max;
    return operations.length === 0 ? nothing : Promise.resolve(operations);
  }

  dispatched(operations: Operation[]): Promise<void> {
    if (this.#closed !== undefined && operations[0]) return Promise.reject(new Withdrawn(operations[0].id));
    return markDispatched(this.#core, this, operations);
  }

  accepted(operation: Operation, pending: Pending, outcome?: Partial<Outcome>): Promise<void> {
    return accept(this.#core, operation, pending, outcome);
  }

  /** Also after the session ended: an outcome is an outcome. */
  settle(operation: Operation, outcome: Outcome): Promise<void> {
    return settle(this.#core, operation, outcome);
  }

  release(operations: Operation[]): Promise<void> {
    return undoDispatch(this.#core, this, operations);
  }

  close(): Promise<void> {
    this.end('the session was closed');
    return done;
  }

  end(why: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = why;
    if (this.#lane.holder === this) this.#lane.holder = undefined;
    this.#core.lanes.countSession(this.#lane.technology, -1);
    const mine: LaneEntry[] = [...this.#lane.inFlight].filter(({ takenBy }) => takenBy === this);
    returnInFlight(this.#core, mine);
    this.#core.lanes.dropIfEmpty(this.#lane);
    this.#controller?.abort(new Error(why));
  }
}
