/**
 * The HTTP side of the ACS: POSTs of CPEs in, one session per device, found by its cookie and else by its connection. It
 * knows nothing of management: `CwmpHost` says who may come in, stores what is said, and drives the sessions.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Listener } from '../../src/management/adapter.ts';
import type { Clock } from '../../src/support/clock.ts';
import {
  certificateNames,
  isEncrypted,
  openPlainListener,
  openTlsListener,
  type ListenerHost,
  type ListenerSettings,
  type OpenListener,
  type TlsSettings,
} from '../../src/support/device-listeners.ts';
import { BodyError, isBlank, readDeviceBody } from '../../src/support/device-request-body.ts';
import { createForwardedAddressOf, plainAddress } from '../../src/support/forwarded-address.ts';
import type { Log } from '../../src/support/log.ts';
import { decodeBody } from './charset.ts';
import { Conversation, type ConversationHost, type Exchange, type Reply } from './conversation.ts';
import { cookiesIn, newCookie, setCookie } from './cookies.ts';
import { readIncoming, type CpeRequest, type Incoming, type Inform } from './rpc.ts';
import { freshSession } from './session.ts';
import { defaultSoapLimits, faultBody, readEnvelopeInTurns, SoapError, writeEnvelope, type Envelope } from './soap.ts';

export interface CwmpServerSettings extends ListenerSettings {
  /** A second listener, with TLS; undefined = there is none. */
  tls?: TlsSettings;
  /** Whose X-Forwarded-For is believed. */
  trustedProxies: readonly string[];
  /** Octets of a body, also unpacked. */
  maximumBodyBytes: number;
  /** More sessions than this: an Inform is answered 503 (quirk 47). */
  maximumSessions: number;
  /** ms that a CPE may be silent in a session; at least 30 s by TR-069. */
  sessionTimeout: number;
  /** `Connection: close` with the last answer of a session (quirk 38). */
  closeAfterSession: boolean;
}

export const defaultServerSettings: Readonly<CwmpServerSettings> = Object.freeze({
  host: '127.0.0.1',
  port: 7547,
  trustedProxies: [],
  maximumBodyBytes: 16 * 1024 * 1024,
  maximumConnections: 20_000,
  maximumSessions: 5_000,
  sessionTimeout: 60_000,
  requestTimeout: 60_000,
  closeAfterSession: true,
});

/** The message that begins a session, and what is known of its sender. */
export interface Arrival {
  inform: Inform;
  envelope: Envelope;
  /** Address of the CPE, for people. */
  address: string;
  authorization: string | undefined;
  body: Uint8Array;
  /** It came over TLS: Basic tells nobody the password. */
  encrypted: boolean;
  /** Names in the certificate of the CPE, when TLS has proved one. */
  certificateNames: readonly string[] | undefined;
}

export type Welcome =
  /** Key of the device: a session of it that is still open is dead now. */
  | {
      admit: 'yes';
      key: string;
      declaration?: boolean;
      host: (conversation: Conversation) => SessionHost;
    }
  /** Values of WWW-Authenticate; `wrong`: it has shown credentials, and they are not the right ones. */
  | { admit: 'challenge'; challenges: string[]; why: string; wrong: boolean }
  | { admit: 'no'; code: number; why: string };

/** What the device's side does in a session; `store` gets the Inform first of all. */
export type SessionHost = Omit<ConversationHost, 'refused'>;

export interface CwmpHost {
  /** Before any state is made (quirk 33). Never rejects. */
  welcome(arrival: Arrival): Promise<Welcome>;
  /** A request of a CPE has arrived, or was answered. */
  exchanged(direction: 'in' | 'out'): void;
  /** A message was refused. */
  refused(reason: string): void;
}

export interface CwmpServer {
  /** `cwmp`, and `cwmps` when there is one with TLS. */
  readonly listeners: readonly Listener[];
  readonly sessions: number;
  /** Sessions that wait for their CPE end; then the connections. */
  close(deadline: Date): Promise<void>;
}

interface Session {
  key: string;
  cookie: string;
  conversation: Conversation;
  socket: Socket;
}

/** s that a CPE shall wait when there are too many sessions; most do not look at it. */
const retryAfter = 30;
const lingerAfterSession = 5_000;
const minimumSilence = 30_000;
const maximumSilence = 600_000;

/** @throws the error of the socket when the port cannot be had */
export async function openCwmpServer(
  host: CwmpHost,
  settings: CwmpServerSettings,
  { clock, log }: { clock: Clock; log: Log },
): Promise<CwmpServer> {
  const byCookie = new Map<string, Session>();
  const byKey = new Map<string, Session>();
  /** `shared`: a proxy in front carries several CPEs over it, so it tells nobody (quirk 30). */
  const bySocket = new WeakMap<Socket, Session | 'shared'>();
  /** Sessions that are not at their end: those that only linger cost nothing. */
  const open = new Set<Session>();
  /** Informs of which it is not known yet who sent them. */
  let arriving = 0;
  let stopping = false;

  const forwardedAddressOf = createForwardedAddressOf(settings.trustedProxies);
  const below: ListenerHost = {
    serve(request, response) {
      host.exchanged('in');
      response.once('finish', () => host.exchanged('out'));
      serve(request, response).catch((error: unknown) => {
        log.error({ err: error }, 'a request of a CPE could not be served');
        answer(response, 500, 'internal error');
      });
    },
    refused: (reason) => host.refused(reason),
    log,
    names: { device: 'CPE', settings: 'cwmp' },
  };

  function addressOf(request: IncomingMessage): string {
    return forwardedAddressOf(request) ?? plainAddress(request.socket?.remoteAddress) ?? '';
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') return refuse(request, response, 405, 'method', 'CPEs send POST to this address');
    let octets: Buffer;
    try {
      octets = await readDeviceBody(request, settings.maximumBodyBytes, 'cwmp.maximumBodyBytes');
    } catch (error) {
      if (!(error instanceof BodyError)) return; // the connection broke
      const status = error.reason === 'too-large' ? 413 : 415;
      return refuse(request, response, status, error.reason, error.message);
    }
    // quirk 36
    if (isBlank(octets)) return serveEmpty(request, response);
    const { text, warnings } = decodeBody(octets, request.headers['content-type']);
    let envelope: Envelope;
    let incoming: Incoming;
    try {
      envelope = await readEnvelopeInTurns(text, { ...defaultSoapLimits, characters: settings.maximumBodyBytes });
      incoming = readIncoming(envelope);
    } catch (error) {
      if (!(error instanceof SoapError)) throw error;
      return serveUnreadable(request, response, error);
    }
    for (const warning of [...warnings, ...envelope.warnings])
      log.debug({ address: addressOf(request), warning }, 'odd CWMP message');
    if (incoming.kind === 'request' && incoming.request.method === 'Inform') {
      return serveInform(request, response, { envelope, text, octets, inform: incoming.request });
    }
    const session = sessionOf(request);
    if (!session) return refuse(request, response, 400, 'no-session', 'there is no session: send an Inform first');
    session.conversation.take(incoming, text, envelope.header.id, exchangeFor(session, response));
  }

  function serveEmpty(request: IncomingMessage, response: ServerResponse): void {
    const session = sessionOf(request);
    // Nothing was asked, and nothing is to be said (TR-069 3.7.1.4).
    if (!session) return answer(response, 204, '');
    session.conversation.take({ kind: 'empty' }, '', undefined, exchangeFor(session, response));
  }

  function serveUnreadable(request: IncomingMessage, response: ServerResponse, error: SoapError): void {
    host.refused(error.reason);
    log.warn({ address: addressOf(request), reason: error.reason, why: error.message }, 'a CWMP message is unreadable');
    const session = sessionOf(request);
    if (!session) return answer(response, 400, error.message);
    session.conversation.take(
      { kind: 'unreadable', why: error.message },
      '',
      undefined,
      exchangeFor(session, response),
    );
  }

  async function serveInform(
    request: IncomingMessage,
    response: ServerResponse,
    { envelope, text, octets, inform }: { envelope: Envelope; text: string; octets: Buffer; inform: Inform },
  ): Promise<void> {
    const { header, namespace } = envelope;
    // Before anything is known of the sender, and so cheap: a device may have come to take the place of its own session.
    if (stopping || open.size + arriving >= 2 * settings.maximumSessions) return refuseBusy(request, response);
    const address = addressOf(request);
    arriving++;
    const welcome = await host
      .welcome({
        inform,
        envelope,
        address,
        authorization: request.headers.authorization,
        body: octets,
        encrypted: isEncrypted(request.socket),
        certificateNames: certificateNames(request.socket),
      })
      .finally(() => arriving--);
    switch (welcome.admit) {
      case 'challenge':
        response.setHeader('WWW-Authenticate', welcome.challenges);
        if (welcome.wrong) {
          host.refused('unauthenticated');
          log.warn({ address, why: welcome.why }, 'a CPE shows wrong credentials');
        } else log.debug({ address, why: welcome.why }, 'a CPE is challenged');
        // Why is for the log: it would tell a stranger whom we know.
        return answer(response, 401, 'credentials are needed');
      case 'no': {
        host.refused('not-admitted');
        log.warn({ address, why: welcome.why }, 'a CPE is not admitted');
        return answer(
          response,
          200,
          writeEnvelope({ namespace, id: header.id, body: faultBody(welcome.code, welcome.why) }),
          true,
        );
      }
      case 'yes':
        break;
    }
    // An older session of the device is dead: power cut, or NAT that forgot (quirk 32). Its place is free for the new one.
    const older = byKey.get(welcome.key);
    const others = open.size - (older && open.has(older) ? 1 : 0);
    if (stopping || others >= settings.maximumSessions) return refuseBusy(request, response);
    older?.conversation.lose('the CPE began a new session');
    const silence = Math.min(
      Math.max(settings.sessionTimeout, (header.sessionTimeout ?? 0) * 1000, minimumSilence),
      maximumSilence,
    );
    const state = freshSession({
      namespace,
      declaration: welcome.declaration ?? false,
      useVersion: header.supportedVersions ? newestOf(header.supportedVersions) : undefined,
    });
    let inner: SessionHost | undefined;
    const conversation = new Conversation(
      state,
      {
        store: (said) => inner!.store(said),
        heard: () => inner!.heard(),
        think: () => inner!.think(),
        refused(reason, why) {
          host.refused(reason);
          const fields = { address, device: welcome.key, reason, why };
          // A method that we do not know is no fault of the CPE.
          if (reason === 'unknown-method') log.info(fields, 'a message of a CPE is refused');
          else log.warn(fields, 'a message of a CPE is refused');
        },
        ended: (why) => {
          remove(session);
          inner!.ended(why);
        },
      },
      { clock, silence, linger: lingerAfterSession },
    );
    const session: Session = { key: welcome.key, cookie: newCookie(), conversation, socket: request.socket };
    inner = welcome.host(conversation);
    byCookie.set(session.cookie, session);
    byKey.set(session.key, session);
    open.add(session);
    const before = bySocket.get(request.socket);
    const isShared = before === 'shared' || (before !== undefined && before.key !== session.key);
    bySocket.set(request.socket, isShared ? 'shared' : session);
    response.setHeader('Set-Cookie', setCookie(session.cookie));
    const first: CpeRequest = inform;
    conversation.take({ kind: 'request', request: first }, text, header.id, exchangeFor(session, response));
  }

  function refuseBusy(request: IncomingMessage, response: ServerResponse): void {
    response.setHeader('Retry-After', retryAfter);
    refuse(request, response, 503, 'busy', 'too many sessions now: try again later');
  }

  /** A cookie outranks the connection (quirks 28 to 31). One that we do not know says that the session is over. */
  function sessionOf(request: IncomingMessage): Session | undefined {
    const cookies = cookiesIn(request.headers.cookie);
    for (const cookie of cookies) {
      const session = byCookie.get(cookie);
      if (session) return session;
    }
    const session = bySocket.get(request.socket);
    if (cookies.length > 0 || session === undefined || session === 'shared') return undefined;
    return byCookie.get(session.cookie) === session ? session : undefined;
  }

  function exchangeFor(session: Session, response: ServerResponse): Exchange {
    const exchange: Exchange = {
      connection: response.req.socket,
      reply({ status, text, last }: Reply) {
        if (status === 503) host.refused('lost');
        if (last) open.delete(session);
        if (last && settings.closeAfterSession) response.setHeader('Connection', 'close');
        answer(response, status, text, status === 200);
      },
    };
    response.on('close', () => {
      if (!response.writableFinished) session.conversation.undelivered(exchange);
    });
    return exchange;
  }

  function remove(session: Session): void {
    open.delete(session);
    byCookie.delete(session.cookie);
    if (byKey.get(session.key) === session) byKey.delete(session.key);
  }

  function refuse(
    request: IncomingMessage,
    response: ServerResponse,
    status: number,
    reason: string,
    why: string,
  ): void {
    host.refused(reason);
    log.warn({ address: addressOf(request), status, reason, why }, 'a request of a CPE is refused');
    // What follows on this connection would be the rest of a body that nobody reads.
    if (!request.complete && hasBody(request)) response.setHeader('Connection', 'close');
    answer(response, status, why);
  }

  const plain = await openPlainListener(below, settings);
  const tls = settings.tls && (await openTlsListener(below, settings, settings.tls).catch(closing(plain)));

  return {
    listeners: [listenerOf('cwmp', 'http', plain), ...(tls ? [listenerOf('cwmps', 'https', tls)] : [])],
    get sessions() {
      return open.size;
    },
    async close(deadline) {
      stopping = true;
      const closed = Promise.all([plain.close(deadline), tls?.close(deadline)]);
      for (const { conversation } of byCookie.values()) conversation.lose('the gateway is stopping');
      await closed;
    },
  };
}

function listenerOf(name: string, scheme: string, { address, port }: OpenListener): Listener {
  const host = address.includes(':') ? `[${address}]` : address;
  return { name, url: `${scheme}://${host}:${port}`, address, port };
}

/** The port of the other listener cannot be had: this one goes, too. The error names the listener. */
function closing(plain: OpenListener): (error: Error) => Promise<never> {
  return async (error) => {
    await plain.close(new Date());
    throw Object.assign(error, { listener: 'cwmps' });
  };
}

/** Plain, with its length, and few header lines: there are CPEs that read nothing else (quirk 37). */
function answer(response: ServerResponse, status: number, text: string, isEnvelope = false): void {
  if (response.headersSent || response.destroyed) return;
  response.sendDate = false;
  response.statusCode = status;
  if (status === 204) {
    response.end();
    return;
  }
  response.setHeader('Content-Type', isEnvelope ? 'text/xml; charset="utf-8"' : 'text/plain; charset=utf-8');
  response.setHeader('Content-Length', Buffer.byteLength(text));
  // As text it leaves together with the head.
  response.end(text);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** The newest version of those that we speak too: 1.0 to 1.4. */
function newestOf(versions: readonly string[]): string {
  const spoken = versions.filter((version) => /^1\.[0-4]$/.test(version)).sort();
  return spoken.at(-1) ?? '1.0';
}
