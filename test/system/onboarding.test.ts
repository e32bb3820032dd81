import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import { expectMembers, expectOk, expectRefused, openWorld } from './world.ts';
import type { Attributes, TestDevice, World } from './world.ts';

async function childrenOf(world: World, node: string): Promise<Attributes[]> {
  return Object.values(expectOk(await world.mca.get(`${node}?rcn=4`)))
    .flat()
    .filter((child): child is Attributes => typeof child === 'object' && child !== null && 'rn' in child);
}

async function namesOf(world: World, { node }: TestDevice): Promise<string[]> {
  return (await childrenOf(world, node)).map(({ rn }) => String(rn)).toSorted();
}

describe('onboarding', () => {
  let world: World;
  before(async () => {
    world = await openWorld(['--onboarding-labels', 'field,lwm2m']);
  });
  after(() => world.stop());

  describe('a device that registers', () => {
    it('becomes a node with one management object per class and instance', async () => {
      const device = await world.addDevice();
      const node = expectOk(await world.mca.get(device.node));
      expectMembers(node, { ty: 14, ni: device.simulator.endpoint, lbl: ['field', 'lwm2m'], acpi: ['acpAdmin'] });
      assert.match(String(node['mgca']), /^127\.0\.0\.1:\d+$/);
      assert.deepEqual(await namesOf(world, device), [
        'battery',
        'deviceCapability',
        'deviceCapability-1',
        'deviceInfo',
        'eventLog',
        'firmware',
        'memory',
        'reboot',
        'software',
        'software-1',
      ]);
      for (const child of await childrenOf(world, device.node)) {
        expectMembers(child, { ty: 13, pi: node['ri'], lbl: ['field', 'lwm2m'], acpi: ['acpAdmin'] });
        assert.equal((child['obis'] as string[]).length, (child['obps'] as string[]).length);
      }
    });

    it('is found by what it is, without being asked', async () => {
      const device = await world.addDevice({ objects: { 3: { 0: { 1: 'RARE-9' } } } });
      const found = await world.mca.get('cse-in?fu=1&ty=13&mgd=1007&mod=RARE-9');
      assert.deepEqual(found.body['m2m:uril'], [`${device.node}/deviceInfo`]);
    });

    it('has no battery when none of its power sources is one', async () => {
      const device = await world.addDevice({ objects: { 3: { 0: { 6: { 0: 5 } } } } });
      assert.ok(!(await namesOf(world, device)).includes('battery'));
    });

    it('has what it has told: a small device has a small node', async () => {
      const none = Object.fromEntries([4, 5, 6, 9, 15, 20].map((object) => [object, null]));
      const device = await world.addDevice({ objects: none });
      assert.deepEqual(await namesOf(world, device), ['battery', 'deviceInfo', 'memory', 'reboot']);
    });

    it('may have an endpoint name that no resource name can be', async () => {
      const endpoint = 'urn:imei:35 1234/5';
      const device = await world.addDevice({ endpoint });
      assert.equal(device.node, 'cse-in/urn-imei-35-1234-5');
      expectMembers(expectOk(await world.mca.get(device.node)), { ni: endpoint });
    });

    it('may stand below another root', async () => {
      const device = await world.addDevice({ root: '/lwm2m' });
      const info = expectOk(await device.get('deviceInfo'));
      expectMembers(info, { man: 'Trivet Simulators', obps: ['/lwm2m/3/0'] });
      expectOk(await device.update('eventLog', 'evl', { lgt: 2 }), 2004);
      assert.equal(device.simulator.resource('/20/0/4010'), 2);
    });

    for (const version of ['1.0', '1.1', '1.2'] as const) {
      it(`may be of LwM2M ${version}`, async () => {
        const device = await world.addDevice({ version });
        expectMembers(expectOk(await device.get('deviceInfo')), { mod: 'SIM-3000' });
        // From version 1.2 of the object a kilobyte is 1000 octets.
        expectMembers(expectOk(await device.get('memory')), { mmt: 65_536 * (version === '1.2' ? 1000 : 1024) });
        expectOk(await device.update('eventLog', 'evl', { lgt: 2, lga: true }), 2004);
        assert.equal(device.simulator.resource('/20/0/4010'), 2);
      });
    }
  });

  describe('a device that is known', () => {
    it('keeps its resources when it registers anew, and what applications have written to them', async () => {
      const device = await world.addDevice();
      expectOk(await device.update('deviceInfo', 'dvi', { loc: 'roof', lbl: ['mine'] }), 2004);
      const before = await childrenOf(world, device.node);
      await device.simulator.register();
      expectOk(await device.get('battery'));
      assert.deepEqual(
        (await childrenOf(world, device.node)).map(({ ri }) => ri),
        before.map(({ ri }) => ri),
      );
      expectMembers(await device.stored('deviceInfo'), { loc: 'roof', lbl: ['mine'] });
    });

    it('changes nothing when it registers anew without news', async () => {
      const device = await world.addDevice();
      const before = await childrenOf(world, device.node);
      const reads = device.reads().length;
      await device.simulator.register();
      await device.simulator.update();
      assert.deepEqual(await childrenOf(world, device.node), before);
      assert.equal(device.reads().length, reads);
    });

    it('gets a management object for an object that came', async () => {
      const device = await world.addDevice();
      const was = await namesOf(world, device);
      device.simulator.setResource('/9/2/7', 0);
      // The list of objects goes with the next Update, because it has changed.
      await device.simulator.update();
      await eventually('the third package', async () => (await namesOf(world, device)).includes('software-2'));
      assert.deepEqual(
        (await namesOf(world, device)).filter((name) => name !== 'software-2'),
        was,
      );
    });

    it('is asked for the values of what came, and not again for those that it has told', async () => {
      const device = await world.addDevice();
      const asked = device.reads().length;
      device.simulator.setResource('/9/2/7', 0);
      await device.simulator.update();
      await eventually('the third package', async () => (await namesOf(world, device)).includes('software-2'));
      // What else the gateway asks stands before this in the lane.
      expectOk(await device.get('battery', '?atrl=btl'));
      const reads = device.reads().slice(asked);
      assert.equal(reads.pop(), '/3/0/9');
      assert.deepEqual([...new Set(reads)], ['/9/2']);
    });

    it('loses the management objects of the objects that it has lost, and no others', async () => {
      const device = await world.addDevice();
      expectOk(await device.update('deviceInfo', 'dvi', { lbl: ['kept'] }), 2004);
      device.simulator.faults.asleep = true;
      const { endpoint } = device.simulator;
      const smaller = await world.addDevice({ endpoint, objects: { 9: { 1: null }, 15: null, 20: null } });
      assert.deepEqual(await namesOf(world, smaller), [
        'battery',
        'deviceInfo',
        'firmware',
        'memory',
        'reboot',
        'software',
      ]);
      expectMembers(await smaller.stored('deviceInfo'), { lbl: ['kept'] });
      expectRefused(await smaller.get('eventLog'), 4004);
    });

    it('leaves its node behind when it leaves; who deletes the node forgets the device', async () => {
      const device = await world.addDevice();
      await device.simulator.deregister();
      assert.equal(await device.presence(), 'gone');
      expectMembers(await device.stored('battery'), { bts: 1 });
      expectOk(await world.mca.delete(device.node), 2002);
      expectRefused(await world.mca.get(device.node), 4004);
      await device.simulator.register();
      await eventually('a node of its own again', async () => (await world.mca.get(device.node)).rsc === 2000);
      await eventually('its objects', async () => (await namesOf(world, device)).length === 10);
    });

    it('whose node was deleted while it was registered comes back by its next registration', async () => {
      const device = await world.addDevice();
      expectOk(await world.mca.delete(device.node), 2002);
      // The gateway does not know its registration any more, so this becomes a new one.
      await device.simulator.update();
      await eventually('a node of its own again', async () => (await world.mca.get(device.node)).rsc === 2000);
      await eventually('its objects', async () => (await namesOf(world, device)).length === 10);
      expectOk(await device.get('battery'));
    });

    it('may register from another address: its last registration counts', async () => {
      const device = await world.addDevice();
      const before = String(expectOk(await world.mca.get(device.node))['mgca']);
      const moved = await world.addDevice({ endpoint: device.simulator.endpoint, objects: { 3: { 0: { 9: 7 } } } });
      expectMembers(expectOk(await moved.get('battery')), { btl: 7 });
      const after = String(expectOk(await world.mca.get(device.node))['mgca']);
      assert.notEqual(after, before);
      assert.equal((await childrenOf(world, 'cse-in')).filter(({ ni }) => ni === device.simulator.endpoint).length, 1);
    });
  });

  it('many devices do not disturb each other', async () => {
    const devices = await Promise.all(
      Array.from({ length: 12 }, (_, index) => world.addDevice({ objects: { 3: { 0: { 9: index } } } })),
    );
    devices[0]!.simulator.faults.asleep = true;
    devices[1]!.simulator.faults.refuse = [{ code: '4.01' }];
    await devices[2]!.simulator.deregister();
    const answers = await Promise.all(
      devices.slice(3).flatMap((device) => [device.get('battery'), device.update('eventLog', 'evl', { lgt: 2 })]),
    );
    for (const answer of answers) expectOk(answer);
    for (const [index, device] of devices.entries()) {
      if (index < 3) continue;
      expectMembers(await device.stored('battery'), { btl: index });
      assert.equal(device.deeds('write').length, 1);
    }
    expectRefused(await devices[1]!.get('battery'), 5105);
    expectRefused(await devices[2]!.get('battery'), 6003);
  });
});
