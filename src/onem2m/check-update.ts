/** Content of an UPDATE against the attribute tables (TS-0004 7.3.3.4, 7.3.3.6). */
import type { Json } from './primitive.ts';
import type { Attributes, Resource } from './resource.ts';
import type { Checked } from './vocabulary.ts';
import {
  isFreeName,
  readAttribute,
  readRoot,
  refusal,
  unknownAttribute,
  unsupportedAttribute,
} from './check-content.ts';
import { fieldNames } from './compile-definition.ts';
import type { CompiledAttribute, CompiledDefinition } from './compile-definition.ts';
import { shown } from './compile-type.ts';
import { withArticle } from './nearest-name.ts';
import { selfDefined } from './resource-types.ts';
import { statusCodes } from './status-codes.ts';

/** The patch by long name; null removes. `expirationTime: null` asks the gateway to choose a new one (TS-0004 7.3.3.6). */
export function checkUpdate(
  compiled: CompiledDefinition,
  resource: Resource,
  content: Json | undefined,
): Checked<Attributes> {
  const { definition } = compiled;
  if (definition.notAllowed?.includes('update')) {
    return refusal(`${withArticle(definition.name)} cannot be updated`, statusCodes.OPERATION_NOT_ALLOWED);
  }
  const read = readRoot(content);
  if (!read.ok) return read;
  const { root, members } = read.value;
  if (root !== definition.root) {
    return refusal(
      `the root is ${shown(root)}, but '${resource.path}' is ${withArticle(definition.name)} with the root "${definition.root}"`,
    );
  }
  const patch: Attributes = {};
  for (const shortName in members) {
    const value = members[shortName] as Json;
    const attribute = compiled.byShortName.get(shortName);
    if (!attribute) {
      const free = definition.mgmtDefinition === selfDefined && isFreeName(shortName);
      if (!free || fieldNames.has(shortName) || compiled.byName.has(shortName)) {
        return unknownAttribute(compiled, shortName);
      }
      patch[shortName] = value;
      continue;
    }
    const held = readPatch(compiled, attribute, resource, value);
    if (!held.ok) return held;
    patch[attribute.name] = held.value;
  }
  // TS-0001 9.6.1.3.2: who may change the policies is decided apart from who may change the rest
  if ('accessControlPolicyIDs' in patch && Object.keys(patch).length > 1) {
    return refusal(
      "attribute 'acpi' (accessControlPolicyIDs) must be alone in an UPDATE; send the others in a second one",
    );
  }
  return { ok: true, value: patch };
}

function readPatch(
  { definition }: CompiledDefinition,
  attribute: CompiledAttribute,
  resource: Resource,
  value: Json,
): Checked<Json> {
  const { update, cardinality, unsupported, originators } = attribute.definition;
  if (update === 'NP') {
    return refusal(`attribute ${attribute.label} of ${definition.name} cannot be changed; leave it out`);
  }
  if (unsupported) return unsupportedAttribute(attribute);
  if (originators === 'device' && resource.internal.binding) {
    return refusal(`attribute ${attribute.label} is reported by the device and cannot be set; leave it out`);
  }
  if (value !== null) return readAttribute(attribute, value);
  if (cardinality.startsWith('0..1') || attribute.name === 'expirationTime') return { ok: true, value: null };
  return refusal(`attribute ${attribute.label} of ${definition.name} is mandatory and cannot be removed`);
}
