import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Json } from '../../src/onem2m/primitive.ts';
import type { Assignment, Step, Value } from '../../src/management/operation.ts';
import type { BoundObject } from '../../src/management/resource-side.ts';
import {
  absent,
  actionStatus,
  attributesTouchedBy,
  linksAmong,
  observationPaths,
  patchFromValues,
  planCreate,
  planDelete,
  planRead,
  planUpdate,
  triggersOf,
  valuesOf,
  type CreatePlan,
  type ReadValues,
  type UpdateOptions,
  type UpdatePlan,
} from '../../src/management/translation.ts';
import { bound, boundFirst, found, inventoryOf, lwm2mInventory, mappingOf } from './mapping-examples.ts';

const client = lwm2mInventory(['/3/0', '/5/0', '/9/0', '/15/0', '/20/0']);
const power: ReadValues = new Map([['/3/0/6', { instances: { 0: 1 } }]]);

function lwm2m(name: string, attributes: Record<string, Json> = {}): BoundObject {
  return boundFirst('lwm2m', client, name, attributes, power);
}

function patched(object: BoundObject, values: [path: string, value: Value | typeof absent][]): Record<string, Json> {
  const { patch, problems } = patchFromValues(mappingOf(object.mapping), object, new Map(values));
  assert.deepEqual(problems, []);
  return patch;
}

function problemsOf(object: BoundObject, values: [path: string, value: Value | typeof absent][]): string[] {
  return patchFromValues(mappingOf(object.mapping), object, new Map(values)).problems;
}

function planned(object: BoundObject, patch: Record<string, Json>, options?: UpdateOptions): UpdatePlan {
  const plan = planUpdate(mappingOf(object.mapping), object, patch, options);
  return plan.ok ? plan : assert.fail(plan.explanation);
}

function refusal(object: BoundObject, patch: Record<string, Json>, options?: UpdateOptions): [number, string] {
  const plan = planUpdate(mappingOf(object.mapping), object, patch, options);
  return plan.ok ? assert.fail('it was planned') : [plan.responseStatusCode, plan.explanation];
}

function assignmentsOf(steps: Step[]): [string, Value][] {
  return steps
    .flatMap((step) => ('assignments' in step ? step.assignments : []))
    .map(({ path, value }: Assignment) => [path, value]);
}

describe('planning a read', () => {
  it('names each path once, with its type, as something the device may lack', () => {
    assert.deepEqual(planRead(mappingOf('battery'), lwm2m('battery'), undefined), {
      targets: [
        { path: '/3/0/9', type: 'integer', optional: true },
        { path: '/3/0/20', type: 'integer', optional: true },
      ],
      local: [],
    });
  });

  it('reads every alternative, and knows what needs no device', () => {
    const plan = planRead(mappingOf('firmware'), lwm2m('firmware'), ['version', 'URL', 'update', 'no such attribute']);
    assert.deepEqual(
      plan.targets.map(({ path }) => path),
      ['/5/0/7', '/3/0/3'],
    );
    assert.deepEqual(plan.local, ['URL', 'update']);
  });

  it('reads below the alternate root', () => {
    const object = boundFirst('lwm2m', lwm2mInventory(['/lwm2m/3/0']), 'memory');
    assert.deepEqual(
      planRead(mappingOf('memory'), object, ['memTotal']).targets.map(({ path }) => path),
      ['/lwm2m/3/0/21'],
    );
  });

  it('speaks the paths of every leg', () => {
    const cwmp = boundFirst('cwmp', inventoryOf(['Device.DeviceInfo.']), 'deviceInfo');
    assert.deepEqual(
      planRead(mappingOf('deviceInfo'), cwmp, ['model']).targets.map(({ path }) => path),
      ['Device.DeviceInfo.ModelName'],
    );
    const omadm = boundFirst('omadm', inventoryOf(['./DevInfo']), 'deviceInfo');
    assert.deepEqual(
      planRead(mappingOf('deviceInfo'), omadm, ['model', 'fwVersion']).targets.map(({ path }) => path),
      ['./DevInfo/Mod'],
    );
  });
});

describe('attributes from values of a device', () => {
  it('are only those that changed', () => {
    assert.deepEqual(
      patched(lwm2m('battery', { batteryLevel: 80 }), [
        ['/3/0/9', 80],
        ['/3/0/20', 4],
      ]),
      { batteryStatus: 5 },
    );
  });

  it('are only those that the values concern', () => {
    assert.deepEqual(
      patched(lwm2m('battery'), [
        ['/3/0/9', 79],
        ['/4/0/2', -60],
      ]),
      { batteryLevel: 79 },
    );
  });

  it('take a status that the table does not know as unknown', () => {
    assert.deepEqual(patched(lwm2m('battery'), [['/3/0/20', 17]]), { batteryStatus: 7 });
    assert.deepEqual(patched(lwm2m('battery'), [['/3/0/20', absent]]), { batteryStatus: 7 });
  });

  it('keep their old value, with a sentence, when the device says nonsense', () => {
    const object = lwm2m('battery', { batteryLevel: 80 });
    for (const nonsense of [150, -1, 'full', { bytes: 'AA==' }, { instances: { 0: 1, 1: 2 } }]) {
      const { patch, problems } = patchFromValues(
        mappingOf('battery'),
        object,
        new Map<string, Value>([['/3/0/9', nonsense]]),
      );
      assert.deepEqual(patch, {});
      assert.match(
        problems[0] ?? '',
        /^battery\.batteryLevel: what the device says .*; the attribute keeps its value$/,
      );
    }
  });

  it('never throw, whatever the device says', () => {
    const value = fc.oneof(
      fc.string(),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
      fc.record({ bytes: fc.string() }),
      fc.record({ time: fc.double() }),
      fc.record({ link: fc.string() }),
      fc.record({ integer: fc.string() }),
      fc.record({ instances: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer())) }),
    );
    const objects = [
      'firmware',
      'software',
      'memory',
      'battery',
      'deviceInfo',
      'deviceCapability',
      'reboot',
      'eventLog',
    ].map((name) => lwm2m(name));
    fc.assert(
      fc.property(fc.constantFrom(...objects), fc.array(value, { minLength: 8, maxLength: 8 }), (object, values) => {
        const mapping = mappingOf(object.mapping);
        const { targets } = planRead(mapping, object, undefined);
        patchFromValues(
          mapping,
          object,
          new Map(targets.map(({ path }, index): [string, Value] => [path, values[index % 8] ?? null])),
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('disappear when they are optional and the device lost them, and are empty when they are mandatory texts', () => {
    const info = lwm2m('deviceInfo', { hwVersion: 'A2', swVersion: '1.0' });
    assert.deepEqual(
      patched(info, [
        ['/3/0/18', absent],
        ['/3/0/1', absent],
        ['/3/0/19', '1.0'],
      ]),
      { hwVersion: null, model: '' },
    );
    assert.deepEqual(
      patched(lwm2m('deviceInfo', { model: 'T1' }), [
        ['/3/0/1', absent],
        ['/3/0/18', absent],
      ]),
      {},
    );
    assert.deepEqual(patched(lwm2m('battery'), [['/3/0/9', absent]]), {}, 'there is no honest number for no level');
  });

  describe('with alternatives', () => {
    it('take the first that the device has', () => {
      assert.equal(
        patched(lwm2m('firmware'), [
          ['/5/0/7', '2.0'],
          ['/3/0/3', '1.0'],
        ])['version'],
        '2.0',
      );
      assert.equal(
        patched(lwm2m('firmware'), [
          ['/5/0/7', absent],
          ['/3/0/3', '1.0'],
        ])['version'],
        '1.0',
      );
    });

    it('decide nothing from the second alone', () => {
      assert.deepEqual(patched(lwm2m('firmware'), [['/3/0/3', '1.0']]), {});
    });

    it('take what there is when the device lacks the object of the first', () => {
      const embedded = 'Device.ManagementServer.EmbeddedDevice.4.';
      const object = boundFirst('cwmp', inventoryOf([embedded]), 'deviceInfo');
      assert.equal(
        patched(object, [
          [`${embedded}ControllerID`, 'zigbee'],
          [`${embedded}ProxiedDeviceID`, '17'],
        ])['deviceLabel'],
        'zigbee,17',
      );
    });
  });

  describe('with units', () => {
    const cases: [version: string | undefined, factor: number][] = [
      [undefined, 1024],
      ['1.0', 1024],
      ['1.1', 1024],
      ['1.2', 1000],
      ['1.10', 1000],
    ];
    for (const [version, factor] of cases) {
      it(`count a kilobyte of object 3 ${version ?? 'without version'} as ${factor} bytes`, () => {
        const object = boundFirst(
          'lwm2m',
          lwm2mInventory(['/3/0'], version === undefined ? {} : { 3: version }),
          'memory',
        );
        assert.deepEqual(patched(object, [['/3/0/21', 512]]), { memTotal: 512 * factor });
      });
    }

    it('refuse what is beyond exact numbers', () => {
      assert.match(problemsOf(lwm2m('memory'), [['/3/0/21', 2 ** 50]])[0] ?? '', /beyond what a number says exactly/);
    });
  });

  describe('that are the status of a trigger', () => {
    const cases: [result: number, state: number, status: number | undefined, meaning: string][] = [
      [1, 0, 1, 'success'],
      [2, 0, 2, 'no space'],
      [8, 2, 2, 'update failed'],
      [10, 0, 2, 'cancelled'],
      [0, 1, 3, 'downloading'],
      [0, 3, 3, 'updating'],
      [11, 2, 3, 'deferred by the user'],
      [0, 0, undefined, 'idle: nothing to say'],
    ];
    for (const [result, state, status, meaning] of cases) {
      it(`firmware: Update Result ${result} in State ${state} is ${status ?? 'no change'} (${meaning})`, () => {
        const patch = patched(lwm2m('firmware'), [
          ['/5/0/5', result],
          ['/5/0/3', state],
        ]);
        assert.deepEqual(patch, status === undefined ? {} : { updateStatus: { action: 'ud', status } });
      });
    }

    it('are decided by what a notification says alone, if a row needs no more', () => {
      assert.deepEqual(patched(lwm2m('firmware'), [['/5/0/5', 5]]), { updateStatus: { action: 'ud', status: 2 } });
      assert.deepEqual(patched(lwm2m('firmware'), [['/5/0/5', 0]]), {});
    });

    it('speak of the trigger that is under way', () => {
      const uninstalling = lwm2m('software', { installStatus: { action: 'un', status: 3 } });
      assert.deepEqual(
        patched(uninstalling, [
          ['/9/0/9', 0],
          ['/9/0/7', 0],
        ]),
        { installStatus: { action: 'un', status: 1 } },
      );
      const installing = lwm2m('software', { installStatus: { action: 'in', status: 3 } });
      assert.deepEqual(
        patched(installing, [
          ['/9/0/9', 0],
          ['/9/0/7', 0],
        ]),
        {},
      );
      assert.deepEqual(
        patched(installing, [
          ['/9/0/9', 2],
          ['/9/0/7', 4],
        ]),
        { installStatus: { action: 'in', status: 1 } },
      );
      assert.deepEqual(
        patched(installing, [
          ['/9/0/9', 53],
          ['/9/0/7', 0],
        ]),
        { installStatus: { action: 'in', status: 2 } },
      );
    });

    it('tell activation from deactivation', () => {
      assert.deepEqual(
        patched(lwm2m('software', { activeStatus: { action: 'act', status: 3 } }), [['/9/0/12', true]]),
        { activeStatus: { action: 'act', status: 1 } },
      );
      assert.deepEqual(
        patched(lwm2m('software', { activeStatus: { action: 'dea', status: 3 } }), [['/9/0/12', true]]),
        {},
      );
      assert.deepEqual(
        patched(lwm2m('software', { activeStatus: { action: 'dea', status: 3 } }), [['/9/0/12', false]]),
        { activeStatus: { action: 'dea', status: 1 } },
      );
    });
  });

  it('understand an event log', () => {
    assert.deepEqual(
      patched(lwm2m('eventLog'), [
        ['/20/0/4010', 0],
        ['/20/0/4013', 3],
        ['/20/0/4014', { bytes: 'AAEC' }],
      ]),
      {
        logTypeId: 3,
        logStatus: 2,
        logData: 'AAEC',
      },
    );
  });

  it('take a capability without the resource Attached as attached', () => {
    assert.equal(patched(lwm2m('deviceCapability'), [['/15/0/3', absent]])['attached'], true);
  });

  it('understand numbers and names of the battery status on TR-069', () => {
    const path = 'Device.DeviceInfo.X_oneM2M_org_BatteryStatus.Battery.1.';
    const object = boundFirst('cwmp', inventoryOf([path]), 'battery');
    for (const value of ['2', 'CHARGING', 2])
      assert.deepEqual(patched(object, [[`${path}Status`, value]]), { batteryStatus: 2 });
    assert.deepEqual(patched(object, [[`${path}Status`, 'melting']]), { batteryStatus: 7 });
  });

  it('come from the results of an outcome; targets that failed are not among them', () => {
    const values = valuesOf([
      { path: '/3/0/9', value: 5 },
      { path: '/3/0/20', absent: true },
      { path: '/3/0/0', failure: { cause: 'device-error', explanation: 'no' } },
    ]);
    assert.deepEqual(
      [...values],
      [
        ['/3/0/9', 5],
        ['/3/0/20', absent],
      ],
    );
  });

  it('may have any text as their value, even the word absent', () => {
    assert.deepEqual(patched(lwm2m('deviceInfo'), [['/3/0/0', 'absent']]), { manufacturer: 'absent' });
  });
});

describe('planning an update', () => {
  describe('of values', () => {
    it('writes what can be written', () => {
      const plan = planned(lwm2m('eventLog'), { logTypeId: 2 });
      assert.deepEqual(plan.steps, [
        { action: 'write', assignments: [{ path: '/20/0/4010', type: 'integer', value: 2 }] },
      ]);
      assert.deepEqual([plan.written, plan.held], [{ logTypeId: 2 }, {}]);
    });

    it('refuses what is read-only on the device', () => {
      const [code, sentence] = refusal(lwm2m('battery'), { batteryLevel: 50 });
      assert.equal(code, 4005);
      assert.match(sentence, /batteryLevel \(btl\) is read-only on the device/);
      assert.equal(refusal(lwm2m('deviceInfo'), { fwVersion: '2' })[0], 4005);
    });

    it('refuses what only the device sets', () => {
      for (const [name, attribute] of [
        ['firmware', 'updateStatus'],
        ['deviceCapability', 'capabilityActionStatus'],
      ] as const) {
        assert.equal(refusal(lwm2m(name), { [attribute]: { status: 1 } })[0], 4005);
      }
    });

    it('keeps in the CSE what the device knows nothing of', () => {
      const plan = planned(lwm2m('deviceInfo'), {
        osVersion: 'Zephyr 4',
        labels: ['roof'],
        description: 'on the roof',
      });
      assert.deepEqual(plan.held, { osVersion: 'Zephyr 4', labels: ['roof'], description: 'on the roof' });
      assert.deepEqual([plan.steps, plan.triggers], [[], []]);
    });

    it('keeps everything of a device whose technology the mappings do not know', () => {
      const object = { ...lwm2m('battery'), technology: 'zigbee' };
      assert.deepEqual(planned(object, { batteryLevel: 5 }).held, { batteryLevel: 5 });
    });

    it('refuses a value that the device has no word for', () => {
      const [code, sentence] = refusal(lwm2m('eventLog'), { logTypeId: 9 });
      assert.equal(code, 4000);
      assert.match(sentence, /logTypeId \(lgt\) is "9", for which the device has no value/);
    });
  });

  describe('of firmware', () => {
    const url = 'http://images.example/f.bin';

    it('keeps URL, version and name until the update, and sends nothing', () => {
      const plan = planned(lwm2m('firmware'), { URL: url, version: '2.0', firmwareName: 'main' });
      assert.deepEqual(plan.steps, []);
      assert.deepEqual(plan.inputs, { version: '2.0', firmwareName: 'main', URL: url });
      assert.deepEqual(plan.held, plan.inputs);
    });

    it('starts the procedure with what this request says and an earlier one left', () => {
      const [trigger] = planned(
        lwm2m('firmware', { URL: 'http://old.example/' }),
        { URL: url, update: true },
        { inputs: { version: '2.0' } },
      ).triggers;
      assert.deepEqual(trigger?.steps, [
        { action: 'procedure', procedure: 'firmware-update', object: '/5/0', inputs: { url, version: '2.0' } },
      ]);
      assert.deepEqual(trigger?.inputsUsed, ['URL', 'version']);
      assert.deepEqual(
        [trigger?.reports, trigger?.whileRunning, trigger?.repeatable],
        ['updateStatus', 'CONFLICT', false],
      );
      assert.deepEqual(trigger?.refresh.at(-1), { mapping: 'deviceInfo', attribute: 'swVersion' });
    });

    it('takes the stored URL, which only the CSE has, but not the version that the device told', () => {
      const [trigger] = planned(lwm2m('firmware', { URL: url, version: '1.0', firmwareName: 'old' }), {
        update: true,
      }).triggers;
      const [step] = trigger?.steps ?? [];
      assert.deepEqual(step?.action === 'procedure' && step.inputs, { url });
    });

    it('proves an unknown outcome by the running version, when one was asked for', () => {
      const withVersion = planned(lwm2m('firmware'), { URL: url, version: '2.0', update: true });
      assert.deepEqual(withVersion.triggers[0]?.evidence, {
        read: { running: { path: '/3/0/3', optional: true } },
        succeededWhen: { running: '2.0' },
      });
      assert.equal(planned(lwm2m('firmware'), { URL: url, update: true }).triggers[0]?.evidence, undefined);
    });

    it('says what is missing', () => {
      const [code, sentence] = refusal(lwm2m('firmware'), { update: true });
      assert.equal(code, 4000);
      assert.match(sentence, /update \(ud\) needs URL \(url\): write it first, or in the same request/);
    });

    it('does nothing when the trigger is false', () => {
      const plan = planned(lwm2m('firmware'), { update: false });
      assert.deepEqual([plan.triggers, plan.held, plan.ignored], [[], {}, ['update']]);
    });

    it('writes first and triggers afterwards on a leg that can write', () => {
      const fumo = boundFirst('omadm', inventoryOf([['./FW', 'urn:oma:mo:oma-fumo:1.0']]), 'firmware');
      const plan = planned(fumo, { update: true, firmwareName: 'main', URL: url });
      assert.deepEqual(assignmentsOf(plan.steps), [['./FW/PkgName', 'main']]);
      assert.equal(plan.triggers[0]?.procedure, 'firmware-update');
    });

    it('says a list that is joined as a text', () => {
      const paths = inventoryOf([['./M', 'urn:oma:mo:ext-onem2m-mcmdhmo:1.0'], './M/cmdhBuffer/a']);
      const plan = planned(boundFirst('omadm', paths, 'cmdhBuffer'), { applicableEventCategory: [2, 3] });
      assert.deepEqual(plan.steps, [
        {
          action: 'write',
          assignments: [{ path: './M/cmdhBuffer/a/applicableEventCategory', type: 'string', value: '2 3' }],
        },
      ]);
    });

    it('lets an input be written where the device has a place for it', () => {
      const fumo = boundFirst('omadm', inventoryOf([['./FW', 'urn:oma:mo:oma-fumo:1.0']]), 'firmware');
      const plan = planned(fumo, { version: '2.4.0' });
      assert.deepEqual(plan.steps, [
        { action: 'write', assignments: [{ path: './FW/PkgVersion', type: 'string', value: '2.4.0', optional: true }] },
      ]);
      assert.deepEqual(plan.inputs, { version: '2.4.0' });
    });

    it('installs over a component of OMA DM that is deployed, at a node that the installation adds', () => {
      const deployed = inventoryOf([['./SCOMO', 'urn:oma:mo:oma-scomo:1.0'], './SCOMO/Inventory/Deployed/chess']);
      const [trigger] = planned(boundFirst('omadm', deployed, 'software'), { install: true, URL: url }).triggers;
      assert.deepEqual(trigger?.steps, [
        { action: 'procedure', procedure: 'software-install', object: './SCOMO/Download/chess', inputs: { url } },
      ]);
    });
  });

  describe('with triggers', () => {
    it('executes a reboot, which a new registration proves', () => {
      const [trigger] = planned(lwm2m('reboot'), { reboot: true }).triggers;
      assert.deepEqual(trigger?.steps, [{ action: 'execute', target: { path: '/3/0/4' } }]);
      assert.deepEqual(
        [trigger?.evidence, trigger?.repeatable, trigger?.procedure],
        [{ restart: true }, false, undefined],
      );
    });

    it('calls the RPC of TR-069 that has no path', () => {
      const object = boundFirst('cwmp', inventoryOf(['Device.DeviceInfo.']), 'reboot');
      assert.deepEqual(planned(object, { factoryReset: true }).triggers[0]?.steps, [
        { action: 'execute', target: { path: 'rpc:FactoryReset' } },
      ]);
    });

    it('writes a constant where the leg has a switch, and may repeat it', () => {
      const object = boundFirst('cwmp', inventoryOf(['Device.WiFi.Radio.1.']), 'deviceCapability');
      const [trigger] = planned(object, { disable: true }).triggers;
      assert.deepEqual(assignmentsOf(trigger?.steps ?? []), [['Device.WiFi.Radio.1.Enable', false]]);
      assert.equal(trigger?.repeatable, true);
    });

    it('reads the state as evidence for enable and disable', () => {
      assert.deepEqual(planned(lwm2m('deviceCapability'), { enable: true }).triggers[0]?.evidence, {
        read: { on: { path: '/15/0/4', optional: true } },
        succeededWhen: { on: true },
      });
    });

    it('locks and wipes at the nodes of LAWMO, one at a time', () => {
      const object = boundFirst('omadm', inventoryOf([['./L', 'urn:oma:mo:oma-lawmo:1.0']]), 'lockAndWipe');
      const [trigger] = planned(object, { lock: true }).triggers;
      assert.deepEqual(trigger?.steps, [{ action: 'execute', target: { path: './L/Operations/FullyLock' } }]);
      assert.deepEqual([trigger?.reports, trigger?.repeatable], ['lockAndWipeStatus', false]);
      assert.equal(refusal(object, { lock: true, wipe: true })[0], 4000);
      assert.equal(refusal(object, { lockState: 30 })[0], 4005);
    });

    const opposites: [name: string, one: string, other: string][] = [
      ['reboot', 'reboot', 'factoryReset'],
      ['software', 'install', 'uninstall'],
      ['software', 'activate', 'deactivate'],
      ['deviceCapability', 'enable', 'disable'],
      ['eventLog', 'logStart', 'logStop'],
    ];
    for (const [name, one, other] of opposites) {
      it(`refuses ${one} and ${other} in one request`, () => {
        const [code, sentence] = refusal(lwm2m(name), { [one]: true, [other]: true, URL: 'http://x.example/' });
        assert.equal(code, 4000);
        assert.match(sentence, /exclude each other/);
        assert.equal(
          planned(lwm2m(name), { [one]: true, [other]: false, URL: 'http://x.example/' }).triggers.length,
          1,
        );
      });
    }

    it('refuses two procedures in one request', () => {
      const [code, sentence] = refusal(lwm2m('software'), { install: true, activate: true, URL: 'http://x.example/' });
      assert.equal(code, 4000);
      assert.match(sentence, /trigger one, and the other when its status says that it is done/);
    });

    it('takes installed software for evidence of an installation only when it is the version that was asked for', () => {
      const asked = { install: true, URL: 'http://x.example/', version: '2' };
      assert.deepEqual(planned(lwm2m('software'), asked).triggers[0]?.evidence?.succeededWhen, {
        state: 4,
        version: '2',
      });
      assert.equal(planned(lwm2m('software'), { ...asked, version: '' }).triggers[0]?.evidence, undefined);
    });

    it('refuses a trigger whose object the device lacks', () => {
      const object = boundFirst('omadm', inventoryOf([['./LAWMO', 'urn:oma:mo:oma-lawmo:1.0']]), 'reboot');
      assert.equal(refusal(object, { reboot: true })[0], 6005);
      assert.equal(planned(object, { factoryReset: true }).triggers.length, 1);
    });

    it('names the triggers of a class, and gives their status the short name', () => {
      assert.deepEqual(triggersOf(mappingOf('software')), ['install', 'uninstall', 'activate', 'deactivate']);
      assert.deepEqual(actionStatus(mappingOf('firmware'), 'update', 3), { action: 'ud', status: 3 });
    });
  });
});

describe('communication policies', () => {
  const inventory = lwm2mInventory([
    '/2048/0',
    '/2048/1',
    '/2049/0',
    '/2050/4',
    '/2053/0',
    '/2053/1',
    '/2054/0',
    '/2056/0',
    '/2055/0',
    '/2057/0',
  ]);
  const all = [
    'cmdhPolicy',
    'activeCmdhPolicy',
    'cmdhDefaults',
    'cmdhLimits',
    'cmdhNetworkAccessRules',
    'cmdhBuffer',
  ].flatMap((name) => found('lwm2m', inventory, name).map((object) => bound('lwm2m', object)));
  const links = linksAmong(all);
  const policy = all.find((object) => object.resourceID === 'cmdhPolicy-ri') ?? assert.fail();
  const limits = all.find((object) => object.mapping === 'cmdhLimits') ?? assert.fail();
  const targets = [
    { name: 'cmdhDefaults-4', type: 1013, value: 'cmdhDefaults-4-ri' },
    { name: 'cmdhLimits', type: 1016, value: 'cmdhLimits-ri' },
    { name: 'cmdhLimits-1', type: 1016, value: 'cmdhLimits-1-ri' },
    { name: 'cmdhNetworkAccessRules', type: 1017, value: 'cmdhNetworkAccessRules-ri' },
    { name: 'cmdhBuffer', type: 1019, value: 'cmdhBuffer-ri' },
  ];

  it('are written as links to objects, and read back as links to resources', () => {
    const { steps } = planned(policy, { mgmtLink: targets }, { links });
    assert.deepEqual(assignmentsOf(steps), [
      ['/2048/0/1', { link: '/2050/4' }],
      ['/2048/0/2', { instances: { 0: { link: '/2053/0' }, 1: { link: '/2053/1' } } }],
      ['/2048/0/3', { instances: { 0: { link: '/2054/0' } } }],
      ['/2048/0/4', { instances: { 0: { link: '/2056/0' } } }],
    ]);
    const { patch } = patchFromValues(mappingOf('cmdhPolicy'), policy, new Map(assignmentsOf(steps)), links);
    assert.deepEqual(patch, { mgmtLink: targets });
  });

  it('keep the links of other classes when a notification tells of one', () => {
    const object = { ...policy, attributes: { ...policy.attributes, mgmtLink: targets } };
    const { patch } = patchFromValues(
      mappingOf('cmdhPolicy'),
      object,
      new Map([['/2048/0/2', { instances: { 0: { link: '/2053/0' } } }]]),
      links,
    );
    assert.deepEqual(patch, { mgmtLink: targets.filter(({ value }) => value !== 'cmdhLimits-1-ri') });
  });

  it('are refused without a mandatory link, and with one that leads nowhere', () => {
    assert.match(
      refusal(policy, { mgmtLink: targets.slice(1) }, { links })[1],
      /has 0 links to cmdhDefaults; exactly one link/,
    );
    const foreign = [...targets.slice(0, 4), { name: 'x', type: 1019, value: 'somewhere-else' }];
    assert.match(
      refusal(policy, { mgmtLink: foreign }, { links })[1],
      /names "somewhere-else", which is no cmdhBuffer of this device/,
    );
    assert.match(
      refusal(policy, { mgmtLink: [{ name: 'x', type: 1001, value: 'y' }] }, { links })[1],
      /allowed: cmdhDefaults \(1013\)/,
    );
  });

  it('are activated by a link, by resource ID or address', () => {
    const active = all.find((object) => object.mapping === 'activeCmdhPolicy') ?? assert.fail();
    for (const reference of ['cmdhPolicy-1-ri', 'cse-in/node/cmdhPolicy-1']) {
      assert.deepEqual(assignmentsOf(planned(active, { activeCmdhPolicyLink: reference }, { links }).steps), [
        ['/2049/0/0', { link: '/2048/1' }],
      ]);
    }
    const { patch } = patchFromValues(
      mappingOf('activeCmdhPolicy'),
      active,
      new Map([['/2049/0/0', { link: '/2048/1' }]]),
      links,
    );
    assert.deepEqual(patch, { activeCmdhPolicyLink: 'cmdhPolicy-1-ri' });
  });

  it('are activated on TR-069 by one flag, in one step, the old one first', () => {
    const path = 'Device.X_oneM2M_org_CSE.1.CMDH.Policy.';
    const devices = inventoryOf([`${path}1.`, `${path}2.`]);
    const policies = found('cwmp', devices, 'cmdhPolicy').map((object) => bound('cwmp', object));
    const active = boundFirst('cwmp', devices, 'activeCmdhPolicy');
    const resolver = linksAmong(policies);
    const [first, second] = policies;
    const { steps } = planned(active, { activeCmdhPolicyLink: first?.resourceID ?? '' }, { links: resolver });
    assert.equal(steps.length, 1);
    assert.deepEqual(assignmentsOf(steps), [
      [`${path}2.Enable`, false],
      [`${path}1.Enable`, true],
    ]);
    const values = new Map<string, Value>([
      [`${path}1.Enable`, false],
      [`${path}2.Enable`, true],
    ]);
    assert.deepEqual(patchFromValues(mappingOf('activeCmdhPolicy'), active, values, resolver).patch, {
      activeCmdhPolicyLink: second?.resourceID,
    });
    assert.deepEqual(
      planRead(mappingOf('activeCmdhPolicy'), active, undefined).targets.map((target) => target.path),
      [`${path}1.Enable`, `${path}2.Enable`],
    );
  });

  const pair = fc.tuple(fc.integer({ min: -1, max: 2 ** 40 }), fc.integer({ min: -1, max: 2 ** 40 }));
  const identifier = fc.stringMatching(/^[A-Za-z0-9/_.:-]{1,20}$/);
  const limitsAttributes = fc.record({
    order: fc.integer({ min: 1, max: 1000 }),
    requestOrigin: fc.array(identifier, { minLength: 1, maxLength: 5 }),
    requestContext: fc.string(),
    requestContextNotification: fc.boolean(),
    limitsEventCategory: fc.array(fc.constantFrom(2, 3, 4, 100), { minLength: 1, maxLength: 4 }),
    limitsRequestExpTime: pair,
    limitsDelAggregation: fc.constantFrom<boolean[]>([false], [true], [false, true]),
  });
  for (const technology of ['lwm2m', 'cwmp', 'omadm'] as const) {
    it(`keep their values on the way to a device and back (${technology})`, () => {
      const devices = {
        lwm2m: inventory,
        cwmp: inventoryOf(['Device.X_oneM2M_org_CSE.1.CMDH.Limit.1.']),
        omadm: inventoryOf([['./M', 'urn:oma:mo:ext-onem2m-mcmdhmo:1.0'], './M/cmdhLimits/a']),
      };
      const object = technology === 'lwm2m' ? limits : boundFirst(technology, devices[technology], 'cmdhLimits');
      fc.assert(
        fc.property(limitsAttributes, (generated) => {
          const attributes = { ...generated };
          // A text that is JSON comes back as what it says.
          fc.pre(!/^[[{]/.test(attributes.requestContext));
          const { steps } = planned(object, attributes);
          const { patch, problems } = patchFromValues(mappingOf('cmdhLimits'), object, new Map(assignmentsOf(steps)));
          assert.deepEqual([patch, problems], [attributes, []]);
        }),
        { numRuns: 300 },
      );
    });
  }

  it('write a boolean as the integer that the registry wants', () => {
    const object = boundFirst('lwm2m', lwm2mInventory(['/2052/0']), 'cmdhEcDefParamValues');
    assert.deepEqual(assignmentsOf(planned(object, { defaultDelAggregation: true }).steps), [['/2052/0/5', 1]]);
    assert.deepEqual(patched(object, [['/2052/0/5', 0]]), { defaultDelAggregation: false });
  });

  describe('that a network access rule needs', () => {
    const attributes = {
      targetNetwork: ['cell'],
      minReqVolume: 10,
      spreadingWaitTime: 5,
      backOffParameters: {
        backOffParametersSet: [
          { networkAction: 5, initialBackoffTime: 1, additionalBackoffTime: 2, maximumBackoffTime: 3 },
        ],
      },
      mgmtLink: [{ name: 'allowedSchedule', type: 1018, value: 'schedule-1' }],
    };

    function created(): CreatePlan {
      const plan = planCreate(mappingOf('cmdhNwAccessRule'), attributes, { technology: 'lwm2m', inventory });
      return plan.ok ? plan : assert.fail(plan.explanation);
    }

    it('are created in the order of the links: the back-off first, then the rule that points at it', () => {
      assert.deepEqual(created().steps, [
        {
          action: 'create',
          path: '/2057',
          instance: '1',
          assignments: [
            { path: '/2057/1/0', type: 'integer', value: 5 },
            { path: '/2057/1/1', type: 'integer', value: 1 },
            { path: '/2057/1/2', type: 'integer', value: 2 },
            { path: '/2057/1/3', type: 'integer', value: 3 },
          ],
        },
        {
          action: 'create',
          path: '/2055',
          instance: '1',
          assignments: [
            { path: '/2055/1/0', type: 'string', value: { instances: { 0: 'cell' } }, multiple: true },
            { path: '/2055/1/2', type: 'integer', value: 10 },
            { path: '/2055/1/1', type: 'integer', value: 5 },
            { path: '/2055/1/4', value: '' },
            { path: '/2055/1/3', type: 'link', value: { link: '/2057/1' } },
          ],
        },
      ]);
    });

    it('are bound to the objects that were made, and deleted with them', () => {
      const binding = created().bind('/2055/1');
      assert.deepEqual(binding, {
        objectIDs: ['urn:oma:lwm2m:ext:2055'],
        objectPaths: ['/2055/1'],
        names: { rule: '1' },
        objects: { rule: '/2055/1', backoff: '/2057/1' },
      });
      const object = { ...policy, mapping: 'cmdhNwAccessRule', objects: binding.objects };
      assert.deepEqual(planDelete(mappingOf('cmdhNwAccessRule'), object), {
        ok: true,
        steps: [
          { action: 'delete', path: '/2055/1' },
          { action: 'delete', path: '/2057/1' },
        ],
      });
    });
  });
});

describe('creating on a device', () => {
  const attributes = { cmdhPolicyName: 'night' };

  function creation(
    name: string,
    technology: string,
    inventory: ReturnType<typeof inventoryOf>,
    wanted?: { objectIDs?: string[]; objectPaths?: string[] },
  ) {
    return planCreate(mappingOf(name), attributes, { technology, inventory, ...(wanted ? { wanted } : {}) });
  }

  it('takes the instance that was asked for', () => {
    const plan = creation('cmdhPolicy', 'lwm2m', lwm2mInventory(['/2048/0']), { objectPaths: ['/2048/7'] });
    assert.deepEqual(plan.ok && plan.steps[0], {
      action: 'create',
      path: '/2048',
      instance: '7',
      assignments: [{ path: '/2048/7/0', type: 'string', value: 'night' }],
    });
  });

  it('takes the first free instance, also of an object without any', () => {
    for (const [paths, instance] of [
      [['/2048/0', '/2048/1', '/2048/3'], '2'],
      [['/2048'], '0'],
    ] as const) {
      const plan = creation('cmdhPolicy', 'lwm2m', lwm2mInventory([...paths]));
      assert.equal(plan.ok && plan.steps[0]?.action === 'create' && plan.steps[0].instance, instance);
    }
  });

  it('keeps the alternate root', () => {
    const plan = creation('cmdhPolicy', 'lwm2m', lwm2mInventory(['/lwm2m/2048/0']));
    assert.deepEqual(
      plan.ok && plan.steps.map((step) => step.action === 'create' && [step.path, step.assignments[0]?.path]),
      [['/lwm2m/2048', '/lwm2m/2048/1/0']],
    );
  });

  it('lets a TR-069 device choose the instance', () => {
    const path = 'Device.X_oneM2M_org_CSE.1.CMDH.Policy.';
    const plan = creation('cmdhPolicy', 'cwmp', inventoryOf([path]));
    assert.ok(plan.ok);
    assert.deepEqual(plan.steps, [
      { action: 'create', path, assignments: [{ path: `${path}{instance}.Name`, type: 'string', value: 'night' }] },
    ]);
    assert.deepEqual(plan.bind(`${path}12.`).objectPaths, [`${path}12.`]);
    assert.deepEqual(plan.bind(`${path}12.`).names, { cse: '1', policy: '12' });
  });

  it('makes a node of OMA DM', () => {
    const plan = creation('cmdhPolicy', 'omadm', inventoryOf([['./M', 'urn:oma:mo:ext-onem2m-mcmdhmo:1.0']]));
    assert.deepEqual(plan.ok && plan.steps, [
      {
        action: 'create',
        path: './M/cmdhPolicy',
        instance: '0',
        assignments: [{ path: './M/cmdhPolicy/0/name', type: 'string', value: 'night' }],
      },
    ]);
  });

  it('binds to what the device has already', () => {
    for (const wanted of [undefined, { objectPaths: ['/5/0'], objectIDs: ['urn:oma:lwm2m:oma:5'] }]) {
      const plan = creation('firmware', 'lwm2m', client, wanted);
      assert.ok(plan.ok && plan.existing);
      assert.deepEqual(plan.steps, []);
      assert.deepEqual(plan.bind(undefined).objects, { firmware: '/5/0', device: '/3/0' });
    }
    const plan = creation('cmdhPolicy', 'lwm2m', lwm2mInventory(['/2048/0']), { objectPaths: ['/2048/0'] });
    assert.ok(plan.ok && plan.existing);
  });

  const refusals: [what: string, code: number, plan: () => ReturnType<typeof creation>][] = [
    ['what the device lacks and cannot make', 6005, () => creation('firmware', 'lwm2m', lwm2mInventory(['/3/0']))],
    [
      'an instance of an object that the device does not have',
      6005,
      () => creation('cmdhPolicy', 'lwm2m', lwm2mInventory(['/3/0'])),
    ],
    [
      'a path of another object',
      4000,
      () => creation('cmdhPolicy', 'lwm2m', lwm2mInventory(['/2048']), { objectPaths: ['/3/0'] }),
    ],
    [
      'another identifier',
      4000,
      () => creation('cmdhPolicy', 'lwm2m', lwm2mInventory(['/2048']), { objectIDs: ['urn:oma:lwm2m:oma:3'] }),
    ],
    ['a class without a mapping on the leg', 5001, () => creation('areaNwkInfo', 'lwm2m', client)],
    ['an unknown technology', 5001, () => creation('battery', 'zigbee', client)],
  ];
  for (const [what, code, plan] of refusals) {
    it(`refuses ${what} with ${code}`, () => {
      const result = plan();
      assert.ok(!result.ok);
      assert.equal(result.responseStatusCode, code);
    });
  }

  it('refuses to delete what is a part of the device', () => {
    const plan = planDelete(mappingOf('battery'), lwm2m('battery'));
    assert.deepEqual(!plan.ok && plan.responseStatusCode, 4005);
  });
});

describe('observations', () => {
  it('are the paths of the attributes that are subscribed to', () => {
    assert.deepEqual(
      observationPaths(mappingOf('battery'), lwm2m('battery'), ['batteryLevel']).map(({ path }) => path),
      ['/3/0/9'],
    );
    assert.deepEqual(observationPaths(mappingOf('reboot'), lwm2m('reboot'), undefined), []);
  });

  it('touch attributes by path, from above and from below', () => {
    const object = lwm2m('battery');
    assert.deepEqual(attributesTouchedBy(mappingOf('battery'), object, ['/3/0/9']), ['batteryLevel']);
    assert.deepEqual(attributesTouchedBy(mappingOf('battery'), object, ['/3/0']), ['batteryLevel', 'batteryStatus']);
    assert.deepEqual(attributesTouchedBy(mappingOf('battery'), object, ['/3/0/9/0']), ['batteryLevel']);
    assert.deepEqual(attributesTouchedBy(mappingOf('battery'), object, ['/3/0/90', '/3/0/2']), []);
  });
});
