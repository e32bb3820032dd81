import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import { listen } from './listener.ts';
import type { Heard, Listener } from './listener.ts';
import { expectMembers, expectOk, openWorld } from './world.ts';
import type { Attributes, TestDevice, World } from './world.ts';

/** The representation that a notification carries. */
function representation({ body }: Heard): Attributes {
  const event = body['m2m:sgn']?.['nev'] as { rep?: Record<string, Attributes> } | undefined;
  return Object.values(event?.rep ?? {})[0] ?? {};
}

describe('a subscription below a management object', () => {
  let world: World;
  let listener: Listener;
  beforeEach(async () => {
    listener = await listen();
  });
  afterEach(() => listener.close());
  before(async () => {
    world = await openWorld();
  });
  after(() => world.stop());

  async function subscribe(device: TestDevice, object: string, more: Attributes = {}): Promise<void> {
    const content = { rn: 'watch', nu: [listener.url], enc: { net: [1] }, nct: 1, ...more };
    expectOk(await world.mca.create(`${device.node}/${object}`, 23, { 'm2m:sub': content }), 2001);
  }

  it('makes the device be observed, and tells what the device notifies', async () => {
    const device = await world.addDevice({ objects: { 3: { 0: { 9: 90 } } } });
    await subscribe(device, 'battery', { nct: 2, enc: { net: [1], atr: ['btl'] } });
    await eventually('the observation', async () => {
      const reads = device.reads().length;
      expectOk(await device.get('battery', '?atrl=btl'));
      return device.reads().length === reads;
    });
    device.simulator.setResource('/3/0/9', 12);
    assert.deepEqual(representation(await listener.until(1)), { btl: 12 });
    device.simulator.setResource('/3/0/9', 11);
    assert.deepEqual(representation(await listener.until(2)), { btl: 11 });
    assert.equal(listener.heard.length, 2);
  });

  it('tells that the device has lost an optional value', async () => {
    const device = await world.addDevice();
    await subscribe(device, 'deviceInfo', { nct: 2, enc: { net: [1], atr: ['hwv'] } });
    await eventually('the observation', async () => {
      const reads = device.reads().length;
      expectOk(await device.get('deviceInfo', '?atrl=hwv'));
      return device.reads().length === reads;
    });
    const reads = device.reads().length;
    device.simulator.setResource('/3/0/18', undefined);
    assert.deepEqual(representation(await listener.until(1)), { hwv: null });
    expectMembers(await device.stored('deviceInfo'), { hwv: undefined, mod: 'SIM-3000' });
    assert.equal(device.reads().length, reads);
  });

  it('tells of a value that a RETRIEVE has found changed', async () => {
    const device = await world.addDevice();
    await subscribe(device, 'deviceInfo', { enc: { net: [1], atr: ['loc'] } });
    expectOk(await device.update('deviceInfo', 'dvi', { loc: 'hall 9' }), 2004);
    assert.equal(representation(await listener.until(1))['loc'], 'hall 9');
  });

  it('tells of the steps of a firmware update', async () => {
    const device = await world.addDevice();
    await subscribe(device, 'firmware', { nct: 2, enc: { net: [1], atr: ['uds'] } });
    const url = 'http://127.0.0.1:9/nothing.img';
    expectOk(await device.update('firmware', 'fwr', { vr: '2.0', fwn: 'main', url, ud: true }), 2004);
    await listener.until(2);
    const steps = await eventually('the verdict', () => {
      const told = listener.heard.map(representation);
      return (told.at(-1)?.['uds'] as Attributes | undefined)?.['sus'] === 2 ? told : undefined;
    });
    if (steps.length !== 2) console.log(JSON.stringify(steps));
    // The device's own notification of its state may be faster than its answer: then the trigger comes without news of the status.
    expectMembers(steps[0], { uds: { acn: 'ud', sus: 3 } });
    expectMembers(steps.at(-1), { ud: false, uds: { acn: 'ud', sus: 2 } });
  });

  it('is observed again after the device has registered anew', async () => {
    const device = await world.addDevice();
    await subscribe(device, 'battery');
    device.simulator.setResource('/3/0/9', 51);
    await eventually('the first value', async () => (await device.stored('battery'))?.['btl'] === 51);
    device.simulator.reboot();
    await eventually('the registration', () => device.simulator.location !== undefined);
    await eventually('the observation of the new registration', async () => {
      const reads = device.reads().length;
      const { rsc } = await device.get('battery');
      return rsc === 2000 && device.reads().length === reads;
    });
    device.simulator.setResource('/3/0/9', 50);
    await eventually('the value after it', async () => (await device.stored('battery'))?.['btl'] === 50);
  });

  it('tells that a management object went, when the device has lost its object', async () => {
    const device = await world.addDevice({ objects: { 2056: { 0: { 1: 10, 2: 1, 0: { 0: 2 } } } } });
    await subscribe(device, 'cmdhBuffer', { enc: { net: [2] } });
    expectOk(await device.remove('cmdhBuffer'), 2002);
    const { body } = await listener.until(1);
    expectMembers(body['m2m:sgn']?.['nev'] as Attributes, { net: 2 });
  });

  it('takes what a device sends on its own', async () => {
    const device = await world.addDevice({ version: '1.1' });
    await subscribe(device, 'eventLog', { enc: { net: [1], atr: ['lgt'] }, nct: 2 });
    device.simulator.setResource('/20/0/4010', 4);
    await device.simulator.send(['/20/0/4010']);
    assert.deepEqual(representation(await listener.until(1)), { lgt: 4 });
    // The same once more changes nothing.
    await device.simulator.send(['/20/0/4010']);
    device.simulator.setResource('/20/0/4010', 5);
    await device.simulator.send(['/20/0/4010']);
    await eventually('the next value', () => listener.heard.some((one) => representation(one)['lgt'] === 5));
    assert.equal(listener.heard.filter((one) => representation(one)['lgt'] === 4).length, 1);
  });
});
