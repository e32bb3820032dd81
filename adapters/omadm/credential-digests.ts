/**
 * What a Cred, an HMAC and the digest of a notification are made of (DM Security 1.2.1, 5.3 and 5.4; DM Notification 1.2.1, 6.2).
 * MD5 everywhere: no other hash is in OMA DM 1.x, so over a network that others read it needs TLS around it.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { isEqual } from '../../src/support/http-authentication.ts';

export type Scheme = 'basic' | 'md5' | 'hmac';

/** A name and a secret: of the device with the gateway, or of the gateway with the device. */
export interface Account {
  username: string;
  secret: string;
}

/** As the types of a Cred and of a challenge say them. */
export const schemeTypes: Readonly<Record<Scheme, string>> = Object.freeze({
  basic: 'syncml:auth-basic',
  md5: 'syncml:auth-md5',
  hmac: 'syncml:auth-MAC',
});

/** Without a type it is Basic (SyncML Representation 1.2, Cred). Undefined: one that is not known here. */
export function schemeOf(type: string | undefined): Scheme | undefined {
  const name = type?.trim().toLowerCase() ?? '';
  if (name === '') return 'basic';
  const found = Object.entries(schemeTypes).find(([, known]) => known.toLowerCase() === name);
  return found?.[0] as Scheme | undefined;
}

/** Data of a Cred with Basic. */
export function basicData({ username, secret }: Account): string {
  return Buffer.from(`${username}:${secret}`).toString('base64');
}

/** Data of a Cred with MD5. @param nonce decoded octets */
export function md5Data(account: Account, nonce: Uint8Array): string {
  return digestOf(account, nonce).toString('base64');
}

/**
 * The `mac` of `x-syncml-hmac`. The text cites RFC 2104, and prescribes this nested MD5, which is what devices send.
 * @param body octets of the HTTP entity as they are transmitted
 */
export function macOf(account: Account, nonce: Uint8Array, body: Uint8Array): string {
  return digestOf(account, nonce, body).toString('base64');
}

/** The 16 octets before the trigger of a notification: the `mac` of it, not in base64. */
export function notificationDigest(account: Account, nonce: Uint8Array, trigger: Uint8Array): Buffer {
  return digestOf(account, nonce, trigger);
}

function digestOf({ username, secret }: Account, nonce: Uint8Array, content?: Uint8Array): Buffer {
  const hash = createHash('md5')
    .update(`${base64Md5(`${username}:${secret}`)}:`)
    .update(nonce);
  if (content) hash.update(`:${base64Md5(content)}`);
  return hash.digest();
}

function base64Md5(content: string | Uint8Array): string {
  return createHash('md5').update(content).digest('base64');
}

/** How a device has used a nonce: as octets, or as the base64 text that it travels as. */
export type NonceReading = 'octets' | 'text';

/**
 * Which reading of the nonce makes the digest, octets first; undefined: none does. Some devices and servers hash the text that they
 * have stored, against the standard.
 * @param given base64 of 16 octets, by anybody
 * @param content octets under a `mac`; undefined: it is a Cred with MD5
 */
export function matchDigest(
  given: string,
  account: Account,
  nonce: Uint8Array,
  content?: Uint8Array,
): NonceReading | undefined {
  const octets = readBase64(given);
  if (octets?.length !== 16) return undefined;
  const text = Buffer.from(Buffer.from(nonce).toString('base64'));
  const isOctets = timingSafeEqual(octets, digestOf(account, nonce, content));
  const isText = timingSafeEqual(octets, digestOf(account, text, content));
  return isOctets ? 'octets' : isText ? 'text' : undefined;
}

/** @param given base64, or the plain text where the format says so, by anybody */
export function matchBasic(given: string, format: string | undefined, account: Account): boolean {
  const plain = format?.trim().toLowerCase() === 'chr' ? given : readBase64(given)?.toString('utf8');
  return plain !== undefined && isEqual(plain, `${account.username}:${account.secret}`);
}

/** Longest base64 that is looked at, in characters: nonces and credentials are a few dozen. */
const maximumText = 1024;

/** With white space and without padding too, as devices write it; undefined when it is something else. Never throws. */
export function readBase64(text: string): Buffer | undefined {
  if (text.length > maximumText) return undefined;
  const plain = text.replaceAll(/\s+/g, '');
  return /^[A-Za-z0-9+/]*={0,2}$/.test(plain) && plain.replaceAll('=', '').length % 4 !== 1
    ? Buffer.from(plain, 'base64')
    : undefined;
}
