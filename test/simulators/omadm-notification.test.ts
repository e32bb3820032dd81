import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { createHash } from 'node:crypto';
import { startOmadmClient } from '../../src/simulators/omadm-client.ts';
import type { SimulatedClient } from '../../src/simulators/omadm-client.ts';
import { TestServer, challenge, credential, elementsIn, eventually, get, textIn, textsIn } from './omadm-server.ts';

const md5 = (...parts: (string | Buffer)[]): Buffer => {
  const hash = createHash('md5');
  for (const one of parts) hash.update(one);
  return hash.digest();
};

// The worked example: gw.example.com / gwpass / abcdefgh12345678, informative, by the server, session 00A7.
const trigger = Buffer.from('02e800000000a70e67772e6578616d706c652e636f6d', 'hex');
const worked = Buffer.from(`8005cf40503e640bba7f8548f4a41d77${trigger.toString('hex')}`, 'hex');
const zero = Buffer.from(`36ae4b94aad4a81878bfb65965bcb425${trigger.toString('hex')}`, 'hex');
const account = {
  serverId: 'gw.example.com',
  serverPassword: 'gwpass',
  serverNonce: 'YWJjZGVmZ2gxMjM0NTY3OA==',
  serverAuthentication: 'none',
} as const;

describe('the simulated OMA DM client hears notifications', () => {
  let server: TestServer;

  beforeEach(async () => {
    server = await TestServer.start();
  });
  afterEach(() => server.stop());

  const told = (client: SimulatedClient): (string | undefined)[] =>
    client.journal.filter((one) => one.kind === 'notification').map((one) => one.detail);

  it('by UDP in a WSP push, once, and begins the session with its number', async () => {
    const client = await server.client({ ...account, listen: ['udp'] });
    const socket = createSocket('udp4');
    const [, host = '', port = ''] = client.udpAddress.split(':');
    const push = Buffer.concat([Buffer.from('010603c4af87', 'hex'), worked]);
    for (let count = 0; count < 2; count += 1)
      await new Promise((resolve) => socket.send(push, Number(port), host, resolve));
    await eventually(() => server.arrivals.length === 2 && told(client).length === 2, 'a session');
    socket.close();
    assert.equal(textIn(server.last().body, 'SessionID'), 'A7');
    assert.equal(textIn(elementsIn(server.last().body, 'Alert')[0] ?? '', 'Data'), '1200');
    assert.deepEqual(client.complaints, []);
  });

  it('by HTTP, and refuses what is none', async () => {
    const client = await server.client({ ...account, listen: ['http'] });
    const post = (type: string): Promise<Response> =>
      fetch(client.pushUrl, { method: 'POST', headers: { 'Content-Type': type }, body: new Uint8Array(worked) });
    assert.equal((await post('text/plain')).status, 415);
    assert.equal(client.complaints.length, 1);
    assert.equal((await post('application/vnd.syncml.notification')).status, 202);
    await eventually(() => server.arrivals.length === 2, 'a session');
  });

  it('only with a digest that is right, from the server that it knows, and while it listens', async () => {
    const client = await server.client(account);
    const wrong = Buffer.from(worked);
    wrong[0] = 0;
    client.notify(wrong);
    client.notify(worked.subarray(0, 20));
    client.faults.deaf = true;
    client.notify(worked);
    const other = await server.client({ ...account, serverId: 'somebody', deviceId: 'b' });
    other.notify(worked);
    assert.deepEqual(told(client), [
      'hand: ignored, the digest is wrong',
      'hand: ignored, it is too short',
      'hand: ignored, nobody listens',
    ]);
    assert.deepEqual(told(other), ['hand: ignored, the server gw.example.com is not known']);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(server.arrivals.length, 2);
  });

  it('with the nonce of zeros, then proves itself with it and takes a new one (resynchronisation)', async () => {
    const own = { username: 'dev-0042', password: 's3cr3t!', nonce: 'ABEiM0RVZneImaq7zN3u/w==' };
    const client = await server.client({ ...account, ...own, serverAuthentication: 'md5' });
    const digest = md5(md5('gw.example.com:gwpass').toString('base64'), ':', Buffer.alloc(4)).toString('base64');
    server.say({
      header: '212',
      challenge: challenge('md5', 'bmV3'),
      commands: [get('./DevInfo/Man')],
      credential: credential('md5', digest),
    });
    client.notify(zero);
    await eventually(() => server.arrivals.length === 3, 'a session');
    const [first, second] = server.arrivals.slice(1).map((one) => one.body);
    assert.equal(textIn(elementsIn(first ?? '', 'Cred')[0] ?? '', 'Data'), 'uUXmmw/kg9mdJgOMhMrS2w==');
    assert.equal(textsIn(elementsIn(second ?? '', 'Status').join(''), 'Data')[0], '212');
    assert.notEqual(textIn(second ?? '', 'NextNonce'), undefined);
    assert.equal(
      Buffer.from(client.value('./DMAcc/gw.example.com/AppAuth/client/AAuthData') ?? '', 'base64').toString(),
      'new',
    );
    assert.deepEqual(client.complaints, []);
  });

  it('and asks its user when it has to', async () => {
    let asked = 0;
    const client = await server.client({
      serverId: 'gw',
      user: () => ({ status: (asked += 1) === 1 ? 304 : 200 }),
    });
    const interactive = Buffer.alloc(26);
    interactive.writeBigUInt64BE((11n << 54n) | (3n << 52n) | (1n << 51n) | (5n << 8n) | 2n, 16);
    interactive.write('gw', 24);
    client.notify(interactive);
    await eventually(() => told(client).length === 1, 'an answer');
    client.notify(interactive);
    await eventually(() => server.arrivals.length === 2, 'a session');
    assert.equal(told(client)[0], 'hand: ignored, the user said no');
    assert.equal(textIn(server.last().body, 'SessionID'), '5');
  });
});

describe('many simulated OMA DM clients', () => {
  it('live in one process, without a socket while they have nothing to say', async function () {
    this.timeout(60_000);
    const count = 2000;
    const lean = {
      server: 'http://127.0.0.1:9/omadm',
      autoSession: false,
      objects: ['firmware'],
      faults: { offline: true },
    } as const;
    const handles = (): number =>
      process.getActiveResourcesInfo().filter((one) => !/Timeout|Immediate/.test(one)).length;
    const before = handles();
    const clients: SimulatedClient[] = [];
    for (let at = 0; at < count; at += 1)
      clients.push(await startOmadmClient({ ...lean, deviceId: `d-${at}`, faults: { offline: true } }));
    assert.ok(handles() <= before + 5);
    await Promise.all(clients.map((client) => client.stop()));
  });

  it('are the same for the same seed', async () => {
    const server = await TestServer.start();
    const nonces: (string | undefined)[] = [];
    for (const seed of [7, 7, 8]) {
      server.say([get('./DevInfo/Man')]);
      await server.client({ seed, serverPassword: 'x', deviceId: `d${seed}` });
      nonces.push(`${textIn(server.last().body, 'NextNonce')} ${textIn(server.last().body, 'SessionID')}`);
    }
    assert.equal(nonces[0], nonces[1]);
    assert.notEqual(nonces[0], nonces[2]);
    await server.stop();
  });
});
