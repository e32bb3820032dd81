import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { createArtifacts } from '../../src/artifacts/artifacts.ts';
import type { Artifacts, ArtifactsOptions } from '../../src/artifacts/artifacts.ts';
import { createGrants } from '../../src/artifacts/grants.ts';
import { ArtifactFailure } from '../../src/artifacts/failure.ts';
import type { Artifact, ManagedDevice } from '../../src/management/adapter.ts';
import type { Store } from '../../src/store/store.ts';
import { systemClock } from '../../src/support/clock.ts';
import { silentLog } from '../../src/support/log.ts';
import { makeTemporaryDirectory, openTemporaryStore } from '../support/store.ts';

const device: ManagedDevice = {
  id: 'd',
  technology: 'lwm2m',
  identity: 'urn:1',
  lane: 'd',
  presence: { state: 'reachable', lastSeen: 0 },
  inventory: { objects: [] },
  facts: null,
};

describe('artifacts', () => {
  let directory: Awaited<ReturnType<typeof makeTemporaryDirectory>>;
  let store: Store;
  let artifacts: Artifacts;
  const servers: (() => Promise<void>)[] = [];

  const create = (options: Partial<ArtifactsOptions> = {}): Artifacts =>
    createArtifacts({
      directory: join(directory.path, 'artifacts'),
      store,
      publicUrl: 'http://gateway.example:8085/',
      coapUrl: 'coap://gateway.example:5683',
      grants: createGrants(Buffer.alloc(32, 1), () => true),
      anonymous: true,
      clock: systemClock,
      log: silentLog,
      maximumBytes: 1_000_000,
      fetchTimeout: 2000,
      ...options,
    });

  beforeEach(async () => {
    directory = await makeTemporaryDirectory();
    store = await openTemporaryStore();
    artifacts = create();
  });
  afterEach(async () => {
    for (const stop of servers.splice(0)) await stop();
    await store.close();
    await directory.remove();
  });

  const upload = (octets: Uint8Array, name = 'image.bin', expected?: string): Promise<Artifact> =>
    artifacts.upload(name, 'application/octet-stream', Readable.from(pieces(octets)), expected);
  /** Of the address for a device that cannot be told credentials. */
  const addressOf = async (artifact: Artifact, scheme: 'http' | 'coap'): Promise<string | undefined> =>
    (await artifacts.linkFor(device, artifact, { scheme, operation: 'run-1', takesCredentials: false }))?.url;
  const files = async (): Promise<string[]> => readdir(join(directory.path, 'artifacts'));
  const serve = async (listener: RequestListener): Promise<string> => {
    const server = createServer(listener);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    return `http://127.0.0.1:${portOf(server.address())}`;
  };

  describe('upload', () => {
    it('stores the octets, and says their digest and size', async () => {
      const octets = randomBytes(200_000);
      const sha256 = digest(octets);
      const artifact = await upload(octets, 'image.bin', sha256.toUpperCase());
      assert.deepEqual(artifact, {
        id: sha256.slice(0, 32),
        name: 'image.bin',
        size: 200_000,
        sha256,
        contentType: 'application/octet-stream',
      });
      assert.deepEqual(await artifacts.byId(artifact.id), artifact);
      assert.deepEqual(await artifacts.list(), [artifact]);
      assert.deepEqual(await buffer(await artifacts.open(artifact.id)), octets);
    });

    it('takes identical content as the same artifact, also when it comes twice at the same moment', async () => {
      const octets = randomBytes(50_000);
      const stored = await Promise.all([upload(octets, 'a.bin'), upload(octets, 'b.bin'), upload(octets, 'c.bin')]);
      assert.equal(new Set(stored.map(({ id, name }) => `${id} ${name}`)).size, 1);
      assert.equal((await artifacts.list()).length, 1);
      assert.equal((await files()).length, 1);
    });

    it('brings back a file that was lost while its row was kept', async () => {
      const octets = randomBytes(1000);
      const { id } = await upload(octets);
      await rm(join(directory.path, 'artifacts', id));
      await assert.rejects(artifacts.open(id), isFailure('not-found', 404));
      await upload(octets);
      assert.deepEqual(await buffer(await artifacts.open(id)), octets);
    });

    it('refuses what is too large, empty, or of another digest, and leaves nothing behind', async () => {
      await assert.rejects(upload(Buffer.alloc(1_000_001)), isFailure('too-large', 413));
      await assert.rejects(upload(Buffer.alloc(0)), isFailure('empty', 400));
      await assert.rejects(upload(randomBytes(10), 'x', '0'.repeat(64)), isFailure('digest-mismatch', 422));
      assert.deepEqual(await files(), []);
      assert.deepEqual(await artifacts.list(), []);
    });

    it('takes exactly the largest size', async () => {
      assert.equal((await upload(Buffer.alloc(1_000_000))).size, 1_000_000);
    });

    it('leaves nothing behind when the sender breaks off or falls silent', async () => {
      artifacts = create({ idleTimeout: 50 });
      const broken = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.alloc(100);
        throw new Error('connection reset');
      };
      await assert.rejects(artifacts.upload('x', 'y', broken()), isFailure('interrupted', 400));
      const silent = new Readable({ read() {} });
      silent.push(Buffer.alloc(100));
      await assert.rejects(artifacts.upload('x', 'y', silent), isFailure('timeout', 504));
      assert.deepEqual(await files(), []);
    });

    it('leaves the connection open, so that the sender of too much hears why', async () => {
      const url = await serve((request, response) => {
        artifacts.upload('x', 'y', request).then(
          () => response.end(),
          (error: ArtifactFailure) => response.writeHead(error.status).end(error.message),
        );
      });
      const response = await fetch(url, { method: 'POST', body: Buffer.alloc(3_000_000) });
      assert.equal(response.status, 413);
      assert.match(await response.text(), /artifact\.maximumBytes/);
    });

    it('sweeps what an earlier process left half, but not what another one is at', async () => {
      await files();
      const place = join(directory.path, 'artifacts');
      await writeFile(join(place, 'old.partial'), 'x');
      await utimes(join(place, 'old.partial'), 1, 1);
      await writeFile(join(place, 'new.partial'), 'x');
      create();
      assert.deepEqual(await files(), ['new.partial']);
    });
  });

  describe('reading', () => {
    it('gives any piece of any artifact, fewer octets at the end', async () => {
      const octets = randomBytes(200_000);
      const artifact = await upload(octets);
      const piece = fc.tuple(fc.integer({ min: 0, max: 210_000 }), fc.integer({ min: 0, max: 140_000 }));
      const corners: [number, number][] = [
        [65_535, 2],
        [65_536, 1],
        [0, 65_536],
        [131_071, 1],
        [199_999, 10],
        [200_000, 1],
        [0, 200_001],
      ];
      await fc.assert(
        fc.asyncProperty(piece, async ([offset, length]) => {
          const read = await artifacts.read(artifact, offset, length);
          assert.ok(octets.subarray(offset, offset + length).equals(read), `${offset} + ${length}`);
        }),
        { numRuns: 100, examples: corners.map((corner) => [corner]) },
      );
    });

    it('gives every block of many downloads side by side', async () => {
      const octets = randomBytes(150_000);
      const artifact = await upload(octets);
      const download = async (): Promise<Buffer> => {
        const blocks: Uint8Array[] = [];
        for (let offset = 0; ; offset += 1024) {
          const block = await artifacts.read(artifact, offset, 1024);
          if (block.length > 0) blocks.push(block);
          if (block.length < 1024) return Buffer.concat(blocks);
        }
      };
      for (const whole of await Promise.all(Array.from({ length: 20 }, download))) assert.ok(whole.equals(octets));
    });

    it('opens a range with both ends included, as HTTP counts', async () => {
      const { id } = await upload(Buffer.from('0123456789'));
      assert.equal(String(await buffer(await artifacts.open(id, { start: 2, end: 4 }))), '234');
    });

    it('refuses what is not there and what cannot be', async () => {
      const artifact = await upload(randomBytes(10));
      await assert.rejects(artifacts.open('../../etc/passwd'), isFailure('not-found', 404));
      await assert.rejects(artifacts.read({ ...artifact, id: '../x' }, 0, 1), isFailure('not-found', 404));
      await assert.rejects(artifacts.read(artifact, -1, 1), RangeError);
      assert.equal(await artifacts.byId('../x'), undefined);
      assert.equal(await artifacts.byId('0'.repeat(32)), undefined);
    });
  });

  describe('removal', () => {
    it('takes row, file and cached octets away', async () => {
      const artifact = await upload(randomBytes(1000));
      await artifacts.read(artifact, 0, 100);
      assert.equal(await artifacts.remove(artifact.id), true);
      assert.equal(await artifacts.byId(artifact.id), undefined);
      assert.deepEqual(await files(), []);
      await assert.rejects(artifacts.read(artifact, 0, 100), isFailure('not-found', 404));
      assert.equal(await artifacts.remove(artifact.id), false);
    });

    it('lets a download under way go on to its end', async () => {
      const octets = randomBytes(500_000);
      const { id } = await upload(octets);
      const stream = await artifacts.open(id);
      await artifacts.remove(id);
      assert.deepEqual(await buffer(stream), octets);
    });

    it('comes before or after an upload of the same content, never in its middle', async () => {
      const reached = signal();
      const gate = signal();
      artifacts = create({
        store: {
          ...store,
          async commit(commit) {
            if (commit.delete) {
              reached.give();
              await gate.given;
            }
            return store.commit(commit);
          },
        },
      });
      const octets = randomBytes(1000);
      const { id } = await upload(octets);
      const removal = artifacts.remove(id);
      await reached.given;
      const again = upload(octets);
      await Promise.race([again, delay(50)]);
      gate.give();
      assert.equal(await removal, true);
      await again;
      assert.deepEqual(await buffer(await artifacts.open(id)), octets);
    });
  });

  describe('addresses', () => {
    it('are made for http and coap, and lead back to the artifact', async () => {
      const artifact = await upload(randomBytes(10), 'image.bin');
      const http = `http://gateway.example:8085/artifacts/${artifact.id}/image.bin`;
      const coap = `coap://gateway.example:5683/artifacts/${artifact.id}`;
      assert.equal(artifacts.urlOf(artifact), http);
      assert.equal(await addressOf(artifact, 'http'), http);
      assert.equal(await addressOf(artifact, 'coap'), coap);
      for (const url of [http, coap, `${http}?x=1`]) assert.deepEqual(await artifacts.byUrl(url), artifact);
      for (const url of ['http://elsewhere/artifacts/x', `http://elsewhere/artifacts/${artifact.id}`, 'junk', '']) {
        assert.equal(await artifacts.byUrl(url), undefined);
      }
    });

    it('come with credentials where a device can be told some, the same for every operation but for these', async () => {
      const artifact = await upload(randomBytes(10), 'image.bin');
      const linkFor = (operation: string) =>
        artifacts.linkFor(device, artifact, { scheme: 'http', operation, takesCredentials: true });
      const [one, again, other] = [await linkFor('run-1'), await linkFor('run-1'), await linkFor('run-2')];
      assert.equal(one?.url, `http://gateway.example:8085/transfers/${artifact.id}/image.bin`);
      assert.equal(one.username, 'run-1');
      assert.deepEqual(again, one);
      assert.equal(other?.url, one.url);
      assert.notEqual(other.password, one.password);
      assert.deepEqual(await artifacts.byUrl(one.url), artifact);
    });

    it('end in a password where images are not for everybody and a device can be told nothing else', async () => {
      artifacts = create({ anonymous: false });
      const artifact = await upload(randomBytes(10), `${'long'.repeat(32)}`);
      for (const scheme of ['http', 'coap'] as const) {
        const url = (await addressOf(artifact, scheme)) ?? '';
        assert.match(url, new RegExp(`^${scheme}://[^/]+/transfers/${artifact.id}/run-1/[\\w-]{24}$`));
        assert.deepEqual(await artifacts.byUrl(url), artifact);
      }
    });

    it('may be known only after the listeners are open', async () => {
      let port = 0;
      artifacts = create({ publicUrl: () => `http://127.0.0.1:${port}`, coapUrl: undefined });
      const artifact = await upload(randomBytes(10), 'a');
      port = 4711;
      assert.equal(artifacts.urlOf(artifact), `http://127.0.0.1:4711/artifacts/${artifact.id}/a`);
      assert.equal(await addressOf(artifact, 'coap'), undefined);
    });
  });

  describe('fetching a foreign URL', () => {
    it('stores what it finds behind redirects, named by the path', async () => {
      const octets = randomBytes(100_000);
      const url = await serve((request, response) => {
        if (request.url === '/start') response.writeHead(302, { location: '/images/fw%201.bin?key=1' }).end();
        else response.writeHead(200, { 'content-type': 'application/x-image' }).end(octets);
      });
      const artifact = await artifacts.fetch(`${url}/start`);
      assert.deepEqual(
        [artifact.name, artifact.contentType, artifact.sha256],
        ['fw-201.bin', 'application/x-image', digest(octets)],
      );
      assert.deepEqual(await readFile(join(directory.path, 'artifacts', artifact.id)), octets);
    });

    it('asks once for many that want the same URL, and never for an artifact of our own', async () => {
      let asked = 0;
      const url = await serve((_request, response) => {
        asked += 1;
        response.end('image');
      });
      const fetched = await Promise.all([artifacts.fetch(`${url}/a`), artifacts.fetch(`${url}/a`)]);
      assert.equal(asked, 1);
      assert.deepEqual(fetched[0], fetched[1]);
      assert.deepEqual(await artifacts.fetch(artifacts.urlOf(fetched[0])), fetched[0]);
      assert.equal(asked, 1);
    });

    it('refuses, with a cause, what is no image', async () => {
      const url = await serve((request, response) => {
        if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end();
        else if (request.url === '/away') response.writeHead(302, { location: 'file:///etc/passwd' }).end();
        else if (request.url === '/announced') response.writeHead(200, { 'content-length': '5000000' }).write('x');
        else if (request.url === '/endless') Readable.from(endless()).pipe(response);
        else if (request.url === '/silent') response.writeHead(200).write('x');
        else if (request.url === '/broken') {
          response.writeHead(200, { 'content-length': '100' }).write('x', () => response.destroy());
        } else response.writeHead(404).end();
      });
      artifacts = create({ fetchTimeout: 400 });
      await assert.rejects(artifacts.fetch(`${url}/missing?token=secret`), (error) => {
        assert.ok(isFailure('fetch-failed', 502)(error));
        assert.match(String(error), /\/missing cannot be fetched: it answers 404/);
        return true;
      });
      await assert.rejects(artifacts.fetch(`${url}/loop`), /redirects more than 5 times/);
      await assert.rejects(artifacts.fetch(`${url}/away`), isFailure('not-fetchable', 400));
      await assert.rejects(artifacts.fetch(`${url}/announced`), isFailure('too-large', 413));
      await assert.rejects(artifacts.fetch(`${url}/endless`), isFailure('too-large', 413));
      await assert.rejects(artifacts.fetch(`${url}/silent`), isFailure('timeout', 504));
      await assert.rejects(artifacts.fetch(`${url}/broken`), isFailure('fetch-failed', 502));
      await assert.rejects(artifacts.fetch('http://127.0.0.1:1/x'), isFailure('fetch-failed', 502));
      await assert.rejects(artifacts.fetch('ftp://127.0.0.1/x'), isFailure('not-fetchable', 400));
      await assert.rejects(artifacts.fetch('no url'), isFailure('not-fetchable', 400));
      assert.deepEqual(await files(), []);
    });
  });
});

function* pieces(octets: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < octets.length; at += 16_384) yield octets.subarray(at, at + 16_384);
}

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield Buffer.alloc(65_536);
}

function digest(octets: Uint8Array): string {
  return createHash('sha256').update(octets).digest('hex');
}

function signal(): { given: Promise<void>; give(): void } {
  let give = (): void => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give };
}

function portOf(address: string | AddressInfo | null): number {
  assert.ok(address && typeof address === 'object');
  return address.port;
}

function isFailure(code: string, status: number): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ArtifactFailure, String(error));
    assert.deepEqual([error.code, error.status], [code, status], error.message);
    return true;
  };
}
