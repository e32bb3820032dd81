/** Resource ⇄ row of the table `resources`. */
import type { Attributes, Resource, ResourceInternals } from '../onem2m/resource.ts';
import { parseTimestamp } from '../onem2m/timestamp.ts';
import type { Put, Row } from '../store/store.ts';

/** What the JSON document of a row holds; the rest is in its columns. */
export interface StoredResource {
  resourceName: string;
  creationTime: string;
  lastModifiedTime: string;
  expirationTime?: string;
  attributes: Attributes;
  internal: ResourceInternals;
}

export function resourceOf(row: Row<StoredResource>): Resource {
  const { columns, data } = row;
  return {
    resourceID: row.key,
    resourceType: Number(columns['type']),
    resourceName: data.resourceName,
    parentID: String(columns['parent'] ?? ''),
    path: String(columns['path']),
    version: row.version,
    ...(typeof columns['mgmtDefinition'] === 'number' ? { mgmtDefinition: columns['mgmtDefinition'] } : {}),
    creationTime: data.creationTime,
    lastModifiedTime: data.lastModifiedTime,
    ...(data.expirationTime === undefined ? {} : { expirationTime: data.expirationTime }),
    attributes: data.attributes,
    internal: data.internal,
  };
}

/** `created` orders siblings by creation; it never changes, so it lives with the resource's internals. */
export function putOf(resource: Resource): Put {
  const data: StoredResource = {
    resourceName: resource.resourceName,
    creationTime: resource.creationTime,
    lastModifiedTime: resource.lastModifiedTime,
    ...(resource.expirationTime === undefined ? {} : { expirationTime: resource.expirationTime }),
    attributes: resource.attributes,
    internal: resource.internal,
  };
  return {
    table: 'resources',
    key: resource.resourceID,
    columns: {
      parent: resource.parentID,
      path: resource.path,
      type: resource.resourceType,
      mgmtDefinition: resource.mgmtDefinition ?? null,
      expires: expiresAt(resource) ?? null,
      created: Number(resource.internal['created'] ?? 0),
    },
    data,
  };
}

const expirations = new WeakMap<Resource, number>();
const never = Number.POSITIVE_INFINITY;

/** When the resource expires, ms since 1970; undefined: never (CSEBase). */
export function expiresAt(resource: Resource): number | undefined {
  if (resource.expirationTime === undefined) return undefined;
  let at = expirations.get(resource);
  if (at === undefined) {
    at = parseTimestamp(resource.expirationTime) ?? never;
    expirations.set(resource, at);
  }
  return at === never ? undefined : at;
}

export function hasExpired(resource: Resource, now: number): boolean {
  const at = expiresAt(resource);
  return at !== undefined && at <= now;
}
