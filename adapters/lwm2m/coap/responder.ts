/** Server role: requests of peers, their bodies in blocks, and our answers, at once or later. */
import { createHash } from 'node:crypto';
import { exponentOf, type BodySource } from './block-upload.ts';
import { Reassembly } from './block-reassembly.ts';
import { methodOf, type Method } from './codes.ts';
import type { Core } from './core.ts';
import type { Seen } from './duplicates.ts';
import { emptyBuffer, encodeMessage, type CoapMessage, type MessageOptions } from './message.ts';
import type { Peer } from './peers.ts';
import type { Requester } from './requester.ts';
import { WheelEntry } from './timer-wheel.ts';
import type { PeerId } from './transport.ts';

export interface IncomingRequest {
  peer: PeerId;
  method: Method;
  /** Segments of the path. */
  path: string[];
  query: string[];
  contentFormat?: number;
  accept?: number;
  observe?: number;
  /** The whole body, blocks put together. */
  payload: Buffer;
  confirmable: boolean;
}

export interface Answer {
  code: string;
  payload?: Buffer;
  contentFormat?: number;
  locationPath?: string[];
  /** s */
  maxAge?: number;
  /** A body that is read block by block, instead of `payload`. Needs an `etag`. */
  source?: BodySource;
  /** 1..8 octets; made from the payload when it is sent in blocks. */
  etag?: Buffer;
}

export type RequestHandler = (request: IncomingRequest) => Answer | Promise<Answer>;

/** A request whose handler has not answered yet. */
class Unanswered extends WheelEntry {
  readonly #owner: Responder;
  readonly peer: Peer;
  readonly message: CoapMessage;
  readonly seen: Seen;
  acknowledged = false;

  constructor(owner: Responder, peer: Peer, message: CoapMessage, seen: Seen) {
    super();
    this.#owner = owner;
    this.peer = peer;
    this.message = message;
    this.seen = seen;
  }

  override due(): void {
    this.#owner.acknowledgeLate(this);
  }
}

export class Responder {
  readonly #core: Core;
  readonly #requester: Requester;
  readonly reassembly: Reassembly;
  handler: RequestHandler = () => ({ code: '4.04' });

  constructor(core: Core, requester: Requester) {
    this.#core = core;
    this.#requester = requester;
    this.reassembly = new Reassembly(core);
  }

  /** Takes a request that is no duplicate. */
  take(peer: Peer, message: CoapMessage, seen: Seen): void {
    if (message.problem) {
      if (message.type === 'NON') return this.#core.counters.drop('unknown-critical-option');
      return this.#answerWithText(peer, message, seen, message.problem.code, message.problem.explanation);
    }
    const method = methodOf(message.code);
    if (!method) return this.#answerWithText(peer, message, seen, '4.05', 'this method is not known here');
    let payload = message.payload;
    if (message.options.block1) {
      const result = this.reassembly.take(peer, message);
      if (result.state === 'answer') {
        const options: MessageOptions = { block1: message.options.block1, size1: result.size1 };
        if (result.code === '5.03') options.maxAge = 30;
        const text = Buffer.from(result.explanation ?? '');
        return this.#respond(peer, message, seen, result.code, options, text, false);
      }
      payload = result.payload;
    }
    if (peer.unanswered >= this.#core.settings.maximumUnansweredPerPeer) {
      this.#core.counters.drop('too-many-unanswered');
      return this.#answerWithText(peer, message, seen, '5.03', 'too many requests at once; try again later');
    }
    this.#handle(peer, message, seen, method, payload);
  }

  acknowledgeLate(unanswered: Unanswered): void {
    unanswered.acknowledged = true;
    this.#core.acknowledge(unanswered.peer, unanswered.seen, unanswered.message.messageId);
  }

  #handle(peer: Peer, message: CoapMessage, seen: Seen, method: Method, payload: Buffer): void {
    const { path, query, contentFormat, accept, observe } = message.options;
    let answer: Answer | Promise<Answer>;
    try {
      answer = this.handler({
        peer: peer.id,
        method,
        path: path ?? [],
        query: query ?? [],
        contentFormat,
        accept,
        observe,
        payload,
        confirmable: message.type === 'CON',
      });
    } catch (error) {
      answer = this.#failure(error);
    }
    if (!(answer instanceof Promise) && !answer.source) return this.#finish(peer, message, seen, answer, false);
    const unanswered = new Unanswered(this, peer, message, seen);
    peer.unanswered++;
    if (message.type === 'CON') this.#core.wheel.add(unanswered, this.#core.settings.ackDelay);
    Promise.resolve(answer)
      .then((late) => this.#readSource(late, message))
      .catch((error: unknown) => this.#failure(error))
      .then((late) => {
        peer.unanswered--;
        this.#core.wheel.remove(unanswered);
        this.#finish(peer, message, seen, late, unanswered.acknowledged);
      })
      .catch((error: unknown) => this.#core.log.error({ err: error }, 'an answer could not be sent'));
  }

  #failure(error: unknown): Answer {
    this.#core.log.error({ err: error }, 'a CoAP request could not be served');
    return { code: '5.00', payload: Buffer.from('internal error; see the log of the gateway') };
  }

  /** Reads the one block of a source that was asked for; nothing is kept between two blocks. */
  async #readSource(answer: Answer, message: CoapMessage): Promise<Answer & { whole?: number }> {
    if (!answer.source) return answer;
    const { size, offset } = this.#range(message, answer.source.size);
    if (offset > answer.source.size) return { code: '4.00', payload: Buffer.from('there is no such block') };
    const octets = await answer.source.read(offset, Math.min(size, answer.source.size - offset));
    return {
      ...answer,
      source: undefined,
      payload: Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength),
      whole: answer.source.size,
    };
  }

  #range(message: CoapMessage, total: number): { exponent: number; size: number; offset: number; blockwise: boolean } {
    const own = exponentOf(this.#core.settings.blockSize);
    const wanted = message.options.block2;
    let exponent = Math.min(own, wanted?.exponent ?? own);
    let offset = (wanted?.number ?? 0) * (16 << (wanted?.exponent ?? own));
    // A later block of a size that we do not send: the same octets in smaller blocks.
    if (wanted && wanted.number > 0) exponent = Math.min(wanted.exponent, own);
    if (!wanted) offset = 0;
    const size = 16 << exponent;
    return { exponent, size, offset, blockwise: wanted !== undefined || total > size };
  }

  #finish(
    peer: Peer,
    message: CoapMessage,
    seen: Seen,
    answer: Answer & { whole?: number },
    acknowledged: boolean,
  ): void {
    let payload = answer.payload ?? emptyBuffer;
    const total = answer.whole ?? payload.length;
    const options: MessageOptions = {
      contentFormat: answer.contentFormat,
      locationPath: answer.locationPath,
      maxAge: answer.maxAge,
      etag: answer.etag,
    };
    if (message.options.block1) options.block1 = { ...message.options.block1, more: false };
    const range = this.#range(message, total);
    if (range.blockwise && answer.code.startsWith('2.') && payload.length > 0) {
      if (range.offset >= total) {
        return this.#respond(peer, message, seen, '4.00', {}, Buffer.from('there is no such block'), acknowledged);
      }
      if (answer.whole === undefined) {
        options.etag ??= createHash('sha256').update(payload).digest().subarray(0, 8);
        payload = payload.subarray(range.offset, range.offset + range.size);
      }
      options.block2 = {
        number: range.offset / range.size,
        more: range.offset + payload.length < total,
        exponent: range.exponent,
      };
      if (range.offset === 0) options.size2 = total;
    }
    this.#respond(peer, message, seen, answer.code, options, payload, acknowledged);
  }

  #answerWithText(peer: Peer, message: CoapMessage, seen: Seen, code: string, text: string): void {
    this.#respond(peer, message, seen, code, {}, Buffer.from(text), false);
  }

  #respond(
    peer: Peer,
    message: CoapMessage,
    seen: Seen,
    code: string,
    options: MessageOptions,
    payload: Buffer,
    acknowledged: boolean,
  ): void {
    if (acknowledged) return this.#requester.deliver(peer, message.token, code, options, payload);
    const confirmable = message.type === 'CON';
    const messageId = confirmable ? message.messageId : peer.nextMessageId();
    this.#core.reply(
      peer,
      seen,
      encodeMessage(confirmable ? 'ACK' : 'NON', code, messageId, message.token, options, payload),
    );
  }
}
