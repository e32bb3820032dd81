/** Sends one notification over HTTP (TS-0009 6.2, 6.4: a NOTIFY is a POST without a resource type) and judges the answer. */
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isSuccess } from '../onem2m/status-codes.ts';
import type { Clock } from '../support/clock.ts';

export interface OutgoingNotification {
  /** JSON text. */
  body: string;
  originator: string;
  requestIdentifier: string;
  releaseVersion: string;
  eventCategory?: number;
}

/**
 * `delivered`: the receiver has it. `refused`: it says that it does not want it (4xx). `failed`: it could not take it now (5xx,
 * 408, 429). `unreachable`: no answer at all.
 */
export interface Delivery {
  result: 'delivered' | 'refused' | 'failed' | 'unreachable';
  /** For people; empty when delivered. */
  why: string;
}

export type Deliver = (url: string, notification: OutgoingNotification) => Promise<Delivery>;

export interface Deliverer {
  deliver: Deliver;
  /** Cuts what is on its way and closes idle connections. */
  close(): void;
}

export interface DelivererSettings {
  /** ms from the first byte to the whole answer. */
  timeout: number;
  connectionsPerTarget: number;
}

/** Most bytes of an answer that are read before its connection is cut. */
const answerBytes = 65_536;

/** Never rejects. Redirects are not followed: a notification goes where its subscription says, or nowhere. */
export function createDeliverer(settings: DelivererSettings, clock: Clock): Deliverer {
  const options = {
    keepAlive: true,
    maxSockets: settings.connectionsPerTarget,
    maxFreeSockets: settings.connectionsPerTarget,
    // Of an idle connection; one in use ends by the deadline of its delivery.
    timeout: 30_000,
  };
  const agents = { http: new HttpAgent(options), https: new HttpsAgent(options) };
  const open = new Set<AbortController>();
  let closed = false;

  const deliver: Deliver = async (url, notification) => {
    const target = parseTarget(url);
    if (target === undefined) return { result: 'refused', why: `'${url.slice(0, 200)}' is no http or https URL` };
    if (closed) return { result: 'unreachable', why: 'the gateway is stopping' };
    const controller = new AbortController();
    open.add(controller);
    const cancel = clock.after(settings.timeout, () => {
      controller.abort(new Error(`no answer within ${settings.timeout} ms`));
    });
    try {
      return await post(target, notification, agents, controller.signal);
    } finally {
      cancel();
      open.delete(controller);
    }
  };
  return {
    deliver,
    close() {
      closed = true;
      for (const controller of open) controller.abort(new Error('the gateway is stopping'));
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

function parseTarget(url: string): URL | undefined {
  try {
    const target = new URL(url);
    return target.protocol === 'http:' || target.protocol === 'https:' ? target : undefined;
  } catch {
    return undefined;
  }
}

interface Agents {
  http: HttpAgent;
  https: HttpsAgent;
}

async function post(
  target: URL,
  notification: OutgoingNotification,
  agents: Agents,
  signal: AbortSignal,
): Promise<Delivery> {
  const first = await postOnce(target, notification, agents, signal);
  // The receiver closed a kept connection just as we used it: that says nothing about the notification.
  return first.stale && !signal.aborted
    ? (await postOnce(target, notification, agents, signal)).delivery
    : first.delivery;
}

function postOnce(
  target: URL,
  notification: OutgoingNotification,
  agents: Agents,
  signal: AbortSignal,
): Promise<{ delivery: Delivery; stale: boolean }> {
  return new Promise((resolve) => {
    const secure = target.protocol === 'https:';
    const headers = headersOf(notification);
    const fail = (error: Error, stale: boolean): void => {
      const cause = signal.aborted && signal.reason instanceof Error ? signal.reason : error;
      resolve({ delivery: { result: 'unreachable', why: cause.message }, stale });
    };
    try {
      const request = secure
        ? httpsRequest(target, { method: 'POST', headers, agent: agents.https, signal })
        : httpRequest(target, { method: 'POST', headers, agent: agents.http, signal });
      request.on('error', (error: NodeJS.ErrnoException) => {
        fail(error, request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE'));
      });
      request.on('response', (response) => {
        readAway(response, (error) => {
          if (error) fail(error, false);
          else resolve({ delivery: judge(response), stale: false });
        });
      });
      request.end(notification.body);
    } catch (error) {
      // A URL with characters that node does not send.
      const why = error instanceof Error ? error.message : String(error);
      resolve({ delivery: { result: 'refused', why }, stale: false });
    }
  });
}

function headersOf(notification: OutgoingNotification): OutgoingHttpHeaders {
  return {
    'X-M2M-Origin': notification.originator,
    'X-M2M-RI': notification.requestIdentifier,
    'X-M2M-RVI': notification.releaseVersion,
    ...(notification.eventCategory !== undefined && { 'X-M2M-EC': String(notification.eventCategory) }),
    'Content-Type': 'application/json',
    Accept: 'application/json',
    'Content-Length': Buffer.byteLength(notification.body),
  };
}

function readAway(response: IncomingMessage, done: (error?: Error) => void): void {
  let size = 0;
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    // The status is what counts; a longer answer costs its connection.
    if (size > answerBytes) {
      done();
      response.destroy();
    }
  });
  response.on('end', () => done());
  response.on('error', (error) => done(error));
}

function judge({ statusCode = 0, headers }: IncomingMessage): Delivery {
  const header = headers['x-m2m-rsc'];
  const code = typeof header === 'string' && /^\d{4}$/.test(header) ? Number(header) : undefined;
  const said = code === undefined ? `HTTP ${statusCode}` : `HTTP ${statusCode}, response status code ${code}`;
  if (code === undefined ? statusCode >= 200 && statusCode < 300 : isSuccess(code)) {
    return { result: 'delivered', why: '' };
  }
  const later = statusCode >= 500 || statusCode === 408 || statusCode === 429;
  return { result: later ? 'failed' : 'refused', why: `the receiver answered ${said}` };
}
