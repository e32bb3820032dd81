/** States of an execution that no news of its operation causes, and the execution that ends when its device comes back. */
import { enumerations } from '../onem2m/enumerations.ts';
import { commitAnew } from './commits.ts';
import type { Core } from './core.ts';
import { exclusively, type LaneEntry } from './lane.ts';
import type { Operation, Pending } from './operation.ts';
import type { Outcome } from './outcome.ts';
import { purposeOf } from './purpose.ts';

type Status = keyof typeof enumerations.execStatusType;

/** Changes execStatus while the operation goes on; once it is over it has the last word, and nothing is changed. */
export async function markExecution(core: Core, entry: LaneEntry, status: Status): Promise<void> {
  const { operation } = entry;
  const { resource } = operation;
  if (resource === undefined) return;
  const patches = new Map([[resource, { execStatus: enumerations.execStatusType[status] }]]);
  await exclusively(entry, async () => {
    if (core.lanes.entry(operation.id) !== entry) return;
    await commitAnew(core, () => core.resourceSide().outcome(operation, undefined, patches));
  });
}

const returnOfDevice = 'return-of-device';

/** The device has said that it will do it, and it is done once the device is back. */
export function endsWithReturn(operation: Operation, outcome: Outcome): boolean {
  const purpose = purposeOf(operation);
  return purpose.what === 'command' && purpose.endsWithReturn && !operation.pending && outcome.status === 'succeeded';
}

export function returnPending(core: Core, operation: Operation): Pending {
  return {
    correlator: operation.id,
    procedure: returnOfDevice,
    state: {},
    deadline: core.clock.now() + core.settings.evidenceDeadline,
  };
}

/** Waits for the device, not for its leg: no leg may take it up. */
export function awaitsReturn({ state, pending }: Operation): boolean {
  return state === 'accepted' && pending?.procedure === returnOfDevice;
}
