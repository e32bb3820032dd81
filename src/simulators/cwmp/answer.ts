import type { IncomingHttpHeaders } from 'node:http';

/** Why a session did not come to its end. */
export class SessionFailure extends Error {
  override name = 'SessionFailure';
}

/** What a client with a certificate, or a trust of its own, needs. */
export interface TlsOptions {
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  rejectUnauthorized?: boolean;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  /** Header lines as they came. */
  rawHeaders: string[];
  body: Buffer;
}

export interface PostOptions {
  /** The answer is thrown away, and the connection with it. */
  abandon?: boolean;
  /** ms between pieces. */
  trickle?: number;
}
