import assert from 'node:assert/strict';
import type { LaneSession } from '../../src/management/adapter.ts';
import type { Operation, Pending } from '../../src/management/operation.ts';
import { failed, succeeded } from '../../src/management/outcome.ts';
import type { Store } from '../../src/store/store.ts';
import { openTemporaryStore } from '../support/store.ts';
import { createWorld, done, requester, serve, settled, statusOf, takeOne, values, type World } from './world.ts';

const nobody = (): void => {};
const running = { action: 'update', status: 3 };

describe('a procedure', () => {
  let store: Store;
  let world: World;
  let session: LaneSession;

  beforeEach(async () => {
    store = await openTemporaryStore();
    world = await createWorld(store);
    session = await world.context.openSession((await world.register()).id, nobody);
  });

  afterEach(() => store.close());

  function pendingUntil(ms: number, more: Partial<Pending> = {}): Pending {
    return {
      correlator: '/5/0',
      procedure: 'firmware-update',
      state: { step: 1 },
      deadline: world.clock.now() + ms,
      holds: '/5/0',
      ...more,
    };
  }

  async function begin(): Promise<Operation> {
    const reply = world.management.update(
      await world.object('firmware'),
      { URL: 'coap://x/2', version: '2', update: true },
      requester(world),
    );
    const operation = await takeOne(session);
    await session.dispatched([operation]);
    await session.accepted(operation, pendingUntil(3_600_000));
    assert.equal(statusOf(await reply), 'done');
    return operation;
  }

  async function status(): Promise<unknown> {
    return (await world.object('firmware')).attributes['updateStatus'];
  }

  it('is answered when the device accepted it, with In_Process and its inputs stored in that moment', async () => {
    const operation = await begin();
    const { attributes } = await world.object('firmware');
    assert.deepEqual(attributes, { URL: 'coap://x/2', version: '2', update: true, updateStatus: running });
    assert.deepEqual(
      (await world.context.pending(operation.device)).map(({ id }) => id),
      [operation.id],
    );
    assert.deepEqual(
      (await world.context.pending(operation.device, '/5/0')).map(({ id }) => id),
      [operation.id],
    );
    assert.deepEqual(await world.context.pending(operation.device, 'else'), []);
  });

  it('leaves the lane to others while it runs', async () => {
    await begin();
    const reply = world.management.retrieve(await world.object('battery'), undefined, requester(world));
    await serve(session, values({ '/3/0/9': 50 }));
    assert.equal(statusOf(await reply), 'done');
  });

  it('refuses a second trigger of its object, queued or running, until it is over', async () => {
    const object = await world.object('firmware');
    const first = world.management.update(object, { URL: 'x', update: true }, requester(world));
    const operation = await takeOne(session);
    const early = await world.management.update(object, { URL: 'y', update: true }, requester(world));
    assert.equal(statusOf(early), 4105);
    await session.dispatched([operation]);
    await session.accepted(operation, pendingUntil(1000, { progress: 40 }));
    await first;
    const second = await world.management.update(object, { URL: 'y', update: true }, requester(world));
    assert.equal(statusOf(second), 4105);
    assert.match((second as { explanation: string }).explanation, /40 %/);
    await world.context.settle(operation, succeeded());
    void world.management.update(object, { URL: 'y', update: true }, requester(world));
    await takeOne(session);
  });

  it('shows its verdict and reads again what it changed', async () => {
    const operation = await begin();
    await world.context.settle(operation, succeeded());
    assert.deepEqual(await status(), { action: 'update', status: 1 });
    assert.equal((await world.object('firmware')).attributes['update'], false);
    const refresh = await serve(session, values({ '/5/0/7': '2.0.1' }));
    assert.equal(refresh.kind, 'refresh');
    assert.equal((await world.object('firmware')).attributes['version'], '2.0.1');
  });

  it('fails visibly', async () => {
    const operation = await begin();
    await world.context.settle(operation, failed({ cause: 'transfer-failed', explanation: 'no such file' }));
    assert.deepEqual(await status(), { action: 'update', status: 2 });
    assert.equal((await world.object('firmware')).attributes['update'], false);
  });

  it('has the last word on its status: later reads do not change it before the next trigger', async () => {
    const operation = await begin();
    await world.context.settle(operation, failed({ cause: 'version-mismatch', explanation: 'still 1.0' }));
    await world.context.report(operation.device, { event: 'values', values: [{ path: '/5/0/5', value: 1 }] });
    assert.deepEqual(await status(), { action: 'update', status: 2 });
    await begin();
    assert.deepEqual(await status(), running);
  });

  it('before any trigger the status follows what the device says', async () => {
    const { device } = session;
    await world.context.report(device, { event: 'values', values: [{ path: '/5/0/5', value: 1 }] });
    assert.deepEqual(await status(), { action: 'update', status: 1 });
  });

  it('remembers inputs that were written before, and uses them up', async () => {
    let object = await world.object('firmware');
    const reply = await world.management.update(object, { URL: 'http://early' }, requester(world));
    assert.equal(statusOf(reply), 'locally');
    assert.deepEqual('notes' in reply && reply.notes, { inputs: { URL: 'http://early' } });
    object = { ...object, notes: { inputs: { URL: 'http://early' } } };
    void world.management.update(object, { update: true }, requester(world));
    const operation = await takeOne(session);
    const step = operation.steps[0]!;
    assert.equal(step.action === 'procedure' && step.inputs['url'], 'http://early');
    await session.dispatched([operation]);
    await session.accepted(operation, pendingUntil(1000));
    assert.deepEqual((await world.object('firmware')).notes, { verdicts: ['updateStatus'] });
  });

  it('stores its progress and shows values at once', async () => {
    const operation = await begin();
    await world.context.progress(operation, pendingUntil(7_200_000, { state: { step: 2 } }), [
      { path: '/5/0/7', value: '2-beta' },
    ]);
    assert.deepEqual(operation.pending?.state, { step: 2 });
    assert.equal((await world.object('firmware')).attributes['version'], '2-beta');
  });

  it('leaves everything as it was when the device refuses it at once', async () => {
    const object = await world.object('firmware');
    const reply = world.management.update(object, { URL: 'bad', update: true }, requester(world));
    await serve(session, failed({ cause: 'bad-request', explanation: 'no such scheme' }));
    assert.equal(statusOf(await reply), 4000);
    const { attributes, notes } = await world.object('firmware');
    assert.deepEqual(attributes, { update: false, updateStatus: { action: 'update', status: 2 } });
    assert.equal(notes, undefined);
  });

  it('is failed some time after its deadline when its leg did not do so', async () => {
    const operation = await begin();
    world.clock.advance(3_600_000 + 30_000);
    await settled();
    assert.equal(operation.state, 'accepted');
    world.clock.advance(31_000);
    await settled();
    const over = await world.management.operation(operation.id);
    assert.deepEqual([over?.state, over?.outcome?.failure?.cause], ['failed', 'deadline']);
    assert.deepEqual(await status(), { action: 'update', status: 2 });
  });

  it('goes on after a restart of the gateway', async () => {
    const operation = await begin();
    const after = await world.restarted();
    const [pending] = await after.context.pending(operation.device);
    assert.deepEqual(pending?.pending?.state, { step: 1 });
    const second = await after.management.update(await after.object('firmware'), { update: true }, requester(after));
    assert.equal(statusOf(second), 4105);
    await after.context.settle(pending!, succeeded());
    assert.deepEqual(await status(), { action: 'update', status: 1 });
  });

  describe('cancelled', () => {
    it('past the queue, when the device agrees', async () => {
      const operation = await begin();
      assert.equal(statusOf(await world.management.cancel(operation.id, requester(world))), 'done');
      assert.equal((await world.management.operation(operation.id))?.state, 'cancelled');
      assert.equal(statusOf(await world.management.cancel(operation.id, requester(world))), 6028);
    });

    it('not when the device refuses, and not when it cannot be', async () => {
      const operation = await begin();
      world.leg.cancelResult = { state: 'refused', failure: { cause: 'not-allowed', explanation: 'too late' } };
      assert.equal(statusOf(await world.management.cancel(operation.id, requester(world))), 6026);
      world.leg.cancelResult = { state: 'not-cancellable', why: 'it is updating' };
      assert.equal(statusOf(await world.management.cancel(operation.id, requester(world))), 6029);
    });

    it('all the same when the operator gives it up: the device is asked first, and the outcome says what may still happen', async () => {
      const operation = await begin();
      world.leg.cancelResult = { state: 'not-cancellable', why: 'it has forgotten it' };
      const refused = await world.management.cancel(operation.id, requester(world));
      assert.ok(!refused.done && /it has forgotten it; .*trivet cancel \S+ --force/.test(refused.explanation));
      assert.equal(statusOf(await world.management.cancel(operation.id, requester(world), true)), 'done');
      const over = await world.management.operation(operation.id);
      assert.equal(over?.state, 'cancelled');
      assert.match(over?.outcome?.failure?.explanation ?? '', /given up.*the device may still carry it out/);
      assert.deepEqual(await status(), { action: 'update', status: 2 });
      const next = world.management.update(await world.object('firmware'), { update: true }, requester(world));
      const another = await takeOne(session);
      await session.settle(another, done('/5/0/2'));
      await next;
    });

    it('before it was sent, it is never sent', async () => {
      const patient = requester(world, { within: 1e7, blocking: false });
      const reply = world.management.update(await world.object('label'), { text: 'x' }, patient);
      const operation = await takeOne(session);
      assert.equal(statusOf(await world.management.cancel(operation.id, requester(world))), 'done');
      assert.equal(statusOf(await reply), 5207);
      await assert.rejects(session.dispatched([operation]), /withdrawn/);
    });

    it('not while it is on its way', async () => {
      const reply = world.management.update(await world.object('label'), { text: 'x' }, requester(world));
      const operation = await takeOne(session);
      await session.dispatched([operation]);
      assert.equal(statusOf(await world.management.cancel(operation.id, requester(world))), 6029);
      await session.settle(operation, done('/3/0/14'));
      await reply;
    });

    it('4004 for what never was', async () => {
      assert.equal(statusOf(await world.management.cancel('nothing', requester(world))), 4004);
    });
  });
});

describe('creating and deleting on a device', () => {
  let store: Store;
  let world: World;
  let session: LaneSession;

  beforeEach(async () => {
    store = await openTemporaryStore();
    world = await createWorld(store);
    session = await world.context.openSession((await world.register()).id, nobody);
  });

  afterEach(() => store.close());

  it('answers with the path that the device chose', async () => {
    const device = (await world.context.device(session.device))!;
    const reply = world.management.create(device, 1007, { text: 'new' }, {}, requester(world));
    await serve(session, succeeded([{ path: '/3/7', done: true }], { created: '/3/7' }));
    const answer = await reply;
    assert.equal(statusOf(answer), 'done');
    assert.deepEqual(answer.created?.objectPaths, ['/3/7']);
  });

  it('is a success when the device has the same already, and 5106 when it differs', async () => {
    const device = (await world.context.device(session.device))!;
    const wanted = { objectPaths: ['/3/0'] };
    const same = world.management.create(device, 1007, { text: 'mine' }, wanted, requester(world));
    await serve(session, values({ '/3/0/14': 'mine' }));
    assert.equal(statusOf(await same), 'done');
    const other = world.management.create(device, 1007, { text: 'mine' }, wanted, requester(world));
    await serve(session, values({ '/3/0/14': 'theirs' }));
    assert.equal(statusOf(await other), 5106);
  });

  it('deletes what can be deleted, also when it is gone already; 4005 for the rest', async () => {
    const label = await world.object('label');
    const reply = world.management.delete(label, requester(world));
    await serve(session, failed({ cause: 'not-found', explanation: 'gone' }));
    assert.equal(statusOf(await reply), 'done');
    assert.equal(statusOf(await world.management.delete(await world.object('reboot'), requester(world))), 4005);
  });

  it('ends everything when the device is forgotten', async () => {
    const reply = world.management.update(await world.object('label'), { text: 'x' }, requester(world));
    await settled();
    await world.management.forget(session.device);
    assert.equal(statusOf(await reply), 6003);
    assert.equal(session.signal.aborted, true);
    assert.equal(await world.context.device(session.device), undefined);
    assert.equal(await store.count({ table: 'devices' }), 0);
  });
});
