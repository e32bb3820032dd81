/** Values that are larger than a message, both ways. */
import assert from 'node:assert/strict';
import type { Request } from '../../adapters/omadm/exchange.ts';
import { cutData, ObjectAssembler } from '../../adapters/omadm/large-objects.ts';
import {
  alert,
  commandsOf,
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

const asked = ({ body }: Answered): Said[] => commandsOf(body).filter(({ name }) => name !== 'Status');
const value = 'a<b>&c é '.repeat(600);
const put = (text: string, format = 'chr'): Request => ({
  command: 'Replace',
  path: './Vendor/Big',
  value: format === 'chr' ? { format, text } : { format, octets: Buffer.from(text) },
});

function unescaped(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

describe('large objects of OMA DM', () => {
  let small: SmallServer;
  let client: ClientConnection;
  let to = '';
  let message = 1;

  async function start(options: SmallServerOptions = {}, meta = maxMsgSize(3000)): Promise<Answered> {
    small = await SmallServer.start(options);
    client = await small.connect();
    message = 1;
    const two = await client.post(packageOne({ meta }));
    to = responseUri(two.body);
    return two;
  }

  /** The next message of the device; it refers to our message with its own number less one. */
  function say(commands: string, final = true): Promise<Answered> {
    message++;
    return client.post(syncml(headerStatus(message - 1) + commands, { message, final }), { to });
  }

  afterEach(() => small.close());

  describe('to the device', () => {
    const largeObjects = { askOptions: { largeObjects: true } };

    for (const format of ['chr', 'bin']) {
      it(`a ${format} value goes in parts that fit, with its size in the first and 213 between`, async () => {
        let answer = await start({ asks: [[put(value, format)]], ...largeObjects });
        const parts: string[] = [];
        const ids: string[] = [];
        for (;;) {
          assert.ok(answer.octets.length <= 3000);
          const last = asked(answer).at(-1)!;
          assert.equal(textOf(last.text, 'LocURI'), './Vendor/Big');
          assert.equal(textOf(last.text, 'Size'), parts.length === 0 ? String(Buffer.byteLength(value)) : '');
          parts.push(textOf(last.text, 'Data'));
          ids.push(last.id);
          const more = last.text.includes('<MoreData');
          assert.equal(isFinal(answer.body), !more);
          if (!more) break;
          answer = await say(status(2, message, last.id, 'Replace', 213) + alert(3, 1222), false);
        }
        const whole =
          format === 'chr' ? unescaped(parts.join('')) : Buffer.from(parts.join(''), 'base64').toString('utf8');
        assert.equal(whole, value);
        assert.ok(parts.length > 2);
        await say(status(2, message, ids.at(-1)!, 'Replace', 200));
        assert.deepEqual(small.answers, [[{ status: 200, found: [], sent: true }]]);
      });
    }

    it('what comes after it goes in the message of its last part, or later', async () => {
      let answer = await start({ asks: [[put(value), { command: 'Get', path: './A' }]], ...largeObjects });
      const names: string[] = [];
      for (;;) {
        names.push(...asked(answer).map(({ name }) => name));
        if (isFinal(answer.body)) break;
        assert.equal(names.at(-1), 'Replace');
        answer = await say(status(2, message, asked(answer).at(-1)!.id, 'Replace', 213) + alert(3, 1222), false);
      }
      assert.equal(names.at(-1), 'Get');
    });

    it('a device that says 200 to the first part does not know large objects: no other part is sent, and the answer says so', async () => {
      const first = await start({ asks: [[put(value)], [{ command: 'Get', path: './A' }]], ...largeObjects });
      const next = await say(status(2, 1, asked(first)[0]!.id, 'Replace', 200) + alert(3, 1222), false);
      const [answer] = small.answers[0]!;
      assert.equal(answer!.status, 406);
      assert.equal(answer!.problem?.kind, 'truncated');
      assert.deepEqual(
        asked(next).map(({ name }) => name),
        ['Get'],
      );
    });

    it('a device that refuses a part gets no other', async () => {
      const first = await start({ asks: [[put(value)]], ...largeObjects });
      const last = await say(status(2, 1, asked(first)[0]!.id, 'Replace', 420) + alert(3, 1222), false);
      assert.deepEqual(asked(last), []);
      assert.deepEqual(small.answers, [[{ status: 420, found: [], sent: true }]]);
    });

    it('when what is left after it cannot be sent, the word is ours again: no message without commands', async () => {
      const huge: Request = { command: 'Atomic', requests: [put(value)] };
      const first = await start({ asks: [[put(value), huge], [{ command: 'Get', path: './A' }]], ...largeObjects });
      const next = await say(status(2, 1, asked(first)[0]!.id, 'Replace', 420) + alert(3, 1222), false);
      assert.deepEqual(
        asked(next).map(({ name }) => name),
        ['Get'],
      );
      assert.deepEqual(
        small.answers[0]!.map((answer) => answer.problem?.kind ?? answer.status),
        [420, 'too-large'],
      );
    });

    it('alert 1225 of the device: the value has failed', async () => {
      const first = await start({ asks: [[put(value)]], ...largeObjects });
      await say(status(2, 1, asked(first)[0]!.id, 'Replace', 213) + alert(3, 1225), false);
      assert.equal(small.answers[0]![0]!.status, 424);
      assert.match(small.answers[0]![0]!.evidence!, /1225/);
    });

    it('a value that is larger than the device takes (MaxObjSize) is not begun', async () => {
      const meta = `${maxMsgSize(3000)}<MaxObjSize xmlns="syncml:metinf">1000</MaxObjSize>`;
      await start({ asks: [[put(value)]], ...largeObjects }, meta);
      assert.equal(small.answers[0]![0]!.problem?.kind, 'too-large');
      assert.match(small.answers[0]![0]!.problem!.explanation, /MaxObjSize/);
    });

    it('no Size for a value that fits: there are clients that end the session on it', async () => {
      const two = await start({ asks: [[put('small')]], ...largeObjects });
      assert.equal(textOf(asked(two)[0]!.text, 'Size'), '');
    });
  });

  describe('from the device', () => {
    const get: SmallServerOptions = { asks: [[{ command: 'Get', path: './Big' }]] };
    const part = (data: string, more: boolean, size?: number, format = 'chr'): string =>
      item({ path: './Big', data, format, size, moreData: more });

    it('Results in parts: 213 and alert 1222 for each but the last, and the whole as the answer', async () => {
      const [command] = asked(await start(get));
      const id = command!.id;
      const first = await say(status(2, 1, id, 'Get', 200) + results(3, 1, id, part('abc', true, 9)), false);
      assert.ok(statusesOf(first.body).includes('Results 3 213'));
      assert.equal(textOf(asked(first)[0]!.text, 'Data'), '1222');
      assert.ok(!isFinal(first.body));
      await say(results(2, 1, id, part('def', true)), false);
      await say(results(2, 1, id, part('ghi', false)));
      assert.equal(small.answers[0]![0]!.found[0]!.text, 'abcdefghi');
    });

    it('base64 in parts is decoded as a whole', async () => {
      const octets = Buffer.from('any octets at all');
      const text = octets.toString('base64');
      const id = asked(await start(get))[0]!.id;
      await say(
        status(2, 1, id, 'Get', 200) + results(3, 1, id, part(text.slice(0, 7), true, octets.length, 'b64')),
        false,
      );
      await say(results(2, 1, id, part(text.slice(7), false, undefined, 'b64')));
      assert.deepEqual(Buffer.from(small.answers[0]![0]!.found[0]!.octets!), octets);
    });

    it('Final in the middle of an object is none: the rest is asked for', async () => {
      const id = asked(await start(get))[0]!.id;
      const first = await say(status(2, 1, id, 'Get', 200) + results(3, 1, id, part('abc', true, 6)));
      assert.equal(textOf(asked(first)[0]!.text, 'Data'), '1222');
      await say(results(2, 1, id, part('def', false)));
      assert.equal(small.answers[0]![0]!.found[0]!.text, 'abcdef');
    });

    it('another length than announced: 424, and the answer says why', async () => {
      const id = asked(await start(get))[0]!.id;
      await say(status(2, 1, id, 'Get', 200) + results(3, 1, id, part('abc', true, 99)), false);
      const last = await say(results(2, 1, id, part('def', false)));
      assert.ok(statusesOf(last.body).includes('Results 2 424'));
      const [answer] = small.answers[0]!;
      assert.equal(answer!.problem?.kind, 'not-received');
      assert.deepEqual(answer!.found, []);
      assert.deepEqual(small.refused, ['broken-object']);
    });

    it('Size 1 GB: 416 at once, and nothing is kept', async () => {
      const id = asked(await start(get))[0]!.id;
      const first = await say(status(2, 1, id, 'Get', 200) + results(3, 1, id, part('abc', true, 1e9)), false);
      assert.ok(statusesOf(first.body).includes('Results 3 416'));
      const second = await say(results(2, 1, id, part('abc', true)), false);
      assert.ok(statusesOf(second.body).includes('Results 2 416'));
      await say(results(2, 1, id, part('abc', false)));
      assert.equal(small.answers[0]![0]!.problem?.kind, 'not-received');
    });

    it('more than is taken, and nothing announced: 416 when it is too much', async () => {
      const id = asked(await start({ ...get, maximumObjectBytes: 1000 }))[0]!.id;
      const codes: string[] = [];
      await say(status(2, 1, id, 'Get', 200), false);
      for (let round = 0; round < 4; round++) {
        const answer = await say(results(2, 1, id, part('x'.repeat(500), true)), false);
        codes.push(...statusesOf(answer.body).filter((line) => line.startsWith('Results')));
      }
      assert.deepEqual(codes, ['Results 2 213', 'Results 2 213', 'Results 2 416', 'Results 2 416']);
    });

    it('parts without content have an end, and so has a package without one', async () => {
      const id = asked(await start({ ...get, maximumPackageMessages: 20 }))[0]!.id;
      let answer = await say(status(2, 1, id, 'Get', 200), false);
      let rounds = 0;
      while (small.ended.length === 0 && rounds++ < 40) answer = await say(results(2, 1, id, part('', true)), false);
      assert.ok(rounds <= 20);
      assert.ok(statusesOf(answer.body).length <= 2);
      assert.ok(asked(answer).some(({ text }) => textOf(text, 'Data') === '1223'));
      assert.deepEqual(new Set(small.refused), new Set(['broken-object', 'too-long']));
      assert.equal(small.answers.length, 1);
    });

    it('something else before the end: alert 1225 names the object, and the other counts', async () => {
      const asks: Request[] = [
        { command: 'Get', path: './Big' },
        { command: 'Get', path: './A' },
      ];
      const [big, a] = asked(await start({ asks: [asks] }));
      await say(status(2, 1, big!.id, 'Get', 200) + results(3, 1, big!.id, part('abc', true, 9)), false);
      const broken = await say(
        status(2, 1, a!.id, 'Get', 200) + results(3, 1, a!.id, item({ path: './A', data: '1' })),
        false,
      );
      const told = asked(broken).find(({ text }) => textOf(text, 'Data') === '1225');
      assert.equal(textOf(told!.text, 'LocURI'), './Big');
      await say('');
      const [first, second] = small.answers[0]!;
      assert.equal(first!.problem?.kind, 'not-received');
      assert.equal(second!.found[0]!.text, '1');
    });

    it('a package that ends in the middle of an object: alert 1225', async () => {
      const id = asked(
        await start({ asks: [[{ command: 'Get', path: './Big' }], [{ command: 'Get', path: './A' }]] }),
      )[0]!.id;
      await say(status(2, 1, id, 'Get', 200) + results(3, 1, id, part('abc', true, 9)), false);
      const next = await say('');
      assert.deepEqual(
        asked(next).map(({ name, text }) => `${name} ${textOf(text, 'Data')}`),
        ['Alert 1225', 'Get '],
      );
    });

    it('the data of an alert in parts: it is told once, whole', async () => {
      await start({ asks: [[{ command: 'Get', path: './A' }]] });
      const event = (id: number, data: string, more: boolean, size?: number): string =>
        alert(id, 1226, item({ path: './M', data, format: 'chr', type: 'x.y', size, moreData: more }));
      const first = await say(event(2, 'abc', true, 6), false);
      assert.ok(statusesOf(first.body).includes('Alert 2 213'));
      assert.equal(small.alerts.length, 0);
      const last = await say(event(2, 'def', false));
      assert.ok(statusesOf(last.body).includes('Alert 2 200'));
      assert.deepEqual(
        small.alerts.map(({ items }) => items.map(({ data }) => data)),
        [['abcdef']],
      );
    });
  });
});

describe('cutting a value', () => {
  it('never within a character, nor within an escape', () => {
    const text = 'a&é😀<';
    const parts: string[] = [];
    for (let from = 0; from < text.length;) {
      const { part, end } = cutData(text, from, 5, { form: 'xml', base64: false });
      assert.ok(end > from);
      parts.push(String(part));
      from = end;
    }
    assert.deepEqual(parts, ['a', '&', 'é', '😀', '<']);
  });

  it('base64 in groups of four', () => {
    assert.deepEqual(cutData('AAAABBBBCC==', 0, 7, { form: 'xml', base64: true }), { part: 'AAAA', end: 4 });
  });
});

describe('joining a value', () => {
  it('octets and text together are octets', () => {
    const assembler = new ObjectAssembler(100);
    assembler.take('o', { source: './A', data: new Uint8Array([1, 2]), moreData: true }, { size: 4 });
    const taken = assembler.take('o', { source: './A', data: 'ab' }, {});
    assert.equal(taken.state, 'whole');
    assert.deepEqual(
      taken.state === 'whole' && Buffer.from(taken.item.data as Uint8Array),
      Buffer.from([1, 2, 97, 98]),
    );
  });
});
