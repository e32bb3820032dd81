/** Commits that are built from what is stored now, and built again when something of it changed meanwhile. */
import { Conflict, type Commit, type CommitResult } from '../store/store.ts';
import type { Core } from './core.ts';

export interface Prepared {
  commit: Commit;
  afterCommit?: () => void;
}

const attempts = 10;

/**
 * @param prepare is called for every attempt; undefined = there is nothing to do (any more)
 * @param refused learns of a conflict before the next attempt, and may throw to end it
 * @returns undefined when nothing was written
 * @throws what the store throws; a Conflict after the last attempt
 */
export async function commitAnew(
  core: Core,
  prepare: () => Promise<Prepared | undefined>,
  refused?: (conflict: Conflict) => Promise<void>,
): Promise<CommitResult | undefined> {
  for (let attempt = 1; ; attempt++) {
    const prepared = await prepare();
    if (!prepared) return undefined;
    if (isEmpty(prepared.commit)) {
      prepared.afterCommit?.();
      return undefined;
    }
    try {
      const result = await core.store.commit(prepared.commit);
      prepared.afterCommit?.();
      return result;
    } catch (error) {
      if (!(error instanceof Conflict) || attempt >= attempts) throw error;
      await refused?.(error);
    }
  }
}

export function isEmpty({ expect, put, append, delete: deleted }: Commit): boolean {
  return !expect?.length && !put?.length && !append?.length && !deleted?.length;
}
