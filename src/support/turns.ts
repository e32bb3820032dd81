/** One at a time per key: what concerns one device is done in the order in which it came. Idle keys cost nothing. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** Runs `work` once everything that came before it under this key has ended, well or badly. */
  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const mine = before ? before.then(work) : work();
    const end = mine.then(nothing, nothing);
    this.#last.set(key, end);
    try {
      return await mine;
    } finally {
      if (this.#last.get(key) === end) this.#last.delete(key);
    }
  }

  /** True: something under this key is going on. */
  busy(key: string): boolean {
    return this.#last.has(key);
  }
}

function nothing(): void {}
