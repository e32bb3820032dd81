import assert from 'node:assert/strict';
import type { NamedOption, ParsedPacket } from 'coap-packet';
import { createLwm2mAdapter, type Lwm2mSettings } from '../../adapters/lwm2m/adapter.ts';
import type { DeviceLink, Procedure, ProcedureEnd, ProcedureRun } from '../../adapters/lwm2m/procedure.ts';
import type { ManagedDevice, ProtocolAdapter } from '../../src/management/adapter.ts';
import type { Step } from '../../src/management/operation.ts';
import { succeeded } from '../../src/management/outcome.ts';
import { ManualClock } from '../../src/support/clock.ts';
import { silentLog } from '../../src/support/log.ts';
import { createNetwork, pass, passUntil, type MemoryNetwork, type RawPeer } from './coap/memory-network.ts';
import { blockOf, blockValue, message, option, optionOf, path, read } from './coap/support.ts';
import { createFakeManagement, type FakeManagement } from './fake-management.ts';

const gateway = 'gateway';

interface Reply {
  code: string;
  payload?: Buffer | string;
  options?: NamedOption[];
}

interface Asked {
  method: string;
  path: string;
  query: string;
  packet: ParsedPacket;
}

interface Bench {
  clock: ManualClock;
  network: MemoryNetwork;
  management: FakeManagement;
  adapter: ProtocolAdapter;
  device: ManagedDevice;
  peer: RawPeer;
  /** What the device was asked, repeats included. */
  asked: Asked[];
  /** How the device answers; undefined = silence. */
  answer: (asked: Asked) => Reply | undefined;
  register(query?: string[]): Promise<void>;
  update(): Promise<void>;
  send(packet: Parameters<typeof message>[0]): void;
  /** Resolves with the outcome, moving the clock. */
  run(steps: Step[], change?: Parameters<FakeManagement['run']>[2]): ReturnType<FakeManagement['run']>;
}

const methods: Record<string, string> = {
  '0.01': 'GET',
  '0.02': 'POST',
  '0.03': 'PUT',
  '0.04': 'DELETE',
  '0.05': 'FETCH',
  '0.07': 'iPATCH',
};

async function createBench(settings: Partial<Lwm2mSettings> = {}, query = ['ep=a', 'lt=86400']): Promise<Bench> {
  const clock = new ManualClock();
  const network = createNetwork(clock);
  const management = createFakeManagement(clock);
  const adapter = createLwm2mAdapter({ transport: network.open(gateway), ...settings });
  await adapter.start(management.context);
  let messageId = 20_000;
  let location: string[] = [];
  const peer = network.raw('device', (bytes) => {
    const packet = read(bytes);
    if (packet.ack && packet.code === '2.01') {
      location = packet.options.filter(({ name }) => name === 'Location-Path').map(({ value }) => value.toString());
    }
    const method = methods[packet.code];
    if (!method) return;
    const segments = packet.options.filter(({ name }) => name === 'Uri-Path').map(({ value }) => value.toString());
    const queries = packet.options.filter(({ name }) => name === 'Uri-Query').map(({ value }) => value.toString());
    const asked: Asked = { method, path: `/${segments.join('/')}`, query: queries.join('&'), packet };
    bench.asked.push(asked);
    const reply = bench.answer(asked);
    if (!reply) return;
    const { code, payload = '', options = [] } = reply;
    const head = { ack: true, messageId: packet.messageId, token: packet.token };
    peer.send(gateway, message({ ...head, code, payload: Buffer.from(payload), options }));
  });
  const bench: Bench = {
    clock,
    network,
    management,
    adapter,
    device: {
      id: '',
      technology: '',
      identity: '',
      lane: '',
      presence: { state: 'gone', lastSeen: 0 },
      inventory: { objects: [] },
      facts: null,
    },
    peer,
    asked: [],
    answer: () => ({ code: '2.04' }),
    async register(parameters = query) {
      bench.send({
        code: 'POST',
        options: [...path('rd'), ...parameters.map((one) => option('Uri-Query', Buffer.from(one)))],
        payload: Buffer.from('</1/0>,</3/0>,</5/0>,</9/0>'),
      });
      await pass(clock, 20);
      bench.device = management.device('a');
    },
    async update() {
      bench.send({ code: 'POST', options: path(...location) });
      await pass(clock, 20);
    },
    send(packet) {
      peer.send(gateway, message({ confirmable: true, messageId: ++messageId, ...packet }));
    },
    run: (steps, change) => passUntil(clock, management.run(bench.device.id, steps, change)),
  };
  await bench.register();
  return bench;
}

const text = option('Content-Format', '');
const tlv = option('Content-Format', '2d16');
const level = { code: '2.05', payload: '42', options: [text] };
const readLevel: Step[] = [{ action: 'read', targets: [{ path: '/3/0/9' }] }];

describe('an operation on a device', () => {
  it('reads one resource with one GET, and several of an instance with one as well', async () => {
    const bench = await createBench();
    bench.answer = ({ path: asked }) =>
      asked === '/3/0/9' ? level : { code: '2.05', payload: Buffer.from('c10964c11405', 'hex'), options: [tlv] };
    const one = await bench.run(readLevel);
    assert.deepEqual(one.results, [{ path: '/3/0/9', value: 42 }]);
    const targets = [{ path: '/3/0/9' }, { path: '/3/0/20' }, { path: '/3/0/21', optional: true }];
    const several = await bench.run([{ action: 'read', targets }]);
    assert.equal(several.status, 'succeeded');
    assert.deepEqual(several.results, [
      { path: '/3/0/9', value: 100 },
      { path: '/3/0/20', value: 5 },
      { path: '/3/0/21', absent: true },
    ]);
    assert.deepEqual(
      bench.asked.map((asked) => `${asked.method} ${asked.path}`),
      ['GET /3/0/9', 'GET /3/0'],
    );
    assert.equal(optionOf(bench.asked[0]!.packet, 'Accept'), undefined);
  });

  it('asks for what the instance leaves out and is not optional, and keeps the code as evidence', async () => {
    const bench = await createBench();
    bench.answer = ({ path: asked }) =>
      asked === '/3/0' ? { code: '2.05', payload: Buffer.from('c10964', 'hex'), options: [tlv] } : { code: '4.05' };
    const outcome = await bench.run([{ action: 'read', targets: [{ path: '/3/0/9' }, { path: '/3/0/4' }] }]);
    assert.equal(outcome.status, 'failed');
    assert.equal(outcome.failure?.cause, 'not-allowed');
    assert.equal(outcome.failure?.evidence, '4.05 Method Not Allowed');
    assert.deepEqual(outcome.results[0], { path: '/3/0/9', value: 100 });
  });

  it('asks in another format when the first answer cannot be read', async () => {
    const bench = await createBench();
    bench.answer = ({ packet }) =>
      optionOf(packet, 'Accept')
        ? { code: '2.05', payload: Buffer.from('c10964', 'hex'), options: [tlv] }
        : { code: '2.05', payload: 'x', options: [option('Content-Format', '29')] };
    const outcome = await bench.run([
      { action: 'read', targets: [{ path: '/3/0/9' }, { path: '/3/0/20', optional: true }] },
    ]);
    assert.equal(outcome.status, 'succeeded');
    assert.equal(optionOf(bench.asked[1]!.packet, 'Accept')?.toString('hex'), '2d16');
  });

  it('answers what can be read of an instance when one of its values cannot', async () => {
    const bench = await createBench();
    bench.answer = () => ({ code: '2.05', payload: Buffer.from('c30901e240c11405', 'hex'), options: [tlv] });
    const targets = [9, 20, 21].map((resource) => ({ path: `/3/0/${resource}`, optional: true }));
    const outcome = await bench.run([{ action: 'read', targets }]);
    assert.equal(outcome.status, 'succeeded');
    const [bad, ...others] = outcome.results;
    assert.deepEqual(others, [
      { path: '/3/0/20', value: 5 },
      { path: '/3/0/21', absent: true },
    ]);
    assert.ok('failure' in bad!);
    assert.equal(bad.failure.cause, 'unreadable');
    assert.match(bad.failure.explanation, /not 3 \(0x01e240\)/);
    assert.equal(bench.asked.length, 1, 'asked once: the same answer would come again');
  });

  it('names in the log what cannot be read', async () => {
    const bench = await createBench();
    bench.answer = () => ({ code: '2.05', payload: Buffer.from('c30901e240c11405', 'hex'), options: [tlv] });
    const lines: object[] = [];
    bench.management.context.log = { ...silentLog, warn: (fields) => void lines.push(fields) };
    await bench.run([{ action: 'read', targets: [{ path: '/3/0/9' }, { path: '/3/0/20' }] }]);
    assert.equal(lines.length, 1);
    assert.match(JSON.stringify(lines[0]), /"device":"device-1".*"path":"\/3\/0\/9".*0x01e240/);
  });

  it('fails with the evidence when nothing of what was asked can be read', async () => {
    const bench = await createBench();
    bench.answer = () => ({ code: '2.05', payload: Buffer.from('c30901e240', 'hex'), options: [tlv] });
    for (const paths of [['/3/0/9'], ['/3/0/9', '/3/0/20']]) {
      const targets = paths.map((one) => ({ path: one, optional: true }));
      const outcome = await bench.run([{ action: 'read', targets }]);
      assert.equal(outcome.status, 'failed', paths.join(' '));
      assert.match(outcome.failure?.explanation ?? '', /not 3 \(0x01e240\)/);
      assert.equal(outcome.failure?.evidence, '2.05 Content as application/vnd.oma.lwm2m+tlv');
    }
  });

  it('does not take for absent what a composite answer has and cannot be read', async () => {
    const bench = await createBench({}, ['ep=a', 'lwm2m=1.2']);
    const pack = '[{"n":"/3/0/9","v":"full"},{"n":"/5/0/3","v":1},{"n":"/9/0/7","v":2}]';
    bench.answer = () => ({ code: '2.05', payload: pack, options: [option('Content-Format', '6e')] });
    const targets = ['/3/0/9', '/5/0/3', '/9/0/7'].map((one) => ({ path: one, optional: true }));
    const { status, results } = await bench.run([{ action: 'read', targets }]);
    assert.equal(status, 'succeeded');
    assert.ok('failure' in results[0]! && results[0].failure.cause === 'unreadable');
    assert.deepEqual(results.slice(1), [
      { path: '/5/0/3', value: 1 },
      { path: '/9/0/7', value: 2 },
    ]);
  });

  it('writes one resource by PUT of text, and several of an instance by one POST', async () => {
    const bench = await createBench();
    await bench.run([{ action: 'write', assignments: [{ path: '/3/0/14', value: '+02:00' }] }]);
    await bench.run([
      {
        action: 'write',
        assignments: [
          { path: '/3/0/14', value: 'a' },
          { path: '/3/0/15', value: 'b' },
        ],
      },
    ]);
    const [put, post] = bench.asked;
    assert.equal(`${put!.method} ${put!.path}`, 'PUT /3/0/14');
    assert.equal(put!.packet.payload.toString(), '+02:00');
    assert.equal(optionOf(put!.packet, 'Content-Format')?.length, 0);
    assert.equal(`${post!.method} ${post!.path}`, 'POST /3/0');
    assert.equal(optionOf(post!.packet, 'Content-Format')?.toString('hex'), '2d16');
    assert.equal(post!.packet.payload.toString('hex'), 'c10e61c10f62');
  });

  it('tries the next format after 4.15, and remembers the refusal over a restart', async () => {
    const bench = await createBench({}, ['ep=a', 'lwm2m=1.1']);
    bench.answer = ({ packet }) => ({
      code: optionOf(packet, 'Content-Format')?.toString('hex') === '2d16' ? '4.15' : '2.04',
    });
    const assignments = [
      { path: '/3/0/14', value: 'a' },
      { path: '/3/0/15', value: 'b' },
    ];
    const formats = (): (string | undefined)[] =>
      bench.asked.map(({ packet }) => optionOf(packet, 'Content-Format')?.toString('hex'));
    assert.equal((await bench.run([{ action: 'write', assignments }])).status, 'succeeded');
    assert.equal((await bench.run([{ action: 'write', assignments }])).status, 'succeeded');
    assert.deepEqual(formats(), ['2d16', '70', '70']);
    assert.deepEqual((bench.device.facts as { learned: object }).learned, { refused: [11_542], structured: 112 });
  });

  it('is refused before anything is sent when a value cannot be said', async () => {
    const bench = await createBench();
    const outcome = await bench.run([{ action: 'write', assignments: [{ path: '/3/0/13', value: 'yesterday' }] }]);
    assert.equal(outcome.failure?.cause, 'conversion');
    assert.equal(bench.asked.length, 0);
    assert.ok(!bench.management.history.includes('dispatched op1'));
  });

  it('goes through its steps in order, and the first failure ends it', async () => {
    const bench = await createBench();
    bench.answer = ({ path: asked }) => ({ code: asked === '/3/0/12' ? '5.00' : '2.04' });
    const outcome = await bench.run([
      { action: 'write', assignments: [{ path: '/3/0/14', value: 'a' }] },
      { action: 'execute', target: { path: '/3/0/12' }, arguments: "0='x'" },
      { action: 'execute', target: { path: '/3/0/4' } },
    ]);
    assert.equal(outcome.status, 'failed');
    assert.equal(outcome.failedStep, 1);
    assert.deepEqual(outcome.results[0], { path: '/3/0/14', done: true });
    assert.equal(bench.asked.length, 2);
    assert.equal(bench.asked[1]!.packet.payload.toString(), "0='x'");
  });

  it('creates an instance, says which one it became, and deletes it', async () => {
    const bench = await createBench();
    bench.answer = ({ method }) =>
      method === 'POST'
        ? { code: '2.01', options: ['2048', '3'].map((segment) => option('Location-Path', Buffer.from(segment))) }
        : { code: '2.02' };
    const assignments = [{ path: '/2048/3/0', value: 'policy' }];
    const created = await bench.run([{ action: 'create', path: '/2048', instance: '3', assignments }]);
    assert.equal(created.created, '/2048/3');
    assert.equal(created.evidence, '2.01 Created');
    assert.equal((await bench.run([{ action: 'delete', path: '/2048/3' }])).status, 'succeeded');
    assert.deepEqual(
      bench.asked.map((asked) => `${asked.method} ${asked.path}`),
      ['POST /2048', 'DELETE /2048/3'],
    );
  });

  it('is sent after it was marked as dispatched, never before', async () => {
    const bench = await createBench();
    let stored = (): void => {};
    bench.management.beforeStore = () => new Promise((resolve) => (stored = resolve));
    bench.answer = () => level;
    bench.management.queue(bench.device.id, [{ action: 'execute', target: { path: '/3/0/4' } }], { repeatable: false });
    await pass(bench.clock, 1_000);
    assert.equal(bench.asked.length, 0);
    stored();
    await pass(bench.clock, 20);
    assert.equal(bench.asked.length, 1);
  });

  it('is not sent when it was withdrawn, and the next one is', async () => {
    const bench = await createBench();
    bench.answer = () => level;
    bench.management.beforeStore = () => {
      const first = bench.management.operations.get('op1');
      if (first?.state === 'taken') first.state = 'withdrawn';
    };
    bench.management.queue(bench.device.id, [{ action: 'execute', target: { path: '/3/0/4' } }]);
    assert.equal((await bench.run(readLevel)).status, 'succeeded');
    assert.deepEqual(
      bench.asked.map((asked) => asked.path),
      ['/3/0/9'],
    );
  });

  it('waits for the one before it: one device is asked one thing at a time, in order', async () => {
    const bench = await createBench();
    bench.answer = () => level;
    const paths = Array.from({ length: 20 }, (_, at) => `/3/0/${at}`);
    const all = paths.map((one) =>
      bench.management.run(bench.device.id, [{ action: 'read', targets: [{ path: one, optional: true }] }]),
    );
    await passUntil(bench.clock, Promise.all(all));
    assert.deepEqual(
      bench.asked.map((asked) => asked.path),
      paths,
    );
  });

  it('fails as "no answer" when the device is silent, and is not sent again by itself', async () => {
    const bench = await createBench();
    bench.answer = () => undefined;
    const outcome = await bench.run([{ action: 'execute', target: { path: '/3/0/4' } }], { repeatable: false });
    assert.equal(outcome.failure?.cause, 'no-answer');
    assert.equal(bench.asked.length, 5);
    assert.equal(bench.device.presence.state, 'asleep');
    assert.equal((await bench.adapter.wake(bench.device)).state, 'waiting');
    await pass(bench.clock, 200_000, 5_000);
    assert.equal(bench.asked.length, 5);
  });

  it('leaves a silent device alone until it speaks or a minute is over', async () => {
    const bench = await createBench();
    bench.answer = () => undefined;
    await bench.run(readLevel);
    bench.management.queue(bench.device.id, readLevel);
    await pass(bench.clock, 30_000, 1_000);
    assert.equal(bench.asked.length, 5);
    bench.answer = () => level;
    await bench.update();
    await pass(bench.clock, 50);
    assert.equal((await bench.management.outcome('op2')).status, 'succeeded');
    assert.equal(bench.device.presence.state, 'reachable');
    bench.answer = () => undefined;
    await bench.run(readLevel);
    const before = bench.asked.length;
    const last = bench.management.queue(bench.device.id, readLevel);
    bench.answer = () => level;
    await pass(bench.clock, 61_000, 1_000);
    assert.equal(bench.asked.length, before + 1);
    assert.equal(last.state, 'succeeded');
  });

  it('gives up 93 s after an empty ACK without calling the device silent', async () => {
    const bench = await createBench();
    bench.answer = () => ({ code: '0.00' });
    const silent = bench.peer;
    assert.ok(silent);
    const started = bench.clock.now();
    bench.answer = ({ packet }) => {
      silent.send(gateway, message({ ack: true, code: '0.00', messageId: packet.messageId }));
      return undefined;
    };
    const outcome = await bench.run(readLevel);
    assert.equal(outcome.failure?.evidence, 'an empty ACK');
    assert.ok(bench.clock.now() - started >= 92_000 && bench.clock.now() - started < 96_000);
    assert.equal(bench.device.presence.state, 'reachable');
  });
});

describe('a device in queue mode', () => {
  const queueMode = ['ep=a', 'b=UQ'];

  it('is asked while it listens: for 93 s after its last message', async () => {
    const bench = await createBench({}, queueMode);
    bench.answer = () => level;
    await pass(bench.clock, 80_000, 5_000);
    assert.equal((await bench.run(readLevel)).status, 'succeeded');
    await pass(bench.clock, 80_000, 5_000);
    assert.equal((await bench.run(readLevel)).status, 'succeeded', 'its answer opened the window again');
    assert.deepEqual(await bench.adapter.wake(bench.device), { state: 'awake' });
  });

  it('is sent nothing while it sleeps, and everything in order at its next message', async () => {
    const bench = await createBench({}, queueMode);
    bench.answer = () => level;
    await pass(bench.clock, 95_000, 5_000);
    assert.equal(bench.device.presence.state, 'asleep');
    const wake = await bench.adapter.wake(bench.device);
    assert.equal(wake.state, 'waiting');
    const first = bench.management.queue(bench.device.id, readLevel);
    const second = bench.management.queue(bench.device.id, [{ action: 'read', targets: [{ path: '/3/0/20' }] }]);
    await pass(bench.clock, 300_000, 10_000);
    assert.equal(bench.asked.length, 0);
    await bench.update();
    await pass(bench.clock, 50);
    assert.deepEqual([first.state, second.state], ['succeeded', 'succeeded']);
    assert.deepEqual(
      bench.asked.map((asked) => asked.path),
      ['/3/0/9', '/3/0/20'],
    );
    assert.equal(bench.device.presence.state, 'reachable');
  });

  it('that does not answer counts as asleep at once', async () => {
    const bench = await createBench({}, queueMode);
    bench.answer = () => undefined;
    assert.equal((await bench.run(readLevel)).failure?.cause, 'no-answer');
    const asked = bench.asked.length;
    bench.management.queue(bench.device.id, readLevel);
    await pass(bench.clock, 600_000, 20_000);
    assert.equal(bench.asked.length, asked);
  });
});

describe('a device that registers anew', () => {
  it('in the middle of an exchange ends it, and what may be repeated is served in the new session', async () => {
    const bench = await createBench();
    bench.answer = () => undefined;
    const operation = bench.management.queue(bench.device.id, readLevel);
    await pass(bench.clock, 500);
    assert.equal(bench.asked.length, 1);
    bench.answer = () => level;
    await bench.register();
    await pass(bench.clock, 50);
    assert.equal(operation.state, 'succeeded');
    assert.equal(bench.asked.length, 2);
  });

  it('hears its answer before it is asked anything', async () => {
    const bench = await createBench();
    bench.answer = () => undefined;
    await bench.run(readLevel);
    bench.management.queue(bench.device.id, readLevel);
    bench.answer = () => level;
    let store = (): void => {};
    bench.management.beforeStore = () => new Promise((resolve) => (store = resolve));
    const before = bench.asked.length;
    const registered = bench.register();
    await pass(bench.clock, 500);
    assert.equal(bench.asked.length, before, 'nothing is sent while the registration is being stored');
    bench.management.beforeStore = () => {};
    store();
    await registered;
    await pass(bench.clock, 50);
    assert.equal(bench.asked.length, before + 1);
  });

  it('takes what still waited for its turn into the new registration: it was not sent', async () => {
    const bench = await createBench();
    bench.answer = () => undefined;
    bench.management.wishes.set(bench.device.id, [{ path: '/3/0/9' }]);
    bench.adapter.wishChanged(bench.device);
    await pass(bench.clock, 100);
    const reboot = bench.management.queue(bench.device.id, [{ action: 'execute', target: { path: '/3/0/4' } }], {
      repeatable: false,
    });
    await pass(bench.clock, 100);
    assert.deepEqual([reboot.state, bench.asked.length], ['dispatched', 1], 'it waits behind the observe request');
    let store = (): void => {};
    bench.management.beforeStore = () => new Promise((resolve) => (store = resolve));
    const registered = bench.register();
    await pass(bench.clock, 100);
    assert.equal(reboot.state, 'queued', 'while the registration is stored it is back at its place');
    bench.management.beforeStore = () => {};
    bench.answer = () => ({ code: '2.04' });
    store();
    await registered;
    await pass(bench.clock, 100);
    assert.equal(reboot.state, 'succeeded');
    assert.equal(bench.asked.filter(({ path: asked }) => asked === '/3/0/4').length, 1);
  });

  it('leaves what may not be repeated to management', async () => {
    const bench = await createBench();
    bench.answer = () => undefined;
    const reboot = bench.management.queue(bench.device.id, [{ action: 'execute', target: { path: '/3/0/4' } }], {
      repeatable: false,
    });
    await pass(bench.clock, 500);
    await bench.register();
    await pass(bench.clock, 200_000, 10_000);
    assert.equal(reboot.state, 'dispatched');
    assert.equal(bench.asked.length, 1, 'Execute went once');
  });
});

describe('the observations of a device', () => {
  const first: Reply = { code: '2.05', payload: '40', options: [option('Observe', ''), text] };

  function observers(bench: Bench): Asked[] {
    return bench.asked.filter(({ packet }) => optionOf(packet, 'Observe')?.length === 0);
  }

  async function wish(
    bench: Bench,
    ...wishes: { path: string; minimumPeriod?: number; maximumPeriod?: number }[]
  ): Promise<void> {
    bench.management.wishes.set(bench.device.id, wishes);
    bench.adapter.wishChanged(bench.device);
    await pass(bench.clock, 100, 5);
  }

  it('follow the wishes: attributes, observe, report, cancel', async () => {
    const bench = await createBench();
    bench.answer = ({ method }) => (method === 'PUT' ? { code: '2.04' } : first);
    await wish(bench, { path: '/3/0/9', minimumPeriod: 5, maximumPeriod: 60 }, { path: '/3/0/20' });
    assert.deepEqual(
      bench.asked.map((asked) => `${asked.method} ${asked.path}${asked.query && `?${asked.query}`}`),
      ['PUT /3/0/9?pmin=5&pmax=60', 'GET /3/0/9', 'GET /3/0/20'],
    );
    assert.equal(bench.asked[0]!.packet.payload.length, 0);
    assert.deepEqual(bench.management.observing.get(bench.device.id), ['/3/0/9', '/3/0/20']);
    assert.deepEqual(bench.management.events[0]?.event, { event: 'values', values: [{ path: '/3/0/9', value: 40 }] });
    await wish(bench, { path: '/3/0/20' });
    const last = bench.asked.at(-1)!;
    assert.equal(`${last.method} ${last.path}`, 'GET /3/0/9');
    assert.equal(optionOf(last.packet, 'Observe')?.readUInt8(0), 1);
    assert.deepEqual(bench.management.observing.get(bench.device.id), ['/3/0/20']);
  });

  it('are acknowledged after the value is stored, and never when it is not', async () => {
    const bench = await createBench();
    bench.answer = () => first;
    await wish(bench, { path: '/3/0/9' });
    const token = observers(bench)[0]!.packet.token;
    let stored = (): void => {};
    bench.management.beforeStore = () => new Promise((resolve) => (stored = resolve));
    const count = bench.peer.received.length;
    bench.send({ code: '2.05', token, payload: Buffer.from('41'), options: [option('Observe', '07'), text] });
    await pass(bench.clock, 500);
    assert.equal(bench.peer.received.length, count);
    stored();
    await pass(bench.clock, 20);
    assert.ok(read(bench.peer.received[count]).ack);
    assert.deepEqual(bench.management.events.at(-1)?.event, {
      event: 'values',
      values: [{ path: '/3/0/9', value: 41 }],
    });
    bench.management.beforeStore = () => Promise.reject(new Error('disk full'));
    bench.send({ code: '2.05', token, payload: Buffer.from('42'), options: [option('Observe', '08'), text] });
    await pass(bench.clock, 500);
    assert.equal(bench.peer.received.length, count + 1);
  });

  it('keep nothing current once a value could not be stored, until one is', async () => {
    const bench = await createBench();
    bench.answer = () => first;
    await wish(bench, { path: '/3/0/9' }, { path: '/3/0/20' });
    const { token } = observers(bench)[0]!.packet;
    bench.management.beforeStore = () => Promise.reject(new Error('disk full'));
    const notification = { code: '2.05', token, payload: Buffer.from('42'), options: [option('Observe', '08'), text] };
    bench.send(notification);
    await pass(bench.clock, 50);
    assert.deepEqual(bench.management.observing.get(bench.device.id), ['/3/0/20']);
    bench.management.beforeStore = () => {};
    bench.send(notification);
    await pass(bench.clock, 50);
    assert.deepEqual(bench.management.observing.get(bench.device.id), ['/3/0/9', '/3/0/20']);
  });

  it('whose device has given up saying what could not be stored are made anew at its next contact', async () => {
    const bench = await createBench();
    bench.answer = () => first;
    await wish(bench, { path: '/3/0/9' });
    bench.management.beforeStore = () => Promise.reject(new Error('disk full'));
    const { token } = observers(bench)[0]!.packet;
    bench.send({ code: '2.05', token, payload: Buffer.from('42'), options: [option('Observe', '08'), text] });
    await pass(bench.clock, 50);
    bench.management.beforeStore = () => {};
    await bench.update();
    await pass(bench.clock, 100);
    assert.equal(observers(bench).length, 2);
    assert.notDeepEqual(observers(bench)[1]!.packet.token, token);
    assert.deepEqual(bench.management.observing.get(bench.device.id), ['/3/0/9']);
  });

  it('keep nothing current when the rest of a big notification cannot be had', async () => {
    const bench = await createBench();
    bench.answer = ({ packet }) => (optionOf(packet, 'Block2') ? { code: '5.00' } : first);
    await wish(bench, { path: '/3/0/9' });
    const { token } = observers(bench)[0]!.packet;
    const options = [option('Observe', '08'), text, option('Block2', blockValue(0, true, 0))];
    bench.send({ code: '2.05', token, payload: Buffer.alloc(16, '4'), options });
    await pass(bench.clock, 200);
    assert.deepEqual(bench.management.observing.get(bench.device.id), []);
  });

  it('lose their periods when nobody wishes for periods any more', async () => {
    const bench = await createBench();
    bench.answer = ({ method }) => (method === 'PUT' ? { code: '2.04' } : first);
    await wish(bench, { path: '/3/0/9', minimumPeriod: 60 });
    await wish(bench, { path: '/3/0/9' });
    await wish(bench);
    await wish(bench, { path: '/3/0/9' });
    assert.deepEqual(
      bench.asked.filter(({ method }) => method === 'PUT').map(({ query }) => query),
      ['pmin=60&pmax', 'pmin&pmax'],
    );
  });

  it('are made again after every Register, and the old ones are void', async () => {
    const bench = await createBench();
    bench.answer = () => first;
    await wish(bench, { path: '/3/0/9' });
    const old = observers(bench)[0]!.packet.token;
    await bench.register();
    await pass(bench.clock, 100);
    assert.equal(observers(bench).length, 2);
    bench.send({ code: '2.05', token: old, payload: Buffer.from('99'), options: [option('Observe', '07'), text] });
    await pass(bench.clock, 50);
    assert.ok(read(bench.peer.received.at(-1)).reset);
    assert.ok(!bench.management.events.some(({ event }) => event.event === 'values' && event.values[0]?.value === 99));
  });

  it('are made again after a restart of the gateway, without waiting for an Update', async () => {
    const bench = await createBench();
    bench.answer = () => first;
    await wish(bench, { path: '/3/0/9' });
    await bench.adapter.stop(new Date(bench.clock.now() + 1_000));
    bench.asked.length = 0;
    const next = createLwm2mAdapter({ transport: bench.network.open(gateway) });
    await next.start(bench.management.context);
    await pass(bench.clock, 100, 5);
    assert.equal(observers(bench).length, 1);
    assert.deepEqual(bench.management.observing.get(bench.device.id), ['/3/0/9']);
  });

  it('that the device ends with 4.04 are over, and management hears that the path is gone', async () => {
    const bench = await createBench();
    bench.answer = () => first;
    await wish(bench, { path: '/3/0/9' });
    bench.send({ code: '4.04', token: observers(bench)[0]!.packet.token });
    await pass(bench.clock, 50);
    assert.deepEqual(bench.management.events.at(-1)?.event, { event: 'gone', paths: ['/3/0/9'] });
    assert.deepEqual(bench.management.observing.get(bench.device.id), []);
  });

  it('that could not be made are made at the next message', async () => {
    const bench = await createBench({}, ['ep=a', 'b=UQ']);
    await pass(bench.clock, 95_000, 5_000);
    bench.answer = () => first;
    await wish(bench, { path: '/3/0/9' });
    assert.equal(bench.asked.length, 0);
    await bench.update();
    await pass(bench.clock, 50);
    assert.equal(observers(bench).length, 1);
  });

  it('are one composite observation where the client serves it, and single ones where it does not', async () => {
    for (const serves of [true, false]) {
      const bench = await createBench({}, ['ep=a', 'lwm2m=1.2']);
      const senml = '[{"n":"/3/0/9","v":1},{"n":"/3/0/20","v":2},{"n":"/3/0/10","v":3}]';
      bench.answer = ({ method }) =>
        method !== 'FETCH'
          ? first
          : serves
            ? { code: '2.05', payload: senml, options: [option('Observe', ''), option('Content-Format', '6e')] }
            : { code: '4.05' };
      await wish(
        bench,
        { path: '/3/0/9', minimumPeriod: 2 },
        { path: '/3/0/20', minimumPeriod: 2 },
        { path: '/3/0/10', minimumPeriod: 2 },
      );
      assert.equal(bench.asked[0]!.method, 'FETCH');
      assert.equal(bench.asked[0]!.query, 'pmin=2');
      assert.equal(observers(bench).length, serves ? 1 : 4);
      assert.equal(bench.management.observing.get(bench.device.id)?.length, 3);
    }
  });

  it('stay composite when the device was away, and become single ones when it acknowledges a FETCH and then says nothing', async () => {
    for (const isAway of [true, false]) {
      const bench = await createBench({}, ['ep=a', 'lwm2m=1.2']);
      const { peer } = bench;
      bench.answer = ({ packet }) => {
        if (!isAway) peer.send(gateway, message({ ack: true, code: '0.00', messageId: packet.messageId }));
        return undefined;
      };
      await wish(bench, { path: '/3/0/9' }, { path: '/3/0/20' }, { path: '/3/0/10' });
      await pass(bench.clock, 90_000, 1_000);
      bench.answer = () => first;
      await pass(bench.clock, 10_000, 1_000);
      await bench.update();
      await pass(bench.clock, 100);
      const last = observers(bench).at(-1)!;
      assert.equal(last.method, isAway ? 'FETCH' : 'GET');
    }
  });
});

describe('a procedure', () => {
  type Work = (link: DeviceLink, run: ProcedureRun) => Promise<ProcedureEnd>;

  function procedure(
    start: Work,
    resume: Work = () => Promise.resolve({ state: 'waiting', why: 'it waits' }),
  ): Procedure {
    return {
      name: 'firmware-update',
      signature: { url: true },
      start: (link, _operation, _step, run) => start(link, run),
      resume: (link, _operation, run) => resume(link, run),
      cancel: async () => ({ state: 'cancelled' }),
    };
  }

  const steps: Step[] = [{ action: 'procedure', procedure: 'firmware-update', object: '/5/0', inputs: {} }];
  const pendingFor = (clock: ManualClock) => ({
    correlator: 'c',
    procedure: 'firmware-update',
    state: {},
    deadline: clock.now() + 3_600_000,
    holds: '/5/0',
  });
  const done: ProcedureEnd = { state: 'settled', outcome: succeeded([], { evidence: 'Update Result 1' }) };

  it('holds the lane until the device accepts, and then lets reads go between its blocks', async () => {
    const image = Buffer.alloc(64 * 30, 7);
    const work: Work = async (link, run) => {
      const source = {
        size: image.length,
        read: (offset: number, length: number) => Promise.resolve(image.subarray(offset, offset + length)),
      };
      let accepted = false;
      const answer = await link.push('/5/0/0', source, {
        onBlock: async () => {
          if (!accepted) await run.accept(pendingFor(bench.clock));
          accepted = true;
        },
      });
      assert.equal(answer.code, '2.04');
      return done;
    };
    const bench = await createBench({ procedures: [procedure(work)], pushBlockSize: 64 });
    bench.answer = ({ packet }) => {
      const block = blockOf(packet, 'Block1');
      return block ? { code: block[1] ? '2.31' : '2.04', options: [option('Block1', blockValue(...block))] } : level;
    };
    const update = bench.management.queue(bench.device.id, steps, { repeatable: false });
    const reading = bench.management.queue(bench.device.id, readLevel);
    await passUntil(bench.clock, bench.management.outcome(update.id));
    assert.equal(reading.state, 'succeeded');
    const place = bench.asked.findIndex(({ path: asked }) => asked === '/3/0/9');
    assert.ok(place >= 1 && place <= 3, `the read was exchange ${place}`);
    assert.equal(bench.asked.length, 31);
    assert.deepEqual(bench.management.history, [
      'dispatched op1',
      'accepted op1',
      'dispatched op2',
      'succeeded op2',
      'succeeded op1',
    ]);
  });

  it('makes reads wait for the end of a push where the client is busy with it, and remembers that', async () => {
    const image = Buffer.alloc(64 * 5, 7);
    const work: Work = async (link, run) => {
      await run.accept(pendingFor(bench.clock));
      await link.push('/5/0/0', {
        size: image.length,
        read: (offset, length) => Promise.resolve(image.subarray(offset, offset + length)),
      });
      return done;
    };
    const bench = await createBench({ procedures: [procedure(work)], pushBlockSize: 64 });
    let pushing = false;
    bench.answer = ({ packet }) => {
      const block = blockOf(packet, 'Block1');
      if (block) pushing = block[1];
      else return pushing ? { code: '5.03' } : level;
      return { code: block[1] ? '2.31' : '2.04', options: [option('Block1', blockValue(...block))] };
    };
    bench.management.queue(bench.device.id, steps);
    const outcome = await bench.run(readLevel);
    assert.equal(outcome.status, 'succeeded');
    assert.equal((bench.device.facts as { learned: { exclusivePush?: boolean } }).learned.exclusivePush, true);
  });

  it('that waits for the device goes on at its next registration, and not twice at once', async () => {
    let resumed = 0;
    const bench = await createBench({
      procedures: [
        procedure(
          async (_, run) => {
            await run.accept(pendingFor(bench.clock));
            return { state: 'waiting', why: 'it reboots' };
          },
          async (link) => {
            resumed++;
            assert.equal((await link.read('/3/0/9')).value, 42);
            return done;
          },
        ),
      ],
    });
    bench.answer = () => level;
    const update = bench.management.queue(bench.device.id, steps);
    await pass(bench.clock, 100);
    assert.equal(update.state, 'accepted');
    await bench.register();
    await pass(bench.clock, 100);
    assert.equal(resumed, 1);
    assert.equal(update.outcome?.evidence, 'Update Result 1');
    await bench.update();
    assert.equal(resumed, 1);
  });

  it('is interrupted by a new registration and starts over from the device', async () => {
    const ends: string[] = [];
    const bench = await createBench({
      procedures: [
        procedure(
          async (link, run) => {
            await run.accept(pendingFor(bench.clock));
            await link.wait(1_000_000);
            ends.push(run.signal.aborted ? 'interrupted' : 'over');
            const answer = await link.read('/5/0/3');
            assert.equal(answer.failure?.cause, 'no-session');
            return { state: 'settled', outcome: { status: 'failed', failure: answer.failure!, results: [] } };
          },
          async () => {
            ends.push('resumed');
            return done;
          },
        ),
      ],
    });
    const update = bench.management.queue(bench.device.id, steps);
    await pass(bench.clock, 100);
    await bench.register();
    await pass(bench.clock, 100);
    assert.deepEqual(ends, ['interrupted', 'resumed']);
    assert.equal(update.state, 'succeeded');
  });

  it('that fails before the device accepted settles with the results of the steps before it', async () => {
    const bench = await createBench({
      procedures: [
        procedure(async (link) => ({
          state: 'settled',
          outcome: { status: 'failed', failure: (await link.write('/5/0/1', 'x')).failure!, results: [] },
        })),
      ],
    });
    bench.answer = ({ path: asked }) => ({ code: asked === '/5/0/1' ? '4.00' : '2.04' });
    const outcome = await bench.run([{ action: 'write', assignments: [{ path: '/5/0/11', value: 1 }] }, ...steps]);
    assert.equal(outcome.status, 'failed');
    assert.equal(outcome.failedStep, 1);
    assert.equal(outcome.failure?.evidence, '4.00 Bad Request');
    assert.deepEqual(outcome.results[0], { path: '/5/0/11', done: true });
  });

  it('that throws fails when it was not accepted, and waits when it was', async () => {
    for (const accepted of [false, true]) {
      const bench = await createBench({
        procedures: [
          procedure(async (_, run) => {
            if (accepted) await run.accept(pendingFor(bench.clock));
            throw new Error('broken');
          }),
        ],
      });
      const update = bench.management.queue(bench.device.id, steps);
      await pass(bench.clock, 100);
      assert.equal(update.state, accepted ? 'accepted' : 'failed');
    }
  });

  it('ends at its deadline', async () => {
    const bench = await createBench({
      procedures: [
        procedure(async (link, run) => {
          await run.accept(pendingFor(bench.clock));
          await link.wait(1e9);
          return { state: 'waiting', why: 'interrupted' };
        }),
      ],
    });
    const update = bench.management.queue(bench.device.id, steps);
    await pass(bench.clock, 3_500_000, 100_000);
    assert.equal(update.state, 'accepted');
    await pass(bench.clock, 200_000, 100_000);
    assert.equal(update.outcome?.failure?.cause, 'deadline');
  });

  it('is cancelled while the device listens, and its run ends', async () => {
    let aborted = false;
    const bench = await createBench({
      procedures: [
        procedure(async (link, run) => {
          await run.accept(pendingFor(bench.clock));
          await link.wait(1e9);
          aborted = run.signal.aborted;
          return { state: 'waiting', why: 'interrupted' };
        }),
      ],
    });
    const update = bench.management.queue(bench.device.id, steps);
    await pass(bench.clock, 100);
    assert.deepEqual(await bench.adapter.cancel(bench.device, update), { state: 'cancelled' });
    await pass(bench.clock, 100);
    assert.ok(aborted);
  });

  it('that the leg does not have is refused before anything is sent', async () => {
    const bench = await createBench();
    const outcome = await bench.run(steps);
    assert.equal(outcome.failure?.cause, 'not-implemented');
  });

  it('is found again after a restart of the gateway, at the first contact', async () => {
    const bench = await createBench({
      procedures: [
        procedure(
          async (_, run) => (await run.accept(pendingFor(bench.clock)), { state: 'waiting', why: 'it reboots' }),
        ),
      ],
    });
    const update = bench.management.queue(bench.device.id, steps);
    await pass(bench.clock, 100);
    await bench.adapter.stop(new Date(bench.clock.now() + 1_000));
    const network = createNetwork(bench.clock);
    const adapter = createLwm2mAdapter({
      transport: network.open(gateway),
      procedures: [
        procedure(
          async () => done,
          async () => done,
        ),
      ],
    });
    await adapter.start(bench.management.context);
    const location = (bench.device.facts as { location: string }).location;
    network.raw('device').send(gateway, message({ confirmable: true, code: 'POST', options: path('rd', location) }));
    await pass(bench.clock, 100);
    assert.equal(update.state, 'succeeded');
  });
});
