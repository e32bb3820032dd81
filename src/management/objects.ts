/** Which management objects a device has: its inventory, seen through the mappings. */
import { createHash } from 'node:crypto';
import type { Inventory } from './adapter.ts';
import { textOf, itemsOf, splitAtCommas } from './conversions.ts';
import type { Condition, LegObjects, Mapping, ObjectMapping, Technology } from './mapping-types.ts';
import type { Mappings } from './mapping.ts';
import { bindPath, matchesOf, pathFor, resourcePath, type ObjectMatch } from './object-paths.ts';
import type { Target } from './operation.ts';
import type { MappedObject } from './resource-side.ts';
import { fixedAttributes, initialAttributes, planRead } from './translation-read.ts';
import { absent, legOf, type ReadValues } from './translation-values.ts';
import { matches } from './value-forms.ts';

export interface DeviceObjects {
  objects: MappedObject[];
  /** Objects whose existence or companions depend on values of the device: read these, then ask again with the values. */
  undecided: Undecided[];
  /** Profiles that were applied. */
  profiles: string[];
}

export interface Undecided {
  mapping: string;
  reads: Target[];
  /** The object as far as it is known; a management object that mirrors it already should stay until it is decided. */
  object: MappedObject;
}

/** More objects of one class than this are no longer looked at. */
const maximumPerClass = 1000;
/** Different answers of one model are few; these are bounds against a device that never says the same twice. */
const rememberedPerInventory = 100;
const rememberedValues = 16;
const rememberedLength = 2000;
/** Devices of one model share their inventory; so they share what follows from it. */
const remembered = new WeakMap<Mappings, WeakMap<Inventory, Map<string, DeviceObjects>>>();

/**
 * One object per class and instance, in order of the classes. An object whose existence depends on a value is undecided
 * until the value is among `values`; a value that could not be read belongs there as `absent`. The answer may be
 * frozen and shared between calls.
 */
export function objectsOf(
  mappings: Mappings,
  device: { technology: string; inventory: Inventory },
  values?: ReadValues,
): DeviceObjects {
  const key = values ? keyOf(device.technology, values) : device.technology;
  if (key === undefined) return find(mappings, device, values);
  const byInventory = remembered.get(mappings) ?? new WeakMap<Inventory, Map<string, DeviceObjects>>();
  remembered.set(mappings, byInventory);
  const byKey = byInventory.get(device.inventory) ?? new Map<string, DeviceObjects>();
  byInventory.set(device.inventory, byKey);
  const known = byKey.get(key) ?? frozen(find(mappings, device, values));
  if (byKey.size >= rememberedPerInventory && !byKey.has(key)) byKey.clear();
  byKey.set(key, known);
  return known;
}

/** Undefined: values of which hardly another device has the same. */
function keyOf(technology: string, values: ReadValues): string | undefined {
  if (values.size > rememberedValues) return undefined;
  const pairs = [...values].map(([path, value]) => (value === absent ? [path] : [path, value]));
  const key = JSON.stringify([technology, pairs]);
  return key.length > rememberedLength ? undefined : key;
}

/** Everything to read once when these objects are new: each path once. */
export function initialReads(
  mappings: Mappings,
  technology: string,
  objects: readonly MappedObject[],
  profiles: readonly string[],
): Target[] {
  const targets = new Map<string, Target>();
  for (const object of objects) {
    const mapping = mappings.merged(object.mapping, profiles);
    if (!mapping) continue;
    for (const target of planRead(mapping, { ...object, technology }, undefined).targets) {
      if (!targets.has(target.path)) targets.set(target.path, target);
    }
  }
  return [...targets.values()];
}

function find(
  mappings: Mappings,
  device: { technology: string; inventory: Inventory },
  values: ReadValues | undefined,
): DeviceObjects {
  const profiles = mappings.profilesFor(device);
  const result: DeviceObjects = { objects: [], undecided: [], profiles };
  const technology = legOf(device.technology);
  if (!technology) return result;
  for (const { name } of mappings.classes) {
    const mapping = mappings.merged(name, profiles);
    if (mapping) findClass(mapping, technology, device.inventory, values, result);
  }
  return result;
}

/** Objects of the device that together make one management object. */
interface Group {
  names: Record<string, string>;
  root: string;
  /** Kind and last segment of the root, where they tell one from another. */
  distinction: string;
  found: Map<string, ObjectMatch>;
}

function findClass(
  mapping: Mapping,
  technology: Technology,
  inventory: Inventory,
  values: ReadValues | undefined,
  result: DeviceObjects,
): void {
  const leg = mapping.legs[technology];
  const all = new Map([...leg.objects].map(([name, object]) => [name, matchesOf(technology, object, inventory)]));
  for (const group of groupsOf(leg, all).slice(0, mapping.perNode === 'one' ? 1 : maximumPerClass)) {
    addCompanions(group, leg, all);
    const implied = addImplied(group, leg);
    const reads = [...addOwned(group, leg, technology, values)];
    const object = mappedObject(mapping, technology, leg, group, all, implied);
    const exists = leg.when ? decide(leg.when, object, values) : true;
    if (leg.when && exists === undefined) reads.push(conditionTarget(leg.when, object));
    if (reads.length > 0) result.undecided.push({ mapping: mapping.name, reads, object });
    if (exists === true) result.objects.push(object);
  }
}

function groupsOf(leg: LegObjects, all: ReadonlyMap<string, ObjectMatch[]>): Group[] {
  const groups = new Map<string, Group>();
  for (const name of standing(leg, all)) {
    const matchesHere = all.get(name) ?? [];
    const roots = new Set(matchesHere.map((match) => match.root));
    for (const match of matchesHere) {
      // The same names below another root, or of another kind, are another object.
      const distinction = [match.kind ?? '', roots.size > 1 ? lastSegment(match.root) : '']
        .filter((part) => part !== '')
        .join('-');
      const key = JSON.stringify([match.names, match.kind ?? '', roots.size > 1 ? match.root : '']);
      const group = groups.get(key) ?? { names: match.names, root: match.root, distinction, found: new Map() };
      if (!group.found.has(name)) group.found.set(name, match);
      groups.set(key, group);
    }
  }
  return [...groups.values()];
}

/** Objects that a management object stands for; where the device lacks one, those that stand in for it. */
function standing(leg: LegObjects, all: ReadonlyMap<string, ObjectMatch[]>): string[] {
  return leg.exists.flatMap((name) => {
    if (all.get(name)?.length) return [name];
    return [...leg.objects.values()].filter((object) => object.insteadOf === name).map((object) => object.name);
  });
}

function addCompanions(group: Group, leg: LegObjects, all: ReadonlyMap<string, ObjectMatch[]>): void {
  for (const object of leg.objects.values()) {
    if (group.found.has(object.name) || object.ownedThrough || object.insteadOf) continue;
    for (const match of all.get(object.name) ?? []) {
      if (!compatible(group, match)) continue;
      group.found.set(object.every ? `${object.name}:${Object.values(match.names).at(-1) ?? ''}` : object.name, match);
      if (!object.every) break;
    }
  }
}

/** Objects that the device does not have, and that a procedure would add. Answers their names. */
function addImplied(group: Group, leg: LegObjects): Set<string> {
  const added = new Set<string>();
  for (const { name, implied, paths } of leg.objects.values()) {
    if (!implied || group.found.has(name)) continue;
    const path = pathFor(paths[0] ?? '', group.names, group.root);
    if (path === undefined) continue;
    group.found.set(name, { path, names: {}, root: group.root });
    added.add(name);
  }
  return added;
}

function compatible(group: Group, match: ObjectMatch): boolean {
  return Object.entries(match.names).every(([name, value]) => (group.names[name] ?? value) === value);
}

/** Objects whose path a resource of their owner holds. Answers what has to be read to know them. */
function* addOwned(
  group: Group,
  leg: LegObjects,
  technology: Technology,
  values: ReadValues | undefined,
): Iterable<Target> {
  for (const object of leg.objects.values()) {
    if (!object.ownedThrough) continue;
    const owner = group.found.get(object.ownedThrough.object);
    if (!owner) continue;
    const path = resourcePath(owner.path, object.ownedThrough.resource);
    const value = values?.get(path);
    if (value === undefined) {
      yield { path, type: technology === 'lwm2m' ? 'link' : 'string', optional: true };
      continue;
    }
    if (value === absent) continue;
    const [first = ''] = itemsOf(value).flatMap((item) => splitAtCommas(textOf(item)));
    const match =
      bindPath(technology, object, withRoot(first, owner.root, technology)) ??
      bindPath(technology, object, `${first}.`);
    if (match) group.found.set(object.name, match);
  }
}

/** Links of LwM2M never carry the alternate root. */
function withRoot(path: string, root: string, technology: Technology): string {
  return technology === 'lwm2m' && root !== '' && !path.startsWith(root) ? root + path : path;
}

function mappedObject(
  mapping: Mapping,
  technology: Technology,
  leg: LegObjects,
  group: Group,
  all: ReadonlyMap<string, ObjectMatch[]>,
  implied: ReadonlySet<string>,
): MappedObject {
  const objectIDs: string[] = [];
  const objectPaths: string[] = [];
  const objects: Record<string, string> = {};
  const names: Record<string, string> = { ...group.names };
  // In file order, so that objectIDs[n] belongs to objectPaths[n].
  for (const object of leg.objects.values()) {
    for (const [key, match] of group.found) {
      if (key !== object.name && !(object.every && key.startsWith(`${object.name}:`))) continue;
      objects[key] = match.path;
      if (!object.every) for (const [name, value] of Object.entries(match.names)) names[name] ??= value;
      if (!object.listed || implied.has(key)) continue;
      objectIDs.push(identifierOf(object, match, all));
      objectPaths.push(match.path);
    }
  }
  const found: MappedObject = {
    mapping: mapping.name,
    mgmtDefinition: mapping.mgmtDefinition,
    resourceName: resourceNameOf(mapping.name, group),
    objectIDs,
    objectPaths,
    names,
    objects,
    ...aliasPathOf(group, Object.values(objects)[0]),
    attributes: {},
  };
  found.attributes = initialAttributes(mapping, { ...found, technology });
  if (mapping.mgmtSchema !== undefined) found.attributes['mgmtSchema'] = mapping.mgmtSchema;
  found.fixed = fixedAttributes(mapping, { ...found, technology });
  return found;
}

function aliasPathOf({ found }: Group, main: string | undefined): { aliasPath?: string } {
  const match = [...found.values()].find(({ path, alias }) => path === main && alias !== undefined);
  return match ? { aliasPath: match.path.replace(/[^./]+(?=[./]?$)/, `[${match.alias}]`) } : {};
}

function identifierOf(object: ObjectMapping, match: ObjectMatch, all: ReadonlyMap<string, ObjectMatch[]>): string {
  if (match.objectID !== undefined) return match.objectID;
  const known = all.get(object.name)?.find((other) => other.path === match.path)?.objectID;
  return known ?? object.objectID ?? '';
}

/**
 * `battery` for the only or first one (no instance, or instance 0), else `battery-1`. It depends on the object alone, not on
 * its neighbours, so that it is the same after every registration.
 */
function resourceNameOf(name: string, group: Group): string {
  const instances = Object.values(group.names);
  const plain = instances.every((instance) => instance === '0');
  const parts = [group.distinction, ...(plain && group.distinction === '' ? [] : instances)].filter(
    (part) => part !== '',
  );
  return [name, ...parts.map(nameSafe)].join('-');
}

/** TS-0004 6.3.3: letters, digits, `-`, `.`, `_`, `~`. What had to be replaced or cut stays distinct by a digest. */
function nameSafe(text: string): string {
  const safe = text.replaceAll(/[^A-Za-z0-9._~-]/g, '_').slice(0, 64);
  return safe === text ? safe : `${safe}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
}

function decide(when: Condition, object: MappedObject, values: ReadValues | undefined): boolean | undefined {
  const target = conditionTarget(when, object);
  const value = values?.get(target.path);
  if (value === undefined) return undefined;
  if (value === absent) return when.ifUnreadable;
  return itemsOf(value).some((item) => matches({ one: when.in }, item));
}

function conditionTarget(when: Condition, object: MappedObject): Target {
  const path = object.objects[when.anyInstanceOf.object] ?? '';
  return { path: resourcePath(path, when.anyInstanceOf.resource), multiple: true, optional: true };
}

function lastSegment(path: string): string {
  return (
    path
      .split(/[/.]/)
      .filter((part) => part !== '')
      .at(-1) ?? ''
  );
}

function frozen(found: DeviceObjects): DeviceObjects {
  for (const object of [...found.objects, ...found.undecided.map((entry) => entry.object)]) {
    for (const part of [
      object.attributes,
      object.fixed,
      object.objects,
      object.names,
      object.objectIDs,
      object.objectPaths,
      object,
    ]) {
      Object.freeze(part);
    }
  }
  return found;
}
