import assert from 'node:assert/strict';
import { runSimulate } from '../../src/cli/simulate.ts';
import { TestServer, eventually } from './lwm2m-server.ts';

describe('trivet simulate', () => {
  let server: TestServer;
  let written: string[];
  let complaints: string[];
  let ended: AbortController;

  beforeEach(async () => {
    server = await TestServer.start();
    written = [];
    complaints = [];
    ended = new AbortController();
  });
  afterEach(() => server.stop());

  const run = (...argv: string[]): Promise<number> =>
    runSimulate(argv, {
      write: (line) => void written.push(line),
      complain: (line) => void complaints.push(line),
      ended: ended.signal,
    });

  it('prints what happens and de-registers at the end', async () => {
    const running = run('--endpoint', 'meter-7', '--server', server.url, '--lifetime', '120', '--version', '1.0');
    await eventually(() => written.find((line) => line.includes('registered as meter-7')), 'not registered');
    assert.deepEqual(server.arrivals[0]?.query, ['ep=meter-7', 'lt=120', 'lwm2m=1.0', 'b=U']);
    ended.abort();
    assert.equal(await running, 0);
    assert.equal(server.arrivals.at(-1)?.method, 'DELETE');
  });

  it('runs several devices and speaks JSON', async () => {
    const running = run('--count', '3', '--endpoint', 'meter', '--server', server.url, '--json');
    const registrations = () =>
      written.map((line) => JSON.parse(line)).filter((event) => event.text.startsWith('registered as'));
    await eventually(() => (registrations().length === 3 ? true : undefined), 'not registered');
    ended.abort();
    assert.equal(await running, 0);
    assert.deepEqual(
      registrations()
        .map((event) => event.endpoint)
        .sort(),
      ['meter-1', 'meter-2', 'meter-3'],
    );
  });

  it('runs a fleet', async () => {
    const running = run('--fleet', '--count', '10', '--server', server.url);
    await eventually(() => written.find((line) => line.includes('10 devices registered')), 'not registered');
    ended.abort();
    assert.equal(await running, 0);
  });

  for (const [argv, sentence] of [
    [['--technology', 'snmp'], '--technology snmp is not known; it takes lwm2m, cwmp'],
    [['--quirk', '1'], '--quirk is nothing that a device of lwm2m has'],
    [['--version', '2.0'], '--version 2.0 is not known; it takes 1.0, 1.1, 1.2'],
    [['--count', '0'], '--count 0 is not possible; it takes a whole number from 1 to 1000'],
    [['--server', 'http://x'], '--server http://x is not possible; it takes coap://HOST or coap://HOST:PORT'],
    [['--fault', 'fire'], '--fault fire is not known; it takes sleep, loss'],
    [['--nonsense'], "Unknown option '--nonsense'"],
  ] as const) {
    it(`refuses ${argv.join(' ')} with exit code 2 and a sentence`, async () => {
      assert.equal(await run(...argv), 2);
      assert.ok(complaints[0]?.includes(sentence), complaints[0]);
    });
  }

  it('explains itself', async () => {
    assert.equal(await run('--help'), 0);
    assert.match(written[0] ?? '', /--fault NAME/);
    assert.match(written[0] ?? '', /stuck-updating/);
  });
});
