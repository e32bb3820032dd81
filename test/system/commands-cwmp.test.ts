import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeImage, type Faults } from '../../src/simulators/cwmp-cpe.ts';
import { eventually } from '../support/eventually.ts';
import { uploadImage } from './artifacts.ts';
import { addCpe, type TestCpe } from './cpe.ts';
import { expectMembers, expectOk, openWorld } from './world.ts';
import type { Attributes, World } from './world.ts';

// cmdType, execStatus and execResult as TS-0004 numbers them
const [reset, reboot, upload, download, softwareInstall, softwareUninstall, softwareUpdate] = [1, 2, 3, 4, 5, 6, 7];
const [pending, finished, cancelled] = [2, 3, 5];
const version = '2.4.0';

describe('a command for a TR-069 device', () => {
  let world: World;
  let url: string;
  before(async () => {
    world = await openWorld();
    ({ url } = await uploadImage(world, makeImage({ name: 'main', version, size: 5000 })));
  });
  after(() => world.stop());

  async function run(cpe: TestCpe, cmt: number, exra?: Attributes) {
    const made = await world.mca.create('cse-in', 12, { 'm2m:mgc': { cmt, ext: cpe.node, exra } });
    const command = `cse-in/${String(expectOk(made, 2001)['rn'])}`;
    return { command, answer: await world.mca.update(command, { 'm2m:mgc': { exe: true } }) };
  }

  /** Path of the execution, once the device has accepted the command. */
  async function start(cpe: TestCpe, cmt: number, exra?: Attributes): Promise<string> {
    const { answer } = await run(cpe, cmt, exra);
    const [path] = expectOk(answer, 2004) as unknown as string[];
    return path!;
  }

  function untilOver(execution: string): Promise<Attributes> {
    return eventually(`${execution} is over`, async () => {
      const attributes = expectOk(await world.mca.get(execution));
      return attributes['exs'] === finished || attributes['exs'] === cancelled ? attributes : undefined;
    });
  }

  it('reboots it once, and ends SUCCESS with its next Inform', async () => {
    const cpe = await addCpe(world);
    const execution = await start(cpe, reboot);
    assert.equal(cpe.asked('Reboot'), 1);
    expectMembers(await untilOver(execution), { exs: finished, exr: 0 });
    assert.equal(cpe.deeds('reboot').length, 1);
    assert.deepEqual(cpe.simulator.complaints, []);
  });

  it('resets it', async () => {
    const cpe = await addCpe(world);
    expectMembers(await untilOver(await start(cpe, reset)), { exs: finished, exr: 0 });
    assert.equal(cpe.asked('FactoryReset'), 1);
  });

  it('downloads firmware, and ends with TransferComplete', async () => {
    const cpe = await addCpe(world);
    const execution = await start(cpe, download, { dld: [{ ftyp: '1 Firmware Upgrade Image', url }] });
    expectMembers(await untilOver(execution), { exs: finished, exr: 0 });
    await eventually('it runs the new version', () => {
      return cpe.simulator.parameter('Device.DeviceInfo.SoftwareVersion') === version;
    });
    assert.equal(cpe.asked('Download'), 1);
  });

  for (const [code, execResult] of [
    [9010, 7],
    [9012, 8],
    [9016, 13],
    [9018, 15],
  ] as const) {
    it(`ends with execResult ${execResult} when the transfer ends with ${code}`, async () => {
      const cpe = await addCpe(world, { faults: { transferFailure: code } });
      const over = await untilOver(await start(cpe, download, { dld: [{ ftyp: '1 Firmware Upgrade Image', url }] }));
      expectMembers(over, { exs: finished, exr: execResult });
      assert.match(JSON.stringify(over['lbl']), new RegExp(`"evidence:${code} `));
    });
  }

  it('that it refuses at once is refused, and the fault becomes the result', async () => {
    const cpe = await addCpe(world, { faults: { refuse: [{ method: 'Reboot', code: 9001 }] } });
    const { command, answer } = await run(cpe, reboot);
    assert.ok(answer.rsc >= 4000, answer.text);
    assert.match(answer.dbg, /9001.*keeps it/);
    const body = (await world.mca.get(`${command}?rcn=4`)).body['m2m:mgc']!;
    expectMembers((body['m2m:exin'] as Attributes[])[0], { exs: finished, exr: 2 });
    assert.equal(cpe.deeds('reboot').length, 0);
  });

  it('uploads a file to the server that it names', async () => {
    const received: string[] = [];
    const server = createServer((request, response) => {
      received.push(`${request.method} ${request.url}`);
      request.resume().on('end', () => response.writeHead(201).end());
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    try {
      const cpe = await addCpe(world);
      const target = `http://127.0.0.1:${(server.address() as AddressInfo).port}/log`;
      const execution = await start(cpe, upload, { uld: [{ ftyp: '2 Vendor Log File', url: target }] });
      expectMembers(await untilOver(execution), { exs: finished, exr: 0 });
      assert.deepEqual(received, ['PUT /log']);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('installs software, and says what is wrong with software that it does not have', async () => {
    const cpe = await addCpe(world);
    expectMembers(await untilOver(await start(cpe, softwareInstall, { swin: [{ url }] })), { exs: finished, exr: 0 });
    assert.equal(cpe.asked('ChangeDUState'), 1);
    const unknown = { swun: [{ uuid: '00000000-0000-5000-8000-000000000000' }] };
    expectMembers(await untilOver(await start(cpe, softwareUninstall, unknown)), { exs: finished, exr: 26 });
  });

  it('updates and removes the software that it installed, by its UUID', async () => {
    const cpe = await addCpe(world);
    const newer = await uploadImage(world, makeImage({ name: 'radio', version: '2.0', size: 900 }));
    const older = await uploadImage(world, makeImage({ name: 'radio', version: '1.0', size: 900 }));
    const over = async (cmt: number, exra: Attributes): Promise<Attributes> => untilOver(await start(cpe, cmt, exra));
    const unit = (name: string) => cpe.simulator.parameter(`Device.SoftwareModules.DeploymentUnit.1.${name}`);

    expectMembers(await over(softwareInstall, { swin: [{ url: older.url }] }), { exs: finished, exr: 0 });
    assert.equal(unit('Version'), '1.0.0');
    const uuid = unit('UUID');
    expectMembers(await over(softwareUpdate, { swup: [{ uuid, url: newer.url }] }), { exs: finished, exr: 0 });
    assert.deepEqual([unit('Version'), unit('UUID')], ['2.0', uuid]);
    expectMembers(await over(softwareUninstall, { swun: [{ uuid, vr: '2.0' }] }), { exs: finished, exr: 0 });
    assert.equal(unit('UUID'), undefined);
    assert.equal(cpe.asked('ChangeDUState'), 3);
  });

  // The session breaks when the device has taken the command, before it could say so.
  const lostAnswer: Faults = { die: { message: 3, moment: 'unsent', how: 'connection' } };

  it('whose answer was lost is found in the list of transfers of the device', async () => {
    const cpe = await addCpe(world);
    Object.assign(cpe.simulator.faults, lostAnswer, { stuckTransfer: true });
    const execution = start(cpe, download, { dld: [{ ftyp: '1 Firmware Upgrade Image', url }] });
    await eventually('the session has failed', () => cpe.deeds('session-failed').length > 0);
    await cpe.simulator.inform();
    expectMembers(expectOk(await world.mca.get(await execution)), { exs: pending, exr: 31 });
    assert.deepEqual([cpe.asked('GetAllQueuedTransfers'), cpe.asked('Download')], [1, 1]);
  });

  for (const [what, cmt, method, withUrl] of [
    ['a transfer', download, 'Download', () => ({ dld: [{ ftyp: '1 Firmware Upgrade Image', url }] })],
    ['software', softwareInstall, 'ChangeDUState', () => ({ swin: [{ url }] })],
  ] as const) {
    it(`with ${what} whose answer was lost is found by the report that names it`, async () => {
      const cpe = await addCpe(world);
      Object.assign(cpe.simulator.faults, lostAnswer);
      const execution = await start(cpe, cmt, withUrl());
      expectMembers(await untilOver(execution), { exs: finished, exr: 0 });
      assert.equal(cpe.asked(method), 1);
    });
  }

  it('is refused when its command key belongs to another that is not over', async () => {
    const cpe = await addCpe(world, { faults: { stuckTransfer: true } });
    const exra = { dld: [{ ftyp: '1 Firmware Upgrade Image', url, any: [{ nm: 'commandKey', val: 'mine' }] }] };
    const first = await start(cpe, download, exra);
    const { answer } = await run(cpe, download, exra);
    assert.equal(answer.rsc, 4105, answer.text);
    assert.match(answer.dbg, /CommandKey "mine".*choose another/);
    expectMembers(expectOk(await world.mca.get(first)), { exs: pending });
    assert.equal(cpe.asked('Download'), 1);
  });

  it('is cancelled by CancelTransfer while it transfers', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
    try {
      const cpe = await addCpe(world);
      const slow = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/image`;
      const execution = await start(cpe, download, { dld: [{ ftyp: '1 Firmware Upgrade Image', url: slow }] });
      expectMembers(expectOk(await world.mca.get(execution)), { exs: pending, exr: 31 });
      expectOk(await world.mca.update(execution, { 'm2m:exin': { exd: true } }), 2004);
      expectMembers(expectOk(await world.mca.get(execution)), { exs: cancelled, exr: 31 });
      assert.equal(cpe.deeds('transfer-cancelled').length, 1);
    } finally {
      silent.closeAllConnections();
      silent.close();
    }
  });

  it('answers 6026 at once when the device cannot be told to cancel it, and goes on', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
    try {
      const cpe = await addCpe(world);
      const slow = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/image`;
      const execution = await start(cpe, download, { dld: [{ ftyp: '1 Firmware Upgrade Image', url: slow }] });
      await cpe.untilAsleep();
      cpe.simulator.faults.connectionRequest = 'not-found';
      const answer = await world.mca.update(execution, { 'm2m:exin': { exd: true } });
      assert.equal(answer.rsc, 6026, answer.text);
      assert.match(answer.dbg, /cannot be told now.*404.*cancel it again/);
      expectMembers(expectOk(await world.mca.get(execution)), { exs: pending, exr: 31 });
      cpe.simulator.faults.connectionRequest = undefined;
      expectOk(await world.mca.update(execution, { 'm2m:exin': { exd: true } }), 2004);
      expectMembers(expectOk(await world.mca.get(execution)), { exs: cancelled, exr: 31 });
    } finally {
      silent.closeAllConnections();
      silent.close();
    }
  });

  it('is answered although the device cannot be called, and carried out at its next Inform', async () => {
    const cpe = await addCpe(world);
    cpe.simulator.faults.connectionRequest = 'not-found';
    const execution = await start(cpe, reboot);
    assert.equal(cpe.asked('Reboot'), 0);
    expectMembers(expectOk(await world.mca.get(execution)), { exs: pending, exr: 31 });
    await cpe.simulator.inform();
    expectMembers(await untilOver(execution), { exs: finished, exr: 0 });
    assert.equal(cpe.asked('Reboot'), 1);
  });
});
