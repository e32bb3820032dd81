import assert from 'node:assert/strict';
import { ManualClock } from '../../src/support/clock.ts';
import { eventually } from '../support/eventually.ts';
import {
  alert,
  commandsOf,
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
} from './scripted-client.ts';
import { SmallServer, type SmallServerOptions } from './small-server.ts';

describe('the HTTP side of the DM server', () => {
  let small: SmallServer;

  async function start(options: SmallServerOptions = {}): Promise<void> {
    small = await SmallServer.start(options);
  }

  afterEach(() => small.close());

  it('a session: package 1, a Get, its answer, and Statuses alone at the end', async () => {
    await start({ asks: [[{ command: 'Get', path: './DevDetail/SwV' }]] });
    const client = await small.connect();
    const two = await client.post(packageOne());
    assert.equal(two.status, 200);
    assert.equal(two.headers.get('content-type'), 'application/vnd.syncml.dm+xml');
    assert.deepEqual(statusesOf(two.body), ['SyncHdr 0 212', 'Alert 1 200', 'Replace 90 200']);
    const get = commandsOf(two.body).at(-1)!;
    assert.equal(textOf(get.text, 'LocURI'), './DevDetail/SwV');
    assert.ok(isFinal(two.body));
    const four = await client.post(
      syncml(
        headerStatus(1, 212) +
          status(2, 1, get.id, 'Get', 200) +
          results(3, 1, get.id, item({ path: './DevDetail/SwV', data: '1.4.2' })),
        { message: 2 },
      ),
      { to: responseUri(two.body) },
    );
    assert.deepEqual(statusesOf(four.body), ['SyncHdr 0 212']);
    assert.equal(commandsOf(four.body).length, 1);
    assert.ok(isFinal(four.body));
    assert.deepEqual(small.answers, [
      [{ status: 200, found: [{ path: './DevDetail/SwV', format: 'chr', text: '1.4.2' }], sent: true }],
    ]);
    assert.deepEqual(small.ended, ['the session is over']);
    assert.equal(small.arrivals[0]!.deviceInfo.get('./DevInfo/Man'), 'Acme');
  });

  const asksGet: SmallServerOptions = { asks: [[{ command: 'Get', path: './A' }], [{ command: 'Get', path: './B' }]] };
  const getIn = ({ body }: Answered): string => commandsOf(body).find(({ name }) => name === 'Get')?.id ?? '';
  const answerTo = (answered: Answered, message: number, device?: string): string =>
    syncml(headerStatus(message - 1) + status(2, message - 1, getIn(answered), 'Get', 404), { message, device });

  describe('which session a message belongs to', () => {
    it('the one whose address it goes to, over whatever connection', async () => {
      await start(asksGet);
      const two = await (await small.connect()).post(packageOne());
      const four = await (await small.connect()).post(answerTo(two, 2), { to: responseUri(two.body) });
      assert.equal(four.status, 200);
      assert.equal(textOf(commandsOf(four.body).at(-1)!.text, 'LocURI'), './B');
    });

    it('Windows: without the address, the one of Source, SessionID and network address', async () => {
      await start(asksGet);
      const client = await small.connect();
      const two = await client.post(packageOne());
      const four = await client.post(answerTo(two, 2), { to: '/omadm?mode=Maintenance&Platform=WoA' });
      assert.equal(textOf(commandsOf(four.body).at(-1)!.text, 'LocURI'), './B');
    });

    it('who only knows Source and SessionID is nobody: from elsewhere, or once the device has used the address', async () => {
      await start({ ...asksGet, trustedProxies: ['127.0.0.1'] });
      const client = await small.connect();
      const from = (address: string): string[] => [`X-Forwarded-For: ${address}`];
      const two = await client.post(packageOne(), { headers: from('192.0.2.1') });
      assert.equal((await client.post(answerTo(two, 2), { headers: from('192.0.2.2') })).status, 404);
      const four = await client.post(answerTo(two, 2), { to: responseUri(two.body), headers: from('192.0.2.1') });
      assert.equal((await client.post(answerTo(four, 3), { headers: from('192.0.2.1') })).status, 404);
      assert.deepEqual(small.refused, ['no-session', 'no-session']);
      assert.equal(small.server.sessions, 1);
    });

    it('a forged address is none, and the session of the device goes on', async () => {
      await start(asksGet);
      const client = await small.connect();
      const two = await client.post(packageOne());
      const to = responseUri(two.body);
      for (const forged of [
        `${to.slice(0, -1)}!`,
        '/omadm?sid=',
        '/omadm?sid=__proto__',
        `/omadm?sid=${'9'.repeat(8000)}`,
      ]) {
        assert.equal((await client.post(answerTo(two, 2), { to: forged })).status, 404);
      }
      assert.deepEqual(new Set(small.refused), new Set(['no-session']));
      assert.equal((await client.post(answerTo(two, 2), { to })).status, 200);
    });

    it('the address of a session helps no other device', async () => {
      await start(asksGet);
      const client = await small.connect();
      const two = await client.post(packageOne());
      const stolen = await client.post(answerTo(two, 2, 'urn:dev:2'), { to: responseUri(two.body) });
      assert.equal(stolen.status, 404);
      assert.equal((await client.post(answerTo(two, 2), { to: responseUri(two.body) })).status, 200);
    });

    it('the address of an old session begins a new one', async () => {
      await start();
      const client = await small.connect();
      const two = await client.post(packageOne(), { to: '/omadm?sid=abc123' });
      assert.equal(statusesOf(two.body)[0], 'SyncHdr 0 212');
    });

    it('nothing goes on without a session: 404', async () => {
      await start();
      const client = await small.connect();
      assert.equal((await client.post(syncml(headerStatus(1), { message: 2 }))).status, 404);
      assert.deepEqual(small.refused, ['no-session']);
    });

    it('two devices at once never get what is for the other', async () => {
      await start({
        think: async (exchange) => {
          const device = small.arrivals.at(-1)!.deviceId;
          small.answers.push(await exchange.ask([{ command: 'Get', path: `./${device}` }]));
        },
      });
      const [one, other] = [await small.connect(), await small.connect()];
      const a = await one.post(packageOne({ device: 'dev-a' }));
      const b = await other.post(packageOne({ device: 'dev-b' }));
      assert.match(a.body, /\.\/dev-a</);
      assert.match(b.body, /\.\/dev-b</);
      await other.post(answerTo(b, 2, 'dev-b'), { to: responseUri(b.body) });
      await one.post(answerTo(a, 2, 'dev-a'), { to: responseUri(a.body) });
      assert.equal(small.answers.length, 2);
      assert.equal(small.server.sessions, 0);
    });
  });

  describe('messages that come again, late, or never', () => {
    it('the same message gets the same octets, and nothing is asked or told twice', async () => {
      await start(asksGet);
      const client = await small.connect();
      const two = await client.post(packageOne());
      const to = responseUri(two.body);
      const first = await client.post(answerTo(two, 2), { to });
      const again = await (await small.connect()).post(answerTo(two, 2), { to });
      assert.deepEqual(again.octets, first.octets);
      assert.equal(small.answers.length, 1);
      assert.deepEqual(small.refused, []);
    });

    it('also the last one, after the end', async () => {
      await start();
      const client = await small.connect();
      const alertIn = alert(5, 1224, '<Item><Data>x</Data></Item>');
      const two = await client.post(packageOne({}, alertIn));
      const again = await (await small.connect()).post(packageOne({}, alertIn));
      assert.deepEqual(again.octets, two.octets);
      assert.equal(small.alerts.length, 1);
      assert.equal(small.arrivals.length, 1);
    });

    it('package 1 again, while only reading is under way, gets the same octets', async () => {
      await start(asksGet);
      const client = await small.connect();
      const two = await client.post(packageOne());
      assert.deepEqual((await client.post(packageOne())).octets, two.octets);
      assert.equal(small.arrivals.length, 1);
    });

    it('package 1 again after an Exec is a new session: a device that began anew must not do it twice', async () => {
      await start({ asks: [[{ command: 'Exec', path: './Reboot' }]] });
      let asks = 0;
      const client = await small.connect();
      const two = await client.post(packageOne());
      asks += commandsOf(two.body).filter(({ name }) => name === 'Exec').length;
      await client.post(packageOne());
      assert.equal(asks, 1);
      assert.equal(small.arrivals.length, 2);
      assert.deepEqual(small.ended, ['the device began a new session']);
      assert.deepEqual(small.answers[0], [{ status: undefined, found: [], sent: true }]);
    });

    it('a poll with the same octets as the one before is a session of its own', async () => {
      await start();
      const client = await small.connect();
      await client.post(packageOne());
      await (await small.connect()).post(packageOne());
      assert.equal(small.arrivals.length, 2);
    });

    it('a new package 1 ends the session before it: what was asked there has no answer', async () => {
      await start(asksGet);
      const client = await small.connect();
      await client.post(packageOne());
      await client.post(packageOne({ session: '2' }));
      assert.deepEqual(small.ended, ['the device began a new session']);
      assert.equal(small.server.sessions, 1);
    });

    it('a message of before is out of order, and the session goes on', async () => {
      await start({ asks: [...asksGet.asks!, [{ command: 'Get', path: './C' }]] });
      const client = await small.connect();
      const two = await client.post(packageOne());
      const to = responseUri(two.body);
      const four = await client.post(answerTo(two, 2), { to });
      const six = await client.post(answerTo(four, 3), { to });
      assert.equal((await client.post(answerTo(two, 2), { to })).status, 400);
      assert.deepEqual(small.refused, ['wrong-order']);
      assert.equal((await client.post(answerTo(six, 4), { to })).status, 200);
      assert.equal(small.answers.length, 3);
    });

    it('a device that says the same for ever is given up', async () => {
      await start(asksGet);
      const client = await small.connect();
      const two = await client.post(packageOne());
      const to = responseUri(two.body);
      let status = 200;
      await client.post(answerTo(two, 2), { to });
      for (let round = 0; status === 200 && round < 30; round++) {
        status = (await client.post(answerTo(two, 2), { to })).status;
      }
      assert.equal(status, 400);
      assert.deepEqual(small.refused, ['repeats']);
      assert.equal(small.server.sessions, 0);
    });

    it('a device that does not count its messages is understood by what it answers', async () => {
      await start(asksGet);
      const client = await small.connect();
      const two = await client.post(packageOne());
      const to = responseUri(two.body);
      const four = await client.post(answerTo(two, 2), { to });
      const third = syncml(headerStatus(2) + status(2, 2, getIn(four), 'Get', 404), { message: 2 });
      await client.post(third, { to });
      assert.equal(small.answers.length, 2);
      assert.equal(small.server.sessions, 0);
    });

    it('the answer goes to the connection that asks last; the one before is told that it is lost', async () => {
      let go = (): void => {};
      await start({ think: () => new Promise((resolve) => (go = resolve)) });
      const [one, other] = [await small.connect(), await small.connect()];
      const first = one.post(packageOne());
      await eventually('the session thinks', () => small.arrivals.length === 1);
      const second = other.post(packageOne());
      assert.equal((await first).status, 503);
      go();
      assert.equal((await second).status, 200);
      assert.equal(small.arrivals.length, 1);
    });

    it('an answer for which nobody is there was not sent, and is kept for the repeat', async () => {
      let go = (): void => {};
      await start({
        think: async (exchange) => {
          await new Promise<void>((resolve) => (go = resolve));
          small.answers.push(await exchange.ask([{ command: 'Exec', path: './X' }]));
        },
      });
      const client = await small.connect();
      client.post(packageOne()).catch(() => {});
      await eventually('the session thinks', () => small.arrivals.length === 1);
      client.socket.destroy();
      await new Promise((resolve) => setTimeout(resolve, 50));
      go();
      await new Promise((resolve) => setTimeout(resolve, 20));
      const two = await (await small.connect()).post(packageOne());
      assert.match(two.body, /<Exec>/);
      assert.equal(small.arrivals.length, 1);
    });

    it('a device that never comes back: the session ends, and nothing was sent when nobody was there to take it', async () => {
      const clock = new ManualClock();
      let go = (): void => {};
      await start({
        clock,
        think: async (exchange) => {
          await new Promise<void>((resolve) => (go = resolve));
          small.answers.push(await exchange.ask([{ command: 'Exec', path: './X' }]));
        },
      });
      const client = await small.connect();
      client.post(packageOne()).catch(() => {});
      await eventually('the session thinks', () => small.arrivals.length === 1);
      client.socket.destroy();
      await new Promise((resolve) => setTimeout(resolve, 50));
      go();
      await new Promise((resolve) => setTimeout(resolve, 20));
      clock.advance(300_000);
      await eventually('an answer', () => small.answers.length === 1);
      assert.deepEqual(small.answers, [[{ status: undefined, found: [], sent: false }]]);
      assert.deepEqual(small.ended, ['the device was silent for 300 s']);
    });

    it('silence ends a session: what was asked has no status, and was sent', async () => {
      const clock = new ManualClock();
      await start({ ...asksGet, clock });
      await (await small.connect()).post(packageOne());
      clock.advance(299_999);
      assert.equal(small.server.sessions, 1);
      clock.advance(1);
      await eventually('both asks are answered', () => small.answers.length === 2);
      assert.deepEqual(small.answers[0], [{ status: undefined, found: [], sent: true }]);
      assert.deepEqual(small.answers[1], [{ status: undefined, found: [], sent: false }]);
      assert.equal(small.server.sessions, 0);
    });

    it('after the end an answer is taken without a word, and anything else has to begin anew', async () => {
      await start();
      const client = await small.connect();
      const two = await client.post(packageOne());
      const to = responseUri(two.body);
      const late = await (await small.connect()).post(syncml(headerStatus(1), { message: 2 }), { to });
      assert.equal(late.status, 200);
      assert.equal(late.octets.length, 0);
      const event = await (
        await small.connect()
      ).post(syncml(headerStatus(1) + alert(2, 1226), { message: 3 }), { to });
      assert.equal(event.status, 404);
      assert.equal(small.alerts.length, 0);
    });
  });

  describe('what is no message of a session', () => {
    it('another path, another method', async () => {
      await start();
      const client = await small.connect();
      assert.equal((await client.post('', { to: '/' })).status, 404);
      const other = await small.connect();
      const answered = await other.post('', { method: 'GET' });
      assert.equal(answered.status, 405);
      assert.equal(answered.headers.get('allow'), 'POST');
      assert.deepEqual(small.refused, ['path', 'method']);
    });

    for (const [what, body, contentType, code, reason] of [
      ['no body', '', undefined, 400, 'malformed'],
      ['no XML', 'hello', undefined, 400, 'malformed'],
      ['half a message', packageOne().slice(0, 300), undefined, 400, 'malformed'],
      ['truncated WBXML', Buffer.from('02a4016a006d6c71', 'hex'), 'application/vnd.syncml.dm+wbxml', 400, 'malformed'],
      ['another document', '<a/>', undefined, 400, 'no-message'],
      ['no Source', '<SyncML><SyncHdr><MsgID>1</MsgID></SyncHdr><SyncBody/></SyncML>', undefined, 400, 'incomplete'],
      ['another type', packageOne(), 'application/json', 415, 'content-type'],
      ['too much', 'x'.repeat(2_000_000), undefined, 413, 'too-large'],
    ] as const) {
      it(`${what}: ${code}`, async () => {
        await start();
        const answered = await (await small.connect()).post(body, contentType === undefined ? {} : { contentType });
        assert.equal(answered.status, code);
        assert.deepEqual(small.refused, [reason]);
        assert.equal(small.server.sessions, 0);
      });
    }

    it('an unreadable message does not end the session that it is sent to', async () => {
      await start(asksGet);
      const client = await small.connect();
      const two = await client.post(packageOne());
      const to = responseUri(two.body);
      assert.equal((await client.post('<SyncML><', { to })).status, 400);
      assert.equal((await client.post(answerTo(two, 2), { to })).status, 200);
    });

    it('a body that comes a letter at a time is given up', async () => {
      await start({ requestTimeout: 200 });
      const client = await small.connect();
      client.write('POST /omadm HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n<');
      const reply = await client.read();
      assert.equal(reply.status, 400);
      assert.deepEqual(small.refused, ['http']);
    });
  });

  describe('limits', () => {
    it('at the cap of sessions a new one is answered 503 and when to come again; those that run go on', async () => {
      await start({ ...asksGet, maximumSessions: 2 });
      const client = await small.connect();
      const one = await client.post(packageOne({ device: 'a' }));
      await client.post(packageOne({ device: 'b' }));
      const third = await client.post(packageOne({ device: 'c' }));
      assert.equal(third.status, 503);
      assert.equal(third.headers.get('retry-after'), '30');
      assert.deepEqual(small.refused, ['busy']);
      assert.equal((await client.post(answerTo(one, 2, 'a'), { to: responseUri(one.body) })).status, 200);
      assert.equal((await client.post(packageOne({ device: 'b', session: '2' }))).status, 200);
    });

    it('a header with an endless name is refused, for a session would keep it', async () => {
      await start();
      const client = await small.connect();
      assert.equal((await client.post(packageOne({ device: 'd'.repeat(2000) }))).status, 400);
      assert.equal((await client.post(packageOne({ session: '1'.repeat(100) }))).status, 400);
      assert.deepEqual(small.refused, ['header', 'header']);
      assert.equal(small.server.sessions, 0);
    });

    it('of an endless DevInfo the beginning is kept', async () => {
      await start();
      const leaves = Array.from({ length: 100 }, (_, index) =>
        item({ path: `./DevInfo/Ext/${index}`, data: 'x'.repeat(3000) }),
      );
      const info = `<Replace><CmdID>2</CmdID>${leaves.join('')}</Replace>`;
      await (await small.connect()).post(syncml(alert(1, 1201) + info));
      const kept = [...small.arrivals[0]!.deviceInfo.values()].join('').length;
      assert.ok(kept > 50_000 && kept <= 65_536, `${kept}`);
    });

    it('twenty thousand commands in one message: the session is broken off, and the log does not drown', async () => {
      await start();
      const commands = '<Get><CmdID>7</CmdID></Get>'.repeat(20_000);
      const answered = await (await small.connect()).post(syncml(alert(1, 1201) + commands));
      assert.match(answered.body, /<Data>1223<\/Data>/);
      assert.ok(answered.octets.length < 2000);
      assert.ok(small.refused.length <= 10, `${small.refused.length}`);
      assert.equal(small.server.sessions, 0);
    });

    it('a stop ends the sessions, and answers what waits', async () => {
      await start({ think: () => new Promise(() => {}) });
      const waiting = (await small.connect()).post(packageOne());
      await eventually('the session thinks', () => small.arrivals.length === 1);
      const closed = small.server.close(new Date(Date.now() + 1000));
      assert.equal((await waiting).status, 503);
      await closed;
      assert.deepEqual(small.ended, ['the gateway is stopping']);
    });
  });

  describe('how it answers', () => {
    it('in the content type of the client, with or without .dm', async () => {
      await start();
      const answered = await (await small.connect()).post(packageOne(), { contentType: 'application/vnd.syncml+xml' });
      assert.equal(answered.headers.get('content-type'), 'application/vnd.syncml+xml');
    });

    it('from the address that the device has asked, or the public one', async () => {
      await start();
      const two = await (await small.connect()).post(packageOne());
      assert.match(responseUri(two.body), /^http:\/\/gw\.example\/omadm\?sid=[0-9a-f-]{36}$/);
      await small.close();
      await start({ publicUrl: 'https://dm.example.org/dm' });
      const other = await (await small.connect()).post(packageOne());
      assert.match(responseUri(other.body), /^https:\/\/dm\.example\.org\/dm\?sid=/);
      assert.match(other.body, /<Source><LocURI>https:\/\/dm\.example\.org\/dm</);
    });

    it('the address of a session is never the same twice', async () => {
      await start();
      const seen = new Set<string>();
      for (let session = 1; session <= 20; session++) {
        const two = await (await small.connect()).post(packageOne({ session: String(session) }));
        seen.add(responseUri(two.body));
      }
      assert.equal(seen.size, 20);
    });

    it('a device half that fails ends its session, and no other', async () => {
      await start({
        think: async () => {
          throw new Error('a mistake of ours');
        },
      });
      const answered = await (await small.connect()).post(packageOne());
      assert.equal(answered.status, 503);
      assert.match(small.ended[0]!, /internal error/);
      assert.equal((await (await small.connect()).post(packageOne({ device: 'other' }))).status, 503);
    });
  });
});
