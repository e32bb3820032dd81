/** The reference for TR-069, as a worker: node:http alone, which answers CPEs with what it was given, and reads nothing that they say. */
import {
  createServer,
  request as httpRequest,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { RawAnswer } from './cwmp-load.ts';
import { urlOf } from './cwmp-strings.ts';
import { serveCommands } from './worker.ts';

/** What node adds by itself. */
const own = new Set(['date', 'keep-alive']);

function headersOf({ headers }: RawAnswer): string[] {
  return headers.flatMap((line) => {
    const colon = line.indexOf(':');
    return own.has(line.slice(0, colon).toLowerCase()) ? [] : [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
}

interface Prepared extends RawAnswer {
  lines: string[];
}

function prepared(answer: RawAnswer): Prepared {
  return { ...answer, lines: headersOf(answer) };
}

async function open(listener: RequestListener): Promise<number> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 20_000 }, resolve));
  return (server.address() as AddressInfo).port;
}

function say(response: ServerResponse, { status, lines, body }: Prepared): void {
  response.sendDate = false;
  response.writeHead(status, lines);
  response.end(body);
}

/** @param answers of a session, in their order. @returns the port */
function listen(answers: RawAnswer[]): Promise<number> {
  return openAcs(answers.map(prepared), () => {});
}

function openAcs(answers: Prepared[], ended: () => void): Promise<number> {
  const heard = new WeakMap<Socket, number>();
  return open((request, response) => {
    const at = heard.get(request.socket) ?? 0;
    heard.set(request.socket, at + 1);
    request.resume();
    request.on('end', () => {
      say(response, answers[at]!);
      if (at === answers.length - 1) ended();
    });
  });
}

const authorization =
  'Digest username="trivet-00000000", realm="CPE", nonce="0123456789abcdef", uri="/0", response="00000000000000000000000000000000", qop=auth, nc=00000001, cnonce="0000000000000000"';

/** One exchange of a connection request. */
function call(url: string, headers: Record<string, string>): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { agent: false, headers }, () => {
      resolve();
      request.destroy();
    });
    request.on('error', reject);
    request.end();
  });
}

interface Calling {
  /** Of the CPE's session, in their order. */
  answers: RawAnswer[];
  /** To the one who asked. */
  answer: RawAnswer;
  callPort: number;
}

/** A request, for a resource with the serial number of a CPE: that CPE is called, and its last message in the session ends it. One at a time. */
async function listenAndCall({ answers, answer, callPort }: Calling): Promise<{ mca: number; cwmp: number }> {
  let waiting: ServerResponse | undefined;
  const result = prepared(answer);
  const cwmp = await openAcs(answers.map(prepared), () => {
    if (waiting) say(waiting, result);
    waiting = undefined;
  });
  const mca = await open((request, response) => {
    waiting = response;
    const url = urlOf(callPort, Number(/BENCH(\d+)/.exec(request.url!)?.[1]));
    call(url, {})
      .then(() => call(url, { Authorization: authorization }))
      .catch((error: Error) => response.destroy(error));
  });
  return { mca, cwmp };
}

serveCommands({ listen, listenAndCall });
