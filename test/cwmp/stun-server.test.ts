import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import {
  addressAttribute,
  attributeOf,
  bindingError,
  bindingRequest,
  bindingResponse,
  provenStyle,
  readAddress,
  readError,
  readStunMessage,
  readXorAddress,
  stunAttributes,
  writeStunMessage,
  type IntegrityStyle,
  type StunAttribute,
  type StunMessage,
} from '../../adapters/cwmp/stun-message.ts';
import { openStunServer, type StunServer, type StunServerSettings } from '../../adapters/cwmp/stun-server.ts';
import { systemClock } from '../../src/support/clock.ts';
import { silentLog } from '../../src/support/log.ts';
import { noMetrics } from '../../src/support/metrics.ts';
import { eventually } from '../support/eventually.ts';

const password = 'a-secret';
const binding: StunAttribute = {
  type: stunAttributes.connectionRequestBinding,
  value: Buffer.from('dslforum.org/TR-111 '),
};
const change: StunAttribute = { type: stunAttributes.bindingChange, value: Buffer.alloc(0) };
const name: StunAttribute = { type: stunAttributes.username, value: Buffer.from('trivet-d1   ') };
const classic = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
const modern = Buffer.from('2112a442445566778899aabbccddeeff', 'hex');

interface Heard {
  octets: Buffer;
  message: StunMessage;
}

describe('the STUN server', () => {
  let server: StunServer;
  let bound: string[];
  let results: string[];
  let storing: () => Promise<void>;
  /** Addresses at which a device is that can prove itself, and that are not stored. */
  let moved: Set<string>;
  const sockets: Socket[] = [];

  async function open(settings: Partial<StunServerSettings> = {}): Promise<void> {
    bound = [];
    results = [];
    moved = new Set();
    storing = () => Promise.resolve();
    const seen = new Map<string, string>();
    server = await openStunServer(
      {
        isName: (username) => username.startsWith('trivet-'),
        owesProof: (_username, address) => Promise.resolve(moved.has(address)),
        passwordOf: (username) => Promise.resolve(username === 'trivet-d1' ? password : undefined),
        async bound(username, address, transaction) {
          await storing();
          if ((seen.get(transaction) ?? address) !== address) return 'replayed';
          seen.set(transaction, address);
          bound.push(`${username} ${address}`);
          return 'bound';
        },
      },
      { host: '127.0.0.1', port: 0, ...settings },
      {
        clock: systemClock,
        log: silentLog,
        metrics: { ...noMetrics, count: (_name, labels) => void results.push(String(labels?.['result'])) },
      },
    );
  }

  async function openSocket(family: 'udp4' | 'udp6' = 'udp4'): Promise<Socket> {
    const socket = createSocket(family);
    socket.bind(0, family === 'udp4' ? '127.0.0.1' : '::1');
    await once(socket, 'listening');
    sockets.push(socket);
    return socket;
  }

  function request(attributes: StunAttribute[], style?: IntegrityStyle, key = password, transaction = classic): Buffer {
    return writeStunMessage({ type: bindingRequest, transaction, attributes }, style && { key, style });
  }

  async function hear(socket: Socket): Promise<Heard> {
    const [octets] = (await once(socket, 'message', { signal: AbortSignal.timeout(5000) })) as [Buffer];
    const message = readStunMessage(octets);
    assert.ok(message, octets.toString('hex'));
    return { octets, message };
  }

  async function ask(socket: Socket, octets: Buffer): Promise<Heard> {
    const heard = hear(socket);
    socket.send(octets, server.port, server.address);
    return heard;
  }

  /** It says nothing to this; what follows it is answered. */
  async function expectSilence(socket: Socket, octets: Buffer, result: string): Promise<void> {
    socket.send(octets, server.port, server.address);
    await eventually(`it is counted as ${result}`, () => results.includes(result));
    const probe = Buffer.from(classic);
    probe[15] = 0x77;
    const { message } = await ask(socket, request([], undefined, '', probe));
    assert.deepEqual(message.transaction, probe);
  }

  const own = (socket: Socket) => ({ address: socket.address().address, port: socket.address().port });
  const errorOf = ({ message }: Heard) => {
    assert.equal(message.type, bindingError);
    return readError(attributeOf(message, stunAttributes.errorCode)!)?.code;
  };

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.close();
    await server.close();
  });

  it('tells a peer its own address, and those who know the cookie in the form that NATs leave alone', async () => {
    await open();
    const socket = await openSocket();
    const old = await ask(socket, request([]));
    assert.equal(old.message.type, bindingResponse);
    assert.deepEqual(old.message.transaction, classic);
    assert.deepEqual(readAddress(attributeOf(old.message, stunAttributes.mappedAddress)!), own(socket));
    assert.deepEqual(readAddress(attributeOf(old.message, stunAttributes.sourceAddress)!), {
      address: '127.0.0.1',
      port: server.port,
    });
    assert.equal(attributeOf(old.message, stunAttributes.xorMappedAddress), undefined);
    const young = await ask(socket, request([], undefined, '', modern));
    assert.deepEqual(readXorAddress(attributeOf(young.message, stunAttributes.xorMappedAddress)!, modern), own(socket));
    assert.deepEqual(results, ['answered', 'answered']);
  });

  it('speaks IPv6, and on a socket for both tells IPv4 peers their IPv4 address', async function () {
    try {
      await open({ host: '::' });
    } catch (error) {
      // A machine without IPv6: said, not passed over.
      if ((error as NodeJS.ErrnoException).code !== 'EAFNOSUPPORT') throw error;
      await open();
      console.log('        SKIPPED: this machine has no IPv6');
      return this.skip();
    }
    const port = server.port;
    const old = await openSocket();
    const heard = hear(old);
    old.send(request([]), port, '127.0.0.1');
    assert.deepEqual(readAddress(attributeOf((await heard).message, stunAttributes.mappedAddress)!), own(old));
    const young = await openSocket('udp6');
    const answer = hear(young);
    young.send(request([]), port, '::1');
    assert.deepEqual(readAddress(attributeOf((await answer).message, stunAttributes.mappedAddress)!), own(young));
    assert.ok(server.reaches('192.0.2.1') && server.reaches('2001:db8::1'));
  });

  it('never says more than three times what a stranger has said', async () => {
    await open();
    const socket = await openSocket();
    for (const octets of [
      request([]),
      request([], undefined, '', modern),
      request([{ type: 0x24, value: Buffer.alloc(0) }]),
      request([addressAttribute(stunAttributes.responseAddress, own(socket))]),
      request([binding, change, name]),
      request([name], 'filled', 'wrong'),
    ]) {
      const answer = await ask(socket, octets);
      assert.ok(answer.octets.length <= 3 * octets.length, `${octets.length} → ${answer.octets.length}`);
    }
  });

  it('asks for proof when the binding of a device has changed, and for none when it is kept alive', async () => {
    await open();
    const socket = await openSocket();
    assert.equal(errorOf(await ask(socket, request([binding, change, name]))), 401);
    assert.equal((await ask(socket, request([binding, name]))).message.type, bindingResponse);
    // Names that are not ours: a CPE of another server.
    const stranger = { ...name, value: Buffer.from('somebody') };
    assert.equal((await ask(socket, request([binding, change, stranger]))).message.type, bindingResponse);
    assert.deepEqual(bound, []);
    // One whose change got lost.
    moved.add(`127.0.0.1:${own(socket).port}`);
    assert.equal(errorOf(await ask(socket, request([binding, name]))), 401);
    assert.equal((await ask(socket, request([name]))).message.type, bindingResponse);
    assert.deepEqual(results, ['challenged', 'answered', 'answered', 'challenged', 'answered']);
  });

  for (const style of ['filled', 'plain'] as const) {
    it(`stores what is proved before it answers, with a proof of its own (${style})`, async () => {
      await open();
      const socket = await openSocket();
      let isStored = false;
      storing = async () => {
        await new Promise((resolve) => setImmediate(resolve));
        isStored = true;
      };
      const transaction = style === 'plain' ? modern : classic;
      const answer = await ask(socket, request([binding, change, name], style, password, transaction));
      assert.ok(isStored);
      assert.deepEqual(bound, [`trivet-d1 127.0.0.1:${socket.address().port}`]);
      assert.equal(answer.message.type, bindingResponse);
      assert.equal(provenStyle(answer.octets, answer.message, password), style);
    });
  }

  it('a wrong signature, a wrong name and no name are refused alike, and change nothing', async () => {
    await open();
    const socket = await openSocket();
    const unknown = { ...name, value: Buffer.from('trivet-d2') };
    for (const attributes of [[binding, change, name], [binding, change, unknown], [binding]]) {
      const wrong = attributes.includes(name) ? 'wrong' : password;
      assert.equal(errorOf(await ask(socket, request(attributes, 'filled', wrong))), 431);
      assert.equal(errorOf(await ask(socket, request(attributes, 'plain', wrong, modern))), 401);
    }
    assert.deepEqual(bound, []);
    assert.deepEqual([...new Set(results)], ['unauthorized']);
  });

  it('a message that was kept and comes again from elsewhere changes nothing; one that is repeated is answered again', async () => {
    await open();
    const socket = await openSocket();
    const thief = await openSocket();
    const octets = request([binding, change, name], 'filled');
    await ask(socket, octets);
    assert.equal(errorOf(await ask(thief, octets)), 431);
    assert.equal((await ask(socket, octets)).message.type, bindingResponse);
    assert.equal(new Set(bound).size, 1);
  });

  it('one that cannot be stored is told so, and may ask again', async () => {
    await open();
    const socket = await openSocket();
    storing = () => Promise.reject(new Error('the disk is full'));
    assert.equal(errorOf(await ask(socket, request([binding, change, name], 'filled'))), 500);
    storing = () => Promise.resolve();
    assert.equal((await ask(socket, request([binding, change, name], 'filled'))).message.type, bindingResponse);
  });

  it('RESPONSE-ADDRESS leads to another port of the asker, with no change of its binding, and to nobody else', async () => {
    await open();
    const socket = await openSocket();
    const other = await openSocket();
    const to = (address: { address: string; port: number }) =>
      addressAttribute(stunAttributes.responseAddress, address);
    const heard = hear(other);
    socket.send(request([to(own(other)), binding, name], 'filled'), server.port, server.address);
    const { message } = await heard;
    assert.deepEqual(readAddress(attributeOf(message, stunAttributes.mappedAddress)!), own(socket));
    assert.deepEqual(readAddress(attributeOf(message, stunAttributes.reflectedFrom)!), own(socket));
    assert.deepEqual(bound, []);
    await expectSilence(socket, request([to({ address: '127.0.0.2', port: own(other).port })]), 'reflection');
  });

  it('what it does not know and must, and a second address, are refused', async () => {
    await open();
    const socket = await openSocket();
    const changeRequest = (flags: number) => ({ type: stunAttributes.changeRequest, value: Buffer.of(0, 0, 0, flags) });
    const refused = await ask(socket, request([changeRequest(6), { type: 0x25, value: Buffer.alloc(0) }]));
    assert.equal(errorOf(refused), 420);
    const list = attributeOf(refused.message, stunAttributes.unknownAttributes)!;
    assert.deepEqual([list.readUInt16BE(0), list.readUInt16BE(2)], [3, 0x25]);
    assert.equal((await ask(socket, request([changeRequest(0)]))).message.type, bindingResponse);
  });

  it('answers neither answers nor garbage', async () => {
    await open();
    const socket = await openSocket();
    const answer = writeStunMessage({ type: bindingResponse, transaction: classic, attributes: [] });
    await expectSilence(socket, answer, 'unexpected');
    await expectSilence(socket, Buffer.from('GET http://127.0.0.1:1?ts=1 HTTP/1.1\r\n\r\n'), 'malformed');
  });

  it('one address gets so many answers a second, and no more', async () => {
    await open({ limits: { perAddress: 5, inAll: 100 } });
    const socket = await openSocket();
    for (let count = 0; count < 40; count++) socket.send(request([]), server.port, server.address);
    await eventually('all were heard', () => results.length === 40);
    const answered = results.filter((result) => result === 'answered').length;
    // Forty datagrams on loopback may lie on both sides of the end of a second, not of two.
    assert.ok(answered >= 5 && answered <= 10, String(answered));
  });

  it('datagrams of the gateway leave from its socket', async () => {
    await open();
    const socket = await openSocket();
    const came = once(socket, 'message', { signal: AbortSignal.timeout(5000) });
    assert.ok(server.reaches('127.0.0.1') && !server.reaches('::1'));
    await server.send(Buffer.from('hello'), socket.address().port, '127.0.0.1');
    const [octets, from] = (await came) as [Buffer, { port: number }];
    assert.equal(octets.toString(), 'hello');
    assert.equal(from.port, server.port);
  });
});
