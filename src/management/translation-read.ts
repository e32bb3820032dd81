/** From attributes to targets to read, and from values back to attributes. */
import { isDeepStrictEqual } from 'node:util';
import type { Json, JsonObject } from '../onem2m/primitive.ts';
import { ConversionFailure, isObject, integerOf, itemsOf, splitAtCommas, textOf } from './conversions.ts';
import type { AttributeMapping, LegObjects, Mapping, Reference, Row, Technology } from './mapping-types.ts';
import { bindPath, resourcePath } from './object-paths.ts';
import type { Target, Value, ValueType } from './operation.ts';
import type { AttributePatch } from './resource-side.ts';
import { absent, legOf, noLinks, objectVersion, pathsOf } from './translation-values.ts';
import type { LinkResolver, ReadValues, TranslatedObject } from './translation-values.ts';
import { attributeFromValue, isList, isSpread, matches, typeOnDevice } from './value-forms.ts';

export interface ReadPlan {
  /** Each path once. */
  targets: Target[];
  /** Attributes that need no device: held, constant, triggers, verdicts. */
  local: string[];
}

export interface TranslatedValues {
  patch: AttributePatch;
  /** A sentence per value that could not be said as an attribute; the attribute keeps its old value. */
  problems: string[];
  /** There were values, and none of them could be said. */
  isLost?: boolean;
}

/** What to read for these attributes (long names); `undefined` = all that the leg maps. Unknown names are ignored. */
export function planRead(
  mapping: Mapping,
  object: TranslatedObject,
  attributes: readonly string[] | undefined,
): ReadPlan {
  const targets = new Map<string, Target>();
  const local: string[] = [];
  const technology = legOf(object.technology);
  for (const attribute of chosen(mapping, attributes)) {
    const before = targets.size;
    let needed = false;
    if (technology) {
      for (const reference of attribute.reads[technology]) {
        for (const path of pathsOf(object, reference)) {
          needed = true;
          if (!targets.has(path)) targets.set(path, targetOf(path, attribute, technology, reference));
        }
      }
    }
    if (!needed && targets.size === before) local.push(attribute.definition.name);
  }
  return { targets: [...targets.values()], local };
}

/**
 * Attributes that follow from these values. Values may be few (a notification): what cannot be decided from them is left
 * alone. Only attributes that differ from `object.attributes` are in the patch; null removes one.
 */
export function patchFromValues(
  mapping: Mapping,
  object: TranslatedObject,
  values: ReadValues,
  links: LinkResolver = noLinks,
): TranslatedValues {
  const patch: AttributePatch = {};
  const problems: string[] = [];
  let understood = false;
  const technology = legOf(object.technology);
  if (!technology) return { patch, problems };
  for (const [name, attribute] of mapping.attributes) {
    const row = attribute.legs[technology];
    if (!touched(attribute.reads[technology], object, values)) continue;
    try {
      const value = attributeOf(row, { mapping, attribute, technology, object, values, links });
      understood = true;
      if (value === undefined) continue;
      const old = object.attributes[name];
      if (value === old) continue;
      if (value === null ? old !== undefined && old !== null : !isDeepStrictEqual(value, old)) patch[name] = value;
    } catch (error) {
      if (!(error instanceof ConversionFailure)) throw error;
      problems.push(`${mapping.name}.${name}: what the device says ${error.message}; the attribute keeps its value`);
    }
  }
  return problems.length > 0 && !understood ? { patch, problems, isLost: true } : { patch, problems };
}

/**
 * Attributes of a new management object that need no device: triggers false, status Uninitialized, constants, and an empty
 * string for a mandatory text that only the CSE keeps.
 */
export function initialAttributes(mapping: Mapping, object: TranslatedObject): AttributePatch {
  const patch: AttributePatch = {};
  const technology = legOf(object.technology);
  for (const [name, { definition, legs, trigger }] of mapping.attributes) {
    const row: Row | undefined = technology && legs[technology];
    if (trigger) {
      if (definition.cardinality === '1' || row?.kind === 'trigger') patch[name] = false;
    } else if (definition.type === 'actionStatus') {
      if (definition.cardinality === '1' || (row && row.kind !== 'none')) patch[name] = { status: 0 };
    } else if (row?.kind === 'constant') patch[name] = row.value;
    else if (row?.kind === 'kindConstant') patch[name] = kindConstant(mapping, object, row.name) ?? '';
    else if (row?.kind === 'held' && definition.cardinality === '1' && isText(definition.type)) patch[name] = '';
  }
  return patch;
}

/**
 * Attributes that follow from the mapping alone, whatever is stored: constants, and null for what the device cannot have. They
 * change with the mapping, and no reading brings them.
 */
export function fixedAttributes(mapping: Mapping, object: TranslatedObject): AttributePatch {
  const patch: AttributePatch = {};
  const technology = legOf(object.technology);
  for (const [name, { definition, legs }] of mapping.attributes) {
    const row: Row | undefined = technology && legs[technology];
    if (row?.kind === 'constant') patch[name] = row.value;
    else if (row?.kind === 'kindConstant') patch[name] = kindConstant(mapping, object, row.name) ?? '';
    else if (row?.kind === 'none' && definition.cardinality.startsWith('0')) patch[name] = null;
  }
  return patch;
}

/** Long names of the attributes that follow from values at these paths, or at paths below or above them. */
export function attributesTouchedBy(mapping: Mapping, object: TranslatedObject, paths: Iterable<string>): string[] {
  const technology = legOf(object.technology);
  if (!technology) return [];
  const wanted = [...paths];
  const touchedBy = (own: string): boolean =>
    wanted.some((path) => path === own || isBelow(path, own) || isBelow(own, path));
  return [...mapping.attributes]
    .filter(([, attribute]) =>
      attribute.reads[technology].some((reference) => pathsOf(object, reference).some(touchedBy)),
    )
    .map(([name]) => name);
}

/** What to observe so that these attributes stay current; `undefined` = all that the leg maps. */
export function observationPaths(
  mapping: Mapping,
  object: TranslatedObject,
  attributes: readonly string[] | undefined,
): Target[] {
  return planRead(mapping, object, attributes).targets;
}

interface RowContext {
  mapping: Mapping;
  attribute: AttributeMapping;
  technology: Technology;
  object: TranslatedObject;
  values: ReadValues;
  links: LinkResolver;
}

/** undefined = cannot be decided from these values, or stays as it is. */
function attributeOf(row: Row, context: RowContext): Json | undefined {
  switch (row.kind) {
    case 'value':
      return valueOfRow(row, context);
    case 'status':
      return statusOfRow(row, context);
    case 'fields':
      return fieldsOfRow(row, context);
    case 'links':
      return linksOfRow(row, context);
    case 'onlyOneOf':
      return enabledOne(row, context);
    default:
      return undefined;
  }
}

function valueOfRow(row: Extract<Row, { kind: 'value' }>, context: RowContext): Json | undefined {
  const { attribute, object, links } = context;
  for (const source of row.read) {
    const value = 'join' in source ? joined(source.join, source.with, context) : read(source, context);
    // A source that was not asked may still be the one that counts: nothing is decided.
    if (value === undefined) return undefined;
    if (value === absent) continue;
    const named = 'join' in source ? source.join[0]?.object : source.object;
    const version = row.form.units.length > 0 ? objectVersion(object, named ?? '') : undefined;
    try {
      return attributeFromValue(value, { definition: attribute.definition, form: row.form, links, version });
    } catch (error) {
      if (error instanceof ConversionFailure && row.form.otherwise !== undefined) return row.form.otherwise;
      throw error;
    }
  }
  if (row.form.otherwise !== undefined) return row.form.otherwise;
  return missing(context);
}

/** Parts that are one value together; undefined = one of them was not asked, absent = the device lacks one. */
function joined(
  references: readonly Reference[],
  separator: string,
  context: RowContext,
): string | typeof absent | undefined {
  const values = references.map((reference) => read(reference, context));
  if (values.includes(undefined)) return undefined;
  const present = values.filter((value): value is Value => value !== absent && value !== undefined);
  return present.length < values.length ? absent : present.map(textOf).join(separator);
}

/** The device has nothing: an optional attribute goes, a mandatory text is empty, any other keeps its value. */
function missing({ attribute, object }: RowContext): Json | undefined {
  const { definition } = attribute;
  if (definition.cardinality.startsWith('0')) return null;
  const known = object.attributes[definition.name];
  if (known !== undefined && known !== null) return undefined;
  if (isList(definition)) return definition.type === 'mgmtLinkRef' ? undefined : [];
  return isText(definition.type) ? '' : undefined;
}

function statusOfRow(row: Extract<Row, { kind: 'status' }>, context: RowContext): Json | undefined {
  const { mapping, attribute, object } = context;
  const stored = object.attributes[attribute.definition.name];
  const action = actionOf(mapping, attribute, stored);
  for (const { when, is } of row.rows) {
    const holds = Object.entries(when).every(([name, match]) => {
      if (name === 'action') return action !== undefined && matches(match, action);
      const reference = row.read[name];
      const value = reference && read(reference, context);
      return value !== undefined && value !== absent && matches(match, value);
    });
    if (!holds) continue;
    if (is === 'unchanged') return undefined;
    const shortName = action === undefined ? undefined : mapping.attributes.get(action)?.definition.shortName;
    return shortName === undefined ? { status: is } : { action: shortName, status: is };
  }
  return undefined;
}

/** Long name of the trigger that a status speaks of: the one that the mapping fixes, or the one that is stored. */
function actionOf(mapping: Mapping, attribute: AttributeMapping, stored: Json | undefined): string | undefined {
  if (attribute.action !== undefined) return attribute.action;
  const shortName = isObject(stored) ? stored['action'] : undefined;
  if (typeof shortName !== 'string') return undefined;
  for (const [name, { definition, trigger }] of mapping.attributes) {
    if (trigger && (definition.shortName === shortName || name === shortName)) return name;
  }
  return undefined;
}

function fieldsOfRow(row: Extract<Row, { kind: 'fields' }>, context: RowContext): Json | undefined {
  const { attribute, object } = context;
  const stored = object.attributes[attribute.definition.name];
  const inner = row.inside === undefined || !isObject(stored) ? stored : stored[row.inside];
  const before = row.inside === undefined ? inner : Array.isArray(inner) ? inner[0] : undefined;
  const fields: { [name: string]: Json } = isObject(before) ? { ...before } : {};
  for (const [name, reference] of Object.entries(row.fields)) {
    const value = read(reference, context);
    if (value === undefined) continue;
    if (value === absent) delete fields[name];
    else fields[name] = integerOf(value);
  }
  if (Object.keys(fields).length === 0) return missing(context);
  return row.inside === undefined ? fields : { [row.inside]: [fields] };
}

function linksOfRow(row: Extract<Row, { kind: 'links' }>, context: RowContext): Json | undefined {
  const { attribute, object, links } = context;
  const stored = object.attributes[attribute.definition.name];
  const knownLinks = Array.isArray(stored) ? stored.filter(isObject) : [];
  const result: Json[] = [];
  for (const link of row.links) {
    const value = read(link.reference, context);
    if (value === undefined) {
      // Not asked: what is known of this class of links stays.
      result.push(...knownLinks.filter((entry) => entry['type'] === link.mgmtDefinition));
      continue;
    }
    if (value === absent) continue;
    for (const path of link.list === 'comma' ? splitAtCommas(textOf(value)) : itemsOf(value).map(textOf)) {
      const found = links.resourceAt(path, link.mapping) ?? links.resourceAt(`${path}.`, link.mapping);
      if (!found) continue;
      const known = knownLinks.find(
        (entry) => entry['type'] === link.mgmtDefinition && isLinkTo(found.resourceID, entry, link.mapping, links),
      );
      result.push(known ?? { name: found.resourceName, type: link.mgmtDefinition, value: found.resourceID });
    }
  }
  if (result.length === 0) return missing(context);
  return result.length === knownLinks.length && knownLinks.every((entry) => result.includes(entry))
    ? knownLinks
    : result;
}

/** A requester may name the resource by its ID or by its path, and call the link what it likes. */
function isLinkTo(resourceID: string, entry: JsonObject, mapping: string, links: LinkResolver): boolean {
  const { value } = entry;
  if (typeof value !== 'string') return false;
  const path = links.pathOf(value, mapping);
  return path !== undefined && links.resourceAt(path, mapping)?.resourceID === resourceID;
}

function enabledOne(row: Extract<Row, { kind: 'onlyOneOf' }>, context: RowContext): Json | undefined {
  const { object, values, links, technology, mapping } = context;
  let complete = true;
  for (const [key, path] of Object.entries(object.objects)) {
    if (key !== row.flag.object && !key.startsWith(`${row.flag.object}:`)) continue;
    const value = values.get(resourcePath(path, row.flag.resource));
    if (value === undefined) complete = false;
    else if (value !== absent && matches({ one: [true] }, value)) {
      const found = links.resourceAt(path, row.link);
      if (!found) throw new ConversionFailure(`points at ${path}, which is no known ${row.link}`);
      return found.resourceID;
    }
  }
  const legObjects: LegObjects = mapping.legs[technology];
  return complete && legObjects.objects.size > 0 ? missing(context) : undefined;
}

/** undefined = was not asked. An object that the device lacks has none of its resources. */
function read(reference: Reference, { object, values }: RowContext): Value | typeof absent | undefined {
  const path = object.objects[reference.object];
  return path === undefined ? absent : values.get(resourcePath(path, reference.resource));
}

function touched(references: readonly Reference[], object: TranslatedObject, values: ReadValues): boolean {
  for (const reference of references) {
    const path = object.objects[reference.object];
    if (path === undefined) {
      if (pathsOf(object, reference).some((every) => values.has(every))) return true;
    } else if (values.has(resourcePath(path, reference.resource))) return true;
  }
  return false;
}

function* chosen(mapping: Mapping, names: readonly string[] | undefined): Iterable<AttributeMapping> {
  if (!names) {
    yield* mapping.attributes.values();
    return;
  }
  for (const name of names) {
    const attribute = mapping.attributes.get(name);
    if (attribute) yield attribute;
  }
}

function targetOf(path: string, attribute: AttributeMapping, technology: Technology, reference: Reference): Target {
  const row = attribute.legs[technology];
  const target: Target = { path, optional: true };
  const type = typeOf(row, technology);
  if (type) target.type = type;
  if (isMultiple(row, reference)) target.multiple = true;
  return target;
}

function typeOf(row: Row, technology: Technology): ValueType | undefined {
  switch (row.kind) {
    case 'value':
      return typeOnDevice(row.form);
    case 'fields':
      return 'integer';
    case 'onlyOneOf':
      return 'boolean';
    case 'links':
      return technology === 'lwm2m' ? 'link' : 'string';
    // What a status is read from may be of any type; the leg's own data model knows it.
    default:
      return undefined;
  }
}

function isMultiple(row: Row, reference: Reference): boolean {
  if (row.kind === 'value') return isSpread(row.form);
  if (row.kind !== 'links') return false;
  const link = row.links.find((entry) => entry.reference === reference);
  return link?.list === 'instances' || link?.list === 'nodes';
}

function kindConstant(mapping: Mapping, object: TranslatedObject, name: string): Json | undefined {
  const technology = legOf(object.technology);
  if (!technology) return undefined;
  for (const [key, objectMapping] of mapping.legs[technology].objects) {
    const path = object.objects[key];
    const kindName = path === undefined ? undefined : bindPath(technology, objectMapping, path)?.kind;
    const constant = objectMapping.kinds.find((kind) => kind.name === kindName)?.constants[name];
    if (constant !== undefined) return constant;
  }
  return undefined;
}

function isText(type: string): boolean {
  return type === 'string' || type === 'anyURI';
}

function isBelow(path: string, other: string): boolean {
  return (
    path.length > other.length &&
    path.startsWith(other) &&
    (other.endsWith('.') || /^[/.]/.test(path.slice(other.length)))
  );
}
