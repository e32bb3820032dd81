import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeImage } from '../../src/simulators/omadm-client.ts';
import type { Faults, OmadmClientOptions, SimulatedClient } from '../../src/simulators/omadm-client.ts';
import {
  TestServer,
  alert,
  challenge,
  elementsIn,
  eventually,
  exec,
  get,
  put,
  statusesIn,
  textIn,
  textsIn,
} from './omadm-server.ts';

const nodes = { './V': { format: 'node', access: 'AG' }, './V/A': 'a' } as const;

describe('faults of the simulated OMA DM client', () => {
  let server: TestServer;

  beforeEach(async () => {
    server = await TestServer.start();
  });
  afterEach(() => server.stop());

  const codes = (body: string): string[] => textsIn(elementsIn(body, 'Status').join(''), 'Data');
  const answerTo = (faults: Faults, commands: string[], more: Partial<OmadmClientOptions> = {}) =>
    server.after(commands, { faults, nodes, ...more });
  /** A client that opens its sessions only when it is told to. */
  const quiet = async (faults: Faults, more: Partial<OmadmClientOptions> = {}): Promise<SimulatedClient> => {
    const client = await server.client({ nodes, ...more });
    Object.assign(client.faults, faults);
    return client;
  };

  describe('dies at message 2', () => {
    for (const [moment, arrivals] of [
      ['unsent', 2],
      ['sent', 3],
      ['answered', 3],
    ] as const)
      it(`${moment}: what was asked is done, and it comes back`, async () => {
        const client = await quiet({ die: { message: 2, moment } });
        server.say([put('Replace', './V/A', 'b')]);
        const result = await client.session();
        assert.match(result.why ?? '', /died at message 2/);
        assert.equal(server.arrivals.length, arrivals);
        assert.equal(client.value('./V/A'), 'b');
        await eventually(
          () => client.journal.filter((one) => one.kind === 'session').length === 2,
          'a session after the boot',
        );
        assert.equal(client.journal.filter((one) => one.kind === 'died').length, 1);
      });

    it('of its connection only', async () => {
      const client = await quiet({ die: { message: 2, how: 'connection' } });
      server.say([get('./V/A')]);
      assert.equal((await client.session()).ok, false);
      assert.equal(
        client.journal.some((one) => one.kind === 'died'),
        false,
      );
      assert.equal((await client.session()).ok, true);
    });
  });

  it('refuses by name and path, and a number of times', async () => {
    const faults = {
      refuse: [{ command: 'Replace', code: 510, path: './V/A', times: 1, originalError: '0x80070002' }],
    };
    const { answer } = await answerTo(faults, [put('Replace', './V/A', 'b'), put('Replace', './V/A', 'c')]);
    assert.deepEqual(codes(answer), ['200', '510', '200']);
    assert.match(answer, /originalerror="0x80070002"/);
  });

  it('leaves commands without a Status', async () => {
    const { client, answer } = await answerTo({ unanswered: [{ command: 'Replace' }] }, [
      put('Replace', './V/A', 'b'),
      get('./V/A'),
    ]);
    assert.deepEqual(Object.keys(statusesIn(answer)).length, 2);
    assert.equal(client.value('./V/A'), 'b');
  });

  it('sends a message twice, and complains when it is answered in two ways', async () => {
    const client = await quiet({ repeatMessage: { message: 2 } });
    server.say([get('./V/A')]);
    await client.session();
    const [first, second] = server.arrivals.slice(-2);
    assert.deepEqual(first?.bytes, second?.bytes);
    assert.equal(client.complaints.length, 1);
  });

  it('sends another MsgID, to forged, older and ignored addresses', async () => {
    server.responseUri = `${server.url}?sid=1`;
    const client = await quiet({ wrongMessageId: { message: 2, id: '9' } });
    const urls = async (how: 'forged' | 'older' | 'ignored'): Promise<string | undefined> => {
      client.faults.responseUri = { message: 2, how };
      server.responseUri = `${server.url}?sid=2`;
      server.say([get('./V/A')]);
      await client.session();
      return server.last().url;
    };
    assert.equal(await urls('older'), '/dm?sid=1');
    assert.equal(textIn(server.last().body, 'MsgID'), '9');
    assert.equal(await urls('forged'), '/dm?sid=forged');
    assert.equal(await urls('ignored'), '/dm');
  });

  it('proves itself wrongly', async () => {
    for (const credential of ['wrong-nonce', 'wrong-secret', 'nonce-as-text', 'empty'] as const) {
      server.say({ header: '401', status: '401', challenge: challenge('md5', 'ABEiM0RVZneImaq7zN3u/w==') });
      await server.client({ username: 'dev-0042', password: 's3cr3t!', faults: { credential }, deviceId: credential });
      const proof = textIn(elementsIn(server.last().body, 'Cred')[0] ?? '', 'Data');
      if (credential === 'nonce-as-text') assert.equal(proof, '2p/GlPv1JHbfYsqlOCb1mw==');
      else assert.notEqual(proof, 'utd/h/65jmHSMZv8mRCdXw==');
    }
  });

  it('refers to what nobody has sent', async () => {
    const { answer } = await answerTo({ wrongReference: 'command' }, [get('./V/A')]);
    assert.ok(Object.keys(statusesIn(answer)).some((one) => Number(one) > 70));
  });

  it('never ends its package', async () => {
    server.say({ commands: [alert(1223)], final: true });
    const client = await server.client({ faults: { withoutFinal: true } });
    assert.doesNotMatch(server.last().body, /<Final/);
    assert.equal(client.journal.at(-1)?.kind, 'session');
  });

  it('aborts the session', async () => {
    const client = await quiet({ abort: { message: 2 } });
    server.say([get('./V/A')]);
    await client.session();
    assert.equal(textIn(elementsIn(server.last().body, 'Alert')[0] ?? '', 'Data'), '1223');
    assert.match(server.last().body, /<Final/);
    assert.deepEqual(client.complaints, []);
  });

  describe('spoils large results', () => {
    const run = async (faults: Faults): Promise<string[]> => {
      server.maximumMessageSize = 1500;
      server.say([get('./Big'), get('./V/A')]);
      for (let count = 0; count < 6; count += 1) server.say({ commands: [alert(1222)], final: false });
      server.say({ commands: [alert(1223)], final: true });
      await server.client({ faults, nodes: { ...nodes, './Big': 'x'.repeat(4000) } });
      return server.arrivals.slice(1).flatMap((one) => elementsIn(one.body, 'Results'));
    };

    it('that never end', async () => {
      const results = await run({ endlessMoreData: true });
      assert.ok(results.length > 5);
      assert.ok(results.every((one) => one.includes('<MoreData')));
    });

    it('of 1 GB without data', async () => {
      const [first] = await run({ hugeSize: true });
      assert.equal(textIn(first ?? '', 'Size'), '1073741824');
    });

    it('that break off', async () => {
      const results = await run({ breaksOffChunks: true });
      assert.deepEqual(
        results.map((one) => textIn(one, 'LocURI')),
        ['./Big', './V/A'],
      );
    });

    it('that are not as long as they say', async () => {
      const [first] = await run({ wrongSize: true });
      assert.equal(textIn(first ?? '', 'Size'), '4001');
    });
  });

  it('spoils a message in every way', async () => {
    for (const how of ['truncated', 'misnested', 'not-syncml', 'entity-bomb', 'deep', 'huge', 'unescaped'] as const) {
      server.say({ http: 400, body: '' });
      await assert.rejects(
        server.client({ faults: { malformed: { message: 1, how } }, deviceId: how }),
        /answered 400/,
      );
      const { body } = server.last();
      const marks = {
        truncated: /^(?!.*<\/SyncML>)/s,
        misnested: /<\/SyncML><\/SyncBody>/,
        'not-syncml': /^\{/,
        'entity-bomb': /<!DOCTYPE/,
        deep: /(<a>){5000}/,
        huge: / {10000}/,
        unescaped: /a < b/,
      };
      assert.match(body, marks[how], how);
    }
  });

  it('is slow, in pieces, deaf and away', async () => {
    const begin = Date.now();
    await server.client({ faults: { delay: 50, trickle: 5 } });
    assert.ok(Date.now() - begin >= 100);
    const client = await quiet({ offline: true });
    assert.match((await client.session()).why ?? '', /not on the net/);
  });

  describe('around an update', () => {
    const files = createServer(
      (_, response) => void response.end(makeImage({ name: 'fw', version: '2.0', size: 500 })),
    );
    before((done) => void files.listen(0, '127.0.0.1', done));
    after((done) => void files.close(done));
    const order = (): string[] => [
      put('Replace', './FUMO/DownloadAndUpdate/PkgURL', `http://127.0.0.1:${(files.address() as AddressInfo).port}/fw`),
      exec('./FUMO/DownloadAndUpdate', 'op-1'),
    ];
    const alerts = (): string[] =>
      server.arrivals.flatMap((one) => elementsIn(one.body, 'Alert')).filter((one) => textIn(one, 'Data') === '1226');

    it('a result that it is told to have', async () => {
      const { client } = await answerTo({ firmwareResult: 402 }, order());
      await eventually(() => alerts().length > 0, 'an alert');
      assert.deepEqual(textsIn(alerts()[0] ?? '', 'Data'), ['1226', '402']);
      assert.equal(client.value('./FUMO/State'), '70');
    });

    it('an alert that never comes, comes twice, or without the Correlator', async () => {
      const { client } = await answerTo({ resultAlert: 'never' }, order());
      await eventually(() => client.value('./FUMO/State') === '100', 'an update');
      client.faults.resultAlert = 'twice';
      server.say(order());
      await client.session();
      await eventually(() => alerts().length === 2, 'two alerts');
      client.faults.resultAlert = 'without-correlator';
      server.say(order());
      await client.session();
      await eventually(() => alerts().length === 3, 'a third alert');
      assert.deepEqual(
        alerts().map((one) => textIn(one, 'Correlator')),
        ['op-1', 'op-1', undefined],
      );
    });

    it('the old version after a success', async () => {
      const { client } = await answerTo({ keepsOldVersion: true }, order());
      await eventually(() => alerts().length > 0, 'an alert');
      assert.deepEqual(textsIn(alerts()[0] ?? '', 'Data'), ['1226', '200']);
      assert.equal(client.value('./DevDetail/FwV'), '1.0.0');
    });

    it('an answer only when it is done', async () => {
      const { client, answer } = await answerTo({ synchronous: true }, order());
      assert.deepEqual(codes(answer), ['200', '200', '200']);
      await eventually(() => client.value('./DevDetail/FwV') === '2.0', 'the new version');
      assert.equal(alerts().length, 0);
    });

    it('a download without an end, which begins anew after a power cut', async () => {
      const { client } = await answerTo({ stuckDownload: true }, order());
      await eventually(() => client.value('./FUMO/State') === '30', 'a download');
      delete client.faults.stuckDownload;
      client.powerCut();
      await eventually(() => client.value('./FUMO/State') === '100', 'an update');
    });
  });

  it('restarts without an answer', async () => {
    const client = await quiet({ silentRestart: true });
    const before = server.arrivals.length;
    server.say([exec('./DiagMon/Restart/Operations/Start', 'op-1')]);
    assert.equal((await client.session()).ok, false);
    assert.equal(server.arrivals.length, before + 1);
    await eventually(() => client.waiting.length === 0, 'an alert');
    assert.equal(client.journal.filter((one) => one.kind === 'restart').length, 1);
  });

  it('stays down', async () => {
    const client = await quiet({ staysDown: true });
    client.restart();
    assert.match((await client.session()).why ?? '', /not on the net/);
  });
});
