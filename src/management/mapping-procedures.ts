/** Procedures that the mappings name, against those that a leg offers. */
import type { ProtocolAdapter } from './adapter.ts';
import type { Mappings } from './mapping.ts';
import { legOf } from './translation-values.ts';

/** A sentence per procedure that the leg lacks, input that it does not take, and required input that is not given. */
export function procedureProblems(
  mappings: Mappings,
  leg: Pick<ProtocolAdapter, 'technology' | 'procedures'>,
): string[] {
  const technology = legOf(leg.technology);
  if (!technology) return [`the mappings know no technology "${leg.technology}"`];
  const problems: string[] = [];
  for (const mapping of mappings.classes) {
    for (const [name, { legs, trigger }] of mapping.attributes) {
      const row = legs[technology];
      if (!trigger || row.kind !== 'trigger' || row.action.do !== 'procedure') continue;
      const { procedure } = row.action;
      const where = `${mapping.name}.${name} (mappings/${mapping.name}.yaml)`;
      const signature = leg.procedures[procedure];
      if (!signature) {
        problems.push(
          `${where}: ${technology} has no procedure "${procedure}"; it has ${Object.keys(leg.procedures).join(', ')}`,
        );
        continue;
      }
      for (const input of Object.keys(trigger.inputs)) {
        if (!(input in signature)) problems.push(`${where}: "${procedure}" of ${technology} takes no input "${input}"`);
      }
      for (const [input, required] of Object.entries(signature)) {
        if (required && !trigger.required.includes(input)) {
          problems.push(
            `${where}: "${procedure}" of ${technology} needs the input "${input}": add it to inputs and required`,
          );
        }
      }
    }
  }
  return problems;
}
