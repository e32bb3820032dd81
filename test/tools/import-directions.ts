/** Imports run downward. The table below is the architecture; ARCHITECTURE.md explains it. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** First match decides. `may` lists path prefixes; a part may always import itself. */
const rules: { part: string; may: string[] }[] = [
  { part: 'src/support/', may: [] },
  { part: 'src/onem2m/', may: [] },
  { part: 'src/bus/', may: ['src/support/'] },
  { part: 'src/store/', may: ['src/support/', 'src/onem2m/'] },
  { part: 'src/jobs/', may: ['src/support/', 'src/onem2m/', 'src/store/', 'src/bus/'] },
  { part: 'src/artifacts/', may: ['src/support/', 'src/onem2m/', 'src/store/', 'src/management/adapter.ts'] },
  { part: 'src/management/', may: ['src/support/', 'src/onem2m/', 'src/store/', 'src/bus/', 'src/jobs/'] },
  { part: 'src/cse/', may: ['src/support/', 'src/onem2m/', 'src/store/', 'src/bus/', 'src/jobs/', 'src/management/'] },
  { part: 'src/mca/', may: ['src/support/', 'src/onem2m/', 'src/store/', 'src/bus/', 'src/cse/cse.ts'] },
  { part: 'src/admin/', may: ['src/support/', 'src/onem2m/'] },
  { part: 'src/simulators/', may: [] },
  {
    part: 'adapters/',
    may: [
      'src/support/',
      'src/onem2m/primitive.ts',
      'src/management/adapter.ts',
      'src/management/operation.ts',
      'src/management/outcome.ts',
      'src/management/wanted-version.ts',
    ],
  },
];

/** Files that see everything: the composition root and the command line. */
const roots = [
  'src/gateway.ts',
  'src/main.ts',
  'src/cli/',
  'src/config.ts',
  'src/setting-definitions.ts',
  'src/tls.ts',
  'src/version.ts',
  'src/listeners.ts',
  'src/device-credentials.ts',
  'src/device-directory.ts',
  'src/operation-directory.ts',
];

export function sourceFiles(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

export function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const found = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) => match[1]!);
  return found.map((specifier) => normalize(join(dirname(file), specifier)));
}

/** @returns one line per import that goes the wrong way */
export function checkImports(files = [...sourceFiles('src'), ...sourceFiles('adapters')]): string[] {
  const problems: string[] = [];
  for (const file of files) {
    if (roots.some((root) => file.startsWith(root))) continue;
    const rule = rules.find(({ part }) => file.startsWith(part));
    if (!rule) {
      problems.push(`${file}: belongs to no part; add it to test/tools/import-directions.ts`);
      continue;
    }
    // One leg never imports another.
    const own = rule.part === 'adapters/' ? file.split('/').slice(0, 2).join('/') + '/' : rule.part;
    for (const imported of importsOf(file)) {
      if (imported.startsWith(own) || rule.may.some((prefix) => imported.startsWith(prefix))) continue;
      problems.push(`${file} imports ${imported}: ${rule.part} may import ${rule.may.join(', ') || 'nothing of ours'}`);
    }
  }
  return problems;
}
