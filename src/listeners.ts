/** Opening and closing of HTTP listeners that are not the Mca binding's own. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closeHttpServer } from './support/http-close.ts';

export interface HttpListener {
  address: string;
  port: number;
  close(deadline: Date): Promise<void>;
}

/** @throws an error whose sentence names the setting to change when the port cannot be had */
export async function listenHttp(
  handler: RequestListener,
  options: { name: string; host: string; port: number },
): Promise<HttpListener> {
  const server = createServer({ requestTimeout: 300_000, headersTimeout: 20_000, keepAliveTimeout: 30_000 }, handler);
  server.maxConnections = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explainListenError(error, options)));
    server.listen(options.port, options.host, resolve);
  });
  const { address, port } = server.address() as AddressInfo;
  return { address, port, close: (deadline) => closeHttpServer(server, deadline) };
}

/** A handler that is loaded at its first request, so that the gateway starts without it. */
export function onDemand(load: () => Promise<RequestListener>): RequestListener {
  let loading: Promise<RequestListener> | undefined;
  let handler: RequestListener | undefined;
  return (request, response) => {
    if (handler) return handler(request, response);
    loading ??= load().then((loaded) => (handler = loaded));
    loading.then(
      (loaded) => loaded(request, response),
      (error: Error) => response.writeHead(500, { 'content-type': 'text/plain' }).end(error.message),
    );
  };
}

/** Turns EADDRINUSE and its kind into a sentence with the setting to change. */
export function explainListenError(
  error: NodeJS.ErrnoException,
  { name, host, port }: { name: string; host: string; port: number },
): Error {
  const reasons: Record<string, string> = {
    EADDRINUSE: `port ${port} on ${host} is in use; choose another with --${name}-port (0 = any free port)`,
    EACCES: `port ${port} on ${host} needs more rights; choose one above 1023 with --${name}-port`,
    EADDRNOTAVAIL: `${host} is no address of this machine; change --${name}-bind or --bind`,
    ENOTFOUND: `${host} cannot be resolved; change --${name}-bind or --bind`,
  };
  return new Error(`the ${name} listener cannot open: ${reasons[error.code ?? ''] ?? error.message}`);
}

/** `http://127.0.0.1:8080`, with brackets around IPv6; a wildcard address is shown as loopback. */
export function urlOf(scheme: string, address: string, port: number): string {
  const shown = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
  return `${scheme}://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}
