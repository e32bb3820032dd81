/** Why a CoAP exchange has no response. A response with an error code (4.xx, 5.xx) is a response, not an error. */
export type CoapErrorReason =
  | 'no-answer' // sent, neither ACK nor response in time
  | 'no-response' // ACK came, the response did not
  | 'reset' // the peer answered with RST
  | 'aborted' // the caller's signal
  | 'closed' // the endpoint was closed
  | 'queue-full' // nothing was sent
  | 'too-large' // body beyond a limit
  | 'bad-block' // the peer breaks the rules of RFC 7959
  | 'bad-response' // a response that cannot be used: unknown critical option
  | 'source-failed'; // the source of a body could not be read

export class CoapError extends Error {
  readonly reason: CoapErrorReason;
  /** True when at least one datagram of the request left. */
  readonly sent: boolean;

  constructor(reason: CoapErrorReason, explanation: string, sent: boolean, cause?: unknown) {
    super(explanation, cause === undefined ? undefined : { cause });
    this.name = 'CoapError';
    this.reason = reason;
    this.sent = sent;
  }
}
