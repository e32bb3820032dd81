import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { StoreFailure } from '../../src/store/failure.ts';
import { openStore } from '../../src/store/open.ts';
import { openPostgresStore } from '../../src/store/postgres/postgres-store.ts';
import { Conflict } from '../../src/store/store.ts';
import type { Store } from '../../src/store/store.ts';
import { silentLog } from '../../src/support/log.ts';
import { findTestDatabase } from '../support/postgres.ts';
import type { TestDatabase } from '../support/postgres.ts';

describe('the store on PostgreSQL', function () {
  this.timeout(20_000);
  let database: TestDatabase;
  const opened: Store[] = [];

  before(async function () {
    const found = await findTestDatabase('the store on PostgreSQL');
    if (!found) return this.skip();
    database = found;
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    await database.drop();
  });

  const open = async (): Promise<Store> => {
    const store = await openPostgresStore({ url: database.url, schema: database.schema, log: silentLog });
    opened.push(store);
    return store;
  };

  it('may be opened by several gateways at the same moment, on an empty database', async () => {
    const stores = await Promise.all([open(), open(), open()]);
    await stores[0]?.commit({ put: [{ table: 'settings', key: 'a', data: 1 }] });
    for (const store of stores) assert.equal((await store.get('settings', 'a'))?.data, 1);
  });

  it('loses no update of a counter that two gateways change', async () => {
    const stores = await Promise.all([open(), open()]);
    await stores[0]?.commit({ put: [{ table: 'settings', key: 'counter', data: 0 }] });
    const increment = async (store: Store): Promise<void> => {
      for (;;) {
        const row = await store.get<number>('settings', 'counter');
        assert.ok(row);
        try {
          await store.commit({
            expect: [{ table: 'settings', key: 'counter', version: row.version }],
            put: [{ table: 'settings', key: 'counter', data: row.data + 1 }],
          });
          return;
        } catch (error) {
          if (!(error instanceof Conflict)) throw error;
        }
      }
    };
    const worker = async (store: Store): Promise<void> => {
      for (let time = 0; time < 50; time += 1) await increment(store);
    };
    await Promise.all(stores.flatMap((store) => [worker(store), worker(store)]));
    assert.equal((await stores[1]?.get('settings', 'counter'))?.data, 200);
  });

  it('lets one of two gateways make a row that both expect not to be there', async () => {
    const stores = await Promise.all([open(), open()]);
    for (let round = 0; round < 20; round += 1) {
      const key = `row ${round}`;
      const results = await Promise.allSettled(
        stores.map((store) =>
          store.commit({
            expect: [{ table: 'settings', key, version: 0 }],
            put: [{ table: 'settings', key, data: 1 }],
          }),
        ),
      );
      assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
      for (const result of results) if (result.status === 'rejected') assert.ok(result.reason instanceof Conflict);
    }
  });

  it('repeats a group that lost a deadlock against another session', async () => {
    const store = await open();
    const put = (keys: string[], data: string) =>
      store.commit({ put: keys.map((key) => ({ table: 'settings', key, data })) });
    await put(['first', 'second'], 'before');
    const other = await database.connect();
    try {
      await other.run(`BEGIN; UPDATE settings SET data = '"other"' WHERE key = 'second'`);
      const commit = put(['first', 'second'], 'ours');
      const waits = `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = '${database.schema}'`;
      while ((await other.run(waits)).length === 0) await delay(5);
      // The server looks for a deadlock when a session has waited for a second: ours waits longest, ours is undone.
      await other.run(`UPDATE settings SET data = '"other"' WHERE key = 'first'`);
      await other.run('COMMIT');
      await commit;
    } finally {
      await other.end();
    }
    for (const key of ['first', 'second']) {
      const row = await store.get('settings', key);
      assert.deepEqual([row?.data, row?.version], ['ours', 2]);
    }
  });

  it('lets a commit that the server refuses fall alone', async () => {
    const store = await open();
    // An index entry of PostgreSQL holds some 2,700 octets.
    const tooLong = Array.from({ length: 40_000 }, (_, at) => at.toString(36)).join('');
    const results = await Promise.allSettled([
      store.commit({ put: [{ table: 'settings', key: 'a', data: 1 }] }),
      store.commit({ put: [{ table: 'resources', key: 'long', columns: { path: tooLong }, data: 1 }] }),
      store.commit({ put: [{ table: 'settings', key: 'b', data: 1 }] }),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    const [, refused] = results;
    assert.ok(refused?.status === 'rejected' && refused.reason instanceof StoreFailure);
    assert.match(refused.reason.message, /index row size|index row requires/);
    assert.equal(await store.count({ table: 'settings' }), 2);
  });

  it('goes on after the server has cut its connections, and says what is unknown', async () => {
    const store = await open();
    await store.commit({ put: [{ table: 'settings', key: 'a', data: 1 }] });
    await database.run(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${database.schema}'`,
    );
    for (let attempt = 0; ; attempt += 1) {
      try {
        await store.commit({ put: [{ table: 'settings', key: 'b', data: 1 }] });
        break;
      } catch (error) {
        assert.ok(error instanceof StoreFailure && error.code === 'unreachable', String(error));
        assert.match(error.message, /may or may not be written/);
        assert.ok(attempt < 10, 'the store did not recover');
      }
    }
    assert.equal((await store.get('settings', 'b'))?.data, 1);
  });

  it('refuses a schema that a newer gateway wrote', async () => {
    await open();
    await database.run(`UPDATE ${database.schema}.schema_version SET version = 999`);
    await assert.rejects(open(), { name: 'StoreFailure', code: 'newer-schema' });
  });

  it('adds a column that an older gateway did not have, and keeps the rows', async () => {
    const store = await open();
    await store.commit({ put: [{ table: 'jobs', key: 'a', columns: { queue: 'q', due: 5 }, data: { a: 1 } }] });
    await database.run(`ALTER TABLE ${database.schema}.jobs DROP COLUMN due`);
    const again = await open();
    assert.deepEqual(await again.get('jobs', 'a'), {
      key: 'a',
      version: 1,
      columns: { queue: 'q', due: null },
      data: { a: 1 },
    });
  });

  it('takes its time from the database', async () => {
    const store = await open();
    assert.ok(Number.isSafeInteger(await store.now()));
  });

  it('refuses a backup and names the tool that makes one', async () => {
    const store = await open();
    await assert.rejects(store.backup('/tmp/copy'), /pg_dump/);
  });
});

describe('a PostgreSQL server that is not there', () => {
  it('is named with the setting to correct, and without its password', async () => {
    const databaseUrl = 'postgres://user:very-secret@127.0.0.1:1/trivet';
    await assert.rejects(openStore({ dataDirectory: 'unused', databaseUrl, log: silentLog }), (error: StoreFailure) => {
      assert.equal(error.name, 'StoreFailure');
      assert.equal(error.code, 'unreachable');
      assert.match(error.message, /127\.0\.0\.1:1\/trivet.*--database-url/);
      assert.ok(!error.message.includes('very-secret'));
      return true;
    });
  });
});
