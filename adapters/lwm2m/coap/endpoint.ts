/**
 * A CoAP endpoint on one transport, client and server at once (RFC 7252, 7641, 7959, 8132). Peers are apart: an answer counts only
 * from the peer that was asked, and no peer waits for another one. Everything that is kept is bounded by the settings.
 */
import type { Clock } from '../../../src/support/clock.ts';
import type { Log } from '../../../src/support/log.ts';
import type { Metrics } from '../../../src/support/metrics.ts';
import { collectBlocks } from './block-download.ts';
import { bufferSource, exponentOf, uploadBlocks, type BodySource } from './block-upload.ts';
import { codeOf, type Method } from './codes.ts';
import { Core } from './core.ts';
import type { DropReason } from './drop-reasons.ts';
import { Priority, type OutgoingRequest } from './exchange.ts';
import {
  confirmableMessageId,
  emptyBuffer,
  parseMessage,
  type Block,
  type CoapMessage,
  type MessageOptions,
} from './message.ts';
import { Observation, Observations } from './observations.ts';
import { Requester } from './requester.ts';
import { Responder, type RequestHandler } from './responder.ts';
import { endpointDefaults, type EndpointSettings } from './settings.ts';
import type { PeerId, Transport } from './transport.ts';

export interface CoapRequest {
  method: Method;
  /** `/3/0/9`; `/` or `` for no path. */
  path: string;
  query?: string[];
  accept?: number;
  contentFormat?: number;
  payload?: Buffer;
  /** A body that is read as it is sent, instead of `payload`. */
  source?: BodySource;
  /** Default true. */
  confirmable?: boolean;
  signal?: AbortSignal;
  /** Background requests let all others of the same peer go first. */
  priority?: 'ordinary' | 'background';
  /** Largest block of the body, and the largest that is asked for in the answer. Default: the endpoint's. */
  blockSize?: number;
  /** After every acknowledged block of the body; the next one waits for it. */
  onBlock?: (sent: number, total: number) => Promise<void> | void;
  /** Called when the first datagram of the request leaves; before it, nothing was sent. */
  onSent?: () => void;
}

export interface CoapResponse {
  /** `2.05` */
  code: string;
  contentFormat?: number;
  /** Whole, also when it came in blocks. */
  payload: Buffer;
  options: MessageOptions;
}

export interface ObserveListener {
  /** A confirmable notification is acknowledged when this resolves; when it rejects, the device sends it again. */
  changed(response: CoapResponse): Promise<void> | void;
  /** The device ended the observation, with this code. */
  ended(code: string): void;
  /** A new value came and was not taken, for whatever reason: what is known is old. */
  lost?(): void;
}

export interface RunningObservation {
  readonly active: boolean;
  /** Passive: the next notification is answered with a reset. Active: the device is told, and its answer waited for. */
  cancel(how: 'passive' | 'active'): Promise<void>;
}

export interface ObserveResult {
  response: CoapResponse;
  /** Absent: the device answered, but does not observe. */
  observation?: RunningObservation;
  /** True when a notification overtook the answer: the answer is the older value. */
  overtaken: boolean;
}

export interface EndpointStatistics {
  peers: number;
  exchanges: number;
  waiting: number;
  duplicates: number;
  transfers: number;
  transferOctets: number;
  observations: number;
  timers: number;
  received: number;
  sent: number;
  dropped: Partial<Record<DropReason, number>>;
}

export interface Endpoint {
  readonly transport: Transport;
  /** One request and its whole response. Rejects with `CoapError` when there is none. */
  request(peer: PeerId, request: CoapRequest): Promise<CoapResponse>;
  observe(peer: PeerId, request: CoapRequest, listener: ObserveListener): Promise<ObserveResult>;
  /** The one handler of incoming requests. */
  onRequest(handler: RequestHandler): void;
  /** Called for every datagram of a peer that was understood, before it is handled; for awake windows. */
  onHeard(heard: (peer: PeerId, isRequest: boolean) => void): void;
  /** Gives up all that waits for a peer, and its observations. */
  forget(peer: PeerId, explanation: string): void;
  /** Gives up what was not sent to a peer yet. */
  recall(peer: PeerId, explanation: string): void;
  statistics(): EndpointStatistics;
  close(): Promise<void>;
}

export interface EndpointParts {
  transport: Transport;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  settings?: Partial<EndpointSettings>;
}

export function createEndpoint(parts: EndpointParts): Endpoint {
  const settings: EndpointSettings = { ...endpointDefaults, ...parts.settings };
  const core = new Core(parts.transport, parts.clock, parts.log, parts.metrics, settings);
  const requester = new Requester(core);
  const responder = new Responder(core, requester);
  const observations = new Observations(core);
  let heard: (peer: PeerId, isRequest: boolean) => void = () => {};

  parts.transport.onMessage((peerId, bytes) => {
    if (core.closed) return;
    try {
      receive(peerId, bytes);
    } catch (error) {
      parts.metrics.count('trivet_faults_total', { part: 'coap' });
      parts.log.error({ err: error, peer: peerId }, 'a datagram could not be handled');
    }
  });
  parts.transport.onSendFailed((error) => {
    core.counters.drop('send-failed');
    parts.log.debug({ err: error }, 'a datagram could not be sent');
  });

  function receive(peerId: PeerId, bytes: Buffer): void {
    core.counters.countReceived();
    const message = bytes.length > settings.maximumDatagram ? 'too-large' : parseMessage(bytes);
    if (typeof message === 'string') return refuse(peerId, bytes, message);
    const isRequest = message.code !== '0.00' && message.code.startsWith('0.');
    heard(peerId, isRequest);
    if (message.code === '0.00') return receiveEmpty(peerId, message);
    if (isRequest) return receiveRequest(peerId, message);
    if (message.type === 'ACK') return requester.onPiggybacked(core.peers.find(peerId), message);
    receiveResponse(peerId, message);
  }

  function refuse(peerId: PeerId, bytes: Buffer, reason: DropReason): void {
    core.counters.drop(reason);
    const messageId = confirmableMessageId(bytes);
    if (messageId !== undefined) core.reset(peerId, messageId); // RFC 7252 4.2
  }

  function receiveEmpty(peerId: PeerId, message: CoapMessage): void {
    if (message.type === 'CON') core.reset(peerId, message.messageId); // ping, RFC 7252 4.3
    else requester.onEmpty(core.peers.find(peerId), message);
  }

  function receiveRequest(peerId: PeerId, message: CoapMessage): void {
    const peer = core.peers.reach(peerId);
    if (!peer) return core.counters.drop('too-many-peers');
    const known = core.duplicates.find(peer.index, message.messageId);
    if (known) return repeat(peerId, known.answer);
    responder.take(peer, message, core.duplicates.remember(peer.index, message.messageId, lifetime(message)));
  }

  function receiveResponse(peerId: PeerId, message: CoapMessage): void {
    const peer = core.peers.find(peerId);
    if (!peer) return refuseResponse(peerId, message);
    const known = core.duplicates.find(peer.index, message.messageId);
    if (known) return repeat(peerId, known.answer);
    const seen = core.duplicates.remember(peer.index, message.messageId, lifetime(message));
    if (requester.onSeparate(peer, message)) {
      if (message.type === 'CON') core.acknowledge(peer, seen, message.messageId);
      return;
    }
    if (observations.take(peer, message, seen)) return;
    core.duplicates.forget(peer.index, message.messageId);
    refuseResponse(peerId, message);
  }

  function refuseResponse(peerId: PeerId, message: CoapMessage): void {
    core.counters.drop('unknown-token');
    core.reset(peerId, message.messageId); // RFC 7641 3.6: this is how a device learns that nobody listens
  }

  function repeat(peerId: PeerId, answer: string | undefined): void {
    core.counters.drop('duplicate');
    if (answer !== undefined) core.send(peerId, Buffer.from(answer, 'latin1'));
  }

  function lifetime(message: CoapMessage): number {
    return message.type === 'CON' ? settings.exchangeLifetime : settings.nonLifetime;
  }

  function outgoing(request: CoapRequest, options: MessageOptions, payload: Buffer): OutgoingRequest {
    return {
      code: codeOf(request.method),
      options: {
        path: segmentsOf(request.path),
        query: request.query,
        accept: request.accept,
        contentFormat: request.contentFormat,
        ...options,
      },
      payload,
      confirmable: request.confirmable ?? true,
      priority: request.priority === 'background' ? Priority.BACKGROUND : Priority.ORDINARY,
      signal: request.signal,
      onSent: request.onSent,
    };
  }

  function negotiated(request: CoapRequest): MessageOptions {
    return request.blockSize === undefined || request.blockSize >= settings.blockSize
      ? {}
      : { block2: { number: 0, more: false, exponent: exponentOf(request.blockSize) } };
  }

  /** Asks for one block of an answer that has begun. A FETCH repeats its body, for it is part of what is asked for. */
  function fetchRest(peer: PeerId, request: CoapRequest, block: Block): Promise<CoapMessage> {
    const body = request.method === 'FETCH' ? (request.payload ?? emptyBuffer) : emptyBuffer;
    const rest = outgoing(request, { block2: block }, body);
    if (body.length === 0) rest.options.contentFormat = undefined;
    rest.priority = Priority.CONTINUATION;
    rest.onSent = undefined;
    return requester.send(peer, rest);
  }

  function whole(peer: PeerId, request: CoapRequest, first: CoapMessage): CoapMessage | Promise<CoapMessage> {
    if (!first.options.block2?.more || !first.code.startsWith('2.')) return first;
    return collectBlocks(first, (block) => fetchRest(peer, request, block), settings.maximumResponseBody);
  }

  function upload(peer: PeerId, request: CoapRequest, source: BodySource): Promise<CoapMessage> {
    // One token for all blocks: some servers put a body together by it.
    const token = core.newToken();
    return uploadBlocks(
      source,
      Math.min(request.blockSize ?? settings.blockSize, settings.blockSize),
      (options, payload) => requester.send(peer, { ...outgoing(request, options, payload), token }),
      request.onBlock,
    );
  }

  function request(peer: PeerId, one: CoapRequest): Promise<CoapResponse> {
    const payload = one.payload ?? emptyBuffer;
    const blockSize = Math.min(one.blockSize ?? settings.blockSize, settings.blockSize);
    const sent =
      one.source || payload.length > blockSize
        ? upload(peer, one, one.source ?? bufferSource(payload))
        : requester.send(peer, outgoing(one, negotiated(one), payload));
    return sent.then((first) => {
      // A peer that finds a single message too large may take it in blocks (RFC 7959 2.9.3).
      const smaller = first.options.block1;
      if (first.code === '4.13' && !one.source && smaller && 16 << smaller.exponent < payload.length) {
        const restart = upload(peer, { ...one, blockSize: 16 << smaller.exponent }, bufferSource(payload));
        return restart.then((answer) => whole(peer, one, answer)).then(toResponse);
      }
      const complete = whole(peer, one, first);
      return complete instanceof Promise ? complete.then(toResponse) : toResponse(complete);
    });
  }

  async function observe(peer: PeerId, one: CoapRequest, listener: ObserveListener): Promise<ObserveResult> {
    const observation: Observation = new Observation(
      observations,
      {
        changed: (message) => listener.changed(toResponse(message)),
        ended: (code) => listener.ended(code),
        lost: () => listener.lost?.(),
      },
      (message) => Promise.resolve(whole(peer, one, message)),
    );
    const asked = outgoing(one, { ...negotiated(one), observe: 0 }, one.payload ?? emptyBuffer);
    asked.observation = observation;
    const first = await requester.send(peer, asked);
    const number = observation.number;
    let message: CoapMessage;
    try {
      message = await whole(peer, one, first);
    } catch (error) {
      observations.remove(observation);
      throw error;
    }
    const running: RunningObservation = {
      get active() {
        return observation.active;
      },
      cancel: (how) => cancel(peer, one, observation, how),
    };
    return {
      response: toResponse(message),
      observation: observation.token ? running : undefined,
      overtaken: observation.number !== number,
    };
  }

  async function cancel(
    peer: PeerId,
    one: CoapRequest,
    observation: Observation,
    how: 'passive' | 'active',
  ): Promise<void> {
    if (!observation.active) return;
    observations.remove(observation);
    if (how === 'passive') return;
    const asked = outgoing(one, { observe: 1 }, one.payload ?? emptyBuffer);
    asked.token = observation.token;
    asked.priority = Priority.BACKGROUND;
    await requester.send(peer, asked);
  }

  return {
    transport: parts.transport,
    request,
    observe,
    onRequest(handler) {
      responder.handler = handler;
    },
    onHeard(next) {
      heard = next;
    },
    forget(peerId, explanation) {
      const peer = core.peers.find(peerId);
      if (!peer) return;
      requester.abandon(peer, 'aborted', explanation);
      observations.removeAll(peer);
    },
    recall(peerId, explanation) {
      const peer = core.peers.find(peerId);
      if (peer) requester.recall(peer, explanation);
    },
    statistics() {
      let exchanges = 0;
      let waiting = 0;
      for (const peer of core.peers.all()) {
        exchanges += peer.exchanges?.length ?? 0;
        waiting += peer.waiting?.length ?? 0;
      }
      return {
        peers: core.peers.size,
        exchanges,
        waiting,
        duplicates: core.duplicates.size,
        transfers: responder.reassembly.size,
        transferOctets: responder.reassembly.octets,
        observations: observations.size,
        timers: core.wheel.size,
        received: core.counters.received,
        sent: core.counters.sent,
        dropped: Object.fromEntries(core.counters.dropped),
      };
    },
    async close() {
      if (core.closed) return;
      for (const peer of core.peers.all()) {
        requester.abandon(peer, 'closed', 'the CoAP endpoint was closed');
        observations.removeAll(peer);
      }
      core.closed = true;
      core.wheel.close();
      core.counters.flush();
      await parts.transport.close();
    },
  };
}

/** The same paths are asked of every device. Bounded, and dropped as a whole when full. */
const segments = new Map<string, string[]>();

function segmentsOf(path: string): string[] | undefined {
  let known = segments.get(path);
  if (!known) {
    known = path.split('/').filter((segment) => segment !== '');
    if (segments.size >= 4096) segments.clear();
    segments.set(path, known);
  }
  return known.length === 0 ? undefined : known;
}

function toResponse(message: CoapMessage): CoapResponse {
  return {
    code: message.code,
    contentFormat: message.options.contentFormat,
    payload: message.payload,
    options: message.options,
  };
}
