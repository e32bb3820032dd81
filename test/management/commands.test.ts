import assert from 'node:assert/strict';
import type { LaneSession } from '../../src/management/adapter.ts';
import type { ExecutionStart, MakeExecution } from '../../src/management/commands.ts';
import type { Reply } from '../../src/management/facade.ts';
import { loadMappings } from '../../src/management/mapping.ts';
import type { Operation } from '../../src/management/operation.ts';
import { failed, succeeded, type Outcome } from '../../src/management/outcome.ts';
import type { Json, JsonObject } from '../../src/onem2m/primitive.ts';
import type { Store } from '../../src/store/store.ts';
import { openTemporaryStore } from '../support/store.ts';
import { createWorld, done, requester, settled, statusOf, takeOne, type World } from './world.ts';

const nobody = (): void => {};
const { commands } = loadMappings({ directory: 'mappings' });
const [reboot, download] = [2, 4];
const [initiated, pending, finished, cancelling, cancelled, nonCancellable] = [1, 2, 3, 4, 5, 6];
const firmware: JsonObject = { download: [{ fileType: '1 Firmware Upgrade Image', URL: 'http://a/b' }] };

describe('an execution', () => {
  let store: Store;
  let world: World;
  let session: LaneSession;
  let made: ExecutionStart[];

  beforeEach(async () => {
    store = await openTemporaryStore();
    world = await createWorld(store, { commands });
    session = await world.context.openSession((await world.register()).id, nobody);
    made = [];
  });

  afterEach(() => store.close());

  /** Makes the resource as the CSE does: a row, in the commit that management makes. */
  const make: MakeExecution = async (start) => {
    made.push(start);
    const data = { name: 'exin', objects: {}, attributes: start.patch };
    return { commit: { put: [{ table: 'resources', key: 'exin', columns: { parent: '', path: 'cse/exin' }, data }] } };
  };

  function execute(cmdType: number, given?: JsonObject, within = 30_000): Promise<Reply> {
    const order = {
      node: 'node-pump',
      cmdType,
      arguments: given,
      instance: 'exin',
      expiresAt: world.clock.now() + 60_000,
    };
    return world.management.commands.execute(order, make, requester(world, { within }));
  }

  async function attributes(): Promise<Record<string, Json>> {
    const row = await store.get<{ attributes: Record<string, Json> }>('resources', 'exin');
    return row?.data.attributes ?? {};
  }

  async function expectExecution(execStatus: number, execResult: number): Promise<void> {
    assert.deepEqual(await attributes(), { execStatus, execResult });
  }

  /** Sends it; the answer is up to the test. */
  async function send(): Promise<Operation> {
    const operation = await takeOne(session);
    await session.dispatched([operation]);
    return operation;
  }

  async function acceptDownload(): Promise<{ reply: Reply; operation: Operation }> {
    const reply = execute(download, firmware);
    const operation = await send();
    const deadline = world.clock.now() + 3_600_000;
    await session.accepted(operation, { correlator: 'k', procedure: 'firmware-update', state: {}, deadline });
    return { reply: await reply, operation };
  }

  const comeBack = async (): Promise<void> => {
    world.clock.advance(5000);
    await world.register();
    session = await world.context.openSession(session.device, nobody);
  };

  it('begins INITIATED in the commit that puts its operation into the lane', async () => {
    const reply = execute(reboot);
    const operation = await takeOne(session);
    await expectExecution(initiated, 31);
    assert.equal(made.length, 1);
    assert.equal(made[0]!.operation, operation.id);
    assert.deepEqual(operation.steps, [{ action: 'execute', target: { path: '/3/0/4' } }]);
    await session.settle(operation, failed({ cause: 'not-allowed', explanation: 'no' }));
    assert.equal(statusOf(await reply), 4005);
    await expectExecution(finished, 2);
  });

  describe('of a command that ends with the return of the device', () => {
    it('is pending once the device has said yes, and no leg takes it up', async () => {
      const reply = execute(reboot);
      const operation = await send();
      await session.settle(operation, done('/3/0/4'));
      assert.equal(statusOf(await reply), 'done');
      await expectExecution(pending, 31);
      assert.deepEqual(await world.context.pending(operation.device), []);
      await comeBack();
      await expectExecution(finished, 0);
      assert.equal((await world.management.operation(operation.id))?.state, 'succeeded');
    });

    it('is over at once when the device came back before its answer was noted', async () => {
      void execute(reboot);
      const operation = await send();
      const noted = session.settle(operation, done('/3/0/4'));
      await comeBack();
      await noted;
      await settled();
      await expectExecution(finished, 0);
    });

    it('is a success when the device comes back although its answer was lost', async () => {
      void execute(reboot);
      const operation = await send();
      await session.settle(operation, failed({ cause: 'no-answer', explanation: 'no answer' }));
      await comeBack();
      await expectExecution(finished, 0);
    });

    it('goes on in the next process, and counts only what happens after it was sent', async () => {
      void execute(reboot);
      await session.settle(await send(), done('/3/0/4'));
      world = await world.restarted();
      await settled();
      await expectExecution(pending, 31);
      await comeBack();
      await expectExecution(finished, 0);
    });

    it('fails when the device never comes back', async () => {
      void execute(reboot);
      const operation = await send();
      await session.settle(operation, done('/3/0/4'));
      world.clock.advance(3_700_000);
      await settled();
      await expectExecution(finished, 4);
      const { outcome } = (await world.management.operation(operation.id))!;
      assert.equal(outcome?.failure?.cause, 'deadline');
    });
  });

  it('whose outcome nobody knows is no success, and is not repeated', async () => {
    void execute(download, firmware);
    const operation = await send();
    world = await world.restarted();
    await settled();
    await expectExecution(finished, 4);
    assert.match(
      (await world.management.operation(operation.id))?.outcome?.failure?.explanation ?? '',
      /outcome unknown.*not repeated/,
    );
    session = await world.context.openSession(session.device, nobody);
    assert.deepEqual(await session.take(1), []);
  });

  const ends: [string, Outcome, number][] = [
    ['succeeds', succeeded(), 0],
    ['finds the file corrupted (TR-069)', failure('transfer-failed', '9018 File corrupted'), 15],
    ['reports a fault of its vendor', failure('transfer-failed', '9800 Out of paper'), 7],
    ['reports what its protocol has no code for', failure('update-failed', 'Update Result 8'), 4],
  ];
  for (const [what, outcome, execResult] of ends) {
    it(`of a download that ${what} ends with execResult ${execResult}`, async () => {
      const { operation } = await acceptDownload();
      await expectExecution(pending, 31);
      await world.context.settle(operation, outcome);
      await expectExecution(finished, execResult);
    });
  }

  describe('that is to be cancelled', () => {
    async function cancel(operation: Operation): Promise<Reply> {
      return world.management.commands.cancelExecution(operation.id, requester(world));
    }

    it('is CANCELLING while the device is asked, and CANCELLED then', async () => {
      const { operation } = await acceptDownload();
      let meanwhile: Json | undefined;
      world.leg.cancel = async () => {
        meanwhile = (await attributes())['execStatus'];
        return { state: 'cancelled' };
      };
      assert.equal(statusOf(await cancel(operation)), 'done');
      assert.equal(meanwhile, cancelling);
      await expectExecution(cancelled, 31);
      assert.equal(statusOf(await cancel(operation)), 6028);
    });

    it('is pending again when the device refuses: 6026', async () => {
      const { operation } = await acceptDownload();
      world.leg.cancelResult = { state: 'refused', failure: { cause: 'device-error', explanation: 'too late' } };
      const reply = await cancel(operation);
      assert.equal(statusOf(reply), 6026);
      assert.match(reply.done === false ? reply.explanation : '', /too late/);
      await expectExecution(pending, 31);
    });

    it('is NON_CANCELLABLE when the device cannot any more: 6029', async () => {
      const { operation } = await acceptDownload();
      world.leg.cancelResult = { state: 'not-cancellable', why: 'it installs' };
      assert.equal(statusOf(await cancel(operation)), 6029);
      await expectExecution(nonCancellable, 31);
      await world.context.settle(operation, succeeded());
      await expectExecution(finished, 0);
    });

    it('keeps its end when it ended while the device was asked', async () => {
      const { operation } = await acceptDownload();
      world.leg.cancel = async () => {
        await world.context.settle(operation, succeeded());
        return { state: 'refused', failure: { cause: 'device-error', explanation: 'too late' } };
      };
      assert.equal(statusOf(await cancel(operation)), 6028);
      await expectExecution(finished, 0);
    });

    it('cannot be while its answer is awaited: 6029', async () => {
      void execute(reboot);
      const operation = await send();
      assert.equal(statusOf(await cancel(operation)), 6029);
      await expectExecution(nonCancellable, 31);
      await session.settle(operation, done('/3/0/4'));
      await comeBack();
      await expectExecution(finished, 0);
    });

    it('is never sent when it was not yet', async () => {
      const reply = execute(reboot);
      await settled();
      const [start] = made;
      const cancelledNow = await world.management.commands.cancelExecution(start!.operation!, requester(world));
      assert.equal(statusOf(cancelledNow), 'done');
      assert.deepEqual(await session.take(1), []);
      await expectExecution(cancelled, 31);
      assert.equal(statusOf(await reply), 5207);
    });
  });

  it('is answered when the patience of its requester ends, and goes on', async () => {
    const reply = execute(reboot, undefined, 10_000);
    const operation = await send();
    world.clock.advance(9_900);
    assert.equal(statusOf(await reply), 'done');
    await expectExecution(pending, 31);
    await session.settle(operation, done('/3/0/4'));
    await comeBack();
    await expectExecution(finished, 0);
  });

  describe('on an object', () => {
    const trigger = { URL: 'http://a/b', update: true };

    it('keeps out every other one from the moment that it waits, over a restart, too', async () => {
      void execute(download, firmware);
      await settled();
      assert.equal(statusOf(await execute(download, firmware)), 4105);
      assert.deepEqual(made.at(-1)!.patch, { execStatus: finished, execResult: 2 });
      const object = await world.object('firmware');
      assert.equal(statusOf(await world.management.update(object, trigger, requester(world))), 4105);
      world = await world.restarted();
      assert.equal(statusOf(await execute(download, firmware)), 4105);
    });

    it('is kept out by a trigger of its management object that waits', async () => {
      void world.management.update(await world.object('firmware'), trigger, requester(world));
      await settled();
      assert.equal(statusOf(await execute(download, firmware)), 4105);
    });
  });

  it('is over and kept when the lane is full', async () => {
    world = await createWorld(store, { commands, settings: { laneCapacity: 1 }, clock: world.clock });
    void execute(reboot);
    await settled();
    assert.equal(statusOf(await execute(reboot)), 5207);
    assert.equal(made.at(-1)!.operation, undefined);
    assert.deepEqual(made.at(-1)!.patch, { execStatus: finished, execResult: 6 });
  });

  it('does not begin when its command was deleted meanwhile', async () => {
    const order = { node: 'node-pump', cmdType: reboot, arguments: undefined, instance: 'exin', expiresAt: 1e15 };
    const reply = await world.management.commands.execute(order, async () => undefined, requester(world));
    assert.equal(statusOf(reply), 4004);
    assert.deepEqual(await session.take(1), []);
  });

  it('needs a node that has a device', async () => {
    const order = { node: 'node-other', cmdType: reboot, arguments: undefined, instance: 'exin', expiresAt: 1e15 };
    assert.equal(statusOf(await world.management.commands.execute(order, make, requester(world))), 6003);
    assert.equal(made.length, 0);
  });
});

function failure(cause: 'transfer-failed' | 'update-failed', evidence: string): Outcome {
  return failed({ cause, explanation: 'it failed', evidence });
}
