import assert from 'node:assert/strict';
import { SerializedContent } from '../../src/onem2m/primitive.ts';
import { bodyOf, contentOf, createPolicy, expectStatus, openCse } from './open-cse.ts';
import type { OpenCse } from './open-cse.ts';

const oneBattery = { 'm2m:bat': { rn: 'battery', mgd: 1006, btl: 80, bts: 1 } };

describe('a CSE', () => {
  let cse: OpenCse;
  beforeEach(async () => {
    cse = await openCse();
  });
  afterEach(() => cse.close());

  describe('at its first start', () => {
    it('has a CSEBase that says what it is', async () => {
      const base = bodyOf(expectStatus(await cse.retrieve('cse-in'), 2000));
      assert.equal(base['ri'], 'id-in');
      assert.equal(base['csi'], '/id-in');
      assert.equal(base['cst'], 1);
      assert.equal(base['pi'], '');
      assert.deepEqual(base['srt'], [1, 2, 3, 4, 5, 8, 12, 13, 14, 17, 23]);
      assert.deepEqual(base['srv'], ['2a', '3', '4']);
    });

    it('shows the addresses of its listeners once it is started', async () => {
      const other = await openCse({ settings: { pointOfAccess: () => ['http://127.0.0.1:8080'] } });
      await other.start();
      assert.deepEqual(bodyOf(await other.retrieve('cse-in'))['poa'], ['http://127.0.0.1:8080']);
      await other.close();
    });

    it('has a policy that gives the administrator all rights', async () => {
      const policy = bodyOf(expectStatus(await cse.retrieve('cse-in/acpAdmin'), 2000));
      assert.deepEqual(policy['pv'], { acr: [{ acor: ['CAdmin'], acop: 63 }] });
    });

    it('lets a registered AE retrieve the CSEBase, and no stranger', async () => {
      await cse.register('Capp');
      expectStatus(await cse.retrieve('cse-in', { from: 'Capp' }), 2000);
      expectStatus(await cse.retrieve('cse-in', { from: 'Cstranger' }), 4103, /no RETRIEVE/);
    });

    it('keeps what is there at the second start, and refuses a store of another CSE', async () => {
      await cse.create('cse-in', 14, { 'm2m:nod': { rn: 'n', ni: 'urn:n' } });
      const second = await openCse({ store: cse.store });
      expectStatus(await second.retrieve('cse-in/n'), 2000);
      await assert.rejects(openCse({ store: cse.store, settings: { cseBaseName: 'other' } }), /with its name and ID/);
    });
  });

  describe('is addressed', () => {
    beforeEach(async () => {
      expectStatus(await cse.create('cse-in', 14, { 'm2m:nod': { rn: 'n1', ni: 'urn:n1' } }), 2001);
    });

    for (const to of ['cse-in/n1', '-/n1', '/id-in/cse-in/n1', '/id-in/-/n1', 'cse-in/n1/']) {
      it(`by ${to}`, async () => {
        assert.equal(bodyOf(expectStatus(await cse.retrieve(to), 2000))['ni'], 'urn:n1');
      });
    }

    it('by resource ID', async () => {
      const id = String(bodyOf(await cse.retrieve('cse-in/n1'))['ri']);
      for (const to of [id, `/id-in/${id}`]) assert.equal(bodyOf(await cse.retrieve(to))['rn'], 'n1');
    });

    it('by absolute addresses when it has an SP-ID', async () => {
      const other = await openCse({ settings: { spId: 'sp.example' } });
      expectStatus(await other.retrieve('//sp.example/id-in/cse-in'), 2000);
      expectStatus(await other.retrieve('//else.example/id-in/cse-in'), 4004);
      await other.close();
    });

    const wrong: [string, number][] = [
      ['cse-in/nothing', 4004],
      ['/other-cse/cse-in', 4004],
      ['/id-in', 4000],
      ['cse-in//n1', 4000],
      ['cse-in/n1/la', 4004],
      ['cse-in/n1/fopt', 5001],
      ['cse-in/n1/pcu', 5001],
    ];
    for (const [to, code] of wrong) {
      it(`and answers ${code} to ${to}`, async () => {
        expectStatus(await cse.retrieve(to), code);
      });
    }
  });

  describe('creates', () => {
    it('a node and a management object below it, and tells where', async () => {
      const node = expectStatus(await cse.create('cse-in', 14, { 'm2m:nod': { rn: 'n', ni: 'urn:n' } }), 2001);
      assert.equal(node.createdAt, 'cse-in/n');
      const battery = expectStatus(await cse.create('cse-in/n', 13, oneBattery), 2001);
      const body = bodyOf(battery);
      assert.equal(body['ty'], 13);
      assert.equal(body['mgd'], 1006);
      assert.equal(body['btl'], 80);
      assert.equal(body['pi'], bodyOf(node)['ri']);
      assert.equal(body['ct'], body['lt']);
    });

    it('a name of its own when none is asked for', async () => {
      const body = bodyOf(await cse.create('cse-in', 3, { 'm2m:cnt': {} }));
      assert.equal(body['rn'], body['ri']);
      expectStatus(await cse.retrieve(`cse-in/${String(body['rn'])}`), 2000);
    });

    it('no second resource of the same name', async () => {
      expectStatus(await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c' } }), 2001);
      expectStatus(await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c' } }), 4105, /cse-in\/c/);
    });

    it('one of many that ask for the same name at once', async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c' } })),
      );
      assert.equal(answers.filter((answer) => answer.responseStatusCode === 2001).length, 1);
      assert.equal(answers.filter((answer) => answer.responseStatusCode === 4105).length, 19);
    });

    const refused: [
      what: string,
      to: string,
      type: number | undefined,
      content: object,
      code: number,
      words: RegExp,
    ][] = [
      ['a type that is not there', 'cse-in', 9, { 'm2m:grp': { mnm: 1, mid: [] } }, 5001, /9 \(group\)/],
      ['an execution, which only a command makes', 'cse-in', 8, { 'm2m:exin': {} }, 4005, /execInstance/],
      ['a type that nobody knows', 'cse-in', 999, { 'm2m:x': {} }, 4000, /999/],
      ['a request without its type', 'cse-in', undefined, { 'm2m:cnt': {} }, 4000, /;ty=/],
      [
        'a management object below the CSEBase',
        'cse-in',
        13,
        oneBattery,
        4108,
        /mgmtObj cannot be created below a CSEBase/,
      ],
      ['a node below a container', 'cse-in/c', 14, { 'm2m:nod': { ni: 'x' } }, 4108, /node/],
      ['a <request>', 'cse-in', 17, { 'm2m:req': {} }, 4005, /itself/],
      ['another CSEBase', 'cse-in', 5, { 'm2m:cb': {} }, 4005, /itself/],
      ['a root that is not that of the type', 'cse-in', 3, { 'm2m:ae': {} }, 4000, /m2m:cnt/],
      ['an unknown attribute', 'cse-in', 3, { 'm2m:cnt': { foo: 1 } }, 4000, /foo/],
      ['an expiration in the past', 'cse-in', 3, { 'm2m:cnt': { et: '20200101T000000' } }, 4000, /'et'/],
      ['a policy that is not there', 'cse-in', 3, { 'm2m:cnt': { acpi: ['nope'] } }, 4000, /acpi/],
      [
        'a policy that nobody can change',
        'cse-in',
        1,
        { 'm2m:acp': { pv: { acr: [] }, pvs: { acr: [] } } },
        4000,
        /pvs/,
      ],
    ];
    for (const [what, to, resourceType, content, code, words] of refused) {
      it(`not: ${what} (${code})`, async () => {
        await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c' } });
        const answer = await cse.create(to, 0, JSON.parse(JSON.stringify(content)), { resourceType });
        expectStatus(answer, code, words);
      });
    }

    it('with the creator when null asks for it', async () => {
      await cse.register('Capp');
      const body = bodyOf(await cse.create('cse-in/Capp', 3, { 'm2m:cnt': { cr: null } }, { from: 'Capp' }));
      assert.equal(body['cr'], 'Capp');
    });

    it('with an expiration that outlives neither the parent nor the policy', async () => {
      await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'short', et: '20270201T000000' } });
      const child = bodyOf(await cse.create('cse-in/short', 3, { 'm2m:cnt': { et: '20300101T000000' } }));
      assert.equal(child['et'], '20270201T000000');
      const far = bodyOf(await cse.create('cse-in', 3, { 'm2m:cnt': { et: '99990101T000000' } }));
      assert.equal(far['et'], '20320114T080000');
    });
  });

  describe('answers a CREATE', () => {
    const create = (resultContent: number) =>
      cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c', lbl: ['a'] } }, { resultContent: resultContent as 1 });

    it('with nothing for rcn 0', async () => {
      assert.equal((await create(0)).content, undefined);
    });
    it('with all attributes for rcn 1', async () => {
      assert.deepEqual(bodyOf(await create(1))['lbl'], ['a']);
    });
    it('with the hierarchical address for rcn 2', async () => {
      assert.deepEqual(contentOf(await create(2)), { 'm2m:uri': 'cse-in/c' });
    });
    it('with both for rcn 3', async () => {
      const body = bodyOf(await create(3));
      assert.equal(body['uri'], 'cse-in/c');
      assert.equal((body['m2m:cnt'] as { rn: string }).rn, 'c');
    });
    it('with what the CSE added for rcn 9', async () => {
      const body = bodyOf(await create(9));
      assert.equal(body['lbl'], undefined);
      assert.equal(body['rn'], undefined);
      assert.equal(body['cni'], 0);
      assert.ok(body['et']);
    });
    for (const wrong of [4, 5, 6, 7, 8]) {
      it(`with 4000 for rcn ${wrong}`, async () => {
        expectStatus(await create(wrong), 4000, /rcn/);
      });
    }
  });

  describe('retrieves', () => {
    beforeEach(async () => {
      await cse.create('cse-in', 14, { 'm2m:nod': { rn: 'n', ni: 'urn:n', lbl: ['x'] } });
      await cse.create('cse-in/n', 13, oneBattery);
      await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c' } });
      await cse.create('cse-in/c', 3, { 'm2m:cnt': { rn: 'inner' } });
      await cse.create('cse-in/c/inner', 4, { 'm2m:cin': { rn: 'one', con: 'hello' } });
    });

    it('a stored resource as text that was made before', async () => {
      const first = await cse.retrieve('cse-in/n/battery');
      const second = await cse.retrieve('cse-in/n/battery');
      assert.ok(first.content instanceof SerializedContent);
      assert.equal(first.content, second.content);
      await cse.update('cse-in/n/battery', { 'm2m:bat': { btl: 10 } });
      assert.equal(bodyOf(await cse.retrieve('cse-in/n/battery'))['btl'], 10);
    });

    it('only the attributes asked for', async () => {
      const answer = await cse.retrieve('cse-in/n', { attributeList: ['ni', 'lbl'] });
      assert.deepEqual(contentOf(answer), { 'm2m:nod': { ni: 'urn:n', lbl: ['x'] } });
      expectStatus(await cse.retrieve('cse-in/n', { attributeList: ['btl'] }), 4000, /btl/);
      expectStatus(await cse.retrieve('cse-in/n', { attributeList: ['ni'], resultContent: 4 }), 4000, /rcn/);
    });

    it('a resource with its children nested (rcn 4)', async () => {
      const body = bodyOf(await cse.retrieve('cse-in/c', { resultContent: 4 }));
      assert.equal(body['rn'], 'c');
      const [inner] = body['m2m:cnt'] as [Record<string, unknown>];
      assert.equal(inner['rn'], 'inner');
      const [one] = inner['m2m:cin'] as [Record<string, unknown>];
      assert.equal(one['con'], 'hello');
    });

    it('a resource with references to its children (rcn 5)', async () => {
      const body = bodyOf(await cse.retrieve('cse-in/n', { resultContent: 5 }));
      assert.equal(body['ni'], 'urn:n');
      assert.deepEqual(body['ch'], [{ nm: 'battery', typ: 13, spty: 1006, val: 'cse-in/n/battery' }]);
    });

    it('references alone (rcn 6), unstructured with drt 2', async () => {
      const answer = await cse.retrieve('cse-in/c', { resultContent: 6, desiredIdentifierResultType: 2 });
      const id = String(bodyOf(await cse.retrieve('cse-in/c/inner'))['ri']);
      const { rrf } = bodyOf(answer) as { rrf: { nm: string; val: string }[] };
      assert.deepEqual(
        rrf.map(({ nm }) => nm),
        ['inner', 'one'],
      );
      assert.equal(rrf[0]?.val, id);
    });

    it('references to what matches, also below what does not', async () => {
      const filterCriteria = { resourceTypes: [4] };
      const { rrf } = bodyOf(await cse.retrieve('cse-in/c', { resultContent: 6, filterCriteria })) as {
        rrf: { nm: string }[];
      };
      assert.deepEqual(
        rrf.map(({ nm }) => nm),
        ['one'],
      );
    });

    it('what matches below what does not, nested in the nearest resource that is shown', async () => {
      const filterCriteria = { resourceTypes: [4] };
      const body = bodyOf(await cse.retrieve('cse-in/c', { resultContent: 8, filterCriteria }));
      assert.deepEqual(Object.keys(body), ['m2m:cin']);
      assert.equal((body['m2m:cin'] as { con: string }[])[0]?.con, 'hello');
      await cse.update('cse-in/c', { 'm2m:cnt': { lbl: ['x'] } });
      await cse.create('cse-in/c/inner', 4, { 'm2m:cin': { con: 'labelled', lbl: ['x'] } });
      const labelled = bodyOf(await cse.retrieve('cse-in', { resultContent: 8, filterCriteria: { labels: ['x'] } }));
      const [holder] = labelled['m2m:cnt'] as { 'm2m:cin': { con: string }[] }[];
      assert.equal(holder?.['m2m:cin'][0]?.con, 'labelled');
      const whole = bodyOf(
        await cse.retrieve('cse-in', { resultContent: 8, filterCriteria: { resourceTypes: [3, 4] } }),
      );
      const [outer] = whole['m2m:cnt'] as { 'm2m:cnt': { 'm2m:cin': unknown[] }[] }[];
      assert.equal(outer?.['m2m:cnt'][0]?.['m2m:cin'].length, 2);
    });

    it('children without the resource itself (rcn 8)', async () => {
      const body = bodyOf(await cse.retrieve('cse-in/c', { resultContent: 8 }));
      assert.deepEqual(Object.keys(body), ['m2m:cnt']);
    });

    it('children up to a level, a number, and from an offset on, and says that there is more', async () => {
      const level = bodyOf(await cse.retrieve('cse-in/c', { resultContent: 5, filterCriteria: { level: 1 } }));
      assert.equal((level['ch'] as unknown[]).length, 1);
      const first = await cse.retrieve('cse-in/c', { resultContent: 6, filterCriteria: { limit: 1 } });
      assert.equal(first.contentStatus, 1);
      assert.equal(first.contentOffset, 2);
      const rest = await cse.retrieve('cse-in/c', {
        resultContent: 6,
        filterCriteria: { limit: 1, offset: first.contentOffset },
      });
      assert.equal(rest.contentStatus, undefined);
      assert.deepEqual(
        (bodyOf(rest)['rrf'] as { nm: string }[]).map(({ nm }) => nm),
        ['one'],
      );
    });

    it('only if it matches (fu=2), otherwise it is not found', async () => {
      expectStatus(await cse.retrieve('cse-in/n', { filterCriteria: { labels: ['x'] } }), 2000);
      expectStatus(await cse.retrieve('cse-in/n', { filterCriteria: { labels: ['y'] } }), 4004, /criteria/);
    });

    const wrong: [number, number][] = [
      [0, 4000],
      [2, 4000],
      [3, 4000],
      [7, 5001],
      [9, 4000],
    ];
    for (const [resultContent, code] of wrong) {
      it(`not with rcn ${resultContent} (${code})`, async () => {
        expectStatus(await cse.retrieve('cse-in/n', { resultContent: resultContent as 1 }), code, /rcn/);
      });
    }
  });

  describe('updates', () => {
    beforeEach(async () => {
      await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c', lbl: ['a'], mni: 5 } });
    });

    it('the attributes given, and removes those given as null', async () => {
      cse.clock.advance(1000);
      const body = bodyOf(expectStatus(await cse.update('cse-in/c', { 'm2m:cnt': { lbl: null, mni: 6 } }), 2004));
      assert.equal(body['lbl'], undefined);
      assert.equal(body['mni'], 6);
      assert.equal(body['st'], 1);
      assert.notEqual(body['lt'], body['ct']);
      assert.deepEqual(body, bodyOf(await cse.retrieve('cse-in/c')));
    });

    it('with nothing (rcn 0) or only what the CSE changed (rcn 9) in the answer', async () => {
      assert.equal((await cse.update('cse-in/c', { 'm2m:cnt': { mni: 7 } }, { resultContent: 0 })).content, undefined);
      cse.clock.advance(5);
      const body = bodyOf(await cse.update('cse-in/c', { 'm2m:cnt': { mni: 8 } }, { resultContent: 9 }));
      assert.deepEqual(Object.keys(body).sort(), ['lt', 'st']);
    });

    it('nothing when one attribute is wrong', async () => {
      expectStatus(await cse.update('cse-in/c', { 'm2m:cnt': { mni: 9, cni: 1 } }), 4000, /cni/);
      assert.equal(bodyOf(await cse.retrieve('cse-in/c'))['mni'], 5);
    });

    it('policies apart from everything else', async () => {
      const policy = await createPolicy(cse, 'p', [{ acor: ['all'], acop: 2 }]);
      expectStatus(await cse.update('cse-in/c', { 'm2m:cnt': { acpi: [policy], mni: 1 } }), 4000, /alone/);
      expectStatus(await cse.update('cse-in/c', { 'm2m:cnt': { acpi: [policy] } }), 2004);
    });

    it('counts every one of many updates that come at once', async () => {
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) => cse.update('cse-in/c', { 'm2m:cnt': { mni: index } })),
      );
      assert.ok(answers.every((answer) => answer.responseStatusCode === 2004));
      assert.equal(bodyOf(await cse.retrieve('cse-in/c'))['st'], 50);
    });

    it('neither the CSEBase nor a contentInstance', async () => {
      await cse.create('cse-in/c', 4, { 'm2m:cin': { rn: 'i', con: 'x' } });
      expectStatus(await cse.update('cse-in', { 'm2m:cb': { lbl: ['x'] } }), 4005);
      expectStatus(await cse.update('cse-in/c/i', { 'm2m:cin': { con: 'y' } }), 4005);
    });
  });

  describe('deletes', () => {
    beforeEach(async () => {
      await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c' } });
      await cse.create('cse-in/c', 3, { 'm2m:cnt': { rn: 'inner' } });
      await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c-2' } });
    });

    it('a resource with everything below it and nothing beside it', async () => {
      const answer = expectStatus(await cse.remove('cse-in/c'), 2002);
      assert.equal(answer.content, undefined);
      expectStatus(await cse.retrieve('cse-in/c'), 4004);
      expectStatus(await cse.retrieve('cse-in/c/inner'), 4004);
      expectStatus(await cse.retrieve('cse-in/c-2'), 2000);
    });

    it('and shows what it was when asked to', async () => {
      assert.equal(bodyOf(await cse.remove('cse-in/c', { resultContent: 1 }))['rn'], 'c');
    });

    it('more than one commit takes', async () => {
      const small = await openCse({ settings: { removalChunk: 3 } });
      await small.create('cse-in', 3, { 'm2m:cnt': { rn: 'c' } });
      for (let index = 0; index < 10; index++) await small.create('cse-in/c', 4, { 'm2m:cin': { con: index } });
      expectStatus(await small.remove('cse-in/c'), 2002);
      assert.equal(await small.store.count({ table: 'resources', where: [{ column: 'type', is: '=', value: 4 }] }), 0);
      await small.close();
    });

    it('no orphan when a child is created at the same time', async () => {
      const [removed] = await Promise.all([
        cse.remove('cse-in/c'),
        ...Array.from({ length: 10 }, () => cse.create('cse-in/c', 3, { 'm2m:cnt': {} })),
      ]);
      expectStatus(removed, 2002);
      const left = await cse.store.count({
        table: 'resources',
        where: [{ column: 'path', is: 'prefix', value: 'cse-in/c/' }],
      });
      assert.equal(left, 0);
    });

    it('not the CSEBase', async () => {
      expectStatus(await cse.remove('cse-in'), 4005);
    });
  });

  describe('checks in the order of the standard:', () => {
    it('what cannot be parsed before what is not there', async () => {
      expectStatus(await cse.retrieve('cse-in/none', { resultContent: 2 }), 4000);
    });
    it('what is not there before who asks for it', async () => {
      await cse.register('Capp');
      expectStatus(await cse.retrieve('cse-in/none', { from: 'Capp' }), 4004);
    });
    it('who asks before what is sent', async () => {
      await cse.register('Capp');
      expectStatus(await cse.create('cse-in', 3, { 'm2m:cnt': { wrong: 1 } }, { from: 'Capp' }), 4103, /CREATE/);
    });
    it('in words with the right article', async () => {
      expectStatus(
        await cse.create('cse-in/acpAdmin', 2, { 'm2m:ae': {} }),
        4108,
        /^an AE .* below an accessControlPolicy/,
      );
    });
    it('what fits below the target before its attributes', async () => {
      expectStatus(await cse.create('cse-in', 13, { 'm2m:bat': { wrong: 1 } }), 4108);
    });
  });

  describe('refuses', () => {
    it('a request without From or Request Identifier', async () => {
      expectStatus(await cse.retrieve('cse-in', { from: undefined }), 4000, /From/);
      expectStatus(await cse.retrieve('cse-in', { requestIdentifier: '' }), 4000, /Identifier/);
    });
    it('a request that has expired on its way', async () => {
      expectStatus(await cse.retrieve('cse-in', { requestExpirationTimestamp: '20200101T000000' }), 4008);
      expectStatus(await cse.retrieve('cse-in', { requestExpirationTimestamp: '-1' }), 4008);
      expectStatus(await cse.retrieve('cse-in', { requestExpirationTimestamp: 'soon' }), 4000, /soon/);
      expectStatus(await cse.retrieve('cse-in', { requestExpirationTimestamp: '5000' }), 2000);
    });
    it('a result that would expire before its request', async () => {
      const more = { requestExpirationTimestamp: '5000', resultExpirationTimestamp: '4000' };
      expectStatus(await cse.retrieve('cse-in', more), 4000, /Result Expiration/);
    });
    it('what it does not do: later execution, no response, IPE discovery', async () => {
      expectStatus(await cse.retrieve('cse-in', { operationExecutionTime: '60000' }), 5001);
      expectStatus(await cse.retrieve('cse-in', { responseType: 5 }), 5001);
      expectStatus(await cse.retrieve('cse-in', { filterCriteria: { filterUsage: 3 } }), 5001);
    });
    it('filter criteria in a CREATE', async () => {
      expectStatus(await cse.create('cse-in', 3, { 'm2m:cnt': {} }, { filterCriteria: {} }), 4000, /Filter/);
    });
  });

  describe('forwards a notification', () => {
    it('to the first point of access of an AE that answers', async () => {
      await cse.register('Capp', { poa: ['mqtt://x', 'http://127.0.0.1:9/n'] });
      const content = { 'm2m:sgn': { sur: 'x' } };
      expectStatus(await cse.notify('cse-in/Capp', content), 2000);
      assert.deepEqual(cse.sent, [{ url: 'http://127.0.0.1:9/n', content }]);
    });
    it('and says when nobody can be reached', async () => {
      await cse.register('Capp', { poa: ['http://127.0.0.1:9/n'] });
      cse.agree.ok = false;
      cse.agree.why = 'refused';
      expectStatus(await cse.notify('cse-in/Capp', { 'm2m:sgn': {} }), 5103, /refused/);
      await cse.register('Cpoor');
      expectStatus(await cse.notify('cse-in/Cpoor', { 'm2m:sgn': {} }), 5103, /poa/);
    });
    it('only what is a notification, and tells a CREATE without its type what it lacks', async () => {
      expectStatus(await cse.notify('cse-in', { 'm2m:cnt': { rn: 'c' } }), 4000, /;ty=<number>/);
      expectStatus(await cse.notify('cse-in', null), 4000, /no content/);
    });

    it('to nothing but an AE', async () => {
      expectStatus(await cse.notify('cse-in', { 'm2m:sgn': {} }), 4005, /ty/);
    });
  });

  it('gives the Vendor Information back', async () => {
    const answer = await cse.retrieve('cse-in', { vendorInformation: 'ours' });
    assert.equal(answer.vendorInformation, 'ours');
  });

  it('answers an unexpected failure with 5000 and its identifier, and lives on', async () => {
    const { store } = cse;
    const broken = await openCse({
      store: {
        ...store,
        get: store.get.bind(store),
        find: store.find.bind(store),
        getMany: store.getMany.bind(store),
        count: store.count.bind(store),
        now: store.now.bind(store),
        backup: store.backup.bind(store),
        statistics: store.statistics.bind(store),
        close: async () => {},
        commit: async () => Promise.reject(new Error('disk on fire')),
      },
    });
    const answer = await broken.create('cse-in', 3, { 'm2m:cnt': {} }, { requestIdentifier: 'fault-1' });
    expectStatus(answer, 5000, /fault-1/);
    expectStatus(await broken.retrieve('cse-in'), 2000);
  });
});
