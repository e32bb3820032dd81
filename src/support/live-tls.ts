/** TLS files in use: read at the start, and again when they change; new ones that are wrong leave the old ones in use. */
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';
import { readTlsFiles, type TlsFiles, type TlsPaths } from './tls-files.ts';
import { watchFiles } from './watched-files.ts';

export interface LiveTls {
  readonly current: TlsFiles;
  /** Calls `use` with every later version; it may throw when that cannot be used after all. */
  follow(use: (files: TlsFiles) => void): void;
  close(): void;
}

/** @throws TlsFileError */
export async function openLiveTls(
  paths: TlsPaths,
  { clock, log, interval }: { clock: Clock; log: Log; interval?: number },
): Promise<LiveTls> {
  const users: ((files: TlsFiles) => void)[] = [];
  const files = Object.values(paths).filter((path): path is string => typeof path === 'string');
  // Before the first reading, so that no change falls between.
  const watch = await watchFiles(files, reload, { clock, interval });
  let current: TlsFiles;
  try {
    current = read();
  } catch (error) {
    watch.close();
    throw error;
  }

  function read(): TlsFiles {
    const found = readTlsFiles(paths, clock.now());
    for (const warning of found.warnings) log.warn({}, warning);
    return found;
  }

  async function reload(): Promise<void> {
    try {
      const next = read();
      for (const use of users) use(next);
      current = next;
      log.info({ expires: new Date(next.expires).toISOString() }, 'the TLS certificate was read again');
    } catch (error) {
      log.error({ why: (error as Error).message }, 'the new TLS files cannot be used; the old ones stay in use');
    }
  }

  return {
    get current() {
      return current;
    },
    follow: (use) => void users.push(use),
    close: () => watch.close(),
  };
}
