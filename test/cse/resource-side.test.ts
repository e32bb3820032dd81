import assert from 'node:assert/strict';
import type { Operation } from '../../src/management/operation.ts';
import { succeeded } from '../../src/management/outcome.ts';
import type { JsonObject } from '../../src/onem2m/primitive.ts';
import { bodyOf, expectStatus, openCse } from './open-cse.ts';
import type { OpenCse } from './open-cse.ts';
import { apply, boundObject, managedDevice, mappedBattery, onboard, resourceSideOf } from './managed-device.ts';

const path = 'cse-in/urn-dev-1/battery';

function operation(resource: string, kind: Operation['kind'] = 'read'): Operation {
  return {
    id: 'op-1',
    device: 'dev-1',
    lane: 'dev-1',
    sequence: 1,
    version: 1,
    state: 'dispatched',
    kind,
    steps: [],
    repeatable: true,
    volatile: false,
    resource,
    purpose: {},
    requester: { originator: 'CAdmin', requestIdentifier: 'r1' },
    acceptedAt: 0,
    expiresAt: 0,
  };
}

describe('what devices and operations tell, in resources', () => {
  let cse: OpenCse;
  let device: ReturnType<typeof managedDevice>;
  beforeEach(async () => {
    cse = await openCse();
    device = await onboard(cse, managedDevice(), [mappedBattery()]);
  });
  afterEach(() => cse.close());

  async function subscribe(content: JsonObject): Promise<void> {
    expectStatus(await cse.create(path, 23, { 'm2m:sub': { nu: ['http://127.0.0.1:1/'], ...content } }), 2001);
  }

  it('a patch changes the attributes, and its notifications are in the same commit', async () => {
    await subscribe({ enc: { net: [1] }, nct: 1 });
    const { resourceID } = await boundObject(cse, path);
    const patches = new Map([[resourceID, { batteryLevel: 12 }]]);
    const changes = await resourceSideOf(cse).outcome(operation(resourceID), succeeded(), patches);
    assert.equal(changes.commit.append?.filter(({ table }) => table === 'outbox').length, 1);
    await apply(cse, changes);
    assert.equal(bodyOf(await cse.retrieve(path))['btl'], 12);
    assert.equal((await cse.outbox()).length, 1);
  });

  it('a patch that changes nothing writes nothing', async () => {
    const { resourceID } = await boundObject(cse, path);
    const patches = new Map([[resourceID, { batteryLevel: 0 }]]);
    const side = resourceSideOf(cse);
    assert.equal(await apply(cse, await side.outcome(operation(resourceID), succeeded(), patches)), false);
    assert.equal(await apply(cse, await side.reported(patches)), false);
  });

  it('a patch for a resource that is gone is let go', async () => {
    const patches = new Map([['bat-gone', { batteryLevel: 3 }]]);
    assert.equal(
      await apply(cse, await resourceSideOf(cse).outcome(operation('bat-gone'), succeeded(), patches)),
      false,
    );
  });

  it('a null takes the attribute away', async () => {
    const { resourceID } = await boundObject(cse, path);
    await apply(
      cse,
      await resourceSideOf(cse).outcome(
        operation(resourceID),
        succeeded(),
        new Map([[resourceID, { batteryStatus: null }]]),
      ),
    );
    assert.equal(bodyOf(await cse.retrieve(path))['bts'], undefined);
  });

  it('a deletion that succeeded takes the resource away with what is below it', async () => {
    await subscribe({ enc: { net: [2] }, nct: 1 });
    const { resourceID } = await boundObject(cse, path);
    await apply(cse, await resourceSideOf(cse).outcome(operation(resourceID, 'delete'), succeeded(), new Map()));
    expectStatus(await cse.retrieve(path), 4004);
    assert.ok((await cse.outbox()).length > 0, 'the subscriber is told');
  });

  it('a deletion that failed leaves it', async () => {
    const { resourceID } = await boundObject(cse, path);
    const outcome = { status: 'failed' as const, results: [] };
    await apply(cse, await resourceSideOf(cse).outcome(operation(resourceID, 'delete'), outcome, new Map()));
    expectStatus(await cse.retrieve(path), 2000);
  });

  it('what management remembers of a resource is kept, given back and never shown', async () => {
    const { resourceID, notes } = await boundObject(cse, path);
    assert.equal(notes, undefined);
    const kept = { inputs: { URL: 'http://secret.example/image' }, verdicts: ['updateStatus'] };
    const side = resourceSideOf(cse);
    await apply(cse, await side.outcome(operation(resourceID), undefined, new Map(), new Map([[resourceID, kept]])));
    assert.deepEqual((await boundObject(cse, path)).notes, kept);
    assert.deepEqual((await side.objectsOf(device))[0]?.notes, kept);
    assert.ok(!JSON.stringify((await cse.retrieve(path)).content).includes('secret'));
    assert.equal((await cse.outbox()).length, 0);
    // Replaced as a whole.
    await apply(cse, await side.outcome(operation(resourceID), undefined, new Map(), new Map([[resourceID, {}]])));
    assert.deepEqual((await boundObject(cse, path)).notes, {});
  });

  it('tells the management objects of a device, and no others', async () => {
    await onboard(cse, managedDevice({ id: 'dev-2', identity: 'urn:dev:2' }), [mappedBattery()]);
    expectStatus(
      await cse.create('cse-in/urn-dev-1', 13, { 'm2m:bat': { rn: 'mine', mgd: 1006, btl: 1, bts: 1 } }),
      2001,
    );
    const objects = await resourceSideOf(cse).objectsOf(device);
    assert.deepEqual(
      objects.map((object) => object.path),
      [path],
    );
    assert.deepEqual(objects[0]?.objects, { device: '/3/0' });
    assert.deepEqual(await resourceSideOf(cse).objectsOf({ ...device, node: undefined }), []);
  });

  const subscriptions: [string, JsonObject[], { attributes?: string[] } | undefined][] = [
    ['nothing when there is no subscription', [], undefined],
    ['everything for updates without a list of attributes', [{ enc: { net: [1] } }], {}],
    ['everything without criteria', [{}], {}],
    ['the named attributes', [{ enc: { net: [1], atr: ['btl'] } }], { attributes: ['batteryLevel'] }],
    [
      'the attributes of all subscriptions together',
      [{ enc: { net: [1], atr: ['btl'] } }, { enc: { net: [1], atr: ['bts'] } }],
      { attributes: ['batteryLevel', 'batteryStatus'] },
    ],
    ['everything when one of them wants everything', [{ enc: { net: [1], atr: ['btl'] } }, { enc: { net: [1] } }], {}],
    ['nothing for the end of the resource', [{ enc: { net: [2] } }], undefined],
  ];
  for (const [what, contents, wanted] of subscriptions) {
    it(`wants to be told ${what}`, async () => {
      for (const content of contents) await subscribe(content);
      const { resourceID } = await boundObject(cse, path);
      const subscribed = await resourceSideOf(cse).subscribed(device);
      assert.deepEqual(subscribed.get(resourceID), wanted);
    });
  }
});
