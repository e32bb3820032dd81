/** Counts what a store did, for `/metrics`. */
import type { StoreStatistics } from './store.ts';

const SAMPLES = 1024;

export interface StatisticsRecorder {
  committed(milliseconds: number): void;
  conflicted(): void;
  group(size: number): void;
  read(): StoreStatistics;
}

/** A recorder that keeps the last 1,024 latencies and running counters. */
export function createStatistics(engine: StoreStatistics['engine']): StatisticsRecorder {
  const latencies = new Float64Array(SAMPLES);
  let samples = 0;
  let commits = 0;
  let conflicts = 0;
  let groups = 0;
  let grouped = 0;
  return {
    committed(milliseconds) {
      latencies[samples % SAMPLES] = milliseconds;
      samples += 1;
      commits += 1;
    },
    conflicted() {
      conflicts += 1;
    },
    group(size) {
      groups += 1;
      grouped += size;
    },
    read() {
      const sorted = latencies.slice(0, Math.min(samples, SAMPLES)).sort();
      const quantile = (share: number): number =>
        (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) / 1000;
      return {
        engine,
        commits,
        conflicts,
        groupSize: groups === 0 ? 0 : grouped / groups,
        latency: { p50: quantile(0.5), p99: quantile(0.99) },
      };
    },
  };
}
