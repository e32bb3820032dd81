/** Why a body is no SOAP envelope. The only error that reading one throws. */
export type SoapReason =
  | 'too-large'
  | 'too-deep'
  | 'too-many-elements'
  | 'doctype'
  | 'charset'
  | 'compression'
  | 'malformed'
  | 'no-envelope'
  | 'no-body';

export class SoapError extends Error {
  readonly reason: SoapReason;
  constructor(reason: SoapReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SoapError';
    this.reason = reason;
  }
}
