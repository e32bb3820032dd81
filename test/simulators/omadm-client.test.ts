import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeImage, startOmadmClient } from '../../src/simulators/omadm-client.ts';
import {
  TestServer,
  challenge,
  copy,
  credential,
  elementsIn,
  eventually,
  exec,
  get,
  group,
  put,
  remove,
  resultsIn,
  statusesIn,
  textIn,
  textsIn,
} from './omadm-server.ts';

describe('simulated OMA DM client', () => {
  let server: TestServer;

  beforeEach(async () => {
    server = await TestServer.start();
  });
  afterEach(() => server.stop());

  describe('begins a session', () => {
    it('with alert 1201 and its DevInfo, and is content with a package of Statuses', async () => {
      const client = await server.client({ deviceId: 'urn:imei:7', manufacturer: 'A & B <C>' });
      const [first] = server.arrivals;
      assert.equal(server.arrivals.length, 1);
      assert.equal(first?.headers['content-type'], 'application/vnd.syncml.dm+xml');
      const [alert = ''] = elementsIn(first?.body ?? '', 'Alert');
      assert.equal(textIn(alert, 'Data'), '1201');
      const [replace = ''] = elementsIn(first?.body ?? '', 'Replace');
      const values = Object.fromEntries(
        elementsIn(replace, 'Item').map((one) => [textIn(one, 'LocURI'), textIn(one, 'Data')]),
      );
      assert.deepEqual(values, {
        './DevInfo/DevId': 'urn:imei:7',
        './DevInfo/Man': 'A &amp; B &lt;C&gt;',
        './DevInfo/Mod': 'DM-1',
        './DevInfo/DmV': '1.2',
        './DevInfo/Lang': 'en',
      });
      assert.deepEqual(textsIn(first?.body ?? '', 'MsgID'), ['1']);
      assert.match(first?.body ?? '', /<Final\/?>/);
      assert.deepEqual(client.complaints, []);
    });

    it('with another number each time, and counts its messages', async () => {
      server.say([get('./DevInfo/Man')]);
      const client = await server.client();
      await client.session();
      const ids = server.arrivals.map((one) => textIn(one.body, 'SessionID'));
      assert.equal(ids[0], ids[1]);
      assert.notEqual(ids[0], ids[2]);
      assert.deepEqual(
        server.arrivals.map((one) => textIn(one.body, 'MsgID')),
        ['1', '2', '1'],
      );
    });

    it('and goes on at the RespURI', async () => {
      server.responseUri = `${server.url}?sid=42`;
      server.say([get('./DevInfo/Man')]);
      await server.client();
      assert.deepEqual(
        server.arrivals.map((one) => one.url),
        ['/dm', '/dm?sid=42'],
      );
    });

    it('and rejects with the reason when the server refuses', async () => {
      server.say({ http: 503, body: 'too busy' });
      await assert.rejects(server.client(), { name: 'SessionFailed', message: /the server answered 503: too busy/ });
      await assert.rejects(
        startOmadmClient({ server: 'coap://127.0.0.1', deviceId: 'x' }),
        /is not the URL of a server/,
      );
    });
  });

  describe('carries out', () => {
    it('Get of leaves, interior nodes and properties, and says what is not there', async () => {
      const { client, answer } = await server.after([
        get('./DevInfo/Man'),
        get('./DevInfo'),
        get('./FUMO?prop=Type'),
        get('./DevDetail/LrgObj?prop=Format'),
        get('./Nowhere'),
        get('./DevInfo?prop=Colour'),
      ]);
      assert.deepEqual(resultsIn(answer), {
        './DevInfo/Man': 'Trivet Simulators',
        './DevInfo': 'DevId/Man/Mod/DmV/Lang',
        './FUMO?prop=Type': 'urn:oma:mo:oma-fumo:1.0',
        './DevDetail/LrgObj?prop=Format': 'bool',
      });
      assert.deepEqual(Object.values(statusesIn(answer)), ['200', '200', '200', '200', '200', '404', '406']);
      assert.deepEqual(client.complaints, []);
    });

    it('Get with ?list=, unless it was made without', async () => {
      const { answer } = await server.after([get('./DevDetail?list=StructData'), get('./DevInfo?list=TNDS')]);
      assert.equal(resultsIn(answer)['./DevDetail/FwV'], '1.0.0');
      assert.equal(resultsIn(answer)['./DevDetail/URI'], '(none)');
      assert.match(resultsIn(answer)['./DevInfo?list=TNDS'] ?? '', /&lt;NodeName&gt;DevId&lt;\/NodeName&gt;/);
      const without = await TestServer.start();
      const { answer: refused } = await without.after([get('./DevDetail?list=Struct')], { lists: false });
      assert.deepEqual(Object.values(statusesIn(refused)), ['200', '406']);
      await without.stop();
    });

    it('Add, Replace, Copy and Delete, with the status that each deserves', async () => {
      const { client, answer } = await server.after(
        [
          put('Add', './Vendor/Box', '', 'node'),
          put('Add', './Vendor/Box/Name', 'a'),
          put('Add', './Vendor/Box/Name', 'b'),
          put('Add', './Vendor/None/Name', 'b'),
          put('Replace', './Vendor/Box/Name', 'c'),
          put('Replace', './Vendor/Box/None', 'c'),
          put('Replace', './DevInfo/Man', 'x'),
          put('Replace', './Vendor/Count', 'x', 'int'),
          copy('./Vendor/Box', './Vendor/Copy'),
          remove('./Vendor/Box'),
          remove('./DevInfo'),
        ],
        {
          nodes: {
            './Vendor': { format: 'node', access: 'AG' },
            './Vendor/Count': { format: 'int', value: 1, access: 'GR' },
          },
        },
      );
      assert.deepEqual(Object.values(statusesIn(answer)).slice(1), [
        '200',
        '200',
        '418',
        '404',
        '200',
        '404',
        '405',
        '415',
        '200',
        '200',
        '405',
      ]);
      assert.equal(client.value('./Vendor/Copy/Name'), 'c');
      assert.equal(client.value('./Vendor/Box'), undefined);
      assert.deepEqual(
        client.journal.filter((one) => one.kind === 'replace').map((one) => one.status),
        [200, 404, 405, 415],
      );
    });

    it('Atomic as a whole or not at all', async () => {
      const nodes = { './V': { format: 'node', access: 'AG' }, './V/A': 'a' } as const;
      const { client, answer } = await server.after(
        [
          group('Atomic', put('Replace', './V/A', 'b'), put('Replace', './V/None', 'b'), put('Add', './V/B', 'b')),
          group('Atomic', put('Add', './V/C', 'c')),
          group('Sequence', put('Replace', './V/None', 'b'), get('./V/A')),
        ],
        { nodes },
      );
      assert.equal(client.value('./V/A'), 'a');
      assert.equal(client.value('./V/B'), undefined);
      assert.equal(client.value('./V/C'), 'c');
      const codes = textsIn(elementsIn(answer, 'Status').join(''), 'Data');
      assert.deepEqual(codes, ['200', '507', '216', '404', '215', '200', '200', '200', '404', '200']);
      assert.deepEqual(client.complaints, []);
    });

    it('only what the access control list lets the server do', async () => {
      const { answer } = await server.after(
        [put('Replace', './V/A', 'b'), get('./V/A'), put('Add', './V/B', 'b'), exec('./FUMO/DownloadAndUpdate')],
        {
          acl: 'Add=*&Get=*',
          nodes: { './V': { format: 'node', access: 'AG', acl: 'Get=other' }, './V/A': 'a' },
        },
      );
      assert.deepEqual(Object.values(statusesIn(answer)), ['200', '425', '425', '425', '425']);
    });
  });

  describe('proves itself', () => {
    it('by Basic when it is asked for that', async () => {
      server.say({ header: '407', status: '407', challenge: challenge('basic') }, { header: '212' });
      const client = await server.client({ username: 'Bruce2', password: 'OhBehave', authentication: 'none' });
      assert.doesNotMatch(server.arrivals[0]?.body ?? '', /<Cred>/);
      const again = server.arrivals[1]?.body ?? '';
      assert.equal(textIn(elementsIn(again, 'Cred')[0] ?? '', 'Data'), 'QnJ1Y2UyOk9oQmVoYXZl');
      assert.deepEqual(textsIn(again, 'MsgID'), ['2']);
      assert.equal(elementsIn(again, 'Alert').length, 1);
      assert.deepEqual(client.complaints, []);
    });

    it('by MD5 with the nonce of the challenge, and keeps the next one', async () => {
      server.say(
        { header: '401', status: '401', challenge: challenge('md5', 'Tm9uY2U=') },
        { header: '212', challenge: challenge('md5', 'ABEiM0RVZneImaq7zN3u/w==') },
      );
      const client = await server.client({ username: 'Bruce2', password: 'OhBehave' });
      const again = server.arrivals[1]?.body ?? '';
      assert.equal(textIn(elementsIn(again, 'Cred')[0] ?? '', 'Data'), 'Zz6EivR3yeaaENcRN6lpAQ==');
      assert.equal(textIn(again, 'LocName'), 'Bruce2');
      assert.equal(
        Buffer.from(client.value('./DMAcc/trivet/AppAuth/client/AAuthData') ?? '', 'base64').toString('hex'),
        '00112233445566778899aabbccddeeff',
      );
      assert.deepEqual(client.complaints, []);
    });

    it('once in a session after 212, and with each message and its nonce after 200', async () => {
      const asked = { commands: [get('./DevInfo/Man')], challenge: challenge('md5', 'ABEiM0RVZneImaq7zN3u/w==') };
      const account = { username: 'dev-0042', password: 's3cr3t!' };
      server.say({ ...asked, header: '212' });
      await server.client(account);
      assert.doesNotMatch(server.last().body, /<Cred>/);
      server.say({ ...asked, header: '200' });
      await server.client({ ...account, deviceId: 'b' });
      assert.equal(textIn(elementsIn(server.last().body, 'Cred')[0] ?? '', 'Data'), 'utd/h/65jmHSMZv8mRCdXw==');
    });

    it('and complains when an HMAC is taken for the whole session', async () => {
      server.say({ header: '212' });
      const client = await server.client({ password: 'x', authentication: 'hmac' });
      assert.deepEqual(client.complaints, ['a message with an HMAC is answered with 212']);
    });

    it('by an HMAC of each message', async () => {
      server.say({ commands: [get('./DevInfo/Man')], header: '200', challenge: challenge('MAC', 'AAAAAA==') });
      await server.client({
        username: 'dev-0042',
        password: 's3cr3t!',
        authentication: 'hmac',
        nonce: 'ABEiM0RVZneImaq7zN3u/w==',
      });
      assert.match(
        String(server.arrivals[0]?.headers['x-syncml-hmac']),
        /^algorithm=MD5, username="dev-0042", mac=\S+==$/,
      );
      assert.notEqual(server.arrivals[0]?.headers['x-syncml-hmac'], server.arrivals[1]?.headers['x-syncml-hmac']);
    });

    it('and gives up after three challenges', async () => {
      for (let count = 0; count < 6; count += 1)
        server.say({ header: '401', status: '401', challenge: challenge('md5', `Tm9uY2${count}=`) });
      await assert.rejects(server.client({ password: 'x' }), /answers the header with 401/);
      assert.equal(server.arrivals.length, 4);
    });

    it('and does nothing for a server that does not prove itself', async () => {
      const nodes = { './V/A': 'a' };
      server.say([put('Replace', './V/A', 'b')], {
        commands: [put('Replace', './V/A', 'c')],
        credential: credential('md5', 'wrong'),
      });
      const client = await server.client({ serverId: 'funambol', serverPassword: 'srvpwd', nodes });
      assert.equal(client.value('./V/A'), 'a');
      const [, second = '', third = ''] = server.arrivals.map((one) => one.body);
      assert.deepEqual(textsIn(elementsIn(second, 'Status').join(''), 'Data'), ['407', '407']);
      assert.equal(textIn(second, 'Type'), 'syncml:auth-md5');
      assert.deepEqual(textsIn(elementsIn(third, 'Status').join(''), 'Data'), ['401', '401']);
    });

    it('and obeys the one that does (a digest that a real client has accepted)', async () => {
      server.say({
        commands: [put('Replace', './V/A', 'b')],
        credential: credential('md5', 'Lx7CSZp0iHRedCEbryGJuw=='),
      });
      const client = await server.client({ serverId: 'funambol', serverPassword: 'srvpwd', nodes: { './V/A': 'a' } });
      assert.equal(client.value('./V/A'), 'b');
      assert.deepEqual(Object.values(statusesIn(server.last().body)), ['212', '200']);
    });
  });

  describe('updates its firmware', () => {
    const files = createServer((request, response) => {
      if (request.url === '/bad') response.end('no image');
      else if (request.url === '/2.0.0') response.end(makeImage({ name: 'fw', version: '2.0.0', size: 20_000 }));
      else response.writeHead(404).end();
    });
    before((done) => void files.listen(0, '127.0.0.1', done));
    after((done) => void files.close(done));
    const file = (name: string): string => `http://127.0.0.1:${(files.address() as AddressInfo).port}/${name}`;
    const order = (name: string): string[] => [
      put('Replace', './FUMO/DownloadAndUpdate/PkgURL', file(name)),
      exec('./FUMO/DownloadAndUpdate', 'op-42'),
    ];

    it('after the session, and tells the result with the Correlator in a later one', async () => {
      const { client, answer } = await server.after(order('2.0.0'));
      assert.deepEqual(Object.values(statusesIn(answer)), ['200', '200', '202']);
      await eventually(() => client.journal.some((one) => one.kind === 'alert'), 'an alert');
      const body = server.last().body;
      const told = elementsIn(body, 'Alert').find((one) => textIn(one, 'Data') === '1226') ?? '';
      assert.equal(textIn(told, 'Correlator'), 'op-42');
      assert.equal(textIn(told, 'LocURI'), './FUMO/DownloadAndUpdate');
      assert.equal(textIn(told, 'Type'), 'org.openmobilealliance.dm.firmwareupdate.downloadandupdate');
      assert.deepEqual(textsIn(told, 'Data'), ['1226', '200']);
      assert.equal(client.value('./FUMO/State'), '100');
      assert.equal(client.value('./DevDetail/FwV'), '2.0.0');
      assert.equal(client.waiting.length, 0);
      assert.deepEqual(client.complaints, []);
    });

    it('and tells why it failed', async () => {
      const { client } = await server.after(order('bad'));
      await eventually(() => client.journal.some((one) => one.kind === 'alert'), 'an alert');
      assert.equal(client.journal.find((one) => one.kind === 'alert')?.value, '403');
      assert.equal(client.value('./DevDetail/FwV'), '1.0.0');
    });

    it('and keeps the alert until the server has taken it', async () => {
      server.say(order('none'), {}, { http: 500, body: '' }, { status: '500' });
      const client = await server.client();
      await eventually(() => client.waiting.length > 0, 'an alert');
      await eventually(() => client.waiting.length === 0, 'a server that takes it');
      assert.equal(client.journal.filter((one) => one.kind === 'session-failed').length, 1);
      assert.deepEqual(
        client.journal.filter((one) => one.kind === 'alert').map((one) => one.value),
        ['411', '411'],
      );
    });
  });
});
