/** Who may begin a session: devices with right, wrong, old, missing and copied credentials, and what the gateway shows of itself. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { createAuthenticator, type AuthenticationSettings } from '../../adapters/omadm/authentication.ts';
import type { Peer, Proof, SessionProofs, Verdict } from '../../adapters/omadm/authenticator.ts';
import type { Challenge, Credential } from '../../adapters/omadm/syncml/message.ts';
import type { DeviceCredentials } from '../../src/management/adapter.ts';
import { silentLog, type Log } from '../../src/support/log.ts';
import { createMemoryNotes, type MemoryNotes } from '../support/memory-notes.ts';

const md5 = (text: string | Buffer): string => createHash('md5').update(text).digest('base64');
/** Its own, so that a mistake in the gateway's is seen. */
const digest = (user: string, secret: string, nonce: Buffer | string, tail = ''): string =>
  md5(Buffer.concat([Buffer.from(`${md5(`${user}:${secret}`)}:`), Buffer.from(nonce), Buffer.from(tail)]));
const octets = Buffer.from('<SyncML/>');
const stored: DeviceCredentials = {
  username: 'alice',
  secret: 'wonder',
  server: { identifier: 'gw.example.com', secret: 'gwpass' },
};

interface World {
  notes: MemoryNotes;
  logged: string[];
  now: number;
  begin(peer?: Partial<Peer>): SessionProofs;
}

function world(account: DeviceCredentials | undefined = stored, settings: Partial<AuthenticationSettings> = {}): World {
  const logged: string[] = [];
  const note = (_: object, message: string): void => void logged.push(message);
  const log: Log = { ...silentLog, debug: note, warn: note, error: note };
  const notes = createMemoryNotes();
  const made: World = {
    notes,
    logged,
    now: 1_000,
    begin: (peer) =>
      createAuthenticator({
        authentication: 'known',
        basic: false,
        credentials: { forDevice: async (technology) => (technology === 'omadm' ? account : undefined) },
        notes,
        now: () => made.now,
        log,
        ...settings,
      }).begin({ deviceId: 'IMEI:1', address: '192.0.2.1', encrypted: false, certificateNames: undefined, ...peer }),
  };
  return made;
}

function message(credential?: Credential, hmac?: string, sessionId = '1'): Proof {
  const header = {
    representation: '1.2',
    protocol: 'DM/1.2',
    sessionId,
    messageId: '1',
    target: { uri: 'http://gw' },
    source: { uri: 'IMEI:1' },
    ...(credential && { credential }),
  };
  return { header, hmac, octets };
}

function cred(type: string | undefined, data: string): Credential {
  return { meta: { type, format: 'b64' }, data };
}
const md5Cred = (nonce: Buffer | string, secret = 'wonder', user = 'alice'): Credential =>
  cred('syncml:auth-md5', digest(user, secret, nonce));
const basicCred = (secret = 'wonder'): Credential =>
  cred('syncml:auth-basic', Buffer.from(`alice:${secret}`).toString('base64'));
const hmacOf = (nonce: Buffer | string, body = octets): string =>
  `algorithm=MD5, username="alice", mac=${digest('alice', 'wonder', nonce, `:${md5(body)}`)}`;
const nonceIn = (verdict: Verdict): Buffer => Buffer.from(verdict.challenge!.nextNonce!, 'base64');
const summary = (verdict: Verdict): string =>
  `${verdict.proven ? 'proven' : verdict.over ? 'over' : 'asked'} ${verdict.status}${verdict.challenge ? ` ${verdict.challenge.type}` : ''}`;

/** A first session with MD5. @returns the nonce of the next */
async function firstSession(there: World): Promise<Buffer> {
  const session = there.begin();
  const challenge = await session.check(message());
  return nonceIn(await session.check(message(md5Cred(nonceIn(challenge)))));
}

describe('a device that begins an OMA DM session', () => {
  it('without an account comes in, where only known devices are asked', async () => {
    const there = world();
    const anonymous = createAuthenticator({
      authentication: 'known',
      basic: false,
      credentials: { forDevice: async () => undefined },
      notes: there.notes,
      now: () => 0,
      log: silentLog,
    }).begin({ deviceId: 'x', address: 'y', encrypted: false, certificateNames: undefined });
    assert.equal(summary(await anonymous.check(message())), 'proven 212');
    assert.equal(summary(await anonymous.check(message(undefined, 'mac=nobody-asked'))), 'proven 200');
    assert.deepEqual(anonymous.own(), {});
    assert.equal(there.notes.all.size, 0);
  });

  it('is asked for MD5, proves itself for the session and gets the nonce of the next one', async () => {
    const session = world().begin();
    const asked = await session.check(message());
    assert.equal(summary(asked), 'asked 407 syncml:auth-md5');
    assert.equal(asked.challenge?.format, 'b64');
    const proven = await session.check(message(md5Cred(nonceIn(asked))));
    assert.equal(summary(proven), 'proven 212 syncml:auth-md5');
    assert.notDeepEqual(nonceIn(proven), nonceIn(asked));
    assert.equal(summary(await session.check(message())), 'proven 212');
  });

  it('needs no challenge at its next session, also after a restart of the gateway', async () => {
    const there = world();
    const next = await firstSession(there);
    const proven = await there.begin().check(message(md5Cred(next)));
    assert.equal(summary(proven), 'proven 212 syncml:auth-md5');
  });

  it('replayed: a Cred that was taken once is refused, and the device itself still comes in', async () => {
    const there = world();
    const copied = message(md5Cred(await firstSession(there)));
    const next = nonceIn(await there.begin().check(copied));
    assert.equal(summary(await there.begin().check(copied)), 'asked 401 syncml:auth-md5');
    assert.equal(summary(await there.begin().check(message(md5Cred(next)))), 'proven 212 syncml:auth-md5');
  });

  it('replayed at the same moment: one of two sessions with the same Cred is believed', async () => {
    const there = world();
    const copied = message(md5Cred(await firstSession(there)));
    const verdicts = await Promise.all([there.begin().check(copied), there.begin().check(copied)]);
    assert.deepEqual(verdicts.map(summary).sort(), ['asked 401 syncml:auth-md5', 'proven 212 syncml:auth-md5']);
  });

  it('with a stale nonce proves itself by the fresh one of the challenge', async () => {
    const there = world();
    await firstSession(there);
    const session = there.begin();
    const asked = await session.check(message(md5Cred('of long ago')));
    assert.equal(summary(asked), 'asked 401 syncml:auth-md5');
    assert.equal(summary(await session.check(message(md5Cred(nonceIn(asked))))), 'proven 212 syncml:auth-md5');
  });

  it('a stranger changes nothing: after his tries the device comes in with the nonce that it has', async () => {
    const there = world();
    const next = await firstSession(there);
    const before = structuredClone([...there.notes.all]);
    const stranger = there.begin();
    await stranger.check(message());
    await stranger.check(message(md5Cred('guess', 'guess')));
    await stranger.check(message(md5Cred('guess', 'guess')));
    assert.deepEqual([...there.notes.all], before);
    assert.equal(summary(await there.begin().check(message(md5Cred(next)))), 'proven 212 syncml:auth-md5');
  });

  it('that is wrong three times is asked no more', async () => {
    const session = world().begin();
    const verdicts = [await session.check(message())];
    while (verdicts.length < 4) {
      verdicts.push(await session.check(message(md5Cred(nonceIn(verdicts[0]!), 'wrong'))));
    }
    assert.deepEqual(verdicts.map(summary), [
      'asked 407 syncml:auth-md5',
      'asked 401 syncml:auth-md5',
      'over 401',
      'over 401',
    ]);
    const right = await session.check(message(md5Cred(nonceIn(verdicts[1]!))));
    assert.equal(right.proven, false, 'nor is it believed then');
    const guesser = world(stored, { basic: true }).begin();
    for (const secret of ['a', 'b', 'c']) await guesser.check(message(basicCred(secret)));
    assert.equal(summary(await guesser.check(message(basicCred()))), 'over 401');
  });

  it('B4: that hashes the text of its nonce is believed, and the log says so', async () => {
    const there = world();
    const session = there.begin();
    const asked = await session.check(message());
    const proven = await session.check(message(md5Cred(asked.challenge!.nextNonce!)));
    assert.equal(summary(proven), 'proven 212 syncml:auth-md5');
    assert.match(there.logged.join(), /hashes the base64 text of its nonce/);
  });

  it('with an empty Cred is told that there was none (407), with one of an unknown type that it is wrong (401)', async () => {
    assert.equal(
      summary(
        await world()
          .begin()
          .check(message(cred('syncml:auth-md5', ' '))),
      ),
      'asked 407 syncml:auth-md5',
    );
    assert.equal(
      summary(
        await world()
          .begin()
          .check(message(cred('acme:auth', 'x'))),
      ),
      'asked 401 syncml:auth-md5',
    );
    assert.equal(
      summary(
        await world()
          .begin()
          .check(message(cred('syncml:auth-MAC', 'x'))),
      ),
      'asked 401 syncml:auth-md5',
    );
  });

  it('shows Basic over TLS without being asked for more, and over plain HTTP where a setting allows it', async () => {
    assert.equal(summary(await world().begin({ encrypted: true }).check(message(basicCred()))), 'proven 212');
    assert.equal(summary(await world().begin().check(message(basicCred()))), 'asked 401 syncml:auth-md5');
    const allowed = world(stored, { basic: true });
    assert.equal(summary(await allowed.begin().check(message(basicCred()))), 'proven 212');
    assert.equal(summary(await allowed.begin().check(message(basicCred('no')))), 'asked 401 syncml:auth-basic');
  });

  it('with a Cred without a type is taken for Basic', async () => {
    const given = cred(undefined, Buffer.from('alice:wonder').toString('base64'));
    assert.equal(summary(await world().begin({ encrypted: true }).check(message(given))), 'proven 212');
  });

  it('is asked for the scheme of its account, and for no other', async () => {
    const there = world({ ...stored, scheme: 'basic' });
    const session = there.begin({ encrypted: true });
    const asked = await session.check(message());
    assert.equal(summary(asked), 'asked 407 syncml:auth-basic');
    assert.equal(asked.challenge?.nextNonce, undefined);
    assert.equal(summary(await session.check(message(basicCred()))), 'proven 212');
    assert.equal(summary(await there.begin().check(message())), 'over 407', 'over plain HTTP there is no way');
    const only = world({ ...stored, scheme: 'hmac' }).begin();
    assert.equal(summary(await only.check(message(md5Cred('')))), 'asked 401 syncml:auth-MAC');
  });

  it('that answers a challenge with another scheme ends the session', async () => {
    const session = world().begin({ encrypted: true });
    await session.check(message());
    assert.equal(summary(await session.check(message(basicCred()))), 'over 401');
  });

  it('signs each message with a nonce of its own, once it has begun to (HMAC)', async () => {
    const there = world({ ...stored, scheme: 'hmac' });
    const session = there.begin();
    const asked = await session.check(message());
    assert.equal(summary(asked), 'asked 407 syncml:auth-MAC');
    const first = await session.check(message(undefined, hmacOf(nonceIn(asked))));
    assert.equal(summary(first), 'proven 200 syncml:auth-MAC');
    const second = await session.check(message(undefined, hmacOf(nonceIn(first))));
    assert.equal(summary(second), 'proven 200 syncml:auth-MAC');
    assert.equal(summary(await session.check(message(undefined, hmacOf(nonceIn(first))))), 'asked 401 syncml:auth-MAC');
    const fresh = there.begin();
    assert.equal(
      summary(await fresh.check(message(undefined, hmacOf(nonceIn(second))))),
      'proven 200 syncml:auth-MAC',
      'the nonce of the last message is that of the next session',
    );
    assert.equal(summary(await fresh.check(message())), 'asked 407 syncml:auth-MAC');
  });

  it('with an HMAC of other octets, or of another user, is not believed', async () => {
    const there = world({ ...stored, scheme: 'hmac' });
    const session = there.begin();
    const asked = await session.check(message());
    const forged = hmacOf(nonceIn(asked), Buffer.from('<SyncML>x</SyncML>'));
    const again = await session.check(message(undefined, forged));
    assert.equal(summary(again), 'asked 401 syncml:auth-MAC');
    const other = hmacOf(nonceIn(again)).replace('alice', 'bob');
    assert.equal(summary(await session.check(message(undefined, other))), 'over 401');
  });

  it('with credentials in every message gets a new nonce with each right one, and no harm from the others', async () => {
    const there = world();
    const session = there.begin();
    const asked = await session.check(message());
    const first = await session.check(message(md5Cred(nonceIn(asked))));
    assert.equal(summary(await session.check(message(md5Cred(nonceIn(asked))))), 'proven 212');
    const second = await session.check(message(md5Cred(nonceIn(first))));
    assert.equal(summary(second), 'proven 212 syncml:auth-md5');
    assert.equal(summary(await there.begin().check(message(md5Cred(nonceIn(second))))), 'proven 212 syncml:auth-md5');
  });

  it('is believed by its certificate; by that of another one only with its password', async () => {
    assert.equal(
      summary(
        await world()
          .begin({ certificateNames: ['1'], encrypted: true })
          .check(message()),
      ),
      'proven 212',
    );
    const open = world(stored, { authentication: 'none' });
    const other = open.begin({ certificateNames: ['2'], encrypted: true });
    assert.equal(summary(await other.check(message())), 'asked 407 syncml:auth-md5');
    assert.equal(summary(await open.begin().check(message())), 'proven 212');
  });

  it('without an account is asked like everybody where all are asked, and never believed', async () => {
    const there = world();
    const session = createAuthenticator({
      authentication: 'required',
      basic: false,
      credentials: { forDevice: async () => undefined },
      notes: there.notes,
      now: () => 0,
      log: silentLog,
    }).begin({ deviceId: 'x', address: 'y', encrypted: false, certificateNames: undefined });
    const asked = await session.check(message());
    assert.equal(summary(asked), 'asked 407 syncml:auth-md5');
    const wrong = await session.check(message(md5Cred(nonceIn(asked), '', 'x')));
    assert.equal(wrong.proven, false);
    assert.match(wrong.proven ? '' : wrong.why, /no credentials are stored/);
  });

  it('goes by its own name where none is stored, with and without the kind of the name', async () => {
    for (const user of ['IMEI:1', '1']) {
      const session = world({ secret: 'wonder' }).begin();
      const asked = await session.check(message());
      assert.equal((await session.check(message(md5Cred(nonceIn(asked), 'wonder', user)))).proven, true);
    }
  });

  it('may use the nonce of zero octets once, in the session that was called so, and in time', async () => {
    const called = (there: World): void =>
      void there.notes.all.set('nonces IMEI:1', {
        version: 1,
        value: { session: 0xa7, zeroUntil: 2_000, client: 'YWFh' },
      });
    const zero = message(md5Cred(Buffer.alloc(4)), undefined, '00a7');
    const there = world();
    called(there);
    const session = there.begin();
    assert.equal(summary(await session.check(zero)), 'proven 212 syncml:auth-md5');
    assert.equal(session.own().credential?.data, digest('gw.example.com', 'gwpass', Buffer.alloc(4)));
    assert.equal(summary(await there.begin().check(zero)), 'asked 401 syncml:auth-md5', 'a second time');

    const late = world();
    called(late);
    late.now = 2_000;
    assert.equal(summary(await late.begin().check(zero)), 'asked 401 syncml:auth-md5', 'too late');
    const other = world();
    called(other);
    assert.equal((await other.begin().check({ ...zero, header: { ...zero.header, sessionId: 'A8' } })).proven, false);
    assert.equal((await world().begin().check(zero)).proven, false, 'never called');
  });

  it('is not believed on a kept nonce when the store fails, and is on the one of a challenge', async () => {
    const there = world();
    const next = await firstSession(there);
    there.notes.beforeWrite = () => {
      throw new Error('the disk is full');
    };
    const session = there.begin();
    const asked = await session.check(message(md5Cred(next)));
    assert.equal(summary(asked), 'asked 401 syncml:auth-md5');
    assert.equal(summary(await session.check(message(md5Cred(nonceIn(asked))))), 'proven 212 syncml:auth-md5');
    assert.match(there.logged.join(), /could not be stored/);
  });

  it('is refused with a sentence when its account cannot be looked up', async () => {
    const there = world();
    there.notes.read = async () => {
      throw new Error('the store is gone');
    };
    assert.equal(summary(await there.begin().check(message())), 'over 401');
  });

  it('may send anything: nothing throws, and nobody is believed', async function () {
    this.timeout(20_000);
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.base64String(), fc.string());
    const type = fc.option(
      fc.oneof(fc.constantFrom('syncml:auth-md5', 'syncml:auth-basic', 'syncml:auth-MAC', ''), text),
      {
        nil: undefined,
      },
    );
    const anything = fc.record({
      credential: fc.option(
        fc.record({ data: text, meta: fc.record({ type, format: fc.option(text, { nil: undefined }) }) }),
        { nil: undefined },
      ),
      hmac: fc.option(
        fc.oneof(
          text,
          text.map((mac) => `username="alice", mac=${mac}`),
          text.map((name) => `username="${name}", mac=AAAA`),
        ),
        { nil: undefined },
      ),
      sessionId: text,
    });
    await fc.assert(
      fc.asyncProperty(anything, fc.boolean(), async ({ credential, hmac, sessionId }, encrypted) => {
        const session = world().begin({ encrypted });
        for (let attempt = 0; attempt < 4; attempt++) {
          const verdict = await session.check(message(credential, hmac, sessionId));
          assert.equal(verdict.proven, false);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('the gateway before a device', () => {
  const ask = (type: string, nonce?: string): Challenge => ({ type, format: 'b64', nextNonce: nonce });

  it('D1: shows MD5 with an empty nonce to a device that has told none, and its name', async () => {
    const session = world({ ...stored, server: { identifier: 'funambol', secret: 'srvpwd' } }).begin();
    await session.check(message());
    assert.deepEqual(session.own(), {
      credential: { meta: { format: 'b64', type: 'syncml:auth-md5' }, data: 'Lx7CSZp0iHRedCEbryGJuw==' },
      name: 'funambol',
    });
  });

  it('D1b: decodes the nonce of a challenge once, shows itself again, and no more once it is accepted', async () => {
    const session = world({ ...stored, server: { identifier: 'funambol', secret: 'srvpwd' } }).begin();
    await session.check(message());
    assert.equal(await session.told({ code: 401, challenge: ask('syncml:auth-md5', 'b3pxdkN6QThubm89') }), 'again');
    assert.equal(session.own().credential?.data, 'ifFmwcHAacTm1Yce/dXU6Q==');
    assert.equal(await session.told({ code: 212 }), 'accepted');
    assert.deepEqual(session.own(), {});
  });

  it('goes on showing itself after 200, with the nonce that came with it', async () => {
    const session = world().begin();
    await session.check(message());
    await session.told({ code: 200, challenge: ask('syncml:auth-md5', 'YWJj') });
    assert.equal(session.own().credential?.data, digest('gw.example.com', 'gwpass', 'abc'));
  });

  it('keeps the nonce that came with 212 for the next session', async () => {
    const there = world();
    const session = there.begin();
    await session.check(message());
    await session.told({ code: 212, challenge: ask('syncml:auth-md5', 'YWJj') });
    const next = there.begin();
    await next.check(message());
    assert.equal(next.own().credential?.data, digest('gw.example.com', 'gwpass', 'abc'));
  });

  it('signs its messages where the device asks for an HMAC, in this session and the next ones', async () => {
    const there = world();
    const session = there.begin();
    await session.check(message());
    assert.deepEqual(session.sign(octets), {});
    assert.equal(await session.told({ code: 407, challenge: ask('syncml:auth-MAC', 'YWJj') }), 'again');
    const mac = digest('gw.example.com', 'gwpass', 'abc', `:${md5(octets)}`);
    const expected = { 'x-syncml-hmac': `algorithm=MD5, username="gw.example.com", mac=${mac}` };
    assert.deepEqual(session.sign(octets), expected);
    assert.deepEqual(session.own(), {});
    await session.told({ code: 212 });
    assert.deepEqual(session.sign(octets), expected, '212 is not for an HMAC');
    const next = there.begin();
    await next.check(message());
    assert.deepEqual(next.sign(octets), expected);
  });

  it('tells its password where nobody else reads it, to a device that has proved itself', async () => {
    const there = world({ ...stored, scheme: 'basic' });
    const session = there.begin({ encrypted: true });
    await session.check(message());
    assert.deepEqual(session.own(), {});
    await session.check(message(basicCred()));
    assert.equal(session.own().credential?.data, Buffer.from('gw.example.com:gwpass').toString('base64'));
    const plain = world().begin();
    await plain.check(message());
    assert.equal(await plain.told({ code: 407, challenge: ask('syncml:auth-basic') }), 'refused');
  });

  it('gives up after three refusals, without a challenge that it can meet, and without an account', async () => {
    const there = world();
    const session = there.begin();
    await session.check(message());
    const told: string[] = [];
    for (let at = 0; at < 3; at++) {
      told.push(await session.told({ code: 401, challenge: ask('syncml:auth-md5', 'YWJj') }));
    }
    assert.deepEqual(told, ['again', 'again', 'refused']);
    assert.match(there.logged.join(), /does not take the credentials of the gateway/);
    for (const challenge of [undefined, ask('acme:auth', 'YWJj')]) {
      const other = world().begin();
      await other.check(message());
      assert.equal(await other.told({ code: 401, challenge }), 'refused');
    }
    const none = world({ secret: 'wonder' }).begin();
    await none.check(message());
    assert.equal(await none.told({ code: 407, challenge: ask('syncml:auth-md5', 'YWJj') }), 'refused');
    assert.deepEqual(none.own(), {});
  });

  it('takes any nonce of a device: too long ones are left, no base64 is taken as it is', async () => {
    const there = world();
    const session = there.begin();
    await session.check(message());
    await session.told({ code: 200, challenge: ask('syncml:auth-md5', 'not base64!') });
    assert.equal(session.own().credential?.data, digest('gw.example.com', 'gwpass', 'not base64!'));
    await session.told({ code: 200, challenge: ask('syncml:auth-md5', 'A'.repeat(4_000)) });
    assert.equal(session.own().credential?.data, digest('gw.example.com', 'gwpass', 'not base64!'));
  });
});
