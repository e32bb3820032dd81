import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import { openNat, type Nat } from './nat.ts';
import { expectMembers, expectOk, openWorld } from './world.ts';
import type { TestDevice, World } from './world.ts';

describe('a device whose UDP port changes', () => {
  let world: World;
  let nat: Nat;
  let device: TestDevice;

  async function open(options: string[] = []): Promise<void> {
    world = await openWorld(['--lwm2m-ack-timeout', '50ms', ...options]);
    nat = await openNat(world.gateway.urls.lwm2m!);
    device = await world.addDevice({ server: nat.url });
  }

  afterEach(async () => {
    await world.stop();
    nat.close();
  });

  async function addressOf(): Promise<string | undefined> {
    const admin = world.gateway.urls.admin!.replace(/\/$/, '');
    const response = await fetch(`${admin}/devices/${device.simulator.endpoint}`);
    return ((await response.json()) as { presence: { address?: string } }).presence.address;
  }

  /** A RETRIEVE, an UPDATE and a trigger, none of which may go to the old port. */
  async function expectServed(): Promise<void> {
    device.simulator.setResource('/3/0/9', 41);
    expectMembers(expectOk(await device.get('battery')), { btl: 41 });
    expectOk(await device.update('eventLog', 'evl', { lgt: 2 }), 2004);
    assert.equal(device.simulator.resource('/20/0/4010'), 2);
    assert.equal(nat.strays, 0, 'datagrams to the old port');
  }

  it('is served at the new one after its Update, and nothing is sent to the old one', async () => {
    await open();
    const before = nat.port;
    expectOk(await device.get('battery'));
    assert.equal(await addressOf(), `127.0.0.1:${before}`);
    await nat.rebind();
    await device.simulator.update();
    assert.notEqual(nat.port, before);
    assert.equal(await addressOf(), `127.0.0.1:${nat.port}`);
    await expectServed();
    const node = expectOk(await world.mca.get(device.node));
    assert.match(JSON.stringify(node['mgca'] ?? ''), new RegExp(String(nat.port)));
  });

  it('is observed on at the new one', async () => {
    await open();
    const content = { rn: 'watch', nu: ['http://127.0.0.1:9/nobody'], enc: { net: [1], atr: ['btl'] }, nct: 1 };
    const made = await world.mca.create(`${device.node}/battery`, 23, { 'm2m:sub': content });
    expectOk(made, 2001);
    const isObserved = async (): Promise<boolean> => {
      const reads = device.reads().length;
      expectOk(await device.get('battery', '?atrl=btl'));
      return device.reads().length === reads;
    };
    await eventually('the observation', isObserved);
    await nat.rebind();
    await device.simulator.update();
    await eventually('the observation', isObserved);
    device.simulator.setResource('/3/0/9', 17);
    await eventually('the value that the device tells', async () => (await device.stored('battery'))?.['btl'] === 17);
    await expectServed();
  });

  it('gets what waited for it, in order, once it has said where it is', async () => {
    await open();
    await nat.rebind();
    const answers = [4, 5].map((lgt) =>
      device.update('eventLog', 'evl', { lgt }, { headers: { 'X-M2M-RET': '20000' } }),
    );
    // The old port does not answer.
    await eventually('it counts as asleep', async () => (await device.presence()) === 'asleep');
    const before = nat.strays;
    await device.simulator.update();
    for (const answer of await Promise.all(answers)) expectOk(answer, 2004);
    assert.equal(device.simulator.resource('/20/0/4010'), 5);
    assert.equal(nat.strays, before);
  });

  it('has to register anew where the operator wants that, and is served then', async () => {
    await open(['--lwm2m-address-change', 'register']);
    await nat.rebind();
    await device.simulator.update();
    await eventually('it is back', async () => (await addressOf()) === `127.0.0.1:${nat.port}`);
    await expectServed();
  });
});
