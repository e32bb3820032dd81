/** Finds a PostgreSQL server for tests; each suite works in a schema of its own that is dropped afterwards. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';

const LOCAL = [
  'postgres://postgres@127.0.0.1:5432/test',
  'postgres://postgres@127.0.0.1:5432/postgres',
  'postgres://root@127.0.0.1:5432/test',
  'postgres://root@127.0.0.1:5432/postgres',
];

export interface TestDatabase {
  url: string;
  schema: string;
  /** Runs one statement as an operator would. */
  run(text: string): Promise<void>;
  /** A foreign session, for locks that a test holds. */
  connect(): Promise<TestSession>;
  drop(): Promise<void>;
}

export interface TestSession {
  run(text: string): Promise<unknown[][]>;
  end(): Promise<void>;
}

/** A schema name on the server of `TRIVET_DATABASE_URL`, or of a local one; undefined, and a loud line, when none answers. */
export async function findTestDatabase(what: string): Promise<TestDatabase | undefined> {
  const candidates = process.env['TRIVET_DATABASE_URL'] ? [process.env['TRIVET_DATABASE_URL']] : LOCAL;
  for (const url of candidates) {
    try {
      await runStatement(url, 'SELECT 1');
    } catch {
      continue;
    }
    const schema = `trivet_test_${randomBytes(6).toString('hex')}`;
    return {
      url: named(url, schema),
      schema,
      run: (text) => runStatement(url, text),
      connect: () => connect(url, schema),
      drop: () => runStatement(url, `DROP SCHEMA IF EXISTS ${schema} CASCADE`),
    };
  }
  console.log(`SKIPPED: ${what}: no PostgreSQL answers; start one or set TRIVET_DATABASE_URL`);
  return undefined;
}

/** Its sessions carry the schema as `application_name`, so that a test finds its own among those of the server. */
function named(url: string, schema: string): string {
  const address = new URL(url);
  address.searchParams.set('application_name', schema);
  return address.href;
}

async function runStatement(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  try {
    await client.connect();
    await client.query(text);
  } finally {
    await client.end();
  }
}

async function connect(url: string, schema: string): Promise<TestSession> {
  const client = new pg.Client({ connectionString: url, options: `-c search_path=${schema}` });
  await client.connect();
  return {
    run: async (text) => (await client.query<unknown[]>({ text, rowMode: 'array' })).rows,
    end: () => client.end(),
  };
}
