import assert from 'node:assert/strict';
import type { LaneSession } from '../../src/management/adapter.ts';
import type { Operation } from '../../src/management/operation.ts';
import { isProven } from '../../src/management/evidence.ts';
import { failed, type Outcome } from '../../src/management/outcome.ts';
import type { Store } from '../../src/store/store.ts';
import { makeTemporaryDirectory, openTemporaryStore } from '../support/store.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { silentLog } from '../../src/support/log.ts';
import { createWorld, done, requester, serve, settled, statusOf, takeOne, values, type World } from './world.ts';

const nobody = (): void => {};
const noAnswer: Outcome = failed({ cause: 'no-answer', explanation: 'no answer' });

describe('an outcome that nobody knows', () => {
  let store: Store;
  let world: World;
  let session: LaneSession;

  beforeEach(async () => {
    store = await openTemporaryStore();
    world = await createWorld(store);
    session = await world.context.openSession((await world.register()).id, nobody);
  });

  afterEach(() => store.close());

  const triggers: Record<string, string> = { reboot: 'reboot', switch: 'turn', siren: 'sound', firmware: 'update' };

  /** Sends the trigger of a class and loses the answer. */
  async function lose(mapping: string): Promise<{ reply: Promise<unknown>; operation: Operation }> {
    const object = await world.object(mapping);
    const patch = { [triggers[mapping]!]: true, ...(mapping === 'firmware' && { URL: 'coap://x' }) };
    const reply = world.management.update(object, patch, requester(world)).then(statusOf);
    const operation = await takeOne(session);
    await session.dispatched([operation]);
    return { reply, operation };
  }

  async function state(operation: Operation): Promise<string | undefined> {
    return (await world.management.operation(operation.id))?.state;
  }

  it('counts as under way from the dispatch to the end, also in the next process', async () => {
    const { operation } = await lose('firmware');
    const isUnderWay = (of: World): boolean => of.management.isUnderWay(operation.id);
    assert.equal(isUnderWay(world), true);
    await session.settle(operation, noAnswer);
    assert.equal(await state(operation), 'unknown');
    assert.equal(isUnderWay(world), true);
    const next = await world.restarted();
    assert.equal(isUnderWay(next), true);
    await next.management.forget(operation.device);
    assert.equal(isUnderWay(next), false);
    assert.equal(next.management.isUnderWay('nobody-1'), false);
  });

  it('does not count as under way while it waits', async () => {
    void world.management.update(await world.object('reboot'), { reboot: true }, requester(world));
    const operation = await takeOne(session);
    assert.equal(world.management.isUnderWay(operation.id), false);
    await session.dispatched([operation]);
    assert.equal(world.management.isUnderWay(operation.id), true);
  });

  describe('no answer to Reboot', () => {
    it('is success when the device registers anew, also while the leg still waits for the answer', async () => {
      const { reply, operation } = await lose('reboot');
      world.clock.advance(5000);
      await world.register();
      assert.equal(await reply, 'done');
      assert.equal(await state(operation), 'succeeded');
      assert.equal((await world.object('reboot')).attributes['reboot'], false);
    });

    it('is success when it comes back after the leg gave up', async () => {
      const { reply, operation } = await lose('reboot');
      await session.settle(operation, noAnswer);
      world.clock.advance(5000);
      await world.register();
      assert.equal(await reply, 'done');
    });

    it('is not proved by a start of the device that was told before it was sent, and is told again', async () => {
      const startedAt = world.clock.now();
      world.clock.advance(1000);
      const { operation } = await lose('reboot');
      await session.settle(operation, noAnswer);
      world.clock.advance(5000);
      await world.register('pump', { restarted: true, startedAt });
      await settled();
      assert.equal(await state(operation), 'unknown');
      await world.register();
      assert.equal(await state(operation), 'succeeded');
    });

    it('is proved by a start that was told after it was sent, when it is told again to the next process', async () => {
      const { operation } = await lose('reboot');
      await session.settle(operation, noAnswer);
      world.clock.advance(5000);
      const startedAt = world.clock.now();
      const next = await world.restarted();
      world.clock.advance(1000);
      await next.register('pump', { restarted: true, startedAt });
      assert.equal((await next.management.operation(operation.id))?.state, 'succeeded');
    });

    it('is 4008 for a requester who waits no longer, and the device coming back still counts', async () => {
      const { reply, operation } = await lose('reboot');
      await session.settle(operation, { status: 'unknown', results: [] });
      world.clock.advance(30_100);
      assert.equal(await reply, 4008);
      await world.register();
      assert.equal(await state(operation), 'succeeded');
    });

    it('stays unknown when the device never comes back, and is not repeated', async () => {
      const { operation } = await lose('reboot');
      await session.close();
      world.clock.advance(3_601_000);
      await settled();
      assert.equal(await state(operation), 'unknown');
      const over = await world.management.operation(operation.id);
      assert.match(over?.outcome?.failure?.explanation ?? '', /outcome unknown/);
      session = await world.context.openSession(session.device, nobody);
      assert.deepEqual(await session.take(1), []);
    });

    it('an answer that comes late is an answer', async () => {
      const { reply, operation } = await lose('reboot');
      await session.close();
      await session.settle(operation, done('/3/0/4'));
      assert.equal(await reply, 'done');
    });
  });

  describe('while the device is coming up from an earlier restart', () => {
    const comesBack = async (): Promise<void> => {
      world.clock.advance(5000);
      await world.register();
      await settled();
    };

    /** The device answers Reboot and is gone; then another one is sent to it, and no answer comes. */
    async function loseWhileDown(): Promise<Operation> {
      const first = await lose('reboot');
      await session.settle(first.operation, done('/3/0/4'));
      assert.equal(await first.reply, 'done');
      world.clock.advance(1000);
      return (await lose('reboot')).operation;
    }

    it('its return does not prove what was sent meanwhile; the next one does', async () => {
      const operation = await loseWhileDown();
      await session.settle(operation, noAnswer);
      await comesBack();
      assert.equal(await state(operation), 'unknown');
      await comesBack();
      assert.equal(await state(operation), 'succeeded');
    });

    it('its return does not prove what the leg still waits for an answer to', async () => {
      const operation = await loseWhileDown();
      await comesBack();
      assert.equal(await state(operation), 'dispatched');
      // As a leg does after a registration.
      session = await world.context.openSession(session.device, nobody);
      await settled();
      assert.equal(await state(operation), 'unknown');
      await comesBack();
      assert.equal(await state(operation), 'succeeded');
    });

    it('of two without an answer its return proves the first, and the next return the second', async () => {
      const { operation: first } = await lose('reboot');
      await session.settle(first, noAnswer);
      world.clock.advance(1000);
      const { operation: second } = await lose('reboot');
      await session.settle(second, noAnswer);
      await comesBack();
      assert.deepEqual([await state(first), await state(second)], ['succeeded', 'unknown']);
      await comesBack();
      assert.equal(await state(second), 'succeeded');
    });

    it('a device that does not register anew after a restart does not owe it for ever', async () => {
      const first = await lose('reboot');
      await session.settle(first.operation, done('/3/0/4'));
      world.clock.advance(3_600_000);
      const { operation } = await lose('reboot');
      await session.settle(operation, noAnswer);
      await comesBack();
      assert.equal(await state(operation), 'succeeded');
    });

    it('once it is back its next return proves what was sent after that', async () => {
      const first = await lose('reboot');
      await session.settle(first.operation, done('/3/0/4'));
      await comesBack();
      const { operation } = await lose('reboot');
      await session.settle(operation, noAnswer);
      await comesBack();
      assert.equal(await state(operation), 'succeeded');
    });
  });

  describe('with values as evidence', () => {
    it('is read first in the next session, before everything that came later', async () => {
      const { reply, operation } = await lose('switch');
      void world.management.retrieve(await world.object('battery'), undefined, requester(world));
      session = await world.context.openSession(session.device, nobody);
      const question = await takeOne(session);
      assert.deepEqual(question.purpose, { what: 'evidence', operation: operation.id });
      await session.dispatched([question]);
      await session.settle(question, values({ '/9/0/2': true }));
      assert.equal(await reply, 'done');
      assert.deepEqual((await world.object('switch')).attributes['turnStatus'], { action: 'turn', status: 1 });
      assert.equal((await takeOne(session)).kind, 'read');
    });

    it('is read in the same session when the leg could not tell', async () => {
      const { reply, operation } = await lose('switch');
      await session.settle(operation, noAnswer);
      await serve(session, values({ '/9/0/2': false }));
      assert.equal(await reply, 5000);
      assert.equal(await state(operation), 'failed');
    });

    it('stays unknown when the device does not tell', async () => {
      const { operation } = await lose('switch');
      await session.settle(operation, noAnswer);
      await serve(session, { status: 'succeeded', results: [{ path: '/9/0/2', absent: true }] });
      await settled();
      assert.equal(await state(operation), 'unknown');
    });

    it('of several values one that differs disproves it, also when another is missing', () => {
      const wanted = { state: 4, version: '2.0' };
      assert.equal(isProven(wanted, { state: 4, version: '2.0' }), true);
      assert.equal(isProven(wanted, { state: 0, version: undefined }), false);
      assert.equal(isProven(wanted, { state: 4, version: '1.0' }), false);
      assert.equal(isProven(wanted, { state: 4, version: undefined }), undefined);
    });

    it('is asked for again in the next sessions, so many times', async () => {
      const { operation } = await lose('switch');
      for (let count = 0; count < 5; count++) {
        session = await world.context.openSession(session.device, nobody);
        await serve(session, noAnswer);
      }
      await settled();
      assert.equal(await state(operation), 'unknown');
    });

    it('a procedure that is at work on the device goes on as an accepted one', async () => {
      const { reply, operation } = await lose('firmware');
      session = await world.context.openSession(session.device, nobody);
      await serve(session, values({ '/5/0/3': 1, '/5/0/5': 0 }));
      assert.equal(await reply, 'done');
      const [pending] = await world.context.pending(session.device);
      assert.equal(pending?.id, operation.id);
      assert.deepEqual(pending?.pending?.state, { recovered: true });
      assert.deepEqual((await world.object('firmware')).attributes['updateStatus'], { action: 'update', status: 3 });
    });

    it('a procedure whose result is there is over', async () => {
      const { operation } = await lose('firmware');
      session = await world.context.openSession(session.device, nobody);
      await serve(session, values({ '/5/0/3': 0, '/5/0/5': 8 }));
      await settled();
      assert.equal(await state(operation), 'failed');
    });
  });

  it('without any evidence is unknown at once', async () => {
    const { reply, operation } = await lose('siren');
    await session.settle(operation, noAnswer);
    assert.equal(await reply, 4008);
    assert.equal(await state(operation), 'unknown');
  });
});

describe('after kill -9', () => {
  let directory: Awaited<ReturnType<typeof makeTemporaryDirectory>>;
  let store: Store;
  let world: World;
  let session: LaneSession;

  beforeEach(async () => {
    directory = await makeTemporaryDirectory();
    store = await open();
    world = await createWorld(store);
    session = await world.context.openSession((await world.register()).id, nobody);
  });

  afterEach(async () => {
    await store.close();
    await directory.remove();
  });

  function open(): Promise<Store> {
    return openSqliteStore({ file: `${directory.path}/trivet.db`, log: silentLog });
  }

  /** Nothing is settled, nothing is said: the store alone goes on. */
  async function kill(): Promise<void> {
    const { clock } = world;
    await store.close();
    store = await open();
    world = await createWorld(store, { clock });
    session = await world.context.openSession(session.device, nobody);
  }

  const patient = () => requester(world, { within: 600_000, blocking: false });

  it('what was queued or taken is sent, once', async () => {
    void world.management.update(await world.object('label'), { text: 'queued' }, patient());
    void world.management.update(await world.object('reboot'), { reboot: true }, patient());
    const taken = await takeOne(session);
    assert.equal(taken.kind, 'write');
    await settled();
    await kill();
    assert.equal((await serve(session, done('/3/0/14'))).id, taken.id);
    assert.equal((await serve(session, done('/3/0/4'))).kind, 'trigger');
    assert.deepEqual(await session.take(1), []);
    assert.equal((await world.object('label')).attributes['text'], 'queued');
  });

  it('what was sent and may be repeated is sent again', async () => {
    void world.management.update(await world.object('label'), { text: 'again' }, patient());
    const sent = await takeOne(session);
    await session.dispatched([sent]);
    await kill();
    assert.equal((await serve(session, done('/3/0/14'))).id, sent.id);
    assert.equal((await world.object('label')).attributes['text'], 'again');
  });

  it('what was sent, may not be repeated and has evidence is settled by it', async () => {
    void world.management.update(await world.object('switch'), { turn: true }, patient());
    const sent = await takeOne(session);
    await session.dispatched([sent]);
    await kill();
    assert.equal((await serve(session, values({ '/9/0/2': true }))).kind, 'refresh');
    await settled();
    assert.equal((await world.management.operation(sent.id))?.state, 'succeeded');
  });

  it('a reboot is settled by the registration that follows', async () => {
    void world.management.update(await world.object('reboot'), { reboot: true }, patient());
    const sent = await takeOne(session);
    await session.dispatched([sent]);
    await kill();
    assert.deepEqual(await session.take(1), []);
    world.clock.advance(10_000);
    await world.register();
    assert.equal((await world.management.operation(sent.id))?.state, 'succeeded');
  });

  it('what has no evidence is unknown, and is not repeated', async () => {
    void world.management.update(await world.object('siren'), { sound: true }, patient());
    const sent = await takeOne(session);
    await session.dispatched([sent]);
    await kill();
    await settled();
    assert.equal((await world.management.operation(sent.id))?.state, 'unknown');
    assert.deepEqual(await session.take(1), []);
  });

  it('what expired meanwhile is not sent', async () => {
    void world.management.update(await world.object('label'), { text: 'late' }, patient());
    await settled();
    world.clock.advance(700_000);
    await settled();
    const rows = await store.find<Operation>({ table: 'operations' });
    assert.deepEqual(
      rows.map(({ columns }) => columns['state']),
      ['expired'],
    );
    void world.management.update(await world.object('label'), { text: 'later' }, patient());
    await settled();
    const { clock } = world;
    await store.close();
    clock.advance(700_000);
    store = await open();
    world = await createWorld(store, { clock });
    session = await world.context.openSession(session.device, nobody);
    assert.deepEqual(await session.take(1), []);
    await settled();
    assert.equal(
      await store.count({ table: 'operations', where: [{ column: 'state', is: '=', value: 'expired' }] }),
      2,
    );
  });

  it('settled operations are kept for a while and then go', async () => {
    void world.management.update(await world.object('label'), { text: 'x' }, patient());
    await serve(session, done('/3/0/14'));
    world.clock.advance(6 * 86_400_000);
    await settled();
    assert.equal(await store.count({ table: 'operations' }), 1);
    world.clock.advance(2 * 86_400_000);
    await settled();
    world.clock.advance(61_000);
    await settled();
    assert.equal(await store.count({ table: 'operations' }), 0);
  });
});
