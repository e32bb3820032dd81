/** Settings of the device half of the OMA DM leg. Times in ms. */

export interface DeviceSettings {
  /**
   * Paths of the objects that the mappings name: `{mo}/Inventory/Deployed/{package}`, `./DevInfo`. Only what they name is looked for
   * below a management object.
   */
  objects: readonly string[];
  /** Requests of ours in one session; what is left waits for the next one. */
  maximumRequests: number;
  /** Requests in one package, where their order does not matter. */
  batchSize: number;
  /** How often the versions of a device are read, in its sessions, to see whether its tree may have changed. */
  versionInterval: number;
  /** How often values are read that somebody has subscribed to, and of which the device tells nothing by itself. */
  pollInterval: number;
  /** How long after a notification the session may begin. */
  notificationPatience: number;
  /** From the acceptance of a transfer to its end. */
  downloadDeadline: number;
  /** From the end of a transfer, or from another order, to its result. */
  updateDeadline: number;
}

export const deviceDefaults: Readonly<DeviceSettings> = Object.freeze({
  objects: [],
  maximumRequests: 5_000,
  batchSize: 32,
  versionInterval: 3_600_000,
  pollInterval: 900_000,
  notificationPatience: 30_000,
  downloadDeadline: 24 * 3_600_000,
  updateDeadline: 3_600_000,
});
