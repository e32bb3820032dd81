/** What can be set in device management. Durations in ms. */
export interface ManagementSettings {
  /** Operations that may wait in one lane. */
  laneCapacity: number;
  /** How long evidence of an unknown outcome is waited for. */
  evidenceDeadline: number;
  /** How long after its own deadline an accepted operation is failed by management, when its leg did not. */
  deadlineGrace: number;
  /** How long a settled operation can still be looked up. */
  operationRetention: number;
  /** How long the audit trail is kept. */
  auditRetention: number;
  /** How often renewed registrations are written. */
  renewalInterval: number;
  /** How often, at most, a contact without news renews the resources of a device. */
  contactInterval: number;
  /** How long an internal read (initial values, values after a procedure) may wait for the device. */
  refreshExpiration: number;
  /** How often a device that does not answer is asked the same again, over several sessions. */
  maximumReturns: number;
  /** Time between two attempts to wake a device. */
  wakeInterval: number;
  traceMessages: number;
  traceDevices: number;
}

export const defaultManagementSettings: Readonly<ManagementSettings> = Object.freeze({
  laneCapacity: 1000,
  evidenceDeadline: 3_600_000,
  deadlineGrace: 60_000,
  operationRetention: 7 * 86_400_000,
  auditRetention: 90 * 86_400_000,
  renewalInterval: 60_000,
  contactInterval: 3_600_000,
  refreshExpiration: 86_400_000,
  maximumReturns: 4,
  wakeInterval: 2_000,
  traceMessages: 50,
  traceDevices: 1000,
});
