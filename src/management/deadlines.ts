/**
 * Things that fall due, many at a time: one timer for all of them, and buckets of `granularity` ms. Adding and removing cost
 * a set operation; nothing is ever called before its time, and at most one granularity after it.
 */
import type { Clock } from '../support/clock.ts';

export class Deadlines<Item> {
  readonly #clock: Clock;
  readonly #granularity: number;
  readonly #fire: (item: Item) => void;
  readonly #buckets = new Map<number, Set<Item>>();
  /** Numbers of the buckets as a binary heap; the smallest first. */
  readonly #heap: number[] = [];
  #armedFor = Infinity;
  #disarm: (() => void) | undefined;
  #closed = false;

  /** `fire` must not throw. */
  constructor(clock: Clock, granularity: number, fire: (item: Item) => void) {
    this.#clock = clock;
    this.#granularity = granularity;
    this.#fire = fire;
  }

  /** @returns the bucket, which `remove` asks for */
  add(item: Item, at: number): number {
    const number = Math.ceil(at / this.#granularity);
    const bucket = this.#buckets.get(number);
    if (bucket) {
      bucket.add(item);
      return number;
    }
    this.#buckets.set(number, new Set([item]));
    push(this.#heap, number);
    if (number < this.#armedFor) this.#arm();
    return number;
  }

  remove(item: Item, bucket: number): void {
    this.#buckets.get(bucket)?.delete(item);
  }

  close(): void {
    this.#closed = true;
    this.#disarm?.();
    this.#buckets.clear();
    this.#heap.length = 0;
  }

  #arm(): void {
    this.#disarm?.();
    this.#disarm = undefined;
    this.#armedFor = this.#heap[0] ?? Infinity;
    if (this.#armedFor === Infinity || this.#closed) return;
    const wait = this.#armedFor * this.#granularity - this.#clock.now();
    this.#disarm = this.#clock.after(wait, () => this.#due());
  }

  #due(): void {
    this.#disarm = undefined;
    this.#armedFor = Infinity;
    const now = this.#clock.now();
    while (!this.#closed && this.#heap.length > 0 && this.#heap[0]! * this.#granularity <= now) {
      const number = pop(this.#heap);
      const items = this.#buckets.get(number);
      this.#buckets.delete(number);
      if (items) for (const item of items) this.#fire(item);
    }
    this.#arm();
  }
}

function push(heap: number[], value: number): void {
  let index = heap.length;
  heap.push(value);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (heap[parent]! <= value) break;
    heap[index] = heap[parent]!;
    index = parent;
  }
  heap[index] = value;
}

function pop(heap: number[]): number {
  const smallest = heap[0]!;
  const last = heap.pop()!;
  if (heap.length === 0) return smallest;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= last) break;
    heap[index] = heap[child]!;
    index = child;
  }
  heap[index] = last;
  return smallest;
}
