/** Translation, bound to the mappings: every function finds the class of an object, as the profiles of its device change it. */
import type { Inventory } from './adapter.ts';
import { identified, identityPaths, identityReads, type IdentityPaths } from './identity.ts';
import { initialReads, objectsOf, type DeviceObjects } from './objects.ts';
import type { Mapping, Row } from './mapping-types.ts';
import type { Mappings } from './mapping.ts';
import type { Target } from './operation.ts';
import { ReadPlans } from './read-plans.ts';
import type { AttributePatch, BoundObject, MappedObject } from './resource-side.ts';
import {
  actionStatus,
  attributesTouchedBy,
  linksAmong,
  noLinks,
  observationPaths,
  patchFromValues,
  planCreate,
  planDelete,
  planRead,
  planUpdate,
  type CreateOptions,
  type CreatePlan,
  type DeletePlan,
  type LinkResolver,
  type ReadPlan,
  type ReadValues,
  type Refused,
  type TranslatedValues,
  type UpdateOptions,
  type UpdatePlan,
} from './translation.ts';
import { statusCodes } from '../onem2m/status-codes.ts';

export interface Translator {
  planRead(object: BoundObject, attributes: readonly string[] | undefined): ReadPlan;
  patchFromValues(object: BoundObject, values: ReadValues, links?: LinkResolver): TranslatedValues;
  planUpdate(object: BoundObject, patch: AttributePatch, options: UpdateOptions): UpdatePlan | Refused;
  planCreate(
    mgmtDefinition: number,
    profiles: readonly string[],
    attributes: AttributePatch,
    options: CreateOptions,
  ): (CreatePlan & { mapping: string }) | Refused;
  planDelete(object: BoundObject): DeletePlan | Refused;
  actionStatus(object: BoundObject, trigger: string, status: 0 | 1 | 2 | 3): { action: string; status: number };
  attributesTouchedBy(object: BoundObject, paths: Iterable<string>): string[];
  observationPaths(object: BoundObject, attributes: readonly string[] | undefined): Target[];
  /** True: its values or writes name other objects, so that a resolver is needed. */
  hasLinks(object: BoundObject): boolean;
  linksAmong(objects: readonly BoundObject[]): LinkResolver;
  objectsOf(device: { technology: string; inventory: Inventory }, values?: ReadValues): DeviceObjects;
  initialReads(technology: string, objects: readonly MappedObject[], profiles: readonly string[]): Target[];
  profilesFor(device: { technology: string; inventory: Inventory }): string[];
  /** Where a device says who made it and what runs on it, where its leg does not tell. */
  identityPaths(device: { technology: string; inventory: Inventory }): IdentityPaths;
  identityReads(device: { technology: string; inventory: Inventory }): Target[];
  /** The inventory with what these values say of that; undefined = they bring no news. */
  identified(device: { technology: string; inventory: Inventory }, values: ReadValues): Inventory | undefined;
  /** Differs when the classes, the profiles of the device, or what it matches have changed. */
  mappingDigest(device: { technology: string; inventory: Inventory }): string;
  profileSettings(profiles: readonly string[]): Record<string, unknown>;
}

export function createTranslator(mappings: Mappings): Translator {
  const linked = new WeakMap<Mapping, boolean>();
  const digests = new Map<string, WeakMap<Inventory, string>>();
  const plans = new ReadPlans();
  const mappingOf = (object: BoundObject): Mapping | undefined => mappings.merged(object.mapping, object.profiles);
  return {
    planRead(object, attributes) {
      const mapping = mappingOf(object);
      if (!mapping) return { targets: [], local: [] };
      return attributes ? planRead(mapping, object, attributes) : plans.of(mapping, object);
    },
    patchFromValues(object, values, links = noLinks) {
      const mapping = mappingOf(object);
      return mapping ? patchFromValues(mapping, object, values, links) : { patch: {}, problems: [] };
    },
    planUpdate(object, patch, options) {
      const mapping = mappingOf(object);
      return mapping ? planUpdate(mapping, object, patch, options) : unknownClass(object.mapping);
    },
    planCreate(mgmtDefinition, profiles, attributes, options) {
      const plain = mappings.byDefinition(mgmtDefinition);
      const mapping = plain && mappings.merged(plain.name, profiles);
      if (!mapping) return unknownClass(String(mgmtDefinition));
      const plan = planCreate(mapping, attributes, options);
      return plan.ok ? { ...plan, mapping: mapping.name } : plan;
    },
    planDelete(object) {
      const mapping = mappingOf(object);
      return mapping ? planDelete(mapping, object) : unknownClass(object.mapping);
    },
    actionStatus(object, trigger, status) {
      const mapping = mappingOf(object);
      return mapping ? actionStatus(mapping, trigger, status) : { action: trigger, status };
    },
    attributesTouchedBy(object, paths) {
      const mapping = mappingOf(object);
      return mapping ? attributesTouchedBy(mapping, object, paths) : [];
    },
    observationPaths(object, attributes) {
      const mapping = mappingOf(object);
      return mapping ? observationPaths(mapping, object, attributes) : [];
    },
    hasLinks(object) {
      const mapping = mappingOf(object);
      if (!mapping) return false;
      let has = linked.get(mapping);
      if (has === undefined) {
        has = [...mapping.attributes.values()].some(({ legs }) => Object.values(legs).some(namesOthers));
        linked.set(mapping, has);
      }
      return has;
    },
    linksAmong,
    objectsOf: (device, values) => objectsOf(mappings, device, values),
    initialReads: (technology, objects, profiles) => initialReads(mappings, technology, objects, profiles),
    profilesFor: (device) => mappings.profilesFor(device),
    identityPaths: (device) => identityPaths(mappings, device),
    identityReads: (device) => identityReads(mappings, device),
    identified: (device, values) => identified(mappings, device, values),
    mappingDigest(device) {
      let byInventory = digests.get(device.technology);
      if (!byInventory) digests.set(device.technology, (byInventory = new WeakMap()));
      // Devices of one model share their inventory.
      const known = byInventory.get(device.inventory);
      if (known !== undefined) return known;
      // A part is enough to tell one mapping from another, and is kept for every device.
      const digest = mappings.digest(mappings.profilesFor(device)).slice(0, 16);
      byInventory.set(device.inventory, digest);
      return digest;
    },
    profileSettings: (profiles) => mappings.settings(profiles),
  };
}

function namesOthers(row: Row): boolean {
  return row.kind === 'links' || row.kind === 'onlyOneOf' || (row.kind === 'value' && row.form.link !== undefined);
}

function unknownClass(name: string): Refused {
  return {
    ok: false,
    responseStatusCode: statusCodes.NOT_IMPLEMENTED,
    explanation: `there is no mapping for the management object class ${name}; add a mapping file for it`,
  };
}
