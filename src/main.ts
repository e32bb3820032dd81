/** The command line: picks the command and turns its answer into an exit code. Commands load on demand, so that `--help` is quick. */
import { SettingError } from './config.ts';

interface Command {
  summary: string;
  run(argv: string[]): Promise<number>;
}

const commands: Record<string, Command> = {
  start: {
    summary: 'run the gateway (the default)',
    run: async (argv) => (await import('./cli/start.ts')).runStart(argv),
  },
  demo: {
    summary: 'a gateway and a simulated device: onboard, read, update',
    run: async (argv) => (await import('./cli/demo.ts')).runDemo(argv),
  },
  simulate: {
    summary: 'simulated devices against a running gateway',
    run: async (argv) => (await import('./cli/simulate.ts')).runSimulate(argv),
  },
  trace: {
    summary: 'the last messages of one device, decoded',
    run: async (argv) => (await import('./cli/trace.ts')).runTrace(argv),
  },
  operations: {
    summary: 'what was asked of one device, and why it failed',
    run: async (argv) => (await import('./cli/operations.ts')).runOperations(argv),
  },
  cancel: {
    summary: 'end an operation that nobody wants any more',
    run: async (argv) => (await import('./cli/cancel.ts')).runCancel(argv),
  },
  bootstrap: {
    summary: 'the document that makes the gateway known to an OMA DM device',
    run: async (argv) => (await import('./cli/bootstrap.ts')).runBootstrap(argv),
  },
  backup: {
    summary: 'copy the embedded database while the gateway runs',
    run: async (argv) => (await import('./cli/backup.ts')).runBackup(argv),
  },
  settings: {
    summary: 'all settings with their values now (secrets hidden)',
    run: async (argv) => (await import('./cli/show-settings.ts')).runShowSettings(argv),
  },
};

function usage(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const rows = Object.entries(commands).map(([name, { summary }]) => `  trivet ${name.padEnd(width)}  ${summary}`);
  return [
    'Trivet: oneM2M device management for LwM2M, TR-069 and OMA DM devices',
    '',
    ...rows,
    '',
    'trivet COMMAND --help explains a command; trivet --version prints the version.',
    '',
  ].join('\n');
}

async function main(argv: string[]): Promise<number> {
  const [first, ...others] = argv;
  if (first === '--help' || first === '-h' || first === 'help') {
    process.stdout.write(usage());
    return 0;
  }
  if (first === '--version') {
    process.stdout.write(`${(await import('./version.ts')).version}\n`);
    return 0;
  }
  if (first === undefined || first.startsWith('-')) return commands.start!.run(argv);
  const command = commands[first];
  if (!command) {
    process.stderr.write(`trivet: unknown command '${first}'; commands: ${Object.keys(commands).join(', ')}\n`);
    return 2;
  }
  if (first !== 'start') endWithReader();
  return command.run(others);
}

/** `trivet settings | head`: who has seen enough closes the pipe, and that is no fault. */
function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof SettingError) {
    process.stderr.write(`trivet: ${error.message}\n`);
    process.exitCode = 2;
  } else {
    process.stderr.write(`trivet: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
