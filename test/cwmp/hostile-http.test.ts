/** What nobody should send to the ACS: the answer, the one line of the log, the counter, and that the next CPE is served as ever. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { connectCpe, cookieFrom, cwmp, idOf, informText, type CpeConnection } from './scripted-cpe.ts';
import { createSmallCpe, transferComplete } from './small-cpe.ts';
import { startSmallLeg, type SmallLeg } from './small-leg.ts';

const refusals = 'trivet_messages_refused_total';
const inform = informText();
const megabyte = 1024 * 1024;

interface Hostile {
  what: string;
  body: () => string | Buffer;
  headers?: string[];
  status: number;
  /** Label `reason` of the counter, and of the line in the log. */
  reason: string;
  line: string;
}

const unreadable = 'a CWMP message is unreadable';
const refused = 'a request of a CPE is refused';
const bomb = `<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "${'&a;'.repeat(10)}"><!ENTITY c "${'&b;'.repeat(10)}">]>`;

const hostiles: Hostile[] = [
  {
    what: 'a truncated envelope',
    body: () => inform.slice(0, -60),
    status: 400,
    reason: 'malformed',
    line: unreadable,
  },
  {
    what: 'a mis-nested envelope',
    body: () => inform.replace('</Event><MaxEnvelopes>', '<MaxEnvelopes></Event>'),
    status: 400,
    reason: 'malformed',
    line: unreadable,
  },
  { what: 'an entity bomb', body: () => `${bomb}<a>&c;</a>`, status: 400, reason: 'doctype', line: unreadable },
  {
    what: 'a DOCTYPE with an external entity',
    body: () => `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>${inform.replace('ACME', '&x;')}`,
    status: 400,
    reason: 'doctype',
    line: unreadable,
  },
  {
    what: '10,000 elements in one another',
    body: () => cwmp('<a>'.repeat(10_000) + '</a>'.repeat(10_000)),
    status: 400,
    reason: 'too-deep',
    line: unreadable,
  },
  {
    what: '600,000 elements beside one another',
    body: () => cwmp(`<a>${'<b/>'.repeat(600_000)}</a>`),
    status: 400,
    reason: 'too-many-elements',
    line: unreadable,
  },
  {
    what: '10 MB without an element',
    body: () => Buffer.alloc(10 * megabyte, 'x'),
    status: 400,
    reason: 'malformed',
    line: unreadable,
  },
  { what: 'JSON', body: () => '{"Inform":{}}', status: 400, reason: 'malformed', line: unreadable },
  {
    what: 'XML of another world',
    body: () => '<html><body/></html>',
    status: 400,
    reason: 'no-envelope',
    line: unreadable,
  },
  {
    what: 'a gzip bomb',
    body: () => gzipSync(Buffer.alloc(64 * megabyte, ' ')),
    headers: ['Content-Encoding: gzip'],
    status: 413,
    reason: 'too-large',
    line: refused,
  },
  {
    what: 'a body that is not the gzip that it says',
    body: () => inform,
    headers: ['Content-Encoding: gzip'],
    status: 415,
    reason: 'compression',
    line: refused,
  },
  {
    what: 'a compression that nobody knows',
    body: () => inform,
    headers: ['Content-Encoding: br'],
    status: 415,
    reason: 'compression',
    line: refused,
  },
];

describe('hostile HTTP at the CWMP leg', function () {
  this.timeout(30_000);
  let leg: SmallLeg;
  const connections: CpeConnection[] = [];

  afterEach(async () => {
    for (const connection of connections.splice(0)) connection.close();
    await leg.stop();
  });

  async function connect(): Promise<CpeConnection> {
    const connection = await connectCpe(leg.port);
    connections.push(connection);
    return connection;
  }

  const reasons = (): (string | undefined)[] =>
    leg.counted.filter(({ name }) => name === refusals).map(({ labels }) => labels['reason']);

  const complaints = (): SmallLeg['lines'] => leg.lines.filter(({ level }) => level !== 'info');

  /** A whole session of another CPE. */
  async function assertServes(): Promise<void> {
    assert.equal(await createSmallCpe(() => leg.port, 'AFTER').session(), 204);
  }

  for (const { what, body, headers, status, reason, line } of hostiles) {
    it(`${what}: ${status}, one line, counted as ${reason}`, async () => {
      leg = await startSmallLeg();
      assert.equal((await (await connect()).post(body(), headers)).status, status);
      assert.deepEqual(reasons(), [reason]);
      assert.deepEqual(
        complaints().map(({ level, message, fields }) => [level, message, fields['reason']]),
        [['warn', line, reason]],
      );
      await assertServes();
    });
  }

  it('a body longer than allowed is refused by its announced length, before it is sent', async () => {
    leg = await startSmallLeg();
    const cpe = await connect();
    cpe.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${17 * megabyte}\r\n\r\n`);
    const { status, headers } = await cpe.read();
    assert.deepEqual([status, headers.get('connection')], [413, ['close']]);
    assert.deepEqual(reasons(), ['too-large']);
    await assertServes();
  });

  it('chunks without end are refused when they are more than allowed', async () => {
    leg = await startSmallLeg({ maximumBodyBytes: megabyte });
    const cpe = await connect();
    cpe.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    const chunk = `${(64 * 1024).toString(16)}\r\n${' '.repeat(64 * 1024)}\r\n`;
    for (let count = 0; count < 20; count++) cpe.write(chunk);
    const { status, headers } = await cpe.read();
    assert.deepEqual([status, headers.get('connection')], [413, ['close']]);
    assert.deepEqual(reasons(), ['too-large']);
    assert.equal(complaints().length, 1);
    await assertServes();
  });

  it('chunks with a broken length are no HTTP: 400, counted as http', async () => {
    leg = await startSmallLeg();
    const cpe = await connect();
    cpe.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n<a/>\r\n0\r\n\r\n');
    assert.equal((await cpe.read()).status, 400);
    assert.deepEqual(reasons(), ['http']);
    await assertServes();
  });

  it('an Inform of 10 MB within the limit is read in turns and answered; the loop goes on meanwhile', async () => {
    leg = await startSmallLeg();
    let longest = 0;
    let before = performance.now();
    const watch = setInterval(() => {
      longest = Math.max(longest, performance.now() - before);
      before = performance.now();
    }, 5);
    const big = informText({ parameters: { 'Device.DeviceInfo.Description': 'x'.repeat(10 * megabyte) } });
    const { status, body } = await (await connect()).post(big);
    clearInterval(watch);
    assert.equal(status, 200);
    assert.match(body, /InformResponse/);
    assert.ok(longest < 1_000, `the loop stood still for ${Math.round(longest)} ms`);
    await assertServes();
  });

  for (const [declared, octets] of [
    ['utf-16', Buffer.from(inform.replace('ACME', 'Müller'), 'latin1')],
    ['no-such-charset', Buffer.from(inform)],
  ] as const) {
    it(`a body that is not the ${declared} that it says is read as what it is`, async () => {
      leg = await startSmallLeg();
      const reply = await (await connect()).post(octets, [`Content-Type: text/xml; charset=${declared}`]);
      assert.equal(reply.status, 200, reply.body);
      assert.deepEqual([reasons(), complaints()], [[], []]);
    });
  }

  it('a second answer to one question is the answer to nothing: the first counts', async () => {
    leg = await startSmallLeg();
    const cpe = await connect();
    const cookie = cookieFrom(await cpe.post(inform));
    const question = await cpe.post('', [cookie]);
    const answer = cwmp(
      '<cwmp:SetParameterValuesResponse><Status>0</Status></cwmp:SetParameterValuesResponse>',
      idOf(question.body),
    );
    const next = await cpe.post(answer, [cookie]);
    assert.equal(next.status, 200);
    const other = answer.replace('<Status>0', '<Status>1');
    const last = await cpe.post(other, [cookie]);
    assert.equal(last.status, 200, last.body);
    assert.deepEqual(reasons(), ['wrong-id']);
    assert.equal(complaints().length, 1);
    await assertServes();
  });

  it('POSTs that do not wait for their answers do not get those of others', async () => {
    leg = await startSmallLeg();
    const cpe = await connect();
    cpe.write(post(inform) + post('') + post('<junk') + post(''));
    assert.match((await cpe.read()).body, /InformResponse/);
    const others: number[] = [];
    for (let left = 3; left > 0; left--) {
      const reply = await cpe.read().catch(() => undefined);
      if (reply) others.push(reply.status);
    }
    // The empty POST came before its session was there; the junk ended it, and with it the connection.
    assert.deepEqual(others.slice(0, 2), [204, 400]);
    assert.deepEqual(reasons(), ['malformed', 'lost']);
    await assertServes();
  });

  it('a report that is followed at once by the next message is stored and answered', async () => {
    leg = await startSmallLeg();
    const cpe = await connect();
    const cookie = cookieFrom(await cpe.post(inform));
    cpe.write(post(transferComplete('k'), cookie) + post('', cookie));
    const { status, body } = await cpe.read();
    assert.equal(status, 200);
    assert.match(body, /TransferCompleteResponse/);
    assert.equal((await cpe.read()).status, 503);
    assert.deepEqual(reasons(), ['lost']);
    assert.ok(leg.lines.some(({ message, fields }) => /transfer ended/.test(message) && fields['commandKey'] === 'k'));
    await assertServes();
  });

  it('a head that comes a letter at a time is given up, and counted as http', async () => {
    leg = await startSmallLeg({ requestTimeout: 400 });
    const cpe = await connect();
    cpe.write('POST / HTTP/1.1\r\nHost: x\r\n');
    const drip = setInterval(() => cpe.write('X-A: b\r\n'), 50);
    try {
      assert.equal((await cpe.read()).status, 400);
    } finally {
      clearInterval(drip);
    }
    if (!cpe.socket.closed) await once(cpe.socket, 'close');
    assert.deepEqual(reasons(), ['http']);
    await assertServes();
  });

  it('a body that comes a letter at a time is given up, and counted as http', async () => {
    leg = await startSmallLeg({ requestTimeout: 400 });
    const cpe = await connect();
    cpe.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${inform.length}\r\n\r\n`);
    let at = 0;
    const drip = setInterval(() => cpe.write(inform[at++] ?? ' '), 50);
    try {
      assert.equal((await cpe.read()).status, 400);
    } finally {
      clearInterval(drip);
    }
    if (!cpe.socket.closed) await once(cpe.socket, 'close');
    assert.deepEqual(reasons(), ['http']);
    await assertServes();
  });

  it('a thousand sessions that fall silent after the Inform keep nobody out, and cost little', async () => {
    leg = await startSmallLeg();
    await assertServes();
    const before = heapAfterCollection();
    for (let batch = 0; batch < 10; batch++) {
      await Promise.all(
        Array.from({ length: 100 }, async (_, index) => {
          const reply = await (await connect()).post(informText({ serial: `H${batch}-${index}` }));
          assert.equal(reply.status, 200);
        }),
      );
    }
    const each = (heapAfterCollection() - before) / 1000;
    // Both ends of the connection are in this process.
    assert.ok(each < 64 * 1024, `${Math.round(each / 1024)} KiB for one of them`);
    assert.deepEqual([reasons(), complaints()], [[], []]);
    await assertServes();
  });

  for (const time of [
    '1970-01-01T00:00:09Z',
    '0001-01-01T00:00:00Z',
    '2106-02-07T06:28:16Z',
    '9999-99-99T99:99:99Z',
    '',
  ]) {
    it(`the clock of a CPE that says '${time}' is shown to nobody and compared with nothing`, async () => {
      leg = await startSmallLeg();
      const text = inform.replace(/<CurrentTime>[^<]*</, `<CurrentTime>${time}<`);
      const begin = Date.now();
      assert.equal((await (await connect()).post(text)).status, 200);
      const { presence } = leg.device();
      assert.ok(presence.lastSeen >= begin - 1000 && presence.lastSeen <= Date.now() + 1000, String(presence.lastSeen));
      assert.deepEqual([reasons(), complaints()], [[], []]);
    });
  }
});

/** As it stands on the wire. */
function post(body: string, ...headers: string[]): string {
  const lines = ['POST / HTTP/1.1', 'Host: x', ...headers, `Content-Length: ${Buffer.byteLength(body)}`];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
