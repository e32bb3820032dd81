import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createLwm2mAdapter } from '../../adapters/lwm2m/adapter.ts';
import { ManualClock } from '../../src/support/clock.ts';
import type { Log } from '../../src/support/log.ts';
import { createNetwork, pass, seededRandom } from './coap/memory-network.ts';
import { message, option, path, read } from './coap/support.ts';
import { createFakeManagement } from './fake-management.ts';

const folder = new URL('../fixtures/lwm2m/', import.meta.url);
const fixtures = readdirSync(folder)
  .filter((name) => name.endsWith('.hex'))
  .map((name) => Buffer.from(readFileSync(new URL(name, folder), 'utf8').trim(), 'hex'));

/** A log that remembers what was called an error. */
function strictLog(errors: string[]): Log {
  const nothing = (): void => {};
  const log: Log = {
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: (fields, text) => void errors.push(`${text}: ${String((fields as { err?: Error }).err?.stack ?? '')}`),
    child: () => log,
    isLevelEnabled: () => false,
  };
  return log;
}

describe('the LwM2M leg under bad input', () => {
  it('takes 20,000 changed requests of real clients without a fault, and still registers a device after them', async function () {
    this.timeout(15_000);
    const clock = new ManualClock();
    const network = createNetwork(clock);
    const management = createFakeManagement(clock);
    const errors: string[] = [];
    management.context.log = strictLog(errors);
    const adapter = createLwm2mAdapter({ transport: network.open('gateway'), endpoint: { maximumPeers: 100 } });
    await adapter.start(management.context);
    const random = seededRandom(99);
    const peers = Array.from({ length: 50 }, (_, at) => network.raw(`peer-${at}`));
    for (let count = 0; count < 20_000; count++) {
      const bytes = Buffer.from(fixtures[count % fixtures.length]!);
      for (let times = 1 + Math.floor(random() * 3); times > 0; times--) {
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      }
      // Another message ID each time: repeats are another test.
      bytes.writeUInt16BE(count & 0xffff, 2);
      peers[count % peers.length]!.send('gateway', bytes);
      if (count % 500 === 0) {
        network.sent.length = 0;
        await pass(clock, 100, 20);
        for (const peer of peers) peer.received.length = 0;
      }
    }
    await pass(clock, 200, 20);
    assert.deepEqual(errors, []);
    const honest = network.raw('honest');
    const options = [...path('rd'), option('Uri-Query', Buffer.from('ep=honest'))];
    honest.send('gateway', message({ confirmable: true, code: 'POST', options, payload: Buffer.from('</3/0>') }));
    await pass(clock, 50, 10);
    assert.equal(read(honest.received[0]).code, '2.01');
    await adapter.stop(new Date(clock.now() + 1_000));
  });

  it('stays bounded when one device registers a thousand times', async () => {
    const clock = new ManualClock();
    const network = createNetwork(clock);
    const management = createFakeManagement(clock);
    const adapter = createLwm2mAdapter({ transport: network.open('gateway') });
    await adapter.start(management.context);
    const device = network.raw('device');
    for (let messageId = 1; messageId <= 1_000; messageId++) {
      // With nothing new it would keep its location.
      const news = option('Uri-Query', Buffer.from(`lt=${600 + (messageId % 2)}`));
      const options = [...path('rd'), option('Uri-Query', Buffer.from('ep=a')), news];
      device.send(
        'gateway',
        message({ confirmable: true, code: 'POST', messageId, options, payload: Buffer.from('</3/0>') }),
      );
      if (messageId % 20 === 0) await pass(clock, 20, 10);
    }
    await pass(clock, 50, 10);
    assert.equal(management.devices.size, 1);
    const locations = device.received
      .map(read)
      .filter(({ code }) => code === '2.01')
      .map((packet) =>
        packet.options
          .filter(({ name }) => name === 'Location-Path')
          .at(-1)!
          .value.toString(),
      );
    assert.ok(locations.length >= 900);
    assert.equal(new Set(locations).size, locations.length, 'no location is given twice');
    device.received.length = 0;
    for (const [at, location] of locations.slice(-5).entries()) {
      device.send(
        'gateway',
        message({ confirmable: true, code: 'POST', messageId: 5_000 + at, options: path('rd', location) }),
      );
      await pass(clock, 20, 10);
    }
    assert.deepEqual(
      device.received.map((bytes) => read(bytes).code),
      ['4.04', '4.04', '4.04', '4.04', '2.04'],
    );
  });
});
