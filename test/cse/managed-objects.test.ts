import assert from 'node:assert/strict';
import { createManagedObjects, type ManagedObjectsSettings } from '../../src/cse/managed-objects.ts';
import type { ManagedObjects } from '../../src/cse/managed-objects-port.ts';
import type { Management, Reply, Requester } from '../../src/management/facade.ts';
import type { AttributePatch } from '../../src/management/resource-side.ts';
import type { Resource } from '../../src/onem2m/resource.ts';
import { openCse } from './open-cse.ts';
import type { OpenCse } from './open-cse.ts';
import { managedDevice, mappedBattery, onboard } from './managed-device.ts';

const requester: Requester = { originator: 'CAdmin', requestIdentifier: 'r1', expiresAt: 0, blocking: true };
const gone: Reply = { done: false, responseStatusCode: 6003, explanation: 'the device is not registered' };

/** Management that answers as told and remembers what it was asked. */
class ScriptedManagement {
  readonly asked: string[] = [];
  reply: Reply = { done: true, patch: {} };
  current = false;

  readonly management: Management = {
    retrieve: (_object, attributes) => this.#answer(`retrieve ${attributes?.join(' ') ?? 'all'}`),
    isCurrent: () => this.current,
    update: (_object, patch: AttributePatch) => this.#answer(`update ${Object.keys(patch).join(' ')}`),
    create: (device, mgmtDefinition) => this.#answer(`create ${mgmtDefinition} on ${device.id}`),
    delete: () => this.#answer('delete'),
    cancel: () => this.#answer('cancel'),
    resume: () => Promise.resolve(undefined),
    device: async (id) => (id === 'dev-1' ? managedDevice() : undefined),
    deviceByNode: async () => managedDevice(),
    operation: async () => undefined,
    subscriptionsChanged: (device) => void this.asked.push(`subscriptions of ${device}`),
    forget: async (device) => void this.asked.push(`forget ${device}`),
  };

  #answer(what: string): Promise<Reply> {
    this.asked.push(what);
    return Promise.resolve(this.reply);
  }
}

describe('a management object of a device, in the CSE', () => {
  let cse: OpenCse;
  let scripted: ScriptedManagement;
  let battery: Resource;
  beforeEach(async () => {
    cse = await openCse();
    await onboard(cse, managedDevice(), [mappedBattery()]);
    scripted = new ScriptedManagement();
    battery = (await cse.tree.byPath('cse-in/urn-dev-1/battery'))!;
  });
  afterEach(() => cse.close());

  function objects(settings: Partial<ManagedObjectsSettings> = {}): ManagedObjects {
    return createManagedObjects({
      management: scripted.management,
      tree: () => cse.tree,
      clock: cse.clock,
      settings: { maximumAge: 0, fallback: 'error', ...settings },
    });
  }

  it('is read from its device, and what the device says lies over what is stored', async () => {
    scripted.reply = { done: true, patch: { batteryLevel: 7, batteryStatus: null } };
    const reply = await objects().retrieve(battery, undefined, requester);
    assert.ok(reply?.done);
    assert.equal(reply.resource.attributes['batteryLevel'], 7);
    assert.ok(!('batteryStatus' in reply.resource.attributes));
    assert.equal(battery.attributes['batteryLevel'], 0, 'the stored copy is left alone');
    assert.deepEqual(scripted.asked, ['retrieve all']);
  });

  it('is not read for what the CSE keeps', async () => {
    assert.equal(await objects().retrieve(battery, ['labels', 'expirationTime'], requester), undefined);
    assert.deepEqual(scripted.asked, []);
    await objects().retrieve(battery, ['labels', 'batteryLevel'], requester);
    assert.deepEqual(scripted.asked, ['retrieve batteryLevel']);
  });

  it('is not read while an observation keeps it current', async () => {
    scripted.current = true;
    assert.equal(await objects().retrieve(battery, undefined, requester), undefined);
    assert.deepEqual(scripted.asked, []);
  });

  it('is not read again before maximumAge is over', async () => {
    const managed = objects({ maximumAge: 5000 });
    await managed.retrieve(battery, ['batteryLevel'], requester);
    cse.clock.advance(4000);
    assert.equal(await managed.retrieve(battery, ['batteryLevel'], requester), undefined);
    // Others were not read then.
    await managed.retrieve(battery, ['batteryStatus'], requester);
    await managed.retrieve(battery, undefined, requester);
    cse.clock.advance(4000);
    assert.equal(await managed.retrieve(battery, ['batteryLevel'], requester), undefined);
    cse.clock.advance(1001);
    await managed.retrieve(battery, ['batteryLevel'], requester);
    assert.deepEqual(scripted.asked, [
      'retrieve batteryLevel',
      'retrieve batteryStatus',
      'retrieve all',
      'retrieve batteryLevel',
    ]);
  });

  it('a failed read does not count as one', async () => {
    const managed = objects({ maximumAge: 5000 });
    scripted.reply = gone;
    await managed.retrieve(battery, undefined, requester);
    await managed.retrieve(battery, undefined, requester);
    assert.equal(scripted.asked.length, 2);
  });

  it('that cannot be read is an error, or the stored copy, as the operator wants it', async () => {
    scripted.reply = gone;
    const error = await objects().retrieve(battery, undefined, requester);
    assert.deepEqual(error, { done: false, responseStatusCode: 6003, explanation: 'the device is not registered' });
    assert.equal(await objects({ fallback: 'stored' }).retrieve(battery, undefined, requester), undefined);
  });

  it('is updated on the device, but for what the CSE keeps', async () => {
    assert.deepEqual(await objects().update(battery, { batteryLevel: 3, labels: ['x'] }, requester), { done: true });
    assert.equal(await objects().update(battery, { labels: ['x'], description: 'y' }, requester), undefined);
    assert.deepEqual(scripted.asked, ['update batteryLevel labels']);
  });

  it('whose update concerns no device is stored, with what management wants to remember', async () => {
    scripted.reply = { done: 'locally', notes: { inputs: { URL: 'http://x' } } };
    assert.deepEqual(await objects().update(battery, { URL: 'http://x' }, requester), {
      done: 'locally',
      internal: { notes: { inputs: { URL: 'http://x' } } },
    });
    scripted.reply = { done: 'locally' };
    assert.equal(await objects().update(battery, { URL: 'http://x' }, requester), undefined);
  });

  it('says what the device has refused', async () => {
    scripted.reply = gone;
    const refusal = { done: false, responseStatusCode: 6003, explanation: 'the device is not registered' };
    assert.deepEqual(await objects().update(battery, { batteryLevel: 3 }, requester), refusal);
    assert.deepEqual(await objects().delete(battery, requester), refusal);
  });

  it('that no device stands behind is left to the CSE', async () => {
    const plain: Resource = { ...battery, internal: {} };
    assert.equal(await objects().retrieve(plain, undefined, requester), undefined);
    assert.equal(await objects().update(plain, { batteryLevel: 3 }, requester), undefined);
    assert.equal(await objects().delete(plain, requester), undefined);
    objects().subscriptionsChanged?.(plain);
    assert.deepEqual(scripted.asked, []);
  });

  it('that the device has already as another resource is not made again', async () => {
    const node = (await cse.tree.byPath('cse-in/urn-dev-1'))!;
    const definition = { resourceType: 13, mgmtDefinition: 1006 } as Parameters<ManagedObjects['create']>[1];
    const attributes = { objectIDs: ['urn:oma:lwm2m:oma:3'], objectPaths: ['/3/0'] };
    const reply = await objects().create(node, definition, attributes, requester);
    assert.ok(reply && reply.done === false);
    assert.equal(reply.responseStatusCode, 5106);
    assert.match(reply.explanation, /cse-in\/urn-dev-1\/battery/);
    assert.deepEqual(scripted.asked, []);
  });

  it('that names no object of the device is an object of the CSE alone', async () => {
    const node = (await cse.tree.byPath('cse-in/urn-dev-1'))!;
    const definition = { resourceType: 13, mgmtDefinition: 1006 } as Parameters<ManagedObjects['create']>[1];
    assert.equal(await objects().create(node, definition, { batteryLevel: 1 }, requester), undefined);
    assert.deepEqual(scripted.asked, []);
  });

  it('tells management that its subscriptions changed, and that its node goes', async () => {
    objects().subscriptionsChanged?.(battery);
    await objects().forget?.((await cse.tree.byPath('cse-in/urn-dev-1'))!);
    assert.deepEqual(scripted.asked, ['subscriptions of dev-1', 'forget dev-1']);
  });
});
