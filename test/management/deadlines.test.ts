import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Deadlines } from '../../src/management/deadlines.ts';
import { Turns } from '../../src/management/turns.ts';
import { ManualClock } from '../../src/support/clock.ts';

describe('deadlines', () => {
  it('fall due in order, never early, at most one granularity late, and not when removed', () => {
    const plan = fc.array(fc.record({ at: fc.nat(5000), removed: fc.boolean() }), { maxLength: 60 });
    fc.assert(
      fc.property(plan, fc.integer({ min: 1, max: 200 }), (items, granularity) => {
        const clock = new ManualClock(0);
        const fired: number[] = [];
        const deadlines = new Deadlines<{ at: number; removed: boolean }>(clock, granularity, (item) => {
          assert.ok(clock.now() >= item.at);
          assert.ok(clock.now() < item.at + granularity);
          assert.equal(item.removed, false);
          fired.push(item.at);
        });
        for (const item of items) {
          const bucket = deadlines.add(item, item.at);
          if (item.removed) deadlines.remove(item, bucket);
        }
        clock.advance(6000);
        assert.equal(fired.length, items.filter(({ removed }) => !removed).length);
      }),
      { numRuns: 200 },
    );
  });

  it('may be added while others fall due', () => {
    const clock = new ManualClock(0);
    const fired: string[] = [];
    const deadlines = new Deadlines<string>(clock, 10, (item) => {
      fired.push(item);
      if (item === 'first') deadlines.add('second', clock.now() + 50);
    });
    deadlines.add('first', 100);
    clock.advance(1000);
    assert.deepEqual(fired, ['first', 'second']);
  });
});

describe('turns', () => {
  it('run in order per key, go on after a failure, and leave nothing behind', async () => {
    const turns = new Turns();
    const order: number[] = [];
    const work = [1, 2, 3].map((number) =>
      turns.take('key', async () => {
        await Promise.resolve();
        order.push(number);
        if (number === 2) throw new Error('second');
        return number;
      }),
    );
    const results = await Promise.allSettled(work);
    assert.deepEqual(order, [1, 2, 3]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.equal(turns.busy('key'), false);
  });
});
