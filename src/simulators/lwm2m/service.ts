import { createHash } from 'node:crypto';
import { ObserveWriteStream, Server } from 'coap';
import type { IncomingMessage, OutgoingMessage } from 'coap';
import { encodeBlock, parseBlock } from './block.ts';
import type { Block } from './block.ts';
import { encodeBody, formatNumber } from './formats.ts';
import type { Body } from './formats.ts';
import { hiddenBlock1, hiddenBlock2 } from './line.ts';
import type { Line } from './line.ts';
import { Observations, observedPaths } from './observations.ts';
import { compositePaths, encodeComposite, pathBelowRoot, perform, readPaths } from './operations.ts';
import type { Answer, OperationContext, Request } from './operations.ts';
import type { Timers } from './timers.ts';
import { formatPath, Refusal } from './value.ts';

type Response = OutgoingMessage | ObserveWriteStream;

interface Upload {
  parts: Buffer[];
  octets: number;
  stopTimer: () => void;
}

/** Largest block of an answer; node-coap starts its own block-wise transfer at 1024. */
const answerBlock = 512;
const maximumBody = 16 * 1024 * 1024;
/** Ms without a further block until an upload counts as given up (MAX_TRANSMIT_WAIT, RFC 7252 4.8.2). */
const uploadPatience = 93_000;
const maximumTransfers = 8;

export interface ServiceOptions {
  line: Line;
  context: OperationContext;
  timers: Timers;
  confirmableNotifications: boolean;
}

/** The server half of the device on node-coap: requests to operations, observations, blocks in both directions. */
export class Service {
  readonly observations: Observations;
  readonly #options: ServiceOptions;
  readonly #uploads = new Map<string, Upload>();
  readonly #representations = new Map<string, Body>();
  #server: Server | undefined;

  constructor(options: ServiceOptions) {
    this.#options = options;
    const { context, timers } = options;
    const period = (id: number): number | undefined => {
      const value = context.tree.get([1, 0, id]);
      return typeof value === 'number' ? value : undefined;
    };
    this.observations = new Observations({
      timers,
      attributes: (path) => context.attributes.effective(path),
      defaults: () => ({ pmin: period(2) ?? 0, pmax: period(3) }),
      value: (path) => context.tree.get(path),
      confirmable: options.confirmableNotifications,
    });
  }

  /** Begins to answer, with no memory of what was before. */
  start(): void {
    this.stop();
    const server = new Server({ cacheSize: 1024 * 1024 });
    server.on('request', (request: IncomingMessage, response: Response) => this.#receive(request, response));
    // What goes wrong in node-coap ends the one exchange; the peer sees a missing answer.
    server.on('error', (error: Error) => this.#options.context.journal.tell('fault', error.message));
    server.listen(this.#options.line.serverSocket);
    this.#server = server;
  }

  stop(): void {
    this.observations.clear();
    for (const upload of this.#uploads.values()) upload.stopTimer();
    this.#uploads.clear();
    this.#representations.clear();
    this.#server?.close();
    this.#server = undefined;
    this.#options.line.serverSocket.removeAllListeners('message');
  }

  #receive(message: IncomingMessage, response: Response): void {
    response.on('error', (error: Error) => this.#options.context.journal.tell('fault', error.message));
    const blocks = { one: blockOption(message, hiddenBlock1), two: blockOption(message, hiddenBlock2) };
    const [path = '/', query = ''] = message.url.split('?', 2);
    const request: Request = {
      method: message.method,
      path,
      query: query === '' ? [] : query.split('&'),
      format: formatNumber(message.headers['Content-Format']),
      accept: formatNumber(message.headers.Accept),
      payload: message.payload,
      messageId: message._packet.messageId ?? 0,
    };
    const peer = `${message.rsinfo.address}:${message.rsinfo.port}`;
    const token = Buffer.from(message._packet.token ?? []).toString('hex');
    const key = `${peer}/${token}`;
    try {
      if (response instanceof ObserveWriteStream)
        this.#observe(request, response, key, token, `${peer} ${message.method} ${message.url}`);
      else {
        if (message.headers.Observe !== undefined) this.observations.cancel(key);
        const whole = blocks.one
          ? this.#collect(request, blocks.one, `${peer} ${message.method} ${message.url}`, message, response)
          : request;
        if (whole)
          this.#answer(whole, response, blocks, `${peer} ${message.method} ${message.url} ${request.accept ?? ''}`);
      }
    } catch (problem) {
      this.#refuse(response, problem, blocks.one);
    }
  }

  #refuse(response: Response, problem: unknown, block1?: Block): void {
    const refusal = problem instanceof Refusal ? problem : new Refusal('5.00', String(problem));
    this.#options.context.journal.tell('fault', `answers ${refusal.code}: ${refusal.message}`);
    response.statusCode = refusal.code;
    if (block1) response.setOption('Block1', encodeBlock(block1));
    if (refusal.code === '4.13') response.setOption('Size1', maximumBody);
    response.end();
  }

  #answer(request: Request, response: OutgoingMessage, blocks: { one?: Block; two?: Block }, key: string): void {
    const kept = blocks.two && blocks.two.number > 0 ? this.#representations.get(key) : undefined;
    const answer: Answer = kept ? { code: '2.05', body: kept } : perform(request, this.#options.context);
    if (answer.silent === 'nothing') {
      if (response._ackTimer) clearTimeout(response._ackTimer);
      answer.after?.();
      return;
    }
    if (answer.silent === 'ack') return;
    response.statusCode = answer.code;
    if (answer.location)
      response.setOption(
        'Location-Path',
        answer.location.map((part) => Buffer.from(part)),
      );
    if (blocks.one) response.setOption('Block1', encodeBlock({ ...blocks.one, more: false }));
    if (answer.body) response.setOption('Content-Format', answer.body.format);
    response.end(answer.body ? this.#slice(answer.body, response, blocks.two, key) : undefined);
    // The answer leaves before what it announces begins.
    if (answer.after) this.#options.timers.after(20, answer.after);
  }

  /** The part of a body that the block asks for; sets Block2 and ETag when it is one of several. */
  #slice(body: Body, response: Response, block: Block | undefined, key: string): Buffer {
    const size = Math.min(block?.size ?? answerBlock, answerBlock);
    const start = block ? block.number * block.size : 0;
    if (body.payload.length <= size && start === 0) return body.payload;
    if (start >= body.payload.length) throw new Refusal('4.02', 'there is no such block');
    const more = start + size < body.payload.length;
    response.setOption('Block2', encodeBlock({ number: start / size, more, size }));
    response.setOption('ETag', createHash('sha256').update(body.payload).digest().subarray(0, 4));
    if (start === 0) response.setOption('Size2', body.payload.length);
    keep(this.#representations, key, body);
    return body.payload.subarray(start, start + size);
  }

  /** Takes one Block1; the whole request when it was the last, undefined when more are to come. */
  #collect(
    request: Request,
    block: Block,
    key: string,
    message: IncomingMessage,
    response: OutgoingMessage,
  ): Request | undefined {
    const { context, timers } = this.#options;
    const path = pathBelowRoot(request.path, context.coding.root);
    const hook = path.length === 3 ? context.hooks.uploads.get(`${path[0]}/${path[2]}`) : undefined;
    const instance = path[1] ?? 0;
    if (block.number === 0) {
      this.#uploads.get(key)?.stopTimer();
      if (block.more) hook?.started(instance);
      keep(this.#uploads, key, { parts: [], octets: 0, stopTimer: () => {} });
    }
    const upload = this.#uploads.get(key);
    if (!upload || upload.octets !== block.number * block.size) throw new Refusal('4.08', 'blocks are missing');
    if (upload.octets + request.payload.length > maximumBody) {
      this.#uploads.delete(key);
      upload.stopTimer();
      hook?.failed(instance);
      throw new Refusal('4.13', `a body has at most ${maximumBody} octets`);
    }
    upload.stopTimer();
    upload.parts.push(Buffer.from(request.payload));
    upload.octets += request.payload.length;
    if (!block.more) {
      this.#uploads.delete(key);
      return { ...request, payload: Buffer.concat(upload.parts) };
    }
    upload.stopTimer = timers.after(uploadPatience, () => {
      this.#uploads.delete(key);
      hook?.failed(instance);
    });
    const total: unknown = message.headers.Size1;
    hook?.progress(instance, upload.octets, typeof total === 'number' ? total : undefined);
    response.statusCode = '2.31';
    response.setOption('Block1', encodeBlock(block));
    response.end();
    return undefined;
  }

  #observe(request: Request, response: ObserveWriteStream, key: string, token: string, source: string): void {
    const { context } = this.#options;
    const composite = request.method === 'FETCH';
    const paths = composite ? compositePaths(request, context) : [pathBelowRoot(request.path, context.coding.root)];
    const read = (): Body => {
      const [path = []] = paths;
      if (!composite) return encodeBody(path, context.tree.read(path), request.accept, context.coding);
      return encodeComposite(readPaths(paths, context.tree), request.accept, context);
    };
    const first = perform(request, context);
    if (first.silent) return;
    const write = (body: Body): void => {
      response._packet.options = [];
      response.statusCode = '2.05';
      response.setOption('Content-Format', body.format);
      response.write(this.#slice(body, response, undefined, `${source} ${request.accept ?? ''}`));
    };
    write(first.body ?? read());
    const end = (code: string): void => {
      response._packet.options = [];
      response._packet.confirmable = this.#options.confirmableNotifications;
      response._packet.ack = false;
      response.statusCode = code;
      response._doSend();
      this.observations.cancel(key);
    };
    const send = (confirmable: boolean): void => {
      try {
        const body = read();
        response._packet.confirmable = confirmable;
        response._packet.ack = false;
        write(body);
        context.journal.tell('observation', `notified ${observedPaths(paths)}`);
      } catch (problem) {
        end(problem instanceof Refusal ? problem.code : '5.00');
      }
    };
    const added = this.observations.add({ key, token, paths, send, gone: () => end('4.04') });
    context.journal.tell('observation', `observed ${paths.map(formatPath).join(' ')}`);
    if (!added) end('5.03');
    // node-coap ends the stream when a confirmable notification is never acknowledged.
    response.on('finish', () => this.observations.cancel(key));
  }
}

function blockOption(message: IncomingMessage, name: string): Block | undefined {
  const option = (message._packet.options ?? []).find((candidate) => String(candidate.name) === name);
  return option && parseBlock(option.value);
}

function keep<Kept>(map: Map<string, Kept>, key: string, value: Kept): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > maximumTransfers) map.delete([...map.keys()][0] ?? '');
}
