import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { askAdmin, commonOptions, readUsage } from './admin-client.ts';

const help = `trivet backup FILE [--admin URL]

Writes a consistent copy of the embedded database while the gateway runs. FILE is on the machine of the gateway; a file that
stands there is replaced once the copy is complete. Images are in the data directory, below artifacts/: copy them after it.

  --admin URL   admin listener of the gateway (default http://127.0.0.1:8090)
`;

const patience = 3_600_000;

/** `trivet backup`: exit 0 = the copy is complete, 1 = it is not, and why; 2 = wrong usage. */
export async function runBackup(argv: string[]): Promise<number> {
  const usage = readUsage({ command: 'backup', help, argument: 'name one file' }, () =>
    parseArgs({ args: argv, allowPositionals: true, options: commonOptions }),
  );
  if ('exit' in usage) return usage.exit;
  const file = resolve(usage.name);
  const request = {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ file }),
  };
  const answer = await askAdmin(usage.values.admin, '/backup', request, patience);
  if (!answer.ok) {
    process.stderr.write(`trivet backup: ${answer.error}\n`);
    return 1;
  }
  process.stdout.write(`${file} is written\n`);
  return 0;
}
