import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ReadThrough } from '../../src/cse/read-through.ts';
import { SerializedCache } from '../../src/cse/serialized-cache.ts';
import { createTurns } from '../../src/cse/turns.ts';
import type { Resource } from '../../src/onem2m/resource.ts';
import { Conflict } from '../../src/store/store.ts';
import { bodyOf, contentOf, expectStatus, openCse } from './open-cse.ts';

type Step =
  | { do: 'create' | 'update' | 'remove'; at: number; name: number }
  | { do: 'retrieve' | 'instance'; at: number; name: number };

const step: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom(
    'create' as const,
    'create' as const,
    'update' as const,
    'remove' as const,
    'retrieve' as const,
    'instance' as const,
  ),
  at: fc.nat(20),
  name: fc.nat(4),
});

describe('the resource tree', () => {
  it('equals the store and a plain model after any sequence of requests, cached or not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.constantFrom(3, 1000), async (steps, cachedResources) => {
        const cse = await openCse({ settings: { cachedResources } });
        // Path → label, as it should be.
        const model = new Map<string, string>([['cse-in', '']]);
        let changed = 0;
        try {
          for (const { do: action, at, name } of steps) {
            const paths = [...model.keys()];
            const path = paths[at % paths.length] as string;
            if (action === 'create') {
              const child = `${path}/c${name}`;
              const answer = await cse.create(path, 3, { 'm2m:cnt': { rn: `c${name}`, lbl: ['new'] } });
              expectStatus(answer, model.has(child) ? 4105 : 2001);
              if (!model.has(child)) model.set(child, 'new');
            } else if (action === 'instance' && path !== 'cse-in') {
              expectStatus(await cse.create(path, 4, { 'm2m:cin': { con: 'x' } }), 2001);
              assert.equal(bodyOf(await cse.retrieve(`${path}/la`))['con'], 'x');
            } else if (action === 'update' && path !== 'cse-in') {
              const label = `l${++changed}`;
              expectStatus(await cse.update(path, { 'm2m:cnt': { lbl: [label] } }), 2004);
              model.set(path, label);
            } else if (action === 'remove' && path !== 'cse-in') {
              expectStatus(await cse.remove(path), 2002);
              for (const other of paths) if (other === path || other.startsWith(`${path}/`)) model.delete(other);
            } else {
              expectStatus(await cse.retrieve(path), 2000);
            }
          }
          for (const [path, label] of model) {
            if (path === 'cse-in') continue;
            const resource = (await cse.tree.byPath(path)) as Resource;
            const row = await cse.store.get<{ attributes: { labels: string[] } }>('resources', resource.resourceID);
            assert.deepEqual(row?.data.attributes, resource.attributes);
            assert.equal(row?.version, resource.version);
            assert.equal(row?.columns['path'], path);
            assert.deepEqual(bodyOf(await cse.retrieve(path))['lbl'], [label]);
            assert.equal((await cse.tree.byId(resource.resourceID))?.path, path);
          }
          const rows = await cse.store.find({ table: 'resources', where: [{ column: 'type', is: '=', value: 3 }] });
          assert.deepEqual(
            rows.map((row) => String(row.columns['path'])).sort(),
            [...model.keys()].filter((path) => path !== 'cse-in').sort(),
          );
        } finally {
          await cse.close();
        }
      }),
      { numRuns: 60 },
    );
  });

  it('sees what another process has written once a commit meets it', async () => {
    const one = await openCse();
    const two = await openCse({ store: one.store });
    await one.create('cse-in', 3, { 'm2m:cnt': { rn: 'c', lbl: ['1'] } });
    await two.retrieve('cse-in/c');
    await one.update('cse-in/c', { 'm2m:cnt': { lbl: ['2'] } });
    expectStatus(await two.update('cse-in/c', { 'm2m:cnt': { mni: 7 } }), 2004);
    const body = bodyOf(await two.retrieve('cse-in/c'));
    assert.deepEqual([body['lbl'], body['mni'], body['st']], [['2'], 7, 2]);
    await one.close();
  });

  it('gives up with a sentence when others are always faster', async () => {
    const cse = await openCse({ settings: { commitAttempts: 3 } });
    await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c' } });
    const { store } = cse;
    const commit = store.commit.bind(store);
    let attempts = 0;
    store.commit = async (unit) => {
      const [expected] = unit.expect ?? [];
      if (!expected) return commit(unit);
      attempts += 1;
      const row = await store.get('resources', expected.key);
      await commit({ put: [{ table: 'resources', key: expected.key, columns: row?.columns, data: row?.data }] });
      return commit(unit);
    };
    const answer = await cse.update('cse-in/c', { 'm2m:cnt': { mni: 1 } });
    expectStatus(answer, 5000, /changed by others/);
    assert.equal(attempts, 3);
    store.commit = commit;
    await cse.close();
  });

  it('takes no child whose parent was removed while it was being created', async () => {
    const cse = await openCse();
    await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c' } });
    const parent = (await cse.tree.byPath('cse-in/c')) as Resource;
    const changes = cse.tree.changes();
    changes.create({ parent, resourceType: 3, resourceName: 'child', attributes: {} });
    const { commit } = await changes.build();
    await cse.remove('cse-in/c');
    await assert.rejects(cse.store.commit(commit), Conflict);
    await cse.close();
  });

  it('is not brought back by an update that is told after the removal', async () => {
    const cse = await openCse();
    await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c' } });
    const resource = (await cse.tree.byPath('cse-in/c')) as Resource;
    const changes = cse.tree.changes();
    changes.update(resource, { labels: ['late'] });
    const { commit, afterCommit } = await changes.build();
    await cse.store.commit(commit);
    // What is removed now is a version that the cache has not been told of.
    expectStatus(await cse.remove('cse-in/c'), 2002);
    afterCommit?.();
    expectStatus(await cse.retrieve('cse-in/c'), 4004);
    expectStatus(await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c' } }), 2001);
    expectStatus(await cse.retrieve('cse-in/c'), 2000);
    await cse.close();
  });

  it('answers a cached RETRIEVE without the store', async () => {
    const cse = await openCse();
    await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c' } });
    await cse.retrieve('cse-in/c');
    const { store } = cse;
    const { get, find } = store;
    store.get = () => Promise.reject(new Error('read'));
    store.find = () => Promise.reject(new Error('read'));
    expectStatus(await cse.retrieve('cse-in/c'), 2000);
    assert.ok(contentOf(await cse.retrieve('cse-in')));
    store.get = get;
    store.find = find;
    await cse.close();
  });
});

describe('a read through a bounded cache', () => {
  it('is shared by those who wait for the same key', async () => {
    const cache = new ReadThrough<number>(10);
    let reads = 0;
    const load = async (): Promise<number> => ++reads;
    assert.deepEqual(await Promise.all([cache.get('a', load), cache.get('a', load)]), [1, 1]);
    assert.equal(await cache.get('a', load), 1);
  });

  it('is not kept when a change overtook it', async () => {
    const cache = new ReadThrough<string>(10);
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const stale = cache.get('a', async () => {
      await gate;
      return 'old';
    });
    await Promise.resolve();
    cache.set('a', 'new');
    release();
    assert.equal(await stale, 'old');
    assert.equal(cache.peek('a'), 'new');

    const gone = cache.get('b', async () => 'zombie');
    cache.delete('b');
    await gone;
    assert.equal(cache.peek('b'), undefined);
  });

  it('does not keep a failure', async () => {
    const cache = new ReadThrough<string>(10);
    await assert.rejects(
      cache.get('a', async () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(await cache.get('a', async () => 'yes'), 'yes');
  });

  it('forgets what was used longest ago', async () => {
    const cache = new ReadThrough<string>(4);
    for (const key of ['a', 'b', 'c', 'd']) cache.set(key, key);
    cache.peek('a');
    cache.set('e', 'e');
    assert.equal(cache.size, 4);
    assert.equal(cache.peek('b'), undefined);
    assert.equal(cache.peek('a'), 'a');
  });
});

describe('the cache of serialized resources', () => {
  const resource = (resourceID: string): Resource => ({
    resourceID,
    resourceType: 3,
    resourceName: resourceID,
    parentID: '',
    path: resourceID,
    version: 1,
    creationTime: '',
    lastModifiedTime: '',
    attributes: {},
    internal: {},
  });

  it('serializes a version once and a newer one again', () => {
    const cache = new SerializedCache(10_000);
    let made = 0;
    const serialize = (): string => `text ${++made}`;
    const first = resource('a');
    assert.equal(cache.of(first, serialize), cache.of(first, serialize));
    assert.equal(cache.of({ ...first, version: 2 }, serialize).text, 'text 2');
  });

  it('never holds more characters than it may', () => {
    const cache = new SerializedCache(1600);
    for (let index = 0; index < 100; index++) {
      cache.of(resource(`r${index}`), () => 'x'.repeat(index));
      assert.ok(cache.characters <= 1600);
    }
    const before = cache.characters;
    assert.equal(cache.of(resource('huge'), () => 'x'.repeat(1000)).text.length, 1000);
    assert.equal(cache.characters, before);
    cache.forget('r99');
    assert.equal(cache.characters, before - 99);
  });
});

describe('turns', () => {
  it('are taken one after the other for a key, at once for different keys, and survive a failure', async () => {
    const turns = createTurns();
    const order: string[] = [];
    const work = (name: string, ms: number) => async (): Promise<void> => {
      order.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, ms));
      order.push(`${name} ends`);
      if (name === 'a1') throw new Error('a1 fails');
    };
    const all = await Promise.allSettled([
      turns.take('a', work('a1', 10)),
      turns.take('a', work('a2', 1)),
      turns.take('b', work('b1', 1)),
    ]);
    assert.deepEqual(
      all.map(({ status }) => status),
      ['rejected', 'fulfilled', 'fulfilled'],
    );
    assert.deepEqual(order, ['a1 begins', 'b1 begins', 'b1 ends', 'a1 ends', 'a2 begins', 'a2 ends']);
  });
});
