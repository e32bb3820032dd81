import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** The parameters of a WWW-Authenticate or Authorization header, names in small letters. */
export interface AuthenticationHeader {
  scheme: string;
  parameters: Record<string, string>;
}

/** Reads one header; of several challenges the first Digest, else the first. undefined for what is none. */
export function readAuthentication(text: string | undefined): AuthenticationHeader | undefined {
  if (text === undefined) return undefined;
  const starts = [...text.matchAll(/(?:^|,\s*)(Basic|Digest)\b/gi)];
  const headers = starts.map((start, at) => {
    const body = text.slice(start.index + start[0].length, starts[at + 1]?.index);
    const parameters = Object.fromEntries(
      [...body.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g)].map((match) => [
        (match[1] ?? '').toLowerCase(),
        (match[2] ?? match[3] ?? '').replace(/\\(.)/g, '$1'),
      ]),
    );
    return { scheme: (start[1] ?? '').toLowerCase(), parameters };
  });
  return headers.find((header) => header.scheme === 'digest') ?? headers[0];
}

const md5 = (text: string | Buffer): string => createHash('md5').update(text).digest('hex');

interface DigestInput {
  username: string;
  password: string;
  realm: string;
  method: string;
  uri: string;
  nonce: string;
  nc: string;
  cnonce: string;
  qop: string | undefined;
  algorithm: string | undefined;
  body: Buffer;
}

/** The response of RFC 2617 3.2.2: MD5 and MD5-sess; qop auth, auth-int or none. */
export function digestResponse(input: DigestInput): string {
  const { username, password, realm, method, uri, nonce, nc, cnonce, qop, algorithm, body } = input;
  let first = md5(`${username}:${realm}:${password}`);
  if (algorithm?.toLowerCase() === 'md5-sess') first = md5(`${first}:${nonce}:${cnonce}`);
  const second = md5(`${method}:${uri}${qop === 'auth-int' ? `:${md5(body)}` : ''}`);
  return md5(qop === undefined ? `${first}:${nonce}:${second}` : `${first}:${nonce}:${nc}:${cnonce}:${qop}:${second}`);
}

export interface Credentials {
  username: string;
  password: string;
}

export interface DigestOddities {
  /** nc stays 00000001. */
  constantCount?: boolean;
  capitals?: boolean;
}

/** The client's side of Basic and Digest. Remembers the last challenge and counts its nonce. */
export class Authorizer {
  #challenge: AuthenticationHeader | undefined;
  #count = 0;

  /** Takes a 401; false when there is nothing in it that this client can do. */
  challenged(header: string | undefined): boolean {
    this.#challenge = readAuthentication(header);
    this.#count = 0;
    return this.#challenge !== undefined;
  }

  forget(): void {
    this.#challenge = undefined;
  }

  /** The Authorization header for the next request, or undefined before a challenge. */
  header(
    credentials: Credentials,
    request: { method: string; uri: string; body: Buffer },
    oddities: DigestOddities = {},
  ): string | undefined {
    if (!this.#challenge) return undefined;
    const { scheme, parameters } = this.#challenge;
    if (scheme === 'basic') return basic(credentials);
    this.#count += 1;
    const offered = parameters['qop']?.split(/\s*,\s*/);
    const qop = offered?.includes('auth') ? 'auth' : offered?.includes('auth-int') ? 'auth-int' : undefined;
    const nc = (oddities.constantCount ? 1 : this.#count).toString(16).padStart(8, '0');
    const cnonce = randomBytes(8).toString('hex');
    const { realm = '', nonce = '', algorithm, opaque } = parameters;
    const response = digestResponse({ ...credentials, ...request, realm, nonce, nc, cnonce, qop, algorithm });
    const quoted = {
      username: credentials.username,
      realm,
      nonce,
      uri: request.uri,
      response: oddities.capitals ? response.toUpperCase() : response,
    };
    const parts = Object.entries(quoted).map(([name, value]) => `${name}="${value.replace(/["\\]/g, '\\$&')}"`);
    if (algorithm !== undefined) parts.push(`algorithm=${algorithm}`);
    if (opaque !== undefined) parts.push(`opaque="${opaque}"`);
    if (qop !== undefined) parts.push(`qop=${qop}`, `nc=${nc}`, `cnonce="${cnonce}"`);
    return `Digest ${parts.join(', ')}`;
  }
}

export const basic = ({ username, password }: Credentials): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

/** How the device asks for Digest in its connection-request server. */
export interface DigestStyle {
  /** null: none is offered, as RFC 2069. */
  qop?: 'auth' | 'auth-int' | 'auth,auth-int' | null;
  algorithm?: 'MD5' | 'MD5-sess';
}

/** The server's side: challenges, and checks what comes back. One nonce at a time; a nonce and count are taken once. */
export class DigestGuard {
  readonly #realm = 'cpe';
  readonly #style: DigestStyle;
  #nonce = '';
  #count = 0;

  constructor(style: DigestStyle = {}) {
    this.#style = style;
  }

  challenge(stale = false): string {
    this.#nonce = randomBytes(16).toString('hex');
    this.#count = 0;
    const { qop = 'auth', algorithm = 'MD5' } = this.#style;
    const parts = [`realm="${this.#realm}"`, `nonce="${this.#nonce}"`, `algorithm=${algorithm}`, 'opaque="5ccc069c"'];
    if (qop !== null) parts.push(`qop="${qop}"`);
    if (stale) parts.push('stale=true');
    return `Digest ${parts.join(', ')}`;
  }

  /** `stale` is a right answer to an older nonce. */
  check(
    authorization: string | undefined,
    method: string,
    uri: string,
    credentials: Credentials,
  ): 'right' | 'wrong' | 'stale' {
    const header = readAuthentication(authorization);
    if (!header || header.scheme !== 'digest') return 'wrong';
    const { parameters } = header;
    const qop = parameters['qop'];
    if (
      parameters['uri'] !== uri ||
      parameters['username'] !== credentials.username ||
      parameters['realm'] !== this.#realm
    )
      return 'wrong';
    if ((qop === undefined) !== (this.#style.qop === null)) return 'wrong';
    const expected = digestResponse({
      ...credentials,
      realm: this.#realm,
      method,
      uri,
      nonce: parameters['nonce'] ?? '',
      nc: parameters['nc'] ?? '',
      cnonce: parameters['cnonce'] ?? '',
      qop,
      algorithm: this.#style.algorithm,
      body: Buffer.alloc(0),
    });
    const given = Buffer.from(parameters['response'] ?? '');
    if (given.length !== expected.length || !timingSafeEqual(given, Buffer.from(expected))) return 'wrong';
    if (parameters['nonce'] !== this.#nonce) return 'stale';
    const count = qop === undefined ? this.#count + 1 : Number.parseInt(parameters['nc'] ?? '0', 16);
    if (count <= this.#count) return 'stale';
    this.#count = count;
    return 'right';
  }
}
