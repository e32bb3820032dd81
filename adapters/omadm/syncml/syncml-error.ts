/** Why octets are no message, or a message cannot be written. The only error of the codec. */
export type SyncmlReason =
  | 'too-large'
  | 'too-deep'
  | 'too-many-elements'
  | 'too-many-items'
  | 'too-many-attributes'
  | 'entity'
  | 'charset'
  | 'malformed'
  | 'no-message'
  | 'incomplete'
  | 'unwritable';

export class SyncmlError extends Error {
  readonly reason: SyncmlReason;
  constructor(reason: SyncmlReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SyncmlError';
    this.reason = reason;
  }
}
