/** A request that leaves at the binding: its syntax is wrong, so the CSE never sees it. */
import { statusCodes } from '../onem2m/status-codes.ts';

export class RefusedRequest {
  readonly responseStatusCode: number;
  /** The `m2m:dbg` sentence: what is wrong and what to send instead. */
  readonly explanation: string;

  constructor(explanation: string, responseStatusCode: number = statusCodes.BAD_REQUEST) {
    this.explanation = explanation;
    this.responseStatusCode = responseStatusCode;
  }
}
