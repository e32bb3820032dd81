import * as http from 'node:http';
import * as https from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { SessionFailure } from './answer.ts';
import type { Answer, PostOptions, TlsOptions } from './answer.ts';
import { basic } from './digest.ts';
import type { Authorizer, Credentials } from './digest.ts';
import { sendOld } from './http-1-0.ts';
import type { Quirk } from './quirks.ts';

/** How messages go over HTTP. */
export interface HttpStyle {
  /** Asks before it sends a body, as libcurl does. */
  expectContinue?: boolean;
  /** Compresses its messages. */
  compress?: 'gzip';
  /** Sends its messages in chunks, without a length. */
  chunked?: boolean;
}

export interface TransportOptions {
  url: string;
  credentials: Credentials;
  authorizer: Authorizer;
  tls: TlsOptions;
  style: HttpStyle;
  quirks: ReadonlySet<Quirk>;
  /** ms for an answer. */
  timeout: number;
  signal: AbortSignal;
  /** Cookies of an older session (quirk 31). */
  olderCookies: string;
  localAddress?: string;
}

const maximumBody = 16 * 1024 * 1024;
const redirects = new Set([301, 302, 307, 308]);
const oneForAll = new http.Agent({ keepAlive: true, maxSockets: 1 });

interface Cookie {
  name: string;
  value: string;
  path: string;
}

/** The HTTP of one session: one connection, its cookies, its authentication, and redirects. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #agent: http.Agent;
  #url: URL;
  #cookies: Cookie[] = [];

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#url = new URL(options.url);
    const settings = { keepAlive: !options.quirks.has(29), maxSockets: 1, localAddress: options.localAddress };
    if (this.#url.protocol === 'https:') this.#agent = new https.Agent({ ...settings, ...options.tls });
    else this.#agent = options.quirks.has(30) ? oneForAll : new http.Agent(settings);
  }

  /** For quirk 31. */
  get cookies(): string {
    return this.#cookies
      .filter((cookie) => this.#url.pathname.startsWith(cookie.path))
      .map((cookie) => `${cookie.name}=${cookie.value}`)
      .join('; ');
  }

  close(): void {
    if (this.#agent !== oneForAll) this.#agent.destroy();
  }

  /** Sends a message, none for an empty POST, and gives the 2xx answer. Rejects with SessionFailure. */
  async post(body: Buffer | undefined, options: PostOptions = {}): Promise<Answer> {
    let tries = 0;
    let hops = 0;
    for (;;) {
      const answer = await this.#send(body ?? Buffer.alloc(0), options);
      this.#store(answer.headers['set-cookie'] ?? []);
      if (answer.status === 401) {
        tries += 1;
        const known = this.#options.authorizer.challenged(answer.headers['www-authenticate']);
        if (!known || tries > 2) throw new SessionFailure('the server does not take the credentials (401)');
        continue;
      }
      if (redirects.has(answer.status)) {
        hops += 1;
        const location = answer.headers.location;
        if (hops > 5 || location === undefined || !URL.canParse(location, this.#url.href))
          throw new SessionFailure(`the server sends on to ${location ?? 'nowhere'} (${answer.status})`);
        this.#url = new URL(location, this.#url);
        this.#cookies = [];
        this.#options.authorizer.forget();
        continue;
      }
      if (answer.status !== 200 && answer.status !== 204)
        throw new SessionFailure(`the server answered ${answer.status}`);
      this.#checkReadable(answer);
      return answer;
    }
  }

  // Quirk 37
  #checkReadable({ headers, rawHeaders }: Answer): void {
    if (!this.#options.quirks.has(37)) return;
    if (headers['transfer-encoding'] !== undefined) throw new SessionFailure('the answer comes in chunks (quirk 37)');
    if (headers['content-encoding'] !== undefined) throw new SessionFailure('the answer is compressed (quirk 37)');
    if (rawHeaders.some((line) => line.length > 256)) throw new SessionFailure('a header line is too long (quirk 37)');
  }

  #store(lines: string[]): void {
    for (const line of lines) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
      const at = pair.indexOf('=');
      if (at <= 0) continue;
      const path = attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? '/';
      const cookie = { name: pair.slice(0, at), value: pair.slice(at + 1), path: path.startsWith('/') ? path : '/' };
      this.#cookies = [...this.#cookies.filter((one) => one.name !== cookie.name), cookie].slice(-20);
    }
  }

  #headers(body: Buffer): Record<string, string> {
    const { quirks, credentials, authorizer, olderCookies, url } = this.#options;
    const uri = quirks.has(34) ? url : `${this.#url.pathname}${this.#url.search}`;
    const cookie = quirks.has(28) ? '' : this.cookies || olderCookies;
    const authorization = quirks.has(35)
      ? basic(credentials)
      : authorizer.header(
          credentials,
          { method: 'POST', uri, body },
          { constantCount: quirks.has(34), capitals: quirks.has(34) },
        );
    return {
      'User-Agent': 'TrivetCPE/1.0',
      ...(body.length > 0 ? { 'Content-Type': 'text/xml; charset="utf-8"', SOAPAction: '' } : {}),
      ...(cookie === '' ? {} : { Cookie: cookie }),
      ...(authorization === undefined ? {} : { Authorization: authorization }),
    };
  }

  async #send(body: Buffer, options: PostOptions): Promise<Answer> {
    const { style, quirks, timeout, signal, tls } = this.#options;
    const headers = this.#headers(body);
    if (quirks.has(36)) return sendOld({ url: this.#url, headers, body, timeout, signal, tls }, options);
    const bytes = style.compress && body.length > 0 ? gzipSync(body) : body;
    if (bytes !== body) headers['Content-Encoding'] = 'gzip';
    if (style.chunked && bytes.length > 0) headers['Transfer-Encoding'] = 'chunked';
    else headers['Content-Length'] = String(bytes.length);
    const asks = style.expectContinue === true && bytes.length > 1024;
    if (asks) headers['Expect'] = '100-continue';
    const client = this.#url.protocol === 'https:' ? https : http;
    return new Promise((resolve, reject) => {
      const fail = (why: string, cause?: unknown): void => {
        request.destroy();
        reject(new SessionFailure(why, { cause }));
      };
      const request = client.request(this.#url, { method: 'POST', agent: this.#agent, headers, signal, timeout });
      request.on('timeout', () => fail(`the server was silent for ${timeout} ms`));
      request.on('error', (problem) => fail(`the connection failed: ${problem.message}`, problem));
      request.on('response', (response) => {
        if (options.abandon) return fail('the answer was lost (fault on request)');
        const parts: Buffer[] = [];
        let size = 0;
        response.on('data', (part: Buffer) => {
          size += part.length;
          if (size > maximumBody) fail(`the answer has more than ${maximumBody} octets`);
          else parts.push(part);
        });
        response.on('error', (problem) => fail(`the connection failed: ${problem.message}`, problem));
        response.on('end', () => {
          const { statusCode: status = 0, rawHeaders } = response;
          resolve({ status, headers: response.headers, rawHeaders, body: Buffer.concat(parts) });
        });
      });
      const write = (): void => {
        if (options.trickle === undefined || bytes.length === 0) request.end(bytes);
        else void trickle(request, bytes, options.trickle, signal);
      };
      if (asks) {
        // A server that does not know 100-continue gets the body all the same.
        const impatient = setTimeout(write, 1000).unref();
        request.once('continue', () => {
          clearTimeout(impatient);
          write();
        });
        request.once('close', () => clearTimeout(impatient));
        request.flushHeaders();
      } else write();
    });
  }
}

const pieces = 20;

async function trickle(request: http.ClientRequest, bytes: Buffer, pause: number, signal: AbortSignal): Promise<void> {
  const step = Math.ceil(bytes.length / pieces);
  try {
    for (let at = 0; at < bytes.length && !request.destroyed; at += step) {
      request.write(bytes.subarray(at, at + step));
      await wait(pause, undefined, { signal });
    }
    request.end();
  } catch {
    request.destroy();
  }
}
