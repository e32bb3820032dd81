import assert from 'node:assert/strict';
import fc from 'fast-check';
import { defaultHttpLimits } from '../../src/mca/limits.ts';
import { parseQuery } from '../../src/mca/query.ts';
import { RefusedRequest } from '../../src/mca/refused-request.ts';

const parse = (text: string) => parseQuery(text, defaultHttpLimits);

describe('the query of a request', () => {
  it('has parameters of the request', () => {
    assert.deepEqual(parse('rt=1&rp=PT10M&rcn=4&drt=2&atrl=ri+lbl+rr&da=true'), {
      responseType: 1,
      resultPersistence: 'PT10M',
      resultContent: 4,
      desiredIdentifierResultType: 2,
      attributeList: ['ri', 'lbl', 'rr'],
    });
  });

  it('has filter criteria', () => {
    const text =
      'fu=1&fo=2&ty=2+3&ty=14&lbl=a+b&crb=20260101T000000&cra=20250101T000000&ms=20250102T000000&us=20250103T000000' +
      '&exb=20270101T000000&exa=20260601T000000&sts=5&stb=1&sza=10&szb=20&lim=100&ofst=2&lvl=3&arp=x/y';
    assert.deepEqual(parse(text), {
      filterCriteria: {
        filterUsage: 1,
        filterOperation: 2,
        resourceTypes: [2, 3, 14],
        labels: ['a', 'b'],
        createdBefore: '20260101T000000',
        createdAfter: '20250101T000000',
        modifiedSince: '20250102T000000',
        unmodifiedSince: '20250103T000000',
        expireBefore: '20270101T000000',
        expireAfter: '20260601T000000',
        stateTagSmaller: 5,
        stateTagBigger: 1,
        sizeAbove: 10,
        sizeBelow: 20,
        limit: 100,
        offset: 2,
        level: 3,
        applyRelativePath: 'x/y',
      },
    });
  });

  it('takes any other short name as an attribute to be equal to', () => {
    assert.deepEqual(parse('rn=thing*&api=Rx+Ry&fu=1'), {
      filterCriteria: { filterUsage: 1, attributes: { rn: ['thing*'], api: ['Rx', 'Ry'] } },
    });
  });

  it('keeps an encoded plus inside a value', () => {
    assert.deepEqual(parse('lbl=a%2Bb+c%20d+%C3%A4'), { filterCriteria: { labels: ['a+b', 'c d', 'ä'] } });
  });

  it('comes back as the labels that it was made of', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 20 }), (labels) => {
        const text = `lbl=${labels.map(encodeURIComponent).join('+')}`;
        assert.deepEqual(parse(text), { filterCriteria: { labels } });
      }),
    );
  });

  it('is read or refused, never thrown, whatever it is', () => {
    const name = fc.oneof(fc.constantFrom('rcn', 'lbl', 'ty', 'cra', '__proto__', 'constructor'), fc.string());
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.string())), (fields) => {
        const parsed = parse(fields.map((field) => field.join('=')).join('&'));
        if (parsed instanceof RefusedRequest) assert.ok(parsed.explanation.length > 10);
      }),
    );
  });
});
