/** What a device says on its own becomes resource changes; a repeat changes nothing. */
import type { DeviceEvent } from './adapter.ts';
import { commitAnew } from './commits.ts';
import type { Core } from './core.ts';
import { patchesFromValues } from './effects.ts';
import type { DeviceId } from './operation.ts';
import { heedIdentity } from './remapping.ts';
import { absent, type ReadValues } from './translation-values.ts';

/** Durable when it resolves. In the order in which the device said it. */
export function report(core: Core, id: DeviceId, event: DeviceEvent): Promise<void> {
  return core.turns.take(`report ${id}`, async () => {
    const entry = await core.devices.find(id);
    if (!entry) {
      core.log.warn({ device: id, event: event.event }, 'a device that is not known reported something; it is dropped');
      return;
    }
    const { device } = entry;
    await commitAnew(core, async () => {
      const objects = await core.resourceSide().objectsOf(device);
      const patches = patchesFromValues(core, objects, valuesIn(event));
      return patches.size > 0 ? core.resourceSide().reported(patches) : undefined;
    });
    if (event.event === 'values') heedIdentity(core, id, event.values);
  });
}

/** What is gone is what a read would find absent. */
function valuesIn(event: DeviceEvent): ReadValues {
  return event.event === 'values'
    ? new Map(event.values.map(({ path, value }) => [path, value]))
    : new Map(event.paths.map((path) => [path, absent]));
}
