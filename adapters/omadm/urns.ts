/** Type URNs of management objects. Spellings differ in the field: case and hyphens do not count, nor a minor version (TS-0005 5.2). */
import type { InventoryObject } from '../../src/management/adapter.ts';

export const urns = Object.freeze({
  devInfo: 'urn:oma:mo:oma-dm-devinfo:1.0',
  devDetail: 'urn:oma:mo:oma-dm-devdetail:1.0',
  fumo: 'urn:oma:mo:oma-fumo:1.0',
  scomo: 'urn:oma:mo:oma-scomo:1.0',
  lawmo: 'urn:oma:mo:oma-lawmo:1.0',
  dcmo: 'urn:oma:mo:oma-dcmo:1.0',
  trap: 'urn:oma:mo:oma-diagmontrap:1.0',
  gatewayInventory: 'urn:oma:mo:oma-gwmo-deviceinventory:1.0',
});

/** Types of leaves are media types; those of management objects are URNs, or reversed domain names. */
export function isObjectType(type: string | undefined): type is string {
  return type !== undefined && type !== '' && !type.includes('/') && (type.includes(':') || type.includes('.'));
}

export function isSameType(type: string | undefined, wanted: string): boolean {
  return type !== undefined && essence(type) === essence(wanted);
}

export function objectsOfType(objects: readonly InventoryObject[], wanted: string): InventoryObject[] {
  return objects.filter(({ objectID }) => isSameType(objectID, wanted));
}

/** The management object that a path is in: the innermost one. */
export function objectAround(objects: readonly InventoryObject[], path: string): InventoryObject | undefined {
  return objects
    .filter((one) => one.objectID !== undefined && (path === one.path || path.startsWith(`${one.path}/`)))
    .toSorted((one, other) => other.path.length - one.path.length)[0];
}

function essence(urn: string): string {
  return urn
    .trim()
    .toLowerCase()
    .replaceAll('-', '')
    .replace(/:(\d+)\.\d+(?:\.\d+)?$/, ':$1');
}
