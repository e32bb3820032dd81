/** The octets of a request of a device: bounded, unpacked. */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, inflate, inflateRaw } from 'node:zlib';

/** The body is not taken; the sentence is for its sender. */
export class BodyError extends Error {
  readonly reason: 'too-large' | 'compression';
  constructor(reason: BodyError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BodyError';
    this.reason = reason;
  }
}

const unpack = { gunzip: promisify(gunzip), inflate: promisify(inflate), inflateRaw: promisify(inflateRaw) };

/**
 * @param maximum octets, before and after unpacking
 * @param setting that can raise the maximum
 * @throws BodyError; any other error means that the connection broke
 */
export async function readDeviceBody(request: IncomingMessage, maximum: number, setting: string): Promise<Buffer> {
  const tooLarge = (): BodyError =>
    new BodyError('too-large', `the body has more than ${maximum} octets; raise ${setting}`);
  if (Number(request.headers['content-length'] ?? 0) > maximum) throw tooLarge();
  const packed = await collect(request, maximum, tooLarge);
  return packed.length === 0 ? packed : unpacked(packed, request.headers['content-encoding'], maximum, tooLarge);
}

/** Without async iteration: that would destroy the connection, and with it the answer that says why. */
function collect(request: IncomingMessage, maximum: number, tooLarge: () => BodyError): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maximum) chunks.push(chunk);
      else {
        request.pause();
        reject(tooLarge());
      }
    });
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    request.on('error', reject);
    // It comes after every end, too; an error for nobody would cost more than the reading.
    request.on('close', () => {
      if (!request.complete) reject(new Error('the connection broke'));
    });
  });
}

async function unpacked(
  packed: Buffer,
  encoding: string | undefined,
  maximum: number,
  tooLarge: () => BodyError,
): Promise<Buffer> {
  const options = { maxOutputLength: maximum };
  try {
    switch (encoding?.trim().toLowerCase()) {
      case undefined:
      case '':
      case 'identity':
        return packed;
      case 'gzip':
      case 'x-gzip':
        return await unpack.gunzip(packed, options);
      case 'deflate':
        // RFC 9110 means zlib; the bare form is common.
        return await unpack.inflate(packed, options).catch(() => unpack.inflateRaw(packed, options));
      default:
        throw new BodyError('compression', `the content encoding ${encoding?.slice(0, 30)} is not known here`);
    }
  } catch (error) {
    if (error instanceof BodyError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    throw new BodyError('compression', `the body cannot be unpacked: ${(error as Error).message}`, { cause: error });
  }
}

/** No body, or only blanks and line ends. */
export function isBlank(octets: Uint8Array): boolean {
  if (octets.length > 64) return false;
  return octets.every((octet) => octet === 0x20 || octet === 0x0a || octet === 0x0d || octet === 0x09 || octet === 0);
}
