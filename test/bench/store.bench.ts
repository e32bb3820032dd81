/**
 * Durable updates of one row each: our store, with 256 of them in flight, beside the bare driver with one commit per
 * update, in the same process, on the same disk and with the same synchronous setting. Both sides check the version.
 */
import { join } from 'node:path';
import Libsql from 'libsql';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Durability } from '../../src/store/sqlite/writer-database.ts';
import { silentLog } from '../../src/support/log.ts';
import { makeTemporaryDirectory } from '../support/store.ts';

export interface StoreMeasurement {
  durability: Durability;
  /** Updates per second of our store, 256 in flight. */
  storeUpdates: number;
  /** Updates per second of the driver with one commit per update. */
  driverUpdates: number;
  ratio: number;
  groupSize: number;
  /** ms from `commit` to durable. */
  latency: { p50: number; p99: number };
  /** Share of the time in which the event loop was busy during the updates. */
  eventLoop: number;
  /** µs of one `get`. */
  get: number;
}

const ROWS = 5_000;
const IN_FLIGHT = 256;
const DATA = { value: 'x'.repeat(300), flag: true, list: [1, 2, 3] };

const keyOf = (row: number): string => `device-${row % ROWS}`;
const columnsOf = (row: number) => ({ technology: 'lwm2m', identity: keyOf(row), lane: keyOf(row), node: null });

/** Runs both sides for each durability; takes some seconds. */
export async function measureStore({ updates = 60_000, driverUpdates = 3_000 } = {}): Promise<StoreMeasurement[]> {
  const measurements: StoreMeasurement[] = [];
  for (const durability of ['full', 'normal'] as const) {
    const directory = await makeTemporaryDirectory();
    try {
      const driver = measureDriver(join(directory.path, 'driver.db'), durability, driverUpdates);
      const ours = await measureOurs(join(directory.path, 'store.db'), durability, updates);
      measurements.push({ durability, ...ours, driverUpdates: driver, ratio: ours.storeUpdates / driver });
    } finally {
      await directory.remove();
    }
  }
  return measurements;
}

export async function measureOurs(file: string, durability: Durability, updates: number) {
  const store = await openSqliteStore({ file, log: silentLog, durability });
  try {
    await Promise.all(
      Array.from({ length: ROWS }, (_, row) =>
        store.commit({ put: [{ table: 'devices', key: keyOf(row), columns: columnsOf(row), data: DATA }] }),
      ),
    );
    let next = 0;
    const update = async (): Promise<void> => {
      while (next < updates) {
        const row = next++;
        const key = keyOf(row);
        // IN_FLIGHT is far below ROWS, so each version is the number of the round.
        await store.commit({
          expect: [{ table: 'devices', key, version: Math.floor(row / ROWS) + 1 }],
          put: [{ table: 'devices', key, columns: columnsOf(row), data: DATA }],
        });
      }
    };
    const before = performance.eventLoopUtilization();
    const start = performance.now();
    await Promise.all(Array.from({ length: IN_FLIGHT }, update));
    const took = performance.now() - start;
    const eventLoop = performance.eventLoopUtilization(before).utilization;
    const { groupSize, latency } = store.statistics();

    const reads = 50_000;
    const readStart = performance.now();
    for (let row = 0; row < reads; row += 1) await store.get('devices', keyOf(row));
    return {
      storeUpdates: (updates / took) * 1000,
      groupSize,
      latency: { p50: latency.p50 * 1000, p99: latency.p99 * 1000 },
      eventLoop,
      get: ((performance.now() - readStart) / reads) * 1000,
    };
  } finally {
    await store.close();
  }
}

export function measureDriver(file: string, durability: Durability, updates: number): number {
  const database = new Libsql(file);
  database.prepare('PRAGMA journal_mode = WAL').get();
  database.exec(`PRAGMA synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`);
  database.exec(
    `CREATE TABLE devices (key TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, technology TEXT, identity TEXT,
       lane TEXT, node TEXT, data TEXT NOT NULL) STRICT;
     CREATE UNIQUE INDEX devices_identity ON devices (technology, identity);
     CREATE INDEX devices_lane ON devices (lane);
     CREATE INDEX devices_node ON devices (node);`,
  );
  const insert = database.prepare('INSERT INTO devices VALUES (?, 1, ?, ?, ?, NULL, ?)');
  const text = JSON.stringify(DATA);
  database.exec('BEGIN');
  for (let row = 0; row < ROWS; row += 1) insert.run(keyOf(row), 'lwm2m', keyOf(row), keyOf(row), text);
  database.exec('COMMIT');
  const update = database.prepare(
    'UPDATE devices SET version = version + 1, technology = ?, identity = ?, lane = ?, node = ?, data = ? WHERE key = ? AND version = ?',
  );
  const start = performance.now();
  for (let row = 0; row < updates; row += 1) {
    const key = keyOf(row);
    const version = Math.floor(row / ROWS) + 1;
    const { changes } = update.run('lwm2m', key, key, null, JSON.stringify(DATA), key, version);
    if (changes !== 1) throw new Error(`the driver lost ${key}`);
  }
  const took = performance.now() - start;
  database.close();
  return (updates / took) * 1000;
}
