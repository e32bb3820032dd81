import assert from 'node:assert/strict';
import type { Requester } from '../../src/management/facade.ts';
import { failed } from '../../src/management/outcome.ts';
import type { Store } from '../../src/store/store.ts';
import { ManualClock } from '../../src/support/clock.ts';
import { openTemporaryStore } from '../support/store.ts';
import { createWorld, done, requester, serve, settled, statusOf, takeOne, type World } from './world.ts';

const nobody = (): void => {};

describe('a non-blocking request of before a restart', () => {
  let store: Store;
  let before: World;
  let device: string;
  let asked: Requester;

  beforeEach(async () => {
    store = await openTemporaryStore();
    before = await createWorld(store);
    device = (await before.register()).id;
    asked = requester(before, { blocking: false });
  });

  afterEach(() => store.close());

  async function ask(mapping: string, patch: Record<string, boolean | string>): Promise<void> {
    void before.management.update(await before.object(mapping), patch, asked);
    await settled();
  }

  it('never became an operation: nothing was sent', async () => {
    const after = await before.restarted();
    assert.equal(await after.management.resume(device, asked), undefined);
  });

  it('is answered when its operation, which still waits, is done', async () => {
    await ask('switch', { turn: true });
    const after = await before.restarted();
    const reply = after.management.resume(device, asked);
    const session = await after.context.openSession(device, nobody);
    await serve(session, done('/3/0/6'));
    assert.equal(statusOf((await reply)!), 'done');
  });

  it('is answered that nothing was sent when its operation expires', async () => {
    await ask('switch', { turn: true });
    // A clock of its own: the process of before is dead, and its timers with it.
    const after = await createWorld(store, { clock: new ManualClock(before.context.now()) });
    const reply = after.management.resume(device, asked);
    await settled();
    after.clock.advance(31_000);
    assert.equal(statusOf((await reply)!), 6021);
  });

  it('is told how its operation ended before', async () => {
    await ask('switch', { turn: true });
    const session = await before.context.openSession(device, nobody);
    await serve(session, failed({ cause: 'no-privilege', explanation: 'not you' }));
    const after = await before.restarted();
    assert.equal(statusOf((await after.management.resume(device, asked))!), 5105);
  });

  it('is answered at once when the device had accepted it', async () => {
    await ask('firmware', { update: true, URL: 'coap://x' });
    const session = await before.context.openSession(device, nobody);
    const operation = await takeOne(session);
    await session.dispatched([operation]);
    const deadline = before.context.now() + 60_000;
    await session.accepted(operation, { correlator: 'c', procedure: 'firmware-update', state: {}, deadline });
    const after = await before.restarted();
    assert.equal(statusOf((await after.management.resume(device, asked))!), 'done');
  });

  it('waits with its operation for the evidence of what was sent', async () => {
    await ask('reboot', { reboot: true });
    const session = await before.context.openSession(device, nobody);
    await session.dispatched([await takeOne(session)]);
    const after = await before.restarted();
    const reply = after.management.resume(device, asked);
    after.clock.advance(1000);
    await after.register();
    assert.equal(statusOf((await reply)!), 'done');
  });

  it('is not mistaken for another one with the same Request Identifier', async () => {
    await ask('switch', { turn: true });
    const after = await before.restarted();
    const later = { ...asked, expiresAt: asked.expiresAt + 1 };
    assert.equal(await after.management.resume(device, later), undefined);
  });
});
