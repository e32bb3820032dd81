import assert from 'node:assert/strict';
import { parseNetworkLocation } from '../../src/cse/access-locations.ts';
import { compileAddresses } from '../../src/cse/access-addresses.ts';
import { compileScheduleEntry } from '../../src/onem2m/schedule-entry.ts';
import type { JsonObject, Sender } from '../../src/onem2m/primitive.ts';
import { bodyOf, createPolicy, expectStatus, openCse } from './open-cse.ts';
import type { OpenCse } from './open-cse.ts';

const nobody: Sender = { authenticated: false };
const from10: Sender = { authenticated: false, address: '10.1.2.3' };
const from6: Sender = { authenticated: false, address: '2001:db8::1' };
const proven: Sender = { authenticated: true };

type Row = [words: string, rule: JsonObject, originator: string, sender: Sender, allowed: boolean];

/** The clock of the tests stands at Friday, 15 January 2027, 08:00:00 UTC. */
const locations = [
  { network: '10.1.0.0/16', country: 'DE', position: { latitude: 48.14, longitude: 11.58 } },
  { network: '10.0.0.0/8', country: 'FR' },
];

const rows: Row[] = [
  ['names the originator', { acor: ['Capp'], acop: 2 }, 'Capp', nobody, true],
  ['names another originator', { acor: ['Cother'], acop: 2 }, 'Capp', nobody, false],
  ['names the originator SP-relative', { acor: ['/id-in/Capp'], acop: 2 }, 'Capp', nobody, true],
  ['lets everyone', { acor: ['all'], acop: 2 }, 'Capp', nobody, true],
  ['has a wildcard that fits', { acor: ['Ca*'], acop: 2 }, 'Capp', nobody, true],
  ['has a wildcard in the middle', { acor: ['C*p'], acop: 2 }, 'Capp', nobody, true],
  ['has a wildcard that does not fit', { acor: ['Cb*'], acop: 2 }, 'Capp', nobody, false],
  ['names the domain of another CSE', { acor: ['//sp.example'], acop: 2 }, '//sp.example/cse2/Capp', nobody, true],
  ['names another domain', { acor: ['//else.example'], acop: 2 }, '//sp.example/cse2/Capp', nobody, false],
  ['names a CSE by wildcard', { acor: ['/cse2/*'], acop: 2 }, '/cse2/Cx', nobody, true],
  ['names a role', { acor: ['operator@issuer.example'], acop: 2 }, 'Capp', nobody, false],
  ['gives another operation', { acor: ['Capp'], acop: 61 }, 'Capp', nobody, false],
  ['gives no operation', { acor: ['Capp'], acop: 0 }, 'Capp', nobody, false],
  ['wants proof, and there is none', { acor: ['Capp'], acop: 2, acaf: true }, 'Capp', nobody, false],
  ['wants proof, and there is', { acor: ['Capp'], acop: 2, acaf: true }, 'Capp', proven, true],
  [
    'holds in office hours',
    { acor: ['Capp'], acop: 2, acco: [{ actw: ['* * 8-17 * * 1-5 *'] }] },
    'Capp',
    nobody,
    true,
  ],
  ['holds at the weekend', { acor: ['Capp'], acop: 2, acco: [{ actw: ['* * * * * 0,6 *'] }] }, 'Capp', nobody, false],
  [
    'holds in one of two windows',
    { acor: ['Capp'], acop: 2, acco: [{ actw: ['* * * 1 * * *', '0 0 */8 15 1 * 2027'] }] },
    'Capp',
    nobody,
    true,
  ],
  [
    'holds for a network',
    { acor: ['Capp'], acop: 2, acco: [{ acip: { ipv4: ['10.0.0.0/8'] } }] },
    'Capp',
    from10,
    true,
  ],
  [
    'holds for another',
    { acor: ['Capp'], acop: 2, acco: [{ acip: { ipv4: ['10.9.0.0/16'] } }] },
    'Capp',
    from10,
    false,
  ],
  [
    'holds for an IPv6 net',
    { acor: ['Capp'], acop: 2, acco: [{ acip: { ipv6: ['2001:db8::/32'] } }] },
    'Capp',
    from6,
    true,
  ],
  [
    'holds for an address, and none is known',
    { acor: ['Capp'], acop: 2, acco: [{ acip: { ipv4: ['10.1.2.3'] } }] },
    'Capp',
    nobody,
    false,
  ],
  ['holds in a country', { acor: ['Capp'], acop: 2, acco: [{ aclr: { accc: ['de'] } }] }, 'Capp', from10, true],
  ['holds in another', { acor: ['Capp'], acop: 2, acco: [{ aclr: { accc: ['FR', 'IT'] } }] }, 'Capp', from10, false],
  [
    'holds in a country, and nobody knows where the requester is',
    { acor: ['Capp'], acop: 2, acco: [{ aclr: { accc: ['DE'] } }] },
    'Capp',
    from6,
    false,
  ],
  [
    'holds within 60 km around a place that is 57 km away',
    { acor: ['Capp'], acop: 2, acco: [{ aclr: { accr: [48.37, 10.9, 60_000] } }] },
    'Capp',
    from10,
    true,
  ],
  [
    'holds within 55 km around it',
    { acor: ['Capp'], acop: 2, acco: [{ aclr: { accr: [48.37, 10.9, 55_000] } }] },
    'Capp',
    from10,
    false,
  ],
  [
    'needs all of one context',
    { acor: ['Capp'], acop: 2, acco: [{ actw: ['* * * * * * *'], acip: { ipv4: ['192.0.2.1'] } }] },
    'Capp',
    from10,
    false,
  ],
  [
    'needs one of its contexts',
    { acor: ['Capp'], acop: 2, acco: [{ aclr: { accc: ['IT'] } }, { acip: { ipv4: ['10.1.2.3'] } }] },
    'Capp',
    from10,
    true,
  ],
  ['is about containers', { acor: ['Capp'], acop: 2, acod: [{ ty: 3, chty: [4] }] }, 'Capp', nobody, true],
  ['is about nodes', { acor: ['Capp'], acop: 2, acod: [{ ty: 14, chty: [13] }] }, 'Capp', nobody, false],
];

describe('access control', () => {
  let cse: OpenCse;
  beforeEach(async () => {
    cse = await openCse({ settings: { locations } });
    await cse.register('Capp');
    await cse.register('Cother');
  });
  afterEach(() => cse.close());

  describe('lets an originator retrieve a container when its policy', () => {
    for (const [words, rule, from, sender, allowed] of rows) {
      it(`${words}: ${allowed ? 'yes' : 'no'}`, async () => {
        const policy = await createPolicy(cse, 'p', [rule]);
        await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c', acpi: [policy] } });
        const wanted = allowed ? 2000 : 4103;
        expectStatus(await cse.retrieve('cse-in/c', { from, sender }), wanted, /privilege/);
        // Once more, for the second answer comes from the caches.
        expectStatus(await cse.retrieve('cse-in/c', { from, sender }), wanted);
      });
    }
  });

  for (const [words, context, sentence] of [
    ['a second 99', { actw: ['99 * * * * * *'] }, /actw\[0\]/],
    ['a month of 13', { actw: ['* * * * 13 * *'] }, /actw\[0\]/],
    ['a range that runs backwards', { actw: ['* * 17-8 * * * *'] }, /actw\[0\]/],
    ['an address of 999', { acip: { ipv4: ['999.1.1.1'] } }, /ipv4\[0\]/],
    ['a prefix of 33', { acip: { ipv4: ['10.0.0.0/33'] } }, /ipv4\[0\]/],
    ['an IPv6 address with two gaps', { acip: { ipv6: ['1::2::3'] } }, /ipv6\[0\]/],
  ] as [string, JsonObject, RegExp][]) {
    it(`refuses a rule that could never hold: ${words}`, async () => {
      const pv = { acr: [{ acor: ['Capp'], acop: 2, acco: [context] }] };
      const pvs = { acr: [{ acor: ['CAdmin'], acop: 63 }] };
      expectStatus(await cse.create('cse-in', 1, { 'm2m:acp': { pv, pvs } }), 4000, sentence);
    });
  }

  it('lets the members of a group', async () => {
    const changes = cse.tree.changes();
    // Groups cannot be created yet; the evaluation knows them.
    await assert.rejects(async () => {
      changes.create({ parent: cse.tree.base, resourceType: 9, resourceName: 'g', attributes: {} });
    }, /vocabulary/);
    const now = '20270115T080000';
    await cse.store.commit({
      put: [
        {
          table: 'resources',
          key: 'grp1',
          columns: { parent: 'id-in', path: 'cse-in/g', type: 9, expires: null, created: 1 },
          data: {
            resourceName: 'g',
            creationTime: now,
            lastModifiedTime: now,
            attributes: { memberIDs: ['cse-in/Capp'] },
            internal: {},
          },
        },
      ],
    });
    const policy = await createPolicy(cse, 'p', [{ acor: ['cse-in/g'], acop: 2 }]);
    await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c', acpi: [policy] } });
    expectStatus(await cse.retrieve('cse-in/c', { from: 'Capp' }), 2000);
    expectStatus(await cse.retrieve('cse-in/c', { from: 'Cother' }), 4103);
  });

  it('takes several policies together, by ID or by address', async () => {
    const first = await createPolicy(cse, 'p1', [{ acor: ['Capp'], acop: 2 }]);
    await createPolicy(cse, 'p2', [{ acor: ['Cother'], acop: 2 }]);
    await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c', acpi: [first, 'cse-in/p2'] } });
    for (const from of ['Capp', 'Cother']) expectStatus(await cse.retrieve('cse-in/c', { from }), 2000);
  });

  it('follows a change of the policy at once', async () => {
    const policy = await createPolicy(cse, 'p', [{ acor: ['Capp'], acop: 2 }]);
    await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c', acpi: [policy] } });
    expectStatus(await cse.retrieve('cse-in/c', { from: 'Capp' }), 2000);
    await cse.update('cse-in/p', { 'm2m:acp': { pv: { acr: [{ acor: ['Cother'], acop: 2 }] } } });
    expectStatus(await cse.retrieve('cse-in/c', { from: 'Capp' }), 4103);
    expectStatus(await cse.retrieve('cse-in/c', { from: 'Cother' }), 2000);
  });

  it('asks the parent about a CREATE, and can limit it to types of children', async () => {
    const policy = await createPolicy(cse, 'p', [{ acor: ['Capp'], acop: 1, acod: [{ chty: [4] }] }]);
    await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c', acpi: [policy] } });
    expectStatus(await cse.create('cse-in/c', 4, { 'm2m:cin': { con: 'x' } }, { from: 'Capp' }), 2001);
    expectStatus(await cse.create('cse-in/c', 3, { 'm2m:cnt': {} }, { from: 'Capp' }), 4103);
  });

  it('gives a resource without policies to who created it and to the administrator', async () => {
    await cse.create('cse-in/Capp', 3, { 'm2m:cnt': { rn: 'c' } }, { from: 'Capp' });
    expectStatus(await cse.retrieve('cse-in/Capp/c', { from: 'Capp' }), 2000);
    expectStatus(await cse.retrieve('cse-in/Capp/c', { from: 'Cother' }), 4103);
    expectStatus(await cse.retrieve('cse-in/Capp/c'), 2000);
  });

  it('judges a contentInstance by its container', async () => {
    const policy = await createPolicy(cse, 'p', [{ acor: ['Capp'], acop: 2 }]);
    await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c', acpi: [policy] } });
    await cse.create('cse-in/c', 4, { 'm2m:cin': { rn: 'i', con: 'x' } });
    expectStatus(await cse.retrieve('cse-in/c/i', { from: 'Capp' }), 2000);
    expectStatus(await cse.retrieve('cse-in/c/la', { from: 'Cother' }), 4103);
  });

  it('protects a policy by its own selfPrivileges', async () => {
    await createPolicy(cse, 'p', [{ acor: ['Cother'], acop: 63 }], [{ acor: ['Capp'], acop: 6 }]);
    expectStatus(await cse.retrieve('cse-in/p', { from: 'Capp' }), 2000);
    expectStatus(await cse.retrieve('cse-in/p', { from: 'Cother' }), 4103);
    expectStatus(await cse.remove('cse-in/p', { from: 'Capp' }), 4103);
  });

  it('lets only who may change a present policy change which policies apply', async () => {
    const policy = await createPolicy(cse, 'p', [{ acor: ['all'], acop: 63 }], [{ acor: ['Capp'], acop: 4 }]);
    await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c', acpi: [policy] } });
    const change = { 'm2m:cnt': { acpi: [policy] } };
    expectStatus(await cse.update('cse-in/c', change, { from: 'Cother' }), 4103, /pvs/);
    expectStatus(await cse.update('cse-in/c', { 'm2m:cnt': { lbl: ['x'] } }, { from: 'Cother' }), 2004);
    expectStatus(await cse.update('cse-in/c', change, { from: 'Capp' }), 2004);
  });

  it('lets whom a policy names, registered or not', async () => {
    await createPolicy(cse, 'p', [{ acor: ['Coperator'], acop: 34 }]);
    await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c', acpi: ['cse-in/p'] } });
    expectStatus(await cse.retrieve('cse-in/c', { from: 'Coperator' }), 2000);
    expectStatus(await cse.retrieve('cse-in/c', { from: 'Cnobody' }), 4103, /no RETRIEVE/);
  });

  it('knows no AE that has not registered, or whose registration has expired, where registration is required', async () => {
    await createPolicy(cse, 'p', [{ acor: ['all'], acop: 63 }]);
    await cse.create('cse-in', 3, { 'm2m:cnt': { rn: 'c', acpi: ['cse-in/p'] } });
    const strict = await openCse({ store: cse.store, clock: cse.clock, settings: { requireRegistration: true } });
    expectStatus(await strict.retrieve('cse-in/c', { from: 'Cnobody' }), 4106, /not registered/);
    await strict.register('Cbrief', { et: '20270115T080010' });
    expectStatus(await strict.retrieve('cse-in/c', { from: 'Cbrief' }), 2000);
    strict.clock.advance(10_000);
    expectStatus(await strict.retrieve('cse-in/c', { from: 'Cbrief' }), 4106, /not registered/);
    await strict.close();
  });

  it('takes the rights from a former administrator', async () => {
    const next = await openCse({ store: cse.store, settings: { adminOriginator: 'Cboss' } });
    expectStatus(await next.retrieve('cse-in', { from: 'CAdmin' }), 4103);
    const policy = bodyOf(expectStatus(await next.retrieve('cse-in/acpAdmin', { from: 'Cboss' }), 2000));
    assert.deepEqual(policy['pvs'], { acr: [{ acor: ['Cboss'], acop: 63 }] });
  });
});

describe('a scheduleEntry', () => {
  const at = Date.UTC(2027, 0, 15, 8, 30, 5);
  const rowsOfEntries: [string, boolean | undefined][] = [
    ['* * * * * * *', true],
    ['5 30 8 15 1 5 2027', true],
    ['0-10 * * * * * *', true],
    ['*/5 */10 * * * * *', true],
    ['0-59/4 * * * * * *', false],
    ['1-59/4 * * * * * *', true],
    ['* * 9,10 * * * *', false],
    ['* * * * * * 2026', false],
    ['* * * * * *', undefined],
    ['60 * * * * * *', undefined],
    ['5-1 * * * * * *', undefined],
    ['x * * * * * *', undefined],
    ['*/0 * * * * * *', undefined],
  ];
  for (const [entry, expected] of rowsOfEntries) {
    it(`'${entry}' ${expected === undefined ? 'is none' : expected ? 'covers it' : 'does not cover it'}`, () => {
      assert.equal(compileScheduleEntry(entry)?.(at), expected);
    });
  }
});

describe('a list of addresses', () => {
  const covers = compileAddresses(['192.0.2.0/24', '2001:db8::7', 'nonsense', '10.0.0.0/99']);
  const addresses: [string | undefined, boolean][] = [
    ['192.0.2.200', true],
    ['192.0.3.1', false],
    ['::ffff:192.0.2.9', true],
    ['2001:db8::7', true],
    ['2001:db8::8', false],
    ['10.0.0.1', false],
    ['nonsense', false],
    [undefined, false],
  ];
  for (const [address, expected] of addresses) {
    it(`${expected ? 'covers' : 'does not cover'} ${address ?? 'an unknown address'}`, () => {
      assert.equal(covers(address), expected);
    });
  }
});

describe('the location of a network', () => {
  it('is a country, a position, or both', () => {
    assert.deepEqual(parseNetworkLocation('192.0.2.0/24=de/48.14/-11.58'), {
      network: '192.0.2.0/24',
      country: 'DE',
      position: { latitude: 48.14, longitude: -11.58 },
    });
    assert.deepEqual(parseNetworkLocation('2001:db8::/32=FR'), { network: '2001:db8::/32', country: 'FR' });
    assert.deepEqual(parseNetworkLocation('10.0.0.1=/1/2'), {
      network: '10.0.0.1',
      position: { latitude: 1, longitude: 2 },
    });
  });

  it('is nothing else', () => {
    for (const text of [
      '10.0.0.0/8',
      '10.0.0.0/8=',
      '10.0.0.0/8=DEU',
      '10.0.0.0/8=DE/91/0',
      '10.0.0.0/8=DE/1',
      'x=DE',
    ]) {
      assert.equal(parseNetworkLocation(text), undefined, text);
    }
  });
});
