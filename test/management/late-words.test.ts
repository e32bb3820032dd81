import assert from 'node:assert/strict';
import { Withdrawn, type LaneSession } from '../../src/management/adapter.ts';
import type { Operation, Pending } from '../../src/management/operation.ts';
import { failed, succeeded, type Outcome } from '../../src/management/outcome.ts';
import type { Store } from '../../src/store/store.ts';
import { ManualClock } from '../../src/support/clock.ts';
import { MemoryStore } from '../support/memory-store.ts';
import { openTemporaryStore } from '../support/store.ts';
import { createWorld, requester, settled, statusOf, takeOne, values, type World } from './world.ts';

const nobody = (): void => {};
const noAnswer: Outcome = failed({ cause: 'no-answer', explanation: 'no answer' });

describe('what comes too late', () => {
  let store: Store;
  let world: World;
  let session: LaneSession;

  beforeEach(async () => {
    store = await openTemporaryStore();
    world = await createWorld(store);
    session = await world.context.openSession((await world.register()).id, nobody);
  });

  afterEach(() => store.close());

  function pendingFor(operation: Operation): Pending {
    return {
      correlator: operation.id,
      procedure: 'firmware-update',
      state: {},
      deadline: world.clock.now() + 3_600_000,
      holds: '/5/0',
    };
  }

  async function begin(): Promise<Operation> {
    void world.management.update(
      await world.object('firmware'),
      { URL: 'coap://x/2', version: '2', update: true },
      requester(world),
    );
    const operation = await takeOne(session);
    await session.dispatched([operation]);
    return operation;
  }

  it('a word of a device whose registration has ended does not bring it back: it has no lifetime any more', async () => {
    const device = await world.context.deviceByIdentity('pump');
    await world.context.deviceGone(device!.id, 'its registration has expired');
    world.context.deviceRenewed(device!.id, { state: 'asleep', why: 'it did not answer' });
    assert.equal(device!.presence.state, 'gone');
    const reply = await world.management.retrieve(await world.object('battery'), undefined, requester(world));
    assert.equal(statusOf(reply), 6003);
    await world.register();
    assert.equal(device!.presence.state, 'reachable');
  });

  it('a step of a procedure whose operation is over is refused, so that nothing more is done on the device', async () => {
    const operation = await begin();
    await session.accepted(operation, pendingFor(operation));
    await world.management.forget(session.device);
    await assert.rejects(world.context.progress(operation, pendingFor(operation)), Withdrawn);
    await assert.rejects(session.accepted(operation, pendingFor(operation)), Withdrawn);
  });

  it('evidence does not end a procedure that the device has accepted meanwhile', async () => {
    void world.management.update(await world.object('switch'), { turn: true }, requester(world));
    const operation = await takeOne(session);
    await session.dispatched([operation]);
    const newer = await world.context.openSession(session.device, nobody);
    const question = await takeOne(newer);
    await newer.dispatched([question]);
    await session.accepted(operation, { ...pendingFor(operation), holds: '/9/0' });
    await newer.settle(question, values({ '/9/0/2': false }));
    await settled();
    assert.equal((await world.management.operation(operation.id))?.state, 'accepted');
    await world.context.settle(operation, succeeded());
    assert.equal((await world.management.operation(operation.id))?.state, 'succeeded');
  });

  it('a question for evidence does not stay in the lane of a device that never comes back', async () => {
    void world.management.update(await world.object('switch'), { turn: true }, requester(world));
    const operation = await takeOne(session);
    await session.dispatched([operation]);
    await session.settle(operation, noAnswer);
    world.clock.advance(3_700_000);
    await settled();
    assert.equal((await world.management.operation(operation.id))?.state, 'unknown');
    assert.equal(world.management.statistics().operations, 0);
  });

  it('a read that was sent, and that nobody waits for any more, ends with its session', async () => {
    const reply = world.management.retrieve(await world.object('battery'), undefined, requester(world));
    const operation = await takeOne(session);
    await session.dispatched([operation]);
    world.clock.advance(31_000);
    assert.equal(statusOf(await reply), 4008);
    await session.close();
    await settled();
    assert.equal(world.management.statistics().operations, 0);
  });

  it('a write that may be repeated is not sent again once its requester has been told 4008 and its time is over', async () => {
    const reply = world.management.update(await world.object('label'), { text: 'x' }, requester(world));
    const operation = await takeOne(session);
    await session.dispatched([operation]);
    world.clock.advance(31_000);
    assert.equal(statusOf(await reply), 4008);
    session = await world.context.openSession(session.device, nobody);
    await settled();
    assert.deepEqual(await session.take(1), []);
    assert.equal((await world.management.operation(operation.id))?.state, 'unknown');
  });

  it('settled operations and the audit trail go, however many there are', async () => {
    const put = Array.from({ length: 1300 }, (_, index) => ({
      table: 'operations' as const,
      columns: {
        id: `o${index}`,
        lane: 'l',
        device: 'd',
        state: 'succeeded',
        correlator: null,
        resource: null,
        due: world.clock.now() + 1000,
      },
      data: {},
    }));
    const trail = put.map(() => ({
      table: 'audit' as const,
      columns: { device: 'd', at: world.clock.now() },
      data: {},
    }));
    await store.commit({ append: [...put, ...trail] });
    const emptied = async (table: 'operations' | 'audit'): Promise<boolean> => {
      for (let turn = 0; turn < 200 && (await store.count({ table })) > 0; turn++) await settled();
      return (await store.count({ table })) === 0;
    };
    world.clock.advance(61_000);
    assert.ok(await emptied('operations'));
    assert.equal(await store.count({ table: 'audit' }), 1300);
    world.clock.advance(91 * 86_400_000);
    await settled();
    world.clock.advance(61_000);
    assert.ok(await emptied('audit'));
  });
});

/** Waits for a commit that the store holds back. */
async function held(store: MemoryStore): Promise<void> {
  for (let turn = 0; turn < 1000 && store.pending.length === 0; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('when the store takes nothing', () => {
  it('who waits is answered 6021 in time all the same, and the cancellation of a queued operation is not promised', async () => {
    const clock = new ManualClock();
    const store = new MemoryStore(() => clock.now());
    const world = await createWorld(store, { clock });
    await world.register();
    const label = await world.object('label');
    const reply = world.management.update(label, { text: 'x' }, requester(world));
    const patient = requester(world, { within: 600_000, blocking: false });
    void world.management.update(label, { text: 'y' }, patient);
    await settled();
    const [, second] = await store.find<Operation>({ table: 'operations', orderBy: [{ column: 'key' }] });
    store.immediate = false;
    clock.advance(30_100);
    await held(store);
    while (store.pending.length > 0) store.pending[0]!.fail(new Error('disk is full'));
    assert.equal(statusOf(await reply), 6021);

    const cancelled = world.management.cancel(second!.data.id, patient);
    await held(store);
    while (store.pending.length > 0) store.pending[0]!.fail(new Error('disk is full'));
    assert.equal(statusOf(await cancelled), 5000);
    store.immediate = true;
    clock.advance(5100);
    await settled();
    const states = await store.find({ table: 'operations', orderBy: [{ column: 'key' }] });
    assert.deepEqual(
      states.map(({ columns }) => columns['state']),
      ['withdrawn', 'cancelled'],
    );
  });
});
