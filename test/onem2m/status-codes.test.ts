import assert from 'node:assert/strict';
import { httpStatusOf, isSuccess, statusCodes, statusCodeTable, statusNameOf } from '../../src/onem2m/status-codes.ts';

describe('the table of response status codes', () => {
  it('has every code and name once', () => {
    assert.equal(new Set(statusCodeTable.map((row) => row.code)).size, statusCodeTable.length);
    assert.equal(Object.keys(statusCodes).length, statusCodeTable.length);
  });

  it('gives each code the HTTP status of the binding', () => {
    const samples: [number, number][] = [
      [1001, 202],
      [2001, 201],
      [2004, 200],
      [4000, 400],
      [4001, 501],
      [4005, 405],
      [4008, 504],
      [4105, 409],
      [5001, 501],
      [5207, 406],
      [6003, 404],
      [6023, 400],
      [6026, 500],
      [6028, 409],
      [6029, 409],
    ];
    for (const [code, status] of samples) assert.equal(httpStatusOf(code), status, String(code));
  });

  it('gives a code of another release the HTTP status of its class', () => {
    assert.deepEqual([1999, 2999, 4999, 5999, 6999].map(httpStatusOf), [202, 200, 400, 500, 500]);
  });

  it('knows names and successes', () => {
    assert.equal(statusNameOf(6021), 'MGMT_SESSION_ESTABLISHMENT_TIMEOUT');
    assert.equal(statusNameOf(9999), '9999');
    assert.deepEqual([1000, 2004, 4000, 5000, 6003].map(isSuccess), [true, true, false, false, false]);
  });
});
