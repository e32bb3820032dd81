/** Firmware and software on the wire: the leg, its codecs and procedures against the simulated device, which shares none of them. */
import assert from 'node:assert/strict';
import { createLwm2mAdapter } from '../../adapters/lwm2m/adapter.ts';
import { createFirmwareUpdate } from '../../adapters/lwm2m/firmware-update.ts';
import { createSoftwareManagement } from '../../adapters/lwm2m/software-management.ts';
import type { Operation, Value } from '../../src/management/operation.ts';
import type { Outcome } from '../../src/management/outcome.ts';
import {
  makeImage,
  startLwm2mDevice,
  type DeviceOptions,
  type SimulatedDevice,
} from '../../src/simulators/lwm2m-device.ts';
import { createFakeManagement, type FakeManagement } from './fake-management.ts';

const URL_OF_IMAGE = 'http://gateway.example/artifacts/image';

interface Bench {
  device: SimulatedDevice;
  management: FakeManagement;
  run(procedure: string, object: string, inputs?: Record<string, Value>): Promise<Outcome>;
  executes(path: string): number;
}

describe('on the wire', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  async function createBench(image: Buffer, options: Partial<DeviceOptions> = {}): Promise<Bench> {
    const management = createFakeManagement();
    const procedures = [createFirmwareUpdate({ pollInterval: 50 }), ...createSoftwareManagement({ pollInterval: 50 })];
    const adapter = createLwm2mAdapter({ port: 0, procedures });
    const [listener] = await adapter.start(management.context);
    assert.ok(listener);
    closing.push(() => adapter.stop(new Date(Date.now() + 1000)));
    const artifact = { id: 'image', size: image.length, sha256: '', contentType: '', name: 'image' };
    management.artifacts.set('image', { artifact, octets: image });
    management.context.artifacts.byUrl = async (url) => (url === URL_OF_IMAGE ? artifact : undefined);
    management.context.artifacts.linkFor = async (_device, { id }, { scheme }) =>
      scheme === 'coap' ? { url: `${listener.url}/artifacts/${id}` } : undefined;
    const device = await startLwm2mDevice({
      endpoint: 'wire',
      server: listener.url,
      speed: 50,
      life: false,
      ...options,
    });
    closing.push(() => device.stop());
    const steps = (procedure: string, object: string, inputs: Record<string, Value>): Operation['steps'] => [
      { action: 'procedure', procedure, object, inputs },
    ];
    return {
      device,
      management,
      run: (procedure, object, inputs = {}) =>
        management.run(management.device('wire').id, steps(procedure, object, inputs), { repeatable: false }),
      executes: (path) => device.journal.filter((entry) => entry.kind === 'execute' && entry.path === path).length,
    };
  }

  for (const version of ['1.0', '1.1'] as const) {
    for (const [way, method, written] of [
      ['pulls by CoAP', 0, '/5/0/1'],
      ['is pushed to', 1, '/5/0/0'],
    ] as const) {
      it(`a device of LwM2M ${version} that ${way} updates its firmware and comes back with it`, async () => {
        const image = makeImage({ name: 'sensor', version: '2.4.0', size: 5000 });
        const { run, device, executes } = await createBench(image, { version, objects: { 5: { 0: { 9: method } } } });
        const outcome = await run('firmware-update', '/5/0', { url: URL_OF_IMAGE, version: '2.4.0' });
        assert.equal(outcome.status, 'succeeded', JSON.stringify(outcome.failure));
        assert.equal(device.resource('/3/0/3'), '2.4.0');
        assert.equal(executes('/5/0/2'), 1);
        const writes = device.journal.filter(({ kind, path }) => kind === 'write' && path?.startsWith('/5/0/'));
        assert.deepEqual(
          writes.map(({ path }) => path),
          [written],
        );
      });
    }
  }

  for (const [flaw, evidence] of [
    ['integrity', 'Update Result 5'],
    ['type', 'Update Result 6'],
    ['install', 'Update Result 8'],
  ] as const) {
    it(`a bad image (${flaw}) ends with ${evidence}`, async () => {
      const image = makeImage({ name: 'sensor', version: '2.4.0', size: 3000, flaw });
      const { run } = await createBench(image);
      const outcome = await run('firmware-update', '/5/0', { url: URL_OF_IMAGE, version: '2.4.0' });
      assert.equal(outcome.failure?.evidence, evidence, JSON.stringify(outcome));
    });
  }

  it('an image of another version than was asked for is a failure', async () => {
    const { run } = await createBench(makeImage({ name: 'sensor', version: '2.4.1', size: 3000 }));
    const outcome = await run('firmware-update', '/5/0', { url: URL_OF_IMAGE, version: '2.4.0' });
    assert.equal(outcome.failure?.cause, 'version-mismatch');
  });

  it('a device that restarts in the middle of the download reports the lost connection, and installs nothing', async () => {
    const image = makeImage({ name: 'sensor', version: '2.4.0', size: 60_000 });
    const { run, device, executes } = await createBench(image, { objects: { 5: { 0: { 9: 0 } } }, downloadRate: 4000 });
    const restart = (): void => {
      if (device.resource('/5/0/3') === 1) device.reboot();
      else setTimeout(restart, 10);
    };
    const outcome = run('firmware-update', '/5/0', { url: URL_OF_IMAGE, version: '2.4.0' });
    restart();
    assert.equal((await outcome).failure?.evidence, 'Update Result 4');
    assert.equal(executes('/5/0/2'), 0);
  });

  it('software is installed, activated, deactivated and uninstalled', async () => {
    const { run, executes } = await createBench(makeImage({ name: 'app', version: '1.1', size: 3000 }));
    const done = async (procedure: string, inputs?: Record<string, Value>): Promise<void> => {
      const outcome = await run(procedure, '/9/0', inputs);
      assert.equal(outcome.status, 'succeeded', `${procedure}: ${JSON.stringify(outcome.failure)}`);
    };
    await done('software-uninstall');
    await done('software-install', { url: URL_OF_IMAGE, version: '1.1' });
    assert.equal(executes('/9/0/4'), 1);
    await done('software-deactivate');
    await done('software-activate');
    await done('software-deactivate');
    await done('software-uninstall');
  });
}).timeout(15_000);
