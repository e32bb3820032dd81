/** A target of notifications and a place where images are: both stay while gateways come and go. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeImage } from '../../src/simulators/lwm2m-device.ts';
import { versionOf } from './deeds.ts';

export class Receiver {
  /** Request Identifiers of the results that were notified, as often as they came. */
  readonly results: string[] = [];
  /** Contents of notified content instances, in order of arrival. */
  readonly contents: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<Receiver> {
    const server = createServer();
    const receiver = new Receiver(server);
    server.on('request', (request, response) => {
      const image = /^\/image\/(\d+)$/.exec(request.url ?? '');
      if (image) {
        response.end(imageOf(Number(image[1])));
        return;
      }
      let text = '';
      request.setEncoding('utf8');
      request.on('data', (chunk: string) => (text += chunk));
      request.on('end', () => {
        receiver.#take(text);
        response.writeHead(200, { 'X-M2M-RSC': '2000', 'X-M2M-RI': String(request.headers['x-m2m-ri'] ?? '') }).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  imageUrl(number: number): string {
    return `${this.url}/image/${number}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #take(text: string): void {
    const notified = JSON.parse(text === '' ? '{}' : text) as Record<string, Record<string, unknown>>;
    const result = notified['m2m:rsp']?.['rqi'];
    if (typeof result === 'string') this.results.push(result);
    const content = /"con":"([^"]*)"/.exec(text)?.[1];
    if (content !== undefined) this.contents.push(content);
  }
}

/** Small enough to be there within some blocks, large enough to be cut in the middle. */
function imageOf(number: number): Buffer {
  return makeImage({ name: 'main', version: versionOf(number), size: 12_000 });
}
