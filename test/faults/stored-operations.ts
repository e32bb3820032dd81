/** What the store of a gateway holds, read past the gateway: from a copy of its files when it is dead, read-only while it lives. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import type { Operation } from '../../src/management/operation.ts';
import { DATABASE_FILE as databaseName } from '../../src/store/open.ts';

const requestType = 17;

export interface StoredRequest {
  path: string;
  requestID: string;
  /** TS-0004 6.3.4.2.36: 1 completed, 2 failed, 3 pending. */
  status: number;
  /** Of the operationResult. */
  responseStatusCode: number;
  /** The m2m:dbg sentence of a failure. */
  why: string;
}

export interface StoredResource {
  path: string;
  type: number;
  /** By long name. */
  attributes: Record<string, unknown>;
}

export interface StoreContent {
  /** Of requesters, in order of acceptance; not those that the gateway asked for itself. */
  operations: Operation[];
  requests: StoredRequest[];
  resource(path: string): StoredResource | undefined;
  childrenOf(path: string): StoredResource[];
  /** Whether a device is stored with the registration at this location (`rd/…`). */
  hasRegistration(location: string): boolean;
}

/** The store as the dead process left it; its own recovery stays with the next process. Also says whether SQLite finds it sound. */
export function readDeadStore<T>(data: string, look: (content: StoreContent & { sound: string }) => T): T {
  const copy = mkdtempSync(join(tmpdir(), 'trivet-copy-'));
  try {
    const from = join(data, databaseName);
    // Without the index of the log: it is made anew from the log, as the next process does.
    for (const suffix of ['', '-wal']) {
      if (existsSync(from + suffix)) copyFileSync(from + suffix, join(copy, databaseName + suffix));
    }
    return withDatabase(new Libsql(join(copy, databaseName)), (database) => {
      const [sound] = database.prepare('PRAGMA integrity_check').raw(true).get() as [string];
      return look({ ...contentOf(database), sound });
    });
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** While the gateway runs. */
export function readLiveStore<T>(data: string, look: (content: StoreContent) => T): T {
  return withDatabase(new Libsql(join(data, databaseName), { readonly: true }), (database) =>
    look(contentOf(database)),
  );
}

function withDatabase<T>(database: Libsql.Database, use: (database: Libsql.Database) => T): T {
  try {
    return use(database);
  } finally {
    database.close();
  }
}

function contentOf(database: Libsql.Database): StoreContent {
  const rows = (sql: string, ...values: unknown[]): unknown[][] =>
    database
      .prepare(sql)
      .raw(true)
      .all(...values) as unknown[][];
  const operations = rows(`SELECT "key", "version", "data" FROM "operations" ORDER BY "key"`)
    .map(([key, version, data]): Operation => ({ ...JSON.parse(String(data)), sequence: key, version }))
    .filter(({ requester }) => requester.requestIdentifier !== '');
  const requests = rows(`SELECT "path", "data" FROM "resources" WHERE "type" = ${requestType}`).map(
    ([path, data]): StoredRequest => {
      const { attributes } = JSON.parse(String(data)) as StoredResource;
      const result = attributes['operationResult'] as { responseStatusCode: number; primitiveContent?: unknown };
      return {
        path: String(path),
        requestID: String(attributes['requestID']),
        status: Number(attributes['requestStatus']),
        responseStatusCode: result.responseStatusCode,
        why: JSON.stringify(result.primitiveContent ?? ''),
      };
    },
  );
  const resources = (condition: string, value: string): StoredResource[] =>
    rows(`SELECT "path", "type", "data" FROM "resources" WHERE ${condition}`, value).map(([path, type, data]) => {
      const { attributes } = JSON.parse(String(data)) as StoredResource;
      return { path: String(path), type: Number(type), attributes };
    });
  return {
    operations,
    requests,
    resource: (path) => resources(`"path" = ?`, path)[0],
    hasRegistration: (location) =>
      rows(`SELECT 1 FROM "devices" WHERE instr("data", ?) > 0`, JSON.stringify(location.split('/').at(-1))).length > 0,
    childrenOf: (path) => resources(`"parent" = (SELECT "key" FROM "resources" WHERE "path" = ?)`, path),
  };
}
