import assert from 'node:assert/strict';
import { Withdrawn, type LaneSession } from '../../src/management/adapter.ts';
import type { Reply } from '../../src/management/facade.ts';
import type { Operation } from '../../src/management/operation.ts';
import { failed } from '../../src/management/outcome.ts';
import type { Store } from '../../src/store/store.ts';
import { openTemporaryStore } from '../support/store.ts';
import { createWorld, done, requester, serve, settled, statusOf, takeOne, values, type World } from './world.ts';

const nobody = (): void => {};

describe('a lane', () => {
  let store: Store;
  let world: World;
  let session: LaneSession;

  beforeEach(async () => {
    store = await openTemporaryStore();
    world = await createWorld(store);
    const device = await world.register();
    session = await world.context.openSession(device.id, nobody);
  });

  afterEach(() => store.close());

  async function rows(): Promise<{ state: unknown; kind: string }[]> {
    const found = await store.find<Operation>({ table: 'operations', orderBy: [{ column: 'key' }] });
    return found.map(({ columns, data }) => ({ state: columns['state'], kind: data.kind }));
  }

  it('answers a live read with what the device says, and stores it', async () => {
    const reply = world.management.retrieve(await world.object('battery'), ['level'], requester(world));
    await serve(session, values({ '/3/0/9': 80 }));
    assert.deepEqual(await reply, {
      done: true,
      patch: { level: 80 },
      operation: ((await reply) as { operation: string }).operation,
    });
    assert.equal((await world.object('battery')).attributes['level'], 80);
    assert.deepEqual(await rows(), [], 'a read for a requester who waits is never stored');
  });

  it('writes nothing when the device says what is stored already', async () => {
    await world.context.report((await world.context.deviceByIdentity('pump'))!.id, {
      event: 'values',
      values: [{ path: '/3/0/9', value: 80 }],
    });
    const commits = store.statistics().commits;
    const reply = world.management.retrieve(await world.object('battery'), undefined, requester(world));
    await serve(session, values({ '/3/0/9': 80 }));
    assert.equal(statusOf(await reply), 'done');
    assert.equal(store.statistics().commits, commits);
  });

  it('leaves a missing optional resource absent', async () => {
    const reply = world.management.retrieve(await world.object('battery'), undefined, requester(world));
    await serve(session, { status: 'succeeded', results: [{ path: '/3/0/9', absent: true }] });
    assert.equal(statusOf(await reply), 'done');
    assert.equal('level' in (await world.object('battery')).attributes, false);
  });

  it('stores an operation before anybody gets it, says "dispatched" before it is sent, and keeps how it ended', async () => {
    const reply = world.management.update(await world.object('label'), { text: 'x' }, requester(world));
    const operation = await takeOne(session);
    assert.deepEqual(await rows(), [{ state: 'queued', kind: 'write' }], 'taken is known to the process alone');
    await session.dispatched([operation]);
    assert.deepEqual(await rows(), [{ state: 'dispatched', kind: 'write' }]);
    await session.settle(operation, done('/3/0/14'));
    assert.deepEqual(await rows(), [{ state: 'succeeded', kind: 'write' }]);
    assert.equal(statusOf(await reply), 'done');
    assert.equal((await world.object('label')).attributes['text'], 'x');
    const audit = await store.find<{ outcome: string; requester: { originator: string } }>({ table: 'audit' });
    assert.deepEqual(
      audit.map(({ data }) => [data.outcome, data.requester.originator]),
      [['succeeded', 'CAdmin']],
    );
  });

  it('leaves the resource alone when the device refuses', async () => {
    const reply = world.management.update(await world.object('label'), { text: 'x' }, requester(world));
    await serve(session, failed({ cause: 'no-privilege', explanation: 'not allowed', evidence: '4.01 Unauthorized' }));
    const answer = await reply;
    assert.equal(statusOf(answer), 5105);
    assert.match((answer as { explanation: string }).explanation, /4\.01 Unauthorized/);
    assert.equal('text' in (await world.object('label')).attributes, false);
  });

  it('keeps the order of acceptance, reads among writes', async () => {
    const label = await world.object('label');
    const battery = await world.object('battery');
    const replies = [
      world.management.update(label, { text: 'one' }, requester(world)),
      world.management.retrieve(battery, undefined, requester(world)),
      world.management.update(label, { text: 'two' }, requester(world)),
      world.management.retrieve(label, undefined, requester(world)),
    ];
    // Updates ask for their device before they queue; the reads of this test are asked after that.
    const kinds: string[] = [];
    for (let count = 0; count < 4; count++) {
      const operation = await serve(session, (taken) =>
        taken.kind === 'write' ? done('/3/0/14') : values({ '/3/0/9': 1, '/3/0/14': 'two' }),
      );
      kinds.push(operation.kind);
    }
    await Promise.all(replies);
    assert.equal(kinds.filter((kind) => kind === 'write').length, 2);
    assert.equal((await world.object('label')).attributes['text'], 'two');
  });

  it('hands out nothing behind an operation that is still being stored', async () => {
    const label = await world.object('label');
    const battery = await world.object('battery');
    const write = world.management.update(label, { text: 'one' }, requester(world));
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    const read = world.management.retrieve(battery, undefined, requester(world));
    const first = await takeOne(session);
    const second = await takeOne(session);
    assert.deepEqual([first.kind, second.kind], ['write', 'read']);
    await session.dispatched([first, second]);
    await session.settle(second, values({ '/3/0/9': 5 }));
    await session.settle(first, done('/3/0/14'));
    assert.deepEqual([statusOf(await write), statusOf(await read)], ['done', 'done']);
  });

  it('never waits for the lane of another device', async () => {
    const other = await world.register('valve');
    const busy = world.management.retrieve(await world.object('battery'), undefined, requester(world));
    const stuck = await takeOne(session);
    await session.dispatched([stuck]);
    const second = await world.context.openSession(other.id, nobody);
    const reply = world.management.retrieve(await world.object('battery', 'valve'), undefined, requester(world));
    await serve(second, values({ '/3/0/9': 7 }));
    assert.equal(statusOf(await reply), 'done');
    await session.settle(stuck, values({ '/3/0/9': 1 }));
    await busy;
  });

  it('puts released operations back to their place', async () => {
    const label = await world.object('label');
    const replies: Promise<Reply>[] = [];
    for (const text of ['one', 'two', 'three']) {
      replies.push(world.management.update(label, { text }, requester(world)));
      await settled();
    }
    const [first, second] = await session.take(2);
    await session.dispatched([second!]);
    await session.release([second!, first!]);
    assert.deepEqual(
      (await rows()).map(({ state }) => state),
      ['queued', 'queued', 'queued'],
    );
    const texts: unknown[] = [];
    for (let count = 0; count < 3; count++) {
      await serve(session, (operation) => {
        const step = operation.steps[0]!;
        texts.push(step.action === 'write' && step.assignments[0]!.value);
        return done('/3/0/14');
      });
    }
    assert.deepEqual(texts, ['one', 'two', 'three']);
    await Promise.all(replies);
  });

  it('has room for so many operations and no more', async () => {
    world = await createWorld(store, { settings: { laneCapacity: 2 }, clock: world.clock });
    const battery = await world.object('battery');
    const label = await world.object('label');
    const first = world.management.retrieve(battery, undefined, requester(world));
    const second = world.management.retrieve(label, undefined, requester(world));
    const third = await world.management.retrieve(await world.object('firmware'), undefined, requester(world));
    assert.equal(statusOf(third), 5207);
    assert.match((third as { explanation: string }).explanation, /lane\.capacity/);
    world.clock.advance(31_000);
    assert.deepEqual([statusOf(await first), statusOf(await second)], [6021, 6021]);
  });

  it('shares one exchange among equal reads that wait together', async () => {
    const battery = await world.object('battery');
    const replies = [1, 2, 3].map(() => world.management.retrieve(battery, ['level'], requester(world)));
    await serve(session, values({ '/3/0/9': 42 }));
    for (const reply of await Promise.all(replies)) assert.deepEqual('patch' in reply && reply.patch, { level: 42 });
    assert.deepEqual(await session.take(1), []);
  });

  it('does not let a read share with one from before a write', async () => {
    const label = await world.object('label');
    const before = world.management.retrieve(label, undefined, requester(world));
    const read = await takeOne(session);
    await session.dispatched([read]);
    const write = world.management.update(label, { text: 'new' }, requester(world));
    const written = await takeOne(session);
    const after = world.management.retrieve(label, undefined, requester(world));
    await session.dispatched([written]);
    await session.settle(read, values({ '/3/0/14': 'old' }));
    await session.settle(written, done('/3/0/14'));
    await serve(session, values({ '/3/0/14': 'new' }));
    assert.deepEqual([statusOf(await before), statusOf(await write), statusOf(await after)], ['done', 'done', 'done']);
    assert.equal((await world.object('label')).attributes['text'], 'new');
  });

  it('calls for work only when its session has nothing to do', async () => {
    let calls = 0;
    const device = (await world.context.deviceByIdentity('pump'))!;
    session = await world.context.openSession(device.id, () => calls++);
    const battery = await world.object('battery');
    const first = world.management.retrieve(battery, undefined, requester(world));
    const second = world.management.retrieve(await world.object('label'), undefined, requester(world));
    assert.equal(calls, 1, 'told once');
    await serve(session, values({ '/3/0/9': 1 }));
    await serve(session, values({ '/3/0/14': 'x' }));
    assert.deepEqual(await session.take(1), []);
    const third = world.management.retrieve(battery, undefined, requester(world));
    assert.equal(calls, 2, 'told again after it had nothing');
    await serve(session, values({ '/3/0/9': 1 }));
    await Promise.all([first, second, third]);
  });

  describe('when the time of a requester is over', () => {
    it('6021: nothing was sent, and the leg cannot send it any more', async () => {
      const reply = world.management.update(await world.object('label'), { text: 'x' }, requester(world));
      const operation = await takeOne(session);
      world.clock.advance(30_050);
      assert.equal(statusOf(await reply), 6021);
      await assert.rejects(session.dispatched([operation]), Withdrawn);
      assert.deepEqual(await rows(), [{ state: 'withdrawn', kind: 'write' }]);
    });

    it('4008 with the operation when it was sent, and the late outcome still updates the resource', async () => {
      const reply = world.management.update(await world.object('label'), { text: 'late' }, requester(world));
      const operation = await takeOne(session);
      await session.dispatched([operation]);
      world.clock.advance(30_050);
      const answer = await reply;
      assert.equal(statusOf(answer), 4008);
      assert.ok((answer as { explanation: string }).explanation.includes(operation.id));
      await session.settle(operation, done('/3/0/14'));
      assert.equal((await world.object('label')).attributes['text'], 'late');
      assert.equal((await world.management.operation(operation.id))?.state, 'succeeded');
    });

    it('a non-blocking request stays queued until its own expiration', async () => {
      session = await world.context.openSession(session.device, nobody);
      const patient = { within: 3_600_000, blocking: false };
      const reply = world.management.update(await world.object('label'), { text: 'x' }, requester(world, patient));
      await settled();
      world.clock.advance(600_000);
      await serve(session, done('/3/0/14'));
      assert.equal(statusOf(await reply), 'done');
      const expired = world.management.update(await world.object('label'), { text: 'y' }, requester(world, patient));
      await settled();
      world.clock.advance(3_600_050);
      assert.equal(statusOf(await expired), 6021);
      assert.equal((await rows()).at(-1)?.state, 'expired');
    });

    it('one of two who share a read may give up alone', async () => {
      const battery = await world.object('battery');
      const hasty = world.management.retrieve(battery, undefined, requester(world, { within: 1000 }));
      const patient = world.management.retrieve(battery, undefined, requester(world));
      world.clock.advance(1100);
      assert.equal(statusOf(await hasty), 6021);
      await serve(session, values({ '/3/0/9': 3 }));
      assert.equal(statusOf(await patient), 'done');
    });
  });

  describe('when the device cannot be had', () => {
    it('6003: it is not registered', async () => {
      const object = await world.object('battery');
      await world.context.deviceGone(session.device, 'it said goodbye');
      const reply = await world.management.retrieve(object, undefined, requester(world));
      assert.equal(statusOf(reply), 6003);
      assert.match((reply as { explanation: string }).explanation, /goodbye/);
      const unknown = await world.management.retrieve({ ...object, deviceId: 'no-such' }, undefined, requester(world));
      assert.equal(statusOf(unknown), 6003);
    });

    it('6020: it cannot be woken', async () => {
      await session.close();
      world.leg.wakeResult = { state: 'impossible', why: 'no address' };
      const reply = await world.management.update(await world.object('label'), { text: 'x' }, requester(world));
      assert.equal(statusOf(reply), 6020);
      assert.match((reply as { explanation: string }).explanation, /no address/);
      assert.deepEqual(world.leg.wakes, ['pump']);
    });

    it('was awake a moment ago: it is called all the same when its session is over', async () => {
      await session.close();
      world.leg.wakeResult = { state: 'awake' };
      const label = await world.object('label');
      const first = world.management.update(label, { text: 'x' }, requester(world));
      await settled();
      const next = await world.context.openSession(session.device, nobody);
      await serve(next, done('/3/0/14'));
      assert.equal(statusOf(await first), 'done');
      await next.close();
      world.leg.wakeResult = { state: 'asked', by: 'HTTP connection request' };
      void world.management.update(label, { text: 'y' }, requester(world));
      await settled();
      assert.equal(world.leg.wakes.length, 2);
    });

    it('6021: it took the call and did not come; it was called once more, and the answer says so', async () => {
      await session.close();
      const asked = (within: number) => ({
        state: 'asked' as const,
        by: 'HTTP connection request',
        expectedBefore: world.clock.now() + within,
      });
      world.leg.wakeResult = asked(30_000);
      const label = await world.object('label');
      const patience = (within: number) => requester(world, { within });
      const hasty = world.management.update(label, { text: 'x' }, patience(1000));
      const patient = world.management.update(label, { text: 'y' }, patience(90_000));
      await settled();
      world.clock.advance(1100);
      await settled();
      assert.match(
        ((await hasty) as { explanation: string }).explanation,
        /called by HTTP connection request, expected before 20/,
      );
      world.leg.wakeResult = asked(28_900 + 30_000);
      world.clock.advance(28_900);
      await settled();
      assert.equal(world.leg.wakes.length, 2);
      world.clock.advance(30_000);
      await settled();
      world.clock.advance(30_000);
      assert.equal(statusOf(await patient), 6021);
      assert.match(
        ((await patient) as { explanation: string }).explanation,
        /took the HTTP connection request 2 times/,
      );
      assert.equal(world.leg.wakes.length, 2);
    });

    it('a non-blocking request waits even for a device that is gone', async () => {
      const object = await world.object('label');
      await world.context.deviceGone(session.device, 'winter');
      world.leg.wakeResult = { state: 'impossible', why: 'winter' };
      const reply = world.management.update(
        object,
        { text: 'spring' },
        requester(world, { within: 1e7, blocking: false }),
      );
      await settled();
      const device = await world.register();
      session = await world.context.openSession(device.id, nobody);
      await serve(session, done('/3/0/14'));
      assert.equal(statusOf(await reply), 'done');
    });

    it('a leg that says "nothing was sent" of something that was sent is not believed', async () => {
      const reply = world.management.update(await world.object('label'), { text: 'x' }, requester(world));
      await serve(session, failed({ cause: 'session-timeout', explanation: 'asleep' }));
      for (let attempt = 0; attempt < 4; attempt++) {
        await serve(session, failed({ cause: 'session-timeout', explanation: 'asleep' }));
      }
      assert.equal(statusOf(await reply), 4008);
    });
  });

  describe('when a newer session takes it', () => {
    it('the older one is aborted and hands back what it had taken', async () => {
      const reply = world.management.update(await world.object('label'), { text: 'x' }, requester(world));
      const taken = await takeOne(session);
      const newer = await world.context.openSession(session.device, nobody);
      assert.equal(session.signal.aborted, true);
      assert.deepEqual(await session.take(1), []);
      await assert.rejects(session.dispatched([taken]), Withdrawn);
      await serve(newer, done('/3/0/14'));
      assert.equal(statusOf(await reply), 'done');
    });

    it('what may be repeated is sent again, and an answer to the first sending counts', async () => {
      const reply = world.management.update(await world.object('label'), { text: 'x' }, requester(world));
      const operation = await takeOne(session);
      await session.dispatched([operation]);
      const newer = await world.context.openSession(session.device, nobody);
      assert.equal((await takeOne(newer)).id, operation.id);
      await session.settle(operation, done('/3/0/14'));
      assert.equal(statusOf(await reply), 'done');
      await assert.rejects(newer.dispatched([operation]), Withdrawn);
    });

    it('what it had sent is never called unsent, also when the newer one gives it back', async () => {
      const reply = world.management.update(await world.object('label'), { text: 'x' }, requester(world));
      await session.dispatched([await takeOne(session)]);
      const newer = await world.context.openSession(session.device, nobody);
      const again = await takeOne(newer);
      await newer.dispatched([again]);
      await newer.release([again]);
      world.clock.advance(30_050);
      assert.equal(statusOf(await reply), 4008);
    });

    it('a read that nobody ever answers ends, also over many sessions', async () => {
      const reply = world.management.retrieve(await world.object('battery'), undefined, requester(world));
      for (let count = 0; count < 5; count++) {
        await session.dispatched([await takeOne(session)]);
        session = await world.context.openSession(session.device, nobody);
      }
      assert.equal(statusOf(await reply), 4008);
    });
  });

  it('a second settlement changes nothing', async () => {
    const reply = world.management.update(await world.object('label'), { text: 'first' }, requester(world));
    const operation = await serve(session, done('/3/0/14'));
    await session.settle(operation, failed({ cause: 'device-error', explanation: 'no' }));
    assert.equal(statusOf(await reply), 'done');
    assert.equal((await world.management.operation(operation.id))?.state, 'succeeded');
    assert.equal(await store.count({ table: 'audit' }), 1);
  });

  it('keeps the writes that were done when a later one fails', async () => {
    const reply = world.management.update(await world.object('label'), { text: 'x', colour: 'red' }, requester(world));
    await serve(session, {
      status: 'failed',
      failedStep: 1,
      failure: { cause: 'device-error', explanation: 'no' },
      results: [{ path: '/3/0/14', done: true }],
    });
    assert.equal(statusOf(await reply), 5000);
    const { attributes } = await world.object('label');
    assert.deepEqual([attributes['text'], attributes['colour']], ['x', undefined]);
  });

  it('tells those whose operations were not sent that the gateway stops', async () => {
    const reply = world.management.update(await world.object('label'), { text: 'x' }, requester(world));
    await settled();
    await world.management.stop(new Date(world.clock.now()));
    assert.equal(statusOf(await reply), 6020);
    assert.equal(
      statusOf(await world.management.retrieve(await world.object('battery'), undefined, requester(world))),
      6020,
    );
  });
});
