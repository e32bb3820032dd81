import { isDue } from './faults.ts';
import type { Faults, Malformation } from './faults.ts';

const bomb = `<!DOCTYPE e [<!ENTITY a "ha"><!ENTITY b "${'&a;'.repeat(10)}"><!ENTITY c "${'&b;'.repeat(10)}">]>`;

const within =
  (text: string) =>
  (body: Buffer): Buffer =>
    Buffer.from(body.toString('latin1').replace('<SyncBody>', `<SyncBody>${text}`), 'latin1');

const spoilers: Record<Malformation, (body: Buffer) => Buffer> = {
  truncated: (body) => body.subarray(0, Math.floor(body.length / 2)),
  misnested: (body) =>
    Buffer.from(body.toString('latin1').replace('</SyncBody></SyncML>', '</SyncML></SyncBody>'), 'latin1'),
  'not-syncml': () => Buffer.from('{"SyncML": true}'),
  'entity-bomb': (body) =>
    Buffer.from(
      body
        .toString('latin1')
        .replace(/(<\?xml[^>]*\?>)?/, `$1${bomb}`)
        .replace('<Data>', '<Data>&c;'),
      'latin1',
    ),
  deep: within(`${'<a>'.repeat(5000)}${'</a>'.repeat(5000)}`),
  huge: within(' '.repeat(10 * 1024 * 1024)),
  unescaped: (body) => Buffer.from(body.toString('latin1').replace('<Data>', '<Data>a < b & c <d>'), 'latin1'),
};

/** The octets of message n, spoilt where that was asked for. */
export const spoilt = (body: Buffer, faults: Faults, message: number): Buffer =>
  faults.malformed && isDue(faults.malformed, message) ? spoilers[faults.malformed.how](body) : body;

/** A RespURI with a token that nobody has given. */
export function forgedAddress(given: string): string {
  const forged = new URL(given);
  for (const name of forged.searchParams.keys()) forged.searchParams.set(name, 'forged');
  if (forged.search === '') forged.searchParams.set('sid', 'forged');
  return forged.href;
}
