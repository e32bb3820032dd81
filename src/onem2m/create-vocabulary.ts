/** The vocabulary of one gateway: our plain resource types and the specializations of mgmtObj that it is given. */
import type { Json, JsonObject } from './primitive.ts';
import type { Attributes, Resource } from './resource.ts';
import type { Checked, ResourceTypeDefinition, Vocabulary } from './vocabulary.ts';
import { isFreeName } from './check-content.ts';
import { checkCreate } from './check-create.ts';
import { checkUpdate } from './check-update.ts';
import { compileDefinition } from './compile-definition.ts';
import type { CompiledDefinition } from './compile-definition.ts';
import {
  managementObject,
  plainResourceTypes,
  resourceTypes,
  selfDefined,
  selfDefinedManagementObject,
} from './resource-types.ts';

export interface VocabularySettings {
  /** Values of mgmtSchema that a mgmtObj of class 0 may have; none by default (SPECIALIZATION_SCHEMA_NOT_FOUND). */
  knownSchemas?: Iterable<string>;
}

/** What the checks need: definitions by number and by root, and the known schemas. */
export interface Definitions {
  plain(resourceType: number): CompiledDefinition | undefined;
  specialization(mgmtDefinition: number): CompiledDefinition | undefined;
  byRoot(root: string): CompiledDefinition | undefined;
  of(resource: Resource): CompiledDefinition;
  readonly all: readonly CompiledDefinition[];
  readonly knownSchemas: ReadonlySet<string>;
}

/**
 * `specializations`: definitions with their specific attributes only (from the mapping files); the universal, common and
 * mgmtObj attributes are put before them. Self-defined ones (mgmtDefinition 0) are one type on the wire: their attributes are
 * known there, beside those that are free. Throws when a definition is wrong or there twice.
 */
export function createVocabulary(
  specializations: ResourceTypeDefinition[],
  settings: VocabularySettings = {},
): Vocabulary {
  const ourOwn = specializations.filter(({ mgmtDefinition }) => mgmtDefinition === selfDefined);
  const specialized = specializations.filter((one) => !ourOwn.includes(one));
  const definitions = collect(
    [...plainResourceTypes, ...specialized.map(managementObject), withAttributesOf(ourOwn)],
    new Set(settings.knownSchemas ?? []),
  );
  return {
    resourceTypes: definitions.all.map((compiled) => compiled.definition),
    definitionOf(resourceType, mgmtDefinition) {
      return find(definitions, resourceType, mgmtDefinition)?.definition;
    },
    definitionByRoot: (root) => definitions.byRoot(root)?.definition,
    checkCreate: (resourceType, content, release) => checkCreate(definitions, resourceType, content, release),
    checkUpdate: (resource, content): Checked<Attributes> => checkUpdate(definitions.of(resource), resource, content),
    toWire: (resource, only) => toWire(definitions.of(resource), resource, only),
    patchToWire: (resource, patch) => patchToWire(definitions.of(resource), patch),
    longName(definition, shortName) {
      const known = definitions.byRoot(definition.root)?.byShortName.get(shortName)?.name;
      const free = definition.mgmtDefinition === selfDefined && isFreeName(shortName);
      return known ?? (free ? shortName : undefined);
    },
    hasAttribute(shortName) {
      if (definitions.all.some(({ byShortName }) => byShortName.has(shortName))) return true;
      return definitions.knownSchemas.size > 0 && isFreeName(shortName);
    },
  };
}

function withAttributesOf(definitions: readonly ResourceTypeDefinition[]): ResourceTypeDefinition {
  const { attributes, ...type } = selfDefinedManagementObject;
  return { ...type, attributes: [...attributes, ...definitions.flatMap((one) => one.attributes)] };
}

function find(
  definitions: Definitions,
  resourceType: number,
  mgmtDefinition: number | undefined,
): CompiledDefinition | undefined {
  if (resourceType !== resourceTypes.MGMT_OBJ) return definitions.plain(resourceType);
  return mgmtDefinition === undefined ? undefined : definitions.specialization(mgmtDefinition);
}

function collect(all: ResourceTypeDefinition[], knownSchemas: ReadonlySet<string>): Definitions {
  const compiled = all.map(compileDefinition);
  const plain = new Map<number, CompiledDefinition>();
  const specializations = new Map<number, CompiledDefinition>();
  const roots = new Map<string, CompiledDefinition>();
  for (const one of compiled) {
    const { resourceType, mgmtDefinition, root, name } = one.definition;
    const [index, key] =
      resourceType === resourceTypes.MGMT_OBJ ? [specializations, mgmtDefinition] : [plain, resourceType];
    if (key === undefined) throw new Error(`${name}: a specialization of mgmtObj needs its mgmtDefinition`);
    if (index.has(key)) throw new Error(`${name}: there are two definitions of the type ${resourceType} (${key})`);
    if (roots.has(root)) throw new Error(`${name}: the root '${root}' is there twice`);
    index.set(key, one);
    roots.set(root, one);
  }
  return {
    all: compiled,
    knownSchemas,
    plain: (resourceType) => plain.get(resourceType),
    specialization: (mgmtDefinition) => specializations.get(mgmtDefinition),
    byRoot: (root) => roots.get(root),
    of({ resourceType, mgmtDefinition, path }) {
      const one =
        resourceType === resourceTypes.MGMT_OBJ
          ? specializations.get(mgmtDefinition ?? selfDefined)
          : plain.get(resourceType);
      if (one) return one;
      throw new Error(`${path} has the type ${resourceType} (${mgmtDefinition ?? '-'}), which this gateway lacks`);
    },
  };
}

function toWire(compiled: CompiledDefinition, resource: Resource, only?: string[]): JsonObject {
  const wire: JsonObject = {};
  const held = resource.attributes;
  for (const attribute of compiled.attributes) {
    const value = attribute.field ? attribute.field(resource) : held[attribute.name];
    if (value === undefined || value === null) continue;
    if (only && !only.includes(attribute.shortName)) continue;
    wire[attribute.shortName] = attribute.write ? attribute.write(value) : value;
  }
  if (compiled.definition.mgmtDefinition === selfDefined) addFreeAttributes(compiled, held, wire, only);
  return wire;
}

/** A class 0 names its own attributes: what the definition does not know has the same name on the wire. */
function addFreeAttributes(compiled: CompiledDefinition, held: Attributes, wire: JsonObject, only?: string[]): void {
  for (const name in held) {
    const value = held[name];
    if (value === undefined || value === null || compiled.byName.has(name)) continue;
    if (!only || only.includes(name)) wire[name] = value;
  }
}

function patchToWire(compiled: CompiledDefinition, patch: Attributes): JsonObject {
  const wire: JsonObject = {};
  for (const name in patch) {
    const value = patch[name] as Json;
    const attribute = compiled.byName.get(name);
    if (!attribute) wire[name] = value;
    else wire[attribute.shortName] = value === null || !attribute.write ? value : attribute.write(value);
  }
  return wire;
}
