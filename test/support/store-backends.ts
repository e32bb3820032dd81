/** Runs one suite on every engine of the store. */
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { StoreFailure } from '../../src/store/failure.ts';
import { openPostgresStore } from '../../src/store/postgres/postgres-store.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { Conflict } from '../../src/store/store.ts';
import type { CommitResult, Query, Store } from '../../src/store/store.ts';
import { tables } from '../../src/store/tables.ts';
import type { TableName } from '../../src/store/tables.ts';
import { silentLog } from '../../src/support/log.ts';
import { findTestDatabase } from './postgres.ts';
import { makeTemporaryDirectory, openTemporaryStore } from './store.ts';

interface Backend {
  open(): Promise<Store>;
  /** Arguments of numbered-writer.ts. */
  place: string[];
  remove(): Promise<void>;
}

const IN_MEMORY = 'SQLite in memory';

const backends: Record<string, (what: string) => Promise<Backend | undefined>> = {
  [IN_MEMORY]: async () => ({ open: openTemporaryStore, place: [], remove: async () => {} }),
  'SQLite in a file': async () => {
    const directory = await makeTemporaryDirectory();
    const file = join(directory.path, 'trivet.db');
    return {
      open: () => openSqliteStore({ file, log: silentLog }),
      place: ['sqlite', file],
      remove: directory.remove,
    };
  },
  PostgreSQL: async (what) => {
    const database = await findTestDatabase(`${what} on PostgreSQL`);
    if (!database) return undefined;
    const { url, schema } = database;
    return {
      open: () => openPostgresStore({ url, schema, log: silentLog }),
      place: ['postgres', url, schema],
      remove: database.drop,
    };
  },
};

/** The store under test, empty before each test. */
export interface StoreUnderTest {
  readonly store: Store;
  /** Its data outlives it. Known when the suite is declared. */
  readonly lasting: boolean;
  /** Arguments of numbered-writer.ts; none in memory. */
  readonly place: string[];
  /** Closes it (unless it is) and opens it again. */
  reopen(): Promise<Store>;
  putSetting(key: string, data: unknown, version?: number): Promise<CommitResult>;
  keysOf(query: Query): Promise<string[]>;
}

/** Declares a suite per engine. Where no PostgreSQL answers, its suite is skipped with a printed line. */
export function describeStores(what: string, declare: (subject: StoreUnderTest) => void): void {
  for (const [name, make] of Object.entries(backends)) {
    describe(`${what} on ${name}`, function () {
      this.timeout(20_000);
      let backend: Backend;
      let store: Store;

      before(async function () {
        const made = await make(what);
        if (!made) return this.skip();
        backend = made;
        store = await backend.open();
      });
      after(async () => {
        await store?.close();
        await backend?.remove();
      });
      afterEach(() => empty(store));

      declare({
        get store() {
          return store;
        },
        lasting: name !== IN_MEMORY,
        get place() {
          return backend.place;
        },
        async reopen() {
          await store.close();
          store = await backend.open();
          return store;
        },
        putSetting: (key, data, version) =>
          store.commit({
            expect: version === undefined ? [] : [{ table: 'settings', key, version }],
            put: [{ table: 'settings', key, data }],
          }),
        keysOf: async (query) => (await store.find(query)).map(({ key }) => key),
      });
    });
  }
}

function isTableName(name: string): name is TableName {
  return Object.hasOwn(tables, name);
}

async function empty(store: Store): Promise<void> {
  for (const table of Object.keys(tables).filter(isTableName)) {
    const rows = await store.find({ table });
    await store.commit({ delete: rows.map(({ key }) => ({ table, key })) });
  }
}

/** For `assert.rejects`. */
export function isConflict(table: string, key: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof Conflict, String(error));
    assert.deepEqual([error.table, error.key], [table, key]);
    return true;
  };
}

/** For `assert.rejects`. */
export function isStoreFailure(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof StoreFailure, String(error));
    assert.equal(error.code, code);
    return true;
  };
}
