/** Content of a CREATE against the attribute tables (TS-0004 7.3.3.3, 7.3.3.5). */
import type { Json, JsonObject } from './primitive.ts';
import type { Attributes } from './resource.ts';
import type { AttributeDefinition, Checked, ResourceTypeDefinition } from './vocabulary.ts';
import { reservedNames } from './addressing.ts';
import {
  isFreeName,
  readAttribute,
  readRoot,
  refusal,
  unknownAttribute,
  unsupportedAttribute,
} from './check-content.ts';
import { fieldNames } from './compile-definition.ts';
import type { CompiledDefinition } from './compile-definition.ts';
import { shown } from './compile-type.ts';
import type { Definitions } from './create-vocabulary.ts';
import { withArticle } from './nearest-name.ts';
import { absentResourceTypes, resourceTypes, selfDefined } from './resource-types.ts';
import { statusCodes } from './status-codes.ts';

/**
 * `attributes` has the long names, `expirationTime` included where it was given and `creator: null` where the originator wants
 * to be recorded; name, type and mgmtDefinition are beside it.
 */
export interface CheckedCreate {
  definition: ResourceTypeDefinition;
  requestedName?: string;
  attributes: Attributes;
}

export function checkCreate(
  definitions: Definitions,
  resourceType: number,
  content: Json | undefined,
  release?: string,
): Checked<CheckedCreate> {
  const absent = absentResourceTypes.get(resourceType);
  if (absent !== undefined) {
    return refusal(
      `the resource type ${resourceType} (${absent}) is not implemented by this gateway`,
      statusCodes.NOT_IMPLEMENTED,
    );
  }
  const read = readRoot(content);
  if (!read.ok) return read;
  const { root, members } = read.value;
  const chosen =
    resourceType === resourceTypes.MGMT_OBJ
      ? chooseSpecialization(definitions, root, members)
      : choosePlain(definitions, resourceType, root);
  if (!chosen.ok) return chosen;
  const compiled = chosen.value;
  if (compiled.definition.notAllowed?.includes('create')) {
    return refusal(
      `${withArticle(compiled.definition.name)} is made by the gateway itself and cannot be created`,
      statusCodes.OPERATION_NOT_ALLOWED,
    );
  }
  return readMembers(definitions, compiled, members, release);
}

function choosePlain(definitions: Definitions, resourceType: number, root: string): Checked<CompiledDefinition> {
  const compiled = definitions.plain(resourceType);
  if (!compiled) {
    return refusal(`there is no resource type ${resourceType}; 'ty' is the number of one, e.g. 2 for an AE`);
  }
  if (compiled.definition.root !== root) {
    return refusal(
      `the root is ${shown(root)}, but the resource type ${resourceType} (${compiled.definition.name}) has the root ` +
        `"${compiled.definition.root}"`,
    );
  }
  return { ok: true, value: compiled };
}

// TS-0004 7.4.15: the root is the specialization's, and mgmtDefinition says the same
function chooseSpecialization(
  definitions: Definitions,
  root: string,
  members: JsonObject,
): Checked<CompiledDefinition> {
  const { mgd } = members;
  const byRoot = definitions.byRoot(root);
  if (byRoot?.definition.resourceType !== resourceTypes.MGMT_OBJ) {
    const wanted = typeof mgd === 'number' ? definitions.specialization(mgd) : undefined;
    if (wanted) return refusal(`the root is ${shown(root)}, but 'mgd' ${mgd} has the root "${wanted.definition.root}"`);
    return refusal(`the root ${shown(root)} is not that of a management object; "m2m:fwr" and "m2m:bat" are two`);
  }
  const expected = byRoot.definition.mgmtDefinition;
  if (mgd === undefined) {
    return refusal(`attribute 'mgd' (mgmtDefinition) is missing; add "mgd": ${expected} for "${root}"`);
  }
  if (mgd !== expected) {
    return refusal(`attribute 'mgd' (mgmtDefinition) is ${shown(mgd)}, but the root "${root}" goes with ${expected}`);
  }
  return { ok: true, value: byRoot };
}

function readMembers(
  definitions: Definitions,
  compiled: CompiledDefinition,
  members: JsonObject,
  release: string | undefined,
): Checked<CheckedCreate> {
  const { definition } = compiled;
  const free = definition.mgmtDefinition === selfDefined;
  const attributes: Attributes = {};
  let requestedName: string | undefined;
  for (const shortName in members) {
    const value = members[shortName] as Json;
    const attribute = compiled.byShortName.get(shortName);
    if (!attribute) {
      if (!free || !isFreeName(shortName) || fieldNames.has(shortName) || compiled.byName.has(shortName)) {
        return unknownAttribute(compiled, shortName);
      }
      attributes[shortName] = value;
      continue;
    }
    if (attribute.name === 'creator') {
      // TS-0001 9.6.1.3.2: only null, and the gateway writes the originator
      if (value !== null) return refusal(`attribute ${attribute.label} may only be null; the gateway fills it in`);
      attributes.creator = null;
      continue;
    }
    if (attribute.definition.create === 'NP') {
      return refusal(`attribute ${attribute.label} must not be in a CREATE of ${definition.name}; leave it out`);
    }
    if (attribute.definition.unsupported) return unsupportedAttribute(attribute);
    if (value === null) {
      return refusal(`attribute ${attribute.label} is null; in a CREATE, leave out what has no value`);
    }
    const held = readAttribute(attribute, value);
    if (!held.ok) return held;
    if (attribute.name === 'resourceName') {
      requestedName = held.value as string;
      if (reservedNames.has(requestedName)) {
        return refusal(`the name '${requestedName}' is that of a virtual resource; choose another`);
      }
    } else if (attribute.name !== 'mgmtDefinition') {
      attributes[attribute.name] = held.value;
    }
  }
  for (const attribute of compiled.mandatory) {
    if (members[attribute.shortName] === undefined && isDue(attribute.definition, release)) {
      return refusal(`attribute ${attribute.label} is mandatory in a CREATE of ${definition.name}; add it`);
    }
  }
  if (free && !definitions.knownSchemas.has(attributes.mgmtSchema as string)) {
    return refusal(
      `the schema ${shown(attributes.mgmtSchema)} of 'mgs' (mgmtSchema) is not known to this gateway; its operator ` +
        'registers it with the setting mgmt.schemas',
      statusCodes.SPECIALIZATION_SCHEMA_NOT_FOUND,
    );
  }
  for (const attribute of compiled.withDefault) {
    attributes[attribute.name] ??= attribute.definition.default as Json;
  }
  return { ok: true, value: { definition, ...(requestedName !== undefined && { requestedName }), attributes } };
}

/** No release given: the newest. */
function isDue({ mandatorySince = 0 }: AttributeDefinition, release: string | undefined): boolean {
  return release === undefined || Number.parseInt(release, 10) >= mandatorySince;
}
