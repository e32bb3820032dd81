/** Collects the commits of one turn of the event loop and hands them over together; shared by both engines. */
import { StoreFailure } from './failure.ts';
import { tableAt } from './schema.ts';
import type { StatisticsRecorder } from './statistics.ts';
import { Conflict } from './store.ts';
import type { Commit, CommitResult } from './store.ts';
import { compileCommit } from './unit.ts';
import type { Answer, Unit } from './unit.ts';

export interface CommitQueue {
  commit(commit: Commit): Promise<CommitResult>;
  /** Refuses new commits and resolves when the waiting ones are answered. */
  drain(): Promise<void>;
}

interface Waiting {
  since: number;
  resolve(result: CommitResult): void;
  reject(error: Error): void;
}

const NOTHING_APPENDED: CommitResult = Object.freeze({ appended: [] });

/**
 * @param write writes units in order and answers each; rejects when none of them can be answered
 * @param limits `waiting`: commits that may wait before more are refused; `inFlight`: batches handed over at a time
 */
export function createCommitQueue(
  write: (units: Unit[]) => Promise<Answer[]>,
  statistics: StatisticsRecorder,
  limits: { waiting: number; inFlight: number; batch: number },
): CommitQueue {
  let units: Unit[] = [];
  let waiters: Waiting[] = [];
  let scheduled = false;
  let inFlight = 0;
  let open = 0;
  let closed = false;
  let whenIdle: (() => void)[] = [];

  const flush = (): void => {
    scheduled = false;
    while (units.length > 0 && inFlight < limits.inFlight) {
      const batch = units.length <= limits.batch ? units : units.slice(0, limits.batch);
      const waiting = waiters.length <= limits.batch ? waiters : waiters.slice(0, limits.batch);
      units = units.length <= limits.batch ? [] : units.slice(limits.batch);
      waiters = waiters.length <= limits.batch ? [] : waiters.slice(limits.batch);
      inFlight += 1;
      void handOver(batch, waiting);
    }
  };

  const handOver = async (batch: Unit[], waiting: Waiting[]): Promise<void> => {
    try {
      const answers = await write(batch);
      statistics.group(batch.length);
      const now = performance.now();
      for (const [at, waiter] of waiting.entries()) settle(waiter, answers[at], now);
    } catch (error) {
      const reason = error instanceof Error ? error : new StoreFailure('engine', String(error));
      for (const waiter of waiting) waiter.reject(reason);
    }
    inFlight -= 1;
    open -= waiting.length;
    if (open === 0) for (const resolve of whenIdle.splice(0)) resolve();
    flush();
  };

  const settle = (waiter: Waiting, answer: Answer | undefined, now: number): void => {
    if (!answer) {
      waiter.reject(new StoreFailure('engine', 'the writer of the store gave no answer: look into its log'));
    } else if (answer.conflict) {
      statistics.conflicted();
      waiter.reject(new Conflict(tableAt(answer.conflict[0]).name, answer.conflict[1]));
    } else if (answer.failure) {
      waiter.reject(new StoreFailure(answer.failure.code, answer.failure.message));
    } else {
      statistics.committed(now - waiter.since);
      waiter.resolve(answer.appended ? { appended: answer.appended } : NOTHING_APPENDED);
    }
  };

  return {
    async commit(commit) {
      if (closed) throw new StoreFailure('closed', 'the store is closed: the gateway is stopping');
      const unit = compileCommit(commit);
      if (unit.length === 0) return { appended: [] };
      if (open >= limits.waiting) {
        throw new StoreFailure('overloaded', `${open} changes wait for the disk already: repeat the request later`);
      }
      open += 1;
      return new Promise((resolve, reject) => {
        units.push(unit);
        waiters.push({ since: performance.now(), resolve, reject });
        if (scheduled) return;
        scheduled = true;
        setImmediate(flush);
      });
    },
    async drain() {
      closed = true;
      if (open > 0) await new Promise<void>((resolve) => whenIdle.push(resolve));
    },
  };
}
