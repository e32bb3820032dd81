import assert from 'node:assert/strict';
import type { ManagedObjects } from '../../src/cse/managed-objects-port.ts';
import type { JsonObject, ResponsePrimitive } from '../../src/onem2m/primitive.ts';
import { bodyOf, contentOf, expectStatus, openCse, toldBy } from './open-cse.ts';
import type { OpenCse } from './open-cse.ts';

const target = 'http://127.0.0.1:9/result';

/** A device that answers when the test says so. */
function slowDevice(): { port: ManagedObjects; answer: () => void; waiting: Promise<void> } {
  let answer = (): void => {};
  let arrived = (): void => {};
  const waiting = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const gate = new Promise<void>((resolve) => {
    answer = resolve;
  });
  return {
    waiting,
    answer: () => answer(),
    port: {
      retrieve: async () => undefined,
      create: async () => undefined,
      delete: async () => undefined,
      async update() {
        arrived();
        await gate;
        return { done: true };
      },
    },
  };
}

describe('a non-blocking request', () => {
  let cse: OpenCse;
  afterEach(() => cse.close());

  const uriOf = (response: ResponsePrimitive): string => String(contentOf(response)['m2m:uri']);

  async function resultOf(uri: string, from = 'CAdmin', at = cse): Promise<JsonObject> {
    for (let attempt = 0; attempt < 200; attempt++) {
      const body = bodyOf(expectStatus(await at.retrieve(uri, { from }), 2000));
      if (body['rs'] !== 3) return body;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    throw new Error(`${uri} did not end`);
  }

  describe('without a device', () => {
    beforeEach(async () => {
      cse = await openCse();
      await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c' } });
    });

    it('is acknowledged with the address of its result (synchronous)', async () => {
      const answer = expectStatus(
        await cse.update('cse-in/c', { 'm2m:cnt': { lbl: ['x'] } }, { responseType: 1, requestIdentifier: 'abc' }),
        1001,
      );
      const result = await resultOf(uriOf(answer));
      assert.equal(result['rs'], 1);
      assert.equal(result['org'], 'CAdmin');
      assert.equal(result['rid'], 'abc');
      assert.equal(result['op'], 3);
      assert.equal(result['tg'], 'cse-in/c');
      assert.deepEqual(result['lbl'], ['CAdmin']);
      const ors = result['ors'] as { rsc: number; rqi: string; pc: { 'm2m:cnt': JsonObject } };
      assert.equal(ors.rsc, 2004);
      assert.equal(ors.rqi, 'abc');
      assert.deepEqual(ors.pc['m2m:cnt']['lbl'], ['x']);
      assert.deepEqual(await cse.outbox(), []);
    });

    it('says when it failed, and why', async () => {
      const result = await resultOf(uriOf(await cse.retrieve('cse-in/none', { responseType: 1 })));
      assert.equal(result['rs'], 2);
      const ors = result['ors'] as { rsc: number; pc: JsonObject };
      assert.equal(ors.rsc, 4004);
      assert.match(String(ors.pc['m2m:dbg']), /cse-in\/none/);
    });

    it('sends its result to the notification URIs (asynchronous)', async () => {
      const answer = await cse.retrieve('cse-in/c', {
        responseType: 2,
        responseTypeNotificationURIs: [target],
        requestIdentifier: 'xyz',
      });
      expectStatus(answer, 1002);
      await resultOf(uriOf(answer));
      const [row] = await cse.outbox();
      assert.equal(row?.kind, 'response');
      assert.equal(row?.target, target);
      const rsp = toldBy(row);
      assert.equal(rsp['rsc'], 2000);
      assert.equal(rsp['rqi'], 'xyz');
      assert.equal(rsp['fr'], '/id-in');
      assert.equal(((rsp['pc'] as JsonObject)['m2m:cnt'] as JsonObject)['rn'], 'c');
    });

    it('sends it to the originator when no URI is given, and to nobody when none is wanted', async () => {
      await cse.register('Capp', { poa: ['http://127.0.0.1:9/app'] });
      const own = await cse.retrieve('cse-in', { from: 'Capp', responseType: 2 });
      await resultOf(uriOf(expectStatus(own, 1002)), 'Capp');
      assert.deepEqual(
        (await cse.outbox()).map((row) => row.target),
        ['http://127.0.0.1:9/app'],
      );
      const none = await cse.retrieve('cse-in', { from: 'Capp', responseType: 2, responseTypeNotificationURIs: [] });
      await resultOf(uriOf(none), 'Capp');
      assert.equal((await cse.outbox()).length, 1);
    });

    it('is refused when its result could go nowhere', async () => {
      expectStatus(await cse.retrieve('cse-in', { responseType: 2 }), 4000, /point of access/);
      const more = { responseType: 2 as const, responseTypeNotificationURIs: ['coap://x'] };
      expectStatus(await cse.retrieve('cse-in', more), 4000, /coap/);
    });

    it('is seen and deleted by its originator alone', async () => {
      await cse.register('Capp');
      await cse.register('Cother');
      const uri = uriOf(await cse.retrieve('cse-in', { from: 'Capp', responseType: 1 }));
      await resultOf(uri, 'Capp');
      expectStatus(await cse.retrieve(uri, { from: 'Cother' }), 4103);
      expectStatus(await cse.remove(uri, { from: 'Cother' }), 4103);
      expectStatus(await cse.remove(uri, { from: 'Capp' }), 2002);
    });

    it('cannot concern a <request>, nor come from a stranger', async () => {
      const uri = uriOf(await cse.retrieve('cse-in', { responseType: 1 }));
      await resultOf(uri);
      expectStatus(await cse.retrieve(uri, { responseType: 1 }), 4000, /blocking/);
      expectStatus(await cse.retrieve('cse-in', { from: 'Cnobody', responseType: 1 }), 4103, /neither registered/);
    });

    it('is kept as long as Result Persistence says', async () => {
      const uri = uriOf(
        await cse.retrieve('cse-in', {
          responseType: 1,
          requestExpirationTimestamp: '1000',
          resultPersistence: 'PT2M',
        }),
      );
      await resultOf(uri);
      cse.clock.advance(119_000);
      expectStatus(await cse.retrieve(uri), 2000);
      cse.clock.advance(1_000);
      expectStatus(await cse.retrieve(uri), 4004);
      expectStatus(await cse.retrieve('cse-in', { responseType: 1, resultPersistence: 'long' }), 4000, /long/);
    });

    it('is kept no longer than its result is wanted, however long the request itself might have taken', async () => {
      const short = uriOf(await cse.retrieve('cse-in', { responseType: 1, resultPersistence: 'PT2S' }));
      const brief = uriOf(
        await cse.retrieve('cse-in', {
          responseType: 1,
          requestExpirationTimestamp: '1000',
          resultExpirationTimestamp: '5000',
        }),
      );
      await resultOf(short);
      await resultOf(brief);
      cse.clock.advance(2_000);
      expectStatus(await cse.retrieve(short), 4004);
      expectStatus(await cse.retrieve(brief), 2000);
      cse.clock.advance(3_000);
      expectStatus(await cse.retrieve(brief), 4004);
    });

    it('is answered at once when the CSE may choose (flexBlocking)', async () => {
      expectStatus(await cse.retrieve('cse-in/c', { responseType: 4 }), 2000);
    });
  });

  describe('to a device', () => {
    async function openWithDevice(device: ReturnType<typeof slowDevice>): Promise<void> {
      cse = await openCse({ management: () => device.port, settings: { maximumRequestsInFlight: 1 } });
      const changes = cse.tree.changes();
      const node = changes.create({
        parent: cse.tree.base,
        resourceType: 14,
        resourceName: 'n',
        attributes: { nodeID: 'urn:n' },
      });
      changes.create({
        parent: node,
        resourceType: 13,
        mgmtDefinition: 1006,
        resourceName: 'bat',
        attributes: { batteryLevel: 1, batteryStatus: 1 },
        internal: { binding: { deviceId: 'd', technology: 'test', mapping: 'battery' } },
      });
      const { commit, afterCommit } = await changes.build();
      await cse.store.commit(commit);
      afterCommit?.();
    }

    it('is pending meanwhile, cannot be recalled, and leaves no place for more than the limit', async () => {
      const device = slowDevice();
      await openWithDevice(device);
      const answer = await cse.update('cse-in/n/bat', { 'm2m:bat': { btl: 2 } }, { responseType: 1 });
      expectStatus(answer, 1001);
      await device.waiting;
      const pending = bodyOf(await cse.retrieve(uriOf(answer)));
      assert.equal(pending['rs'], 3);
      assert.equal((pending['ors'] as JsonObject)['rsc'], 1000);
      expectStatus(await cse.remove(uriOf(answer)), 5220);
      expectStatus(await cse.retrieve('cse-in', { responseType: 1 }), 5207);
      device.answer();
      assert.equal((await resultOf(uriOf(answer)))['rs'], 1);
    });

    for (const [words, resume, status, code] of [
      ['nobody knows what the device did', undefined, 2, 5000],
      ['it was done meanwhile', { done: true as const }, 1, 2004],
      [
        'the device refused',
        { done: false as const, responseStatusCode: 6020, explanation: 'the device is gone for good' },
        2,
        6020,
      ],
      ['the device was never asked: it is asked now', { done: 'never' as const }, 1, 2004],
    ] as const) {
      it(`ends truthfully after a restart when ${words} (${code})`, async () => {
        const device = slowDevice();
        await openWithDevice(device);
        const answer = await cse.update(
          'cse-in/n/bat',
          { 'm2m:bat': { btl: 2 } },
          { responseType: 2, responseTypeNotificationURIs: [target] },
        );
        await device.waiting;
        const { store, clock } = cse;
        const prompt = slowDevice();
        prompt.answer();
        const restarted = await openCse({
          store,
          clock,
          management: () => ({ ...prompt.port, resume: async () => resume }),
        });
        await restarted.start();
        const result = await resultOf(uriOf(answer), 'CAdmin', restarted);
        assert.equal(result['rs'], status);
        assert.equal((result['ors'] as JsonObject)['rsc'], code);
        const [row] = await restarted.outbox();
        assert.equal(toldBy(row)['rsc'], code);
        await restarted.stop();
        device.answer();
      });
    }

    it('goes on after a restart while its operation does, and holds up neither the start nor the others', async () => {
      const device = slowDevice();
      await openWithDevice(device);
      const answer = await cse.update('cse-in/n/bat', { 'm2m:bat': { btl: 2 } }, { responseType: 1 });
      await device.waiting;
      let end = (): void => {};
      const ended = new Promise<{ done: true }>((resolve) => (end = () => resolve({ done: true })));
      const { store, clock } = cse;
      const restarted = await openCse({ store, clock, management: () => ({ ...device.port, resume: () => ended }) });
      await restarted.start();
      assert.equal(bodyOf(await restarted.retrieve(uriOf(answer)))['rs'], 3);
      end();
      assert.equal((await resultOf(uriOf(answer), 'CAdmin', restarted))['rs'], 1);
      await restarted.stop();
      device.answer();
    });
  });

  describe('after a restart without a device', () => {
    beforeEach(async () => {
      cse = await openCse();
      await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c' } });
    });

    /** A request that was accepted, and perhaps performed, by a process that is gone. */
    async function leavePending(internal: JsonObject, attributes: JsonObject = {}): Promise<void> {
      const changes = cse.tree.changes();
      changes.create({
        parent: cse.tree.base,
        resourceType: 17,
        resourceName: 'left',
        attributes: {
          operation: 1,
          target: 'cse-in/c',
          originator: 'CAdmin',
          requestID: 'before',
          metaInformation: { resourceType: 4, responseType: { responseTypeValue: 1 } },
          primitiveContent: { 'm2m:cin': { con: 'once' } },
          requestStatus: 3,
          operationResult: { responseStatusCode: 1000, requestIdentifier: 'before' },
          ...attributes,
        },
        internal: { expiresAt: cse.clock.now() + 60_000, sender: { authenticated: false }, notify: [], ...internal },
      });
      const { commit, afterCommit } = await changes.build();
      await cse.store.commit(commit);
      afterCommit?.();
    }

    it('is performed when it was not, once', async () => {
      await leavePending({});
      await cse.start();
      const result = await resultOf('cse-in/left');
      assert.equal((result['ors'] as JsonObject)['rsc'], 2001);
      assert.equal(bodyOf(await cse.retrieve('cse-in/c'))['cni'], 1);
    });

    it('is not performed again when its mark is in the store', async () => {
      const made = String(bodyOf(await cse.create('cse-in/c', 4, { 'm2m:cin': { con: 'once' } }))['ri']);
      await leavePending({ performed: { responseStatusCode: 2001, resourceID: made } });
      await cse.start();
      const result = await resultOf('cse-in/left');
      const ors = result['ors'] as { rsc: number; pc: { 'm2m:cin': JsonObject } };
      assert.equal(ors.rsc, 2001);
      assert.equal(ors.pc['m2m:cin']['con'], 'once');
      assert.equal(bodyOf(await cse.retrieve('cse-in/c'))['cni'], 1);
    });

    it('has failed when it expired meanwhile', async () => {
      await leavePending({ expiresAt: cse.clock.now() - 1 });
      await cse.start();
      assert.equal(((await resultOf('cse-in/left'))['ors'] as JsonObject)['rsc'], 4008);
      assert.equal(bodyOf(await cse.retrieve('cse-in/c'))['cni'], 0);
    });
  });

  it('leaves its mark in the very commit that performs it', async () => {
    cse = await openCse();
    const marks: unknown[] = [];
    const { store } = cse;
    const commit = store.commit.bind(store);
    store.commit = async (unit) => {
      const made = unit.put?.find((put) => put.columns?.['type'] === 3);
      const request = unit.put?.find((put) => put.columns?.['type'] === 17);
      if (made && request) marks.push((request.data as { internal: JsonObject }).internal['performed']);
      return commit(unit);
    };
    const answer = await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c' } }, { responseType: 1 });
    await resultOf(uriOf(answer));
    const id = bodyOf(await cse.retrieve('cse-in/c'))['ri'];
    assert.deepEqual(marks, [{ responseStatusCode: 2001, resourceID: id }]);
  });
});
