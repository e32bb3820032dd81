import assert from 'node:assert/strict';
import { parse } from 'coap-packet';
import { RawPeer } from './raw-peer.ts';
import { TestServer, eventually } from './lwm2m-server.ts';

describe('simulated LwM2M device, observed', () => {
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

  it('tells a change by NON with growing Observe numbers and the token of the request', async () => {
    const device = await server.device();
    peer.aim(device.port);
    const first = await peer.request('0.01', '/3/0/9', { observe: 0, token: 'aa01' });
    assert.equal(first.code, '2.05');
    device.setResource('/3/0/9', 55);
    const notification = await peer.next();
    assert.equal(notification.payload.toString(), '55');
    assert.equal(notification.token.toString('hex'), 'aa01');
    assert.equal(notification.confirmable, false);
    assert.ok(peer.observe(notification) > peer.observe(first));
  });

  it('says nothing when a value is set to what it was', async () => {
    const device = await server.device();
    peer.aim(device.port);
    await peer.request('0.01', '/3/0/9', { observe: 0, token: 'aa01' });
    device.setResource('/3/0/9', device.resource('/3/0/9'));
    device.setResource('/3/0/9', 41);
    assert.equal((await peer.next()).payload.toString(), '41');
  });

  it('tells by CON where it is asked to, and stops when the answer is a Reset', async () => {
    const device = await server.device();
    peer.aim(device.port);
    await peer.request('0.03', '/3/0/9', { query: ['con=1'] });
    await peer.request('0.01', '/3/0/9', { observe: 0, token: 'aa02' });
    device.setResource('/3/0/9', 30);
    const notification = await peer.next();
    assert.equal(notification.confirmable, true);
    peer.reset(notification.messageId);
    await peer.request('0.01', '/3/0/3');
    device.setResource('/3/0/9', 20);
    assert.equal((await peer.request('0.01', '/3/0/9')).payload.toString(), '20');
    assert.deepEqual(peer.waiting(), []);
  });

  it('stops a NON observation by Reset and by a GET with Observe 1', async () => {
    const device = await server.device();
    peer.aim(device.port);
    await peer.request('0.01', '/3/0/9', { observe: 0, token: 'aa03' });
    device.setResource('/3/0/9', 30);
    peer.reset((await peer.next()).messageId);
    await peer.request('0.01', '/3/0/10', { observe: 0, token: 'aa04' });
    await peer.request('0.01', '/3/0/10', { observe: 1, token: 'aa04' });
    device.setResource('/3/0/9', 20);
    device.setResource('/3/0/10', 1234);
    assert.equal((await peer.request('0.01', '/3/0/10')).payload.toString(), '1234');
    assert.deepEqual(peer.waiting(), []);
  });

  it('keeps the bounds gt, lt and st', async () => {
    const device = await server.device({ objects: { 6: { 0: { 6: 10 } } } });
    peer.aim(device.port);
    await peer.request('0.03', '/6/0/6', { query: ['gt=50', 'lt=5', 'st=20'] });
    await peer.request('0.01', '/6/0/6', { observe: 0, token: 'aa05' });
    const told: string[] = [];
    for (const speed of [20, 29, 31, 49, 51, 60, 4]) {
      device.setResource('/6/0/6', speed);
      await peer.request('0.01', '/3/0/3');
      told.push(...peer.waiting().map((packet) => packet.payload.toString()));
    }
    // 31 moved by 20 from 10; 51 crossed gt (and moved by 20); 4 crossed lt.
    assert.deepEqual(told, ['31', '51', '4']);
  });

  it('waits for pmin and speaks at pmax even when nothing changed', async () => {
    const device = await server.device();
    peer.aim(device.port);
    await peer.request('0.03', '/3/0/9', { query: ['pmin=1'] });
    await peer.request('0.01', '/3/0/9', { observe: 0, token: 'aa06' });
    const started = performance.now();
    device.setResource('/3/0/9', 11);
    device.setResource('/3/0/9', 12);
    assert.equal((await peer.next()).payload.toString(), '12');
    assert.ok(performance.now() - started > 900);
    await peer.request('0.03', '/3/0/9', { query: ['pmax=1'] });
    assert.equal((await peer.next()).payload.toString(), '12');
  });

  it('answers 4.04 and ends when the instance is deleted', async () => {
    const device = await server.device({ objects: { 2048: { 3: { 0: 'policy' } } } });
    peer.aim(device.port);
    await peer.request('0.01', '/2048/3', { observe: 0, token: 'aa07' });
    await peer.request('0.04', '/2048/3');
    const [last] = await eventually(
      () => (peer.waiting(false).length > 0 ? peer.waiting() : undefined),
      'no notification',
    );
    assert.equal(last?.code, '4.04');
  });

  it('tells of several paths in one composite observation', async () => {
    const device = await server.device();
    peer.aim(device.port);
    const body = Buffer.from('[{"n":"/3/0/9"},{"n":"/3/0/3"}]');
    const first = await peer.request('0.05', '/', {
      observe: 0,
      token: 'aa08',
      format: 110,
      accept: 110,
      payload: body,
    });
    assert.equal(first.code, '2.05');
    device.setResource('/3/0/9', 33);
    assert.deepEqual(JSON.parse((await peer.next()).payload.toString()), [
      { bn: '/', n: '3/0/9', v: 33 },
      { n: '3/0/3', vs: '1.0.0' },
    ]);
  });

  it('sends a large one in blocks, the rest on request', async () => {
    const device = await server.device();
    peer.aim(device.port);
    await peer.request('0.01', '/20/0/4014', { observe: 0, token: 'aa09' });
    device.setResource('/20/0/4014', Buffer.alloc(700, 7));
    const notification = await peer.next();
    assert.equal(notification.payload.length, 512);
    assert.equal(peer.block2(notification), '0/1/512');
    const rest = await peer.request('0.01', '/20/0/4014', { block2: (1 << 4) | 5, token: 'aa10' });
    assert.equal(rest.payload.length, 188);
    assert.equal(peer.block2(rest), '1/0/512');
  });

  it('forgets its observations in a reboot', async () => {
    const device = await server.device();
    peer.aim(device.port);
    await peer.request('0.01', '/3/0/9', { observe: 0, token: 'aa11' });
    device.reboot();
    await server.arrival((arrival) => arrival.path === '/rd', 1);
    device.setResource('/3/0/9', 1);
    await peer.request('0.01', '/3/0/9');
    assert.deepEqual(peer.waiting(), []);
  });

  it('answers a ping with a Reset', async () => {
    const device = await server.device();
    peer.aim(device.port);
    const answer = parse(await peer.exchange(Buffer.from('40001234', 'hex')));
    assert.deepEqual([answer.reset, answer.messageId], [true, 0x1234]);
  });
});
