/** A device as the registry holds it: its row in the store, and what only this process knows of it. */
import type { Json } from '../onem2m/primitive.ts';
import type { Commit } from '../store/store.ts';
import type { Inventory, ManagedDevice, Presence, WakeResult } from './adapter.ts';
import type { SharedInventory } from './inventories.ts';
import type { TargetResult } from './outcome.ts';

const none: readonly string[] = Object.freeze([]);

export interface DeviceEntry {
  /** One object for the whole life of the entry: its members follow the device. */
  readonly device: ManagedDevice;
  /** Version of the row. */
  version: number;
  /** Why the device may not come in. */
  blocked?: string;
  /** When its resources were last renewed by a contact; ms since 1970. */
  contactAt: number;
  /** Its last new start that a leg told us of; ms since 1970, 0 = none since this process runs. */
  restartedAt: number;
  /** It has taken what makes it start anew, and is not back yet; ms since 1970. */
  leavingSince?: number;
  /** What its own notifications keep current. */
  observed: readonly string[];
  /** Digest of the mapping by which its management objects were made; '' = of an older gateway. */
  mapping: string;
  /** Values that decided which management objects it has. */
  decisions: TargetResult[];
  inventory: SharedInventory;
  /** The last attempt to wake it. */
  wake?: WakeResult;
  /** When that was; ms since 1970. */
  wokenAt: number;
  /** Resolves when `wake` tells how that attempt went. */
  waking?: Promise<void>;
  /** Place among the deadlines of registrations; -1 = none. */
  bucket: number;
  /** Presence in memory is newer than in the store. */
  dirty: boolean;
}

/** What a change of a device row may touch. */
export interface DeviceChange {
  node?: string;
  lane?: string;
  presence?: Presence;
  /** A function makes it of the one that is there when the turn of the change has come. */
  inventory?: Inventory | ((current: Inventory) => Inventory);
  facts?: Json;
  blocked?: string | null;
  contactAt?: number;
  decisions?: TargetResult[];
}

export interface DeviceData {
  device: ManagedDevice;
  blocked?: string;
  contactAt: number;
  decisions: TargetResult[];
  mapping?: string;
}

/** An entry without a place among the devices; `version` 0 = its row does not exist yet. */
export function entryOf(
  device: ManagedDevice,
  inventory: SharedInventory,
  data: Pick<DeviceData, 'contactAt' | 'decisions' | 'mapping'>,
): DeviceEntry {
  return {
    device,
    version: 0,
    blocked: undefined,
    contactAt: data.contactAt,
    restartedAt: 0,
    leavingSince: undefined,
    observed: none,
    mapping: data.mapping ?? '',
    decisions: data.decisions,
    inventory,
    wake: undefined,
    wokenAt: 0,
    waking: undefined,
    bucket: -1,
    dirty: false,
  };
}

export function rowOf(data: DeviceData, version: number): Commit {
  const { id, technology, identity, lane, node } = data.device;
  return {
    expect: [{ table: 'devices', key: id, version }],
    put: [{ table: 'devices', key: id, columns: { technology, identity, lane, node: node ?? null }, data }],
  };
}
