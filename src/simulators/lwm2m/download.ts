import { setTimeout as wait } from 'node:timers/promises';
import type { Exchange } from './exchange.ts';
import type { Faults } from './faults.ts';

export type DownloadFailure = 'connection' | 'uri' | 'protocol' | 'storage';

/** Why a download ended without its file. */
export class DownloadError extends Error {
  readonly failure: DownloadFailure;

  constructor(failure: DownloadFailure, sentence: string, cause?: unknown) {
    super(sentence, { cause });
    this.name = 'DownloadError';
    this.failure = failure;
  }
}

export interface DownloadOptions {
  exchange: Exchange;
  faults: Faults;
  /** Octets per second. */
  rate: number;
  signal: AbortSignal;
  /** Ms for each answer. */
  timeout: number;
  progress(octets: number, total: number | undefined): void;
}

const maximumOctets = 16 * 1024 * 1024;

/** Fetches a file by http, https or coap (block by block), at the pace of the device. Rejects with a DownloadError. */
export async function download(uri: string, options: DownloadOptions): Promise<Buffer> {
  const { faults } = options;
  if (faults.storageFull) throw new DownloadError('storage', 'there is no room for a file');
  if (faults.downloadFailure === 'uri') throw new DownloadError('uri', `${uri} was not found (fault on request)`);
  if (faults.downloadFailure === 'protocol')
    throw new DownloadError('protocol', 'the protocol is not supported (fault on request)');
  if (!URL.canParse(uri)) throw new DownloadError('uri', `${uri} is not a URI`);
  const { protocol } = new URL(uri);
  const parts =
    protocol === 'http:' || protocol === 'https:' ? httpParts(uri, options) : coapParts(uri, protocol, options);
  const collected: Buffer[] = [];
  let octets = 0;
  for await (const { part, total } of parts) {
    octets += part.length;
    if (octets > maximumOctets) throw new DownloadError('storage', `a file has at most ${maximumOctets} octets`);
    collected.push(part);
    options.progress(octets, total);
    if (faults.downloadFailure === 'connection' && octets >= Math.min(total ?? 0, 65_536) / 2) {
      throw new DownloadError('connection', 'the connection was lost (fault on request)');
    }
    const pause = (part.length / options.rate) * 1000;
    if (pause >= 1) await wait(pause, undefined, { signal: options.signal });
  }
  return Buffer.concat(collected);
}

interface Part {
  part: Buffer;
  total: number | undefined;
}

async function* httpParts(uri: string, options: DownloadOptions): AsyncGenerator<Part> {
  try {
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(600_000)]);
    const response = await fetch(uri, { signal });
    if (!response.ok || !response.body) throw new DownloadError('uri', `${uri} answered ${response.status}`);
    const length = Number(response.headers.get('content-length') ?? Number.NaN);
    for await (const chunk of response.body) {
      const bytes = Buffer.from(chunk);
      // Small pieces make the progress of a small file visible.
      for (let at = 0; at < bytes.length; at += 8192) {
        yield { part: bytes.subarray(at, at + 8192), total: Number.isFinite(length) ? length : undefined };
      }
    }
  } catch (problem) {
    if (problem instanceof DownloadError) throw problem;
    throw new DownloadError('connection', `${uri} could not be fetched`, problem);
  }
}

async function* coapParts(uri: string, protocol: string, options: DownloadOptions): AsyncGenerator<Part> {
  if (protocol !== 'coap:') throw new DownloadError('protocol', `${protocol} is not supported`);
  const url = new URL(uri);
  const request = {
    method: 'GET' as const,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port === '' ? 5683 : url.port),
    path: decodeURIComponent(url.pathname),
    query: url.search === '' ? [] : url.search.slice(1).split('&').map(decodeURIComponent),
    timeout: options.timeout,
  };
  let number = 0;
  let size = 1024;
  let total: number | undefined;
  for (;;) {
    const block = number === 0 ? undefined : { number, more: false, size };
    const answer = await options.exchange.single(request, undefined, block).catch((cause: unknown) => {
      throw new DownloadError('connection', `${uri} did not answer`, cause);
    });
    if (options.signal.aborted) throw new DownloadError('connection', 'the download was given up');
    if (answer.code !== '2.05') throw new DownloadError('uri', `${uri} answered ${answer.code}`);
    if ((answer.block2?.number ?? 0) !== number)
      throw new DownloadError('connection', `${uri} sent another block than was asked for`);
    total ??= answer.size;
    yield { part: answer.payload, total };
    if (!answer.block2?.more) return;
    size = answer.block2.size;
    number += 1;
  }
}
