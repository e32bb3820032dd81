/** The artifact listener as a device sees it: real HTTP, real files, operations that begin and end when the test says so. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createDownloads } from '../../src/admin/downloads.ts';
import { createArtifacts, type Artifacts } from '../../src/artifacts/artifacts.ts';
import { createGrants } from '../../src/artifacts/grants.ts';
import { listenHttp, type HttpListener } from '../../src/listeners.ts';
import type { Artifact, ManagedDevice } from '../../src/management/adapter.ts';
import type { Store } from '../../src/store/store.ts';
import { ManualClock } from '../../src/support/clock.ts';
import { silentLog } from '../../src/support/log.ts';
import type { Metrics } from '../../src/support/metrics.ts';
import { eventually } from '../support/eventually.ts';
import { makeTemporaryDirectory, openTemporaryStore } from '../support/store.ts';

const device: ManagedDevice = {
  id: 'd',
  technology: 'cwmp',
  identity: 'urn:1',
  lane: 'd',
  presence: { state: 'reachable', lastSeen: 0 },
  inventory: { objects: [] },
  facts: null,
};

interface Credentials {
  username: string;
  password: string;
}

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
const basic = ({ username, password }: Credentials): string => `Basic ${btoa(`${username}:${password}`)}`;

/** As a CPE would write it, after the challenge that it has got. */
function digest(
  challenge: string,
  { username, password }: Credentials,
  request: { method: string; uri: string; nc: number },
): string {
  const { method, uri } = request;
  const [realm, nonce] = ['realm', 'nonce'].map((name) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1]);
  const nc = request.nc.toString(16).padStart(8, '0');
  const secret = md5(`${username}:${realm}:${password}`);
  const response = md5(`${secret}:${nonce}:${nc}:c0ffee:auth:${md5(`${method}:${uri}`)}`);
  return `Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${uri}", qop=auth, nc=${nc}, cnonce="c0ffee", response="${response}"`;
}

describe('the artifact listener', () => {
  const octets = randomBytes(10_000);
  const secret = randomBytes(32);
  const underWay = new Set<string>();
  const clock = new ManualClock();
  let directory: Awaited<ReturnType<typeof makeTemporaryDirectory>>;
  let store: Store;
  let listener: HttpListener;
  let base: string;
  let artifacts: Artifacts;
  let artifact: Artifact;
  let other: Artifact;
  let results: string[] = [];

  async function open(anonymous: boolean): Promise<void> {
    artifacts = createArtifacts({
      directory: join(directory.path, 'artifacts'),
      store,
      publicUrl: () => base,
      coapUrl: undefined,
      grants: createGrants(secret, (operation) => underWay.has(operation)),
      anonymous,
      clock,
      log: silentLog,
      maximumBytes: 1_000_000,
      fetchTimeout: 1000,
    });
    const metrics: Metrics = {
      count: (name, labels) => {
        if (name === 'trivet_downloads_total') results.push(String(labels?.['result']));
      },
      observe() {},
      gauge() {},
    };
    const handler = createDownloads(artifacts, metrics, silentLog);
    listener = await listenHttp(handler, { name: 'artifact', host: '127.0.0.1', port: 0 });
    base = `http://127.0.0.1:${listener.port}`;
  }
  /** Downloads are counted when they are over, which a test may be before. */
  const refusals = (): string[] => results.filter((result) => result !== 'served' && result !== 'interrupted');
  const close = (): Promise<void> => listener.close(new Date());

  before(async () => {
    directory = await makeTemporaryDirectory();
    store = await openTemporaryStore();
    await open(true);
    artifact = await artifacts.upload('image.bin', 'application/x-image', Readable.from([octets]));
    other = await artifacts.upload('other.bin', 'application/x-image', Readable.from([randomBytes(10)]));
  });
  after(async () => {
    await close();
    await store.close();
    await directory.remove();
  });
  beforeEach(() => {
    results = [];
    underWay.clear();
    underWay.add('run-1').add('run-2');
  });

  async function granted(operation = 'run-1', of = artifact): Promise<Credentials & { url: string }> {
    const request = { scheme: 'http', operation, takesCredentials: true } as const;
    const { url, username = '', password = '' } = (await artifacts.linkFor(device, of, request))!;
    return { url, username, password };
  }

  function ask(url: string, authorization?: string, options: RequestInit = {}): Promise<Response> {
    return fetch(url, { ...options, headers: { ...options.headers, ...(authorization ? { authorization } : {}) } });
  }

  async function expectRefused(response: Response, sentence: RegExp): Promise<void> {
    assert.equal(response.status, 401);
    const challenges = response.headers.get('www-authenticate') ?? '';
    assert.match(challenges, /^Digest realm="[^"]+", qop="auth", nonce="[^"]+".*, Basic realm="[^"]+"$/);
    const { error } = (await response.json()) as { error: string };
    assert.match(error, sentence);
  }

  describe('at /transfers', () => {
    it('gives the image to who has the credentials of an operation that goes on', async () => {
      const grant = await granted();
      const response = await ask(grant.url, basic(grant));
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-type'), 'application/x-image');
      assert.deepEqual(Buffer.from(await response.arrayBuffer()), octets);
      await eventually('it is counted', () => results.includes('served'));
    });

    it('asks for credentials by Digest and Basic where there are none', async () => {
      const { url } = await granted();
      await expectRefused(await ask(url), /user name and password/);
      assert.deepEqual(refusals(), ['unauthorized']);
    });

    it('refuses wrong passwords, the credentials of another operation and those of another image', async () => {
      const [mine, another, elsewhere] = [await granted(), await granted('run-2'), await granted('run-1', other)];
      for (const wrong of [
        { ...mine, password: `${mine.password.slice(0, -1)}~` },
        { ...mine, password: '' },
        { ...mine, username: '' },
        { ...mine, password: another.password },
        elsewhere,
      ])
        await expectRefused(await ask(mine.url, basic(wrong)), /user name/);
      // Each is good for what it was made for.
      assert.equal((await ask(mine.url, basic(another))).status, 200);
      assert.equal((await ask(elsewhere.url, basic(elsewhere))).status, 200);
    });

    it('says the same of an image that is not there, for it looks for none before the credentials are right', async () => {
      const mine = await granted();
      const absent = `${base}/transfers/${'0'.repeat(32)}/image.bin`;
      const [there, gone] = [await ask(mine.url, 'Basic Og=='), await ask(absent, 'Basic Og==')];
      assert.deepEqual(await gone.json(), await there.json());
      await expectRefused(await ask(absent, basic(mine)), /password/);
    });

    it('says 404 of an image that was removed while its operation goes on', async () => {
      const gone = await artifacts.upload('gone.bin', 'x/y', Readable.from([randomBytes(5)]));
      const grant = await granted('run-1', gone);
      await artifacts.remove(gone.id);
      assert.equal((await ask(grant.url, basic(grant))).status, 404);
      assert.deepEqual(refusals(), ['not-found']);
    });

    it('gives ranges and headers alone', async () => {
      const grant = await granted();
      const part = await ask(grant.url, basic(grant), { headers: { range: 'bytes=100-199' } });
      assert.equal(part.status, 206);
      assert.equal(part.headers.get('content-range'), 'bytes 100-199/10000');
      assert.deepEqual(Buffer.from(await part.arrayBuffer()), octets.subarray(100, 200));
      const head = await ask(grant.url, basic(grant), { method: 'HEAD' });
      assert.deepEqual([head.status, head.headers.get('content-length')], [200, '10000']);
      assert.equal((await ask(grant.url, undefined, { method: 'HEAD' })).status, 401);
      const beyond = await ask(grant.url, basic(grant), { headers: { range: 'bytes=10000-' } });
      assert.equal(beyond.status, 416);
      assert.equal((await ask(grant.url, undefined, { headers: { range: 'bytes=0-1' } })).status, 401);
    });

    it('takes Digest, with one nonce for many requests and over a restart, and calls an old nonce stale', async () => {
      const grant = await granted();
      const challenge = (await ask(grant.url)).headers.get('www-authenticate')!;
      const uri = new URL(grant.url).pathname;
      const get = (nc: number, method = 'GET', of: Credentials = grant): Promise<Response> =>
        ask(`${base}${uri}`, digest(challenge, of, { method, uri, nc }), { method });
      assert.equal((await get(1)).status, 200);
      assert.equal((await get(2)).status, 200);
      assert.equal((await get(3, 'HEAD')).status, 200);
      await expectRefused(await get(4, 'GET', { ...grant, password: 'x'.repeat(24) }), /password is wrong/);
      await close();
      await open(true);
      assert.equal((await get(5)).status, 200);
      clock.advance(300_001);
      const stale = await get(6);
      assert.match(stale.headers.get('www-authenticate')!, /stale=true/);
      await expectRefused(stale, /nonce is too old/);
    });

    it('refuses right credentials once the operation has ended, and says so', async () => {
      const grant = await granted();
      underWay.delete('run-1');
      await expectRefused(await ask(grant.url, basic(grant)), /run-1 has ended/);
      assert.deepEqual(refusals(), ['ended']);
      // Nobody else is told.
      await expectRefused(await ask(grant.url, basic({ ...grant, password: 'x' })), /wrong/);
    });

    it('lets a download that is under way come to its end', async () => {
      const large = randomBytes(900_000);
      const grant = await granted('run-1', await artifacts.upload('large.bin', 'x/y', Readable.from([large])));
      const response = await ask(grant.url, basic(grant));
      underWay.delete('run-1');
      assert.equal(response.status, 200);
      assert.deepEqual(Buffer.from(await response.arrayBuffer()), large);
    });

    it('gives the image at an address that ends in the password, until the operation has ended', async () => {
      const { username, password } = await granted();
      const at = (end: string): Promise<Response> => ask(`${base}/transfers/${artifact.id}/${end}`);
      assert.equal((await at(`${username}/${password}`)).status, 200);
      await expectRefused(await at(`run-2/${password}`), /address/);
      await expectRefused(await at(`${username}/${'x'.repeat(24)}`), /address/);
      underWay.delete('run-1');
      await expectRefused(await at(`${username}/${password}`), /has ended/);
    });

    it('does not mind nonsense', async () => {
      const { url } = await granted();
      for (const authorization of [
        'Basic',
        'Basic !',
        'Digest username=',
        'Bearer x',
        basic({ username: 'x'.repeat(5000), password: '' }),
      ])
        assert.equal((await ask(url, authorization)).status, 401, authorization);
      for (const path of ['/', '/transfers/a/b/c/d', '/artifacts', '/elsewhere', '/%2e%2e/etc/passwd'])
        assert.equal((await ask(`${base}${path}`)).status, 404, path);
      assert.equal((await ask(`${base}/transfers/%`)).status, 400);
      assert.equal((await ask(url, undefined, { method: 'PUT', body: 'x' })).status, 404);
    });
  });

  describe('at /artifacts', () => {
    it('gives every image to everybody', async () => {
      const response = await ask(artifacts.urlOf(artifact));
      assert.equal(response.status, 200);
      assert.deepEqual(Buffer.from(await response.arrayBuffer()), octets);
      assert.equal((await ask(`${base}/artifacts/${'0'.repeat(32)}/x`)).status, 404);
    });

    it('gives none to strangers when artifact.anonymous is false', async () => {
      await close();
      await open(false);
      try {
        await expectRefused(await ask(artifacts.urlOf(artifact)), /artifact\.anonymous/);
        await expectRefused(await ask(`${base}/artifacts/${'0'.repeat(32)}/x`), /artifact\.anonymous/);
        assert.equal((await ask(artifacts.urlOf(artifact), basic(await granted()))).status, 200);
      } finally {
        await close();
        await open(true);
      }
    });
  });
});
