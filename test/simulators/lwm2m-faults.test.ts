import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import type { SimulatedDevice } from '../../src/simulators/lwm2m-device.ts';
import { TestServer, eventually } from './lwm2m-server.ts';
import { RawPeer } from './raw-peer.ts';

describe('simulated LwM2M device, with faults', () => {
  let server: TestServer;
  let peer: RawPeer;

  beforeEach(async () => {
    server = await TestServer.start();
    peer = await RawPeer.open();
  });
  afterEach(async () => {
    await peer.close();
    await server.stop();
  });

  const notHeard = (device: SimulatedDevice): Promise<void> =>
    new Promise((resolve) => device.on('event', (event) => event.text.includes('not heard') && resolve()));

  it('does a repeated request once, gives the same answer, and journals the repeat', async () => {
    const device = await server.device();
    peer.aim(device.port);
    const first = await peer.request('0.02', '/15/0/6', { messageId: 77, token: '0102' });
    const again = await peer.request('0.02', '/15/0/6', { messageId: 77, token: '0102' });
    assert.deepEqual([first.code, again.code], ['2.04', '2.04']);
    assert.deepEqual(
      device.journal.map(({ kind, messageId }) => [kind, messageId]),
      [
        ['execute', 77],
        ['repeated', 77],
      ],
    );
  });

  it('takes a used message ID with another token for a new request', async () => {
    const device = await server.device();
    peer.aim(device.port);
    await peer.request('0.02', '/15/0/6', { messageId: 77, token: '0102' });
    const second = await peer.request('0.02', '/15/0/5', { messageId: 77, token: '0304' });
    assert.equal(second.token.toString('hex'), '0304');
    assert.deepEqual(
      device.journal.map(({ kind, path }) => `${kind} ${path}`),
      ['execute /15/0/6', 'execute /15/0/5'],
    );
  });

  it('refuses what it is told to refuse, with that code', async () => {
    const device = await server.device({ faults: { refuse: [{ operation: 'write', path: '/3/0', code: '4.01' }] } });
    assert.equal((await server.request(device, 'PUT', '/3/0/14', '+01:00', { format: 0 })).code, '4.01');
    assert.equal((await server.request(device, 'PUT', '/1/0/1', '500', { format: 0 })).code, '2.04');
    device.faults.refuse = [];
    assert.equal((await server.request(device, 'PUT', '/3/0/14', '+01:00', { format: 0 })).code, '2.04');
  });

  it('acknowledges and then says nothing', async () => {
    const device = await server.device({ faults: { ackThenSilence: [{ operation: 'execute', path: '/3/0/12' }] } });
    peer.aim(device.port);
    const messageId = peer.send('0.02', '/3/0/12');
    const acknowledgement = await peer.next();
    assert.deepEqual([acknowledgement.code, acknowledgement.ack, acknowledgement.messageId], ['0.00', true, messageId]);
    assert.equal((await peer.request('0.01', '/3/0/3')).code, '2.05');
    assert.deepEqual([peer.waiting(), device.journal], [[], []]);
  });

  it('reboots without an answer', async () => {
    const device = await server.device({ faults: { silentReboot: true } });
    peer.aim(device.port);
    peer.send('0.02', '/3/0/4');
    await server.arrival((arrival) => arrival.path === '/rd', 1);
    assert.deepEqual(peer.waiting(), []);
    assert.deepEqual(
      device.journal.map((entry) => entry.kind),
      ['execute', 'reboot'],
    );
  });

  for (const [crash, kinds] of [
    ['before-execute', ['crash', 'reboot']],
    ['after-execute', ['execute', 'crash', 'reboot']],
  ] as const) {
    it(`dies ${crash.replace('-', ' ')} and comes back`, async () => {
      const device = await server.device({ faults: { crash } });
      peer.aim(device.port);
      peer.send('0.02', '/15/0/6');
      await server.arrival((arrival) => arrival.path === '/rd', 1);
      assert.deepEqual(peer.waiting(), []);
      assert.deepEqual(
        device.journal.map((entry) => entry.kind),
        kinds,
      );
    });
  }

  it('hears nothing while it is asleep', async () => {
    const device = await server.device({ faults: { asleep: true }, autoRegister: false });
    peer.aim(device.port);
    const missed = notHeard(device);
    peer.send('0.01', '/3/0/3');
    await missed;
    device.faults.asleep = false;
    assert.equal((await peer.request('0.01', '/3/0/9')).code, '2.05');
    assert.equal(peer.waiting().length, 0);
  });

  it('in queue mode hears only what follows its own messages, and wakes with an Update', async () => {
    const device = await server.device({ queueMode: true, awakeFor: 0.1 });
    peer.aim(device.port);
    assert.equal((await peer.request('0.01', '/3/0/3')).code, '2.05');
    await wait(150);
    const missed = notHeard(device);
    peer.send('0.01', '/3/0/3');
    await missed;
    await device.update();
    assert.equal((await peer.request('0.01', '/3/0/9')).code, '2.05');
    assert.equal(peer.waiting().length, 0);
  });

  it('loses a share of the datagrams, each way', async () => {
    const device = await server.device({ seed: 7 });
    peer.aim(device.port);
    device.faults.loss = 0.3;
    for (let id = 1; id <= 40; id += 1) peer.send('0.02', '/15/0/6', { messageId: 2000 + id });
    device.faults.delay = 1;
    await eventually(() => (peer.waiting(false).length > 4 ? true : undefined), 'all was lost');
    device.faults.loss = 0;
    assert.equal((await peer.request('0.01', '/3/0/3')).code, '2.05');
    const heard = device.journal.length;
    const answered = peer.waiting().length;
    assert.ok(heard > 10 && heard < 40, `${heard} of 40 were heard`);
    assert.ok(answered < heard, `${answered} of ${heard} answers arrived`);
  });

  it('delays each datagram', async () => {
    const device = await server.device();
    peer.aim(device.port);
    device.faults.delay = [40, 60];
    const started = performance.now();
    await peer.request('0.01', '/3/0/3');
    assert.ok(performance.now() - started > 75);
  });

  it('repeats datagrams, and the repeated request is not done twice', async () => {
    const device = await server.device({ faults: {} });
    device.faults.duplication = 1;
    peer.aim(device.port);
    await peer.request('0.02', '/15/0/6');
    await eventually(() => (device.journal.length > 1 ? true : undefined), 'no repeat');
    assert.deepEqual(
      device.journal.map((entry) => entry.kind),
      ['execute', 'repeated'],
    );
  });

  it('drops what is no CoAP and goes on', async () => {
    const device = await server.device();
    peer.aim(device.port);
    const garbage = ['', '00', 'ffffffff', '4f01000100', '40010001ff', '4001000af0', '51010001'].map((hex) =>
      Buffer.from(hex, 'hex'),
    );
    peer.sendBytes(garbage);
    assert.equal((await peer.request('0.01', '/3/0/3')).code, '2.05');
  });
});
