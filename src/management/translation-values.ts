/** What the functions of translation share: values read from a device, and links between management objects. */
import type { BoundObject } from './resource-side.ts';
import type { Value } from './operation.ts';
import type { TargetResult } from './outcome.ts';
import { technologies, type Reference, type Technology } from './mapping-types.ts';
import { resourcePath } from './object-paths.ts';

/** The device said that it does not have it; a path that is not in the map was not asked. */
export const absent: unique symbol = Symbol('absent');

export type ReadValues = ReadonlyMap<string, Value | typeof absent>;

/** What translation needs of a bound object; a `BoundObject` is one, and so is a `MappedObject` with its technology. */
export type TranslatedObject = Pick<BoundObject, 'technology' | 'mapping' | 'objects' | 'names' | 'attributes'>;

/** A link on the device is a path, in the CSE a resource. Both directions, among the objects of one device. */
export interface LinkResolver {
  /** Resource of that class that mirrors the object at this path of the device. */
  resourceAt(path: string, mapping: string): LinkedResource | undefined;
  /** Path on the device of the resource with this ID or structured address, if it is of that class. */
  pathOf(reference: string, mapping: string): string | undefined;
}

export interface LinkedResource {
  resourceID: string;
  resourceName: string;
  mgmtDefinition: number;
}

/** A resolver over the bound objects of one device (`ResourceSide.objectsOf`). */
export function linksAmong(objects: readonly BoundObject[]): LinkResolver {
  const byPath = new Map<string, BoundObject>();
  const byReference = new Map<string, BoundObject>();
  for (const object of objects) {
    byReference.set(object.resourceID, object);
    byReference.set(object.path, object);
    const path = mainPath(object);
    if (path !== undefined) byPath.set(`${object.mapping} ${path}`, object);
  }
  return {
    resourceAt(path, mapping) {
      const object = byPath.get(`${mapping} ${path}`);
      if (!object) return undefined;
      return {
        resourceID: object.resourceID,
        resourceName: object.path.slice(object.path.lastIndexOf('/') + 1),
        mgmtDefinition: object.mgmtDefinition,
      };
    },
    pathOf(reference, mapping) {
      const object = byReference.get(reference);
      return object?.mapping === mapping ? mainPath(object) : undefined;
    },
  };
}

export const noLinks: LinkResolver = { resourceAt: () => undefined, pathOf: () => undefined };

/** Results of an outcome as values by path; targets that failed are left out. */
export function valuesOf(results: readonly TargetResult[]): Map<string, Value | typeof absent> {
  const values = new Map<string, Value | typeof absent>();
  for (const result of results) {
    if ('value' in result) values.set(result.path, result.value);
    else if ('absent' in result) values.set(result.path, absent);
  }
  return values;
}

/** The object that a management object stands for is the first that its mapping names. */
function mainPath(object: BoundObject): string | undefined {
  return Object.values(object.objects)[0];
}

/** Undefined: a technology that the mappings know nothing of; every attribute is then the CSE's own. */
export function legOf(technology: string): Technology | undefined {
  return technologies.find((known) => known === technology);
}

/** Paths of a resource on the device: none when the device lacks the object, several where a mapping names every instance. */
export function pathsOf(object: TranslatedObject, reference: Reference): string[] {
  const path = object.objects[reference.object];
  if (path !== undefined) return [resourcePath(path, reference.resource)];
  const every = `${reference.object}:`;
  return Object.entries(object.objects)
    .filter(([key]) => key.startsWith(every))
    .map(([, instance]) => resourcePath(instance, reference.resource));
}

/** Version of an object as the device told it, from its objectIDs (`urn:oma:lwm2m:oma:3:1.2`). */
export function objectVersion(object: TranslatedObject, name: string): string | undefined {
  const { objectIDs, objectPaths } = object.attributes;
  const path = object.objects[name];
  if (!Array.isArray(objectIDs) || !Array.isArray(objectPaths) || path === undefined) return undefined;
  const urn = objectIDs[objectPaths.indexOf(path)];
  return typeof urn === 'string' ? /:(\d+\.\d+)$/.exec(urn)?.[1] : undefined;
}
