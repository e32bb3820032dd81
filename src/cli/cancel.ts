import { parseArgs } from 'node:util';
import { askAdmin, commonOptions, readUsage } from './admin-client.ts';

const help = `trivet cancel OPERATION [--admin URL]

Ends an operation that waits for its device, or a procedure that the device can still stop. trivet operations DEVICE shows
their ids.

  --admin URL   admin listener of the gateway (default http://127.0.0.1:8090)
`;

/** A device may have to be asked, and asked again. */
const patience = 120_000;

/** `trivet cancel`: exit 0 = it is cancelled, 1 = it is not, and why; 2 = wrong usage. */
export async function runCancel(argv: string[]): Promise<number> {
  const usage = readUsage({ command: 'cancel', help, argument: 'name one operation' }, () =>
    parseArgs({ args: argv, allowPositionals: true, options: commonOptions }),
  );
  if ('exit' in usage) return usage.exit;
  const path = `/operations/${encodeURIComponent(usage.name)}/cancel`;
  const answer = await askAdmin(usage.values.admin, path, { method: 'POST' }, patience);
  if (!answer.ok) {
    process.stderr.write(`trivet cancel: ${answer.error}\n`);
    return 1;
  }
  process.stdout.write(`operation ${usage.name} is cancelled\n`);
  return 0;
}
