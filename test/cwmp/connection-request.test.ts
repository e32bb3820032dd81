import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import {
  readUdpAddress,
  requestConnection,
  requestConnectionByUdp,
  udpMessage,
} from '../../adapters/cwmp/connection-request.ts';
import { problemWithAddress } from '../../src/support/device-address.ts';
import { systemClock } from '../../src/support/clock.ts';
import { listenForRequests } from './small-cpe.ts';

const limits = (from: string | undefined, networks: string[]) => ({
  seenAt: from,
  networks,
  setting: 'cwmp.connectionRequestNetworks',
});
const settings = { clock: systemClock, timeout: 2_000, networks: [] };
const credentials = { username: 'u', password: 'p' };
const seenAt = '127.0.0.1';

describe('a connection request', () => {
  const listeners: { close(): void }[] = [];

  afterEach(() => {
    for (const listener of listeners.splice(0)) listener.close();
  });

  async function call(...given: Parameters<typeof listenForRequests>) {
    const listener = await listenForRequests(...given);
    listeners.push(listener);
    return requestConnection({ url: listener.url, credentials, seenAt }, settings);
  }

  const challenge = (rest = ''): { status: number; headers: Record<string, string> } => ({
    status: 401,
    headers: { 'WWW-Authenticate': `Digest realm="r", nonce="n"${rest}` },
  });

  it('goes without credentials first, and is accepted by 200 and 204', async () => {
    const given: (string | undefined)[] = [];
    assert.equal((await call([{ status: 200 }], (header) => given.push(header))).result, 'accepted');
    assert.equal((await call([{ status: 204 }])).result, 'accepted');
    assert.deepEqual(given, [undefined]);
  });

  it('quirk 39: a reset is tried once more, a body is not read, digests with and without qop are met', async () => {
    assert.equal((await call('reset-first')).result, 'accepted');
    for (const rest of ['', ', qop="auth"', ', qop="auth-int"', ', algorithm=MD5-sess, qop="auth"']) {
      let authorization = '';
      const result = await call([challenge(rest), { status: 200 }], (header) => (authorization = header ?? ''));
      assert.equal(result.result, 'accepted');
      assert.match(authorization, /^Digest username="u".*uri="\/random"/);
    }
  });

  it('a head with LF alone, folded lines and no end is understood, also where the connection stays open', async () => {
    const challenged = 'HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Digest\n   realm="r",\n   nonce="n"\n';
    for (const stays of [false, true]) {
      const given: string[] = [];
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', (octets) => {
          const said = given.push(octets.toString()) > 1 ? 'HTTP/1.1 200 OK\n' : challenged;
          if (stays) socket.write(said);
          else socket.end(said);
        });
      }).listen(0, '127.0.0.1');
      listeners.push(server);
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const target = { url: `http://127.0.0.1:${port}/random`, credentials, seenAt };
      const result = await requestConnection(target, { ...settings, timeout: 200 });
      assert.equal(result.result, 'accepted');
      assert.match(given[1] ?? '', /\r\nAuthorization: Digest username="u", realm="r", nonce="n"/);
    }
  });

  it('what is no HTTP, has no end, or says nothing is unreachable', async () => {
    for (const [said, why] of [
      ['SSH-2.0-dropbear\r\n\r\n', /no HTTP/],
      ['x'.repeat(100_000), /no HTTP/],
      ['', /closed the connection/],
    ] as const) {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.end(said));
      }).listen(0, '127.0.0.1');
      listeners.push(server);
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const result = await requestConnection({ url: `http://127.0.0.1:${port}/`, credentials, seenAt }, settings);
      assert.ok(result.result === 'unreachable' && why.test(result.why), said.slice(0, 20));
    }
  });

  it('quirk 39: wrong credentials, an unknown page and a dead port are told apart', async () => {
    const refused = await call([challenge()]);
    assert.ok(refused.result === 'unauthorized' && /refused the credentials/.test(refused.why));
    const lost = await call([{ status: 404 }]);
    assert.ok(lost.result === 'unreachable' && /404/.test(lost.why));
    const dead = await listenForRequests([{ status: 200 }]);
    dead.close();
    const result = await requestConnection({ url: dead.url, seenAt }, settings);
    assert.ok(result.result === 'unreachable' && /ECONNREFUSED/.test(result.why));
  });

  it('a stale nonce is answered once more', async () => {
    assert.equal((await call([challenge(), challenge(', stale=true'), { status: 200 }])).result, 'accepted');
  });

  it('without credentials a challenge is told as such, and 503 as busy', async () => {
    const listener = await listenForRequests([challenge()]);
    listeners.push(listener);
    assert.equal((await requestConnection({ url: listener.url, seenAt }, settings)).result, 'unauthorized');
    assert.equal((await call([{ status: 503 }])).result, 'busy');
  });

  it('one that does not answer is given up', async () => {
    const silent = createServer(() => {});
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`;
    const result = await requestConnection({ url, seenAt }, { ...settings, timeout: 50 });
    assert.equal(result.result, 'unreachable');
    silent.close();
  });

  it('goes only to plausible addresses: http, not of this machine, and in the networks that are set', async () => {
    for (const url of [
      'https://10.0.0.1/',
      'file:///etc/passwd',
      'nonsense',
      'http://0.0.0.0:7547/',
      'http://127.0.0.1:1/',
      'http://[::1]/',
      'http://[::ffff:127.0.0.1]/',
      'http://169.254.169.254/latest',
    ]) {
      const result = await requestConnection({ url, credentials, seenAt: '10.1.2.3' }, settings);
      assert.equal(result.result, 'forbidden', url);
    }
    assert.equal(problemWithAddress('10.0.0.1', limits('198.51.100.7', [])), undefined);
    assert.equal(problemWithAddress('127.0.0.1', limits('::ffff:127.0.0.1', [])), undefined);
    assert.equal(problemWithAddress('10.0.0.1', limits(undefined, ['10.0.0.0/8', '2001:db8::/32'])), undefined);
    assert.equal(problemWithAddress('2001:db8::1', limits(undefined, ['10.0.0.0/8', '2001:db8::/32'])), undefined);
    assert.match(problemWithAddress('192.0.2.1', limits(undefined, ['10.0.0.0/8'])) ?? '', /connectionRequestNetworks/);
  });

  it('by UDP it is signed, its id grows, and it comes three times', async () => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const messages: string[] = [];
    const six = new Promise<void>((resolve) => {
      socket.on('message', (message) => {
        messages.push(message.toString());
        if (messages.length === 6) resolve();
      });
    });
    const address = `127.0.0.1:${socket.address().port}`;
    for (const _ of [1, 2]) {
      assert.deepEqual(await requestConnectionByUdp({ address, credentials, seenAt }, settings), {
        result: 'accepted',
        by: 'UDP connection request',
      });
    }
    await six;
    socket.close();
    const ids = messages.map((message) => {
      const [first = ''] = message.split('\r\n');
      const query = new URL(first.split(' ')[1] ?? '').searchParams;
      const signed = ['ts', 'id', 'un', 'cn'].map((name) => query.get(name)).join('');
      assert.equal(query.get('sig'), createHmac('sha1', 'p').update(signed).digest('hex'));
      return Number(query.get('id'));
    });
    assert.ok(ids[5]! > ids[0]!);
    assert.equal(new Set(ids.slice(0, 3)).size, 1);
    assert.match(
      udpMessage('h:1', credentials, 5_000, 7, 'c'),
      /^GET http:\/\/h:1\?ts=5&id=7&un=u&cn=c&sig=[0-9a-f]{40} HTTP\/1\.1\r\n\r\n$/,
    );
  });

  it('reads the address for UDP in both forms of TR-181', () => {
    assert.deepEqual(readUdpAddress(' 192.0.2.7:4660 '), { host: '192.0.2.7', port: 4660 });
    assert.deepEqual(readUdpAddress('[2001:db8::1]:4660'), { host: '2001:db8::1', port: 4660 });
    assert.deepEqual(readUdpAddress('192.0.2.7'), { host: '192.0.2.7', port: 80 });
    assert.equal(readUdpAddress('192.0.2.7:4660:1'), undefined);
    assert.equal(readUdpAddress(''), undefined);
  });

  it('by UDP it goes nowhere else either', async () => {
    for (const address of [
      '10.0.0.1:',
      'name:1',
      'name',
      '2001:db8::1',
      '127.0.0.1:99',
      '10.0.0.1:0',
      '10.0.0.1:99999',
    ]) {
      const result = await requestConnectionByUdp({ address, credentials, seenAt: '10.9.9.9' }, settings);
      assert.equal(result.result, 'forbidden', address);
    }
  });
});
