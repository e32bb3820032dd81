/** A DM application in small: oneM2M over HTTP, as curl would say it. Shares no code with the gateway. */
import { Agent, request as httpRequest } from 'node:http';

export interface McaAnswer {
  status: number;
  /** X-M2M-RSC */
  rsc: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  // The tests look into answers of every shape.
  body: Record<string, Record<string, unknown>>;
  /** The m2m:dbg sentence of an error. */
  dbg: string;
}

export interface McaRequest {
  origin?: string;
  /** Resource type of a CREATE. */
  ty?: number;
  body?: unknown;
  headers?: Record<string, string>;
}

let sequence = 0;

export class McaClient {
  readonly url: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  constructor(url: string) {
    this.url = url;
  }

  get(path: string, options: McaRequest = {}): Promise<McaAnswer> {
    return this.send('GET', path, options);
  }

  create(path: string, ty: number, body: unknown, options: McaRequest = {}): Promise<McaAnswer> {
    return this.send('POST', path, { ...options, ty, body });
  }

  update(path: string, body: unknown, options: McaRequest = {}): Promise<McaAnswer> {
    return this.send('PUT', path, { ...options, body });
  }

  delete(path: string, options: McaRequest = {}): Promise<McaAnswer> {
    return this.send('DELETE', path, options);
  }

  /** @param path with or without the leading slash */
  send(method: string, path: string, options: McaRequest): Promise<McaAnswer> {
    const payload = options.body === undefined ? undefined : JSON.stringify(options.body);
    const contentType = options.ty === undefined ? 'application/json' : `application/json;ty=${options.ty}`;
    return new Promise((resolve, reject) => {
      const request = httpRequest(
        `${this.url}/${path.replace(/^\//, '')}`,
        {
          method,
          agent: this.#agent,
          headers: {
            'X-M2M-Origin': options.origin ?? 'CAdmin',
            'X-M2M-RI': `test-${++sequence}`,
            'X-M2M-RVI': '3',
            ...(payload !== undefined && {
              'Content-Type': contentType,
              'Content-Length': String(Buffer.byteLength(payload)),
            }),
            ...options.headers,
          },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => (text += chunk));
          response.on('error', reject);
          response.on('end', () => {
            const body = (text === '' ? {} : JSON.parse(text)) as McaAnswer['body'];
            resolve({
              status: response.statusCode!,
              rsc: Number(response.headers['x-m2m-rsc']),
              headers: response.headers,
              text,
              body,
              dbg: String(body['m2m:dbg'] ?? ''),
            });
          });
        },
      );
      request.on('error', reject);
      request.end(payload);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
