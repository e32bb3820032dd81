/** One POST to an address that was looked at before: no redirects, no second look at the name. */
import { lookup } from 'node:dns/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { withoutMapping } from '../../../src/support/device-address.ts';
import type { Clock } from '../../../src/support/clock.ts';
import type { CallResult } from './bearer.ts';

export interface Posted {
  url: string;
  headers: Record<string, string>;
  body: Uint8Array;
  /** For the log: `HTTP push`. */
  by: string;
  clock: Clock;
  timeout: number;
  /** Why an address is not gone to; undefined = it is. */
  problem(address: string): string | undefined;
}

/** Never rejects. Any 2xx is a success; a body is not read. */
export async function post(posted: Posted): Promise<CallResult> {
  let url: URL;
  try {
    url = new URL(posted.url);
  } catch {
    return { result: 'forbidden', why: `${posted.url} is no URL` };
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return { result: 'forbidden', why: 'its URL is not http' };
  const host = withoutMapping(url.hostname);
  let address = host;
  if (isIP(host) === 0) {
    try {
      ({ address } = await lookup(host));
    } catch {
      return { result: 'unreachable', why: `the name ${host} is not known` };
    }
  }
  const problem = posted.problem(address);
  if (problem) return { result: 'forbidden', why: problem };
  try {
    return await exchange(url, address, posted);
  } catch (error) {
    return { result: 'unreachable', why: `${posted.by} failed: ${(error as Error).message}` };
  }
}

function exchange(url: URL, address: string, { headers, body, by, clock, timeout }: Posted): Promise<CallResult> {
  return new Promise((resolve) => {
    const isSecure = url.protocol === 'https:';
    const port = url.port === '' ? (isSecure ? 443 : 80) : Number(url.port);
    const name = withoutMapping(url.hostname);
    const request = (isSecure ? httpsRequest : httpRequest)({
      host: address,
      port,
      path: url.pathname + url.search,
      method: 'POST',
      agent: false,
      ...(isIP(name) === 0 ? { servername: name } : {}),
      headers: { ...headers, Host: url.host, 'Content-Length': body.length },
    });
    const cancel = clock.after(timeout, () =>
      request.destroy(new Error(`no answer in ${Math.round(timeout / 1000)} s`)),
    );
    const settle = (result: CallResult): void => {
      cancel();
      resolve(result);
      request.destroy();
    };
    request.on('response', ({ statusCode = 0 }) => {
      settle(
        statusCode >= 200 && statusCode < 300
          ? { result: 'sent', by }
          : { result: 'unreachable', why: `it answered ${statusCode} to ${by}` },
      );
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      settle({ result: 'unreachable', why: `no connection to ${address}:${port} (${error.code ?? error.message})` });
    });
    request.end(body);
  });
}
