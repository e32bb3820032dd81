/** Who may speak for a device: passwords, certificates, and what happens to everybody else. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { connect as connectPlain, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { runSimulate } from '../../src/cli/simulate.ts';
import { SettingError } from '../../src/config.ts';
import { startCwmpCpe, type CpeOptions, type SimulatedCpe } from '../../src/simulators/cwmp-cpe.ts';
import { silentLog, type Log } from '../../src/support/log.ts';
import { connectCpe, cookieFrom, cwmp, informText, type CpeConnection, type CpeReply } from '../cwmp/scripted-cpe.ts';
import { createAuthority, loopback, type Authority, type Pair } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const identity = (serial: string): string => `urn:dev:ops:00D09E-IGD-${serial}`;
const nodeOf = (serial: string): string => `cse-in/urn-dev-ops-00D09E-IGD-${serial}`;
const header = 'technology,identity,username,password,connectionRequestUsername,connectionRequestPassword\n';

describe('a TR-069 device proves who it is', function () {
  this.timeout(60_000);
  let directory: string;
  let authority: Authority;
  let stranger: Authority;
  let server: Pair;
  let devices: Record<'A' | 'B', Pair>;
  let gateway: TestGateway;
  let said: string[];
  const open: { close(): void }[] = [];
  const simulators: SimulatedCpe[] = [];

  const file = (name: string): string => join(directory, name);
  /** As careful operators do it: never half a file. */
  const put = (name: string, text: string): Promise<void> =>
    writeFile(file(`${name}.new`), text, { mode: 0o600 }).then(() => rename(file(`${name}.new`), file(name)));

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'trivet-security-'));
    [authority, stranger] = await Promise.all([createAuthority('Devices'), createAuthority('Somebody else')]);
    server = await authority.issue(loopback);
    devices = {
      A: await authority.issue({ name: '00D09E-IGD-A' }),
      B: await authority.issue({ name: 'a router', alternatives: [{ type: 'url', value: identity('B') }] }),
    };
  });
  after(() => rm(directory, { recursive: true, force: true }));

  beforeEach(async () => {
    said = [];
    await put('authorities.pem', authority.certificate);
    await put('server.pem', server.certificate);
    await put('server-key.pem', server.key);
    await put('devices.csv', `${header}cwmp,00D09E-IGD-A,,secret-of-A,,\ncwmp,00D09E-IGD-B,bob,secret-of-B,,\n`);
  });
  afterEach(async () => {
    for (const connection of open.splice(0)) connection.close();
    await Promise.all(simulators.splice(0).map((simulator) => simulator.stop()));
    await gateway.stop();
    assert.doesNotMatch(said.join('\n'), /secret-of|PRIVATE/, 'no password and no key is logged');
  });

  const note = (fields: object, message: string): void => void said.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { ...silentLog, info: note, warn: note, error: note, child: () => log };

  const credentials = (): string[] => ['--devices-credentials', file('devices.csv')];
  const tls = (): string[] => [
    `--tls-certificate=${file('server.pem')}`,
    `--tls-key=${file('server-key.pem')}`,
    '--cwmp-tls-port=0',
  ];
  const certificates = (asked: 'optional' | 'required'): string[] => [
    ...tls(),
    `--cwmp-client-certificate=${asked}`,
    `--cwmp-client-authorities=${file('authorities.pem')}`,
  ];

  async function start(...options: string[]): Promise<void> {
    gateway = await startTestGateway(options, undefined, log);
  }

  const portOf = (listener: 'cwmp' | 'cwmps'): number => Number(new URL(gateway.urls[listener]!).port);

  async function plain(): Promise<CpeConnection> {
    const connection = await connectCpe(portOf('cwmp'));
    open.push(connection);
    return connection;
  }

  async function overTls(shown?: Pair, more: ConnectionOptions = {}): Promise<CpeConnection> {
    const own = shown && { cert: shown.certificate, key: shown.key };
    const connection = await connectCpe(portOf('cwmps'), { ca: authority.certificate, ...own, ...more });
    open.push(connection);
    return connection;
  }

  async function simulate(options: Partial<CpeOptions>): Promise<SimulatedCpe> {
    const simulator = await startCwmpCpe({
      acs: gateway.urls.cwmps ?? gateway.urls.cwmp!,
      oui: '00D09E',
      productClass: 'IGD',
      serialNumber: 'A',
      life: false,
      udp: false,
      speed: 50,
      timeout: 10,
      autoInform: false,
      tls: { ca: authority.certificate },
      ...options,
    });
    simulators.push(simulator);
    return simulator;
  }

  const hasNode = async (serial: string): Promise<boolean> => (await gateway.mca.get(nodeOf(serial))).rsc === 2000;

  async function refusals(reason: string): Promise<number> {
    const text = await (await fetch(`${gateway.urls.admin!.replace(/\/$/, '')}/metrics`)).text();
    const line = new RegExp(`^trivet_messages_refused_total\\{technology="cwmp",reason="${reason}"\\} (\\d+)$`, 'm');
    return Number(line.exec(text)?.[1] ?? 0);
  }

  const basic = (username: string, password: string): string =>
    `Authorization: Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

  describe('by its password', () => {
    it('with Digest after a challenge, and the resource shows it', async () => {
      await start(...credentials());
      const cpe = await simulate({ password: 'secret-of-A' });
      assert.equal((await cpe.inform('0 BOOTSTRAP')).ok, true);
      assert.ok(await hasNode('A'));
      assert.equal(await refusals('unauthenticated'), 0, 'a challenge is no refusal');
    });

    it('with Basic at once, over TLS', async () => {
      await start(...credentials(), ...tls());
      const cpe = await simulate({ serialNumber: 'B', username: 'bob', password: 'secret-of-B', quirks: [35] });
      assert.equal((await cpe.inform('0 BOOTSTRAP')).ok, true);
      assert.ok(await hasNode('B'));
    });

    it('and is refused with a wrong one: no node is made, the log says who and why, the answer does not', async () => {
      await start(...credentials());
      const cpe = await plain();
      const challenge = await cpe.post(informText({ serial: 'A' }));
      assert.equal(challenge.status, 401);
      const refused = await cpe.post(informText({ serial: 'A' }), [digest(challenge, '00D09E-IGD-A', 'wrong')]);
      assert.equal(refused.status, 401);
      assert.equal(refused.body, challenge.body);
      assert.equal(await hasNode('A'), false);
      assert.equal(await refusals('unauthenticated'), 1);
      const lines = said.filter((line) => line.startsWith('a CPE shows wrong credentials'));
      assert.equal(lines.length, 1);
      assert.match(lines[0]!, /00D09E-IGD-A: the password is wrong/);
    });

    it('and not by the password of another device', async () => {
      await start(...credentials());
      const cpe = await plain();
      const challenge = await cpe.post(informText({ serial: 'B' }));
      for (const username of ['00D09E-IGD-A', '00D09E-IGD-B', 'bob']) {
        const proof = digest(challenge, username, 'secret-of-A');
        assert.equal((await cpe.post(informText({ serial: 'B' }), [proof])).status, 401, username);
      }
      assert.equal(await hasNode('B'), false);
    });

    it('with the account of the whole fleet when it has no line of its own', async () => {
      await put('devices.csv', `${header}cwmp,*,fleet,secret-of-all,,\ncwmp,00D09E-IGD-B,bob,secret-of-B,,\n`);
      await start(...credentials(), '--cwmp-authentication', 'required');
      const cpe = await plain();
      const statusOf = async (serial: string): Promise<number> =>
        (await cpe.post(informText({ serial }), [basic('fleet', 'secret-of-all')])).status;
      assert.equal(await statusOf('A'), 200);
      assert.equal(await statusOf('B'), 401);
    });

    it('known: a device without credentials comes in; required: it does not; none: nobody is asked', async () => {
      const statusOf = async (serial: string, authentication: string): Promise<number> => {
        await start(...credentials(), '--cwmp-authentication', authentication);
        const { status } = await (await plain()).post(informText({ serial }));
        for (const connection of open.splice(0)) connection.close();
        if (authentication !== 'none') await gateway.stop();
        return status;
      };
      assert.equal(await statusOf('Z', 'known'), 200);
      assert.equal(await statusOf('A', 'known'), 401);
      assert.equal(await statusOf('Z', 'required'), 401);
      assert.equal(await statusOf('A', 'none'), 200);
    });

    it('again after a restart of the gateway, whose nonces are other ones: it is told that its nonce is stale', async () => {
      await start(...credentials());
      const cpe = await simulate({ password: 'secret-of-A' });
      assert.equal((await cpe.inform('0 BOOTSTRAP')).ok, true);
      const old = await (await plain()).post(informText({ serial: 'A' }));
      const port = String(portOf('cwmp'));
      await gateway.halt();
      gateway = await startTestGateway([...credentials(), '--cwmp-port', port], gateway.data, log);
      const reply = await (
        await plain()
      ).post(informText({ serial: 'A' }), [digest(old, '00D09E-IGD-A', 'secret-of-A')]);
      assert.equal(reply.status, 401);
      assert.match(reply.headers.get('www-authenticate')?.[0] ?? '', /stale=true/);
      assert.equal((await cpe.inform()).ok, true);
    });

    it('with a nonce count that does not grow, and over another connection, as devices do (quirk 34)', async () => {
      await start(...credentials());
      const challenge = await (await plain()).post(informText({ serial: 'A' }));
      const proof = digest(challenge, '00D09E-IGD-A', 'secret-of-A');
      for (let repeated = 0; repeated < 3; repeated++)
        assert.equal((await (await plain()).post(informText({ serial: 'A' }), [proof])).status, 200);
    });

    it('that was added to the file while the gateway runs', async () => {
      await start(...credentials(), '--cwmp-authentication', 'required');
      const cpe = await plain();
      assert.equal((await cpe.post(informText({ serial: 'C' }), [basic('carl', 'secret-of-C')])).status, 401);
      await put('devices.csv', `${header}cwmp,00D09E-IGD-C,carl,secret-of-C,,\n`);
      await eventually('the new line counts', async () => {
        return (await cpe.post(informText({ serial: 'C' }), [basic('carl', 'secret-of-C')])).status === 200;
      });
    });

    it('on an address beyond this machine without --insecure: Digest only, for Basic tells the password', async () => {
      await start(...credentials(), '--cwmp-authentication', 'required', '--cwmp-bind', '0.0.0.0');
      const cpe = await plain();
      const challenge = await cpe.post(informText({ serial: 'A' }));
      assert.deepEqual(
        challenge.headers.get('www-authenticate')?.map((one) => one.split(' ')[0]),
        ['Digest'],
      );
      const refused = await cpe.post(informText({ serial: 'A' }), [basic('00D09E-IGD-A', 'secret-of-A')]);
      assert.equal(refused.status, 401);
      const proof = digest(challenge, '00D09E-IGD-A', 'secret-of-A');
      assert.equal((await cpe.post(informText({ serial: 'A' }), [proof])).status, 200);
    });
  });

  describe('by its certificate', () => {
    it('whose name is the one of the device, as CN or as a URN, and needs no password then', async () => {
      await start(...credentials(), ...certificates('required'), '--cwmp-authentication', 'required');
      const cpe = await simulate({
        tls: { ca: authority.certificate, cert: devices.A.certificate, key: devices.A.key },
      });
      assert.equal((await cpe.inform('0 BOOTSTRAP')).ok, true);
      assert.ok(await hasNode('A'));
      assert.equal((await (await overTls(devices.B)).post(informText({ serial: 'B' }))).status, 200);
    });

    it('and not by the certificate of another, whoever else would be let in', async () => {
      for (const authentication of ['known', 'none']) {
        said = [];
        await start(...certificates('optional'), '--cwmp-authentication', authentication);
        const cpe = await overTls(devices.A);
        assert.equal((await cpe.post(informText({ serial: 'B' }))).status, 401, authentication);
        assert.equal(await hasNode('B'), false);
        assert.equal(await refusals('unauthenticated'), 1);
        assert.match(
          said.join('\n'),
          /IGD-B: its certificate names 00D09E-IGD-A, and no credentials are stored for it/,
        );
        assert.equal((await cpe.post(informText({ serial: 'A' }))).status, 200);
        if (authentication === 'known') {
          cpe.close();
          await gateway.stop();
        }
      }
    });

    it('also when the connection resumes an older one', async () => {
      await start(...certificates('required'));
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const first = await overTls(devices.A, { minVersion: version, maxVersion: version });
        const socket = first.socket as TLSSocket;
        // Of TLS 1.3 it comes after the handshake.
        const ticket = version === 'TLSv1.3' ? (once(socket, 'session') as Promise<[Buffer]>) : [socket.getSession()];
        assert.equal((await first.post(informText({ serial: 'A' }))).status, 200);
        const [session] = await ticket;
        const second = await overTls(devices.A, { minVersion: version, maxVersion: version, session });
        assert.equal((second.socket as TLSSocket).isSessionReused(), true, version);
        assert.equal((await second.post(informText({ serial: 'B' }))).status, 401);
        assert.equal((await second.post(informText({ serial: 'A' }))).status, 200);
      }
    });

    it('or its password, where a certificate is optional', async () => {
      await start(...credentials(), ...certificates('optional'), '--cwmp-authentication', 'required');
      const status = async (...headers: string[]): Promise<number> =>
        (await (await overTls()).post(informText({ serial: 'B' }), headers)).status;
      assert.equal(await status(), 401);
      assert.equal(await status(basic('bob', 'secret-of-B')), 200);
    });

    it('without which it does not get past the handshake, where one is required: one line in the log, one in the metrics', async () => {
      await start(...certificates('required'));
      const foreign = await stranger.issue({ name: '00D09E-IGD-A' });
      const cases: [shown: Pair | undefined, why: RegExp][] = [
        [undefined, /it showed no certificate, and cwmp\.clientCertificate is required/],
        [foreign, /its certificate is from none of cwmp\.clientAuthorities/],
      ];
      for (const [at, [shown, why]] of cases.entries()) {
        await assert.rejects(overTls(shown).then((cpe) => cpe.post(informText({ serial: 'A' }))));
        await eventually('the refusal is counted', async () => (await refusals('tls')) === at + 1);
        const lines = said.filter((line) => line.startsWith('a TLS handshake is refused'));
        assert.equal(lines.length, at + 1);
        assert.match(lines.at(-1)!, why);
      }
      assert.equal(await hasNode('A'), false);
    });
  });

  describe('at listeners', () => {
    it('that share the sessions: one that began over TLS goes on without', async () => {
      await start(...tls());
      const cookie = cookieFrom(await (await overTls()).post(informText({ serial: 'A' })));
      const report = cwmp('<cwmp:TransferComplete><CommandKey>k</CommandKey></cwmp:TransferComplete>', '2');
      assert.match((await (await plain()).post(report, [cookie])).body, /TransferCompleteResponse/);
      assert.equal((await (await plain()).post(report)).status, 400);
    });

    it('that take a new certificate while they run, and keep the old one when the new one is wrong', async () => {
      await start(...tls());
      const shown = async (): Promise<string> => {
        const connection = await overTls();
        const { fingerprint256 } = (connection.socket as TLSSocket).getPeerCertificate();
        connection.close();
        return fingerprint256;
      };
      const busy = await overTls();
      const cookie = cookieFrom(await busy.post(informText({ serial: 'A' })));
      const before = await shown();
      const renewed = await authority.issue(loopback);
      await put('server-key.pem', renewed.key);
      await put('server.pem', renewed.certificate);
      const after = await eventually('the new certificate is shown', async () => {
        const now = await shown();
        return now === before ? undefined : now;
      });
      assert.notEqual((await busy.post('', [cookie])).status, 0, 'a connection that is open stays');

      await put('server.pem', 'no certificate at all');
      await eventually('the log says what is wrong', () =>
        said.find((line) => /cannot be used; the old ones stay in use .*server\.pem: it is no PEM file/.test(line)),
      );
      assert.equal(await shown(), after);
    });

    it('that take other authorities while they run: who was let in by the old ones is not, nor by a session of then', async () => {
      await start(...certificates('required'));
      const first = await overTls(devices.A, { maxVersion: 'TLSv1.2' });
      assert.equal((await first.post(informText({ serial: 'A' }))).status, 200);
      const session = (first.socket as TLSSocket).getSession();
      await put('authorities.pem', stranger.certificate);
      await eventually('the authorities were read', () => said.some((line) => /certificate was read again/.test(line)));
      for (const resumed of [{}, { session }]) {
        const attempt = overTls(devices.A, { maxVersion: 'TLSv1.2', ...resumed });
        await assert.rejects(attempt.then((cpe) => cpe.post(informText({ serial: 'A' }))));
      }
      const others = await overTls(await stranger.issue({ name: '00D09E-IGD-C' }));
      assert.equal((await others.post(informText({ serial: 'C' }))).status, 200);
    });

    it('that speak no TLS below 1.2, unless they are told to', async () => {
      const old: ConnectionOptions = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' };
      await start(...tls());
      await assert.rejects(overTls(undefined, old));
      await eventually('it is counted', async () => (await refusals('tls')) === 1);
      assert.match(said.join('\n'), /knows only versions of TLS below tls\.minimumVersion/);
      await gateway.stop();
      await start(...tls(), '--tls-minimum-version', 'TLSv1');
      const cpe = await overTls(undefined, old);
      assert.equal((cpe.socket as TLSSocket).getProtocol(), 'TLSv1.1');
      assert.equal((await cpe.post(informText({ serial: 'A' }))).status, 200);
    });

    it('that close connections with something else than TLS, and serve on', async () => {
      await start(...tls());
      const junk = [
        Buffer.alloc(5000, 0x16),
        Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
        Buffer.from([22, 3, 1, 255, 255, 1]),
      ];
      for (const octets of junk.slice(0, 2)) {
        const socket = connectPlain(portOf('cwmps'), '127.0.0.1').on('error', () => {});
        socket.resume().write(octets);
        await endOf(socket);
      }
      assert.equal(await refusals('tls'), 2);
      assert.match(said.join('\n'), /it spoke HTTP without TLS/);
      const half = await Promise.all(
        Array.from({ length: 200 }, async () => {
          const socket = connectPlain(portOf('cwmps'), '127.0.0.1').on('error', () => {});
          await once(socket, 'connect');
          socket.write(junk[2]!);
          return socket;
        }),
      );
      assert.equal((await (await overTls()).post(informText({ serial: 'A' }))).status, 200);
      for (const connection of open.splice(0)) connection.close();
      const closed = Promise.all(half.map((socket) => endOf(socket.resume())));
      const begin = performance.now();
      await gateway.halt();
      await closed;
      assert.ok(performance.now() - begin < 4000, 'half a handshake does not hold the stop up');
    });

    it('behind a proxy: its X-Forwarded-For says where a device is, that of others does not', async () => {
      const addressOf = async (...options: string[]): Promise<string | undefined> => {
        await start(...options);
        await (await plain()).post(informText({ serial: 'A' }), ['X-Forwarded-For: 198.51.100.7, 203.0.113.9']);
        const url = `${gateway.urls.admin!.replace(/\/$/, '')}/devices/${encodeURIComponent(identity('A'))}`;
        const { presence } = (await (await fetch(url)).json()) as { presence: { address?: string } };
        return presence.address;
      };
      assert.equal(await addressOf(), '127.0.0.1');
      for (const connection of open.splice(0)) connection.close();
      await gateway.stop();
      assert.equal(await addressOf('--trusted-proxy', '127.0.0.0/8'), '203.0.113.9');
    });
  });

  it('also one of `trivet simulate`, with its certificate or its password', async () => {
    const own = await authority.issue({ name: '0024BE-TrivetCPE-sim1' });
    await put('own.pem', own.certificate);
    await put('own-key.pem', own.key);
    await put('devices.csv', `${header}cwmp,0024BE-TrivetCPE-sim2,,secret-of-2,,\n`);
    await start(...credentials(), ...certificates('optional'), '--cwmp-authentication', 'required');
    const ended = new AbortController();
    const console = { write: () => {}, complain: (line: string) => void said.push(line), ended: ended.signal };
    const common = ['--technology', 'cwmp', '--server', gateway.urls.cwmps!, '--ca', file('authorities.pem')];
    const running = [
      ['--endpoint', 'sim1', '--certificate', file('own.pem'), '--key', file('own-key.pem')],
      ['--endpoint', 'sim2', '--password', 'secret-of-2'],
    ].map((argv) => runSimulate([...common, '--speed', '50', ...argv], console));
    for (const name of ['sim1', 'sim2']) {
      await eventually(`${name} is onboarded`, async () => {
        return (await gateway.mca.get(`cse-in/urn-dev-ops-0024BE-TrivetCPE-${name}`)).rsc === 2000;
      });
    }
    ended.abort();
    assert.deepEqual(await Promise.all(running), [0, 0]);
  });

  it('and is called with the connection request credentials of the operator, again after they have changed', async () => {
    const line = (password: string): string => `${header}cwmp,00D09E-IGD-A,,secret-of-A,caller,${password}\n`;
    await put('devices.csv', line('first'));
    await start(...credentials());
    const cpe = await simulate({ password: 'secret-of-A' });
    assert.equal((await cpe.inform('0 BOOTSTRAP')).ok, true);
    const told = (): string | undefined => cpe.parameter('Device.ManagementServer.ConnectionRequestPassword');
    assert.equal(cpe.parameter('Device.ManagementServer.ConnectionRequestUsername'), 'caller');
    assert.equal(told(), 'first');
    const info = await gateway.mca.get(`${nodeOf('A')}/deviceInfo`);
    assert.equal(info.rsc, 2000, info.text);
    await put('devices.csv', line('second'));
    await eventually('the device is told the new password', async () => {
      await cpe.inform();
      return told() === 'second';
    });
    assert.equal((await gateway.mca.get(`${nodeOf('A')}/deviceInfo`)).rsc, 2000);
  });

  it('is not even asked when a file of the operator is wrong: the setting is named', async () => {
    await start();
    const old = await authority.issue({ ...loopback, days: -1 });
    const other = await authority.issue(loopback);
    await put('old.pem', old.certificate);
    await put('old-key.pem', old.key);
    await put('other-key.pem', other.key);
    const cases: [options: string[], sentence: RegExp][] = [
      [[...tls(), '--tls-key', file('none.pem')], /--tls-key .*none\.pem: there is no such file/],
      [[...tls(), '--tls-key', file('server.pem')], /--tls-key .*server\.pem: there is no private key in it/],
      [
        [...tls(), '--tls-key', file('other-key.pem')],
        /--tls-key .*: the key does not fit the certificate in .*server/,
      ],
      [[...tls(), '--tls-certificate', file('server-key.pem')], /--tls-certificate .*: there is no certificate in it/],
      [
        [...tls(), '--tls-certificate', file('old.pem'), '--tls-key', file('old-key.pem')],
        /--tls-certificate .*old\.pem: the certificate has expired \(.*\); renew it/,
      ],
      [
        [...certificates('optional'), '--cwmp-client-authorities', file('devices.csv')],
        /--cwmp-client-authorities .*devices\.csv: it is no PEM file/,
      ],
      [['--devices-credentials', file('none.csv')], /--devices-credentials .*none\.csv: there is no such file/],
    ];
    for (const [options, sentence] of cases) {
      await assert.rejects(
        startTestGateway(options, undefined, log),
        (error: Error) => (error instanceof SettingError && sentence.test(error.message)) || assert.fail(error.message),
      );
    }
    await chmod(file('server-key.pem'), 0o644);
    await gateway.stop();
    await start(...tls());
    if (process.platform !== 'win32') assert.match(said.join('\n'), /server-key\.pem: every user of this machine can/);
  });
});

/** A reset is an end, too. */
function endOf(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('close', resolve));
}

/** Written out here, so that a mistake of the gateway's Digest is not made twice. RFC 2617 with qop=auth. */
function digest(challenge: CpeReply, username: string, password: string): string {
  const text = challenge.headers.get('www-authenticate')?.find((one) => one.startsWith('Digest ')) ?? '';
  const nonce = /nonce="([^"]+)"/.exec(text)![1]!;
  const realm = /realm="([^"]+)"/.exec(text)![1]!;
  const md5 = (given: string): string => createHash('md5').update(given).digest('hex');
  const response = md5(`${md5(`${username}:${realm}:${password}`)}:${nonce}:00000001:c0ffee:auth:${md5('POST:/')}`);
  return (
    `Authorization: Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="/", ` +
    `qop=auth, nc=00000001, cnonce="c0ffee", response="${response}"`
  );
}
