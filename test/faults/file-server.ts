/** Where CPEs fetch images and put logs; it stays while gateways come and go. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeImage } from '../../src/simulators/cwmp-cpe.ts';
import { versionOf } from './deeds.ts';

/** ms until a slow file begins. */
const slowness = 6_000;

export class FileServer {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<FileServer> {
    const server = createServer((request, response) => {
      const [, speed, number = '0'] = /^\/(image|slow)\/(\d+)$/.exec(request.url ?? '') ?? [];
      const image = makeImage({ name: 'main', version: versionOf(Number(number)), size: 8_000 });
      request.resume().on('end', () => {
        setTimeout(() => response.end(request.method === 'GET' ? image : ''), speed === 'slow' ? slowness : 0).unref();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FileServer(server);
  }

  imageUrl(number: number): string {
    return `${this.#url}/image/${number}`;
  }

  /** Of an image that takes longer than a start of the gateway. */
  slowImageUrl(number: number): string {
    return `${this.#url}/slow/${number}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  get #url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
}
