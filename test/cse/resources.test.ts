import assert from 'node:assert/strict';
import type { JsonObject } from '../../src/onem2m/primitive.ts';
import { createVocabulary } from '../../src/onem2m/create-vocabulary.ts';
import { battery, firmware, reboot } from '../onem2m/specializations.ts';
import { bodyOf, contentOf, dbg, expectStatus, openCse, toldBy } from './open-cse.ts';
import type { OpenCse } from './open-cse.ts';

describe('an AE', () => {
  let cse: OpenCse;
  beforeEach(async () => {
    cse = await openCse();
  });
  afterEach(() => cse.close());

  const ae = (attributes: JsonObject = {}): JsonObject => ({
    'm2m:ae': { api: 'Napp', rr: true, srv: ['3'], ...attributes },
  });

  it("gets an AE-ID for From 'C', 'S' or none", async () => {
    for (const [from, first] of [
      ['C', 'C'],
      ['S', 'S'],
      ['', 'C'],
      [undefined, 'C'],
    ] as const) {
      const body = bodyOf(expectStatus(await cse.create('cse-in', 2, ae(), { from }), 2001));
      const id = String(body['aei']);
      assert.match(id, new RegExp(`^${first}[0-9a-z]{14}$`));
      assert.equal(body['ri'], id);
      expectStatus(await cse.retrieve('cse-in', { from: id }), 2000);
    }
  });

  it('keeps the AE-ID-Stem that it comes with, and registers once', async () => {
    const body = bodyOf(expectStatus(await cse.create('cse-in', 2, ae({ rn: 'app' }), { from: 'Capp' }), 2001));
    assert.deepEqual([body['aei'], body['ri'], body['rn']], ['Capp', 'Capp', 'app']);
    expectStatus(await cse.create('cse-in', 2, ae(), { from: 'Capp' }), 4117, /Capp/);
    const others = await Promise.all(
      Array.from({ length: 5 }, () => cse.create('cse-in', 2, ae(), { from: 'Ctwice' })),
    );
    assert.equal(others.filter((answer) => answer.responseStatusCode === 2001).length, 1, others.map(dbg).join());
  });

  it('registers once under two names at the same time', async () => {
    const answers = await Promise.all(['a', 'b'].map((rn) => cse.create('cse-in', 2, ae({ rn }), { from: 'Capp' })));
    assert.deepEqual(answers.map((answer) => answer.responseStatusCode).sort(), [2001, 4117]);
  });

  it('may register again when its registration has expired', async () => {
    await cse.register('Capp', { et: '20270115T080010' });
    cse.clock.advance(10_000);
    await cse.register('Capp');
    expectStatus(await cse.retrieve('cse-in', { from: 'Capp' }), 2000);
  });

  it('may register again after it was deleted', async () => {
    await cse.register('Capp');
    expectStatus(await cse.remove('cse-in/Capp', { from: 'Capp' }), 2002);
    expectStatus(await cse.retrieve('cse-in', { from: 'Capp' }), 4103);
    await cse.register('Capp');
    expectStatus(await cse.retrieve('cse-in', { from: 'Capp' }), 2000);
  });

  const refused: [words: string, from: string, attributes: JsonObject, release: string, code: number][] = [
    ['with an ID of no AE', 'app', {}, '3', 4000],
    ['as a CSE', '/other', {}, '3', 4103],
    ['with an App-ID of another letter', 'Capp', { api: 'xapp' }, '3', 4000],
    ['with a small r from Release 4 on', 'Capp', { api: 'rapp' }, '4', 4000],
    ['without its App-ID', 'Capp', { api: null }, '3', 4000],
  ];
  for (const [words, from, attributes, releaseVersionIndicator, code] of refused) {
    it(`cannot register ${words} (${code})`, async () => {
      expectStatus(await cse.create('cse-in', 2, ae(attributes), { from, releaseVersionIndicator }), code);
    });
  }
  it('may have a small r before', async () => {
    expectStatus(
      await cse.create('cse-in', 2, ae({ api: 'rapp' }), { from: 'Capp', releaseVersionIndicator: '3' }),
      2001,
    );
  });

  it('says which releases it speaks, unless it speaks Release 2, which knows no such attribute', async () => {
    const old = { 'm2m:ae': { api: 'Napp', rr: true } };
    expectStatus(await cse.create('cse-in', 2, old, { from: 'Cnew', releaseVersionIndicator: '3' }), 4000, /srv/);
    expectStatus(await cse.create('cse-in', 2, old, { from: 'Cold', releaseVersionIndicator: '2a' }), 2001);
  });

  it('has labels that are tokens', async () => {
    for (const lbl of [[' x'], ['x '], ['a  b'], ['a\tb'], ['']]) {
      expectStatus(await cse.create('cse-in', 2, ae({ lbl }), { from: 'Capp' }), 4000, /lbl/);
    }
    expectStatus(await cse.create('cse-in', 2, ae({ lbl: ['site:Hall 7'] }), { from: 'Capp' }), 2001);
  });

  it('registers below the CSEBase only', async () => {
    await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c' } });
    expectStatus(await cse.create('cse-in/c', 2, ae(), { from: 'Capp' }), 4108);
  });

  it('is listed by the node that it points at', async () => {
    const node = String(bodyOf(await cse.create('cse-in', 14, { 'm2m:nod': { rn: 'n', ni: 'urn:n' } }))['ri']);
    await cse.register('Capp', { nl: node });
    assert.deepEqual(bodyOf(await cse.retrieve('cse-in/n'))['hael'], ['Capp']);
    await cse.remove('cse-in/n');
    assert.equal(bodyOf(await cse.retrieve('cse-in/Capp'))['nl'], undefined);
    await cse.create('cse-in', 14, { 'm2m:nod': { rn: 'n', ni: 'urn:n' } });
    await cse.update('cse-in/Capp', { 'm2m:ae': { nl: 'cse-in/n' } });
    assert.deepEqual(bodyOf(await cse.retrieve('cse-in/n'))['hael'], ['Capp']);
    await cse.remove('cse-in/Capp');
    assert.equal(bodyOf(await cse.retrieve('cse-in/n'))['hael'], undefined);
  });
});

describe('a management object that no device is bound to', () => {
  let cse: OpenCse;
  beforeEach(async () => {
    cse = await openCse({ vocabulary: createVocabulary([battery, firmware, reboot]) });
    await cse.create('cse-in', 14, { 'm2m:nod': { rn: 'n', ni: 'urn:n' } });
  });
  afterEach(() => cse.close());

  it('has its status and its triggers from the start', async () => {
    const made = await cse.create('cse-in/n', 13, {
      'm2m:fwr': { mgd: 1001, vr: '1', fwn: 'main', url: 'http://127.0.0.1:9/f', ud: false },
    });
    assert.deepEqual(bodyOf(made)['uds'], { sus: 0 });
    const { rbo, far } = bodyOf(await cse.create('cse-in/n', 13, { 'm2m:rbo': { mgd: 1009, far: true } }));
    assert.deepEqual({ rbo, far }, { rbo: false, far: true });
  });

  it('takes no two triggers that exclude each other', async () => {
    await cse.create('cse-in/n', 13, { 'm2m:rbo': { rn: 'r', mgd: 1009 } });
    expectStatus(await cse.update('cse-in/n/r', { 'm2m:rbo': { rbo: true, far: true } }), 4000, /'rbo'.*'far'/);
    expectStatus(await cse.update('cse-in/n/r', { 'm2m:rbo': { rbo: true, far: false } }), 2004);
    expectStatus(await cse.create('cse-in/n', 13, { 'm2m:rbo': { mgd: 1009, rbo: true, far: true } }), 4000);
  });
});

describe('a container', () => {
  let cse: OpenCse;
  beforeEach(async () => {
    cse = await openCse();
  });
  afterEach(() => cse.close());

  const create = (attributes: JsonObject = {}) => cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c', ...attributes } });
  const add = (content: string, attributes: JsonObject = {}) =>
    cse.create('cse-in/c', 4, { 'm2m:cin': { con: content, ...attributes } });
  const state = async (): Promise<unknown[]> => {
    const body = bodyOf(await cse.retrieve('cse-in/c'));
    return [body['cni'], body['cbs'], body['st']];
  };

  it('counts its instances and their octets', async () => {
    await create();
    const first = bodyOf(await add('häß'));
    assert.equal(first['cs'], 5);
    assert.equal(first['st'], 1);
    await add('xyz', { rn: 'b' });
    assert.deepEqual(await state(), [2, 8, 2]);
    await cse.remove('cse-in/c/b');
    assert.deepEqual(await state(), [1, 5, 2]);
  });

  it('counts every one of many that come at once', async () => {
    await create();
    const answers = await Promise.all(Array.from({ length: 60 }, () => add('x')));
    assert.ok(answers.every((answer) => answer.responseStatusCode === 2001));
    assert.deepEqual(await state(), [60, 60, 60]);
    assert.deepEqual(new Set(answers.map((answer) => bodyOf(answer)['st'])).size, 60);
  });

  it('shows the latest and the oldest instance, and deletes them', async () => {
    await create();
    expectStatus(await cse.retrieve('cse-in/c/la'), 4004, /no contentInstance/);
    for (const content of ['1', '2', '3']) await add(content);
    assert.equal(bodyOf(await cse.retrieve('cse-in/c/la'))['con'], '3');
    assert.equal(bodyOf(await cse.retrieve('cse-in/c/ol'))['con'], '1');
    const id = String(bodyOf(await cse.retrieve('cse-in/c'))['ri']);
    assert.equal(bodyOf(await cse.retrieve(`${id}/la`))['con'], '3');
    expectStatus(await cse.remove('cse-in/c/la'), 2002);
    assert.equal(bodyOf(await cse.retrieve('cse-in/c/la'))['con'], '2');
    expectStatus(await cse.update('cse-in/c/la', { 'm2m:cin': {} }), 4005, /la/);
    expectStatus(await cse.create('cse-in/c/la', 4, { 'm2m:cin': { con: 'x' } }), 4005);
  });

  it('keeps no more instances than maxNrOfInstances, the newest ones', async () => {
    await create({ mni: 3 });
    for (const content of ['1', '2', '3', '4', '5']) await add(content);
    assert.deepEqual(await state(), [3, 3, 5]);
    assert.equal(bodyOf(await cse.retrieve('cse-in/c/ol'))['con'], '3');
    const lowered = await cse.update('cse-in/c', { 'm2m:cnt': { mni: 1 } });
    assert.equal(bodyOf(lowered)['cni'], 1, 'the answer shows what the update has caused');
    assert.deepEqual((await state()).slice(0, 2), [1, 1]);
    assert.equal(bodyOf(await cse.retrieve('cse-in/c/ol'))['con'], '5');
  });

  it('keeps no more octets than maxByteSize, and refuses what never fits', async () => {
    await create({ mbs: 10 });
    await add('aaaa');
    await add('bbbb');
    await add('cccccc');
    assert.deepEqual(await state(), [2, 10, 3]);
    expectStatus(await add('x'.repeat(11)), 5207, /mbs/);
  });

  it('keeps instances no longer than maxInstanceAge', async () => {
    await create({ mia: 60 });
    await add('old');
    cse.clock.advance(30_000);
    await add('new');
    cse.clock.advance(30_000);
    assert.equal(bodyOf(await cse.retrieve('cse-in/c/ol'))['con'], 'new');
    await cse.sweep();
    assert.deepEqual((await state()).slice(0, 2), [1, 3]);
  });

  it('hides its instances when retrieval is disabled', async () => {
    await create();
    await add('x', { rn: 'i' });
    expectStatus(await cse.retrieve('cse-in/c/i'), 2000);
    await cse.update('cse-in/c', { 'm2m:cnt': { disr: true } });
    expectStatus(await cse.retrieve('cse-in/c/i'), 4005, /disr/);
    expectStatus(await cse.retrieve('cse-in/c/la'), 4005);
    expectStatus(await cse.remove('cse-in/c/i'), 4005, /disr/);
    expectStatus(await cse.remove('cse-in/c/la'), 4005);
    const filterCriteria = { filterUsage: 1 as const, resourceTypes: [4] };
    assert.deepEqual(contentOf(await cse.retrieve('cse-in', { filterCriteria })), { 'm2m:uril': [] });
    assert.equal(bodyOf(await cse.retrieve('cse-in/c', { resultContent: 4 }))['m2m:cin'], undefined);
  });

  it('loses what could not be retrieved when retrieval is enabled again', async () => {
    await create({ disr: true });
    await add('x');
    await cse.create('cse-in/c', 23, { 'm2m:sub': { nu: ['http://127.0.0.1:9/n'], enc: { net: [4] } } });
    assert.equal(bodyOf(await cse.update('cse-in/c', { 'm2m:cnt': { disr: null } }))['cni'], 0);
    expectStatus(await cse.retrieve('cse-in/c/la'), 4004);
    assert.equal((await cse.outbox()).length, 1, 'and its subscribers learn of it');
    await add('y');
    assert.equal(bodyOf(await cse.retrieve('cse-in/c/la'))['con'], 'y');
  });

  it('tells nobody of an instance that makes room for another', async () => {
    await create({ mni: 1 });
    await cse.create('cse-in/c', 23, { 'm2m:sub': { nu: ['http://127.0.0.1:9/n'], enc: { net: [4] } } });
    await add('1');
    await add('2');
    assert.deepEqual(await cse.outbox(), []);
    await cse.remove('cse-in/c/la');
    assert.equal((await cse.outbox()).length, 1);
  });

  for (const cnf of ['text', 'text:0', 'text/plain', 'text/plain:9', 'text/plain:0:0:0']) {
    it(`refuses the contentInfo '${cnf}'`, async () => {
      await create();
      expectStatus(await add('x', { cnf }), 4000, /cnf/);
      expectStatus(await add('x', { cnf: 'text/plain:0' }), 2001);
      expectStatus(await add('x', { cnf: 'application/json:1:0' }), 2001);
    });
  }

  it('tells subscribers of new instances, not of its own counting', async () => {
    await create();
    await cse.create('cse-in/c', 23, { 'm2m:sub': { nu: ['http://127.0.0.1:9/n'], enc: { net: [1, 3] } } });
    await add('x');
    const rows = await cse.outbox();
    assert.equal(rows.length, 1);
    assert.equal((toldBy(rows[0])['nev'] as JsonObject)['net'], 3);
  });
});

describe('expiration', () => {
  let cse: OpenCse;
  beforeEach(async () => {
    cse = await openCse({ settings: { removalChunk: 4 } });
    await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'brief', et: '20270115T080010' } });
    await cse.create('cse-in/brief', 3, { 'm2m:cnt': { rn: 'inner' } });
    await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'long' } });
  });
  afterEach(() => cse.close());

  it('hides a resource, and what is below it, from the instant on', async () => {
    expectStatus(await cse.retrieve('cse-in/brief'), 2000);
    cse.clock.advance(9_999);
    expectStatus(await cse.retrieve('cse-in/brief/inner'), 2000);
    cse.clock.advance(1);
    expectStatus(await cse.retrieve('cse-in/brief'), 4004);
    expectStatus(await cse.retrieve('cse-in/brief/inner'), 4004);
    expectStatus(await cse.retrieve('cse-in/long'), 2000);
  });

  it('hides what is below a resource whose life was shortened', async () => {
    await cse.create('cse-in/long', 3, { 'm2m:cnt': { rn: 'inner' } });
    await cse.update('cse-in/long', { 'm2m:cnt': { et: '20270115T080020' } });
    expectStatus(await cse.retrieve('cse-in/long/inner'), 2000);
    cse.clock.advance(20_000);
    expectStatus(await cse.retrieve('cse-in/long/inner'), 4004);
  });

  it('gives the name free', async () => {
    cse.clock.advance(10_000);
    expectStatus(await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'brief' } }), 2001);
    expectStatus(await cse.retrieve('cse-in/brief/inner'), 4004);
  });

  it('removes in sweeps, chunk by chunk, and tells subscribers', async () => {
    const brief = String(bodyOf(await cse.retrieve('cse-in/brief'))['ri']);
    for (let index = 0; index < 10; index++) {
      const content = { 'm2m:sub': { nu: ['http://127.0.0.1:9/n'], enc: { net: [2] }, nct: 3 } };
      expectStatus(await cse.create('cse-in/brief', 23, content), 2001);
    }
    for (let index = 0; index < 9; index++) {
      await cse.create('cse-in', 3, { 'm2m:cnt': { rn: `b${index}`, et: '20270115T080005' } });
    }
    cse.clock.advance(10_000);
    // All expire at one instant, and the store may find the subscriptions before what they watch.
    const find = cse.store.find.bind(cse.store);
    cse.store.find = async (query) => {
      const rows = await find<never>(query);
      return query.orderBy?.[0]?.column === 'expires' ? rows.reverse() : rows;
    };
    await cse.sweep();
    const left = await cse.store.find({ table: 'resources', where: [{ column: 'type', is: '=', value: 3 }] });
    assert.deepEqual(
      left.map((row) => row.columns['path']),
      ['cse-in/long'],
    );
    const told = (await cse.outbox()).map(({ content }) => (content['m2m:sgn'] as JsonObject)['nev']);
    assert.deepEqual(
      told,
      Array.from({ length: 10 }, () => ({ rep: { 'm2m:uri': brief }, net: 2 })),
    );
  });

  it('sweeps by itself once started', async () => {
    await cse.start();
    cse.clock.advance(60_000);
    for (let attempt = 0; attempt < 200; attempt++) {
      if (
        !(await cse.store.find({ table: 'resources', where: [{ column: 'path', is: '=', value: 'cse-in/brief' }] }))[0]
      )
        return;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    assert.fail('cse-in/brief is still in the store');
  });

  it('can be put off, up to the policy, also by null', async () => {
    await cse.update('cse-in/brief', { 'm2m:cnt': { et: null } });
    cse.clock.advance(10_000);
    assert.equal(bodyOf(await cse.retrieve('cse-in/brief'))['et'], '20320114T080000');
    expectStatus(await cse.update('cse-in/brief', { 'm2m:cnt': { et: '20200101T000000' } }), 4000, /'et'/);
  });
});
