/** HTTP between a CPE and the gateway that can be watched, held and cut at every message, in both directions. */
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Passage {
  /** `up`: from the CPE to the gateway. */
  direction: 'up' | 'down';
  /** The element in the SOAP body (`Inform`, `Fault`); `empty` for an empty POST, `nothing` for an answer without a body. */
  message: string;
  status?: number;
  text: string;
}

/** False: the message goes no further, and its connection is cut. */
export type Watch = (passage: Passage) => boolean | Promise<boolean>;

export class HttpRelay {
  watch: Watch = () => true;
  /** A message has been handed to the kernel of its receiver. */
  passed: (passage: Passage) => void = () => {};
  readonly #server: Server;
  #target = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<HttpRelay> {
    const server = createServer({ keepAliveTimeout: 60_000 });
    const relay = new HttpRelay(server);
    server.on('request', (request, response) => {
      relay.#carry(request, response).catch(() => request.socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return relay;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** @param port of the gateway on this machine; 0 = there is none now */
  aim(port: number): void {
    this.#target = port;
  }

  /** Cuts what is under way. */
  interrupt(): void {
    this.#server.closeAllConnections();
  }

  close(): void {
    this.#server.close();
    this.interrupt();
  }

  async #carry(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await collect(request);
    const up: Passage = { direction: 'up', message: messageIn(body, 'empty'), text: body.toString() };
    if (!(await this.watch(up))) return void request.socket.destroy();
    const answer = await this.#forward(request, body, up);
    const { statusCode: status = 0, headers } = answer;
    const content = await collect(answer);
    const message = messageIn(content, 'nothing');
    const down: Passage = { direction: 'down', message, status, text: content.toString() };
    if (!(await this.watch(down)) || response.destroyed) return void request.socket.destroy();
    response.writeHead(status, headers);
    response.end(content, () => this.passed(down));
  }

  #forward({ headers, url }: IncomingMessage, body: Buffer, up: Passage): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      if (this.#target === 0) return reject(new Error('there is no gateway'));
      const { connection: _, ...others } = headers;
      const message = httpRequest(
        { host: '127.0.0.1', port: this.#target, path: url, method: 'POST', agent: false, headers: others },
        resolve,
      );
      message.on('error', reject);
      message.end(body, () => this.passed(up));
    });
  }
}

async function collect(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function messageIn(body: Buffer, nothing: string): string {
  if (body.length === 0) return nothing;
  return /:Body>\s*<(?:[\w-]+:)?(\w+)/.exec(body.toString())?.[1] ?? 'unreadable';
}

/** Text of the first element with this name. */
export function textIn(text: string, element: string): string | undefined {
  return new RegExp(`<${element}[^>]*>([^<]*)</${element}>`).exec(text)?.[1];
}
