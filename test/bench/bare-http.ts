/** The reference for HTTP, as a worker: node:http alone, which answers every request with the same head and the same octets. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveCommands } from './worker.ts';

async function listen({ headers, body }: { headers: string[]; body: string }): Promise<number> {
  const server = createServer((_request, response) => {
    response.writeHead(200, headers);
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

serveCommands({ listen });
