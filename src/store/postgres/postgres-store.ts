/** The store of a gateway of several processes: PostgreSQL, the database's clock, groups of commits in one call. */
import type { Log } from '../../support/log.ts';
import { createCommitQueue } from '../commit-queue.ts';
import { StoreFailure } from '../failure.ts';
import { countQuery, findQuery, postgresDialect, quote, selectedColumns } from '../query.ts';
import { toRow } from '../rows.ts';
import { factsOf, keyValue, sequenceNumber } from '../schema.ts';
import { createStatistics } from '../statistics.ts';
import type { Query, Row, Store } from '../store.ts';
import type { Answer, Unit } from '../unit.ts';
import { REPEATABLE, codeOf, createConnection } from './connection.ts';
import type { Connection } from './connection.ts';
import { migratePostgres } from './schema.ts';
import { writeFunction } from './write-function.ts';

export interface PostgresStoreOptions {
  /** `postgres://user:password@host:port/database` */
  url: string;
  log: Log;
  /** Schema that holds the tables; made when it is missing. Default `public`. */
  schema?: string;
}

/** One group at a time keeps the order of appends; a group stays below PostgreSQL's 64 cached subtransactions. */
const LIMITS = { waiting: 100_000, inFlight: 1, batch: 60 };
const ATTEMPTS = 5;

/** Opens, makes or migrates the tables. @throws StoreFailure `unreachable`, `newer-schema`, … */
export async function openPostgresStore({ url, log, schema = 'public' }: PostgresStoreOptions): Promise<Store> {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
    throw new StoreFailure('unsupported', `a schema name is lower-case letters, digits and "_", not "${schema}"`);
  }
  const connection = createConnection({ url, schema, log });
  try {
    await migratePostgres(connection, schema);
  } catch (error) {
    await connection.close();
    throw error;
  }
  log.info({ schema }, 'store opened');
  return createStore(connection);
}

function createStore(connection: Connection): Store {
  const statistics = createStatistics('postgres');
  const write = `SELECT ${writeFunction().name}($1)::text`;
  const queue = createCommitQueue((units) => writeUnits(connection, write, units), statistics, LIMITS);
  let closing: Promise<void> | undefined;

  const query: Connection['query'] = async (text, parameters) => {
    if (closing) throw new StoreFailure('closed', 'the store is closed: the gateway is stopping');
    return connection.query(text, parameters);
  };
  const close = async (): Promise<void> => {
    await queue.drain();
    await connection.close();
  };

  return {
    async get<Data>(table: string, key: string) {
      const facts = factsOf(table);
      const wanted = facts.numbered ? sequenceNumber(key) : keyValue(facts, key);
      if (wanted === undefined) return undefined;
      const text = `SELECT ${selectedColumns(facts)} FROM ${quote(facts.name)} WHERE "key" = $1`;
      const [values] = await query(text, [wanted]);
      return values ? toRow<Data>(facts, values) : undefined;
    },
    async getMany<Data>(table: string, keys: string[]) {
      const facts = factsOf(table);
      const wanted = keys.map((key) => (facts.numbered ? sequenceNumber(key) : keyValue(facts, key)));
      const type = facts.numbered ? 'bigint' : 'text';
      const text = `SELECT ${selectedColumns(facts)} FROM ${quote(facts.name)} WHERE "key" = ANY($1::${type}[])`;
      const rows = new Map<string, Row<Data>>();
      if (keys.length === 0) return rows;
      for (const values of await query(text, [wanted.filter((key) => key !== undefined)])) {
        const row = toRow<Data>(facts, values);
        rows.set(row.key, row);
      }
      return rows;
    },
    async find<Data>(wanted: Query) {
      const facts = factsOf(wanted.table);
      const { text, parameters } = findQuery(postgresDialect, facts, wanted);
      return (await query(text, parameters)).map((values) => toRow<Data>(facts, values));
    },
    async count({ table, where }) {
      const { text, parameters } = countQuery(postgresDialect, factsOf(table), where);
      return Number((await query(text, parameters))[0]?.[0] ?? 0);
    },
    commit: (commit) => queue.commit(commit),
    async now() {
      const [row] = await query('SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint');
      return Number(row?.[0]);
    },
    async backup() {
      throw new StoreFailure('unsupported', 'the store is a PostgreSQL server: copy it with pg_dump');
    },
    statistics: () => statistics.read(),
    close: () => (closing ??= close()),
  };
}

interface WrittenUnit {
  a?: number[];
  c?: [number, string];
  f?: string;
}

/** Writes a group; one that lost a deadlock against another process was undone as a whole and is repeated. */
async function writeUnits(connection: Connection, write: string, units: Unit[]): Promise<Answer[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const [row] = await connection.query(write, [JSON.stringify(units)]);
      const written: (WrittenUnit | null)[] = JSON.parse(String(row?.[0] ?? '[]'));
      return written.map(toAnswer);
    } catch (error) {
      if (attempt >= ATTEMPTS || !REPEATABLE.has(codeOf(error))) throw error;
    }
  }
}

function toAnswer(written: WrittenUnit | null): Answer {
  if (!written) return {};
  if (written.c) return { conflict: written.c };
  if (written.f !== undefined) return { failure: { code: 'engine', message: `PostgreSQL refused: ${written.f}` } };
  return { appended: written.a };
}
