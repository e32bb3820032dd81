/** What real CPEs make of a Download: the report may be late, odd, or missing. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { OperationSummary } from '../../src/admin/operation-routes.ts';
import { makeImage, type CpeOptions, type Faults } from '../../src/simulators/cwmp-cpe.ts';
import { eventually } from '../support/eventually.ts';
import { uploadImage } from './artifacts.ts';
import { addCpe, type TestCpe } from './cpe.ts';
import { expectMembers, expectOk, openWorld, untilStatus } from './world.ts';
import type { World } from './world.ts';

const version = '2.4.0';

describe('a firmware update over TR-069', () => {
  let world: World;
  let url: string;
  before(async () => {
    world = await openWorld();
    ({ url } = await uploadImage(world, makeImage({ name: 'main', version, size: 20_000 })));
  });
  after(() => world.stop());

  async function started(options: Partial<CpeOptions>, wanted: string | undefined = version): Promise<TestCpe> {
    const cpe = await addCpe(world, options);
    const vr = wanted === undefined ? {} : { vr: wanted };
    expectMembers(expectOk(await cpe.update('firmware', 'fwr', { ...vr, url, ud: true }), 2004), {
      uds: { acn: 'ud', sus: 3 },
    });
    return cpe;
  }

  const adminUrl = (): string => world.gateway.urls.admin!.replace(/\/$/, '');

  async function operationsOf(cpe: TestCpe): Promise<OperationSummary[]> {
    const device = encodeURIComponent(`urn:dev:ops:${cpe.simulator.id}`);
    return (await (await fetch(`${adminUrl()}/operations?device=${device}`)).json()) as OperationSummary[];
  }

  const reports: [string, Faults['transferComplete']][] = [
    ['never comes: the version that runs is the proof', 'never'],
    ['comes without 7 TRANSFER COMPLETE', 'without-event'],
    ['comes without its CommandKey', 'without-key'],
    ['comes twice', 'twice'],
    ['is not to come, for DownloadResponse says that it is done', 'already'],
  ];
  for (const [what, transferComplete] of reports) {
    it(`succeeds when TransferComplete ${what}`, async () => {
      const cpe = await started({ faults: { transferComplete } });
      await untilStatus(cpe, 'firmware', 'uds', 'ud', 1);
      assert.equal(cpe.simulator.parameter('Device.DeviceInfo.SoftwareVersion'), version);
      assert.equal(cpe.asked('Download'), 1);
      assert.deepEqual(cpe.simulator.complaints, []);
    });
  }

  it('succeeds when TransferComplete comes long after the device runs the new version', async () => {
    const cpe = await started({ faults: { offline: false } });
    // From the end of the order on the device is cut off; its report waits in its memory.
    cpe.simulator.faults.offline = true;
    await eventually('it runs the new version', () => {
      return cpe.simulator.parameter('Device.DeviceInfo.SoftwareVersion') === version;
    });
    expectMembers(await cpe.stored('firmware'), { uds: { acn: 'ud', sus: 3 } });
    cpe.simulator.faults.offline = false;
    await untilStatus(cpe, 'firmware', 'uds', 'ud', 1);
    assert.equal(cpe.asked('Download'), 1);
  });

  for (const code of [9010, 9012, 9015, 9016, 9018]) {
    it(`says Failure and the code of the device when the transfer ends with ${code}`, async () => {
      const cpe = await started({ faults: { transferFailure: code } });
      await untilStatus(cpe, 'firmware', 'uds', 'ud', 2);
      assert.equal(cpe.simulator.parameter('Device.DeviceInfo.SoftwareVersion'), '1.0.0');
      const [last] = await operationsOf(cpe);
      assert.match(last?.failure?.evidence ?? '', new RegExp(`^${code} `));
    });
  }

  it('is cancelled on the device by CancelTransfer, and short requests are served meanwhile', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
    try {
      const cpe = await addCpe(world);
      const slow = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/image`;
      expectOk(await cpe.update('firmware', 'fwr', { url: slow, ud: true }), 2004);
      expectOk(await cpe.get('battery-2'));
      const order = (await operationsOf(cpe)).find(({ attributes }) => attributes?.includes('update'));
      const answer = await fetch(`${adminUrl()}/operations/${order?.id}/cancel`, { method: 'POST' });
      assert.equal(answer.status, 200, await answer.text());
      assert.equal(cpe.deeds('transfer-cancelled').length, 1);
      await untilStatus(cpe, 'firmware', 'uds', 'ud', 2);
    } finally {
      silent.closeAllConnections();
      silent.close();
    }
  });

  // The session breaks when the device has taken the Download, before it could say so.
  const lostAnswer: Faults = { die: { message: 3, moment: 'unsent', how: 'connection' } };

  it('an order whose answer was lost is found in the list of transfers of the device', async () => {
    const cpe = await addCpe(world);
    Object.assign(cpe.simulator.faults, lostAnswer, { stuckTransfer: true });
    const answer = cpe.update('firmware', 'fwr', { vr: version, url, ud: true });
    await eventually('the session has failed', () => cpe.deeds('session-failed').length > 0);
    await cpe.simulator.inform();
    expectMembers(expectOk(await answer, 2004), { uds: { acn: 'ud', sus: 3 } });
    assert.deepEqual([cpe.asked('GetAllQueuedTransfers'), cpe.asked('Download')], [1, 1]);
    await cpe.simulator.inform();
    expectMembers(await cpe.stored('firmware'), { uds: { acn: 'ud', sus: 3 } });
    assert.equal(cpe.asked('GetAllQueuedTransfers'), 1);
  });

  it('an order whose answer was lost is found by the TransferComplete that names it', async () => {
    const cpe = await addCpe(world);
    Object.assign(cpe.simulator.faults, lostAnswer, { transferFailure: 9016 });
    expectOk(await cpe.update('firmware', 'fwr', { vr: version, url, ud: true }), 2004);
    await untilStatus(cpe, 'firmware', 'uds', 'ud', 2);
    assert.match((await operationsOf(cpe))[0]?.failure?.evidence ?? '', /^9016 /);
    assert.equal(cpe.asked('Download'), 1);
  });

  it('goes on when the device dies after any message of the session that brought the order', async () => {
    for (const [message, moment] of [
      [2, 'answered'],
      [3, 'sent'],
    ] as const) {
      const cpe = await addCpe(world);
      cpe.simulator.faults.die = { message, moment, how: 'connection' };
      expectOk(await cpe.update('firmware', 'fwr', { vr: version, url, ud: true }), 2004);
      await untilStatus(cpe, 'firmware', 'uds', 'ud', 1);
      assert.equal(cpe.deeds('firmware-installed').length, 1, `died at message ${message}`);
    }
  });
});
