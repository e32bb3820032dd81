/** CoAP codes and silence → neutral failures, with the device's own words kept as evidence. */
import type { Cause, Failure } from '../../src/management/outcome.ts';
import { codeWithName } from './coap/codes.ts';
import { CoapError } from './coap/errors.ts';

interface Row {
  cause: Cause;
  explanation: string;
}

const rows: Readonly<Record<string, Row>> = Object.freeze({
  '4.00': { cause: 'bad-request', explanation: 'the device calls the request malformed; check the values' },
  '4.01': { cause: 'no-privilege', explanation: 'the device denies this server the access; change its access control' },
  '4.02': { cause: 'bad-request', explanation: 'the device does not understand an option of the request' },
  '4.03': { cause: 'no-privilege', explanation: 'the device forbids it' },
  '4.04': { cause: 'not-found', explanation: 'the device does not have it' },
  '4.05': {
    cause: 'not-allowed',
    explanation: 'the device does not offer this operation there, or not in its present state',
  },
  '4.06': {
    cause: 'not-acceptable',
    explanation: 'the device and this server have no content format in common for it',
  },
  '4.08': { cause: 'device-error', explanation: 'the device lost a part of the body; try again' },
  '4.13': { cause: 'contents-unacceptable', explanation: 'the value is too large for the device' },
  '4.15': {
    cause: 'contents-unacceptable',
    explanation: 'the device takes the value in none of the formats that it was offered',
  },
  '4.29': { cause: 'unavailable', explanation: 'the device asks for fewer requests; try again later' },
  '5.00': { cause: 'device-error', explanation: 'the device failed; look at the device' },
  '5.01': { cause: 'not-implemented', explanation: 'the device does not implement it' },
  '5.03': { cause: 'unavailable', explanation: 'the device is busy; try again later' },
});

/** A refusal by the device. */
export function failureOfCode(code: string, path?: string): Failure {
  const row = rows[code] ?? {
    cause: code.startsWith('4.') ? 'bad-request' : 'device-error',
    explanation: 'the device refused it',
  };
  const failure: Failure = {
    cause: row.cause,
    explanation: `${row.explanation}${path === undefined ? '' : ` (${path})`}`,
    evidence: codeWithName(code),
  };
  if (path !== undefined) failure.path = path;
  return failure;
}

/** Evidence of a device that took the request and then said nothing. */
export const emptyAck = 'an empty ACK';

/** No response at all, or none that can be used. */
export function failureOfError(error: unknown, path?: string): Failure {
  const failure = describe(error);
  if (path !== undefined) failure.path = path;
  return failure;
}

function describe(error: unknown): Failure {
  if (!(error instanceof CoapError)) {
    const text = error instanceof Error ? error.message : String(error);
    return { cause: 'device-error', explanation: `the exchange with the device failed: ${text}` };
  }
  switch (error.reason) {
    case 'no-answer':
      return { cause: 'no-answer', explanation: `the device did not answer: ${error.message}` };
    case 'no-response':
      return { cause: 'no-answer', explanation: `the device did not answer: ${error.message}`, evidence: emptyAck };
    case 'aborted':
    case 'closed':
      return error.sent
        ? { cause: 'no-answer', explanation: `the answer was not waited for: ${error.message}` }
        : { cause: 'no-session', explanation: `nothing was sent: ${error.message}` };
    case 'queue-full':
      return { cause: 'unavailable', explanation: error.message };
    case 'reset':
      return {
        cause: 'unavailable',
        explanation:
          'the device answered with a reset: it does not know this server at present; try again after its next registration',
        evidence: 'RST',
      };
    case 'source-failed':
      return { cause: 'transfer-failed', explanation: error.message };
    case 'too-large':
    case 'bad-block':
    case 'bad-response':
      return { cause: 'device-error', explanation: error.message };
  }
}
