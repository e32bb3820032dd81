import assert from 'node:assert/strict';
import { CoapError } from '../../../adapters/lwm2m/coap/errors.ts';
import { pass, passUntil } from './memory-network.ts';
import { createBench, gateway, message, option, optionOf, path, read } from './support.ts';

function reasonOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'answered',
    (error: unknown) => (error instanceof CoapError ? error.reason : String(error)),
  );
}

describe('a CoAP endpoint as a client', () => {
  it('takes the answer in the ACK of its request', async () => {
    const { clock, network, endpoint } = createBench();
    const device = network.raw('device', (bytes) => {
      const asked = read(bytes);
      device.send(
        gateway,
        message({
          ack: true,
          code: '2.05',
          messageId: asked.messageId,
          token: asked.token,
          payload: Buffer.from('100'),
          options: [option('Content-Format', '')],
        }),
      );
    });
    const answer = await passUntil(clock, endpoint.request('device', { method: 'GET', path: '/3/0/9', accept: 0 }));
    assert.equal(answer.code, '2.05');
    assert.equal(answer.contentFormat, 0);
    assert.equal(answer.payload.toString(), '100');
    const asked = read(device.received[0]);
    assert.equal(asked.code, '0.01');
    assert.deepEqual(
      asked.options.filter(({ name }) => name === 'Uri-Path').map(({ value }) => value.toString()),
      ['3', '0', '9'],
    );
    assert.ok(asked.token.length >= 4);
    assert.equal(endpoint.statistics().timers, 0);
    assert.equal(endpoint.statistics().exchanges, 0);
  });

  it('repeats a request four times with growing pauses, then says that nobody answered', async () => {
    const { clock, network, endpoint } = createBench();
    const times: number[] = [];
    const device = network.raw('device', () => times.push(clock.now()));
    const end = reasonOf(endpoint.request('device', { method: 'GET', path: '/3/0' }));
    assert.equal(await passUntil(clock, end), 'no-answer');
    assert.equal(times.length, 5);
    assert.ok(
      device.received.every((bytes) => bytes.equals(device.received[0]!)),
      'a repeat is the same datagram',
    );
    const pauses = times.slice(1).map((time, at) => time - times[at]!);
    assert.ok(pauses[0]! >= 2_000 && pauses[0]! <= 3_100, `first pause ${pauses[0]}`);
    for (let at = 1; at < pauses.length; at++) {
      assert.ok(Math.abs(pauses[at]! - 2 * pauses[at - 1]!) <= 150, `pauses ${pauses.join(', ')}`);
    }
  });

  it('does not repeat what was answered while the process stood still: it reads first what has arrived', async () => {
    const { clock, network, endpoint } = createBench();
    const device = network.raw('device');
    const answer = endpoint.request('device', { method: 'POST', path: '/3/0/4' });
    await pass(clock, 50);
    const asked = read(device.received[0]);
    // The timers of the process run first, then it reads its socket.
    clock.advance(3_500);
    device.send(gateway, message({ ack: true, code: '2.04', messageId: asked.messageId, token: asked.token }));
    clock.advance(0);
    assert.equal((await passUntil(clock, answer)).code, '2.04');
    await pass(clock, 5_000);
    assert.equal(device.received.length, 1);
  });

  it('ignores and counts the answer of a stranger, even with the right token and message ID', async () => {
    const { clock, network, endpoint } = createBench();
    const stranger = network.raw('stranger');
    const device = network.raw('device', (bytes) => {
      const asked = read(bytes);
      const forged = { code: '2.05', messageId: asked.messageId, token: asked.token, payload: Buffer.from('forged') };
      stranger.send(gateway, message({ ...forged, ack: true }));
      stranger.send(gateway, message({ ...forged, confirmable: true }));
      clock.after(500, () => device.send(gateway, message({ ...forged, ack: true, payload: Buffer.from('true') })));
    });
    const answer = await passUntil(clock, endpoint.request('device', { method: 'GET', path: '/3/0/0' }));
    assert.equal(answer.payload.toString(), 'true');
    const dropped = endpoint.statistics().dropped;
    assert.equal(dropped['unknown-message-id'], 1);
    assert.equal(dropped['unknown-token'], 1);
    assert.ok(read(stranger.received[0]).reset, 'the stranger is told that nobody listens');
  });

  it('ignores an ACK with the token of another request', async () => {
    const { clock, network, endpoint } = createBench();
    const device = network.raw('device', (bytes) => {
      const asked = read(bytes);
      const wrong = Buffer.from(asked.token);
      wrong[0]! ^= 1;
      device.send(gateway, message({ ack: true, code: '2.05', messageId: asked.messageId, token: wrong }));
    });
    const end = reasonOf(endpoint.request('device', { method: 'GET', path: '/3/0/0' }));
    assert.equal(await passUntil(clock, end), 'no-answer');
    assert.equal(endpoint.statistics().dropped['token-mismatch'], 5);
  });

  it('waits for a separate response after an empty ACK, acknowledges it, and its repeat too', async () => {
    const { clock, network, endpoint } = createBench();
    const device = network.raw('device', (bytes) => {
      const asked = read(bytes);
      if (asked.code === '0.00') return;
      device.send(gateway, message({ ack: true, code: '0.00', messageId: asked.messageId }));
      const late = message({ confirmable: true, code: '2.05', messageId: 777, token: asked.token });
      clock.after(30_000, () => device.send(gateway, late));
      clock.after(32_000, () => device.send(gateway, late));
    });
    const answer = await passUntil(clock, endpoint.request('device', { method: 'GET', path: '/3/0/0' }));
    assert.equal(answer.code, '2.05');
    await pass(clock, 5_000);
    const acks = device.received.map(read).filter((packet) => packet.ack && packet.messageId === 777);
    assert.equal(acks.length, 2);
    assert.equal(device.received.length, 3, 'the request was sent once');
  });

  it('gives up 93 s after an empty ACK that no response follows', async () => {
    const { clock, network, endpoint } = createBench();
    const device = network.raw('device', (bytes) => {
      device.send(gateway, message({ ack: true, code: '0.00', messageId: read(bytes).messageId }));
    });
    const started = clock.now();
    assert.equal(
      await passUntil(clock, reasonOf(endpoint.request('device', { method: 'FETCH', path: '/' }))),
      'no-response',
    );
    assert.ok(Math.abs(clock.now() - started - 93_000) < 1_000, `${clock.now() - started} ms`);
    assert.equal(device.received.length, 1);
    assert.equal(endpoint.statistics().timers, 0);
  });

  it('serves other requests of the device while a response is outstanding', async () => {
    const { clock, network, endpoint } = createBench();
    const device = network.raw('device', (bytes) => {
      const asked = read(bytes);
      const silent = asked.code === '0.05';
      device.send(
        gateway,
        message({
          ack: true,
          code: silent ? '0.00' : '2.05',
          messageId: asked.messageId,
          token: silent ? undefined : asked.token,
        }),
      );
    });
    const silent = reasonOf(endpoint.request('device', { method: 'FETCH', path: '/' }));
    const answer = await passUntil(clock, endpoint.request('device', { method: 'GET', path: '/3/0/0' }), 1_000);
    assert.equal(answer.code, '2.05');
    assert.equal(await passUntil(clock, silent), 'no-response');
  });

  it('takes a reset for an answer', async () => {
    const { clock, network, endpoint } = createBench();
    const device = network.raw('device', (bytes) => {
      device.send(gateway, message({ reset: true, code: '0.00', messageId: read(bytes).messageId }));
    });
    assert.equal(await passUntil(clock, reasonOf(endpoint.request('device', { method: 'GET', path: '/3' }))), 'reset');
  });

  it('has one confirmable request under way per device, and does not let devices wait for one another', async () => {
    const { clock, network, endpoint } = createBench();
    const slow = network.raw('slow');
    const quick = network.raw('quick', (bytes) => {
      const asked = read(bytes);
      quick.send(gateway, message({ ack: true, code: '2.05', messageId: asked.messageId, token: asked.token }));
    });
    const first = reasonOf(endpoint.request('slow', { method: 'GET', path: '/1' }));
    const second = reasonOf(endpoint.request('slow', { method: 'GET', path: '/2' }));
    await passUntil(clock, endpoint.request('quick', { method: 'GET', path: '/1' }), 1_000);
    assert.equal(slow.received.length, 1);
    assert.equal(endpoint.statistics().waiting, 1);
    assert.equal(await passUntil(clock, first), 'no-answer');
    assert.equal(await passUntil(clock, second), 'no-answer');
    assert.equal(slow.received.length, 10);
  });

  it('refuses more requests to one device than it would remember, and says that nothing was sent', async () => {
    const { endpoint } = createBench({ maximumRequestsPerPeer: 3 });
    const all = Array.from({ length: 4 }, () => endpoint.request('device', { method: 'GET', path: '/3' }));
    all.slice(0, 3).forEach((one) => one.catch(() => {}));
    await assert.rejects(all[3]!, { reason: 'queue-full', sent: false });
    await endpoint.close();
    await assert.rejects(all[0]!, { reason: 'closed', sent: true });
    await assert.rejects(all[2]!, { reason: 'closed', sent: false });
  });

  it('stops at once when the caller gives up', async () => {
    const { clock, network, endpoint } = createBench();
    const device = network.raw('device');
    const caller = new AbortController();
    const end = reasonOf(endpoint.request('device', { method: 'GET', path: '/3', signal: caller.signal }));
    await pass(clock, 100);
    caller.abort();
    assert.equal(await end, 'aborted');
    await pass(clock, 100_000, 1_000);
    assert.equal(device.received.length, 1);
    assert.deepEqual(
      { ...endpoint.statistics(), received: 0, sent: 0 },
      {
        peers: 1,
        exchanges: 0,
        waiting: 0,
        duplicates: 0,
        transfers: 0,
        transferOctets: 0,
        observations: 0,
        timers: 0,
        received: 0,
        sent: 0,
        dropped: {},
      },
    );
  });

  it('rejects a response with a critical option that it does not know', async () => {
    const { clock, network, endpoint } = createBench();
    const device = network.raw('device', (bytes) => {
      const asked = read(bytes);
      device.send(
        gateway,
        message({
          ack: true,
          code: '2.05',
          messageId: asked.messageId,
          token: asked.token,
          options: [{ name: 4097, value: Buffer.from('x') }],
        }),
      );
    });
    assert.equal(
      await passUntil(clock, reasonOf(endpoint.request('device', { method: 'GET', path: '/3' }))),
      'bad-response',
    );
  });

  it('gets every answer through a network that loses a fifth, doubles and reorders', async () => {
    const { clock, network, endpoint } = createBench({}, 42);
    const executed: string[] = [];
    const device = network.open('device');
    device.onMessage((from, bytes) => {
      const asked = read(bytes);
      if (asked.code !== '0.02') return;
      const key = `${asked.messageId}`;
      if (!executed.includes(key)) executed.push(key);
      device.send(from, message({ ack: true, code: '2.04', messageId: asked.messageId, token: asked.token }));
    });
    network.faults = { loss: 0.2, duplication: 0.2, delay: 400 };
    const ends = Array.from({ length: 40 }, (_, at) =>
      reasonOf(endpoint.request('device', { method: 'POST', path: `/3/0/${at}` })),
    );
    const results = await passUntil(clock, Promise.all(ends), 4_000_000);
    assert.ok(results.filter((one) => one === 'answered').length >= 36, results.join());
    assert.ok(executed.length >= 36);
    assert.equal(endpoint.statistics().timers, 0);
  });
});

describe('a CoAP endpoint as a server', () => {
  it('answers a confirmable request in the ACK, and a repeat with the same octets without doing it again', async () => {
    const { clock, network, endpoint } = createBench();
    let done = 0;
    endpoint.onRequest((request) => {
      done++;
      assert.deepEqual(request.path, ['rd']);
      assert.deepEqual(request.query, ['ep=x', 'lt=60']);
      return { code: '2.01', locationPath: ['rd', 'abc'] };
    });
    const device = network.raw('device');
    const register = message({
      confirmable: true,
      code: 'POST',
      messageId: 9,
      token: Buffer.from('ab', 'hex'),
      options: [...path('rd'), option('Uri-Query', Buffer.from('ep=x')), option('Uri-Query', Buffer.from('lt=60'))],
    });
    for (let times = 0; times < 3; times++) device.send(gateway, register);
    await pass(clock, 100);
    assert.equal(done, 1);
    assert.equal(device.received.length, 3);
    assert.ok(device.received.every((bytes) => bytes.equals(device.received[0]!)));
    const answer = read(device.received[0]);
    assert.ok(answer.ack);
    assert.equal(answer.code, '2.01');
    assert.equal(answer.token.toString('hex'), 'ab');
    assert.equal(endpoint.statistics().dropped.duplicate, 2);
  });

  it('counts the same message ID of another device, or 247 s later, as a new request', async () => {
    const { clock, network, endpoint } = createBench();
    let done = 0;
    endpoint.onRequest(() => ({ code: '2.04', payload: Buffer.from(String(++done)) }));
    const request = message({ confirmable: true, code: 'POST', messageId: 5, options: path('x') });
    network.raw('one').send(gateway, request);
    network.raw('other').send(gateway, request);
    await pass(clock, 50);
    assert.equal(done, 2);
    await pass(clock, 240_000, 10_000);
    network.raw('one').send(gateway, request);
    await pass(clock, 50);
    assert.equal(done, 2);
    await pass(clock, 8_000, 1_000);
    network.raw('one').send(gateway, request);
    await pass(clock, 50);
    assert.equal(done, 3);
  });

  it('remembers a bounded number of message IDs', async () => {
    const { clock, network, endpoint } = createBench({ maximumDuplicates: 100 });
    endpoint.onRequest(() => ({ code: '2.04' }));
    const device = network.raw('device');
    for (let messageId = 0; messageId < 1_000; messageId++) {
      device.send(gateway, message({ confirmable: true, code: 'POST', messageId, options: path('x') }));
    }
    await pass(clock, 50);
    assert.equal(device.received.length, 1_000);
    assert.ok(endpoint.statistics().duplicates <= 200);
  });

  it('sends an empty ACK when the handler takes long, and the answer later until it is acknowledged', async () => {
    const { clock, network, endpoint } = createBench();
    let finish = (): void => {};
    endpoint.onRequest(() => new Promise((resolve) => (finish = () => resolve({ code: '2.04' }))));
    const device = network.raw('device');
    device.send(
      gateway,
      message({ confirmable: true, code: 'POST', messageId: 5, token: Buffer.from('aa', 'hex'), options: path('x') }),
    );
    await pass(clock, 1_500);
    assert.equal(read(device.received[0]).code, '0.00');
    assert.ok(read(device.received[0]).ack);
    finish();
    await pass(clock, 4_000);
    assert.equal(device.received.length, 3, 'the separate response is repeated while it is not acknowledged');
    const late = read(device.received[1]);
    assert.ok(late.confirmable);
    assert.equal(late.code, '2.04');
    assert.equal(late.token.toString('hex'), 'aa');
    device.send(gateway, message({ ack: true, code: '0.00', messageId: late.messageId }));
    await pass(clock, 60_000, 500);
    assert.equal(device.received.length, 3);
    assert.equal(endpoint.statistics().timers, 0);
  });

  it('answers a ping with a reset', async () => {
    const { clock, network } = createBench();
    const device = network.raw('device');
    device.send(gateway, '40001234');
    await pass(clock, 50);
    assert.deepEqual(
      device.received.map((bytes) => bytes.toString('hex')),
      ['70001234'],
    );
  });

  it('answers 4.02 to an unknown critical option of a CON, and drops a NON with one', async () => {
    const { clock, network, endpoint } = createBench();
    const device = network.raw('device');
    const options = [...path('x'), { name: 4097, value: Buffer.from('y') }];
    device.send(gateway, message({ confirmable: true, code: 'GET', messageId: 1, options }));
    device.send(gateway, message({ code: 'GET', messageId: 2, options }));
    await pass(clock, 50);
    assert.equal(device.received.length, 1);
    assert.equal(read(device.received[0]).code, '4.02');
    assert.equal(endpoint.statistics().dropped['unknown-critical-option'], 1);
  });

  it('answers 5.05 to a request for a proxy, and 4.05 to a method that it does not know', async () => {
    const { clock, network } = createBench();
    const device = network.raw('device');
    const proxied = [option('Proxy-Uri', Buffer.from('http://example.org'))];
    device.send(gateway, message({ confirmable: true, code: 'GET', messageId: 1, options: proxied }));
    device.send(gateway, message({ confirmable: true, code: '0.25', messageId: 2 }));
    await pass(clock, 50);
    assert.deepEqual(
      device.received.map((bytes) => read(bytes).code),
      ['5.05', '4.05'],
    );
  });

  it('answers 5.00 when its handler fails, and goes on', async () => {
    const { clock, network, endpoint } = createBench();
    endpoint.onRequest((request) => {
      if (request.path[0] === 'now') throw new Error('broken');
      return Promise.reject(new Error('broken later'));
    });
    const device = network.raw('device');
    device.send(gateway, message({ confirmable: true, code: 'GET', messageId: 1, options: path('now') }));
    device.send(gateway, message({ confirmable: true, code: 'GET', messageId: 2, options: path('later') }));
    await pass(clock, 50);
    assert.deepEqual(
      device.received.map((bytes) => read(bytes).code),
      ['5.00', '5.00'],
    );
  });

  it('answers 5.03 to a device that asks for more than it waits for', async () => {
    const { clock, network, endpoint } = createBench({ maximumUnansweredPerPeer: 2 });
    endpoint.onRequest(() => new Promise(() => {}));
    const device = network.raw('device');
    for (let messageId = 1; messageId <= 3; messageId++) {
      device.send(gateway, message({ confirmable: true, code: 'GET', messageId }));
    }
    await pass(clock, 50);
    assert.deepEqual(
      device.received.map((bytes) => read(bytes).code),
      ['5.03'],
    );
    assert.equal(endpoint.statistics().dropped['too-many-unanswered'], 1);
  });

  it('forgets idle peers when a flood of new ones comes, and never the busy ones', async () => {
    const { clock, network, endpoint } = createBench({ maximumPeers: 50 });
    const busy = endpoint.request('busy', { method: 'GET', path: '/3' });
    busy.catch(() => {});
    for (let at = 0; at < 1_000; at++) {
      network.raw(`flood-${at}`).send(gateway, message({ confirmable: true, code: 'GET', messageId: at }));
    }
    await pass(clock, 50);
    assert.ok(endpoint.statistics().peers <= 50);
    assert.equal(endpoint.statistics().exchanges, 1);
    await endpoint.close();
  });

  const malformed: [string, string, boolean][] = [
    ['too-short', '4001', false],
    ['wrong-version', '80010001', false],
    ['bad-token-length', '49010001000000000000000000', true],
    ['too-short', '4801000100', true],
    ['bad-empty-message', '4000000100', true],
    ['bad-empty-message', '50000001', false],
    ['reserved-code', '40200001', true],
    ['reserved-code', '60010001', false],
    ['bad-options', '40010001f0', true],
    ['bad-options', '40010001b5rd'.replace('rd', '7264'), true],
    ['bad-options', '400100014d', true],
    ['bad-payload', '40010001ff', true],
    ['too-many-options', `40010001${'00'.repeat(70)}`, true],
  ];
  for (const [reason, hex, confirmable] of malformed) {
    it(`counts ${hex.slice(0, 16)} as ${reason}${confirmable ? ' and resets it' : ' and says nothing'}`, async () => {
      const { clock, network, endpoint, counted } = createBench();
      const device = network.raw('device');
      device.send(gateway, hex);
      await pass(clock, 1_100);
      assert.deepEqual(endpoint.statistics().dropped, { [reason]: 1 });
      assert.equal(counted.get(`trivet_datagrams_dropped_total{lwm2m,${reason}}`), 1);
      assert.equal(counted.get('trivet_datagrams_total{lwm2m,in}'), 1);
      assert.equal(device.received.length, confirmable ? 1 : 0);
      if (confirmable) assert.ok(read(device.received[0]).reset);
    });
  }

  it('drops a datagram beyond the limit', async () => {
    const { clock, network, endpoint } = createBench({ maximumDatagram: 100 });
    network.raw('device').send(gateway, message({ code: 'GET', payload: Buffer.alloc(200) }));
    await pass(clock, 50);
    assert.equal(endpoint.statistics().dropped['too-large'], 1);
  });

  it('reads options that coap-packet writes', async () => {
    const { clock, network, endpoint } = createBench();
    let seen: object = {};
    endpoint.onRequest((request) => {
      seen = { path: request.path, query: request.query, accept: request.accept, contentFormat: request.contentFormat };
      return { code: '2.05', payload: Buffer.from('x'), contentFormat: 11_542, maxAge: 0 };
    });
    const device = network.raw('device');
    device.send(
      gateway,
      message({
        confirmable: true,
        code: 'FETCH',
        options: [
          ...path('ä', 'x'.repeat(255)),
          option('Accept', '2d16'),
          option('Content-Format', '28'),
          option('Uri-Query', Buffer.from('a=b')),
        ],
      }),
    );
    await pass(clock, 50);
    assert.deepEqual(seen, { path: ['ä', 'x'.repeat(255)], query: ['a=b'], accept: 11_542, contentFormat: 40 });
    const answer = read(device.received[0]);
    assert.equal(optionOf(answer, 'Content-Format')?.toString('hex'), '2d16');
    assert.equal(optionOf(answer, 'Max-Age')?.length, 0);
  });
});
