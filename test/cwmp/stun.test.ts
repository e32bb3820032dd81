import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createCwmpAdapter, type CwmpSettings } from '../../adapters/cwmp/adapter.ts';
import { readFacts } from '../../adapters/cwmp/facts.ts';
import {
  bindingError,
  bindingRequest,
  bindingResponse,
  readStunMessage,
  stunAttributes,
  writeStunMessage,
} from '../../adapters/cwmp/stun-message.ts';
import type { Listener, ProtocolAdapter } from '../../src/management/adapter.ts';
import { createFakeManagement, type FakeManagement } from '../lwm2m/fake-management.ts';
import { createSmallCpe, fault, type SmallCpe } from './small-cpe.ts';

const identity = 'urn:dev:ops:00D09E-IGD-S1';
const server = 'Device.ManagementServer.';
const names = [
  'STUNEnable',
  'STUNServerAddress',
  'STUNServerPort',
  'STUNUsername',
  'STUNPassword',
  'STUNMinimumKeepAlivePeriod',
  'UDPConnectionRequestAddress',
];

describe('the CWMP leg with a STUN server', () => {
  let management: FakeManagement;
  let adapter: ProtocolAdapter;
  let listeners: Listener[];
  let cpe: SmallCpe;
  let socket: Socket;

  async function start(settings: Partial<CwmpSettings> = {}, parameters = names): Promise<void> {
    management = createFakeManagement();
    await open(settings);
    cpe = createSmallCpe(() => listeners[0]!.port);
    for (const name of parameters) cpe.tree.set(server + name, '');
  }

  async function open(settings: Partial<CwmpSettings> = {}): Promise<void> {
    adapter = createCwmpAdapter({ port: 0, stunPort: 0, stunKeepAlive: 20, transientPause: 1, ...settings });
    listeners = await adapter.start(management.context);
  }

  beforeEach(async () => {
    socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
  });

  afterEach(async () => {
    socket.close();
    await adapter.stop(new Date(Date.now() + 100));
  });

  const value = (name: string): string | undefined => cpe.tree.get(server + name);
  const facts = () => readFacts(management.device(identity).facts)!;
  const asked = (method: string): number => cpe.asked.filter((one) => one.method === method).length;
  const own = (): string => `127.0.0.1:${socket.address().port}`;
  const stun = (): Listener => listeners.find(({ name }) => name === 'stun')!;

  /** Tells that its binding is this socket now; the type of the answer. */
  function prove(password = value('STUNPassword')!): Promise<number> {
    return ask([{ type: stunAttributes.bindingChange, value: Buffer.alloc(0) }], password);
  }

  /** Keeps it alive, without a proof. */
  const keep = (): Promise<number> => ask([]);

  async function ask(more: { type: number; value: Buffer }[], password?: string): Promise<number> {
    const attributes = [
      { type: stunAttributes.connectionRequestBinding, value: Buffer.from('dslforum.org/TR-111 ') },
      ...more,
      { type: stunAttributes.username, value: Buffer.from(value('STUNUsername')!) },
    ];
    const proof = password === undefined ? undefined : { key: password, style: 'filled' as const };
    const transaction = Buffer.from(`${Math.random()}`.padEnd(16, '0').slice(0, 16));
    const message = { type: bindingRequest, transaction, attributes };
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(5000) });
    socket.send(writeStunMessage(message, proof), stun().port, '127.0.0.1');
    const [octets] = (await answer) as [Buffer];
    return readStunMessage(octets)!.type;
  }

  it('shows it among its listeners, and tells a new CPE of it once', async () => {
    await start();
    assert.equal(stun().url, `stun:127.0.0.1:${stun().port}`);
    await cpe.session({ events: ['0 BOOTSTRAP'] });
    assert.deepEqual(['STUNEnable', 'STUNServerAddress', 'STUNServerPort', 'STUNMinimumKeepAlivePeriod'].map(value), [
      'true',
      '127.0.0.1',
      String(stun().port),
      '20',
    ]);
    assert.equal(value('STUNUsername'), `trivet-${management.device(identity).id}`);
    assert.match(value('STUNPassword')!, /^[0-9a-f]{24}$/);
    assert.equal(cpe.notified.get(`${server}UDPConnectionRequestAddress`), '2');
    const told = asked('SetParameterValues');
    await cpe.session({ events: ['2 PERIODIC'] });
    assert.equal(asked('SetParameterValues'), told);
    await cpe.session({ events: ['0 BOOTSTRAP'] });
    assert.ok(asked('SetParameterValues') > told, 'what it has lost by a bootstrap is told again');
  });

  it('is told where the operator says; bound to all addresses, that it is the host of the ACS', async () => {
    await start({ stunAddress: 'stun.example.net' });
    await cpe.session();
    assert.equal(value('STUNServerAddress'), 'stun.example.net');
    await adapter.stop(new Date());
    await open({ stunHost: '0.0.0.0' });
    await cpe.session();
    assert.equal(value('STUNServerAddress'), '');
  });

  it('a CPE without one of the parameters gets the others; one that falls silent is told at its next session', async () => {
    await start({}, names.slice(0, 5));
    await cpe.session({ dieAfter: 2 });
    assert.equal(value('STUNEnable'), '');
    await cpe.session();
    assert.deepEqual([value('STUNEnable'), value('STUNUsername')?.slice(0, 7)], ['true', 'trivet-']);
    const told = asked('SetParameterValues');
    await cpe.session();
    assert.equal(asked('SetParameterValues'), told);
  });

  it('a CPE that has no STUN at all is served, and not told again', async () => {
    await start({}, []);
    assert.equal(await cpe.session(), 204);
    const told = asked('SetParameterValues');
    await cpe.session();
    assert.equal(asked('SetParameterValues'), told);
    assert.equal(facts().udpAddress, undefined);
  });

  for (const code of [9001, 9002, 9007]) {
    it(`a CPE that refuses to be told of it with ${code} is told again in its next session, until it takes it`, async () => {
      await start();
      cpe.handlers.set('SetParameterValues', () => fault(code));
      await cpe.session({ events: ['0 BOOTSTRAP'] });
      cpe.handlers.clear();
      await cpe.session();
      assert.deepEqual([value('STUNEnable'), value('STUNUsername')?.slice(0, 7)], ['true', 'trivet-']);
      const told = asked('SetParameterValues');
      await cpe.session();
      assert.equal(asked('SetParameterValues'), told);
    });
  }

  it('the address that it has found already is read, and one that is proved comes in its place', async () => {
    await start();
    cpe.tree.set(`${server}UDPConnectionRequestAddress`, '127.0.0.1:4711');
    await cpe.session();
    assert.equal(facts().udpAddress, '127.0.0.1:4711');
    assert.equal(await prove('wrong'), bindingError);
    assert.equal(facts().udpAddress, '127.0.0.1:4711');
    assert.equal(await prove(), bindingResponse);
    assert.equal(facts().udpAddress, own());
    const commits = management.commits;
    assert.equal(await prove(), bindingResponse);
    assert.equal(management.commits, commits, 'what is known is not stored again');
  });

  it('a device that has proved itself is asked for a proof where its change got lost, and no more than three times', async () => {
    await start();
    await cpe.session();
    assert.equal(await keep(), bindingResponse, 'one that never has proved anything is not asked');
    await prove();
    assert.equal(await keep(), bindingResponse);
    // What its Inform tells is older, or somebody has played an old message.
    await cpe.session({ parameters: { [`${server}UDPConnectionRequestAddress`]: '127.0.0.1:4711' } });
    assert.equal(facts().udpAddress, '127.0.0.1:4711');
    assert.equal(await keep(), bindingError);
    assert.equal(await prove(), bindingResponse);
    assert.equal(facts().udpAddress, own());
    await cpe.session({ parameters: { [`${server}UDPConnectionRequestAddress`]: '127.0.0.1:4711' } });
    const answers = [await keep(), await keep(), await keep(), await keep()];
    assert.deepEqual(answers, [bindingError, bindingError, bindingResponse, bindingResponse]);
  });

  it('one that is proved in a session outlives the session', async () => {
    await start();
    await cpe.session();
    let proved: Promise<number> | undefined;
    management.queue(management.device(identity).id, [
      { action: 'read', targets: [{ path: 'Device.DeviceInfo.ModelName' }] },
    ]);
    // It is asked now; a fact that is written later must not undo what comes meanwhile.
    management.wishes.set(management.device(identity).id, [{ path: 'Device.DeviceInfo.ModelName' }]);
    adapter.wishChanged(management.device(identity));
    cpe.handlers.set('GetParameterValues', () => {
      proved = prove();
      return '<cwmp:GetParameterValuesResponse><ParameterList><ParameterValueStruct><Name>Device.DeviceInfo.ModelName</Name><Value>R7</Value></ParameterValueStruct></ParameterList></cwmp:GetParameterValuesResponse>';
    });
    await cpe.session();
    assert.equal(await proved, bindingResponse);
    assert.equal(facts().udpAddress, own());
    assert.deepEqual(facts().notified, ['Device.DeviceInfo.ModelName']);
    await cpe.session();
    assert.equal(facts().udpAddress, own());
  });

  it('behind a NAT it is called by UDP at once, from the socket of the STUN server; nobody waits for its URL', async () => {
    await start({ connectionTimeout: 60_000 });
    const url = 'http://192.168.1.2:7547/';
    await cpe.session({ parameters: { [`${server}ConnectionRequestURL`]: url } });
    await prove();
    const heard = once(socket, 'message', { signal: AbortSignal.timeout(5000) });
    const result = await adapter.wake(management.device(identity));
    assert.ok(result.state === 'asked' && result.by === 'UDP connection request');
    const [octets, from] = (await heard) as [Buffer, { port: number }];
    assert.match(octets.toString(), /^GET http:\/\/127\.0\.0\.1:\d+\?ts=/);
    assert.equal(from.port, stun().port);
  });

  it('a port that is taken is named with its setting', async () => {
    await start();
    const taken = createCwmpAdapter({ port: 0, stunPort: stun().port });
    await assert.rejects(
      taken.start(createFakeManagement().context),
      /STUN server cannot open UDP port \d+ on 127\.0\.0\.1 \(EADDRINUSE\); see --cwmp-stun-port/,
    );
  });
});
