import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import { addCpe } from './cpe.ts';
import { expectMembers, expectOk, expectRefused, openWorld } from './world.ts';
import type { World } from './world.ts';

describe('a TR-069 device between two sessions', () => {
  let world: World;
  before(async () => {
    world = await openWorld();
  });
  after(() => world.stop());

  it('is called by a connection request, and answers at once', async () => {
    const cpe = await addCpe(world);
    const calls = cpe.deeds('connection-request').length;
    expectMembers(expectOk(await cpe.get('battery-2')), { btl: 87 });
    assert.deepEqual(
      cpe
        .deeds('connection-request')
        .slice(calls)
        .map(({ detail }) => detail),
      ['200'],
    );
    await cpe.untilAsleep();
  });

  it('answers several requests of one moment in their order, in few sessions', async () => {
    const cpe = await addCpe(world);
    const sessions = cpe.deeds('session').length;
    const answers = await Promise.all(
      ['battery-2', 'memory', 'deviceInfo', 'eventLog-1', 'areaNwkInfo-1-1'].map((object) => cpe.get(object)),
    );
    for (const answer of answers) expectOk(answer);
    assert.ok(cpe.deeds('session').length - sessions <= 3, `${cpe.deeds('session').length - sessions} sessions`);
  });

  it('that is asked one thing after the other is called once, for some may be called a few times an hour only', async function () {
    this.timeout(30_000);
    const other = await openWorld(['--cwmp-linger-before-end', '2s']);
    try {
      const cpe = await addCpe(other);
      const before = [cpe.deeds('session').length, cpe.deeds('connection-request').length];
      for (const object of ['battery-2', 'memory', 'battery-2', 'memory']) expectOk(await cpe.get(object));
      await eventually('the session is over', () => cpe.deeds('session').length > before[0]!);
      assert.deepEqual(
        [cpe.deeds('session').length, cpe.deeds('connection-request').length],
        [before[0]! + 1, before[1]! + 1],
      );
    } finally {
      await other.stop();
    }
  });

  it('quirk 40: is called again by the gateway when it was busy', async () => {
    const cpe = await addCpe(world);
    cpe.simulator.faults.connectionRequest = 'busy';
    const answer = cpe.get('battery-2');
    await eventually('it was called', () => cpe.deeds('connection-request').some(({ detail }) => detail === '503'));
    delete cpe.simulator.faults.connectionRequest;
    expectOk(await answer);
  });

  for (const [fault, sentence] of [
    ['not-found', /answered 404 to the connection request; it is served at its next Inform, expected 20\d\d-/],
    ['silent', /no answer in|no connection/],
  ] as const) {
    it(`that cannot be called (${fault}): the answer says why, and when it is expected`, async () => {
      const other = await openWorld(['--cwmp-connection-request-timeout', '300ms']);
      try {
        const cpe = await addCpe(other);
        cpe.simulator.faults.connectionRequest = fault;
        const answer = await cpe.get('battery-2', '', { headers: { 'X-M2M-RET': '1500' } });
        expectRefused(answer, 6021, sentence);
        assert.match(answer.dbg, /expected 20\d\d-\d\d-\d\dT/);
        assert.equal(cpe.asked('Reboot'), 0);
      } finally {
        await other.stop();
      }
    });
  }

  it('that cannot be called gets a non-blocking request at its next Inform', async () => {
    const cpe = await addCpe(world);
    cpe.simulator.faults.connectionRequest = 'not-found';
    const accepted = await cpe.update('areaNwkInfo-1-1?rt=1', 'ani', { ant: 'LoRa' });
    assert.equal(accepted.rsc, 1001, accepted.text);
    assert.equal(cpe.simulator.parameter('Device.X_oneM2M_org_CSE.1.M2MAreaNetwork.1.Type'), 'Zigbee');
    await cpe.simulator.inform('2 PERIODIC');
    await eventually(
      'the write is done',
      () => cpe.simulator.parameter('Device.X_oneM2M_org_CSE.1.M2MAreaNetwork.1.Type') === 'LoRa',
    );
  });
});
