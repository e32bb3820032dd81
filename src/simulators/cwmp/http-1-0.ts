import { connect as connectPlain } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import { SessionFailure } from './answer.ts';
import type { Answer, PostOptions, TlsOptions } from './answer.ts';

interface OldRequest {
  url: URL;
  headers: Record<string, string>;
  body: Buffer;
  timeout: number;
  signal: AbortSignal;
  tls: TlsOptions;
}

/** Quirk 36: a POST of HTTP/1.0 with odd headers, one connection each; an empty one has no length, a full one an end of line too many. */
export function sendOld(request: OldRequest, options: PostOptions): Promise<Answer> {
  const { url, headers, body, timeout, signal, tls } = request;
  const lines = Object.entries({ ...headers, host: url.host }).map(([name, value]) => {
    const old = name === 'Content-Type' ? 'text/html' : value;
    return `${name.toLowerCase()}:${old}`;
  });
  if (body.length > 0) lines.push(`CONTENT-LENGTH: ${body.length}`);
  const head = `POST ${url.pathname}${url.search} HTTP/1.0\r\n${lines.join('\r\n')}\r\n\r\n`;
  return new Promise((resolve, reject) => {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
    const socket = url.protocol === 'https:' ? connectSecure({ host, port, ...tls }) : connectPlain({ host, port });
    const stop = (): void => void socket.destroy();
    const parts: Buffer[] = [];
    signal.addEventListener('abort', stop, { once: true });
    socket.setTimeout(timeout, stop);
    socket.on('error', (cause) => reject(new SessionFailure(`the connection failed: ${cause.message}`, { cause })));
    socket.on('data', (part) => {
      if (options.abandon) stop();
      parts.push(part);
      const answer = readAnswer(Buffer.concat(parts), false);
      if (!answer) return;
      resolve(answer);
      stop();
    });
    socket.on('close', () => {
      signal.removeEventListener('abort', stop);
      const answer = options.abandon ? undefined : readAnswer(Buffer.concat(parts), true);
      if (answer) resolve(answer);
      else reject(new SessionFailure('the connection ended without an answer'));
    });
    socket.write(head);
    if (body.length > 0) socket.write(Buffer.concat([body, Buffer.from('\r\n')]));
  });
}

/** The answer when it is complete: as long as it says, or until the end of the connection. */
function readAnswer(bytes: Buffer, ended: boolean): Answer | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1]);
  if (Number.isNaN(status)) return undefined;
  const headers: Answer['headers'] = {};
  const rawHeaders: string[] = [];
  for (const line of lines) {
    const at = line.indexOf(':');
    const name = line.slice(0, at).trim().toLowerCase();
    const value = line.slice(at + 1).trim();
    rawHeaders.push(line.slice(0, at), value);
    if (name === 'set-cookie') headers['set-cookie'] = [...(headers['set-cookie'] ?? []), value];
    else headers[name] = value;
  }
  const body = bytes.subarray(end + 4);
  const length = status === 204 ? 0 : Number(headers['content-length'] ?? Number.NaN);
  if (!ended && !(body.length >= length)) return undefined;
  return { status, headers, rawHeaders, body };
}
