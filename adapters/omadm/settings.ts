/** Settings of the OMA DM leg. */
import { deviceDefaults, type DeviceSettings } from './device-settings.ts';
import type { BearersSettings } from './bearers/bearers.ts';
import { defaultServerSettings, type OmadmServerSettings } from './server.ts';

export interface OmadmSettings extends OmadmServerSettings, DeviceSettings {
  /** `known`: devices with stored credentials must show them; `required`: all must; `none`: nobody is asked. */
  authentication: 'none' | 'known' | 'required';
  /** Basic is taken, and given, without TLS too, where everybody reads the password. */
  basic: boolean;
  /** CIDR of the networks in which devices are notified; empty = any that is not local to this machine. */
  notificationNetworks: readonly string[];
  /** ms for one exchange with what takes a notification. */
  notificationTimeout: number;
  /** A gateway of the operator for all addresses that are neither UDP nor HTTP. */
  webhook?: BearersSettings['webhook'];
}

export const omadmDefaults: Readonly<OmadmSettings> = Object.freeze({
  ...defaultServerSettings,
  ...deviceDefaults,
  authentication: 'known',
  basic: true,
  notificationNetworks: [],
  notificationTimeout: 5_000,
});
