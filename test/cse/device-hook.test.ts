import assert from 'node:assert/strict';
import type { ManagedObjects, ManagedRefusal } from '../../src/cse/managed-objects-port.ts';
import type { Requester } from '../../src/management/facade.ts';
import type { Binding, Resource } from '../../src/onem2m/resource.ts';
import type { ResourceTree } from '../../src/cse/change-set.ts';
import type { Store } from '../../src/store/store.ts';
import { bodyOf, contentOf, expectStatus, openCse } from './open-cse.ts';
import type { OpenCse } from './open-cse.ts';
import { openTemporaryStore } from '../support/store.ts';

const binding: Binding = { deviceId: 'd1', technology: 'test', mapping: 'battery' };
const gone: ManagedRefusal = { done: false, responseStatusCode: 6020, explanation: 'the device is asleep for a week' };

/** A device with a battery; `asked` is what it was asked, in order. */
class FakeDevice implements ManagedObjects {
  readonly asked: string[] = [];
  readonly contexts: Requester[] = [];
  refusal: ManagedRefusal | undefined;
  level = 42;
  #tree: ResourceTree;
  #store: Store;

  constructor(tree: ResourceTree, store: Store) {
    this.#tree = tree;
    this.#store = store;
  }

  #note(what: string, context: Requester): void {
    this.asked.push(what);
    this.contexts.push(context);
  }

  async retrieve(resource: Resource, attributes: string[] | undefined, context: Requester) {
    this.#note(`retrieve ${attributes?.join('+') ?? 'all'}`, context);
    if (this.refusal) return this.refusal;
    return {
      done: true as const,
      resource: { ...resource, attributes: { ...resource.attributes, batteryLevel: this.level } },
    };
  }

  async update(resource: Resource, patch: Resource['attributes'], context: Requester) {
    if (Object.keys(patch).every((name) => name === 'labels')) return undefined;
    this.#note(`update ${Object.keys(patch).join('+')}`, context);
    if (this.refusal) return this.refusal;
    const changes = this.#tree.changes();
    changes.update(resource, patch);
    const { commit, afterCommit } = await changes.build();
    await this.#store.commit(commit);
    afterCommit?.();
    return { done: true as const };
  }

  async create(_node: Resource, definition: { name: string }, _attributes: object, context: Requester) {
    this.#note(`create ${definition.name}`, context);
    return this.refusal ?? { done: true as const, attributes: { objectIDs: ['urn:x:9'] }, binding };
  }

  async delete(resource: Resource, context: Requester) {
    this.#note(`delete ${resource.resourceName}`, context);
    return this.refusal ?? { done: true as const };
  }

  subscriptionsChanged(resource: Resource): void {
    this.asked.push(`subscriptions of ${resource.resourceName}`);
  }
}

describe('a management object bound to a device', () => {
  let cse: OpenCse;
  let store: Store;
  let device: FakeDevice;

  beforeEach(async () => {
    store = await openTemporaryStore();
    let made: FakeDevice | undefined;
    cse = await openCse({ store, management: (tree) => (made = new FakeDevice(tree, store)) });
    device = made as FakeDevice;
    const changes = cse.tree.changes();
    const node = changes.create({
      parent: cse.tree.base,
      resourceType: 14,
      resourceName: 'n',
      attributes: { nodeID: 'urn:n' },
      internal: { binding: { deviceId: 'd1', technology: 'test' } },
    });
    changes.create({
      parent: node,
      resourceType: 13,
      mgmtDefinition: 1006,
      resourceName: 'bat',
      attributes: { batteryLevel: 80, batteryStatus: 1 },
      internal: { binding },
    });
    const { commit, afterCommit } = await changes.build();
    await store.commit(commit);
    afterCommit?.();
  });
  afterEach(async () => {
    await cse.close();
    await store.close();
  });

  it('is read live when it is the target, whole or in part', async () => {
    assert.equal(bodyOf(await cse.retrieve('cse-in/n/bat'))['btl'], 42);
    assert.deepEqual(contentOf(await cse.retrieve('cse-in/n/bat', { attributeList: ['btl'] })), {
      'm2m:bat': { btl: 42 },
    });
    assert.deepEqual(device.asked, ['retrieve all', 'retrieve batteryLevel']);
  });

  it('is shown as stored in lists and discovery', async () => {
    const nested = bodyOf(await cse.retrieve('cse-in/n', { resultContent: 4 }));
    assert.equal((nested['m2m:bat'] as [{ btl: number }])[0].btl, 80);
    assert.equal(bodyOf(await cse.retrieve('cse-in/n/bat', { resultContent: 5 }))['btl'], 80);
    await cse.retrieve('cse-in', { filterCriteria: { filterUsage: 1 } });
    assert.deepEqual(device.asked, []);
  });

  it('tells the device how long the requester waits', async () => {
    await cse.retrieve('cse-in/n/bat', { requestExpirationTimestamp: '4000', requestIdentifier: 'q' });
    const expiresAt = cse.clock.now() + 4000;
    assert.deepEqual(device.contexts, [{ originator: 'CAdmin', requestIdentifier: 'q', expiresAt, blocking: true }]);
  });

  it('is written to the device first and answered as it is then', async () => {
    const body = bodyOf(expectStatus(await cse.update('cse-in/n/bat', { 'm2m:bat': { btl: 7 } }), 2004));
    assert.equal(body['btl'], 7);
    assert.deepEqual(device.asked, ['update batteryLevel']);
  });

  it('is written here alone when the device is not concerned', async () => {
    expectStatus(await cse.update('cse-in/n/bat', { 'm2m:bat': { lbl: ['x'] } }), 2004);
    assert.deepEqual(device.asked, []);
  });

  it('is left as it was when the device cannot be asked', async () => {
    device.refusal = gone;
    expectStatus(await cse.retrieve('cse-in/n/bat'), 6020, /asleep/);
    expectStatus(await cse.update('cse-in/n/bat', { 'm2m:bat': { btl: 7 } }), 6020, /asleep/);
    expectStatus(await cse.remove('cse-in/n/bat'), 6020);
    expectStatus(await cse.create('cse-in/n', 13, { 'm2m:bat': { rn: 'b2', mgd: 1006, btl: 1, bts: 1 } }), 6020);
    device.refusal = undefined;
    const stored = (await cse.tree.byPath('cse-in/n/bat')) as Resource;
    assert.equal(stored.attributes['batteryLevel'], 80);
    assert.equal(stored.version, 1);
    assert.equal(await cse.tree.byPath('cse-in/n/b2'), undefined);
  });

  it('never reaches the device with what is refused here', async () => {
    await cse.register('Capp');
    expectStatus(await cse.update('cse-in/n/bat', { 'm2m:bat': { btl: 101 } }), 4000);
    expectStatus(await cse.update('cse-in/n/bat', { 'm2m:bat': { btl: 1 } }, { from: 'Capp' }), 4103);
    expectStatus(await cse.retrieve('cse-in/n/bat', { from: 'Capp' }), 4103);
    expectStatus(await cse.create('cse-in/n', 13, { 'm2m:bat': { rn: 'bat', mgd: 1006, btl: 1, bts: 1 } }), 4105);
    assert.deepEqual(device.asked, []);
  });

  it('is created on the device, and bound', async () => {
    const answer = await cse.create('cse-in/n', 13, { 'm2m:bat': { rn: 'b2', mgd: 1006, btl: 1, bts: 1 } });
    assert.deepEqual(bodyOf(expectStatus(answer, 2001))['obis'], ['urn:x:9']);
    assert.deepEqual((await cse.tree.byPath('cse-in/n/b2'))?.internal.binding, binding);
    assert.deepEqual(device.asked, ['create battery']);
  });

  it('is deleted on the device first', async () => {
    expectStatus(await cse.remove('cse-in/n/bat'), 2002);
    assert.deepEqual(device.asked, ['delete bat']);
    assert.equal(await cse.tree.byPath('cse-in/n/bat'), undefined);
  });

  it('tells when its subscriptions change', async () => {
    await cse.create('cse-in/n/bat', 23, { 'm2m:sub': { rn: 's', nu: ['http://127.0.0.1:9/n'] } });
    await cse.remove('cse-in/n/bat/s');
    assert.deepEqual(device.asked, ['subscriptions of bat', 'subscriptions of bat']);
  });
});
