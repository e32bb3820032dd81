/** Why a store could not do what it was asked, apart from a `Conflict`. */
export type StoreFailureCode =
  | 'full'
  | 'read-only'
  | 'locked'
  | 'newer-schema'
  | 'unreachable'
  | 'overloaded'
  | 'closed'
  | 'writer-lost'
  | 'unsupported'
  | 'engine';

/** A failure of the store itself. The message is a sentence that says what to do; `cause` is what the engine said. */
export class StoreFailure extends Error {
  readonly code: StoreFailureCode;
  constructor(code: StoreFailureCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'StoreFailure';
    this.code = code;
  }
}
