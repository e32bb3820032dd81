import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Conflict } from '../../src/store/store.ts';
import { describeStores, isStoreFailure } from '../support/store-backends.ts';

describeStores('the endurance of a store', (subject) => {
  describe('many commits at once', () => {
    it('lets exactly one of 1,000 commits win that expect the same version', async () => {
      await subject.putSetting('a', 0);
      const results = await Promise.allSettled(Array.from({ length: 1000 }, (_, at) => subject.putSetting('a', at, 1)));
      const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
      assert.equal(refused.length, 999);
      for (const reason of refused) assert.ok(reason instanceof Conflict, String(reason));
      assert.equal((await subject.store.get('settings', 'a'))?.version, 2);
    });

    it('loses no update of a counter that 1,000 commits change', async () => {
      await subject.putSetting('counter', 0);
      let conflicts = 0;
      const increment = async (): Promise<void> => {
        for (;;) {
          const row = await subject.store.get<number>('settings', 'counter');
          assert.ok(row);
          try {
            await subject.store.commit({
              expect: [{ table: 'settings', key: 'counter', version: row.version }],
              put: [{ table: 'settings', key: 'counter', data: row.data + 1 }],
              append: [{ table: 'audit', data: row.data + 1 }],
            });
            return;
          } catch (error) {
            if (!(error instanceof Conflict)) throw error;
            conflicts += 1;
          }
        }
      };
      const worker = async (): Promise<void> => {
        for (let time = 0; time < 100; time += 1) await increment();
      };
      await Promise.all(Array.from({ length: 10 }, worker));
      const row = await subject.store.get('settings', 'counter');
      assert.deepEqual([row?.data, row?.version], [1000, 1001]);
      assert.ok(conflicts > 0, 'the counter was never contended: the test shows nothing');
      const audit = await subject.store.find<number>({ table: 'audit', orderBy: [{ column: 'key' }] });
      assert.deepEqual(
        audit.map(({ data }) => data),
        Array.from({ length: 1000 }, (_, at) => at + 1),
      );
    });

    it('lets a refused commit fall alone among those written with it', async () => {
      await subject.putSetting('taken', 1);
      const results = await Promise.allSettled(
        Array.from({ length: 200 }, (_, at) =>
          at % 2 === 0 ? subject.putSetting(`row ${at}`, at, 0) : subject.putSetting('taken', at, 7),
        ),
      );
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 100);
      assert.equal(
        await subject.store.count({ table: 'settings', where: [{ column: 'key', is: 'prefix', value: 'row ' }] }),
        100,
      );
    });

    it('shows a commit to every read after its acknowledgement', async () => {
      for (let value = 0; value < 200; value += 1) {
        await subject.putSetting('mine', value);
        assert.equal((await subject.store.get('settings', 'mine'))?.data, value);
        const [found] = await subject.store.find({
          table: 'settings',
          where: [{ column: 'key', is: '=', value: 'mine' }],
        });
        assert.equal(found?.data, value);
      }
    });

    it('counts commits, conflicts, groups and latency', async () => {
      const before = subject.store.statistics();
      await Promise.allSettled([
        subject.putSetting('a', 1, 0),
        subject.putSetting('a', 1, 0),
        subject.putSetting('b', 1),
      ]);
      const after = subject.store.statistics();
      assert.equal(after.commits - before.commits, 2);
      assert.equal(after.conflicts - before.conflicts, 1);
      assert.ok(after.groupSize >= 1);
      assert.ok(after.latency.p50 > 0 && after.latency.p50 <= after.latency.p99 && after.latency.p99 < 20);
    });
  });

  describe('closing', () => {
    it('finishes the commits that wait and refuses new ones', async () => {
      const { store } = subject;
      const waiting = Array.from({ length: 500 }, (_, at) => subject.putSetting(`waiting ${at}`, at));
      const closed = store.close();
      await assert.rejects(subject.putSetting('late', 1), isStoreFailure('closed'));
      await closed;
      await Promise.all(waiting);
      await assert.rejects(store.get('settings', 'waiting 1'), isStoreFailure('closed'));
      await store.close();
      const again = await subject.reopen();
      if (subject.lasting) assert.equal(await again.count({ table: 'settings' }), 500);
    });

    if (!subject.lasting) return;

    it('keeps every row for the next start', async () => {
      await subject.store.commit({
        put: [{ table: 'devices', key: 'd', columns: { identity: 'urn:1', technology: 'lwm2m' }, data: { a: 1 } }],
        append: [{ table: 'audit', data: 1 }],
      });
      const before = await subject.store.get('devices', 'd');
      const [audit] = await subject.store.find({ table: 'audit' });
      const again = await subject.reopen();
      assert.deepEqual(await again.get('devices', 'd'), before);
      const { appended } = await again.commit({ append: [{ table: 'audit', data: 2 }] });
      assert.ok((appended[0] ?? 0) > Number(audit?.key));
    });

    it('has every commit that it acknowledged before kill -9', async () => {
      await subject.store.close();
      const acknowledged = await writeUntilKilled(subject.place, 400);
      const store = await subject.reopen();
      const rows = await store.getMany<number>(
        'settings',
        acknowledged.map((number) => `number ${number}`),
      );
      const audited = new Set((await store.find({ table: 'audit' })).map(({ columns }) => columns['at']));
      for (const number of acknowledged) {
        assert.equal(rows.get(`number ${number}`)?.data, number);
        assert.ok(audited.has(number), `${number} was acknowledged, but only half of its commit is there`);
      }
      assert.equal(await store.count({ table: 'settings' }), audited.size);
    });
  });
});

/** Starts the writing process, kills it after so many acknowledgements, and gives all that it had printed by then. */
async function writeUntilKilled(place: string[], enough: number): Promise<number[]> {
  const script = fileURLToPath(new URL('../support/numbered-writer.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, ...place], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const acknowledged: number[] = [];
  const exited = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(Number(line));
    if (acknowledged.length === enough) child.kill('SIGKILL');
  }
  const [, signal] = await exited;
  assert.equal(signal, 'SIGKILL');
  assert.ok(acknowledged.length >= enough);
  return acknowledged;
}
