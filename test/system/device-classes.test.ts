import assert from 'node:assert/strict';
import { makeImage } from '../../src/simulators/lwm2m-device.ts';
import { eventually } from '../support/eventually.ts';
import { uploadImage } from './artifacts.ts';
import { expectMembers, expectOk, expectRefused, openWorld, untilRestarted, untilStatus } from './world.ts';
import type { TestDevice, World } from './world.ts';

describe('the management objects of a device, through HTTP', () => {
  let world: World;
  let device: TestDevice;
  before(async () => {
    world = await openWorld();
    device = await world.addDevice({
      endpoint: 'classes-1',
      objects: { 25: { 0: { 0: 'thermometer-7', 1: 'd01', 3: '</3>' } } },
    });
  });
  after(() => world.stop());

  it('firmware: reads version and state, and updates the device', async () => {
    expectMembers(expectOk(await device.get('firmware')), { mgd: 1001, vr: '1.0.0', ud: false, uds: { sus: 0 } });
    const { url } = await uploadImage(world, makeImage({ name: 'main', version: '1.1.0', size: 4000 }));
    expectOk(await device.update('firmware', 'fwr', { vr: '1.1.0', fwn: 'main', url, ud: true }), 2004);
    await untilStatus(device, 'firmware', 'uds', 'ud', 1);
    assert.equal(device.simulator.resource('/3/0/3'), '1.1.0');
    assert.equal(device.deeds('firmware-installed').length, 1);
  });

  it('software: reads the package, and deactivates and activates it', async () => {
    expectMembers(expectOk(await device.get('software')), {
      mgd: 1002,
      vr: '1.4.2',
      swn: 'metering-agent',
      in: false,
      un: false,
    });
    expectOk(await device.update('software', 'swr', { dea: true }), 2004);
    await untilStatus(device, 'software', 'acts', 'dea', 1);
    assert.equal(device.simulator.resource('/9/0/12'), false);
    expectOk(await device.update('software', 'swr', { act: true }), 2004);
    await untilStatus(device, 'software', 'acts', 'act', 1);
    assert.equal(device.simulator.resource('/9/0/12'), true);
  });

  it('memory: reads octets where the device says kibioctets, and nothing of it can be written', async () => {
    device.simulator.setResource('/3/0/10', 1000);
    expectMembers(expectOk(await device.get('memory')), { mgd: 1003, mma: 1000 * 1024, mmt: 65_536 * 1024 });
    expectRefused(await device.update('memory', 'mem', { mma: 1 }), 4005, /read-only on the device/);
  });

  it('areaNwkInfo: the CSE alone keeps it, because no object of LwM2M stands for it', async () => {
    assert.equal(await device.stored('areaNwkInfo'), undefined);
    const made = await device.create('ani', { rn: 'areaNwkInfo', mgd: 1004, ant: 'Bluetooth', ldv: [] });
    expectOk(made, 2001);
    const before = device.simulator.journal.length;
    expectOk(await device.update('areaNwkInfo', 'ani', { ant: 'ZigBee' }), 2004);
    expectMembers(expectOk(await device.get('areaNwkInfo')), { mgd: 1004, ant: 'ZigBee' });
    assert.equal(device.simulator.journal.length, before);
  });

  it('areaNwkDeviceInfo: reads the identity of a device behind a gateway, keeps the rest', async () => {
    expectMembers(expectOk(await device.get('areaNwkDeviceInfo')), { mgd: 1005, dvd: 'thermometer-7' });
    expectOk(await device.update('areaNwkDeviceInfo', 'andi', { dvt: 'thermometer', sli: 60 }), 2004);
    expectMembers(expectOk(await device.get('areaNwkDeviceInfo')), {
      dvd: 'thermometer-7',
      dvt: 'thermometer',
      sli: 60,
    });
    expectRefused(await device.update('areaNwkDeviceInfo', 'andi', { dvd: 'another' }), 4005);
  });

  it('battery: reads level and status as they are now', async () => {
    device.simulator.setResource('/3/0/9', 41);
    device.simulator.setResource('/3/0/20', 1);
    expectMembers(expectOk(await device.get('battery')), { mgd: 1006, btl: 41, bts: 2 });
    device.simulator.setResource('/3/0/9', 40);
    expectMembers(expectOk(await device.get('battery')), { btl: 40 });
    expectRefused(await device.update('battery', 'bat', { btl: 100 }), 4005);
  });

  it('deviceInfo: reads what object 3 says, and keeps what it cannot say', async () => {
    expectMembers(expectOk(await device.get('deviceInfo')), {
      mgd: 1007,
      dlb: 'SN-classes-1',
      man: 'Trivet Simulators',
      mod: 'SIM-3000',
      dty: 'sensor',
      swv: '1.4.2',
      hwv: 'B2',
      obis: ['urn:oma:lwm2m:oma:3:1.1'],
      obps: ['/3/0'],
    });
    expectOk(await device.update('deviceInfo', 'dvi', { loc: 'hall 4' }), 2004);
    expectMembers(expectOk(await device.get('deviceInfo')), { loc: 'hall 4', mod: 'SIM-3000' });
    expectRefused(await device.update('deviceInfo', 'dvi', { dlb: 'other' }), 4005);
  });

  it('deviceCapability: reads the state, and enables and disables', async () => {
    expectMembers(expectOk(await device.get('deviceCapability-1')), {
      mgd: 1008,
      can: 'microSD',
      att: false,
      cus: false,
      cas: { sus: 0 },
    });
    expectMembers(expectOk(await device.update('deviceCapability-1', 'dvc', { ena: true }), 2004), {
      ena: false,
      cas: { acn: 'ena', sus: 1 },
    });
    await eventually('it is on', () => device.simulator.resource('/15/1/4') === true);
    expectMembers(expectOk(await device.get('deviceCapability-1')), { cus: true });
    assert.deepEqual(
      device
        .deeds('execute')
        .map(({ path }) => path)
        .filter((path) => path?.startsWith('/15')),
      ['/15/1/5'],
    );
    expectOk(await device.update('deviceCapability-1', 'dvc', { dis: true }), 2004);
    await eventually('it is off', () => device.simulator.resource('/15/1/4') === false);
    expectMembers(expectOk(await device.get('deviceCapability-1')), { cus: false, cas: { acn: 'dis', sus: 1 } });
    expectRefused(
      await device.update('deviceCapability-1', 'dvc', { ena: true, dis: true }),
      4000,
      /exclude each other/,
    );
  });

  it('eventLog: writes the class, starts, stops and reads the log', async () => {
    expectOk(await device.update('eventLog', 'evl', { lgt: 2 }), 2004);
    assert.equal(device.simulator.resource('/20/0/4010'), 2);
    expectOk(await device.update('eventLog', 'evl', { lga: true }), 2004);
    expectMembers(expectOk(await device.get('eventLog')), { mgd: 1010, lgt: 2, lgst: 1, lgd: '', lga: false });
    expectOk(await device.update('eventLog', 'evl', { lgo: true }), 2004);
    const log = expectOk(await device.get('eventLog'));
    expectMembers(log, { lgst: 2, lgo: false });
    assert.match(Buffer.from(String(log['lgd']), 'base64').toString(), /write \/20\/0\/4010/);
    const paths = device.deeds('execute').map(({ path }) => path);
    assert.deepEqual(
      paths.filter((path) => path?.startsWith('/20')),
      ['/20/0/4011', '/20/0/4012'],
    );
  });

  it('reboot: reboots the device and resets it to the factory', async () => {
    expectMembers(expectOk(await device.get('reboot')), { mgd: 1009, rbo: false, far: false });
    const other = await world.addDevice();
    expectMembers(expectOk(await other.update('reboot', 'rbo', { rbo: true }), 2004), { rbo: false });
    await untilRestarted(other, 1);
    expectOk(await other.update('reboot', 'rbo', { far: true }), 2004);
    await untilRestarted(other, 2);
    assert.equal(other.deeds('factory-reset').length, 1);
    assert.equal(other.deeds('execute').length, 2);
    expectRefused(await device.update('reboot', 'rbo', { rbo: true, far: true }), 4000, /exclude each other/);
  });
});
