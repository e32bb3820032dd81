/** Files of the operator that are read again when they change: certificates, credentials. */
import { stat } from 'node:fs/promises';
import type { Clock } from './clock.ts';

/** ms between two looks. A change counts once two looks have seen the same, so that nothing is read half written. */
const defaultInterval = 1_000;

export interface FileWatch {
  close(): void;
}

/**
 * Looks at the files, not at their directories: they may be links that are turned to another place. `changed` runs once per change
 * of one or several of them, never twice at a time; it handles its own errors.
 */
export async function watchFiles(
  paths: readonly string[],
  changed: () => Promise<void>,
  { clock, interval = defaultInterval }: { clock: Clock; interval?: number },
): Promise<FileWatch> {
  let taken = await stampOf(paths);
  let seen = taken;
  let closed = false;
  let cancel = (): void => {};

  async function look(): Promise<void> {
    const now = await stampOf(paths);
    if (now !== taken && now === seen) {
      taken = now;
      await changed();
    }
    seen = now;
  }

  function lookAgain(): void {
    if (closed) return;
    cancel = clock.after(interval, () => void look().finally(lookAgain));
  }

  lookAgain();
  return {
    close() {
      closed = true;
      cancel();
    },
  };
}

async function stampOf(paths: readonly string[]): Promise<string> {
  const stamps = await Promise.all(
    paths.map(async (path) => {
      try {
        const { ino, size, mtimeMs, mode } = await stat(path);
        return `${ino} ${size} ${mtimeMs} ${mode}`;
      } catch (error) {
        return String((error as NodeJS.ErrnoException).code);
      }
    }),
  );
  return stamps.join();
}
