/**
 * Mapping completeness: every attribute of every management object has, for every leg, a mapping or a stated reason; and
 * every procedure that a mapping names is one that its leg offers, with these inputs.
 */
import { createCwmpAdapter } from '../../adapters/cwmp/adapter.ts';
import { createLwm2mAdapter } from '../../adapters/lwm2m/adapter.ts';
import { createFirmwareUpdate } from '../../adapters/lwm2m/firmware-update.ts';
import { createSoftwareManagement } from '../../adapters/lwm2m/software-management.ts';
import { commandCoverage, commandProblems } from '../../src/management/command-check.ts';
import { loadMappings } from '../../src/management/mapping.ts';
import { procedureProblems } from '../../src/management/mapping-procedures.ts';
import { coverage } from './mapping-tables.ts';

export async function checkMappings(): Promise<{ problems: string[]; note?: string }> {
  try {
    const mappings = loadMappings({ directory: 'mappings', profileDirectories: ['mappings/profiles'] });
    const legs = [
      createLwm2mAdapter({ procedures: [createFirmwareUpdate(), ...createSoftwareManagement()] }),
      createCwmpAdapter(),
    ];
    const counts = Object.entries(coverage(mappings)).map(
      ([leg, { mapped, held, none }]) =>
        `${leg} ${mapped} mapped, ${held} kept by the CSE with a reason, ${none} without a mapping`,
    );
    const commands = Object.entries(commandCoverage(mappings.commands)).map(([leg, { done }]) => `${leg} ${done}`);
    const classes = mappings.classes.map(({ name }) => name);
    return {
      problems: [
        ...legs.flatMap((leg) => procedureProblems(mappings, leg)),
        ...commandProblems(mappings.commands, classes, legs),
      ],
      note: `${counts.join('; ')}; commands: ${commands.join(', ')}`,
    };
  } catch (error) {
    return { problems: [(error as Error).message] };
  }
}
