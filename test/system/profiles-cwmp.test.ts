/** Profiles of an operator for TR-069 devices: who gets which, and what it changes. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeImage } from '../../src/simulators/cwmp-cpe.ts';
import { eventually } from '../support/eventually.ts';
import { uploadImage } from './artifacts.ts';
import { addCpe, type TestCpe } from './cpe.ts';
import { expectMembers, expectOk, openWorld, untilStatus, type World } from './world.ts';

const code = 'Device.DeviceInfo.ProvisioningCode';

/** The label is the provisioning code instead of the serial number. */
function labelProfile(match: string): string {
  return [
    `match: { technology: cwmp, ${match} }`,
    'classes:',
    '  deviceInfo: { attributes: { deviceLabel: { cwmp: { read: info/ProvisioningCode } } } }',
  ].join('\n');
}

async function untilLabel(cpe: TestCpe, label: string): Promise<void> {
  await eventually(`the label ${label}`, async () => (await cpe.stored('deviceInfo'))?.['dlb'] === label);
}

/** How often it refused values, of how many times it was asked. */
function writes(cpe: TestCpe): [refused: number, asked: number] {
  const all = cpe.deeds('method').filter(({ method }) => method === 'SetParameterValues');
  return [all.filter(({ fault }) => fault !== undefined).length, all.length];
}

describe('a profile for TR-069 devices', function () {
  this.timeout(30_000);
  let world: World;
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'trivet-profiles-'));
    const save = (name: string, text: string): Promise<void> => writeFile(join(directory, name), text);
    await save('maker.yaml', labelProfile('manufacturer: "ACME*"'));
    await save('kind.yaml', labelProfile('productClass: Gauge'));
    await save('old.yaml', labelProfile('manufacturer: Elder, productClass: "E*", softwareVersion: "<2.0"'));
    await save('model.yaml', labelProfile('model: "M-7*"'));
    await save(
      'digits.yaml',
      'match: { technology: cwmp, productClass: Digits }\nsettings: { booleans: digit, versionAfterUpdate: prefix }',
    );
    world = await openWorld(['--profiles', directory]);
  });
  after(async () => {
    await world.stop();
    await rm(directory, { recursive: true });
  });

  for (const [what, options] of [
    ['manufacturer', { manufacturer: 'ACME Inc.' }],
    ['product class', { productClass: 'Gauge' }],
    ['model', { model: 'M-7b' }],
    ['version', { manufacturer: 'Elder', productClass: 'E1', softwareVersion: '1.9.9' }],
  ] as const) {
    it(`is chosen by the ${what} that its Inform or its parameters tell`, async () => {
      const cpe = await addCpe(world, { ...options, parameters: { [code]: 'P-17' } });
      await untilLabel(cpe, 'P-17');
      expectMembers(expectOk(await cpe.get('deviceInfo', '?atrl=dlb')), { dlb: 'P-17' });
    });
  }

  for (const [what, options] of [
    ['manufacturer', { manufacturer: 'Else' }],
    ['product class', { manufacturer: 'Elder', productClass: 'F1' }],
    ['version', { manufacturer: 'Elder', productClass: 'E1', softwareVersion: '2.0' }],
  ] as const) {
    it(`is not for a device of another ${what}`, async () => {
      const cpe = await addCpe(world, { ...options, parameters: { [code]: 'P-17' } });
      await untilLabel(cpe, cpe.simulator.serialNumber);
    });
  }

  it('is chosen anew when an update has brought another version', async () => {
    const { url } = await uploadImage(world, makeImage({ name: 'main', version: '2.4.0', size: 2000 }));
    const old = { manufacturer: 'Elder', productClass: 'E1', softwareVersion: '1.9.9' };
    const cpe = await addCpe(world, { ...old, parameters: { [code]: 'P-17' } });
    await untilLabel(cpe, 'P-17');
    expectOk(await cpe.update('firmware', 'fwr', { vr: '2.4.0', url, ud: true }), 2004);
    await untilStatus(cpe, 'firmware', 'uds', 'ud', 1);
    await untilLabel(cpe, cpe.simulator.serialNumber);
  });

  it('says how versions are compared after an update', async () => {
    const { url } = await uploadImage(world, makeImage({ name: 'main', version: '2.4.0-b77', size: 2000 }));
    const cpe = await addCpe(world, { productClass: 'Digits' });
    expectOk(await cpe.update('firmware', 'fwr', { vr: '2.4.0', url, ud: true }), 2004);
    await untilStatus(cpe, 'firmware', 'uds', 'ud', 1);
  });

  it('says that booleans are written as 1 and 0: the device need not refuse them first', async () => {
    const [told, tried] = await Promise.all(
      ['Digits', 'Other'].map((productClass) => addCpe(world, { productClass, quirks: [10] })),
    );
    // What was found out at the first contact is not remembered over a restart.
    await world.restart();
    const before = [writes(told!), writes(tried!)];
    for (const cpe of [told!, tried!]) {
      expectOk(await cpe.update('deviceCapability-usb-1', 'dvc', { dis: true }), 2004);
      assert.equal(cpe.simulator.parameter('Device.USB.Interface.1.Enable'), 'false');
    }
    const since = [writes(told!), writes(tried!)].map(([refused, asked], at) => [
      refused - before[at]![0],
      asked - before[at]![1],
    ]);
    assert.deepEqual(since, [
      [0, 1],
      [1, 2],
    ]);
  });
});
