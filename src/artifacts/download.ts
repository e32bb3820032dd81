/** Opens a foreign http(s) URL: redirects counted, every wait with a deadline, no other scheme. */
import { ArtifactFailure } from './failure.ts';

export interface Download {
  stream: AsyncIterable<Uint8Array>;
  /** Ends a download whose stream is not read. */
  discard(): void;
  contentType: string;
  /** Last segment of the path, made safe; `artifact` when there is none. */
  name: string;
  /** As announced by the server. */
  size?: number;
}

const REDIRECTS = 5;
const REDIRECTING = new Set([301, 302, 303, 307, 308]);

/** @param timeout ms for everything, the last octet included. @throws ArtifactFailure */
export async function openDownload(address: string, timeout: number): Promise<Download> {
  const signal = AbortSignal.timeout(timeout);
  let url = parse(address);
  for (let redirect = 0; redirect <= REDIRECTS; redirect += 1) {
    const response = await request(url, signal, timeout);
    if (REDIRECTING.has(response.status)) {
      await response.body?.cancel();
      const location = response.headers.get('location');
      if (!location) throw failed(url, `it answers ${response.status} without a Location`);
      url = parse(location, url);
      continue;
    }
    if (response.status !== 200 || !response.body) {
      await response.body?.cancel();
      throw failed(url, `it answers ${response.status}`);
    }
    const length = response.headers.get('content-length');
    // With a content coding the length is that of the coded octets.
    const size = length !== null && !response.headers.has('content-encoding') ? Number(length) : undefined;
    const body = response.body;
    return {
      stream: explained(body, url, timeout),
      discard: () => void body.cancel().catch(() => {}),
      contentType: response.headers.get('content-type') ?? 'application/octet-stream',
      name: safeName(url),
      ...(size === undefined ? {} : { size }),
    };
  }
  throw failed(url, `it redirects more than ${REDIRECTS} times`);
}

function parse(address: string, base?: URL): URL {
  let url: URL;
  try {
    url = new URL(address, base);
  } catch (error) {
    throw new ArtifactFailure(
      'not-fetchable',
      `"${address.slice(0, 200)}" is no URL: give an http or https URL`,
      error,
    );
  }
  if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  throw new ArtifactFailure('not-fetchable', `the gateway fetches http and https, not ${url.protocol.slice(0, 20)}`);
}

async function request(url: URL, signal: AbortSignal, timeout: number): Promise<Response> {
  try {
    return await fetch(url, { signal, redirect: 'manual', headers: { accept: '*/*', 'accept-encoding': 'identity' } });
  } catch (error) {
    throw explain(url, error, timeout);
  }
}

async function* explained(body: AsyncIterable<Uint8Array>, url: URL, timeout: number): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) yield chunk;
  } catch (error) {
    throw explain(url, error, timeout);
  }
}

function explain(url: URL, error: unknown, timeout: number): ArtifactFailure {
  if (error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError')) {
    return new ArtifactFailure(
      'timeout',
      `${shown(url)} did not come within ${timeout / 1000} s: try again later`,
      error,
    );
  }
  // fetch says "fetch failed"; what failed is its cause.
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return failed(url, cause instanceof Error ? cause.message || cause.name : String(cause), error);
}

function failed(url: URL, why: string, cause?: unknown): ArtifactFailure {
  return new ArtifactFailure('fetch-failed', `${shown(url)} cannot be fetched: ${why}`, cause);
}

/** Without user, password and query, which may be secret. */
function shown(url: URL): string {
  return `${url.origin}${url.pathname}`.slice(0, 300);
}

function safeName(url: URL): string {
  const segment = url.pathname.split('/').filter(Boolean).at(-1) ?? '';
  const name = segment.replaceAll(/[^0-9A-Za-z._-]+/g, '-').replace(/^[^0-9A-Za-z]+/, '');
  return name.slice(0, 128) || 'artifact';
}
