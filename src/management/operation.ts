/**
 * An operation: what one request asks of one device, as ordered steps with typed targets. It is pure data (JSON), stored
 * in the device's lane, and knows neither oneM2M resources nor a protocol.
 */
import type { Outcome } from './outcome.ts';

export type DeviceId = string;
export type LaneId = string;
export type OperationId = string;

/**
 * A value between gateway and device in neutral terms. What plain JSON cannot say is tagged: octets, times, references to
 * another object of the device, integers beyond 2^53, and the instances of a multiple-instance resource.
 */
export type Value =
  | string
  | number
  | boolean
  | null
  | { bytes: string } // base64
  | { time: number } // seconds since 1970, UTC
  | { link: string } // path of an object (instance) on the device; '' = no link
  | { integer: string } // decimal digits beyond the safe range
  | { instances: Record<string, Value> }; // instance id → value

/** What the mapping says of the value's type; a leg that has its own data model of the device may know better. */
export type ValueType = 'string' | 'integer' | 'unsigned' | 'float' | 'boolean' | 'opaque' | 'time' | 'link';

export interface Target {
  /** Path on the device in the leg's own form: `/3/0/9`, `Device.DeviceInfo.SerialNumber`, `./DevInfo/DevId`. */
  path: string;
  type?: ValueType;
  multiple?: boolean;
  /** True when the object may lack it: missing is then "absent", never a failure. */
  optional?: boolean;
}

export interface Assignment extends Target {
  value: Value;
}

export type Step =
  | { action: 'read'; targets: Target[] }
  | { action: 'write'; assignments: Assignment[] }
  | { action: 'execute'; target: Target; arguments?: string }
  /** Creates an object instance; `path` is the object (parent), `instance` the wanted instance, free when absent. */
  | { action: 'create'; path: string; instance?: string; assignments: Assignment[] }
  | { action: 'delete'; path: string }
  | { action: 'discover'; path: string }
  /** A multi-step business of the leg, declared in `ProtocolAdapter.procedures`. */
  | { action: 'procedure'; procedure: string; object: string; inputs: Record<string, Value> };

/** How an operation's unknown outcome is settled: read these, and compare. */
export interface Evidence {
  read?: Record<string, Target>;
  /** Name in `read` → value that proves success. Absent: a new registration / boot after the dispatch is success. */
  succeededWhen?: Record<string, Value>;
  /** The device coming back (new registration, BOOT) after the dispatch proves that it was done. */
  restart?: boolean;
  /** The device names it in a report that is still to come; its leg finds it among the unanswered ones. */
  report?: boolean;
}

export type OperationState =
  | 'queued'
  | 'taken'
  | 'dispatched'
  | 'accepted'
  | 'succeeded'
  | 'failed'
  | 'unknown'
  | 'withdrawn'
  | 'expired'
  | 'cancelled';

export const settledStates: ReadonlySet<OperationState> = new Set<OperationState>([
  'succeeded',
  'failed',
  'unknown',
  'withdrawn',
  'expired',
  'cancelled',
]);

export interface Operation {
  id: OperationId;
  device: DeviceId;
  lane: LaneId;
  /** Order of acceptance in the store; 0 while it is volatile. */
  sequence: number;
  /** Version of the stored row; 0 while it is volatile. */
  version: number;
  state: OperationState;
  /** What it is in the eyes of the requester; the resource side reads it back from `purpose`. */
  kind: 'read' | 'write' | 'trigger' | 'create' | 'delete' | 'command' | 'refresh';
  steps: Step[];
  /** False: it may not be sent twice, and "dispatched" is durable before the first byte leaves. */
  repeatable: boolean;
  evidence?: Evidence;
  /** Kept in memory only: a read for a requester who waits. Lost with the process, and so is the requester. */
  volatile: boolean;
  /** Resource ID of the mgmtObj or execInstance that it belongs to. */
  resource?: string;
  /** Free data of the translation and the resource side (JSON): which attributes, which trigger, which mapping. */
  purpose: Record<string, unknown>;
  requester: { originator: string; requestIdentifier: string };
  /** ms since 1970, store clock. */
  acceptedAt: number;
  /** Not sent by then: withdrawn or expired. ms since 1970, store clock. */
  expiresAt: number;
  dispatchedAt?: number;
  settledAt?: number;
  pending?: Pending;
  outcome?: Outcome;
}

/** What a leg keeps with an accepted operation; enough to resume it after a restart, also in another process. */
export interface Pending {
  /** Found again by (device, correlator); unique among the device's accepted operations. */
  correlator: string;
  procedure: string;
  /** The leg's own state of the procedure (JSON). */
  state: Record<string, unknown>;
  /** ms since 1970, store clock. */
  deadline: number;
  /** The object that it holds: a second trigger of it answers CONFLICT. */
  holds?: string;
  /** 0..100 for people, where the leg knows. */
  progress?: number;
}
