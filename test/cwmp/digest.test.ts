import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { parseChallenges } from '../../src/support/authorization-header.ts';
import {
  authorize,
  createAuthenticator,
  isStale,
  type AuthenticatorOptions,
} from '../../src/support/http-authentication.ts';
import { ManualClock } from '../../src/support/clock.ts';

const credentials = { username: '00D09E-IGD-1', password: 'öffne "dich"' };
const request = { method: 'POST', uri: '/acs', body: 'body' };

function setUp(change: Partial<AuthenticatorOptions> = {}) {
  const clock = new ManualClock();
  const authenticator = createAuthenticator({ realm: 'trivet', clock, nonceLifetime: 300_000, basic: true, ...change });
  const served = (authorization: string | undefined) => ({
    method: 'POST',
    authorization,
    body: Buffer.from(request.body),
  });
  const verify = (authorization: string | undefined) => authenticator.verify(served(authorization), credentials);
  const answer = (): string => authorize(authenticator.challenge(false), credentials, request) ?? '';
  return { clock, authenticator, verify, answer };
}

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

describe('CWMP authentication of CPEs', () => {
  it('takes the answer to its own challenge, and tells the user name in it', () => {
    const { authenticator, verify, answer } = setUp();
    const header = answer();
    assert.deepEqual(verify(header), { ok: true });
    assert.equal(authenticator.claimed(header), credentials.username);
  });

  it('refuses no credentials, a wrong password and another name, each with its reason', () => {
    const { authenticator, verify } = setUp();
    const why = (header: string | undefined): string => {
      const verdict = verify(header);
      assert.ok(!verdict.ok && !verdict.stale);
      return verdict.why;
    };
    const challenge = authenticator.challenge(false);
    assert.match(why(undefined), /no credentials/);
    assert.match(why(authorize(challenge, { ...credentials, password: 'x' }, request)), /password/);
    assert.match(why(authorize(challenge, { ...credentials, username: 'x' }, request)), /user name/);
    assert.match(why('Negotiate abc'), /scheme/);
    for (const junk of [
      'Digest',
      'Digest ,,=,"',
      'Basic',
      'Basic !!!',
      '=',
      ' '.repeat(9000),
      `Digest ${'a='.repeat(3000)}`,
    ])
      why(junk);
  });

  it('calls a nonce stale that is too old, also after a restart with the same key', () => {
    const key = Buffer.alloc(32, 7);
    const { clock, verify, answer } = setUp({ key });
    const header = answer();
    assert.deepEqual(setUp({ key }).verify(header), { ok: true });
    clock.advance(300_001);
    const verdict = verify(header);
    assert.ok(!verdict.ok && verdict.stale);
  });

  it('calls a nonce of another life stale when the password is right, so that the device asks for a new one', () => {
    const { verify } = setUp();
    const foreign = setUp();
    const right = verify(foreign.answer());
    assert.ok(!right.ok && right.stale && /not one of ours/.test(right.why));
    const wrong = verify(authorize(foreign.authenticator.challenge(false), { ...credentials, password: 'x' }, request));
    assert.ok(!wrong.ok && !wrong.stale && /password/.test(wrong.why));
  });

  it('quirk 34: nonce on another connection, nc that does not count, absolute URI, no qop, upper-case hex, quoted qop, realm in another case', () => {
    const { authenticator, verify, answer } = setUp();
    const header = answer();
    for (let repeated = 0; repeated < 3; repeated++) assert.deepEqual(verify(header), { ok: true });
    const hex = /response="([^"]+)"/.exec(header)![1]!;
    assert.deepEqual(verify(header.replace(hex, hex.toUpperCase())), { ok: true });
    assert.deepEqual(verify(header.replace('qop=auth', 'qop="auth"')), { ok: true });

    const [challenge] = parseChallenges(authenticator.challenge(false)[0]);
    const nonce = challenge!.parameters.get('nonce')!;
    const { username, password } = credentials;
    const plain = (realm: string, uri: string): string => {
      const response = md5(`${md5(`${username}:${realm}:${password}`)}:${nonce}:${md5(`POST:${uri}`)}`);
      return `Digest username=${username}, realm="${realm}",nonce="${nonce}" , uri="${uri}",response=${response}`;
    };
    assert.deepEqual(verify(plain('trivet', 'http://acs.example:7547/')), { ok: true });
    assert.deepEqual(verify(plain('TRIVET', '/')), { ok: true });
  });

  it('quirk 35: Basic without a challenge is taken where it is allowed', () => {
    const header = basic(`${credentials.username}:${credentials.password}`);
    assert.deepEqual(setUp().verify(header), { ok: true });
    assert.equal(setUp().authenticator.claimed(header), credentials.username);
    assert.equal(setUp({ basic: false }).verify(header).ok, false);
    assert.deepEqual(
      setUp({ basic: false })
        .authenticator.challenge(false)
        .map((challenge) => challenge.split(' ')[0]),
      ['Digest'],
    );
  });

  it('takes auth-int only when the body is the one that was signed', () => {
    const { authenticator, verify } = setUp();
    const challenge = authenticator.challenge(false).map((one) => one.replace('qop="auth"', 'qop="auth-int"'));
    assert.deepEqual(verify(authorize(challenge, credentials, request)), { ok: true });
    assert.equal(verify(authorize(challenge, credentials, { ...request, body: 'another' })).ok, false);
  });
});

describe('CWMP authentication towards CPEs', () => {
  it('gives the response of the example of RFC 2617', () => {
    const challenge =
      'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"';
    const header = authorize(
      [challenge],
      { username: 'Mufasa', password: 'Circle Of Life' },
      { method: 'GET', uri: '/dir/index.html', body: '' },
      '0a4f113b',
    );
    assert.match(header ?? '', /response="6629fae49393a05397450978507c4ef1"/);
    assert.match(header ?? '', /opaque="5ccc069c403ebaf9f0171e9517f40e41"/);
  });

  it('meets challenges with and without qop, MD5-sess and SHA-256, and takes Basic when there is nothing else', () => {
    const answer = (...headers: string[]): string => authorize(headers, credentials, request, 'c') ?? '';
    const { username, password } = credentials;
    const session = md5(`${md5(`${username}:r:${password}`)}:n:c`);
    assert.match(
      answer('Digest realm="r", nonce="n"'),
      new RegExp(md5(`${md5(`${username}:r:${password}`)}:n:${md5('POST:/acs')}`)),
    );
    assert.match(
      answer('Digest realm="r", nonce="n", algorithm=MD5-sess'),
      new RegExp(md5(`${session}:n:${md5('POST:/acs')}`)),
    );
    assert.match(
      answer('Digest realm=r,nonce=n,qop=auth-int'),
      new RegExp(md5(`${md5(`${username}:r:${password}`)}:n:00000001:c:auth-int:${md5(`POST:/acs:${md5('body')}`)}`)),
    );
    assert.match(answer('Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth"'), /response="[0-9a-f]{64}"/);
    assert.equal(answer('Basic realm="r"'), basic(`${username}:${password}`));
    assert.match(answer('Basic realm="r", Digest realm="r", nonce="n"'), /^Digest /);
    assert.match(answer('Basic realm="r"', 'Digest realm="r", nonce="n", algorithm=X'), /^Basic /);
    assert.equal(answer('Digest realm="r", nonce="n", qop="token"'), '');
    assert.equal(answer('Negotiate'), '');
    assert.equal(isStale(['Digest realm="r", nonce="n", stale=TRUE']), true);
    assert.equal(isStale(['Digest realm="r", nonce="n"']), false);
  });
});
