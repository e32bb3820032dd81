/** What a leg keeps under names of its own: apart from other legs, by one writer at a time, and after a restart. */
import assert from 'node:assert/strict';
import type { Store } from '../../src/store/store.ts';
import { openTemporaryStore } from '../support/store.ts';
import { createWorld, type World } from './world.ts';

describe('the notes of a leg', () => {
  let store: Store;
  let world: World;

  beforeEach(async () => {
    store = await openTemporaryStore();
    world = await createWorld(store);
  });

  afterEach(() => store.close());

  it('are there after a restart, and are not those of another leg', async () => {
    assert.equal(await world.context.notes.read('nonces a'), undefined);
    assert.equal(await world.context.notes.write('nonces a', 0, { client: 'x' }), true);
    const { management } = await world.restarted();
    assert.deepEqual(await management.contextFor('lwm2m').notes.read('nonces a'), {
      value: { client: 'x' },
      version: 1,
    });
    assert.equal(await management.contextFor('omadm').notes.read('nonces a'), undefined);
  });

  it('are written by one of several who have read the same', async () => {
    const { notes } = world.context;
    await notes.write('nonces a', 0, 'first');
    const written = await Promise.all(['second', 'third'].map((value) => notes.write('nonces a', 1, value)));
    assert.deepEqual(written, [true, false]);
    assert.deepEqual(await notes.read('nonces a'), { value: 'second', version: 2 });
    assert.equal(await notes.write('nonces a', 0, 'as if it were new'), false);
  });
});
