import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a directory and what is missing above it. Level by level: node's own `recursive` never ends on file systems that
 * answer ENOENT to every mkdir, such as /proc.
 * @throws an error whose sentence names the path and the setting
 */
export function ensureDirectory(path: string, setting: string): void {
  const directory = resolve(path);
  const missing: string[] = [];
  for (let level = directory; !isDirectory(level); level = dirname(level)) missing.unshift(level);
  for (const level of missing) {
    try {
      mkdirSync(level);
    } catch (error) {
      const failure = error as NodeJS.ErrnoException;
      if (failure.code === 'EEXIST' && isDirectory(level)) continue;
      throw new Error(
        `the directory ${level} cannot be made (${failure.code ?? failure.message}); choose another with ${setting}`,
        {
          cause: error,
        },
      );
    }
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    // The root always is one, so that the search above ends.
    return dirname(path) === path;
  }
}
