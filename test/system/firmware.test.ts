import assert from 'node:assert/strict';
import { makeImage } from '../../src/simulators/lwm2m-device.ts';
import type { DeviceOptions, Faults } from '../../src/simulators/lwm2m-device.ts';
import { eventually } from '../support/eventually.ts';
import { uploadImage } from './artifacts.ts';
import { expectMembers, expectOk, expectRefused, openWorld, untilStatus } from './world.ts';
import type { TestDevice, World } from './world.ts';

const version = '2.4.0';
const image = makeImage({ name: 'sensor-main', version, size: 20_000 });

describe('a firmware update, from the DM application to the device', () => {
  let world: World;
  let url: string;
  before(async () => {
    world = await openWorld(['--procedure-poll-interval', '100ms']);
    ({ url } = await uploadImage(world, image));
  });
  after(() => world.stop());

  function start(device: TestDevice, from = url, wanted = version): ReturnType<TestDevice['update']> {
    return device.update('firmware', 'fwr', { vr: wanted, fwn: 'sensor-main', url: from, ud: true });
  }

  const methods: [string, Partial<DeviceOptions>, 'write /5/0/1' | 'write /5/0/0'][] = [
    ['pull by HTTP', { objects: { 5: { 0: { 8: { 0: 2 }, 9: 0 } } } }, 'write /5/0/1'],
    ['pull by CoAP', { objects: { 5: { 0: { 8: { 0: 0 }, 9: 0 } } } }, 'write /5/0/1'],
    ['push in blocks', { objects: { 5: { 0: { 9: 1 } } } }, 'write /5/0/0'],
    ['push to a device of 1.0', { version: '1.0', objects: { 5: { 0: { 9: 1 } } } }, 'write /5/0/0'],
  ];
  for (const [name, options, delivery] of methods) {
    it(`${name}: answers In_Process when the device has accepted, and ends Successful`, async () => {
      const device = await world.addDevice(options);
      expectMembers(expectOk(await start(device), 2004), { ud: true, uds: { acn: 'ud', sus: 3 } });
      await untilStatus(device, 'firmware', 'uds', 'ud', 1);
      expectMembers(await device.stored('firmware'), { ud: false });
      assert.equal(device.simulator.resource('/3/0/3'), version);
      const deeds = device
        .deeds('write', 'execute', 'firmware-installed')
        .map(({ kind, path }) => `${kind} ${path ?? ''}`.trim());
      assert.ok(deeds.includes(delivery), deeds.join(', '));
      assert.equal(deeds.filter((deed) => deed === 'execute /5/0/2').length, 1);
      assert.equal(deeds.filter((deed) => deed === 'firmware-installed').length, 1);
      // What the update changes elsewhere is read again by itself.
      await eventually('fwVersion follows', async () => (await device.stored('deviceInfo'))?.['fwv'] === version);
    });
  }

  it('takes URL and version that were written before the trigger', async () => {
    const device = await world.addDevice();
    expectOk(await device.update('firmware', 'fwr', { url, fwn: 'sensor-main' }), 2004);
    expectOk(await device.update('firmware', 'fwr', { vr: '9.9.9' }), 2004);
    assert.equal(device.simulator.journal.length, 0);
    expectOk(await device.update('firmware', 'fwr', { ud: true }), 2004);
    // The device installs 2.4.0, and another version was asked for.
    await untilStatus(device, 'firmware', 'uds', 'ud', 2);
    assert.equal(device.simulator.resource('/3/0/3'), version);
  });

  it('demands no version when none was asked for', async () => {
    const device = await world.addDevice();
    expectOk(await device.update('firmware', 'fwr', { url, ud: true }), 2004);
    await untilStatus(device, 'firmware', 'uds', 'ud', 1);
    assert.equal(device.simulator.resource('/3/0/3'), version);
  });

  it('refuses a second trigger while the first is running, and takes it afterwards', async () => {
    const device = await world.addDevice({ speed: 4 });
    expectOk(await start(device), 2004);
    expectRefused(await start(device), 4105, /not over/);
    expectOk(await device.get('battery'));
    await untilStatus(device, 'firmware', 'uds', 'ud', 1);
    expectOk(await start(device), 2004);
    await untilStatus(device, 'firmware', 'uds', 'ud', 3);
  });

  it('serves short requests between two blocks of a push', async () => {
    const device = await world.addDevice({ faults: { delay: 5 }, objects: { 5: { 0: { 9: 1 } } } });
    expectOk(await start(device), 2004);
    let served = 0;
    while (device.deeds('write').length === 0) {
      expectOk(await device.get('battery', '?atrl=btl'));
      served += 1;
    }
    assert.ok(served >= 2, `${served} reads during the push`);
    await untilStatus(device, 'firmware', 'uds', 'ud', 1);
  });

  it('says Failure when the device runs another version than was asked for', async () => {
    const device = await world.addDevice({ faults: { keepsOldVersion: true } });
    expectOk(await start(device), 2004);
    await untilStatus(device, 'firmware', 'uds', 'ud', 2);
    assert.equal(device.simulator.resource('/3/0/3'), '1.0.0');
    // The verdict stands, although the device itself calls it a success.
    expectOk(await device.get('firmware'));
    expectMembers(await device.stored('firmware'), { uds: { acn: 'ud', sus: 2 } });
  });

  const failures: [string, Faults, Partial<DeviceOptions>?][] = [
    ['finds the digest wrong', { badImage: 'integrity' }],
    ['does not support the image', { badImage: 'type' }],
    ['fails to install the image', { badImage: 'install' }],
    ['loses the connection during the download', { downloadFailure: 'connection' }],
    ['finds the URI invalid', { downloadFailure: 'uri' }, { objects: { 5: { 0: { 9: 0 } } } }],
    ['does not speak the protocol of the URI', { downloadFailure: 'protocol' }, { objects: { 5: { 0: { 9: 0 } } } }],
    ['has no room for the image (pull)', { storageFull: true }],
    ['has no room for the image (push)', { storageFull: true }, { objects: { 5: { 0: { 9: 1 } } } }],
    ['refuses the trigger', { refuse: [{ operation: 'execute', path: '/5/0/2', code: '4.05' }] }],
  ];
  for (const [what, faults, options] of failures) {
    it(`says Failure when the device ${what}`, async () => {
      const device = await world.addDevice({ faults, ...options });
      const answer = await start(device);
      assert.ok(answer.rsc === 2004 || answer.dbg !== '', answer.text);
      await untilStatus(device, 'firmware', 'uds', 'ud', 2);
      assert.equal(device.simulator.resource('/3/0/3'), '1.0.0');
      assert.equal(device.deeds('firmware-installed').length, 0);
      // And the next one may succeed.
      Object.assign(device.simulator.faults, {
        badImage: undefined,
        downloadFailure: undefined,
        storageFull: false,
        refuse: [],
      });
      expectOk(await start(device), 2004);
      await untilStatus(device, 'firmware', 'uds', 'ud', 1);
      assert.equal(device.simulator.resource('/3/0/3'), version);
    });
  }

  it('pushes to a device that cannot fetch from the URL', async () => {
    const device = await world.addDevice({ faults: { downloadFailure: 'protocol' } });
    expectOk(await start(device), 2004);
    await untilStatus(device, 'firmware', 'uds', 'ud', 1);
    assert.deepEqual(
      device
        .deeds('write')
        .map(({ path }) => path)
        .filter((path) => path === '/5/0/0').length,
      1,
    );
    assert.equal(device.simulator.resource('/3/0/3'), version);
  });

  it('refuses at once what the device refuses at once', async () => {
    const device = await world.addDevice({
      objects: { 5: { 0: { 9: 0 } } },
      faults: { refuse: [{ operation: 'write', path: '/5/0/1', code: '4.03' }] },
    });
    expectRefused(await start(device), 5105, /4\.03/);
    await untilStatus(device, 'firmware', 'uds', 'ud', 2);
  });

  it('goes on when the device registers anew in the middle of it', async () => {
    const device = await world.addDevice({ speed: 10, objects: { 5: { 0: { 9: 0 } } } });
    expectOk(await start(device), 2004);
    await device.simulator.register();
    await untilStatus(device, 'firmware', 'uds', 'ud', 1);
    assert.equal(device.deeds('firmware-installed').length, 1);
    assert.equal(device.deeds('execute').length, 1);
  });

  it('says Failure when nobody serves the URL, to the device or to the gateway', async () => {
    const attributes = { vr: '2', fwn: 'x', url: 'http://127.0.0.1:9/nothing.img', ud: true };
    const pulling = await world.addDevice({ objects: { 5: { 0: { 9: 0 } } } });
    expectOk(await pulling.update('firmware', 'fwr', attributes), 2004);
    await untilStatus(pulling, 'firmware', 'uds', 'ud', 2);
    // For a push the gateway itself fetches the image.
    const pushed = await world.addDevice({ objects: { 5: { 0: { 9: 1 } } } });
    const answer = await pushed.update('firmware', 'fwr', attributes);
    assert.ok(answer.rsc >= 4000, answer.text);
    assert.match(answer.dbg, /127\.0\.0\.1:9/);
    await untilStatus(pushed, 'firmware', 'uds', 'ud', 2);
    assert.equal(pushed.deeds('write').length, 0);
  });
});
