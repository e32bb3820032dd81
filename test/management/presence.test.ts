import assert from 'node:assert/strict';
import type { Store } from '../../src/store/store.ts';
import { openTemporaryStore } from '../support/store.ts';
import { createWorld, requester, settled, type World } from './world.ts';

describe('the last contact of a device', () => {
  let store: Store;
  let world: World;

  beforeEach(async () => {
    store = await openTemporaryStore();
    world = await createWorld(store);
  });

  afterEach(() => store.close());

  it('stays what it was when the device falls silent', async () => {
    const device = await world.register();
    const { lastSeen } = device.presence;
    world.clock.advance(5000);
    world.context.deviceRenewed(device.id, { state: 'asleep', why: 'it did not answer' });
    assert.deepEqual([device.presence.state, device.presence.lastSeen], ['asleep', lastSeen]);
  });

  it('is any message of it, and writes nothing', async () => {
    const device = await world.register();
    const { commits } = store.statistics();
    world.clock.advance(5000);
    world.context.deviceHeard(device.id);
    assert.equal(device.presence.lastSeen, world.clock.now());
    world.clock.advance(60_000);
    await settled();
    assert.equal(store.statistics().commits, commits);
  });

  it('is named when a request waited in vain', async () => {
    const device = await world.register();
    world.clock.advance(5000);
    world.context.deviceHeard(device.id);
    const heard = new Date(world.clock.now()).toISOString();
    world.clock.advance(5000);
    world.context.deviceRenewed(device.id, { state: 'asleep', why: 'it did not answer' });
    const waiting = world.management.retrieve(await world.object('battery'), undefined, requester(world));
    await settled();
    world.clock.advance(30_000);
    const reply = await waiting;
    assert.ok(!reply.done);
    assert.equal(reply.responseStatusCode, 6021);
    assert.ok(reply.explanation.includes(`(asleep: it did not answer, last contact ${heard};`), reply.explanation);
  });

  const lifetime = 60_000;

  async function registerFor(until: number) {
    return world.register('pump', { restarted: false, presence: { state: 'reachable', address: 'here', until } });
  }

  it('does not shorten its lifetime: an equal registration is no news', async () => {
    const device = await registerFor(world.clock.now() + lifetime);
    world.clock.advance(50_000);
    world.context.deviceHeard(device.id);
    world.context.deviceRenewed(device.id, { state: 'asleep', until: device.presence.until, address: 'here' });
    world.context.deviceRenewed(device.id, { state: 'reachable', until: device.presence.until, address: 'here' });
    const { commits } = store.statistics();
    await registerFor(world.clock.now() + lifetime);
    assert.equal(store.statistics().commits, commits);
  });

  it('does not shorten the fresh lifetime that it has after a restart of the gateway', async () => {
    const device = await registerFor(world.clock.now() + lifetime);
    world.clock.advance(50_000);
    world.context.deviceHeard(device.id);
    await world.context.remember(device.id, { version: '1.1' });
    const next = await world.restarted();
    const known = await next.context.device(device.id);
    assert.equal(known?.presence.lastSeen, world.clock.now());
    assert.equal(known?.presence.until, world.clock.now() + lifetime);
    // Once more, without a word of the device: its lifetime does not grow.
    await next.context.remember(device.id, { version: '1.2' });
    world.clock.advance(1000);
    const third = await (await next.restarted()).context.device(device.id);
    assert.equal(third?.presence.until, world.clock.now() + lifetime);
  });
});
