/** Timers that end together, when the device reboots or stops. */
export class Timers {
  readonly #pending = new Set<NodeJS.Timeout>();

  after(ms: number, run: () => void): () => void {
    const timer = setTimeout(
      () => {
        this.#pending.delete(timer);
        run();
      },
      Math.min(Math.max(ms, 0), 2_147_483_647),
    );
    this.#pending.add(timer);
    return () => {
      clearTimeout(timer);
      this.#pending.delete(timer);
    };
  }

  clear(): void {
    for (const timer of this.#pending) clearTimeout(timer);
    this.#pending.clear();
  }
}
