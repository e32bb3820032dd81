/** The words of Authorization and WWW-Authenticate (RFC 2617, RFC 7235), written by anybody. */

export interface Challenge {
  /** Lower case: `digest`, `basic`. */
  scheme: string;
  parameters: Map<string, string>;
  /** What follows the scheme when it is no list of parameters: the base64 of Basic. */
  token: string;
}

const maximumHeader = 8192;
const maximumChallenges = 8;

/** One header value with one challenge or one set of credentials. */
export function parseCredentials(header: string | undefined): Challenge | undefined {
  return parseChallenges(header)[0];
}

/** Several challenges in one header value: a word without `=` begins the next. Linear, bounded, never throws. */
export function parseChallenges(header: string | undefined): Challenge[] {
  const challenges: Challenge[] = [];
  const text = header ?? '';
  if (text.length > maximumHeader) return challenges;
  let at = 0;
  let current: Challenge | undefined;
  const next = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) at = pattern.lastIndex;
    return match ?? undefined;
  };
  while (at < text.length) {
    const parameter = next(/[\s,]*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/y);
    if (parameter) {
      const [, name = '', quoted, bare = ''] = parameter;
      const value = quoted === undefined ? bare : quoted.replaceAll(/\\(.)/g, '$1');
      if (current && !current.parameters.has(name.toLowerCase())) current.parameters.set(name.toLowerCase(), value);
      continue;
    }
    const scheme = next(/[\s,]*([\w-]+)(?=\s|,|$)/y)?.[1]?.toLowerCase();
    if (scheme === undefined || challenges.length >= maximumChallenges) break;
    // Base64 ends in `=`, as the name of a parameter does: credentials are told by what follows.
    const token = next(/\s+([A-Za-z0-9+/._~-]+=*)(?=\s*(?:,|$))/y)?.[1] ?? '';
    challenges.push((current = { scheme, parameters: new Map(), token }));
  }
  return challenges;
}

/** `name="value"` list, quoted where RFC 2617 quotes. */
export function writeParameters(parameters: Readonly<Record<string, string | undefined>>, bare: string[]): string {
  return Object.entries(parameters)
    .filter((entry): entry is [string, string] => entry[1] !== undefined)
    .map(([name, value]) => `${name}=${bare.includes(name) ? value : `"${value.replaceAll(/["\\]/g, '\\$&')}"`}`)
    .join(', ');
}
