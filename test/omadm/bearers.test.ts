/** How a notification leaves: datagrams, HTTP and the webhook of an operator, and where it does not go. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createBearers, type BearersSettings } from '../../adapters/omadm/bearers/bearers.ts';
import { readUdpAddress } from '../../adapters/omadm/bearers/udp.ts';
import { systemClock } from '../../src/support/clock.ts';

const notification = Buffer.from('8005cf40503e640bba7f8548f4a41d7702e800000000a70e67772e6578616d706c652e636f6d', 'hex');
const call = { deviceId: 'IMEI:1', notification };

describe('the bearers of a notification', () => {
  const open: { close(): void }[] = [];
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
  });

  const bearers = (settings: Partial<BearersSettings> = {}) =>
    createBearers({ clock: systemClock, timeout: 2_000, networks: ['127.0.0.0/8'], ...settings });

  /** @param status undefined = it never answers */
  async function listen(status: number | undefined, headers: Record<string, string> = {}) {
    const received: { request: IncomingMessage; body: Buffer }[] = [];
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      received.push({ request, body: Buffer.concat(chunks) });
      if (status !== undefined) response.writeHead(status, headers).end('ignored');
    });
    open.push({ close: () => (server.close(), server.closeAllConnections()) });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/push?x=1`, received };
  }

  it('UDP: a WSP push, to port 2948 unless the address says otherwise', async () => {
    const socket = createSocket('udp4');
    open.push(socket);
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const arrived = once(socket, 'message');
    const result = await bearers().notify({ ...call, address: `udp:127.0.0.1:${socket.address().port}` });
    assert.deepEqual(result, { result: 'sent', by: 'UDP' });
    const [datagram] = (await arrived) as [Buffer];
    assert.equal(datagram.toString('hex'), `010603c4af87${notification.toString('hex')}`);
    assert.deepEqual(readUdpAddress('udp:192.0.2.7'), { host: '192.0.2.7', port: 2948 });
    assert.deepEqual(readUdpAddress('udp:[2001:db8::1]:99'), { host: '2001:db8::1', port: 99 });
    for (const wrong of ['udp:', 'udp:a:0', 'udp:a:70000', 'udp:a:b', '192.0.2.7']) {
      assert.equal(readUdpAddress(wrong), undefined, wrong);
    }
  });

  it('HTTP: the notification itself, with its media type', async () => {
    const { url, received } = await listen(202);
    assert.deepEqual(await bearers().notify({ ...call, address: url }), { result: 'sent', by: 'HTTP push' });
    const { request, body } = received[0]!;
    assert.equal(request.method, 'POST');
    assert.equal(request.url, '/push?x=1');
    assert.equal(request.headers['content-type'], 'application/vnd.syncml.notification');
    assert.deepEqual(body, notification);
  });

  it('webhook: JSON that is signed, for addresses that are neither', async () => {
    const { url, received } = await listen(200);
    const webhook = { url, secret: 'hush', timeToLive: 600 };
    const result = await bearers({ webhook }).notify({ ...call, address: 'sms:+4917012345' });
    assert.deepEqual(result, { result: 'sent', by: 'webhook' });
    const { request, body } = received[0]!;
    const timestamp = String(request.headers['x-trivet-timestamp']);
    const signature = createHmac('sha256', 'hush').update(`${timestamp}.${body.toString()}`).digest('hex');
    assert.equal(request.headers['x-trivet-signature'], `sha256=${signature}`);
    const push = `010603c4af87${notification.toString('hex')}`;
    assert.deepEqual(JSON.parse(body.toString()), {
      device: 'IMEI:1',
      address: 'sms:+4917012345',
      bearer: 'sms',
      contentType: 'application/vnd.syncml.notification',
      notification: notification.toString('base64'),
      push: Buffer.from(push, 'hex').toString('base64'),
      sms: [Buffer.from(`0605040b84c002${push}`, 'hex').toString('base64')],
      timeToLive: 600,
    });
  });

  it('do not go to this machine or its link, unless the device comes from there', async () => {
    const { url, received } = await listen(200);
    const wary = bearers({ networks: [] });
    for (const address of [url, url.replace('127.0.0.1', 'localhost'), 'udp:127.0.0.1', 'http://169.254.169.254/']) {
      assert.equal((await wary.notify({ ...call, address })).result, 'forbidden', address);
    }
    assert.equal(received.length, 0);
    assert.equal((await wary.notify({ ...call, address: url, seenAt: '127.0.0.1' })).result, 'sent');
    const elsewhere = await bearers({ networks: ['10.0.0.0/8'] }).notify({ ...call, address: url });
    assert.ok(elsewhere.result === 'forbidden' && /omadm\.notificationNetworks/.test(elsewhere.why));
  });

  it('do not follow redirects', async () => {
    const other = await listen(200);
    const { url } = await listen(302, { Location: other.url });
    const result = await bearers().notify({ ...call, address: url });
    assert.ok(result.result === 'unreachable' && /answered 302/.test(result.why));
    assert.equal(other.received.length, 0);
  });

  it('end in time when nobody answers, and say why when nobody is there', async () => {
    const silent = await listen(undefined);
    const late = await bearers({ timeout: 50 }).notify({ ...call, address: silent.url });
    assert.ok(late.result === 'unreachable', JSON.stringify(late));
    const dead = await listen(200);
    open.pop()!.close();
    assert.equal((await bearers().notify({ ...call, address: dead.url })).result, 'unreachable');
  });

  it('take any address: what none of them carries is told, and nothing throws', async () => {
    for (const address of [
      '',
      'sms:+49',
      'http://',
      'http:///',
      'http://[::',
      'https://\0',
      'udp:\0:1',
      'ftp://x/',
      '\uD800',
    ]) {
      const { result } = await bearers({ timeout: 500 }).notify({ ...call, address });
      assert.notEqual(result, 'sent', address);
    }
  });
});
