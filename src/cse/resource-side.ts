/** What happens to resources when devices and operations speak: the CSE's side of the port of `management`. */
import type { JsonObject } from '../onem2m/primitive.ts';
import type { Resource, ResourceInternals } from '../onem2m/resource.ts';
import type { Vocabulary } from '../onem2m/vocabulary.ts';
import type { ManagedDevice } from '../management/adapter.ts';
import type { Operation } from '../management/operation.ts';
import type { Outcome } from '../management/outcome.ts';
import type {
  AttributePatch,
  BoundObject,
  Changes,
  ManagementNotes,
  MappedObject,
  ResourceSide,
} from '../management/resource-side.ts';
import { labelsAfter } from './executions.ts';
import { stringsOf } from './json-values.ts';
import { onboard, type OnboardingParts } from './onboarding.ts';

const MGMT_OBJ = 13;
const SUBSCRIPTION = 23;
const UPDATE_OF_RESOURCE = 1;
const alertKey = 'alert:';
/** Labels that a device can make, one for each type of its alerts; the oldest go. */
const maximumAlerts = 10;

export function createResourceSide(parts: OnboardingParts & { vocabulary: Vocabulary }): ResourceSide {
  const { tree, vocabulary } = parts;

  async function patchAll(
    patches: Map<string, AttributePatch>,
    notes = new Map<string, ManagementNotes>(),
  ): Promise<Changes> {
    const changes = tree.changes();
    for (const resourceID of new Set([...patches.keys(), ...notes.keys()])) {
      const resource = await tree.byId(resourceID);
      const kept = notes.get(resourceID);
      if (resource) changes.update(resource, patches.get(resourceID) ?? {}, kept && internalsOf(kept));
    }
    return changes.build();
  }

  /** Why an execution failed. */
  async function addLabels(
    { resource = '' }: Operation,
    outcome: Outcome,
    patches: Map<string, AttributePatch>,
  ): Promise<void> {
    const labels = labelsAfter((await tree.byId(resource))?.attributes['labels'], outcome);
    if (labels) patches.set(resource, { ...patches.get(resource), labels });
  }

  async function managedObjects(device: ManagedDevice): Promise<Resource[]> {
    if (device.node === undefined) return [];
    const children = await tree.children(device.node, [MGMT_OBJ]);
    return children.filter((child) => child.internal.binding?.deviceId === device.id);
  }

  return {
    async outcome(
      operation: Operation,
      outcome: Outcome | undefined,
      patches: Map<string, AttributePatch>,
      notes?: Map<string, ManagementNotes>,
    ) {
      const gone = operation.kind === 'delete' && outcome?.status === 'succeeded' && operation.resource !== undefined;
      if (operation.kind === 'command' && outcome) await addLabels(operation, outcome, patches);
      if (!gone) return patchAll(patches, notes);
      const changes = tree.changes();
      const resource = await tree.byId(operation.resource!);
      if (resource) await changes.remove(resource);
      return changes.build();
    },

    seen: (device: ManagedDevice, objects: MappedObject[] | undefined, profiles: string[]) =>
      onboard(parts, device, objects, profiles),

    reported: (patches: Map<string, AttributePatch>) => patchAll(patches),

    async labelled(resourceIDs: string[], key: string, label: string) {
      const patches = new Map<string, AttributePatch>();
      for (const resourceID of resourceIDs) {
        const labels = stringsOf((await tree.byId(resourceID))?.attributes['labels']);
        const others = labels.filter((one) => !one.startsWith(alertKey));
        const alerts = labels.filter((one) => one.startsWith(alertKey) && !one.startsWith(key));
        patches.set(resourceID, { labels: [...others, ...alerts.slice(1 - maximumAlerts), label] });
      }
      return patchAll(patches);
    },

    async objectsOf(device: ManagedDevice) {
      return (await managedObjects(device)).map(toBoundObject);
    },

    async subscribed(device: ManagedDevice) {
      const wanted = new Map<string, { attributes?: string[] }>();
      for (const object of await managedObjects(device)) {
        for (const subscription of await tree.children(object.resourceID, [SUBSCRIPTION])) {
          const attributes = observedAttributes(vocabulary, object, subscription);
          if (attributes === 'none') continue;
          const known = wanted.get(object.resourceID);
          if (known && (known.attributes === undefined || attributes === undefined)) wanted.set(object.resourceID, {});
          else
            wanted.set(
              object.resourceID,
              attributes ? { attributes: [...(known?.attributes ?? []), ...attributes] } : {},
            );
        }
      }
      return wanted;
    },
  };
}

/** Which attributes a subscription needs to be told of; `undefined` = all, 'none' = it watches something else. */
function observedAttributes(
  vocabulary: Vocabulary,
  object: Resource,
  subscription: Resource,
): string[] | undefined | 'none' {
  const criteria = subscription.attributes.eventNotificationCriteria as
    | { notificationEventType?: number[]; attribute?: string[] }
    | undefined;
  const events = criteria?.notificationEventType;
  if (events && !events.includes(UPDATE_OF_RESOURCE)) return 'none';
  if (!criteria?.attribute || criteria.attribute.length === 0) return undefined;
  const definition = vocabulary.definitionOf(object.resourceType, object.mgmtDefinition);
  if (!definition) return undefined;
  return criteria.attribute.flatMap((shortName) => vocabulary.longName(definition, shortName) ?? []);
}

/** What management remembers of a resource, as the resource keeps it. */
export function internalsOf({ inputs, verdicts }: ManagementNotes): ResourceInternals {
  const notes: JsonObject = {};
  if (inputs) notes['inputs'] = inputs;
  if (verdicts) notes['verdicts'] = verdicts;
  return { notes };
}

/** What translation needs of a management object that is bound to a device. */
export function toBoundObject(resource: Resource): BoundObject {
  const binding = resource.internal.binding!;
  const notes = resource.internal['notes'] as ManagementNotes | undefined;
  return {
    ...(notes && { notes }),
    resourceID: resource.resourceID,
    path: resource.path,
    mapping: binding.mapping!,
    mgmtDefinition: resource.mgmtDefinition!,
    names: binding.names ?? {},
    objects: binding.objects ?? {},
    attributes: resource.attributes,
    profiles: binding.profiles ?? [],
    deviceId: binding.deviceId,
    technology: binding.technology,
  };
}
