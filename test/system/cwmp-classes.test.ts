/** Each of the 19 management objects on a TR-069 device, through HTTP: read, and written or triggered where that is possible. */
import assert from 'node:assert/strict';
import { loadMappings } from '../../src/management/mapping.ts';
import { makeImage } from '../../src/simulators/cwmp-cpe.ts';
import { packageFile } from '../../src/support/package-files.ts';
import { eventually } from '../support/eventually.ts';
import { uploadImage } from './artifacts.ts';
import { addCpe, type TestCpe } from './cpe.ts';
import { expectMembers, expectOk, expectRefused, openWorld, untilStatus } from './world.ts';
import type { Attributes, World } from './world.ts';

const tr181 = ['urn:broadband-forum-org:tr-181-2'];
const cmdh = 'Device.X_oneM2M_org_CSE.1.CMDH.';
const info = 'Device.DeviceInfo.';

interface CmdhClass {
  name: string;
  root: string;
  mgd: number;
  object: string;
  create: Attributes;
  /** Parameter → value, as the device has them then. */
  created: Record<string, string>;
  update: Attributes;
  updated: Record<string, string>;
}

/** Those without links; they are made before those that point at them. */
const plainClasses: CmdhClass[] = [
  {
    name: 'cmdhBuffer',
    root: 'cmbf',
    mgd: 1019,
    object: 'Buffer',
    create: { aec: [2, 3], mbfs: 100_000, sgp: 3 },
    created: { EventCategories: '2,3', MaximumBufferSize: '100000', StoragePriority: '3' },
    update: { mbfs: 5000 },
    updated: { MaximumBufferSize: '5000', StoragePriority: '3' },
  },
  {
    name: 'cmdhDefEcValue',
    root: 'cmdv',
    mgd: 1014,
    object: 'DefaultECRule',
    create: { od: 1, dev: 3, ror: ['CAE1', 'CAE2'], rctn: true },
    created: {
      Order: '1',
      EventCategory: '3',
      RequestOrigin: 'CAE1,CAE2',
      RequestContextNotificationEnable: 'true',
    },
    update: { dev: 2, ror: ['CAE3'], rctn: false },
    updated: { EventCategory: '2', RequestOrigin: 'CAE3', RequestContextNotificationEnable: 'false' },
  },
  {
    name: 'cmdhEcDefParamValues',
    root: 'cmpv',
    mgd: 1015,
    object: 'DefaultECParamRule',
    create: { aec: [2], dqet: 1000, dset: 2000, doet: 3000, drp: 4000, dda: true },
    created: { EventCategories: '2', RequestExpTime: '1000', ResponsePersistence: '4000', DeliveryAggregation: 'true' },
    update: { dqet: 1500, dda: false },
    updated: { RequestExpTime: '1500', DeliveryAggregation: 'false' },
  },
  {
    name: 'cmdhLimits',
    root: 'cml',
    mgd: 1016,
    object: 'Limit',
    create: {
      od: 2,
      ror: ['CAE1'],
      lec: [2, 3],
      lqet: [0, 60_000],
      lset: [0, 60_000],
      loet: [0, 60_000],
      lrp: [0, 60_000],
      lda: [true],
    },
    created: { Order: '2', RequestOrigin: 'CAE1', EventCategories: '2,3', RequestExpTime: '0,60000' },
    update: { lqet: [10, 20] },
    updated: { RequestExpTime: '10,20', ResultExpTime: '0,60000' },
  },
  {
    name: 'cmdhNwAccessRule',
    root: 'cmwr',
    mgd: 1018,
    object: 'NetworkAccessRule',
    create: {
      ttn: ['cellular'],
      mrv: 512,
      swt: 30_000,
      bop: { bops: [{ ibt: 10, abt: 20, mbt: 100 }] },
      cmlk: [{ typ: 1018, nm: 'schedule', val: 'cse-in' }],
    },
    created: {
      TargetNetworks: 'cellular',
      MinimumReqVolume: '512',
      BackoffTime: '10',
      BackoffTimeIncrement: '20',
      MaximumBackoffTime: '100',
    },
    update: { mrv: 1024 },
    updated: { MinimumReqVolume: '1024', BackoffTime: '10' },
  },
];

describe('the management objects of a TR-069 device, through HTTP', () => {
  let world: World;
  let cpe: TestCpe;
  const parameter = (name: string): string | undefined => cpe.simulator.parameter(name);
  before(async () => {
    world = await openWorld();
    cpe = await addCpe(world);
  });
  after(() => {
    assert.deepEqual(cpe.simulator.complaints, []);
    return world.stop();
  });

  it('firmware: updates the device', async () => {
    expectMembers(expectOk(await cpe.get('firmware')), { mgd: 1001, ud: false, uds: { sus: 0 } });
    const { url } = await uploadImage(world, makeImage({ name: 'main', version: '1.1.0', size: 4000 }));
    expectOk(await cpe.update('firmware', 'fwr', { vr: '1.1.0', fwn: 'main', url, ud: true }), 2004);
    await untilStatus(cpe, 'firmware', 'uds', 'ud', 1);
    assert.equal(parameter(`${info}SoftwareVersion`), '1.1.0');
  });

  it('software: installs another version, stops and starts it, and uninstalls it', async () => {
    const other = await addCpe(world);
    const unit = 'Device.SoftwareModules.';
    expectMembers(expectOk(await other.get('software-1')), { mgd: 1002, vr: '1.0.0', swn: 'dashboard' });
    expectOk(await other.update('software-1', 'swr', { dea: true }), 2004);
    await eventually('it is stopped', () => other.simulator.parameter(`${unit}ExecutionUnit.1.Status`) === 'Idle');
    await eventually('activeStatus follows', async () => {
      expectOk(await other.get('software-1'));
      const acts = (await other.stored('software-1'))?.['acts'] as { sus: number } | undefined;
      return acts?.sus === 1;
    });
    expectOk(await other.update('software-1', 'swr', { act: true }), 2004);
    await eventually('it runs', () => other.simulator.parameter(`${unit}ExecutionUnit.1.Status`) === 'Active');
    const { url } = await uploadImage(world, makeImage({ name: 'weather', version: '2.0', size: 4000 }));
    expectOk(await other.update('software-1', 'swr', { url, in: true }), 2004);
    await untilStatus(other, 'software-1', 'ins', 'in', 1);
    assert.equal(other.deeds('software-installed').length, 1);
    expectOk(await other.update('software-1', 'swr', { un: true }), 2004);
    await untilStatus(other, 'software-1', 'ins', 'un', 1);
    assert.equal(other.deeds('software-uninstalled').length, 1);
    assert.equal(other.simulator.parameter(`${unit}DeploymentUnit.1.Name`), undefined);
  });

  it('memory: reads octets where the device says kibioctets, and nothing of it can be written', async () => {
    cpe.simulator.setParameter(`${info}MemoryStatus.Free`, 1000);
    const total = Number(parameter(`${info}MemoryStatus.Total`)) * 1024;
    expectMembers(expectOk(await cpe.get('memory')), { mgd: 1003, mma: 1000 * 1024, mmt: total });
    expectRefused(await cpe.update('memory', 'mem', { mma: 1 }), 4005, /read-only on the device/);
  });

  it('areaNwkInfo: reads and writes the type, and its devices are links', async () => {
    const members = await Promise.all(
      [1, 3].map(async (row) => expectOk(await cpe.get(`areaNwkDeviceInfo-1-${row}`))['ri']),
    );
    expectMembers(expectOk(await cpe.get('areaNwkInfo-1-1')), { mgd: 1004, ant: 'Zigbee', ldv: members });
    expectOk(await cpe.update('areaNwkInfo-1-1', 'ani', { ant: 'Bluetooth' }), 2004);
    assert.equal(parameter('Device.X_oneM2M_org_CSE.1.M2MAreaNetwork.1.Type'), 'Bluetooth');
    expectRefused(await cpe.update('areaNwkInfo-1-1', 'ani', { ldv: [] }), 4005);
  });

  it('areaNwkDeviceInfo: reads identity and status, writes how it sleeps and its neighbours', async () => {
    const [network, neighbour] = await Promise.all(
      ['areaNwkInfo-1-1', 'areaNwkDeviceInfo-1-1'].map(async (name) => expectOk(await cpe.get(name))['ri']),
    );
    expectMembers(expectOk(await cpe.get('areaNwkDeviceInfo-1-3')), {
      mgd: 1005,
      dvd: 'urn:dev:mac:0024befffe804ff3',
      dvt: 'door contact',
      awi: network,
      ss: 'online',
      lnh: [neighbour],
    });
    expectOk(await cpe.update('areaNwkDeviceInfo-1-3', 'andi', { sli: 30, sld: 20, lnh: [] }), 2004);
    const row = 'Device.X_oneM2M_org_CSE.1.AreaNetworkDevice.3.';
    assert.deepEqual(
      ['SleepInterval', 'SleepDuration', 'Neighbors'].map((name) => parameter(row + name)),
      ['30', '20', ''],
    );
    expectRefused(await cpe.update('areaNwkDeviceInfo-1-3', 'andi', { dvd: 'another' }), 4005);
  });

  it('battery: reads level and status as they are now', async () => {
    cpe.simulator.setParameter(`${info}X_oneM2M_org_BatteryStatus.Battery.2.Level`, 41);
    cpe.simulator.setParameter(`${info}X_oneM2M_org_BatteryStatus.Battery.2.Status`, 2);
    expectMembers(expectOk(await cpe.get('battery-2')), { mgd: 1006, btl: 41, bts: 2 });
    expectRefused(await cpe.update('battery-2', 'bat', { btl: 100 }), 4005);
  });

  it('deviceInfo: reads what DeviceInfo says, and keeps what it cannot say', async () => {
    const { serialNumber } = cpe.simulator;
    expectMembers(expectOk(await cpe.get('deviceInfo')), {
      mgd: 1007,
      dlb: serialNumber,
      man: 'Trivet Simulators',
      mod: 'CPE-1',
      dty: 'TrivetCPE',
      hwv: '1.0',
      obis: tr181,
      obps: [info],
    });
    expectOk(await cpe.update('deviceInfo', 'dvi', { loc: 'hall 4' }), 2004);
    expectMembers(expectOk(await cpe.get('deviceInfo')), { loc: 'hall 4', mod: 'CPE-1' });
    expectRefused(await cpe.update('deviceInfo', 'dvi', { dlb: 'other' }), 4005);
  });

  for (const [kind, path, name] of [
    ['usb-1', 'Device.USB.Interface.1.', 'USB'],
    ['wifi-2', 'Device.WiFi.Radio.2.', 'Wi-Fi'],
    ['module-1', 'Device.SoftwareModules.ExecEnv.1.', 'BBF software module'],
  ] as const) {
    it(`deviceCapability: disables and enables ${name}`, async () => {
      const object = `deviceCapability-${kind}`;
      expectMembers(expectOk(await cpe.get(object)), { mgd: 1008, can: name, att: true, cus: true });
      expectMembers(expectOk(await cpe.update(object, 'dvc', { dis: true }), 2004), { cas: { acn: 'dis', sus: 1 } });
      assert.equal(parameter(`${path}Enable`), 'false');
      expectMembers(expectOk(await cpe.get(object)), { cus: false });
      expectOk(await cpe.update(object, 'dvc', { ena: true }), 2004);
      assert.equal(parameter(`${path}Enable`), 'true');
    });
  }

  it('reboot: reboots the device, and resets it to the factory', async () => {
    const other = await addCpe(world);
    expectMembers(expectOk(await other.get('reboot')), { mgd: 1009, rbo: false, far: false });
    expectMembers(expectOk(await other.update('reboot', 'rbo', { rbo: true }), 2004), { rbo: false });
    await eventually('it is back', () =>
      other.deeds('session').some(({ events }) => events?.includes('M Reboot') ?? false),
    );
    assert.equal(other.deeds('reboot').length, 1);
    other.simulator.setParameter('Device.WiFi.SSID.1.SSID', 'mine');
    expectOk(await other.update('reboot', 'rbo', { far: true }), 2004);
    await eventually(
      'it is new',
      () => other.deeds('session').filter(({ events }) => events?.includes('0 BOOTSTRAP')).length === 2,
    );
    assert.equal(other.deeds('factory-reset').length, 1);
    // It has credentials of ours again, and can be called.
    expectOk(await other.get('deviceInfo'));
    expectRefused(await other.update('reboot', 'rbo', { rbo: true, far: true }), 4000, /exclude each other/);
  });

  it('eventLog: writes the class, starts, stops and reads the log', async () => {
    const path = `${info}X_oneM2M_org_Diagnostics.EventLog.1.`;
    expectMembers(expectOk(await cpe.get('eventLog-1')), { mgd: 1010, lgt: 1, lgst: 2 });
    expectOk(await cpe.update('eventLog-1', 'evl', { lgt: 2 }), 2004);
    assert.equal(parameter(`${path}Type`), '2');
    expectOk(await cpe.update('eventLog-1', 'evl', { lga: true }), 2004);
    assert.equal(parameter(`${path}Enable`), 'true');
    expectMembers(expectOk(await cpe.get('eventLog-1')), { lgst: 1, lga: false });
    expectOk(await cpe.update('eventLog-1', 'evl', { lgo: true }), 2004);
    expectMembers(expectOk(await cpe.get('eventLog-1')), { lgst: 2, lgo: false });
  });

  for (const { name, root, mgd, object, create, created, update, updated } of plainClasses) {
    it(`${name}: creates it on the device, reads, writes and deletes it`, async () => {
      const rn = `${name}-made`;
      const made = expectOk(await cpe.create(root, { rn, mgd, obis: tr181, ...create }), 2001);
      const [path] = made['obps'] as string[];
      assert.match(path!, new RegExp(`^${cmdh.replaceAll('.', '\\.')}${object}\\.\\d+\\.$`));
      const found = (names: Record<string, string>): Record<string, string | undefined> =>
        Object.fromEntries(Object.keys(names).map((one) => [one, parameter(path! + one)]));
      assert.deepEqual(found(created), created);
      expectMembers(expectOk(await cpe.get(rn)), { mgd, ...create });
      expectOk(await cpe.update(rn, root, update), 2004);
      assert.deepEqual(found(updated), updated);
      expectMembers(expectOk(await cpe.get(rn)), { ...create, ...update });
      expectOk(await cpe.remove(rn), 2002);
      assert.deepEqual(cpe.simulator.parameters(path), {});
      expectRefused(await cpe.get(rn), 4004);
    });
  }

  const link = (name: string, mgd: number): Attributes => ({ nm: name, typ: mgd, val: `${cpe.node}/${name}` });

  it('cmdhDefaults: its links are references on the device', async () => {
    const cmlk = [link('cmdhDefEcValue-1-1', 1014), link('cmdhEcDefParamValues-1-1', 1015)];
    const made = expectOk(await cpe.create('cmdf', { rn: 'defaults', mgd: 1013, obis: tr181, cmlk }), 2001);
    const [path] = made['obps'] as string[];
    assert.equal(parameter(`${path}DefaultECRules`)?.replace(/\.$/, ''), `${cmdh}DefaultECRule.1`);
    assert.equal(parameter(`${path}DefaultECParamRules`)?.replace(/\.$/, ''), `${cmdh}DefaultECParamRule.1`);
    expectMembers(expectOk(await cpe.get('defaults')), { cmlk });
  });

  it('cmdhNetworkAccessRules: writes categories, and reads links', async () => {
    expectOk(await cpe.update('cmdhNetworkAccessRules-1-1', 'cmnr', { aecs: [2, 4] }), 2004);
    assert.equal(parameter(`${cmdh}NetworkAccessECRule.1.EventCategories`), '2,4');
    const rules = expectOk(await cpe.get('cmdhNetworkAccessRules-1-1'));
    expectMembers(rules, { mgd: 1017, aecs: [2, 4] });
    assert.equal((rules['cmlk'] as Attributes[])[0]?.['nm'], 'cmdhNwAccessRule-1-1');
  });

  it('cmdhPolicy and activeCmdhPolicy: a policy is made, and becomes the active one', async () => {
    const cmlk = [
      link('defaults', 1013),
      link('cmdhLimits-1-1', 1016),
      link('cmdhNetworkAccessRules-1-1', 1017),
      link('cmdhBuffer-1-1', 1019),
    ];
    const made = expectOk(await cpe.create('cmp', { rn: 'night', mgd: 1011, obis: tr181, cpn: 'night', cmlk }), 2001);
    const [path] = made['obps'] as string[];
    assert.equal(parameter(`${path}Name`), 'night');
    expectMembers(expectOk(await cpe.get('night')), { mgd: 1011, cpn: 'night', cmlk });
    const before = expectOk(await cpe.get('cmdhPolicy-1-1'))['ri'];
    expectMembers(expectOk(await cpe.get('activeCmdhPolicy-1')), { mgd: 1012, acmlk: before });
    expectOk(await cpe.update('activeCmdhPolicy-1', 'acmp', { acmlk: made['ri'] }), 2004);
    assert.deepEqual([parameter(`${path}Enable`), parameter(`${cmdh}Policy.1.Enable`)], ['true', 'false']);
    expectMembers(expectOk(await cpe.get('activeCmdhPolicy-1')), { acmlk: made['ri'] });
  });

  it('all 19 classes stand for something on the device, and what has no parameter says why', async () => {
    const classes = loadMappings({ directory: packageFile('mappings') }).classes.filter(
      ({ mgmtDefinition }) => mgmtDefinition !== 0,
    );
    const children = Object.values(expectOk(await world.mca.get(`${cpe.node}?rcn=4`))).flat() as Attributes[];
    const there = new Set(
      children.filter((child) => child !== null && typeof child === 'object').map(({ mgd }) => mgd),
    );
    assert.deepEqual(
      classes.filter(({ mgmtDefinition }) => !there.has(mgmtDefinition)).map(({ name }) => name),
      [],
    );
    const rows = classes.flatMap(({ name, attributes }) =>
      [...attributes.values()].map(({ definition, legs }) => ({ name: `${name}.${definition.name}`, row: legs.cwmp })),
    );
    const without = rows.flatMap(({ name, row }) =>
      row.kind === 'held' || row.kind === 'none' ? [{ name, reason: row.reason }] : [],
    );
    console.log(`      TR-069: ${rows.length} attributes, ${without.length} with no mapping, each for a stated reason`);
    for (const { name, reason } of without) assert.match(reason, /\w+ \w+/, name);
  });
});
