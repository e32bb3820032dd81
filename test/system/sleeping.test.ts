import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import type { McaAnswer } from '../support/mca-client.ts';
import { listen } from './listener.ts';
import { expectMembers, expectOk, expectRefused, openWorld, untilStatus } from './world.ts';
import type { Attributes, TestDevice, World } from './world.ts';

const pending = 3;
const completed = 1;

interface RequestResult {
  status: number;
  rsc: number;
  content: Record<string, Attributes>;
}

describe('a device that sleeps', () => {
  let world: World;
  /** In queue mode, and not listening: their windows are over. One for each test, for falling asleep takes its time. */
  let sleepers: TestDevice[];
  before(async () => {
    world = await openWorld(['--lwm2m-awake-window', '1s']);
    const options = { queueMode: true, awakeFor: 600 };
    sleepers = await Promise.all(Array.from({ length: 6 }, () => world.addDevice(options)));
    for (const { simulator } of sleepers) simulator.faults.asleep = true;
    await eventually('the gateway knows that they sleep', async () => {
      const states = await Promise.all(sleepers.map((device) => device.presence()));
      return states.every((state) => state === 'asleep');
    });
  });
  after(() => world.stop());

  function nextSleeper(): TestDevice {
    const device = sleepers.pop();
    assert.ok(device, 'the test before took the last one');
    return device;
  }

  async function wakeUp(device: TestDevice): Promise<void> {
    device.simulator.faults.asleep = false;
    await device.simulator.update();
  }

  /** Where the acknowledgement of a non-blocking request says that its result will be. */
  function requestOf(answer: McaAnswer, rsc: number): string {
    assert.equal(answer.rsc, rsc, answer.text);
    assert.equal(answer.status, 202);
    return String(answer.body['m2m:uri']);
  }

  async function resultOf(request: string): Promise<RequestResult> {
    const attributes = expectOk(await world.mca.get(request));
    const { rsc, pc } = attributes['ors'] as { rsc: number; pc?: RequestResult['content'] };
    return { status: Number(attributes['rs']), rsc, content: pc ?? {} };
  }

  function untilDone(request: string): Promise<RequestResult> {
    return eventually('the result of a non-blocking request', async () => {
      const result = await resultOf(request);
      return result.status === pending ? undefined : result;
    });
  }

  it('answers blocking requests in time with 6021, and nothing of them is sent afterwards', async () => {
    const device = nextSleeper();
    const reads = device.reads().length;
    const patience = { headers: { 'X-M2M-RET': '300' } };
    const answers = await Promise.all([
      device.get('battery', '', patience),
      device.update('eventLog', 'evl', { lgt: 2 }, patience),
      device.update('reboot', 'rbo', { rbo: true }, patience),
      device.create('cmbf', { mgd: 1019, obis: ['urn:oma:lwm2m:ext:2056'], aec: [2], mbfs: 1, sgp: 1 }, patience),
    ]);
    for (const answer of answers) expectRefused(answer, 6021, /nothing was sent and nothing will be/);
    await wakeUp(device);
    // This stands after everything that could have been waiting.
    expectOk(await device.get('memory'));
    assert.equal(device.simulator.journal.length, 0);
    assert.deepEqual(device.reads().slice(reads), ['/3/0']);
    expectMembers(await device.stored('eventLog'), { lgt: 1 });
  });

  it('is served at its next contact with what waits: blocking requests with patience, in the order of their arrival', async () => {
    const device = nextSleeper();
    const patience = { headers: { 'X-M2M-RET': '20000' } };
    const write = device.update('eventLog', 'evl', { lgt: 2 }, patience);
    await eventually('the operation waits', async () => {
      const response = await fetch(`${world.gateway.urls.admin!.replace(/\/$/, '')}/metrics`);
      return /trivet_lane_depth\{technology="lwm2m"\} [1-9]/.test(await response.text());
    });
    const start = device.update('eventLog', 'evl', { lga: true }, patience);
    const read = device.get('battery', '', patience);
    device.simulator.setResource('/3/0/9', 44);
    await wakeUp(device);
    expectMembers(expectOk(await write, 2004), { lgt: 2 });
    expectOk(await start, 2004);
    expectMembers(expectOk(await read), { btl: 44 });
    assert.deepEqual(
      device.deeds('write', 'execute').map(({ path }) => path),
      ['/20/0/4010', '/20/0/4011'],
    );
  });

  it('executes non-blocking requests at its next contact; their results wait in the CSE', async () => {
    const device = nextSleeper();
    device.simulator.setResource('/3/0/9', 31);
    const read = requestOf(await device.get('battery', '?rt=1'), 1001);
    const write = requestOf(await device.update('eventLog?rt=1', 'evl', { lgt: 4 }), 1001);
    const made = requestOf(
      await world.mca.create(`${device.node}?rt=1`, 13, {
        'm2m:cmbf': { rn: 'later', mgd: 1019, obis: ['urn:oma:lwm2m:ext:2056'], aec: [2], mbfs: 1, sgp: 1 },
      }),
      1001,
    );
    assert.equal((await resultOf(read)).status, pending);
    assert.equal(device.simulator.journal.length, 0);

    await wakeUp(device);
    const reading = await untilDone(read);
    assert.equal(reading.rsc, 2000);
    expectMembers(reading.content['m2m:bat'], { btl: 31 });
    const writing = await untilDone(write);
    assert.deepEqual([writing.status, writing.rsc], [completed, 2004]);
    expectMembers(await device.stored('eventLog'), { lgt: 4 });
    assert.equal((await untilDone(made)).rsc, 2001);
    assert.deepEqual(
      device.deeds('write', 'create').map(({ kind }) => kind),
      ['write', 'create'],
    );
    expectMembers(await device.stored('later'), { sgp: 1 });
  });

  it('tells the result of a non-blocking request to whom it was asked to', async () => {
    const device = nextSleeper();
    const listener = await listen();
    try {
      const headers = { 'X-M2M-RTU': listener.url };
      requestOf(await device.update('eventLog?rt=2', 'evl', { lgt: 5 }, { headers }), 1002);
      assert.equal(listener.heard.length, 0);
      await wakeUp(device);
      const { body } = await listener.until(1);
      assert.equal(body['m2m:rsp']?.['rsc'], 2004);
      assert.equal(device.simulator.resource('/20/0/4010'), 5);
    } finally {
      await listener.close();
    }
  });

  it('is not asked any more for a non-blocking request whose time is over', async () => {
    const device = nextSleeper();
    const headers = { 'X-M2M-RET': '300' };
    const request = requestOf(await device.update('reboot?rt=1', 'rbo', { rbo: true }, { headers }), 1001);
    assert.equal((await untilDone(request)).rsc, 6021);
    await wakeUp(device);
    expectOk(await device.get('battery'));
    assert.deepEqual(device.deeds('execute'), []);
  });

  it('gets its firmware over several wakings', async () => {
    const device = nextSleeper();
    const url = 'http://127.0.0.1:9/nothing.img';
    const request = requestOf(await device.update('firmware?rt=1', 'fwr', { url, ud: true }), 1001);
    await wakeUp(device);
    assert.equal((await untilDone(request)).rsc, 2004);
    await untilStatus(device, 'firmware', 'uds', 'ud', 2);
  });
});

describe('a device that is not there', () => {
  let world: World;
  before(async () => {
    world = await openWorld(['--lwm2m-ack-timeout', '50ms']);
  });
  after(() => world.stop());

  it('has left: its resources stay, and nothing can be asked of it (6003)', async () => {
    const device = await world.addDevice();
    const before = await device.stored('battery');
    await device.simulator.deregister();
    assert.equal(await device.presence(), 'gone');
    assert.deepEqual(await device.stored('battery'), before);
    expectRefused(await device.get('battery'), 6003, /de-registered/);
    expectRefused(await device.update('eventLog', 'evl', { lgt: 2 }), 6003);
    expectRefused(await device.update('reboot', 'rbo', { rbo: true }), 6003);
    // What the CSE keeps is at hand all the same.
    expectOk(await device.update('battery', 'bat', { lbl: ['lost'] }), 2004);
    expectOk(await device.get('battery', '?atrl=lbl'));

    await device.simulator.register();
    expectOk(await device.get('battery'));
    assert.equal(await device.presence(), 'reachable');
    assert.deepEqual(device.deeds('write', 'execute'), []);
  });

  it('does not answer: what was sent has no outcome, and the requester is told so (4008)', async () => {
    const device = await world.addDevice();
    device.simulator.faults.asleep = true;
    const answer = await device.update('eventLog', 'evl', { lgt: 2 }, { headers: { 'X-M2M-RET': '600' } });
    expectRefused(answer, 4008, /operation .*sent to the device/);
    expectMembers(await device.stored('eventLog'), { lgt: 1 });
  });

  it('does not answer a read: the requester is told without waiting for the rest of its time', async () => {
    const device = await world.addDevice();
    device.simulator.faults.asleep = true;
    expectRefused(await device.get('battery'), 4008, /did not answer/);
    // It is not asked again before it says something; then it is served at once.
    expectRefused(await device.get('battery', '', { headers: { 'X-M2M-RET': '200' } }), 6021, /nothing was sent/);
    device.simulator.faults.asleep = false;
    const patient = device.get('battery');
    await device.simulator.update();
    expectOk(await patient);
  });

  it('an AE may prepare a node for a device that has never been seen: it is plain data until the device comes', async () => {
    expectOk(
      await world.mca.create('cse-in', 14, { 'm2m:nod': { rn: 'prepared', ni: 'prepared', lbl: ['field 3'] } }),
      2001,
    );
    const device = await world.addDevice({ endpoint: 'prepared' });
    expectMembers(expectOk(await world.mca.get(device.node)), { lbl: ['field 3'], ni: 'prepared' });
    expectOk(await device.get('battery'));
  });
});
