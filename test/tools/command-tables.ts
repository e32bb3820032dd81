/** The commands of `<mgmtCmd>` as a table for people. */
import { commandCoverage } from '../../src/management/command-check.ts';
import type { CommandLeg, CommandTable } from '../../src/management/command-table.ts';
import { technologies, type Technology } from '../../src/management/mapping-types.ts';
import { enumerations } from '../../src/onem2m/enumerations.ts';

const titles: Record<Technology, string> = { lwm2m: 'LwM2M', cwmp: 'CWMP', omadm: 'OMA DM' };

/** Markdown: what every command becomes, what becomes of its arguments, and what faults become. */
export function renderCommandTable(table: CommandTable): string {
  const head = technologies.map((technology) => titles[technology]);
  const counts = Object.values(commandCoverage(table)).map(({ done, none }) => `${done} of ${done + none}`);
  const lines = [
    '',
    '## Commands (mgmtCmd)',
    '',
    'Made from `mappings/commands.yaml`; reasons in italics. The arguments are those of `execReqArgs`.',
    '',
    ...markdownTable(
      ['command', 'cmt', 'arguments', 'can be cancelled', ...head],
      [
        ...Object.entries(table.commands).map(([name, row]) => [
          name,
          String(row.cmdType),
          `\`${row.shortName}\``,
          row.cancellable ? 'yes' : 'before it is sent',
          ...technologies.map((technology) => legText(row[technology])),
        ]),
        ['*in all*', '', '', '', ...counts],
      ],
    ),
    '',
    ...markdownTable(
      ['argument', 'short', 'needed', ...head],
      Object.entries(table.commands).flatMap(([name, row]) =>
        Object.entries(row.arguments).map(([argument, { shortName, required }]) => [
          `${name} ${argument}`,
          shortName,
          required ? 'yes' : '',
          ...technologies.map((technology) => argumentText(row[technology], argument)),
        ]),
      ),
    ),
    '',
    'Of a device that names a fault code of TR-069, the code decides; otherwise the cause, which the labels of the execution name.',
    '',
    ...markdownTable(
      ['fault or cause', 'execResult'],
      [...Object.entries(table.results.cwmp), ...Object.entries(table.results.causes ?? {})]
        .filter(([fault]) => fault !== '0')
        .map(([fault, value]) => [fault, `${value} ${resultName(value)}`]),
    ),
  ];
  return `${lines.join('\n')}\n`;
}

function legText({ none, rpc, struct, procedure, object, execute, completed, cancel }: CommandLeg): string {
  if (none !== undefined) return `*not there: ${none}*`;
  const what =
    rpc === undefined
      ? procedure === undefined
        ? `E \`${execute}\``
        : `${procedure} on \`${object}\``
      : `RPC ${rpc}${struct === undefined ? '' : ` (${struct})`}`;
  return [
    what,
    ...(completed === undefined ? [] : [`done: ${completed}`]),
    ...(cancel === undefined ? [] : [`cancelled by ${cancel}`]),
  ].join('; ');
}

function argumentText(leg: CommandLeg, argument: string): string {
  if (leg.none !== undefined) return '';
  const target = nameOf(leg.arguments, argument) ?? nameOf(leg.inputs, argument);
  const only = leg.only?.[argument];
  if (only !== undefined) return `only ${only}`;
  return target ?? `*${leg.ignored?.[argument] ?? 'no use'}*`;
}

function nameOf(pairs: Readonly<Record<string, string>> = {}, argument: string): string | undefined {
  return Object.entries(pairs).find(([, source]) => source === argument)?.[0];
}

function resultName(value: number): string {
  return Object.entries(enumerations.execResultType).find(([, known]) => known === value)?.[0] ?? '';
}

function markdownTable(head: string[], rows: string[][]): string[] {
  return [head, head.map(() => '---'), ...rows].map(
    (row) => `| ${row.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`,
  );
}
