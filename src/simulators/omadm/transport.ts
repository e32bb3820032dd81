import * as http from 'node:http';
import * as https from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';

/** Why a session did not come to its end. */
export class SessionFailure extends Error {
  override name = 'SessionFailure';
}

/** What a client with a certificate, or a trust of its own, needs. */
export interface TlsOptions {
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  rejectUnauthorized?: boolean;
}

export interface Answer {
  contentType: string;
  hmac: string | undefined;
  body: Buffer;
}

export interface TransportOptions {
  url: string;
  tls: TlsOptions;
  /** ms for an answer. */
  timeout: number;
  signal: AbortSignal;
  localAddress: string | undefined;
}

export interface PostOptions {
  headers: Readonly<Record<string, string>>;
  /** The answer is thrown away, and the connection with it. */
  abandon?: boolean;
  /** ms between pieces. */
  trickle?: number;
}

const maximumBody = 16 * 1024 * 1024;
const pieces = 20;

/** The HTTP of one session: one connection, opened by its first message. */
export class Transport {
  readonly #options: TransportOptions;
  #agent: http.Agent | undefined;
  #protocol = '';

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  close(): void {
    this.#agent?.destroy();
  }

  /** RespURI may lead from one scheme to the other. */
  #agentFor({ protocol }: URL): http.Agent {
    if (this.#agent && this.#protocol === protocol) return this.#agent;
    this.#agent?.destroy();
    const settings = { keepAlive: true, maxSockets: 1, localAddress: this.#options.localAddress };
    this.#agent =
      protocol === 'https:' ? new https.Agent({ ...settings, ...this.#options.tls }) : new http.Agent(settings);
    this.#protocol = protocol;
    return this.#agent;
  }

  /** Sends a message and gives the answer to it. Rejects with SessionFailure, also for another status than 200. */
  async post(address: string, body: Buffer, options: PostOptions): Promise<Answer> {
    const { timeout, signal } = this.#options;
    if (!URL.canParse(address)) throw new SessionFailure(`${address} is not a URL`);
    const url = new URL(address);
    const client = url.protocol === 'https:' ? https : http;
    const headers = { ...options.headers, 'Content-Length': String(body.length) };
    const agent = this.#agentFor(url);
    return new Promise((resolve, reject) => {
      const fail = (why: string, cause?: unknown): void => {
        request.destroy();
        reject(new SessionFailure(why, { cause }));
      };
      const request = client.request(url, { method: 'POST', agent, headers, signal, timeout });
      request.on('timeout', () => fail(`the server was silent for ${timeout} ms`));
      request.on('error', (problem) => fail(`the connection failed: ${problem.message}`, problem));
      request.on('response', (response) => {
        if (options.abandon) return fail('the answer was lost (fault on request)');
        const parts: Buffer[] = [];
        let size = 0;
        response.on('data', (piece: Buffer) => {
          size += piece.length;
          if (size > maximumBody) fail(`the answer has more than ${maximumBody} octets`);
          else parts.push(piece);
        });
        response.on('error', (problem) => fail(`the connection failed: ${problem.message}`, problem));
        response.on('end', () => {
          const { statusCode: status, headers: answered } = response;
          const why = Buffer.concat(parts).toString('utf8', 0, 200);
          if (status !== 200) return fail(`the server answered ${status}${why === '' ? '' : `: ${why}`}`);
          const hmac = answered['x-syncml-hmac'];
          resolve({
            contentType: answered['content-type'] ?? '',
            hmac: Array.isArray(hmac) ? hmac[0] : hmac,
            body: Buffer.concat(parts),
          });
        });
      });
      if (options.trickle === undefined) request.end(body);
      else void trickle(request, body, options.trickle, signal);
    });
  }
}

async function trickle(request: http.ClientRequest, body: Buffer, pause: number, signal: AbortSignal): Promise<void> {
  const step = Math.ceil(body.length / pieces);
  try {
    for (let at = 0; at < body.length && !request.destroyed; at += step) {
      request.write(body.subarray(at, at + step));
      await wait(pause, undefined, { signal });
    }
    request.end();
  } catch {
    request.destroy();
  }
}
