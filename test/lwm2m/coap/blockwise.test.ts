import assert from 'node:assert/strict';
import type { ParsedPacket } from 'coap-packet';
import { pass, passUntil } from './memory-network.ts';
import {
  blockOf,
  blockValue,
  createBench,
  gateway,
  message,
  option,
  optionOf,
  path,
  read,
  type Bench,
} from './support.ts';

/** A body that shows every wrong order. */
function body(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, at) => (at * 7 + (at >> 8)) & 0xff));
}

interface Part {
  number: number;
  more: boolean;
  exponent?: number;
  payload: Buffer;
  token?: string;
  query?: string;
  contentFormat?: string;
  size1?: string;
}

describe('a body that a device sends in blocks', () => {
  let bench: Bench;
  let bodies: Buffer[];
  let answers: ParsedPacket[];
  let messageId: number;
  let device: ReturnType<Bench['network']['raw']>;

  function start(settings: Parameters<typeof createBench>[0] = {}): void {
    bench = createBench(settings);
    bodies = [];
    answers = [];
    messageId = 0;
    bench.endpoint.onRequest((request) => {
      bodies.push(request.payload);
      return { code: '2.01', locationPath: ['rd', '1'] };
    });
    device = bench.network.raw('device', (bytes) => answers.push(read(bytes)));
  }

  async function put(part: Part): Promise<ParsedPacket> {
    device.send(
      gateway,
      message({
        confirmable: true,
        code: 'POST',
        messageId: ++messageId,
        token: Buffer.from(part.token ?? '01', 'hex'),
        payload: part.payload,
        options: [
          ...path('rd'),
          option('Content-Format', part.contentFormat ?? '28'),
          option('Uri-Query', Buffer.from(part.query ?? 'ep=x')),
          option('Block1', blockValue(part.number, part.more, part.exponent ?? 0)),
          ...(part.size1 ? [option('Size1', part.size1)] : []),
        ],
      }),
    );
    await pass(bench.clock, 10);
    return answers.at(-1)!;
  }

  for (const tokens of ['one token', 'a new token for every block']) {
    it(`is put together with ${tokens}`, async () => {
      start();
      const whole = body(40);
      for (const number of [0, 1]) {
        const answer = await put({
          number,
          more: true,
          payload: whole.subarray(number * 16, number * 16 + 16),
          token: tokens === 'one token' ? '01' : `0${number}`,
        });
        assert.equal(answer.code, '2.31');
        assert.deepEqual(blockOf(answer, 'Block1'), [number, true, 0]);
      }
      const last = await put({ number: 2, more: false, payload: whole.subarray(32), token: '09' });
      assert.equal(last.code, '2.01');
      assert.deepEqual(blockOf(last, 'Block1'), [2, false, 0]);
      assert.equal(last.token.toString('hex'), '09');
      assert.equal(bodies.length, 1);
      assert.deepEqual(bodies[0], whole);
      assert.equal(bench.endpoint.statistics().transfers, 0);
      assert.equal(bench.endpoint.statistics().transferOctets, 0);
      assert.equal(bench.endpoint.statistics().timers, 0);
    });
  }

  it('answers 4.08 when the first block is not there, or one between is missing', async () => {
    start();
    assert.equal((await put({ number: 1, more: true, payload: body(16) })).code, '4.08');
    assert.equal((await put({ number: 0, more: true, payload: body(16) })).code, '2.31');
    assert.equal((await put({ number: 2, more: false, payload: body(16) })).code, '4.08');
    assert.equal(bench.endpoint.statistics().transfers, 0);
    assert.equal(bodies.length, 0);
  });

  it('takes a block twice without doubling it', async () => {
    start();
    await put({ number: 0, more: true, payload: body(16) });
    assert.equal((await put({ number: 0, more: true, payload: body(16) })).code, '2.31');
    await put({ number: 1, more: true, payload: body(16) });
    assert.equal((await put({ number: 1, more: true, payload: body(16) })).code, '2.31');
    await put({ number: 2, more: false, payload: body(3) });
    assert.equal(bodies[0]!.length, 35);
  });

  it('keeps transfers with other queries or another Content-Format apart', async () => {
    start();
    await put({ number: 0, more: true, payload: body(16), query: 'ep=x' });
    assert.equal((await put({ number: 1, more: false, payload: body(1), query: 'ep=y' })).code, '4.08');
    assert.equal((await put({ number: 1, more: false, payload: body(1), contentFormat: '00' })).code, '4.08');
    assert.equal((await put({ number: 1, more: false, payload: body(1) })).code, '2.01');
  });

  it('answers 4.13 with the limit in Size1, at the first block when it tells the size', async () => {
    start({ maximumRequestBody: 32 });
    const told = await put({ number: 0, more: true, payload: body(16), size1: '64' });
    assert.equal(told.code, '4.13');
    assert.equal(optionOf(told, 'Size1')?.readUInt8(0), 32);
    await put({ number: 0, more: true, payload: body(16) });
    await put({ number: 1, more: true, payload: body(16) });
    assert.equal((await put({ number: 2, more: true, payload: body(16) })).code, '4.13');
    assert.equal(bench.endpoint.statistics().transferOctets, 0);
  });

  it('answers 4.00 to a block that is not as long as it says, and to the reserved size', async () => {
    start();
    assert.equal((await put({ number: 0, more: true, payload: body(15) })).code, '4.00');
    assert.equal((await put({ number: 0, more: false, payload: body(17) })).code, '4.00');
    assert.equal((await put({ number: 0, more: true, payload: body(16), exponent: 7 })).code, '4.00');
  });

  it('is forgotten after 247 s without the next block', async () => {
    start();
    await put({ number: 0, more: true, payload: body(16) });
    await pass(bench.clock, 248_000, 10_000);
    assert.equal(bench.endpoint.statistics().transfers, 0);
    assert.equal(bench.endpoint.statistics().transferOctets, 0);
    assert.equal((await put({ number: 1, more: false, payload: body(1) })).code, '4.08');
  });

  it('stays bounded in a flood of first blocks from one device and from many', async () => {
    start({ maximumTransfers: 20, maximumTransferOctets: 15 * 1024 });
    for (let at = 0; at < 50; at++) {
      const answer = await put({ number: 0, more: true, exponent: 6, payload: body(1024), query: `ep=${at}` });
      assert.equal(answer.code, at < 4 ? '2.31' : '5.03');
    }
    for (let at = 0; at < 100; at++) {
      const options = [...path('rd'), option('Block1', blockValue(0, true, 6))];
      bench.network
        .raw(`device-${at}`)
        .send(gateway, message({ confirmable: true, code: 'POST', payload: body(1024), options }));
    }
    await pass(bench.clock, 10);
    assert.ok(bench.endpoint.statistics().transfers <= 20);
    assert.ok(bench.endpoint.statistics().transferOctets <= 15 * 1024);
  });
});

describe('an answer that is sent in blocks', () => {
  async function get(bench: Bench, number: number, exponent: number, at: string): Promise<ParsedPacket> {
    const device = bench.network.raw(`device-${number}-${exponent}`);
    const options = [...path(at), option('Block2', blockValue(number, false, exponent))];
    device.send(gateway, message({ confirmable: true, code: 'GET', options }));
    await pass(bench.clock, 10);
    return read(device.received[0]);
  }

  const whole = body(2_500);

  it('starts by itself when the answer is long, with Size2 and an ETag', async () => {
    const bench = createBench();
    bench.endpoint.onRequest(() => ({ code: '2.05', payload: whole, contentFormat: 42 }));
    const device = bench.network.raw('device');
    device.send(gateway, message({ confirmable: true, code: 'GET', options: path('a') }));
    await pass(bench.clock, 10);
    const answer = read(device.received[0]);
    assert.deepEqual(blockOf(answer, 'Block2'), [0, true, 6]);
    assert.equal(answer.payload.length, 1024);
    assert.equal(optionOf(answer, 'Size2')?.readUInt16BE(0), 2_500);
    assert.equal(optionOf(answer, 'ETag')?.length, 8);
  });

  for (const kind of ['payload', 'source'] as const) {
    for (const exponent of [6, 2, 0]) {
      it(`is the same from a ${kind} in blocks of ${16 << exponent}, whoever asks for which block`, async () => {
        const bench = createBench();
        const reads: number[] = [];
        bench.endpoint.onRequest(() =>
          kind === 'payload'
            ? { code: '2.05', payload: whole }
            : {
                code: '2.05',
                etag: Buffer.from('abcd'),
                source: {
                  size: whole.length,
                  read: (offset, length) => {
                    reads.push(length);
                    return Promise.resolve(whole.subarray(offset, offset + length));
                  },
                },
              },
        );
        const size = 16 << exponent;
        const count = Math.ceil(whole.length / size);
        const parts: Buffer[] = [];
        const tags = new Set<string>();
        for (let number = 0; number < count; number++) {
          const answer = await get(bench, number, exponent, 'image');
          assert.equal(answer.code, '2.05');
          assert.deepEqual(blockOf(answer, 'Block2'), [number, number < count - 1, exponent]);
          tags.add(optionOf(answer, 'ETag')!.toString('hex'));
          parts.push(answer.payload);
        }
        assert.deepEqual(Buffer.concat(parts), whole);
        assert.equal(tags.size, 1);
        assert.ok(reads.every((length) => length <= size));
        assert.equal((await get(bench, count + 1, exponent, 'image')).code, '4.00');
      });
    }
  }
});

describe('an answer that a device sends in blocks', () => {
  /** A device that answers every GET from `representation()`; returns what it was asked. */
  function serve(bench: Bench, representation: () => { tag: string; octets: Buffer }, exponent = 1): ParsedPacket[] {
    const asked: ParsedPacket[] = [];
    const device = bench.network.raw('device', (bytes) => {
      const packet = read(bytes);
      asked.push(packet);
      const wanted = blockOf(packet, 'Block2') ?? [0, false, exponent];
      const used = Math.min(wanted[2], exponent);
      const size = 16 << used;
      const { tag, octets } = representation();
      const at = wanted[0] * (16 << wanted[2]);
      const payload = octets.subarray(at, at + size);
      device.send(
        gateway,
        message({
          ack: true,
          code: '2.05',
          messageId: packet.messageId,
          token: packet.token,
          payload,
          options: [
            option('ETag', Buffer.from(tag)),
            option('Content-Format', '2d16'),
            option('Block2', blockValue(at / size, at + size < octets.length, used)),
          ],
        }),
      );
    });
    return asked;
  }

  it('is put together, with the same path and Accept and new tokens', async () => {
    const bench = createBench();
    const whole = body(100);
    const asked = serve(bench, () => ({ tag: 'a', octets: whole }));
    const request = bench.endpoint.request('device', { method: 'GET', path: '/3/0', accept: 11_542 });
    const answer = await passUntil(bench.clock, request);
    assert.deepEqual(answer.payload, whole);
    assert.equal(answer.contentFormat, 11_542);
    assert.equal(asked.length, 4);
    assert.ok(asked.every((packet) => optionOf(packet, 'Accept')?.toString('hex') === '2d16'));
    assert.equal(new Set(asked.map((packet) => packet.token.toString('hex'))).size, 4);
  });

  it('starts over when the representation changes in between', async () => {
    const bench = createBench();
    let count = 0;
    serve(bench, () => (++count <= 2 ? { tag: 'a', octets: body(100) } : { tag: 'b', octets: Buffer.alloc(90, 7) }));
    const answer = await passUntil(bench.clock, bench.endpoint.request('device', { method: 'GET', path: '/3' }));
    assert.deepEqual(answer.payload, Buffer.alloc(90, 7));
  });

  it('is given up when the representation changes every time', async () => {
    const bench = createBench();
    let count = 0;
    serve(bench, () => ({ tag: String(++count), octets: body(100) }));
    const request = bench.endpoint.request('device', { method: 'GET', path: '/3' });
    await assert.rejects(passUntil(bench.clock, request), { reason: 'bad-block' });
  });

  it('is given up beyond the limit', async () => {
    const bench = createBench({ maximumResponseBody: 64 });
    const asked = serve(bench, () => ({ tag: 'a', octets: body(1_000_000) }));
    const request = bench.endpoint.request('device', { method: 'GET', path: '/3' });
    await assert.rejects(passUntil(bench.clock, request), { reason: 'too-large' });
    assert.ok(asked.length <= 3);
  });

  it('is finished before the device is asked anything else', async () => {
    const bench = createBench();
    const asked = serve(bench, () => ({ tag: 'a', octets: body(100) }));
    const long = bench.endpoint.request('device', { method: 'GET', path: '/3' });
    const other = bench.endpoint.request('device', { method: 'GET', path: '/4' });
    await passUntil(bench.clock, Promise.all([long, other]));
    assert.deepEqual(
      asked.map((packet) => optionOf(packet, 'Uri-Path')!.toString()),
      ['3', '3', '3', '3', '4', '4', '4', '4'],
    );
  });

  it('is given up when another block comes than the one asked for', async () => {
    const bench = createBench();
    const device = bench.network.raw('device', (bytes) => {
      const packet = read(bytes);
      device.send(
        gateway,
        message({
          ack: true,
          code: '2.05',
          messageId: packet.messageId,
          token: packet.token,
          payload: body(16),
          options: [option('Block2', blockValue(0, true, 0))],
        }),
      );
    });
    const request = bench.endpoint.request('device', { method: 'GET', path: '/3' });
    await assert.rejects(passUntil(bench.clock, request), { reason: 'bad-block' });
    assert.equal(device.received.length, 2);
  });
});

describe('a body that is pushed to a device in blocks', () => {
  interface Push {
    numbers: number[];
    sizes: number[];
    octets: Buffer;
    size1: number | undefined;
    paths: string[];
    tokens: Set<string>;
  }

  /** A device that takes blocks; `answerTo` may say something else than 2.31 and 2.04. */
  function accept(
    bench: Bench,
    answerTo: (
      block: [number, boolean, number],
      count: number,
    ) => { code: string; exponent?: number; size1?: number } | undefined = () => undefined,
  ): Push {
    const push: Push = {
      numbers: [],
      sizes: [],
      octets: Buffer.alloc(0),
      size1: undefined,
      paths: [],
      tokens: new Set(),
    };
    const device = bench.network.raw('device', (bytes) => {
      const packet = read(bytes);
      push.paths.push(optionOf(packet, 'Uri-Path')!.toString());
      const block = blockOf(packet, 'Block1');
      const reply = { ack: true, messageId: packet.messageId, token: packet.token };
      if (!block) return device.send(gateway, message({ ...reply, code: '2.05', payload: Buffer.from('1') }));
      push.numbers.push(block[0]);
      push.tokens.add(packet.token.toString('hex'));
      push.sizes.push(16 << block[2]);
      if (block[0] === 0) push.size1 = optionOf(packet, 'Size1')?.readUIntBE(0, optionOf(packet, 'Size1')!.length);
      const said = answerTo(block, push.numbers.length);
      const exponent = said?.exponent ?? block[2];
      const code = said?.code ?? (block[1] ? '2.31' : '2.04');
      if (code.startsWith('2.')) {
        const start = block[0] * (16 << block[2]);
        push.octets = Buffer.concat([push.octets.subarray(0, start), packet.payload]);
      }
      device.send(
        gateway,
        message({
          ...reply,
          code,
          options: [
            option('Block1', blockValue(block[0], block[1], exponent)),
            ...(said?.size1 === undefined ? [] : [option('Size1', Buffer.from([said.size1]))]),
          ],
        }),
      );
    });
    return push;
  }

  function pushTo(bench: Bench, whole: Buffer, blockSize = 64): Promise<{ code: string }> {
    return bench.endpoint.request('device', {
      method: 'PUT',
      path: '/5/0/0',
      contentFormat: 42,
      source: { size: whole.length, read: (offset, length) => whole.subarray(offset, offset + length) },
      blockSize,
      priority: 'background',
    });
  }

  it('arrives whole, and tells its size in the first block', async () => {
    const bench = createBench();
    const push = accept(bench);
    const answer = await passUntil(bench.clock, pushTo(bench, body(1_000)));
    assert.equal(answer.code, '2.04');
    assert.deepEqual(push.octets, body(1_000));
    assert.equal(push.size1, 1_000);
    assert.equal(push.tokens.size, 1, 'some devices put the blocks together by their token');
    assert.deepEqual(push.numbers, [...Array(16).keys()]);
  });

  it('goes on with smaller blocks when the device asks for them in its first answer', async () => {
    const bench = createBench();
    const push = accept(bench, (block) => ({ code: block[1] ? '2.31' : '2.04', exponent: 0 }));
    await passUntil(bench.clock, pushTo(bench, body(130)));
    assert.deepEqual(push.octets, body(130));
    assert.deepEqual(push.numbers, [0, 4, 5, 6, 7, 8]);
    assert.deepEqual(push.sizes, [64, 16, 16, 16, 16, 16]);
  });

  it('stops at an error in the middle', async () => {
    const bench = createBench();
    const push = accept(bench, (_, count) => (count === 3 ? { code: '5.00' } : undefined));
    assert.equal((await passUntil(bench.clock, pushTo(bench, body(1_000)))).code, '5.00');
    assert.deepEqual(push.numbers, [0, 1, 2]);
  });

  it('starts again once with smaller blocks when a block was too large', async () => {
    const bench = createBench();
    const push = accept(bench, (block) => (block[2] > 1 ? { code: '4.13', exponent: 1 } : undefined));
    assert.equal((await passUntil(bench.clock, pushTo(bench, body(100)))).code, '2.04');
    assert.deepEqual(push.octets, body(100));
    assert.deepEqual(push.sizes, [64, 32, 32, 32, 32]);
  });

  it('stops when the device says that the whole is too large', async () => {
    const bench = createBench();
    const push = accept(bench, () => ({ code: '4.13', exponent: 1, size1: 50 }));
    assert.equal((await passUntil(bench.clock, pushTo(bench, body(100)))).code, '4.13');
    assert.deepEqual(push.numbers, [0]);
  });

  it('starts again once when the device lost the blocks', async () => {
    const bench = createBench();
    const push = accept(bench, (_, count) => (count === 2 || count === 5 ? { code: '4.08' } : undefined));
    assert.equal((await passUntil(bench.clock, pushTo(bench, body(500)))).code, '4.08');
    assert.deepEqual(push.numbers, [0, 1, 0, 1, 2]);
  });

  it('lets a read go before its next block', async () => {
    const bench = createBench();
    const push = accept(bench);
    const pushed = pushTo(bench, body(640));
    await pass(bench.clock, 20, 10);
    const before = push.paths.length;
    assert.ok(before > 0 && before < 5);
    const reading = bench.endpoint.request('device', { method: 'GET', path: '/3/0/9' });
    await passUntil(bench.clock, Promise.all([pushed, reading]));
    assert.ok(push.paths.indexOf('3') <= before + 1, `the read went as number ${push.paths.indexOf('3')}`);
    assert.equal(push.numbers.length, 10);
  });

  it('waits for onBlock, and ends without another block when it fails', async () => {
    const bench = createBench();
    const push = accept(bench);
    const told: number[] = [];
    const request = bench.endpoint.request('device', {
      method: 'PUT',
      path: '/5/0/0',
      payload: body(200),
      blockSize: 64,
      onBlock: (sent, total) => {
        told.push(sent);
        assert.equal(total, 200);
        return sent >= 128 ? Promise.reject(new Error('enough')) : Promise.resolve();
      },
    });
    await assert.rejects(passUntil(bench.clock, request), /enough/);
    assert.deepEqual(told, [64, 128]);
    assert.deepEqual(push.numbers, [0, 1]);
  });

  it('says so when its source ends early', async () => {
    const bench = createBench();
    accept(bench);
    const request = bench.endpoint.request('device', {
      method: 'PUT',
      path: '/5/0/0',
      source: { size: 100, read: () => Buffer.alloc(10) },
      blockSize: 64,
    });
    await assert.rejects(passUntil(bench.clock, request), { reason: 'source-failed' });
  });

  it('turns a single message into blocks when the device finds it too large', async () => {
    const bench = createBench();
    const seen: (number | undefined)[] = [];
    const device = bench.network.raw('device', (bytes) => {
      const packet = read(bytes);
      const block = blockOf(packet, 'Block1');
      seen.push(block?.[0]);
      const reply = { ack: true, messageId: packet.messageId, token: packet.token };
      const options = [option('Block1', block ? blockValue(...block) : blockValue(0, true, 2))];
      device.send(gateway, message({ ...reply, code: !block ? '4.13' : block[1] ? '2.31' : '2.04', options }));
    });
    const request = bench.endpoint.request('device', { method: 'POST', path: '/2048', payload: body(150) });
    assert.equal((await passUntil(bench.clock, request)).code, '2.04');
    assert.deepEqual(seen, [undefined, 0, 1, 2]);
  });
});
