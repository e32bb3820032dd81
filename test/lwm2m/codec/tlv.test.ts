import assert from 'node:assert/strict';
import type { Value, ValueType } from '../../../src/management/operation.ts';
import {
  CodecError,
  ContentFormat,
  decode,
  decodeReadable,
  encode,
  UNASSIGNED_INSTANCE,
} from '../../../adapters/lwm2m/codec/codec.ts';
import { objectModel, withTargets } from '../../../adapters/lwm2m/object-model.ts';
import { hex } from './support.ts';

const { TLV } = ContentFormat;

/** Bytes, path of the request, path of the resource, value. */
const vectors: [bytes: string, base: string, path: string, value: Value, type?: ValueType][] = [
  ['c10964', '/3/0', '/3/0/9', 100],
  ['c10980', '/3/0', '/3/0/9', -128],
  ['c2090080', '/3/0', '/3/0/9', 128],
  ['c11180', '/40000/0', '/40000/0/17', 128, 'unsigned'],
  ['c40800009c40', '/40000/0', '/40000/0/8', 40_000, 'integer'],
  ['c808080000000080000000', '/40000/0', '/40000/0/8', 2_147_483_648, 'integer'],
  ['c300616263', '/3/0', '/3/0/0', 'abc'],
  ['c003', '/3/0', '/3/0/3', ''],
  ['c800086162636465666768', '/3/0', '/3/0/0', 'abcdefgh'],
  ['e116da01', '/3311/0', '/3311/0/5850', true],
  ['e4164441b40000', '/3303/0', '/3303/0/5700', 22.5],
  ['c40d5182428f', '/3/0', '/3/0/13', { time: 1_367_491_215 }],
  ['c80d0800000000bc842fe9', '/3/0', '/3/0/13', { time: 3_162_779_625 }],
  ['c40a00420000', '/40000/0', '/40000/0/10', { link: '/66/0' }, 'link'],
  ['c40affffffff', '/40000/0', '/40000/0/10', { link: '' }, 'link'],
  ['8606410001410105', '/3/0', '/3/0/6', { instances: { 0: 1, 1: 5 } }],
  ['88070842000ed842011388', '/3/0', '/3/0/7', { instances: { 0: 3800, 1: 5000 } }],
  ['0600c10003c10100', '/2', '/2/0/0', 3],
  ['23012cc10003', '/2', '/2/300/0', 3],
];

describe('TLV', () => {
  for (const [bytes, base, path, value, type] of vectors) {
    const model = withTargets(objectModel, type ? [{ path, type }] : []);

    it(`reads ${bytes} for ${base}`, () => {
      const found = decode(TLV, hex(bytes), base, model).find((entry) => entry.path === path);
      assert.deepEqual(found, { path, value });
    });

    it(`writes ${path} into the bytes that it was read from`, () => {
      const values = decode(TLV, hex(bytes), base, model);
      assert.equal(encode(TLV, base, values, model).toString('hex'), bytes);
    });
  }

  it('reads a double as well as a single float', () => {
    assert.deepEqual(decode(TLV, hex('e81644084036800000000000'), '/3303/0', objectModel), [
      { path: '/3303/0/5700', value: 22.5 },
    ]);
  });

  it('writes a float that single precision would change as a double', () => {
    const bytes = encode(TLV, '/3303/0/5700', [{ path: '/3303/0/5700', value: 0.1 }], objectModel);
    assert.equal(bytes.toString('hex'), 'e81644083fb999999999999a');
  });

  it('reads an instance that has a multiple resource in it', () => {
    const values = decode(TLV, hex('08020ec10003c10100830241650fc10365'), '/2', objectModel);
    assert.deepEqual(values, [
      { path: '/2/2/0', value: 3 },
      { path: '/2/2/1', value: 0 },
      { path: '/2/2/2', value: { instances: { 101: 15 } } },
      { path: '/2/2/3', value: 101 },
    ]);
    assert.equal(encode(TLV, '/2', values, objectModel).toString('hex'), '08020ec10003c10100830241650fc10365');
  });

  it('counts the length of a resource in one, two or three octets', () => {
    const head = (size: number): string =>
      encode(TLV, '/5/0/0', [{ path: '/5/0/0', value: { bytes: Buffer.alloc(size).toString('base64') } }], objectModel)
        .subarray(0, 6)
        .toString('hex');
    assert.equal(head(300).slice(0, 8), 'd000012c');
    assert.equal(head(65_536).slice(0, 10), 'd800010000');
  });

  it('takes an instance around the resources of an instance, but not another instance', () => {
    assert.deepEqual(decode(TLV, hex('0003c10964'), '/3/0', objectModel), [{ path: '/3/0/9', value: 100 }]);
    assert.throws(() => decode(TLV, hex('0103c10964'), '/3/0', objectModel), CodecError);
  });

  it('takes the resources of an object with one instance without that instance', () => {
    assert.deepEqual(decode(TLV, hex('c10964'), '/3', objectModel), [{ path: '/3/0/9', value: 100 }]);
    assert.throws(() => decode(TLV, hex('c10003'), '/2', objectModel), /without their instance/);
  });

  it('takes the instances of a multiple resource with and without the resource around them', () => {
    const expected = [{ path: '/3/0/6', value: { instances: { 0: 1, 1: 5 } } }];
    assert.deepEqual(decode(TLV, hex('410001410105'), '/3/0/6', objectModel), expected);
    assert.deepEqual(decode(TLV, hex('8606410001410105'), '/3/0/6', objectModel), expected);
  });

  it('hands on a resource that the model does not know as octets', () => {
    assert.deepEqual(decode(TLV, hex('c10964'), '/40000/0', objectModel), [
      { path: '/40000/0/9', value: { bytes: Buffer.from([0x64]).toString('base64') } },
    ]);
  });

  it('keeps integers beyond 2^53 exact', () => {
    const path = '/40000/0/1';
    const model = withTargets(objectModel, [{ path, type: 'integer' }]);
    const bytes = hex('c801087fffffffffffffff');
    assert.deepEqual(decode(TLV, bytes, path, model), [{ path, value: { integer: '9223372036854775807' } }]);
    assert.deepEqual(encode(TLV, path, decode(TLV, bytes, path, model), model), bytes);
    assert.throws(() => encode(TLV, path, [{ path, value: { integer: '9223372036854775808' } }], model), CodecError);
  });

  it('leaves the number of a new instance to the device', () => {
    const path = (instance: number): string => `/2048/${instance}/0`;
    const write = (instance: number): string =>
      encode(TLV, '/2048', [{ path: path(instance), value: 'p' }], objectModel).toString('hex');
    assert.equal(write(UNASSIGNED_INSTANCE), 'c10070');
    assert.equal(write(7), '0307c10070');
  });

  it('writes one instance of a multiple resource as a resource instance', () => {
    const bytes = encode(TLV, '/2054/0/0/3', [{ path: '/2054/0/0/3', value: 2 }], objectModel);
    assert.equal(bytes.toString('hex'), '410302');
  });

  it('writes one value of a multiple resource as its instance 0', () => {
    assert.equal(encode(TLV, '/2054/0', [{ path: '/2054/0/0', value: 2 }], objectModel).toString('hex'), '8300410002');
  });

  for (const [what, bytes, explanation] of [
    ['an integer of three octets', 'c30901e240c11405', 'A TLV integer has 1, 2, 4 or 8 octets, not 3 (0x01e240)'],
    ['an integer of no octets', 'c009c11405', 'A TLV integer has 1, 2, 4 or 8 octets, not 0'],
    [
      'a long integer',
      `c80914${'ab'.repeat(20)}c11405`,
      `A TLV integer has 1, 2, 4 or 8 octets, not 20 (0x${'ab'.repeat(16)}…)`,
    ],
  ] as const) {
    it(`names ${what}, and reads the rest`, () => {
      assert.deepEqual(decodeReadable(TLV, hex(bytes), '/3/0', objectModel), {
        values: [{ path: '/3/0/20', value: 5 }],
        unreadable: [{ path: '/3/0/9', explanation }],
      });
    });
  }

  it('does not read a part of a multiple resource, whichever of its instances is bad', () => {
    const good = '410001';
    const bad = '4301010203';
    for (const instances of [good + bad, bad + good]) {
      const { values, unreadable } = decodeReadable(TLV, hex(`880608${instances}c10964`), '/3/0', objectModel);
      assert.deepEqual(values, [{ path: '/3/0/9', value: 100 }]);
      assert.deepEqual(
        unreadable.map(({ path }) => path),
        ['/3/0/6'],
      );
    }
  });

  for (const [what, bytes, base] of [
    ['a header that is cut off', 'c8', '/3/0'],
    ['a length that reaches past the end', 'c50061', '/3/0'],
    ['an integer of three octets', 'c309000001', '/3/0'],
    ['an integer of no octets', 'c009', '/3/0'],
    ['a float of two octets', 'e2164441b4', '/3303/0'],
    ['a boolean that is neither 0 nor 1', 'e116da02', '/3311/0'],
    ['an object link of two octets', '8316420021', '/3/0'],
    ['a resource instance where a resource belongs', '410001', '/3/0'],
    ['a multiple resource inside a multiple resource', '860684064100014101', '/3/0'],
    ['an instance inside an instance', '02000200', '/3'],
    ['a resource that comes twice', 'c10964c10963', '/3/0'],
    ['a resource that was not asked for', 'c10a64', '/3/0/9'],
    ['a composite answer', 'c10964', '/'],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => decode(TLV, hex(bytes), base, objectModel), CodecError);
    });
  }
});
