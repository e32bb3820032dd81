import assert from 'node:assert/strict';
import { nodeName } from '../../src/cse/onboarding.ts';
import { bodyOf, expectStatus, openCse } from './open-cse.ts';
import type { OpenCse } from './open-cse.ts';
import { apply, lifetime, managedDevice, mappedBattery, onboard, resourceSideOf } from './managed-device.ts';

describe('onboarding', () => {
  let cse: OpenCse;
  beforeEach(async () => {
    cse = await openCse();
  });
  afterEach(() => cse.close());

  async function names(path: string): Promise<string[]> {
    const parent = await cse.tree.byPath(path);
    assert.ok(parent, path);
    return (await cse.tree.children(parent.resourceID)).map(({ resourceName }) => resourceName);
  }

  it('makes a node and its management objects in one set of changes', async () => {
    await onboard(cse, managedDevice(), [mappedBattery(), mappedBattery(1)]);
    const node = bodyOf(await cse.retrieve('cse-in/urn-dev-1'));
    assert.equal(node['ni'], 'urn:dev:1');
    assert.equal(node['mgca'], '192.0.2.7:5683');
    assert.deepEqual(node['acpi'], ['acpAdmin']);
    assert.deepEqual(await names('cse-in/urn-dev-1'), ['battery', 'battery-1']);
    const battery = bodyOf(await cse.retrieve('cse-in/urn-dev-1/battery'));
    assert.deepEqual([battery['mgd'], battery['btl'], battery['obps']], [1006, 0, ['/3/0']]);
  });

  it('changes nothing when the same device shows up again with the same objects', async () => {
    const device = await onboard(cse, managedDevice(), [mappedBattery()]);
    assert.equal(await apply(cse, await resourceSideOf(cse).seen(device, [mappedBattery()], [])), false);
    assert.equal(await apply(cse, await resourceSideOf(cse).seen(device, undefined, [])), false);
  });

  it('does not take back what was stored meanwhile', async () => {
    const device = await onboard(cse, managedDevice(), [mappedBattery()]);
    expectStatus(await cse.update('cse-in/urn-dev-1/battery', { 'm2m:bat': { btl: 80 } }), 2004);
    await onboard(cse, device, [mappedBattery()]);
    assert.equal(bodyOf(await cse.retrieve('cse-in/urn-dev-1/battery'))['btl'], 80);
  });

  it('removes the management objects that the device has lost, and leaves other children of the node alone', async () => {
    const device = await onboard(cse, managedDevice(), [mappedBattery(), mappedBattery(1)]);
    expectStatus(
      await cse.create('cse-in/urn-dev-1', 13, { 'm2m:bat': { rn: 'mine', mgd: 1006, btl: 1, bts: 1 } }),
      2001,
    );
    await onboard(cse, device, [mappedBattery(1)]);
    assert.deepEqual((await names('cse-in/urn-dev-1')).toSorted(), ['battery-1', 'mine']);
  });

  it('leaves everything as it is when the device says nothing of its objects', async () => {
    const device = await onboard(cse, managedDevice(), [mappedBattery()]);
    await onboard(cse, device, undefined);
    assert.deepEqual(await names('cse-in/urn-dev-1'), ['battery']);
  });

  it('takes up a node and a management object that an AE has prepared', async () => {
    expectStatus(await cse.create('cse-in', 14, { 'm2m:nod': { rn: 'urn-dev-1', ni: 'urn:dev:1', lbl: ['x'] } }), 2001);
    const prepared = { rn: 'battery', mgd: 1006, btl: 55, bts: 1, dc: 'spare' };
    expectStatus(await cse.create('cse-in/urn-dev-1', 13, { 'm2m:bat': prepared }), 2001);
    await onboard(cse, managedDevice(), [mappedBattery()]);
    assert.deepEqual(bodyOf(await cse.retrieve('cse-in/urn-dev-1'))['lbl'], ['x']);
    const battery = await cse.tree.byPath('cse-in/urn-dev-1/battery');
    assert.equal(battery?.internal.binding?.deviceId, 'dev-1');
    assert.equal(battery.attributes['description'], 'spare');
    assert.equal(battery.attributes['batteryLevel'], 55);
  });

  it('does not take up a node of another identity: the name gets a digest', async () => {
    await onboard(cse, managedDevice(), []);
    await onboard(cse, managedDevice({ id: 'dev-2', identity: 'urn dev 1' }), []);
    const nodes = (await names('cse-in')).filter((name) => name.startsWith('urn-dev-1'));
    assert.equal(nodes.length, 2);
    assert.match(nodes[1]!, /^urn-dev-1-[0-9a-f]{8}$/);
  });

  it('does not take the name of what an AE has made for something else', async () => {
    const device = await onboard(cse, managedDevice(), []);
    const other = { rn: 'battery', mgd: 1001, vr: '1', fwn: 'f', url: 'http://x', ud: false };
    expectStatus(await cse.create('cse-in/urn-dev-1', 13, { 'm2m:fwr': other }), 2001);
    await onboard(cse, device, [mappedBattery()]);
    assert.deepEqual(await names('cse-in/urn-dev-1'), ['battery', 'battery-device-2']);
  });

  it('renews the lifetime once half of it is over, of the node and of what is below it', async () => {
    const device = await onboard(cse, managedDevice(), [mappedBattery()]);
    const ends = async (path: string): Promise<string> => String(bodyOf(await cse.retrieve(path))['et']);
    const first = await ends('cse-in/urn-dev-1/battery');
    cse.clock.advance(lifetime / 4);
    await onboard(cse, device, undefined);
    assert.equal(await ends('cse-in/urn-dev-1/battery'), first);
    cse.clock.advance(lifetime / 2);
    await onboard(cse, device, undefined);
    assert.ok((await ends('cse-in/urn-dev-1')) > first);
    assert.ok((await ends('cse-in/urn-dev-1/battery')) > first);
  });

  it('shows the address from which the device speaks now', async () => {
    const device = await onboard(cse, managedDevice(), []);
    const presence = { ...device.presence, address: '192.0.2.8:9' };
    await onboard(cse, { ...device, presence }, undefined);
    assert.equal(bodyOf(await cse.retrieve('cse-in/urn-dev-1'))['mgca'], '192.0.2.8:9');
  });
});

describe('the name of a node', () => {
  const names: [string, string][] = [
    ['sensor-1', 'sensor-1'],
    ['urn:imei:123456', 'urn-imei-123456'],
    ['00:11:22', '00-11-22'],
    ['../../etc', 'etc'],
    ['a/b?c=d', 'a-b-c-d'],
    ['…', 'node'],
    ['x'.repeat(500), 'x'.repeat(200)],
  ];
  for (const [identity, name] of names) {
    it(`of ${identity.slice(0, 20)} is ${name.slice(0, 20)}`, () => assert.equal(nodeName(identity), name));
  }
});
