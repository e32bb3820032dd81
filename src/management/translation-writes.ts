/** One attribute as assignments on a device. */
import type { Json } from '../onem2m/primitive.ts';
import { ConversionFailure, integerOf, isObject, joinWithCommas, quoted } from './conversions.ts';
import type { AttributeMapping, Reference, Row, Technology } from './mapping-types.ts';
import { resourcePath } from './object-paths.ts';
import type { Assignment, Value } from './operation.ts';
import { objectVersion } from './translation-values.ts';
import type { LinkResolver, TranslatedObject } from './translation-values.ts';
import { isSpread, typeOnDevice, valueFromAttribute } from './value-forms.ts';

export interface WriteContext {
  attribute: AttributeMapping;
  technology: Technology;
  object: TranslatedObject;
  links: LinkResolver;
}

/** The device lacks the object that would have to be written. */
export class ObjectMissing extends Error {
  constructor(name: string) {
    super(`the device has no object "${name}" here`);
    this.name = 'ObjectMissing';
  }
}

/** Rows that can be written; all others are read-only on the device or are not on it. */
export function isWritable(row: Row): boolean {
  switch (row.kind) {
    case 'value':
      return row.write !== undefined;
    case 'fields':
      return row.writable;
    case 'links':
    case 'onlyOneOf':
      return true;
    default:
      return false;
  }
}

/** Throws `ConversionFailure` or `ObjectMissing`. `json` is not null. */
export function assignmentsFor(json: Json, context: WriteContext): Assignment[] {
  const row = context.attribute.legs[context.technology];
  switch (row.kind) {
    case 'value':
      return row.write ? [valueAssignment(json, row, row.write, context)] : [];
    case 'fields':
      return fieldAssignments(json, row, context);
    case 'links':
      return linkAssignments(json, row, context);
    case 'onlyOneOf':
      return flagAssignments(json, row, context);
    default:
      return [];
  }
}

function valueAssignment(
  json: Json,
  row: Extract<Row, { kind: 'value' }>,
  write: Reference,
  { attribute, object, links }: WriteContext,
): Assignment {
  const { definition } = attribute;
  const version = objectVersion(object, write.object);
  const value = valueFromAttribute(json, { definition, form: row.form, links, version });
  const multiple = isSpread(row.form);
  return { path: pathOf(object, write), type: typeOnDevice(row.form), value, ...(multiple ? { multiple } : {}) };
}

function fieldAssignments(json: Json, row: Extract<Row, { kind: 'fields' }>, { object }: WriteContext): Assignment[] {
  const inner = row.inside === undefined || !isObject(json) ? json : json[row.inside];
  if (row.inside !== undefined && (!Array.isArray(inner) || inner.length !== 1)) {
    throw new ConversionFailure(`holds more or less than one element in ${row.inside}; the device takes one`);
  }
  const fields = Array.isArray(inner) ? inner[0] : inner;
  if (!isObject(fields)) throw new ConversionFailure('is no structure');
  return Object.entries(fields).map(([name, value]) => {
    const reference = row.fields[name];
    if (!reference) throw new ConversionFailure(`has ${quoted(name)}, for which the device has no place`);
    if (typeof value !== 'number') throw new ConversionFailure(`has no number as ${name}`);
    return { path: pathOf(object, reference), type: 'integer', value: integerOf(value) };
  });
}

function linkAssignments(
  json: Json,
  row: Extract<Row, { kind: 'links' }>,
  { object, links, technology }: WriteContext,
): Assignment[] {
  if (!Array.isArray(json)) throw new ConversionFailure('is no list of links');
  const byType = new Map<number, string[]>(row.links.map((link) => [link.mgmtDefinition, []]));
  for (const entry of json) {
    const { type, value } = isObject(entry) ? entry : {};
    const link = row.links.find((candidate) => candidate.mgmtDefinition === type);
    if (!link || typeof value !== 'string') {
      const allowed = row.links.map((candidate) => `${candidate.mapping} (${candidate.mgmtDefinition})`).join(', ');
      throw new ConversionFailure(`has a link of type ${JSON.stringify(type ?? null)}; allowed: ${allowed}`);
    }
    const path = links.pathOf(value, link.mapping);
    if (path === undefined)
      throw new ConversionFailure(`names ${quoted(value)}, which is no ${link.mapping} of this device`);
    byType.get(link.mgmtDefinition)?.push(path);
  }
  return row.links.map((link) => {
    const paths = byType.get(link.mgmtDefinition) ?? [];
    if (paths.length < link.minimum || paths.length > link.maximum) {
      const wanted =
        link.maximum === 1
          ? `${link.minimum === 1 ? 'exactly' : 'at most'} one link`
          : `at least ${link.minimum} links`;
      throw new ConversionFailure(`has ${paths.length} links to ${link.mapping}; ${wanted} to it belong there`);
    }
    const type = technology === 'lwm2m' ? 'link' : 'string';
    const items = paths.map((path): Value => (type === 'link' ? { link: path } : path));
    const target = { path: pathOf(object, link.reference), type } as const;
    if (link.list === 'comma') return { ...target, value: joinWithCommas(paths) };
    if (link.list === undefined) return { ...target, value: items[0] ?? (type === 'link' ? { link: '' } : '') };
    return {
      ...target,
      multiple: true,
      value: { instances: Object.fromEntries(items.map((item, index) => [String(index), item])) },
    };
  });
}

/** The old flag goes and the new one comes in one step, so that never two are set (TS-0006 7.12.1). */
function flagAssignments(
  json: Json,
  row: Extract<Row, { kind: 'onlyOneOf' }>,
  { object, links }: WriteContext,
): Assignment[] {
  const wanted = typeof json === 'string' ? links.pathOf(json, row.link) : undefined;
  const instances = Object.entries(object.objects)
    .filter(([key]) => key.startsWith(`${row.flag.object}:`))
    .map(([, path]) => path);
  if (wanted === undefined) {
    throw new ConversionFailure(`names ${quoted(String(json))}, which is no ${row.link} of this device`);
  }
  // One that was made a moment ago is no part of this object yet.
  return [...new Set([...instances, wanted])]
    .sort((a, b) => Number(a === wanted) - Number(b === wanted))
    .map((path) => ({ path: resourcePath(path, row.flag.resource), type: 'boolean', value: path === wanted }));
}

function pathOf(object: TranslatedObject, reference: Reference): string {
  const path = object.objects[reference.object];
  if (path === undefined) throw new ObjectMissing(reference.object);
  return resourcePath(path, reference.resource);
}
