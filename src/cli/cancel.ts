import { parseArgs } from 'node:util';
import { askAdmin, commonOptions, readUsage } from './admin-client.ts';

const help = `trivet cancel OPERATION [--force] [--admin URL]

Ends an operation that waits for its device, or a procedure that the device can still stop. trivet operations DEVICE shows
their ids.

  --force       end it here also when the device cannot or will not stop it: it may still carry it out
  --admin URL   admin listener of the gateway (default http://127.0.0.1:8090)
`;

const options = { ...commonOptions, force: { type: 'boolean', default: false } } as const;

/** A device may have to be asked, and asked again. */
const patience = 120_000;

/** `trivet cancel`: exit 0 = it is cancelled, 1 = it is not, and why; 2 = wrong usage. */
export async function runCancel(argv: string[]): Promise<number> {
  const usage = readUsage({ command: 'cancel', help, argument: 'name one operation' }, () =>
    parseArgs({ args: argv, allowPositionals: true, options }),
  );
  if ('exit' in usage) return usage.exit;
  const path = `/operations/${encodeURIComponent(usage.name)}/cancel${usage.values.force ? '?force=true' : ''}`;
  const answer = await askAdmin(usage.values.admin, path, { method: 'POST' }, patience);
  if (!answer.ok) {
    process.stderr.write(`trivet cancel: ${answer.error}\n`);
    return 1;
  }
  process.stdout.write(`operation ${usage.name} is cancelled\n`);
  return 0;
}
