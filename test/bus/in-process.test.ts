import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createInProcessBus } from '../../src/bus/in-process.ts';
import { silentLog } from '../../src/support/log.ts';
import type { Log } from '../../src/support/log.ts';

describe('the bus of one process', () => {
  it('wakes every subscriber of the topic and nobody else', async () => {
    const bus = createInProcessBus(silentLog);
    const received: string[] = [];
    bus.subscribe('lane', (ids) => received.push(`first ${ids.join()}`));
    bus.subscribe('lane', (ids) => received.push(`second ${ids.join()}`));
    bus.subscribe('outbox', () => received.push('other'));
    bus.publish('lane', ['a', 'b']);
    await nextTurn();
    assert.deepEqual(received, ['first a,b', 'second a,b']);
  });

  it('never runs a subscriber in the stack of the publisher', async () => {
    const bus = createInProcessBus(silentLog);
    let woken = false;
    bus.subscribe('lane', () => {
      woken = true;
    });
    bus.publish('lane', []);
    await Promise.resolve();
    assert.equal(woken, false);
    await nextTurn();
    assert.equal(woken, true);
  });

  it('keeps the order of messages, also of those published while it delivers', async () => {
    const bus = createInProcessBus(silentLog);
    const received: string[] = [];
    bus.subscribe('lane', (ids) => {
      received.push(...ids);
      if (ids[0] === '1') bus.publish('lane', ['3']);
    });
    bus.publish('lane', ['1']);
    bus.publish('lane', ['2']);
    await nextTurn();
    await nextTurn();
    assert.deepEqual(received, ['1', '2', '3']);
  });

  it('logs a subscriber that throws and goes on with the others', async () => {
    const logged: object[] = [];
    const log: Log = { ...silentLog, error: (fields) => logged.push(fields) };
    const bus = createInProcessBus(log);
    let woken = 0;
    const failure = new Error('broken');
    bus.subscribe('lane', () => {
      throw failure;
    });
    bus.subscribe('lane', () => {
      woken += 1;
    });
    bus.publish('lane', ['x']);
    await nextTurn();
    assert.equal(woken, 1);
    assert.deepEqual(logged, [{ err: failure, topic: 'lane', ids: ['x'] }]);
  });

  it('ends one subscription without touching another of the same function', async () => {
    const bus = createInProcessBus(silentLog);
    let woken = 0;
    const receive = (): void => {
      woken += 1;
    };
    const end = bus.subscribe('lane', receive);
    bus.subscribe('lane', receive);
    end();
    end();
    bus.publish('lane', []);
    await nextTurn();
    assert.equal(woken, 1);
  });

  it('does not wake a subscriber that another one has just ended', async () => {
    const bus = createInProcessBus(silentLog);
    const received: string[] = [];
    bus.subscribe('lane', () => {
      received.push('first');
      end();
    });
    const end = bus.subscribe('lane', () => received.push('second'));
    bus.publish('lane', []);
    await nextTurn();
    assert.deepEqual(received, ['first']);
  });

  it('delivers what was published before it was closed, and nothing after', async () => {
    const bus = createInProcessBus(silentLog);
    const received: string[] = [];
    bus.subscribe('lane', (ids) => received.push(...ids));
    bus.publish('lane', ['before']);
    const closed = bus.close();
    bus.publish('lane', ['after']);
    await closed;
    await nextTurn();
    assert.deepEqual(received, ['before']);
  });
});
