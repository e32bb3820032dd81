/** Reads the body of a request into memory, with a limit. */
import type { IncomingMessage } from 'node:http';
import type { HttpLimits } from './limits.ts';
import { RefusedRequest } from './refused-request.ts';

const empty = Buffer.alloc(0);

/** True when headers announce a body; most requests have none, and nothing is waited for. */
export function hasBody(request: IncomingMessage): boolean {
  const { headers } = request;
  return (
    (headers['content-length'] !== undefined && headers['content-length'] !== '0') ||
    headers['transfer-encoding'] !== undefined
  );
}

/**
 * The whole body. Too large: a refusal at once, while the rest is thrown away so that the connection survives (cut beyond
 * `drainedBytes`). Undefined: the client went away.
 */
export function readBody(
  request: IncomingMessage,
  limits: Pick<HttpLimits, 'bodyBytes' | 'drainedBytes'>,
): Promise<Buffer | RefusedRequest | undefined> {
  return new Promise((resolve) => {
    let chunks: Buffer[] = [];
    let size = 0;
    let tooLarge = false;

    const refuse = (): void => {
      tooLarge = true;
      chunks = [];
      resolve(new RefusedRequest(`the body is larger than ${limits.bodyBytes} bytes; send less`));
    };
    if (Number(request.headers['content-length']) > limits.bodyBytes) refuse();

    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limits.drainedBytes) {
        request.destroy();
      } else if (!tooLarge) {
        if (size > limits.bodyBytes) refuse();
        else chunks.push(chunk);
      }
    });
    request.on('end', () => {
      if (!tooLarge)
        resolve(chunks.length === 0 ? empty : chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size));
    });
    // Both can follow each other; the first decides.
    request.on('error', () => resolve(undefined));
    request.on('close', () => resolve(undefined));
  });
}
