import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/eventually.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { findNode, managementObjects } from './nodes.ts';

/** Debian's libcoap3-bin has them: without and with DTLS, or the alternative of the two. */
const names = ['coap-client-notls', 'coap-client', 'coap-client-openssl', 'coap-client-gnutls'];
const endpoint = 'urn:dev:os:coap-client-1';
const objects = '</>;rt="oma.lwm2m";ct=110,</1/0>,</3/0>,</5/0>';

function run(program: string, options: string[]): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, options, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, text }));
  });
}

async function findProgram(): Promise<string | undefined> {
  for (const name of names) {
    try {
      await run(name, ['-h']);
      return name;
    } catch {
      continue;
    }
  }
  return undefined;
}

describe('coap-client of libcoap', () => {
  let program: string;
  let gateway: TestGateway;
  let base: string;

  before(async function () {
    const found = await findProgram();
    if (found === undefined) {
      console.log(`      SKIPPED: none of ${names.join(', ')} is installed; install libcoap3-bin`);
      return this.skip();
    }
    program = found;
    gateway = await startTestGateway();
    base = gateway.urls['lwm2m']!.replace(/\/$/, '');
  });
  after(() => gateway?.stop());

  /** Level 7 makes it print every message. */
  function ask(method: string, path: string, ...options: string[]): Promise<{ code: number | null; text: string }> {
    return run(program, ['-v', '7', '-B', '10', '-m', method, ...options, `${base}${path}`]);
  }

  async function register(name: string, ...options: string[]): Promise<string> {
    const { text } = await ask('post', `/rd?lwm2m=1.1&ep=${name}&lt=300&b=U`, '-t', '40', ...options);
    assert.match(text, /c:2\.01/, text);
    const location = /Location-Path:rd, Location-Path:([\w-]+)/.exec(text)?.[1];
    assert.ok(location, `no location in ${text}`);
    return location;
  }

  const nodeOf = (name: string): Promise<string> =>
    eventually(`a node with ni ${name}`, () => findNode(gateway.mca, name));

  async function until(name: string): Promise<number> {
    const answer = await fetch(`${gateway.urls['admin']}/devices/${name}`);
    const { presence } = (await answer.json()) as { presence: { until: number } };
    return presence.until;
  }

  it('registers an endpoint, which becomes a node with management objects', async () => {
    await register(endpoint, '-e', objects);
    const node = await nodeOf(endpoint);
    assert.ok((await managementObjects(gateway.mca, node)).includes('firmware'));
  });

  it('registers with a list of objects in blocks of 32 octets', async () => {
    const many = Array.from({ length: 20 }, (_, at) => `</3303/${at}>`).join(',');
    await register('in-blocks', '-b', '32', '-e', `${objects},</9/0>,${many}`);
    const node = await nodeOf('in-blocks');
    assert.ok((await managementObjects(gateway.mca, node)).includes('software'));
  });

  it('updates its registration, from another port each time', async () => {
    const location = await register('to-be-updated', '-e', objects);
    const before = await until('to-be-updated');
    const { text } = await ask('post', `/rd/${location}?lt=3000`);
    assert.match(text, /c:2\.04/, text);
    const after = await until('to-be-updated');
    assert.ok(after - before > 2_000_000, `the registration lives ${after - before} ms longer`);
  });

  it('de-registers, and its node stays', async () => {
    const location = await register('to-be-gone', '-e', objects);
    assert.match((await ask('delete', `/rd/${location}`)).text, /c:2\.02/);
    assert.match((await ask('post', `/rd/${location}`)).text, /c:4\.04/);
    const node = await nodeOf('to-be-gone');
    const { rsc, dbg } = await gateway.mca.get(`${node}/firmware`);
    assert.equal(rsc, 6003, dbg);
  });

  it('is told what is wrong with a registration', async () => {
    const nameless = await ask('post', '/rd?lwm2m=1.1', '-t', '40', '-e', objects);
    assert.match(nameless.text, /c:4\.00[^]*the endpoint name is missing/);
    const unknown = await ask('post', '/rd/nothing');
    assert.match(unknown.text, /c:4\.04[^]*register again/);
    const future = await ask('post', '/rd?lwm2m=9.9&ep=x', '-t', '40', '-e', objects);
    assert.match(future.text, /c:4\.12/);
  });

  it('sends values without a registration, and is told to register', async () => {
    const { text } = await ask('post', '/dp', '-t', '110', '-e', '[{"n":"/3300/0/5700","v":1}]');
    assert.match(text, /c:4\.04/);
  });

  for (const size of [16, 1024]) {
    it(`reads an artifact in blocks of ${size} octets`, async () => {
      const image = Buffer.from(Array.from({ length: 5000 }, (_, at) => (at * 31 + size) % 256));
      const uploaded = await fetch(`${gateway.urls['admin']}/artifacts?name=a.img`, { method: 'POST', body: image });
      const { id } = (await uploaded.json()) as { id: string };
      const folder = await mkdtemp(join(tmpdir(), 'trivet-coap-client-'));
      const file = join(folder, 'image');
      try {
        await run(program, ['-B', '20', '-b', String(size), '-o', file, `${base}/artifacts/${id}`]);
        assert.deepEqual(await readFile(file), image);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  }

  it('loses its first datagram, sends it again, and is registered', async () => {
    await register('over-a-bad-line', '-l', '1', '-e', objects);
    assert.ok(await nodeOf('over-a-bad-line'));
  });
});
