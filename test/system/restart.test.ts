import assert from 'node:assert/strict';
import { makeImage } from '../../src/simulators/lwm2m-device.ts';
import { eventually } from '../support/eventually.ts';
import { uploadImage } from './artifacts.ts';
import { listen } from './listener.ts';
import { expectMembers, expectOk, openWorld, untilStatus } from './world.ts';
import type { World } from './world.ts';

describe('a gateway that is restarted under its devices', () => {
  let world: World;
  before(async () => {
    world = await openWorld(['--procedure-poll-interval', '100ms', '--lwm2m-awake-window', '1s']);
  });
  after(() => world.stop());

  it('knows them: an Update is answered, they are read and written, nothing registers anew', async () => {
    const first = await world.addDevice();
    const second = await world.addDevice();
    const locations = [first.simulator.location, second.simulator.location];
    expectOk(await first.update('eventLog', 'evl', { lgt: 2, lbl: ['kept'] }), 2004);

    await world.restart();
    // One speaks first, the other is spoken to.
    await first.simulator.update();
    first.simulator.setResource('/3/0/9', 77);
    expectMembers(expectOk(await first.get('battery')), { btl: 77 });
    expectOk(await second.update('eventLog', 'evl', { lga: true }), 2004);
    assert.deepEqual([first.simulator.location, second.simulator.location], locations);
    expectMembers(await first.stored('eventLog'), { lgt: 2, lbl: ['kept'] });
    assert.equal(second.deeds('execute').length, 1);
  });

  it('goes on with a firmware update that had been accepted', async () => {
    const device = await world.addDevice({ speed: 2 });
    const version = '7.0.0';
    const { url } = await uploadImage(world, makeImage({ name: 'main', version, size: 3000 }));
    expectOk(await device.update('firmware', 'fwr', { vr: version, fwn: 'main', url, ud: true }), 2004);
    await eventually('the device installs', () => device.deeds('execute').some(({ path }) => path === '/5/0/2'));
    await world.restart();
    expectMembers(await device.stored('firmware'), { ud: true, uds: { acn: 'ud', sus: 3 } });
    await untilStatus(device, 'firmware', 'uds', 'ud', 1);
    assert.equal(device.simulator.resource('/3/0/3'), version);
    assert.equal(device.deeds('execute').length, 1);
    assert.equal(device.deeds('firmware-installed').length, 1);
  });

  it('observes again what is subscribed to', async () => {
    const listener = await listen();
    try {
      const device = await world.addDevice({ objects: { 3: { 0: { 9: 50 } } } });
      const content = { rn: 'watch', nu: [listener.url], enc: { net: [1] }, nct: 1 };
      expectOk(await world.mca.create(`${device.node}/battery`, 23, { 'm2m:sub': content }), 2001);
      device.simulator.setResource('/3/0/9', 49);
      await listener.until(1);
      await world.restart();
      await device.simulator.update();
      await eventually('the observation of the new process', async () => {
        const reads = device.reads().length;
        expectOk(await device.get('battery'));
        return device.reads().length === reads;
      });
      const known = listener.heard.length;
      device.simulator.setResource('/3/0/9', 48);
      await listener.until(known + 1);
      expectMembers(await device.stored('battery'), { btl: 48 });
    } finally {
      await listener.close();
    }
  });

  it('executes what a non-blocking request has left for a device that sleeps, and says how it ended', async () => {
    const device = await world.addDevice({ queueMode: true, awakeFor: 600 });
    device.simulator.faults.asleep = true;
    await eventually('the gateway knows that it sleeps', async () => (await device.presence()) === 'asleep');
    const accepted = await device.update('eventLog?rt=1', 'evl', { lgt: 4 });
    assert.equal(accepted.rsc, 1001, accepted.text);
    await world.restart();
    device.simulator.faults.asleep = false;
    await device.simulator.update();
    await eventually('the device is written', () => device.simulator.resource('/20/0/4010') === 4);
    await eventually('the resource follows', async () => (await device.stored('eventLog'))?.['lgt'] === 4);
    const result = await eventually('the result of the request', async () => {
      const request = expectOk(await world.mca.get(String(accepted.body['m2m:uri'])));
      return request['rs'] === 3 ? undefined : request;
    });
    expectMembers(result['ors'] as Record<string, unknown>, { rsc: 2004 });
    assert.equal(device.deeds('write').length, 1);
  });
});
