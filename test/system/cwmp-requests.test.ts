/** What a TR-069 device asks for, or reports, on its own. */
import assert from 'node:assert/strict';
import { makeImage } from '../../src/simulators/cwmp-cpe.ts';
import { eventually } from '../support/eventually.ts';
import { uploadImage } from './artifacts.ts';
import { addCpe, type TestCpe } from './cpe.ts';
import { expectMembers, expectOk, openWorld, type World } from './world.ts';

describe('a TR-069 device that speaks first', () => {
  let world: World;
  before(async () => void (world = await openWorld()));
  after(() => world.stop());

  async function traceOf(cpe: TestCpe): Promise<string[]> {
    const admin = world.gateway.urls.admin!.replace(/\/$/, '');
    const response = await fetch(`${admin}/devices/urn:dev:ops:${cpe.simulator.id}/trace`);
    const { messages } = (await response.json()) as { messages: { direction: string; summary: string }[] };
    return messages.filter(({ direction }) => direction === 'in').map(({ summary }) => summary);
  }

  /** A device between two sessions. */
  async function addIdle(): Promise<TestCpe> {
    const cpe = await addCpe(world);
    assert.ok((await cpe.simulator.inform()).ok);
    return cpe;
  }

  /** It was heard in a session of this event, nothing was refused, and it does not say it again. */
  async function expectAnswered(cpe: TestCpe, method: string, event?: string): Promise<void> {
    const heard = async (): Promise<number> =>
      (await traceOf(cpe)).filter((line) => line.split(' ')[0] === method).length;
    await eventually(`${method} is heard`, async () => (await heard()) > 0);
    assert.ok((await cpe.simulator.inform()).ok);
    assert.equal(await heard(), 1);
    if (event !== undefined) assert.ok(cpe.deeds('session').some(({ events }) => events?.includes(event)));
    assert.ok(!cpe.deeds('method').some((entry) => entry.method === method && entry.fault !== undefined));
    assert.deepEqual(cpe.deeds('session-failed'), []);
    assert.deepEqual(cpe.simulator.complaints, []);
    expectMembers(expectOk(await cpe.get('battery-2')), { btl: 87 });
  }

  it('asks for a download: RequestDownload is answered, and starts nothing', async () => {
    const cpe = await addIdle();
    cpe.simulator.requestDownload('1 Firmware Upgrade Image', { Reason: 'old & "weak"' });
    await expectAnswered(cpe, 'RequestDownload', '9 REQUEST DOWNLOAD');
    assert.equal(cpe.asked('Download'), 0);
  });

  it('was kicked by its user: Kicked is answered', async () => {
    const cpe = await addIdle();
    cpe.simulator.kick('order', 'http://192.0.2.1/', 'x', 'http://192.0.2.1/next');
    await expectAnswered(cpe, 'Kicked', '5 KICKED');
  });

  it('asks for our methods', async () => {
    const cpe = await addIdle();
    cpe.simulator.askMethods();
    await expectAnswered(cpe, 'GetRPCMethods');
  });

  for (const fault of [0, 9010]) {
    it(`reports a transfer that nobody asked for, with fault ${fault}`, async () => {
      const cpe = await addIdle();
      cpe.simulator.reportTransfer({ url: 'http://192.0.2.1/config', fault });
      await expectAnswered(cpe, 'AutonomousTransferComplete', '10 AUTONOMOUS TRANSFER COMPLETE');
    });
  }

  it('reports software that it has installed itself: its management object appears', async () => {
    const cpe = await addIdle();
    const { url } = await uploadImage(world, makeImage({ name: 'own', version: '3.0', size: 500 }));
    await cpe.simulator.changeSoftware({ kind: 'Install', url });
    await eventually('it is installed', () => cpe.deeds('software-installed').length > 0);
    const [{ path = '' } = {}] = cpe.deeds('software-installed');
    const object = `software-${path.split('.').at(-1)}`;
    await eventually('the new software', async () => (await cpe.stored(object))?.['swn'] === 'own');
    const event = '12 AUTONOMOUS DU STATE CHANGE COMPLETE';
    const reports = (): number => cpe.deeds('session').filter(({ events }) => events?.includes(event)).length;
    await eventually('its session is over', () => reports() > 0);
    assert.ok((await cpe.simulator.inform()).ok);
    assert.equal(reports(), 1);
    assert.ok(!cpe.deeds('method').some(({ fault }) => fault !== undefined));
  });
});
