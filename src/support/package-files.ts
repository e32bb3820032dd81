import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Path of a file or directory that comes with the package, from the sources as from `dist`. */
export function packageFile(name: string): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json'))) {
    const parent = dirname(directory);
    if (parent === directory) throw new Error('the package is incomplete: package.json is missing; install it again');
    directory = parent;
  }
  return join(directory, name);
}
