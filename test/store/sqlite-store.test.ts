import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { StoreFailure } from '../../src/store/failure.ts';
import { migrationSteps } from '../../src/store/migrations.ts';
import { openDatabase } from '../../src/store/sqlite/database.ts';
import type { Database } from '../../src/store/sqlite/database.ts';
import { migrateSqlite } from '../../src/store/sqlite/schema.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { openWriterDatabase } from '../../src/store/sqlite/writer-database.ts';
import { startWriterThread } from '../../src/store/sqlite/writer-port.ts';
import { createWriter } from '../../src/store/sqlite/writer.ts';
import { tableList } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';
import { tables } from '../../src/store/tables.ts';
import { compileCommit } from '../../src/store/unit.ts';
import { silentLog } from '../../src/support/log.ts';
import { makeTemporaryDirectory, openTemporaryStore } from '../support/store.ts';

describe('the store on SQLite', () => {
  let directory: Awaited<ReturnType<typeof makeTemporaryDirectory>>;
  let file: string;
  const opened: Store[] = [];

  beforeEach(async () => {
    directory = await makeTemporaryDirectory();
    file = join(directory.path, 'data', 'trivet.db');
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    await directory.remove();
  });

  const open = async (place = file): Promise<Store> => {
    const store = await openSqliteStore({ file: place, log: silentLog });
    opened.push(store);
    return store;
  };
  const close = async (store: Store): Promise<void> => {
    opened.splice(opened.indexOf(store), 1);
    await store.close();
  };

  it('opens in memory in well under 100 ms', async () => {
    await (await openTemporaryStore()).close();
    const start = performance.now();
    const store = await openTemporaryStore();
    const took = performance.now() - start;
    await store.close();
    assert.ok(took < 100, `${took} ms`);
  });

  it('makes the directory and leaves one file behind when it is closed', async () => {
    const store = await open();
    await store.commit({ put: [{ table: 'settings', key: 'a', data: 1 }] });
    await close(store);
    const files = await readdir(join(directory.path, 'data'));
    assert.deepEqual(files.sort(), ['trivet.db', 'trivet.db.lock']);
  });

  describe('against a second process', () => {
    it('refuses the database that is in use, naming its process and --data', async () => {
      await open();
      await assert.rejects(open(), (error) => {
        assert.ok(error instanceof StoreFailure);
        assert.equal(error.code, 'locked');
        assert.match(error.message, new RegExp(`process ${process.pid}\\b.*--data`));
        return true;
      });
    });

    it('refuses it while a process of another number has it, and takes it over once that one was killed', async () => {
      const script = fileURLToPath(new URL('../support/numbered-writer.ts', import.meta.url));
      const child = spawn(process.execPath, ['--import', 'tsx', script, 'sqlite', file], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = once(child, 'exit');
      await once(child.stdout, 'data');
      child.stdout.resume();
      await assert.rejects(open(), new RegExp(`in use by process ${child.pid}`));
      child.kill('SIGKILL');
      await exited;
      assert.equal(await readFile(`${file}.pid`, 'utf8'), `${child.pid}\n`);
      const store = await open();
      assert.ok((await store.count({ table: 'audit' })) > 0);
      assert.equal(await readFile(`${file}.pid`, 'utf8'), `${process.pid}\n`);
    });

    it('can be opened again after it was closed', async () => {
      await close(await open());
      await open();
    });

    it('gives the lock back when opening fails', async () => {
      await close(await open());
      const database = openDatabase(file);
      database.execute('PRAGMA user_version = 999');
      database.close();
      await assert.rejects(open(), isFailure('newer-schema'));
      await assert.rejects(open(), isFailure('newer-schema'));
    });
  });

  describe('when the disk does not do as it should', () => {
    it('says so when the place cannot be made', async () => {
      await writeFile(join(directory.path, 'data'), 'a file in the way');
      await assert.rejects(open(), (error) => {
        assert.ok(isFailure('unreachable')(error));
        assert.match(String(error), /--data/);
        return true;
      });
    });

    it('says so when the database is not one', async () => {
      const place = join(directory.path, 'junk.db');
      await writeFile(place, 'this is no database, but it is long enough to be taken for one'.repeat(100));
      await assert.rejects(open(place), /damaged.*restore a backup/);
    });

    it('refuses what no longer fits, and only that, and goes on when there is room', () => {
      const database = openWriterDatabase(':memory:', 'normal');
      const writer = createWriter(database);
      const put = (key: string, size: number) =>
        compileCommit({
          put: [{ table: 'settings', key, data: 'x'.repeat(size) }],
          append: [{ table: 'audit', data: key }],
        });
      assert.deepEqual(writer.write([put('small', 10)]), [{ appended: [1] }]);
      const pages = Number(database.prepare('PRAGMA page_count').get()?.[0]);
      database.prepare(`PRAGMA max_page_count = ${pages + 4}`).get();
      const [fits, huge, after] = writer.write([put('fits', 10), put('huge', 1_000_000), put('after', 10)]);
      assert.deepEqual([fits, after], [{ appended: [2] }, { appended: [3] }]);
      assert.equal(huge?.failure?.code, 'full');
      assert.match(huge?.failure?.message ?? '', /no space left .* free some disk space/);
      assert.deepEqual(keysOf(database), ['after', 'fits', 'small']);
      database.prepare(`PRAGMA max_page_count = ${pages + 10_000}`).get();
      assert.deepEqual(writer.write([put('huge', 1_000_000)]), [{ appended: [4] }]);
      assert.equal(keysOf(database).length, 4);
      database.close();
    });

    it('refuses a commit that the disk does not take, and goes on with the next', async function () {
      if (process.platform === 'win32') {
        console.log('SKIPPED: a disk that takes no more: Windows has no ulimit');
        return this.skip();
      }
      const script = fileURLToPath(new URL('../support/large-writer.ts', import.meta.url));
      // 2,000 blocks of 512 or 1,024 octets, as the shell counts.
      const child = spawn('sh', ['-c', 'ulimit -f 2000; exec "$0" --import tsx "$@"', process.execPath, script, file]);
      const results: string[] = String(await buffer(child.stdout))
        .trim()
        .split('\n');
      assert.equal(results.length, 3, results.join());
      assert.equal(results[0], 'small: written');
      assert.match(results[1] ?? '', /^large: (the disk under .* failed .*: check it|no space left)/);
      assert.equal(results[2], 'another: written');
      const store = await open();
      assert.deepEqual((await store.find({ table: 'settings' })).map(({ key }) => key).sort(), ['another', 'small']);
    });

    it('refuses writes to a file that became read-only, and goes on when it is writable again', () => {
      // Permissions do not bind root; the query-only connection stands for the read-only mount.
      const database = openWriterDatabase(':memory:', 'normal');
      const writer = createWriter(database);
      const unit = compileCommit({ put: [{ table: 'settings', key: 'a', data: 1 }] });
      assert.deepEqual(writer.write([unit]), [{}]);
      database.execute('PRAGMA query_only = 1');
      const [answer] = writer.write([unit]);
      assert.equal(answer?.failure?.code, 'read-only');
      assert.match(answer?.failure?.message ?? '', /cannot be written: check owner and mount of --data/);
      database.execute('PRAGMA query_only = 0');
      assert.deepEqual(writer.write([unit]), [{}]);
      database.close();
    });

    it('rejects what waits, and what comes after, when its thread dies', async () => {
      const place = join(directory.path, 'thread.db');
      const port = await startWriterThread({ file: place, durability: 'full' });
      const unit = compileCommit({ put: [{ table: 'settings', key: 'a', data: 1 }] });
      assert.deepEqual(await port.write([unit]), [{}]);
      const waiting = Promise.allSettled([port.write([unit]), port.backup(`${place}.copy`)]);
      await port.thread.terminate();
      const late = port.write([unit]);
      await assert.rejects(late, isFailure('writer-lost'));
      await assert.rejects(late, /ended unexpectedly.*restart the gateway/);
      for (const result of await waiting) {
        // What the thread had finished before it died was acknowledged; nothing hangs.
        if (result.status === 'rejected') assert.ok(isFailure('writer-lost')(result.reason));
      }
      await port.close();
    });
  });

  it('gives each of many batches that are written together its own answers', async () => {
    const port = await startWriterThread({ file: join(directory.path, 'thread.db'), durability: 'full' });
    const put = (key: string) =>
      compileCommit({ expect: [{ table: 'settings', key, version: 0 }], put: [{ table: 'settings', key, data: 1 }] });
    const append = compileCommit({ append: [{ table: 'audit', data: 1 }] });
    const settings = tableList.findIndex(({ name }) => name === 'settings');
    const batches = Array.from({ length: 100 }, (_, at) => port.write([put(`row ${at}`), append, put('row 0')]));
    for (const [at, answers] of (await Promise.all(batches)).entries()) {
      assert.deepEqual(answers, [{}, { appended: [at + 1] }, { conflict: [settings, 'row 0'] }]);
    }
    await port.close();
  });

  describe('backup', () => {
    it('is a store of its own with all that was committed before', async () => {
      const store = await open();
      await store.commit({
        put: [{ table: 'devices', key: 'd', columns: { identity: 'i', technology: 't' }, data: { a: 'é' } }],
        append: [{ table: 'audit', data: 1 }],
      });
      const copy = join(directory.path, 'copy.db');
      await writeFile(copy, 'an older copy');
      await store.backup(copy);
      await store.commit({ delete: [{ table: 'devices', key: 'd' }] });
      const restored = await open(copy);
      assert.deepEqual(await restored.get('devices', 'd'), {
        key: 'd',
        version: 1,
        columns: { identity: 'i', technology: 't', lane: null, node: null },
        data: { a: 'é' },
      });
      assert.equal(await restored.count({ table: 'audit' }), 1);
    });

    it('refuses to copy the database onto itself', async () => {
      const store = await open();
      await assert.rejects(store.backup(file), /is the database itself/);
      await store.commit({ put: [{ table: 'settings', key: 'a', data: 1 }] });
      assert.equal((await store.get('settings', 'a'))?.data, 1);
    });

    it('that cannot be written rejects and leaves the store at work', async () => {
      const store = await open();
      await assert.rejects(store.backup(join(directory.path, 'no', 'such', 'place.db')), StoreFailure);
      await assert.rejects(
        store.backup(join(directory.path, 'no', 'such', 'place.db')),
        /the backup .*place\.db cannot be written .*: check that its directory exists/,
      );
      await store.commit({ put: [{ table: 'settings', key: 'a', data: 1 }] });
      assert.equal((await store.get('settings', 'a'))?.data, 1);
    });
  });

  describe('migration', () => {
    const { resources, settings } = tables;

    it('adds the tables, columns and indexes that an older database lacks, and keeps its rows', async () => {
      const place = join(directory.path, 'old.db');
      const old = openDatabase(place);
      migrateSqlite(old, { settings, devices: { key: 'text', columns: { technology: 'text' }, indexes: [] } });
      old.execute(`INSERT INTO devices (key, version, technology, data) VALUES ('d', 4, 'lwm2m', '{"a":1}')`);
      old.close();
      const store = await open(place);
      assert.deepEqual(await store.get('devices', 'd'), {
        key: 'd',
        version: 4,
        columns: { technology: 'lwm2m', identity: null, lane: null, node: null },
        data: { a: 1 },
      });
      const admit = (key: string) =>
        store.commit({ put: [{ table: 'devices', key, columns: { technology: 't', identity: 'i' }, data: {} }] });
      await admit('e');
      await assert.rejects(admit('f'), { name: 'Conflict' });
      await store.commit({ append: [{ table: 'operations', columns: { id: 'o' }, data: {} }] });
    });

    it('runs the numbered steps that are missing, in order, before it compares', () => {
      const database = openDatabase(':memory:');
      const rename = (version: number, from: string, to: string) => ({
        version,
        what: `${from} is now called ${to}`,
        statements: { sqlite: [`ALTER TABLE resources RENAME COLUMN ${from} TO ${to}`], postgres: [] },
      });
      migrateSqlite(database, { resources: { ...resources, columns: { place: 'text' }, indexes: [] } }, [
        rename(1, 'x', 'y'),
      ]);
      database.execute(`INSERT INTO resources (key, version, place, data) VALUES ('r', 1, 'cse-in/a', '{}')`);
      migrateSqlite(database, { resources }, [
        rename(1, 'x', 'y'),
        rename(2, 'place', 'way'),
        rename(3, 'way', 'path'),
      ]);
      assert.deepEqual(database.prepare('SELECT key, path, parent FROM resources').all(), [['r', 'cse-in/a', null]]);
      assert.deepEqual(database.prepare('PRAGMA user_version').get(), [3]);
      database.close();
    });

    it('changes nothing when a step fails', () => {
      const database = openDatabase(':memory:');
      migrateSqlite(database, { settings });
      const broken = {
        version: 2,
        what: 'broken',
        statements: { sqlite: ['DROP TABLE settings', 'no sql'], postgres: [] },
      };
      assert.throws(() => migrateSqlite(database, tables, [broken]), StoreFailure);
      assert.equal(database.inTransaction, false);
      assert.deepEqual(database.prepare('PRAGMA user_version').get(), [1]);
      assert.deepEqual(keysOf(database), []);
      database.close();
    });

    it('refuses a database of a newer gateway and says what to do', async () => {
      await close(await open());
      const newer = (migrationSteps.at(-1)?.version ?? 1) + 1;
      const database = openDatabase(file);
      database.execute(`PRAGMA user_version = ${newer}`);
      database.close();
      await assert.rejects(open(), new RegExp(`schema version ${newer}, .*start the newer gateway`));
    });
  });

  it('leaves the event loop free while it writes, folds its log and makes a backup', async () => {
    const store = await open();
    const data = 'x'.repeat(20_000);
    const whileWriting = performance.eventLoopUtilization();
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(
        Array.from({ length: 50 }, (_, at) =>
          store.commit({ put: [{ table: 'settings', key: `${round}/${at}`, data }] }),
        ),
      );
    }
    const writing = performance.eventLoopUtilization(whileWriting).utilization;
    // 20 MB went through the 16 MB after which the log is folded away.
    assert.ok((await stat(file)).size > 8_000_000, 'the log was never folded: the test shows nothing');
    const whileCopying = performance.eventLoopUtilization();
    await store.backup(join(directory.path, 'copy.db'));
    const copying = performance.eventLoopUtilization(whileCopying).utilization;
    assert.ok(writing < 0.8, `busy for ${writing} of the time while it wrote`);
    assert.ok(copying < 0.5, `busy for ${copying} of the time while it copied`);
  });
});

function keysOf(database: Database): unknown[] {
  return database.prepare('SELECT key FROM settings ORDER BY key').all().flat();
}

function isFailure(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof StoreFailure, String(error));
    assert.equal(error.code, code);
    return true;
  };
}
