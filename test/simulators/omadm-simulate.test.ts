import assert from 'node:assert/strict';
import { runSimulate } from '../../src/cli/simulate.ts';
import { TestServer, eventually, textIn } from './omadm-server.ts';

describe('trivet simulate --technology omadm', () => {
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
    runSimulate(['--technology', 'omadm', ...argv], {
      write: (line) => void written.push(line),
      complain: (line) => void complaints.push(line),
      ended: ended.signal,
    });

  it('prints what happens from the first session on', async () => {
    const options = ['--endpoint', 'urn:imei:7', '--version', '1.3', '--quirk', 'same-session-id', '--listen', 'udp'];
    const running = run('--server', server.url, ...options);
    await eventually(() => written.some((line) => line.includes('session 1 is over')), 'a session');
    assert.ok(written.some((line) => /opens session 1 \(1201\)/.test(line)));
    assert.ok(written.some((line) => /hears notifications at udp:127\.0\.0\.1:\d+/.test(line)));
    const body = server.arrivals[0]?.body ?? '';
    assert.equal(textIn(body, 'VerProto'), 'DM/1.3');
    assert.match(body, /<LocURI>urn:imei:7</);
    ended.abort();
    assert.equal(await running, 0);
  });

  it('runs several clients that come again and again, and tries again while there is no server', async () => {
    server.say({ http: 503, body: '' });
    const running = run('--count', '2', '--server', server.url, '--poll', '1', '--speed', '50', '--json');
    await eventually(() => server.arrivals.length > 6, 'sessions');
    ended.abort();
    assert.equal(await running, 0);
    assert.deepEqual([...new Set(written.map((line) => JSON.parse(line).endpoint))].sort(), ['sim-1', 'sim-2']);
  });

  it('says what is wrong with its options', async () => {
    assert.equal(await run('--dialect', 'nokia'), 2);
    assert.match(complaints[0] ?? '', /--dialect nokia is not known; it takes libdmclient, koneki, windows/);
    assert.equal(await run('--model', 'tr181'), 2);
    assert.match(complaints[1] ?? '', /--model is nothing that a device of omadm has/);
    assert.equal(await run('--server', 'coap://127.0.0.1'), 2);
  });
});
