/** Chooses the store by the settings. */
import { join } from 'node:path';
import type { Log } from '../support/log.ts';
import { openSqliteStore } from './sqlite/sqlite-store.ts';
import type { Durability } from './sqlite/writer-database.ts';
import type { Store } from './store.ts';

export interface StoreOptions {
  /** Directory of the embedded database `trivet.db`; unused with `databaseUrl`. */
  dataDirectory: string;
  /** `postgres://…`: the store of a gateway of several processes. */
  databaseUrl?: string;
  log: Log;
  /** Embedded store only; default `full`. */
  durability?: Durability;
}

/** Name of the embedded database in the data directory. */
export const DATABASE_FILE = 'trivet.db';

/** Opens the store, makes or migrates its tables. @throws StoreFailure with a sentence for the operator */
export async function openStore({ dataDirectory, databaseUrl, log, durability }: StoreOptions): Promise<Store> {
  if (databaseUrl) {
    // Loaded on demand: a gateway with the embedded store needs no client of PostgreSQL.
    const { openPostgresStore } = await import('./postgres/postgres-store.ts');
    return openPostgresStore({ url: databaseUrl, log });
  }
  return openSqliteStore({ file: join(dataDirectory, DATABASE_FILE), log, durability });
}
