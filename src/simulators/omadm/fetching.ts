/** Why a download failed, in words of its own; each kind of object has its result codes. */
export type FetchFailure = 'url' | 'unreachable' | 'credentials' | 'server' | 'not-found' | 'broken' | 'memory';

export class FetchError extends Error {
  override name = 'FetchError';
  readonly failure: FetchFailure;

  constructor(failure: FetchFailure, sentence: string, cause?: unknown) {
    super(sentence, { cause });
    this.failure = failure;
  }
}

const maximumOctets = 64 * 1024 * 1024;
const patience = 60_000;

/** Fetches a file by http or https. Credentials come in the URL or not at all. Rejects with a FetchError. */
export async function fetchFile(
  address: string,
  signal: AbortSignal,
  progress: (octets: number, total: number | undefined) => void,
): Promise<Buffer> {
  if (!URL.canParse(address)) throw new FetchError('url', `${address || '(nothing)'} is not a URL`);
  const url = new URL(address);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new FetchError('url', `${url.protocol} is not supported`);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  const basic = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  let response: Response;
  try {
    response = await fetch(url, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(patience)]),
      headers: username === '' ? {} : { Authorization: `Basic ${basic}` },
    });
  } catch (problem) {
    throw new FetchError('unreachable', `${url.host} could not be reached`, problem);
  }
  if (!response.ok) {
    await response.body?.cancel();
    const { status } = response;
    const failure = status === 401 || status === 403 ? 'credentials' : status >= 500 ? 'server' : 'not-found';
    throw new FetchError(failure, `${url.host} answered ${status}`);
  }
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  const total = Number.isFinite(length) ? length : undefined;
  const parts: Buffer[] = [];
  let octets = 0;
  try {
    for await (const piece of response.body ?? []) {
      octets += piece.length;
      if (octets > maximumOctets) throw new FetchError('memory', `a file has at most ${maximumOctets} octets`);
      parts.push(Buffer.from(piece));
      progress(octets, total);
    }
  } catch (problem) {
    if (problem instanceof FetchError) throw problem;
    throw new FetchError('broken', `the download from ${url.host} broke off`, problem);
  }
  return Buffer.concat(parts);
}
