import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { addCpe, type TestCpe } from './cpe.ts';
import { commands, executions, startCommand, untilOver } from './executions.ts';
import { expectMembers, expectOk, expectRefused, openWorld, type World } from './world.ts';

const notFinished = 31;

describe('a command that a TR-069 device has accepted', () => {
  let world: World;
  let silent: Server;
  /** A file server that takes a connection and says nothing. */
  let url: string;
  before(async () => {
    world = await openWorld();
    silent = createServer(() => {});
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/file`;
  });
  after(async () => {
    await world.stop();
    silent.closeAllConnections();
    silent.close();
  });

  const cancel = (execution: string) => world.mca.update(execution, { 'm2m:exin': { exd: true } });
  const stateOf = async (execution: string) => expectOk(await world.mca.get(execution));
  const startUpload = (cpe: TestCpe) =>
    startCommand(world, cpe, commands.upload, { uld: [{ ftyp: '2 Vendor Log File', url }] });
  const startDownload = (cpe: TestCpe) =>
    startCommand(world, cpe, commands.download, { dld: [{ ftyp: '1 Firmware Upgrade Image', url }] });

  it('is cancelled by CancelTransfer: an upload that is under way', async () => {
    const cpe = await addCpe(world);
    const execution = await startUpload(cpe);
    expectMembers(await stateOf(execution), { exs: executions.pending, exr: notFinished });
    expectOk(await cancel(execution), 2004);
    expectMembers(await stateOf(execution), { exs: executions.cancelled, exr: notFinished });
    const [order, cancellation] = ['Upload', 'CancelTransfer'].map((method) =>
      cpe.deeds('method').find((entry) => entry.method === method),
    );
    assert.equal(cancellation?.commandKey, order?.commandKey);
    assert.equal(cpe.deeds('transfer-cancelled').length, 1);
    assert.equal(cpe.deeds('upload').length, 0);
  });

  it('is cancelled before its window begins: a download for the night', async () => {
    const cpe = await addCpe(world);
    const window = { stt: '20990101T010000', cpt: '20990101T030000' };
    const dld = [{ ftyp: '1 Firmware Upgrade Image', url, ...window }];
    const execution = await startCommand(world, cpe, commands.download, { dld });
    assert.equal(cpe.asked('ScheduleDownload'), 1);
    expectOk(await cancel(execution), 2004);
    expectMembers(await stateOf(execution), { exs: executions.cancelled });
    assert.equal(cpe.deeds('transfer-cancelled').length, 1);
  });

  it('goes on, and the cancellation is answered 6026, when the device refuses it', async () => {
    const cpe = await addCpe(world, { faults: { stuckTransfer: true } });
    const execution = await startDownload(cpe);
    // The transfer begins after the session that brought it.
    await cpe.simulator.inform();
    expectRefused(await cancel(execution), 6026, /9021/);
    expectMembers(await stateOf(execution), { exs: executions.pending, exr: notFinished });
    expectRefused(await world.mca.delete(execution), 6026, /is not deleted/);
    expectOk(await world.mca.get(execution));
  });

  it('goes on, and the cancellation is answered 6026, when the device cannot be told', async () => {
    const cpe = await addCpe(world);
    const execution = await startDownload(cpe);
    await cpe.untilAsleep();
    cpe.simulator.faults.connectionRequest = 'not-found';
    expectRefused(await cancel(execution), 6026, /cannot be told now/);
    expectMembers(await stateOf(execution), { exs: executions.pending });
    assert.equal(cpe.asked('CancelTransfer'), 0);
  });

  it('cannot be cancelled, 6029, when it is no transfer, and ends by itself', async () => {
    const cpe = await addCpe(world, { faults: { staysDown: true } });
    const execution = await startCommand(world, cpe, commands.reboot);
    expectRefused(await cancel(execution), 6029);
    expectMembers(await stateOf(execution), { exs: executions.nonCancellable });
    expectRefused(await world.mca.delete(execution), 6029, /is not deleted/);
    cpe.simulator.faults.staysDown = false;
    cpe.simulator.reboot();
    expectMembers(await untilOver(world, execution), { exs: executions.finished, exr: 0 });
    assert.equal(cpe.asked('CancelTransfer'), 0);
  });

  it('cannot be cancelled, 6029, when the device does not list CancelTransfer: it is not called for that', async () => {
    const cpe = await addCpe(world, { version: '1.1' });
    const execution = await startDownload(cpe);
    const calls = cpe.deeds('connection-request').length;
    expectRefused(await cancel(execution), 6029, /does not list CancelTransfer/);
    assert.equal(cpe.deeds('connection-request').length, calls);
    expectMembers(await stateOf(execution), { exs: executions.nonCancellable });
  });

  it('cannot be cancelled, 6028, when it is over', async () => {
    const cpe = await addCpe(world, { faults: { transferFailure: 9016 } });
    const execution = await startDownload(cpe);
    await untilOver(world, execution);
    expectRefused(await cancel(execution), 6028);
  });
});
