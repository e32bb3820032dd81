/** Client role: requests and separate responses of ours, with retransmission, NSTART and the matching of answers. */
import { CoapError, type CoapErrorReason } from './errors.ts';
import type { Core } from './core.ts';
import { Exchange, type OutgoingRequest } from './exchange.ts';
import { encodeMessage, type CoapMessage, type MessageOptions } from './message.ts';
import type { Peer } from './peers.ts';

export class Requester {
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Sends one message and waits for its response. Rejects with `CoapError`. */
  send(peerId: string, request: OutgoingRequest): Promise<CoapMessage> {
    return new Promise((resolve, reject) => {
      const core = this.#core;
      if (core.closed) return reject(new CoapError('closed', 'the CoAP endpoint is closed', false));
      if (request.signal?.aborted) return reject(new CoapError('aborted', 'the request was given up', false));
      const peer = core.peers.reach(peerId);
      const pending = (peer?.exchanges?.length ?? 0) + (peer?.waiting?.length ?? 0);
      if (!peer || pending >= core.settings.maximumRequestsPerPeer) {
        return reject(
          new CoapError('queue-full', `${pending} requests to this peer wait already; try again later`, false),
        );
      }
      const exchange = new Exchange(this, peer, request.token ?? core.newToken(), request);
      exchange.resolve = resolve;
      exchange.reject = reject;
      if (request.signal) {
        const signal = request.signal;
        const abort = (): void => this.#fail(exchange, 'aborted', 'the request was given up');
        signal.addEventListener('abort', abort, { once: true });
        exchange.release = () => signal.removeEventListener('abort', abort);
      }
      if (!exchange.confirmable || peer.unacknowledged < core.settings.nstart) this.#start(exchange);
      else enqueue(peer, exchange);
    });
  }

  /** Sends a separate response (RFC 7252 5.2.2) and repeats it until it is acknowledged. */
  deliver(peer: Peer, token: Buffer, code: string, options: MessageOptions, payload: Buffer): void {
    const exchange = new Exchange(this, peer, token, undefined);
    exchange.messageId = peer.nextMessageId();
    this.#transmit(exchange, encodeMessage('CON', code, exchange.messageId, token, options, payload));
  }

  /** An ACK or RST without content. */
  onEmpty(peer: Peer | undefined, message: CoapMessage): void {
    const exchange = peer?.exchanges?.find((one) => one.messageId === message.messageId && one.bytes);
    if (!exchange) return this.#core.counters.drop('unknown-message-id');
    if (message.type === 'RST') {
      return this.#fail(exchange, 'reset', 'the peer answered with a reset: it does not know what this is about');
    }
    if (exchange.state !== 'sent') return;
    if (!exchange.expectsResponse) return this.#end(exchange);
    exchange.state = 'acknowledged';
    peer!.unacknowledged--;
    this.#core.wheel.add(exchange, this.#core.settings.responseTimeout);
    this.#startNext(peer!);
  }

  /** A response in an ACK: message ID and token must both be those of the request. */
  onPiggybacked(peer: Peer | undefined, message: CoapMessage): void {
    const exchange = peer?.exchanges?.find((one) => one.messageId === message.messageId);
    if (!exchange || !exchange.expectsResponse) return this.#core.counters.drop('unknown-message-id');
    if (!exchange.token.equals(message.token)) return this.#core.counters.drop('token-mismatch');
    this.#complete(exchange, message);
  }

  /** A response in a CON or NON. False: no request of ours waits for it. */
  onSeparate(peer: Peer, message: CoapMessage): boolean {
    const exchange = peer.exchanges?.find((one) => one.expectsResponse && one.token.equals(message.token));
    if (!exchange) return false;
    this.#complete(exchange, message);
    return true;
  }

  /**
   * Deadline of an exchange. When the process has stood still, its answer may wait in the socket: what has arrived is read first, for a device
   * that restarts after its answer may take a repetition for a new request.
   */
  onDue(exchange: Exchange): void {
    setImmediate(() => {
      if (exchange.state !== 'over' && !exchange.armed && !this.#core.closed) this.#repeat(exchange);
    });
  }

  /** Once more, unless that was the last time. */
  #repeat(exchange: Exchange): void {
    const settings = this.#core.settings;
    if (exchange.state === 'acknowledged' || !exchange.confirmable) {
      const waited = Math.round(settings.responseTimeout / 1000);
      this.#fail(
        exchange,
        exchange.confirmable ? 'no-response' : 'no-answer',
        exchange.confirmable
          ? `the peer acknowledged the request, but sent no response within ${waited} s`
          : `no response to a non-confirmable request within ${waited} s`,
      );
    } else if (exchange.attempts > settings.maxRetransmit) {
      this.#fail(exchange, 'no-answer', `no answer to ${exchange.attempts} transmissions`);
    } else {
      exchange.attempts++;
      exchange.timeout *= 2;
      this.#core.wheel.add(exchange, exchange.timeout);
      this.#core.send(exchange.peer, exchange.bytes!);
    }
  }

  /** Gives up everything that is under way with a peer, or with all. */
  abandon(peer: Peer, reason: CoapErrorReason, explanation: string): void {
    for (const exchange of peer.waiting?.splice(0) ?? []) this.#fail(exchange, reason, explanation);
    for (const exchange of peer.exchanges?.slice() ?? []) this.#fail(exchange, reason, explanation);
  }

  /** Gives up what was not sent to a peer. */
  recall(peer: Peer, explanation: string): void {
    for (const exchange of peer.waiting?.splice(0) ?? []) this.#fail(exchange, 'aborted', explanation);
  }

  #start(exchange: Exchange): void {
    const request = exchange.request!;
    const peer = exchange.peer;
    exchange.messageId = peer.nextMessageId();
    let bytes: Buffer;
    try {
      bytes = encodeMessage(
        exchange.confirmable ? 'CON' : 'NON',
        request.code,
        exchange.messageId,
        exchange.token,
        request.options,
        request.payload,
      );
    } catch (error) {
      exchange.state = 'over';
      exchange.release?.();
      exchange.reject?.(new CoapError('too-large', 'the request cannot be written as a CoAP message', false, error));
      return;
    }
    exchange.request = undefined;
    if (exchange.confirmable) peer.unacknowledged++;
    this.#transmit(exchange, bytes);
    request.onSent?.();
  }

  #transmit(exchange: Exchange, bytes: Buffer): void {
    const settings = this.#core.settings;
    exchange.bytes = bytes;
    exchange.state = 'sent';
    exchange.attempts = 1;
    exchange.timeout = exchange.confirmable
      ? settings.ackTimeout * (1 + Math.random() * (settings.ackRandomFactor - 1))
      : settings.responseTimeout;
    (exchange.peer.exchanges ??= []).push(exchange);
    this.#core.wheel.add(exchange, exchange.timeout);
    this.#core.send(exchange.peer, bytes);
  }

  #complete(exchange: Exchange, message: CoapMessage): void {
    const resolve = exchange.resolve;
    const reject = exchange.reject;
    if (message.options.block2?.more) {
      // The caller will ask for the rest before anything else that waits: it gets the turn to do so.
      this.#finish(exchange);
      setImmediate(() => this.#startNext(exchange.peer));
    } else this.#end(exchange);
    if (message.problem) {
      reject?.(new CoapError('bad-response', `unusable response: ${message.problem.explanation}`, true));
      return;
    }
    if (exchange.observation && message.options.observe !== undefined && message.code.startsWith('2.')) {
      exchange.observation.begin(exchange.peer, exchange.token, message);
    }
    resolve?.(message);
  }

  #fail(exchange: Exchange, reason: CoapErrorReason, explanation: string): void {
    if (exchange.state === 'over') return;
    const sent = exchange.state !== 'waiting';
    const reject = exchange.reject;
    this.#end(exchange);
    reject?.(new CoapError(reason, explanation, sent));
  }

  #end(exchange: Exchange): void {
    this.#finish(exchange);
    this.#startNext(exchange.peer);
  }

  #finish(exchange: Exchange): void {
    const peer = exchange.peer;
    if (exchange.state === 'sent' && exchange.confirmable && exchange.expectsResponse) peer.unacknowledged--;
    exchange.state = 'over';
    exchange.release?.();
    exchange.resolve = undefined;
    exchange.reject = undefined;
    this.#core.wheel.remove(exchange);
    removeFrom(peer.exchanges, exchange);
    removeFrom(peer.waiting, exchange);
  }

  #startNext(peer: Peer): void {
    while (peer.waiting?.length && peer.unacknowledged < this.#core.settings.nstart && !this.#core.closed) {
      this.#start(peer.waiting.shift()!);
    }
  }
}

function enqueue(peer: Peer, exchange: Exchange): void {
  const waiting = (peer.waiting ??= []);
  let at = waiting.length;
  while (at > 0 && waiting[at - 1]!.priority > exchange.priority) at--;
  waiting.splice(at, 0, exchange);
}

function removeFrom(list: Exchange[] | undefined, exchange: Exchange): void {
  const at = list?.indexOf(exchange) ?? -1;
  if (at >= 0) list!.splice(at, 1);
}
