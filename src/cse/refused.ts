/** A request that ends with an error response. Thrown inside the CSE, turned into a primitive where the request came in. */
import type { Refusal } from '../onem2m/vocabulary.ts';

export class Refused extends Error {
  readonly responseStatusCode: number;
  /** The error below, for the log. */
  override readonly cause?: unknown;

  /** `explanation`: the `m2m:dbg` sentence; it says what to change. */
  constructor(responseStatusCode: number, explanation: string, cause?: unknown) {
    super(explanation);
    this.name = 'Refused';
    this.responseStatusCode = responseStatusCode;
    this.cause = cause;
  }
}

export function refusedBy(refusal: Refusal): Refused {
  return new Refused(refusal.responseStatusCode, refusal.explanation);
}
