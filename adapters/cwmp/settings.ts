/** Settings of the CWMP leg. Times in ms unless said otherwise. */
import { defaultServerSettings, type CwmpServerSettings } from './server.ts';

export interface CwmpSettings extends CwmpServerSettings {
  /** `known`: devices with stored credentials must show them; `required`: all must; `none`: nobody is asked. */
  authentication: 'none' | 'known' | 'required';
  /** Basic is offered beside Digest on the listener without TLS, where everybody reads the password. Over TLS it always is. */
  basic: boolean;
  nonceLifetime: number;
  /**
   * Paths of the objects that the mappings name, in the form `Device.SoftwareModules.DeploymentUnit.{unit}.`: only these
   * are looked for on a device.
   */
  objects: readonly string[];
  /** s between two periodic Informs, which the gateway sets on a device that it sees for the first time. 0 = left alone. */
  periodicInterval: number;
  /** Names in one GetParameterValues. */
  batchSize: number;
  /** Requests of ours in one session; what is left waits for the next one. */
  maximumRequests: number;
  /** How long a session that we have asked for waits for more work before it ends; 0 = it does not. */
  lingerBeforeEnd: number;
  /** Pause before a request is repeated that the CPE refused because it was busy (quirk 46). */
  transientPause: number;
  transientRetries: number;
  /** For one exchange of a connection request. */
  connectionTimeout: number;
  /** How long after a connection request the session may begin. */
  connectionPatience: number;
  /** How long a CPE that answered 503 is left alone; twice as long after each further one. */
  connectionBackoff: number;
  /** Connection requests in a row that are repeated by themselves. */
  connectionRetries: number;
  /** Port of the STUN server (TR-069 annex G), 0 = any free one; undefined = there is none. */
  stunPort?: number;
  /** Where it is bound; undefined = as the listener. */
  stunHost?: string;
  /** Where CPEs find it: a name or an address; undefined = where it is bound. */
  stunAddress?: string;
  /** s between two binding requests of a CPE, at least. */
  stunKeepAlive: number;
  /** CIDR of the networks in which CPEs are called; empty = any that is not local to this machine. */
  connectionNetworks: readonly string[];
  /** From the acceptance of a transfer to TransferComplete. */
  downloadDeadline: number;
  /** From TransferComplete, or from a reset, to the device's return. */
  updateDeadline: number;
}

export const cwmpDefaults: Readonly<CwmpSettings> = Object.freeze({
  ...defaultServerSettings,
  authentication: 'known',
  basic: true,
  nonceLifetime: 300_000,
  objects: [],
  periodicInterval: 900,
  batchSize: 32,
  maximumRequests: 2_000,
  lingerBeforeEnd: 100,
  transientPause: 500,
  transientRetries: 2,
  connectionTimeout: 5_000,
  connectionPatience: 30_000,
  connectionBackoff: 3_000,
  connectionRetries: 5,
  stunKeepAlive: 30,
  connectionNetworks: [],
  downloadDeadline: 24 * 3_600_000,
  updateDeadline: 3_600_000,
});
