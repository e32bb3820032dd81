/** Why an artifact could not be stored, fetched or read. `status` is what an HTTP binding answers. */
export type ArtifactFailureCode =
  | 'too-large'
  | 'empty'
  | 'digest-mismatch'
  | 'no-space'
  | 'interrupted'
  | 'not-found'
  | 'not-fetchable'
  | 'fetch-failed'
  | 'timeout';

const STATUS: Record<ArtifactFailureCode, number> = {
  'too-large': 413,
  empty: 400,
  'digest-mismatch': 422,
  'no-space': 507,
  interrupted: 400,
  'not-found': 404,
  'not-fetchable': 400,
  'fetch-failed': 502,
  timeout: 504,
};

export class ArtifactFailure extends Error {
  readonly code: ArtifactFailureCode;
  readonly status: number;
  constructor(code: ArtifactFailureCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ArtifactFailure';
    this.code = code;
    this.status = STATUS[code];
  }
}
