/** The session cookie: short, no quotes, no Expires, Path=/ (quirk 28). */
import { randomUUID } from 'node:crypto';

export const cookieName = 'session';

/** 122 bits that nobody guesses; drawn ahead by the platform, many at a time. */
export function newCookie(): string {
  return randomUUID();
}

export function setCookie(value: string): string {
  return `${cookieName}=${value}; Path=/`;
}

/** All values of our cookie that a request carries: separated by commas, quoted, or with `$Path` beside them. */
export function cookiesIn(header: string | undefined): string[] {
  const values: string[] = [];
  for (const part of (header ?? '').slice(0, 4096).split(/[;,]/)) {
    const equals = part.indexOf('=');
    if (equals < 0 || part.slice(0, equals).trim().toLowerCase() !== cookieName) continue;
    values.push(
      part
        .slice(equals + 1)
        .trim()
        .replaceAll('"', ''),
    );
  }
  return values;
}
