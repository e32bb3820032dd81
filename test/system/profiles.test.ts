/** Profiles of an operator: who gets which, from when on, and what it costs. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeImage } from '../../src/simulators/lwm2m-device.ts';
import { eventually } from '../support/eventually.ts';
import { uploadImage } from './artifacts.ts';
import { listen } from './listener.ts';
import { expectMembers, expectOk, openWorld, untilStatus } from './world.ts';
import type { TestDevice, World } from './world.ts';

/** The label is read from resource 18 instead of 2. */
function labelProfile(match: string, label = 'read: [device/18, device/2]'): string {
  return [
    `match: { technology: lwm2m, ${match} }`,
    'classes:',
    `  deviceInfo: { attributes: { deviceLabel: { lwm2m: { ${label} } } } }`,
  ].join('\n');
}

async function untilLabel(device: TestDevice, label: string): Promise<void> {
  await eventually(`the label ${label}`, async () => (await device.stored('deviceInfo'))?.['dlb'] === label);
}

function maker(manufacturer: string, model: string, version = '1.0.0') {
  return { objects: { 3: { 0: { 0: manufacturer, 1: model, 3: version, 18: 'B2' } } } };
}

describe('a profile', function () {
  this.timeout(30_000);
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'trivet-profiles-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const save = (name: string, text: string): Promise<void> => writeFile(join(directory, name), text);

  describe('that names what a device says of itself', () => {
    let world: World;
    before(async () => {
      const own = await mkdtemp(join(tmpdir(), 'trivet-profiles-'));
      await writeFile(join(own, 'maker.yaml'), labelProfile('manufacturer: "ACME*", model: "S-1"'));
      await writeFile(join(own, 'old.yaml'), labelProfile('manufacturer: Elder, softwareVersion: "<2.0"'));
      await writeFile(join(own, 'kind.yaml'), labelProfile('productClass: gauge'));
      world = await openWorld(['--profiles', own, '--procedure-poll-interval', '100ms']);
      await rm(own, { recursive: true });
    });
    after(() => world.stop());

    it('holds for the devices that say so, from their first values on', async () => {
      const device = await world.addDevice(maker('ACME Inc.', 'S-1'));
      await untilLabel(device, 'B2');
      expectMembers(expectOk(await device.get('deviceInfo', '?atrl=dlb')), { dlb: 'B2' });
    });

    it('holds by the type of the device as well', async () => {
      await untilLabel(await world.addDevice({ objects: { 3: { 0: { 17: 'gauge' } } } }), 'B2');
    });

    it('holds for no others', async () => {
      const device = await world.addDevice(maker('ACME Inc.', 'S-2'));
      expectMembers(expectOk(await device.get('deviceInfo')), { dlb: `SN-${device.simulator.endpoint}` });
    });

    it('holds on when the device registers with other objects', async () => {
      const device = await world.addDevice(maker('ACME Inc.', 'S-1'));
      await untilLabel(device, 'B2');
      device.simulator.setResource('/9/2/7', 0);
      await device.simulator.register();
      await eventually('the new object', async () => (await device.stored('software-2')) !== undefined);
      expectMembers(await device.stored('deviceInfo'), { dlb: 'B2' });
    });

    it('is chosen anew when an update has changed the version', async () => {
      const { url } = await uploadImage(world, makeImage({ name: 'main', version: '2.4.0', size: 2000 }));
      const device = await world.addDevice(maker('Elder', 'E-1', '1.9.9'));
      await untilLabel(device, 'B2');
      expectOk(await device.update('firmware', 'fwr', { vr: '2.4.0', url, ud: true }), 2004);
      await untilStatus(device, 'firmware', 'uds', 'ud', 1);
      await untilLabel(device, `SN-${device.simulator.endpoint}`);
    });

    it('is chosen anew when a reading shows another version', async () => {
      const device = await world.addDevice(maker('Elder', 'E-1', '2.1'));
      expectMembers(await device.stored('deviceInfo'), { dlb: `SN-${device.simulator.endpoint}` });
      device.simulator.setResource('/3/0/3', '1.9');
      expectOk(await device.get('deviceInfo', '?atrl=fwv'));
      await untilLabel(device, 'B2');
    });
  });

  describe('that is new, other or gone', () => {
    let world: World;
    beforeEach(async () => {
      world = await openWorld();
    });
    afterEach(() => world.stop());

    it('holds after a restart, although the device says nothing', async () => {
      const device = await world.addDevice();
      const serial = `SN-${device.simulator.endpoint}`;
      expectMembers(await device.stored('deviceInfo'), { dlb: serial });
      await save('acme.yaml', labelProfile('has: "/20/0"'));
      await world.restart(['--profiles', directory]);
      await untilLabel(device, 'B2');
      await save('acme.yaml', labelProfile('has: "/20/0"', 'read: device/14'));
      await world.restart(['--profiles', directory]);
      await untilLabel(device, '+00:00');
      await world.restart();
      await untilLabel(device, serial);
    });

    it('may make objects and take them away, fix values and take them away', async () => {
      const device = await world.addDevice();
      assert.notEqual((await device.stored('deviceInfo'))?.['hwv'], undefined);
      await save(
        'acme.yaml',
        [
          'match: { technology: lwm2m, model: "SIM-*" }',
          'classes:',
          '  battery:',
          '    exists: { lwm2m: { object: device, when: { anyInstanceOf: device/6, in: [99], ifUnreadable: false } } }',
          '  deviceInfo:',
          '    attributes:',
          '      deviceLabel: { lwm2m: { constant: fixed } }',
          '      hwVersion: { lwm2m: { none: "this model shows its label there" } }',
        ].join('\n'),
      );
      await world.restart(['--profiles', directory]);
      await untilLabel(device, 'fixed');
      expectMembers(await device.stored('deviceInfo'), { hwv: undefined });
      assert.equal(await device.stored('battery'), undefined);
      await world.restart();
      await untilLabel(device, `SN-${device.simulator.endpoint}`);
      await eventually('the battery', async () => (await device.stored('battery'))?.['btl'] !== undefined);
      expectMembers(await device.stored('deviceInfo'), { hwv: 'B2' });
    });

    it('changes what is observed', async () => {
      const listener = await listen();
      try {
        const device = await world.addDevice();
        const content = { rn: 'watch', nu: [listener.url], enc: { net: [1], atr: ['dlb'] }, nct: 2 };
        expectOk(await world.mca.create(`${device.node}/deviceInfo`, 23, { 'm2m:sub': content }), 2001);
        await save('acme.yaml', labelProfile('has: "/20/0"'));
        await world.restart(['--profiles', directory]);
        await untilLabel(device, 'B2');
        await eventually('the observation', async () => {
          const reads = device.reads().length;
          expectOk(await device.get('deviceInfo', '?atrl=dlb'));
          return device.reads().length === reads;
        });
        device.simulator.setResource('/3/0/18', 'B3');
        await untilLabel(device, 'B3');
      } finally {
        await listener.close();
      }
    });

    it('holds for a device that sleeps from its next contact on', async () => {
      await world.stop();
      world = await openWorld(['--lwm2m-awake-window', '1s']);
      const device = await world.addDevice({ queueMode: true, awakeFor: 600 });
      device.simulator.faults.asleep = true;
      await eventually('it sleeps', async () => (await device.presence()) === 'asleep');
      await save('acme.yaml', labelProfile('has: "/20/0"'));
      await world.restart(['--profiles', directory]);
      device.simulator.faults.asleep = false;
      await device.simulator.update();
      await untilLabel(device, 'B2');
    });
  });

  it('that has not changed costs nothing after a restart: nothing is read, and nothing written', async () => {
    await save('acme.yaml', labelProfile('manufacturer: "Trivet*", softwareVersion: "<9"'));
    const world = await openWorld(['--profiles', directory]);
    try {
      const device = await world.addDevice();
      await untilLabel(device, 'B2');
      await world.restart();
      const commits = await commitsOf(world);
      const reads = device.reads().length;
      await device.simulator.update();
      await device.simulator.register();
      await device.simulator.update();
      assert.equal(device.reads().length, reads);
      assert.equal(await commitsOf(world), commits);
      expectMembers(await device.stored('deviceInfo'), { dlb: 'B2' });
    } finally {
      await world.stop();
    }
  });
});

async function commitsOf({ gateway }: World): Promise<number> {
  const response = await fetch(`${gateway.urls.admin!.replace(/\/$/, '')}/metrics`);
  return Number(/^trivet_commits_total (\d+)$/m.exec(await response.text())?.[1]);
}
