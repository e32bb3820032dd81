import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import { expectOk, expectRefused, openWorld } from './world.ts';
import type { TestDevice, World } from './world.ts';

interface Presence {
  state: string;
  lastSeen: number;
}

describe('the last contact of a device', () => {
  let world: World;
  before(async () => {
    world = await openWorld(['--lwm2m-ack-timeout', '50ms']);
  });
  after(() => world.stop());

  async function presenceOf({ simulator }: TestDevice): Promise<Presence> {
    const admin = world.gateway.urls.admin!.replace(/\/$/, '');
    const response = await fetch(`${admin}/devices/${simulator.endpoint}`);
    return ((await response.json()) as { presence: Presence }).presence;
  }

  it('is the last answer of one that falls silent, in its presence and in the sentence of a refusal', async () => {
    const device = await world.addDevice();
    const before = Date.now();
    expectOk(await device.get('battery'));
    const after = Date.now();
    device.simulator.faults.asleep = true;
    expectRefused(await device.get('battery'), 4008, /did not answer|no outcome/);
    const { state, lastSeen } = await eventually('it counts as asleep', async () => {
      const presence = await presenceOf(device);
      return presence.state === 'asleep' && presence;
    });
    assert.equal(state, 'asleep');
    assert.ok(lastSeen >= before && lastSeen <= after, `${lastSeen} is not in ${before} … ${after}`);
    const refused = await device.get('battery', '', { headers: { 'X-M2M-RET': '300' } });
    expectRefused(refused, 6021);
    assert.ok(refused.dbg.includes(`last contact ${new Date(lastSeen).toISOString()}`), refused.dbg);
  });
});
