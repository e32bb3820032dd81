/** What should be observed on a device, and what is. */
import type { ObservationWish } from './adapter.ts';
import type { Core } from './core.ts';
import type { DeviceId } from './operation.ts';
import type { BoundObject } from './resource-side.ts';

/** From the subscriptions below the node of the device; the most demanding period of each path. */
export async function wishOf(core: Core, id: DeviceId): Promise<ObservationWish[]> {
  const entry = await core.devices.find(id);
  if (!entry) return [];
  const subscribed = await core.resourceSide().subscribed(entry.device);
  if (subscribed.size === 0) return [];
  const wishes = new Map<string, ObservationWish>();
  for (const object of await core.resourceSide().objectsOf(entry.device)) {
    const subscription = subscribed.get(object.resourceID);
    if (!subscription) continue;
    const { minimumPeriod, maximumPeriod } = subscription;
    for (const { path } of core.translator.observationPaths(object, subscription.attributes)) {
      const wish = wishes.get(path);
      if (wish) {
        wish.minimumPeriod = lower(wish.minimumPeriod, minimumPeriod, 0);
        wish.maximumPeriod = lower(wish.maximumPeriod, maximumPeriod, Infinity);
      } else {
        wishes.set(path, { path, minimumPeriod, maximumPeriod });
      }
    }
  }
  return [...wishes.values()];
}

/** The lower of two periods; one that is not given counts as `absent`. */
function lower(one: number | undefined, other: number | undefined, absent: number): number | undefined {
  return (one ?? absent) <= (other ?? absent) ? one : other;
}

/** True when an observation keeps every asked attribute current, or none of them needs the device. */
export function isCurrent(core: Core, object: BoundObject, attributes: string[] | undefined): boolean {
  const { targets } = core.translator.planRead(object, attributes);
  if (targets.length === 0) return true;
  const entry = core.devices.known(object.deviceId);
  if (!entry || entry.observed.length === 0 || entry.device.presence.state === 'gone') return false;
  return targets.every(({ path }) => entry.observed.some((observed) => covers(observed, path)));
}

/** `/3/0` covers `/3/0/9`, `Device.DeviceInfo.` covers what is below it. */
function covers(observed: string, path: string): boolean {
  if (!path.startsWith(observed)) return false;
  if (path.length === observed.length) return true;
  const last = observed.at(-1);
  const next = path[observed.length];
  return last === '/' || last === '.' || next === '/' || next === '.';
}

const soon = 50;

/** Tells the leg of a device that its wish changed; several changes in a moment are told once. */
export function createWishTeller(core: Core): (id: DeviceId) => void {
  const changed = new Set<DeviceId>();
  return (id) => {
    changed.add(id);
    if (changed.size > 1) return;
    core.clock.after(soon, () => {
      const devices = [...changed];
      changed.clear();
      for (const device of devices) tellWishChanged(core, device);
    });
  };
}

/** Never throws. */
export function tellWishChanged(core: Core, id: DeviceId): void {
  const device = core.devices.known(id)?.device;
  if (!device) return;
  try {
    core.adapters.get(device.technology)?.wishChanged(device);
  } catch (error) {
    core.log.error({ err: error, device: id }, 'a leg failed when it was told of a changed wish');
  }
}
