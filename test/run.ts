/**
 * The whole test suite in stages, each with its time and counts, and one closing line. `npm test unit` runs one stage,
 * `npm test -- unit interop` several.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';

interface Stage {
  name: string;
  spec: string[];
  ignore?: string[];
  /** Limit of one test in ms. */
  timeout: number;
  /** Files run side by side; their tests share nothing but the machine. */
  parallel?: boolean;
}

const fuzz = 'test/**/*fuzz*.test.ts';

function below(...folders: string[]): string[] {
  return folders.map((folder) => `test/${folder}/**/*.test.ts`);
}

const stages: Stage[] = [
  {
    name: 'unit',
    spec: below('onem2m', 'mca', 'cse', 'management', 'lwm2m', 'cwmp', 'omadm', 'bus', 'admin', 'cli'),
    ignore: [fuzz],
    timeout: 20_000,
    parallel: true,
  },
  { name: 'stores', spec: below('store', 'contract', 'artifacts'), ignore: [fuzz], timeout: 60_000 },
  { name: 'devices', spec: below('system', 'simulators'), ignore: [fuzz], timeout: 60_000 },
  { name: 'fuzz', spec: [fuzz], timeout: 120_000 },
  { name: 'interop', spec: below('interop'), timeout: 60_000 },
  { name: 'faults', spec: below('faults'), timeout: 300_000 },
];

/** A folder with tests that belongs to no stage would never run. */
function checkStagesComplete(): void {
  const staged = new Set(stages.flatMap(({ spec }) => spec.map((pattern) => pattern.split('/')[1])));
  for (const entry of readdirSync('test', { recursive: true, encoding: 'utf8' })) {
    const folder = entry.split('/')[0]!;
    if (entry.endsWith('.test.ts') && !staged.has(folder)) {
      throw new Error(`test/${entry} belongs to no stage; add its folder to test/run.ts`);
    }
  }
}

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

function runStage(stage: Stage): Promise<Counts & { code: number }> {
  const ignore = (stage.ignore ?? []).flatMap((pattern) => ['--ignore', pattern]);
  const spec = stage.spec.flatMap((pattern) => ['--spec', pattern]);
  const reporter = stage.name === 'interop' || stage.name === 'faults' ? 'spec' : 'dot';
  const child = spawn(
    process.execPath,
    [
      'node_modules/mocha/bin/mocha.js',
      '--no-config',
      '--import=tsx',
      '--exit',
      '--reporter',
      reporter,
      '--timeout',
      String(stage.timeout),
      ...(stage.parallel ? ['--parallel', '--jobs', '2'] : []),
      ...ignore,
      ...spec,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    process.stdout.write(chunk);
    output += chunk.toString();
  });
  return new Promise((resolve) => {
    child.on('close', (code) => {
      const count = (word: string): number => Number(new RegExp(`^\\s+(\\d+) ${word}`, 'm').exec(output)?.[1] ?? 0);
      resolve({ passed: count('passing'), failed: count('failing'), skipped: count('pending'), code: code ?? 1 });
    });
  });
}

checkStagesComplete();
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !stages.some((stage) => stage.name === name));
if (unknown.length > 0) {
  console.error(`unknown stage ${unknown.join(', ')}; stages: ${stages.map((stage) => stage.name).join(', ')}`);
  process.exit(2);
}

const total: Counts = { passed: 0, failed: 0, skipped: 0 };
let broken = false;
for (const stage of stages.filter((candidate) => wanted.length === 0 || wanted.includes(candidate.name))) {
  const begin = performance.now();
  console.log(`\n== ${stage.name}`);
  const result = await runStage(stage);
  total.passed += result.passed;
  total.failed += result.failed;
  total.skipped += result.skipped;
  // A stage that dies without a verdict, or runs nothing, is a failure and never a silent pass.
  if (result.code !== 0 || result.passed === 0) broken = true;
  if (result.code !== 0 && result.failed === 0) total.failed += 1;
  console.log(`== ${stage.name}: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
}
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = broken || total.failed > 0 ? 1 : 0;
