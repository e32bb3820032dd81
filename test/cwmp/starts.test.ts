import assert from 'node:assert/strict';
import type { Operation, Step } from '../../src/management/operation.ts';
import { transferComplete } from './small-cpe.ts';
import { startSmallLeg, type SmallLeg } from './small-leg.ts';

const reboot: Step = { action: 'execute', target: { path: 'rpc:Reboot' } };
const update: Step = {
  action: 'procedure',
  procedure: 'firmware-update',
  object: 'Device.',
  inputs: { url: 'http://files.example/image.bin', version: '2.0' },
};
const upTime = 'Device.DeviceInfo.UpTime';
const pause = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 5));

describe('a start that a CPE tells more than once', () => {
  let leg: SmallLeg;

  beforeEach(async () => {
    leg = await startSmallLeg();
    await leg.cpe.session({ events: ['0 BOOTSTRAP', '1 BOOT'] });
  });

  afterEach(() => leg.stop());

  function order(step: Step = reboot): Operation {
    return leg.management.queue(leg.device().id, [step], { kind: 'command', repeatable: false });
  }

  /** The device starts, is told to reboot in the session that tells it, and that session breaks after its answer. */
  async function rebootInBrokenSession(): Promise<Operation> {
    leg.cpe.asked = [];
    await leg.cpe.session({ events: ['1 BOOT'] });
    await pause();
    const answers = leg.cpe.asked.length + 1;
    const operation = order();
    await leg.cpe.session({ events: ['1 BOOT'], dieAfter: 2 + answers });
    assert.equal(leg.cpe.asked.at(-1)?.method, 'Reboot');
    assert.equal(operation.state, 'accepted');
    await pause();
    return operation;
  }

  it('does not prove a Reboot that was ordered after it was told first', async () => {
    const operation = await rebootInBrokenSession();
    await leg.cpe.session({ events: ['1 BOOT'], retryCount: 1, dieAfter: 2 });
    assert.equal(operation.state, 'accepted');
    const { restarted, startedAt } = leg.management.sightings.findLast((one) => one.restarted)!;
    assert.ok(restarted && startedAt! < operation.dispatchedAt!, 'management is told how old the start is');
    await leg.cpe.session({ events: ['1 BOOT'], retryCount: 2 });
    assert.equal(operation.state, 'accepted', 'nor when it is told a third time');
    await leg.cpe.session({ events: ['1 BOOT', 'M Reboot'], commandKey: operation.id });
    assert.equal(operation.state, 'succeeded');
  });

  it('is known after a restart of the gateway', async () => {
    const operation = await rebootInBrokenSession();
    await leg.stop();
    leg = await startSmallLeg({}, leg.management);
    await leg.cpe.session({ events: ['1 BOOT'], retryCount: 1 });
    assert.equal(operation.state, 'accepted');
  });

  it('is a new one when the retries begin anew, for a restart does that', async () => {
    const operation = await rebootInBrokenSession();
    await leg.cpe.session({ events: ['1 BOOT'], retryCount: 0 });
    assert.equal(operation.state, 'succeeded');
  });

  it('is a new one when M Reboot comes with it, also at a retry', async () => {
    const operation = await rebootInBrokenSession();
    await leg.cpe.session({ events: ['1 BOOT', 'M Reboot'], commandKey: operation.id, retryCount: 1 });
    assert.equal(operation.state, 'succeeded');
  });

  it('is judged by the uptime where the CPE gives it', async () => {
    const operation = await rebootInBrokenSession();
    await leg.cpe.session({ events: ['1 BOOT'], retryCount: 0, parameters: { [upTime]: '5000' } });
    assert.equal(operation.state, 'accepted');
    await leg.cpe.session({ events: ['1 BOOT'], retryCount: 1, parameters: { [upTime]: '0' } });
    assert.equal(operation.state, 'succeeded');
  });

  it('a first telling is one at any retry, for a device that is starting may not reach us at once', async () => {
    const operation = order();
    await leg.cpe.session({ events: ['2 PERIODIC'] });
    assert.equal(operation.state, 'accepted');
    await pause();
    await leg.cpe.session({ events: ['1 BOOT'], retryCount: 3 });
    assert.equal(operation.state, 'succeeded');
  });

  it('a start is over with its session: the same events at a retry are another one', async () => {
    await leg.cpe.session({ events: ['1 BOOT'] });
    const operation = order();
    await leg.cpe.session({ events: ['6 CONNECTION REQUEST'] });
    await pause();
    await leg.cpe.session({ events: ['1 BOOT'], retryCount: 1 });
    assert.equal(operation.state, 'succeeded');
    await leg.cpe.session({ events: ['1 BOOT'], retryCount: 2 });
    assert.equal(leg.management.sightings.findLast((one) => one.restarted)!.startedAt, undefined);
  });

  it('proves what was ordered before it was told first', async () => {
    const operation = order(update);
    await leg.cpe.session({ events: ['2 PERIODIC'] });
    assert.equal(operation.state, 'accepted');
    await pause();
    const events = ['1 BOOT', '7 TRANSFER COMPLETE', 'M Download'];
    await leg.cpe.session({ events, dieAfter: 1 });
    assert.equal(operation.state, 'accepted');
    await leg.cpe.session({ events, retryCount: 1, requests: [transferComplete(operation.id)] });
    assert.equal(operation.outcome?.failure?.cause, 'version-mismatch');
  });

  it('does not end an update that was ordered after it was told first', async () => {
    leg.cpe.asked = [];
    await leg.cpe.session({ events: ['1 BOOT'] });
    const answers = leg.cpe.asked.length + 1;
    await pause();
    const operation = order(update);
    leg.management.queue(leg.device().id, [{ action: 'read', targets: [{ path: 'Device.DeviceInfo.ModelName' }] }]);
    await leg.cpe.session({ events: ['1 BOOT'], dieAfter: 2 + answers });
    assert.equal(operation.state, 'accepted');
    await pause();
    // The file is there, and the device has not started with it yet.
    const events = ['1 BOOT', '7 TRANSFER COMPLETE', 'M Download'];
    await leg.cpe.session({ events, retryCount: 1, requests: [transferComplete(operation.id)] });
    assert.equal(operation.state, 'accepted');
    leg.cpe.tree.set('Device.DeviceInfo.SoftwareVersion', '2.0');
    await leg.cpe.session({ events: ['1 BOOT'] });
    assert.equal(operation.state, 'succeeded');
  });
});
