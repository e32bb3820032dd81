import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Credentials, DigestStyle } from './digest.ts';
import { DigestGuard } from './digest.ts';
import type { Faults } from './faults.ts';
import type { Quirk } from './quirks.ts';

/** Who is woken at a path of the connection-request server. */
export interface Sleeper {
  readonly faults: Faults;
  readonly quirks: ReadonlySet<Quirk>;
  credentials(): Credentials;
  /** In a session, or without power. */
  state(): 'free' | 'busy' | 'down';
  /** How a request was answered, for the journal; the session begins when it is `woken`. */
  answered(how: string, woken: boolean): void;
}

interface Door {
  sleeper: Sleeper;
  guard: DigestGuard;
  count: number;
}

/** ms that a challenge has to arrive before the reset. */
const resetAfter = 20;

/** The HTTP server for connection requests (TR-069 3.2.2). A proxier has one for itself and its Virtual Devices, each with a path of its own. */
export class WakeServer {
  readonly #doors = new Map<string, Door>();
  readonly #server: Server;
  readonly #style: DigestStyle;

  constructor(style: DigestStyle = {}) {
    this.#style = style;
    this.#server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) =>
      this.#knock(request, response),
    );
    this.#server.maxConnections = 50;
  }

  async listen(address: string, port = 0): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, address, () => resolve());
    });
  }

  /** The URL of a path. */
  url(path: string): string {
    const { address, family, port } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}${path}`;
  }

  open(path: string, sleeper: Sleeper): void {
    this.#doors.set(path, { sleeper, guard: new DigestGuard(this.#style), count: 0 });
  }

  close(path: string): void {
    this.#doors.delete(path);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #knock(request: IncomingMessage, response: ServerResponse): void {
    const door = this.#doors.get(request.url ?? '');
    if (!door) return reply(response, 404);
    const { sleeper, guard } = door;
    const { faults, quirks } = sleeper;
    const state = sleeper.state();
    if (state === 'down' || faults.connectionRequest === 'reset') {
      request.socket.destroy();
      return sleeper.answered('not heard', false);
    }
    if (faults.connectionRequest === 'silent') return sleeper.answered('not answered (fault on request)', false);
    if (faults.connectionRequest === 'not-found') {
      reply(response, 404);
      return sleeper.answered('404 (fault on request)', false);
    }
    if (request.method !== 'GET') {
      reply(response, 405);
      return sleeper.answered('405', false);
    }
    if (faults.connectionRequest !== 'open') {
      const right = guard.check(request.headers.authorization, 'GET', request.url ?? '', sleeper.credentials());
      if (right !== 'right') {
        const challenge = guard.challenge(right === 'stale');
        if (quirks.has(39)) replyAndReset(request, challenge);
        else {
          response.setHeader('WWW-Authenticate', challenge);
          reply(response, 401);
        }
        if (request.headers.authorization !== undefined) sleeper.answered(`401 (${right})`, false);
        return;
      }
    }
    door.count += 1;
    if (faults.connectionRequest === 'busy' || state === 'busy' || (quirks.has(40) && door.count % 2 === 1)) {
      reply(response, 503);
      return sleeper.answered('503', false);
    }
    if (quirks.has(39)) {
      response.setHeader('Content-Type', 'text/plain');
      response.end('OK');
    } else reply(response, 200);
    sleeper.answered('200', faults.connectionRequest !== 'ignored');
  }
}

function reply(response: ServerResponse, status: number): void {
  response.statusCode = status;
  response.setHeader('Content-Length', 0);
  response.end();
}

/** Quirk 39. Past the response object of Node, which would have begun to close the connection in good order. */
function replyAndReset({ socket }: IncomingMessage, challenge: string): void {
  socket.write(`HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: ${challenge}\r\nContent-Length: 0\r\n\r\n`);
  setTimeout(() => socket.resetAndDestroy(), resetAfter).unref();
}
