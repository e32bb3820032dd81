import assert from 'node:assert/strict';
import { startFleet } from '../../src/simulators/lwm2m-fleet.ts';
import type { Fleet } from '../../src/simulators/lwm2m-fleet.ts';
import { RawPeer } from './raw-peer.ts';
import { TestServer, eventually } from './lwm2m-server.ts';

describe('fleet of small LwM2M devices', () => {
  let server: TestServer;
  let fleet: Fleet | undefined;

  beforeEach(async () => {
    server = await TestServer.start();
  });
  afterEach(async () => {
    await fleet?.stop();
    fleet = undefined;
    await server.stop();
  });

  it('registers every device under its own name, several on one socket with a root of their own', async () => {
    fleet = await startFleet({ count: 40, server: server.url, sockets: 4, lifetime: 600 });
    assert.deepEqual([fleet.registration.done, fleet.registration.failed, fleet.registered], [40, 0, 40]);
    assert.equal(new Set(server.arrivals.map((arrival) => arrival.query[0])).size, 40);
    assert.equal(new Set(server.arrivals.map((arrival) => arrival.port)).size, 4);
    const last = server.arrivals.find((arrival) => arrival.query[0] === 'ep=fleet-39');
    assert.equal(last?.payload, '</e39>;rt="oma.lwm2m";ct=11542,</e39/1/0>,</e39/3/0>');
  });

  it('updates every device, and registers anew the one that was forgotten', async () => {
    fleet = await startFleet({ count: 5, server: server.url });
    server.refusals.set('/rd/r2', '4.04');
    const round = await fleet.update();
    assert.deepEqual([round.done, round.failed], [5, 0]);
    assert.equal(server.arrivals.filter((arrival) => arrival.path === '/rd').length, 6);
  });

  it('answers reads and notifies what is observed', async () => {
    fleet = await startFleet({ count: 2, server: server.url, notifyEvery: 0.2 });
    const peer = await RawPeer.open();
    peer.aim(server.arrivals[0]?.port ?? 0);
    assert.equal((await peer.request('0.01', '/3/0/9', { accept: 0 })).payload.toString(), '90');
    const tlv = await peer.request('0.01', '/3/0', { accept: 11_542 });
    assert.equal(tlv.payload.toString('hex', 0, 6), 'c80011547269');
    assert.equal((await peer.request('0.01', '/4/0')).code, '4.04');
    const first = await peer.request('0.01', '/3/0/9', { observe: 0, token: 'beef' });
    assert.equal(peer.observe(first), 1);
    const notification = await peer.take((packet) => packet.token.toString('hex') === 'beef');
    assert.equal(peer.observe(notification), 2);
    await eventually(() => ((fleet?.counters.notifications ?? 0) > 2 ? true : undefined), 'no third notification');
    await peer.close();
  });

  it('counts registrations that fail', async () => {
    server.refusals.set('/rd', '4.03');
    fleet = await startFleet({ count: 3, server: server.url });
    assert.deepEqual([fleet.registration.done, fleet.registration.failed], [0, 3]);
  });
});
