import assert from 'node:assert/strict';
import { wildcard } from '../../src/cse/criteria.ts';
import type { FilterCriteria } from '../../src/onem2m/primitive.ts';
import { contentOf, createPolicy, expectStatus, openCse } from './open-cse.ts';
import type { OpenCse } from './open-cse.ts';

describe('discovery', () => {
  let cse: OpenCse;
  before(async () => {
    cse = await openCse();
    const policy = await createPolicy(cse, 'p', [{ acor: ['Capp'], acop: 32 }]);
    await cse.register('Capp');
    await cse.create('cse-in', 14, { 'm2m:nod': { rn: 'n1', ni: 'urn:n1', lbl: ['hall', 'fleet:a'] } });
    await cse.create('cse-in/n1', 13, { 'm2m:bat': { rn: 'bat', mgd: 1006, btl: 80, bts: 1, acpi: [policy] } });
    cse.clock.advance(3600_000);
    await cse.create('cse-in', 14, { 'm2m:nod': { rn: 'n2', ni: 'urn:n2', lbl: ['cellar'], et: '20280101T000000' } });
    await cse.create('cse-in/n2', 13, { 'm2m:bat': { rn: 'bat', mgd: 1006, btl: 20, bts: 2 } });
    await cse.create('cse-in/n2', 3, { 'm2m:cnt': {} });
    await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c' } });
    await cse.create('cse-in/c', 4, { 'm2m:cin': { rn: 'small', con: 'ab' } });
    await cse.create('cse-in/c', 4, { 'm2m:cin': { rn: 'large', con: 'abcdefghij' } });
  });
  after(() => cse.close());

  async function find(criteria: FilterCriteria, to = 'cse-in', from = 'CAdmin'): Promise<string[]> {
    const answer = await cse.retrieve(to, { from, filterCriteria: { filterUsage: 1, ...criteria } });
    expectStatus(answer, 2000);
    return contentOf(answer)['m2m:uril'] as string[];
  }

  const nodes = ['cse-in/n1', 'cse-in/n2'];
  const rows: [words: string, criteria: FilterCriteria, found: string[]][] = [
    ['by type', { resourceTypes: [14] }, nodes],
    ['by several types', { resourceTypes: [14, 3] }, [...nodes, 'cse-in/c']],
    ['by label', { labels: ['hall'] }, ['cse-in/n1']],
    ['by any of several labels', { labels: ['hall', 'cellar'] }, nodes],
    ['created before', { resourceTypes: [14], createdBefore: '20270115T083000' }, ['cse-in/n1']],
    ['created after', { resourceTypes: [14], createdAfter: '20270115T083000' }, ['cse-in/n2']],
    [
      'created after, the instant itself included',
      { resourceTypes: [14], createdAfter: '20270115T090000' },
      ['cse-in/n2'],
    ],
    ['created before, the instant itself excluded', { resourceTypes: [14], createdBefore: '20270115T080000' }, []],
    ['modified since', { resourceTypes: [14], modifiedSince: '20270115T083000' }, ['cse-in/n2']],
    ['unmodified since', { resourceTypes: [14], unmodifiedSince: '20270115T083000' }, ['cse-in/n1']],
    ['with a smaller state', { resourceTypes: [3, 4], stateTagSmaller: 2 }, ['cse-in/c/small']],
    ['with a bigger state', { stateTagBigger: 2 }, ['cse-in/c', 'cse-in/c/large']],
    ['expiring before', { resourceTypes: [14], expireBefore: '20290101T000000' }, ['cse-in/n2']],
    ['expiring after', { resourceTypes: [14], expireAfter: '20290101T000000' }, ['cse-in/n1']],
    ['of a size above', { sizeAbove: 10 }, ['cse-in/c/large']],
    ['of a size below', { sizeBelow: 10 }, ['cse-in/c/small']],
    ['by an attribute', { attributes: { ni: ['urn:n2'] } }, ['cse-in/n2']],
    ['by a number', { attributes: { btl: ['80'] } }, ['cse-in/n1/bat']],
    ['by a wildcard', { attributes: { ni: ['urn:*'] } }, nodes],
    ['by an attribute with several values', { attributes: { btl: ['80', '20'] } }, ['cse-in/n1/bat', 'cse-in/n2/bat']],
    ['by the name', { attributes: { rn: ['bat'] } }, ['cse-in/n1/bat', 'cse-in/n2/bat']],
    ['by two conditions', { resourceTypes: [13], attributes: { bts: ['2'] } }, ['cse-in/n2/bat']],
    ['by one of two conditions (fo=2)', { filterOperation: 2, resourceTypes: [14], labels: ['x'] }, nodes],
    [
      'by one of two conditions of different types',
      { filterOperation: 2, resourceTypes: [14], sizeAbove: 10 },
      [...nodes, 'cse-in/c/large'],
    ],
    ['direct children only', { level: 1, resourceTypes: [13, 14] }, nodes],
    ['two levels', { level: 2, resourceTypes: [13] }, ['cse-in/n1/bat', 'cse-in/n2/bat']],
    [
      'a relative path of every match',
      { resourceTypes: [14], applyRelativePath: 'bat' },
      ['cse-in/n1/bat', 'cse-in/n2/bat'],
    ],
    ['a relative path where it exists', { resourceTypes: [14, 3], applyRelativePath: 'small' }, ['cse-in/c/small']],
    ['the latest instance by relative path', { resourceTypes: [3], applyRelativePath: 'la' }, ['cse-in/c/large']],
    ['nothing', { labels: ['none'] }, []],
  ];
  for (const [words, criteria, found] of rows) {
    it(`finds ${words}`, async () => {
      assert.deepEqual((await find(criteria)).sort(), [...found].sort());
    });
  }

  it('starts at the target and leaves it out', async () => {
    assert.deepEqual(await find({}, 'cse-in/n1'), ['cse-in/n1/bat']);
    assert.deepEqual((await find({}, 'cse-in/c')).sort(), ['cse-in/c/large', 'cse-in/c/small']);
  });

  it('goes in pages by limit and offset, and says where the next one begins', async () => {
    const all = await find({});
    const paged: string[] = [];
    let offset: number | undefined = 1;
    while (offset !== undefined) {
      const answer = await cse.retrieve('cse-in', { filterCriteria: { filterUsage: 1, limit: 3, offset } });
      paged.push(...(contentOf(answer)['m2m:uril'] as string[]));
      assert.equal(answer.contentStatus, answer.contentOffset === undefined ? undefined : 1);
      offset = answer.contentOffset;
    }
    assert.deepEqual(paged, all);
  });

  it('answers with resource IDs (drt 2) and with references (rcn 6)', async () => {
    const filterCriteria: FilterCriteria = { filterUsage: 1, resourceTypes: [13], limit: 1 };
    const ids = contentOf(await cse.retrieve('cse-in', { filterCriteria, desiredIdentifierResultType: 2 }));
    assert.match(String((ids['m2m:uril'] as string[])[0]), /^bat[0-9a-z]{14}$/);
    const references = contentOf(await cse.retrieve('cse-in', { filterCriteria, resultContent: 6 }));
    assert.deepEqual(references, { 'm2m:rrl': { rrf: [{ nm: 'bat', typ: 13, spty: 1006, val: 'cse-in/n1/bat' }] } });
    expectStatus(await cse.retrieve('cse-in', { filterCriteria, resultContent: 4 }), 4000, /fu=1/);
  });

  it('skips what may not be discovered and still looks below it', async () => {
    assert.deepEqual((await find({}, 'cse-in', 'Capp')).sort(), ['cse-in/Capp', 'cse-in/n1/bat']);
  });

  it('refuses an attribute that nothing can have, and tells a typing error from it', async () => {
    const answer = await cse.retrieve('cse-in', { filterCriteria: { filterUsage: 1, attributes: { lable: ['x'] } } });
    expectStatus(answer, 4000, /'lable'/);
  });

  it('answers with a list of addresses for rcn 11 (Release 4), which is for discovery only', async () => {
    const answer = await cse.retrieve('cse-in', {
      resultContent: 11,
      filterCriteria: { filterUsage: 1, resourceTypes: [14] },
    });
    assert.deepEqual((contentOf(answer)['m2m:uril'] as string[]).sort(), nodes);
    expectStatus(await cse.retrieve('cse-in', { resultContent: 11 }), 4000, /rcn 11/);
  });

  it('takes a relative path (arp) in discovery only', async () => {
    const filterCriteria = { resourceTypes: [14], applyRelativePath: 'bat' };
    expectStatus(await cse.retrieve('cse-in', { resultContent: 8, filterCriteria }), 5001, /fu=1/);
  });

  it('refuses a time that is none', async () => {
    expectStatus(
      await cse.retrieve('cse-in', { filterCriteria: { filterUsage: 1, createdBefore: 'now' } }),
      4000,
      /now/,
    );
  });

  it('never answers with more than the configured number', async () => {
    const small = await openCse({ settings: { maximumResults: 4 } });
    for (let index = 0; index < 10; index++) await small.create('cse-in', 3, { 'm2m:cnt': {} });
    const answer = await small.retrieve('cse-in', { filterCriteria: { filterUsage: 1 } });
    assert.equal((contentOf(answer)['m2m:uril'] as string[]).length, 4);
    assert.equal(answer.contentOffset, 5);
    await small.close();
  });

  it('reads more than one page of the store', async () => {
    const large = await openCse();
    await Promise.all(
      Array.from({ length: 450 }, (_, index) =>
        large.create('cse-in', 14, { 'm2m:nod': { rn: `n${index}`, ni: `${index}` } }),
      ),
    );
    const answer = await large.retrieve('cse-in', { filterCriteria: { filterUsage: 1, resourceTypes: [14] } });
    assert.equal(new Set(contentOf(answer)['m2m:uril'] as string[]).size, 450);
    await large.close();
  });
});

describe('a wildcard', () => {
  const rows: [string, string, boolean][] = [
    ['a*', 'abc', true],
    ['*c', 'abc', true],
    ['a*c', 'abc', true],
    ['*b*', 'abc', true],
    ['a*b*c', 'axbxc', true],
    ['*', '', true],
    ['ab*ba', 'aba', false],
    ['a*b', 'abc', false],
    ['abc', 'abcd', false],
    ['(a+)*', 'aaaa', false],
  ];
  for (const [pattern, text, matches] of rows) {
    it(`${pattern} ${matches ? 'matches' : 'does not match'} '${text}'`, () => {
      assert.equal(wildcard(pattern)(text), matches);
    });
  }
  it('is quick on what would keep a regular expression busy', () => {
    const begin = performance.now();
    assert.equal(wildcard('*a'.repeat(50))(`${'a'.repeat(20_000)}b`), false);
    assert.ok(performance.now() - begin < 200);
  });
});
