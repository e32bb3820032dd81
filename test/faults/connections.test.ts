/** Connections that go nowhere, and the end of the process while requests run. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { startChildGateway, type ChildGateway } from '../support/child-gateway.ts';
import { eventually } from '../support/eventually.ts';
import { residentSize } from '../support/process-facts.ts';
import { ask } from './ask.ts';
import { admit, prepareDevice } from './patient.ts';
import { readDeadStore } from './stored-operations.ts';
import { UdpRelay } from './udp-relay.ts';

const megabyte = 1024 * 1024;

describe('connections of Mca', () => {
  let gateway: ChildGateway;
  before(async () => {
    gateway = await startChildGateway({ options: ['--request-expiration', '5s'] });
  });
  after(() => gateway.dispose());

  it('serves while 1,000 connections have sent half a request, and closes those without headers after 10 s', async function () {
    this.timeout(90_000);
    const before = residentSize(gateway.pid);
    const beginnings = [
      '',
      'GET /cse-in HT',
      'GET /cse-in HTTP/1.1\r\nHost: x\r\nX-M2M-Origin: CAdmin\r\n',
      'POST /cse-in HTTP/1.1\r\nHost: x\r\nX-M2M-Origin: CAdmin\r\nX-M2M-RI: h\r\nContent-Type: application/json;ty=3\r\nContent-Length: 1000\r\n\r\n{"m2m:cnt":',
    ];
    const sockets: Socket[] = [];
    let closed = 0;
    for (let index = 0; index < 1000; index++) {
      const socket = connect(gateway.ports.mca, '127.0.0.1');
      socket.on('error', () => {});
      socket.on('close', () => closed++);
      socket.resume();
      const beginning = beginnings[index % beginnings.length]!;
      if (beginning !== '') socket.write(beginning);
      sockets.push(socket);
    }
    await wait(500);
    const started = performance.now();
    const answer = await gateway.mca.get('cse-in');
    assert.equal(answer.rsc, 2000, answer.text);
    assert.ok(performance.now() - started < 2000);
    const grown = (residentSize(gateway.pid) - before) / megabyte;
    assert.ok(grown < 100, `${grown.toFixed(0)} MB more`);
    // Without complete headers for 10 s; a body may take 30 s, which is not waited for here.
    await eventually('the end of those without headers', () => closed >= 750, 60_000);
    for (const socket of sockets) socket.destroy();
    console.log(`      1,000 half-open connections: ${grown.toFixed(0)} MB more`);
  });
});

describe('SIGTERM while requests run', () => {
  it('answers them or says that nothing was sent, ends with code 0 within 10 s, and loses nothing', async function () {
    this.timeout(60_000);
    const gateway = await startChildGateway();
    const relay = await UdpRelay.open();
    relay.aim(gateway.ports.lwm2m);
    const awake = await prepareDevice(relay.url, 'awake');
    await awake.register();
    const { node } = await admit(gateway, awake);
    const sleeper = await prepareDevice(relay.url, 'sleeper', { queueMode: true, awakeFor: 60 });
    await sleeper.register();
    const { node: bed } = await admit(gateway, sleeper);
    try {
      // From now on one of them says nothing any more, the other one late.
      sleeper.faults.asleep = true;
      awake.faults.delay = 700;
      const { mca } = gateway.urls;
      const slow = ask(mca, 'slow', { method: 'PUT', path: `${node}/cmdhBuffer`, body: { 'm2m:cmbf': { mbfs: 7 } } });
      const stuck = ask(mca, 'stuck', { method: 'PUT', path: `${bed}/cmdhBuffer`, body: { 'm2m:cmbf': { mbfs: 8 } } });
      const queued = ask(mca, 'queued', {
        method: 'PUT',
        path: `${bed}/cmdhBuffer`,
        body: { 'm2m:cmbf': { mbfs: 9 } },
      });
      const later = await ask(
        mca,
        'later',
        { method: 'PUT', path: `${bed}/cmdhBuffer`, body: { 'm2m:cmbf': { mbfs: 10 } } },
        { responseType: 1 },
      );
      assert.equal(later?.rsc, 1001);
      await wait(300);
      const exit = await gateway.terminate();
      assert.equal(exit.code, 0, gateway.log.join('\n'));
      assert.ok(exit.after < 10_000, `${Math.round(exit.after)} ms`);
      assert.equal((await slow)?.rsc, 2004);
      assert.equal((await queued)?.rsc, 6020);
      const cut = await stuck;
      assert.ok(cut === undefined || cut.rsc >= 4000, `${cut?.rsc}`);
      readDeadStore(gateway.data, ({ operations, requests, sound }) => {
        assert.equal(sound, 'ok');
        const states = Object.fromEntries(
          operations.map(({ requester, state }) => [requester.requestIdentifier, state] as const),
        );
        assert.equal(states['slow'], 'succeeded');
        assert.equal(states['queued'], 'withdrawn');
        assert.equal(states['later'], 'queued');
        assert.equal(requests.find(({ requestID }) => requestID === 'later')?.status, 3);
      });
      console.log(`      ended after ${Math.round(exit.after)} ms with two devices that did not answer`);
    } finally {
      await Promise.all([awake.stop(), sleeper.stop()]);
      await gateway.dispose();
      await relay.close();
    }
  });

  it('ends at once with nothing to do, also with idle connections open', async function () {
    this.timeout(30_000);
    const gateway = await startChildGateway();
    await gateway.mca.get('cse-in');
    const exit = await gateway.terminate();
    assert.equal(exit.code, 0);
    assert.ok(exit.after < 3000, `${Math.round(exit.after)} ms`);
    await gateway.dispose();
  });
});
