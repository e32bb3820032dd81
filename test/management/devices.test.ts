import assert from 'node:assert/strict';
import type { LaneSession } from '../../src/management/adapter.ts';
import type { Store } from '../../src/store/store.ts';
import { ManualClock } from '../../src/support/clock.ts';
import { openTemporaryStore } from '../support/store.ts';
import { allObjects, createWorld, requester, serve, settled, statusOf, takeOne, values, type World } from './world.ts';
import { inventoryOf } from './translator.ts';

const nobody = (): void => {};

describe('a device', () => {
  let store: Store;
  let world: World;

  beforeEach(async () => {
    store = await openTemporaryStore();
    world = await createWorld(store);
  });

  afterEach(() => store.close());

  const commits = (): number => store.statistics().commits;

  it('comes in with its resources in one commit', async () => {
    const before = commits();
    const device = await world.register();
    assert.equal(commits(), before + 1);
    assert.equal(device.node, 'node-pump');
    assert.equal((await world.management.deviceByNode('node-pump'))?.id, device.id);
    assert.equal((await world.context.deviceByIdentity('pump'))?.id, device.id);
    assert.ok(await world.object('battery'));
  });

  it('is one device, however often it registers at the same moment', async () => {
    const devices = await Promise.all([world.register(), world.register(), world.register()]);
    assert.equal(new Set(devices.map(({ id }) => id)).size, 1);
    assert.equal(await store.count({ table: 'devices' }), 1);
  });

  it('writes nothing when it brings no news', async () => {
    await world.register('pump', { facts: { version: '1.1' } });
    const before = commits();
    for (let count = 0; count < 5; count++) {
      world.clock.advance(1000);
      await world.register('pump', { restarted: false, facts: { version: '1.1' } });
    }
    world.context.deviceRenewed((await world.context.deviceByIdentity('pump'))!.id, { state: 'reachable' });
    assert.equal(commits(), before);
    assert.equal((await world.context.deviceByIdentity('pump'))?.presence.lastSeen, world.clock.now());
  });

  it('writes what is new, and only that', async () => {
    const device = await world.register('pump', { facts: { location: 'rd/1' } });
    const before = commits();
    await world.register('pump', { facts: { location: 'rd/2' } });
    assert.equal(commits(), before + 1);
    assert.deepEqual(device.facts, { location: 'rd/2' }, 'the device that was handed out follows');
    assert.equal(world.resources.sightings, 1, 'its resources are left alone');
    await world.context.remember(device.id, { location: 'rd/3' });
    assert.deepEqual((await (await world.restarted()).context.device(device.id))?.facts, { location: 'rd/3' });
  });

  it('gets more management objects when it has more', async () => {
    await world.register('pump', { inventory: { objects: inventoryOf('/3/0') } });
    await assert.rejects(world.object('siren'));
    await world.register('pump', { inventory: { objects: inventoryOf('/3/0', '/10/0') } });
    assert.ok(await world.object('siren'));
  });

  it('shows a contact on its resources now and then, also when it only renews itself', async () => {
    const device = await world.register();
    assert.equal(world.resources.sightings, 1);
    world.clock.advance(3_600_000);
    await settled();
    world.context.deviceRenewed(device.id, { state: 'reachable' });
    world.clock.advance(60_000);
    await settled();
    assert.equal(world.resources.sightings, 2);
  });

  it('is kept out when it is blocked, with the reason', async () => {
    const device = await world.register();
    assert.equal(await world.management.block(device.id, 'stolen'), true);
    await assert.rejects(world.register(), /stolen/);
    const after = await world.restarted();
    await assert.rejects(after.register(), /stolen/);
    await after.management.unblock(device.id);
    assert.ok(await after.register());
  });

  it('is gone when its registration runs out, and its session ends; resources stay', async () => {
    const until = world.clock.now() + 60_000;
    const device = await world.register('pump', { presence: { state: 'reachable', until } });
    const session = await world.context.openSession(device.id, nobody);
    world.clock.advance(59_000);
    await settled();
    assert.equal(device.presence.state, 'reachable');
    world.clock.advance(2000);
    await settled();
    assert.equal(device.presence.state, 'gone');
    assert.equal(session.signal.aborted, true);
    assert.ok(await world.object('battery'));
    assert.equal(world.management.statistics().legs[0]?.registrations.gone, 1);
  });

  it('stays as long as it renews itself', async () => {
    const presence = () => ({ state: 'reachable' as const, until: world.clock.now() + 60_000 });
    const device = await world.register('pump', { presence: presence() });
    for (let count = 0; count < 10; count++) {
      world.clock.advance(50_000);
      world.context.deviceRenewed(device.id, presence());
    }
    await settled();
    assert.equal(device.presence.state, 'reachable');
    world.clock.advance(62_000);
    await settled();
    assert.equal(device.presence.state, 'gone');
  });

  it('has a fresh lifetime after a restart of the gateway, so that a lost renewal expires nothing', async () => {
    const device = await world.register('pump', {
      presence: { state: 'reachable', until: world.clock.now() + 60_000 },
    });
    world.clock.advance(55_000);
    world.context.deviceRenewed(device.id, { state: 'reachable', until: world.clock.now() + 60_000 });
    const after = await world.restarted();
    const known = (await after.context.device(device.id))!;
    after.clock.advance(50_000);
    await settled();
    assert.equal(known.presence.state, 'reachable');
    after.clock.advance(12_000);
    await settled();
    assert.equal(known.presence.state, 'gone');
  });

  it('is found before all devices are loaded, and among all of them', async () => {
    for (let count = 0; count < 450; count++) await world.register(`pump-${count}`);
    const after = await createWorld(store, { clock: world.clock });
    assert.ok(await after.context.deviceByIdentity('pump-449'));
    const seen = new Set<string>();
    for await (const device of after.context.devices()) seen.add(device.identity);
    assert.equal(seen.size, 450);
  });

  it('behind a proxy shares the lane of the proxy', async () => {
    const proxy = await world.register('proxy');
    const sensor = await world.register('sensor', { proxiedBy: 'proxy' });
    assert.equal(sensor.lane, proxy.lane);
    const session = await world.context.openSession(proxy.id, nobody);
    const reply = world.management.retrieve(await world.object('battery', 'sensor'), undefined, requester(world));
    const operation = await serve(session, values({ '/3/0/9': 4 }));
    assert.equal(operation.device, sensor.id);
    assert.equal(statusOf(await reply), 'done');
  });
});

describe('onboarding', () => {
  let store: Store;
  let world: World;
  let session: LaneSession;

  beforeEach(async () => {
    store = await openTemporaryStore();
    world = await createWorld(store, { quiet: false });
    session = await world.context.openSession((await world.register()).id, nobody);
  });

  afterEach(() => store.close());

  it('reads initial values, and makes what they decide', async () => {
    const first = await takeOne(session);
    assert.equal(first.kind, 'refresh');
    await session.dispatched([first]);
    await session.settle(first, values({ '/3/0/14': 'pump 1', '/3/0/6': 1, '/5/0/7': '1.0' }));
    assert.equal((await world.object('label')).attributes['text'], 'pump 1');
    assert.equal((await world.object('firmware')).attributes['version'], '1.0');
    await serve(session, values({ '/3/0/9': 99 }));
    assert.equal(
      (await world.object('battery')).attributes['level'],
      99,
      'it has a battery, and the battery has a level',
    );
    assert.deepEqual(await session.take(1), []);
  });

  it('makes nothing that the device does not have', async () => {
    await serve(session, { status: 'succeeded', results: [{ path: '/3/0/6', absent: true }] });
    await assert.rejects(world.object('battery'));
  });

  it('is done again after a crash, and when the device did not answer', async () => {
    await session.dispatched([await takeOne(session)]);
    world = await world.restarted();
    session = await world.context.openSession(session.device, nobody);
    await serve(session, { status: 'failed', results: [], failure: { cause: 'no-answer', explanation: 'silent' } });
    await serve(session, values({ '/3/0/6': 1 }));
    assert.ok(await world.object('battery'));
  });

  it('decides nothing by silence, and asks again when the device registers anew', async () => {
    const silence = { cause: 'no-answer' as const, explanation: 'silent' };
    const results = ['/3/0/6', '/3/0/14', '/5/0/7'].map((path) => ({ path, failure: silence }));
    for (let count = 0; count < 5; count++) {
      await serve(session, { status: 'failed', results, failure: silence });
    }
    await settled();
    assert.deepEqual(await session.take(1), [], 'it is not asked for ever');
    await world.register('pump', { inventory: undefined });
    await serve(session, values({ '/3/0/6': 1, '/3/0/14': 'a', '/5/0/7': '1' }));
    assert.ok(await world.object('battery'));
    await serve(session, values({ '/3/0/9': 1 }));
    await world.register('pump', { inventory: undefined });
    assert.deepEqual(await session.take(1), []);
  });

  it('is not repeated by a registration with the same objects', async () => {
    await serve(session, values({ '/3/0/6': 1, '/3/0/14': 'a', '/5/0/7': '1' }));
    await serve(session, values({ '/3/0/9': 1 }));
    await world.register();
    session = await world.context.openSession(session.device, nobody);
    assert.deepEqual(await session.take(1), []);
    await world.register('pump', { inventory: { objects: inventoryOf(...allObjects.slice(0, 3)) } });
    assert.ok(await world.object('battery'), 'what a value decided stays decided');
  });
});

describe('what a device says on its own', () => {
  let store: Store;
  let world: World;
  let id: string;

  beforeEach(async () => {
    store = await openTemporaryStore();
    world = await createWorld(store);
    id = (await world.register()).id;
  });

  afterEach(() => store.close());

  it('is stored when the report resolves, and a repeat changes nothing', async () => {
    const event = { event: 'values' as const, values: [{ path: '/3/0/9', value: 20 }] };
    await world.context.report(id, event);
    assert.equal((await world.object('battery')).attributes['level'], 20);
    const before = store.statistics().commits;
    await world.context.report(id, event);
    assert.equal(store.statistics().commits, before);
  });

  it('keeps its order, also when it comes at once', async () => {
    const levels = Array.from({ length: 50 }, (_, index) => index);
    await Promise.all(
      levels.map((value) => world.context.report(id, { event: 'values', values: [{ path: '/3/0/9', value }] })),
    );
    assert.equal((await world.object('battery')).attributes['level'], 49);
  });

  it('about a device that nobody knows is dropped', async () => {
    await world.context.report('nobody', { event: 'values', values: [{ path: '/3/0/9', value: 1 }] });
  });

  it('makes a live read needless as long as it is observed', async () => {
    const battery = await world.object('battery');
    assert.equal(world.management.isCurrent(battery, ['level']), false);
    world.context.observing(id, ['/3/0/9']);
    assert.equal(world.management.isCurrent(battery, ['level']), true);
    world.context.observing(id, ['/3/0']);
    assert.equal(world.management.isCurrent(battery, undefined), true);
    world.context.observing(id, ['/3/0/91']);
    assert.equal(world.management.isCurrent(battery, undefined), false);
    world.context.observing(id, ['/3/0']);
    await world.register();
    assert.equal(world.management.isCurrent(battery, undefined), false, 'a new registration ends observations');
    assert.equal(world.management.isCurrent(await world.object('reboot'), undefined), true, 'nothing of it is read');
  });

  it('follows the subscriptions: the most demanding of them, told to the leg once', async () => {
    world.resources.subscriptions = new Map([
      ['node-pump-battery', { attributes: ['level'], minimumPeriod: 5, maximumPeriod: 60 }],
      ['node-pump-label', { maximumPeriod: 30 }],
    ]);
    const wishes = await world.context.wish(id);
    assert.deepEqual(
      new Map(wishes.map((wish) => [wish.path, wish])),
      new Map([
        ['/3/0/9', { path: '/3/0/9', minimumPeriod: 5, maximumPeriod: 60 }],
        ['/3/0/14', { path: '/3/0/14', minimumPeriod: undefined, maximumPeriod: 30 }],
      ]),
    );
    world.management.subscriptionsChanged(id);
    world.management.subscriptionsChanged(id);
    world.clock.advance(100);
    assert.deepEqual(world.leg.wishes, ['pump']);
  });
});

describe('ManualClock and management', () => {
  it('agree on time: nothing in a world waits for the wall clock', async () => {
    const store = await openTemporaryStore();
    const clock = new ManualClock();
    const world = await createWorld(store, { clock });
    await world.register();
    assert.equal(world.context.now(), clock.now());
    await world.management.stop(new Date(clock.now()));
    await store.close();
  });
});
