import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import { listen } from './listener.ts';
import { expectMembers, expectOk, expectRefused, openWorld } from './world.ts';
import type { World } from './world.ts';

describe('RETRIEVE', () => {
  let world: World;
  before(async () => {
    world = await openWorld();
  });
  after(() => world.stop());

  describe('of what a device has', () => {
    it('asks the device when the management object itself is the target', async () => {
      const device = await world.addDevice();
      device.simulator.setResource('/3/0/9', 33);
      expectMembers(expectOk(await device.get('battery')), { btl: 33 });
      device.simulator.setResource('/3/0/9', 32);
      expectMembers(expectOk(await device.get('battery', '?rcn=1')), { btl: 32 });
      expectMembers(await device.stored('battery'), { btl: 32 });
    });

    it('asks for nothing but the attributes of atrl', async () => {
      const device = await world.addDevice();
      const before = device.reads().length;
      device.simulator.setResource('/3/0/9', 21);
      assert.deepEqual(expectOk(await device.get('battery', '?atrl=btl')), { btl: 21 });
      assert.deepEqual(device.reads().slice(before), ['/3/0/9']);
    });

    it('asks nobody when atrl names only what the CSE keeps', async () => {
      const device = await world.addDevice();
      const before = device.reads().length;
      const answer = expectOk(await device.get('battery', '?atrl=lbl+acpi'));
      assert.deepEqual(answer, { acpi: ['acpAdmin'] });
      assert.equal(device.reads().length, before);
    });

    it('shows the stored copies in lists and in discovery', async () => {
      const device = await world.addDevice({ objects: { 3: { 0: { 9: 70 } } } });
      device.simulator.setResource('/3/0/9', 10);
      const before = device.reads().length;
      expectMembers(await device.stored('battery'), { btl: 70 });
      const found = await world.mca.get(`${device.node}?fu=1&ty=13&btl=70`);
      assert.deepEqual(found.body['m2m:uril'], [`${device.node}/battery`]);
      const children = expectOk(await device.get('battery', '?rcn=4'));
      expectMembers(children, { btl: 70 });
      assert.equal(device.reads().length, before);
    });

    it('serves equal reads that wait together by one exchange', async () => {
      const device = await world.addDevice({ faults: { delay: 30 } });
      device.simulator.setResource('/3/0/9', 55);
      const before = device.reads().length;
      const answers = await Promise.all(Array.from({ length: 8 }, () => device.get('battery')));
      for (const answer of answers) expectMembers(expectOk(answer), { btl: 55 });
      assert.equal(device.reads().length - before, 1);
    });

    it('leaves an optional resource out that the device does not have', async () => {
      const device = await world.addDevice({ objects: { 3: { 0: { 18: null, 19: null } } } });
      const info = expectOk(await device.get('deviceInfo'));
      expectMembers(info, { hwv: undefined, swv: undefined, man: 'Trivet Simulators' });
    });

    it('forgets an optional value that the device has lost', async () => {
      const device = await world.addDevice();
      expectMembers(expectOk(await device.get('deviceInfo')), { hwv: 'B2' });
      device.simulator.setResource('/3/0/18', undefined);
      expectMembers(expectOk(await device.get('deviceInfo')), { hwv: undefined });
      expectMembers(await device.stored('deviceInfo'), { hwv: undefined });
    });

    it("says with the device's own code why a read was refused", async () => {
      const device = await world.addDevice();
      device.simulator.faults.refuse = [{ operation: 'read', path: '/20/0', code: '4.01' }];
      expectRefused(await device.get('eventLog'), 5105, /4\.01/);
      // The others are not concerned.
      expectOk(await device.get('battery'));
    });

    for (const version of ['1.0', '1.1', '1.2'] as const) {
      it(`answers the other values when one of them cannot be understood (LwM2M ${version})`, async () => {
        const device = await world.addDevice({ version, objects: { 3: { 0: { 9: 70 } } } });
        expectMembers(await device.stored('battery'), { btl: 70, bts: 1 });
        device.simulator.setResource('/3/0/9', Buffer.from('01e240', 'hex'));
        device.simulator.setResource('/3/0/20', 4);
        expectMembers(expectOk(await device.get('battery')), { btl: 70, bts: 5 });
        assert.deepEqual(expectOk(await device.get('battery', '?atrl=btl+bts')), { btl: 70, bts: 5 });
        expectMembers(await device.stored('battery'), { btl: 70, bts: 5 });
        // Who asks for that value alone gets no old one instead.
        expectRefused(await device.get('battery', '?atrl=btl'), 5000, /0x01e240|AeJA/);
        expectMembers(await device.stored('battery'), { btl: 70 });
        device.simulator.setResource('/3/0/9', 69);
        expectMembers(expectOk(await device.get('battery')), { btl: 69 });
      });
    }

    it('answers 6005 when the object is not on the device any more', async () => {
      const device = await world.addDevice();
      device.simulator.faults.refuse = [{ operation: 'read', path: '/20/0', code: '4.04' }];
      expectRefused(await device.get('eventLog'), 6005, /4\.04/);
    });

    it('serves two devices at the same time, the slow one not in the way of the other', async () => {
      const slow = await world.addDevice();
      const quick = await world.addDevice();
      slow.simulator.faults.delay = 300;
      let isSlowDone = false;
      const waiting = slow.get('battery').then((answer) => {
        isSlowDone = true;
        return answer;
      });
      for (let turn = 0; turn < 5; turn++) expectOk(await quick.get('battery'));
      assert.equal(isSlowDone, false);
      expectOk(await waiting);
    });
  });

  describe('of what is observed on a device', () => {
    it('is served from the stored copy, which the device keeps current', async () => {
      const device = await world.addDevice();
      const listener = await listen();
      try {
        const made = await world.mca.create(`${device.node}/battery`, 23, {
          'm2m:sub': { rn: 'watch', nu: [listener.url], enc: { net: [1] }, nct: 1 },
        });
        expectOk(made, 2001);
        device.simulator.setResource('/3/0/9', 18);
        await eventually('the first notified value', async () => (await device.stored('battery'))?.['btl'] === 18);
        // Both values that the object shows are observed by now, so nothing has to be asked.
        await eventually('a RETRIEVE that asks nobody', async () => {
          const before = device.reads().length;
          expectMembers(expectOk(await device.get('battery')), { btl: 18 });
          return device.reads().length === before;
        });
        // Other objects of the same device are asked all the same.
        const before = device.reads().length;
        expectOk(await device.get('memory'));
        assert.ok(device.reads().length > before);

        expectOk(await world.mca.delete(`${device.node}/battery/watch`), 2002);
        await eventually('the device is asked again', async () => {
          const reads = device.reads().length;
          expectOk(await device.get('battery'));
          return device.reads().length > reads;
        });
      } finally {
        await listener.close();
      }
    });
  });
});

describe('RETRIEVE by the settings of the operator', () => {
  it('retrieve.maxAge: a value that was read a moment ago is not read again', async () => {
    const world = await openWorld(['--retrieve-max-age', '1h']);
    try {
      const device = await world.addDevice();
      device.simulator.setResource('/3/0/9', 60);
      expectMembers(expectOk(await device.get('battery')), { btl: 60 });
      const before = device.reads().length;
      device.simulator.setResource('/3/0/9', 59);
      expectMembers(expectOk(await device.get('battery')), { btl: 60 });
      expectMembers(expectOk(await device.get('battery', '?atrl=btl')), { btl: 60 });
      assert.equal(device.reads().length, before);
    } finally {
      await world.stop();
    }
  });

  it('retrieve.fallback=stored: a device that is gone is shown as it was', async () => {
    const world = await openWorld(['--retrieve-fallback', 'stored']);
    try {
      const device = await world.addDevice({ objects: { 3: { 0: { 9: 64 } } } });
      await device.simulator.deregister();
      expectMembers(expectOk(await device.get('battery')), { btl: 64 });
    } finally {
      await world.stop();
    }
  });
});
