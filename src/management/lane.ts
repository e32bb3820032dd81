/** A lane: the operations of one device (or of one proxy and its devices) in order of acceptance. Pure memory; no I/O here. */
import type { Reply, Requester } from './facade.ts';
import type { LaneId, Operation } from './operation.ts';
import type { Outcome } from './outcome.ts';
import type { BoundObject } from './resource-side.ts';

/** Someone who waits for an operation until a time. */
export interface Waiter {
  entry: LaneEntry;
  blocking: boolean;
  /** ms since 1970. */
  expiresAt: number;
  /** Absent: nobody listens (an internal operation, or the requester was lost with an earlier process). */
  answer?: (reply: Reply, outcome?: Outcome) => void;
  /** Place among the deadlines. */
  bucket: number;
}

/** An operation that is not settled, and what this process knows of it beyond the stored row. */
export interface LaneEntry {
  readonly operation: Operation;
  /** Place in the lane; grows with acceptance. */
  readonly order: number;
  /** False while the commit that accepts it is under way: it keeps its place, and nothing behind it goes first. */
  ready: boolean;
  /** Nobody may send it any more: it is being withdrawn. */
  doomed: boolean;
  waiters: Waiter[];
  /** A change of its state that is being committed. */
  busy?: Promise<void>;
  /** Who took it. */
  takenBy?: object;
  /** When it was sent before the present dispatch; ms since 1970. */
  sentBefore?: number;
  /** How often it came back without an outcome. */
  returns: number;
  /** Key of the object that it holds against a second trigger. */
  holds?: string;
  /** As it was when the request came; volatile operations only. */
  object?: BoundObject;
  /** Called with the outcome, before the waiters are answered. */
  completed?: (outcome: Outcome) => void;
  /** Place among the deadlines of procedures and evidence. */
  overdue?: number;
  /** Returns of the device until then were owed for others; ms since 1970. */
  provenAfter?: number;
  /** Its evidence is being read. */
  evidenceRead?: boolean;
  /** Key under which equal reads find it. */
  shared?: string;
}

export interface LaneHolder {
  /** Called when there is work and the holder has nothing. */
  onWork: () => void;
  /** The last `take` gave less than was asked for. */
  idle: boolean;
  /** Ends the session; what it had in hand goes back. */
  end(why: string): void;
}

export class Lane {
  readonly id: LaneId;
  readonly technology: string;
  /** What waits, in order. */
  readonly queue: LaneEntry[] = [];
  /** Taken or dispatched, without an outcome. */
  readonly inFlight = new Set<LaneEntry>();
  holder: LaneHolder | undefined;
  /** Order of the last operation that changes something on the device: reads behind it do not share with reads before it. */
  lastChange = 0;

  constructor(id: LaneId, technology: string) {
    this.id = id;
    this.technology = technology;
  }

  get empty(): boolean {
    return this.queue.length === 0 && this.inFlight.size === 0 && !this.holder;
  }
}

/** Puts an entry to its place in the order; mostly the end. */
export function insertInOrder(queue: LaneEntry[], entry: LaneEntry): void {
  let index = queue.length;
  while (index > 0 && queue[index - 1]!.order > entry.order) index--;
  if (index === queue.length) queue.push(entry);
  else queue.splice(index, 0, entry);
}

export function removeFrom(queue: LaneEntry[], entry: LaneEntry): boolean {
  const index = queue.indexOf(entry);
  if (index < 0) return false;
  queue.splice(index, 1);
  return true;
}

/** Changes of one entry's stored state happen one after the other; each looks again at the state when its turn comes. */
export async function exclusively<T>(entry: LaneEntry, change: () => Promise<T>): Promise<T> {
  while (entry.busy) await entry.busy;
  const running = change();
  entry.busy = running.then(nothing, nothing);
  try {
    return await running;
  } finally {
    entry.busy = undefined;
  }
}

function nothing(): void {}

export function newEntry(operation: Operation, order: number): LaneEntry {
  return { operation, order, ready: operation.volatile, doomed: false, waiters: [], returns: 0 };
}

export function waiterOf(entry: LaneEntry, requester: Requester, answer?: Waiter['answer']): Waiter {
  return { entry, blocking: requester.blocking, expiresAt: requester.expiresAt, answer, bucket: -1 };
}
