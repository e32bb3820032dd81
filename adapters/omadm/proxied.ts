/** Devices behind a DM gateway: listed in its inventory, served on its lane (OMA GwMO 1.0). */
import type { InventoryObject, Sighting } from '../../src/management/adapter.ts';
import type { Failure } from '../../src/management/outcome.ts';
import type { Channel } from './channel.ts';
import { childOf } from './paths.ts';
import { leafText, readNodes } from './reading.ts';
import { objectsOfType, urns } from './urns.ts';

export interface Split {
  own: InventoryObject[];
  /** Records of other devices → management objects of theirs. */
  proxied: Map<string, InventoryObject[]>;
}

/** Splits what is the gateway's own, records included, from the management objects of devices behind it. */
export function splitInventory(objects: readonly InventoryObject[]): Split {
  const inventories = objectsOfType(objects, urns.gatewayInventory).map(({ path }) => `${path}/Inventory/Records/`);
  const own: InventoryObject[] = [];
  const proxied = new Map<string, InventoryObject[]>();
  for (const object of objects) {
    const inventory = inventories.find((prefix) => object.path.startsWith(prefix));
    if (inventory === undefined) {
      own.push(object);
      continue;
    }
    const [name = ''] = object.path.slice(inventory.length).split('/');
    const record = inventory + name;
    const theirs = proxied.get(record) ?? [];
    proxied.set(record, theirs);
    if (object.path === record) own.push(object);
    else theirs.push(object);
  }
  return { own, proxied };
}

/** A sighting for every record that names its device. @param gateway identity of the device that has the session */
export async function proxiedSightings(
  channel: Channel,
  proxied: Split['proxied'],
  gateway: string,
): Promise<{ sightings: Sighting[]; stopped?: Failure }> {
  const records = [...proxied.keys()];
  const nodes = await readNodes(
    channel,
    records.map((record) => childOf(record, 'DeviceID')),
  );
  const silent = [...nodes.values()].find(({ status, failure }) => status === undefined && failure);
  if (silent?.failure) return { sightings: [], stopped: silent.failure };
  const sightings = records.flatMap((record): Sighting[] => {
    const path = childOf(record, 'DeviceID');
    const identity = leafText(nodes.get(path), path)?.trim() ?? '';
    if (identity === '' || identity === gateway || identity.length > 256) return [];
    return [
      {
        identity,
        technology: 'omadm',
        proxiedBy: gateway,
        presence: { state: 'asleep', why: `it is reached through ${gateway}` },
        inventory: { objects: proxied.get(record) ?? [] },
        restarted: false,
      },
    ];
  });
  return { sightings };
}
