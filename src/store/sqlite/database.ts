/** The only file that imports the SQLite driver. Statements give rows as lists of values; errors come out explained. */
import Libsql from 'libsql';
import { StoreFailure } from '../failure.ts';

export type SqlValue = string | number | null;

export interface Statement {
  run(...parameters: SqlValue[]): { changes: number; lastRow: number };
  get(...parameters: SqlValue[]): SqlValue[] | undefined;
  all(...parameters: SqlValue[]): SqlValue[][];
}

export interface Database {
  prepare(text: string): Statement;
  execute(text: string): void;
  readonly inTransaction: boolean;
  close(): void;
}

/** A unique index or a primary key refused a row. */
export class UniqueViolation extends Error {}

/** How long a connection waits for another one that writes, ms. Ours is the only writer, so this is for foreign tools. */
const BUSY_TIMEOUT = 2000;

/** Opens a database file, or `:memory:`. @throws StoreFailure */
export function openDatabase(file: string, busyTimeout = BUSY_TIMEOUT): Database {
  const connection = attempt(file, () => new Libsql(file, { timeout: busyTimeout }));
  return {
    get inTransaction() {
      return connection.inTransaction;
    },
    execute(text) {
      attempt(file, () => connection.exec(text));
    },
    prepare(text) {
      const statement = attempt(file, () => connection.prepare<SqlValue[]>(text));
      // The driver refuses `raw` on statements that answer no rows.
      if (statement.reader) statement.raw(true);
      return {
        run(...parameters) {
          const { changes, lastInsertRowid } = attempt(file, () => statement.run(...parameters));
          return { changes, lastRow: Number(lastInsertRowid) };
        },
        get: (...parameters) => row(attempt(file, () => statement.get(...parameters))),
        all: (...parameters) => attempt(file, () => statement.all(...parameters)).map((one) => row(one) ?? []),
      };
    },
    close() {
      attempt(file, () => connection.close());
    },
  };
}

function isValue(value: unknown): value is SqlValue {
  return value === null || typeof value === 'string' || typeof value === 'number';
}

function row(value: unknown): SqlValue[] | undefined {
  if (!Array.isArray(value)) return undefined;
  for (const one of value) if (!isValue(one)) throw new TypeError(`a column holds a ${typeof one}`);
  return value;
}

function attempt<Result>(file: string, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    throw explain(file, error);
  }
}

/** SQLite's primary result codes, https://www.sqlite.org/rescode.html */
const Code = { BUSY: 5, READONLY: 8, IOERR: 10, CORRUPT: 11, FULL: 13, CANTOPEN: 14, CONSTRAINT: 19, NOTADB: 26 };
const UNIQUE = new Set([1555, 2067, 2579]);

/** libsql tells why a file cannot be opened only in words: `ConnectionFailed("Unable to open … /data/trivet.db: 14")`. */
function codeAtEnd(message: string): number {
  return Number(/^ConnectionFailed\(.*: (\d+)\W*$/s.exec(message)?.[1] ?? 0);
}

function explain(file: string, error: unknown): Error {
  if (!(error instanceof Error)) return new StoreFailure('engine', `the database ${file} failed: ${String(error)}`);
  const raw = 'rawCode' in error && typeof error.rawCode === 'number' ? error.rawCode : codeAtEnd(error.message);
  if (UNIQUE.has(raw)) return new UniqueViolation(error.message);
  const said = `${error.message}${raw ? ` (SQLite ${raw})` : ''}`;
  switch (raw & 0xff) {
    case Code.FULL:
      return new StoreFailure(
        'full',
        `no space left for ${file}: free some disk space, then repeat the request`,
        error,
      );
    case Code.READONLY:
      return new StoreFailure('read-only', `${file} cannot be written: check owner and mount of --data`, error);
    case Code.BUSY:
      return new StoreFailure('locked', `${file} is locked by another program: end it, then repeat the request`, error);
    case Code.CANTOPEN:
      return new StoreFailure('unreachable', `${file} cannot be opened: check that --data can be written`, error);
    case Code.CORRUPT:
    case Code.NOTADB:
      return new StoreFailure('engine', `${file} is damaged (${said}): restore a backup`, error);
    case Code.IOERR:
      return new StoreFailure('engine', `the disk under ${file} failed (${said}): check it and its free space`, error);
    default:
      return new StoreFailure('engine', `the database ${file} failed: ${said}`, error);
  }
}
