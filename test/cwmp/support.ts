/** Captures of real CPEs, and small things that the tests of the wire share. */
import { readdirSync, readFileSync } from 'node:fs';
import { decodeBody } from '../../adapters/cwmp/charset.ts';
import { readIncoming, type Incoming } from '../../adapters/cwmp/rpc.ts';
import { readEnvelope, type Envelope } from '../../adapters/cwmp/soap.ts';

const directory = new URL('../fixtures/cwmp/', import.meta.url);

export interface Capture {
  name: string;
  headers: Map<string, string>;
  body: Buffer;
}

export const captureNames: readonly string[] = readdirSync(directory)
  .filter((name) => name.endsWith('.http'))
  .map((name) => name.slice(0, -'.http'.length))
  .sort();

export function readCapture(name: string): Capture {
  const octets = readFileSync(new URL(`${name}.http`, directory));
  const end = octets.indexOf('\r\n\r\n');
  const [, ...lines] = octets.subarray(0, end).toString('latin1').split('\r\n');
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return { name, headers, body: octets.subarray(end + 4) };
}

export function textOf({ body, headers }: Capture): string {
  return decodeBody(body, headers.get('content-type')).text;
}

export function envelopeOf(name: string): Envelope {
  return readEnvelope(textOf(readCapture(name)));
}

export function incomingOf(name: string): Incoming {
  return readIncoming(envelopeOf(name));
}

/** A body in the plainest envelope. */
export function envelope(body: string, header = '<cwmp:ID soap:mustUnderstand="1">7</cwmp:ID>'): string {
  return (
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:cwmp="urn:dslforum-org:cwmp-1-2">' +
    `<soap:Header>${header}</soap:Header><soap:Body>${body}</soap:Body></soap:Envelope>`
  );
}

/** mulberry32: the same numbers in every run, so that a failure can be seen again. */
export function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
