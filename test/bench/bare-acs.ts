/** The reference for TR-069, as a worker: node:http alone, which answers Inform and empty POST with what it was given, and reads neither. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RawAnswer } from './cwmp-load.ts';
import { serveCommands } from './worker.ts';

/** What node adds by itself. */
const own = new Set(['date', 'keep-alive']);

function headersOf({ headers }: RawAnswer): string[] {
  return headers.flatMap((line) => {
    const colon = line.indexOf(':');
    return own.has(line.slice(0, colon).toLowerCase()) ? [] : [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
}

/** @param answers to a POST with a body, and to an empty one */
async function listen(answers: RawAnswer[]): Promise<number> {
  const [welcome, end] = answers.map((answer) => ({ ...answer, lines: headersOf(answer) }));
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let length = 0;
    request.on('data', (part: Buffer) => (length += part.length));
    request.on('end', () => {
      const { status, lines, body } = length > 0 ? welcome! : end!;
      response.sendDate = false;
      response.writeHead(status, lines);
      response.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

serveCommands({ listen });
