import { clockObject, deviceInfo, ipPing, managementServer } from './model-common.ts';
import type { Factory } from './model-common.ts';
import { cse, deviceInfoExtension } from './model-onem2m.ts';
import { growing, object, reads, table, writes } from './model.ts';
import type { Definition, ObjectDefinition, Row } from './model.ts';

export type DataModel = 'tr181' | 'tr098';

const alias = { Alias: writes('string', '', { length: 64 }) };

/** A table of interfaces that can be switched on and off. */
const switched = (rows: Record<number, Row>, more: Record<string, Definition> = {}): Definition =>
  table(
    { ...alias, Enable: writes('boolean', 'true'), Status: reads('string', 'Up'), Name: reads('string'), ...more },
    rows,
  );

const softwareModules: Definition = object({
  ExecEnv: table(
    {
      ...alias,
      Enable: writes('boolean', 'true'),
      Status: reads('string', 'Up'),
      Name: reads('string'),
      Type: reads('string'),
      InitialRunLevel: writes('unsignedInt', '0'),
      AllocatedMemory: reads('int', '65536'),
      AvailableMemory: reads('int', '32768'),
    },
    {
      1: { Alias: 'cpe-1', Name: 'OSGi', Type: 'OSGi R7' },
      3: { Alias: 'cpe-3', Name: 'Container', Type: 'Linux', Enable: 'false', Status: 'Disabled' },
    },
  ),
  DeploymentUnit: table(
    {
      ...alias,
      UUID: reads('string'),
      DUID: reads('string'),
      Name: reads('string'),
      Status: reads('string', 'Installed'),
      Resolved: reads('boolean', 'true'),
      URL: reads('string'),
      Description: reads('string'),
      Vendor: reads('string'),
      Version: reads('string'),
      VendorLogList: reads('string'),
      VendorConfigList: reads('string'),
      ExecutionUnitList: reads('string'),
      ExecutionEnvRef: reads('string'),
    },
    {
      1: {
        Alias: 'cpe-1',
        UUID: '5b3e0c1a-7f52-5d36-9a55-0f1f5be7a001',
        DUID: 'du-1',
        Name: 'dashboard',
        Version: '1.0.0',
        Vendor: 'Trivet Simulators',
        ExecutionUnitList: 'Device.SoftwareModules.ExecutionUnit.1',
        ExecutionEnvRef: 'Device.SoftwareModules.ExecEnv.1',
      },
    },
  ),
  ExecutionUnit: table(
    {
      ...alias,
      EUID: reads('string'),
      Name: reads('string'),
      ExecEnvLabel: reads('string'),
      Status: reads('string', 'Idle'),
      RequestedState: writes('string', '', { allowed: ['Idle', 'Active'] }),
      ExecutionFaultCode: reads('string', 'NoFault'),
      ExecutionFaultMessage: reads('string'),
      AutoStart: writes('boolean', 'false'),
      RunLevel: writes('unsignedInt', '0'),
      Vendor: reads('string'),
      Version: reads('string'),
      Description: reads('string'),
      References: reads('string'),
      ExecutionEnvRef: reads('string'),
    },
    {
      1: {
        Alias: 'cpe-1',
        EUID: 'eu-1',
        Name: 'dashboard',
        ExecEnvLabel: 'dashboard',
        Status: 'Active',
        Version: '1.0.0',
        ExecutionEnvRef: 'Device.SoftwareModules.ExecEnv.1',
      },
    },
  ),
});

const ssid = table(
  {
    ...alias,
    Enable: writes('boolean', 'true'),
    SSID: writes('string', '', { length: 32 }),
    LowerLayers: writes('string'),
  },
  { 1: { Alias: 'cpe-1', SSID: 'trivet', LowerLayers: 'Device.WiFi.Radio.1' } },
);

/** Device. of TR-181 issue 2, with what oneM2M adds. */
function tr181(factory: Factory): ObjectDefinition {
  return object({
    RootDataModelVersion: reads('string', '2.7'),
    InterfaceStackNumberOfEntries: reads('unsignedInt', '0'),
    DeviceInfo: deviceInfo(factory, deviceInfoExtension),
    ManagementServer: managementServer(factory, {
      AliasBasedAddressing: reads('boolean', 'true'),
      InstanceMode: writes('string', 'InstanceNumber', { allowed: ['InstanceNumber'] }),
    }),
    Time: clockObject(),
    USB: object({
      Interface: switched({
        1: { Alias: 'cpe-1', Name: 'usb0' },
        3: { Alias: 'cpe-3', Name: 'usb1', Enable: 'false' },
      }),
    }),
    WiFi: object({
      Radio: switched(
        { 1: { Alias: 'cpe-1', Name: 'wlan0' }, 2: { Alias: 'cpe-2', Name: 'wlan1' } },
        { Channel: writes('unsignedInt', '6', { range: [1, 255] }), OperatingFrequencyBand: reads('string', '2.4GHz') },
      ),
      SSID: ssid,
    }),
    HomePlug: object({ Interface: switched({ 1: { Alias: 'cpe-1', Name: 'plc0' } }) }),
    MoCA: object({ Interface: switched({ 1: { Alias: 'cpe-1', Name: 'moca0' } }) }),
    UPA: object({ Interface: switched({ 1: { Alias: 'cpe-1', Name: 'upa0' } }) }),
    SmartCardReaders: object({ SmartCardReader: switched({ 1: { Alias: 'cpe-1', Name: 'reader0' } }) }),
    SoftwareModules: softwareModules,
    IP: object({
      Diagnostics: object({ IPPing: ipPing }),
      Interface: table(
        { ...alias, Enable: writes('boolean', 'true'), Status: reads('string', 'Up') },
        { 1: { Alias: 'cpe-1' } },
      ),
    }),
    NAT: object({
      PortMapping: growing({
        ...alias,
        Enable: writes('boolean', 'false'),
        ExternalPort: writes('unsignedInt', '0', { range: [0, 65_535] }),
        InternalPort: writes('unsignedInt', '0', { range: [0, 65_535] }),
        Protocol: writes('string', 'TCP', { allowed: ['TCP', 'UDP'] }),
        InternalClient: writes('string', '', { length: 256 }),
      }),
    }),
    X_oneM2M_org_CSE: cse,
  });
}

const wlan = table(
  {
    Enable: writes('boolean', 'true'),
    Status: reads('string', 'Up'),
    Name: reads('string'),
    SSID: writes('string', '', { length: 32 }),
    Channel: writes('unsignedInt', '6', { range: [0, 255] }),
  },
  { 1: { Name: 'wlan0', SSID: 'trivet' }, 3: { Name: 'wlan2', SSID: 'guests', Enable: 'false' } },
);

const wan = table(
  {
    Enable: writes('boolean', 'true'),
    ConnectionStatus: reads('string', 'Connected'),
    ExternalIPAddress: reads('string', '127.0.0.1', { forced: true }),
    PortMapping: growing({
      PortMappingEnabled: writes('boolean', 'false'),
      ExternalPort: writes('unsignedInt', '0', { range: [0, 65_535] }),
      InternalPort: writes('unsignedInt', '0', { range: [0, 65_535] }),
      PortMappingProtocol: writes('string', 'TCP', { allowed: ['TCP', 'UDP'] }),
    }),
  },
  { 1: {} },
);

/** InternetGatewayDevice. of TR-098: no software modules, no battery, no CMDH. */
function tr098(factory: Factory): ObjectDefinition {
  return object({
    DeviceSummary: reads('string', 'InternetGatewayDevice:1.4[](Baseline:1, WiFiLAN:1)'),
    DeviceInfo: deviceInfo(factory, { SpecVersion: reads('string', '1.0') }),
    ManagementServer: managementServer(factory),
    Time: clockObject(),
    IPPingDiagnostics: ipPing,
    LANDevice: table({ WLANConfiguration: wlan }, { 1: {} }),
    WANDevice: table({ WANConnectionDevice: table({ WANIPConnection: wan }, { 1: {} }) }, { 1: {} }),
  });
}

/** The name of the root with its dot, what lies below it, and what every Inform carries. */
export interface Root {
  name: string;
  definition: ObjectDefinition;
  informed: readonly string[];
  ping: string;
}

/** The data model of a CPE as it leaves the factory. */
export function rootOf(model: DataModel, factory: Factory): Root {
  const server = ['ManagementServer.ParameterKey', 'ManagementServer.ConnectionRequestURL'];
  const info = ['DeviceInfo.HardwareVersion', 'DeviceInfo.SoftwareVersion', 'DeviceInfo.ProvisioningCode'];
  if (model === 'tr181') {
    const informed = ['RootDataModelVersion', ...info, ...server, 'ManagementServer.AliasBasedAddressing'];
    return { name: 'Device.', definition: tr181(factory), informed, ping: 'IP.Diagnostics.IPPing.' };
  }
  const address = 'WANDevice.1.WANConnectionDevice.1.WANIPConnection.1.ExternalIPAddress';
  const informed = ['DeviceSummary', 'DeviceInfo.SpecVersion', ...info, ...server, address];
  return { name: 'InternetGatewayDevice.', definition: tr098(factory), informed, ping: 'IPPingDiagnostics.' };
}
