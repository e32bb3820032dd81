/** Stores for tests: each is empty, its own, and gone when closed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { silentLog } from '../../src/support/log.ts';

/** An SQLite store in memory with every rule of the real one; opens in a few milliseconds. Close it in `afterEach`. */
export function openTemporaryStore(): Promise<Store> {
  return openSqliteStore({ file: ':memory:', log: silentLog });
}

/** An empty directory and what removes it. */
export async function makeTemporaryDirectory(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'trivet-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
