/**
 * Devices whose mapping is another one than that by which their management objects were made: profiles or classes have changed,
 * or the device says that it is another model or runs another version. A device whose mapping is the same costs one comparison.
 */
import type { Inventory, Observation } from './adapter.ts';
import type { Core } from './core.ts';
import type { DeviceEntry } from './device-entry.ts';
import { enterCommitted } from './internal-operations.ts';
import { tellWishChanged } from './observations.ts';
import { alignAndRead, digestIn, inventoryAfter } from './onboarding.ts';
import type { DeviceId, Operation } from './operation.ts';
import type { TargetResult } from './outcome.ts';

export function isOutdated(core: Core, { device, mapping }: Pick<DeviceEntry, 'device' | 'mapping'>): boolean {
  const digest = core.translator.mappingDigest(device);
  if (mapping === digest) return false;
  return digestIn(mapping) !== digest || !core.alterations.concern(device.id);
}

/** Makes the management objects of a device by its mapping as it is now, and reads its values again. Never rejects. */
export async function adoptMapping(
  core: Core,
  entry: DeviceEntry,
  inventory?: (current: Inventory) => Inventory,
): Promise<void> {
  const { id, technology, identity } = entry.device;
  try {
    // In turn with sightings, which may do the same.
    await core.turns.take(`${technology} ${identity}`, () => adopt(core, entry, inventory));
  } catch (error) {
    core.log.error({ err: error, device: id }, 'a device could not be given its new mapping; its next contact does');
  }
}

async function adopt(
  core: Core,
  entry: DeviceEntry,
  inventory: ((current: Inventory) => Inventory) | undefined,
): Promise<void> {
  const { device } = entry;
  if (!inventory && !isOutdated(core, entry)) return;
  let refresh: Operation | undefined;
  const result = await core.devices.change(entry, { inventory }, async (next) => {
    refresh = undefined;
    if (!isOutdated(core, { device: next, mapping: entry.mapping })) return { commit: {} };
    const made = await alignAndRead(core, next, entry.decisions);
    refresh = made.refresh;
    return made.changes;
  });
  if (!refresh) return;
  enterCommitted(core, refresh, result.appended[0]!);
  tellWishChanged(core, device.id);
}

/** Values of a device came: they may say that it is another model, or runs another version. */
export function heedIdentity(core: Core, id: DeviceId, results: readonly (TargetResult | Observation)[]): void {
  const entry = core.devices.known(id);
  const inventory = entry && inventoryAfter(core, entry.device, results);
  if (inventory) void adoptMapping(core, entry, inventory);
}

/**
 * After a start: devices that can be asked now need not wait for their next contact. One after the other, so that a big fleet
 * is not asked all at the same moment; the others are served when they come.
 */
export async function adoptMappings(core: Core): Promise<void> {
  let count = 0;
  for (const technology of core.adapters.keys()) {
    for await (const { id } of core.devices.all(technology)) {
      if (core.stopping) return;
      const entry = core.devices.known(id);
      if (!entry || entry.device.presence.state !== 'reachable' || !isOutdated(core, entry)) continue;
      await adoptMapping(core, entry);
      count++;
    }
  }
  if (count > 0) core.log.info({ devices: count }, 'devices were given a mapping that has changed since the last run');
}
