/** The commands of `commands.yaml` against the legs: every argument has a use or a reason, every procedure is one of the leg. */
import type { ProtocolAdapter } from './adapter.ts';
import type { CommandLeg, CommandRow, CommandTable } from './command-table.ts';
import { technologies, type Technology } from './mapping-types.ts';

type Leg = Pick<ProtocolAdapter, 'technology' | 'procedures'>;

/** A sentence per argument without use or reason, per class that is not there, and per procedure that a leg cannot do. */
export function commandProblems(table: CommandTable, classes: readonly string[], legs: readonly Leg[]): string[] {
  const problems: string[] = [];
  for (const [name, row] of Object.entries(table.commands)) {
    const where = `${name} (mappings/commands.yaml)`;
    for (const mapping of row.refresh ?? []) {
      if (!classes.includes(mapping)) problems.push(`${where}: refresh names "${mapping}", and there is no such class`);
    }
    for (const technology of technologies) {
      const found = [...kindProblems(row[technology]), ...argumentProblems(row, row[technology])];
      const leg = legs.find((candidate) => candidate.technology === technology);
      if (leg) found.push(...procedureProblems(row[technology], leg));
      problems.push(...found.map((problem) => `${where}: ${technology} ${problem}`));
    }
  }
  return problems;
}

/** How many commands each leg can do. */
export function commandCoverage(table: CommandTable): Record<Technology, { done: number; none: number }> {
  const rows = Object.values(table.commands);
  const counts = technologies.map((technology): [Technology, { done: number; none: number }] => {
    const none = rows.filter((row) => row[technology].none !== undefined).length;
    return [technology, { done: rows.length - none, none }];
  });
  return Object.fromEntries(counts) as Record<Technology, { done: number; none: number }>;
}

function kindProblems({ none, rpc, procedure, execute, object, objectID }: CommandLeg): string[] {
  const kinds = [none, rpc, procedure, execute].filter((kind) => kind !== undefined);
  const rootless = objectID === undefined && [execute, object].some((path) => path?.includes('{mo}'));
  return [
    ...(kinds.length === 1 ? [] : ['needs one of none, rpc, procedure and execute']),
    ...(rootless ? ['says {mo} without the objectID of the management object'] : []),
  ];
}

function argumentProblems(row: CommandRow, leg: CommandLeg): string[] {
  if (leg.none !== undefined) return [];
  const sources = [...Object.values(leg.arguments ?? {}), ...Object.values(leg.inputs ?? {})];
  const used = new Set([...sources, ...Object.keys(leg.only ?? {}), ...Object.keys(leg.ignored ?? {})]);
  const known = Object.keys(row.arguments);
  return [
    ...known
      .filter((argument) => !used.has(argument))
      .map((argument) => `has neither a use nor a reason for "${argument}"`),
    ...[...used]
      .filter((argument) => !argument.startsWith('anyArg.') && !known.includes(argument))
      .map((argument) => `names "${argument}", which is no argument of the command`),
  ];
}

function procedureProblems({ procedure, inputs = {} }: CommandLeg, { procedures }: Leg): string[] {
  if (procedure === undefined) return [];
  const signature = procedures[procedure];
  if (!signature) return [`has no procedure "${procedure}"; it has ${Object.keys(procedures).join(', ')}`];
  const missing = Object.entries(signature).filter(([input, required]) => required && inputs[input] === undefined);
  return [
    ...Object.keys(inputs)
      .filter((input) => !(input in signature))
      .map((input) => `gives "${procedure}" the input "${input}" that it does not take`),
    ...missing.map(([input]) => `does not give "${procedure}" the input "${input}" that it needs`),
  ];
}
