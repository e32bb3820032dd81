/**
 * <mgmtObj> of the service layer alone: no device is bound to it, the managed entity watches the resource (TS-0004 7.4.15, Annex
 * D). Those of a device are the business of device management.
 */
import type { Json } from '../../onem2m/primitive.ts';
import { statusCodes } from '../../onem2m/status-codes.ts';
import type { AttributeDefinition } from '../../onem2m/vocabulary.ts';
import type { Attributes } from '../../onem2m/resource.ts';
import type { Behaviour } from '../behaviour.ts';
import { Refused } from '../refused.ts';

export const managementObject: Behaviour = {
  validateCreate({ definition, attributes }) {
    requireOneTrigger(definition.attributes, attributes);
  },

  beforeCreate({ definition, attributes, internal }) {
    if (internal.binding) return;
    for (const { name, type, cardinality, create } of definition.attributes) {
      if (cardinality !== '1' || create === 'M' || attributes[name] !== undefined) continue;
      const initial = initialValues[type];
      if (initial !== undefined) attributes[name] = initial;
    }
  },

  validateUpdate({ resource, patch }, parts) {
    if (resource.internal.binding) return;
    const definition = parts.vocabulary.definitionOf(resource.resourceType, resource.mgmtDefinition);
    requireOneTrigger(definition?.attributes ?? [], patch);
  },
};

/** What a resource always has although its CREATE does not say it: triggers that nobody pulled, actions that never began. */
const initialValues: Readonly<Record<string, Json>> = {
  boolean: false,
  actionStatus: { status: 0 },
};

/** TS-0004 D.3, D.9, D.10, D.11: install and uninstall, enable and disable … are not both true. */
function requireOneTrigger(definitions: readonly AttributeDefinition[], given: Attributes): void {
  const pulled = definitions.filter(({ name, trigger }) => trigger && given[name] === true);
  for (const { name, shortName, excludes } of pulled) {
    const opposed = pulled.find((other) => excludes?.includes(other.name));
    if (!opposed) continue;
    throw new Refused(
      statusCodes.BAD_REQUEST,
      `'${shortName}' (${name}) and '${opposed.shortName}' (${opposed.name}) are both true; set one of them`,
    );
  }
}
