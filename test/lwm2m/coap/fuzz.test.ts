import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'coap-packet';
import fc from 'fast-check';
import { createEndpoint } from '../../../adapters/lwm2m/coap/endpoint.ts';
import { dropReasons } from '../../../adapters/lwm2m/coap/drop-reasons.ts';
import { encodeMessage, parseMessage, type MessageOptions } from '../../../adapters/lwm2m/coap/message.ts';
import type { Transport } from '../../../adapters/lwm2m/coap/transport.ts';
import { ManualClock } from '../../../src/support/clock.ts';
import { silentLog } from '../../../src/support/log.ts';
import { noMetrics, type Metrics } from '../../../src/support/metrics.ts';
import { seededRandom } from './memory-network.ts';

const folder = new URL('../../fixtures/lwm2m/', import.meta.url);
const fixtures = readdirSync(folder)
  .filter((name) => name.endsWith('.hex'))
  .map((name) => ({ name, bytes: Buffer.from(readFileSync(new URL(name, folder), 'utf8').trim(), 'hex') }));

/** Changes one to four places: octets, bits, lengths, order. */
function mutate(seed: Buffer, random: () => number): Buffer {
  let bytes = Buffer.from(seed);
  const pick = (below: number): number => Math.floor(random() * below);
  for (let times = 1 + pick(4); times > 0; times--) {
    const at = pick(bytes.length || 1);
    switch (pick(6)) {
      case 0:
        bytes[at] = pick(256);
        break;
      case 1:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(8));
        break;
      case 2:
        bytes = bytes.subarray(0, at);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(1 + pick(20), pick(256)), bytes.subarray(at)]);
        break;
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + pick(5))]);
        break;
      default:
        bytes[pick(Math.min(bytes.length, 12) || 1)] = [0, 0x7f, 0x80, 0xff, 0xd0, 0xe0][pick(6)]!;
    }
  }
  return Buffer.from(bytes);
}

describe('the CoAP endpoint under bad input', () => {
  for (const { name, bytes } of fixtures) {
    it(`reads ${name} as coap-packet does, and writes it back`, () => {
      const message = parseMessage(bytes);
      assert.ok(typeof message !== 'string', String(message));
      const reference = parse(bytes);
      assert.equal(message.code, reference.code);
      assert.equal(message.messageId, reference.messageId);
      assert.deepEqual(message.token, reference.token);
      assert.deepEqual(message.payload, reference.payload);
      const { type, code, messageId, token, options, payload } = message;
      assert.equal(
        encodeMessage(type, code, messageId, token, options, payload).toString('hex'),
        bytes.toString('hex'),
      );
    });
  }

  it('takes 100,000 changed datagrams without a fault, and what it keeps stays within its bounds', function () {
    this.timeout(15_000);
    const clock = new ManualClock();
    let receive: (peer: string, bytes: Buffer) => void = () => {};
    let faults = 0;
    const transport: Transport = {
      scheme: 'memory',
      send: (_peer, bytes) => assert.ok(typeof parseMessage(Buffer.from(bytes)) !== 'string', 'it answers in CoAP'),
      onMessage: (next) => (receive = next),
      onSendFailed: () => {},
      address: () => ({ address: 'memory', port: 0 }),
      describe: (peer) => peer,
      close: () => Promise.resolve(),
    };
    const metrics: Metrics = { ...noMetrics, count: (name) => void (name === 'trivet_faults_total' && faults++) };
    const settings = {
      maximumPeers: 100,
      maximumDuplicates: 1_000,
      maximumTransfers: 10,
      maximumTransferOctets: 10_000,
    };
    const endpoint = createEndpoint({ transport, clock, log: silentLog, metrics, settings });
    endpoint.onRequest((request) => ({ code: request.path.length > 1 ? '2.05' : '4.04', payload: request.payload }));
    const random = seededRandom(20_260);
    for (let count = 0; count < 100_000; count++) {
      const seed = fixtures[count % fixtures.length]!.bytes;
      receive(`device-${count % 300}`, mutate(seed, random));
      if (count % 1_000 === 0) clock.advance(1_000);
    }
    const statistics = endpoint.statistics();
    assert.equal(faults, 0);
    assert.equal(statistics.received, 100_000);
    assert.ok(statistics.peers <= 100);
    assert.ok(statistics.duplicates <= 2_000);
    assert.ok(statistics.transfers <= 10 && statistics.transferOctets <= 10_000);
    assert.equal(statistics.exchanges, 0);
    assert.ok(statistics.timers <= 10);
    const reasons = Object.keys(statistics.dropped);
    assert.ok(reasons.length >= 8, `only ${reasons.join(', ')}`);
    assert.ok(reasons.every((reason) => reason in dropReasons));
  });

  it('reads what it writes, whatever the options are', () => {
    const segment = fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' });
    const block = fc.record(
      {
        number: fc.nat(0xfffff),
        more: fc.boolean(),
        exponent: fc.nat(6),
      },
      { noNullPrototype: true },
    );
    const options: fc.Arbitrary<MessageOptions> = fc.record(
      {
        path: fc.array(segment, { minLength: 1, maxLength: 5 }),
        query: fc.array(segment, { minLength: 1, maxLength: 5 }),
        locationPath: fc.array(segment, { minLength: 1, maxLength: 3 }),
        contentFormat: fc.nat(0xffff),
        accept: fc.nat(0xffff),
        observe: fc.nat(0xffffff),
        block1: block,
        block2: block,
        etag: fc.uint8Array({ minLength: 1, maxLength: 8 }).map((octets) => Buffer.from(octets)),
        maxAge: fc.nat(0xffffffff),
        size1: fc.nat(0xffffffff),
        size2: fc.nat(0xffffffff),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        options,
        fc.uint8Array({ maxLength: 8 }),
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(0xffff),
        (written, token, payload, messageId) => {
          const bytes = encodeMessage('CON', '0.05', messageId, Buffer.from(token), written, Buffer.from(payload));
          const message = parseMessage(bytes);
          assert.ok(typeof message !== 'string', String(message));
          assert.deepEqual({ ...message.options }, { ...written });
          assert.deepEqual(message.payload, Buffer.from(payload));
          assert.deepEqual(message.token, Buffer.from(token));
          assert.equal(message.problem, undefined);
        },
      ),
      { numRuns: 500 },
    );
  });
});
