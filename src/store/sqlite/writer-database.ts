/** The connection that writes, and its settings. */
import { existsSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { StoreFailure } from '../failure.ts';
import { openDatabase } from './database.ts';
import type { Database } from './database.ts';
import { migrateSqlite } from './schema.ts';

/** `full`: a commit survives a loss of power. `normal`: it survives the end of the process, not that of the machine. */
export type Durability = 'full' | 'normal';

/** Pages of the write-ahead log after which it is folded into the database (16 MiB). */
const CHECKPOINT_PAGES = 4096;

/** Opens the database for writing, makes or migrates its tables. @throws StoreFailure */
export function openWriterDatabase(file: string, durability: Durability): Database {
  const database = openDatabase(file);
  try {
    // A PRAGMA that answers a row is read, not executed.
    database.prepare('PRAGMA journal_mode = WAL').get();
    database.execute(`PRAGMA synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`);
    database.prepare(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`).get();
    database.prepare(`PRAGMA journal_size_limit = ${64 * 1024 * 1024}`).get();
    database.execute('PRAGMA temp_store = MEMORY');
    migrateSqlite(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * Writes a consistent copy; a file that stands there is replaced only when the copy is complete.
 * @throws StoreFailure, also for a copy onto the database itself
 */
export function copyDatabase(database: Database, file: string): void {
  const own = database.prepare('SELECT file FROM pragma_database_list WHERE name = ?').get('main')?.[0];
  if (typeof own === 'string' && own !== '' && existsSync(file) && realpathSync(file) === realpathSync(own)) {
    throw new StoreFailure('unsupported', `${file} is the database itself: give the backup another name`);
  }
  const partial = `${file}.partial`;
  try {
    rmSync(partial, { force: true });
    database.prepare('VACUUM INTO ?').run(partial);
    renameSync(partial, file);
  } catch (error) {
    throw failedCopy(file, error);
  } finally {
    rmSync(partial, { force: true });
  }
}

/** What SQLite says of a copy speaks of the database itself, and would lead people astray. */
function failedCopy(file: string, error: unknown): StoreFailure {
  const engine = error instanceof StoreFailure && error.cause instanceof Error ? error.cause : error;
  const said = engine instanceof Error ? engine.message : String(engine);
  return new StoreFailure(
    error instanceof StoreFailure ? error.code : 'engine',
    `the backup ${file} cannot be written (${said}): check that its directory exists, can be written, and has room`,
    error,
  );
}

/** Folds the write-ahead log away, so that the file alone is the whole database. */
export function closeWriterDatabase(database: Database): void {
  database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get();
  database.close();
}
