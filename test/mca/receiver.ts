/** A receiver of notifications on a free port of the loopback. */
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  content: Record<string, unknown>;
}

export interface Receiver {
  url: string;
  port: number;
  received: Received[];
  close(): Promise<void>;
}

/** `answer` ends the response; by default 200 with X-M2M-RSC 2000. */
export async function openReceiver(
  answer: (output: ServerResponse, received: Received) => void = (output) =>
    void output.writeHead(200, { 'X-M2M-RSC': '2000' }).end(),
  port = 0,
): Promise<Receiver> {
  const received: Received[] = [];
  const server: Server = createServer((message, output) => {
    let text = '';
    message.on('data', (chunk: Buffer) => (text += chunk.toString()));
    message.on('end', () => {
      const one = {
        path: message.url ?? '',
        headers: message.headers,
        content: JSON.parse(text) as Record<string, unknown>,
      };
      received.push(one);
      answer(output, one);
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
