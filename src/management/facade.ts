/** What the CSE asks of device management. All of it speaks attributes by long name; protocols are below. */
import type { Json } from '../onem2m/primitive.ts';
import type { ManagedDevice } from './adapter.ts';
import type { DeviceId, Operation, OperationId } from './operation.ts';
import type { Cause } from './outcome.ts';
import type { AttributePatch, BoundObject, ManagementNotes } from './resource-side.ts';

export interface Requester {
  originator: string;
  requestIdentifier: string;
  /** Request Expiration: wait no longer; not sent by then = withdrawn. ms since 1970, store clock. */
  expiresAt: number;
  /** True: someone waits on a connection. False: a non-blocking request; the operation stays queued until `expiresAt`. */
  blocking: boolean;
}

export type Reply =
  /** Done on the device (or accepted by it); the resource has been patched in the same commit. */
  | { done: true; patch: AttributePatch; operation?: OperationId }
  /** Nothing of it concerns the device: the CSE stores it as plain attributes, and `notes` (where given) in place of the old. */
  | { done: 'locally'; notes?: ManagementNotes }
  | { done: false; responseStatusCode: number; explanation: string; operation?: OperationId; cause?: Cause };

export interface CreatedOnDevice {
  objectIDs: string[];
  objectPaths: string[];
  names: Record<string, string>;
  objects: Record<string, string>;
}

export interface Management {
  /** Live read; equal reads that wait together share one exchange. `attributes` undefined = all that the device has. */
  retrieve(object: BoundObject, attributes: string[] | undefined, requester: Requester): Promise<Reply>;
  /** True when every asked attribute is kept current by an observation, or needs no device at all. */
  isCurrent(object: BoundObject, attributes: string[] | undefined): boolean;
  /** Plain attributes first, then triggers (TS-0004 7.4.15.2.4). */
  update(object: BoundObject, patch: AttributePatch, requester: Requester): Promise<Reply>;
  /** Creates the object on the device of `node`; the answer's binding goes onto the new resource. */
  create(
    device: ManagedDevice,
    mgmtDefinition: number,
    attributes: AttributePatch,
    wanted: { objectIDs?: string[]; objectPaths?: string[] },
    requester: Requester,
  ): Promise<Reply & { created?: CreatedOnDevice & { mapping: string; profiles: string[] } }>;
  delete(object: BoundObject, requester: Requester): Promise<Reply>;
  /** Cancels an accepted or queued operation. `givesUp`: one that the device cannot cancel ends here, and nowhere else. */
  cancel(operation: OperationId, requester: Requester, givesUp?: boolean): Promise<Reply>;
  /**
   * After a restart: the reply to the operation that a request of before it had become; `created` = path of what it made.
   * Undefined: it had become none, so nothing was sent.
   */
  resume(device: DeviceId, requester: Requester): Promise<(Reply & { created?: string }) | undefined>;
  device(id: DeviceId): Promise<ManagedDevice | undefined>;
  deviceByNode(resourceID: string): Promise<ManagedDevice | undefined>;
  operation(id: OperationId): Promise<Operation | undefined>;
  /** The subscriptions below a device's node changed. */
  subscriptionsChanged(device: DeviceId): void;
  /** Links between management objects are resolved through this: resource ID or path → bound object. */
  forget(device: DeviceId): Promise<void>;
}

export type { Json };
