/** What an operator sees of operations, and what he can do: the admin interface and the commands that ask it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeImage } from '../../src/simulators/lwm2m-device.ts';
import { eventually } from '../support/eventually.ts';
import { startTestGateway } from '../support/gateway.ts';
import { uploadImage } from './artifacts.ts';
import { addCpe } from './cpe.ts';
import { expectOk, openWorld, untilStatus } from './world.ts';
import type { Attributes, TestDevice, World } from './world.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

async function trivet(...argv: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', main, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (part: Buffer) => (out += part.toString()));
  child.stderr.on('data', (part: Buffer) => (err += part.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

describe('the operations of a device', function () {
  this.timeout(60_000);
  let world: World;
  let admin: string;
  let url: string;
  before(async () => {
    world = await openWorld(['--procedure-poll-interval', '100ms']);
    admin = world.gateway.urls.admin!.replace(/\/$/, '');
    ({ url } = await uploadImage(world, makeImage({ name: 'sensor-main', version: '2.4.0', size: 4000 })));
  });
  after(() => world.stop());

  async function ask(method: string, path: string, body?: unknown): Promise<{ status: number; body: Attributes }> {
    const response = await fetch(`${admin}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
    });
    return { status: response.status, body: (await response.json()) as Attributes };
  }

  async function operationsOf(device: TestDevice, limit = 20): Promise<Attributes[]> {
    const { status, body } = await ask('GET', `/operations?device=${device.simulator.endpoint}&limit=${limit}`);
    assert.equal(status, 200);
    return Object.values(body) as Attributes[];
  }

  async function failedUpdate(): Promise<TestDevice> {
    const device = await world.addDevice();
    // The device installs 2.4.0, and another version was asked for.
    expectOk(await device.update('firmware', 'fwr', { vr: '9.9.9', url, ud: true }), 2004);
    await untilStatus(device, 'firmware', 'uds', 'ud', 2);
    return device;
  }

  it('tell why an update failed, with times, requester and evidence', async () => {
    const device = await failedUpdate();
    const update = (await operationsOf(device)).find(({ kind }) => kind === 'trigger');
    const { id, acceptedAt, dispatchedAt, settledAt, failure, requester, ...rest } = update ?? {};
    assert.deepEqual(rest, {
      kind: 'trigger',
      resource: `${device.node}/firmware`,
      attributes: ['version', 'URL', 'update'],
      state: 'failed',
    });
    assert.match(String(id), /^\w+-\w+$/);
    assert.equal((requester as Attributes)['originator'], 'CAdmin');
    assert.ok(String(acceptedAt) <= String(dispatchedAt) && String(dispatchedAt) <= String(settledAt));
    assert.match(String(settledAt), /^\d{4}-\d\d-\d\dT.*Z$/);
    const { cause, explanation, evidence } = failure as Attributes;
    assert.equal(cause, 'version-mismatch');
    assert.match(String(explanation), /runs version "2\.4\.0" instead of "9\.9\.9"/);
    assert.equal(evidence, 'Update Result 1');
  });

  it('are shown by `trivet operations` as a table, or as JSON', async () => {
    const device = await failedUpdate();
    const table = await trivet('operations', device.simulator.endpoint, '--admin', admin);
    assert.equal(table.code, 0, table.err);
    assert.match(table.out, /^ACCEPTED +ID +WHAT +BY +STATE +SETTLED\n/);
    assert.match(table.out, new RegExp(`trigger ${device.node}/firmware version,URL,update +CAdmin +failed +2`));
    assert.match(table.out, /\n {2}version-mismatch: .* instead of "9\.9\.9".* \(the device says: Update Result 1\)\n/);
    const json = await trivet('operations', device.simulator.endpoint, '--admin', admin, '--json', '--limit', '1');
    assert.deepEqual(JSON.parse(json.out), (await operationsOf(device, 1))[0]);
  });

  it('that wait for a device that is gone can be cancelled, once', async () => {
    const device = await world.addDevice();
    await device.simulator.deregister();
    const asked = await device.get('battery', '?rt=1');
    assert.equal(asked.status, 202, asked.text);
    const waiting = await eventually('an operation that waits', async () =>
      (await operationsOf(device)).find(({ kind, state }) => kind === 'read' && state === 'queued'),
    );
    const cancelled = await ask('POST', `/operations/${String(waiting['id'])}/cancel`);
    assert.deepEqual(cancelled, { status: 200, body: { id: waiting['id'], state: 'cancelled' } });
    const [after] = await operationsOf(device, 1);
    assert.equal(after?.['state'], 'cancelled');
    assert.match(String((after?.['failure'] as Attributes | undefined)?.['explanation']), /cancelled by the operator/);
    const again = await ask('POST', `/operations/${String(waiting['id'])}/cancel`);
    assert.equal(again.status, 409);
    assert.match(String(again.body['error']), /over already/);
  });

  it('that a device works on are cancelled on the device, by `trivet cancel`; the conflict says how', async () => {
    const device = await world.addDevice({ speed: 1, downloadRate: 100 });
    expectOk(await device.update('firmware', 'fwr', { vr: '2.4.0', url, ud: true }), 2004);
    const conflict = await device.update('firmware', 'fwr', { vr: '2.4.0', url, ud: true });
    assert.equal(conflict.rsc, 4105);
    const id = /trivet cancel (\S+)/.exec(conflict.dbg)?.[1];
    assert.ok(id, conflict.dbg);
    const cancelled = await trivet('cancel', id, '--admin', admin);
    assert.deepEqual(cancelled, { code: 0, out: `operation ${id} is cancelled\n`, err: '' });
    await untilStatus(device, 'firmware', 'uds', 'ud', 2);
    assert.equal(device.simulator.resource('/5/0/3'), 0, 'the device has nothing to install');
  });

  it('that a device cannot cancel are given up by `trivet cancel --force`; a new one can begin', async () => {
    const cpe = await addCpe(world, { version: '1.1', faults: { stuckTransfer: true } });
    expectOk(await cpe.update('firmware', 'fwr', { url, ud: true }), 2004);
    const conflict = await cpe.update('firmware', 'fwr', { url, ud: true });
    const id = /trivet cancel (\S+)/.exec(conflict.dbg)?.[1];
    assert.ok(id, conflict.dbg);
    const refused = await trivet('cancel', id, '--admin', admin);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /does not list CancelTransfer.*; wait for its outcome, or .*trivet cancel \S+ --force/);
    const given = await trivet('cancel', id, '--force', '--admin', admin);
    assert.deepEqual(given, { code: 0, out: `operation ${id} is cancelled\n`, err: '' });
    const { body } = await ask('GET', `/operations?device=${encodeURIComponent(`urn:dev:ops:${cpe.simulator.id}`)}`);
    const over = (Object.values(body) as Attributes[]).find((one) => one['id'] === id);
    assert.match(JSON.stringify(over?.['failure']), /given up by the operator; the device may still carry it out/);
    expectOk(await cpe.update('firmware', 'fwr', { url, ud: true }), 2004);
  });

  it('of a device or with an id that is not known are not there, with a sentence', async () => {
    const refused = await ask('GET', '/operations?device=nobody');
    assert.deepEqual(refused, { status: 404, body: { error: 'no device nobody; GET /devices lists them' } });
    assert.equal((await ask('GET', '/operations')).status, 400);
    const unknown = await ask('POST', '/operations/none/cancel');
    assert.equal(unknown.status, 404);
    assert.match(String(unknown.body['error']), /there is no operation none/);
    const { code, err } = await trivet('operations', 'nobody', '--admin', admin);
    assert.deepEqual({ code, err }, { code: 1, err: 'trivet operations: no device nobody; GET /devices lists them\n' });
  });

  it('need a gateway, one device, and a number as limit', async () => {
    const [nowhere, nobody, limit] = await Promise.all([
      trivet('operations', 'x', '--admin', 'http://127.0.0.1:1'),
      trivet('operations'),
      trivet('operations', 'x', '--limit', 'all'),
    ]);
    assert.match(nowhere.err, /no gateway answers at http:\/\/127\.0\.0\.1:1\/operations.*say --admin URL/);
    assert.match(nobody.err, /name one device/);
    assert.match(limit.err, /--limit takes a number from 1 to 1000/);
    assert.deepEqual(
      [nowhere, nobody, limit].map(({ code }) => code),
      [1, 2, 2],
    );
  });
});

describe('a backup', function () {
  this.timeout(60_000);

  it('is made while the gateway runs, and another gateway starts on it', async () => {
    const world = await openWorld();
    const admin = world.gateway.urls.admin!.replace(/\/$/, '');
    try {
      const device = await world.addDevice();
      const file = join(world.gateway.data, 'trivet.db.copy');
      assert.deepEqual(await trivet('backup', file, '--admin', admin), {
        code: 0,
        out: `${file} is written\n`,
        err: '',
      });
      const copy = await mkdtemp(join(tmpdir(), 'trivet-backup-'));
      await rename(file, join(copy, 'trivet.db'));
      const restored = await startTestGateway([], copy);
      try {
        assert.equal((await restored.mca.get(device.node)).rsc, 2000);
      } finally {
        await restored.stop();
      }
    } finally {
      await world.stop();
    }
  });

  it('is refused with a sentence when the file cannot be written', async () => {
    const gateway = await startTestGateway();
    const admin = gateway.urls.admin!.replace(/\/$/, '');
    try {
      const own = await trivet('backup', join(gateway.data, 'trivet.db'), '--admin', admin);
      assert.equal(own.code, 1);
      assert.match(own.err, /^trivet backup: .*trivet\.db is the database itself: give the backup another name\n$/);
      const nowhere = await trivet('backup', join(gateway.data, 'none', 'x.db'), '--admin', admin);
      assert.match(nowhere.err, /the backup .*x\.db cannot be written/);
      const headers = { 'Content-Type': 'application/json' };
      const relative = await fetch(`${admin}/backup`, { method: 'POST', headers, body: '{"file":"x.db"}' });
      assert.equal(relative.status, 400);
      assert.match(
        ((await relative.json()) as { error: string }).error,
        /an absolute path on the machine of the gateway/,
      );
      assert.equal(existsSync('x.db'), false);
    } finally {
      await gateway.stop();
    }
  });
});
