/**
 * Management objects bound to a device: the CSE's requests become requests to device management, and the answer becomes the
 * resource again (TS-0001 10.2.8.8–12, TS-0004 7.3.4, 7.4.15.2).
 */
import type { ManagedDevice } from '../management/adapter.ts';
import type { Commands } from '../management/commands.ts';
import type { Management, Reply, Requester } from '../management/facade.ts';
import type { Attributes, Resource } from '../onem2m/resource.ts';
import { resourceTypes } from '../onem2m/resource-types.ts';
import { statusCodes } from '../onem2m/status-codes.ts';
import type { ResourceTypeDefinition } from '../onem2m/vocabulary.ts';
import type { Clock } from '../support/clock.ts';
import type { ResourceTree } from './change-set.ts';
import type { ManagedObjects, ManagedRefusal } from './managed-objects-port.ts';
import { internalsOf, toBoundObject } from './resource-side.ts';

export interface ManagedObjectsSettings {
  /** A stored value not older than this is fresh enough for a RETRIEVE, ms. */
  maximumAge: number;
  /** What a RETRIEVE answers when the device cannot be read. */
  fallback: 'error' | 'stored';
}

export interface ManagedObjectsParts {
  management: Management & { readonly commands?: Commands };
  /** The tree exists after the CSE was made, which needs this. */
  tree: () => ResourceTree;
  clock: Clock;
  settings: ManagedObjectsSettings;
}

/** Attributes of every resource and of every mgmtObj: the CSE keeps them, no device is asked. */
const keptByCse = new Set([
  'expirationTime',
  'accessControlPolicyIDs',
  'labels',
  'announceTo',
  'announcedAttribute',
  'dynamicAuthorizationConsultationIDs',
  'description',
  'objectIDs',
  'objectPaths',
  'mgmtSchema',
  'mgmtDefinition',
  'resourceType',
  'resourceID',
  'resourceName',
  'parentID',
  'creationTime',
  'lastModifiedTime',
]);

export function createManagedObjects(parts: ManagedObjectsParts): ManagedObjects {
  const { management, clock, settings } = parts;

  const reads = createRecentReads(settings.maximumAge, clock);

  return {
    commands: management.commands,

    async retrieve(resource: Resource, attributes: string[] | undefined, context: Requester) {
      if (!isBound(resource)) return undefined;
      const wanted = attributes?.filter((name) => !keptByCse.has(name));
      if (wanted?.length === 0) return undefined;
      const object = toBoundObject(resource);
      if (reads.isFresh(resource.resourceID, wanted) || management.isCurrent(object, wanted)) return undefined;
      const reply = await management.retrieve(object, wanted, context);
      if (reply.done === 'locally') return undefined;
      if (!reply.done) return settings.fallback === 'stored' ? undefined : refusal(reply);
      reads.record(resource.resourceID, wanted);
      const now = (await parts.tree().byId(resource.resourceID)) ?? resource;
      return { done: true, resource: withPatch(now, reply.patch) };
    },

    async update(resource: Resource, patch: Attributes, context: Requester) {
      if (!isBound(resource)) return undefined;
      if (Object.keys(patch).every((name) => keptByCse.has(name))) return undefined;
      const reply = await management.update(toBoundObject(resource), patch, context);
      if (reply.done === 'locally' && reply.notes) return { done: 'locally', internal: internalsOf(reply.notes) };
      return settled(reply);
    },

    async create(parentNode: Resource, definition: ResourceTypeDefinition, attributes: Attributes, context: Requester) {
      const device = await deviceOf(parts, parentNode);
      // TS-0004 7.3.4.1: without a technology named by objectIDs it is an object of the service layer alone.
      const objectIDs = attributes.objectIDs as string[] | undefined;
      if (!device || !objectIDs || definition.mgmtDefinition === undefined || definition.mgmtDefinition === 0)
        return undefined;
      const objectPaths = attributes.objectPaths as string[] | undefined;
      const mirrored = await alreadyThere(parts, parentNode, definition, objectIDs, objectPaths);
      if (mirrored) {
        return {
          done: false,
          responseStatusCode: statusCodes.ALREADY_EXISTS,
          explanation: `the device's object is there already as ${mirrored.path}; update that resource`,
        };
      }
      const reply = await management.create(
        device,
        definition.mgmtDefinition,
        attributes,
        { objectIDs, objectPaths },
        context,
      );
      if (reply.done === false) return refusal(reply);
      if (reply.done === 'locally' || !reply.created) return undefined;
      const { created } = reply;
      return {
        done: true,
        attributes: { ...reply.patch, objectIDs: created.objectIDs, objectPaths: created.objectPaths },
        binding: {
          deviceId: device.id,
          technology: device.technology,
          mapping: created.mapping,
          names: created.names,
          objects: created.objects,
          profiles: created.profiles,
        },
      };
    },

    async delete(resource: Resource, context: Requester) {
      if (!isBound(resource)) return undefined;
      return settled(await management.delete(toBoundObject(resource), context));
    },

    async resume(resource: Resource, context: Requester) {
      const binding = resource.internal.binding;
      if (!binding) return undefined;
      const reply = await management.resume(binding.deviceId, context);
      if (!reply || reply.done === 'locally') return { done: 'never' };
      if (!reply.done) return refusal(reply);
      return reply.created === undefined ? { done: true } : resourceOfCreated(parts, resource, reply.created);
    },

    async forget(node: Resource) {
      const device = await management.deviceByNode(node.resourceID);
      if (device) await management.forget(device.id);
    },

    subscriptionsChanged(resource: Resource) {
      const binding = resource.internal.binding;
      if (binding) management.subscriptionsChanged(binding.deviceId);
    },
  };
}

interface RecentReads {
  isFresh(resourceID: string, attributes: string[] | undefined): boolean;
  record(resourceID: string, attributes: string[] | undefined): void;
}

const rememberedReads = 100_000;

/** When a management object was last read from its device; in memory, the oldest are forgotten. */
function createRecentReads(maximumAge: number, clock: Clock): RecentReads {
  const reads = new Map<string, { at: number; attributes: string[] | undefined }>();
  if (maximumAge <= 0) return { isFresh: () => false, record: () => {} };
  return {
    isFresh(resourceID, attributes) {
      const read = reads.get(resourceID);
      if (!read || clock.monotonic() - read.at > maximumAge) return false;
      return read.attributes === undefined || (attributes?.every((name) => read.attributes!.includes(name)) ?? false);
    },
    record(resourceID, attributes) {
      reads.delete(resourceID);
      reads.set(resourceID, { at: clock.monotonic(), attributes });
      if (reads.size > rememberedReads) reads.delete(reads.keys().next().value!);
    },
  };
}

function isBound(resource: Resource): boolean {
  return resource.internal.binding?.mapping !== undefined;
}

async function deviceOf(parts: ManagedObjectsParts, node: Resource): Promise<ManagedDevice | undefined> {
  const binding = node.internal.binding;
  return binding ? parts.management.device(binding.deviceId) : undefined;
}

async function alreadyThere(
  parts: ManagedObjectsParts,
  node: Resource,
  definition: ResourceTypeDefinition,
  objectIDs: string[],
  objectPaths: string[] | undefined,
): Promise<Resource | undefined> {
  if (!objectPaths) return undefined;
  const siblings = await parts.tree().children(node.resourceID, [definition.resourceType]);
  return siblings.find(
    (sibling) =>
      sibling.mgmtDefinition === definition.mgmtDefinition &&
      JSON.stringify(sibling.attributes.objectPaths) === JSON.stringify(objectPaths) &&
      (sibling.attributes.objectIDs as string[] | undefined)?.length === objectIDs.length,
  );
}

/** What was created on the device before a restart has its resource from onboarding, once the device has told of it. */
async function resourceOfCreated(
  parts: ManagedObjectsParts,
  node: Resource,
  path: string,
): Promise<{ done: true; resourceID: string } | ManagedRefusal> {
  const children = await parts.tree().children(node.resourceID, [resourceTypes.MGMT_OBJ]);
  const made = children.find(({ attributes }) => (attributes.objectPaths as string[] | undefined)?.includes(path));
  if (made) return { done: true, resourceID: made.resourceID };
  return {
    done: false,
    responseStatusCode: statusCodes.INTERNAL_SERVER_ERROR,
    explanation:
      `the device has made ${path}, and the gateway was restarted before it made the resource; ` +
      `it appears below ${node.path} once the device tells its objects, do not create it again`,
  };
}

function settled(reply: Reply): { done: true } | ManagedRefusal | undefined {
  if (reply.done === 'locally') return undefined;
  return reply.done ? { done: true } : refusal(reply);
}

function refusal(reply: Extract<Reply, { done: false }>): ManagedRefusal {
  return { done: false, responseStatusCode: reply.responseStatusCode, explanation: reply.explanation };
}

/** What the device said a moment ago, on top of what is stored: the commit of a volatile read may be yet to come. */
function withPatch(resource: Resource, patch: Attributes): Resource {
  const entries = Object.entries(patch);
  if (entries.every(([name, value]) => resource.attributes[name] === value)) return resource;
  const attributes = { ...resource.attributes };
  for (const [name, value] of entries) {
    if (value === null) delete attributes[name];
    else attributes[name] = value;
  }
  return { ...resource, attributes };
}
