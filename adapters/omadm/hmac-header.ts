/** The header `x-syncml-hmac` of HTTP (SyncML HTTP Binding 1.2, 5.2.2): who signs the octets of this message, and with what. */

export const hmacHeaderName = 'x-syncml-hmac';

export interface HmacHeader {
  /** As it was written, and what it may stand for in other character sets; the first is the plain one. */
  usernames: string[];
  /** Base64. */
  mac: string;
}

/** Longest value that is read, in characters. */
const maximumHeader = 2048;
const parameter = /\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:,|$)/y;

/**
 * Undefined: it has no such header, or one that cannot be read: with another algorithm, with one parameter twice. Never throws.
 * @param text as Node gives it: octets as Latin-1
 */
export function readHmacHeader(text: string | undefined): HmacHeader | undefined {
  if (text === undefined || text.length > maximumHeader) return undefined;
  const parameters = new Map<string, string>();
  for (parameter.lastIndex = 0; parameter.lastIndex < text.length;) {
    const match = parameter.exec(text);
    if (!match) return undefined;
    const [, name = '', quoted, bare = ''] = match;
    if (parameters.has(name.toLowerCase())) return undefined;
    parameters.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? bare);
  }
  const username = parameters.get('username');
  const mac = parameters.get('mac');
  const algorithm = parameters.get('algorithm') ?? 'MD5';
  if (username === undefined || mac === undefined || algorithm.toLowerCase() !== 'md5') return undefined;
  const utf8 = Buffer.from(username, 'latin1').toString('utf8');
  const decoded = Buffer.from(username, 'base64').toString('utf8');
  return { usernames: [...new Set([username, utf8, decoded])], mac };
}

/** A name that no header may hold as it is goes as the base64 of its UTF-8. */
export function writeHmacHeader(username: string, mac: string): string {
  const plain = /^[\x20-\x7e]*$/.test(username) ? username : Buffer.from(username).toString('base64');
  return `algorithm=MD5, username="${plain.replaceAll(/["\\]/g, String.raw`\$&`)}", mac=${mac}`;
}
