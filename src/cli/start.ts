import { setFlagsFromString } from 'node:v8';
import { environmentName, loadSettings, optionName } from '../config.ts';
import { startGateway } from '../gateway.ts';
import { settingDefinitions, type SettingDefinition } from '../setting-definitions.ts';
import { version } from '../version.ts';

/** ms. Container engines and init systems kill after 10 s; what is cut off by the deadline has a second to end. */
const stopWithin = 8_500;

/** By itself V8 lets a heap of devices grow several times over before it looks for garbage in it. */
const packedHeap = '--heap-growing-percent=30';

/** `trivet start`: runs until SIGINT or SIGTERM; a second signal ends it at once. */
export async function runStart(argv: string[]): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(startHelp());
    return 0;
  }
  const { settings, rest } = loadSettings({ arguments: argv, environment: process.env });
  if (rest.length > 0) {
    process.stderr.write(`trivet start: unexpected argument '${rest[0]}'; options begin with --\n`);
    return 2;
  }
  setFlagsFromString(packedHeap);
  const gateway = await startGateway(settings);
  const listeners = Object.fromEntries(
    gateway.listeners.map(({ name, url, address, port }) => [name, { url, address, port }]),
  );
  if (settings['ready.json']) {
    process.stdout.write(`${JSON.stringify({ ready: true, version, pid: process.pid, listeners })}\n`);
  } else {
    const rows = gateway.listeners.map(({ name, url }) => `  ${name.padEnd(9)} ${url}`);
    process.stdout.write(`Trivet ${version} serves, data in ${settings.data}\n${rows.join('\n')}\n`);
  }
  return new Promise((resolve) => {
    let stopping = false;
    const stop = (signal: NodeJS.Signals): void => {
      if (stopping) process.exit(130);
      stopping = true;
      gateway.log.info({ signal }, 'stopping; a second signal ends at once');
      gateway.stop(new Date(Date.now() + stopWithin)).then(
        () => resolve(0),
        (error: Error) => {
          process.stderr.write(`trivet: stopped with an error: ${error.message}\n`);
          resolve(1);
        },
      );
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
}

export function startHelp(): string {
  const rows = Object.entries(settingDefinitions).map(([key, value]) => {
    const definition = value as SettingDefinition<unknown>;
    const shown = definition.flag ? '' : ` (default: ${showDefault(definition)})`;
    return `  ${optionName(key)}\n      ${definition.meaning}${shown}\n      allowed: ${definition.allowed}`;
  });
  return [
    'trivet start [OPTIONS]: runs the gateway until SIGINT or SIGTERM.',
    '',
    `Every option is also an environment variable (--mca-port: ${environmentName('mca.port')}) and a line of the`,
    'settings file (mca: { port: 8080 }).',
    '',
    ...rows,
    '',
  ].join('\n');
}

export function showDefault(definition: SettingDefinition<unknown>): string {
  const value = definition.default;
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return 'none';
  if (typeof value === 'number' && definition.allowed.startsWith('a duration')) return showDuration(value);
  return String(value);
}

function showDuration(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const;
  const unit = units.find(([, length]) => ms >= length && ms % length === 0);
  return unit ? `${ms / unit[1]}${unit[0]}` : `${ms}ms`;
}
