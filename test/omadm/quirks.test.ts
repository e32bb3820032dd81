/** What real clients do (and captures of them), each in a session with our server. */
import assert from 'node:assert/strict';
import type { Request } from '../../adapters/omadm/exchange.ts';
import { everybody } from '../../adapters/omadm/authenticator.ts';
import { captureNames, readCapture } from './captures.ts';
import {
  alert,
  commandsOf,
  deviceInfo,
  headerStatus,
  isFinal,
  item,
  packageOne,
  responseUri,
  results,
  status,
  statusesOf,
  syncml,
  textOf,
  type Answered,
  type ClientConnection,
  type Said,
} from './scripted-client.ts';
import { SmallServer, type SmallServerOptions } from './small-server.ts';

const asked = ({ body }: Answered): Said[] => commandsOf(body).filter(({ name }) => name !== 'Status');
const get = (path: string): Request => ({ command: 'Get', path });
const wbxmlType = 'application/vnd.syncml.dm+wbxml';

describe('quirks of OMA DM clients', () => {
  let small: SmallServer;
  let client: ClientConnection;

  async function start(options: SmallServerOptions = {}): Promise<void> {
    small = await SmallServer.start(options);
    client = await small.connect();
  }

  afterEach(() => small.close());

  describe('Windows', () => {
    const desktop: Request = {
      command: 'Replace',
      path: './Vendor/MSFT/Personalization/DesktopImageUrl',
      value: { format: 'chr', type: 'text/plain', text: 'https://example.org/a.jpg' },
    };

    it('the captured session: LoginStatus without Format, no address of the session, Replace answered 202', async () => {
      await start({ asks: [[desktop, { ...desktop, path: './Vendor/MSFT/Personalization/LockScreenImageUrl' }]] });
      const to = '/omadm?mode=Maintenance&Platform=WoA';
      const two = await client.post(readCapture('win-01-pkg1-request.xml'), { to });
      assert.deepEqual(statusesOf(two.body), ['SyncHdr 0 212', 'Alert 2 200', 'Alert 3 200', 'Replace 4 200']);
      assert.deepEqual(
        asked(two).map(({ id }) => id),
        ['5', '6'],
      );
      assert.deepEqual(
        small.alerts.map(({ alert: { code }, items }) => [code, items[0]!.meta?.type, items[0]!.data]),
        [[1224, 'com.microsoft/MDM/LoginStatus', 'user']],
      );
      assert.equal(small.arrivals[0]!.deviceInfo.get('./DevInfo/DmV'), '1.3');
      const four = await client.post(readCapture('win-03-pkg3-request.xml'), { to });
      assert.deepEqual(
        small.answers[0]!.map(({ status }) => status),
        [202, 202],
      );
      assert.deepEqual(asked(four), []);
      assert.ok(isFinal(four.body));
      assert.deepEqual(small.refused, []);
    });

    it('a client that needs longer says so with an alert, and answers later', async () => {
      await start({ asks: [[get('./A')]] });
      const two = await client.post(packageOne());
      const to = responseUri(two.body);
      const interim = await client.post(syncml(headerStatus(1) + alert(2, 1224), { message: 2 }), { to });
      assert.deepEqual(statusesOf(interim.body), ['SyncHdr 0 212', 'Alert 2 200']);
      assert.deepEqual(asked(interim), []);
      assert.equal(small.answers.length, 0);
      const late =
        status(2, 1, asked(two)[0]!.id, 'Get', 200) +
        results(3, 1, asked(two)[0]!.id, item({ path: './A', data: '1' }));
      await client.post(syncml(headerStatus(2) + late, { message: 3 }), { to });
      assert.equal(small.answers[0]![0]!.found[0]!.text, '1');
    });

    it('alert 1201 in the middle of a session is an alert, and no new session', async () => {
      await start({ asks: [[get('./A')], [get('./B')]] });
      const two = await client.post(packageOne());
      const body = headerStatus(1) + alert(2, 1201) + status(3, 1, asked(two)[0]!.id, 'Get', 404);
      const four = await client.post(syncml(body, { message: 2 }), { to: responseUri(two.body) });
      assert.equal(textOf(asked(four)[0]!.text, 'LocURI'), './B');
      assert.equal(small.arrivals.length, 1);
    });

    it('the first Status hides no later one', async () => {
      await start({ asks: [[get('./A')]] });
      const two = await client.post(packageOne());
      const { id } = asked(two)[0]!;
      const body =
        headerStatus(1) + status(2, 1, id, 'Get', 200) + status(3, 1, id, 'Get', 405) + status(4, 1, id, 'Get', 200);
      await client.post(syncml(body, { message: 2 }), { to: responseUri(two.body) });
      assert.equal(small.answers[0]![0]!.status, 405);
    });
  });

  describe('libdmclient', () => {
    it('the captured session: interior nodes in DevInfo, a Status for each Item, 406 for ?list, a NUL in a value', async () => {
      const paths = [
        './DevInfo/Man',
        '.',
        './DevInfo?list=Struct',
        './DevDetail?list=StructData',
        './DMAcc/test?prop=ACL',
      ];
      await start({ asks: [[...paths, './Nope', './DevInfo/Man?prop=Format'].map(get)] });
      const two = await client.post(readCapture('libdmclient-01-pkg1-basic.xml'), {
        contentType: 'application/vnd.syncml+xml',
      });
      assert.equal(two.headers.get('content-type'), 'application/vnd.syncml+xml');
      const info = small.arrivals[0]!.deviceInfo;
      assert.equal(info.get('./DevInfo/Ext/other/test3'), 'data of test3');
      assert.equal(info.has('./DevInfo/Ext'), false);
      // The capture answers the commands 10 to 16 of another server.
      let text = readCapture('libdmclient-02-status-results.xml').toString('latin1');
      asked(two).forEach(({ id }, index) => {
        text = text.replaceAll(`<CmdRef>${10 + index}</CmdRef>`, `<CmdRef>!${id}</CmdRef>`);
      });
      const octets = Buffer.from(text.replaceAll('<CmdRef>!', '<CmdRef>'), 'latin1');
      const four = await client.post(octets, { to: responseUri(two.body), contentType: 'application/vnd.syncml+xml' });
      assert.ok(isFinal(four.body));
      const answers = small.answers[0]!;
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 406, 406, 200, 404, 200],
      );
      assert.deepEqual(
        answers[0]!.found.map(({ path, text: value }) => [path, value]),
        [
          ['./DevInfo/Man', 'test manufacturer'],
          ['./DevDetail/SwV', 'TODO'],
        ],
      );
      assert.equal(answers[1]!.found[0]!.format, 'node');
      assert.equal(answers[6]!.found[0]!.text, 'chr');
      assert.deepEqual(small.refused, []);
    });

    it('the captured WBXML: it is answered in WBXML, and the session goes on in it', async () => {
      await start({ asks: [[get('./DevInfo/Man')]] });
      const two = await client.post(readCapture('libdmclient-03-pkg1-basic.wbxml'), {
        contentType: 'application/vnd.syncml+wbxml',
      });
      assert.equal(two.headers.get('content-type'), 'application/vnd.syncml+wbxml');
      assert.deepEqual([...two.octets.subarray(0, 5)], [2, 0xa4, 1, 0x6a, 0]);
      assert.ok(two.octets.includes('./DevInfo/Man'));
      assert.ok(two.octets.includes('?sid='));
      assert.equal(small.arrivals[0]!.deviceInfo.get('./DevInfo/Man'), 'test manufacturer');
    });

    it('Status 0 for everything means that it wants credentials of the server: a failure, not a success', async () => {
      await start({ asks: [[get('./A')]] });
      const two = await client.post(packageOne());
      const body = headerStatus(1, 0) + status(2, 1, asked(two)[0]!.id, 'Get', 0);
      await client.post(syncml(body, { message: 2 }), { to: responseUri(two.body) });
      assert.equal(small.answers[0]![0]!.status, 0);
    });

    it('no Status for Atomic: what its children say is kept', async () => {
      const leaf: Request = { command: 'Replace', path: './A', value: { format: 'chr', text: '1' } };
      await start({ asks: [[{ command: 'Atomic', requests: [leaf] }]] });
      const two = await client.post(packageOne());
      const child = /<CmdID>\d+<\/CmdID>.*?<CmdID>(\d+)</s.exec(asked(two)[0]!.text)![1]!;
      await client.post(syncml(headerStatus(1) + status(2, 1, child, 'Replace', 200), { message: 2 }), {
        to: responseUri(two.body),
      });
      assert.equal(small.answers[0]![0]!.status, undefined);
      assert.deepEqual(
        small.answers[0]![0]!.children?.map((answer) => answer.status),
        [200],
      );
    });

    it('the SessionID is always 1: the next session is another one', async () => {
      await start();
      await client.post(packageOne());
      const two = await (await small.connect()).post(packageOne({ header: '<!-- another -->' }));
      assert.equal(statusesOf(two.body)[0], 'SyncHdr 0 212');
      assert.equal(small.arrivals.length, 2);
    });
  });

  describe('Koneki', () => {
    it('the captured session: it begins at the address of an old one, and brings the end of an Exec', async () => {
      await start();
      const to = '/omadm?sid=abc123';
      const two = await client.post(readCapture('koneki-01-pkg1-fumo-result-1226.xml'), { to });
      assert.deepEqual(statusesOf(two.body), ['SyncHdr 0 212', 'Alert 1 200', 'Alert 2 200', 'Replace 3 200']);
      const [{ alert: told, items }] = small.alerts as [(typeof small.alerts)[number]];
      assert.equal(told.correlator, 'op-42');
      assert.deepEqual(items[0]!.meta, {
        type: 'org.openmobilealliance.dm.firmwareupdate.downloadandupdate',
        format: 'int',
        mark: 'informational',
      });
      assert.equal(items[0]!.data, '200');
    });

    it('an empty Cred goes to the credentials as it is', async () => {
      const seen: unknown[] = [];
      await start({
        authenticator: {
          begin: (peer) => ({
            ...everybody.begin(peer),
            check: async ({ header }) => (seen.push(header.credential), { proven: true, status: 212 }),
          }),
        },
      });
      await client.post(readCapture('koneki-01-pkg1-fumo-result-1226.xml'));
      assert.deepEqual(seen, [{ data: '', meta: { format: 'b64', type: 'syncml:auth-basic' } }]);
    });

    it('any answer to alert 1223 ends it quietly', async () => {
      await start({ maximumPackageMessages: 2 });
      let answered = await client.post(syncml(alert(1, 1201), { final: false }));
      const to = responseUri(answered.body);
      for (const message of [2, 3])
        answered = await client.post(syncml(headerStatus(1), { message, final: false }), { to });
      assert.ok(asked(answered).some(({ text }) => textOf(text, 'Data') === '1223'));
      const reply = headerStatus(3) + status(2, 3, asked(answered)[0]!.id, 'Alert', 406);
      const last = await (await small.connect()).post(syncml(reply, { message: 4 }), { to });
      assert.equal(last.status, 200);
      assert.deepEqual(small.refused, ['too-long']);
    });
  });

  describe('others', () => {
    it('DM 1.1: the answer is in its namespace and version', async () => {
      await start();
      const one = packageOne({ protocol: 'DM/1.1' })
        .replace('SYNCML:SYNCML1.2', 'SYNCML:SYNCML1.1')
        .replace('<VerDTD>1.2', '<VerDTD>1.1');
      const two = await client.post(one);
      assert.match(two.body, /SYNCML:SYNCML1\.1/);
      assert.equal(textOf(two.body, 'VerDTD'), '1.1');
      assert.equal(textOf(two.body, 'VerProto'), 'DM/1.1');
    });

    it('a command without a number is taken, and cannot be answered', async () => {
      await start();
      const event = '<Alert><Data>1226</Data><Item><Data>x</Data></Item></Alert>';
      const two = await client.post(syncml(`<Alert><Data>1201</Data></Alert>${event}${deviceInfo(2)}`));
      assert.deepEqual(statusesOf(two.body), ['SyncHdr 0 212', 'Replace 2 200']);
      assert.equal(small.alerts.length, 1);
    });

    it('Results without MsgRef and with the path in SourceRef', async () => {
      await start({ asks: [[get('./A')]] });
      const two = await client.post(packageOne());
      const { id } = asked(two)[0]!;
      const found = `<Results><CmdID>3</CmdID><CmdRef>${id}</CmdRef><SourceRef>./A</SourceRef><Item><Data>1</Data></Item></Results>`;
      await client.post(syncml(headerStatus(1) + status(2, 1, id, 'Get', 200) + found, { message: 2 }), {
        to: responseUri(two.body),
      });
      assert.deepEqual(small.answers[0]![0]!.found, [{ path: './A', format: 'chr', text: '1' }]);
    });

    it('the last Final is missing: the device is asked for the rest with alert 1222', async () => {
      await start({ asks: [[get('./A')]] });
      const two = await client.post(packageOne());
      const to = responseUri(two.body);
      const body = headerStatus(1) + status(2, 1, asked(two)[0]!.id, 'Get', 404);
      const next = await client.post(syncml(body, { message: 2, final: false }), { to });
      assert.equal(textOf(asked(next)[0]!.text, 'Data'), '1222');
      await client.post(syncml(headerStatus(2), { message: 3 }), { to });
      assert.equal(small.answers[0]![0]!.status, 404);
    });

    it('Final too early, while our package goes on: it goes on', async () => {
      const large: Request[] = Array.from({ length: 30 }, (_, index) => get(`./Vendor/${'x'.repeat(80)}${index}`));
      await start({ asks: [large] });
      const meta = '<MaxMsgSize xmlns="syncml:metinf">2000</MaxMsgSize>';
      let answered = await client.post(packageOne({ meta }));
      const paths: string[] = [];
      for (let message = 2; ; message++) {
        paths.push(...asked(answered).map(({ text }) => textOf(text, 'LocURI')));
        const statuses = asked(answered).map(({ id }, index) => status(index + 2, message - 1, id, 'Get', 404));
        const wasLast = isFinal(answered.body);
        const to = responseUri(answered.body);
        answered = await client.post(syncml(headerStatus(message - 1) + statuses.join(''), { message }), { to });
        if (wasLast) break;
      }
      assert.equal(paths.length, 30);
      assert.ok(small.answers[0]!.every((answer) => answer.status === 404));
    });

    it('a tiny MaxMsgSize is not believed: not even the Statuses would fit', async () => {
      await start({ asks: [[get('./A')]] });
      const two = await client.post(packageOne({ meta: '<MaxMsgSize xmlns="syncml:metinf">10</MaxMsgSize>' }));
      assert.equal(statusesOf(two.body).length > 0, true);
      assert.ok(two.octets.length <= 1024);
    });
  });

  it('every captured message of a client is answered, one after the other', async () => {
    await start();
    for (const name of captureNames.filter((capture) => !capture.startsWith('win-02'))) {
      const contentType = name.endsWith('.wbxml') ? wbxmlType : 'application/vnd.syncml.dm+xml';
      const answered = await (await small.connect()).post(readCapture(name), { contentType });
      assert.equal(answered.status, 200, name);
    }
    assert.equal(small.arrivals.length, 4);
  });

  it('the message of a server is not taken for one of a client', async () => {
    await start();
    assert.equal((await client.post(readCapture('win-02-pkg2-response.xml'))).status, 404);
  });
});
