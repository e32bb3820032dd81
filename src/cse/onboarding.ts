/**
 * A device that shows up becomes a `<node>` with one `<mgmtObj>` per management object that it has. The same run refreshes
 * what is there: new objects appear, lost ones go, lifetimes are renewed. Resources that an AE made beforehand are adopted.
 */
import { createHash } from 'node:crypto';
import type { Attributes, Binding, Resource } from '../onem2m/resource.ts';
import { formatTimestamp, parseTimestamp } from '../onem2m/timestamp.ts';
import type { ManagedDevice } from '../management/adapter.ts';
import type { Changes, MappedObject } from '../management/resource-side.ts';
import type { Clock } from '../support/clock.ts';
import type { ChangeSet, ResourceTree } from './change-set.ts';

export interface OnboardingSettings {
  /** accessControlPolicyIDs of what onboarding makes. */
  accessControlPolicyIDs: string[];
  labels: string[];
  /** Lifetime given at every contact, ms. */
  lifetime: number;
}

export interface OnboardingParts {
  tree: ResourceTree;
  clock: Clock;
  settings: OnboardingSettings;
}

const NODE = 14;
const MGMT_OBJ = 13;

/**
 * @param objects what the device has; undefined = unchanged since the last sighting
 * @returns the changes to commit and the resource ID of the node
 */
export async function onboard(
  parts: OnboardingParts,
  device: ManagedDevice,
  objects: MappedObject[] | undefined,
  profiles: string[],
): Promise<Changes & { node: string }> {
  const changes = parts.tree.changes();
  const existing = await findNode(parts, device);
  const node = existing
    ? refreshNode(parts, changes, existing, device)
    : createNode(parts, changes, device, await freeName(parts, device));
  if (objects) await alignObjects(parts, changes, node, device, objects, profiles);
  else if (existing) await renewObjects(parts, changes, existing);
  return { ...(await changes.build()), node: node.resourceID };
}

async function findNode(parts: OnboardingParts, device: ManagedDevice): Promise<Resource | undefined> {
  const known = device.node === undefined ? undefined : await parts.tree.byId(device.node);
  if (known?.resourceType === NODE) return known;
  const prepared = await parts.tree.byPath(`${parts.tree.base.path}/${nodeName(device.identity)}`);
  return prepared?.resourceType === NODE && prepared.attributes.nodeID === device.identity ? prepared : undefined;
}

/** Resource names take letters, digits, dash, dot and underscore (TS-0001 7.2). */
export function nodeName(identity: string): string {
  const name = identity
    .replace(/[^0-9A-Za-z._-]+/g, '-')
    .replace(/^[^0-9A-Za-z]+/, '')
    .slice(0, 200);
  return name === '' ? 'node' : name;
}

/** Two identities may differ only in characters that a name cannot hold: the second one gets a digest of its identity. */
async function freeName(parts: OnboardingParts, device: ManagedDevice): Promise<string> {
  const name = nodeName(device.identity);
  const taken = await parts.tree.byPath(`${parts.tree.base.path}/${name}`);
  return taken ? `${name}-${createHash('sha256').update(device.identity).digest('hex').slice(0, 8)}` : name;
}

function createNode(parts: OnboardingParts, changes: ChangeSet, device: ManagedDevice, resourceName: string): Resource {
  return changes.create({
    parent: parts.tree.base,
    resourceType: NODE,
    resourceName,
    attributes: { nodeID: device.identity, ...clientAddress(device), ...commonAttributes(parts) },
    expirationTime: expirationFromNow(parts),
    internal: { binding: { deviceId: device.id, technology: device.technology } },
  });
}

function refreshNode(parts: OnboardingParts, changes: ChangeSet, node: Resource, device: ManagedDevice): Resource {
  return changes.update(
    node,
    { ...clientAddress(device), ...renewal(parts, node) },
    { binding: { deviceId: device.id, technology: device.technology } },
  );
}

function clientAddress(device: ManagedDevice): Attributes {
  return device.presence.address === undefined ? {} : { mgmtClientAddress: device.presence.address };
}

function commonAttributes({ settings }: OnboardingParts): Attributes {
  return {
    ...(settings.accessControlPolicyIDs.length > 0 && { accessControlPolicyIDs: settings.accessControlPolicyIDs }),
    ...(settings.labels.length > 0 && { labels: settings.labels }),
  };
}

function expirationFromNow({ clock, settings }: OnboardingParts): string {
  return formatTimestamp(clock.now() + settings.lifetime);
}

/** The lifetime is renewed at a contact once half of it is over, so that an unchanged device costs no commit. */
function renewal(parts: OnboardingParts, resource: Resource): Attributes {
  const ends = resource.expirationTime === undefined ? undefined : parseTimestamp(resource.expirationTime);
  if (ends === undefined || ends - parts.clock.now() > parts.settings.lifetime / 2) return {};
  return { expirationTime: expirationFromNow(parts) };
}

async function renewObjects(parts: OnboardingParts, changes: ChangeSet, node: Resource): Promise<void> {
  if (Object.keys(renewal(parts, node)).length === 0) return;
  for (const child of await parts.tree.children(node.resourceID, [MGMT_OBJ]))
    changes.update(child, renewal(parts, child));
}

async function alignObjects(
  parts: OnboardingParts,
  changes: ChangeSet,
  node: Resource,
  device: ManagedDevice,
  objects: MappedObject[],
  profiles: string[],
): Promise<void> {
  const children = await parts.tree.children(node.resourceID);
  const managed = children.filter((child) => child.internal.binding?.deviceId === device.id);
  const presentFor = findPresent(managed, objects);
  const takenNames = new Map(children.map((child) => [child.resourceName, child]));
  const kept = new Set<Resource>();

  for (const object of objects) {
    const binding: Binding = {
      deviceId: device.id,
      technology: device.technology,
      mapping: object.mapping,
      names: object.names,
      objects: object.objects,
      ...(object.aliasPath === undefined ? {} : { aliasPath: object.aliasPath }),
      profiles,
    };
    const present = presentFor.get(object) ?? adoptable(takenNames.get(object.resourceName), object);
    if (present) {
      kept.add(present);
      const missing = Object.entries(object.attributes).filter(([name]) => !(name in present.attributes));
      changes.update(
        present,
        {
          ...Object.fromEntries(missing),
          // What an AE prepared keeps its values; what was made by a mapping follows it.
          ...(present.internal.binding && object.fixed),
          objectIDs: object.objectIDs,
          objectPaths: object.objectPaths,
          ...renewal(parts, present),
        },
        { binding },
      );
    } else if (!object.onlyIfPresent) {
      changes.create({
        parent: node,
        resourceType: MGMT_OBJ,
        mgmtDefinition: object.mgmtDefinition,
        resourceName: unusedName(takenNames, object.resourceName),
        attributes: {
          ...object.attributes,
          objectIDs: object.objectIDs,
          objectPaths: object.objectPaths,
          ...commonAttributes(parts),
        },
        expirationTime: expirationFromNow(parts),
        internal: { binding },
      });
    }
  }
  for (const child of managed) {
    if (!kept.has(child) && child.resourceType === MGMT_OBJ) await changes.remove(child);
  }
}

/**
 * A management object stays itself while its mapping and its main object on the device stay the same: the one with the same
 * alias, where the device gives aliases, and else the one with the same path.
 */
function findPresent(managed: readonly Resource[], objects: readonly MappedObject[]): Map<MappedObject, Resource> {
  const found = new Map<MappedObject, Resource>();
  const free = new Set(managed);
  for (const keyOf of [aliasKey, pathKey]) {
    const byKey = new Map([...free].map((child) => [keyOf(child.internal.binding!), child]));
    for (const object of objects) {
      const key = keyOf(object);
      const child = found.has(object) || key === undefined ? undefined : byKey.get(key);
      if (!child || !free.delete(child)) continue;
      found.set(object, child);
    }
  }
  return found;
}

type Identity = Pick<Binding, 'mapping' | 'objects' | 'aliasPath'>;

function aliasKey({ mapping, aliasPath }: Identity): string | undefined {
  return aliasPath === undefined ? undefined : `${mapping} ${aliasPath}`;
}

function pathKey({ mapping, objects }: Identity): string {
  return `${mapping} ${Object.values(objects ?? {})[0] ?? ''}`;
}

/** An AE prepared it: same name, same class, bound to nothing. */
function adoptable(candidate: Resource | undefined, object: MappedObject): Resource | undefined {
  if (!candidate || candidate.resourceType !== MGMT_OBJ || candidate.internal.binding) return undefined;
  const same =
    candidate.mgmtDefinition === object.mgmtDefinition &&
    candidate.attributes.mgmtSchema === object.attributes['mgmtSchema'];
  return same ? candidate : undefined;
}

function unusedName(taken: Map<string, Resource>, wanted: string): string {
  if (!taken.has(wanted)) return wanted;
  for (let number = 2; ; number++) {
    const name = `${wanted}-device-${number}`;
    if (!taken.has(name)) return name;
  }
}
