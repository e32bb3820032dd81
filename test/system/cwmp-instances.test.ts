/** Instances on a TR-069 device: numbers with holes, and numbers that change while the alias stays. */
import assert from 'node:assert/strict';
import { eventually } from '../support/eventually.ts';
import { addCpe, type TestCpe } from './cpe.ts';
import { expectMembers, expectOk, openWorld, type World } from './world.ts';

const table = 'Device.USB.Interface.';
const first = 'deviceCapability-usb-1';
const third = 'deviceCapability-usb-3';
const fourth = 'deviceCapability-usb-4';

describe('instances on a TR-069 device', () => {
  let world: World;
  before(async () => void (world = await openWorld()));
  after(() => world.stop());

  const idOf = async (cpe: TestCpe, object: string): Promise<unknown> => (await cpe.stored(object))?.['ri'];

  /** The device boots, and what the gateway reads at that has been stored. */
  async function boot(cpe: TestCpe): Promise<void> {
    assert.ok((await cpe.simulator.inform('1 BOOT')).ok);
    expectOk(await cpe.get('deviceInfo'));
  }

  /** Interface 3 is taken out, and plugged in again. */
  async function replug(cpe: TestCpe): Promise<string> {
    assert.ok(cpe.simulator.removeRow(`${table}3.`));
    const number = cpe.simulator.addRow(table, { Alias: 'cpe-3', Name: 'usb1' });
    assert.equal(number, 4);
    await boot(cpe);
    return `${table}${number}.`;
  }

  it('keep their resources when there are holes, and when a new hole comes', async () => {
    const cpe = await addCpe(world);
    const before = await idOf(cpe, third);
    assert.ok(before !== undefined && (await idOf(cpe, first)) !== undefined);
    assert.equal(await cpe.stored('deviceCapability-usb-2'), undefined);
    cpe.simulator.removeRow(`${table}1.`);
    await boot(cpe);
    await eventually('the first is gone', async () => (await cpe.stored(first)) === undefined);
    assert.equal(await idOf(cpe, third), before);
    cpe.simulator.factoryReset();
    await eventually('the first is back', async () => (await cpe.stored(first)) !== undefined);
    assert.equal(await idOf(cpe, third), before);
    expectMembers(expectOk(await cpe.get(third)), { obps: [`${table}3.`] });
  });

  it('keep their resource by the alias when the number is another one', async () => {
    const cpe = await addCpe(world);
    const before = await idOf(cpe, third);
    expectOk(await cpe.update(third, 'dvc', { lbl: ['mine'] }), 2004);
    const path = await replug(cpe);
    await eventually('it follows', async () => String((await cpe.stored(third))?.['obps']) === path);
    assert.equal(await idOf(cpe, third), before);
    assert.equal(await cpe.stored(fourth), undefined);
    expectMembers(expectOk(await cpe.get(third)), { lbl: ['mine'], obps: [path], cus: true });
    expectOk(await cpe.update(third, 'dvc', { dis: true }), 2004);
    assert.equal(cpe.simulator.parameter(`${path}Enable`), 'false');
    // The factory knows it by its first number.
    cpe.simulator.factoryReset();
    await eventually('it is back', async () => String((await cpe.stored(third))?.['obps']) === `${table}3.`);
    assert.equal(await idOf(cpe, third), before);
  });

  it('may change places', async () => {
    const cpe = await addCpe(world);
    const before = [await idOf(cpe, first), await idOf(cpe, third)];
    cpe.simulator.setParameter(`${table}1.Alias`, 'cpe-3');
    cpe.simulator.setParameter(`${table}3.Alias`, 'cpe-1');
    await boot(cpe);
    await eventually('they have changed', async () => String((await cpe.stored(first))?.['obps']) === `${table}3.`);
    expectMembers(expectOk(await cpe.get(third)), { obps: [`${table}1.`], cus: true });
    expectMembers(expectOk(await cpe.get(first)), { obps: [`${table}3.`], cus: false });
    assert.deepEqual([await idOf(cpe, first), await idOf(cpe, third)], before);
  });

  it('are others by their number where the device offers no aliases', async () => {
    const cpe = await addCpe(world, { version: '1.2' });
    const path = await replug(cpe);
    await eventually('the new one', async () => String((await cpe.stored(fourth))?.['obps']) === path);
    assert.equal(await cpe.stored(third), undefined);
  });

  it('are asked for their aliases once for a model where a table has none', async () => {
    const one = { productClass: 'Asked', parameters: { 'Device.UPA.Interface.1.Alias': null } };
    const refusals = (cpe: TestCpe): number =>
      cpe.deeds('method').filter(({ fault, detail }) => fault === 9005 && detail?.endsWith('Alias')).length;
    assert.ok(refusals(await addCpe(world, one)) > 0);
    assert.equal(refusals(await addCpe(world, one)), 0);
  });
});
