import { randomBytes } from 'node:crypto';
import { Agent } from 'coap';
import type { IncomingMessage } from 'coap';
import { encodeBlock, parseBlock } from './block.ts';
import type { Block } from './block.ts';
import { hiddenBlock1, hiddenBlock2 } from './line.ts';
import type { Line } from './line.ts';

export interface ClientRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  host: string;
  port: number;
  /** Segments joined by '/'. */
  path: string;
  query?: string[];
  format?: number;
  payload?: Buffer;
  /** Ms until the request counts as failed. */
  timeout: number;
  /** Default: a new one. */
  token?: Buffer;
}

export interface ClientResponse {
  code: string;
  payload: Buffer;
  /** Location-Path segments. */
  location: string[];
  block1?: Block;
  block2?: Block;
  /** Size2: octets of the whole answer. */
  size?: number;
}

/** No answer in time; `cause` is what node-coap said, if anything. */
export class NoAnswer extends Error {}

const blockSize = 512;
const maximumBlocks = 65_536;

/** The client half of the device: requests to servers, block-wise in both directions. */
export class Exchange {
  readonly #agent: Agent;
  readonly #running = new Set<() => void>();

  constructor(line: Line) {
    this.#agent = new Agent({ socket: line.agentSocket });
    // Errors of single requests are told to their callers; the socket's own are noticed as missing answers.
    this.#agent.on('error', () => {});
  }

  /** Gives up everything that is under way; the callers get NoAnswer. */
  abort(): void {
    for (const stop of this.#running) stop();
    this.#running.clear();
  }

  /** One request with its whole answer. Rejects with NoAnswer. */
  async request(request: ClientRequest): Promise<ClientResponse> {
    const payload = request.payload ?? Buffer.alloc(0);
    let answer: ClientResponse | undefined;
    if (payload.length <= blockSize) answer = await this.single(request);
    else {
      const token = randomBytes(8);
      for (let at = 0; at < payload.length; at += blockSize) {
        const more = at + blockSize < payload.length;
        const block = { number: at / blockSize, more, size: blockSize };
        answer = await this.single({ ...request, token, payload: payload.subarray(at, at + blockSize) }, block);
        if (answer.code !== '2.31' && more) return answer;
      }
    }
    if (!answer) throw new NoAnswer('nothing was sent');
    return answer.block2?.more ? this.#rest(request, answer) : answer;
  }

  async #rest(request: ClientRequest, first: ClientResponse): Promise<ClientResponse> {
    const parts = [first.payload];
    let block = first.block2;
    while (block?.more) {
      if (block.number >= maximumBlocks) throw new NoAnswer('the answer has too many blocks');
      const next = { number: block.number + 1, more: false, size: block.size };
      const answer = await this.single({ ...request, payload: undefined }, undefined, next);
      if (answer.code !== first.code || answer.block2?.number !== next.number) return answer;
      parts.push(answer.payload);
      block = answer.block2;
    }
    return { ...first, payload: Buffer.concat(parts) };
  }

  /** One message and its answer, with the block options that the caller gives. */
  single(request: ClientRequest, block1?: Block, block2?: Block): Promise<ClientResponse> {
    return new Promise((resolve, reject) => {
      const message = this.#agent.request({
        hostname: request.host,
        port: request.port,
        method: request.method,
        pathname: request.path,
        query: request.query?.join('&'),
        confirmable: true,
        token: request.token,
      });
      let over = false;
      const end = (): boolean => {
        if (over) return false;
        over = true;
        clearTimeout(timer);
        this.#running.delete(stop);
        return true;
      };
      const fail = (why: string, cause?: unknown): void => {
        if (!end()) return;
        this.#agent.abort(message);
        reject(new NoAnswer(`${request.method} ${request.path} at ${request.host}:${request.port}: ${why}`, { cause }));
      };
      const stop = (): void => fail('given up');
      const timer = setTimeout(() => fail(`no answer in ${request.timeout / 1000} s`), request.timeout);
      this.#running.add(stop);
      if (request.format !== undefined) message.setOption('Content-Format', request.format);
      if (block1) message.setOption(hiddenBlock1, encodeBlock(block1));
      if (block1?.number === 0 && request.payload) message.setOption('Size1', request.payload.length);
      if (block2) message.setOption(hiddenBlock2, encodeBlock(block2));
      message.on('error', (error: unknown) => fail('the request failed', error));
      message.on('timeout', (error: unknown) => fail('no answer', error));
      message.on('response', (response: IncomingMessage) => {
        if (!end()) return;
        const options = response._packet.options ?? [];
        const values = (name: string): Buffer[] =>
          options.filter((option) => String(option.name) === name).map((option) => Buffer.from(option.value));
        const block = (name: string): Block | undefined => {
          const [value] = values(name);
          return value && parseBlock(value);
        };
        const size: unknown = response.headers.Size2;
        resolve({
          code: response.code,
          size: typeof size === 'number' ? size : undefined,
          payload: response.payload,
          location: values('Location-Path').map((value) => value.toString('utf8')),
          block1: block(hiddenBlock1),
          block2: block(hiddenBlock2),
        });
      });
      message.end(request.payload);
    });
  }
}
