/** Reads small pieces of large files: the last windows of 64 KiB are kept, so a block-wise download opens its file rarely. */
import { open } from 'node:fs/promises';

const WINDOW = 64 * 1024;

export interface Windows {
  /** Octets of a file from `offset`; fewer at its end. The caller does not write into them. */
  read(file: string, offset: number, length: number): Promise<Uint8Array>;
  /** Forgets a file that was removed. */
  forget(file: string): void;
}

/** @param maximum windows kept, of 64 KiB each */
export function createWindows(maximum = 512): Windows {
  // In order of use, the oldest first. A promise, so that readers who come together share one access.
  const windows = new Map<string, Promise<Uint8Array>>();

  const windowAt = (file: string, index: number): Promise<Uint8Array> => {
    const id = `${index} ${file}`;
    let window = windows.get(id);
    if (window) windows.delete(id);
    else {
      window = load(file, index * WINDOW);
      // What failed is tried again by the next reader.
      window.catch(() => windows.delete(id));
    }
    windows.set(id, window);
    if (windows.size > maximum) {
      for (const oldest of windows.keys()) {
        windows.delete(oldest);
        break;
      }
    }
    return window;
  };

  return {
    async read(file, offset, length) {
      const first = Math.floor(offset / WINDOW);
      const last = Math.floor((offset + Math.max(length, 1) - 1) / WINDOW);
      const start = offset - first * WINDOW;
      const window = await windowAt(file, first);
      if (first === last || window.length < WINDOW) return window.subarray(start, start + length);
      const parts = [window.subarray(start)];
      for (let index = first + 1; index <= last; index += 1) {
        const next = await windowAt(file, index);
        parts.push(next);
        if (next.length < WINDOW) break;
      }
      return Buffer.concat(parts).subarray(0, length);
    },
    forget(file) {
      for (const id of windows.keys()) if (id.endsWith(` ${file}`)) windows.delete(id);
    },
  };
}

async function load(file: string, position: number): Promise<Uint8Array> {
  const handle = await open(file, 'r');
  try {
    const buffer = Buffer.allocUnsafeSlow(WINDOW);
    let filled = 0;
    while (filled < WINDOW) {
      const { bytesRead } = await handle.read(buffer, filled, WINDOW - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  } finally {
    await handle.close();
  }
}
