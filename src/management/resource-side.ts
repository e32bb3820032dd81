/**
 * The way up, as a port: `management` defines it, `cse` implements it, `gateway.ts` connects them. Every method answers
 * with changes as data; `management` commits them together with the operation or the sighting that caused them.
 */
import type { Json } from '../onem2m/primitive.ts';
import type { Commit } from '../store/store.ts';
import type { ManagedDevice } from './adapter.ts';
import type { Operation } from './operation.ts';
import type { Outcome } from './outcome.ts';

/** Long attribute name → new value; `null` removes the attribute. */
export type AttributePatch = Record<string, Json>;

/** A management object that a device has, as the mapping sees it. */
export interface MappedObject {
  /** Name of the mapping: `battery`. */
  mapping: string;
  mgmtDefinition: number;
  /** Proposed resource name, unique below the node: `battery`, `software-1`. */
  resourceName: string;
  objectIDs: string[];
  objectPaths: string[];
  /** Bound instance names. */
  names: Record<string, string>;
  /** Object name of the mapping → path on the device. */
  objects: Record<string, string>;
  /** Path of its main object with the alias of the instance in place of its number; absent: it has none. */
  aliasPath?: string;
  /** Attributes known without asking: constants, defaults of triggers and status attributes. */
  attributes: AttributePatch;
  /** Attributes that follow from the mapping alone: of a resource that mirrors the object already, they replace what is stored. */
  fixed?: AttributePatch;
  /** A requester is creating it just now and brings the resource: keep it where it is, do not make it. */
  onlyIfPresent?: boolean;
}

/**
 * What management itself has to remember of a management object. The resource side keeps it among the internals of the
 * resource as it is (never shown), and gives it back in `BoundObject.notes`.
 */
export interface ManagementNotes {
  /** Attributes that an AE wrote since the last trigger and that the next trigger uses as inputs. */
  inputs?: AttributePatch;
  /** Status attributes that the verdict of a procedure sets: values read from the device do not overwrite them. */
  verdicts?: string[];
}

/** A set of changes; `afterCommit` runs once they are durable (cache refresh, wake-ups). */
export interface Changes {
  commit: Commit;
  afterCommit?: () => void;
}

export interface ResourceSide {
  /**
   * An operation was accepted by the device, made progress (`outcome` undefined), or is settled. `patches`: resource ID →
   * attributes; `notes`: resource ID → new notes of management, replaced as a whole.
   */
  outcome(
    operation: Operation,
    outcome: Outcome | undefined,
    patches: Map<string, AttributePatch>,
    notes?: Map<string, ManagementNotes>,
  ): Promise<Changes>;
  /** A device showed up: node and management objects follow what it has. `objects` undefined = inventory unchanged. */
  seen(
    device: ManagedDevice,
    objects: MappedObject[] | undefined,
    profiles: string[],
  ): Promise<Changes & { node: string }>;
  /** Values the device told us, already translated. */
  reported(patches: Map<string, AttributePatch>): Promise<Changes>;
  /** It told something that no attribute has a place for: a label of these resources, in place of one that begins alike. */
  labelled(resourceIDs: string[], key: string, label: string): Promise<Changes>;
  /** The management objects of a device: what its reports are translated against. */
  objectsOf(device: ManagedDevice): Promise<BoundObject[]>;
  /** Which attributes of them are subscribed to: resource ID → long names (`undefined` = all). */
  subscribed(
    device: ManagedDevice,
  ): Promise<Map<string, { attributes?: string[]; minimumPeriod?: number; maximumPeriod?: number }>>;
}

/** A mgmtObj bound to a device: what translation needs of it. */
export interface BoundObject {
  resourceID: string;
  /** For links between management objects. */
  path: string;
  mapping: string;
  mgmtDefinition: number;
  names: Record<string, string>;
  objects: Record<string, string>;
  /** Current attributes by long name. */
  attributes: Record<string, Json>;
  profiles: string[];
  deviceId: string;
  technology: string;
  /** What management asked to remember. */
  notes?: ManagementNotes;
}
