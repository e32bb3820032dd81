/** What is HTTP in the binding of SyncML (HTTP Binding 1.2): addresses, content types, answers. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isEncrypted } from '../../src/support/device-listeners.ts';
import { contentTypeOf, type Encoding } from './syncml/codec.ts';
import type { Header } from './syncml/message.ts';

/** Of the query of an address: which session. */
export const tokenName = 'sid';

/** Types of SyncML, and those that say nothing; none is fine, too. */
export function isAcceptable(contentType: string | undefined): boolean {
  const type = contentType?.split(';')[0]!.trim().toLowerCase() ?? '';
  return (
    type === '' ||
    /^application\/vnd\.syncml(\.dm)?\+(xml|wbxml)$/.test(type) ||
    type === 'text/xml' ||
    type === 'application/xml' ||
    type === 'application/octet-stream'
  );
}

/** What a session keeps of its header is small, so that many sessions are. */
export function longField({ source, target, sessionId, messageId }: Header): string | undefined {
  if (source.uri.length > 1024) return 'Source';
  if (target.uri.length > 4096) return 'Target';
  if (sessionId.length > 64) return 'SessionID';
  return messageId.length > 64 ? 'MsgID' : undefined;
}

export function targetOf(url = '/'): { path: string; token: string | undefined } {
  const mark = url.indexOf('?');
  if (mark < 0) return { path: withoutSlash(url), token: undefined };
  const token = new URLSearchParams(url.slice(mark + 1)).get(tokenName);
  return { path: withoutSlash(url.slice(0, mark)), token: token ?? undefined };
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** The address as the device knows it. */
export function addressAsked(request: IncomingMessage, path: string): string {
  const { localAddress = '127.0.0.1', localPort } = request.socket;
  const own = `${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`;
  const said = request.headers.host ?? '';
  const name = /^[A-Za-z0-9.\-_:[\]]{1,255}$/.test(said) ? said : own;
  return `${isEncrypted(request.socket) ? 'https' : 'http'}://${name}${path}`;
}

export function answerMessage(response: ServerResponse, octets: Buffer, encoding: Encoding): void {
  if (response.headersSent || response.destroyed) return;
  response.sendDate = false;
  response.statusCode = 200;
  response.setHeader('Content-Type', contentTypeOf(encoding));
  response.setHeader('Cache-Control', 'private');
  response.setHeader('Content-Length', octets.length);
  response.end(octets);
}

export function answer(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent || response.destroyed) return;
  response.sendDate = false;
  response.statusCode = status;
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.end(text);
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
