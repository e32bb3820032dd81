/** The course of a session in which the two sides ask each other who they are; the credentials themselves are the test's own. */
import assert from 'node:assert/strict';
import type { Authenticator, Peer, Proof, SessionProofs, Verdict } from '../../adapters/omadm/authenticator.ts';
import type { Request } from '../../adapters/omadm/exchange.ts';
import type { Log } from '../../src/support/log.ts';
import {
  alert,
  commandsOf,
  deviceInfo,
  headerStatus,
  packageOne,
  responseUri,
  status,
  statusesOf,
  syncml,
  textOf,
  type Answered,
  type ClientConnection,
  type Said,
} from './scripted-client.ts';
import { SmallServer, type SmallServerOptions } from './small-server.ts';

const credential = (word: string): string =>
  `<Cred><Meta><Type xmlns="syncml:metinf">word</Type></Meta><Data>${word}</Data></Cred>`;
const challenge = { type: 'word', format: 'b64', nextNonce: 'bm9uY2U=' };

interface Script {
  verdict?: (proof: Proof, round: number) => Verdict;
  told?: SessionProofs['told'];
  own?: SessionProofs['own'];
  sign?: SessionProofs['sign'];
}

/** The word is `open`; two wrong ones, and it is over. */
function judge({ header }: Proof, round: number): Verdict {
  if (header.credential?.data === 'open') return { proven: true, status: 212 };
  const wrong = header.credential !== undefined;
  return {
    proven: false,
    status: wrong ? 401 : 407,
    challenge,
    over: round >= 3,
    why: wrong ? 'wrong word' : 'no word',
  };
}

function scripted({ verdict = judge, told, own, sign }: Script = {}, peers: Peer[] = []): Authenticator {
  return {
    begin(peer) {
      peers.push(peer);
      let round = 0;
      return {
        check: async (proof) => verdict(proof, ++round),
        told: told ?? (async () => 'accepted'),
        own: own ?? (() => ({})),
        sign: sign ?? (() => ({})),
      };
    },
  };
}

const get: Request = { command: 'Get', path: './A' };
const asked = ({ body }: Answered): Said[] => commandsOf(body).filter(({ name }) => name !== 'Status');

describe('proofs in a session', () => {
  let small: SmallServer;
  let client: ClientConnection;

  async function start(options: SmallServerOptions): Promise<void> {
    small = await SmallServer.start({ asks: [[get]], ...options });
    client = await small.connect();
  }

  afterEach(() => small.close());

  it('without a proof every command is answered 407 and nothing is done; package 1 again with one is taken', async () => {
    await start({ authenticator: scripted() });
    const event = alert(5, 1226, '<Item><Data>x</Data></Item>');
    const two = await client.post(packageOne({}, event));
    assert.deepEqual(statusesOf(two.body), ['SyncHdr 0 407', 'Alert 1 407', 'Alert 5 407', 'Replace 90 407']);
    assert.equal(textOf(two.body, 'NextNonce'), 'bm9uY2U=');
    assert.deepEqual(asked(two), []);
    assert.equal(small.arrivals.length, 0);
    assert.equal(small.alerts.length, 0);
    const repeated = headerStatus(1) + alert(2, 1201) + event + deviceInfo(90);
    const four = await client.post(syncml(repeated, { message: 2, header: credential('open') }), {
      to: responseUri(two.body),
    });
    assert.deepEqual(statusesOf(four.body), ['SyncHdr 0 212', 'Alert 2 200', 'Alert 5 200', 'Replace 90 200']);
    assert.equal(asked(four)[0]!.name, 'Get');
    assert.equal(small.arrivals.length, 1);
    // To be asked is no fault of the device.
    assert.deepEqual(small.refused, []);
  });

  it('a device that counts from 1 again after a challenge goes on with the same session', async () => {
    await start({ authenticator: scripted() });
    const two = await client.post(packageOne());
    const four = await client.post(packageOne({ header: credential('open') }));
    assert.equal(statusesOf(four.body)[0], 'SyncHdr 0 212');
    assert.equal(responseUri(four.body), responseUri(two.body));
    assert.equal(small.server.sessions, 1);
  });

  it('wrong ones are counted, and in the end the session is over', async () => {
    await start({ authenticator: scripted() });
    let answered = await client.post(packageOne({ header: credential('sesame') }));
    const to = responseUri(answered.body);
    for (const message of [2, 3]) {
      answered = await client.post(packageOne({ header: credential('sesame'), message }), { to });
    }
    assert.equal(statusesOf(answered.body)[0], 'SyncHdr 0 401');
    assert.deepEqual(small.refused, ['unauthenticated', 'unauthenticated', 'unauthenticated']);
    assert.equal(small.server.sessions, 0);
    assert.equal(small.ended.length, 0);
  });

  it('a stranger does not end the session of the device for which he passes himself off', async () => {
    await start({ authenticator: scripted() });
    const two = await client.post(packageOne({ header: credential('open') }));
    await (await small.connect()).post(packageOne({ session: '9' }));
    assert.deepEqual(small.ended, []);
    const body = headerStatus(1) + status(2, 1, asked(two)[0]!.id, 'Get', 404);
    await client.post(syncml(body, { message: 2, header: credential('open') }), { to: responseUri(two.body) });
    assert.equal(small.answers[0]![0]!.status, 404);
  });

  it('a message within the session that is not proven changes nothing; the same with a proof does', async () => {
    await start({ authenticator: scripted() });
    const two = await client.post(packageOne({ header: credential('open') }));
    const to = responseUri(two.body);
    const body = headerStatus(1) + status(2, 1, asked(two)[0]!.id, 'Get', 404) + alert(7, 1226, '<Item/>');
    const refused = await client.post(syncml(body, { message: 2 }), { to });
    assert.deepEqual(statusesOf(refused.body), ['SyncHdr 0 407', 'Alert 7 407']);
    assert.equal(small.answers.length, 0);
    assert.equal(small.alerts.length, 0);
    await client.post(syncml(body, { message: 3, header: credential('open') }), { to });
    assert.equal(small.answers[0]![0]!.status, 404);
    assert.equal(small.alerts.length, 1);
  });

  it('a next nonce comes with 200 and 212, too', async () => {
    await start({ authenticator: scripted({ verdict: () => ({ proven: true, status: 200, challenge }) }) });
    const two = await client.post(packageOne());
    assert.equal(statusesOf(two.body)[0], 'SyncHdr 0 200');
    assert.equal(textOf(two.body, 'NextNonce'), 'bm9uY2U=');
  });

  it('a device that wants a proof of ours gets the same commands again with it, and they are answered once', async () => {
    const told: unknown[] = [];
    let word = 'first';
    await start({
      authenticator: scripted({
        verdict: () => ({ proven: true, status: 212 }),
        told: async (status) => {
          told.push(status);
          if (status.code !== 407) return 'accepted';
          word = 'second';
          return 'again';
        },
        own: () => ({ credential: { meta: { type: 'word' }, data: word }, name: 'gateway' }),
      }),
    });
    const two = await client.post(packageOne());
    assert.match(two.body, /<Source><LocURI>[^<]*<\/LocURI><LocName>gateway</);
    assert.match(two.body, /<Cred>.*first<\/Data><\/Cred>/);
    const chal =
      '<Chal><Meta><Type xmlns="syncml:metinf">syncml:auth-md5</Type><NextNonce xmlns="syncml:metinf">YQ==</NextNonce></Meta></Chal>';
    const id = asked(two)[0]!.id;
    const four = await client.post(syncml(headerStatus(1, 407, chal) + status(2, 1, id, 'Get', 407), { message: 2 }), {
      to: responseUri(two.body),
    });
    assert.match(four.body, /<Cred>.*second<\/Data><\/Cred>/);
    assert.equal(textOf(asked(four)[0]!.text, 'LocURI'), './A');
    assert.equal(small.answers.length, 0);
    const body = headerStatus(2, 212) + status(2, 2, asked(four)[0]!.id, 'Get', 404);
    await client.post(syncml(body, { message: 3 }), { to: responseUri(two.body) });
    assert.deepEqual(
      small.answers.map(([answer]) => answer!.status),
      [404],
    );
    assert.deepEqual(told[0], { code: 407, challenge: { type: 'syncml:auth-md5', nextNonce: 'YQ==' } });
  });

  it('a device that takes no proof of ours: the session is over, and the answers say 401', async () => {
    await start({
      authenticator: scripted({ verdict: () => ({ proven: true, status: 212 }), told: async () => 'refused' }),
    });
    const two = await client.post(packageOne());
    const last = await client.post(syncml(headerStatus(1, 401), { message: 2 }), { to: responseUri(two.body) });
    assert.deepEqual(asked(last), []);
    assert.equal(small.answers[0]![0]!.status, 401);
    assert.match(small.ended[0]!, /credentials of the gateway/);
  });

  it('what is signed is exactly what is sent, and a repeat has the same signature', async () => {
    const signed: string[] = [];
    await start({
      authenticator: scripted({
        verdict: () => ({ proven: true, status: 200 }),
        sign: (octets) => {
          signed.push(Buffer.from(octets).toString());
          return { 'x-syncml-hmac': `mac=${signed.length}` };
        },
      }),
    });
    const two = await client.post(packageOne());
    assert.deepEqual(signed, [two.body]);
    assert.equal(two.headers.get('x-syncml-hmac'), 'mac=1');
    assert.equal((await client.post(packageOne())).headers.get('x-syncml-hmac'), 'mac=1');
  });

  it('an HMAC is checked over the octets as they came', async () => {
    const seen: Proof[] = [];
    await start({
      authenticator: scripted({ verdict: (proof) => (seen.push(proof), { proven: true, status: 200 }) }),
    });
    await client.post(packageOne(), { headers: ['x-syncml-hmac: algorithm=MD5, username="u", mac=abc'] });
    assert.equal(seen[0]!.hmac, 'algorithm=MD5, username="u", mac=abc');
    assert.equal(Buffer.from(seen[0]!.octets).toString(), packageOne());
  });

  it('no credential reaches the log, nor the device half', async () => {
    const lines: string[] = [];
    const write = (fields: object, message: string): void => void lines.push(JSON.stringify(fields) + message);
    const log: Log = {
      debug: write,
      info: write,
      warn: write,
      error: write,
      child: () => log,
      isLevelEnabled: () => true,
    };
    await start({ authenticator: scripted(), log });
    await client.post(packageOne({ header: credential('sesame-4711') }));
    await client.post(packageOne({ header: credential('open'), message: 2 }));
    await (await small.connect()).post(`${packageOne({ header: credential('sesame-4711') })}<`);
    assert.ok(lines.length >= 2);
    assert.ok(!lines.join('\n').includes('4711'), lines.join('\n'));
    assert.ok(!JSON.stringify(small.arrivals).includes('"credential"'));
  });
});
