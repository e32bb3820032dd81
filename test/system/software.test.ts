import assert from 'node:assert/strict';
import { makeImage } from '../../src/simulators/lwm2m-device.ts';
import type { Faults } from '../../src/simulators/lwm2m-device.ts';
import { uploadImage } from './artifacts.ts';
import { expectMembers, expectOk, expectRefused, openWorld, untilStatus } from './world.ts';
import type { World } from './world.ts';

const version = '3.0.1';

describe('software management, from the DM application to the device', () => {
  let world: World;
  let url: string;
  before(async () => {
    world = await openWorld(['--procedure-poll-interval', '100ms']);
    ({ url } = await uploadImage(world, makeImage({ name: 'agent', version, size: 6000 })));
  });
  after(() => world.stop());

  it('installs, activates, deactivates and uninstalls a package', async () => {
    const device = await world.addDevice();
    const { simulator } = device;
    expectMembers(
      expectOk(await device.update('software-1', 'swr', { vr: version, swn: 'agent', url, in: true }), 2004),
      {
        ins: { acn: 'in', sus: 3 },
      },
    );
    await untilStatus(device, 'software-1', 'ins', 'in', 1);
    assert.equal(simulator.resource('/9/1/7'), 4);
    expectMembers(expectOk(await device.get('software-1')), { vr: version, swn: 'agent', in: false });

    expectOk(await device.update('software-1', 'swr', { act: true }), 2004);
    await untilStatus(device, 'software-1', 'acts', 'act', 1);
    assert.equal(simulator.resource('/9/1/12'), true);

    expectOk(await device.update('software-1', 'swr', { dea: true }), 2004);
    await untilStatus(device, 'software-1', 'acts', 'dea', 1);
    assert.equal(simulator.resource('/9/1/12'), false);

    expectOk(await device.update('software-1', 'swr', { un: true }), 2004);
    await untilStatus(device, 'software-1', 'ins', 'un', 1);
    assert.equal(simulator.resource('/9/1/7'), 0);
    assert.deepEqual(
      device
        .deeds('software-installed', 'software-activated', 'software-deactivated', 'software-uninstalled')
        .map(({ kind }) => kind.replace('software-', ''))
        .filter((kind, index, all) => kind !== all[index - 1]),
      ['installed', 'activated', 'deactivated', 'uninstalled'],
    );
  });

  it('two packages of one device do not disturb each other', async () => {
    const device = await world.addDevice({ speed: 10 });
    expectOk(await device.update('software-1', 'swr', { vr: version, swn: 'agent', url, in: true }), 2004);
    expectOk(await device.update('software', 'swr', { dea: true }), 2004);
    await untilStatus(device, 'software', 'acts', 'dea', 1);
    await untilStatus(device, 'software-1', 'ins', 'in', 1);
    expectMembers(await device.stored('software'), { swn: 'metering-agent' });
  });

  it('refuses a second trigger of the same package while the first is running', async () => {
    const device = await world.addDevice({ speed: 5 });
    expectOk(await device.update('software-1', 'swr', { vr: version, swn: 'agent', url, in: true }), 2004);
    expectRefused(await device.update('software-1', 'swr', { un: true }), 4105);
    await untilStatus(device, 'software-1', 'ins', 'in', 1);
  });

  it('refuses opposite triggers in one request, and a trigger without its URL', async () => {
    const device = await world.addDevice();
    expectRefused(await device.update('software-1', 'swr', { in: true, un: true, url }), 4000, /exclude each other/);
    expectRefused(await device.update('software-1', 'swr', { act: true, dea: true }), 4000, /exclude each other/);
    expectRefused(await device.update('software-1', 'swr', { in: true }), 4000, /URL/);
    assert.equal(device.simulator.journal.length, 0);
  });

  it('does not activate what is not installed', async () => {
    const device = await world.addDevice();
    const answer = await device.update('software-1', 'swr', { act: true });
    assert.ok(answer.rsc >= 4000, answer.text);
    await untilStatus(device, 'software-1', 'acts', 'act', 2);
    assert.equal(device.simulator.resource('/9/1/12'), false);
  });

  it('pushes the package to a device that cannot fetch it', async () => {
    const device = await world.addDevice({ faults: { downloadFailure: 'uri' } });
    expectOk(await device.update('software-1', 'swr', { vr: version, swn: 'agent', url, in: true }), 2004);
    await untilStatus(device, 'software-1', 'ins', 'in', 1);
    assert.deepEqual(
      device.deeds('write').map(({ path }) => path),
      ['/9/1/3', '/9/1/2'],
    );
  });

  const failures: [string, Faults][] = [
    ['finds the digest wrong', { badImage: 'integrity' }],
    ['does not support the package', { badImage: 'type' }],
    ['fails to install the package', { badImage: 'install' }],
    ['loses the connection during the download', { downloadFailure: 'connection' }],
    ['has no room for the package', { storageFull: true }],
  ];
  for (const [what, faults] of failures) {
    it(`says Failure when the device ${what}`, async () => {
      const device = await world.addDevice({ faults });
      await device.update('software-1', 'swr', { vr: version, swn: 'agent', url, in: true });
      await untilStatus(device, 'software-1', 'ins', 'in', 2);
      assert.equal(device.deeds('software-installed').length, 0);
      expectMembers(await device.stored('software-1'), { in: false });
    });
  }
});
