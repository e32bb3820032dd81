/** From the tree of a mapping file to a `Mapping`; whatever the schema cannot say is checked here. */
import type { AttributeDefinition, ResourceTypeDefinition } from '../onem2m/vocabulary.ts';
import { compileRow } from './mapping-rows.ts';
import { compileTrigger } from './mapping-triggers.ts';
import { hasNone } from './mapping-merge.ts';
import { referenceFrom, unknownObject, type ClassNames, type Report } from './mapping-references.ts';
import type { AttributeTree, ClassTree, ExistsTree, ObjectsTree, ObjectTree } from './mapping-tree.ts';
import { technologies } from './mapping-types.ts';
import type {
  AttributeMapping,
  Condition,
  LegObjects,
  Mapping,
  ObjectMapping,
  Reference,
  Row,
  Technology,
} from './mapping-types.ts';
import { namesOf } from './object-paths.ts';

export function compileMapping(name: string, tree: ClassTree, classes: ClassNames, report: Report): Mapping {
  const legs = {
    lwm2m: compileObjects('lwm2m', tree, report),
    cwmp: compileObjects('cwmp', tree, report),
    omadm: compileObjects('omadm', tree, report),
  };
  if ((tree.mgmtDefinition === 0) !== (tree.mgmtSchema !== undefined)) {
    report(['mgmtDefinition'], 'mgmtSchema belongs to mgmtDefinition 0, and to no other');
  }
  const inputs = new Set(Object.values(tree.attributes).flatMap((attribute) => Object.values(attribute.inputs ?? {})));
  const attributes = new Map<string, AttributeMapping>();
  const shortNames = new Map<string, string>();
  for (const [attributeName, attribute] of Object.entries(tree.attributes)) {
    const owner = shortNames.get(attribute.shortName);
    if (owner !== undefined) {
      report(
        ['attributes', attributeName, 'shortName'],
        `"${attribute.shortName}" is the short name of ${owner} already`,
      );
    }
    shortNames.set(attribute.shortName, attributeName);
    attributes.set(attributeName, compileAttribute(attributeName, attribute, tree, legs, classes, inputs, report));
  }
  return {
    name,
    mgmtDefinition: tree.mgmtDefinition,
    ...(tree.mgmtSchema === undefined ? {} : { mgmtSchema: tree.mgmtSchema }),
    shortName: tree.shortName,
    perNode: tree.perNode,
    definition: definitionOf(name, tree, attributes),
    legs,
    attributes,
  };
}

function definitionOf(
  name: string,
  tree: ClassTree,
  attributes: ReadonlyMap<string, AttributeMapping>,
): ResourceTypeDefinition {
  return {
    name,
    resourceType: 13,
    mgmtDefinition: tree.mgmtDefinition,
    root: `m2m:${tree.shortName}`,
    children: [23],
    attributes: [...attributes.values()].map((attribute) => attribute.definition),
  };
}

function compileAttribute(
  name: string,
  tree: AttributeTree,
  owner: ClassTree,
  legs: Mapping['legs'],
  classes: ClassNames,
  inputs: ReadonlySet<string>,
  report: Report,
): AttributeMapping {
  const definition: AttributeDefinition = {
    name,
    shortName: tree.shortName,
    type: tree.type,
    cardinality: tree.cardinality,
    create: tree.create,
    update: tree.update,
  };
  if (tree.range) definition.range = tree.range;
  if (tree.originators) definition.originators = tree.originators;
  if (tree.trigger) definition.trigger = true;
  if (tree.excludes) definition.excludes = tree.excludes;
  if (tree.action !== undefined && !owner.attributes[tree.action]?.trigger) {
    report(['attributes', name, 'action'], `"${tree.action}" is no trigger of this class`);
  }
  const rows = {} as Record<Technology, Row>;
  const reads = {} as Record<Technology, readonly Reference[]>;
  for (const technology of technologies) {
    rows[technology] = compileRow(technology, name, tree, legs[technology], classes, (path, problem) =>
      report(['attributes', name, ...path], problem),
    );
    reads[technology] = readsOf(rows[technology]);
  }
  const attribute: AttributeMapping = { definition, legs: rows, reads, input: inputs.has(name) };
  const trigger = compileTrigger(name, tree, owner, classes, (path, problem) =>
    report(['attributes', name, ...path], problem),
  );
  return {
    ...attribute,
    ...(trigger ? { trigger } : {}),
    ...(tree.action === undefined ? {} : { action: tree.action }),
  };
}

function readsOf(row: Row): Reference[] {
  switch (row.kind) {
    case 'value':
      return row.read.flatMap((source) => ('join' in source ? source.join : [source]));
    case 'fields':
      return Object.values(row.fields);
    case 'links':
      return row.links.map((link) => link.reference);
    case 'onlyOneOf':
      return [row.flag];
    case 'status':
      return Object.values(row.read);
    default:
      return [];
  }
}

function compileObjects(technology: Technology, tree: ClassTree, report: Report): LegObjects {
  const objectsTree: ObjectsTree | undefined = tree.objects[technology];
  const existsTree: ExistsTree | undefined = tree.exists?.[technology];
  if (!objectsTree || hasNone(objectsTree)) {
    return { objects: new Map(), exists: [], none: objectsTree ? objectsTree.none : 'not in the mapping file' };
  }
  const objects = new Map<string, ObjectMapping>();
  for (const [name, object] of Object.entries(objectsTree)) {
    objects.set(
      name,
      compileObject(name, object, technology, objectsTree, (path, problem) =>
        report(['objects', technology, name, ...path], problem),
      ),
    );
  }
  const wanted = existsTree?.object;
  const exists = typeof wanted === 'string' ? [wanted] : (wanted ?? firstOf(objects));
  for (const name of exists) {
    if (!objects.has(name)) report(['exists', technology, 'object'], unknownObject(name, objects));
  }
  const when = existsTree?.when ? compileCondition(technology, existsTree.when, objects, report) : undefined;
  return { objects, exists, ...(when ? { when } : {}) };
}

/** Without `exists`: a management object per match of the first object that stands for itself. */
function firstOf(objects: ReadonlyMap<string, ObjectMapping>): string[] {
  for (const object of objects.values()) {
    if (object.listed && !object.every && !object.ownedThrough && !object.insteadOf) return [object.name];
  }
  return [];
}

function compileCondition(
  technology: Technology,
  tree: NonNullable<ExistsTree['when']>,
  objects: ReadonlyMap<string, ObjectMapping>,
  report: Report,
): Condition | undefined {
  const reference = referenceFrom(tree.anyInstanceOf);
  if (!objects.has(reference.object)) {
    report(['exists', technology, 'when', 'anyInstanceOf'], unknownObject(reference.object, objects));
    return undefined;
  }
  return { anyInstanceOf: reference, in: tree.in, ifUnreadable: tree.ifUnreadable };
}

function compileObject(
  name: string,
  tree: ObjectTree,
  technology: Technology,
  all: Readonly<Record<string, ObjectTree>>,
  report: Report,
): ObjectMapping {
  const kinds = (tree.kinds ?? []).map((kind) => ({
    name: kind.name,
    path: kind.path,
    constants: kind.constants ?? {},
  }));
  const paths = tree.path === undefined ? kinds.map((kind) => kind.path) : [tree.path];
  if (paths.length === 0) report([], 'has neither `path` nor `kinds`');
  if (tree.path !== undefined && kinds.length > 0) report(['path'], 'has `path` and `kinds`; one of them is too much');
  for (const path of paths) {
    const ends = technology === 'cwmp' ? path.endsWith('.') : !path.endsWith('/');
    if (!ends) report(['path'], technology === 'cwmp' ? 'ends without a dot' : 'ends with a slash');
    if (technology === 'omadm' && !path.startsWith('{mo}') && !path.startsWith('./')) {
      report(['path'], 'starts with neither {mo} nor ./');
    }
    if (path.includes('{mo}') && (technology !== 'omadm' || tree.objectID === undefined)) {
      report(['path'], '{mo} is the root that OMA DM finds by objectID');
    }
    const names = namesOf(path);
    if (new Set(names).size !== names.length) report(['path'], 'binds a name twice');
  }
  if (tree.insteadOf !== undefined && !all[tree.insteadOf])
    report(['insteadOf'], unknownObject(tree.insteadOf, Object.keys(all)));
  const ownedThrough = tree.ownedThrough === undefined ? undefined : referenceFrom(tree.ownedThrough);
  if (ownedThrough && !all[ownedThrough.object])
    report(['ownedThrough'], unknownObject(ownedThrough.object, Object.keys(all)));
  return {
    name,
    alsoSeenAs: tree.alsoSeenAs ?? [],
    paths,
    listed: tree.listed ?? true,
    fill: tree.fill ?? {},
    every: tree.every ?? false,
    kinds,
    ...(tree.objectID === undefined ? {} : { objectID: tree.objectID }),
    ...(tree.create === undefined ? {} : { create: tree.create }),
    ...(ownedThrough ? { ownedThrough } : {}),
    ...(tree.insteadOf === undefined ? {} : { insteadOf: tree.insteadOf }),
    ...(tree.implied === undefined ? {} : { implied: tree.implied }),
  };
}
