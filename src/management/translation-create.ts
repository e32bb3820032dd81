/** Creating and deleting objects on a device; only what the mapping says can be created. */
import type { Inventory } from './adapter.ts';
import { ConversionFailure } from './conversions.ts';
import type { LegObjects, Mapping, ObjectMapping, Technology } from './mapping-types.ts';
import {
  bindPath,
  matchesOf,
  namesOf,
  objectIDMatches,
  pathFor,
  resourcePath,
  type ObjectMatch,
} from './object-paths.ts';
import type { Assignment, Step } from './operation.ts';
import type { AttributePatch } from './resource-side.ts';
import { legOf, noLinks, type LinkResolver, type TranslatedObject } from './translation-values.ts';
import { label, refused, type Refused } from './translation-update.ts';
import { assignmentsFor, isWritable, ObjectMissing } from './translation-writes.ts';

export interface CreateOptions {
  technology: string;
  inventory: Inventory;
  /** objectIDs and objectPaths that the requester gave. */
  wanted?: { objectIDs?: string[]; objectPaths?: string[] };
  links?: LinkResolver;
}

export interface CreatePlan {
  ok: true;
  /**
   * Objects that others point at come first. Empty when `existing`. Paths of assignments are full; an instance that only
   * the device can choose (CWMP) is written `{instance}`, and the step has no `instance`.
   */
  steps: Step[];
  /** True: the device has the object already; nothing is created. */
  existing: boolean;
  /** Attributes as they are once the steps succeeded, and those that the CSE keeps. */
  attributes: AttributePatch;
  /** The binding, once the device answered; `created` = path from the outcome, needed only where the device chose it. */
  bind(created: string | undefined): CreatedBinding;
}

export interface CreatedBinding {
  objectIDs: string[];
  objectPaths: string[];
  names: Record<string, string>;
  objects: Record<string, string>;
}

export interface DeletePlan {
  ok: true;
  steps: Step[];
}

/**
 * Plans the CREATE of a management object on a device. Refused: 6005 the device cannot have it, 4005 it cannot be created,
 * 4000 a wrong path or a value that cannot be said.
 */
export function planCreate(mapping: Mapping, attributes: AttributePatch, options: CreateOptions): CreatePlan | Refused {
  const technology = legOf(options.technology);
  const leg = technology && mapping.legs[technology];
  if (!technology || !leg || leg.none !== undefined) {
    return refused(
      5001,
      `${mapping.name} is not there on ${options.technology}: ${leg?.none ?? 'no mapping'}; create it without objectIDs to keep it in the CSE`,
    );
  }
  const main = leg.objects.get(leg.exists[0] ?? '');
  if (!main) return refused(5001, `${mapping.name} names no object of ${options.technology}`);
  const wanted = options.wanted?.objectPaths?.[0];
  const wantedID = options.wanted?.objectIDs?.[0];
  if (wantedID !== undefined && !objectIDMatches(main, wantedID)) {
    return refused(
      4000,
      `objectIDs (obis) names ${wantedID}; ${mapping.name} is ${main.objectID ?? main.name} on this device`,
    );
  }
  const present = matchesOf(technology, main, options.inventory);
  const existing =
    wanted === undefined ? (main.create ? undefined : present[0]) : present.find((match) => match.path === wanted);
  if (existing) return existingPlan(leg, technology, main, existing, options.inventory);
  if (!main.create) {
    return refused(
      6005,
      `the device has no ${main.paths.join(' or ')}, and ${mapping.name} cannot be created on a device`,
    );
  }
  const place = placeFor(technology, main, options.inventory, wanted);
  if ('ok' in place) return place;
  return creationPlan({ mapping, technology, leg, main, place, attributes, options });
}

/** Refused with 4005 for what a device cannot delete. */
export function planDelete(mapping: Mapping, object: TranslatedObject): DeletePlan | Refused {
  const technology = legOf(object.technology);
  const created = technology
    ? [...mapping.legs[technology].objects.values()].filter((candidate) => candidate.create)
    : [];
  const paths = created.flatMap((candidate) => object.objects[candidate.name] ?? []);
  if (paths.length === 0) {
    return refused(
      4005,
      `${mapping.name} is a part of the device, which cannot delete it; delete the <node> to forget the device`,
    );
  }
  // The owner goes before what it owns: nothing then points at an object that is gone.
  return { ok: true, steps: paths.map((path) => ({ action: 'delete', path })) };
}

function existingPlan(
  leg: LegObjects,
  technology: Technology,
  main: ObjectMapping,
  match: ObjectMatch,
  inventory: Inventory,
): CreatePlan {
  const objects: Record<string, string> = {};
  const objectIDs: string[] = [];
  const objectPaths: string[] = [];
  for (const object of leg.objects.values()) {
    if (object.ownedThrough || object.insteadOf || object.every) continue;
    const found =
      object === main ? match : matchesOf(technology, object, inventory).find((other) => agrees(match, other));
    if (!found) continue;
    objects[object.name] = found.path;
    if (!object.listed) continue;
    objectIDs.push(found.objectID ?? object.objectID ?? '');
    objectPaths.push(found.path);
  }
  const binding = { objectIDs, objectPaths, names: match.names, objects };
  return { ok: true, steps: [], existing: true, attributes: {}, bind: () => binding };
}

function agrees(match: ObjectMatch, other: ObjectMatch): boolean {
  return Object.entries(other.names).every(([name, value]) => (match.names[name] ?? value) === value);
}

/** Where a new object goes: its parent, the instance if we choose it, and its full path. */
interface Place {
  parent: string;
  instance?: string;
  path: string;
  names: Record<string, string>;
}

function placeFor(
  technology: Technology,
  object: ObjectMapping,
  inventory: Inventory,
  wanted: string | undefined,
): Place | Refused {
  const template = object.paths[0] ?? '';
  const last = namesOf(template).at(-1) ?? '';
  if (wanted !== undefined) {
    const bound = bindPath(technology, object, wanted);
    if (!bound) return refused(4000, `objectPaths (obps) is ${wanted}; a path here looks like ${template}`);
    return place(wanted, bound.names, bound.names[last] ?? '');
  }
  const parents = parentsOf(technology, object, template, inventory);
  const parent = parents[0];
  if (!parent) return refused(6005, `the device does not have ${template}: nothing there can be created on it`);
  if (technology === 'cwmp') {
    const path = pathFor(template, { ...parent.names, [last]: '{instance}' }, parent.root) ?? '';
    return { parent: parent.path, path, names: parent.names };
  }
  const taken = new Set(matchesOf(technology, object, inventory).map((match) => match.path));
  for (let instance = 0; instance < 65_535; instance += 1) {
    const names = { ...parent.names, [last]: String(instance) };
    const path = rooted(technology, parent.root, pathFor(template, names, parent.root) ?? '');
    if (!taken.has(path)) return place(path, names, String(instance));
  }
  return refused(6005, `every instance of ${template} is taken on the device`);
}

function place(path: string, names: Record<string, string>, instance: string): Place {
  // `Policy.3.` and `/2048/3` both lose the instance and one separator.
  return { parent: path.slice(0, -instance.length - 1), instance, path, names };
}

/** Collections that the device has: listed themselves, or by one of their members. */
function parentsOf(
  technology: Technology,
  object: ObjectMapping,
  template: string,
  inventory: Inventory,
): ObjectMatch[] {
  const { kinds: _, ...plain } = object;
  const parent = template.replace(technology === 'cwmp' ? /\{[A-Za-z]+\}\.$/ : /\/\{[A-Za-z]+\}$/, '');
  const found = matchesOf(technology, { ...plain, kinds: [], paths: [parent] }, inventory);
  if (found.length > 0) return found;
  return matchesOf(technology, object, inventory).map((match) => ({
    ...match,
    path: match.path.slice(0, match.path.lastIndexOf('/')),
  }));
}

function rooted(technology: Technology, root: string, path: string): string {
  return technology === 'lwm2m' ? root + path : path;
}

function creationPlan(context: {
  mapping: Mapping;
  technology: Technology;
  leg: LegObjects;
  main: ObjectMapping;
  place: Place;
  attributes: AttributePatch;
  options: CreateOptions;
}): CreatePlan | Refused {
  const { mapping, technology, leg, main, place: mainPlace, options } = context;
  const places = new Map<string, Place>([[main.name, mainPlace]]);
  for (const object of leg.objects.values()) {
    if (!object.create || object === main || object.ownedThrough?.object !== main.name) continue;
    const owned = placeFor(technology, object, options.inventory, undefined);
    if ('ok' in owned) return owned;
    places.set(object.name, owned);
  }
  const object: TranslatedObject = {
    technology,
    mapping: mapping.name,
    objects: Object.fromEntries([...places].map(([name, found]) => [name, found.path])),
    names: mainPlace.names,
    attributes: {},
  };
  const assignments = new Map<string, Assignment[]>([...places.keys()].map((name) => [name, []]));
  const refusal = assignAll(context, object, places, assignments);
  if (refusal) return refusal;

  // Targets of links first: what is owned comes before its owner.
  const order = [...places.keys()].sort((a, b) => Number(a === main.name) - Number(b === main.name));
  const steps = order.map((name): Step => {
    const { parent, instance } = places.get(name) ?? mainPlace;
    return {
      action: 'create',
      path: parent,
      assignments: assignments.get(name) ?? [],
      ...(instance === undefined ? {} : { instance }),
    };
  });
  return {
    ok: true,
    steps,
    existing: false,
    attributes: context.attributes,
    bind: (created) => bindingOf(leg, technology, main, object, mainPlace, created),
  };
}

function assignAll(
  {
    mapping,
    technology,
    leg,
    attributes,
    options,
  }: { mapping: Mapping; technology: Technology; leg: LegObjects; attributes: AttributePatch; options: CreateOptions },
  object: TranslatedObject,
  places: ReadonlyMap<string, Place>,
  assignments: ReadonlyMap<string, Assignment[]>,
): Refused | undefined {
  const put = (assignment: Assignment): void => {
    for (const [name, found] of places)
      if (assignment.path.startsWith(resourcePath(found.path, ''))) assignments.get(name)?.push(assignment);
  };
  for (const [name, attribute] of mapping.attributes) {
    const value = attributes[name];
    if (value === undefined || value === null || !isWritable(attribute.legs[technology])) continue;
    try {
      assignmentsFor(value, { attribute, technology, object, links: options.links ?? noLinks }).forEach(put);
    } catch (error) {
      if (error instanceof ConversionFailure) return refused(4000, `${label(attribute)} ${error.message}`);
      if (error instanceof ObjectMissing) return refused(6005, `${label(attribute)}: ${error.message}`);
      throw error;
    }
  }
  for (const name of places.keys()) {
    const definition = leg.objects.get(name);
    const found = places.get(name);
    if (!definition || !found) continue;
    const owner = definition.ownedThrough && places.get(definition.ownedThrough.object);
    if (definition.ownedThrough && owner) {
      const type = technology === 'lwm2m' ? 'link' : 'string';
      const value = type === 'link' ? { link: found.path } : found.path;
      put({ path: resourcePath(owner.path, definition.ownedThrough.resource), type, value });
    }
    for (const [resource, value] of Object.entries(definition.fill)) {
      const path = resourcePath(found.path, resource);
      if (!assignments.get(name)?.some((assignment) => assignment.path === path)) put({ path, value });
    }
  }
  return undefined;
}

function bindingOf(
  leg: LegObjects,
  technology: Technology,
  main: ObjectMapping,
  object: TranslatedObject,
  planned: Place,
  created: string | undefined,
): CreatedBinding {
  const chosen = created === undefined ? undefined : bindPath(technology, main, created);
  const objects = { ...object.objects, ...(chosen ? { [main.name]: chosen.path } : {}) };
  const listed = [...leg.objects.values()].filter(
    (candidate) => candidate.listed && objects[candidate.name] !== undefined,
  );
  return {
    objectIDs: listed.map((candidate) => candidate.objectID ?? ''),
    objectPaths: listed.map((candidate) => objects[candidate.name] ?? ''),
    names: { ...planned.names, ...chosen?.names },
    objects,
  };
}
