/** `npm run bench`: measures the build beside references in the same run, prints a table, and ends with 1 when a target is missed. */
import { writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fullEffort, quickEffort, type Effort } from './effort.ts';
import { profileTo } from './measured-gateway.ts';
import { judge, table, type Figure, type Judged } from './figures.ts';

const measurements: Record<string, (effort: Effort) => Promise<Figure[]>> = {
  stored: async (effort) => (await import('./stored.bench.ts')).measureStored(effort),
  registration: async (effort) => (await import('./registration.bench.ts')).measureRegistration(effort),
  reading: async (effort) => (await import('./reading.bench.ts')).measureReading(effort),
  fleet: async (effort) => (await import('./fleet.bench.ts')).measureFleet(effort),
  notifying: async (effort) => (await import('./notifying.bench.ts')).measureNotifying(effort),
  push: async (effort) => (await import('./push.bench.ts')).measurePush(effort),
  inform: async (effort) => (await import('./inform.bench.ts')).measureInform(effort),
  syncml: async (effort) => (await import('./syncml.bench.ts')).measureSyncml(effort),
  sessions: async (effort) => (await import('./sessions.bench.ts')).measureSessions(effort),
  calling: async (effort) => (await import('./calling.bench.ts')).measureCalling(effort),
  powerCut: async (effort) => (await import('./power-cut.bench.ts')).measurePowerCut(effort),
  start: async (effort) => (await import('./start.bench.ts')).measureStart(effort),
};

const help = `npm run bench -- [OPTIONS]
  --quick       everything once and small, to see that it works
  --only NAME   ${Object.keys(measurements).join(', ')}; may be repeated
  --json FILE   the figures as JSON as well
  --profile DIR CPU profiles of what is measured, which is slower for it
Exit code 1: a target was missed. docs/benchmarks.md explains the figures.
`;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    json: { type: 'string' },
    profile: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

async function run(): Promise<number> {
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const names = values.only ?? Object.keys(measurements);
  const unknown = names.find((name) => !measurements[name]);
  if (unknown !== undefined) {
    process.stderr.write(`there is no measurement '${unknown}'; there are ${Object.keys(measurements).join(', ')}\n`);
    return 2;
  }
  if (values.profile !== undefined) profileTo(resolve(values.profile));
  const effort = values.quick ? quickEffort : fullEffort;
  const started = performance.now();
  const load = loadavg()[0]!;
  const judged: Judged[] = [];
  for (const name of names) {
    const before = performance.now();
    judged.push(...(await measurements[name]!(effort)).map(judge));
    process.stderr.write(`${name}: ${((performance.now() - before) / 1000).toFixed(0)} s\n`);
  }
  const seconds = (performance.now() - started) / 1000;
  const machine = { cpus: cpus().length, node: process.version, loadBefore: load };
  process.stdout.write(
    `${table(judged)}\n\n${machine.cpus} CPUs, node ${machine.node}, load before ${load.toFixed(1)}, ` +
      `${seconds.toFixed(0)} s${values.quick ? '; quick: figures mean little' : ''}\n`,
  );
  if (load > machine.cpus / 2)
    process.stdout.write('Something else was running: repeat it when the machine is quiet.\n');
  if (values.json !== undefined) {
    await writeFile(values.json, `${JSON.stringify({ machine, effort, seconds, figures: judged }, null, 2)}\n`);
  }
  return judged.some(({ ok }) => ok === false) ? 1 : 0;
}

process.exitCode = await run();
