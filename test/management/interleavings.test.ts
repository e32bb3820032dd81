import assert from 'node:assert/strict';
import { Withdrawn, type LaneSession } from '../../src/management/adapter.ts';
import type { Reply } from '../../src/management/facade.ts';
import type { Operation } from '../../src/management/operation.ts';
import type { AttributePatch } from '../../src/management/resource-side.ts';
import { ManualClock } from '../../src/support/clock.ts';
import { MemoryStore } from '../support/memory-store.ts';
import { createWorld, done, requester, statusOf, values, type World } from './world.ts';

/**
 * Withdrawal against dispatch. A scheduler with a seed decides in which order commits get done, time passes, sessions come and go
 * and the leg works. Whatever the order: 6003, 6020 and 6021 are said only of what was not sent and never will be, and what may
 * not be repeated is sent at most once.
 */
describe('withdrawal and dispatch', () => {
  it('1,000 interleavings: exactly one wins, and every promise holds', async function () {
    this.timeout(60_000);
    const seen = new Map<number | string, number>();
    for (let seed = 1; seed <= 1000; seed++) {
      for (const answer of await interleave(seed)) seen.set(answer, (seen.get(answer) ?? 0) + 1);
    }
    // A scheduler that never lets one side win would prove nothing.
    for (const answer of ['done', 4008, 6021])
      assert.ok((seen.get(answer) ?? 0) > 100, `${answer}: ${seen.get(answer)}`);
  });
});

const diskFull = 'the disk is full';

const patches = new Map<string, AttributePatch>([
  ['label', { text: 'x' }],
  ['siren', { sound: true }],
  ['reboot', { reboot: true }],
]);

interface Asked {
  mapping: string;
  reply?: Reply;
}

async function interleave(seed: number): Promise<(number | string)[]> {
  const random = generator(seed);
  const clock = new ManualClock();
  const store = new MemoryStore(() => clock.now());
  const world = await createWorld(store, { clock });
  const device = await world.register();
  const asked: Asked[] = [];
  /** Operation → how often its bytes left. */
  const sent = new Map<string, number>();
  const sentAt = new Map<string, number>();
  const answered = new Map<string, number>();
  const work: (() => Promise<unknown>)[] = [];
  const running = new Set<Promise<unknown>>();
  const faults: Error[] = [];
  let session: LaneSession = await world.context.openSession(device.id, () => {});
  const objects = await Promise.all(['label', 'siren', 'battery', 'reboot'].map((name) => world.object(name)));
  store.immediate = false;

  const begin = (promise: Promise<unknown>): void => {
    running.add(promise);
    promise
      .catch((error: Error) => {
        if (error.message !== diskFull) faults.push(error);
      })
      .finally(() => running.delete(promise));
  };
  const ask = (): void => {
    const object = objects[random(objects.length)]!;
    const request: Asked = { mapping: object.mapping };
    asked.push(request);
    const who = requester(world, { within: 500 + random(4) * 500, blocking: random(4) > 0 });
    const patch = patches.get(object.mapping);
    const reply = patch
      ? world.management.update(object, patch, who)
      : world.management.retrieve(object, undefined, who);
    begin(
      reply.then((told) => {
        request.reply = told;
        const operation = 'operation' in told ? told.operation : undefined;
        if (operation !== undefined) answered.set(operation, statusOf(told) as number);
      }),
    );
  };
  const takeAndSend = async (mine: LaneSession): Promise<void> => {
    const operations = await mine.take(1 + random(2));
    if (operations.length === 0) return;
    if (random(6) === 0) return void (await mine.release(operations));
    try {
      await mine.dispatched(operations);
    } catch (error) {
      assert.ok(error instanceof Withdrawn || (error instanceof Error && error.message === diskFull), String(error));
      await mine.release(operations);
      return;
    }
    // Not sent after all: the device fell asleep in that moment.
    if (random(5) === 0) return void (await mine.release(operations));
    for (const operation of operations) send(operation);
    work.push(async () => {
      for (const operation of operations) await mine.settle(operation, outcomeOf(operation));
    });
  };
  const send = (operation: Operation): void => {
    assert.ok(
      !mayNotBeSent(answered.get(operation.id)),
      `seed ${seed}: ${operation.id} was sent after ${answered.get(operation.id)}`,
    );
    sent.set(operation.id, (sent.get(operation.id) ?? 0) + 1);
    sentAt.set(operation.id, clock.now());
    if (!operation.repeatable) assert.equal(sent.get(operation.id), 1, `seed ${seed}: ${operation.id} was sent twice`);
  };
  const outcomeOf = (operation: Operation) => {
    const step = operation.steps[0]!;
    return step.action === 'read' ? values({ [step.targets[0]!.path]: random(9) }) : done('/3/0/14');
  };
  const chances: (() => void)[] = [
    () => asked.length < 5 && ask(),
    () => begin(takeAndSend(session)),
    () => begin(takeAndSend(session)),
    () => clock.advance(random(400)),
    () => store.pending[random(Math.max(store.pending.length, 1))]?.complete(),
    () => store.pending[0]?.complete(),
    () => {
      const [next] = work.splice(random(Math.max(work.length, 1)), 1);
      if (next) begin(next());
    },
    () => random(5) === 0 && begin(world.context.openSession(device.id, () => {}).then((next) => (session = next))),
    () => random(12) === 0 && store.pending[0]?.fail(new Error(diskFull)),
  ];
  ask();
  for (let step = 0; step < 60; step++) {
    chances[random(chances.length)]!();
    await breathe();
  }
  await finish(world, store, running, work, begin);
  if (faults[0]) throw faults[0];
  for (const { mapping, reply } of asked) {
    assert.ok(reply, `seed ${seed}: ${mapping} was never answered`);
    const operation = 'operation' in reply ? reply.operation : undefined;
    if (operation === undefined || !mayNotBeSent(statusOf(reply))) continue;
    assert.equal(sent.get(operation) ?? 0, 0, `seed ${seed}: ${operation} answered ${statusOf(reply)} and was sent`);
  }
  return asked.map(({ reply }) => statusOf(reply!));
}

function mayNotBeSent(status: number | string | undefined): boolean {
  return status === 6003 || status === 6020 || status === 6021;
}

/** Everything that waits gets done; what nobody serves any more expires. */
async function finish(
  world: World,
  store: MemoryStore,
  running: Set<Promise<unknown>>,
  work: (() => Promise<unknown>)[],
  begin: (promise: Promise<unknown>) => void,
): Promise<void> {
  store.immediate = true;
  while (store.pending.length > 0) store.pending[0]!.complete();
  await breathe();
  for (const next of work) begin(next());
  for (let round = 0; round < 20 && running.size > 0; round++) {
    await breathe();
    world.clock.advance(500);
    while (store.pending.length > 0) store.pending[0]!.complete();
  }
  await breathe();
}

/** Lets promises go on; no timer is involved. */
async function breathe(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** mulberry32: the same numbers for the same seed. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
