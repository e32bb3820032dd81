import { Authorizer, basic } from './digest.ts';
import { CpeFault } from './cpe-fault.ts';
import type { Workshop } from './workshop.ts';

export interface FileRequest {
  url: string;
  username: string;
  password: string;
  /** How the credentials are shown; default: as the server asks for them. */
  shows?: 'unasked' | 'never';
  signal: AbortSignal;
}

export function showsCredentials({ quirks, faults }: Pick<Workshop, 'quirks' | 'faults'>): FileRequest['shows'] {
  if (faults.withoutCredentials) return 'never';
  return quirks.has(35) ? 'unasked' : undefined;
}

const maximumOctets = 64 * 1024 * 1024;
const patience = 60_000;

/** Whether the device can transfer files from or to there: http and https. */
export function checkFileUrl(url: string): URL {
  if (!URL.canParse(url)) throw new CpeFault(9003, `${url} is not a URL`);
  const parsed = new URL(url);
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') throw new CpeFault(9013, parsed.protocol);
  // TR-069 A.3.2.8: credentials are arguments of their own.
  if (parsed.username !== '' || parsed.password !== '') throw new CpeFault(9003, 'credentials in the URL');
  return parsed;
}

async function exchange(method: 'GET' | 'PUT', request: FileRequest, body: Buffer): Promise<Response> {
  const url = checkFileUrl(request.url);
  const authorizer = new Authorizer();
  const { username, shows } = request;
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(patience)]);
  for (let attempt = 0; ; attempt += 1) {
    const authorization =
      shows === 'unasked' && username !== ''
        ? basic(request)
        : authorizer.header(request, { method, uri: `${url.pathname}${url.search}`, body });
    let response: Response;
    try {
      response = await fetch(url, {
        method,
        signal,
        headers: authorization === undefined ? {} : { Authorization: authorization },
        ...(method === 'PUT' ? { body: new Uint8Array(body) } : {}),
      });
    } catch (cause) {
      throw new CpeFault(
        9015,
        cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause),
      );
    }
    if (response.ok) return response;
    await response.body?.cancel();
    if (response.status === 401) {
      const known = authorizer.challenged(response.headers.get('www-authenticate') ?? undefined);
      if (!known || attempt > 0 || username === '' || shows !== undefined) throw new CpeFault(9012);
    } else if (response.status === 403) throw new CpeFault(9012);
    else throw new CpeFault(method === 'PUT' ? 9011 : 9016, `the file server answered ${response.status}`);
  }
}

/** Fetches a file with Basic or Digest where the server asks for it. Rejects with the CpeFault for TransferComplete. */
export async function downloadFile(
  request: FileRequest,
  progress: (octets: number, total: number | undefined) => void,
): Promise<Buffer> {
  const response = await exchange('GET', request, Buffer.alloc(0));
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  const total = Number.isFinite(length) ? length : undefined;
  const parts: Buffer[] = [];
  let octets = 0;
  try {
    for await (const part of response.body ?? []) {
      octets += part.length;
      if (octets > maximumOctets) throw new CpeFault(9010, `a file has at most ${maximumOctets} octets`);
      parts.push(Buffer.from(part));
      progress(octets, total);
    }
  } catch (problem) {
    if (problem instanceof CpeFault) throw problem;
    throw new CpeFault(9017, String(problem));
  }
  if (total !== undefined && octets < total) throw new CpeFault(9017, `${octets} of ${total} octets came`);
  return Buffer.concat(parts);
}

/** Puts a file to a server. Rejects with the CpeFault for TransferComplete. */
export async function uploadFile(request: FileRequest, content: Buffer): Promise<void> {
  const response = await exchange('PUT', request, content);
  await response.body?.cancel();
}
