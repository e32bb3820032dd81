import assert from 'node:assert/strict';
import { createInProcessBus } from '../../src/bus/in-process.ts';
import type { Bus } from '../../src/bus/bus.ts';
import { createNotifier } from '../../src/mca/notifier.ts';
import type { Notifier, NotifierOptions } from '../../src/mca/notifier.ts';
import type { Delivery } from '../../src/mca/deliver.ts';
import type { Store } from '../../src/store/store.ts';
import { ManualClock, systemClock } from '../../src/support/clock.ts';
import { silentLog } from '../../src/support/log.ts';
import { noMetrics } from '../../src/support/metrics.ts';
import { eventually } from '../support/eventually.ts';
import { openTemporaryStore } from '../support/store.ts';
import { openReceiver } from './receiver.ts';
import type { Receiver } from './receiver.ts';

describe('the notifier', () => {
  let store: Store;
  let bus: Bus;
  let closing: (() => Promise<void>)[];
  let counted: Map<string, number>;

  beforeEach(async () => {
    store = await openTemporaryStore();
    bus = createInProcessBus(silentLog);
    closing = [];
    counted = new Map();
  });
  afterEach(async () => {
    for (const close of closing.reverse()) await close();
    await bus.close();
    await store.close();
  });

  function make(options: Partial<NotifierOptions> = {}): Notifier {
    const notifier = createNotifier({
      store,
      bus,
      log: silentLog,
      metrics: {
        ...noMetrics,
        count: (_name, labels, by = 1) => {
          const result = String(labels?.['result']);
          counted.set(result, (counted.get(result) ?? 0) + by);
        },
      },
      clock: systemClock,
      cseId: '/id-in',
      releaseVersion: '3',
      ...options,
      settings: { retryDelays: [10], pollInterval: 50, timeout: 1000, ...options.settings },
    });
    closing.push(() => notifier.stop(new Date(Date.now() + 500)));
    return notifier;
  }

  async function receive(answer?: Parameters<typeof openReceiver>[0], port?: number): Promise<Receiver> {
    const receiver = await openReceiver(answer, port);
    closing.push(() => receiver.close());
    return receiver;
  }

  async function append(subscription: string, target: string, numbers: number[], extra: object = {}): Promise<void> {
    await store.commit({
      append: numbers.map((number) => ({
        table: 'outbox' as const,
        columns: { subscription, target },
        data: {
          content: { 'm2m:sgn': { sur: subscription, number } },
          kind: 'notification',
          originator: '/id-in',
          ...extra,
        },
      })),
    });
    bus.publish('outbox', []);
  }

  const outboxIsEmpty = async () => (await store.count({ table: 'outbox' })) === 0;
  const numbers = (receiver: Receiver, subscription?: string): number[] =>
    receiver.received
      .map(({ content }) => content['m2m:sgn'] as { sur: string; number: number })
      .filter(({ sur }) => subscription === undefined || sur === subscription)
      .map(({ number }) => number);
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

  it('posts what is in the outbox, in order, and takes it out', async () => {
    const receiver = await receive();
    const delivered: string[] = [];
    const notifier = make({ onDelivered: (subscription) => void delivered.push(subscription) });
    await append('sub1', `${receiver.url}/n?x=1`, [0, 1]);
    await notifier.start();
    await append('sub1', `${receiver.url}/n?x=1`, [2], { eventCategory: 4 });
    await eventually('three notifications', () => delivered.length === 3);
    assert.ok(await outboxIsEmpty());
    assert.deepEqual(numbers(receiver), [0, 1, 2]);
    const [first, , third] = receiver.received;
    assert.equal(first?.path, '/n?x=1');
    assert.deepEqual(first?.content, { 'm2m:sgn': { sur: 'sub1', number: 0 } });
    assert.equal(first?.headers['x-m2m-origin'], '/id-in');
    assert.equal(first?.headers['x-m2m-rvi'], '3');
    assert.ok(first?.headers['x-m2m-ri']);
    assert.equal(first?.headers['content-type'], 'application/json');
    assert.equal(third?.headers['x-m2m-ec'], '4');
    assert.deepEqual(delivered, ['sub1', 'sub1', 'sub1']);
    assert.equal(counted.get('delivered'), 3);
  });

  it('finds notifications at its next look when nobody wakes it', async () => {
    const receiver = await receive();
    await make().start();
    bus.publish = () => undefined;
    await append('sub1', receiver.url, [1]);
    await eventually('one notification', () => receiver.received.length === 1);
  });

  it('counts only notifications against the subscription', async () => {
    const receiver = await receive();
    const delivered: string[] = [];
    await append('sub1', receiver.url, [1], { kind: 'deletion' });
    await append('req1', receiver.url, [2], { kind: 'response' });
    await make({ onDelivered: (subscription) => void delivered.push(subscription) }).start();
    await eventually('an empty outbox', outboxIsEmpty);
    assert.deepEqual(delivered, []);
  });

  it('repeats what was not received, and keeps the order', async () => {
    let failures = 3;
    const receiver = await receive((output) => void output.writeHead(failures-- > 0 ? 503 : 200).end());
    await append('sub1', receiver.url, upTo(5));
    await make().start();
    await eventually('an empty outbox', outboxIsEmpty);
    assert.deepEqual(numbers(receiver), [0, 0, 0, 0, 1, 2, 3, 4]);
    assert.equal(counted.get('retried'), 3);
    const identifiers = receiver.received.slice(0, 4).map(({ headers }) => headers['x-m2m-ri']);
    assert.equal(new Set(identifiers).size, 1, 'a repetition is known by its identifier');
  });

  it('waits for a target that nobody answers at, and goes on when it is back', async () => {
    const receiver = await receive();
    await receiver.close();
    await append('sub1', receiver.url, upTo(3));
    await append('sub2', receiver.url, upTo(3));
    await make().start();
    await eventually('a failed attempt', () => (counted.get('retried') ?? 0) >= 2);
    const again = await receive(undefined, receiver.port);
    await eventually('an empty outbox', outboxIsEmpty);
    assert.deepEqual(numbers(again, 'sub1'), [0, 1, 2]);
    assert.deepEqual(numbers(again, 'sub2'), [0, 1, 2]);
  });

  it('tries a target that nobody answers at with one delivery at a time, further and further apart', async () => {
    const clock = new ManualClock();
    let attempts = 0;
    const deliver: NotifierOptions['deliver'] = () => {
      attempts++;
      return Promise.resolve({ result: 'unreachable', why: 'nobody' });
    };
    for (const subscription of upTo(6)) await append(`sub${subscription}`, 'http://dead.example', [1]);
    await make({
      clock,
      deliver,
      settings: { retryDelays: [1000, 10_000], pollInterval: 1_000_000, concurrencyPerTarget: 4 },
    }).start();
    const attemptsAfter = async (milliseconds: number): Promise<number> => {
      clock.advance(milliseconds);
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      return attempts;
    };
    // The first four were on their way together.
    assert.equal(await attemptsAfter(0), 4);
    assert.equal(await attemptsAfter(850), 4);
    assert.equal(await attemptsAfter(300), 5);
    assert.equal(await attemptsAfter(8900), 5);
    assert.equal(await attemptsAfter(2200), 6);
    assert.equal(await store.count({ table: 'outbox' }), 6);
  });

  it('does not send again what was delivered while the outbox was being read', async () => {
    const find = store.find.bind(store);
    let hold: Promise<void> | undefined;
    store.find = async <Data>(query: Parameters<typeof find>[0]) => {
      const rows = await find<Data>(query);
      await hold;
      return rows;
    };
    let release = (): void => {};
    let answer: (() => void) | undefined;
    const deliver: NotifierOptions['deliver'] = async () => {
      await new Promise<void>((resolve) => (answer = resolve));
      return { result: 'delivered', why: '' };
    };
    await append('sub1', 'http://a.example', [0]);
    await make({ deliver, settings: { pollInterval: 20 } }).start();
    hold = new Promise((resolve) => (release = resolve));
    // A look that holds the row in its hands while the row is delivered and deleted.
    await new Promise((resolve) => setTimeout(resolve, 80));
    answer!();
    await eventually('an empty outbox', outboxIsEmpty);
    answer = undefined;
    release();
    hold = undefined;
    await new Promise((resolve) => setTimeout(resolve, 80));
    assert.equal(answer, undefined, 'the notification is not on its way again');
    assert.equal(counted.get('delivered'), 1);
  });

  it('lets no target wait for another one', async () => {
    const silent = await receive(() => undefined);
    const receiver = await receive();
    for (const subscription of upTo(20)) await append(`slow${subscription}`, silent.url, [1]);
    await append('quick', receiver.url, upTo(10));
    await make({ settings: { concurrency: 6, concurrencyPerTarget: 4, timeout: 60_000 } }).start();
    await eventually('ten notifications', () => receiver.received.length === 10);
    assert.equal(silent.received.length, 4, 'a target has its share of deliveries and not more');
  });

  it('lets no subscription wait for another one that the same target refuses', async () => {
    const receiver = await receive((output, { content }) => {
      output.writeHead((content['m2m:sgn'] as { sur: string }).sur === 'bad' ? 500 : 200).end();
    });
    await append('bad', receiver.url, [0]);
    await append('good', receiver.url, upTo(10));
    await make({ settings: { retryDelays: [60_000] } }).start();
    await eventually('ten notifications', () => numbers(receiver, 'good').length === 10);
    await eventually('one row', async () => (await store.count({ table: 'outbox' })) === 1);
    assert.deepEqual(numbers(receiver, 'bad'), [0]);
  });

  it('drops what the receiver keeps refusing', async () => {
    const receiver = await receive((output, { content }) => {
      const refused = (content['m2m:sgn'] as { number: number }).number === 0;
      output.writeHead(refused ? 403 : 200, { 'X-M2M-RSC': refused ? '4103' : '2000' }).end();
    });
    await append('sub1', receiver.url, [0, 1]);
    await make({ settings: { refusals: 2 } }).start();
    await eventually('an empty outbox', outboxIsEmpty);
    assert.deepEqual(numbers(receiver), [0, 0, 1]);
    assert.equal(counted.get('refused'), 1);
  });

  it('believes the response status code before the HTTP status', async () => {
    let code = '4000';
    const receiver = await receive((output) => void output.writeHead(200, { 'X-M2M-RSC': code }).end());
    const notifier = make();
    assert.deepEqual(await notifier.sendNow(receiver.url, {}), {
      ok: false,
      why: 'the receiver answered HTTP 200, response status code 4000',
    });
    code = '2000';
    assert.deepEqual(await notifier.sendNow(receiver.url, {}), { ok: true });
  });

  it('drops what has expired, and what is no notification', async () => {
    const receiver = await receive();
    await append('sub1', receiver.url, [0], { expires: Date.now() - 1 });
    await append('sub1', receiver.url, [1], { content: 'nothing' });
    await append('sub1', receiver.url, [2], { expires: Date.now() + 60_000 });
    await make().start();
    await eventually('an empty outbox', outboxIsEmpty);
    assert.deepEqual(numbers(receiver), [2]);
    assert.deepEqual([counted.get('expired'), counted.get('dropped')], [1, 1]);
  });

  it('keeps at most so many for one target and drops the oldest', async () => {
    const answers: ((delivery: Delivery) => void)[] = [];
    const bodies: string[] = [];
    const deliver: NotifierOptions['deliver'] = (url, { body }) => {
      bodies.push(`${url} ${body}`);
      return new Promise((resolve) => answers.push(resolve));
    };
    await make({ deliver, settings: { maximumPerTarget: 50 } }).start();
    await append('sub1', 'http://full.example', upTo(100));
    await append('sub2', 'http://other.example', upTo(30));
    await append('sub1', 'http://full.example', [100, 101]);
    await eventually('the excess is dropped', async () => (await store.count({ table: 'outbox' })) === 80);
    assert.equal(counted.get('dropped'), 52);
    const all = setInterval(() => answers.splice(0).forEach((answer) => answer({ result: 'delivered', why: '' })), 1);
    closing.push(async () => clearInterval(all));
    await eventually('an empty outbox', outboxIsEmpty);
    const sent = bodies.filter((body) => body.includes('full')).map((body) => Number(/"number":(\d+)/.exec(body)?.[1]));
    // The one that was on its way could not be dropped any more.
    assert.deepEqual(sent, [0, ...Array.from({ length: 49 }, (_, index) => index + 53)]);
    assert.equal(counted.get('delivered'), 80);
  });

  it('takes long lines in pieces and loses nothing', async () => {
    const sent = new Map<string, number[]>();
    const deliver: NotifierOptions['deliver'] = async (_url, { body }) => {
      const { sur, number } = (JSON.parse(body) as { 'm2m:sgn': { sur: string; number: number } })['m2m:sgn'];
      sent.set(sur, [...(sent.get(sur) ?? []), number]);
      await new Promise((resolve) => setImmediate(resolve));
      return { result: 'delivered', why: '' };
    };
    await append('sub1', 'http://a.example', upTo(700));
    await make({ deliver }).start();
    for (let start = 0; start < 400; start += 40) {
      await append(
        'sub2',
        'http://a.example',
        upTo(40).map((number) => start + number),
      );
    }
    await eventually('an empty outbox', outboxIsEmpty);
    assert.deepEqual(sent.get('sub1'), upTo(700));
    assert.deepEqual(sent.get('sub2'), upTo(400));
  });

  it('resumes after a stop in the middle, and repeats only what nobody confirmed', async () => {
    let hang = true;
    const receiver = await receive((output) => {
      if (!hang) output.writeHead(200).end();
    });
    await append('sub1', receiver.url, upTo(3));
    const first = make();
    await first.start();
    await eventually('the first is on its way', () => receiver.received.length === 1);
    await first.stop(new Date());
    assert.equal(await store.count({ table: 'outbox' }), 3);
    hang = false;
    await make().start();
    await eventually('an empty outbox', outboxIsEmpty);
    assert.deepEqual(numbers(receiver), [0, 0, 1, 2]);
  });

  it('repeats a notification whose delivery could not be written down', async () => {
    const receiver = await receive();
    const commit = store.commit.bind(store);
    let failures = 1;
    await append('sub1', receiver.url, [0, 1]);
    store.commit = (change) => (failures-- > 0 ? Promise.reject(new Error('disk')) : commit(change));
    await make({ settings: { retryDelays: [10] } }).start();
    await eventually('an empty outbox', outboxIsEmpty);
    assert.deepEqual(numbers(receiver), [0, 0, 1]);
  });

  it('says why a notification that was to be sent at once was not received', async () => {
    const silent = await receive(() => undefined);
    const notifier = make({ settings: { timeout: 50 } });
    const reasons: [string, RegExp][] = [
      [silent.url, /no answer within 50 ms/],
      ['http://127.0.0.1:1/', /ECONNREFUSED/],
      ['mqtt://x', /no http or https URL/],
      ['nonsense', /no http or https URL/],
      ['', /no http or https URL/],
    ];
    for (const [url, why] of reasons) {
      const sent = await notifier.sendNow(url, { 'm2m:sgn': { vrq: true } });
      assert.equal(sent.ok, false);
      assert.match(String(sent.why), why);
    }
  });

  it('is not disturbed by an endless answer, a redirect or a cut connection', async () => {
    const receiver = await receive((output, { path }) => {
      if (path === '/long') output.writeHead(200).write('x'.repeat(1_000_000));
      else if (path === '/away') output.writeHead(302, { Location: '/long' }).end();
      else output.destroy();
    });
    const notifier = make();
    assert.equal((await notifier.sendNow(`${receiver.url}/long`, {})).ok, true);
    assert.match(String((await notifier.sendNow(`${receiver.url}/away`, {})).why), /302/);
    assert.equal((await notifier.sendNow(`${receiver.url}/cut`, {})).ok, false);
    // A kept connection that is cut says nothing about the notification: it is tried once more on a new one.
    assert.deepEqual(
      receiver.received.map(({ path }) => path),
      ['/long', '/away', '/cut', '/cut'],
    );
  });
});
