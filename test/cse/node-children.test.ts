import assert from 'node:assert/strict';
import fc from 'fast-check';
import { openTemporaryStore } from '../support/store.ts';
import { expectStatus, openCse } from './open-cse.ts';

type Step = { do: 'create' | 'remove' | 'look'; name: number };

const step: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom('create' as const, 'create' as const, 'remove' as const, 'look' as const),
  name: fc.nat(5),
});

describe('the children of a node', () => {
  it('are those of the store, in order of creation, whatever happened and whatever was cached', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.constantFrom(4, 1000), async (steps, cachedResources) => {
        const store = await openTemporaryStore();
        const first = await openCse({ store, settings: { cachedResources } });
        expectStatus(await first.create('cse-in', 14, { 'm2m:nod': { rn: 'node', ni: 'n' } }), 2001);
        // A CSE that has not made the node itself reads its children first.
        const cse = await openCse({ store, settings: { cachedResources } });
        const node = (await cse.tree.byPath('cse-in/node'))!;
        const model: string[] = [];
        const names = async () => (await cse.tree.children(node.resourceID)).map(({ resourceName }) => resourceName);
        try {
          for (const { do: action, name } of steps) {
            const child = `b${name}`;
            if (action === 'create' && !model.includes(child)) {
              const content = { 'm2m:bat': { rn: child, mgd: 1006, btl: 1, bts: 1 } };
              expectStatus(await cse.create('cse-in/node', 13, content), 2001);
              model.push(child);
            } else if (action === 'remove' && model.includes(child)) {
              expectStatus(await cse.remove(`cse-in/node/${child}`), 2002);
              model.splice(model.indexOf(child), 1);
            }
            if (action === 'look') assert.deepEqual(await names(), model);
          }
          assert.deepEqual(await names(), model);
          assert.deepEqual(await cse.tree.children(node.resourceID, [3]), []);
          assert.equal((await cse.tree.children(node.resourceID, [13])).length, model.length);
        } finally {
          await Promise.all([first.stop(), cse.stop()]);
          await store.close();
        }
      }),
      { numRuns: 40 },
    );
  });

  it('may be more than are remembered', async () => {
    const cse = await openCse();
    expectStatus(await cse.create('cse-in', 14, { 'm2m:nod': { rn: 'node', ni: 'n' } }), 2001);
    const node = (await cse.tree.byPath('cse-in/node'))!;
    for (let count = 0; count < 130; count++) {
      expectStatus(await cse.create('cse-in/node', 13, { 'm2m:bat': { mgd: 1006, btl: 1, bts: 1 } }), 2001);
    }
    assert.equal((await cse.tree.children(node.resourceID)).length, 130);
    const again = await openCse({ store: cse.store });
    assert.equal((await again.tree.children(node.resourceID)).length, 130);
    await again.stop();
    await cse.close();
  });
});
