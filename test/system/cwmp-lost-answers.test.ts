/** The session breaks between an order and its answer: nobody is told what is not known, and what the CPE did comes to light. */
import assert from 'node:assert/strict';
import { makeImage } from '../../src/simulators/cwmp-cpe.ts';
import { eventually } from '../support/eventually.ts';
import { uploadImage } from './artifacts.ts';
import { addCpe, type TestCpe } from './cpe.ts';
import { expectMembers, expectOk, openWorld, untilStatus, type World } from './world.ts';

const successful = 1;
const later = { headers: { 'X-M2M-RET': '600000' } };

describe('an order to a CPE whose answer is lost', () => {
  let world: World;
  let url: string;
  before(async () => {
    world = await openWorld();
    ({ url } = await uploadImage(world, makeImage({ name: 'weather', version: '2.0', size: 4000 })));
  });
  after(() => world.stop());

  /** Of the next session: the order is the first that the CPE is asked, as answer to its second message. */
  async function addBreaking(moment: 'order lost' | 'answer lost'): Promise<TestCpe> {
    const cpe = await addCpe(world);
    const { faults } = cpe.simulator;
    faults.connectionRequest = 'not-found';
    faults.die =
      moment === 'order lost'
        ? { message: 2, moment: 'sent', how: 'connection' }
        : { message: 3, moment: 'unsent', how: 'connection' };
    return cpe;
  }

  async function install(cpe: TestCpe): Promise<void> {
    expectOk(await world.mca.update(`${cpe.node}/software-1?rt=1`, { 'm2m:swr': { url, in: true } }, later));
    await cpe.simulator.inform();
  }

  it('software is not called installed because another one was', async () => {
    const cpe = await addBreaking('order lost');
    await install(cpe);
    for (let sessions = 0; sessions < 3; sessions++) await cpe.simulator.inform();
    assert.equal(cpe.asked('ChangeDUState'), 0);
    assert.notEqual(((await cpe.stored('software-1'))?.['ins'] as { sus?: number } | undefined)?.sus, successful);
    assert.equal(cpe.deeds('software-installed').length, 0);
  });

  it('software that the CPE has installed ends with its report', async () => {
    const cpe = await addBreaking('answer lost');
    await install(cpe);
    await cpe.simulator.inform();
    await untilStatus(cpe, 'software-1', 'ins', 'in', successful);
    assert.equal(cpe.asked('ChangeDUState'), 1);
    assert.equal(cpe.deeds('software-installed').length, 1);
  });

  it('firmware without a wanted version ends with its report, too', async () => {
    const cpe = await addBreaking('answer lost');
    expectOk(await world.mca.update(`${cpe.node}/firmware?rt=1`, { 'm2m:fwr': { url, ud: true } }, later));
    await cpe.simulator.inform();
    await cpe.simulator.inform();
    await untilStatus(cpe, 'firmware', 'uds', 'ud', successful);
    assert.equal(cpe.asked('Download'), 1);
  });

  it('an instance that the CPE has made is shown after the next session, and the outcome says that it is unknown', async () => {
    const cpe = await addBreaking('answer lost');
    const obis = ['urn:broadband-forum-org:tr-181-2'];
    const buffer = { 'm2m:cmbf': { rn: 'made', mgd: 1019, obis, aec: [3], mbfs: 4711, sgp: 2 } };
    const asked = await world.mca.create(`${cpe.node}?rt=1`, 13, buffer, later);
    const request = String(asked.body['m2m:uri']);
    await cpe.simulator.inform();
    await cpe.simulator.inform();
    const ended = await eventually('the request is over', async () => {
      const attributes = expectOk(await world.mca.get(request));
      return attributes['rs'] !== 3 ? attributes : undefined;
    });
    assert.match(JSON.stringify(ended), /outcome unknown/);
    assert.equal(cpe.asked('AddObject'), 1);
    const shown = await eventually('the instance is shown', () => cpe.stored('cmdhBuffer-1-2'));
    expectMembers(shown, { obps: ['Device.X_oneM2M_org_CSE.1.CMDH.Buffer.2.'] });
  });
});
