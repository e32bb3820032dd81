/** Sockets for devices that speak HTTP: plain, and over TLS beside it. Above them a connection is a connection. */
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { TLSSocket, type SecureVersion } from 'node:tls';
import { closeHttpServer } from './http-close.ts';
import type { LiveTls } from './live-tls.ts';
import type { Log } from './log.ts';
import type { TlsFiles } from './tls-files.ts';

export interface ListenerSettings {
  host: string;
  /** 0 = any free port. */
  port: number;
  maximumConnections: number;
  /** ms for the head and the body of a request to arrive. */
  requestTimeout: number;
  /** ms that a connection may be idle. */
  sessionTimeout: number;
}

export interface TlsSettings {
  host: string;
  /** 0 = any free port. */
  port: number;
  files: LiveTls;
  minimumVersion: SecureVersion;
  /** `required`: without a good one the handshake fails. */
  clientCertificate: 'none' | 'optional' | 'required';
}

export interface OpenListener {
  address: string;
  port: number;
  close(deadline: Date): Promise<void>;
}

export interface ListenerHost {
  serve(request: IncomingMessage, response: ServerResponse): void;
  /** What came is no HTTP, or no TLS. */
  refused(reason: 'http' | 'tls'): void;
  log: Log;
  /** For the sentences: what a device is called here, and how the settings of its listener begin. */
  names: { device: string; settings: string };
}

/** ms for the head of a request, and for a TLS handshake. */
const patience = 20_000;

function httpOptions({ requestTimeout, sessionTimeout }: ListenerSettings) {
  return {
    requestTimeout,
    headersTimeout: Math.min(requestTimeout, patience),
    // Between two messages of a session the connection is idle as long as the device thinks.
    keepAliveTimeout: sessionTimeout,
    connectionsCheckingInterval: Math.min(5_000, requestTimeout),
    maxHeaderSize: 16_384,
  };
}

/** @throws the error of the socket when the port cannot be had */
export async function openPlainListener(host: ListenerHost, settings: ListenerSettings): Promise<OpenListener> {
  const server = createHttpServer(httpOptions(settings), (request, response) => host.serve(request, response));
  answerBrokenHttp(server, host);
  return listen(server, settings);
}

/** @throws the error of the socket when the port cannot be had */
export async function openTlsListener(
  host: ListenerHost,
  settings: ListenerSettings,
  tls: TlsSettings,
): Promise<OpenListener> {
  const server = createHttpsServer(
    {
      ...httpOptions(settings),
      ...contextOf(tls, tls.files.current),
      requestCert: tls.clientCertificate !== 'none',
      rejectUnauthorized: tls.clientCertificate === 'required',
      handshakeTimeout: Math.min(settings.requestTimeout, patience),
    },
    (request, response) => host.serve(request, response),
  );
  tls.files.follow((files) => server.setSecureContext(contextOf(tls, files)));
  const failed = new WeakSet<Socket>();
  // Before node:https, which would hand it on as broken HTTP.
  server.prependListener('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    failed.add(socket);
    tellHandshake(host, error, socket);
    socket.destroy();
  });
  answerBrokenHttp(server, host, failed);
  const unfinished = new Map<string, Socket>();
  server.on('connection', (socket: Socket) => {
    const name = nameOf(socket);
    unfinished.set(name, socket);
    socket.once('close', () => {
      if (unfinished.get(name) === socket) unfinished.delete(name);
    });
  });
  server.on('secureConnection', (socket: TLSSocket) => void unfinished.delete(nameOf(socket)));
  const open = await listen(server, { ...settings, ...tls });
  return {
    ...open,
    async close(deadline) {
      const closed = open.close(deadline);
      // node:http knows nothing of a connection before its handshake, and would wait for it.
      for (const socket of unfinished.values()) socket.destroy();
      await closed;
    },
  };
}

function contextOf({ minimumVersion }: TlsSettings, { cert, key, ca }: TlsFiles) {
  const isOld = minimumVersion === 'TLSv1' || minimumVersion === 'TLSv1.1';
  // OpenSSL 3 has no signature for the old versions above its level 0.
  return { cert, key, ca, minVersion: minimumVersion, ...(isOld ? { ciphers: 'DEFAULT:@SECLEVEL=0' } : {}) };
}

async function listen(
  server: Server,
  { host, port, maximumConnections }: Pick<ListenerSettings, 'host' | 'port' | 'maximumConnections'>,
): Promise<OpenListener> {
  server.maxConnections = maximumConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // After a power cut a whole fleet knocks in one moment; the system holds this to its own limit (net.core.somaxconn).
    server.listen({ port, host, backlog: maximumConnections }, resolve);
  });
  const bound = server.address() as AddressInfo;
  return { address: bound.address, port: bound.port, close: (deadline) => closeHttpServer(server, deadline) };
}

function answerBrokenHttp(server: Server, { refused, log, names }: ListenerHost, failed?: WeakSet<Socket>): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (failed?.has(socket as Socket)) return;
    refused('http');
    log.debug({ err: error }, `a connection of a ${names.device} broke, or spoke no HTTP`);
    if (error.code !== 'ECONNRESET' && socket.writable)
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    else socket.destroy();
  });
}

/** One line for the operator, who has to find out why a device does not come. */
function tellHandshake({ refused, log, names }: ListenerHost, error: NodeJS.ErrnoException, socket: TLSSocket): void {
  const why = handshakeProblem(error, socket, names.settings);
  const address = socket.remoteAddress;
  if (why === undefined) {
    log.debug({ err: error, address }, 'a connection broke before its TLS handshake was over');
    return;
  }
  refused('tls');
  log.warn({ address, why }, 'a TLS handshake is refused');
}

const handshakeProblems: Readonly<Record<string, string>> = {
  ERR_SSL_HTTP_REQUEST: 'it spoke HTTP without TLS',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'it knows only versions of TLS below tls.minimumVersion',
  ERR_SSL_VERSION_TOO_LOW: 'it knows only versions of TLS below tls.minimumVersion',
  ERR_SSL_NO_SHARED_CIPHER: 'it has no cipher in common with the gateway',
  ERR_SSL_WRONG_VERSION_NUMBER: 'what it sent is no TLS',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'it does not know the authority of tls.certificate',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'it does not take tls.certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'it does not take tls.certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'it takes tls.certificate for expired',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'it did not end the handshake in time',
};

/** Undefined: the connection broke, and nobody is to blame. */
function handshakeProblem(error: NodeJS.ErrnoException, socket: TLSSocket, settings: string): string | undefined {
  if (socket.authorizationError) {
    const reason = String(socket.authorizationError);
    return `its certificate is from none of ${settings}.clientAuthorities, or not valid (${reason})`;
  }
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return undefined;
  if (error.code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') {
    return `it showed no certificate, and ${settings}.clientCertificate is required`;
  }
  return handshakeProblems[error.code ?? ''] ?? `${error.code ?? error.message}`;
}

/** Of one connection, before and after the handshake. */
function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

export function isEncrypted(socket: Socket): boolean {
  return socket instanceof TLSSocket;
}

/** CN and subject alternative names of a certificate that was verified; undefined when there is none. */
export function certificateNames(socket: Socket): string[] | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const { subject, subjectaltname } = socket.getPeerCertificate();
  return [subject?.CN ?? [], alternativeNames(subjectaltname ?? '')].flat().filter((name) => name !== '');
}

/** Host names and URIs. Node writes what could be taken for several names as one JSON string. */
export function alternativeNames(text: string): string[] {
  const names: string[] = [];
  const part = /([^:,]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;
  for (let match = part.exec(text); match; match = part.exec(text)) {
    const [, type = '', value = ''] = match;
    if (type !== 'DNS' && type !== 'URI') continue;
    names.push(value.startsWith('"') ? String(JSON.parse(value)) : value);
  }
  return names;
}
