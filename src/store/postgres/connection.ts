/** The only file that imports the PostgreSQL driver: a pool, rows as lists, failures as sentences. */
import pg from 'pg';
import type { Log } from '../../support/log.ts';
import { StoreFailure } from '../failure.ts';
import type { Parameter } from '../query.ts';
import type { ColumnValue } from '../store.ts';

export interface Connection {
  /** Prepared under a name of its own on the connection that runs it. */
  query(text: string, parameters?: Parameter[]): Promise<ColumnValue[][]>;
  /** Runs statements on one connection within one transaction. */
  transaction<Result>(run: (query: Connection['query']) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

export interface ConnectionOptions {
  url: string;
  /** Schema in which all names are found. */
  schema: string;
  log: Log;
}

const CONNECTIONS = 8;
const CONNECT_TIMEOUT = 5_000;
const STATEMENT_TIMEOUT = 30_000;
/** Named statements per process; further texts run unnamed. */
const STATEMENTS = 500;
/** Object identifier of int8 in PostgreSQL's catalogue. */
const INT8 = 20;

export function createConnection({ url, schema, log }: ConnectionOptions): Connection {
  const pool = new pg.Pool({
    connectionString: url,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    statement_timeout: STATEMENT_TIMEOUT,
    // The server may be gone without a word; the statement's own limit comes first when it is there.
    query_timeout: STATEMENT_TIMEOUT + 5_000,
    application_name: 'trivet',
    options: `-c search_path=${schema} -c client_min_messages=warning`,
    // Keys and times are safe integers; the driver would give them as text.
    types: { getTypeParser: (oid, format) => (oid === INT8 ? Number : pg.types.getTypeParser(oid, format)) },
  });
  const where = describeServer(url);
  pool.on('error', (error) => log.warn({ err: error, database: where }, 'an idle database connection was lost'));

  const names = new Map<string, string>();
  const nameOf = (text: string): string | undefined => {
    let name = names.get(text);
    if (!name && names.size < STATEMENTS) {
      name = `trivet_${names.size + 1}`;
      names.set(text, name);
    }
    return name;
  };
  const runOn = async (
    client: pg.Pool | pg.PoolClient,
    text: string,
    parameters: Parameter[],
    named: boolean,
  ): Promise<ColumnValue[][]> => {
    try {
      const name = named ? nameOf(text) : undefined;
      const { rows } = await client.query<ColumnValue[]>({ name, text, values: parameters, rowMode: 'array' });
      return rows;
    } catch (error) {
      throw explain(where, error);
    }
  };

  return {
    query: (text, parameters = []) => runOn(pool, text, parameters, true),
    async transaction(run) {
      const client = await pool.connect().catch((error: unknown) => {
        throw explain(where, error);
      });
      let broken: Error | undefined;
      try {
        const query: Connection['query'] = (text, parameters = []) => runOn(client, text, parameters, false);
        await query('BEGIN');
        const result = await run(query);
        await query('COMMIT');
        return result;
      } catch (error) {
        await client.query('ROLLBACK').catch((failure: Error) => {
          broken = failure;
        });
        throw error;
      } finally {
        client.release(broken);
      }
    },
    close: () => pool.end(),
  };
}

/** Host, port and database of an URL, without its password. */
function describeServer(url: string): string {
  try {
    const { hostname, port, pathname } = new URL(url);
    return `${hostname}:${port || 5432}${pathname}`;
  } catch {
    return 'the database';
  }
}

/** SQLSTATE of a failure that the server undid and that a repetition may pass: deadlock, serialization, lock timeout. */
export const REPEATABLE = new Set(['40P01', '40001', '55P03']);

/** The server's SQLSTATE, or the system's error code. */
export function codeOf(error: unknown): string {
  const source = error instanceof StoreFailure && error.cause !== undefined ? error.cause : error;
  return source instanceof Error && 'code' in source && typeof source.code === 'string' ? source.code : '';
}

function explain(where: string, error: unknown): StoreFailure {
  if (error instanceof StoreFailure) return error;
  const message = error instanceof Error ? error.message || error.name : String(error);
  const code = codeOf(error);
  // Class 53: insufficient resources; 25006: read only; 08 and 57P: the connection; 28, 3D, 42501: access.
  if (code.startsWith('53')) {
    return new StoreFailure(
      'full',
      `PostgreSQL at ${where} has no room (${message}): give it space or connections`,
      error,
    );
  }
  if (code === '25006') {
    return new StoreFailure('read-only', `PostgreSQL at ${where} is read-only: use the primary server`, error);
  }
  if (code.startsWith('28') || code.startsWith('3D') || code === '42501' || code === '3F000') {
    return new StoreFailure(
      'unreachable',
      `PostgreSQL at ${where} refuses access (${message}): correct --database-url`,
      error,
    );
  }
  if (/^(08|57P)/.test(code) || /^E[A-Z]+$/.test(code) || /terminated|timeout|timed out/i.test(message)) {
    return new StoreFailure(
      'unreachable',
      `PostgreSQL at ${where} does not answer (${message}); a change under way may or may not be written: ` +
        'start the server or correct --database-url',
      error,
    );
  }
  return new StoreFailure('engine', `PostgreSQL at ${where} failed: ${message}${code ? ` (${code})` : ''}`, error);
}
