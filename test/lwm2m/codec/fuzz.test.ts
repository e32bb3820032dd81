import assert from 'node:assert/strict';
import type { Value } from '../../../src/management/operation.ts';
import { CodecError, ContentFormat, contentFormatName, decode, encode } from '../../../adapters/lwm2m/codec/codec.ts';
import { parseRegistrationLinks } from '../../../adapters/lwm2m/codec/core-link.ts';
import { objectModel } from '../../../adapters/lwm2m/object-model.ts';
import { contentFormatOf, fixtureNames, readFixture } from './support.ts';

const INPUTS = 100_000;

/** mulberry32: the same inputs in every run, so that a failure can be seen again. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

type Random = ReturnType<typeof createRandom>;

const telling = [
  0, 1, 0x1f, 0x20, 0x22, 0x2c, 0x3b, 0x3c, 0x3e, 0x5b, 0x5c, 0x5f, 0x7b, 0x7f, 0x80, 0x9f, 0xbf, 0xc4, 0xdb, 0xfb,
  0xff,
];

function mutateOnce(random: Random, input: Buffer, other: Buffer): Buffer {
  const at = random(input.length + 1);
  const length = random(8) + 1;
  switch (random(7)) {
    case 0:
      return Buffer.concat([input.subarray(0, at), Buffer.from([random(256)]), input.subarray(at + 1)]);
    case 1:
      return Buffer.concat([
        input.subarray(0, at),
        Buffer.from([telling[random(telling.length)] ?? 0]),
        input.subarray(at + 1),
      ]);
    case 2:
      return Buffer.concat([
        input.subarray(0, at),
        Buffer.from([telling[random(telling.length)] ?? 0]),
        input.subarray(at),
      ]);
    case 3:
      return Buffer.concat([input.subarray(0, at), input.subarray(at + length)]);
    case 4:
      return Buffer.concat([input.subarray(0, at), input.subarray(at, at + length), input.subarray(at)]);
    case 5:
      return input.subarray(0, at);
    default:
      return Buffer.concat([input.subarray(0, at), other.subarray(random(other.length + 1))]);
  }
}

function mutate(random: Random, seeds: readonly Buffer[]): Buffer {
  const pick = (): Buffer => seeds[random(seeds.length)] ?? Buffer.alloc(0);
  let input = pick();
  for (let rounds = random(4) + 1; rounds > 0; rounds--) input = mutateOnce(random, input, pick());
  return input;
}

/** Feeds mutated seeds; the answer counts what was read and what was refused. Anything but a CodecError fails the test. */
function fuzz(
  seeds: readonly Buffer[],
  read: (input: Buffer, random: Random) => number,
): { read: number; refused: number } {
  const random = createRandom(20_240_222);
  const count = { read: 0, refused: 0 };
  for (let round = 0; round < INPUTS; round++) {
    const input = mutate(random, seeds);
    try {
      const values = read(input, random);
      assert.ok(values <= input.length + 1, `${values} values from ${input.length} octets`);
      count.read++;
    } catch (error) {
      if (!(error instanceof CodecError)) {
        throw new Error(`input ${input.toString('hex')}`, { cause: error });
      }
      count.refused++;
    }
  }
  return count;
}

const device: [path: string, value: Value][] = [
  ['/3/0/0', 'Open Mobile Alliance "\\ €'],
  ['/3/0/6', { instances: { 0: 1, 300: 5 } }],
  ['/3/0/9', 100],
  ['/3/0/10', { integer: '9223372036854775807' }],
  ['/3/0/13', { time: 3_162_779_625 }],
  ['/3/0/22', { instances: { 0: { link: '/10/0' }, 1: { link: '' } } }],
];

const single: [path: string, value: Value][] = [
  ['/3/0/0', 'Open Mobile Alliance'],
  ['/3/0/9', 100],
  ['/3/0/13', { time: 3_162_779_625 }],
  ['/6/0/0', 52.520_006_59],
  ['/1/0/6', true],
  ['/5/0/0', { bytes: 'AAECAwQF/v8=' }],
  ['/1/0/10', { link: '/11/0' }],
];

/** Payloads of the fixtures in a format, and what our own encoder writes. */
function seedsOf(format: number): Buffer[] {
  const captured = fixtureNames()
    .map(readFixture)
    .filter((packet) => packet.code === '2.05' && contentFormatOf(packet) === format)
    .map((packet) => packet.payload);
  const written = single.map(([path, value]) => {
    const isFit = format !== ContentFormat.OPAQUE || path === '/5/0/0';
    return isFit ? encode(format, path, [{ path, value }], objectModel) : Buffer.from(JSON.stringify(value));
  });
  const isForMany = format !== ContentFormat.TEXT && format !== ContentFormat.OPAQUE && format !== ContentFormat.CBOR;
  const values = device.map(([path, value]) => ({ path, value }));
  return [...captured, ...written, ...(isForMany ? [encode(format, '/3/0', values, objectModel)] : [])];
}

describe('100,000 mutated payloads are read or refused, and nothing else happens:', () => {
  const bases = [
    '/',
    '/3',
    '/3/0',
    '/3/0/0',
    '/3/0/9',
    '/3/0/13',
    '/3/0/6',
    '/3/0/6/0',
    '/6/0/0',
    '/1/0/6',
    '/5/0/0',
    '/1/0/10',
  ];
  for (const format of Object.values(ContentFormat)) {
    if (format === ContentFormat.LINK_FORMAT) continue;

    it(contentFormatName(format), () => {
      const count = fuzz(seedsOf(format), (input, random) => {
        const base = bases[random(bases.length)] ?? '/';
        return decode(format, input, base, objectModel, { now: 0, root: random(8) === 0 ? '/3' : '' }).length;
      });
      // Both ways are taken: a reader that refuses everything, or nothing, proves nothing.
      assert.ok(count.read > 1000 && count.refused > 1000, JSON.stringify(count));
    }).timeout(60_000);
  }

  it('application/link-format', () => {
    const registrations = ['wakaama-register', 'wakaama-update-objects', 'anjay-register'].map(
      (name) => readFixture(name).payload,
    );
    const quoted = Buffer.from('</lwm2m>;rt="oma.lwm2m";ct="110 112",</lwm2m/3>;ver="1.1",</lwm2m/3/0>;title="a\\"b"');
    const count = fuzz([...registrations, quoted], (input) => parseRegistrationLinks(input).objects.length);
    assert.ok(count.read > 1000 && count.refused > 1000, JSON.stringify(count));
  }).timeout(60_000);
});
