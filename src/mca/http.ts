/** The HTTP binding of Mca (TS-0009): a listener that turns requests into primitives for the CSE and answers with what it says. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Cse } from '../cse/cse.ts';
import { statusCodes } from '../onem2m/status-codes.ts';
import type { Log } from '../support/log.ts';
import type { Metrics } from '../support/metrics.ts';
import { defaultHttpLimits } from './limits.ts';
import type { HttpLimits } from './limits.ts';
import { createRequestMetrics } from './request-metrics.ts';
import { createSenderOf } from './sender.ts';
import { serveRequest } from './serve-request.ts';
import type { Authenticate, ServingContext } from './serve-request.ts';

export type { Authenticate } from './serve-request.ts';
export type { HttpLimits } from './limits.ts';

export interface HttpBindingOptions {
  cse: Cse;
  log: Log;
  metrics: Metrics;
  limits?: Partial<HttpLimits>;
  /** Addresses or blocks whose X-Forwarded-For is believed. */
  trustedProxies?: readonly string[];
  authenticate?: Authenticate;
}

export interface HttpBinding {
  /** Port 0 = any free one. Rejects when the address cannot be taken. */
  listen(at: { host: string; port: number }): Promise<{ address: string; port: number }>;
  /** Takes no more connections, answers what is in work until the deadline, then cuts what is left. */
  close(deadline: Date): Promise<void>;
}

/** Throws when `trustedProxies` has an entry that is no address or block. */
export function createHttpBinding(options: HttpBindingOptions): HttpBinding {
  const limits: HttpLimits = { ...defaultHttpLimits, ...options.limits };
  const context: ServingContext = {
    cse: options.cse,
    log: options.log,
    limits,
    senderOf: createSenderOf(options.trustedProxies ?? []),
    metrics: createRequestMetrics(options.metrics),
    ...(options.authenticate && { authenticate: options.authenticate }),
    state: { inFlight: 0, closing: false },
  };
  const server = createServer(
    {
      noDelay: true,
      keepAliveTimeout: limits.keepAliveTimeout,
      headersTimeout: limits.headersTimeout,
      requestTimeout: limits.requestTimeout,
      connectionsCheckingInterval: Math.max(100, Math.min(limits.headersTimeout / 2, 5000)),
    },
    (message, output) => void serveRequest(context, message, output),
  );
  server.maxConnections = limits.connections;
  server.on('clientError', refuseConnection);
  server.on('error', (error) => options.log.error({ error: error.message }, 'the Mca listener failed'));
  server.on('drop', () => {
    options.log.debug({ connections: limits.connections }, 'a connection over the limit was dropped');
  });
  return {
    listen: (at) => listen(server, at),
    close(deadline) {
      context.state.closing = true;
      return close(server, deadline);
    },
  };
}

/** What node's parser refuses never becomes a request: too long headers, wrong syntax, too slow. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, explanation] = statusOfParseError(error.code);
  const body = JSON.stringify({ 'm2m:dbg': explanation });
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nX-M2M-RSC: ${statusCodes.BAD_REQUEST}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

function statusOfParseError(code: string | undefined): [status: string, explanation: string] {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return ['431 Request Header Fields Too Large', 'the headers are larger than 16 KiB; send fewer or shorter ones'];
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return ['413 Payload Too Large', 'the chunk extensions are too large; leave them out'];
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return ['408 Request Timeout', 'the request did not arrive in time; send it again'];
    default:
      return ['400 Bad Request', 'this is not an HTTP/1.1 request; correct its syntax'];
  }
}

function listen(server: Server, { host, port }: { host: string; port: number }) {
  return new Promise<{ address: string; port: number }>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      const bound = server.address();
      if (bound === null || typeof bound === 'string') reject(new Error('the Mca listener has no IP address'));
      else resolve({ address: bound.address, port: bound.port });
    });
  });
}

function close(server: Server, deadline: Date): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), Math.max(0, deadline.getTime() - Date.now()));
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
