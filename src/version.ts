import { readFileSync } from 'node:fs';
import { packageFile } from './support/package-files.ts';

/** Version of the package, for `--version` and the start message. */
export const version: string = (JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string })
  .version;
