import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Columns, Comparison, Condition } from '../../src/store/store.ts';
import { describeStores } from '../support/store-backends.ts';

describeStores('reading from a store', (subject) => {
  describe('finding rows', () => {
    const putResources = (rows: Record<string, Columns>) =>
      subject.store.commit({
        put: Object.entries(rows).map(([key, columns]) => ({ table: 'resources', key, columns, data: { key } })),
      });

    it('finds by every comparison', async () => {
      await putResources({
        a: { type: 1, parent: 'p' },
        b: { type: 2, parent: 'p' },
        c: { type: 3, parent: 'q' },
        d: {},
      });
      const find = async (is: Comparison, value: Condition['value'], column = 'type') =>
        (await subject.keysOf({ table: 'resources', where: [{ column, is, value }] })).sort().join('');
      assert.equal(await find('=', 2), 'b');
      assert.equal(await find('<', 2), 'a');
      assert.equal(await find('<=', 2), 'ab');
      assert.equal(await find('>', 2), 'c');
      assert.equal(await find('>=', 2), 'bc');
      assert.equal(await find('in', [1, 3, 7]), 'ac');
      assert.equal(await find('in', []), '');
      assert.equal(await find('in', ['p', 'x'], 'parent'), 'ab');
      assert.equal(await find('=', null), 'd');
      assert.equal(await find('prefix', 'p', 'parent'), 'ab');
      assert.equal(await find('prefix', '', 'parent'), 'abc');
      assert.equal(await find('>=', 'b', 'key'), 'bcd');
      assert.equal(await find('in', ['a', 'd'], 'key'), 'ad');
    });

    it('joins conditions by "and"', async () => {
      await putResources({ a: { type: 1, parent: 'p' }, b: { type: 2, parent: 'p' }, c: { type: 2, parent: 'q' } });
      const where: Condition[] = [
        { column: 'parent', is: '=', value: 'p' },
        { column: 'type', is: '>=', value: 2 },
      ];
      assert.deepEqual(await subject.keysOf({ table: 'resources', where }), ['b']);
      assert.equal(await subject.store.count({ table: 'resources', where }), 1);
      assert.equal(await subject.store.count({ table: 'resources' }), 3);
    });

    it('takes a prefix literally, whatever characters it has', async () => {
      const paths = [
        'a%b',
        'a%bc',
        'a_b',
        'axb',
        'A%b',
        'aé',
        'aéz',
        'a😀',
        'a😀x',
        "a'b",
        'a\\b',
        'a"b',
        'a',
        'b',
        'a￿',
      ];
      await subject.store.commit({
        put: paths.map((path, at) => ({ table: 'resources', key: `r${at}`, columns: { path }, data: {} })),
      });
      for (const prefix of ['a%', 'a_', 'a', 'aé', 'a😀', "a'", 'a\\', 'a"', 'A', 'a￿', 'zzz']) {
        const rows = await subject.store.find({
          table: 'resources',
          where: [{ column: 'path', is: 'prefix', value: prefix }],
        });
        assert.deepEqual(
          rows.map(({ columns }) => columns['path']).sort(),
          paths.filter((path) => path.startsWith(prefix)).sort(),
          `prefix ${prefix}`,
        );
      }
    });

    it('orders texts by code point, nulls first, and equals by key', async () => {
      await putResources({
        e: { parent: 'b', created: 1 },
        d: { parent: 'B', created: 1 },
        c: { parent: 'é', created: 2 },
        b: { parent: '😀', created: 1 },
        a: { created: 1 },
        f: { parent: '￼', created: 1 },
      });
      const order = (descending: boolean) =>
        subject.keysOf({ table: 'resources', orderBy: [{ column: 'parent', descending }] });
      assert.deepEqual(await order(false), ['a', 'd', 'e', 'c', 'f', 'b']);
      assert.deepEqual(await order(true), ['b', 'f', 'c', 'e', 'd', 'a']);
      const byCreated = await subject.keysOf({
        table: 'resources',
        orderBy: [{ column: 'created', descending: true }],
      });
      assert.deepEqual(byCreated, ['c', 'a', 'b', 'd', 'e', 'f']);
      const byTwo = await subject.keysOf({
        table: 'resources',
        orderBy: [{ column: 'created' }, { column: 'key', descending: true }],
      });
      assert.deepEqual(byTwo, ['f', 'e', 'd', 'b', 'a', 'c']);
    });

    it('gives pages that neither repeat nor lose a row', async () => {
      await subject.store.commit({
        put: Array.from({ length: 25 }, (_, at) => ({
          table: 'resources',
          key: `r${String(at).padStart(2, '0')}`,
          columns: { type: at % 3 },
          data: at,
        })),
      });
      const pages: string[][] = [];
      for (let offset = 0; offset < 25; offset += 10) {
        pages.push(await subject.keysOf({ table: 'resources', orderBy: [{ column: 'type' }], limit: 10, offset }));
      }
      assert.deepEqual(
        pages.map((page) => page.length),
        [10, 10, 5],
      );
      assert.equal(new Set(pages.flat()).size, 25);
      const rest = await subject.keysOf({ table: 'resources', orderBy: [{ column: 'key' }], offset: 23 });
      assert.deepEqual(rest, ['r23', 'r24']);
      assert.deepEqual(await subject.keysOf({ table: 'resources', limit: 0 }), []);
    });

    it('agrees with a plain filter on any rows', async () => {
      const value = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constant(null));
      const texts = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 3 }), fc.constantFrom('%', '_', 'a', 'ab', ''));
      const text = texts.filter((one) => !one.includes('\0'));
      const rows = fc.array(fc.record({ type: value, parent: fc.option(text) }), { maxLength: 12 });
      const comparison = fc.constantFrom<Comparison>('=', '<', '<=', '>', '>=');
      await fc.assert(
        fc.asyncProperty(rows, comparison, fc.integer({ min: -3, max: 3 }), text, async (made, is, number, prefix) => {
          await subject.store.commit({
            delete: (await subject.store.find({ table: 'resources' })).map(({ key }) => ({ table: 'resources', key })),
          });
          await subject.store.commit({
            put: made.map((columns, at) => ({ table: 'resources', key: `r${at}`, columns, data: at })),
          });
          const found = await subject.store.find<number>({
            table: 'resources',
            where: [{ column: 'type', is, value: number }],
          });
          assert.deepEqual(
            found.map(({ data }) => data).sort((a, b) => a - b),
            made.flatMap(({ type }, at) => (type !== null && holds(type, is, number) ? [at] : [])),
          );
          const begun = await subject.store.find<number>({
            table: 'resources',
            where: [{ column: 'parent', is: 'prefix', value: prefix }],
          });
          assert.deepEqual(
            begun.map(({ data }) => data).sort((a, b) => a - b),
            made.flatMap(({ parent }, at) => (parent !== null && parent.startsWith(prefix) ? [at] : [])),
          );
        }),
        { numRuns: 40 },
      );
    });

    it('gets many rows at once and leaves out those that are not there', async () => {
      await subject.putSetting('a', 1);
      await subject.putSetting('b', 2);
      const rows = await subject.store.getMany<number>('settings', ['b', 'nothing', 'a', 'b']);
      assert.deepEqual([...rows].map(([key, { data }]) => [key, data]).sort(), [
        ['a', 1],
        ['b', 2],
      ]);
      const { appended } = await subject.store.commit({ append: [{ table: 'audit', data: 'x' }] });
      const numbered = await subject.store.getMany('audit', [String(appended[0]), '123456789', 'junk']);
      assert.deepEqual([...numbered.keys()], [String(appended[0])]);
      assert.equal((await subject.store.getMany('settings', [])).size, 0);
    });
  });

  describe('fidelity', () => {
    it('gives back any JSON as it was put', async () => {
      await fc.assert(
        fc.asyncProperty(fc.jsonValue({ maxDepth: 6 }), async (data) => {
          await subject.putSetting('json', data);
          const row = await subject.store.get('settings', 'json');
          assert.deepEqual(row?.data, JSON.parse(JSON.stringify(data)));
        }),
        { numRuns: 150 },
      );
    });

    it('keeps unicode, control characters, the order of members and large numbers', async () => {
      const data = {
        z: 'é😀\u0000\u001f\u2028\ud800',
        a: [1e300, -0.1, 9007199254740991, 5e-324],
        constructor: 'own',
        '': { '\u0000': null },
      };
      await subject.putSetting('json', data);
      const row = await subject.store.get<typeof data>('settings', 'json');
      assert.equal(JSON.stringify(row?.data), JSON.stringify(data));
    });

    it('keeps what is deep and what is big', async () => {
      let deep: unknown[] = [];
      for (let depth = 0; depth < 1000; depth += 1) deep = [deep];
      const big = { text: 'trivet 😀 '.repeat(250_000) };
      await subject.putSetting('deep', deep);
      await subject.putSetting('big', big);
      assert.equal(JSON.stringify((await subject.store.get('settings', 'deep'))?.data), JSON.stringify(deep));
      assert.deepEqual((await subject.store.get('settings', 'big'))?.data, big);
    });

    it('keeps column values, and gives null for those left out', async () => {
      const columns = { due: Number.MAX_SAFE_INTEGER, queue: 'q😀%\'"\\' };
      await subject.store.commit({ put: [{ table: 'jobs', key: 'é/😀 %', columns, data: null }] });
      assert.deepEqual(await subject.store.get('jobs', 'é/😀 %'), { key: 'é/😀 %', version: 1, columns, data: null });
      await subject.store.commit({ put: [{ table: 'jobs', key: 'é/😀 %', columns: { due: -5 }, data: null }] });
      assert.deepEqual((await subject.store.get('jobs', 'é/😀 %'))?.columns, { queue: null, due: -5 });
    });
  });
});

function holds(left: number, is: Comparison, right: number): boolean {
  switch (is) {
    case '=':
      return left === right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    default:
      return left >= right;
  }
}
