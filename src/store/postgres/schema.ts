/** Brings a PostgreSQL schema to that of this gateway, in one transaction, one gateway at a time. */
import { planAdditions, planSteps, postgresSchema, schemaVersion } from '../migrations.ts';
import type { ExistingSchema, MigrationStep } from '../migrations.ts';
import { tables } from '../tables.ts';
import type { Table } from '../tables.ts';
import type { Connection } from './connection.ts';
import { writeFunction } from './write-function.ts';

/** @throws StoreFailure `newer-schema`, before anything is changed. */
export async function migratePostgres(
  connection: Connection,
  schema: string,
  definitions: Record<string, Table> = tables,
  steps?: readonly MigrationStep[],
): Promise<void> {
  await connection.transaction(async (query) => {
    await query('SELECT pg_advisory_xact_lock(hashtext($1))', [`trivet ${schema}`]);
    const [known] = await query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema]);
    if (!known) await query(`CREATE SCHEMA ${schema}`);
    await query('CREATE TABLE IF NOT EXISTS schema_version ("version" bigint NOT NULL)');
    const [row] = await query('SELECT "version" FROM schema_version');
    for (const statement of planSteps(postgresSchema, Number(row?.[0] ?? 0), steps)) await query(statement);
    for (const statement of planAdditions(postgresSchema, await readSchema(query), definitions)) await query(statement);
    const target = steps?.at(-1)?.version ?? schemaVersion;
    if (!row) await query('INSERT INTO schema_version VALUES ($1)', [target]);
    else if (Number(row[0]) !== target) await query('UPDATE schema_version SET "version" = $1', [target]);
    const { name, definition } = writeFunction();
    const [present] = await query(
      'SELECT 1 FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1 AND p.proname = $2',
      [schema, name],
    );
    if (!present) await query(definition);
  });
}

async function readSchema(query: Connection['query']): Promise<ExistingSchema> {
  const existing: ExistingSchema = { tables: new Map(), indexes: new Set() };
  const columns = await query(
    'SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = current_schema()',
  );
  for (const [table, column] of columns) {
    const names = existing.tables.get(String(table)) ?? new Set();
    existing.tables.set(String(table), names.add(String(column)));
  }
  for (const [index] of await query('SELECT indexname::text FROM pg_indexes WHERE schemaname = current_schema()')) {
    existing.indexes.add(String(index));
  }
  return existing;
}
