/** The response of RFC 2617, with every variation that CPEs use. */
import { createHash } from 'node:crypto';

export interface DigestParts {
  /** `MD5`, `MD5-sess`, `SHA-256` …; '' = MD5. */
  algorithm: string;
  username: string;
  realm: string;
  password: string;
  method: string;
  uri: string;
  nonce: string;
  /** '' = none: RFC 2069. */
  qop: string;
  nc: string;
  cnonce: string;
  body: string | Uint8Array;
}

/** Name of the hash; undefined for an algorithm that we do not know. */
function hashOf(algorithm: string): 'md5' | 'sha256' | undefined {
  switch (algorithm.toLowerCase().replace(/-sess$/, '')) {
    case '':
    case 'md5':
      return 'md5';
    case 'sha-256':
      return 'sha256';
    default:
      return undefined;
  }
}

export function isKnownAlgorithm(algorithm: string): boolean {
  return hashOf(algorithm) !== undefined;
}

/** Lower-case hex; undefined when the algorithm or the qop is not known. */
export function digestResponse(parts: DigestParts): string | undefined {
  const { algorithm, username, realm, password, method, uri, nonce, nc, cnonce } = parts;
  const name = hashOf(algorithm);
  const qop = parts.qop.toLowerCase();
  if (name === undefined || !['', 'auth', 'auth-int'].includes(qop)) return undefined;
  const hash = (data: string | Uint8Array): string => createHash(name).update(data).digest('hex');
  let secret = hash(`${username}:${realm}:${password}`);
  if (algorithm.toLowerCase().endsWith('-sess')) secret = hash(`${secret}:${nonce}:${cnonce}`);
  const asked = hash(qop === 'auth-int' ? `${method}:${uri}:${hash(parts.body)}` : `${method}:${uri}`);
  return hash(qop === '' ? `${secret}:${nonce}:${asked}` : `${secret}:${nonce}:${nc}:${cnonce}:${qop}:${asked}`);
}
