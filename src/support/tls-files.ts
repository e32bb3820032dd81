/** The files that a TLS listener needs, read and checked before anything is opened with them. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';

/** A file that cannot be used; `part` says which one, the message what is wrong and what to do. */
export class TlsFileError extends Error {
  readonly part: keyof TlsPaths;
  constructor(part: keyof TlsPaths, message: string) {
    super(message);
    this.name = 'TlsFileError';
    this.part = part;
  }
}

/** Paths of PEM files. */
export interface TlsPaths {
  /** The certificate of the server, then the ones between it and its authority. */
  certificate: string;
  key: string;
  /** Authorities whose client certificates count. */
  clientAuthorities?: string;
}

/** As `node:tls` takes them. */
export interface TlsFiles {
  cert: string;
  key: string;
  ca: string | undefined;
  /** When the certificate of the server expires; ms since 1970. */
  expires: number;
  /** Sentences for the log. */
  warnings: string[];
}

const day = 86_400_000;
const warnBefore = 14 * day;

/** @throws TlsFileError naming the first file that cannot be used */
export function readTlsFiles(paths: TlsPaths, now: number): TlsFiles {
  const cert = readPem(paths, 'certificate');
  const key = readPem(paths, 'key');
  const [own] = certificatesIn(paths, 'certificate', cert);
  const fail = (part: keyof TlsPaths, why: string): never => {
    throw new TlsFileError(part, `${paths[part]}: ${why}`);
  };
  if (!own!.checkPrivateKey(readKey(paths, key))) {
    fail('key', `the key does not fit the certificate in ${paths.certificate}; give the two that were made together`);
  }
  const expires = Date.parse(own!.validTo);
  if (expires <= now) fail('certificate', `the certificate has expired (${own!.validTo}); renew it`);
  if (Date.parse(own!.validFrom) > now) {
    fail('certificate', `the certificate is not valid before ${own!.validFrom}; check the clock of this machine`);
  }
  const warnings: string[] = [];
  if (expires - now < warnBefore) warnings.push(`${paths.certificate}: the certificate expires soon (${own!.validTo})`);
  if (isOpenToOthers(paths.key)) warnings.push(`${paths.key}: ${openToOthers}`);
  let ca: string | undefined;
  if (paths.clientAuthorities !== undefined) {
    ca = readPem(paths, 'clientAuthorities');
    const expired = certificatesIn(paths, 'clientAuthorities', ca).find(({ validTo }) => Date.parse(validTo) <= now);
    if (expired) warnings.push(`${paths.clientAuthorities}: an authority has expired (${nameOf(expired)})`);
  }
  return { cert, key, ca, expires, warnings };
}

export const openToOthers = 'every user of this machine can read it; take that away (chmod 600)';

/** Where files have modes. */
export function isOpenToOthers(path: string): boolean {
  return process.platform !== 'win32' && (statSync(path).mode & 0o004) !== 0;
}

function readPem(paths: TlsPaths, part: keyof TlsPaths): string {
  const path = paths[part]!;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new TlsFileError(
      part,
      `${path}: ${code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`}`,
    );
  }
  if (!text.includes('-----BEGIN ')) throw new TlsFileError(part, `${path}: it is no PEM file (-----BEGIN …)`);
  return text;
}

function certificatesIn(paths: TlsPaths, part: 'certificate' | 'clientAuthorities', text: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new TlsFileError(part, `${paths[part]}: there is no certificate in it`);
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    throw new TlsFileError(part, `${paths[part]}: a certificate in it cannot be read`);
  }
}

function readKey(paths: TlsPaths, text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch {
    const isLocked = /ENCRYPTED/.test(text);
    const why = isLocked ? 'the key has a password; give it without one' : 'there is no private key in it';
    throw new TlsFileError('key', `${paths.key}: ${why}`);
  }
}

function nameOf({ subject }: X509Certificate): string {
  return subject.replaceAll('\n', ', ');
}
