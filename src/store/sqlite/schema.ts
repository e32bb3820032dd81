/** Brings an SQLite database to the schema of this gateway, in one transaction. */
import { planAdditions, planSteps, schemaVersion, sqliteSchema } from '../migrations.ts';
import type { ExistingSchema, MigrationStep } from '../migrations.ts';
import { tables } from '../tables.ts';
import type { Table } from '../tables.ts';
import type { Database } from './database.ts';

/** @throws StoreFailure `newer-schema`, before anything is changed. */
export function migrateSqlite(
  database: Database,
  definitions: Record<string, Table> = tables,
  steps?: readonly MigrationStep[],
): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.[0] ?? 0);
  const conversions = planSteps(sqliteSchema, version, steps);
  database.execute('BEGIN IMMEDIATE');
  try {
    for (const statement of conversions) database.execute(statement);
    for (const statement of planAdditions(sqliteSchema, readSchema(database), definitions)) database.execute(statement);
    database.execute(`PRAGMA user_version = ${steps?.at(-1)?.version ?? schemaVersion}`);
    database.execute('COMMIT');
  } catch (error) {
    if (database.inTransaction) database.execute('ROLLBACK');
    throw error;
  }
}

function readSchema(database: Database): ExistingSchema {
  const existing: ExistingSchema = { tables: new Map(), indexes: new Set() };
  const columnsOf = database.prepare('SELECT name FROM pragma_table_info(?)');
  for (const [type, name] of database.prepare('SELECT type, name FROM sqlite_schema').all()) {
    if (type === 'index') existing.indexes.add(String(name));
    if (type !== 'table') continue;
    const columns = columnsOf.all(String(name));
    existing.tables.set(String(name), new Set(columns.map(([column]) => String(column))));
  }
  return existing;
}
