/** Devices behind a CPE: listed in its tree, without a session of their own (TR-069 annex J, TS-0006 6.1). */
import type { InventoryObject, Sighting } from '../../src/management/adapter.ts';
import type { Failure } from '../../src/management/outcome.ts';
import type { Channel } from './channel.ts';
import { deviceUrn, embeddedUrn } from './identity.ts';
import { isAbsence, readValues } from './reading.ts';

const virtual = /^(?:Device|InternetGatewayDevice)\.ManagementServer\.VirtualDevice\.(?:\d+|\[[^\]]+\])\./;
const embedded = /^(?:Device|InternetGatewayDevice)\.ManagementServer\.EmbeddedDevice\.(?:\d+|\[[^\]]+\])\./;

/** Splits an inventory into what is the CPE's own and the entries of other devices. */
export function splitInventory(objects: readonly InventoryObject[]): { own: InventoryObject[]; proxied: string[] } {
  const proxied = new Set<string>();
  const own = objects.filter(({ path }) => {
    const entry = virtual.exec(path)?.[0] ?? embedded.exec(path)?.[0];
    if (entry) proxied.add(entry);
    return entry === undefined;
  });
  return { own, proxied: [...proxied] };
}

/** A sighting for every entry that names its device. `proxy`: identity of the CPE. `stopped`: it would not say them all. */
export async function proxiedSightings(
  channel: Channel,
  entries: readonly string[],
  proxy: string,
): Promise<{ sightings: Sighting[]; stopped?: Failure }> {
  const names = entries.flatMap((entry) =>
    (virtual.test(entry)
      ? ['ManufacturerOUI', 'ProductClass', 'SerialNumber']
      : ['ControllerID', 'ProxiedDeviceID']
    ).map((name) => entry + name),
  );
  const { values, failures, stopped } = await readValues(channel, names);
  const refusal = stopped ?? [...failures.values()].find((failure) => !isAbsence(failure));
  if (refusal) return { sightings: [], stopped: refusal };
  const word = (name: string): string => values.get(name)?.value.trim() ?? '';
  const sightings = entries.flatMap((entry): Sighting[] => {
    const identity = virtual.test(entry)
      ? virtualIdentity(word(`${entry}ManufacturerOUI`), word(`${entry}ProductClass`), word(`${entry}SerialNumber`))
      : embeddedIdentity(proxy, word(`${entry}ControllerID`), word(`${entry}ProxiedDeviceID`));
    if (identity === undefined) return [];
    return [
      {
        identity,
        technology: 'cwmp',
        proxiedBy: proxy,
        presence: { state: 'asleep', why: `it is reached through ${proxy}` },
        inventory: { objects: [{ path: entry }] },
        restarted: false,
      },
    ];
  });
  return { sightings };
}

function virtualIdentity(oui: string, productClass: string, serialNumber: string): string | undefined {
  return oui === '' || serialNumber === '' ? undefined : deviceUrn({ oui, productClass, serialNumber });
}

function embeddedIdentity(proxy: string, controller: string, device: string): string | undefined {
  return device === '' ? undefined : embeddedUrn(proxy, controller, device);
}
