import assert from 'node:assert/strict';
import { loadMappings } from '../../src/management/mapping.ts';
import { packageFile } from '../../src/support/package-files.ts';
import type { SimulatedDevice } from '../../src/simulators/lwm2m-device.ts';
import { coverage } from '../tools/mapping-tables.ts';
import { expectMembers, expectOk, expectRefused, openWorld } from './world.ts';
import type { Attributes, TestDevice, World } from './world.ts';

interface CmdhClass {
  name: string;
  root: string;
  mgd: number;
  /** Object of the device. */
  object: number;
  create: Attributes;
  /** Resource → value, as the device has them then. */
  created: Record<number, unknown>;
  update: Attributes;
  updated: Record<number, unknown>;
}

/** Those without links; they are made before those that point at them. */
const plainClasses: CmdhClass[] = [
  {
    name: 'cmdhBuffer',
    root: 'cmbf',
    mgd: 1019,
    object: 2056,
    create: { aec: [2, 3], mbfs: 100_000, sgp: 3 },
    created: { 0: { 0: 2, 1: 3 }, 1: 100_000, 2: 3 },
    update: { mbfs: 5000, sgp: 10 },
    updated: { 0: { 0: 2, 1: 3 }, 1: 5000, 2: 10 },
  },
  {
    name: 'cmdhDefEcValue',
    root: 'cmdv',
    mgd: 1014,
    object: 2051,
    create: { od: 1, dev: 3, ror: ['CAE1', 'CAE2'], rctn: true },
    created: { 0: 1, 1: '3', 2: { 0: 'CAE1', 1: 'CAE2' }, 4: true },
    update: { dev: 2, ror: ['CAE3'] },
    updated: { 0: 1, 1: '2', 2: { 0: 'CAE3' }, 4: true },
  },
  {
    name: 'cmdhEcDefParamValues',
    root: 'cmpv',
    mgd: 1015,
    object: 2052,
    create: { aec: [2], dqet: 1000, dset: 2000, doet: 3000, drp: 4000, dda: true },
    created: { 0: { 0: 2 }, 1: 1000, 2: 2000, 3: 3000, 4: 4000, 5: 1 },
    update: { dqet: 1500, dda: false },
    updated: { 1: 1500, 5: 0 },
  },
  {
    name: 'cmdhLimits',
    root: 'cml',
    mgd: 1016,
    object: 2053,
    create: {
      od: 2,
      ror: ['CAE1'],
      lec: [2, 3],
      lqet: [0, 60_000],
      lset: [0, 60_000],
      loet: [0, 60_000],
      lrp: [0, 60_000],
      lda: [true],
    },
    created: { 0: 2, 1: { 0: 'CAE1' }, 5: { 0: 2, 1: 3 }, 6: { 0: 0, 1: 60_000 } },
    update: { lqet: [10, 20] },
    updated: { 6: { 0: 10, 1: 20 } },
  },
  {
    name: 'cmdhNwAccessRule',
    root: 'cmwr',
    mgd: 1018,
    object: 2055,
    create: {
      ttn: ['cellular'],
      mrv: 512,
      swt: 30_000,
      bop: { bops: [{ nwa: 1, ibt: 10, abt: 20, mbt: 100 }] },
      cmlk: [{ typ: 1018, nm: 'schedule', val: 'cse-in' }],
    },
    created: { 0: { 0: 'cellular' }, 1: 30_000, 2: 512, 4: '' },
    update: { mrv: 1024, swt: 0 },
    updated: { 1: 0, 2: 1024 },
  },
];

describe('the CMDH management objects, through HTTP', () => {
  let world: World;
  before(async () => {
    world = await openWorld();
  });
  after(() => world.stop());

  describe('that stand for themselves', () => {
    let device: TestDevice;
    let simulator: SimulatedDevice;
    before(async () => {
      device = await world.addDevice();
      ({ simulator } = device);
    });

    const instancesOn = (object: number): number[] => instancesOf(simulator, object);

    for (const { name, root, mgd, object, create, created, update, updated } of plainClasses) {
      it(`${name}: creates it on the device, reads, writes and deletes it`, async () => {
        const rn = `${name}-made`;
        const obis = [`urn:oma:lwm2m:ext:${object}`];
        const made = expectOk(await device.create(root, { rn, mgd, obis, ...create }), 2001);
        assert.deepEqual(made['obps'], [`/${object}/0`]);
        for (const [resource, value] of Object.entries(created)) {
          assert.deepEqual(simulator.resource(`/${object}/0/${resource}`), value, `resource ${resource}`);
        }
        expectMembers(expectOk(await device.get(rn)), { mgd, ...create });
        expectOk(await device.update(rn, root, update), 2004);
        for (const [resource, value] of Object.entries(updated)) {
          assert.deepEqual(simulator.resource(`/${object}/0/${resource}`), value, `resource ${resource}`);
        }
        expectMembers(expectOk(await device.get(rn)), { ...create, ...update });
        expectOk(await device.remove(rn), 2002);
        assert.deepEqual(instancesOn(object), []);
        expectRefused(await device.get(rn), 4004);
      });
    }

    it('cmdhNwAccessRule: its back-off parameters are an object of their own, which goes with it', async () => {
      const rule = plainClasses.find(({ name }) => name === 'cmdhNwAccessRule')!;
      const obis = ['urn:oma:lwm2m:ext:2055'];
      expectOk(await device.create('cmwr', { rn: 'rule', mgd: 1018, obis, ...rule.create }), 2001);
      const [path] = expectOk(await device.get('rule'))['obps'] as string[];
      const backOff = `/${String(simulator.resource(`${path}/3`)).replace(':', '/')}`;
      assert.match(backOff, /^\/2057\/\d+$/);
      assert.deepEqual(
        [0, 1, 2, 3].map((resource) => simulator.resource(`${backOff}/${resource}`)),
        [1, 10, 20, 100],
      );
      const bop = { bops: [{ nwa: 1, ibt: 11, abt: 21, mbt: 101 }] };
      expectOk(await device.update('rule', 'cmwr', { bop }), 2004);
      assert.equal(simulator.resource(`${backOff}/1`), 11);
      expectMembers(expectOk(await device.get('rule')), { bop });
      expectOk(await device.remove('rule'), 2002);
      assert.deepEqual([...instancesOn(2055), ...instancesOn(2057)], []);
    });

    it('cmdhNwAccessRule: what belongs to it is known before it could be read', async () => {
      const fresh = await world.addDevice();
      const rule = plainClasses.find(({ name }) => name === 'cmdhNwAccessRule')!;
      const obis = ['urn:oma:lwm2m:ext:2055'];
      expectOk(await fresh.create('cmwr', { rn: 'early', mgd: 1018, obis, ...rule.create }), 2001);
      fresh.simulator.faults.delay = 80;
      // The device tells its objects; the gateway has stored that, and its read of the new ones is on its way.
      await fresh.simulator.update();
      const bop = { bops: [{ nwa: 1, ibt: 12, abt: 22, mbt: 102 }] };
      expectOk(await fresh.update('early', 'cmwr', { bop }), 2004);
      fresh.simulator.faults.delay = 0;
      expectMembers(expectOk(await fresh.get('early')), { bop });
      expectOk(await fresh.remove('early'), 2002);
    });
  });

  describe('that point at others', () => {
    let device: TestDevice;
    let simulator: SimulatedDevice;
    before(async () => {
      device = await world.addDevice({ objects: { 2049: { 0: { 0: '' } } } });
      ({ simulator } = device);
      for (const { name, root, mgd, object, create } of plainClasses) {
        const obis = [`urn:oma:lwm2m:ext:${object}`];
        expectOk(await device.create(root, { rn: name, mgd, obis, ...create }), 2001);
      }
    });

    const link = (name: string, mgd: number): Attributes => ({ nm: name, typ: mgd, val: `${device.node}/${name}` });

    it('cmdhDefaults: its links are references on the device', async () => {
      const cmlk = [link('cmdhDefEcValue', 1014), link('cmdhEcDefParamValues', 1015)];
      const obis = ['urn:oma:lwm2m:ext:2050'];
      expectOk(await device.create('cmdf', { rn: 'cmdhDefaults', mgd: 1013, obis, cmlk }), 2001);
      assert.deepEqual(simulator.resource('/2050/0/0'), { 0: '2051:0' });
      assert.deepEqual(simulator.resource('/2050/0/1'), { 0: '2052:0' });
      expectMembers(expectOk(await device.get('cmdhDefaults')), { mgd: 1013, cmlk });
    });

    it('cmdhNetworkAccessRules: writes categories and links', async () => {
      const cmlk = [link('cmdhNwAccessRule', 1018)];
      const obis = ['urn:oma:lwm2m:ext:2054'];
      expectOk(await device.create('cmnr', { rn: 'cmdhNetworkAccessRules', mgd: 1017, obis, aecs: [2], cmlk }), 2001);
      expectOk(await device.update('cmdhNetworkAccessRules', 'cmnr', { aecs: [2, 4] }), 2004);
      assert.deepEqual(simulator.resource('/2054/0/0'), { 0: 2, 1: 4 });
      assert.deepEqual(simulator.resource('/2054/0/1'), { 0: '2055:0' });
      expectMembers(expectOk(await device.get('cmdhNetworkAccessRules')), { aecs: [2, 4], cmlk });
    });

    it('cmdhPolicy: points at everything that it is made of', async () => {
      const cmlk = [
        link('cmdhDefaults', 1013),
        link('cmdhLimits', 1016),
        link('cmdhNetworkAccessRules', 1017),
        link('cmdhBuffer', 1019),
      ];
      const obis = ['urn:oma:lwm2m:ext:2048'];
      expectOk(await device.create('cmp', { rn: 'cmdhPolicy', mgd: 1011, obis, cpn: 'night', cmlk }), 2001);
      assert.deepEqual(
        [0, 1, 2, 3, 4].map((resource) => simulator.resource(`/2048/0/${resource}`)),
        ['night', '2050:0', { 0: '2053:0' }, { 0: '2054:0' }, { 0: '2056:0' }],
      );
      expectOk(await device.update('cmdhPolicy', 'cmp', { cpn: 'day' }), 2004);
      assert.equal(simulator.resource('/2048/0/0'), 'day');
      expectMembers(expectOk(await device.get('cmdhPolicy')), { mgd: 1011, cpn: 'day', cmlk });
    });

    it('activeCmdhPolicy: makes a policy the active one', async () => {
      const policy = String(expectOk(await device.get('cmdhPolicy'))['ri']);
      expectOk(await device.update('activeCmdhPolicy', 'acmp', { acmlk: policy }), 2004);
      assert.equal(simulator.resource('/2049/0/0'), '2048:0');
      expectMembers(expectOk(await device.get('activeCmdhPolicy')), { mgd: 1012, acmlk: policy });
    });

    it('a link to what the device does not have is refused, and the device is not touched', async () => {
      const before = simulator.journal.length;
      expectRefused(await device.update('activeCmdhPolicy', 'acmp', { acmlk: 'cmp-nowhere' }), 4000);
      assert.equal(simulator.journal.length, before);
    });

    it('two objects of one class that are made at the same time become two objects of the device', async () => {
      const { create } = plainClasses[0]!;
      const obis = ['urn:oma:lwm2m:ext:2056'];
      const made = await Promise.all(
        ['one', 'two', 'three'].map((rn) => device.create('cmbf', { rn, mgd: 1019, obis, ...create })),
      );
      const paths = made.map((answer) => String(expectOk(answer, 2001)['obps'])).sort();
      assert.deepEqual(paths, ['/2056/1', '/2056/2', '/2056/3']);
      assert.deepEqual(instancesOf(simulator, 2056), [0, 1, 2, 3]);
    });

    it('what was made here is there once, also after the device has told its objects again', async () => {
      await simulator.register();
      expectOk(await device.get('deviceInfo'));
      const children = Object.values(expectOk(await world.mca.get(`${device.node}?rcn=4`)));
      const paths = children
        .flat()
        .filter((child): child is Attributes => typeof child === 'object' && child !== null && 'obps' in child)
        .flatMap(({ obps }) => obps as string[])
        .filter((path) => path.startsWith('/20') && path !== '/20/0');
      assert.deepEqual(paths.toSorted(), [...new Set(paths)].toSorted());
    });
  });
});

describe('the mappings of the management objects', () => {
  it('cover 19 classes, every attribute with a mapping or a stated reason', () => {
    const mappings = loadMappings({ directory: packageFile('mappings') });
    assert.equal(mappings.classes.filter(({ mgmtDefinition }) => mgmtDefinition !== 0).length, 19);
    for (const [leg, { mapped, held, none }] of Object.entries(coverage(mappings))) {
      console.log(
        `      ${leg}: ${mapped} mapped, ${held} kept by the CSE for a stated reason, ${none} with no mapping for a stated reason`,
      );
      assert.ok(mapped > 0);
    }
    for (const mapping of mappings.classes) {
      for (const attribute of mapping.attributes.values()) {
        for (const row of Object.values(attribute.legs)) {
          if (row.kind === 'held' || row.kind === 'none')
            assert.match(row.reason, /\w+ \w+/, attribute.definition.name);
        }
      }
    }
  });
});

function instancesOf(simulator: SimulatedDevice, object: number): number[] {
  return [...Array(8).keys()].filter((id) =>
    [0, 1, 2].some((resource) => simulator.resource(`/${object}/${id}/${resource}`) !== undefined),
  );
}
