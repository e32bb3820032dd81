import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { NamedOption, ParsedPacket } from 'coap-packet';
import { createLwm2mAdapter, type Lwm2mSettings } from '../../adapters/lwm2m/adapter.ts';
import type { ProtocolAdapter } from '../../src/management/adapter.ts';
import { ManualClock } from '../../src/support/clock.ts';
import { createNetwork, pass, type MemoryNetwork } from './coap/memory-network.ts';
import { message, option, path, read } from './coap/support.ts';
import { createFakeManagement, type FakeManagement } from './fake-management.ts';

const gateway = 'gateway';

interface Bench {
  clock: ManualClock;
  network: MemoryNetwork;
  management: FakeManagement;
  adapter: ProtocolAdapter;
  /** Sends a request as a device and answers with the gateway's answer. */
  ask(
    from: string,
    code: string,
    segments: string[],
    query?: string[],
    payload?: string,
    more?: NamedOption[],
  ): Promise<ParsedPacket>;
}

async function createBench(settings: Partial<Lwm2mSettings> = {}, before?: FakeManagement): Promise<Bench> {
  const clock = new ManualClock();
  const network = createNetwork(clock);
  const management = before ?? createFakeManagement(clock);
  const adapter = createLwm2mAdapter({ transport: network.open(gateway), ...settings });
  await adapter.start(management.context);
  let messageId = 0;
  return {
    clock,
    network,
    management,
    adapter,
    async ask(from, code, segments, query = [], payload = '', more = []) {
      const peer = network.raw(from);
      const options = [...path(...segments), ...query.map((one) => option('Uri-Query', Buffer.from(one))), ...more];
      peer.send(
        gateway,
        message({ confirmable: true, code, messageId: ++messageId, options, payload: Buffer.from(payload) }),
      );
      await pass(clock, 10);
      const answer = peer.received.map(read).find((packet) => packet.messageId === messageId && packet.ack);
      assert.ok(answer, 'the gateway answered');
      return answer;
    },
  };
}

const list = '</1/0>,</3/0>,</5/0>';
const cf40 = option('Content-Format', '28');

function locationOf(answer: ParsedPacket): string[] {
  assert.equal(answer.code, '2.01', answer.payload.toString());
  return answer.options.filter(({ name }) => name === 'Location-Path').map(({ value }) => value.toString());
}

async function register(bench: Bench, from = 'device', query = ['ep=a', 'lt=60'], payload = list): Promise<string[]> {
  return locationOf(await bench.ask(from, 'POST', ['rd'], query, payload, [cf40]));
}

function fixture(name: string): Buffer {
  return Buffer.from(readFileSync(new URL(`../fixtures/lwm2m/${name}.hex`, import.meta.url), 'utf8').trim(), 'hex');
}

describe('Register', () => {
  it('answers 2.01 with a location of at least 64 random bits, after the device is stored', async () => {
    const bench = await createBench();
    const order: string[] = [];
    bench.management.beforeStore = async () => {
      order.push('stored');
    };
    const first = await register(bench);
    assert.equal(first[0], 'rd');
    assert.ok(first[1]!.length >= 11, first[1]);
    assert.deepEqual(order, ['stored']);
    const device = bench.management.device('a');
    assert.equal(device.presence.state, 'reachable');
    assert.equal(device.presence.until! - device.presence.lastSeen, 60_000 + 93_000);
    assert.deepEqual(device.inventory.objects, [
      { path: '/1/0', objectID: 'urn:oma:lwm2m:oma:1', version: '1.0' },
      { path: '/3/0', objectID: 'urn:oma:lwm2m:oma:3', version: '1.0' },
      { path: '/5/0', objectID: 'urn:oma:lwm2m:oma:5', version: '1.0' },
    ]);
    assert.notDeepEqual(await register(bench, 'other', ['ep=b']), first);
  });

  it('does not answer before the store has it', async () => {
    const bench = await createBench();
    let stored = (): void => {};
    bench.management.beforeStore = () => new Promise((resolve) => (stored = resolve));
    const device = bench.network.raw('device');
    const options = [...path('rd'), option('Uri-Query', Buffer.from('ep=a'))];
    device.send(gateway, message({ confirmable: true, code: 'POST', options, payload: Buffer.from(list) }));
    await pass(bench.clock, 500);
    assert.equal(device.received.length, 0);
    stored();
    await pass(bench.clock, 10);
    assert.equal(read(device.received[0]).code, '2.01');
  });

  for (const [name, endpoint, version] of [
    ['wakaama-register', 'wk-urn-1', '1.1'],
    ['anjay-register', 'urn:dev:os:anjay-1', '1.2'],
  ] as const) {
    it(`takes ${name} as it was on the wire`, async () => {
      const bench = await createBench();
      const device = bench.network.raw('device');
      device.send(gateway, fixture(name));
      await pass(bench.clock, 10);
      assert.equal(read(device.received[0]).code, '2.01');
      const facts = bench.management.device(endpoint).facts as {
        version: string;
        binding: string;
        contentFormats: number[];
      };
      assert.equal(facts.version, version);
      assert.equal(facts.binding, 'U');
      if (name === 'wakaama-register') assert.deepEqual(facts.contentFormats, [110]);
      assert.ok(bench.management.device(endpoint).inventory.objects.some((object) => object.path === '/3/0'));
    });
  }

  it('keeps the alternate root in the paths, and the version of an object', async () => {
    const bench = await createBench();
    await register(
      bench,
      'device',
      ['ep=a', 'lwm2m=1.1'],
      '</lwm2m>;rt="oma.lwm2m";ct="110 112",</lwm2m/3>;ver=1.1,</lwm2m/3/0>,</lwm2m/2048>',
    );
    assert.deepEqual(bench.management.device('a').inventory.objects, [
      { path: '/lwm2m/3/0', objectID: 'urn:oma:lwm2m:oma:3', version: '1.1' },
      { path: '/lwm2m/2048', objectID: 'urn:oma:lwm2m:ext:2048', version: '1.0' },
    ]);
    assert.deepEqual((bench.management.device('a').facts as { contentFormats: number[] }).contentFormats, [110, 112]);
  });

  const refusals: [string, string[], string, string][] = [
    ['a missing endpoint name', ['lt=60'], list, '4.00'],
    ['an endpoint name that is too long', [`ep=${'x'.repeat(250)}\u0001`], list, '4.00'],
    ['an unknown version', ['ep=a', 'lwm2m=2.0'], list, '4.12'],
    ['a lifetime that is no number', ['ep=a', 'lt=-1'], list, '4.00'],
    ['a lifetime beyond the bounds', ['ep=a', 'lt=4294967296'], list, '4.00'],
    ['a binding with unknown letters', ['ep=a', 'b=X'], list, '4.00'],
    ['a parameter that is given twice', ['ep=a', 'ep=b'], list, '4.00'],
    ['a broken list', ['ep=a'], '</3/0', '4.00'],
    ['an empty list', ['ep=a'], '', '4.00'],
  ];
  for (const [what, query, payload, code] of refusals) {
    it(`refuses ${what} with ${code} and a sentence`, async () => {
      const bench = await createBench();
      const answer = await bench.ask('device', 'POST', ['rd'], query, payload, [cf40]);
      assert.equal(answer.code, code);
      assert.ok(answer.payload.length > 10);
      assert.equal(bench.management.devices.size, 0);
    });
  }

  it('refuses a list in another format with 4.15, and takes one without Content-Format', async () => {
    const bench = await createBench();
    const json = option('Content-Format', '32');
    assert.equal((await bench.ask('device', 'POST', ['rd'], ['ep=a'], list, [json])).code, '4.15');
    assert.equal((await bench.ask('device', 'POST', ['rd'], ['ep=a'], list)).code, '2.01');
  });

  it('refuses a list with more objects than it looks at', async () => {
    const bench = await createBench({ maximumObjects: 3 });
    const answer = await bench.ask('device', 'POST', ['rd'], ['ep=a'], '</1/0>,</3/0>,</9/0>,</9/1>', [cf40]);
    assert.equal(answer.code, '4.00');
    assert.match(answer.payload.toString(), /names 4 objects and instances; 3 are looked at/);
    assert.equal((await bench.ask('device', 'POST', ['rd'], ['ep=a'], '</1/0>,</3/0>,</9/0>', [cf40])).code, '2.01');
  });

  it('refuses a blocked device with 4.03', async () => {
    const bench = await createBench();
    bench.management.refuse = 'blocked by the operator';
    const answer = await bench.ask('device', 'POST', ['rd'], ['ep=a'], list, [cf40]);
    assert.equal(answer.code, '4.03');
    assert.equal(answer.payload.toString(), 'blocked by the operator');
  });

  it('without a lifetime lives for a day, and with lifetime 0 for ever', async () => {
    const bench = await createBench();
    await register(bench, 'device', ['ep=day']);
    await register(bench, 'other', ['ep=ever', 'lt=0', 'lwm2m=1.1']);
    const day = bench.management.device('day').presence;
    assert.equal(day.until! - day.lastSeen, 86_400_000 + 93_000);
    assert.equal(bench.management.device('ever').presence.until, undefined);
  });

  for (const [query, queueMode] of [
    [['b=U'], false],
    [['b=UQ'], true],
    [['b=U', 'Q', 'lwm2m=1.1'], true],
  ] as [string[], boolean][]) {
    it(`reads ${query.join('&')} as ${queueMode ? '' : 'no '}queue mode`, async () => {
      const bench = await createBench();
      await register(bench, 'device', ['ep=a', ...query]);
      assert.equal((bench.management.device('a').facts as { queueMode: boolean }).queueMode, queueMode);
    });
  }

  it('again with nothing new keeps its location, so that nothing has to be stored', async () => {
    const bench = await createBench();
    const old = await register(bench);
    assert.deepEqual(await register(bench), old);
    assert.equal((await bench.ask('device', 'POST', old)).code, '2.04');
    const [, again] = bench.management.sightings;
    assert.equal(again!.inventory, undefined, 'the same list brings no news');
    assert.equal(again!.facts, undefined);
    assert.equal(again!.restarted, true);
  });

  for (const [words, from, query] of [
    ['from another address', 'elsewhere', ['ep=a', 'lt=60']],
    ['with another lifetime', 'device', ['ep=a', 'lt=77']],
  ] as const) {
    it(`again ${words} takes the place of the old registration: new location, the old one is 4.04`, async () => {
      const bench = await createBench();
      const old = await register(bench);
      const next = await register(bench, from, [...query]);
      assert.notDeepEqual(next, old);
      assert.equal((await bench.ask('device', 'POST', old)).code, '4.04');
      assert.equal((await bench.ask(from, 'POST', next)).code, '2.04');
      assert.equal(bench.management.devices.size, 1);
    });
  }

  it('after a De-register has a location of its own', async () => {
    const bench = await createBench();
    const old = await register(bench);
    await bench.ask('device', 'DELETE', old);
    assert.notDeepEqual(await register(bench), old);
    assert.equal((await bench.ask('device', 'POST', old)).code, '4.04');
  });

  it('of one endpoint from two addresses at once leaves one of them registered', async () => {
    const bench = await createBench();
    const peers = ['one', 'two'].map((name) => {
      const peer = bench.network.raw(name);
      const options = [...path('rd'), option('Uri-Query', Buffer.from('ep=a'))];
      peer.send(
        gateway,
        message({ confirmable: true, code: 'POST', messageId: 900, options, payload: Buffer.from(list) }),
      );
      return peer;
    });
    await pass(bench.clock, 20);
    const locations = peers.map((peer) => locationOf(read(peer.received[0])));
    const answers = [await bench.ask('one', 'POST', locations[0]!), await bench.ask('two', 'POST', locations[1]!)].map(
      ({ code }) => code,
    );
    assert.deepEqual(answers.sort(), ['2.04', '4.04']);
  });

  it('in blocks with a new token for each is put together', async () => {
    const bench = await createBench();
    const peer = bench.network.raw('device');
    const whole = Buffer.from('</1/0>,</3/0>,</4/0>,</5/0>,</6/0>');
    for (const [number, payload] of [whole.subarray(0, 16), whole.subarray(16, 32), whole.subarray(32)].entries()) {
      const block = Buffer.from([number * 16 + (number < 2 ? 8 : 0)]);
      const options = [...path('rd'), option('Uri-Query', Buffer.from('ep=a')), option('Block1', block)];
      const token = Buffer.from([number]);
      peer.send(
        gateway,
        message({ confirmable: true, code: 'POST', messageId: 100 + number, token, options, payload }),
      );
      await pass(bench.clock, 10);
    }
    assert.deepEqual(
      peer.received.map((bytes) => read(bytes).code),
      ['2.31', '2.31', '2.01'],
    );
    assert.equal(bench.management.device('a').inventory.objects.length, 5);
  });
});

describe('Update', () => {
  it('that changes nothing is answered without a commit, and renews the lifetime', async () => {
    const bench = await createBench();
    const location = await register(bench);
    const commits = bench.management.commits;
    await pass(bench.clock, 30_000, 1_000);
    assert.equal((await bench.ask('device', 'POST', location)).code, '2.04');
    assert.equal(bench.management.commits, commits);
    const { until, lastSeen } = bench.management.device('a').presence;
    assert.equal(until! - lastSeen, 153_000);
    assert.ok(bench.clock.now() - lastSeen <= 20);
  });

  it('with a new lifetime, binding or list is stored', async () => {
    const bench = await createBench();
    const location = await register(bench);
    assert.equal((await bench.ask('device', 'POST', location, ['lt=600', 'b=UQ'])).code, '2.04');
    const facts = bench.management.device('a').facts as { lifetime: number; queueMode: boolean };
    assert.equal(facts.lifetime, 600);
    assert.equal(facts.queueMode, true);
    // As Wakaama sends it: without Content-Format.
    assert.equal((await bench.ask('device', 'POST', location, [], '</3/0>,</2048/0>')).code, '2.04');
    assert.deepEqual(
      bench.management.device('a').inventory.objects.map((object) => object.path),
      ['/3/0', '/2048/0'],
    );
    assert.equal(bench.management.sightings.at(-1)!.restarted, false);
  });

  it('from a new address takes it', async () => {
    const bench = await createBench();
    const location = await register(bench);
    assert.equal((await bench.ask('moved', 'POST', location)).code, '2.04');
    assert.equal(bench.management.device('a').presence.address, 'moved');
  });

  it('from a new address is 4.04 where the policy demands a Register', async () => {
    const bench = await createBench({ addressChange: 'register' });
    const location = await register(bench);
    assert.equal((await bench.ask('moved', 'POST', location)).code, '4.04');
    assert.equal((await bench.ask('moved', 'POST', location)).code, '4.04');
  });

  it('of an unknown or expired registration is 4.04', async () => {
    const bench = await createBench();
    const location = await register(bench);
    assert.equal((await bench.ask('device', 'POST', ['rd', 'nobody'])).code, '4.04');
    bench.management.device('a').presence = { state: 'gone', lastSeen: 0, why: 'expired' };
    assert.equal((await bench.ask('device', 'POST', location)).code, '4.04');
  });

  it('after a restart of the gateway is answered 2.04', async () => {
    const bench = await createBench();
    const location = await register(bench);
    await bench.adapter.stop(new Date(bench.clock.now()));
    const next = await createBench({}, bench.management);
    assert.equal((await next.ask('device', 'POST', location)).code, '2.04');
  });

  it('with bad parameters is 4.00', async () => {
    const bench = await createBench();
    const location = await register(bench);
    assert.equal((await bench.ask('device', 'POST', location, ['lt=x'])).code, '4.00');
    assert.equal((await bench.ask('device', 'POST', location, [], '<broken')).code, '4.00');
    assert.equal((await bench.ask('device', 'PUT', location)).code, '4.05');
  });
});

describe('De-register', () => {
  it('is stored, answered 2.02, and the location is gone', async () => {
    const bench = await createBench();
    const location = await register(bench);
    assert.equal((await bench.ask('device', 'DELETE', location)).code, '2.02');
    assert.equal(bench.management.device('a').presence.state, 'gone');
    assert.equal((await bench.ask('device', 'POST', location)).code, '4.04');
    assert.equal((await bench.ask('device', 'DELETE', location)).code, '4.04');
  });
});

describe('what else a device may ask', () => {
  it('is refused where there is no bootstrap', async () => {
    const bench = await createBench();
    assert.equal((await bench.ask('device', 'POST', ['bs'], ['ep=a'])).code, '4.04');
    assert.equal((await bench.ask('device', 'GET', ['bs'])).code, '4.05');
    assert.equal((await bench.ask('device', 'GET', ['bspack'], ['ep=a'])).code, '4.04');
    const device = bench.network.raw('anjay');
    device.send(gateway, fixture('anjay-bootstrap-request'));
    await pass(bench.clock, 10);
    assert.equal(read(device.received[0]).code, '4.04');
  });

  it('is 4.04 or 4.05 elsewhere', async () => {
    const bench = await createBench();
    assert.equal((await bench.ask('device', 'GET', [])).code, '4.04');
    assert.equal((await bench.ask('device', 'GET', ['rd'])).code, '4.05');
    assert.equal((await bench.ask('device', 'GET', ['dp'])).code, '4.05');
    assert.equal((await bench.ask('device', 'POST', ['rd', 'a', 'b'])).code, '4.04');
  });

  it('is an artifact, block by block', async () => {
    const bench = await createBench();
    const octets = Buffer.alloc(3_000, 'firmware');
    const artifact = { id: 'abc', size: 3_000, sha256: 'ab'.repeat(32), contentType: 'x/y', name: 'image' };
    bench.management.artifacts.set('abc', { artifact, octets });
    const parts: Buffer[] = [];
    for (let number = 0; number < 3; number++) {
      const block = option('Block2', Buffer.from([number * 16 + 6]));
      const answer = await bench.ask(`device-${number}`, 'GET', ['artifacts', 'abc'], [], '', [block]);
      assert.equal(answer.code, '2.05');
      parts.push(answer.payload);
    }
    assert.deepEqual(Buffer.concat(parts), octets);
    assert.equal((await bench.ask('device', 'GET', ['artifacts', 'none'])).code, '4.04');
    assert.equal((await bench.ask('device', 'GET', ['transfers', 'abc', 'run-1', 'right'])).code, '2.05');
    assert.equal((await bench.ask('device', 'GET', ['transfers', 'abc', 'run-1', 'wrong'])).code, '4.01');
  });

  it('is to take values that it sends, stored before it is answered', async () => {
    const bench = await createBench();
    const payload = '[{"bn":"/3/0/","bt":1700000000,"n":"9","v":42}]';
    const senml = option('Content-Format', '6e');
    assert.equal((await bench.ask('device', 'POST', ['dp'], [], payload, [senml])).code, '4.04');
    await register(bench);
    assert.equal((await bench.ask('device', 'POST', ['dp'], [], payload, [senml])).code, '2.04');
    assert.deepEqual(bench.management.events.at(-1)?.event, {
      event: 'values',
      values: [{ path: '/3/0/9', value: 42 }],
      time: '2023-11-14T22:13:20.000Z',
    });
    assert.equal((await bench.ask('device', 'POST', ['dp'], [], '[{', [senml])).code, '4.00');
    assert.equal((await bench.ask('device', 'POST', ['dp'], [], payload, [option('Content-Format', '')])).code, '4.15');
    const foreign = '[{"n":"/77/0/1","v":1}]';
    assert.equal((await bench.ask('device', 'POST', ['dp'], [], foreign, [senml])).code, '4.04');
  });
});
