import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Value } from '../../src/management/operation.ts';
import {
  anyFromText,
  booleanOf,
  ConversionFailure,
  conversionNamed,
  integerOf,
  itemsOf,
  joinWithCommas,
  secondsFromTimestamp,
  splitAtCommas,
  textOf,
  timestampFromSeconds,
  type NamedConversion,
} from '../../src/management/conversions.ts';

function named(name: string): Required<NamedConversion> {
  const conversion = conversionNamed(name);
  assert.ok(conversion);
  return { toDevice: () => assert.fail('read only'), ...conversion };
}

describe('conversions', () => {
  describe('logStatusBits', () => {
    const cases: [bits: number, status: number, meaning: string][] = [
      [0, 1, 'runs, nothing collected yet: Started'],
      [2, 1, 'runs, data is valid: Started'],
      [1, 4, 'stopped without valid data: NotPresent'],
      [3, 2, 'stopped with valid data: Stopped'],
      [4, 5, 'error while running: Error'],
      [7, 5, 'error after it stopped: Error'],
    ];
    for (const [bits, status, meaning] of cases) {
      it(`says ${status} of ${bits}, which ${meaning}`, () => {
        assert.equal(named('logStatusBits').fromDevice(bits), status);
      });
    }

    it('refuses what is no byte', () => {
      assert.throws(() => named('logStatusBits').fromDevice(256), ConversionFailure);
      assert.throws(() => named('logStatusBits').fromDevice('busy'), ConversionFailure);
    });
  });

  describe('delAggregation', () => {
    it('reads one text, one text per instance, and commas', () => {
      const spellings: Value[] = ['0 1', '0,1', { instances: { 0: '0', 1: '1' } }, { instances: { 0: '0 1' } }];
      for (const value of spellings) {
        assert.deepEqual(named('delAggregation').fromDevice(value), [false, true]);
      }
    });

    it('refuses anything but 0 and 1', () => {
      assert.throws(() => named('delAggregation').fromDevice('0 2'), /holds "2" where 0 or 1 belongs/);
    });

    for (const name of ['delAggregation', 'delAggregationText']) {
      it(`${name} reads what it wrote`, () => {
        fc.assert(
          fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 2 }), (list) => {
            assert.deepEqual(named(name).fromDevice(named(name).toDevice(list)), list);
          }),
        );
      });
    }
  });

  describe('backOffTriple', () => {
    it('reads what it wrote', () => {
      const time = fc.nat();
      fc.assert(
        fc.property(time, time, time, (initialBackoffTime, additionalBackoffTime, maximumBackoffTime) => {
          const parameters = {
            backOffParametersSet: [{ initialBackoffTime, additionalBackoffTime, maximumBackoffTime }],
          };
          assert.deepEqual(named('backOffTriple').fromDevice(named('backOffTriple').toDevice(parameters)), parameters);
        }),
      );
    });

    it('refuses parameters for which three numbers have no place', () => {
      const set = { initialBackoffTime: 1, additionalBackoffTime: 1, maximumBackoffTime: 1 };
      assert.throws(
        () => named('backOffTriple').toDevice({ backOffParametersSet: [set, set] }),
        /more or less than one set/,
      );
      assert.throws(
        () => named('backOffTriple').toDevice({ backOffParametersSet: [{ ...set, networkAction: 2 }] }),
        /networkAction/,
      );
    });

    it('refuses a text that is not three integers', () => {
      for (const text of ['1 2', '1 2 3 4', 'a b c', '']) {
        assert.throws(() => named('backOffTriple').fromDevice(text), ConversionFailure);
      }
    });
  });

  describe('anyList', () => {
    it('reads what it wrote', () => {
      // A text that is empty or looks like JSON goes as JSON.
      fc.assert(
        fc.property(fc.array(fc.oneof(fc.string(), fc.integer(), fc.boolean()), { maxLength: 5 }), (list) => {
          assert.deepEqual(named('anyList').fromDevice(named('anyList').toDevice(list)), list);
        }),
      );
    });

    it('writes a single text as it is', () => {
      assert.equal(named('anyList').toDevice(['only at night']), 'only at night');
    });
  });

  it('has no conversion that is not in the list', () => {
    assert.equal(conversionNamed('toString'), undefined);
    assert.equal(conversionNamed('constructor'), undefined);
  });

  describe('timestamps', () => {
    it('come back as they went, for every second of the years 1 to 9999', () => {
      fc.assert(
        fc.property(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), (seconds) => {
          assert.equal(secondsFromTimestamp(timestampFromSeconds(seconds)), seconds);
        }),
      );
    });

    it('are refused when there is no such day or time', () => {
      for (const text of ['20260230T000000', '20260101T240000', '20260101T006000', '2026-01-01T00:00:00', '']) {
        assert.throws(() => secondsFromTimestamp(text), ConversionFailure, text);
      }
    });

    it('of a broken clock are refused instead of invented', () => {
      for (const seconds of [Number.NaN, Number.POSITIVE_INFINITY, 253_402_300_800, -62_167_219_201]) {
        assert.throws(() => timestampFromSeconds(seconds), ConversionFailure);
      }
    });
  });

  describe('lists in one text', () => {
    it('keep items that hold commas and percent signs', () => {
      fc.assert(
        fc.property(
          fc.array(
            fc.string({ minLength: 1 }).filter((item) => item === item.trim()),
            { maxLength: 8 },
          ),
          (items) => {
            assert.deepEqual(splitAtCommas(joinWithCommas(items)), items);
          },
        ),
      );
    });

    it('lose the blanks around commas', () => {
      assert.deepEqual(splitAtCommas('a , b,c'), ['a', 'b', 'c']);
    });

    it('are empty when the text is', () => {
      assert.deepEqual(splitAtCommas('  '), []);
    });
  });

  describe('single values', () => {
    it('are in the order of their instance numbers', () => {
      assert.deepEqual(itemsOf({ instances: { 10: 'c', 2: 'b', 0: 'a' } }), ['a', 'b', 'c']);
      assert.deepEqual(itemsOf('a'), ['a']);
    });

    it('are integers in any spelling of them, up to 2^53', () => {
      for (const value of [7, '7', ' 7 ', '+7', { integer: '7' }]) assert.equal(integerOf(value), 7);
      for (const value of [1.5, '1.5', '', 'seven', { integer: '9007199254740993' }, 2 ** 53]) {
        assert.throws(() => integerOf(value), ConversionFailure);
      }
    });

    it('are booleans as 0, 1, true and false', () => {
      for (const value of [true, 1, '1', 'true', 'TRUE']) assert.equal(booleanOf(value), true);
      for (const value of [false, 0, '0', 'false']) assert.equal(booleanOf(value), false);
      for (const value of ['yes', 2, '', null]) assert.throws(() => booleanOf(value), ConversionFailure);
    });

    it('are text of octets, times and links', () => {
      assert.equal(textOf({ bytes: 'AAE=' }), 'AAE=');
      assert.equal(textOf({ time: 0 }), '19700101T000000');
      assert.equal(textOf({ link: '/2048/0' }), '/2048/0');
      assert.throws(() => textOf({ instances: { 0: 'a' } }), /several instances/);
    });

    it('of any type are JSON when they look like it and are', () => {
      assert.deepEqual(anyFromText('{"a":[1]}'), { a: [1] });
      assert.equal(anyFromText('{not json'), '{not json');
      assert.equal(anyFromText('12'), '12');
    });
  });
});
