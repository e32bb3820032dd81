/** A device as management tells the CSE of it, with nothing behind it. */
import type { ManagedDevice } from '../../src/management/adapter.ts';
import type { BoundObject, Changes, MappedObject } from '../../src/management/resource-side.ts';
import { createResourceSide, toBoundObject } from '../../src/cse/resource-side.ts';
import { createVocabulary } from '../../src/onem2m/create-vocabulary.ts';
import { battery, firmware } from '../onem2m/specializations.ts';
import type { OpenCse } from './open-cse.ts';

export const lifetime = 1000 * 3600;

export function managedDevice(more: Partial<ManagedDevice> = {}): ManagedDevice {
  return {
    id: 'dev-1',
    technology: 'lwm2m',
    identity: 'urn:dev:1',
    lane: 'dev-1',
    presence: { state: 'reachable', lastSeen: 0, address: '192.0.2.7:5683' },
    inventory: { objects: [] },
    facts: null,
    ...more,
  };
}

export function mappedBattery(instance = 0, more: Partial<MappedObject> = {}): MappedObject {
  return {
    mapping: 'battery',
    mgmtDefinition: 1006,
    resourceName: instance === 0 ? 'battery' : `battery-${instance}`,
    objectIDs: ['urn:oma:lwm2m:oma:3'],
    objectPaths: [`/3/${instance}`],
    names: {},
    objects: { device: `/3/${instance}` },
    attributes: { batteryLevel: 0, batteryStatus: 7 },
    ...more,
  };
}

export function resourceSideOf(
  cse: OpenCse,
  settings: { accessControlPolicyIDs?: string[]; labels?: string[] } = {},
): ReturnType<typeof createResourceSide> {
  return createResourceSide({
    tree: cse.tree,
    clock: cse.clock,
    vocabulary: createVocabulary([battery, firmware]),
    settings: { accessControlPolicyIDs: ['acpAdmin'], labels: [], lifetime, ...settings },
  });
}

/** As management does it: in one commit, and told afterwards. False: there was nothing to write. */
export async function apply(cse: OpenCse, changes: Changes): Promise<boolean> {
  const { put = [], append = [], delete: deleted = [] } = changes.commit;
  const isEmpty = put.length + append.length + deleted.length === 0;
  if (!isEmpty) await cse.store.commit(changes.commit);
  changes.afterCommit?.();
  return !isEmpty;
}

/** The device shows up with these objects; answers with the device as it is known then. */
export async function onboard(cse: OpenCse, device: ManagedDevice, objects?: MappedObject[]): Promise<ManagedDevice> {
  const changes = await resourceSideOf(cse).seen(device, objects, []);
  await apply(cse, changes);
  return { ...device, node: changes.node };
}

export async function boundObject(cse: OpenCse, path: string): Promise<BoundObject> {
  const resource = await cse.tree.byPath(path);
  if (!resource) throw new Error(`there is no ${path}`);
  return toBoundObject(resource);
}
