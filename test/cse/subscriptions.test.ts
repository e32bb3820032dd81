import assert from 'node:assert/strict';
import type { JsonObject } from '../../src/onem2m/primitive.ts';
import { bodyOf, createPolicy, expectStatus, openCse, toldBy } from './open-cse.ts';
import type { OpenCse, OutboxRow } from './open-cse.ts';

const target = 'http://127.0.0.1:9/notify';

describe('a subscription', () => {
  let cse: OpenCse;
  beforeEach(async () => {
    cse = await openCse();
    await cse.create('cse-in', 14, { 'm2m:nod': { rn: 'n', ni: 'urn:n' } });
    await cse.create('cse-in/n', 13, { 'm2m:bat': { rn: 'bat', mgd: 1006, btl: 80, bts: 1 } });
  });
  afterEach(() => cse.close());

  async function subscribe(to: string, attributes: JsonObject = {}): Promise<string> {
    const answer = await cse.create(to, 23, { 'm2m:sub': { rn: 's', nu: [target], ...attributes } });
    return String(bodyOf(expectStatus(answer, 2001))['ri']);
  }

  async function battery(): Promise<string> {
    return String(bodyOf(await cse.retrieve('cse-in/n/bat'))['ri']);
  }

  async function events(): Promise<{ rep?: JsonObject; net?: number }[]> {
    return (await cse.outbox()).map(({ content }) => {
      const sgn = content['m2m:sgn'] as JsonObject;
      return sgn['nev'] as { rep?: JsonObject; net?: number };
    });
  }

  it('tells of an update with all attributes, and of whom it comes from', async () => {
    const id = await subscribe('cse-in/n/bat');
    await cse.update('cse-in/n/bat', { 'm2m:bat': { btl: 70 } });
    const [row, ...more] = await cse.outbox();
    assert.deepEqual(more, []);
    const { content, ...rest } = row as OutboxRow;
    assert.deepEqual(rest, { subscription: id, target, kind: 'notification', originator: '/id-in' });
    const { nev, sur } = content['m2m:sgn'] as { nev: { rep: JsonObject; net: number }; sur: string };
    assert.equal(sur, 'cse-in/n/bat/s');
    assert.equal(nev.net, 1);
    assert.deepEqual(nev.rep, { 'm2m:bat': bodyOf(await cse.retrieve('cse-in/n/bat')) });
  });

  it('tells of the modified attributes alone (nct 2)', async () => {
    await subscribe('cse-in/n/bat', { nct: 2 });
    await cse.update('cse-in/n/bat', { 'm2m:bat': { btl: 70, lbl: ['x'] } });
    assert.deepEqual(await events(), [{ rep: { 'm2m:bat': { btl: 70, lbl: ['x'] } }, net: 1 }]);
  });

  it('tells of the resource ID alone (nct 3)', async () => {
    await subscribe('cse-in/n/bat', { nct: 3 });
    await cse.update('cse-in/n/bat', { 'm2m:bat': { btl: 70 } });
    assert.deepEqual(await events(), [{ rep: { 'm2m:uri': await battery() }, net: 1 }]);
  });

  it('sends to the URL without the serialization that was asked for', async () => {
    const nu = ['http://127.0.0.1:9/a?ct=json', 'http://127.0.0.1:9/b?x=1&ct=json', 'http://127.0.0.1:9/c?ct=json&x=1'];
    await subscribe('cse-in/n/bat', { nu });
    await cse.update('cse-in/n/bat', { 'm2m:bat': { btl: 70 } });
    assert.deepEqual(
      (await cse.outbox()).map((row) => row.target),
      ['http://127.0.0.1:9/a', 'http://127.0.0.1:9/b?x=1', 'http://127.0.0.1:9/c?x=1'],
    );
  });

  it('tells only of the attributes asked for', async () => {
    await subscribe('cse-in/n/bat', { nct: 2, enc: { net: [1], atr: ['btl'] } });
    await cse.update('cse-in/n/bat', { 'm2m:bat': { bts: 2 } });
    assert.deepEqual(await events(), []);
    await cse.update('cse-in/n/bat', { 'm2m:bat': { bts: 3, btl: 1 } });
    assert.deepEqual(await events(), [{ rep: { 'm2m:bat': { bts: 3, btl: 1 } }, net: 1 }]);
  });

  it('tells of new children, of the types asked for', async () => {
    await subscribe('cse-in/n', { enc: { net: [3], chty: [13] } });
    await cse.create('cse-in/n', 13, {
      'm2m:fwr': { rn: 'fw', mgd: 1001, vr: '1', fwn: 'f', url: 'http://x/y', ud: false },
    });
    await cse.create('cse-in/n', 23, { 'm2m:sub': { rn: 's2', nu: [target], enc: { net: [2] } } });
    const told = await events();
    assert.equal(told.length, 1);
    assert.equal(told[0]?.net, 3);
    const [[root, child] = []] = Object.entries(told[0]?.rep ?? {}) as [string, JsonObject][];
    assert.equal(root, 'm2m:fwr');
    assert.equal(child?.['rn'], 'fw');
  });

  it('tells of children that go', async () => {
    await subscribe('cse-in/n', { enc: { net: [4] }, nct: 3 });
    const id = await battery();
    await cse.remove('cse-in/n/bat');
    assert.deepEqual(await events(), [{ rep: { 'm2m:uri': id }, net: 4 }]);
  });

  it('tells of the end of its resource, and of its own', async () => {
    await subscribe('cse-in/n/bat', { enc: { net: [2] }, nct: 3, su: 'http://127.0.0.1:9/gone' });
    const id = await battery();
    await cse.remove('cse-in/n');
    const rows = await cse.outbox();
    assert.deepEqual(rows.map(({ kind, target: to }) => `${kind} ${to}`).sort(), [
      'deletion http://127.0.0.1:9/gone',
      `notification ${target}`,
    ]);
    const deletion = rows.find(({ kind }) => kind === 'deletion');
    assert.deepEqual(deletion?.content, { 'm2m:sgn': { sud: true, sur: 'cse-in/n/bat/s' } });
    const end = rows.find(({ kind }) => kind === 'notification');
    assert.deepEqual(toldBy(end)['nev'], { rep: { 'm2m:uri': id }, net: 2 });
  });

  it('tells of its own end last', async () => {
    await subscribe('cse-in/n/bat', { enc: { net: [2] }, su: target });
    await cse.remove('cse-in/n');
    assert.deepEqual(
      (await cse.outbox()).map(({ kind }) => kind),
      ['notification', 'deletion'],
    );
  });

  it('tells nothing of children that go with their parent', async () => {
    await subscribe('cse-in/n', { enc: { net: [4] } });
    await cse.remove('cse-in/n');
    assert.deepEqual(await events(), []);
  });

  it('tells only under its conditions', async () => {
    await subscribe('cse-in', { enc: { net: [3], cra: '20300101T000000' } });
    await cse.create('cse-in', 3, { 'm2m:cnt': {} });
    assert.deepEqual(await events(), []);
  });

  it('tells every target, an AE at its point of access', async () => {
    await cse.register('Capp', { poa: ['http://127.0.0.1:9/app'] });
    await subscribe('cse-in/n/bat', { nu: [target, 'cse-in/Capp'] });
    await cse.update('cse-in/n/bat', { 'm2m:bat': { btl: 70 } });
    assert.deepEqual(
      (await cse.outbox()).map((row) => row.target),
      [target, 'http://127.0.0.1:9/app'],
    );
  });

  it('tells of changes that nobody requested, through a set of changes', async () => {
    await subscribe('cse-in/n/bat', { nct: 2 });
    const resource = await cse.tree.byPath('cse-in/n/bat');
    assert.ok(resource);
    const changes = cse.tree.changes();
    changes.update(resource, { batteryLevel: 5, batteryStatus: 1 });
    const { commit, afterCommit } = await changes.build();
    await cse.store.commit(commit);
    afterCommit?.();
    assert.deepEqual(await events(), [{ rep: { 'm2m:bat': { btl: 5 } }, net: 1 }]);
    const again = cse.tree.changes();
    again.update((await cse.tree.byPath('cse-in/n/bat'))!, { batteryLevel: 5 });
    assert.equal(again.empty, true);
  });

  it('is gone after as many notifications as its expirationCounter says', async () => {
    const id = await subscribe('cse-in/n/bat', { exc: 2 });
    await cse.notified(id);
    assert.equal(bodyOf(await cse.retrieve('cse-in/n/bat/s'))['exc'], 1);
    await cse.notified(id);
    expectStatus(await cse.retrieve('cse-in/n/bat/s'), 4004);
    await cse.notified(id);
    await cse.update('cse-in/n/bat', { 'm2m:bat': { btl: 70 } });
    assert.deepEqual(await events(), []);
  });

  it('asks a foreign target first, and remembers who wished it', async () => {
    await cse.register('Capp', { poa: ['http://127.0.0.1:9/app'] });
    const content = { 'm2m:sub': { rn: 's', nu: ['cse-in/Capp'] } };
    const body = bodyOf(expectStatus(await cse.create('cse-in/n', 23, content), 2001));
    assert.equal(body['cr'], 'CAdmin');
    assert.deepEqual(cse.sent, [
      { url: 'http://127.0.0.1:9/app', content: { 'm2m:sgn': { vrq: true, cr: 'CAdmin', sur: 'cse-in/n/s' } } },
    ]);
    cse.agree.ok = false;
    cse.agree.why = 'HTTP 403';
    const other = { 'm2m:sub': { rn: 's2', nu: ['cse-in/Capp'] } };
    expectStatus(await cse.create('cse-in/n', 23, other), 5204, /HTTP 403/);
    expectStatus(await cse.retrieve('cse-in/n/s2'), 4004);
  });

  it('needs the right to retrieve what it watches', async () => {
    await cse.register('Capp');
    await createPolicy(cse, 'p', [{ acor: ['Capp'], acop: 1 }]);
    await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c', acpi: ['cse-in/p'] } });
    expectStatus(await cse.create('cse-in/c', 23, { 'm2m:sub': { nu: [target] } }, { from: 'Capp' }), 4103, /RETRIEVE/);
  });

  const refused: [words: string, to: string, attributes: JsonObject, code: number, sentence: RegExp][] = [
    ['on a contentInstance', 'cse-in/c/i', {}, 5203, /contentInstance/],
    ['with nct 2 for new children', 'cse-in/n', { nct: 2, enc: { net: [3] } }, 4000, /nct/],
    ['with nct 2 for the end', 'cse-in/n', { nct: 2, enc: { net: [1, 2] } }, 4000, /'net' 2/],
    ['with an event that is not there', 'cse-in/n', { enc: { net: [7] } }, 5001, /7/],
    ['with an operation monitor', 'cse-in/n', { enc: { om: [{ ops: 2 }] } }, 5001, /operationMonitor/],
    ['with batches', 'cse-in/n', { bn: { num: 3 } }, 5001, /'bn'/],
    ['with types of children for an update', 'cse-in/n', { enc: { chty: [13] } }, 4000, /chty/],
    ['with types that are no children', 'cse-in/n', { enc: { net: [3], chty: [2] } }, 4000, /chty/],
    ['with an attribute that is not there', 'cse-in/n', { enc: { atr: ['btl'] } }, 4000, /btl/],
    ['with a target of another scheme', 'cse-in/n', { nu: ['mqtt://x/y'] }, 5001, /http/],
    ['with a target that is nothing', 'cse-in/n', { nu: ['cse-in/none'] }, 4000, /neither/],
    ['with XML for its target', 'cse-in/n', { nu: ['http://x/y?ct=xml'] }, 5001, /ct=json/],
  ];
  for (const [words, to, attributes, code, sentence] of refused) {
    it(`is refused ${words} (${code})`, async () => {
      await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c' } });
      await cse.create('cse-in/c', 4, { 'm2m:cin': { rn: 'i', con: 'x' } });
      expectStatus(await cse.create(to, 23, { 'm2m:sub': { nu: [target], ...attributes } }), code, sentence);
    });
  }

  it('costs a change nothing when there is none: no row, no read', async () => {
    await cse.update('cse-in/n/bat', { 'm2m:bat': { btl: 70 } });
    assert.deepEqual(await cse.outbox(), []);
  });
});
