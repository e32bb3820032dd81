/**
 * A procedure: a multi-step business with one device that may take days (firmware update, software install). This file is
 * the contract between the adapter, which owns sessions, sockets and settlement, and the procedures, which own the steps.
 *
 * What the adapter promises:
 * - One run (`start` or `resume`) of one operation at a time. When the device registers anew during a run, the run's
 *   `signal` aborts, the calls of its `DeviceLink` that wait answer with a failure, and `resume` is called after it ended.
 * - `resume` is called for every accepted operation at the first contact (Register, Update) after a restart of the
 *   gateway, after every Register, and at every Update while the run before ended with `waiting`.
 * - Calls of a link have lower priority than the operations of the lane: between any two of them, and between any two blocks of a push, short operations are served.
 * - A run whose promise rejects is logged; its operation fails with cause `device-error` if it was not accepted, and stays
 *   accepted (as `waiting`) if it was.
 * - When `pending.deadline` passes, the run's `signal` aborts and the operation is settled with `overdue(…)`.
 */
import type {
  AdapterContext,
  CancelResult,
  ManagedDevice,
  Observation,
  ProcedureSignature,
} from '../../src/management/adapter.ts';
import type { Operation, Pending, Step, Value } from '../../src/management/operation.ts';
import type { Failure, Outcome } from '../../src/management/outcome.ts';

export type ProcedureStep = Extract<Step, { action: 'procedure' }>;

export interface Procedure {
  /** As the mappings name it: `firmware-update`. */
  readonly name: string;
  readonly signature: ProcedureSignature;
  /**
   * The operation is at the head of the lane and durably dispatched. The procedure calls `run.accept` as soon as the device has
   * taken the business (2.04 to the Package URI, 2.31 to the first block, 2.04 to an Execute); the lane goes on from there. An end before that settles the operation without it ever having been accepted.
   */
  start(device: DeviceLink, operation: Operation, step: ProcedureStep, run: ProcedureRun): Promise<ProcedureEnd>;
  /** Goes on from `operation.pending.state` and from what the device says now. */
  resume(device: DeviceLink, operation: Operation, run: ProcedureRun): Promise<ProcedureEnd>;
  /** Asks the device to stop. `cancelled`: the adapter aborts the run and settles the operation as cancelled. */
  cancel(device: DeviceLink, operation: Operation): Promise<CancelResult>;
  /** Why the operation failed when its deadline passed. Absent: a general sentence with cause `deadline`. */
  overdue?(operation: Operation): Failure;
}

export type ProcedureEnd =
  /** Over. The adapter settles the operation and adds the results of the steps before the procedure. */
  | { state: 'settled'; outcome: Outcome }
  /** Nothing to do before the device contacts us again (it reboots, it sleeps): `resume` will be called. */
  | { state: 'waiting'; why: string };

export interface ProcedureRun {
  /** Aborts: deadline passed, cancelled, device registered anew, gateway stops. */
  readonly signal: AbortSignal;
  /** Durable when it resolves. The second call of a run is the same as `progress`. */
  accept(pending: Pending, outcome?: Partial<Outcome>): Promise<void>;
  /** New state, durable when it resolves; call it BEFORE a step that may not be repeated. `values` are shown on the resource. */
  progress(pending: Pending, values?: Observation[]): Promise<void>;
  /** The operation as it is now, with its latest `pending`. */
  operation(): Operation;
}

/** The device seen from a procedure. Paths carry the alternate root where the device has one (as `step.object` does). */
export interface DeviceLink {
  /** As it is now: facts, inventory, presence. */
  device(): ManagedDevice;
  /** Settings of its profile that concern the leg, e.g. `versionAfterUpdate`. */
  profile(): Promise<Record<string, unknown>>;
  readonly context: AdapterContext;
  /** One resource, or a multiple resource as `{ instances }`. */
  read(path: string): Promise<LinkAnswer & { value?: Value }>;
  /** Several resources of one object instance in one exchange where the device can; absent ones are left out. */
  readMany(paths: string[]): Promise<LinkAnswer & { values: Map<string, Value> }>;
  /** Replaces one resource. */
  write(path: string, value: Value): Promise<LinkAnswer>;
  /** Execute with the arguments as they go on the wire: `0='x',5`. */
  execute(path: string, args?: string): Promise<LinkAnswer>;
  /** PUT of an opaque resource by Block1. */
  push(path: string, source: PushSource, options?: PushOptions): Promise<LinkAnswer>;
  /**
   * Observes a path for as long as the run lives. `changed` is called for the first value and for every notification. An answer that is not `ok`: the device does not observe it, poll instead.
   */
  watch(path: string, changed: (value: Value) => void): Promise<LinkAnswer & { stop: () => void }>;
  /** Resolves after `ms`, or at once when the run's signal aborts. Uses the gateway's clock. */
  wait(ms: number): Promise<void>;
}

/** What came of one exchange. Never an exception: refusal and silence are ordinary. */
export interface LinkAnswer {
  ok: boolean;
  /** CoAP code, `2.04`, `4.05`; '' when there was no answer. */
  code: string;
  /** Present when not `ok`; cause `no-answer` when it was sent without an answer, `no-session` when nothing was sent. */
  failure?: Failure;
}

export interface PushSource {
  /** Octets. */
  size: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}

export interface PushOptions {
  /** Default 42, application/octet-stream. */
  contentFormat?: number;
  /** Largest block in octets, a power of two from 16 to 1024; default: setting of the leg. */
  blockSize?: number;
  /**
   * After every acknowledged block. The next block waits for the promise; a rejection ends the push without another block
   * and rejects the push. `sent` in octets.
   */
  onBlock?: (sent: number, total: number) => Promise<void> | void;
}

/** What a procedure module exports: `createFirmwareUpdate(settings?): Procedure`. */
export type ProcedureFactory = (settings?: Partial<ProcedureSettings>) => Procedure;

export interface ProcedureSettings {
  /** ms from the acceptance to the download's end. */
  downloadDeadline: number;
  /** ms from Execute to the device's verdict. */
  updateDeadline: number;
  /** ms between two reads of the state where it cannot be observed. */
  pollInterval: number;
}
