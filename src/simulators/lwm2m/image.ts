import { createHash } from 'node:crypto';

/** What is wrong with an image on purpose: its digest, its file type, or that it cannot be installed. */
export type ImageFlaw = 'integrity' | 'type' | 'install';

export interface ImageHeader {
  name: string;
  version: string;
  sha256: string;
  install?: 'fails';
}

const magic = 'TRIVET-IMAGE ';
const maximumHeader = 4096;

/**
 * Makes an image that the simulated device accepts: one line `TRIVET-IMAGE {json}`, then `size` octets of body whose SHA-256 is in the header.
 * The same arguments give the same octets. `flaw` makes one that it refuses.
 */
export function makeImage(options: { name: string; version: string; size: number; flaw?: ImageFlaw }): Buffer {
  const { name, version, size, flaw } = options;
  const body = Buffer.alloc(size);
  let state = createHash('sha256').update(`${name} ${version}`).digest();
  for (let at = 0; at < size; at += state.length) {
    state.copy(body, at, 0, Math.min(state.length, size - at));
    state = createHash('sha256').update(state).digest();
  }
  const sha256 = createHash('sha256').update(body).digest('hex');
  const header: ImageHeader = {
    name,
    version,
    sha256: flaw === 'integrity' ? sha256.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) : sha256,
    ...(flaw === 'install' ? { install: 'fails' } : {}),
  };
  const start = flaw === 'type' ? 'OTHER-FORMAT ' : magic;
  return Buffer.concat([Buffer.from(`${start}${JSON.stringify(header)}\n`), body]);
}

/** The header of a good image, or the flaw that keeps the device from taking it. */
export function inspectImage(image: Buffer): ImageHeader | 'integrity' | 'type' {
  const end = image.subarray(0, maximumHeader).indexOf(0x0a);
  if (end < 0 || image.toString('latin1', 0, magic.length) !== magic) return 'type';
  let header: unknown;
  try {
    header = JSON.parse(image.toString('utf8', magic.length, end));
  } catch {
    return 'type';
  }
  if (typeof header !== 'object' || header === null) return 'type';
  if (!('name' in header) || !('version' in header) || !('sha256' in header)) return 'type';
  const { name, version, sha256 } = header;
  if (typeof name !== 'string' || typeof version !== 'string' || typeof sha256 !== 'string') return 'type';
  const digest = createHash('sha256')
    .update(image.subarray(end + 1))
    .digest('hex');
  if (digest !== sha256) return 'integrity';
  return { name, version, sha256, ...('install' in header && header.install === 'fails' ? { install: 'fails' } : {}) };
}
