import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { SimulatedCpe } from '../../src/simulators/cwmp-cpe.ts';
import { TestAcs, datagram, eventually, getValues, knock, setValues, textIn, textsIn, valuesIn } from './cwmp-acs.ts';

const server = 'Device.ManagementServer.';

describe('simulated CPE', () => {
  let acs: TestAcs;

  beforeEach(async () => {
    acs = await TestAcs.start();
  });
  afterEach(() => acs.stop());

  const credentialsOf = (cpe: SimulatedCpe): { username: string; password: string } => ({
    username: cpe.parameter(`${server}ConnectionRequestUsername`) ?? '',
    password: cpe.parameter(`${server}ConnectionRequestPassword`) ?? '',
  });

  describe('is woken by HTTP', () => {
    for (const digest of [{}, { algorithm: 'MD5-sess' }, { qop: 'auth-int' }, { qop: null }] as const) {
      it(`with Digest ${JSON.stringify(digest)}`, async () => {
        const cpe = await acs.cpe({ digest });
        const answer = await knock(cpe.connectionRequestUrl, credentialsOf(cpe));
        assert.deepEqual([answer.status, answer.body], [200, '']);
        const inform = await acs.informWith('6 CONNECTION REQUEST');
        assert.deepEqual(textsIn(inform.body, 'EventCode'), ['6 CONNECTION REQUEST']);
      });
    }

    it('with the credentials that a server has set, and no longer with its own', async () => {
      const cpe = await acs.cpe();
      const own = credentialsOf(cpe);
      await acs.ask(
        cpe,
        setValues({
          [`${server}ConnectionRequestUsername`]: ['string', 'gw'],
          [`${server}ConnectionRequestPassword`]: ['string', 's3cret'],
        }),
      );
      assert.equal((await knock(cpe.connectionRequestUrl, own)).status, 401);
      assert.equal((await knock(cpe.connectionRequestUrl, { username: 'gw', password: 's3cret' })).status, 200);
    });

    it('and not without credentials, at another path, or in a session', async () => {
      const cpe = await acs.cpe();
      const url = cpe.connectionRequestUrl;
      assert.match((await knock(url)).challenge, /^Digest realm="cpe", nonce="/);
      assert.equal((await knock(`${url}x`, credentialsOf(cpe))).status, 404);
      cpe.faults.delay = 100;
      const session = cpe.inform('2 PERIODIC');
      assert.equal((await knock(url, credentialsOf(cpe))).status, 503);
      assert.deepEqual((await session).events, ['2 PERIODIC']);
    });

    it('and never tells it again when that session has failed', async () => {
      const cpe = await acs.cpe();
      acs.statuses.push(500);
      await knock(cpe.connectionRequestUrl, credentialsOf(cpe));
      await eventually(() => cpe.journal.find((entry) => entry.kind === 'session-failed'), 'it has not failed');
      assert.deepEqual((await cpe.inform()).events, ['2 PERIODIC']);
    });

    it('or not, on request', async () => {
      const cpe = await acs.cpe();
      const url = cpe.connectionRequestUrl;
      const credentials = credentialsOf(cpe);
      const statuses: Record<string, number | string> = {};
      for (const fault of ['ignored', 'busy', 'not-found', 'open', 'silent', 'reset'] as const) {
        cpe.faults.connectionRequest = fault;
        statuses[fault] = await knock(url, fault === 'open' ? undefined : credentials).then(
          ({ status }) => status,
          (problem: Error) => (problem.message === 'silent' ? 'silent' : 'reset'),
        );
      }
      assert.deepEqual(statuses, {
        ignored: 200,
        busy: 503,
        'not-found': 404,
        open: 200,
        silent: 'silent',
        reset: 'reset',
      });
      await acs.informWith('6 CONNECTION REQUEST');
      assert.equal(acs.named('Inform').length, 2);
    });

    it('not while it is off or away', async () => {
      const cpe = await acs.cpe({ speed: 1 });
      const url = cpe.connectionRequestUrl;
      cpe.faults.offline = true;
      await assert.rejects(knock(url, credentialsOf(cpe)), /socket hang up|ECONNRESET/);
      assert.equal((await cpe.inform('2 PERIODIC')).ok, false);
      cpe.faults.offline = false;
      cpe.powerCut();
      await assert.rejects(knock(url, credentialsOf(cpe)), /socket hang up|ECONNRESET/);
      assert.equal(acs.named('Inform').length, 1);
    });
  });

  describe('is woken by UDP', () => {
    it('once for all copies of a request with the right signature and a greater id', async () => {
      const cpe = await acs.cpe({ udp: true });
      const [host = '', port = ''] = cpe.udpAddress.split(':');
      const socket = createSocket('udp4');
      const send = (bytes: Buffer): void => socket.send(bytes, Number(port), host);
      const credentials = credentialsOf(cpe);
      send(datagram(cpe.udpAddress, { ...credentials, password: 'wrong' }, 5));
      send(Buffer.from('hello'));
      for (let copy = 0; copy < 3; copy += 1) send(datagram(cpe.udpAddress, credentials, 5));
      send(datagram(cpe.udpAddress, credentials, 4));
      await acs.informWith('6 CONNECTION REQUEST');
      await eventually(() => (requests().length === 6 ? true : undefined), 'not all were heard');
      const told = requests();
      assert.deepEqual(told, [
        'udp wrong signature',
        'udp not a connection request',
        'udp taken',
        'udp repeated id',
        'udp repeated id',
        'udp repeated id',
      ]);
      socket.close();

      function requests(): (string | undefined)[] {
        return cpe.journal.filter((entry) => entry.kind === 'connection-request').map((entry) => entry.detail);
      }
    });

    it('at the address that STUN has found, which is told as a change', async () => {
      const stun = createSocket('udp4');
      await new Promise<void>((resolve) => stun.bind(0, '127.0.0.1', resolve));
      const requests: Buffer[] = [];
      stun.on('message', (request, from) => {
        requests.push(request);
        // MAPPED-ADDRESS 192.0.2.7:4660
        const answer = Buffer.concat([
          Buffer.of(1, 1, 0, 12),
          request.subarray(4, 20),
          Buffer.of(0, 1, 0, 8, 0, 1, 0x12, 0x34, 192, 0, 2, 7),
        ]);
        stun.send(answer, from.port, from.address);
      });
      const cpe = await acs.cpe({ udp: true });
      await acs.ask(
        cpe,
        setValues({
          [`${server}STUNServerAddress`]: ['string', '127.0.0.1'],
          [`${server}STUNServerPort`]: ['unsignedInt', String(stun.address().port)],
          [`${server}STUNUsername`]: ['string', 'me'],
          [`${server}STUNEnable`]: ['boolean', 'true'],
        }),
      );
      await eventually(() => (cpe.udpAddress === '192.0.2.7:4660' ? true : undefined), 'no binding');
      assert.equal(cpe.parameter(`${server}NATDetected`), 'true');
      assert.ok(requests[0]?.includes('dslforum.org/TR-111 '));
      stun.close();
      await once(stun, 'close');
    });
  });

  describe('behind a NAT', () => {
    it('proves its binding when the server asks for it, and is woken from there alone', async () => {
      const stun = createSocket('udp4');
      await new Promise<void>((resolve) => stun.bind(0, '127.0.0.1', resolve));
      const requests: { bytes: Buffer; from: number }[] = [];
      const password = 'p4ss';
      const sign = (text: Buffer): Buffer => {
        const padded = Buffer.concat([text, Buffer.alloc((64 - (text.length % 64)) % 64)]);
        return createHmac('sha1', password).update(padded).digest();
      };
      const signed = (bytes: Buffer): boolean => bytes.subarray(-20).equals(sign(bytes.subarray(0, -24)));
      // BINDING-CHANGE is what this server wants a proof for.
      const change = Buffer.of(0xc0, 2, 0, 0);
      stun.on('message', (bytes, from) => {
        requests.push({ bytes, from: from.port });
        const head = (type: number, length: number): Buffer =>
          Buffer.concat([Buffer.of(1, type, 0, length), bytes.subarray(4, 20)]);
        const mapped = Buffer.of(0, 1, 0, 8, 0, 1, from.port >> 8, from.port & 255, 127, 0, 0, 1);
        let answer = Buffer.concat([head(1, 12), mapped]);
        if (signed(bytes)) {
          const text = Buffer.concat([head(1, 36), mapped]);
          answer = Buffer.concat([text, Buffer.of(0, 8, 0, 20), sign(text)]);
        } else if (bytes.includes(change)) answer = Buffer.concat([head(0x11, 8), Buffer.of(0, 9, 0, 4, 0, 0, 4, 1)]);
        stun.send(answer, from.port, from.address);
      });
      const cpe = await acs.cpe({ nat: true });
      assert.equal(new URL(cpe.connectionRequestUrl).hostname, '192.168.1.2');
      assert.match(cpe.udpAddress, /^192\.168\.1\.2:/);
      await acs.ask(
        cpe,
        setValues({
          [`${server}STUNServerAddress`]: ['string', ''],
          [`${server}STUNServerPort`]: ['unsignedInt', String(stun.address().port)],
          [`${server}STUNUsername`]: ['string', 'me'],
          [`${server}STUNPassword`]: ['string', password],
          [`${server}STUNEnable`]: ['boolean', 'true'],
        }),
      );
      const proved = (): string[] =>
        cpe.journal
          .filter(({ kind, detail }) => kind === 'stun' && detail?.startsWith('proved'))
          .map((one) => one.detail!);
      await eventually(() => (proved().length > 0 ? true : undefined), 'no proof');
      assert.equal(cpe.udpAddress, cpe.nat?.mapped);
      assert.deepEqual(proved(), [`proved ${cpe.udpAddress}`]);
      // A stranger with the right credentials is not let in; the server is.
      const request = datagram(cpe.udpAddress, credentialsOf(cpe), 9);
      const [host = '', port = ''] = cpe.udpAddress.split(':');
      const stranger = createSocket('udp4');
      stranger.send(request, Number(port), host);
      await eventually(() => (cpe.nat!.strays === 1 ? true : undefined), 'it was not turned away');
      stun.send(request, Number(port), host);
      await acs.informWith('6 CONNECTION REQUEST');
      // A new binding is found by the next question, and proved.
      await cpe.nat!.rebind();
      await eventually(() => (proved().length === 2 ? true : undefined), 'no second proof');
      assert.equal(cpe.udpAddress, cpe.nat?.mapped);
      for (const socket of [stun, stranger]) {
        socket.close();
        await once(socket, 'close');
      }
    });
  });

  describe('as a proxier', () => {
    it('lists its devices, with holes in their numbers', async () => {
      const cpe = await acs.cpe({
        virtualDevices: [
          { serialNumber: 'V1', sessions: false },
          { serialNumber: 'V2', oui: 'AABBCC', productClass: 'Meter', sessions: false },
        ],
        embeddedDevices: [{ controllerId: 'zb0', proxiedDeviceId: '0x12', name: 'lamp' }],
      });
      const [answer] = await acs.ask(
        cpe,
        getValues(`${server}VirtualDevice.3.`, `${server}EmbeddedDevice.1.ControllerID`),
      );
      assert.deepEqual(valuesIn(answer ?? ''), {
        [`${server}VirtualDevice.3.Alias`]: 'cpe-3',
        [`${server}VirtualDevice.3.Enable`]: 'true',
        [`${server}VirtualDevice.3.ManufacturerOUI`]: 'AABBCC',
        [`${server}VirtualDevice.3.ProductClass`]: 'Meter',
        [`${server}VirtualDevice.3.SerialNumber`]: 'V2',
        [`${server}EmbeddedDevice.1.ControllerID`]: 'zb0',
      });
      assert.equal(cpe.virtualDevices.length, 0);
    });

    it('opens a session for each Virtual Device, which is woken at its own path and answers 503 while it is away', async () => {
      const cpe = await acs.cpe({ virtualDevices: [{ serialNumber: 'V1' }, { serialNumber: 'V2' }] });
      assert.deepEqual(
        acs
          .named('Inform')
          .map((one) => textIn(one.body, 'SerialNumber'))
          .sort(),
        ['S1', 'V1', 'V2'],
      );
      const [first, second] = cpe.virtualDevices;
      assert.ok(first && second);
      assert.equal(new URL(first.connectionRequestUrl).host, new URL(cpe.connectionRequestUrl).host);
      const read = acs.queue(getValues('Device.DeviceInfo.SerialNumber'), 'V1');
      assert.equal((await knock(first.connectionRequestUrl, credentialsOf(first))).status, 200);
      assert.deepEqual(Object.values(valuesIn(await read)), ['V1']);
      second.faults.offline = true;
      assert.equal((await knock(second.connectionRequestUrl, credentialsOf(second))).status, 503);
    });
  });
});
