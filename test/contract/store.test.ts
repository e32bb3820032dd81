import assert from 'node:assert/strict';
import { Conflict } from '../../src/store/store.ts';
import { describeStores, isConflict } from '../support/store-backends.ts';

describeStores('a store', (subject) => {
  describe('versions and expectations', () => {
    it('gives a new row version 1 and adds one with every put', async () => {
      await subject.putSetting('a', 'first');
      assert.equal((await subject.store.get('settings', 'a'))?.version, 1);
      await subject.putSetting('a', 'second');
      await subject.putSetting('a', 'third', 2);
      assert.deepEqual(await subject.store.get('settings', 'a'), { key: 'a', version: 3, columns: {}, data: 'third' });
    });

    it('has no row for a key that was never put', async () => {
      assert.equal(await subject.store.get('settings', 'nothing'), undefined);
      assert.equal(await subject.store.get('operations', '77'), undefined);
      assert.equal(await subject.store.get('operations', 'not a number'), undefined);
    });

    it('takes version 0 as "must not exist"', async () => {
      await subject.putSetting('a', 1, 0);
      await assert.rejects(subject.putSetting('a', 2, 0), isConflict('settings', 'a'));
      assert.equal((await subject.store.get('settings', 'a'))?.data, 1);
    });

    it('refuses an expectation of a row that does not exist', async () => {
      await assert.rejects(subject.putSetting('a', 1, 3), isConflict('settings', 'a'));
      assert.equal(await subject.store.get('settings', 'a'), undefined);
    });

    it('starts again at 1 for a row that was deleted', async () => {
      await subject.putSetting('a', 1);
      await subject.putSetting('a', 2);
      await subject.store.commit({
        expect: [{ table: 'settings', key: 'a', version: 2 }],
        delete: [{ table: 'settings', key: 'a' }],
      });
      await subject.putSetting('a', 3, 0);
      assert.equal((await subject.store.get('settings', 'a'))?.version, 1);
    });

    it('writes nothing of a commit with one wrong expectation', async () => {
      await subject.putSetting('a', 1);
      await subject.putSetting('b', 1);
      for (const wrong of ['a', 'b']) {
        const commit = subject.store.commit({
          expect: [
            { table: 'settings', key: 'a', version: wrong === 'a' ? 9 : 1 },
            { table: 'settings', key: 'b', version: wrong === 'b' ? 9 : 1 },
          ],
          delete: [{ table: 'settings', key: 'b' }],
          put: [
            { table: 'settings', key: 'new', data: 1 },
            { table: 'settings', key: 'a', data: 2 },
          ],
          append: [{ table: 'audit', data: 'never' }],
        });
        await assert.rejects(commit, isConflict('settings', wrong));
      }
      assert.equal((await subject.store.get('settings', 'a'))?.version, 1);
      assert.ok(await subject.store.get('settings', 'b'));
      assert.equal(await subject.store.get('settings', 'new'), undefined);
      assert.equal(await subject.store.count({ table: 'audit' }), 0);
    });

    it('checks rows that the commit does not write', async () => {
      await subject.putSetting('guard', 1);
      const withGuard = (version: number) =>
        subject.store.commit({
          expect: [{ table: 'settings', key: 'guard', version }],
          put: [{ table: 'settings', key: 'a', data: version }],
        });
      await withGuard(1);
      await assert.rejects(withGuard(2), isConflict('settings', 'guard'));
      assert.equal((await subject.store.get('settings', 'guard'))?.version, 1);
    });

    it('takes two puts of one row in a commit in their order', async () => {
      await subject.store.commit({
        expect: [{ table: 'settings', key: 'a', version: 0 }],
        put: [
          { table: 'settings', key: 'a', data: 'first' },
          { table: 'settings', key: 'a', data: 'second' },
        ],
      });
      assert.deepEqual(await subject.store.get('settings', 'a'), { key: 'a', version: 2, columns: {}, data: 'second' });
    });

    it('deletes before it puts, so that a unique value can move to another row', async () => {
      const columns = { path: 'cse-in/x' };
      await subject.store.commit({ put: [{ table: 'resources', key: 'old', columns, data: 1 }] });
      await subject.store.commit({
        delete: [{ table: 'resources', key: 'old' }],
        put: [{ table: 'resources', key: 'new', columns, data: 2 }],
      });
      assert.deepEqual(await subject.keysOf({ table: 'resources' }), ['new']);
    });

    it('accepts the deletion of a row that is not there', async () => {
      await subject.store.commit({ delete: [{ table: 'settings', key: 'nothing' }] });
    });

    it('accepts a commit of nothing', async () => {
      assert.deepEqual(await subject.store.commit({}), { appended: [] });
    });
  });

  describe('unique indexes', () => {
    it('refuses a second resource of the same path as a conflict', async () => {
      const columns = { path: 'cse-in/ae', parent: 'id-in' };
      await subject.store.commit({ put: [{ table: 'resources', key: 'r1', columns, data: {} }] });
      await assert.rejects(
        subject.store.commit({
          expect: [{ table: 'resources', key: 'r2', version: 0 }],
          put: [{ table: 'resources', key: 'r2', columns, data: {} }],
          append: [{ table: 'audit', data: 1 }],
        }),
        isConflict('resources', 'r2'),
      );
      assert.deepEqual(await subject.keysOf({ table: 'resources' }), ['r1']);
      assert.equal(await subject.store.count({ table: 'audit' }), 0);
    });

    it('refuses the second of two devices of one identity that come at the same moment', async () => {
      const admit = (key: string) =>
        subject.store.commit({
          put: [{ table: 'devices', key, columns: { technology: 'lwm2m', identity: 'urn:1' }, data: {} }],
        });
      const results = await Promise.allSettled([admit('d1'), admit('d2')]);
      assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
      assert.ok(results.some((result) => result.status === 'rejected' && result.reason instanceof Conflict));
    });

    it('lets one path be null in many rows', async () => {
      await subject.store.commit({
        put: ['a', 'b'].map((key) => ({ table: 'resources', key, data: {} })),
      });
      assert.equal(await subject.store.count({ table: 'resources' }), 2);
    });
  });

  describe('numbered tables', () => {
    it('gives every appended row the next number, in the order of the commit', async () => {
      const { appended } = await subject.store.commit({
        append: ['a', 'b', 'c'].map((data) => ({ table: 'audit', data })),
      });
      const [first = 0, second, third] = appended;
      assert.deepEqual([second, third], [first + 1, first + 2]);
      const rows = await subject.store.find({ table: 'audit', orderBy: [{ column: 'key' }] });
      assert.deepEqual(
        rows.map(({ key, version, data }) => [key, version, data]),
        [
          [String(first), 1, 'a'],
          [String(first + 1), 1, 'b'],
          [String(first + 2), 1, 'c'],
        ],
      );
    });

    it('numbers commits of one caller in the order in which they were made', async () => {
      const results = await Promise.all(
        Array.from({ length: 300 }, (_, at) => subject.store.commit({ append: [{ table: 'audit', data: at }] })),
      );
      const numbers = results.flatMap(({ appended }) => appended);
      assert.deepEqual(
        numbers,
        [...numbers].sort((a, b) => a - b),
      );
      assert.equal(new Set(numbers).size, 300);
    });

    it('never gives the number of a deleted row again', async () => {
      const first = await subject.store.commit({ append: [{ table: 'outbox', data: 1 }] });
      await subject.store.commit({ delete: [{ table: 'outbox', key: String(first.appended[0]) }] });
      const second = await subject.store.commit({ append: [{ table: 'outbox', data: 2 }] });
      assert.ok((second.appended[0] ?? 0) > (first.appended[0] ?? 0));
    });

    it('changes an appended row by its number, and orders numbers as numbers', async () => {
      const { appended } = await subject.store.commit({
        append: Array.from({ length: 12 }, (_, at) => ({ table: 'operations', columns: { id: `o${at}` }, data: at })),
      });
      const key = String(appended[0]);
      await subject.store.commit({
        expect: [{ table: 'operations', key, version: 1 }],
        put: [{ table: 'operations', key, columns: { id: 'o0', state: 'taken' }, data: 'changed' }],
      });
      const row = await subject.store.get('operations', key);
      assert.equal(row?.version, 2);
      assert.equal(row?.columns['state'], 'taken');
      const keys = await subject.keysOf({ table: 'operations', orderBy: [{ column: 'key' }] });
      assert.deepEqual(keys, appended.map(String));
      assert.deepEqual(
        await subject.keysOf({ table: 'operations', where: [{ column: 'key', is: '>', value: appended[9] ?? 0 }] }),
        appended.slice(10).map(String),
      );
    });

    it('does not make a numbered row by a put: only the subject.store gives numbers', async () => {
      await assert.rejects(
        subject.store.commit({ put: [{ table: 'audit', key: '999999', data: 1 }] }),
        isConflict('audit', '999999'),
      );
      assert.equal(await subject.store.count({ table: 'audit' }), 0);
    });
  });

  describe('programming errors', () => {
    const mistakes: Record<string, () => Promise<unknown>> = {
      'an unknown column in a put': () =>
        subject.store.commit({ put: [{ table: 'settings', key: 'a', columns: { colour: 'red' }, data: 1 }] }),
      'a text in a number column': () =>
        subject.store.commit({ put: [{ table: 'jobs', key: 'a', columns: { due: 'soon' }, data: 1 }] }),
      'a fraction in a number column': () =>
        subject.store.commit({ put: [{ table: 'jobs', key: 'a', columns: { due: 1.5 }, data: 1 }] }),
      'half a character in a key': () =>
        subject.store.commit({ put: [{ table: 'settings', key: 'a\ud800', data: 1 }] }),
      'an empty key': () => subject.store.commit({ put: [{ table: 'settings', key: '', data: 1 }] }),
      'data that JSON cannot say': () =>
        subject.store.commit({ put: [{ table: 'settings', key: 'a', data: undefined }] }),
      'an append to a table of names': () => subject.store.commit({ append: [{ table: 'settings', data: 1 }] }),
      'an unknown column in a condition': () =>
        subject.store.find({ table: 'settings', where: [{ column: 'colour', is: '=', value: 'red' }] }),
      'an unknown column in an order': () =>
        subject.store.find({ table: 'settings', orderBy: [{ column: 'data" --' }] }),
      'a comparison with null': () =>
        subject.store.find({ table: 'jobs', where: [{ column: 'due', is: '<', value: null }] }),
      'a negative limit': () => subject.store.find({ table: 'jobs', limit: -1 }),
    };
    for (const [mistake, make] of Object.entries(mistakes)) {
      it(`names ${mistake} at once`, async () => {
        await assert.rejects(make, TypeError);
        assert.equal(await subject.store.count({ table: 'settings' }), 0);
        assert.equal(await subject.store.count({ table: 'jobs' }), 0);
      });
    }
  });

  it('has a clock that goes forward and is near ours', async () => {
    const first = await subject.store.now();
    const second = await subject.store.now();
    assert.ok(Number.isSafeInteger(first) && second >= first);
    assert.ok(Math.abs(first - Date.now()) < 60_000);
  });
});
