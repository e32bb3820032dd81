/**
 * Work on one key, one after the other; different keys do not wait for each other. Keeps changes of one resource within
 * this process from meeting as version conflicts; conflicts with other processes are retried by whoever commits.
 */
export interface Turns {
  take<Result>(key: string, run: () => Promise<Result>): Promise<Result>;
}

export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>();
  return {
    async take(key, run) {
      const before = last.get(key);
      const turn = before ? before.then(run, run) : run();
      last.set(key, turn);
      try {
        return await turn;
      } finally {
        if (last.get(key) === turn) last.delete(key);
      }
    },
  };
}
