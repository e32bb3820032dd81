/**
 * A bounded least-recently-used map in front of a slow reader. Equal reads that wait together share one; a read that was
 * overtaken by a change is answered but not kept, so that what is kept is never older than what was committed.
 */
export class ReadThrough<Value> {
  readonly #entries = new Map<string, Value>();
  readonly #loading = new Map<string, { promise: Promise<Value | undefined>; mark: { overtaken: boolean } }>();
  readonly #limit: number;
  readonly #dropped: ((key: string, value: Value) => void) | undefined;

  constructor(limit: number, dropped?: (key: string, value: Value) => void) {
    this.#limit = limit;
    this.#dropped = dropped;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What is kept, without reading. */
  peek(key: string): Value | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    // Moving it to the end on every hit would cost more than the hit; half full is early enough to care.
    if (this.#entries.size * 2 > this.#limit) {
      this.#entries.delete(key);
      this.#entries.set(key, value);
    }
    return value;
  }

  get(key: string, load: (key: string) => Promise<Value | undefined>): Promise<Value | undefined> {
    const kept = this.peek(key);
    if (kept !== undefined) return Promise.resolve(kept);
    const running = this.#loading.get(key);
    if (running && !running.mark.overtaken) return running.promise;
    const mark = { overtaken: false };
    const promise = this.#load(key, load, mark);
    this.#loading.set(key, { promise, mark });
    return promise;
  }

  async #load(
    key: string,
    load: (key: string) => Promise<Value | undefined>,
    mark: { overtaken: boolean },
  ): Promise<Value | undefined> {
    try {
      // The reader must not run before the read is registered, or a change in between would go unnoticed.
      await Promise.resolve();
      const value = await load(key);
      if (value !== undefined && !mark.overtaken) this.#keep(key, value);
      return value;
    } finally {
      if (this.#loading.get(key)?.mark === mark) this.#loading.delete(key);
    }
  }

  /** A change became durable: keep its result and distrust reads under way. */
  set(key: string, value: Value): void {
    this.#overtake(key);
    this.#keep(key, value);
  }

  delete(key: string): void {
    this.#overtake(key);
    this.#entries.delete(key);
  }

  #overtake(key: string): void {
    const reading = this.#loading.get(key);
    if (reading) reading.mark.overtaken = true;
  }

  #keep(key: string, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#limit) return;
    const oldest = this.#entries.entries().next();
    if (oldest.done) return;
    const [oldKey, oldValue] = oldest.value;
    this.#entries.delete(oldKey);
    this.#dropped?.(oldKey, oldValue);
  }
}
