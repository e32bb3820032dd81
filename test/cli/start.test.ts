/** `trivet start`: what it says, and its exit codes, when it cannot do what it is told. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSettings, SettingError } from '../../src/config.ts';
import { createAuthority, loopback } from '../support/certificates.ts';
import { startTestGateway } from '../support/gateway.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

function start(argv: string[]): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', main, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Runs it to its end. */
async function run(argv: string[]): Promise<Ended> {
  const child = start(argv);
  let out = '';
  let err = '';
  child.stdout!.on('data', (part: Buffer) => (out += part.toString()));
  child.stderr!.on('data', (part: Buffer) => (err += part.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

describe('trivet start', function () {
  this.timeout(60_000);
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'trivet-cli-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  const ports = ['mca', 'lwm2m', 'cwmp', 'artifact', 'admin'].flatMap((name) => [`--${name}-port`, '0']);

  describe('names a wrong setting with its allowed values', () => {
    const tls = ['--tls-certificate', 'x.pem', '--tls-key', 'x.pem'];
    const secured = ['--devices-credentials', 'x.csv', '--cwmp-authentication', 'required'];
    const config = (): string => join(directory, 'trivet.yaml');
    const cases: [argv: () => string[], environment: Record<string, string>, sentence: RegExp][] = [
      [() => ['--mca-port', '70000'], {}, /--mca-port: '70000' is not allowed; allowed: a port from 0 to 65535/],
      [() => ['--store-durability=some'], {}, /--store-durability: 'some' is not allowed; allowed: full \| normal/],
      [() => ['--request-expiration', 'soon'], {}, /'soon' is not allowed; allowed: a duration from 100ms to 1d, like/],
      [() => ['--mca-prot', '1'], {}, /unknown option --mca-prot; did you mean --mca-port\?/],
      [() => ['--data'], {}, /--data needs a value/],
      [() => ['--config', config()], {}, /trivet\.yaml: mca\.port: 'eighty' is not allowed/],
      [() => ['--config', `${config()}.none`], {}, /--config: cannot use .*\.none/],
      [() => [], { TRIVET_LWM2M_PORT: 'x' }, /TRIVET_LWM2M_PORT: 'x' is not allowed/],
      [() => [], { TRIVET_LWM2M_PROT: '1' }, /variable TRIVET_LWM2M_PROT; did you mean TRIVET_LWM2M_PORT\?/],
      [() => ['--bind', '0.0.0.0'], {}, /--bind 0\.0\.0\.0 opens the mca listener .* without credentials/],
      [() => ['--profiles', join(directory, 'none')], {}, /--profiles .*none: there is no such directory; name a/],
      [() => ['--profiles', `${directory},${config()}`], {}, /--profiles .*trivet\.yaml: is no directory; name a/],
      [() => ['--cwmp-bind', '0.0.0.0'], {}, /--cwmp-bind 0\.0\.0\.0 opens the cwmp listener .* without credentials/],
      [
        () => ['--cwmp-connection-request-networks', '10.0.0.0/33'],
        {},
        /'10\.0\.0\.0\/33' is not allowed; allowed: networks/,
      ],
      [() => ['--cwmp-connection-request-networks', 'face'], {}, /'face' is not allowed; allowed: networks like/],
      [
        () => ['--trusted-proxy', '10.0.0.0/99'],
        {},
        /--trusted-proxy: '10\.0\.0\.0\/99' is not allowed; allowed: addr/,
      ],
      [() => ['--tls-certificate', 'x.pem'], {}, /--tls-certificate needs --tls-key/],
      [() => ['--tls-key', 'x.pem'], {}, /--tls-key needs --tls-certificate/],
      [() => ['--cwmp-client-certificate', 'required'], {}, /--cwmp-client-certificate required needs TLS: give --tls/],
      [
        () => [...tls, '--cwmp-client-certificate', 'required'],
        {},
        /--cwmp-client-certificate required needs --cwmp-client-authorities/,
      ],
      [() => [...tls, '--cwmp-client-authorities', 'x'], {}, /authorities needs --cwmp-client-certificate optional or/],
      [() => ['--cwmp-authentication', 'required'], {}, /required lets nobody in: give --devices-credentials, or/],
      [
        () => ['--devices-credentials', 'x.csv', '--cwmp-bind', '0.0.0.0'],
        {},
        /--cwmp-bind 0\.0\.0\.0 opens the cwmp .* without credentials; say --cwmp-authentication required/,
      ],
      [
        () => [...secured, '--cwmp-basic', 'always', '--cwmp-bind', '0.0.0.0'],
        {},
        /opens the cwmp listener .* with passwords that everybody on the way can read .*; say --cwmp-basic secure/,
      ],
      [
        () => [...tls, '--devices-credentials', 'x.csv', '--cwmp-tls-bind', '0.0.0.0'],
        {},
        /--cwmp-tls-bind 0\.0\.0\.0 opens the cwmps .* without credentials; say --cwmp-client-certificate required/,
      ],
      [() => ['--admin-bind', '::'], {}, /--admin-bind :: opens the admin listener .* without credentials/],
    ];
    for (const [argv, environment, sentence] of cases) {
      it(String(sentence), async () => {
        await writeFile(config(), 'mca: { port: eighty }\n');
        assert.throws(
          () => loadSettings({ arguments: argv(), environment }),
          (error: unknown) => error instanceof SettingError && sentence.test(error.message),
        );
      });
    }

    it('and takes a TR-069 listener beyond this machine whose devices all have to prove who they are', () => {
      const required = ['--cwmp-client-certificate', 'required', '--cwmp-client-authorities', 'x.pem'];
      for (const argv of [
        [...secured, '--cwmp-bind', '0.0.0.0'],
        [...secured, ...tls, '--cwmp-tls-bind', '0.0.0.0', '--cwmp-basic', 'always'],
        [...tls, ...required, '--cwmp-tls-bind', '0.0.0.0'],
      ])
        loadSettings({ arguments: argv, environment: {} });
    });

    it('and ends with code 2, as with an unknown command or argument', async () => {
      const [setting, command, argument] = await Promise.all([
        run(['--mca-port', '70000']),
        run(['strat']),
        run(['start', 'now']),
      ]);
      assert.equal(
        setting.err.trim(),
        "trivet: --mca-port: '70000' is not allowed; allowed: a port from 0 to 65535 (0 = any free port)",
      );
      assert.match(command.err, /unknown command 'strat'; commands: start/);
      assert.match(argument.err, /unexpected argument 'now'/);
      for (const { code, out } of [setting, command, argument]) assert.deepEqual({ code, out }, { code: 2, out: '' });
    });
  });

  it('ends with code 2 when a file of TLS cannot be used', async () => {
    const none = join(directory, 'none.pem');
    const { code, err } = await run([
      ...ports,
      '--data',
      join(directory, 'tls'),
      '--tls-certificate',
      none,
      '--tls-key',
      none,
    ]);
    assert.equal(code, 2);
    assert.equal(err.trim().split('\n').at(-1), `trivet: --tls-certificate ${none}: there is no such file`);
  });

  it('names the port of the TR-069 listener with TLS when it is in use', async () => {
    const pair = await (await createAuthority('Test')).issue(loopback);
    await writeFile(join(directory, 'c.pem'), pair.certificate);
    await writeFile(join(directory, 'k.pem'), pair.key, { mode: 0o600 });
    const { port, close } = await occupyTcp();
    const tls = ['--tls-certificate', join(directory, 'c.pem'), '--tls-key', join(directory, 'k.pem')];
    const options = [...tls, '--cwmp-tls-port', String(port)];
    await assert.rejects(startTestGateway(options, join(directory, 'cwmps')), /in use.*--cwmp-tls-port/);
    close();
  });

  describe('says which port is in use and how to choose another', () => {
    for (const name of ['mca', 'admin', 'artifact', 'lwm2m', 'cwmp']) {
      it(name, async () => {
        const { port, close } = await (name === 'lwm2m' ? occupyUdp() : occupyTcp());
        const sentence = new RegExp(`${name}.*port ${port} .*in use.*--${name}-port`, 'i');
        try {
          await assert.rejects(
            startTestGateway([`--${name}-port`, String(port)], join(directory, name)),
            ({ message }: Error) => sentence.test(message) || assert.fail(message),
          );
        } finally {
          close();
        }
      });
    }
  });

  it('says why the data directory cannot be used', async () => {
    const file = join(directory, 'a-file');
    await writeFile(file, '');
    await assert.rejects(startTestGateway([], join(file, 'below')), /a-file.*--data/);
    const data = join(directory, 'obstructed');
    await mkdir(join(data, 'trivet.db.lock'), { recursive: true });
    await assert.rejects(startTestGateway([], data), /obstructed.* cannot be opened: check that --data can be written/);
  });

  it('has nothing to say to a reader who has seen enough', async () => {
    const child = start(['settings']);
    child.stdout!.once('data', () => child.stdout!.destroy());
    let said = '';
    child.stderr!.on('data', (part: Buffer) => (said += part.toString()));
    await once(child, 'exit');
    assert.equal(said, '');
  });

  it('lets no second gateway at the same data, and names the first; a signal ends it with code 0', async () => {
    const data = join(directory, 'shared');
    const first = start([...ports, '--data', data, '--ready-json', '--log-level', 'silent']);
    const [line] = (await once(first.stdout!, 'data')) as [Buffer];
    const ready = JSON.parse(line.toString()) as { ready: boolean; pid: number; listeners: object };
    assert.equal(ready.ready, true);
    assert.deepEqual(Object.keys(ready.listeners), ['mca', 'lwm2m', 'cwmp', 'artifact', 'admin']);
    await assert.rejects(startTestGateway([], data), new RegExp(`in use by process ${ready.pid}.*--data`));
    const [second] = await Promise.all([
      run([...ports, '--data', data, '--log-level', 'silent']),
      // It must not disturb the first.
      fetch(Object.values(ready.listeners as Record<string, { url: string }>).at(-1)!.url),
    ]);
    assert.equal(second.code, 1, second.err);
    assert.doesNotMatch(second.err, /\n\s+at /, 'a stack is nothing for users');
    first.kill('SIGTERM');
    const [code] = (await once(first, 'exit')) as [number | null];
    assert.equal(code, 0);
  });
});

async function occupyTcp(): Promise<{ port: number; close(): void }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

async function occupyUdp(): Promise<{ port: number; close(): void }> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { port: socket.address().port, close: () => socket.close() };
}
