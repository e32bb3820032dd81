/** Paths of objects as templates: which objects of an inventory they match, and the path for given names. */
import type { Inventory, InventoryObject } from './adapter.ts';
import type { ObjectMapping } from './mapping-types.ts';

/** One object of a device that a template matches. */
export interface ObjectMatch {
  path: string;
  /** Bound names, without the root. */
  names: Record<string, string>;
  /** Alternate root of a LwM2M client, root of an OMA DM management object; '' = none. */
  root: string;
  objectID?: string;
  /** Of the instance, where the device gives it one. */
  alias?: string;
  /** Name of the kind, where the object has kinds. */
  kind?: string;
}

const namePattern = /\{([A-Za-z]+)\}/g;

/** Names that a template binds; `{mo}` is a root, not a name. */
export function namesOf(template: string): string[] {
  return [...template.matchAll(namePattern)].map((match) => match[1] ?? '').filter((name) => name !== 'mo');
}

/** The template with these names in place; undefined when one is missing. */
export function pathFor(template: string, names: Readonly<Record<string, string>>, root: string): string | undefined {
  let complete = true;
  const path = template.replaceAll(namePattern, (_, name: string) => {
    if (name === 'mo') return root;
    const value = names[name];
    if (value === undefined) complete = false;
    return value ?? '';
  });
  return complete ? path : undefined;
}

/** Devices have the same objects again and again: their paths are made once. Bounded, and dropped as a whole when full. */
const resourcePaths = new Map<string, Map<string, string>>();
const maximumObjectPaths = 4096;

/** Path of a resource: `/3/0` + `9`, `Device.DeviceInfo.` + `SerialNumber`. */
export function resourcePath(objectPath: string, resource: string): string {
  let known = resourcePaths.get(objectPath);
  if (!known) {
    if (resourcePaths.size >= maximumObjectPaths) resourcePaths.clear();
    resourcePaths.set(objectPath, (known = new Map()));
  }
  let path = known.get(resource);
  if (path === undefined) {
    path = objectPath.endsWith('.') || objectPath.endsWith('/') ? objectPath + resource : `${objectPath}/${resource}`;
    known.set(resource, path);
  }
  return path;
}

/** Every object of the inventory that the mapping means; each path once, in order of the inventory. */
export function matchesOf(technology: string, object: ObjectMapping, inventory: Inventory): ObjectMatch[] {
  const found = new Map<string, ObjectMatch>();
  for (const [index, template] of object.paths.entries()) {
    const kind = object.kinds[index]?.name;
    const matches = template.startsWith('{mo}')
      ? matchesBelowRoots(object, template, inventory)
      : matchesAmong(technology, object, template, inventory);
    for (const match of matches) {
      const known = found.get(match.path);
      if (!known) found.set(match.path, kind === undefined ? match : { ...match, kind });
      else if (known.objectID === undefined && match.objectID !== undefined) known.objectID = match.objectID;
      if (known && known.alias === undefined && match.alias !== undefined) known.alias = match.alias;
    }
  }
  return [...found.values()];
}

/**
 * Names and root of a path that a link or a requester gave; undefined when the mapping does not mean it. `{mo}` takes
 * whatever precedes the rest.
 */
export function bindPath(technology: string, object: ObjectMapping, path: string): ObjectMatch | undefined {
  for (const [index, template] of object.paths.entries()) {
    const { exact, names } = compiled(technology, template);
    const match = exact.exec(path);
    if (!match) continue;
    const kind = object.kinds[index]?.name;
    return {
      path,
      names: groupsOf(match, names),
      root: match[1] ?? '',
      ...(kind === undefined ? {} : { kind }),
    };
  }
  return undefined;
}

/** Versions are matched by prefix; OMA DM spellings vary in the field: case and hyphens do not count, nor a minor version. */
export function objectIDMatches(object: ObjectMapping, candidate: string): boolean {
  if (object.objectID === undefined) return true;
  return [object.objectID, ...object.alsoSeenAs].some((wanted) => urnMatches(wanted, candidate));
}

function urnMatches(wanted: string, candidate: string): boolean {
  if (candidate === wanted) return true;
  if (candidate.startsWith(wanted) && /^[-:.]/.test(candidate.slice(wanted.length))) return true;
  if (!wanted.startsWith('urn:oma:mo:')) return false;
  return withoutMinor(wanted) === withoutMinor(candidate);
}

function withoutMinor(urn: string): string {
  return urn
    .toLowerCase()
    .replaceAll('-', '')
    .replace(/:(\d+)\.\d+$/, ':$1');
}

function matchesAmong(
  technology: string,
  object: ObjectMapping,
  template: string,
  inventory: Inventory,
): ObjectMatch[] {
  const { below, names } = compiled(technology, template);
  const found: ObjectMatch[] = [];
  for (const item of inventory.objects) {
    const match = below.exec(item.path);
    if (!match) continue;
    const root = match[1] ?? '';
    const path = root + (match[2] ?? '');
    // An object is there when it, or something below it, is listed; only its own entry tells its identifier.
    const own = path === item.path && item.objectID !== undefined && objectIDMatches(object, item.objectID);
    const objectID = own ? versioned(item) : undefined;
    const alias = path === item.path && item.alias !== undefined ? { alias: item.alias } : {};
    found.push({
      path,
      names: groupsOf(match, names, 3),
      root,
      ...(objectID === undefined ? {} : { objectID }),
      ...alias,
    });
  }
  return found;
}

function matchesBelowRoots(object: ObjectMapping, template: string, inventory: Inventory): ObjectMatch[] {
  const roots = inventory.objects.filter(
    (item) => item.objectID !== undefined && objectIDMatches(object, item.objectID),
  );
  const rest = template.slice('{mo}'.length);
  const { below: pattern, names } = compiled('omadm', rest);
  return roots.flatMap((item): ObjectMatch[] => {
    const root = item.path.replace(/\/$/, '');
    const objectID = item.objectID === undefined ? {} : { objectID: item.objectID };
    // A part of the object that is always there need not be listed.
    if (names.length === 0) return [{ path: root + rest, names: {}, root, ...objectID }];
    return inventory.objects.flatMap((below): ObjectMatch[] => {
      if (!below.path.startsWith(`${root}/`)) return [];
      const match = pattern.exec(below.path.slice(root.length));
      if (!match) return [];
      return [{ path: root + (match[2] ?? ''), names: groupsOf(match, names, 3), root, ...objectID }];
    });
  });
}

/** LwM2M tells the version apart; oneM2M's objectIDs carry it at the end of the URN (TS-0005 6.2.2). */
function versioned(item: InventoryObject): string | undefined {
  if (item.objectID === undefined || item.version === undefined || item.version === '1.0') return item.objectID;
  return item.objectID.startsWith('urn:oma:lwm2m:') && !item.objectID.endsWith(`:${item.version}`)
    ? `${item.objectID}:${item.version}`
    : item.objectID;
}

interface CompiledTemplate {
  /** The path itself or one below it. Groups: root, path, names. */
  below: RegExp;
  /** The path itself. Groups: root, names. */
  exact: RegExp;
  names: readonly string[];
}

const templates = new Map<string, CompiledTemplate>();

/** Templates come from the mapping files, so there are few. */
function compiled(technology: string, template: string): CompiledTemplate {
  const key = `${technology} ${template}`;
  const known = templates.get(key);
  if (known) return known;
  const segment =
    technology === 'lwm2m' ? '([0-9]{1,5})' : technology === 'cwmp' ? '(\\[[^\\]]*\\]|[^.\\[\\]]+)' : '([^/]+)';
  // An alternate root of LwM2M has no segment of digits alone.
  const root = technology === 'lwm2m' ? '((?:/(?=[^/]*[^/0-9])[^/]+)*)' : template.startsWith('{mo}') ? '(.*?)' : '()';
  const body = template
    .replace('{mo}', '')
    .split(/\{[A-Za-z]+\}/)
    .map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join(segment);
  const end = technology === 'lwm2m' ? '$' : technology === 'cwmp' ? '' : '(?:/|$)';
  const made = {
    below: new RegExp(`^${root}(${body})${end}`),
    exact: new RegExp(`^${root}${body}$`),
    names: namesOf(template),
  };
  templates.set(key, made);
  return made;
}

function groupsOf(match: RegExpExecArray, names: readonly string[], first = 2): Record<string, string> {
  return Object.fromEntries(names.map((name, index) => [name, match[first + index] ?? '']));
}
