/** Certificates for tests, made in this process: an authority, and what it signs. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const day = 86_400_000;

/** PEM. */
export interface Pair {
  certificate: string;
  key: string;
}

export interface Issue {
  /** CN. */
  name: string;
  alternatives?: { type: 'ip' | 'dns' | 'url'; value: string }[];
  /** Days from now; default 30. Below zero: it has expired. */
  days?: number;
}

export interface Authority {
  /** PEM. */
  certificate: string;
  issue(wanted: Issue): Promise<Pair>;
}

let serialNumbers = 1;

export async function createAuthority(name: string): Promise<Authority> {
  const keys = await newKeys();
  const own = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: nextSerialNumber(),
    name: `CN=${name}`,
    ...validity(60),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  });
  return {
    certificate: own.toString('pem'),
    async issue({ name: subject, alternatives = [], days = 30 }) {
      const pair = await newKeys();
      const issued = await x509.X509CertificateGenerator.create({
        serialNumber: nextSerialNumber(),
        subject: `CN=${subject}`,
        issuer: own.subject,
        ...validity(days),
        signingAlgorithm: algorithm,
        publicKey: pair.publicKey,
        signingKey: keys.privateKey,
        extensions: alternatives.length > 0 ? [new x509.SubjectAlternativeNameExtension(alternatives)] : [],
      });
      const octets = await webcrypto.subtle.exportKey('pkcs8', pair.privateKey);
      return { certificate: issued.toString('pem'), key: x509.PemConverter.encode(octets, 'PRIVATE KEY') };
    },
  };
}

/** Of a server at 127.0.0.1. */
export const loopback: Issue = {
  name: 'localhost',
  alternatives: [
    { type: 'ip', value: '127.0.0.1' },
    { type: 'dns', value: 'localhost' },
  ],
};

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>;
}

function validity(days: number): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now + (Math.min(days, 0) - 2) * day), notAfter: new Date(now + days * day) };
}

function nextSerialNumber(): string {
  serialNumbers += 1;
  return serialNumbers.toString(16).padStart(4, '0');
}
