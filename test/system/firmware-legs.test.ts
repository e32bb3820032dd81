/** The same request of a DM application, whatever protocol the device speaks: one body, run over every leg. */
import assert from 'node:assert/strict';
import { makeImage } from '../../src/simulators/lwm2m-device.ts';
import { eventually } from '../support/eventually.ts';
import type { McaAnswer } from '../support/mca-client.ts';
import { uploadImage } from './artifacts.ts';
import { addCpe } from './cpe.ts';
import { expectMembers, expectOk, expectRefused, openWorld, untilStatus } from './world.ts';
import type { ManagedNode, World } from './world.ts';

/** What the body knows of a device, besides its resources. */
interface Updatable extends ManagedNode {
  /** Version that runs. */
  running(): unknown;
  installations(): number;
  /** It has fetched an image. */
  hasFetched(): boolean;
  losePower(): void;
}

interface Wanted {
  /** How much faster than in life it installs and boots; default 50. */
  speed?: number;
  keepsOldVersion?: boolean;
  /** Refuses the order itself. */
  refuses?: boolean;
}

const legs: Record<string, (world: World, wanted: Wanted) => Promise<Updatable>> = {
  async LwM2M(world, { speed = 50, keepsOldVersion, refuses }) {
    const device = await world.addDevice({
      speed,
      objects: { 5: { 0: { 9: 0 } } },
      faults: { keepsOldVersion, refuse: refuses ? [{ operation: 'write', path: '/5/0/1', code: '4.03' }] : [] },
    });
    return {
      ...device,
      running: () => device.simulator.resource('/3/0/3'),
      installations: () => device.deeds('firmware-installed').length,
      hasFetched: () => Number(device.simulator.resource('/5/0/3')) >= 2,
      losePower: () => void device.simulator.reboot(),
    };
  },
  async 'TR-069'(world, { speed = 50, keepsOldVersion, refuses }) {
    const cpe = await addCpe(world, {
      speed,
      faults: { keepsOldVersion, refuse: refuses ? [{ method: 'Download', code: 9001 }] : [] },
    });
    return {
      ...cpe,
      running: () => cpe.simulator.parameter('Device.DeviceInfo.SoftwareVersion'),
      installations: () => cpe.deeds('firmware-installed').length,
      hasFetched: () => cpe.deeds('download').length > 0,
      losePower: () => cpe.simulator.powerCut(),
    };
  },
};

const version = '2.4.0';

for (const [name, add] of Object.entries(legs)) {
  describe(`[firmware] over ${name}`, () => {
    let world: World;
    let url: string;
    before(async () => {
      world = await openWorld(['--procedure-poll-interval', '100ms']);
      ({ url } = await uploadImage(world, makeImage({ name: 'main', version, size: 20_000 })));
    });
    after(() => world.stop());

    const start = (device: ManagedNode, from = url, wanted = version): Promise<McaAnswer> =>
      device.update('firmware', 'fwr', { vr: wanted, fwn: 'main', url: from, ud: true });

    it('answers In_Process when the device has accepted, and ends Successful with the new version', async () => {
      const device = await add(world, {});
      expectMembers(expectOk(await start(device), 2004), { ud: true, uds: { acn: 'ud', sus: 3 } });
      await untilStatus(device, 'firmware', 'uds', 'ud', 1);
      expectMembers(await device.stored('firmware'), { ud: false });
      assert.equal(device.running(), version);
      assert.equal(device.installations(), 1);
      // What the update changes elsewhere is read again by itself.
      await eventually('fwVersion follows', async () => (await device.stored('deviceInfo'))?.['fwv'] === version);
    });

    it('takes URL and version that were written before the trigger', async () => {
      const device = await add(world, {});
      expectOk(await device.update('firmware', 'fwr', { url, fwn: 'main' }), 2004);
      expectOk(await device.update('firmware', 'fwr', { vr: '9.9.9' }), 2004);
      expectOk(await device.update('firmware', 'fwr', { ud: true }), 2004);
      // The device installs 2.4.0, and another version was asked for.
      await untilStatus(device, 'firmware', 'uds', 'ud', 2);
      assert.equal(device.running(), version);
    });

    it('demands no version when none was asked for', async () => {
      const device = await add(world, {});
      expectOk(await device.update('firmware', 'fwr', { url, ud: true }), 2004);
      await untilStatus(device, 'firmware', 'uds', 'ud', 1);
      assert.equal(device.running(), version);
    });

    it('refuses a trigger without a URL, and a second one while the first is running', async () => {
      const device = await add(world, { speed: 1 });
      expectRefused(await device.update('firmware', 'fwr', { ud: true }), 4000, /URL|url/);
      expectOk(await start(device), 2004);
      expectRefused(await start(device), 4105, /not over/);
      expectOk(await device.get('memory'));
    });

    it('says Failure when the image is corrupted, and takes a good one afterwards', async () => {
      const device = await add(world, {});
      const bad = makeImage({ name: 'main', version: '3.0.0', size: 5000, flaw: 'integrity' });
      expectOk(await start(device, (await uploadImage(world, bad)).url, '3.0.0'), 2004);
      await untilStatus(device, 'firmware', 'uds', 'ud', 2);
      assert.deepEqual([device.running(), device.installations()], ['1.0.0', 0]);
      expectOk(await start(device), 2004);
      await untilStatus(device, 'firmware', 'uds', 'ud', 1);
      assert.equal(device.running(), version);
    });

    it('says Failure when nobody serves the URL', async () => {
      const device = await add(world, {});
      expectOk(await start(device, 'http://127.0.0.1:9/nothing.img'), 2004);
      await untilStatus(device, 'firmware', 'uds', 'ud', 2);
      assert.equal(device.running(), '1.0.0');
    });

    it('says Failure when the device runs its old version afterwards', async () => {
      const device = await add(world, { keepsOldVersion: true });
      expectOk(await start(device), 2004);
      await untilStatus(device, 'firmware', 'uds', 'ud', 2);
      assert.equal(device.running(), '1.0.0');
    });

    it('refuses at once what the device refuses at once, with its words', async () => {
      const device = await add(world, { refuses: true });
      const answer = await start(device);
      assert.ok(answer.rsc >= 4000, answer.text);
      assert.match(answer.dbg, /4\.03|9001/);
      await untilStatus(device, 'firmware', 'uds', 'ud', 2);
    });

    it('ends as the device ends it when that loses power in the middle, and says nothing that is not so', async () => {
      const device = await add(world, {});
      expectOk(await start(device), 2004);
      device.losePower();
      const status = await eventually('the update is over', async () => {
        const uds = (await device.stored('firmware'))?.['uds'] as { sus: number } | undefined;
        return uds && uds.sus !== 3 ? uds.sus : undefined;
      });
      assert.equal(device.running(), status === 1 ? version : '1.0.0');
      assert.equal(device.installations(), status === 1 ? 1 : 0);
    });

    it('goes on when the gateway is restarted in the middle of it', async () => {
      const device = await add(world, { speed: 5 });
      expectOk(await start(device), 2004);
      await eventually('the device has the image', () => device.hasFetched());
      await world.restart();
      await untilStatus(device, 'firmware', 'uds', 'ud', 1);
      assert.equal(device.running(), version);
      assert.equal(device.installations(), 1);
    });
  });
}
