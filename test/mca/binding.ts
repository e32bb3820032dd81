/** A listening HTTP binding over a CSE that a test plays, and clients for it. */
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { createHttpBinding } from '../../src/mca/http.ts';
import type { HttpBindingOptions } from '../../src/mca/http.ts';
import type { RequestPrimitive, ResponsePrimitive } from '../../src/onem2m/primitive.ts';
import { silentLog } from '../../src/support/log.ts';
import { noMetrics } from '../../src/support/metrics.ts';

export interface PlayedBinding {
  port: number;
  /** What the CSE was asked, in order. */
  requests: RequestPrimitive[];
  close(): Promise<void>;
}

/** `answer` plays the CSE; by default it says OK without content. */
export async function openBinding(
  answer: (request: RequestPrimitive) => Partial<ResponsePrimitive> | Promise<Partial<ResponsePrimitive>> = () => ({}),
  options: Partial<HttpBindingOptions> = {},
): Promise<PlayedBinding> {
  const requests: RequestPrimitive[] = [];
  const binding = createHttpBinding({
    cse: {
      async request(request) {
        requests.push(request);
        return { responseStatusCode: 2000, requestIdentifier: request.requestIdentifier, ...(await answer(request)) };
      },
    },
    log: silentLog,
    metrics: noMetrics,
    ...options,
  });
  const { port } = await binding.listen({ host: '127.0.0.1', port: 0 });
  const played = { port, requests, close: () => binding.close(new Date(Date.now() + 200)) };
  open.add(played);
  return played;
}

const open = new Set<PlayedBinding>();

/** For `after`: a test that failed half way leaves no listener behind. */
export async function closeBindings(): Promise<void> {
  for (const binding of open) await binding.close();
  open.clear();
}

export interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  json: Record<string, unknown>;
}

export interface Sent {
  method?: string;
  path?: string;
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
}

export const usualHeaders = { 'X-M2M-Origin': 'CAdmin', 'X-M2M-RI': 'q-1', 'X-M2M-RVI': '3' };

/** One request on a connection of its own, with the usual headers unless it brings its own. */
export function send(port: number, { method = 'GET', path = '/cse-in', headers = usualHeaders, body }: Sent = {}) {
  return new Promise<Reply>((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
        });
      });
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Writes bytes as they are and answers what came back until the peer ends or `until` is seen. */
export function sendRaw(port: number, bytes: string | Buffer, until?: RegExp): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let text = '';
    const finish = (): void => {
      socket.destroy();
      resolve(text);
    };
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (until?.test(text)) finish();
    });
    socket.on('end', finish);
    socket.on('error', finish);
    socket.on('close', finish);
  });
}
