import assert from 'node:assert/strict';
import type { ManagedDevice } from '../../src/management/adapter.ts';
import type { Store } from '../../src/store/store.ts';
import { eventually } from '../support/eventually.ts';
import { openTemporaryStore } from '../support/store.ts';
import { createWorld, requester, settled, statusOf, takeOne, type World } from './world.ts';

describe('a device that comes back as it was', () => {
  let store: Store;
  let world: World;

  beforeEach(async () => {
    store = await openTemporaryStore();
    world = await createWorld(store);
    await world.register('pump', { facts: { location: 'rd/1' } });
  });

  afterEach(() => store.close());

  const comeBack = () => world.register('pump', { facts: { location: 'rd/1' } });
  const storedLastSeen = async () =>
    (await store.find<{ device: ManagedDevice }>({ table: 'devices' }))[0]?.data.device.presence.lastSeen;

  it('costs no commit, and is known to be here at once', async () => {
    const before = store.statistics().commits;
    world.clock.advance(1000);
    const device = await comeBack();
    assert.equal(store.statistics().commits, before);
    assert.equal(device.presence.lastSeen, world.clock.now());
  });

  it('is written in the background', async () => {
    world.clock.advance(1000);
    const { lastSeen } = (await comeBack()).presence;
    assert.notEqual(await storedLastSeen(), lastSeen);
    world.clock.advance(60_000);
    await eventually('its contact is stored', async () => (await storedLastSeen()) === lastSeen);
  });

  it('settles durably what waited for its return', async () => {
    const session = await world.context.openSession((await world.context.deviceByIdentity('pump'))!.id, () => {});
    const asked = world.management.update(await world.object('reboot'), { reboot: true }, requester(world));
    await session.dispatched([await takeOne(session)]);
    await comeBack();
    assert.equal(statusOf(await asked), 'done');
    await settled();
    assert.equal(await store.count({ table: 'audit' }), 1);
  });
});
