/** The octets of a request: bounded, unpacked. */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, inflate, inflateRaw } from 'node:zlib';
import { SoapError } from './soap-error.ts';

const unpack = { gunzip: promisify(gunzip), inflate: promisify(inflate), inflateRaw: promisify(inflateRaw) };

/**
 * @param maximum octets, before and after unpacking
 * @throws SoapError `too-large` or `compression`; any other error means that the connection broke
 */
export async function readBody(request: IncomingMessage, maximum: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maximum) throw tooLarge(maximum);
  const packed = await collect(request, maximum);
  return packed.length === 0 ? packed : unpacked(packed, request.headers['content-encoding'], maximum);
}

/** Without async iteration: that would destroy the connection, and with it the answer that says why. */
function collect(request: IncomingMessage, maximum: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maximum) chunks.push(chunk);
      else {
        request.pause();
        reject(tooLarge(maximum));
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

async function unpacked(packed: Buffer, encoding: string | undefined, maximum: number): Promise<Buffer> {
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
        throw new SoapError('compression', `the content encoding ${encoding?.slice(0, 30)} is not known here`);
    }
  } catch (error) {
    if (error instanceof SoapError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maximum);
    throw new SoapError('compression', `the body cannot be unpacked: ${(error as Error).message}`, { cause: error });
  }
}

function tooLarge(maximum: number): SoapError {
  return new SoapError('too-large', `the body has more than ${maximum} octets; raise cwmp.maximumBodyBytes`);
}

/** No body, or only blanks and line ends (quirk 36). */
export function isBlank(octets: Uint8Array): boolean {
  if (octets.length > 64) return false;
  return octets.every((octet) => octet === 0x20 || octet === 0x0a || octet === 0x0d || octet === 0x09 || octet === 0);
}
