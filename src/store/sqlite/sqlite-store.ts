/**
 * The embedded store: SQLite with one connection that writes (in a worker thread, so that no disk wait is on the event
 * loop) and one that reads here. The write-ahead log lets a read see every commit that was answered before it.
 */
import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Log } from '../../support/log.ts';
import { createCommitQueue } from '../commit-queue.ts';
import { countQuery, findQuery, quote, selectedColumns, sqliteDialect } from '../query.ts';
import type { Parameter } from '../query.ts';
import { toRow } from '../rows.ts';
import { factsOf, keyValue, sequenceNumber } from '../schema.ts';
import type { TableFacts } from '../schema.ts';
import { createStatistics } from '../statistics.ts';
import type { Row, Store } from '../store.ts';
import { StoreFailure } from '../failure.ts';
import { openDatabase } from './database.ts';
import type { Database, SqlValue, Statement } from './database.ts';
import { lockFile } from './lock.ts';
import { openWriterDatabase } from './writer-database.ts';
import type { Durability } from './writer-database.ts';
import { createInlineWriterPort, startWriterThread } from './writer-port.ts';
import type { WriterPort } from './writer-port.ts';

export interface SqliteStoreOptions {
  /** Path of the database, or `:memory:` (gone with the store; written on this thread). */
  file: string;
  log: Log;
  /** Default `full`. */
  durability?: Durability;
}

const LIMITS = { waiting: 100_000, inFlight: 4, batch: 1024 };
/** ms. A foreign tool may hold the database for itself; a read on the event loop does not wait for it. */
const READER_TIMEOUT = 10;
/** Prepared statements kept; shapes of queries are few, this bounds the surprise. */
const STATEMENTS = 500;

/** Opens, makes or migrates the database. @throws StoreFailure `locked`, `newer-schema`, `unreachable`, … */
export async function openSqliteStore({ file, log, durability = 'full' }: SqliteStoreOptions): Promise<Store> {
  if (file === ':memory:') {
    const database = openWriterDatabase(file, 'normal');
    return createStore(database, createInlineWriterPort(database), () => {});
  }
  const path = resolve(file);
  makeDirectory(dirname(path));
  const unlock = lockFile(path);
  try {
    const writer = await startWriterThread({ file: path, durability });
    const reader = openDatabase(path, READER_TIMEOUT);
    reader.execute('PRAGMA query_only = 1');
    log.info({ file: path, durability }, 'store opened');
    return createStore(reader, writer, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw new StoreFailure('unreachable', `${directory} cannot be made: give another directory with --data`, error);
  }
}

function createStore(reader: Database, writer: WriterPort, unlock: () => void): Store {
  const statistics = createStatistics('sqlite');
  const queue = createCommitQueue((units) => writer.write(units), statistics, LIMITS);
  const statements = new Map<string, Statement>();
  const gets = new Map<string, Statement>();
  let closing: Promise<void> | undefined;

  const prepare = (text: string): Statement => {
    if (closing) throw new StoreFailure('closed', 'the store is closed: the gateway is stopping');
    let statement = statements.get(text);
    if (!statement) {
      if (statements.size >= STATEMENTS) statements.clear();
      statement = reader.prepare(text);
      statements.set(text, statement);
    }
    return statement;
  };
  const selectByKey = (facts: TableFacts): Statement => {
    let statement = closing ? undefined : gets.get(facts.name);
    if (!statement) {
      statement = prepare(`SELECT ${selectedColumns(facts)} FROM ${quote(facts.name)} WHERE "key" = ?`);
      gets.set(facts.name, statement);
    }
    return statement;
  };
  const close = async (): Promise<void> => {
    await queue.drain();
    // The last connection to close folds the write-ahead log away: that is the writer, on its own thread.
    try {
      if (reader.inTransaction) reader.execute('ROLLBACK');
      await writer.close();
    } finally {
      reader.close();
      unlock();
    }
  };

  return {
    async get<Data>(table: string, key: string) {
      const facts = factsOf(table);
      const wanted = facts.numbered ? sequenceNumber(key) : keyValue(facts, key);
      if (wanted === undefined) return undefined;
      const values = selectByKey(facts).get(wanted);
      return values ? toRow<Data>(facts, values) : undefined;
    },
    async getMany<Data>(table: string, keys: string[]) {
      const facts = factsOf(table);
      const rows = new Map<string, Row<Data>>();
      for (const key of keys) {
        const wanted = facts.numbered ? sequenceNumber(key) : keyValue(facts, key);
        const values = wanted === undefined ? undefined : selectByKey(facts).get(wanted);
        if (values) rows.set(key, toRow<Data>(facts, values));
      }
      return rows;
    },
    async find<Data>(query: Parameters<Store['find']>[0]) {
      const facts = factsOf(query.table);
      const { text, parameters } = findQuery(sqliteDialect, facts, query);
      return prepare(text)
        .all(...parameters.map(scalar))
        .map((values) => toRow<Data>(facts, values));
    },
    async count({ table, where }) {
      const { text, parameters } = countQuery(sqliteDialect, factsOf(table), where);
      return Number(prepare(text).get(...parameters.map(scalar))?.[0] ?? 0);
    },
    commit: (commit) => queue.commit(commit),
    now: async () => Date.now(),
    async backup(file) {
      if (closing) throw new StoreFailure('closed', 'the store is closed: the gateway is stopping');
      await writer.backup(resolve(file));
    },
    statistics: () => statistics.read(),
    close: () => (closing ??= close()),
  };
}

function scalar(parameter: Parameter): SqlValue {
  if (Array.isArray(parameter)) throw new TypeError('a list is not a parameter of SQLite');
  return parameter;
}
