/** Packages as devices see them: what fits into a message, what answers what, and who has the word. */
import assert from 'node:assert/strict';
import type { Answer, Request } from '../../adapters/omadm/exchange.ts';
import {
  alert,
  commandsOf,
  deviceInfo,
  headerStatus,
  isFinal,
  item,
  maxMsgSize,
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

const get = (path: string): Request => ({ command: 'Get', path });
const replace = (path: string, text: string): Request => ({
  command: 'Replace',
  path,
  value: { format: 'chr', type: 'text/plain', text },
});

describe('packages of OMA DM', () => {
  let small: SmallServer;
  let client: ClientConnection;

  async function start(options: SmallServerOptions = {}): Promise<void> {
    small = await SmallServer.start(options);
    client = await small.connect();
  }

  afterEach(() => small.close());

  /** Commands of a message that are no Statuses. */
  const asked = ({ body }: Answered): Said[] => commandsOf(body).filter(({ name }) => name !== 'Status');

  it('several requests are one package, and each has the answer with its number', async () => {
    await start({ asks: [[get('./A'), replace('./B', 'b'), { command: 'Delete', path: './C' }]] });
    const two = await client.post(packageOne());
    assert.deepEqual(
      asked(two).map(({ name, text }) => `${name} ${textOf(text, 'LocURI')}`),
      ['Get ./A', 'Replace ./B', 'Delete ./C'],
    );
    const [a, b, c] = asked(two);
    // The other way round.
    const body =
      headerStatus(1) +
      status(2, 1, c!.id, 'Delete', 405) +
      status(3, 1, b!.id, 'Replace', 200) +
      status(4, 1, a!.id, 'Get', 404);
    await client.post(syncml(body, { message: 2 }), { to: responseUri(two.body) });
    assert.deepEqual(
      small.answers[0]!.map(({ status }) => status),
      [404, 200, 405],
    );
  });

  it('the numbers of our messages count up, those of commands begin with 1 in each, and refer to the message that they answer', async () => {
    await start({ asks: [[get('./A')], [get('./B')]] });
    const two = await client.post(packageOne());
    const four = await client.post(
      syncml(headerStatus(1) + status(2, 1, asked(two)[0]!.id, 'Get', 404), { message: 2 }),
      {
        to: responseUri(two.body),
      },
    );
    assert.deepEqual(
      [two, four].map(({ body }) => textOf(body, 'MsgID')),
      ['1', '2'],
    );
    assert.deepEqual(
      commandsOf(four.body).map(({ id }) => id),
      ['1', '2'],
    );
    assert.equal(textOf(commandsOf(four.body)[0]!.text, 'MsgRef'), '2');
  });

  it('a message is never larger than the device takes; the last one is final', async () => {
    const requests = Array.from({ length: 40 }, (_, index) => replace(`./Vendor/Acme/Leaf${index}`, 'x'.repeat(100)));
    await start({ asks: [requests] });
    let answer = await client.post(packageOne({ meta: maxMsgSize(2000) }));
    let number = 1;
    const seen: string[] = [];
    for (;;) {
      assert.ok(answer.octets.length <= 2000, `${answer.octets.length} octets`);
      seen.push(...asked(answer).map(({ text }) => textOf(text, 'LocURI')));
      const statuses = asked(answer).map(({ id }, index) => status(index + 2, number, id, 'Replace', 200));
      const isLast = isFinal(answer.body);
      number++;
      const body = headerStatus(number - 1) + statuses.join('') + (isLast ? '' : alert(99, 1222));
      answer = await client.post(syncml(body, { message: number, final: isLast }), { to: responseUri(answer.body) });
      if (isLast) break;
    }
    assert.equal(seen.length, 40);
    assert.equal(new Set(seen).size, 40);
    assert.ok(number > 3);
    assert.ok(small.answers[0]!.every(({ status, sent }) => status === 200 && sent));
  });

  it('a device that does not say how much it takes gets 16 KiB at most', async () => {
    const requests = Array.from({ length: 400 }, (_, index) => replace(`./Vendor/Leaf${index}`, 'x'.repeat(100)));
    await start({ asks: [requests] });
    const two = await client.post(packageOne());
    assert.ok(two.octets.length <= 16_384 && two.octets.length > 15_000, `${two.octets.length}`);
    assert.ok(!isFinal(two.body));
  });

  it('a command that fits into no message is not sent, its answer says why, and the others go', async () => {
    await start({ asks: [[replace('./Big', 'x'.repeat(5000)), get('./A')]] });
    const two = await client.post(packageOne({ meta: maxMsgSize(2000) }));
    assert.deepEqual(
      asked(two).map(({ name }) => name),
      ['Get'],
    );
    await client.post(syncml(headerStatus(1) + status(2, 1, asked(two)[0]!.id, 'Get', 200), { message: 2 }), {
      to: responseUri(two.body),
    });
    const [big, a] = small.answers[0]!;
    assert.equal(big!.sent, false);
    assert.equal(big!.status, undefined);
    assert.equal(big!.problem?.kind, 'too-large');
    assert.match(big!.problem!.explanation, /LrgObj/);
    assert.equal(a!.status, 200);
  });

  it('when nothing of an ask can be sent, the session goes on with the next one', async () => {
    await start({ asks: [[replace('./Big', 'x'.repeat(5000))], [get('./A')]] });
    const two = await client.post(packageOne({ meta: maxMsgSize(2000) }));
    assert.deepEqual(
      asked(two).map(({ text }) => textOf(text, 'LocURI')),
      ['./A'],
    );
    assert.equal(small.answers[0]![0]!.problem?.kind, 'too-large');
  });

  it('package 1 in several messages: each is answered with alert 1222, and the device arrives with the last', async () => {
    await start();
    const first = await client.post(syncml(alert(1, 1201), { final: false }));
    assert.deepEqual(statusesOf(first.body), ['SyncHdr 0 212', 'Alert 1 200']);
    assert.equal(textOf(asked(first)[0]!.text, 'Data'), '1222');
    assert.ok(!isFinal(first.body));
    assert.equal(small.arrivals.length, 0);
    const own = status(2, 1, asked(first)[0]!.id, 'Alert', 200);
    const second = await client.post(syncml(headerStatus(1) + own + deviceInfo(3), { message: 2 }), {
      to: responseUri(first.body),
    });
    assert.deepEqual(statusesOf(second.body), ['SyncHdr 0 212', 'Replace 3 200']);
    assert.ok(isFinal(second.body));
    assert.equal(small.arrivals[0]!.deviceInfo.get('./DevInfo/Mod'), 'GW-1');
    assert.deepEqual(small.refused, []);
  });

  it('an alert in the first of several messages is told after the arrival, and answered then', async () => {
    const order: string[] = [];
    await start({
      arrived: async () => void order.push('arrived'),
      alerted: async () => (order.push('alerted'), 202),
    });
    const event = alert(2, 1226, item({ path: './FUMO', data: '200', type: 'x.y', format: 'int' }));
    const first = await client.post(syncml(alert(1, 1201) + event, { final: false }));
    assert.deepEqual(statusesOf(first.body), ['SyncHdr 0 212', 'Alert 1 200']);
    const second = await client.post(syncml(headerStatus(1) + deviceInfo(3), { message: 2 }), {
      to: responseUri(first.body),
    });
    assert.deepEqual(order, ['arrived', 'alerted']);
    assert.deepEqual(statusesOf(second.body), ['Alert 2 202', 'SyncHdr 0 212', 'Replace 3 200']);
    assert.equal(textOf(commandsOf(second.body)[0]!.text, 'MsgRef'), '1');
  });

  it('an alert is answered once it is durable, and with what became of it', async () => {
    let stored = false;
    await start({
      alerted: async () => {
        await new Promise((resolve) => setTimeout(resolve, 30));
        stored = true;
        return 200;
      },
    });
    const event = alert(2, 1226, item({ path: './FUMO', data: '200', type: 'x.y', format: 'int' }));
    const two = await client.post(packageOne({}, event));
    assert.ok(stored);
    assert.deepEqual(statusesOf(two.body), ['SyncHdr 0 212', 'Alert 1 200', 'Alert 2 200', 'Replace 90 200']);
  });

  it('alert 1200 says that the device answers a call', async () => {
    await start();
    await client.post(syncml(alert(1, 1200) + deviceInfo(2)));
    assert.equal(small.arrivals[0]!.startedBy, 'server');
  });

  it('the answer of a device in several messages: each but the last is answered with alert 1222', async () => {
    await start({ asks: [[get('./A'), get('./B')]] });
    const two = await client.post(packageOne());
    const [a, b] = asked(two);
    const to = responseUri(two.body);
    const next = await client.post(
      syncml(
        headerStatus(1) + status(2, 1, a!.id, 'Get', 200) + results(3, 1, a!.id, item({ path: './A', data: '1' })),
        {
          message: 2,
          final: false,
        },
      ),
      { to },
    );
    assert.equal(textOf(asked(next)[0]!.text, 'Data'), '1222');
    assert.equal(small.answers.length, 0);
    await client.post(
      syncml(
        headerStatus(2) + status(2, 1, b!.id, 'Get', 200) + results(3, 1, b!.id, item({ path: './B', data: '2' })),
        { message: 3 },
      ),
      { to },
    );
    assert.deepEqual(
      small.answers[0]!.map(({ found }) => found[0]?.text),
      ['1', '2'],
    );
  });

  it('what a device has not answered when its package is over has no status, and was sent', async () => {
    await start({ asks: [[get('./A'), { command: 'Exec', path: './X' }]] });
    const two = await client.post(packageOne());
    await client.post(syncml(headerStatus(1) + status(2, 1, asked(two)[0]!.id, 'Get', 200), { message: 2 }), {
      to: responseUri(two.body),
    });
    assert.deepEqual(small.answers, [
      [
        { status: 200, found: [], sent: true },
        { status: undefined, found: [], sent: true },
      ],
    ]);
  });

  it('a header that was refused is the status of what has none of its own', async () => {
    await start({ asks: [[get('./A')]] });
    const two = await client.post(packageOne());
    await client.post(syncml(headerStatus(1, 503), { message: 2 }), { to: responseUri(two.body) });
    assert.equal(small.answers[0]![0]!.status, 503);
  });

  it('Atomic: its own status and those of its children', async () => {
    await start({ asks: [[{ command: 'Atomic', requests: [replace('./A', '1'), replace('./B', '2')] }]] });
    const two = await client.post(packageOne());
    const [atomic] = asked(two);
    const [, a, b] = [...atomic!.text.matchAll(/<CmdID>(\d+)<\/CmdID>/g)].map(([, id]) => id!);
    const body =
      headerStatus(1) +
      status(2, 1, atomic!.id, 'Atomic', 507) +
      status(3, 1, a!, 'Replace', 216) +
      status(4, 1, b!, 'Replace', 404);
    await client.post(syncml(body, { message: 2 }), { to: responseUri(two.body) });
    const [answer] = small.answers[0] as [Answer];
    assert.equal(answer.status, 507);
    assert.deepEqual(
      answer.children?.map(({ status }) => status),
      [216, 404],
    );
  });

  it('Exec carries its correlator, Copy its source, an Add of an interior node an empty Data', async () => {
    await start({
      asks: [
        [
          { command: 'Exec', path: './FUMO/Update', correlator: 'op-1', data: 'now' },
          { command: 'Copy', from: './A', path: './B' },
          { command: 'Add', path: './N', value: { format: 'node' } },
        ],
      ],
    });
    const [exec, copy, add] = asked(await client.post(packageOne()));
    assert.equal(textOf(exec!.text, 'Correlator'), 'op-1');
    assert.equal(textOf(exec!.text, 'Data'), 'now');
    assert.match(copy!.text, /<Target><LocURI>\.\/B<\/LocURI><\/Target><Source><LocURI>\.\/A</);
    assert.match(add!.text, /<Data\/>|<Data><\/Data>/);
  });

  it('octets travel as base64, and come back as octets', async () => {
    const octets = Buffer.from([0, 1, 2, 255]);
    await start({
      asks: [[{ command: 'Replace', path: './K', value: { format: 'bin', octets } }, get('./K')]],
    });
    const two = await client.post(packageOne());
    const [put, read] = asked(two);
    assert.equal(textOf(put!.text, 'Data'), 'AAEC/w==');
    const found = item({ path: './K', data: 'AAEC/w==', format: 'b64' });
    const body =
      headerStatus(1) +
      status(2, 1, put!.id, 'Replace', 200) +
      status(3, 1, read!.id, 'Get', 200) +
      results(4, 1, read!.id, found);
    await client.post(syncml(body, { message: 2 }), { to: responseUri(two.body) });
    assert.deepEqual(Buffer.from(small.answers[0]![1]!.found[0]!.octets!), octets);
  });

  it('the answers of a user come with the Status of the alert', async () => {
    await start({ asks: [[{ command: 'Alert', code: 1102, items: ['MINDT=10', 'Your name?'] }]] });
    const two = await client.post(packageOne());
    const [question] = asked(two);
    assert.deepEqual(
      [...question!.text.matchAll(/<Data>([^<]*)<\/Data>/g)].map(([, text]) => text),
      ['1102', 'MINDT=10', 'Your name?'],
    );
    const reply = status(2, 1, question!.id, 'Alert', 200, '<Item><Data>Ada</Data></Item>');
    await client.post(syncml(headerStatus(1) + reply, { message: 2 }), { to: responseUri(two.body) });
    assert.deepEqual(small.answers[0]![0]!.found, [{ path: '', format: 'chr', text: 'Ada' }]);
  });

  it('the original error of a device is kept', async () => {
    await start({ asks: [[get('./A')]] });
    const two = await client.post(packageOne());
    const failed =
      `<Status><CmdID>2</CmdID><MsgRef>1</MsgRef><CmdRef>${asked(two)[0]!.id}</CmdRef><Cmd>Get</Cmd>` +
      '<Data xmlns:msft="http://schemas.microsoft.com/MobileDevice/MDM" msft:originalerror="0x86000002">404</Data></Status>';
    await client.post(syncml(headerStatus(1) + failed, { message: 2 }), { to: responseUri(two.body) });
    assert.deepEqual(small.answers[0], [{ status: 404, evidence: '0x86000002', found: [], sent: true }]);
  });

  it('alert 1223 of the device ends the session: Statuses alone, and no new commands', async () => {
    await start({ asks: [[get('./A')], [get('./B')]] });
    const two = await client.post(packageOne());
    const last = await client.post(syncml(headerStatus(1) + alert(2, 1223), { message: 2 }), {
      to: responseUri(two.body),
    });
    assert.deepEqual(statusesOf(last.body), ['SyncHdr 0 212', 'Alert 2 200']);
    assert.deepEqual(asked(last), []);
    assert.match(small.ended[0]!, /aborted/);
    assert.deepEqual(small.answers[0], [{ status: undefined, found: [], sent: true }]);
  });

  it('commands that devices do not give are answered 406, unknown ones 501, and counted', async () => {
    await start();
    const more =
      '<Get><CmdID>7</CmdID><Item><Target><LocURI>./A</LocURI></Target></Item></Get><Put><CmdID>8</CmdID></Put>';
    const two = await client.post(packageOne({}, more));
    assert.deepEqual(statusesOf(two.body), [
      'SyncHdr 0 212',
      'Alert 1 200',
      'Get 7 406',
      'Put 8 501',
      'Replace 90 200',
    ]);
    assert.deepEqual(small.refused, ['not-a-command', 'not-a-command']);
  });

  it('a Status for nothing that was asked is counted, and changes nothing', async () => {
    await start({ asks: [[get('./A')]] });
    const two = await client.post(packageOne());
    const body = headerStatus(1) + status(2, 1, 77, 'Get', 200) + status(3, 1, asked(two)[0]!.id, 'Get', 404);
    await client.post(syncml(body, { message: 2 }), { to: responseUri(two.body) });
    assert.deepEqual(small.refused, ['no-question']);
    assert.equal(small.answers[0]![0]!.status, 404);
  });

  it('more Statuses than a message has room for go on in the next one', async () => {
    await start();
    const events = Array.from({ length: 60 }, (_, index) => alert(100 + index, 1224)).join('');
    let answer = await client.post(packageOne({ meta: maxMsgSize(2000) }, events));
    const all: string[] = [];
    for (let message = 2; ; message++) {
      assert.ok(answer.octets.length <= 2000);
      all.push(...statusesOf(answer.body).filter((line) => line.startsWith('Alert ')));
      if (isFinal(answer.body)) break;
      answer = await client.post(syncml(headerStatus(message - 1) + alert(2, 1222), { message, final: false }), {
        to: responseUri(answer.body),
      });
    }
    // Number 2 is the alert 1222 with which the test asks for more.
    assert.equal(new Set(all.filter((line) => line !== 'Alert 2 200')).size, 61);
    assert.equal(small.ended.length, 1);
  });

  it('and there is always room to ask for the next one', async () => {
    await start();
    for (let more = 0; more < 40; more++) {
      const leaves = Array.from({ length: 10 }, (_, index) => deviceInfo(100 + index)).join('');
      const first = alert(1, 1201) + leaves + deviceInfo(200, 'd'.repeat(more));
      const options = { session: String(more), meta: maxMsgSize(1300 + 5 * more), final: false };
      const answered = await client.post(syncml(first, options));
      assert.ok(answered.octets.length <= 1300 + 5 * more, `${answered.octets.length} of ${1300 + 5 * more}`);
      assert.equal(textOf(asked(answered).at(-1)!.text, 'Data'), '1222');
    }
  });

  it('an alert that was not stored has no answer, also when the session is broken off', async () => {
    await start({ maximumPackageMessages: 1 });
    const event = alert(2, 1226, '<Item><Data>x</Data></Item>');
    const first = await client.post(syncml(alert(1, 1201) + event, { final: false }));
    const last = await client.post(syncml(headerStatus(1), { message: 2, final: false }), {
      to: responseUri(first.body),
    });
    assert.deepEqual(
      [first, last].flatMap(({ body }) => statusesOf(body)),
      ['SyncHdr 0 212', 'Alert 1 200', 'SyncHdr 0 212'],
    );
    assert.equal(small.alerts.length, 0);
  });

  for (const [what, header, code] of [
    ['an unknown SyncML', { protocol: 'DM/1.2', representation: '2.0' }, 505],
    ['an unknown protocol', { protocol: 'DM/2.0', representation: '1.2' }, 513],
  ] as const) {
    it(`${what} is answered ${code}, and the session is over`, async () => {
      await start();
      const one = packageOne({ protocol: header.protocol }).replace(
        '<VerDTD>1.2<',
        `<VerDTD>${header.representation}<`,
      );
      const two = await client.post(one);
      assert.equal(statusesOf(two.body)[0], `SyncHdr 0 ${code}`);
      assert.deepEqual(small.refused, ['version']);
      assert.equal(small.arrivals.length, 0);
    });
  }

  it('a DM 1.3 client is answered in its version', async () => {
    await start();
    const two = await client.post(packageOne({ protocol: 'DM/1.3' }));
    assert.equal(textOf(two.body, 'VerProto'), 'DM/1.3');
  });

  it('a device that is not admitted is told so, and the session is over', async () => {
    await start({ arrived: async () => ({ status: 503, why: 'too many devices' }) });
    const two = await client.post(packageOne());
    assert.deepEqual(statusesOf(two.body), ['SyncHdr 0 503', 'Alert 1 503', 'Replace 90 503']);
    assert.deepEqual(small.ended, ['too many devices']);
  });
});
