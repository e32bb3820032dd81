import assert from 'node:assert/strict';
import { connect } from 'node:net';
import fc from 'fast-check';
import { isDeeperThan, parseJsonBody } from '../../src/mca/json-body.ts';
import { RefusedRequest } from '../../src/mca/refused-request.ts';
import { closeBindings, openBinding, send, sendRaw, usualHeaders } from './binding.ts';
import type { PlayedBinding, Sent } from './binding.ts';

const json = { ...usualHeaders, 'Content-Type': 'application/json' };

after(closeBindings);

describe('bad input over HTTP', () => {
  let binding: PlayedBinding;
  before(async () => {
    binding = await openBinding(undefined, { limits: { bodyBytes: 1_048_576 } });
  });
  after(() => binding.close());
  beforeEach(() => void binding.requests.splice(0));
  afterEach(async () => {
    assert.equal((await send(binding.port)).status, 200, 'the listener serves on');
  });

  async function refused(sent: Sent, status: number, rsc: number, sentence: RegExp) {
    const reply = await send(binding.port, sent);
    assert.equal(reply.status, status, reply.text);
    assert.equal(reply.headers['x-m2m-rsc'], String(rsc));
    assert.match(String(reply.json['m2m:dbg']), sentence);
    assert.equal(binding.requests.length, 0, 'the CSE does not see it');
    return reply;
  }

  it('without a request identifier is refused', async () => {
    const reply = await refused({ headers: { 'X-M2M-Origin': 'CAdmin' } }, 400, 4000, /X-M2M-RI is missing/);
    assert.equal(reply.headers['x-m2m-ri'], undefined);
  });

  it('of a release that the gateway does not speak is refused', async () => {
    for (const release of ['1', '2', '5', 'x']) {
      await refused({ headers: { ...usualHeaders, 'X-M2M-RVI': release } }, 501, 4001, /2a, 3, 4/);
    }
  });

  it('with a header twice is refused', async () => {
    for (const name of ['X-M2M-RI', 'X-M2M-Origin', 'X-M2M-RVI']) {
      const text = await sendRaw(
        binding.port,
        `GET /cse-in HTTP/1.1\r\nHost: x\r\nX-M2M-RI: 1\r\n${name}: 3\r\n${name}: 3\r\nConnection: close\r\n\r\n`,
      );
      assert.match(text, /X-M2M-RSC: 4000/);
      assert.match(text, new RegExp(`header ${name.toUpperCase()} is there more than once`));
    }
  });

  it('with another method is refused', async () => {
    for (const method of ['PATCH', 'OPTIONS', 'TRACE', 'PROPFIND']) {
      const reply = await refused({ method }, 405, 4005, /use GET, POST, PUT, DELETE/);
      assert.equal(reply.headers.allow, 'GET, POST, PUT, DELETE');
    }
    const head = await send(binding.port, { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers['x-m2m-rsc'], head.text], [405, '4005', '']);
  });

  it('in a media type or coding that it does not read is refused', async () => {
    const body = '<a/>';
    for (const type of [
      'application/xml',
      'application/cbor',
      'text/plain',
      'application/vnd.onem2m-res+xml',
      ';',
      '',
    ]) {
      await refused(
        { method: 'PUT', headers: { ...json, 'Content-Type': type }, body },
        415,
        4015,
        /application\/json/,
      );
    }
    await refused({ method: 'POST', headers: usualHeaders, body }, 415, 4015, /no Content-Type/);
    await refused({ method: 'PUT', headers: { ...json, 'Content-Encoding': 'gzip' }, body }, 415, 4015, /plain/);
    const latin = { ...json, 'Content-Type': 'application/json;charset=latin1' };
    await refused({ method: 'PUT', headers: latin, body }, 415, 4015, /UTF-8/);
  });

  it('with a resource type that is no number is refused', async () => {
    for (const type of ['ty=', 'ty=AE', 'ty=-1', 'ty=2;ty=3', 'ty=123456']) {
      const headers = { ...json, 'Content-Type': `application/json;${type}` };
      await refused({ method: 'POST', headers, body: '{}' }, 400, 4000, /';ty=2'/);
    }
  });

  it('whose body is no JSON says where', async () => {
    await refused({ method: 'PUT', headers: json, body: '{"m2m:ae": nope}' }, 400, 4000, /not JSON/);
    await refused({ method: 'PUT', headers: json, body: Buffer.from([0x22, 0xff, 0x22]) }, 400, 4000, /UTF-8/);
    await refused({ method: 'PUT', headers: json, body: '{'.repeat(20) }, 400, 4000, /not JSON/);
  });

  it('nested 10,000 deep is refused without a crash', async () => {
    const deep = '['.repeat(10_000) + ']'.repeat(10_000);
    await refused({ method: 'PUT', headers: json, body: deep }, 400, 4000, /deeper than 64/);
    const objects = '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000);
    await refused({ method: 'PUT', headers: json, body: objects }, 400, 4000, /deeper than 64/);
  });

  it('of more than 1 MB is refused, and its connection lives on', async () => {
    const exact = `"${'x'.repeat(1_048_574)}"`;
    assert.equal((await send(binding.port, { method: 'PUT', headers: json, body: exact })).status, 200);
    binding.requests.splice(0);
    await refused({ method: 'PUT', headers: json, body: `${exact} ` }, 400, 4000, /larger than 1048576/);

    const next = 'GET /cse-in HTTP/1.1\r\nHost: x\r\nX-M2M-RI: next\r\nConnection: close\r\n\r\n';
    const head = 'PUT /cse-in HTTP/1.1\r\nHost: x\r\nX-M2M-RI: big\r\nContent-Type: application/json\r\n';
    const plain = await sendRaw(binding.port, `${head}Content-Length: 2000000\r\n\r\n${'x'.repeat(2_000_000)}${next}`);
    assert.match(plain, /400 Bad Request[^]*RI: big[^]*200 OK[^]*RI: next/);
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(20)}0\r\n\r\n`;
    assert.match(await sendRaw(binding.port, chunked + next), /400 Bad Request[^]*RI: big[^]*200 OK[^]*RI: next/);
  });

  it('of endless chunks is cut', async () => {
    const text = await new Promise<string>((resolve) => {
      let received = '';
      const chunk = `100000\r\n${'x'.repeat(1_048_576)}\r\n`;
      const socket = connect(binding.port, '127.0.0.1', () => {
        socket.write('PUT /x HTTP/1.1\r\nHost: x\r\nX-M2M-RI: 1\r\nTransfer-Encoding: chunked\r\n\r\n');
        const more = (): void => {
          while (!socket.destroyed && socket.write(chunk));
        };
        socket.on('drain', more);
        more();
      });
      socket.on('data', (data: Buffer) => (received += data.toString('latin1')));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(received));
    });
    assert.match(text, /X-M2M-RSC: 4000/);
  });

  it('with a wrong query says which field', async () => {
    const queries: [string, number, RegExp][] = [
      ['rcn=99', 4000, /'rcn' is one of/],
      ['rcn=x', 4000, /'rcn' is no integer/],
      ['rcn=1&rcn=2', 4000, /more than once/],
      ['rcn=10', 5001, /not implemented/],
      ['fo=3', 5001, /not implemented/],
      ['cra=yesterday', 4000, /timestamp/],
      ['lim=-1', 4000, /'lim'/],
      ['ty=3+x', 4000, /'ty'/],
      ['sqi=1', 5001, /'sqi' is not implemented/],
      ['c.rn=x', 5001, /not implemented/],
      ['rp=soon', 4000, /duration/],
      ['lbl', 4000, /no value/],
      ['lbl=%E4', 4000, /percent-encoding/],
      ['a%20b=1', 4000, /neither a parameter/],
      ['atrl=a%20b', 4000, /short names/],
      [Array.from({ length: 65 }, (_, index) => `a${index}=1`).join('&'), 4000, /more than 64 fields/],
      [`lbl=${'x+'.repeat(256)}`, 4000, /more than 256 values/],
    ];
    for (const [query, rsc, sentence] of queries) {
      await refused({ path: `/cse-in?${query}` }, rsc === 5001 ? 501 : 400, rsc, sentence);
    }
    const create = { ...json, 'Content-Type': 'application/json;ty=2' };
    await refused(
      { method: 'POST', path: '/cse-in?ty=3', headers: create, body: '{}' },
      400,
      4000,
      /no filter criteria/,
    );
  });

  it('with a wrong time or category in a header is refused', async () => {
    for (const name of ['X-M2M-OT', 'X-M2M-RET', 'X-M2M-RST', 'X-M2M-OET', 'X-M2M-EC']) {
      await refused({ headers: { ...usualHeaders, [name]: 'tomorrow' } }, 400, 4000, new RegExp(name));
    }
  });

  it('with content where none belongs is refused', async () => {
    await refused({ method: 'DELETE', headers: { ...json, 'Content-Length': '2' }, body: '{}' }, 400, 4000, /DELETE/);
    for (const body of ['{}', '[]', '{"m2m:atrl":[1]}']) {
      await refused({ headers: { ...json, 'Content-Length': String(body.length) }, body }, 400, 4000, /m2m:atrl/);
    }
  });

  it('with a path that hides a slash or is wrongly encoded is refused', async () => {
    await refused({ path: '/cse-in%2Fx' }, 400, 4000, /encoded slash/);
    await refused({ path: '/%ff' }, 400, 4000, /percent-encoding/);
  });

  it('that is no HTTP gets an answer or a closed connection', async () => {
    const inputs: [string, RegExp][] = [
      ['NONSENSE\r\n\r\n', /^HTTP\/1\.1 400[^]*m2m:dbg/],
      ['GET / HTTP/9.9\r\n\r\n', /400/],
      ['GET /x HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n', /400/],
      ['GET /x HTTP/1.1\r\nHost: x\r\nX-M2M-RI: a\u0001b\r\n\r\n', /400/],
      ['PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', /400/],
      ['PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n', /400/],
      ['PUT /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nX-M2M-RI: 1\r\n\r\nzz\r\n', /400|^$/],
      ['GET /x HTTP/1.1\r\n\r\n', /400/],
      [`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, /431/],
      [`GET /x HTTP/1.1\r\nHost: x\r\nX-Big: ${'x'.repeat(20_000)}\r\n\r\n`, /431/],
    ];
    for (const [input, answer] of inputs) assert.match(await sendRaw(binding.port, input), answer, input.slice(0, 60));
  });

  it('of random bytes never ends the listener', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
        await sendRaw(binding.port, Buffer.concat([bytes, Buffer.from('\r\n\r\n\r\n')]), /HTTP/);
      }),
      { numRuns: 30 },
    );
  });

  it('that stops in the middle is timed out', async () => {
    const impatient = await openBinding(undefined, { limits: { headersTimeout: 200, requestTimeout: 300 } });
    assert.match(await sendRaw(impatient.port, 'GET /x HTTP/1.1\r\nHost: x\r\n'), /408/);
    const half = 'PUT /x HTTP/1.1\r\nHost: x\r\nX-M2M-RI: 1\r\nContent-Length: 10\r\n\r\n{';
    assert.match(await sendRaw(impatient.port, half), /408/);
    await impatient.close();
  });

  it('from a client that goes away disturbs nobody', async () => {
    let release: (() => void) | undefined;
    const slow = await openBinding(
      (request) =>
        new Promise((resolve) => {
          if (request.requestIdentifier === 'gone') release = () => resolve({ content: { a: 'x'.repeat(100_000) } });
          else resolve({});
        }),
    );
    const socket = connect(slow.port, '127.0.0.1', () =>
      socket.write('GET /cse-in HTTP/1.1\r\nHost: x\r\nX-M2M-RI: gone\r\n\r\n'),
    );
    while (slow.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    socket.resetAndDestroy();
    await new Promise((resolve) => socket.on('close', resolve));
    release!();
    assert.equal((await send(slow.port)).status, 200);
    const halfBody = connect(slow.port, '127.0.0.1', () => {
      halfBody.end('PUT /x HTTP/1.1\r\nHost: x\r\nX-M2M-RI: 1\r\nContent-Length: 10\r\n\r\n{');
    });
    await new Promise((resolve) => halfBody.on('close', resolve).resume());
    assert.equal((await send(slow.port)).status, 200);
    await slow.close();
  });

  it('from a client that does not read its answer is cut', async () => {
    const binding = await openBinding(() => ({ content: 'x'.repeat(50_000_000) }), { limits: { answerTimeout: 100 } });
    const socket = connect(binding.port, '127.0.0.1', () =>
      socket.write('GET /cse-in HTTP/1.1\r\nHost: x\r\nX-M2M-RI: 1\r\n\r\n'),
    );
    socket.pause();
    socket.on('error', () => undefined);
    while (binding.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    await new Promise((resolve) => setTimeout(resolve, 300));
    let received = 0;
    socket.on('data', (data: Buffer) => (received += data.length));
    socket.resume();
    await new Promise((resolve) => socket.on('close', resolve));
    assert.ok(received < 50_000_000, `${received} bytes arrived`);
    await binding.close();
  });

  it('over the limit of connections is dropped while others are served', async () => {
    const small = await openBinding(undefined, { limits: { connections: 1 } });
    const first = connect(small.port, '127.0.0.1');
    await new Promise((resolve) => first.on('connect', resolve));
    await assert.rejects(send(small.port));
    first.write('GET /cse-in HTTP/1.1\r\nHost: x\r\nX-M2M-RI: 1\r\nConnection: close\r\n\r\n');
    const [answer] = (await new Promise((resolve) => first.on('data', (data) => resolve([data])))) as [Buffer];
    assert.match(answer.toString(), /200 OK/);
    await small.close();
  });
});

describe('the depth of a JSON text', () => {
  const anyJson = fc.json({ maxDepth: 8 });

  function depthOf(value: unknown): number {
    if (value === null || typeof value !== 'object') return 0;
    return 1 + Math.max(0, ...Object.values(value).map(depthOf));
  }

  it('is that of the parsed value', () => {
    fc.assert(
      fc.property(anyJson, fc.integer({ min: 0, max: 9 }), (text, most) => {
        assert.equal(isDeeperThan(Buffer.from(text), most), depthOf(JSON.parse(text)) > most);
      }),
    );
  });

  it('does not count brackets inside strings', () => {
    for (const text of ['"[[[["', String.raw`"\"[[[["`, String.raw`{"a\\":"]]{{"}`]) {
      assert.equal(isDeeperThan(Buffer.from(text), 1), false, text);
    }
  });

  it('and any bytes are read or refused, never thrown', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.string().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          const parsed = parseJsonBody(Buffer.from(bytes), 64);
          assert.ok(bytes.length > 0 || parsed === undefined);
          if (parsed instanceof RefusedRequest) assert.equal(parsed.responseStatusCode, 4000);
        },
      ),
    );
  });
});
