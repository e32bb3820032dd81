import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeDatagram, encodeDatagram } from '../../src/simulators/lwm2m/datagram.ts';
import { decodeSenml, encodeSenml, entriesOf } from '../../src/simulators/lwm2m/senml.ts';
import { decodeText, encodeText } from '../../src/simulators/lwm2m/text.ts';
import { decodeTlv, encodeTlv } from '../../src/simulators/lwm2m/tlv.ts';
import { Refusal } from '../../src/simulators/lwm2m/value.ts';
import type { Resource, ValueType } from '../../src/simulators/lwm2m/value.ts';

describe('codecs of the simulated LwM2M device', () => {
  const vectors: [string, number, Resource, ValueType, string][] = [
    ['integer 100', 9, 100, 'integer', 'c10964'],
    ['integer -128', 9, -128, 'integer', 'c10980'],
    ['integer 128', 9, 128, 'integer', 'c2090080'],
    ['unsigned 128', 17, 128, 'unsigned', 'c11180'],
    ['integer 40000', 8, 40_000, 'integer', 'c40800009c40'],
    ['integer beyond 32 bits', 8, 2_147_483_648, 'integer', 'c808080000000080000000'],
    ['string', 0, 'abc', 'string', 'c300616263'],
    ['empty string', 3, '', 'string', 'c003'],
    ['string of 8 octets', 0, 'abcdefgh', 'string', 'c800086162636465666768'],
    ['boolean with a two-octet id', 5850, true, 'boolean', 'e116da01'],
    ['float of 4 octets', 5700, 22.5, 'float', 'e4164441b40000'],
    ['time', 13, 1_367_491_215, 'time', 'c40d5182428f'],
    ['time after 2038', 13, 3_162_779_625, 'time', 'c80d0800000000bc842fe9'],
    ['object link', 10, '66:0', 'objlnk', 'c40a00420000'],
    ['null object link', 10, '65535:65535', 'objlnk', 'c40affffffff'],
    ['multiple integers', 6, { 0: 1, 1: 5 }, 'integer', '8606410001410105'],
    ['longer multiple integers', 7, { 0: 3800, 1: 5000 }, 'integer', '88070842000ed842011388'],
  ];
  for (const [name, resource, value, type, hex] of vectors) {
    it(`write and read TLV: ${name}`, () => {
      const entry = { object: 3, instance: 0, resource, value };
      assert.equal(encodeTlv([3, 0], [entry], () => type).toString('hex'), hex);
      assert.deepEqual(
        decodeTlv([3, 0], Buffer.from(hex, 'hex'), () => type),
        [entry],
      );
    });
  }

  it('write TLV headers of 300 and 65536 octets', () => {
    const head = (size: number): string =>
      encodeTlv([5, 0], [{ object: 5, instance: 0, resource: 0, value: Buffer.alloc(size) }], () => 'opaque').toString(
        'hex',
        0,
        5,
      );
    assert.equal(head(300).slice(0, 8), 'd000012c');
    assert.equal(head(65_536), 'd800010000');
  });

  it('nest TLV instances for an object', () => {
    const entries = [
      { object: 2, instance: 2, resource: 0, value: 3 },
      { object: 2, instance: 2, resource: 1, value: 0 },
      { object: 2, instance: 2, resource: 2, value: { 101: 15 } },
      { object: 2, instance: 2, resource: 3, value: 101 },
    ];
    const hex = '08020ec10003c10100830241650fc10365';
    assert.equal(encodeTlv([2], entries, () => 'integer').toString('hex'), hex);
    assert.deepEqual(
      decodeTlv([2], Buffer.from(hex, 'hex'), () => 'integer'),
      entries,
    );
  });

  it('read SenML-JSON however base name and name are cut, below an alternate root too', () => {
    for (const pack of [
      '[{"bn":"/3/0","n":"/14","vs":"x"}]',
      '[{"bn":"/3/0/","n":"14","vs":"x"}]',
      '[{"bn":"/lwm2m/3/0/14","vs":"x"}]',
    ]) {
      assert.deepEqual(decodeSenml('json', Buffer.from(pack), '/lwm2m'), [{ path: [3, 0, 14], value: 'x' }]);
    }
  });

  it('write and read SenML-CBOR with the labels of RFC 8428', () => {
    // [{-2: "/3/0", 0: "/3", 3: "1.0"}, {0: "/9", 2: 55}, {0: "/22/0", "vlo": "15:0"}]
    const hex = '83a321642f332f3000622f330363312e30a200622f39021837a200652f32322f3063766c6f6431353a30';
    const entries = [
      { object: 3, instance: 0, resource: 3, value: '1.0' },
      { object: 3, instance: 0, resource: 9, value: 55 },
      { object: 3, instance: 0, resource: 22, value: { 0: '15:0' } },
    ];
    const types: Record<number, ValueType> = { 3: 'string', 9: 'integer', 22: 'objlnk' };
    const pack = encodeSenml('cbor', [3, 0], entries, (entry) => types[entry.resource] ?? 'string', '');
    assert.equal(pack.toString('hex'), hex);
    assert.deepEqual(
      entriesOf(decodeSenml('cbor', pack, ''), (_, resource) => types[resource] ?? 'string'),
      entries,
    );
  });

  it('return what they were given, in TLV and in both forms of SenML', () => {
    const typed = fc.oneof(
      fc.record({ type: fc.constant<ValueType>('string'), value: fc.string({ unit: 'grapheme' }) }),
      fc.record({ type: fc.constant<ValueType>('integer'), value: fc.maxSafeInteger() }),
      fc.record({ type: fc.constant<ValueType>('unsigned'), value: fc.maxSafeNat() }),
      fc.record({ type: fc.constant<ValueType>('boolean'), value: fc.boolean() }),
      fc.record({
        type: fc.constant<ValueType>('float'),
        value: fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
      }),
      fc.record({ type: fc.constant<ValueType>('opaque'), value: fc.uint8Array().map((bytes) => Buffer.from(bytes)) }),
    );
    const id = fc.nat(65_534);
    fc.assert(
      fc.property(id, id, typed, fc.boolean(), (resource, item, { type, value }, multiple) => {
        const entry = { object: 7, instance: 1, resource, value: multiple ? { [item]: value } : value };
        const tlv = encodeTlv([7], [entry], () => type);
        assert.deepEqual(
          decodeTlv([7], tlv, () => type),
          [entry],
        );
        for (const form of ['json', 'cbor'] as const) {
          const pack = encodeSenml(form, [7, 1], [entry], () => type, '');
          assert.deepEqual(
            entriesOf(decodeSenml(form, pack, ''), () => type),
            [entry],
          );
        }
        if (!multiple) assert.deepEqual(decodeText(encodeText(value), type), value);
      }),
      { numRuns: 500 },
    );
  });

  it('refuse rubbish with a CoAP code and nothing else', () => {
    const types: ValueType[] = ['string', 'integer', 'unsigned', 'float', 'boolean', 'opaque', 'time', 'objlnk'];
    const quietly = (decode: () => unknown): void => {
      try {
        decode();
      } catch (problem) {
        assert.ok(problem instanceof Refusal, String(problem));
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(...types), fc.json(), (octets, type, json) => {
        const bytes = Buffer.from(octets);
        quietly(() => decodeTlv([3], bytes, () => type));
        quietly(() => decodeText(bytes, type));
        quietly(() => entriesOf(decodeSenml('cbor', bytes, ''), () => type));
        quietly(() => entriesOf(decodeSenml('json', Buffer.from(json), ''), () => type));
        decodeDatagram(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it('write datagrams as the wire has them', () => {
    const datagram = {
      type: 0,
      code: 2,
      messageId: 0x7d34,
      token: Buffer.from('01', 'hex'),
      options: [
        [11, Buffer.from('rd')],
        [12, Buffer.of(40)],
        [15, Buffer.from('ep=a-device-with-a-long-name')],
      ] satisfies [number, Buffer][],
      payload: Buffer.from('</3/0>'),
    };
    const hex = '41027d3401b2726411283d0f65703d612d6465766963652d776974682d612d6c6f6e672d6e616d65ff3c2f332f303e';
    assert.equal(encodeDatagram(datagram).toString('hex'), hex);
    assert.deepEqual(decodeDatagram(Buffer.from(hex, 'hex')), datagram);
  });
});
