import assert from 'node:assert/strict';
import { evidenceOf, failureOfStatus, isSuccess, statusIn } from '../../adapters/omadm/status-codes.ts';
import { causes } from '../../src/management/causes.ts';

describe('status codes of OMA DM', () => {
  // 412 comes for alerts alone, and no cause says INSUFFICIENT_ARGUMENTS.
  // TS-0005 5.4.1, mapping of the statuses to response status codes.
  for (const [status, code] of [
    [214, 5207],
    [215, 5207],
    [216, 5207],
    [401, 6020],
    [403, 5105],
    [404, 6005],
    [405, 4005],
    [406, 5001],
    [407, 6020],
    [408, 4008],
    [410, 6005],
    [412, 6023],
    [413, 4102],
    [414, 4000],
    [415, 4102],
    [416, 4102],
    [418, 5106],
    [420, 5207],
    [424, 5000],
    [425, 5105],
    [500, 5000],
    [510, 5000],
    [511, 5000],
    [516, 5000],
  ] as const) /* prettier-ignore */ {
    it(`${status} becomes ${code}`, () => {
      assert.equal(causes[failureOfStatus(status).cause].responseStatusCode, code);
    });
  }

  it('200, 202 and 217 are successes; 213, 0 and what nobody knows are not', () => {
    assert.deepEqual([200, 202, 212, 217, 213, 304, 0, 999, 100].map(isSuccess), [
      true,
      true,
      true,
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  it('every code is a failure with a name and advice, also those of no specification', () => {
    for (let status = 0; status < 1200; status++) {
      const { explanation, evidence } = failureOfStatus(status);
      assert.ok(explanation.length > 10);
      assert.equal(statusIn(evidence), status);
    }
  });

  it("the device's own words are in the evidence, and not too many of them", () => {
    assert.equal(evidenceOf(404, '0x86000002'), '404 not found: 0x86000002');
    assert.ok(evidenceOf(500, 'x'.repeat(1000)).length < 300);
  });
});
