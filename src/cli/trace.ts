import { parseArgs } from 'node:util';
import type { DeviceSummary, TraceLine } from '../admin/device-routes.ts';
import { askAdmin, commonOptions, readUsage } from './admin-client.ts';

const help = `trivet trace DEVICE [--admin URL] [--follow] [--json]

The last messages of one device, decoded; secrets are not in them. In brackets: the operation that a message belongs to, and
the X-M2M-RI of its request. DEVICE is an endpoint name, a device id, or the name of its <node>.

  --admin URL   admin listener of the gateway (default http://127.0.0.1:8090)
  --follow      go on and show new messages as they come
  --json        one JSON object a line
`;

const options = {
  ...commonOptions,
  follow: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

/** `trivet trace`: exit 0 = shown, 1 = no such device or no gateway, 2 = wrong usage. */
export async function runTrace(argv: string[]): Promise<number> {
  const usage = readUsage({ command: 'trace', help, argument: 'name one device' }, () =>
    parseArgs({ args: argv, allowPositionals: true, options }),
  );
  if ('exit' in usage) return usage.exit;
  const { name, values } = usage;
  let shownUntil = '';
  let shownAtThatTime = new Set<string>();
  for (;;) {
    const path = `/devices/${encodeURIComponent(name)}/trace`;
    const answer = await askAdmin<{ device: DeviceSummary; messages: TraceLine[] }>(values.admin, path);
    if (!answer.ok) {
      process.stderr.write(`trivet trace: ${answer.error}\n`);
      return 1;
    }
    for (const message of answer.body.messages) {
      const key = JSON.stringify(message);
      if (message.at < shownUntil || (message.at === shownUntil && shownAtThatTime.has(key))) continue;
      if (message.at !== shownUntil) shownAtThatTime = new Set();
      shownUntil = message.at;
      shownAtThatTime.add(key);
      process.stdout.write(values.json ? `${key}\n` : `${describe(message)}\n`);
    }
    if (!values.follow) return 0;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

const arrows = { in: '<-', out: '->', note: '--' } as const;

function describe(message: TraceLine): string {
  const names = [message.operation, message.requestIdentifier].filter((name) => name !== undefined);
  const operation = names.length > 0 ? `  [${names.join(' ')}]` : '';
  const detail = message.detail === undefined ? '' : `\n     ${JSON.stringify(message.detail)}`;
  return `${message.at} ${arrows[message.direction]} ${message.summary}${operation}${detail}`;
}
