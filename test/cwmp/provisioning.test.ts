import assert from 'node:assert/strict';
import { all, fault, listenForRequests, response } from './small-cpe.ts';
import { startSmallLeg, type SmallLeg } from './small-leg.ts';

const server = 'Device.ManagementServer.';

describe('the settings that a CPE is given', () => {
  let leg: SmallLeg;
  const listeners: { close(): void }[] = [];

  afterEach(async () => {
    for (const listener of listeners.splice(0)) listener.close();
    await leg.stop();
  });

  const writes = (): string[][] =>
    leg.cpe.asked
      .filter(({ method }) => method === 'SetParameterValues')
      .map(({ body }) => all(body, 'Name').map((name) => name.slice(server.length)));

  /** A session; what was written in it. */
  async function writtenIn(...events: string[]): Promise<string[][]> {
    leg.cpe.asked = [];
    await leg.cpe.session({ events });
    return writes();
  }

  for (const code of [9001, 9002, 9003, 9004, 9007]) {
    it(`credentials that were refused with ${code} are given again in the next session, until they are taken`, async () => {
      leg = await startSmallLeg();
      leg.cpe.handlers.set('SetParameterValues', () => fault(code));
      await writtenIn('0 BOOTSTRAP');
      assert.ok((await writtenIn('2 PERIODIC')).length > 0);
      leg.cpe.handlers.clear();
      await writtenIn('2 PERIODIC');
      assert.match(leg.cpe.tree.get(`${server}ConnectionRequestUsername`) ?? '', /^trivet-/);
      assert.deepEqual(await writtenIn('2 PERIODIC'), []);
    });
  }

  it('a CPE that was too busy to be given its credentials can be called after its next session', async () => {
    leg = await startSmallLeg();
    let authorization: string | undefined;
    const listener = await listenForRequests(
      [{ status: 401, headers: { 'WWW-Authenticate': 'Digest realm="r", nonce="n", qop="auth"' } }, { status: 200 }],
      (given) => (authorization = given),
    );
    listeners.push(listener);
    leg.cpe.handlers.set('SetParameterValues', () => fault(9002));
    await leg.cpe.session({
      events: ['0 BOOTSTRAP'],
      parameters: { [`${server}ConnectionRequestURL`]: listener.url },
    });
    leg.cpe.handlers.clear();
    await leg.cpe.session({ events: ['2 PERIODIC'] });
    assert.equal((await leg.adapter.wake(leg.device())).state, 'asked');
    const username = leg.cpe.tree.get(`${server}ConnectionRequestUsername`);
    assert.ok(authorization?.includes(`username="${username}"`), authorization);
  });

  for (const code of [9005, 9008]) {
    it(`credentials that were refused with ${code} are not given again before the next bootstrap`, async () => {
      leg = await startSmallLeg();
      const password = `${server}ConnectionRequestPassword`;
      const own = (body: string): string =>
        all(body, 'Name').includes(password)
          ? fault(9003, [[password, code]])
          : response('SetParameterValues', '<Status>0</Status>');
      leg.cpe.handlers.set('SetParameterValues', own);
      assert.ok((await writtenIn('0 BOOTSTRAP')).length > 0);
      assert.deepEqual(await writtenIn('1 BOOT'), []);
      assert.ok((await writtenIn('0 BOOTSTRAP')).length > 0);
    });
  }

  it('a CPE that refuses its credentials when it is called gets them again in its next session', async () => {
    leg = await startSmallLeg();
    const challenge = { status: 401, headers: { 'WWW-Authenticate': 'Digest realm="r", nonce="n", qop="auth"' } };
    const listener = await listenForRequests([challenge, challenge, challenge, { status: 200 }]);
    listeners.push(listener);
    await leg.cpe.session({
      events: ['0 BOOTSTRAP'],
      parameters: { [`${server}ConnectionRequestURL`]: listener.url },
    });
    const told = leg.cpe.tree.get(`${server}ConnectionRequestPassword`);
    leg.cpe.tree.set(`${server}ConnectionRequestPassword`, 'lost');
    assert.equal((await leg.adapter.wake(leg.device())).state, 'waiting');
    await writtenIn('2 PERIODIC');
    assert.equal(leg.cpe.tree.get(`${server}ConnectionRequestPassword`), told);
    assert.deepEqual(await writtenIn('2 PERIODIC'), []);
    assert.equal((await leg.adapter.wake(leg.device())).state, 'asked');
  });

  it('what the CPE took is not written again with the credentials that it did not', async () => {
    leg = await startSmallLeg();
    const isCredential = (name: string): boolean => name.includes('ConnectionRequest');
    leg.cpe.handlers.set('SetParameterValues', (body) =>
      all(body, 'Name').some(isCredential) ? fault(9007) : response('SetParameterValues', '<Status>0</Status>'),
    );
    await writtenIn('0 BOOTSTRAP');
    assert.deepEqual(await writtenIn('2 PERIODIC'), [['ConnectionRequestUsername', 'ConnectionRequestPassword']]);
  });
});
