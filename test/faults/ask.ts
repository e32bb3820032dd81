/** One oneM2M request on a connection of its own, watched octet by octet: what a kill can cut in two. */
import { request as httpRequest } from 'node:http';
import type { McaAnswer } from '../support/mca-client.ts';
import type { DeedRequest } from './deeds.ts';

export interface AskOptions {
  /** `rt`: 1 synchronous, 2 asynchronous; absent = blocking. */
  responseType?: 1 | 2;
  notifyAt?: string;
  /** Request Expiration in ms. */
  expires?: number;
  /** Send only this share of the body, and leave it at that. */
  share?: number;
}

export interface AskEvents {
  /** Everything that will be sent is in the hands of the kernel. */
  sent?: () => void;
  /** The first octets of the answer are here. */
  answering?: () => void;
}

/** The whole answer; undefined: the connection broke before it was complete. */
export function ask(
  mca: string,
  requestIdentifier: string,
  request: DeedRequest,
  options: AskOptions = {},
  events: AskEvents = {},
): Promise<McaAnswer | undefined> {
  const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
  const query = options.responseType === undefined ? '' : `?rt=${options.responseType}`;
  return new Promise((resolve) => {
    const message = httpRequest(
      `${mca.replace(/\/$/, '')}/${request.path}${query}`,
      {
        method: request.method,
        agent: false,
        headers: {
          'X-M2M-Origin': 'CAdmin',
          'X-M2M-RI': requestIdentifier,
          'X-M2M-RVI': '3',
          'X-M2M-RET': String(options.expires ?? 60_000),
          ...(options.notifyAt === undefined ? {} : { 'X-M2M-RTU': options.notifyAt }),
          ...(body && {
            'Content-Type': request.ty === undefined ? 'application/json' : `application/json;ty=${request.ty}`,
            'Content-Length': String(body.length),
          }),
        },
      },
      (response) => {
        events.answering?.();
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', () => resolve(undefined));
        response.on('end', () => {
          // The port of a dead gateway may be another's by now: what does not carry our X-M2M-RI is no answer to us.
          if (!response.complete || response.headers['x-m2m-ri'] !== requestIdentifier) return resolve(undefined);
          const content = (text === '' ? {} : JSON.parse(text)) as McaAnswer['body'];
          resolve({
            status: response.statusCode!,
            rsc: Number(response.headers['x-m2m-rsc']),
            headers: response.headers,
            text,
            body: content,
            dbg: String(content['m2m:dbg'] ?? ''),
          });
        });
      },
    );
    message.on('error', () => resolve(undefined));
    const done = (): void => events.sent?.();
    if (body && options.share !== undefined)
      message.write(body.subarray(0, Math.floor(body.length * options.share)), done);
    else message.end(body, done);
  });
}
