/**
 * HTTP authentication in both roles. Server: Basic and Digest without state, because CPEs carry a nonce over to another
 * connection and count `nc` as they like (quirk 34). Client: what a connection request is challenged with.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from './clock.ts';
import { parseChallenges, parseCredentials, writeParameters, type Challenge } from './authorization-header.ts';
import { digestResponse, isKnownAlgorithm } from './digest-hash.ts';

export interface Credentials {
  username: string;
  password: string;
}

export interface ServedRequest {
  method: string;
  authorization: string | undefined;
  body: Uint8Array;
}

export type Verdict =
  | { ok: true }
  /** `stale`: the secret is right, the nonce is too old or of another life of the gateway. */
  | { ok: false; stale: boolean; why: string };

export interface Authenticator {
  /** Values of WWW-Authenticate, Digest first. */
  challenge(stale: boolean): string[];
  /** User name that a request claims; undefined when it carries no credentials. */
  claimed(authorization: string | undefined): string | undefined;
  verify(request: ServedRequest, credentials: Credentials): Verdict;
}

export interface AuthenticatorOptions {
  realm: string;
  clock: Clock;
  /** ms in which a nonce is good. */
  nonceLifetime: number;
  /** Basic is offered and taken. */
  basic: boolean;
  /** Secret of the nonces; processes that serve the same CPEs share it. */
  key?: Buffer;
}

export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { realm, clock, nonceLifetime, basic, key = randomBytes(32) } = options;

  function sign(time: string): string {
    return createHmac('sha256', key).update(`${time} ${realm}`).digest('base64url').slice(0, 22);
  }

  /** Fresh, old, or not ours. */
  function judge(nonce: string): 'fresh' | 'old' | 'foreign' {
    const [time = '', signature = ''] = nonce.split('.');
    if (!isEqual(signature, sign(time))) return 'foreign';
    const age = clock.now() - Number.parseInt(time, 36);
    return age <= nonceLifetime && age >= -nonceLifetime ? 'fresh' : 'old';
  }

  function verifyDigest({ parameters }: Challenge, request: ServedRequest, known: Credentials): Verdict {
    const read = (name: string): string => parameters.get(name) ?? '';
    if (read('username') !== known.username) return refuse('the user name is another one');
    if (read('realm').toLowerCase() !== realm.toLowerCase()) return refuse('the realm is another one');
    const expected = digestResponse({
      algorithm: read('algorithm'),
      username: known.username,
      realm: read('realm'),
      password: known.password,
      method: request.method,
      // As the CPE wrote it: absolute, or without the query.
      uri: read('uri'),
      nonce: read('nonce'),
      qop: read('qop'),
      nc: read('nc'),
      cnonce: read('cnonce'),
      body: request.body,
    });
    if (expected === undefined) return refuse('it uses an algorithm or a qop that is not known here');
    if (!isEqual(read('response').toLowerCase(), expected)) return refuse('the password is wrong');
    switch (judge(read('nonce'))) {
      case 'fresh':
        return { ok: true };
      case 'old':
        return { ok: false, stale: true, why: 'the nonce is too old' };
      case 'foreign':
        // The key is another one since a restart. A client that is not told so takes its password for wrong (RFC 2617 3.2.1).
        return { ok: false, stale: true, why: 'the nonce is not one of ours' };
    }
  }

  return {
    challenge(stale) {
      const time = clock.now().toString(36);
      const digest = writeParameters(
        { realm, qop: 'auth', nonce: `${time}.${sign(time)}`, algorithm: 'MD5', stale: stale ? 'true' : undefined },
        ['algorithm', 'stale'],
      );
      return [`Digest ${digest}`, ...(basic ? [`Basic realm="${realm}"`] : [])];
    },
    claimed(authorization) {
      const given = parseCredentials(authorization);
      if (given?.scheme === 'digest') return given.parameters.get('username');
      return given?.scheme === 'basic' ? readBasic(given.token)?.username : undefined;
    },
    verify(request, credentials) {
      const given = parseCredentials(request.authorization);
      switch (given?.scheme) {
        case undefined:
          return refuse('it has no credentials');
        case 'digest':
          return verifyDigest(given, request, credentials);
        case 'basic': {
          // Also without a challenge before it (quirk 35).
          if (!basic) return refuse('Basic is not taken here: over plain HTTP it tells the password to everybody');
          const { username = '', password = '' } = readBasic(given.token) ?? {};
          const same = isEqual(username, credentials.username) && isEqual(password, credentials.password);
          return same ? { ok: true } : refuse('user name or password are wrong');
        }
        default:
          return refuse('its scheme of authentication is not known here');
      }
    },
  };
}

function refuse(why: string): Verdict {
  return { ok: false, stale: false, why };
}

function readBasic(token: string): Credentials | undefined {
  const text = Buffer.from(token, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Of secrets: in a time that does not tell where they differ. */
export function isEqual(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}

export interface ClientRequest {
  method: string;
  uri: string;
  body: string | Uint8Array;
}

/**
 * The Authorization for a challenge; Digest before Basic.
 * @param headers values of WWW-Authenticate
 * @returns undefined when none of the challenges can be met
 */
export function authorize(
  headers: readonly string[],
  credentials: Credentials,
  request: ClientRequest,
  cnonce: string = randomBytes(8).toString('hex'),
): string | undefined {
  const challenges = headers.flatMap((header) => parseChallenges(header));
  for (const { scheme, parameters } of challenges) {
    if (scheme !== 'digest' || !isKnownAlgorithm(parameters.get('algorithm') ?? '')) continue;
    const answer = answerDigest(parameters, credentials, request, cnonce);
    if (answer !== undefined) return answer;
  }
  if (!challenges.some(({ scheme }) => scheme === 'basic')) return undefined;
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
}

/** Whether the server calls the nonce old: the same credentials are worth another try. */
export function isStale(headers: readonly string[]): boolean {
  return headers
    .flatMap((header) => parseChallenges(header))
    .some(({ parameters }) => parameters.get('stale')?.toLowerCase() === 'true');
}

function answerDigest(
  challenge: Map<string, string>,
  { username, password }: Credentials,
  { method, uri, body }: ClientRequest,
  cnonce: string,
): string | undefined {
  const realm = challenge.get('realm') ?? '';
  const nonce = challenge.get('nonce') ?? '';
  const algorithm = challenge.get('algorithm');
  const offered = challenge
    .get('qop')
    ?.split(/[\s,]+/)
    .map((word) => word.toLowerCase());
  const qop = offered?.find((word) => word === 'auth') ?? offered?.find((word) => word === 'auth-int') ?? '';
  if (offered?.some((word) => word !== '') && qop === '') return undefined;
  const nc = '00000001';
  const isSession = algorithm?.toLowerCase().endsWith('-sess') ?? false;
  const response = digestResponse({
    algorithm: algorithm ?? '',
    username,
    realm,
    password,
    method,
    uri,
    nonce,
    qop,
    nc,
    cnonce,
    body,
  });
  if (response === undefined) return undefined;
  const words = writeParameters(
    {
      username,
      realm,
      nonce,
      uri,
      response,
      algorithm,
      opaque: challenge.get('opaque'),
      qop: qop === '' ? undefined : qop,
      nc: qop === '' ? undefined : nc,
      cnonce: qop === '' && !isSession ? undefined : cnonce,
    },
    ['algorithm', 'qop', 'nc'],
  );
  return `Digest ${words}`;
}
