/** Takes notifications and counts them, as a worker. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveCommands } from './worker.ts';

let count = 0;
const server = createServer((request, response) => {
  request.resume();
  count += 1;
  const identifier = String(request.headers['x-m2m-ri'] ?? '');
  response.writeHead(200, ['X-M2M-RSC', '2000', 'X-M2M-RI', identifier, 'Content-Length', '0']);
  response.end();
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

serveCommands({ port: () => (server.address() as AddressInfo).port, count: () => count });
