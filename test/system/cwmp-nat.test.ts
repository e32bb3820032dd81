/** TR-069 devices behind a NAT: called by UDP connection requests from the socket of the STUN server (TR-069 annex G). */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { startCwmpCpe } from '../../src/simulators/cwmp-cpe.ts';
import { eventually } from '../support/eventually.ts';
import { addCpe, viewOf, type TestCpe } from './cpe.ts';
import { expectOk, openWorld, type World } from './world.ts';

describe('a TR-069 device behind a NAT', () => {
  const worlds: World[] = [];
  let world: World;

  async function open(...options: string[]): Promise<World> {
    world = await openWorld(['--cwmp-stun-port', '0', '--cwmp-stun-keep-alive', '10s', ...options]);
    worlds.push(world);
    return world;
  }

  /** It has told its binding, and the gateway has stored it. */
  async function addNatCpe(options: Parameters<typeof addCpe>[1] = {}): Promise<TestCpe> {
    const cpe = await addCpe(world, { nat: true, ...options });
    await untilReached(cpe);
    return cpe;
  }

  /** The answer to a proof comes when it is stored. */
  const untilReached = (cpe: TestCpe): Promise<unknown> =>
    eventually('the gateway knows where it is reached', () =>
      cpe.deeds('stun').some(({ detail }) => detail === `proved ${cpe.simulator.nat!.mapped}`),
    );

  async function summaries(cpe: TestCpe): Promise<string[]> {
    const admin = world.gateway.urls['admin']!.replace(/\/$/, '');
    const urn = `urn:dev:ops:${cpe.simulator.id}`;
    const response = await fetch(`${admin}/devices/${encodeURIComponent(urn)}/trace`);
    return ((await response.json()) as { messages: { summary: string }[] }).messages.map(({ summary }) => summary);
  }

  /** A session that happens to be open serves a request without a call: the next one finds it closed. */
  const untilCalled = (cpe: TestCpe, object = 'battery-2'): Promise<unknown> => {
    const before = taken(cpe);
    return eventually('it is called', async () => {
      expectOk(await cpe.get(object));
      return taken(cpe) > before;
    });
  };

  const taken = (cpe: TestCpe): number => wakes(cpe).filter((detail) => detail === 'udp taken').length;
  const wakes = (cpe: TestCpe): (string | undefined)[] => cpe.deeds('connection-request').map(({ detail }) => detail);
  const untilResting = (cpe: TestCpe) =>
    eventually('its session is over', async () => (await cpe.presence()) === 'asleep');

  afterEach(async () => {
    for (const one of worlds.splice(0)) await one.stop();
  });

  for (const dataModel of ['tr181', 'tr098'] as const) {
    it(`(${dataModel}) is told of the STUN server, proves its binding, and answers a live RETRIEVE at once`, async () => {
      await open();
      assert.match(world.gateway.urls['stun']!, /^stun:127\.0\.0\.1:\d+$/);
      const cpe = await addNatCpe({ dataModel });
      const root = dataModel === 'tr181' ? 'Device.' : 'InternetGatewayDevice.';
      const server = (name: string): string | undefined => cpe.simulator.parameter(`${root}ManagementServer.${name}`);
      assert.deepEqual(
        ['STUNEnable', 'STUNServerAddress', 'STUNServerPort', 'STUNMinimumKeepAlivePeriod'].map(server),
        ['true', '127.0.0.1', world.gateway.urls['stun']!.split(':').at(-1), '10'],
      );
      assert.match(server('STUNUsername') ?? '', /^trivet-/);
      assert.equal(server('UDPConnectionRequestAddress'), cpe.simulator.nat!.mapped);
      await untilCalled(cpe, 'deviceInfo');
      assert.ok((await summaries(cpe)).includes('connection request: UDP connection request'));
      assert.equal(cpe.simulator.nat!.strays, 0, 'everything came from where the device had sent something');
    });
  }

  it('does nothing for a wrong signature or an id that was used, and lets in no stranger', async () => {
    await open();
    const cpe = await addNatCpe();
    await untilCalled(cpe);
    await untilResting(cpe);
    const { length } = wakes(cpe);
    assert.deepEqual(wakes(cpe).slice(-3), ['udp taken', 'udp repeated id', 'udp repeated id']);
    const [host = '', port = ''] = cpe.simulator.nat!.mapped.split(':');
    const name = cpe.simulator.parameter('Device.ManagementServer.ConnectionRequestUsername') ?? '';
    const forged = (password: string): Buffer => {
      const [ts, id, cn] = ['9999999999', '9999999999', 'x'];
      const sig = createHmac('sha1', password).update(`${ts}${id}${name}${cn}`).digest('hex');
      return Buffer.from(
        `GET http://${host}:${port}?ts=${ts}&id=${id}&un=${name}&cn=${cn}&sig=${sig} HTTP/1.1\r\n\r\n`,
      );
    };
    const stranger = createSocket('udp4');
    stranger.send(forged('guessed'), Number(port), host);
    await eventually('the NAT has turned it away', () => cpe.simulator.nat!.strays === 1);
    stranger.close();
    await once(stranger, 'close');
    assert.equal(wakes(cpe).length, length);
  });

  it('that has other credentials takes no call, and the answer is that it did not come', async () => {
    await open();
    const cpe = await addNatCpe();
    await untilCalled(cpe);
    cpe.simulator.setParameter('Device.ManagementServer.ConnectionRequestPassword', 'of somebody else');
    await cpe.untilAsleep();
    const calls = taken(cpe);
    await eventually('it is not served', async () => {
      const answer = await cpe.get('battery-2', '', { headers: { 'X-M2M-RET': '800' } });
      return answer.rsc === 6021;
    });
    assert.equal(wakes(cpe).at(-1), 'udp wrong signature');
    assert.equal(taken(cpe), calls);
  });

  it('that gets another binding is called at the new one', async () => {
    await open();
    const cpe = await addNatCpe();
    await untilResting(cpe);
    const before = cpe.simulator.nat!.mapped;
    await cpe.simulator.nat!.rebind();
    assert.notEqual(cpe.simulator.nat!.mapped, before);
    await untilReached(cpe);
    const strays = cpe.simulator.nat!.strays;
    await untilCalled(cpe);
    assert.equal(cpe.simulator.nat!.strays, strays);
  });

  it('is called after a restart of the gateway: what it has proved is stored', async () => {
    await open();
    const cpe = await addNatCpe();
    await untilResting(cpe);
    const port = world.gateway.urls['stun']!.split(':').at(-1)!;
    await world.restart(['--cwmp-stun-port', port]);
    const told = cpe.asked('SetParameterValues');
    await untilCalled(cpe);
    assert.equal(cpe.asked('SetParameterValues'), told, 'a server that it knows is not told again');
  });

  it('is told at its next session when the STUN server was switched on later, and again when it is gone', async () => {
    world = await openWorld(['--cwmp-connection-request-timeout', '100ms']);
    worlds.push(world);
    // Nobody can call it yet.
    const simulator = await startCwmpCpe({
      acs: world.gateway.urls['cwmp']!,
      serialNumber: 'LATE1',
      nat: true,
      life: false,
      speed: 50,
    });
    world.owns(simulator);
    const cpe = viewOf(world, simulator);
    assert.equal(cpe.simulator.parameter('Device.ManagementServer.STUNEnable'), 'false');
    await world.restart(['--cwmp-stun-port', '0', '--cwmp-stun-keep-alive', '10s']);
    await cpe.simulator.inform('2 PERIODIC');
    assert.equal(cpe.simulator.parameter('Device.ManagementServer.STUNEnable'), 'true');
    await untilReached(cpe);
    await world.restart();
    await cpe.simulator.inform('2 PERIODIC');
    assert.equal(cpe.simulator.parameter('Device.ManagementServer.STUNEnable'), 'false');
  });

  it('that lacks some of the parameters gets the others, and one that lacks all is served as ever', async () => {
    await open();
    const gone = (...names: string[]) =>
      Object.fromEntries(names.map((name) => [`Device.ManagementServer.${name}`, null]));
    const some = await addCpe(world, { nat: true, parameters: gone('STUNMinimumKeepAlivePeriod', 'STUNPassword') });
    // Without a password it cannot prove anything: its Inform tells the address.
    await eventually('it has a binding', () => some.simulator.udpAddress === some.simulator.nat!.mapped);
    await untilResting(some);
    expectOk(await some.get('battery-2'));
    const all = await addCpe(world, {
      parameters: gone('STUNEnable', 'STUNServerAddress', 'STUNServerPort', 'STUNUsername', 'STUNPassword'),
    });
    expectOk(await all.get('battery-2'));
    const asked = all.asked('SetParameterValues');
    await all.simulator.inform('2 PERIODIC');
    assert.equal(all.asked('SetParameterValues'), asked, 'it is not asked again');
  });
});
