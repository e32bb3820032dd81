import { parseArgs } from 'node:util';
import type { OperationSummary } from '../admin/operation-routes.ts';
import { askAdmin, commonOptions, readUsage } from './admin-client.ts';

const help = `trivet operations DEVICE [--limit N] [--admin URL] [--json]

What was asked of one device, newest first: how it stands, and why it failed. DEVICE is an endpoint name, a device id, or the
name of its <node>.

  --limit N     how many (default 20, at most 1000)
  --admin URL   admin listener of the gateway (default http://127.0.0.1:8090)
  --json        one JSON object a line
`;

const options = {
  ...commonOptions,
  limit: { type: 'string', default: '20' },
  json: { type: 'boolean', default: false },
} as const;

/** `trivet operations`: exit 0 = shown, 1 = no such device or no gateway, 2 = wrong usage. */
export async function runOperations(argv: string[]): Promise<number> {
  const usage = readUsage({ command: 'operations', help, argument: 'name one device' }, () =>
    parseArgs({ args: argv, allowPositionals: true, options }),
  );
  if ('exit' in usage) return usage.exit;
  const { name, values } = usage;
  if (!/^[1-9]\d{0,3}$/.test(values.limit) || Number(values.limit) > 1000) {
    process.stderr.write(`trivet operations: --limit takes a number from 1 to 1000\n\n${help}`);
    return 2;
  }
  const path = `/operations?device=${encodeURIComponent(name)}&limit=${values.limit}`;
  const answer = await askAdmin<OperationSummary[]>(values.admin, path);
  if (!answer.ok) {
    process.stderr.write(`trivet operations: ${answer.error}\n`);
    return 1;
  }
  const lines = values.json ? answer.body.map((operation) => JSON.stringify(operation)) : tableOf(answer.body);
  for (const line of lines) process.stdout.write(`${line}\n`);
  return 0;
}

/** A row per operation; what failed has its reason below. */
export function tableOf(operations: readonly OperationSummary[]): string[] {
  if (operations.length === 0) return ['nothing was asked of this device, or it was over long ago'];
  const head = ['ACCEPTED', 'ID', 'WHAT', 'BY', 'STATE', 'SETTLED'];
  const rows = operations.map((operation) => [
    operation.acceptedAt,
    operation.id,
    whatOf(operation),
    operation.requester?.originator ?? 'the gateway',
    operation.progress === undefined ? operation.state : `${operation.state}, ${operation.progress} %`,
    operation.settledAt ?? '-',
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.flatMap((row, index) => [line(row), ...reasonOf(operations[index]!)])];
}

function whatOf({ kind, resource, attributes }: OperationSummary): string {
  return [kind, resource ?? '', attributes?.join(',') ?? ''].filter((part) => part !== '').join(' ');
}

function reasonOf({ failure }: OperationSummary): string[] {
  if (!failure) return [];
  const said = failure.evidence ? ` (the device says: ${failure.evidence})` : '';
  return [`  ${failure.cause}: ${failure.path ? `${failure.path}: ` : ''}${failure.explanation}${said}`];
}
