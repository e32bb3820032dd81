import { growing, object, reads, table, writes } from './model.ts';
import type { Definition, ObjectDefinition } from './model.ts';

// Objects that oneM2M adds to TR-181. TS-0006 7.12 prints the prefix and the names of Policy; the other names are those that the mapping files expect.
const categories = writes('string', '', { length: 256 });
const reference = writes('string', '', { length: 1024 });
const time = writes('string', '', { length: 256 });

/** What is the same in a rule by origin and context. */
const whose = {
  RequestOrigin: writes('string'),
  RequestContext: writes('string'),
  RequestContextNotificationEnable: writes('boolean', 'false'),
  RequestCharacteristics: writes('string'),
};

const alias = { Alias: writes('string', '', { length: 64 }) };

const commandHandling = object({
  Policy: growing(
    {
      ...alias,
      Enable: writes('boolean', 'false'),
      Name: writes('string', '', { length: 64 }),
      DefaultRule: reference,
      LimitRules: reference,
      NetworkAccessECRules: reference,
      BufferRules: reference,
    },
    {
      1: {
        Alias: 'cpe-1',
        Enable: 'true',
        Name: 'factory',
        DefaultRule: 'Device.X_oneM2M_org_CSE.1.CMDH.Default.1',
        LimitRules: 'Device.X_oneM2M_org_CSE.1.CMDH.Limit.1',
        NetworkAccessECRules: 'Device.X_oneM2M_org_CSE.1.CMDH.NetworkAccessECRule.1',
        BufferRules: 'Device.X_oneM2M_org_CSE.1.CMDH.Buffer.1',
      },
    },
  ),
  Default: growing(
    { ...alias, DefaultECRules: reference, DefaultECParamRules: reference },
    {
      1: {
        Alias: 'cpe-1',
        DefaultECRules: 'Device.X_oneM2M_org_CSE.1.CMDH.DefaultECRule.1',
        DefaultECParamRules: 'Device.X_oneM2M_org_CSE.1.CMDH.DefaultECParamRule.1',
      },
    },
  ),
  DefaultECRule: growing(
    { ...alias, Order: writes('unsignedInt', '0'), EventCategory: categories, ...whose },
    { 1: { Alias: 'cpe-1', Order: '1', EventCategory: '2', RequestOrigin: 'default' } },
  ),
  DefaultECParamRule: growing(
    {
      ...alias,
      EventCategories: categories,
      RequestExpTime: writes('long', '-1'),
      ResultExpTime: writes('long', '-1'),
      OperationExecTime: writes('long', '-1'),
      ResponsePersistence: writes('long', '-1'),
      DeliveryAggregation: writes('boolean', 'false'),
    },
    { 1: { Alias: 'cpe-1', EventCategories: '2', RequestExpTime: '60000' } },
  ),
  Limit: growing(
    {
      ...alias,
      Order: writes('unsignedInt', '0'),
      ...whose,
      EventCategories: categories,
      RequestExpTime: time,
      ResultExpTime: time,
      OperationExecTime: time,
      ResponsePersistence: time,
      DeliveryAggregation: writes('string'),
    },
    { 1: { Alias: 'cpe-1', Order: '1', EventCategories: '2', RequestExpTime: '0,60000' } },
  ),
  NetworkAccessECRule: growing(
    { ...alias, EventCategories: categories, NetworkAccessRules: reference },
    {
      1: {
        Alias: 'cpe-1',
        EventCategories: '2,3',
        NetworkAccessRules: 'Device.X_oneM2M_org_CSE.1.CMDH.NetworkAccessRule.1',
      },
    },
  ),
  NetworkAccessRule: growing(
    {
      ...alias,
      TargetNetworks: writes('string'),
      MinimumReqVolume: writes('unsignedLong', '0'),
      BackoffTime: writes('unsignedInt', '0'),
      BackoffTimeIncrement: writes('unsignedInt', '0'),
      MaximumBackoffTime: writes('unsignedInt', '0'),
      OtherConditions: writes('string'),
      AllowedSchedule: writes('string'),
    },
    {
      1: {
        Alias: 'cpe-1',
        TargetNetworks: 'default',
        BackoffTime: '10',
        BackoffTimeIncrement: '10',
        MaximumBackoffTime: '60',
      },
    },
  ),
  Buffer: growing(
    {
      ...alias,
      EventCategories: categories,
      MaximumBufferSize: writes('unsignedLong', '0'),
      StoragePriority: writes('unsignedInt', '1', { range: [1, 10] }),
    },
    { 1: { Alias: 'cpe-1', EventCategories: '2', MaximumBufferSize: '1048576' } },
  ),
});

const areaNetwork = table(
  { ...alias, Type: writes('string'), ListOfDevices: reads('string') },
  {
    1: {
      Alias: 'cpe-1',
      Type: 'Zigbee',
      ListOfDevices: 'Device.X_oneM2M_org_CSE.1.AreaNetworkDevice.1,Device.X_oneM2M_org_CSE.1.AreaNetworkDevice.3',
    },
  },
);

const network = 'Device.X_oneM2M_org_CSE.1.M2MAreaNetwork.1';
const areaNetworkDevice = table(
  {
    ...alias,
    Host: reads('string'),
    Type: reads('string'),
    M2MAreaNetwork: reads('string', network),
    SleepInterval: writes('unsignedInt', '0'),
    SleepDuration: writes('unsignedInt', '0'),
    Status: reads('string', 'online'),
    Neighbors: writes('string'),
  },
  {
    1: {
      Alias: 'cpe-1',
      Host: 'urn:dev:mac:0024befffe804ff1',
      Type: 'thermostat',
      SleepInterval: '60',
      SleepDuration: '55',
    },
    3: {
      Alias: 'cpe-3',
      Host: 'urn:dev:mac:0024befffe804ff3',
      Type: 'door contact',
      Neighbors: 'Device.X_oneM2M_org_CSE.1.AreaNetworkDevice.1',
    },
  },
);

/** Device.X_oneM2M_org_CSE. */
export const cse: Definition = table(
  { ...alias, CMDH: commandHandling, M2MAreaNetwork: areaNetwork, AreaNetworkDevice: areaNetworkDevice },
  { 1: { Alias: 'cpe-1' } },
);

/** What oneM2M adds to DeviceInfo: a battery, numbered 2 as after a swap, and an event log. */
export const deviceInfoExtension: Record<string, ObjectDefinition> = {
  X_oneM2M_org_BatteryStatus: object({
    Battery: table(
      { ...alias, Level: reads('unsignedInt', '87'), Status: reads('unsignedInt', '1', { range: [1, 7] }) },
      { 2: { Alias: 'cpe-2' } },
    ),
  }),
  X_oneM2M_org_Diagnostics: object({
    EventLog: table(
      {
        ...alias,
        Enable: writes('boolean', 'false'),
        Type: writes('unsignedInt', '1', { range: [1, 5] }),
        Status: reads('string', 'Stopped'),
        Data: reads('string'),
      },
      { 1: { Alias: 'cpe-1' } },
    ),
  }),
};
