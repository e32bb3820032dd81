/** A step of the build: checks the mapping files of the package and writes them parsed beside the compiled code. */
import { writeFileSync } from 'node:fs';
import { packageFile } from '../support/package-files.ts';
import { loadMappings, preparedMappings } from './mapping.ts';

writeFileSync(preparedMappings, loadMappings({ directory: packageFile('mappings') }).prepared());
