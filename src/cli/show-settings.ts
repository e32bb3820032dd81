import { loadSettings, optionName, redactedSettings } from '../config.ts';

/** `trivet settings`: what the gateway would run with, after options, environment and file. */
export async function runShowSettings(argv: string[]): Promise<number> {
  if (argv.includes('--help')) {
    process.stdout.write('trivet settings [--json] [OPTIONS of trivet start]: shows every setting with its value.\n');
    return 0;
  }
  const { settings } = loadSettings({
    arguments: argv.filter((argument) => argument !== '--json'),
    environment: process.env,
  });
  const shown = redactedSettings(settings);
  if (argv.includes('--json')) {
    process.stdout.write(`${JSON.stringify(shown)}\n`);
    return 0;
  }
  const width = Math.max(...Object.keys(shown).map((key) => optionName(key).length));
  for (const [key, value] of Object.entries(shown)) {
    process.stdout.write(`${optionName(key).padEnd(width)}  ${value === undefined ? '' : JSON.stringify(value)}\n`);
  }
  return 0;
}
