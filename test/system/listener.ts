/** A notification target: an HTTP server that answers as an AE does and remembers what it was told. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '../support/eventually.ts';

export interface Heard {
  headers: Record<string, string | string[] | undefined>;
  body: Record<string, Record<string, unknown>>;
}

export interface Listener {
  url: string;
  /** Everything but verifications, oldest first. */
  heard: Heard[];
  /** Waits until so many notifications are there and answers with the last one. */
  until(count: number): Promise<Heard>;
  close(): Promise<void>;
}

export async function listen(): Promise<Listener> {
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (text += chunk));
    request.on('end', () => {
      const body = JSON.parse(text) as Heard['body'];
      if (body['m2m:sgn']?.['vrq'] !== true) heard.push({ headers: request.headers, body });
      response.setHeader('X-M2M-RSC', '2000');
      response.setHeader('X-M2M-RI', String(request.headers['x-m2m-ri']));
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    heard,
    async until(count) {
      await eventually(`${count} notifications`, () => heard.length >= count);
      return heard[heard.length - 1]!;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
