import { createHash, timingSafeEqual } from 'node:crypto';

/** How one side proves itself (DM Security 1.2.1, 5). */
export type Scheme = 'none' | 'basic' | 'md5' | 'hmac';

export interface Account {
  name: string;
  secret: string;
}

export const schemeTypes: Readonly<Record<Exclude<Scheme, 'none'>, string>> = {
  basic: 'syncml:auth-basic',
  md5: 'syncml:auth-md5',
  hmac: 'syncml:auth-MAC',
};

export function schemeOf(type: string): Scheme | undefined {
  const wanted = type.toLowerCase();
  if (wanted === schemeTypes.basic) return 'basic';
  if (wanted === schemeTypes.md5) return 'md5';
  return wanted === schemeTypes.hmac.toLowerCase() ? 'hmac' : undefined;
}

/** With which a notification is checked when the nonces have diverged. */
export const zeroNonce = Buffer.alloc(4);

const md5 = (...parts: (string | Buffer)[]): Buffer => {
  const hash = createHash('md5');
  for (const one of parts) hash.update(one);
  return hash.digest();
};

const keyOf = ({ name, secret }: Account): string => md5(`${name}:${secret}`).toString('base64');

export const basicOf = ({ name, secret }: Account): string => Buffer.from(`${name}:${secret}`).toString('base64');

/** Data of a Cred of syncml:auth-md5. The nonce is raw octets. */
export const digestOf = (account: Account, nonce: Buffer): string => md5(keyOf(account), ':', nonce).toString('base64');

/** `mac` of x-syncml-hmac over the octets of a message. */
export const macOf = (account: Account, nonce: Buffer, body: Buffer): string =>
  md5(keyOf(account), ':', nonce, ':', md5(body).toString('base64')).toString('base64');

/** Digest of a notification over its trigger. */
export const notificationDigest = (account: Account, nonce: Buffer, trigger: Buffer): Buffer =>
  md5(keyOf(account), ':', nonce, ':', md5(trigger).toString('base64'));

export const hmacHeader = (account: Account, mac: string): string =>
  `algorithm=MD5, username="${account.name}", mac=${mac}`;

export function readHmacHeader(header: string): { name: string; mac: string } | undefined {
  const found = (name: string): string | undefined =>
    new RegExp(`(?:^|[,\\s])${name}\\s*=\\s*(?:"([^"]*)"|([^,\\s]+))`, 'i')
      .exec(header)
      ?.slice(1)
      .find((one) => one !== undefined);
  const name = found('username');
  const mac = found('mac');
  return name === undefined || mac === undefined ? undefined : { name, mac };
}

export const equal = (one: string | Buffer, other: string | Buffer): boolean => {
  const [left, right] = [Buffer.from(one as string), Buffer.from(other as string)];
  return left.length === right.length && timingSafeEqual(left, right);
};
