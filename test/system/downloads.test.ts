/** Who gets an image: the device that was told to fetch it, with what it was told, and for as long as that goes on. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OperationSummary } from '../../src/admin/operation-routes.ts';
import { makeImage } from '../../src/simulators/cwmp-cpe.ts';
import type { CpeOptions, SimulatedCpe } from '../../src/simulators/cwmp-cpe.ts';
import { eventually } from '../support/eventually.ts';
import { uploadImage, type UploadedImage } from './artifacts.ts';
import { addCpe, type TestCpe } from './cpe.ts';
import { expectMembers, expectOk, openWorld, untilStatus } from './world.ts';
import type { Attributes, ManagedNode, World } from './world.ts';

const version = '2.4.0';
const firmware = makeImage({ name: 'main', version, size: 20_000 });
const poll = ['--procedure-poll-interval', '100ms'];

type Order = SimulatedCpe['transfers'][number];

/** The CPE does nothing with the order until it loses power. */
async function ordered(world: World, url: string): Promise<{ cpe: TestCpe; order: Order }> {
  const cpe = await addCpe(world, { faults: { stuckTransfer: true } });
  expectOk(await cpe.update('firmware', 'fwr', { vr: version, url, ud: true }), 2004);
  const [order] = cpe.simulator.transfers;
  assert.ok(order);
  return { cpe, order };
}

function goOn({ simulator }: TestCpe): void {
  simulator.faults.stuckTransfer = false;
  simulator.powerCut();
}

function ask({ url, username, password }: Pick<Order, 'url' | 'username' | 'password'>, range = ''): Promise<Response> {
  const authorization = username === '' ? '' : `Basic ${btoa(`${username}:${password}`)}`;
  return fetch(url, { headers: { ...(authorization && { authorization }), ...(range && { range }) } });
}

const withoutCredentials = ({ url }: Order): Promise<Response> => ask({ url, username: '', password: '' });
const octetsOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());

async function admin<Body>(world: World, path: string): Promise<Body> {
  const response = await fetch(`${world.gateway.urls.admin!.replace(/\/$/, '')}${path}`);
  return (path === '/metrics' ? await response.text() : await response.json()) as Body;
}

const nameOf = ({ simulator }: TestCpe): string => encodeURIComponent(`urn:dev:ops:${simulator.id}`);

/** Carries out a command on a device; resolves when the device has accepted it. */
async function command(world: World, node: string, cmt: number, exra: Attributes): Promise<string> {
  const made = await world.mca.create('cse-in', 12, { 'm2m:mgc': { cmt, ext: node, exra } });
  const path = `cse-in/${String(expectOk(made, 2001)['rn'])}`;
  const [execution] = expectOk(await world.mca.update(path, { 'm2m:mgc': { exe: true } }), 2004) as unknown as string[];
  return execution!;
}

const [downloadCommand, softwareInstall, softwareUpdate] = [4, 5, 7];

function untilFinished(world: World, execution: string): Promise<Attributes> {
  return eventually(`${execution} is over`, async () => {
    const attributes = expectOk(await world.mca.get(execution));
    return attributes['exs'] === 3 ? attributes : undefined;
  });
}

describe('the image for a TR-069 device', () => {
  let world: World;
  let image: UploadedImage;
  beforeEach(async () => {
    world = await openWorld(poll);
    image = await uploadImage(world, firmware);
  });
  afterEach(() => world.stop());

  it('is given for its credentials alone, while the update goes on and not after it', async () => {
    const { cpe, order } = await ordered(world, image.url);
    assert.equal((await withoutCredentials(order)).status, 401);
    assert.equal((await ask({ ...order, password: `${order.password}x` })).status, 401);
    assert.deepEqual(await octetsOf(await ask(order)), firmware);

    goOn(cpe);
    await untilStatus(cpe, 'firmware', 'uds', 'ud', 1);
    assert.equal(cpe.simulator.parameter('Device.DeviceInfo.SoftwareVersion'), version);
    const late = await ask(order);
    assert.equal(late.status, 401);
    assert.match(await late.text(), new RegExp(`${order.username} has ended`));
    assert.match(await admin<string>(world, '/metrics'), /trivet_downloads_total\{result="ended"\} 1/);
  });

  it('has other credentials for every device, though the address is the same', async () => {
    const [one, other] = [await ordered(world, image.url), await ordered(world, image.url)];
    assert.equal(one.order.url, other.order.url);
    assert.notEqual(one.order.password, other.order.password);
    assert.equal((await ask({ ...one.order, password: other.order.password })).status, 401);
  });

  it('is not given any more when the update was cancelled', async () => {
    const { cpe, order } = await ordered(world, image.url);
    cpe.simulator.faults.stuckTransfer = false;
    const device = nameOf(cpe);
    const operations = await admin<OperationSummary[]>(world, `/operations?device=${device}`);
    const { id } = operations.find(({ attributes }) => attributes?.includes('update'))!;
    assert.equal(id, order.username);
    const cancelled = await fetch(`${world.gateway.urls.admin!.replace(/\/$/, '')}/operations/${id}/cancel`, {
      method: 'POST',
    });
    assert.equal(cancelled.status, 200, await cancelled.text());
    assert.equal((await ask(order)).status, 401);
  });

  it('is given for the same credentials after a restart of the gateway in the middle of the transfer', async () => {
    const { cpe, order } = await ordered(world, image.url);
    const begin = await octetsOf(await ask(order, 'bytes=0-9999'));
    await world.restart(['--artifact-port', new URL(world.gateway.urls.artifact!).port]);
    assert.equal((await withoutCredentials(order)).status, 401);
    const rest = await ask(order, 'bytes=10000-');
    assert.equal(rest.status, 206);
    assert.deepEqual(Buffer.concat([begin, await octetsOf(rest)]), firmware);
    goOn(cpe);
    await untilStatus(cpe, 'firmware', 'uds', 'ud', 1);
    assert.equal(cpe.asked('Download'), 1);
  });

  it('fails the update, with the words of the device, when it shows no credentials', async () => {
    const cpe = await addCpe(world, { faults: { withoutCredentials: true } });
    expectOk(await cpe.update('firmware', 'fwr', { vr: version, url: image.url, ud: true }), 2004);
    await untilStatus(cpe, 'firmware', 'uds', 'ud', 2);
    const [last] = await admin<OperationSummary[]>(world, `/operations?device=${nameOf(cpe)}`);
    assert.match(last?.failure?.evidence ?? '', /^9012 /);
  });

  for (const anonymous of [true, false]) {
    it(`is fetched by a device that shows no credentials where its profile says so (artifact.anonymous ${anonymous})`, async () => {
      const directory = await mkdtemp(join(tmpdir(), 'trivet-profiles-'));
      const profile = 'match: { technology: cwmp, productClass: Mute }\nsettings: { downloadCredentials: none }\n';
      await writeFile(join(directory, 'mute.yaml'), profile);
      const other = await openWorld([...poll, '--profiles', directory, '--artifact-anonymous', String(anonymous)]);
      try {
        const { url } = await uploadImage(other, firmware);
        const cpe = await addCpe(other, { productClass: 'Mute', faults: { withoutCredentials: true } });
        expectOk(await cpe.update('firmware', 'fwr', { vr: version, url, ud: true }), 2004);
        const [order] = cpe.simulator.transfers;
        assert.equal(order?.username, '');
        await untilStatus(cpe, 'firmware', 'uds', 'ud', 1);
        const afterwards = await withoutCredentials(order);
        assert.equal(afterwards.status, anonymous ? 200 : 401, 'what was granted has ended');
        await afterwards.body?.cancel();
      } finally {
        await other.stop();
        await rm(directory, { recursive: true });
      }
    });
  }

  it('is fetched by a device that sends Basic without being asked', async () => {
    const cpe = await addCpe(world, { quirks: [35] });
    expectOk(await cpe.update('firmware', 'fwr', { vr: version, url: image.url, ud: true }), 2004);
    await untilStatus(cpe, 'firmware', 'uds', 'ud', 1);
  });

  it('shows its password nowhere: not in the trace, not in the operation, not in the resource', async () => {
    const { cpe, order } = await ordered(world, image.url);
    const shown = JSON.stringify([
      await admin(world, `/devices/${nameOf(cpe)}/trace`),
      await admin(world, `/operations?device=${nameOf(cpe)}`),
      (await world.mca.get(`${cpe.node}?rcn=4`)).body,
    ]);
    assert.match(shown, /Download/);
    assert.ok(!shown.includes(order.password));
  });
});

for (const anonymous of ['true', 'false']) {
  describe(`with artifact.anonymous=${anonymous}`, () => {
    let world: World;
    let image: UploadedImage;
    before(async () => {
      world = await openWorld([...poll, '--artifact-anonymous', anonymous]);
      image = await uploadImage(world, firmware);
    });
    after(() => world.stop());

    const credentials = ({ simulator }: TestCpe): unknown =>
      simulator.transfers.map(({ url, username, password }) => ({ url, username, password }));

    it(`an image is ${anonymous === 'true' ? 'for everybody who knows its address' : 'for no stranger, and he is told why'}`, async () => {
      const response = await fetch(image.url);
      if (anonymous === 'true') return assert.deepEqual(await octetsOf(response), firmware);
      assert.equal(response.status, 401);
      assert.match(await response.text(), /artifact\.anonymous/);
    });

    const devices: [string, (options?: Partial<CpeOptions>) => Promise<ManagedNode>][] = [
      ['TR-069', (options) => addCpe(world, options)],
      ['LwM2M that pulls by HTTP', () => world.addDevice({ objects: { 5: { 0: { 8: { 0: 2 }, 9: 0 } } } })],
      ['LwM2M that pulls by CoAP', () => world.addDevice({ objects: { 5: { 0: { 8: { 0: 0 }, 9: 0 } } } })],
      ['LwM2M that takes it in blocks', () => world.addDevice({ objects: { 5: { 0: { 9: 1 } } } })],
    ];
    for (const [name, add] of devices) {
      it(`a device of ${name} gets its firmware`, async () => {
        const device = await add();
        expectOk(await device.update('firmware', 'fwr', { vr: version, url: image.url, ud: true }), 2004);
        await untilStatus(device, 'firmware', 'uds', 'ud', 1);
      });
    }

    it('a DOWNLOAD of an image of ours is told credentials, unless the application names a user', async () => {
      const file = { ftyp: '3 Vendor Configuration File', url: image.url };
      const cpe = await addCpe(world);
      await untilFinished(world, await command(world, cpe.node, downloadCommand, { dld: [file] }));
      assert.deepEqual(
        cpe.deeds('download').map(({ path }) => path),
        [image.url.replace('/artifacts/', '/transfers/')],
      );
      const stuck = await addCpe(world, { faults: { stuckTransfer: true } });
      await command(world, stuck.node, downloadCommand, { dld: [{ ...file, unm: 'me', pwd: 'mine' }] });
      assert.deepEqual(credentials(stuck), [{ url: image.url, username: 'me', password: 'mine' }]);
    });

    it('software is installed and updated, and its URL on the device leads back to the image', async () => {
      const first = await uploadImage(world, makeImage({ name: 'weather', version: '1.1', size: 6000 }));
      const next = await uploadImage(world, makeImage({ name: 'weather', version: '1.2', size: 6000 }));
      const cpe = await addCpe(world);
      const install = await command(world, cpe.node, softwareInstall, { swin: [{ url: first.url }] });
      expectMembers(await untilFinished(world, install), { exr: 0 });
      const unit = cpe.deeds('software-installed')[0]!.path!;
      const shown = cpe.simulator.parameter(`${unit}.URL`)!;
      assert.equal(shown, first.url.replace('/artifacts/', '/transfers/'));
      const uuid = cpe.simulator.parameter(`${unit}.UUID`);
      const update = await command(world, cpe.node, softwareUpdate, { swup: [{ uuid, url: next.url }] });
      expectMembers(await untilFinished(world, update), { exr: 0 });
      assert.equal(cpe.simulator.parameter(`${unit}.Version`), '1.2');
      // Another device, told by what this one shows.
      const other = await addCpe(world);
      const again = await command(world, other.node, softwareInstall, { swin: [{ url: shown }] });
      expectMembers(await untilFinished(world, again), { exr: 0 });
    });

    if (anonymous === 'false') {
      it('the address for a LwM2M device is good while its update goes on, and its end is in no trace', async () => {
        const device = await world.addDevice({ objects: { 5: { 0: { 9: 0 } } } });
        expectOk(await device.update('firmware', 'fwr', { vr: version, url: image.url, ud: true }), 2004);
        const uri = String(device.deeds('write').find(({ path }) => path === '/5/0/1')!.value);
        const [, password = ''] = /^http:.*\/transfers\/[0-9a-f]{32}\/[^/]+\/([\w-]{24})$/.exec(uri) ?? [];
        assert.notEqual(password, '', uri);
        const trace = JSON.stringify(
          await admin(world, `/devices/${encodeURIComponent(device.simulator.endpoint)}/trace`),
        );
        assert.match(trace, /\/transfers\/.*\/\*\*\*/);
        assert.ok(!trace.includes(password));
        await untilStatus(device, 'firmware', 'uds', 'ud', 1);
        const late = await fetch(uri);
        assert.equal(late.status, 401);
        assert.match(await late.text(), /has ended/);
        const wrong = await fetch(uri.replace(password, 'x'.repeat(24)));
        assert.match(await wrong.text(), /given to no device/);
      });
    }
  });
}
