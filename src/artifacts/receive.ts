/** Takes a stream of octets into a file: bounded, digested, on the disk before it is said to be there. */
import { createHash, randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ArtifactFailure } from './failure.ts';

export interface Received {
  /** Where the octets are until they are kept. */
  file: string;
  size: number;
  /** Lower-case hexadecimal. */
  sha256: string;
}

export interface ReceiveLimits {
  maximumBytes: number;
  /** ms without a single octet after which the sender is given up. */
  idleTimeout: number;
}

export const PARTIAL = '.partial';

/** @throws ArtifactFailure; nothing stays on the disk then */
export async function receive(
  directory: string,
  stream: AsyncIterable<Uint8Array>,
  { maximumBytes, idleTimeout }: ReceiveLimits,
): Promise<Received> {
  const file = join(directory, `${randomUUID()}${PARTIAL}`);
  const hash = createHash('sha256');
  let size = 0;
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      for await (const chunk of withDeadline(stream, idleTimeout)) {
        size += chunk.length;
        if (size > maximumBytes) throw tooLarge(maximumBytes);
        hash.update(chunk);
        await handle.writeFile(chunk);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    if (size === 0) throw new ArtifactFailure('empty', 'the artifact has no octets: send the image as the body');
  } catch (error) {
    await rm(file, { force: true });
    throw explain(directory, error);
  }
  return { file, size, sha256: hash.digest('hex') };
}

export function tooLarge(maximumBytes: number): ArtifactFailure {
  return new ArtifactFailure(
    'too-large',
    `the artifact is larger than ${maximumBytes} octets: raise the setting artifact.maximumBytes`,
  );
}

/** Gives a received file its lasting name; both survive a loss of power when it resolves. */
export async function keep(received: Received, file: string): Promise<void> {
  try {
    await rename(received.file, file);
    const directory = await open(dirname(file), 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch (error) {
    throw explain(dirname(file), error);
  }
}

async function* withDeadline(stream: AsyncIterable<Uint8Array>, idleTimeout: number): AsyncGenerator<Uint8Array> {
  const iterator = stream[Symbol.asyncIterator]();
  let finished = false;
  try {
    for (;;) {
      const next = await beforeDeadline(iterator.next(), idleTimeout);
      if (next.done) break;
      yield next.value;
    }
    finished = true;
  } finally {
    // Ends the sender. Not awaited: a generator that hangs in `next` would hang in `return` as well.
    if (!finished) void Promise.resolve(iterator.return?.()).catch(() => {});
  }
}

async function beforeDeadline<Value>(value: Promise<Value>, milliseconds: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () =>
        reject(new ArtifactFailure('timeout', `nothing came for ${milliseconds / 1000} s: send the artifact again`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([value, late]);
  } finally {
    clearTimeout(timer);
  }
}

function explain(directory: string, error: unknown): ArtifactFailure {
  if (error instanceof ArtifactFailure) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new ArtifactFailure(
      'no-space',
      `no space left in ${directory}: free some, then send the artifact again`,
      error,
    );
  }
  if (code === 'EACCES' || code === 'EROFS' || code === 'ENOENT' || code === 'EPERM') {
    return new ArtifactFailure('no-space', `${directory} cannot be written: check owner and mount of --data`, error);
  }
  const said = error instanceof Error ? error.message : String(error);
  return new ArtifactFailure('interrupted', `the artifact did not come whole (${said}): send it again`, error);
}
