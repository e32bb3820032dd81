/** Which device is meant: addresses that change hands, registrations that overtake one another, devices that are gone. */
import assert from 'node:assert/strict';
import type { NamedOption, ParsedPacket } from 'coap-packet';
import { createLwm2mAdapter, type Lwm2mSettings } from '../../adapters/lwm2m/adapter.ts';
import type { Procedure } from '../../adapters/lwm2m/procedure.ts';
import type { Step } from '../../src/management/operation.ts';
import { succeeded } from '../../src/management/outcome.ts';
import { ManualClock } from '../../src/support/clock.ts';
import { createNetwork, pass, passUntil } from './coap/memory-network.ts';
import { message, option, path, read } from './coap/support.ts';
import { createFakeManagement, type FakeManagement } from './fake-management.ts';

const gateway = 'gateway';
const text = option('Content-Format', '');
const list = '</1/0>,</3/0>,</5/0>';

/** A client at an address: it registers, and answers every request with its own name, or not at all. */
interface Client {
  /** `GET /3/0/9` of everything that it was asked, repeats included. */
  asked: string[];
  silent: boolean;
  answers: ParsedPacket[];
  register(endpoint: string, more?: { query?: string[]; list?: string; wait?: number }): Promise<string>;
  ask(code: string, segments: string[], query?: string[], payload?: string, wait?: number): Promise<ParsedPacket>;
  update(wait?: number): Promise<string>;
  leave(wait?: number): Promise<string>;
  location: string[];
  send(packet: Parameters<typeof message>[0]): void;
}

interface Bench {
  clock: ManualClock;
  management: FakeManagement;
  at(address: string): Client;
  /** Reads /3/0/9 of an endpoint. */
  level(endpoint: string, root?: string): ReturnType<FakeManagement['run']>;
}

async function createBench(settings: Partial<Lwm2mSettings> = {}, before?: FakeManagement): Promise<Bench> {
  const clock = new ManualClock();
  const network = createNetwork(clock);
  const management = before ?? createFakeManagement(clock);
  const adapter = createLwm2mAdapter({ transport: network.open(gateway), ...settings });
  await adapter.start(management.context);
  let messageId = 0;
  const methods: Record<string, string> = { '0.01': 'GET', '0.02': 'POST', '0.03': 'PUT', '0.04': 'DELETE' };
  const at = (address: string): Client => {
    const peer = network.raw(address, (bytes) => {
      const packet = read(bytes);
      if (packet.ack) client.answers.push(packet);
      const method = methods[packet.code];
      if (!method) return;
      const segments = packet.options.filter(({ name }) => name === 'Uri-Path').map(({ value }) => value.toString());
      client.asked.push(`${method} /${segments.join('/')}`);
      if (client.silent) return;
      const head = { ack: true, messageId: packet.messageId, token: packet.token };
      const code = method === 'GET' ? '2.05' : '2.04';
      peer.send(gateway, message({ ...head, code, payload: Buffer.from('1'), options: code === '2.05' ? [text] : [] }));
    });
    const client: Client = {
      asked: [],
      silent: false,
      answers: [],
      location: [],
      async register(endpoint, { query = ['lt=600'], list: objects = list, wait = 20 } = {}) {
        const answer = await client.ask('POST', ['rd'], [`ep=${endpoint}`, ...query], objects, wait);
        client.location = answer.options
          .filter(({ name }) => name === 'Location-Path')
          .map(({ value }) => value.toString());
        return answer.code;
      },
      async ask(code, segments, query = [], payload = '', wait = 20) {
        const options: NamedOption[] = [
          ...path(...segments),
          ...query.map((one) => option('Uri-Query', Buffer.from(one))),
        ];
        const mine = ++messageId;
        peer.send(
          gateway,
          message({ confirmable: true, code, messageId: mine, options, payload: Buffer.from(payload) }),
        );
        await pass(clock, wait);
        const answer = client.answers.find((packet) => packet.messageId === mine);
        return answer ?? read(message({ code: '0.00', messageId: mine }));
      },
      update: async (wait) => (await client.ask('POST', client.location, [], '', wait)).code,
      leave: async (wait) => (await client.ask('DELETE', client.location, [], '', wait)).code,
      send(packet) {
        peer.send(gateway, message({ messageId: ++messageId, ...packet }));
      },
    };
    return client;
  };
  return {
    clock,
    management,
    at,
    level(endpoint, root = '') {
      const steps: Step[] = [{ action: 'read', targets: [{ path: `${root}/3/0/9` }] }];
      return passUntil(clock, management.run(management.device(endpoint).id, steps));
    },
  };
}

const readLevel: Step[] = [{ action: 'read', targets: [{ path: '/3/0/9' }] }];

describe('an address that another device has taken over', () => {
  it('is not asked any more for the device that had it before', async () => {
    const bench = await createBench();
    const place = bench.at('place');
    await place.register('a');
    await place.register('b');
    const waiting = bench.management.queue(bench.management.device('a').id, readLevel);
    await pass(bench.clock, 5000);
    assert.deepEqual(place.asked, [], 'b would have answered for a');
    assert.equal(waiting.state, 'queued');
    assert.equal(bench.management.device('a').presence.state, 'asleep');
    assert.equal((await bench.level('b')).status, 'succeeded');
    const elsewhere = bench.at('elsewhere');
    elsewhere.location = place.location;
  });

  it('is asked for nothing that was under way with the device before', async () => {
    const bench = await createBench();
    const place = bench.at('place');
    await place.register('a');
    place.silent = true;
    const waiting = bench.management.queue(bench.management.device('a').id, readLevel);
    await pass(bench.clock, 1000);
    assert.equal(place.asked.length, 1);
    await place.register('b');
    await pass(bench.clock, 20_000);
    assert.equal(place.asked.length, 1, 'no repeat of the request for a reaches b');
    assert.notEqual(waiting.state, 'succeeded');
  });

  it('is given back by an Update of the first, or left by an Update from elsewhere', async () => {
    const bench = await createBench();
    const place = bench.at('place');
    await place.register('a');
    const first = place.location;
    await place.register('b');
    place.location = first;
    assert.equal(await place.update(), '2.04');
    assert.equal((await bench.level('a')).status, 'succeeded');
    assert.equal(bench.management.device('b').presence.state, 'asleep');
    const other = bench.at('other');
    other.location = first;
    assert.equal(await other.update(), '2.04');
    assert.equal((await bench.level('a')).status, 'succeeded');
    assert.deepEqual(other.asked, ['GET /3/0/9']);
  });

  it('belongs to the one that was heard last, also after a restart of the gateway', async () => {
    const bench = await createBench();
    const place = bench.at('place');
    await place.register('b');
    await pass(bench.clock, 1000);
    await place.register('a');
    bench.management.device('a').presence.lastSeen = 2;
    bench.management.device('b').presence.lastSeen = 1;
    // The store lists them in any order.
    const next = await createBench({}, bench.management);
    const again = next.at('place');
    const waiting = next.management.queue(next.management.device('b').id, readLevel);
    await pass(next.clock, 2000);
    assert.equal(waiting.state, 'queued');
    assert.deepEqual(again.asked, []);
  });

  it('serves devices that share it, where their roots tell them apart', async () => {
    const bench = await createBench();
    const place = bench.at('place');
    await place.register('a', { list: '</m1>;rt="oma.lwm2m",</m1/3/0>,</m1/1/0>' });
    await place.register('b', { list: '</m2>;rt="oma.lwm2m",</m2/3/0>,</m2/1/0>' });
    assert.equal((await bench.level('a', '/m1')).status, 'succeeded');
    assert.equal((await bench.level('b', '/m2')).status, 'succeeded');
    assert.deepEqual(place.asked, ['GET /m1/3/0/9', 'GET /m2/3/0/9']);
    await place.register('b', { list: '</m2>;rt="oma.lwm2m",</m2/3/0>,</m2/1/0>' });
    assert.equal((await bench.level('a', '/m1')).status, 'succeeded');
  });
});

describe('registrations that overtake one another', () => {
  /** Holds the first commit until it is told. */
  function hold(management: FakeManagement): () => void {
    let free = (): void => {};
    const held = new Promise<void>((resolve) => (free = resolve));
    let count = 0;
    management.beforeStore = () => (++count === 1 ? held : undefined);
    return free;
  }

  it('a Register after a De-register that is still being stored stands', async () => {
    const bench = await createBench();
    const place = bench.at('place');
    await place.register('a');
    const free = hold(bench.management);
    await place.leave(0);
    const location = place.location;
    await place.register('a');
    free();
    await pass(bench.clock, 20);
    assert.equal(bench.management.device('a').presence.state, 'reachable');
    assert.equal((await bench.level('a')).status, 'succeeded');
    place.location = location;
    assert.equal(await place.update(), '4.04', 'the old location is over');
  });

  it('an Update of the old registration that comes while the new one is stored changes nothing', async () => {
    const bench = await createBench();
    const old = bench.at('old');
    await old.register('a');
    const free = hold(bench.management);
    const fresh = bench.at('fresh');
    await fresh.register('a', { wait: 0 });
    await old.ask('POST', old.location, ['lt=7'], '', 0);
    free();
    await pass(bench.clock, 20);
    const facts = bench.management.device('a').facts as { lifetime: number; peer: string };
    assert.deepEqual([facts.lifetime, facts.peer], [600, 'fresh']);
    assert.equal((await bench.level('a')).status, 'succeeded');
    assert.equal(fresh.asked.length, 1);
  });
});

describe('a device whose registration management has ended', () => {
  it('is served as soon as it registers anew, also when the leg had not noticed', async () => {
    const bench = await createBench();
    const place = bench.at('place');
    await place.register('a');
    assert.equal((await bench.level('a')).status, 'succeeded');
    await bench.management.context.deviceGone(bench.management.device('a').id, 'its registration has expired');
    await place.register('a');
    assert.equal((await bench.level('a')).status, 'succeeded');
  });

  it('does not come back by a message that is no registration', async () => {
    const bench = await createBench();
    const place = bench.at('place');
    await place.register('a', { query: ['lt=600', 'b=UQ'] });
    await pass(bench.clock, 100_000);
    assert.equal(bench.management.device('a').presence.state, 'asleep');
    await bench.management.context.deviceGone(bench.management.device('a').id, 'its registration has expired');
    place.send({ code: '2.05', token: Buffer.from('01', 'hex') });
    await pass(bench.clock, 100);
    assert.equal(bench.management.device('a').presence.state, 'gone');
    const sent = await place.ask('POST', ['dp'], [], '[]');
    assert.equal(sent.code, '4.04');
  });

  it('and that was removed brings all its objects when it registers anew with the same list', async () => {
    const bench = await createBench();
    const place = bench.at('place');
    await place.register('a');
    const device = bench.management.device('a');
    device.presence = { state: 'gone', lastSeen: 0, why: 'the device was removed' };
    bench.management.devices.delete(device.id);
    await place.register('a');
    assert.equal(bench.management.sightings.at(-1)?.inventory?.objects.length, 3);
  });
});

describe('a procedure whose operation is over', () => {
  it('does nothing more on the device', async () => {
    let settle = (): void => {};
    const procedure: Procedure = {
      name: 'walk',
      signature: {},
      async start(device, _operation, _step, run) {
        const pending = { correlator: '1', procedure: 'walk', state: {}, deadline: device.context.now() + 1e6 };
        await run.accept(pending);
        await new Promise<void>((resolve) => (settle = resolve));
        await run.progress({ ...pending, state: { next: 'execute' } });
        await device.execute('/5/0/2');
        return { state: 'settled', outcome: succeeded() };
      },
      resume: () => Promise.reject(new Error('not here')),
      cancel: async () => ({ state: 'cancelled' }),
    };
    const bench = await createBench({ procedures: [procedure] });
    const place = bench.at('place');
    await place.register('a');
    const steps: Step[] = [{ action: 'procedure', procedure: 'walk', object: '/5/0', inputs: {} }];
    const operation = bench.management.queue(bench.management.device('a').id, steps, { repeatable: false });
    await pass(bench.clock, 100);
    assert.equal(operation.state, 'accepted');
    await bench.management.context.settle(operation, { status: 'cancelled', results: [] });
    settle();
    await pass(bench.clock, 1000);
    assert.deepEqual(place.asked, []);
  });
});

describe('a device that was silent for a while', () => {
  it('is asked again after a pause, and its procedures go on without waiting for its Update', async () => {
    let runs = 0;
    const procedure: Procedure = {
      name: 'walk',
      signature: {},
      async start(device, _operation, _step, run) {
        await run.accept({ correlator: '1', procedure: 'walk', state: {}, deadline: device.context.now() + 1e7 });
        const answer = await device.read('/5/0/3');
        return answer.ok ? { state: 'settled', outcome: succeeded() } : { state: 'waiting', why: 'silence' };
      },
      async resume(device) {
        runs++;
        const answer = await device.read('/5/0/3');
        return answer.ok ? { state: 'settled', outcome: succeeded() } : { state: 'waiting', why: 'silence' };
      },
      cancel: async () => ({ state: 'cancelled' }),
    };
    const bench = await createBench({ procedures: [procedure] });
    const place = bench.at('place');
    await place.register('a', { query: ['lt=86400'] });
    place.silent = true;
    const steps: Step[] = [{ action: 'procedure', procedure: 'walk', object: '/5/0', inputs: {} }];
    const outcome = bench.management.run(bench.management.device('a').id, steps, { repeatable: false });
    await pass(bench.clock, 100_000);
    assert.equal(runs, 0);
    place.silent = false;
    assert.equal((await passUntil(bench.clock, outcome)).status, 'succeeded');
    assert.ok(runs > 0);
  });
});
