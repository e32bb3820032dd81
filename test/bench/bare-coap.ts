/** The reference for CoAP, as a worker: node-coap's server that answers at once, and its agent that asks. */
import { createSocket } from 'node:dgram';
import { Agent, createServer, request as coapRequest } from 'coap';
import type { Tally } from './rounds.ts';
import { serveCommands } from './worker.ts';

async function listen(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  let registrations = 0;
  const server = createServer((request, response) => {
    // A registration has a query, an Update goes to its location.
    if (request.url.includes('?')) {
      registrations = (registrations + 1) % 1_000_000;
      response.setOption('Location-Path', `/rd/location${String(registrations).padStart(4, '0')}`);
      response.code = '2.01';
    } else response.code = '2.04';
    response.end();
  });
  server.listen(socket);
  return socket.address().port;
}

const agent = new Agent({ type: 'udp4' });

function read(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = coapRequest({ hostname: '127.0.0.1', port, pathname: '/3/0', agent });
    outgoing.on('response', (incoming) => resolve(incoming.payload.length));
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** One read at a time from each port. @returns how many */
async function reads({ ports, seconds }: { ports: number[]; seconds: number }): Promise<Tally> {
  let count = 0;
  const started = performance.now();
  const until = started + seconds * 1000;
  await Promise.all(
    ports.map(async (port) => {
      while (performance.now() < until) {
        const length = await read(port);
        if (length !== 142) throw new Error(`a read answered ${length} octets`);
        count += 1;
      }
    }),
  );
  return { count, seconds: (performance.now() - started) / 1000 };
}

serveCommands({ listen, reads });
