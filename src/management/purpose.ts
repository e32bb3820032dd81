/**
 * Why an operation exists, in the eyes of the translation. It is stored with the operation, so that an outcome that comes
 * after a restart still finds the attributes that it concerns.
 */
import type { Json } from '../onem2m/primitive.ts';
import type { AttributeReference } from './mapping-types.ts';
import type { Operation, OperationId } from './operation.ts';
import type { AttributePatch, ManagementNotes } from './resource-side.ts';

export type Purpose =
  /** A live read of the operation's resource. */
  | { what: 'retrieve' }
  | UpdatePurpose
  | { what: 'create'; mapping: string }
  | { what: 'delete' }
  /** Initial values of a device that showed up; `read` = paths that earlier rounds have read. */
  | { what: 'onboarding'; round: number; read: string[] }
  /** Values that are read again after a procedure. */
  | { what: 'refresh' }
  | CommandPurpose
  /** Settles the unknown outcome of that operation. */
  | { what: 'evidence'; operation: OperationId };

export interface UpdatePurpose {
  what: 'update';
  /** Attributes as they are once the writes succeeded. */
  written: AttributePatch;
  /** Attributes that the CSE keeps; stored when the device has done its part. */
  held: AttributePatch;
  triggers: TriggerPurpose[];
  /** Notes of the resource once the operation is accepted or succeeded. */
  notes?: ManagementNotes;
  /** Key of what it holds against a second trigger. */
  holds?: string;
}

/** An execution of `<mgmtCmd>`; the operation's resource is its `<execInstance>`. */
export interface CommandPurpose {
  what: 'command';
  /** The device acknowledges it and does it afterwards: its return is the end. */
  endsWithReturn: boolean;
  /** A device that has accepted it can be asked to stop. */
  cancellable: boolean;
  /** Key of what it holds against a second procedure. */
  holds?: string;
  /** Classes whose management objects are read again once it is done. */
  refresh: string[];
}

export interface TriggerPurpose {
  attribute: string;
  procedure?: string;
  /** Status attribute that it sets, and its values. */
  reports?: string;
  running: Json;
  succeeded: Json;
  failed: Json;
  /** Its steps in the operation: from, and up to without. */
  steps: [number, number];
  refresh: AttributeReference[];
}

export function purposeOf(operation: Operation): Purpose {
  return operation.purpose as Purpose;
}
