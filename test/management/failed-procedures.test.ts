import assert from 'node:assert/strict';
import type { LaneSession, ManagedDevice } from '../../src/management/adapter.ts';
import type { Operation } from '../../src/management/operation.ts';
import { failed, succeeded } from '../../src/management/outcome.ts';
import type { Store } from '../../src/store/store.ts';
import { silentLog, type Log } from '../../src/support/log.ts';
import { openTemporaryStore } from '../support/store.ts';
import { createWorld, done, requester, serve, settled, takeOne, type World } from './world.ts';

const flawed = failed({ cause: 'update-failed', explanation: 'The package is flawed.', evidence: 'Update Result 5' });

describe('why a procedure failed', () => {
  let store: Store;
  let world: World;
  let device: ManagedDevice;
  let session: LaneSession;
  let lines: Record<string, unknown>[];

  beforeEach(async () => {
    lines = [];
    const log: Log = {
      ...silentLog,
      info: (fields, message) => lines.push({ ...fields, message }),
      child: () => log,
    };
    store = await openTemporaryStore();
    world = await createWorld(store, { log });
    device = await world.register();
    session = await world.context.openSession(device.id, () => {});
  });

  afterEach(() => store.close());

  async function begin(): Promise<Operation> {
    const object = await world.object('firmware');
    const reply = world.management.update(object, { URL: 'coap://x/2', version: '2', update: true }, requester(world));
    const operation = await takeOne(session);
    await session.dispatched([operation]);
    await session.accepted(operation, {
      correlator: '/5/0',
      procedure: 'firmware-update',
      state: {},
      deadline: world.clock.now() + 3_600_000,
      progress: 40,
    });
    assert.equal((await reply).done, true);
    return operation;
  }

  it('is one line of the log, with device, resource, operation and reason', async () => {
    const operation = await begin();
    await world.context.settle(operation, flawed);
    await settled();
    assert.deepEqual(lines, [
      {
        device: 'pump',
        resource: 'cse/firmware',
        operation: operation.id,
        requestIdentifier: 'r1',
        cause: 'update-failed',
        reason: 'The package is flawed.',
        evidence: 'Update Result 5',
        message: 'firmware-update failed',
      },
    ]);
  });

  it('is not said of what succeeded, or of what is no procedure', async () => {
    const reply = world.management.update(await world.object('label'), { text: 'x' }, requester(world));
    await serve(session, failed({ cause: 'no-privilege', explanation: 'forbidden' }));
    assert.equal((await reply).done, false);
    await world.context.settle(await begin(), succeeded());
    await settled();
    assert.deepEqual(lines, []);
  });

  it('stands in the audit', async () => {
    const operation = await begin();
    await world.context.settle(operation, flawed);
    const rows = await store.find<Record<string, unknown>>({ table: 'audit' });
    const row = rows.map(({ data }) => data).find((data) => data['operation'] === operation.id);
    const { cause, explanation, evidence, resource, requester: by } = row ?? {};
    assert.deepEqual(
      { cause, explanation, evidence, resource, by },
      {
        cause: 'update-failed',
        explanation: 'The package is flawed.',
        evidence: 'Update Result 5',
        resource: (await world.object('firmware')).resourceID,
        by: { originator: 'CAdmin', requestIdentifier: 'r1' },
      },
    );
  });

  it('is told with the operations of the device, newest first', async () => {
    const failedOne = await begin();
    await world.context.settle(failedOne, flawed);
    world.clock.advance(1000);
    const written = world.management.update(await world.object('label'), { text: 'x' }, requester(world));
    await serve(session, done('/3/0/14'));
    await written;
    world.clock.advance(1000);
    void world.management.retrieve(await world.object('battery'), undefined, requester(world));
    const all = await world.management.operations(device.id, 10);
    assert.deepEqual(
      all.map(({ kind, state }) => `${kind} ${state}`),
      ['read queued', 'write succeeded', 'trigger failed'],
    );
    assert.equal(all[2]!.outcome?.failure?.evidence, 'Update Result 5');
    assert.equal(all[2]!.pending?.progress, 40);
    assert.deepEqual(
      (await world.management.operations(device.id, 1)).map(({ kind }) => kind),
      ['read'],
    );
    assert.deepEqual(await world.management.operations('another', 10), []);
  });
});
