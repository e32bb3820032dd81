import assert from 'node:assert/strict';
import { pass, passUntil } from './memory-network.ts';
import { blockOf, blockValue, createBench, gateway, message, option, optionOf, read, type Bench } from './support.ts';
import type { ObserveListener, ObserveResult } from '../../../adapters/lwm2m/coap/endpoint.ts';

interface Device {
  token: Buffer;
  received: ReturnType<typeof read>[];
  notify(number: number, payload: string, options?: { confirmable?: boolean; code?: string; from?: string }): number;
}

function createDevice(bench: Bench): Device {
  let messageId = 5_000;
  const device: Device = {
    token: Buffer.alloc(0),
    received: [],
    notify(number, payload, { confirmable = true, code = '2.05', from = 'device' } = {}) {
      const peer = from === 'device' ? raw : bench.network.raw(from, (bytes) => device.received.push(read(bytes)));
      const observe = Buffer.alloc(3);
      observe.writeUIntBE(number, 0, 3);
      const options = code === '2.05' ? [option('Observe', observe)] : [];
      const notification = {
        confirmable,
        code,
        messageId: ++messageId,
        token: device.token,
        payload: Buffer.from(payload),
      };
      peer.send(gateway, message({ ...notification, options }));
      return messageId;
    },
  };
  const raw = bench.network.raw('device', (bytes) => {
    const packet = read(bytes);
    device.received.push(packet);
    if (packet.ack || packet.reset || packet.code === '0.00') return;
    const observe = optionOf(packet, 'Observe');
    if (observe?.length === 0) device.token = packet.token;
    const options = observe?.length === 0 ? [option('Observe', '')] : [];
    const reply = { ack: true, code: '2.05', messageId: packet.messageId, token: packet.token };
    raw.send(gateway, message({ ...reply, payload: Buffer.from('first'), options }));
  });
  return device;
}

function observe(bench: Bench, listener: Partial<ObserveListener>): Promise<ObserveResult> {
  const whole: ObserveListener = { changed: () => {}, ended: () => {}, ...listener };
  return passUntil(bench.clock, bench.endpoint.observe('device', { method: 'GET', path: '/3/0/9' }, whole));
}

describe('an observation', () => {
  it('hands over the first answer and every notification, and acknowledges', async () => {
    const bench = createBench();
    const device = createDevice(bench);
    const values: string[] = [];
    const result = await observe(bench, { changed: ({ payload }) => void values.push(payload.toString()) });
    assert.equal(result.response.payload.toString(), 'first');
    assert.ok(result.observation?.active);
    const first = device.notify(1, 'a');
    device.notify(2, 'b', { confirmable: false });
    await pass(bench.clock, 50);
    assert.deepEqual(values, ['a', 'b']);
    const acks = device.received.filter((packet) => packet.ack);
    assert.deepEqual(
      acks.map((packet) => packet.messageId),
      [first],
    );
  });

  it('drops what is older than the last one, counting in 24 bits, until 128 s are over', async () => {
    const bench = createBench();
    const device = createDevice(bench);
    const values: string[] = [];
    await observe(bench, { changed: ({ payload }) => void values.push(payload.toString()) });
    for (const [number, name] of [
      [10, '10'],
      [9, 'late'],
      [10, 'same'],
      [0x7fffff, 'far'],
      [0xfffffd, 'end'],
      [3, 'around'],
      [0xfffffe, 'before the turn'],
    ] as const) {
      device.notify(number, name);
      await pass(bench.clock, 20);
    }
    assert.deepEqual(values, ['10', 'far', 'end', 'around']);
    assert.equal(bench.endpoint.statistics().dropped['stale-notification'], 3);
    await pass(bench.clock, 129_000, 10_000);
    device.notify(1, 'after a restart of the numbers');
    await pass(bench.clock, 20);
    assert.equal(values.at(-1), 'after a restart of the numbers');
  });

  it('acknowledges after the value is stored, not before', async () => {
    const bench = createBench();
    const device = createDevice(bench);
    let store = (): void => {};
    await observe(bench, { changed: () => new Promise((resolve) => (store = resolve)) });
    const messageId = device.notify(1, 'a');
    await pass(bench.clock, 500);
    assert.ok(!device.received.some((packet) => packet.ack && packet.messageId === messageId));
    store();
    await pass(bench.clock, 20);
    assert.ok(device.received.some((packet) => packet.ack && packet.messageId === messageId));
  });

  it('does not acknowledge a value that could not be stored, and takes it when it comes again', async () => {
    const bench = createBench();
    const device = createDevice(bench);
    let full = true;
    let taken = 0;
    await observe(bench, {
      changed: () => (full ? Promise.reject(new Error('disk full')) : void taken++),
    });
    device.notify(1, 'a');
    await pass(bench.clock, 50);
    assert.ok(!device.received.some((packet) => packet.ack));
    assert.equal(bench.endpoint.statistics().dropped['report-failed'], 1);
    full = false;
    device.notify(1, 'a');
    await pass(bench.clock, 50);
    assert.equal(taken, 1);
    assert.ok(device.received.some((packet) => packet.ack));
  });

  it('ends with an error notification', async () => {
    const bench = createBench();
    const device = createDevice(bench);
    const ends: string[] = [];
    const result = await observe(bench, { ended: (code) => void ends.push(code) });
    device.notify(1, '', { code: '4.04' });
    await pass(bench.clock, 50);
    assert.deepEqual(ends, ['4.04']);
    assert.equal(result.observation?.active, false);
    assert.ok(device.received.at(-1)?.ack, 'the error is acknowledged');
    device.notify(2, 'x');
    await pass(bench.clock, 50);
    assert.ok(device.received.at(-1)?.reset);
  });

  for (const confirmable of [true, false]) {
    it(`answers a ${confirmable ? 'CON' : 'NON'} notification that nobody asked for with a reset`, async () => {
      const bench = createBench();
      const device = createDevice(bench);
      device.token = Buffer.from('beef', 'hex');
      const messageId = device.notify(1, 'x', { confirmable });
      await pass(bench.clock, 50);
      const answer = device.received.at(-1);
      assert.ok(answer?.reset);
      assert.equal(answer.messageId, messageId);
      assert.equal(bench.endpoint.statistics().dropped['unknown-token'], 1);
      assert.equal(bench.endpoint.statistics().peers, 0, 'a stranger is not remembered for it');
    });
  }

  it('takes no notification from another peer with the right token', async () => {
    const bench = createBench();
    const device = createDevice(bench);
    const values: string[] = [];
    await observe(bench, { changed: ({ payload }) => void values.push(payload.toString()) });
    device.notify(1, 'forged', { from: 'stranger' });
    await pass(bench.clock, 50);
    assert.deepEqual(values, []);
    assert.ok(device.received.at(-1)?.reset);
  });

  it('is cancelled actively with Observe 1 and the same token', async () => {
    const bench = createBench();
    const device = createDevice(bench);
    const { observation } = await observe(bench, {});
    await passUntil(bench.clock, observation!.cancel('active'));
    const last = device.received.at(-1)!;
    assert.equal(optionOf(last, 'Observe')?.readUInt8(0), 1);
    assert.deepEqual(last.token, device.token);
    assert.equal(bench.endpoint.statistics().observations, 0);
  });

  it('is cancelled passively by the reset of the next notification', async () => {
    const bench = createBench();
    const device = createDevice(bench);
    const { observation } = await observe(bench, {});
    await observation!.cancel('passive');
    const count = device.received.length;
    device.notify(1, 'x');
    await pass(bench.clock, 50);
    assert.equal(device.received.length, count + 1);
    assert.ok(device.received.at(-1)?.reset);
  });

  it('is none when the device answers without Observe', async () => {
    const bench = createBench();
    const raw = bench.network.raw('device', (bytes) => {
      const packet = read(bytes);
      raw.send(gateway, message({ ack: true, code: '2.05', messageId: packet.messageId, token: packet.token }));
    });
    assert.equal((await observe(bench, {})).observation, undefined);
    assert.equal(bench.endpoint.statistics().observations, 0);
  });

  it('fetches the rest of a big notification with GET, Block2 and no Observe', async () => {
    const bench = createBench();
    const whole = 'x'.repeat(16) + 'y'.repeat(16) + 'z';
    const values: string[] = [];
    let token = Buffer.alloc(0);
    const rest: ReturnType<typeof read>[] = [];
    const raw = bench.network.raw('device', (bytes) => {
      const packet = read(bytes);
      if (packet.code !== '0.01') return;
      const reply = { ack: true, code: '2.05', messageId: packet.messageId, token: packet.token };
      const block = blockOf(packet, 'Block2');
      if (!block) {
        token = Buffer.from(packet.token);
        return raw.send(gateway, message({ ...reply, options: [option('Observe', '')] }));
      }
      rest.push(packet);
      const more = (block[0] + 1) * 16 < whole.length;
      const payload = Buffer.from(whole.slice(block[0] * 16, block[0] * 16 + 16));
      raw.send(gateway, message({ ...reply, payload, options: [option('Block2', blockValue(block[0], more, 0))] }));
    });
    await observe(bench, { changed: ({ payload }) => void values.push(payload.toString()) });
    const options = [option('Observe', '05'), option('Block2', blockValue(0, true, 0))];
    const first = Buffer.from(whole.slice(0, 16));
    raw.send(gateway, message({ confirmable: true, code: '2.05', messageId: 900, token, payload: first, options }));
    await pass(bench.clock, 100, 10);
    assert.deepEqual(values, [whole]);
    assert.equal(rest.length, 2);
    assert.ok(rest.every((packet) => !optionOf(packet, 'Observe') && !packet.token.equals(token)));
  });

  it('is bounded per device: what is beyond is answered, but not kept', async () => {
    const bench = createBench({ maximumObservationsPerPeer: 2 });
    createDevice(bench);
    const results = [await observe(bench, {}), await observe(bench, {}), await observe(bench, {})];
    assert.deepEqual(
      results.map((result) => result.observation !== undefined),
      [true, true, false],
    );
    assert.equal(bench.endpoint.statistics().observations, 2);
    bench.endpoint.forget('device', 'registered anew');
    assert.equal(bench.endpoint.statistics().observations, 0);
    assert.equal(results[0]!.observation!.active, false);
  });
});
