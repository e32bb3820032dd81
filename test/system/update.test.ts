import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import { expectMembers, expectOk, expectRefused, openWorld, untilRestarted } from './world.ts';
import type { World } from './world.ts';

describe('what applications do to a device', () => {
  let world: World;
  before(async () => {
    world = await openWorld();
  });
  after(() => world.stop());

  describe('UPDATE of what a device has', () => {
    it('writes to the device first; the resource follows', async () => {
      const device = await world.addDevice();
      const answer = expectOk(await device.update('eventLog', 'evl', { lgt: 2 }), 2004);
      expectMembers(answer, { lgt: 2 });
      assert.deepEqual(
        device.deeds('write').map(({ path, value }) => [path, value]),
        [['/20/0/4010', 2]],
      );
      expectMembers(await device.stored('eventLog'), { lgt: 2 });
    });

    it("leaves the resource as it was when the device refuses, and says so with the device's code", async () => {
      const device = await world.addDevice();
      const before = await device.stored('eventLog');
      device.simulator.faults.refuse = [{ operation: 'write', code: '4.01' }];
      expectRefused(await device.update('eventLog', 'evl', { lgt: 4 }), 5105, /4\.01 Unauthorized/);
      assert.deepEqual(await device.stored('eventLog'), before);
      assert.deepEqual(device.deeds('write'), []);
    });

    const refusals: [string, number][] = [
      ['4.00', 4000],
      ['4.01', 5105],
      ['4.03', 5105],
      ['4.04', 6005],
      ['4.05', 4005],
      ['4.13', 4102],
      ['5.00', 5000],
      ['5.01', 5001],
    ];
    it('gives every refusal of the device a response status code of its own', async () => {
      const device = await world.addDevice();
      const codes: [string, number][] = [];
      for (const [code] of refusals) {
        device.simulator.faults.refuse = [{ operation: 'execute', code }];
        const answer = await device.update('eventLog', 'evl', { lga: true });
        assert.match(answer.dbg, new RegExp(code.replace('.', '\\.')));
        codes.push([code, answer.rsc]);
      }
      assert.deepEqual(codes, refusals);
    });

    it('writes plain attributes before it triggers', async () => {
      const device = await world.addDevice();
      expectOk(await device.update('eventLog', 'evl', { lga: true, lgt: 2 }), 2004);
      assert.deepEqual(
        device.deeds('write', 'execute').map(({ kind, path }) => `${kind} ${path}`),
        ['write /20/0/4010', 'execute /20/0/4011'],
      );
    });

    it('does not trigger when the plain attributes were refused', async () => {
      const device = await world.addDevice();
      device.simulator.faults.refuse = [{ operation: 'write', code: '4.03' }];
      expectRefused(await device.update('eventLog', 'evl', { lga: true, lgt: 2 }), 5105);
      assert.deepEqual(device.deeds('write', 'execute'), []);
    });

    it('keeps what was written when the trigger after it was refused', async () => {
      const device = await world.addDevice();
      device.simulator.faults.refuse = [{ operation: 'execute', code: '4.05' }];
      expectRefused(await device.update('eventLog', 'evl', { lga: true, lgt: 2 }), 4005, /4\.05/);
      expectMembers(await device.stored('eventLog'), { lgt: 2 });
      assert.equal(device.simulator.resource('/20/0/4010'), 2);
    });

    it('a trigger that is written false does nothing', async () => {
      const device = await world.addDevice();
      expectOk(await device.update('reboot', 'rbo', { rbo: false }), 2004);
      assert.deepEqual(device.deeds('execute'), []);
    });

    it('says that a capability could not be enabled: Failure in its status', async () => {
      const device = await world.addDevice();
      device.simulator.faults.refuse = [{ operation: 'execute', path: '/15/1/5', code: '4.03' }];
      expectRefused(await device.update('deviceCapability-1', 'dvc', { ena: true }), 5105);
      expectMembers(await device.stored('deviceCapability-1'), { cas: { acn: 'ena', sus: 2 }, cus: false, ena: false });
    });

    it('refuses what an application may not set, before the device is asked', async () => {
      const device = await world.addDevice();
      expectRefused(
        await device.update('firmware', 'fwr', { uds: { acn: 'ud', sus: 1 } }),
        4000,
        /reported by the device/,
      );
      expectRefused(await device.update('battery', 'bat', { btl: 3 }), 4005, /batteryLevel \(btl\) is read-only/);
      expectRefused(await device.update('battery', 'bat', { btl: 300 }), 4000);
      expectRefused(await device.update('battery', 'bat', { nope: 1 }), 4000);
      expectRefused(await device.update('firmware', 'fwr', { ud: true }), 4000, /URL/);
      assert.equal(device.simulator.journal.length, 0);
    });

    it('keeps labels and other attributes of the CSE without asking the device', async () => {
      const device = await world.addDevice();
      const reads = device.reads().length;
      expectOk(await device.update('battery', 'bat', { lbl: ['spare'] }), 2004);
      expectMembers(await device.stored('battery'), { lbl: ['spare'] });
      expectOk(await device.update('eventLog', 'evl', { lbl: ['audited'], lgt: 4 }), 2004);
      expectMembers(await device.stored('eventLog'), { lbl: ['audited'], lgt: 4 });
      assert.equal(device.reads().length, reads);
    });

    it('takes a reboot that nobody answered for done when the device comes back', async () => {
      const device = await world.addDevice({ faults: { silentReboot: true } });
      expectOk(await device.update('reboot', 'rbo', { rbo: true }), 2004);
      await untilRestarted(device, 1);
      assert.equal(device.deeds('execute').length, 1);
    });

    it('does not repeat a trigger that was acknowledged and then never answered', async () => {
      const device = await world.addDevice();
      device.simulator.faults.ackThenSilence = [{ operation: 'execute' }];
      const answer = await device.update('reboot', 'rbo', { rbo: true }, { headers: { 'X-M2M-RET': '700' } });
      expectRefused(answer, 4008, /operation/);
      device.simulator.faults.ackThenSilence = [];
      await device.simulator.register();
      expectOk(await device.get('battery'));
      assert.deepEqual(device.deeds('execute', 'reboot'), []);
    });
  });

  describe('CREATE and DELETE of what a device has', () => {
    const buffer = { mgd: 1019, obis: ['urn:oma:lwm2m:ext:2056'], aec: [2], mbfs: 10, sgp: 1 };

    it('a device that refuses the creation leaves no resource', async () => {
      const device = await world.addDevice();
      device.simulator.faults.refuse = [{ operation: 'create', code: '4.01' }];
      expectRefused(await device.create('cmbf', { rn: 'refused', ...buffer }), 5105, /4\.01/);
      expectRefused(await device.get('refused'), 4004);
    });

    it('an object that the device has already cannot be made a second time', async () => {
      const device = await world.addDevice();
      const made = expectOk(await device.create('cmbf', { rn: 'first', ...buffer }), 2001);
      expectRefused(await device.create('cmbf', { rn: 'second', ...buffer, obps: made['obps'], sgp: 9 }), 5106);
      assert.equal(device.deeds('create').length, 1);
    });

    it('an object without a technology is an object of the CSE alone', async () => {
      const device = await world.addDevice();
      const { obis: _, ...plain } = buffer;
      expectOk(await device.create('cmbf', { rn: 'plain', ...plain }), 2001);
      expectOk(await device.update('plain', 'cmbf', { sgp: 2 }), 2004);
      expectMembers(expectOk(await device.get('plain')), { sgp: 2 });
      expectOk(await device.remove('plain'), 2002);
      assert.equal(device.simulator.journal.length, 0);
    });

    it('an object of the standard that the device cannot lose stays: 4005', async () => {
      const device = await world.addDevice();
      for (const object of ['battery', 'deviceInfo', 'firmware', 'software', 'reboot', 'eventLog']) {
        expectRefused(await device.remove(object), 4005, /cannot delete it/);
      }
      expectOk(await device.get('battery'));
    });

    it('a device that refuses the deletion keeps the resource', async () => {
      const device = await world.addDevice();
      expectOk(await device.create('cmbf', { rn: 'kept', ...buffer }), 2001);
      device.simulator.faults.refuse = [{ operation: 'delete', code: '4.05' }];
      expectRefused(await device.remove('kept'), 4005, /4\.05/);
      expectMembers(expectOk(await device.get('kept')), { sgp: 1 });
    });

    it('what is gone from the device already is deleted', async () => {
      const device = await world.addDevice();
      expectOk(await device.create('cmbf', { rn: 'vanished', ...buffer }), 2001);
      device.simulator.faults.refuse = [{ operation: 'delete', code: '4.04' }];
      expectOk(await device.remove('vanished'), 2002);
      expectRefused(await device.get('vanished'), 4004);
    });

    it('what the requester named keeps its name after the device has told its objects', async () => {
      const device = await world.addDevice();
      expectOk(await device.create('cmbf', { rn: 'my-buffer', lbl: ['mine'], ...buffer }), 2001);
      await eventually('the device told its new object', () => device.simulator.location !== undefined);
      await device.simulator.register();
      expectMembers(await device.stored('my-buffer'), { lbl: ['mine'], sgp: 1 });
    });
  });
});
