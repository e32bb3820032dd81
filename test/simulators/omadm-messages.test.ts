import assert from 'node:assert/strict';
import { address, part } from '../../src/simulators/omadm/part.ts';
import { readWbxml, writeWbxml } from '../../src/simulators/omadm/wbxml-form.ts';
import { readXmlMessage, writeXml } from '../../src/simulators/omadm/xml-form.ts';
import type { Element } from '../../src/simulators/omadm/element.ts';
import type { UserReply } from '../../src/simulators/omadm-client.ts';
import { TestServer, ask, chunk, elementsIn, get, group, put, statusesIn, textIn, textsIn } from './omadm-server.ts';

const namespace = 'SYNCML:SYNCML1.2';
// Made with libwbxml from a document written by hand.
const worked =
  '02a4016a006d6c7103312e3200017203444d2f312e32000165033100015b033100016e5703687474703a2f2f732f646d00010167570364310001015a00014c03343039360001010100006b464b033100014f0331323031000101120101';

const document = part('SyncML', [
  part('SyncHdr', [
    part('VerDTD', '1.2'),
    part('VerProto', 'DM/1.2'),
    part('SessionID', '1'),
    part('MsgID', '1'),
    address('Target', 'http://s/dm'),
    address('Source', 'd1'),
    part('Meta', [part('MaxMsgSize', '4096')]),
  ]),
  part('SyncBody', [part('Alert', [part('CmdID', '1'), part('Data', '1201')]), part('Final')]),
]);

const outline = ({ local, namespace: of, text, children }: Element): unknown => [
  local,
  of,
  text,
  children.map(outline),
];

describe('messages of the simulated OMA DM client', () => {
  it('are WBXML as an independent library writes it, and XML with the same content', () => {
    const octets = writeWbxml(document, namespace);
    assert.equal(octets.toString('hex'), worked);
    const xml = writeXml(document, namespace);
    assert.match(xml, /^<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</);
    assert.match(xml, /<MaxMsgSize xmlns="syncml:metinf">4096</);
    assert.deepEqual(outline(readWbxml(octets, namespace)), outline(readXmlMessage(Buffer.from(xml))));
  });

  it('carry any text', () => {
    for (const text of ['a & b', '&lt;', '<x/>', ' \u00e9\ud83d\ude00 ', 'a\rb', ']]>']) {
      const data = part('SyncML', [part('Data', text)]);
      assert.equal(readXmlMessage(Buffer.from(writeXml(data, namespace))).children[0]?.text, text);
      assert.equal(readWbxml(writeWbxml(data, namespace), namespace).children[0]?.text, text);
    }
    assert.match(writeXml(part('SyncML', [part('Data', 'chr\0')]), namespace), />chr\0</);
  });

  it('are refused when they are cut off, or have tokens that nobody knows', () => {
    const octets = Buffer.from(worked, 'hex');
    for (let length = 0; length < octets.length; length += 1)
      assert.throws(() => readWbxml(octets.subarray(0, length), namespace), { name: 'XmlError' });
    const [head, rest] = [octets.subarray(0, 5), octets.subarray(6)];
    for (const token of [0x7f, 0xad, 0x84, 0x70])
      assert.throws(() => readWbxml(Buffer.concat([head, Buffer.from([token]), rest]), namespace), {
        name: 'XmlError',
      });
    assert.throws(() => readWbxml(octets, 'SYNCML:SYNCML1.1'), /public identifier/);
  });
});

describe('packages of the simulated OMA DM client', () => {
  let server: TestServer;

  beforeEach(async () => {
    server = await TestServer.start();
  });
  afterEach(() => server.stop());

  it('are split where the server does not take as much, and go on when it asks', async () => {
    server.maximumMessageSize = 1500;
    server.say([get('./DevInfo?list=StructData'), get('./DevDetail?list=StructData'), get('./FUMO?list=StructData')]);
    const client = await server.client();
    const messages = server.arrivals.slice(1);
    assert.ok(messages.length > 2);
    for (const { bytes } of messages) assert.ok(bytes.length <= 1500, `${bytes.length}`);
    assert.deepEqual(
      messages.map((one) => one.body.includes('<Final')),
      messages.map((_, at) => at === messages.length - 1),
    );
    assert.deepEqual(client.complaints, []);
  });

  it('carry a large value in parts, with its Size in the first', async () => {
    const value = Array.from({ length: 900 }, (_, at) => `row ${at} <&> \u00e9`).join('\n');
    server.maximumMessageSize = 2000;
    server.say([get('./Big')]);
    const client = await server.client({ nodes: { './Big': value } });
    const messages = server.arrivals.slice(1);
    const parts = messages.flatMap((one) => elementsIn(one.body, 'Results'));
    const text = parts.map((one) => textIn(one, 'Data') ?? '').join('');
    assert.equal(text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'), value);
    assert.deepEqual(
      parts.map((one) => textIn(one, 'Size')),
      [String(Buffer.byteLength(value)), ...parts.slice(1).map(() => undefined)],
    );
    assert.deepEqual(
      parts.map((one) => one.includes('<MoreData')),
      parts.map((_, at) => at < parts.length - 1),
    );
    for (const { bytes } of messages) assert.ok(bytes.length <= 2000, `${bytes.length}`);
    assert.deepEqual(client.complaints, []);
  });

  const chunks = (...parts: [string, { size?: number; last?: boolean }][]): void => {
    for (const [data, more] of parts)
      server.say({ commands: [chunk('Replace', './Big', data, more)], final: more.last === true });
  };

  it('take a large object in parts: 213 and the alert 1222 for each but the last', async () => {
    chunks(['abcd', { size: 10 }], ['efgh', {}], ['ij', { last: true }]);
    const client = await server.client({ nodes: { './Big': '' } });
    assert.equal(client.value('./Big'), 'abcdefghij');
    const answers = server.arrivals.slice(1).map((one) => textsIn(elementsIn(one.body, 'Status').join(''), 'Data'));
    assert.deepEqual(answers, [
      ['200', '213'],
      ['200', '213'],
      ['200', '200'],
    ]);
    assert.equal(textIn(elementsIn(server.arrivals[1]?.body ?? '', 'Alert')[0] ?? '', 'Data'), '1222');
    assert.doesNotMatch(server.arrivals[1]?.body ?? '', /<Final/);
    // The server of this test leaves the alert 1222 without a Status only when it says so.
    assert.deepEqual(client.complaints, []);
  });

  it('refuse a large object of another size, too large, or without an end', async () => {
    chunks(['abcd', { size: 9 }], ['ef', { last: true }]);
    const first = await server.client({ nodes: { './Big': 'old' } });
    assert.deepEqual(Object.values(statusesIn(server.last().body)), ['200', '424']);
    assert.equal(first.value('./Big'), 'old');
    chunks(['abcd', { size: 2_000_000 }]);
    server.say({ commands: [], final: true });
    await first.session();
    assert.ok(server.arrivals.some((one) => Object.values(statusesIn(one.body)).includes('416')));
    chunks(['abcd', { size: 9 }]);
    server.say({ commands: [put('Replace', './Other', 'x')], final: true });
    const third = await server.client({ nodes: { './Big': 'old', './Other': '' }, deviceId: 'b' });
    assert.deepEqual(textsIn(elementsIn(server.last().body, 'Alert').join(''), 'Data'), ['1225']);
    assert.ok(third.complaints.some((one) => one.includes('the large object for ./Big has no end')));
    assert.equal(third.value('./Big'), 'old');
  });

  describe('ask the user', () => {
    const questions = (reply: UserReply, ...commands: string[]): Promise<{ answer: string }> =>
      server.after(commands, { user: () => reply, nodes: { './V': 'a' } });

    it('and tell what he has said or chosen', async () => {
      const { answer } = await questions(
        { status: 200, texts: ['2', '3'] },
        ask(1104, 'MINDT=10', 'which?', 'a', 'b', 'c'),
      );
      assert.deepEqual(Object.values(statusesIn(answer)), ['200', '200']);
      assert.deepEqual(textsIn(elementsIn(answer, 'Item').join(''), 'Data'), ['2', '3']);
    });

    it('and leave the rest of the message when he cancels', async () => {
      const { answer } = await questions({ status: 214 }, ask(1101, 'MINDT=10', 'go on?'), put('Replace', './V', 'b'));
      assert.deepEqual(Object.values(statusesIn(answer)), ['200', '214', '215']);
    });

    it('and leave the rest of a Sequence when he says no', async () => {
      const { answer } = await questions(
        { status: 304 },
        group('Sequence', ask(1101, 'MINDT=10', 'go on?'), put('Replace', './V', 'b')),
        put('Replace', './V', 'c'),
      );
      assert.deepEqual(textsIn(elementsIn(answer, 'Status').join(''), 'Data'), ['200', '200', '304', '215', '200']);
    });

    it('with the default response when nobody is there to be asked', async () => {
      const { answer } = await server.after([ask(1102, 'DR=Jo&amp;MAXLEN=5', 'name?')]);
      assert.equal(textIn(elementsIn(answer, 'Item')[0] ?? '', 'Data'), 'Jo');
    });
  });
});
