import assert from 'node:assert/strict';
import { startCwmpCpe } from '../../src/simulators/cwmp-cpe.ts';
import { eventually } from '../support/eventually.ts';
import { addCpe, viewOf } from './cpe.ts';
import { listen } from './listener.ts';
import { expectMembers, expectOk, nodeOf, openWorld } from './world.ts';
import type { Attributes, World } from './world.ts';

describe('a TR-069 device that shows up', () => {
  let world: World;
  before(async () => {
    world = await openWorld();
  });
  after(() => world.stop());

  const nodes = async (): Promise<string[]> => {
    const { body } = await world.mca.get('cse-in?fu=1&ty=14');
    return (body['m2m:uril'] as unknown as string[]) ?? [];
  };

  it('becomes a <node> with its identity, and management objects with its values', async () => {
    const cpe = await addCpe(world, { serialNumber: 'A1' });
    assert.equal(cpe.node, 'cse-in/urn-dev-ops-0024BE-TrivetCPE-A1');
    expectMembers(expectOk(await world.mca.get(cpe.node)), { ni: 'urn:dev:ops:0024BE-TrivetCPE-A1' });
    expectMembers(await cpe.stored('deviceInfo'), { dlb: 'A1', mod: 'CPE-1', swv: '1.0.0' });
    expectMembers(await cpe.stored('battery-2'), { btl: 87, bts: 1 });
    assert.deepEqual(cpe.simulator.complaints, []);
  });

  it('is a urn:dev:os without a product class', async () => {
    const cpe = await addCpe(world, { serialNumber: 'A2', productClass: '' });
    expectMembers(expectOk(await world.mca.get(cpe.node)), { ni: 'urn:dev:os:0024BE-A2' });
  });

  it('is the same node after every Inform, after a boot and after a bootstrap', async () => {
    const cpe = await addCpe(world, { serialNumber: 'A3' });
    const children = async (): Promise<unknown[]> =>
      Object.values(expectOk(await world.mca.get(`${cpe.node}?rcn=4`)))
        .flat()
        .filter((child): child is Attributes => typeof child === 'object' && child !== null)
        .map(({ rn, ri }) => [rn, ri])
        .sort();
    const before = await children();
    await cpe.simulator.inform();
    await cpe.simulator.inform('1 BOOT');
    await cpe.simulator.inform('0 BOOTSTRAP');
    expectOk(await cpe.get('deviceInfo'));
    assert.deepEqual(await children(), before);
    assert.equal((await nodes()).filter((node) => node.includes('A3')).length, 1);
  });

  it('is given credentials for connection requests, and a periodic Inform', async () => {
    const periodic = await openWorld(['--cwmp-periodic-inform', '10m']);
    try {
      const cpe = await addCpe(periodic);
      const server = 'Device.ManagementServer.';
      assert.match(cpe.simulator.parameter(`${server}ConnectionRequestUsername`) ?? '', /^trivet-/);
      assert.equal(cpe.simulator.parameter(`${server}PeriodicInformEnable`), 'true');
      assert.equal(cpe.simulator.parameter(`${server}PeriodicInformInterval`), '600');
    } finally {
      await periodic.stop();
    }
  });

  it('may have the data model TR-098: the same objects at other paths', async () => {
    const cpe = await addCpe(world, { dataModel: 'tr098' });
    const root = 'InternetGatewayDevice.';
    expectMembers(expectOk(await cpe.get('deviceInfo')), { mod: 'CPE-1', obps: [`${root}DeviceInfo.`] });
    const free = Number(cpe.simulator.parameter(`${root}DeviceInfo.MemoryStatus.Free`));
    expectMembers(expectOk(await cpe.get('memory')), { mma: free * 1024 });
    expectMembers(expectOk(await cpe.get('firmware')), { obps: [root] });
    expectOk(await cpe.update('reboot', 'rbo', { rbo: true }), 2004);
    await eventually('it reboots', () => cpe.deeds('reboot').length === 1);
  });

  it('brings the devices behind it: nodes of their own that its sessions serve', async () => {
    const proxier = await addCpe(world, {
      serialNumber: 'P1',
      virtualDevices: [{ serialNumber: 'V1', sessions: false }],
      embeddedDevices: [{ controllerId: 'zigbee', proxiedDeviceId: '17' }],
    });
    const behind = [
      nodeOf(world, 'urn:dev:ops:0024BE-VirtualDevice-V1'),
      nodeOf(world, 'urn:dev:ops:0024BE-TrivetCPE-P1:zigbee:17'),
    ];
    const labels = await Promise.all(
      behind.map((one) =>
        eventually(`${one.node} has its values`, async () => {
          const label = (await one.stored('deviceInfo-1'))?.['dlb'];
          return typeof label === 'string' && label !== '' ? label : undefined;
        }),
      ),
    );
    assert.deepEqual(labels, ['V1', 'zigbee,17']);
    const calls = proxier.deeds('connection-request').length;
    expectMembers(expectOk(await behind[0]!.get('deviceInfo-1')), { dlb: 'V1' });
    assert.ok(proxier.deeds('connection-request').length > calls, 'its proxier was called');
    // They have no DeviceInfo: what acts on a whole device is not theirs.
    assert.equal(await behind[0]!.stored('firmware'), undefined);
    assert.equal(await behind[0]!.stored('reboot'), undefined);
  });

  it('serves a device that was behind another in the sessions that it opens itself, with nothing of the other', async () => {
    const proxier = await addCpe(world, {
      serialNumber: 'P2',
      virtualDevices: [{ serialNumber: 'V2', sessions: false }],
    });
    const listed = nodeOf(world, 'urn:dev:ops:0024BE-VirtualDevice-V2');
    await eventually('it is known by the list of its proxier', async () => await listed.stored('deviceInfo-1'));

    const virtual = await addCpe(world, { serialNumber: 'V2', productClass: 'VirtualDevice' });
    proxier.simulator.faults.connectionRequest = 'not-found';
    const made = await world.mca.create('cse-in', 12, { 'm2m:mgc': { cmt: 2, ext: proxier.node } });
    const command = `cse-in/${String(expectOk(made, 2001)['rn'])}`;
    expectOk(await world.mca.update(command, { 'm2m:mgc': { exe: true } }), 2004);

    await virtual.simulator.inform();
    assert.equal(virtual.asked('Reboot'), 0);
    expectMembers(expectOk(await virtual.get('deviceInfo')), { mod: 'CPE-1' });
    await proxier.simulator.inform();
    assert.deepEqual([proxier.asked('Reboot'), virtual.asked('Reboot')], [1, 0]);
  });

  it('tells a subscriber of changed values by 4 VALUE CHANGE, also after a bootstrap', async () => {
    const cpe = await addCpe(world);
    const listener = await listen();
    try {
      const battery = 'Device.DeviceInfo.X_oneM2M_org_BatteryStatus.Battery.2.Level';
      const subscription = { nu: [listener.url], enc: { net: [1] }, nct: 1 };
      expectOk(await world.mca.create(`${cpe.node}/battery-2`, 23, { 'm2m:sub': subscription }), 2001);
      await eventually('it notifies of its battery', () => cpe.simulator.notification(battery) === 2);
      cpe.simulator.setParameter(battery, 33);
      await listener.until(1);
      expectMembers(await cpe.stored('battery-2'), { btl: 33 });
      cpe.simulator.factoryReset();
      await eventually('it notifies of its battery again', () => cpe.simulator.notification(battery) === 2);
    } finally {
      await listener.close();
    }
  });

  it('is found again by a gateway that was restarted, and keeps its node', async () => {
    const other = await openWorld();
    try {
      const cpe = await addCpe(other);
      const before = expectOk(await other.mca.get(cpe.node))['ri'];
      await other.restart();
      // It is called, although it has not informed since.
      expectMembers(expectOk(await cpe.get('battery-2')), { btl: 87 });
      assert.equal(expectOk(await other.mca.get(cpe.node))['ri'], before);
    } finally {
      await other.stop();
    }
  });

  it('that dies in the middle of its first session is onboarded by the next one', async () => {
    const simulator = await startCwmpCpe({
      acs: world.gateway.urls.cwmp!,
      serialNumber: 'D1',
      life: false,
      speed: 50,
      autoInform: false,
      faults: { die: { message: 5 } },
    });
    world.owns(simulator);
    const cpe = viewOf(world, simulator);
    await eventually('its values', async () => (await cpe.stored('battery-2'))?.['btl'] === 87);
    assert.equal(cpe.deeds('died').length, 1);
  });
});
