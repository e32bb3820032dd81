import assert from 'node:assert/strict';
import { CoapError, type CoapErrorReason } from '../../adapters/lwm2m/coap/errors.ts';
import { failureOfCode, failureOfError } from '../../adapters/lwm2m/failures.ts';
import { refusalOf } from '../../src/management/causes.ts';

describe('the sentence of a failed exchange', () => {
  const ours: CoapErrorReason[] = ['no-answer', 'aborted', 'closed', 'queue-full', 'source-failed', 'too-large'];
  for (const reason of [...ours, 'bad-block', 'bad-response'] as CoapErrorReason[]) {
    it(`does not call ${reason} the words of the device`, () => {
      const failure = failureOfError(new CoapError(reason, 'it ended', true), '/3/0/9');
      assert.doesNotMatch(refusalOf(failure, 'read').explanation, /the device says/);
    });
  }

  it('quotes what the device said', () => {
    const { explanation } = refusalOf(failureOfCode('4.04', '/3/0/9'), 'read');
    assert.match(explanation, /\(the device says: 4\.04 Not Found\)$/);
  });

  it('tells an acknowledgement from silence', () => {
    const { explanation } = refusalOf(failureOfError(new CoapError('no-response', 'it ended', true)), 'read');
    assert.match(explanation, /did not answer: it ended \(the device says: an empty ACK\)$/);
  });
});
