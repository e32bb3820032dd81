import assert from 'node:assert/strict';
import { gzipSync, deflateRawSync, deflateSync } from 'node:zlib';
import type { Conversation } from '../../adapters/cwmp/conversation.ts';
import { authorize, createAuthenticator } from '../../src/support/http-authentication.ts';
import type { CpeRequest } from '../../adapters/cwmp/rpc.ts';
import {
  defaultServerSettings,
  openCwmpServer,
  type CwmpServer,
  type CwmpServerSettings,
} from '../../adapters/cwmp/server.ts';
import { systemClock } from '../../src/support/clock.ts';
import { silentLog } from '../../src/support/log.ts';
import { eventually } from '../support/eventually.ts';
import { captureNames, readCapture } from './support.ts';
import { connectCpe, cookieFrom, cwmp, idOf, informText, type CpeConnection, type CpeReply } from './scripted-cpe.ts';

const transferComplete = cwmp('<cwmp:TransferComplete><CommandKey>k</CommandKey></cwmp:TransferComplete>', '2');

interface Options extends Partial<CwmpServerSettings> {
  credentials?: { username: string; password: string };
  /** Before it is known who has come. */
  welcoming?: () => Promise<void>;
  /** Questions that every session asks, one after the other. */
  questions?: string[];
}

describe('the HTTP side of the ACS', () => {
  let server: CwmpServer;
  let refused: string[];
  let stored: CpeRequest[];
  let ended: string[];
  let answers: unknown[];
  const connections: CpeConnection[] = [];

  async function start(options: Options = {}): Promise<void> {
    [refused, stored, ended, answers] = [[], [], [], []];
    const authenticator = createAuthenticator({
      realm: 'trivet',
      clock: systemClock,
      nonceLifetime: 60_000,
      basic: true,
    });
    server = await openCwmpServer(
      {
        async welcome({ inform, authorization, body }) {
          await options.welcoming?.();
          if (options.credentials) {
            const verdict = authenticator.verify({ method: 'POST', authorization, body }, options.credentials);
            if (!verdict.ok)
              return {
                admit: 'challenge',
                challenges: authenticator.challenge(verdict.stale),
                why: verdict.why,
                wrong: false,
              };
          }
          return {
            admit: 'yes',
            key: inform.deviceId.serialNumber,
            host: (conversation: Conversation) => ({
              async store(request) {
                stored.push(request);
                return undefined;
              },
              heard: () => {},
              think: () => void drive(conversation, options.questions ?? []),
              ended: (why) => void ended.push(why),
            }),
          };
        },
        exchanged: () => {},
        refused: (reason) => void refused.push(reason),
      },
      { ...defaultServerSettings, port: 0, ...options },
      { clock: systemClock, log: silentLog },
    );
  }

  async function drive(conversation: Conversation, questions: string[]): Promise<void> {
    for (const path of questions) answers.push(await conversation.ask('GetParameterNames', { path, nextLevel: true }));
    conversation.finish();
  }

  async function connect(): Promise<CpeConnection> {
    const connection = await connectCpe(server.listeners[0]!.port);
    connections.push(connection);
    return connection;
  }

  afterEach(async () => {
    for (const connection of connections.splice(0)) connection.close();
    await server.close(new Date());
  });

  const names = (reply: CpeReply): string =>
    cwmp('<cwmp:GetParameterNamesResponse><ParameterList/></cwmp:GetParameterNamesResponse>', idOf(reply.body));

  it('a session: Inform, empty POST, a question, its answer, 204', async () => {
    await start({ questions: ['Device.'] });
    const cpe = await connect();
    const welcome = await cpe.post(informText());
    assert.equal(welcome.status, 200);
    assert.match(welcome.body, /^<soap-env:Envelope .*<cwmp:InformResponse>/);
    const cookie = cookieFrom(welcome);
    const question = await cpe.post('', [cookie]);
    assert.match(question.body, /<cwmp:GetParameterNames><ParameterPath>Device\.</);
    const last = await cpe.post(names(question), [cookie]);
    assert.equal(last.status, 204);
    assert.deepEqual(answers, [{ answer: { names: [] } }]);
  });

  it('quirk 37: answers are plain, with their length and few header lines', async () => {
    await start();
    const { headers } = await (await connect()).post(informText(), ['Accept-Encoding: gzip']);
    assert.deepEqual([...headers.keys()].filter((name) => !['connection', 'keep-alive'].includes(name)).sort(), [
      'content-length',
      'content-type',
      'set-cookie',
    ]);
    assert.equal(headers.get('content-type')?.[0], 'text/xml; charset="utf-8"');
  });

  it('quirk 28: without its cookie a CPE is known by its connection; with it in any form it is known anywhere', async () => {
    await start({ questions: ['Device.'] });
    const forgetful = await connect();
    await forgetful.post(informText());
    assert.match((await forgetful.post('')).body, /GetParameterNames/);
    const cookie = cookieFrom(await (await connect()).post(informText({ serial: 'S2' })));
    const value = cookie.split('=')[1];
    const forms = [`Cookie: other=1, session="${value}"; $Path=/x`, `cookie: SESSION=${value}`];
    for (const form of forms)
      assert.match((await (await connect()).post('', [form])).body ?? '', /GetParameterNames|^$/);
    assert.match((await (await connect()).post(transferComplete, [forms[0]!])).body, /TransferCompleteResponse/);
  });

  it('quirk 29: every POST may come over another connection', async () => {
    await start({ questions: ['A.', 'B.'] });
    const cookie = cookieFrom(await (await connect()).post(informText()));
    let reply = await (await connect()).post('', [cookie]);
    for (const path of ['A.', 'B.']) {
      assert.ok(reply.body.includes(`<ParameterPath>${path}<`));
      reply = await (await connect()).post(names(reply), [cookie]);
    }
    assert.equal(reply.status, 204);
  });

  it('an answer without an ID that comes again after the connection broke does not answer the next question', async () => {
    await start({ questions: ['A.', 'B.'] });
    const nameless = (...names: string[]): string =>
      cwmp(
        `<cwmp:GetParameterNamesResponse><ParameterList>${names
          .map((name) => `<ParameterInfoStruct><Name>${name}</Name></ParameterInfoStruct>`)
          .join('')}</ParameterList></cwmp:GetParameterNamesResponse>`,
      ).replace(/<cwmp:ID.*<\/cwmp:ID>/, '');
    const first = await connect();
    const cookie = cookieFrom(await first.post(informText()));
    await first.post('', [cookie]);
    assert.match((await first.post(nameless('A.x'), [cookie])).body, /<ParameterPath>B\.</);
    first.close();
    const second = await connect();
    assert.match((await second.post(nameless('A.x'), [cookie])).body, /<ParameterPath>B\.</);
    assert.equal((await second.post(nameless('B.y'), [cookie])).status, 204);
    const told = (answers as { answer: { names: { name: string }[] } }[]).map(({ answer }) => answer.names[0]?.name);
    assert.deepEqual(told, ['A.x', 'B.y']);
  });

  it('quirk 30: several CPEs over one connection are told apart by their cookies, never mixed up without', async () => {
    await start();
    const proxy = await connect();
    const one = cookieFrom(await proxy.post(informText({ serial: 'A' })));
    const other = cookieFrom(await proxy.post(informText({ serial: 'B' })));
    assert.equal((await proxy.post(transferComplete, [one])).status, 200);
    assert.equal((await proxy.post(transferComplete, [other])).status, 200);
    assert.equal((await proxy.post(transferComplete)).status, 400);
  });

  it('quirk 31: a stale cookie on an Inform does not matter; elsewhere it says that the session is over', async () => {
    await start();
    const cpe = await connect();
    assert.equal((await cpe.post(informText(), ['Cookie: session=stale'])).status, 200);
    assert.equal((await cpe.post(transferComplete, ['Cookie: session=stale'])).status, 400);
    assert.deepEqual(refused, ['no-session']);
  });

  it('quirk 32: a new Inform takes the place of a session that is still open', async () => {
    await start({ questions: ['Device.'] });
    const first = await connect();
    await first.post(informText());
    await first.post('');
    const second = await connect();
    assert.equal((await second.post(informText())).status, 200);
    assert.deepEqual(ended, ['the CPE began a new session']);
    assert.deepEqual(answers, [{ end: 'unanswered', why: 'the CPE began a new session' }]);
    assert.match((await second.post('')).body, /GetParameterNames/);
  });

  it('quirk 33: the same Inform comes again after the challenge, and no state was made before', async () => {
    const credentials = { username: '00D09E-IGD-S1', password: 'secret' };
    await start({ credentials });
    const challenge = await (await connect()).post(informText());
    assert.equal(challenge.status, 401);
    assert.equal(stored.length, 0);
    const authorization = authorize(challenge.headers.get('www-authenticate') ?? [], credentials, {
      method: 'POST',
      uri: '/',
      body: '',
    });
    // Over another connection, as some CPEs do (quirk 34).
    const welcome = await (await connect()).post(informText(), [`Authorization: ${authorization}`]);
    assert.equal(welcome.status, 200);
    assert.equal(stored.length, 1);
  });

  it('quirk 36: HTTP/1.0, odd header names, text/html, blanks as a body and no length are taken', async () => {
    await start();
    const old = await connect();
    const body = informText();
    old.write(`POST /x?y HTTP/1.0\r\ncOnTeNt-LeNgTh: ${body.length + 2}\r\nCONTENT-type: text/html\r\n\r\n${body}\r\n`);
    const welcome = await old.read();
    assert.equal(welcome.status, 200);
    const cookie = cookieFrom(welcome);
    const blank = await connect();
    assert.equal((await blank.post('\r\n ', [cookie])).status, 204);
    const bare = await connect();
    bare.write(`POST / HTTP/1.1\r\nHost: x\r\n${cookie}\r\n\r\n`);
    assert.equal((await bare.read()).status, 204);
  });

  it('a body may be compressed, and is bounded after it is unpacked', async () => {
    await start({ maximumBodyBytes: 100_000 });
    const cpe = await connect();
    const body = informText();
    assert.equal((await cpe.post(gzipSync(body), ['Content-Encoding: gzip'])).status, 200);
    assert.equal((await cpe.post(deflateSync(body), ['Content-Encoding: deflate'])).status, 200);
    assert.equal((await cpe.post(deflateRawSync(body), ['Content-Encoding: deflate'])).status, 200);
    assert.equal((await cpe.post(body, ['Content-Encoding: br'])).status, 415);
    assert.equal((await cpe.post('no gzip', ['Content-Encoding: gzip'])).status, 415);
    assert.equal((await cpe.post(gzipSync(Buffer.alloc(10_000_000, 32)), ['Content-Encoding: gzip'])).status, 413);
    assert.deepEqual(refused, ['compression', 'compression', 'too-large']);
  });

  it('quirk 23: a body of more octets than allowed is refused before it is read', async () => {
    await start({ maximumBodyBytes: 1000 });
    const announced = await connect();
    announced.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n');
    assert.equal((await announced.read()).status, 413);
    const chunked = await connect();
    chunked.write(`POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n800\r\n${'x'.repeat(2048)}\r\n`);
    assert.equal((await chunked.read()).status, 413);
  });

  it('chunks and Expect: 100-continue are taken from a CPE', async () => {
    await start();
    const cpe = await connect();
    const body = informText();
    cpe.write(`POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n`);
    assert.equal((await cpe.read()).status, 100);
    cpe.write(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
    assert.equal((await cpe.read()).status, 200);
  });

  it('quirk 38: the connection is closed with the last answer of a session', async () => {
    await start();
    const cpe = await connect();
    await cpe.post(informText());
    assert.equal((await cpe.post('')).headers.get('connection')?.[0], 'close');
  });

  it('quirk 47: more sessions than allowed are answered 503, on the Inform only', async () => {
    await start({ maximumSessions: 1 });
    const cpe = await connect();
    await cpe.post(informText({ serial: 'A' }));
    const busy = await (await connect()).post(informText({ serial: 'B' }));
    assert.equal(busy.status, 503);
    assert.ok(Number(busy.headers.get('retry-after')?.[0]) > 0);
    assert.equal((await cpe.post(transferComplete)).status, 200);
    assert.equal((await cpe.post('')).status, 204);
    assert.equal((await (await connect()).post(informText({ serial: 'B' }))).status, 200);
    assert.deepEqual(refused, ['busy']);
  });

  it('quirks 32 and 47: a CPE whose own dead session fills the last place takes it over', async () => {
    await start({ maximumSessions: 1, questions: ['Device.'] });
    const dead = await connect();
    await dead.post(informText({ serial: 'A' }));
    await dead.post('');
    const again = await connect();
    assert.equal((await again.post(informText({ serial: 'A' }))).status, 200);
    assert.deepEqual(ended, ['the CPE began a new session']);
    assert.match((await again.post('')).body, /GetParameterNames/);
    assert.equal((await (await connect()).post(informText({ serial: 'B' }))).status, 503);
    assert.equal(server.sessions, 1);
  });

  it('quirk 47: nobody takes over a session without the credentials of its device', async () => {
    await start({ maximumSessions: 1, credentials: { username: 'A', password: 'secret' } });
    const proof = ['Authorization: Basic ' + Buffer.from('A:secret').toString('base64')];
    assert.equal((await (await connect()).post(informText({ serial: 'A' }), proof)).status, 200);
    assert.equal((await (await connect()).post(informText({ serial: 'A' }))).status, 401);
    assert.deepEqual(ended, []);
  });

  it('quirk 47: in a flood of Informs only as many as there are places are looked at', async () => {
    let release = (): void => {};
    let welcomed = 0;
    const held = new Promise<void>((resolve) => (release = resolve));
    await start({ maximumSessions: 2, welcoming: () => (welcomed++, held) });
    const cpes = await Promise.all(['A', 'B', 'C', 'D', 'E', 'F'].map(() => connect()));
    const replies = cpes.map((cpe, index) => cpe.post(informText({ serial: `S${index}` })));
    await eventually('two refusals', () => refused.length === 2);
    assert.equal(welcomed, 4);
    release();
    const statuses = (await Promise.all(replies)).map(({ status }) => status);
    assert.deepEqual(statuses.sort(), [200, 200, 503, 503, 503, 503]);
    assert.equal(server.sessions, 2);
  });

  it('an empty POST without a session is 204, other methods are 405, junk is 400, an unknown method is fault 8000', async () => {
    await start();
    const cpe = await connect();
    assert.equal((await cpe.post('')).status, 204);
    cpe.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.equal((await cpe.read()).status, 405);
    for (const junk of ['junk', '<a/>', '<!DOCTYPE a []><a/>', informText().slice(0, 400)]) {
      assert.equal((await cpe.post(junk)).status, 400, junk);
    }
    assert.deepEqual(refused, ['method', 'malformed', 'no-envelope', 'doctype', 'malformed']);
    await cpe.post(informText());
    const fault = await cpe.post(cwmp('<cwmp:Frobnicate/>', '77'));
    assert.match(fault.body, /<FaultCode>8000</);
    assert.equal(idOf(fault.body), '77');
  });

  it('an unreadable answer fails its question, and the session goes on', async () => {
    await start({ questions: ['A.', 'B.'] });
    const cpe = await connect();
    await cpe.post(informText());
    await cpe.post('');
    const next = await cpe.post('<junk');
    assert.ok(next.body.includes('<ParameterPath>B.<'));
    assert.deepEqual((answers[0] as { end: string }).end, 'wrong');
  });

  it('a slow body is cut off, and half-open connections do not keep others out', async () => {
    await start({ requestTimeout: 300 });
    const slow = await connect();
    slow.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n<');
    const half = await Promise.all(Array.from({ length: 200 }, () => connect()));
    assert.equal((await (await connect()).post(informText())).status, 200);
    const reply = await slow.read();
    assert.equal(reply.status, 400);
    assert.ok(half.length === 200);
  });

  it('a stop ends open sessions, and answers no new Inform', async () => {
    await start({ questions: ['Device.'] });
    const cpe = await connect();
    await cpe.post(informText());
    await cpe.post('');
    await server.close(new Date(Date.now() + 200));
    assert.deepEqual(ended, ['the gateway is stopping']);
  });

  for (const name of captureNames.filter((one) => one.includes('inform'))) {
    it(`${name} begins a session`, async () => {
      await start();
      const { body, headers } = readCapture(name);
      const contentType = `Content-Type: ${headers.get('content-type') ?? 'text/xml'}`;
      const reply = await (await connect()).post(body, [contentType]);
      assert.equal(reply.status, 200);
      assert.match(reply.body, /InformResponse/);
    });
  }
});
