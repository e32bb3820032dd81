/**
 * The HTTP side of the DM server (SyncML HTTP Binding 1.2): POSTs of devices in, one session per device, found by the address that the
 * session has told, and else by who speaks. It knows nothing of management: `OmadmHost` makes the device's half of every session.
 */
import { hash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
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
import { BodyError, readDeviceBody } from '../../src/support/device-request-body.ts';
import { createForwardedAddressOf, plainAddress } from '../../src/support/forwarded-address.ts';
import type { Log } from '../../src/support/log.ts';
import type { Authenticator } from './authenticator.ts';
import { Conversation, type Received, type Reply, type Responder } from './conversation.ts';
import type { SessionHost } from './exchange.ts';
import {
  addressAsked,
  answer,
  answerMessage,
  hasBody,
  isAcceptable,
  longField,
  targetOf,
  tokenName,
} from './http-binding.ts';
import { startsSession } from './incoming-package.ts';
import { DmSession } from './session.ts';
import type { Header } from './syncml/message.ts';
import {
  defaultSyncmlLimits,
  readMessageInTurns,
  SyncmlError,
  type Encoding,
  type ReadMessage,
} from './syncml/codec.ts';

export interface OmadmServerSettings extends ListenerSettings {
  /** A second listener, with TLS; undefined = there is none. */
  tls?: TlsSettings;
  /** Whose X-Forwarded-For is believed. */
  trustedProxies: readonly string[];
  /** Path of the address, `/omadm`. */
  path: string;
  /** Address as devices know it, `https://dm.example.org/omadm`; undefined = as they asked for it. */
  publicUrl?: string;
  /** Octets of a message that is taken, also unpacked. */
  maximumMessageBytes: number;
  /** Octets of a message to a device at most, and to one that does not say how many it takes. */
  maximumSentBytes: number;
  usualSentBytes: number;
  /** Octets of one object that is taken in parts. */
  maximumObjectBytes: number;
  /** Messages and octets of one package of a device. */
  maximumPackageMessages: number;
  maximumPackageBytes: number;
  /** More sessions than this: a device that begins one is answered 503. */
  maximumSessions: number;
  /** ms that a device may be silent in a session, and before it has proved who it is. */
  sessionTimeout: number;
  setupTimeout: number;
  /** `Connection: close` with the last answer of a session. */
  closeAfterSession: boolean;
}

export const defaultServerSettings: Readonly<OmadmServerSettings> = Object.freeze({
  host: '127.0.0.1',
  port: 7548,
  trustedProxies: [],
  path: '/omadm',
  maximumMessageBytes: defaultSyncmlLimits.octets,
  maximumSentBytes: 512 * 1024,
  usualSentBytes: 16 * 1024,
  maximumObjectBytes: 1024 * 1024,
  maximumPackageMessages: 1_000,
  maximumPackageBytes: 4 * 1024 * 1024,
  maximumConnections: 20_000,
  maximumSessions: 5_000,
  sessionTimeout: 300_000,
  setupTimeout: 60_000,
  requestTimeout: 60_000,
  closeAfterSession: true,
});

export interface OmadmHost {
  authenticator: Authenticator;
  /** The device's half of a session that begins. It is told nothing before package #1 is complete and proven. */
  begin(): SessionHost;
  /** A message of a device has arrived, or was answered. */
  exchanged(direction: 'in' | 'out'): void;
  /** A message was refused. */
  refused(reason: string): void;
}

export interface OmadmServer {
  /** `omadm`, and `omadms` when there is one with TLS. */
  readonly listeners: readonly Listener[];
  /** That are not at their end. */
  readonly sessions: number;
  /** Sessions end, then the connections. */
  close(deadline: Date): Promise<void>;
}

interface Session {
  token: string;
  /** Who speaks, from where: for devices that do not go to the address that they are told. */
  sender: string;
  encoding: Encoding;
  conversation: Conversation;
  /** It has used its address: then no other message is taken for one of this session. */
  usesToken: boolean;
  /** Source, once package #1 was proven. */
  device?: string;
}

/** s that a device shall wait when there are too many sessions. */
const retryAfter = 30;
/** ms in which the last answer of a session can be had again. */
const linger = 10_000;

/** @throws the error of the socket when a port cannot be had */
export async function openOmadmServer(
  host: OmadmHost,
  settings: OmadmServerSettings,
  { clock, log }: { clock: Clock; log: Log },
): Promise<OmadmServer> {
  const byToken = new Map<string, Session>();
  const bySender = new Map<string, Session>();
  const byDevice = new Map<string, Session>();
  const open = new Set<Session>();
  let stopping = false;
  const forwardedAddressOf = createForwardedAddressOf(settings.trustedProxies);
  const limits = { ...defaultSyncmlLimits, octets: settings.maximumMessageBytes };

  const below: ListenerHost = {
    serve(request, response) {
      host.exchanged('in');
      response.once('finish', () => host.exchanged('out'));
      serve(request, response).catch((error: unknown) => {
        log.error({ err: error }, 'a message of a device could not be served');
        answer(response, 500, 'internal error');
      });
    },
    refused: (reason) => host.refused(reason),
    log,
    names: { device: 'DM client', settings: 'omadm' },
  };

  function addressOf(request: IncomingMessage): string {
    return forwardedAddressOf(request) ?? plainAddress(request.socket?.remoteAddress) ?? '';
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { path, token } = targetOf(request.url);
    if (path !== settings.path) return refuse(request, response, 404, 'path', `devices POST to ${settings.path}`);
    if (request.method !== 'POST') {
      response.setHeader('Allow', 'POST');
      return refuse(request, response, 405, 'method', 'devices POST to this address');
    }
    const contentType = request.headers['content-type'];
    if (!isAcceptable(contentType)) {
      return refuse(request, response, 415, 'content-type', 'messages are application/vnd.syncml.dm+xml or +wbxml');
    }
    let octets: Buffer;
    try {
      octets = await readDeviceBody(request, settings.maximumMessageBytes, 'omadm.maximumMessageBytes');
    } catch (error) {
      if (!(error instanceof BodyError)) return; // the connection broke
      return refuse(request, response, error.reason === 'too-large' ? 413 : 415, error.reason, error.message);
    }
    let read: ReadMessage;
    try {
      read = await readMessageInTurns(octets, contentType, limits);
    } catch (error) {
      if (!(error instanceof SyncmlError)) throw error;
      return refuse(request, response, error.reason === 'too-large' ? 413 : 400, error.reason, error.message);
    }
    for (const warning of read.warnings) log.debug({ address: addressOf(request), warning }, 'odd OMA DM message');
    const tooLong = longField(read.message.header);
    if (tooLong !== undefined) {
      return refuse(request, response, 400, 'header', `${tooLong} of the header is too long; shorten it on the device`);
    }
    const hmac = request.headers['x-syncml-hmac'];
    const received: Received = {
      message: read.message,
      octets,
      key: hash('sha1', octets, 'base64'),
      hmac: typeof hmac === 'string' ? hmac : undefined,
    };
    route(request, response, token, received, read.encoding);
  }

  function route(
    request: IncomingMessage,
    response: ServerResponse,
    token: string | undefined,
    received: Received,
    encoding: Encoding,
  ): void {
    const { message } = received;
    const sender = senderOf(request, message.header);
    const session = sessionOf(token, sender);
    const relation = session?.conversation.relate(message, received.key);
    if (!session || relation === 'restart') {
      // The address of an old session is where some devices begin their next one.
      if (startsSession(message)) return begin(request, response, received, encoding, sender);
      return refuse(
        request,
        response,
        404,
        'no-session',
        'there is no such session: begin one with alert 1200 or 1201',
      );
    }
    // Proofs are for the Source: nobody goes on with the session of another.
    if (session.sender !== sender && sourceOf(session.sender) !== sourceOf(sender)) {
      return refuse(request, response, 404, 'no-session', 'this session is that of another device');
    }
    if (token !== undefined) session.usesToken = true;
    const responder = responderFor(session, response);
    switch (relation) {
      case 'next':
        return session.conversation.take(received, responder);
      case 'repeat':
        return session.conversation.repeat(responder);
      case 'late':
        if (!session.conversation.dismiss(message, responder)) host.refused('no-session');
        return;
      case 'disorder': {
        const { messageId } = message.header;
        const why = `message ${messageId.slice(0, 20)} is out of order: the one before is not answered, or is a later one`;
        return refuse(request, response, 400, 'wrong-order', why);
      }
    }
  }

  function begin(
    request: IncomingMessage,
    response: ServerResponse,
    received: Received,
    encoding: Encoding,
    sender: string,
  ): void {
    const { header } = received.message;
    const deviceId = header.source.uri;
    const older = byDevice.get(deviceId);
    // A device that begins anew takes the place of its own session, once it has proved who it is.
    const proven = byDevice.size - (older && open.has(older) ? 1 : 0);
    if (stopping || proven >= settings.maximumSessions || open.size >= 2 * settings.maximumSessions) {
      response.setHeader('Retry-After', retryAfter);
      return refuse(request, response, 503, 'busy', 'too many sessions now: try again later');
    }
    const address = addressOf(request);
    const token = randomUUID();
    const serverUri = settings.publicUrl ?? addressAsked(request, settings.path);
    const dm = new DmSession(header, {
      encoding,
      serverUri,
      responseUri: `${serverUri}${serverUri.includes('?') ? '&' : '?'}${tokenName}=${token}`,
      usualMessageBytes: settings.usualSentBytes,
      maximumMessageBytes: settings.maximumSentBytes,
      receivedMessageBytes: settings.maximumMessageBytes,
      maximumObjectBytes: settings.maximumObjectBytes,
      maximumPackageMessages: settings.maximumPackageMessages,
      maximumPackageBytes: settings.maximumPackageBytes,
    });
    const device = host.begin();
    const proofs = host.authenticator.begin({
      deviceId,
      address,
      encrypted: isEncrypted(request.socket),
      certificateNames: certificateNames(request.socket),
    });
    const conversation: Conversation = new Conversation(
      dm,
      {
        device: {
          arrived(arrival, exchange) {
            byDevice.get(deviceId)?.conversation.lose('the device began a new session');
            byDevice.set(deviceId, session);
            session.device = deviceId;
            return device.arrived({ ...arrival, deviceId, header: withoutSecrets(header), address }, exchange);
          },
          alerted: (alert, items) => device.alerted(alert, items),
          think: () => device.think(),
          ended(why) {
            end(session);
            // A session that nobody has heard of ends for nobody.
            if (session.device !== undefined) device.ended(why);
          },
        },
        failed: (error) => log.error({ err: error, device: deviceId.slice(0, 200) }, 'a session of a DM client failed'),
        refused(reason, why) {
          host.refused(reason);
          log.warn({ address, device: deviceId.slice(0, 200), reason, why }, 'a message of a DM client is refused');
        },
      },
      proofs,
      { clock, silence: settings.sessionTimeout, setupSilence: settings.setupTimeout },
    );
    const session: Session = { token, sender, encoding, conversation, usesToken: false };
    byToken.set(token, session);
    bySender.set(sender, session);
    open.add(session);
    conversation.take(received, responderFor(session, response));
  }

  /** The token outranks the sender. A token that we do not know names no session. */
  function sessionOf(token: string | undefined, sender: string): Session | undefined {
    if (token !== undefined) return byToken.get(token);
    const session = bySender.get(sender);
    return session?.usesToken ? undefined : session;
  }

  /** Without a token: Source and SessionID, from the same address. Who knows only the two is nobody. */
  function senderOf(request: IncomingMessage, { source, sessionId }: Header): string {
    return JSON.stringify([source.uri, sessionId, addressOf(request)]);
  }

  function end(session: Session): void {
    open.delete(session);
    if (session.device !== undefined && byDevice.get(session.device) === session) byDevice.delete(session.device);
    clock.after(linger, () => {
      byToken.delete(session.token);
      if (bySender.get(session.sender) === session) bySender.delete(session.sender);
    });
  }

  function responderFor(session: Session, response: ServerResponse): Responder {
    const responder: Responder = {
      reply({ status, octets, headers, last }: Reply) {
        if (status === 503) host.refused('lost');
        if (last && settings.closeAfterSession) response.setHeader('Connection', 'close');
        if (status !== 200) return answer(response, status, octets.toString());
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
        answerMessage(response, octets, session.encoding);
      },
    };
    response.on('close', () => {
      if (!response.writableFinished) session.conversation.undelivered(responder);
    });
    return responder;
  }

  function refuse(
    request: IncomingMessage,
    response: ServerResponse,
    status: number,
    reason: string,
    why: string,
  ): void {
    host.refused(reason);
    log.warn({ address: addressOf(request), status, reason, why }, 'a message of a DM client is refused');
    // What follows on this connection would be the rest of a body that nobody reads.
    if (!request.complete && hasBody(request)) response.setHeader('Connection', 'close');
    answer(response, status, why);
  }

  const plain = await openPlainListener(below, settings);
  const tls = settings.tls && (await openTlsListener(below, settings, settings.tls).catch(closing(plain)));

  return {
    listeners: [
      listenerOf('omadm', 'http', plain, settings.path),
      ...(tls ? [listenerOf('omadms', 'https', tls, settings.path)] : []),
    ],
    get sessions() {
      return open.size;
    },
    async close(deadline) {
      stopping = true;
      const closed = Promise.all([plain.close(deadline), tls?.close(deadline)]);
      for (const { conversation } of open) conversation.lose('the gateway is stopping');
      await closed;
    },
  };
}

function sourceOf(sender: string): unknown {
  return (JSON.parse(sender) as unknown[])[0];
}

/** What goes on to the device's half, and may be traced there. */
function withoutSecrets<H extends { credential?: unknown }>(header: H): H {
  const { credential: _, ...rest } = header;
  return rest as H;
}

function listenerOf(name: string, scheme: string, { address, port }: OpenListener, path: string): Listener {
  const host = address.includes(':') ? `[${address}]` : address;
  return { name, url: `${scheme}://${host}:${port}${path}`, address, port };
}

/** The port of the other listener cannot be had: this one goes, too. The error names the listener. */
function closing(plain: OpenListener): (error: Error) => Promise<never> {
  return async (error) => {
    await plain.close(new Date());
    throw Object.assign(error, { listener: 'omadms' });
  };
}
