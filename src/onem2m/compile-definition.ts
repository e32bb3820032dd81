/** A resource type made ready for speed: its attributes by short and by long name, each with reader and writer. */
import type { Json } from './primitive.ts';
import type { Resource } from './resource.ts';
import type { AttributeDefinition, ResourceTypeDefinition } from './vocabulary.ts';
import { compileType, compiledTypeOf, integerType } from './compile-type.ts';
import type { CompiledType } from './compile-type.ts';
import { dataTypeOf } from './data-types.ts';

export interface CompiledAttribute extends CompiledType {
  definition: AttributeDefinition;
  name: string;
  shortName: string;
  /** For sentences: `'btl' (batteryLevel)`. */
  label: string;
  /** Where the value is when it is a field of the resource and not one of its attributes. */
  field?: (resource: Resource) => Json | undefined;
}

export interface CompiledDefinition {
  definition: ResourceTypeDefinition;
  /** In the order of the definition. */
  attributes: CompiledAttribute[];
  byShortName: Map<string, CompiledAttribute>;
  byName: Map<string, CompiledAttribute>;
  /** Must be in a CREATE. */
  mandatory: CompiledAttribute[];
  withDefault: CompiledAttribute[];
}

const fields: Record<string, (resource: Resource) => Json | undefined> = {
  resourceType: (resource) => resource.resourceType,
  resourceID: (resource) => resource.resourceID,
  resourceName: (resource) => resource.resourceName,
  parentID: (resource) => resource.parentID,
  creationTime: (resource) => resource.creationTime,
  lastModifiedTime: (resource) => resource.lastModifiedTime,
  expirationTime: (resource) => resource.expirationTime,
  mgmtDefinition: (resource) => resource.mgmtDefinition,
};

/** Names that a `Resource` holds in fields of its own, not in `attributes`. */
export const fieldNames: ReadonlySet<string> = new Set(Object.keys(fields));

/**
 * Throws when the definition is wrong: a type that does not exist, a name used twice, a default that its type refuses. The
 * definition comes from tables and mapping files, so the gateway does not start with it.
 */
export function compileDefinition(definition: ResourceTypeDefinition): CompiledDefinition {
  const attributes = definition.attributes.map((attribute) => compileAttribute(definition, attribute));
  const byShortName = new Map<string, CompiledAttribute>();
  const byName = new Map<string, CompiledAttribute>();
  for (const attribute of attributes) {
    if (byShortName.has(attribute.shortName) || byName.has(attribute.name)) {
      throw new Error(`${definition.name}: the attribute ${attribute.label} is there twice`);
    }
    byShortName.set(attribute.shortName, attribute);
    byName.set(attribute.name, attribute);
  }
  return {
    definition,
    attributes,
    byShortName,
    byName,
    mandatory: attributes.filter((attribute) => attribute.definition.create === 'M'),
    withDefault: attributes.filter((attribute) => attribute.definition.default !== undefined),
  };
}

function compileAttribute(owner: ResourceTypeDefinition, definition: AttributeDefinition): CompiledAttribute {
  const { name, shortName } = definition;
  const label = `'${shortName}' (${name})`;
  const type = typeOfAttribute(owner, definition, label);
  const field = fields[name];
  return { definition, name, shortName, label, ...type, ...(field && { field }) };
}

function typeOfAttribute(
  owner: ResourceTypeDefinition,
  { type: typeName, range, cardinality }: AttributeDefinition,
  label: string,
): CompiledType {
  const type = dataTypeOf(typeName);
  if (!type) {
    throw new Error(`${owner.name}: ${label} has the type '${typeName}', which data-types.ts does not have`);
  }
  if (range) {
    if (type.kind !== 'integer') throw new Error(`${owner.name}: ${label} has a range, but is no integer`);
    return integerType(range[0], range[1]);
  }
  // A multiplicity (L) of a type that is no list itself: one JSON array of them (TS-0004 8.4.2).
  if (cardinality.endsWith('(L)') && type.kind !== 'list') return compileType({ kind: 'list', of: typeName });
  return compiledTypeOf(typeName);
}
