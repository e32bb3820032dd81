import assert from 'node:assert/strict';
import { startOmadmClient } from '../../src/simulators/omadm-client.ts';
import type { OmadmClientOptions, Quirk } from '../../src/simulators/omadm-client.ts';
import {
  TestServer,
  ask,
  challenge,
  chunk,
  copy,
  credential,
  elementsIn,
  eventually,
  exec,
  get,
  group,
  put,
  resultsIn,
  textIn,
  textsIn,
} from './omadm-server.ts';

describe('quirks of the simulated OMA DM client', () => {
  let server: TestServer;

  beforeEach(async () => {
    server = await TestServer.start();
  });
  afterEach(() => server.stop());

  const nodes = { './V': { format: 'node', access: 'AG' }, './V/A': 'a', './V/B': 'b' } as const;
  const answerWith = async (quirks: Quirk[], commands: string[], more: Partial<OmadmClientOptions> = {}) =>
    server.after(commands, { quirks, nodes, ...more });
  const codes = (body: string): string[] => textsIn(elementsIn(body, 'Status').join(''), 'Data');

  it('plain-content-type', async () => {
    await server.client({ quirks: ['plain-content-type'] });
    assert.equal(server.last().headers['content-type'], 'application/vnd.syncml+xml');
    await server.client({ quirks: ['plain-content-type'], encoding: 'wbxml', deviceId: 'b', autoSession: false });
    await eventually(() => server.arrivals.length > 1, 'WBXML');
    assert.equal(server.arrivals[1]?.headers['content-type'], 'application/vnd.syncml+wbxml');
  });

  it('same-session-id', async () => {
    const client = await server.client({ quirks: ['same-session-id'] });
    await client.session();
    assert.deepEqual(
      server.arrivals.map((one) => textIn(one.body, 'SessionID')),
      ['1', '1'],
    );
  });

  it('needs-server-credential', async () => {
    const { answer } = await answerWith(['needs-server-credential'], [get('./V/A')]);
    assert.deepEqual(codes(answer), ['200', '0']);
    const other = await TestServer.start();
    other.say({ commands: [get('./V/A')], credential: credential('md5', 'any') });
    await other.client({ quirks: ['needs-server-credential'], nodes });
    assert.deepEqual(codes(other.last().body), ['212', '200']);
    await other.stop();
  });

  it('basic-only', async () => {
    server.say({ header: '401', status: '401', challenge: challenge('md5', 'Tm9uY2U=') });
    await assert.rejects(server.client({ quirks: ['basic-only'], password: 'x', authentication: 'basic' }), /401/);
    assert.equal(server.arrivals.length, 1);
  });

  it('device-info-nodes and device-info-without-meta', async () => {
    await server.client({ quirks: ['device-info-nodes'], nodes: { './DevInfo/Ext/Box': 'x' } });
    const items = elementsIn(elementsIn(server.last().body, 'Replace')[0] ?? '', 'Item');
    assert.ok(items.some((one) => textIn(one, 'LocURI') === './DevInfo/Ext' && textIn(one, 'Format') === 'node'));
    await server.client({ quirks: ['device-info-without-meta'], deviceId: 'b' });
    assert.doesNotMatch(elementsIn(server.last().body, 'Replace')[0] ?? '', /<Meta>/);
  });

  it('nonce-every-message', async () => {
    server.say({ commands: [get('./V/A')], credential: credential('md5', 'Lx7CSZp0iHRedCEbryGJuw==') }, [get('./V/B')]);
    await server.client({ quirks: ['nonce-every-message'], serverId: 'funambol', serverPassword: 'srvpwd', nodes });
    const nonces = server.arrivals.slice(1).map((one) => textIn(one.body, 'NextNonce'));
    assert.equal(new Set(nonces).size, 2);
    assert.ok(!nonces.includes(undefined));
  });

  it('status-per-item and no-target-refs', async () => {
    const { answer } = await answerWith(['status-per-item'], [get('./V/A', './V/B')]);
    assert.deepEqual(codes(answer), ['200', '200', '200']);
    assert.equal(elementsIn(answer, 'Results').length, 1);
    assert.deepEqual(Object.keys(resultsIn(answer)), ['./V/A', './V/B']);
    const other = await TestServer.start();
    const { answer: bare } = await other.after([get('./V/A', './None')], { quirks: ['no-target-refs'], nodes });
    assert.deepEqual(codes(bare), ['200', '404']);
    assert.doesNotMatch(bare, /TargetRef|SourceRef/);
    await other.stop();
  });

  it('atomic-unanswered and no-atomic', async () => {
    const atomic = group('Atomic', put('Replace', './V/A', 'x'), put('Replace', './V/None', 'x'));
    const { client, answer } = await answerWith(['atomic-unanswered'], [atomic]);
    assert.deepEqual(codes(answer), ['200', '200', '404']);
    assert.equal(client.value('./V/A'), 'x');
    server.say([atomic]);
    const other = await server.client({ quirks: ['no-atomic'], nodes, deviceId: 'b' });
    assert.deepEqual(codes(server.last().body), ['200', '406', '215', '215']);
    assert.equal(other.value('./V/A'), 'a');
  });

  it('no-copy, no-list, no-rename, no-interaction and replace-202', async () => {
    const { answer } = await answerWith(
      ['no-copy', 'no-list', 'no-rename', 'no-interaction', 'replace-202'],
      [
        copy('./V/A', './V/C'),
        get('./V?list=Struct'),
        put('Replace', './V/A?prop=Name', 'Z'),
        ask(1100, 'MINDT=10', 'hi'),
        put('Replace', './V/A', 'x'),
      ],
    );
    assert.deepEqual(codes(answer), ['200', '501', '406', '405', '406', '202']);
  });

  it('nul-in-data', async () => {
    const { answer } = await answerWith(['nul-in-data'], [get('./V'), get('./V/A?prop=Format')]);
    assert.deepEqual(Object.values(resultsIn(answer)), ['A/B\0', 'chr\0']);
  });

  it('ignores-more-data', async () => {
    server.say(
      { commands: [chunk('Add', './V/C', 'abcd', { size: 8 })], final: false },
      { commands: [chunk('Add', './V/C', 'efgh', { last: true })], final: true },
    );
    const client = await server.client({ quirks: ['ignores-more-data'], nodes });
    assert.equal(client.value('./V/C'), 'abcd');
    assert.deepEqual(codes(server.last().body), ['200', '418']);
  });

  it('crashes-on-sequence and crashes-without-data', async () => {
    for (const command of [
      group('Sequence', get('./V/A')),
      ask(1100, '', 'hi'),
      '<Add><CmdID>$ID</CmdID><Item><Target><LocURI>./V/C</LocURI></Target></Item></Add>',
    ]) {
      server.say([command]);
      await assert.rejects(
        server.client({ quirks: ['crashes-on-sequence', 'crashes-without-data'], nodes }),
        /quirk crashes/,
      );
    }
  });

  it('credential-every-message and empty-later-credential', async () => {
    server.say({ header: '212', commands: [get('./V/A')] });
    const client = await server.client({
      quirks: ['credential-every-message', 'empty-later-credential'],
      password: 'x',
      authentication: 'basic',
      nodes,
    });
    assert.equal(server.arrivals.filter((one) => one.body.includes('<Cred>')).length, 2);
    client.alert({ type: 'org.example.event' });
    await eventually(() => client.waiting.length === 0, 'an alert');
    assert.match(elementsIn(server.last().body, 'Cred')[0] ?? '', /<Data\/?>(<\/Data>)?<\/Cred>/);
  });

  it('copy-ends-session and size-ends-session', async () => {
    const { client } = await answerWith(['copy-ends-session', 'size-ends-session'], [copy('./V/A', './V/C')]);
    assert.equal(server.arrivals.length, 1);
    server.say([chunk('Replace', './V/A', 'x', { size: 1, last: true })]);
    await client.session();
    assert.equal(server.arrivals.length, 2);
    assert.deepEqual(client.journal.filter((one) => one.kind === 'session').length, 2);
  });

  it('refuses-abort', async () => {
    const { answer } = await answerWith(['refuses-abort'], [ask(1223)]);
    assert.deepEqual(codes(answer), ['200', '406']);
    const other = await TestServer.start();
    await other.after([ask(1223)]);
    assert.equal(other.arrivals.length, 1);
    await other.stop();
  });

  it('strict-order', async () => {
    const odd =
      '<Replace><CmdID>$ID</CmdID><Item><Target><LocURI>./V/A</LocURI></Target><Data>x</Data><Meta><Format xmlns="syncml:metinf">chr</Format></Meta></Item></Replace>';
    const { client } = await answerWith(['strict-order'], [odd]);
    assert.equal(server.arrivals.length, 1);
    assert.equal(client.value('./V/A'), 'a');
  });

  it('type-before-format, header-status-200, command-ids-from-2, no-maximum-size and no-declaration', async () => {
    server.say({ commands: [get('./V/A')], credential: credential('basic', 'any') });
    await server.client({
      quirks: ['type-before-format', 'header-status-200', 'command-ids-from-2', 'no-maximum-size', 'no-declaration'],
      nodes,
    });
    const [first = '', second = ''] = server.arrivals.map((one) => one.body);
    assert.match(second, /<Meta><Type[^>]*>text\/plain<\/Type><Format/);
    assert.deepEqual(codes(second), ['200', '200']);
    assert.deepEqual(textsIn(first, 'CmdID'), ['2', '3']);
    assert.doesNotMatch(first, /MaxMsgSize/);
    assert.match(first, /^<SyncML/);
  });

  it('no-correlator, ignores-response-uri, login-status and original-error', async () => {
    server.responseUri = `${server.url}?sid=1`;
    server.say([exec('./DCMO/Camera/Operations/Disable', 'op-1'), get('./None')]);
    const client = await server.client({
      quirks: ['no-correlator', 'ignores-response-uri', 'login-status', 'original-error'],
    });
    await eventually(() => client.journal.some((one) => one.kind === 'alert' && one.code === 1226), 'an alert');
    assert.deepEqual([...new Set(server.arrivals.map((one) => one.url))], ['/dm']);
    assert.doesNotMatch(server.arrivals.map((one) => one.body).join(''), /Correlator/);
    const login = elementsIn(server.arrivals[0]?.body ?? '', 'Alert').find((one) => one.includes('1224')) ?? '';
    assert.equal(textIn(login, 'Type'), 'com.microsoft/MDM/LoginStatus');
    assert.equal(textIn(login, 'Format'), undefined);
    assert.match(server.arrivals[1]?.body ?? '', /<Data [^>]*msft:originalerror="0x86000194"[^>]*>404</);
  });

  it('dialects are sets of them, and a name that is none is told', async () => {
    const windows = await server.client({ dialect: 'windows', quirks: ['no-list'] });
    assert.ok(windows.quirks.has('replace-202') && windows.quirks.has('no-list'));
    assert.equal(windows.value('./Vendor/MSFT/DeviceStatus/Battery/Status'), '1');
    const wrong = { server: server.url, deviceId: 'x', quirks: ['lazy' as Quirk] };
    await assert.rejects(startOmadmClient(wrong), /lazy is no quirk/);
  });
});
