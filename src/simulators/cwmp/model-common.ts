import { object, reads, table, writes } from './model.ts';
import type { Definition, Row } from './model.ts';
import { unknownTime } from './values.ts';

/** Who a CPE is, and what the factory has put into it. */
export interface Factory {
  manufacturer: string;
  /** Six hexadecimal digits. */
  oui: string;
  productClass: string;
  serialNumber: string;
  model: string;
  softwareVersion: string;
  acs: string;
  acsUsername: string;
  acsPassword: string;
  /** Of the connection request; nobody but the device knows them. */
  username: string;
  password: string;
  /** Seconds; 0 = off. */
  periodicInform: number;
  virtualDevices: readonly ProxiedIdentity[];
  embeddedDevices: readonly EmbeddedIdentity[];
}

/** A Virtual Device behind a proxier (TR-069 Annex J). */
export interface ProxiedIdentity {
  oui: string;
  productClass: string;
  serialNumber: string;
}

/** An Embedded Device: a part of its proxier's own data model. */
export interface EmbeddedIdentity {
  controllerId: string;
  proxiedDeviceId: string;
  name?: string;
}

/** Rows whose numbers have holes: 1, 3, 5 … */
const rowsOf = (rows: Row[]): Record<number, Row> => Object.fromEntries(rows.map((row, at) => [at * 2 + 1, row]));

const proxiedTables = (factory: Factory): Record<string, Definition> => ({
  VirtualDevice: table(
    {
      Alias: writes('string'),
      Enable: writes('boolean', 'true'),
      ManufacturerOUI: reads('string'),
      ProductClass: reads('string'),
      SerialNumber: reads('string'),
    },
    rowsOf(
      factory.virtualDevices.map((device, at) => ({
        Alias: `cpe-${at * 2 + 1}`,
        ManufacturerOUI: device.oui,
        ProductClass: device.productClass,
        SerialNumber: device.serialNumber,
      })),
    ),
  ),
  EmbeddedDevice: table(
    {
      Alias: writes('string'),
      Name: writes('string'),
      ControllerID: reads('string'),
      ProxiedDeviceID: reads('string'),
      CommandProcessed: reads('string', 'Confirmed'),
      LastSyncTime: reads('dateTime', unknownTime),
    },
    rowsOf(
      factory.embeddedDevices.map((device, at) => ({
        Alias: `cpe-${at * 2 + 1}`,
        Name: device.name ?? '',
        ControllerID: device.controllerId,
        ProxiedDeviceID: device.proxiedDeviceId,
      })),
    ),
  ),
});

/** ManagementServer: the same tail below both roots. */
export const managementServer = (factory: Factory, more: Record<string, Definition> = {}): Definition =>
  object({
    URL: writes('string', factory.acs, { length: 256 }),
    Username: writes('string', factory.acsUsername, { length: 256 }),
    Password: writes('string', factory.acsPassword, { length: 256, secret: true }),
    PeriodicInformEnable: writes('boolean', factory.periodicInform > 0 ? 'true' : 'false'),
    PeriodicInformInterval: writes('unsignedInt', String(factory.periodicInform || 86_400), {
      range: [1, 4_294_967_295],
    }),
    PeriodicInformTime: writes('dateTime', unknownTime),
    ParameterKey: reads('string', '', { forced: true }),
    ConnectionRequestURL: reads('string', '', { forced: true }),
    ConnectionRequestUsername: writes('string', factory.username, { length: 256 }),
    ConnectionRequestPassword: writes('string', factory.password, { length: 256, secret: true }),
    UpgradesManaged: writes('boolean', 'true'),
    DefaultActiveNotificationThrottle: writes('unsignedInt', '0'),
    CWMPRetryMinimumWaitInterval: writes('unsignedInt', '5', { range: [1, 65_535] }),
    CWMPRetryIntervalMultiplier: writes('unsignedInt', '2000', { range: [1000, 65_535] }),
    UDPConnectionRequestAddress: reads('string'),
    STUNEnable: writes('boolean', 'false'),
    STUNServerAddress: writes('string', '', { length: 256 }),
    STUNServerPort: writes('unsignedInt', '3478', { range: [0, 65_535] }),
    STUNUsername: writes('string', '', { length: 256 }),
    STUNPassword: writes('string', '', { length: 256, secret: true }),
    STUNMaximumKeepAlivePeriod: writes('int', '-1'),
    STUNMinimumKeepAlivePeriod: writes('unsignedInt', '60'),
    NATDetected: reads('boolean', 'false'),
    ...more,
    ...proxiedTables(factory),
  });

/** DeviceInfo: the same tail below both roots. */
export const deviceInfo = (factory: Factory, more: Record<string, Definition> = {}): Definition =>
  object({
    Manufacturer: reads('string', factory.manufacturer),
    ManufacturerOUI: reads('string', factory.oui),
    ModelName: reads('string', factory.model),
    Description: reads('string', `${factory.model} (simulated)`),
    ProductClass: reads('string', factory.productClass),
    SerialNumber: reads('string', factory.serialNumber),
    HardwareVersion: reads('string', '1.0'),
    SoftwareVersion: reads('string', factory.softwareVersion, { forced: true }),
    AdditionalSoftwareVersion: reads('string', factory.softwareVersion),
    ProvisioningCode: writes('string', '', { forced: true, length: 64 }),
    UpTime: reads('unsignedInt', '0'),
    MemoryStatus: object({ Total: reads('unsignedInt', '262144'), Free: reads('unsignedInt', '131072') }),
    VendorConfigFile: table(
      {
        Name: reads('string'),
        Version: reads('string'),
        Date: reads('dateTime', unknownTime),
        Description: reads('string'),
      },
      { 1: { Name: 'factory', Version: '1' } },
    ),
    VendorLogFile: table(
      { Name: reads('string'), MaximumSize: reads('unsignedInt', '65536') },
      { 1: { Name: 'messages' } },
    ),
    ...more,
  });

export const ipPing: Definition = object({
  DiagnosticsState: writes('string', 'None', { allowed: ['Requested'] }),
  Interface: writes('string'),
  Host: writes('string', '', { length: 256 }),
  NumberOfRepetitions: writes('unsignedInt', '3', { range: [1, 1000] }),
  Timeout: writes('unsignedInt', '1000', { range: [1, 60_000] }),
  DataBlockSize: writes('unsignedInt', '64', { range: [1, 65_535] }),
  SuccessCount: reads('unsignedInt', '0'),
  FailureCount: reads('unsignedInt', '0'),
  AverageResponseTime: reads('unsignedInt', '0'),
  MinimumResponseTime: reads('unsignedInt', '0'),
  MaximumResponseTime: reads('unsignedInt', '0'),
});

export const clockObject = (): Definition =>
  object({
    Enable: writes('boolean', 'true'),
    NTPServer1: writes('string', 'pool.ntp.org', { length: 64 }),
    CurrentLocalTime: reads('dateTime', unknownTime),
    LocalTimeZone: writes('string', 'UTC0', { length: 256 }),
  });
