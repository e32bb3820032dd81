/** `npm run check`: what must hold before anything is run. Every check prints its verdict; one failure is exit code 1. */
import { spawnSync } from 'node:child_process';
import { checkImports } from './import-directions.ts';
import { staleDocuments } from './documents.ts';
import { checkMappings } from './mapping-check.ts';

interface Verdict {
  problems: string[];
  note?: string;
}

function tool(...command: string[]): Verdict {
  const result = spawnSync(process.execPath, command, { encoding: 'utf8' });
  if (result.status === 0) return { problems: [] };
  return { problems: [`${result.stdout}${result.stderr}`.trim() || `exit code ${result.status}`] };
}

const checks: [string, () => Verdict | Promise<Verdict>][] = [
  ['types', () => tool('node_modules/typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json')],
  ['lint', () => tool('node_modules/oxlint/bin/oxlint', '--deny-warnings')],
  ['format', () => tool('node_modules/oxfmt/bin/oxfmt', '--check')],
  ['import directions', () => ({ problems: checkImports() })],
  ['mappings', checkMappings],
  ['generated documents', async () => ({ problems: await staleDocuments() })],
];

let failed = false;
for (const [name, run] of checks) {
  const begin = performance.now();
  const verdict = await run();
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  const good = verdict.problems.length === 0;
  if (!good) failed = true;
  console.log(`${good ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)${verdict.note ? `: ${verdict.note}` : ''}`);
  for (const problem of verdict.problems) console.log(problem.replace(/^/gm, '     '));
}
process.exitCode = failed ? 1 : 0;
