import assert from 'node:assert/strict';
import { runSimulate } from '../../src/cli/simulate.ts';
import { TestAcs, eventually, textIn } from './cwmp-acs.ts';

describe('trivet simulate --technology cwmp', () => {
  let acs: TestAcs;
  let written: string[];
  let complaints: string[];
  let ended: AbortController;

  beforeEach(async () => {
    acs = await TestAcs.start();
    written = [];
    complaints = [];
    ended = new AbortController();
  });
  afterEach(() => acs.stop());

  const run = (...argv: string[]): Promise<number> =>
    runSimulate(['--technology', 'cwmp', ...argv], {
      write: (line) => void written.push(line),
      complain: (line) => void complaints.push(line),
      ended: ended.signal,
    });

  it('prints what happens from the first Inform on', async () => {
    const running = run(
      '--endpoint',
      'box-7',
      '--server',
      acs.url,
      '--version',
      '1.1',
      '--model',
      'tr098',
      '--quirk',
      '12',
    );
    await eventually(() => written.find((line) => line.includes('the session is over')), 'no session');
    assert.match(written[0] ?? '', /informs: 0 BOOTSTRAP, 1 BOOT/);
    const inform = acs.arrivals[0]?.body ?? '';
    assert.equal(textIn(inform, 'SerialNumber'), 'box-7');
    assert.match(inform, /cwmp-1-1/);
    assert.match(inform, /EventStruct\[04\]/);
    assert.match(inform, /InternetGatewayDevice\./);
    ended.abort();
    assert.equal(await running, 0);
  });

  it('runs several devices that Inform periodically, and speaks JSON', async () => {
    const running = run('--count', '3', '--server', acs.url, '--periodic', '1', '--speed', '20', '--json');
    await eventually(
      () => (acs.named('Inform').filter((one) => one.body.includes('2 PERIODIC')).length > 2 ? true : undefined),
      'no periodic Informs',
    );
    ended.abort();
    assert.equal(await running, 0);
    assert.deepEqual([...new Set(written.map((line) => JSON.parse(line).endpoint))].sort(), [
      'sim-1',
      'sim-2',
      'sim-3',
    ]);
  });

  it('keeps trying while there is no server', async () => {
    const running = run('--server', 'http://127.0.0.1:9/');
    await eventually(() => written.find((line) => line.includes('tries again in')), 'no retry');
    ended.abort();
    assert.equal(await running, 0);
  });

  for (const [argv, sentence] of [
    [['--version', '2.0'], '--version 2.0 is not known; it takes 1.0, 1.1, 1.2, 1.3, 1.4'],
    [['--server', 'coap://x'], '--server coap://x is not possible; it takes http://HOST:PORT/ or https://HOST:PORT/'],
    [['--quirk', '33'], '--quirk 33 is not known; it takes 1, 2'],
    [['--fault', 'loss'], '--fault loss is not known; it takes refuse-write'],
    [['--lifetime', '9'], '--lifetime is nothing that a device of cwmp has'],
    [['--key', 'k.pem'], '--certificate and --key belong together'],
    [['--ca', '/nowhere/ca.pem'], '--ca /nowhere/ca.pem cannot be read (ENOENT)'],
    [['--fleet'], '--fleet is nothing that a device of cwmp has'],
  ] as const) {
    it(`refuses ${argv.join(' ')} with exit code 2 and a sentence`, async () => {
      assert.equal(await run(...argv), 2);
      assert.ok(complaints[0]?.includes(sentence), complaints[0]);
    });
  }
});
