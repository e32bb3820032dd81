import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server as CoapServer } from 'coap';
import type { IncomingMessage, OutgoingMessage } from 'coap';
import { makeImage } from '../../src/simulators/lwm2m-device.ts';
import type { DeviceOptions, SimulatedDevice } from '../../src/simulators/lwm2m-device.ts';
import { TestServer, eventually } from './lwm2m-server.ts';
import { RawPeer } from './raw-peer.ts';

const image = makeImage({ name: 'sensor-main', version: '2.4.0', size: 20_000 });

async function serveFile(body: Buffer): Promise<{ url: string; http: Server }> {
  const http = createServer((request, response) => {
    if (request.url === '/image') response.setHeader('Content-Length', body.length).end(body);
    else response.writeHead(404).end();
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/image`, http };
}

describe('simulated LwM2M device, firmware', () => {
  let server: TestServer;
  let file: { url: string; http: Server };

  beforeEach(async () => {
    server = await TestServer.start();
    file = await serveFile(image);
  });
  afterEach(async () => {
    file.http.close();
    await server.stop();
  });

  const states = (device: SimulatedDevice): unknown[] => [device.resource('/5/0/3'), device.resource('/5/0/5')];
  const becomes = (device: SimulatedDevice, state: number, result: number): Promise<true> =>
    eventually(
      () => {
        const [nowState, nowResult] = states(device);
        return nowState === state && nowResult === result ? true : undefined;
      },
      `state ${state}, result ${result} did not come; it is ${String(states(device))}`,
    );
  const start = (options: Partial<DeviceOptions> = {}): Promise<SimulatedDevice> =>
    server.device({ speed: 50, ...options });
  const writeUri = (device: SimulatedDevice, uri: string) =>
    server.request(device, 'PUT', '/5/0/1', uri, { format: 0 });
  const update = (device: SimulatedDevice) => server.request(device, 'POST', '/5/0/2');

  it('is pulled by http, installed, and runs after a reboot and a new registration', async () => {
    const device = await start();
    const seen: unknown[] = [];
    device.on('event', (event) => {
      if (event.path === '/5/0/3') seen.push(...states(device));
    });
    assert.equal((await writeUri(device, file.url)).code, '2.04');
    assert.deepEqual(states(device), [1, 0]);
    await becomes(device, 2, 0);
    assert.equal(await server.read(device, '/5/0/6'), 'sensor-main');
    assert.equal(await server.read(device, '/5/0/7'), '2.4.0');
    assert.equal(await server.read(device, '/3/0/3'), '1.0.0');
    assert.equal((await update(device)).code, '2.04');
    assert.deepEqual(states(device), [3, 0]);
    await server.arrival((arrival) => arrival.path === '/rd', 1);
    assert.deepEqual(states(device), [0, 1]);
    assert.equal(await server.read(device, '/3/0/3'), '2.4.0');
    assert.deepEqual(
      device.journal.map((entry) => entry.kind),
      ['write', 'execute', 'reboot', 'firmware-installed'],
    );
    assert.deepEqual(device.journal[3]?.value, { name: 'sensor-main', version: '2.4.0' });
  });

  it('is pulled by coap in blocks', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const coap = new CoapServer((_: IncomingMessage, response: OutgoingMessage) => response.end(image));
    coap.listen(socket);
    const { port } = socket.address();
    const device = await start();
    await writeUri(device, `coap://127.0.0.1:${port}/image`);
    await becomes(device, 2, 0);
    assert.equal(device.resource('/5/0/7'), '2.4.0');
    coap.close();
    socket.close();
  });

  it('is pushed in blocks, with a token for all of them and with one for each', async () => {
    const device = await start();
    const pushed = await server.request(device, 'PUT', '/5/0/0', image, { format: 42, block1: 5 });
    assert.equal(pushed.code, '2.04');
    await becomes(device, 2, 0);
    assert.equal((await server.request(device, 'PUT', '/5/0/0', Buffer.of(0), { format: 42 })).code, '2.04');
    assert.deepEqual(states(device), [0, 0]);

    const peer = await RawPeer.open();
    peer.aim(device.port);
    for (let at = 0; at < image.length; at += 1024) {
      const more = at + 1024 < image.length;
      const block1 = ((at / 1024) << 4) | (more ? 8 : 0) | 6;
      const answer = await peer.request('0.03', '/5/0/0', {
        format: 42,
        block1,
        payload: image.subarray(at, at + 1024),
      });
      assert.equal(answer.code, more ? '2.31' : '2.04');
      assert.equal(peer.block1(answer), `${at / 1024}/${more ? 1 : 0}/1024`);
      if (at === 0) assert.deepEqual(states(device), [1, 0]);
    }
    await becomes(device, 2, 0);
    await peer.close();
  });

  it('is refused with 4.08 when a block is missing', async () => {
    const device = await start();
    const peer = await RawPeer.open();
    peer.aim(device.port);
    await peer.request('0.03', '/5/0/0', { format: 42, block1: 0x0e, payload: image.subarray(0, 1024) });
    const answer = await peer.request('0.03', '/5/0/0', {
      format: 42,
      block1: 0x2e,
      payload: image.subarray(2048, 3072),
    });
    assert.equal(answer.code, '4.08');
    await peer.close();
  });

  it('is not updated before it is there, nor delivered twice, and can be cancelled', async () => {
    const device = await start();
    assert.equal((await update(device)).code, '4.05');
    await writeUri(device, file.url);
    assert.equal((await writeUri(device, file.url)).code, '4.05');
    await becomes(device, 2, 0);
    assert.equal((await server.request(device, 'POST', '/5/0/10')).code, '2.04');
    assert.deepEqual(states(device), [0, 10]);
    assert.equal(await server.read(device, '/5/0/7'), '4.04');
  });

  it('obeys its delivery method', async () => {
    const pull = await start({ objects: { 5: { 0: { 9: 0 } } } });
    assert.equal((await server.request(pull, 'PUT', '/5/0/0', Buffer.of(1, 2), { format: 42 })).code, '4.05');
    const push = await start({ objects: { 5: { 0: { 9: 1 } } } });
    assert.equal((await writeUri(push, file.url)).code, '4.05');
  });

  describe('ends with the Update Result of what went wrong', () => {
    const cases: [string, number, Partial<DeviceOptions>, (url: string) => string][] = [
      ['no room', 2, { faults: { storageFull: true } }, (url) => url],
      ['connection lost', 4, { faults: { downloadFailure: 'connection' } }, (url) => url],
      ['nobody there', 4, {}, () => 'http://127.0.0.1:9/image'],
      ['digest on request', 5, { faults: { badImage: 'integrity' } }, (url) => url],
      ['type on request', 6, { faults: { badImage: 'type' } }, (url) => url],
      ['not found', 7, {}, (url) => url.replace('image', 'other')],
      ['no URI', 7, {}, () => 'not a uri'],
      ['protocol', 9, {}, () => 'ftp://127.0.0.1/image'],
    ];
    for (const [name, result, options, uri] of cases) {
      it(`${result}: ${name}`, async () => {
        const device = await start(options);
        assert.equal((await writeUri(device, uri(file.url))).code, '2.04');
        await becomes(device, 0, result);
      });
    }

    it('5, 6 and 8: by images that are made bad', async () => {
      const device = await start();
      const push = (flaw: 'integrity' | 'type' | 'install') =>
        server.request(device, 'PUT', '/5/0/0', makeImage({ name: 'x', version: '9', size: 100, flaw }), {
          format: 42,
        });
      await push('integrity');
      await becomes(device, 0, 5);
      await push('type');
      await becomes(device, 0, 6);
      await push('install');
      await becomes(device, 2, 0);
      await update(device);
      await becomes(device, 0, 8);
      assert.equal(device.resource('/3/0/3'), '1.0.0');
      assert.equal(device.journal.at(-1)?.kind, 'firmware-failed');
    });
  });

  it('stays in Updating, or comes back with the old version, when it is told to', async () => {
    const stuck = await start({ faults: { stuckUpdating: true } });
    await writeUri(stuck, file.url);
    await becomes(stuck, 2, 0);
    await update(stuck);
    const old = await start({ faults: { keepsOldVersion: true } });
    await writeUri(old, file.url);
    await becomes(old, 2, 0);
    await update(old);
    await becomes(old, 0, 1);
    assert.equal(old.resource('/3/0/3'), '1.0.0');
    assert.deepEqual(states(stuck), [3, 0]);
  });

  it('is installed once by the boot loader when the device dies after Execute', async () => {
    const device = await start({ faults: { crash: 'after-execute' } });
    await writeUri(device, file.url);
    await becomes(device, 2, 0);
    const peer = await RawPeer.open();
    peer.aim(device.port);
    peer.send('0.02', '/5/0/2');
    await becomes(device, 0, 1);
    assert.equal(device.journal.filter((entry) => entry.kind === 'firmware-installed').length, 1);
    assert.equal(device.resource('/3/0/3'), '2.4.0');
    assert.deepEqual(peer.waiting(), []);
    await peer.close();
  });

  it('loses a download in a reboot', async () => {
    const device = await start({ downloadRate: 100 });
    await writeUri(device, file.url);
    device.reboot();
    await becomes(device, 0, 4);
  });
});

describe('simulated LwM2M device, software', () => {
  let server: TestServer;

  beforeEach(async () => {
    server = await TestServer.start();
  });
  afterEach(() => server.stop());

  const becomes = (device: SimulatedDevice, state: number, result: number): Promise<true> =>
    eventually(
      () => (device.resource('/9/1/7') === state && device.resource('/9/1/9') === result ? true : undefined),
      `state ${state}, result ${result} did not come`,
    );
  const execute = (device: SimulatedDevice, resource: number, body?: string) =>
    server.request(device, 'POST', `/9/1/${resource}`, body);

  it('is delivered, installed, activated, deactivated and uninstalled', async () => {
    const device = await server.device({ speed: 50 });
    assert.equal(await server.read(device, '/9/1/0'), '4.04');
    assert.equal((await execute(device, 4)).code, '4.05');
    const body = makeImage({ name: 'logger', version: '3.1', size: 5000 });
    assert.equal((await server.request(device, 'PUT', '/9/1/2', body, { format: 42, block1: 5 })).code, '2.04');
    await becomes(device, 3, 3);
    assert.equal(await server.read(device, '/9/1/0'), 'logger');
    assert.equal((await execute(device, 10)).code, '4.05');
    assert.equal((await execute(device, 4)).code, '2.04');
    await becomes(device, 4, 2);
    assert.equal((await execute(device, 10)).code, '2.04');
    await eventually(() => (device.resource('/9/1/12') === true ? true : undefined), 'not active');
    assert.equal((await execute(device, 11)).code, '2.04');
    await eventually(() => (device.resource('/9/1/12') === false ? true : undefined), 'not inactive');
    assert.equal((await execute(device, 6, "0='1'")).code, '2.04');
    await becomes(device, 0, 0);
    assert.equal(await server.read(device, '/9/1/1'), '4.04');
    assert.deepEqual(
      device.journal.map((entry) => entry.kind).filter((kind) => kind.startsWith('software')),
      ['software-installed', 'software-activated', 'software-deactivated', 'software-uninstalled'],
    );
  });

  it('ends with 53, 54 and 58 for bad packages and 50 for a full store', async () => {
    const device = await server.device({ speed: 50 });
    const push = (flaw?: 'integrity' | 'type' | 'install') =>
      server.request(device, 'PUT', '/9/1/2', makeImage({ name: 'x', version: '1', size: 100, flaw }), { format: 42 });
    await push('integrity');
    await becomes(device, 0, 53);
    await push('type');
    await becomes(device, 0, 54);
    await push('install');
    await becomes(device, 3, 3);
    await execute(device, 4);
    await becomes(device, 3, 58);
    await execute(device, 6);
    await becomes(device, 0, 0);
    device.faults.storageFull = true;
    assert.equal((await push()).code, '5.00');
    await becomes(device, 0, 50);
  });

  it('comes in instances that the server makes', async () => {
    const device = await server.device({ speed: 50 });
    assert.equal((await server.request(device, 'POST', '/9', undefined, { format: 11_542 })).code, '2.01');
    assert.equal(await server.read(device, '/9/2/7'), '0');
  });
});
