/** Who made a device, and what runs on it: what profiles are chosen by, read where the classes of the mappings say. */
import type { Inventory } from './adapter.ts';
import type { Mappings } from './mapping.ts';
import { matchesOf, resourcePath } from './object-paths.ts';
import type { Target } from './operation.ts';
import { absent, legOf, type ReadValues } from './translation-values.ts';

/** Word of `match` in a profile → attribute of the class deviceInfo. */
const attributes = {
  manufacturer: 'manufacturer',
  model: 'model',
  productClass: 'deviceType',
  softwareVersion: 'fwVersion',
} as const;

type Member = keyof typeof attributes;
const members = Object.keys(attributes) as Member[];

/** Longer words are not compared, and not kept for every device. */
const maximumLength = 256;

/** Paths of a member, in the order in which they count. */
export type IdentityPaths = ReadonlyMap<string, readonly [member: Member, paths: readonly string[]]>;

interface IdentifiedDevice {
  technology: string;
  inventory: Inventory;
}

const none: IdentityPaths = new Map();
const remembered = new WeakMap<Mappings, WeakMap<Inventory, IdentityPaths>>();

/**
 * By path. Empty for a device whose leg tells all this itself. From the class as it is without profiles, for the profiles are
 * what is to be found. Devices of one model share their inventory, and so they share what is found here.
 */
export function identityPaths(mappings: Mappings, { technology, inventory }: IdentifiedDevice): IdentityPaths {
  const byInventory = remembered.get(mappings) ?? new WeakMap<Inventory, IdentityPaths>();
  remembered.set(mappings, byInventory);
  const known = byInventory.get(inventory) ?? find(mappings, technology, inventory);
  byInventory.set(inventory, known);
  return known;
}

function find(mappings: Mappings, technology: string, inventory: Inventory): IdentityPaths {
  const mapping = mappings.byName('deviceInfo');
  const leg = legOf(technology);
  if (!mapping || !leg || isToldByLeg(inventory)) return none;
  const found = new Map<string, readonly [Member, readonly string[]]>();
  for (const member of members) {
    const reads = mapping.attributes.get(attributes[member])?.reads[leg] ?? [];
    const paths = reads.flatMap(({ object, resource }) => {
      const named = mapping.legs[leg].objects.get(object);
      const [first] = named ? matchesOf(leg, named, inventory) : [];
      return first ? [resourcePath(first.path, resource)] : [];
    });
    for (const path of paths) found.set(path, [member, paths]);
  }
  return found;
}

export function identityReads(mappings: Mappings, device: IdentifiedDevice): Target[] {
  return [...identityPaths(mappings, device).keys()].map((path) => ({ path, type: 'string', optional: true }));
}

/** The inventory with what these values say; undefined = they bring no news. */
export function identified(mappings: Mappings, device: IdentifiedDevice, values: ReadValues): Inventory | undefined {
  const said: Partial<Record<Member, string>> = {};
  for (const [member, paths] of identityPaths(mappings, device).values()) {
    const text = firstText(paths, values);
    if (text !== undefined && text !== device.inventory[member]) said[member] = text;
  }
  return Object.keys(said).length === 0 ? undefined : learned(device.inventory, { ...device.inventory, ...said });
}

/** Undefined: the device does not have it, or was not asked for what counts. */
function firstText(paths: readonly string[], values: ReadValues): string | undefined {
  for (const path of paths) {
    const value = values.get(path);
    if (value === absent) continue;
    return typeof value === 'string' || typeof value === 'number' ? String(value).slice(0, maximumLength) : undefined;
  }
  return undefined;
}

/** What a leg tells of the objects of a device, with what was learned of the device before. */
export function withIdentity(known: Inventory, told: Inventory): Inventory {
  return !known.learned || isToldByLeg(told) ? told : learned(told, known);
}

/** Members in one order: equal inventories are found to be equal by their text. */
function learned({ objects }: Inventory, said: Pick<Inventory, Member>): Inventory {
  const result: Inventory = { objects };
  for (const member of members) {
    const text = said[member];
    if (text !== undefined) result[member] = text;
  }
  result.learned = true;
  return result;
}

function isToldByLeg(inventory: Inventory): boolean {
  return !inventory.learned && members.some((member) => inventory[member] !== undefined);
}
