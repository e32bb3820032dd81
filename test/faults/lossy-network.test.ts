/** A bad network: what it loses, doubles and reorders costs time, and nothing else. */
import assert from 'node:assert/strict';
import { seededRandom } from '../../src/simulators/lwm2m/random.ts';
import { startChildGateway, type ChildGateway } from '../support/child-gateway.ts';
import type { McaAnswer } from '../support/mca-client.ts';
import { eventually } from '../support/eventually.ts';
import { versionOf } from './deeds.ts';
import { admit, prepareDevice, type Patient } from './patient.ts';
import { Receiver } from './receiver.ts';
import { UdpRelay } from './udp-relay.ts';

const seed = Number(process.env['FAULT_SEED'] ?? 1);

/**
 * A confirmable message is sent five times (RFC 7252, 4.8: MAX_RETRANSMIT 4). A datagram that is lost spoils one of them, so at least two
 * go there and back: in this network nothing may fail.
 */
const lossesOfExchange = 3;

describe(`a network that loses 30 % of the datagrams, never more than ${lossesOfExchange} of one exchange, doubles 10 % and reorders 20 % (FAULT_SEED=${seed})`, () => {
  let gateway: ChildGateway;
  let relay: UdpRelay;
  let receiver: Receiver;
  let patient: Patient;
  const others: Patient[] = [];

  before(async () => {
    receiver = await Receiver.open();
    gateway = await startChildGateway({ options: ['--lwm2m-ack-timeout', '80ms'] });
    relay = await UdpRelay.open(seededRandom(seed));
    relay.aim(gateway.ports.lwm2m);
    for (const name of ['near', 'nearer', 'nearest', 'at-home']) {
      const other = await prepareDevice(relay.url, name, { updateEvery: 1 });
      await other.register();
      others.push(await admit(gateway, other));
    }
    const device = await prepareDevice(relay.url, 'far-away', {
      updateEvery: 1,
      confirmableNotifications: true,
      objects: { 5: { 0: { 9: 1 } } },
    });
    await device.register();
    patient = await admit(gateway, device);
    relay.disturbance = { loss: 0.3, lossesOfExchange, duplication: 0.1, reordering: 0.2, holdBack: 100 };
  });

  after(async () => {
    await Promise.all([patient, ...others].map(({ device }) => device.stop()));
    await gateway.dispose();
    await relay.close();
    receiver.close();
  });

  it('lets a firmware push and 50 reads through at the same time; the update is executed once', async function () {
    this.timeout(200_000);
    const { node, device } = patient;
    const number = 1;
    const update = { url: receiver.imageUrl(number), vr: versionOf(number), fwn: 'main', ud: true };
    const headers = { 'X-M2M-RET': '60000' };
    const answer = await gateway.mca.update(`${node}/firmware`, { 'm2m:fwr': update }, { headers });
    assert.equal(answer.rsc, 2004, answer.text);
    // Ten reads of each of five devices; the one of the push has two readers, of different objects: equal reads share one exchange.
    const readers = [
      ...others.map((other) => ({ path: `${other.node}/battery`, reads: 10 })),
      { path: `${node}/battery`, reads: 5 },
      { path: `${node}/memory`, reads: 5 },
    ];
    const answers: McaAnswer[] = [];
    await Promise.all(
      readers.map(async ({ path, reads }) => {
        for (let read = 0; read < reads; read++) answers.push(await gateway.mca.get(path, { headers }));
      }),
    );
    assert.equal(answers.length, 50);
    assert.deepEqual(
      answers.filter(({ rsc }) => rsc !== 2000).map(({ text }) => text),
      [],
    );

    await eventually(
      'the new version runs',
      () => device.journal.some(({ kind }) => kind === 'firmware-installed'),
      120_000,
    );
    relay.disturbance = {};
    await eventually(
      'updateStatus Successful',
      async () => {
        const read = await gateway.mca.get(`${node}/firmware?atrl=uds`, { headers: { 'X-M2M-RET': '3000' } });
        const status = read.body['m2m:fwr']?.['uds'] as { sus?: number } | undefined;
        return status?.sus === 1;
      },
      60_000,
    );
    const executes = device.journal.filter(({ kind, path }) => kind === 'execute' && path === '/5/0/2');
    assert.equal(executes.length, 1);
    assert.equal(device.journal.filter(({ kind }) => kind === 'firmware-installed').length, 1);
    assert.equal(device.resource('/3/0/3'), versionOf(number));
    const { lost, doubled, heldBack, passed } = relay.counts;
    assert.ok(lost > 20 && doubled > 5 && heldBack > 10, JSON.stringify(relay.counts));
    console.log(`      ${passed} datagrams passed, ${lost} lost, ${doubled} doubled, ${heldBack} held back`);
  });

  it('executes once what may not be repeated, however often its datagrams come', async function () {
    this.timeout(120_000);
    const { node, device } = patient;
    relay.disturbance = { loss: 0.2, lossesOfExchange, duplication: 0.8, reordering: 0.3 };
    const before = device.journal.length;
    for (const [wish, path] of [
      ['dis', '/15/0/6'],
      ['ena', '/15/0/5'],
      ['dis', '/15/0/6'],
      ['ena', '/15/0/5'],
    ] as const) {
      const mark = device.journal.length;
      const headers = { 'X-M2M-RET': '60000' };
      const answer = await gateway.mca.update(`${node}/deviceCapability`, { 'm2m:dvc': { [wish]: true } }, { headers });
      const done = device.journal.slice(mark).filter(({ kind }) => kind === 'execute');
      assert.equal(answer.rsc, 2004, answer.text);
      assert.deepEqual(
        done.map((entry) => entry.path),
        [path],
      );
    }
    relay.disturbance = {};
    const executes = device.journal.slice(before).filter(({ kind }) => kind === 'execute');
    assert.equal(executes.length, 4);
    const repeated = device.journal.slice(before).filter(({ kind }) => kind === 'repeated');
    assert.ok(repeated.length > 0, 'no datagram came twice');
  });

  it('reboots once, though the order comes twice', async () => {
    const { node, device } = patient;
    const before = device.journal.length;
    // Later than this a device that has lost its memory in the restart would take a late copy for a new order.
    relay.disturbance = { duplication: 1 };
    const answer = await gateway.mca.update(`${node}/reboot`, { 'm2m:rbo': { rbo: true } });
    assert.equal(answer.rsc, 2004, answer.text);
    await eventually('the device is back', () => device.location !== undefined);
    relay.disturbance = {};
    const done = device.journal.slice(before).filter(({ kind }) => kind === 'execute');
    assert.equal(done.length, 1);
  });
});
