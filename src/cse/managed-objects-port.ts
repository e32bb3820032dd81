/**
 * What the CSE asks of the part that binds resources to devices (TS-0004 7.3.4). Every method may answer undefined: the
 * resource, or what is asked of it, does not concern a device, and the CSE goes on as with any stored resource.
 */
import type { Commands } from '../management/commands.ts';
import type { Requester } from '../management/facade.ts';
import type { Attributes, Binding, Resource, ResourceInternals } from '../onem2m/resource.ts';
import type { ResourceTypeDefinition } from '../onem2m/vocabulary.ts';

export interface ManagedRefusal {
  done: false;
  responseStatusCode: number;
  /** The `m2m:dbg` sentence. */
  explanation: string;
}

export interface ManagedObjects {
  /** Executions of <mgmtCmd>; absent: there are none. */
  readonly commands?: Commands;
  /**
   * A live copy for a RETRIEVE of the object itself; `attributes` are long names, undefined = all. Undefined: the stored
   * copy is current.
   */
  retrieve(
    resource: Resource,
    attributes: string[] | undefined,
    context: Requester,
  ): Promise<{ done: true; resource: Resource } | ManagedRefusal | undefined>;
  /**
   * When done, the changes of the resource are committed already; the CSE reads it again. `locally`: the device has no part in
   * it, and the CSE stores `internal` together with the patch.
   */
  update(
    resource: Resource,
    patch: Attributes,
    context: Requester,
  ): Promise<{ done: true } | { done: 'locally'; internal: ResourceInternals } | ManagedRefusal | undefined>;
  /**
   * Makes the object on the device of `parentNode`. Done: either the resource is there already (`resourceID`), or the CSE
   * creates it with this binding and these attributes added.
   */
  create(
    parentNode: Resource,
    definition: ResourceTypeDefinition,
    attributes: Attributes,
    context: Requester,
  ): Promise<
    | { done: true; resourceID: string }
    | { done: true; attributes?: Attributes; binding?: Binding }
    | ManagedRefusal
    | undefined
  >;
  /** When done, the object is gone from the device; the resource is removed by the CSE if it is still there. */
  delete(resource: Resource, context: Requester): Promise<{ done: true } | ManagedRefusal | undefined>;
  /** The `<node>` of a device is removed: the device is forgotten, until it registers anew. */
  forget?(node: Resource): Promise<void>;
  /** A subscription below this resource, which is bound to a device, came, went or changed. Told after the commit. */
  subscriptionsChanged?(resource: Resource): void;
  /**
   * After a restart: how the operation of a non-blocking request ended that was accepted before, once it has. `never`: there
   * was none, so nothing was asked of the device and the request can be performed. Undefined: nothing is known of it.
   */
  resume?(
    resource: Resource,
    context: Requester,
  ): Promise<{ done: true; resourceID?: string } | { done: 'never' } | ManagedRefusal | undefined>;
}
