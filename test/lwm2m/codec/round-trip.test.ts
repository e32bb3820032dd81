import assert from 'node:assert/strict';
import { decode as decodeWithCbor2, encode as encodeWithCbor2 } from 'cbor2';
import fc from 'fast-check';
import type { Value, ValueType } from '../../../src/management/operation.ts';
import { readCbor } from '../../../adapters/lwm2m/codec/cbor-data.ts';
import { ContentFormat, contentFormatName, decode, encode } from '../../../adapters/lwm2m/codec/codec.ts';
import { objectModel, withTargets } from '../../../adapters/lwm2m/object-model.ts';

const signed = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.constantFrom(-129, -128, 127, 128, 32_768, -32_769));
const wide = (bits: bigint): Value => {
  const plain = Number(bits);
  return Number.isSafeInteger(plain) ? plain : { integer: bits.toString() };
};

const valuesOf: Record<ValueType, fc.Arbitrary<Value>> = {
  string: fc.string({ unit: 'grapheme', maxLength: 300 }),
  integer: fc.oneof(signed, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(wide)),
  unsigned: fc.oneof(fc.maxSafeNat(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(wide)),
  float: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  boolean: fc.boolean(),
  opaque: fc.uint8Array({ maxLength: 400 }).map((octets) => ({ bytes: Buffer.from(octets).toString('base64') })),
  time: signed.map((time) => ({ time })),
  link: fc.oneof(
    fc.constant({ link: '' }),
    fc.nat(65_534).map((object) => ({ link: `/${object}` })),
    fc.tuple(fc.nat(65_534), fc.nat(65_534)).map(([object, instance]) => ({ link: `/${object}/${instance}` })),
  ),
};

const types = Object.keys(valuesOf) as ValueType[];

/** An object whose resource n has the nth type, and n + 100 the same with instances. */
const object = 40_000;
const model = withTargets(
  objectModel,
  types.flatMap((type, id) => [
    { path: `/${object}/0/${id}`, type },
    { path: `/${object}/0/${id + 100}`, type, multiple: true },
  ]),
);

const { TEXT, OPAQUE, CBOR, SENML_JSON, SENML_CBOR, TLV, JSON: OLD_JSON, LWM2M_CBOR } = ContentFormat;

describe('every value comes back as it was written', () => {
  for (const format of [TEXT, CBOR, SENML_JSON, SENML_CBOR, TLV, OLD_JSON, LWM2M_CBOR, OPAQUE]) {
    for (const [id, type] of types.entries()) {
      if (format === OPAQUE && type !== 'opaque') continue;

      it(`${type} in ${contentFormatName(format)}`, () => {
        const path = `/${object}/0/${id}`;
        fc.assert(
          fc.property(valuesOf[type], (value) => {
            const bytes = encode(format, path, [{ path, value }], model);
            assert.deepEqual(decode(format, bytes, path, model), [{ path, value }]);
          }),
          { numRuns: 150 },
        );
      });
    }
  }

  const instance = fc
    .tuple(
      ...types.map((type) => fc.option(valuesOf[type])),
      ...types.map((type) =>
        fc.option(
          fc
            .uniqueArray(fc.tuple(fc.nat(65_535), valuesOf[type]), {
              selector: ([key]) => key,
              minLength: 1,
              maxLength: 4,
            })
            .map((entries) => ({ instances: Object.fromEntries(entries) })),
        ),
      ),
    )
    .map((values) =>
      values.flatMap((value, index) =>
        value === null
          ? []
          : [{ path: `/${object}/0/${index < types.length ? index : index - types.length + 100}`, value }],
      ),
    );

  for (const format of [SENML_JSON, SENML_CBOR, TLV, OLD_JSON, LWM2M_CBOR]) {
    for (const base of [`/${object}/0`, `/${object}`, '/']) {
      if (base === '/' && (format === TLV || format === OLD_JSON)) continue;

      it(`a whole instance in ${contentFormatName(format)} at ${base}`, () => {
        fc.assert(
          fc.property(instance, (values) => {
            const bytes = encode(format, base, values, model);
            assert.deepEqual(decode(format, bytes, base, model), values);
          }),
          { numRuns: 60 },
        );
      });
    }
  }
});

describe('the CBOR reader', () => {
  const leaf = fc.oneof(
    fc.integer(),
    fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n }).filter((value) => !Number.isSafeInteger(Number(value))),
    fc.double(),
    fc.string({ unit: 'grapheme' }),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 40 }),
  );
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie('tree'), { maxLength: 5 }),
      fc
        .array(fc.tuple(fc.oneof(fc.integer(), fc.string()), tie('tree')), { maxLength: 5 })
        .map((entries) => new Map(entries)),
    ),
  }));

  /** The same tree without the classes that two decoders may choose differently. */
  const plain = (item: unknown): unknown => {
    if (item instanceof Uint8Array) return { octets: Buffer.from(item).toString('hex') };
    if (Array.isArray(item)) return item.map(plain);
    if (item instanceof Map) return { entries: [...item].map(([key, value]) => [plain(key), plain(value)]) };
    if (item !== null && typeof item === 'object' && 'entries' in item && Array.isArray(item.entries)) {
      return { entries: item.entries.map(plain) };
    }
    return item;
  };

  it('agrees with cbor2 about everything that cbor2 writes', () => {
    fc.assert(
      fc.property(tree, (value) => {
        const bytes = Buffer.from(encodeWithCbor2(value));
        assert.deepEqual(plain(readCbor(bytes)), plain(decodeWithCbor2(bytes, { preferMap: true })));
      }),
      { numRuns: 1000 },
    );
  });
});
