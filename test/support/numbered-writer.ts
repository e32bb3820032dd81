/**
 * A process of its own that commits numbers until it is killed, and prints each one only after the store has acknowledged
 * it. Argument: `sqlite FILE` or `postgres URL SCHEMA`.
 */
import { writeSync } from 'node:fs';
import { openPostgresStore } from '../../src/store/postgres/postgres-store.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { silentLog } from '../../src/support/log.ts';

function open([engine, place = '', schema]: string[]): Promise<Store> {
  if (engine === 'postgres') return openPostgresStore({ url: place, schema, log: silentLog });
  return openSqliteStore({ file: place, log: silentLog });
}

async function writeFrom(store: Store, first: number, step: number): Promise<void> {
  for (let number = first; ; number += step) {
    await store.commit({
      append: [{ table: 'audit', columns: { at: number }, data: { number } }],
      put: [{ table: 'settings', key: `number ${number}`, data: number }],
    });
    writeSync(1, `${number}\n`);
  }
}

const store = await open(process.argv.slice(2));
const WRITERS = 8;
await Promise.all(Array.from({ length: WRITERS }, (_, at) => writeFrom(store, at + 1, WRITERS)));
