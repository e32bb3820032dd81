/**
 * Which return of a device (Register, BOOT) proves which operation. One return proves one restart: while a device is coming up from
 * an earlier one, its return says nothing of what was sent meanwhile and never acknowledged. A restart that nobody asked for cannot be
 * told apart.
 */
import type { Core } from './core.ts';
import type { DeviceEntry } from './device-entry.ts';
import { awaitsReturn } from './execution-marks.ts';
import type { LaneEntry } from './lane.ts';
import type { Evidence, Operation } from './operation.ts';

/** Evidence without values to read, and without values to compare, is the return of the device. */
export function settledByReturn(evidence: Evidence): boolean {
  return evidence.restart === true || (!evidence.read && !evidence.report);
}

/** The device has answered that it did it: where that makes it start anew, it owes us a return. */
export function noteAnswered(core: Core, { device, evidence, dispatchedAt }: Operation): void {
  const entry = core.devices.known(device);
  if (!entry || evidence?.restart !== true) return;
  // It was faster than the note of its answer.
  if (entry.restartedAt > (dispatchedAt ?? Infinity)) return;
  entry.leavingSince = core.clock.now();
}

/** It is on its way down or up again. A device that does not register anew after a restart owes for so long only. */
export function owesReturn(core: Core, { leavingSince }: DeviceEntry): boolean {
  return leavingSince !== undefined && core.clock.now() - leavingSince < core.settings.evidenceDeadline;
}

/**
 * What the present return proves: everything that the device has acknowledged, else the oldest one. The others wait for a later return.
 * @param sent operations that wait for a return and were sent before this one
 * @param owed the return was owed for an operation that is over
 */
export function provenByReturn(device: DeviceEntry, sent: readonly LaneEntry[], owed: boolean): LaneEntry[] {
  const acknowledged = sent.filter(({ operation }) => awaitsReturn(operation));
  const others = sent
    .filter((entry) => !acknowledged.includes(entry))
    .toSorted((one, other) => one.order - other.order);
  const [oldest] = others;
  const isFirst = oldest && !owed && acknowledged.every(({ order }) => order > oldest.order);
  const proven = isFirst ? [oldest, ...acknowledged] : acknowledged;
  for (const entry of others) if (!proven.includes(entry)) entry.provenAfter = device.restartedAt;
  return proven;
}

/** The device has come back since the operation was sent, and not for an earlier one. */
export function isProvenByReturn({ restartedAt }: DeviceEntry, { operation, provenAfter = 0 }: LaneEntry): boolean {
  return restartedAt > Math.max(operation.dispatchedAt ?? Infinity, provenAfter);
}
