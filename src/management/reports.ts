/** What a device says on its own becomes resource changes; a repeat changes nothing. */
import { formatTimestamp } from '../onem2m/timestamp.ts';
import type { DeviceEvent, ManagedDevice } from './adapter.ts';
import { commitAnew } from './commits.ts';
import type { Core } from './core.ts';
import { patchesFromValues } from './effects.ts';
import type { DeviceId } from './operation.ts';
import { heedIdentity } from './remapping.ts';
import type { BoundObject, Changes } from './resource-side.ts';
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
      if (event.event === 'alert') return labelled(core, device, objects, event);
      const patches = patchesFromValues(core, objects, valuesIn(event));
      return patches.size > 0 ? core.resourceSide().reported(patches) : undefined;
    });
    if (event.event === 'values') heedIdentity(core, id, event.values);
  });
}

/** Of one type at a time, so that a device cannot fill a resource; with its time, so that each is a change. */
const longestLabel = 300;

/** On the resources of the object that it is about; on the node where there is none. */
async function labelled(
  core: Core,
  device: ManagedDevice,
  objects: readonly BoundObject[],
  { type, path, text }: Extract<DeviceEvent, { event: 'alert' }>,
): Promise<Changes | undefined> {
  const about = objects.filter((object) => Object.values(object.objects).some((own) => concerns(path, own)));
  const targets = about.length > 0 ? about.map(({ resourceID }) => resourceID) : [device.node ?? ''];
  const key = `alert:${type.replaceAll(/\s+/g, ' ').trim().slice(0, 150)} `;
  const label = `${key}${formatTimestamp(core.clock.now())} ${text.replaceAll(/\s+/g, ' ').trim()}`;
  return core.resourceSide().labelled(targets, key, label.trim().slice(0, longestLabel));
}

/** The object itself, something in it, or what it is a part of. */
function concerns(path: string, object: string): boolean {
  if (path === '' || object === '') return false;
  const [one, other] = [path, object].map((each) => each.replace(/[/.]$/, '')) as [string, string];
  return one === other || other.startsWith(`${one}/`) || one.startsWith(`${other}/`);
}

/** What is gone is what a read would find absent. */
function valuesIn(event: Exclude<DeviceEvent, { event: 'alert' }>): ReadValues {
  return event.event === 'values'
    ? new Map(event.values.map(({ path, value }) => [path, value]))
    : new Map(event.paths.map((path) => [path, absent]));
}
