import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  formatDuration,
  formatTimestamp,
  latestTime,
  parseAbsoluteOrRelative,
  parseDuration,
  parseTimestamp,
} from '../../src/onem2m/timestamp.ts';

const anyTime = fc.integer({ min: -62_135_596_800_000, max: latestTime });

describe('a oneM2M timestamp', () => {
  it('says a time in UTC without a zone', () => {
    assert.equal(formatTimestamp(Date.UTC(2026, 3, 1, 8, 15, 0, 7)), '20260401T081500');
    assert.equal(formatTimestamp(Date.UTC(2026, 3, 1, 8, 15, 0, 7), 3), '20260401T081500,007');
    assert.equal(formatTimestamp(Date.UTC(2026, 3, 1, 8, 15, 0, 7), 6), '20260401T081500,007000');
  });

  it('comes back as the time that it was made of', () => {
    fc.assert(fc.property(anyTime, (time) => assert.equal(parseTimestamp(formatTimestamp(time, 3)), time)));
  });

  it('sorts as text as its time does', () => {
    fc.assert(
      fc.property(anyTime, anyTime, (first, second) => {
        const texts = [formatTimestamp(first, 6), formatTimestamp(second, 6)] as const;
        assert.equal(texts[0] < texts[1], first < second);
      }),
    );
  });

  it('is undefined when it is not one, or names a day that does not exist', () => {
    for (const text of [
      '',
      '2026',
      '20260230T000000',
      '20260101T240000',
      '20260101T000060',
      '20261301T000000',
      '00000101T000000',
      '20260101T000000Z',
      '20260101T000000,',
      '20260101T000000,1234567',
      '2026-01-01T00:00:00',
      ' 20260101T000000',
    ]) {
      assert.equal(parseTimestamp(text), undefined, text);
    }
    assert.equal(parseTimestamp('20240229T235959'), Date.UTC(2024, 1, 29, 23, 59, 59));
    assert.equal(parseTimestamp('00990101T000000'), new Date(0).setUTCFullYear(99, 0, 1));
  });

  it('never throws on any text, and refuses to format what it cannot say', () => {
    fc.assert(fc.property(fc.string(), (text) => void [parseTimestamp(text), parseDuration(text)]));
    for (const time of [NaN, Infinity, latestTime + 1]) assert.throws(() => formatTimestamp(time), RangeError);
  });
});

describe('an absolute or relative timestamp', () => {
  it('is a timestamp, or milliseconds or a duration from now', () => {
    assert.equal(parseAbsoluteOrRelative('PT2S', 5), 2005);
    assert.equal(parseAbsoluteOrRelative('20260101T000000', 5), Date.UTC(2026, 0, 1));
    assert.equal(parseAbsoluteOrRelative('3000', 5), 3005);
    assert.equal(parseAbsoluteOrRelative('-3000', 5000), 2000);
  });

  it('is undefined beyond the year 9999 and for anything else', () => {
    for (const text of ['999999999999999', 'soon', '1e3', '', '0x10', '3000ms']) {
      assert.equal(parseAbsoluteOrRelative(text, 0), undefined, text);
    }
  });
});

describe('a duration', () => {
  it('is milliseconds', () => {
    const samples: [string, number][] = [
      ['PT10M', 600_000],
      ['P1D', 86_400_000],
      ['P1DT1H1M1.5S', 90_061_500],
      ['PT0S', 0],
      ['P1Y', 31_536_000_000],
      ['P1M', 2_592_000_000],
    ];
    for (const [text, milliseconds] of samples) assert.equal(parseDuration(text), milliseconds, text);
  });

  it('is undefined when it is empty, negative, malformed or longer than 100 years', () => {
    for (const text of ['', 'P', 'PT', 'P1DT', '-PT1S', 'PT1.S', '10M', 'P101Y', 'PT999999999H', 'P1S']) {
      assert.equal(parseDuration(text), undefined, text);
    }
  });

  it('comes back as what it was made of', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 * 365 * 86_400_000 }), (milliseconds) =>
        assert.equal(parseDuration(formatDuration(milliseconds)), milliseconds),
      ),
    );
  });
});
