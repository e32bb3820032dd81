import type { ValueType } from './value.ts';

export interface ResourceDefinition {
  id: number;
  name: string;
  /** undefined for a resource that is only executed. */
  type?: ValueType;
  multiple: boolean;
  mandatory: boolean;
  read: boolean;
  write: boolean;
  execute: boolean;
}

export interface ObjectDefinition {
  id: number;
  name: string;
  /** The object version by the enabler version of the device; '1.0' is the default that is not written. */
  versions: { '1.0': string; '1.1': string; '1.2': string };
  /** A server may create and delete instances. */
  creatable: boolean;
  resources: Map<number, ResourceDefinition>;
}

const types: Record<string, ValueType | undefined> = {
  s: 'string',
  i: 'integer',
  u: 'unsigned',
  f: 'float',
  b: 'boolean',
  o: 'opaque',
  t: 'time',
  l: 'objlnk',
  c: 'corelnk',
};

/** "0 Manufacturer s R; 6 Power Sources i* R!": id, name, type (`-` none, `*` multiple), operations (`!` mandatory). */
function parseResources(text: string): Map<number, ResourceDefinition> {
  const resources = new Map<number, ResourceDefinition>();
  for (const row of text.split(';')) {
    const match = /^\s*(\d+) (.+) ([siufbotlc-])(\*?) ([RWE]+)(!?)\s*$/.exec(row);
    if (!match) throw new Error(`object definition row cannot be read: ${row}`);
    const [, id, name, type, multiple, operations, mandatory] = match;
    resources.set(Number(id), {
      id: Number(id),
      name: name ?? '',
      type: types[type ?? ''],
      multiple: multiple === '*',
      mandatory: mandatory === '!',
      read: operations?.includes('R') ?? false,
      write: operations?.includes('W') ?? false,
      execute: operations?.includes('E') ?? false,
    });
  }
  return resources;
}

function define(
  id: number,
  name: string,
  versions: [string, string, string],
  creatable: boolean,
  resources: string,
): [number, ObjectDefinition] {
  const [v10, v11, v12] = versions;
  return [
    id,
    { id, name, versions: { '1.0': v10, '1.1': v11, '1.2': v12 }, creatable, resources: parseResources(resources) },
  ];
}

const steady = (version: string): [string, string, string] => [version, version, version];

/** The objects that the simulated device knows, from the OMA registry (2024-02-22). */
export const definitions: ReadonlyMap<number, ObjectDefinition> = new Map([
  define(
    1,
    'LwM2M Server',
    ['1.0', '1.1', '1.2'],
    false,
    `0 Short Server ID i R!; 1 Lifetime i RW!; 2 Default Minimum Period i RW; 3 Default Maximum Period i RW; 4 Disable - E;
     5 Disable Timeout i RW; 6 Notification Storing b RW!; 7 Binding s RW!; 8 Registration Update Trigger - E!; 23 Mute Send b RW`,
  ),
  define(
    3,
    'Device',
    ['1.0', '1.1', '1.2'],
    false,
    `0 Manufacturer s R; 1 Model Number s R; 2 Serial Number s R; 3 Firmware Version s R; 4 Reboot - E!; 5 Factory Reset - E;
     6 Available Power Sources i* R; 7 Power Source Voltage i* R; 8 Power Source Current i* R; 9 Battery Level i R; 10 Memory Free i R;
     11 Error Code i* R!; 12 Reset Error Code - E; 13 Current Time t RW; 14 UTC Offset s RW; 15 Timezone s RW;
     16 Supported Binding and Modes s R!; 17 Device Type s R; 18 Hardware Version s R; 19 Software Version s R; 20 Battery Status i R;
     21 Memory Total i R; 22 ExtDevInfo l* R`,
  ),
  define(
    4,
    'Connectivity Monitoring',
    ['1.0', '1.1', '1.3'],
    false,
    `0 Network Bearer i R!; 1 Available Network Bearer i* R!; 2 Radio Signal Strength i R!; 3 Link Quality i R; 4 IP Addresses s* R!;
     5 Router IP Addresses s* R; 6 Link Utilization i R; 7 APN s* R; 8 Cell ID i R; 9 SMNC i R; 10 SMCC i R`,
  ),
  define(
    5,
    'Firmware Update',
    ['1.0', '1.1', '1.2'],
    false,
    `0 Package o W!; 1 Package URI s RW!; 2 Update - E!; 3 State i R!; 5 Update Result i R!; 6 PkgName s R; 7 PkgVersion s R;
     8 Firmware Update Protocol Support i* R; 9 Firmware Update Delivery Method i R!; 10 Cancel - E; 11 Severity i RW;
     12 Last State Change Time t R; 13 Maximum Defer Period u RW`,
  ),
  define(
    6,
    'Location',
    steady('1.0'),
    false,
    '0 Latitude f R!; 1 Longitude f R!; 2 Altitude f R; 3 Radius f R; 4 Velocity o R; 5 Timestamp t R!; 6 Speed f R',
  ),
  define(
    9,
    'Software Management',
    steady('1.0'),
    true,
    `0 PkgName s R!; 1 PkgVersion s R!; 2 Package o W; 3 Package URI s W; 4 Install - E!; 5 Checkpoint l R; 6 Uninstall - E!;
     7 Update State i R!; 8 Update Supported Objects b RW; 9 Update Result i R!; 10 Activate - E!; 11 Deactivate - E!;
     12 Activation State b R!; 13 Package Settings l RW; 14 User Name s W; 15 Password s W; 16 Status Reason s R`,
  ),
  define(
    15,
    'Device Capability Management',
    steady('2.0'),
    false,
    '0 Property s R!; 1 Group i R!; 2 Description s R; 3 Attached b R; 4 Enabled b R!; 5 opEnable - E!; 6 opDisable - E!; 7 NotifyEn b RW',
  ),
  define(
    20,
    'Event Log',
    ['1.0', '2.1', '2.1'],
    false,
    '4010 LogClass i RW; 4011 LogStart - E; 4012 LogStop - E; 4013 LogStatus i R; 4014 LogData o R!; 4015 LogDataFormat i RW',
  ),
  define(25, 'LwM2M Gateway', steady('2.0'), false, '0 Device ID s R!; 1 Prefix s R!; 3 IoT Device Objects c R!'),
  define(
    2048,
    'CmdhPolicy',
    steady('1.0'),
    true,
    '0 Name s RW; 1 DefaultRule l RW; 2 LimitRules l* RW; 3 NetworkAccessECRules l* RW; 4 BufferRules l* RW',
  ),
  define(2049, 'ActiveCmdhPolicy', steady('1.0'), true, '0 ActiveLink l RW'),
  define(2050, 'CmdhDefaults', steady('1.0'), true, '0 DefaultEcRules l* RW; 1 DefaultEcParamRules l* RW'),
  define(
    2051,
    'CmdhDefEcValues',
    steady('1.0'),
    true,
    `0 Order i RW; 1 DefEcValue s RW; 2 RequestOrigin s* RW; 3 RequestContext s RW; 4 RequestContextNotification b RW;
     5 RequestCharacteristics s RW`,
  ),
  define(
    2052,
    'CmdhEcDefParamValues',
    steady('1.0'),
    true,
    `0 ApplicableEventCategory i* RW; 1 DefaultRequestExpTime i RW; 2 DefaultResultExpTime i RW; 3 DefaultOpExecTime i RW;
     4 DefaultRespPersistence i RW; 5 DefaultDelAggregation i RW`,
  ),
  define(
    2053,
    'CmdhLimits',
    steady('1.0'),
    true,
    `0 Order i RW; 1 RequestOrigin s* RW; 2 RequestContext s RW; 3 RequestContextNotification b RW; 4 RequestCharacteristics s RW;
     5 LimitsEventCategory i* RW; 6 LimitsRequestExpTime i* RW; 7 LimitsResultExpTime i* RW; 8 LimitsOptExpTime i* RW;
     9 LimitsRespPersistence i* RW; 10 LimitsDelAggregation s* RW`,
  ),
  define(
    2054,
    'CmdhNetworkAccessRules',
    steady('1.0'),
    true,
    '0 ApplicableEventCategories i* RW; 1 NetworkAccessRule l* RW',
  ),
  define(
    2055,
    'CmdhNwAccessRule',
    steady('1.0'),
    true,
    `0 TargetNetwork s* RW; 1 SpreadingWaitTime i RW!; 2 MinReqVolume i RW; 3 BackOffParameters l RW; 4 OtherConditions s RW!;
     5 AllowedSchedule s* RW`,
  ),
  define(
    2056,
    'CmdhBuffer',
    steady('1.0'),
    true,
    '0 ApplicableEventCategory i* RW; 1 MaxBufferSize i RW; 2 StoragePriority i RW',
  ),
  define(
    2057,
    'CmdhBackOffParametersSet',
    steady('1.0'),
    true,
    '0 NetworkAction i RW; 1 InitialBackoffTime i RW; 2 AdditionalBackoffTime i RW; 3 MaximumBackoffTime i RW; 4 OptionalRandomBackoffTime i RW',
  ),
]);
