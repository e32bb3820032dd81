/** What the tests of mapping and translation share: the real mapping files, and devices as a leg describes them. */
import { fileURLToPath } from 'node:url';
import type { Inventory } from '../../src/management/adapter.ts';
import { loadMappings, type Mapping } from '../../src/management/mapping.ts';
import { objectsOf } from '../../src/management/objects.ts';
import type { BoundObject, MappedObject } from '../../src/management/resource-side.ts';
import type { ReadValues } from '../../src/management/translation.ts';

export const mappingDirectory = fileURLToPath(new URL('../../mappings/', import.meta.url));
export const mappings = loadMappings({ directory: mappingDirectory });

export function mappingOf(name: string): Mapping {
  const mapping = mappings.byName(name);
  if (!mapping) throw new Error(`no mapping ${name}`);
  return mapping;
}

/** Paths of LwM2M as a client registers them; `version` by object number. */
export function lwm2mInventory(paths: string[], versions: Record<string, string> = {}): Inventory {
  return {
    objects: paths.map((path) => {
      const number = path.split('/').filter((part) => /^\d+$/.test(part))[0] ?? '';
      const space = Number(number) >= 2048 && Number(number) <= 2057 ? 'ext' : 'oma';
      const version = versions[number];
      return { path, objectID: `urn:oma:lwm2m:${space}:${number}`, ...(version === undefined ? {} : { version }) };
    }),
  };
}

/** Paths, or path and URN in pairs. */
export function inventoryOf(objects: (string | [path: string, objectID: string])[]): Inventory {
  return {
    objects: objects.map((object) =>
      typeof object === 'string' ? { path: object } : { path: object[0], objectID: object[1] },
    ),
  };
}

export function found(technology: string, inventory: Inventory, name: string, values?: ReadValues): MappedObject[] {
  return objectsOf(mappings, { technology, inventory }, values).objects.filter((object) => object.mapping === name);
}

export function bound(
  technology: string,
  object: MappedObject,
  attributes: BoundObject['attributes'] = {},
): BoundObject {
  return {
    resourceID: `${object.resourceName}-ri`,
    path: `cse-in/node/${object.resourceName}`,
    mapping: object.mapping,
    mgmtDefinition: object.mgmtDefinition,
    names: object.names,
    objects: object.objects,
    attributes: { ...object.attributes, objectIDs: object.objectIDs, objectPaths: object.objectPaths, ...attributes },
    profiles: [],
    deviceId: 'device-1',
    technology,
  };
}

/** The first management object of that class that a device with these objects has. */
export function boundFirst(
  technology: string,
  inventory: Inventory,
  name: string,
  attributes: BoundObject['attributes'] = {},
  values?: ReadValues,
): BoundObject {
  const [object] = found(technology, inventory, name, values);
  if (!object) throw new Error(`the device has no ${name}`);
  return bound(technology, object, attributes);
}
