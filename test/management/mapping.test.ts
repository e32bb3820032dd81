import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProcedureSignature } from '../../src/management/adapter.ts';
import { procedureProblems } from '../../src/management/mapping-procedures.ts';
import { MappingError, loadMappings, type Mappings } from '../../src/management/mapping.ts';
import { technologies } from '../../src/management/mapping-types.ts';
import { versionMatches } from '../../src/management/mapping-profiles.ts';
import { createVocabulary } from '../../src/onem2m/create-vocabulary.ts';
import { inventoryOf, mappingDirectory, mappings } from './mapping-examples.ts';
import { resource } from '../onem2m/specializations.ts';

const releaseOne = [
  ['firmware', 1001],
  ['software', 1002],
  ['memory', 1003],
  ['areaNwkInfo', 1004],
  ['areaNwkDeviceInfo', 1005],
  ['battery', 1006],
  ['deviceInfo', 1007],
  ['deviceCapability', 1008],
  ['reboot', 1009],
  ['eventLog', 1010],
  ['cmdhPolicy', 1011],
  ['activeCmdhPolicy', 1012],
  ['cmdhDefaults', 1013],
  ['cmdhDefEcValue', 1014],
  ['cmdhEcDefParamValues', 1015],
  ['cmdhLimits', 1016],
  ['cmdhNetworkAccessRules', 1017],
  ['cmdhNwAccessRule', 1018],
  ['cmdhBuffer', 1019],
] as const;

describe('mapping files', () => {
  it('are there for the 19 classes of Release 1, in the order of their numbers, and for one of our own', () => {
    assert.deepEqual(
      mappings.classes.map((mapping) => [mapping.name, mapping.mgmtDefinition]),
      [...releaseOne, ['lockAndWipe', 0]],
    );
  });

  it('have, for every attribute and leg, a mapping or a reason of more than a word', () => {
    for (const mapping of mappings.classes) {
      for (const [name, attribute] of mapping.attributes) {
        for (const technology of technologies) {
          const row = attribute.legs[technology];
          const reason = row.kind === 'held' || row.kind === 'none' ? row.reason : 'mapped as it is';
          assert.match(reason, /\S+ \S+ \S+/, `${mapping.name}.${name} on ${technology}`);
        }
      }
    }
  });

  it('make a vocabulary: every class is known by its number and by its root', () => {
    const vocabulary = createVocabulary(mappings.definitions());
    for (const mapping of mappings.classes.filter(({ mgmtDefinition }) => mgmtDefinition !== 0)) {
      assert.equal(vocabulary.definitionOf(13, mapping.mgmtDefinition)?.name, mapping.name);
      assert.equal(vocabulary.definitionByRoot(`m2m:${mapping.shortName}`)?.name, mapping.name);
    }
  });

  it('make attributes of a class of our own known beside those that are free', () => {
    const vocabulary = createVocabulary(mappings.definitions(), { knownSchemas: ['http://example.org/lamp'] });
    const attributes = { mgmtSchema: 'urn:oma:mo:oma-lawmo:1.0', lockAndWipeStatus: { action: 'wip', status: 3 } };
    const lock = resource(13, { mgmtDefinition: 0, attributes });
    assert.deepEqual(vocabulary.toWire(lock, ['mgs', 'lws']), {
      mgs: 'urn:oma:mo:oma-lawmo:1.0',
      lws: { acn: 'wip', sus: 3 },
    });
    const refused = vocabulary.checkUpdate(lock, { 'm2m:mgo': { wip: 'yes' } });
    assert.match(refused.ok ? '' : refused.refusal.explanation, /'wip' \(wipe\)/);
    assert.ok(vocabulary.checkUpdate(lock, { 'm2m:mgo': { colour: 'red' } }).ok);
  });

  it('are found by name and by number', () => {
    assert.equal(mappings.byName('battery'), mappings.byDefinition(1006));
    assert.equal(mappings.byName('toaster'), undefined);
    assert.equal(mappings.byDefinition(1), undefined);
  });

  it('name an input of a procedure only when it is an attribute, and the URL of an image always', () => {
    for (const [name, procedure] of [
      ['firmware', 'firmware-update'],
      ['software', 'software-install'],
    ] as const) {
      const triggers = [...(mappings.byName(name)?.attributes.values() ?? [])].flatMap(({ trigger }) => trigger ?? []);
      const trigger = triggers.find((candidate) => candidate.procedure === procedure);
      assert.deepEqual(trigger?.required, ['url']);
      assert.deepEqual(Object.keys(trigger?.inputs ?? {}), ['url', 'version', 'name']);
    }
  });

  describe('against the procedures of a leg', () => {
    const image = { url: true, version: false, name: false };
    const procedures: Record<string, ProcedureSignature> = {
      'firmware-update': image,
      'software-install': image,
      'software-uninstall': {},
      'software-activate': {},
      'software-deactivate': {},
    };

    it('fit when every procedure is there and takes the inputs', () => {
      assert.deepEqual(procedureProblems(mappings, { technology: 'lwm2m', procedures }), []);
    });

    const misfits: [what: string, change: Record<string, ProcedureSignature | undefined>, says: RegExp][] = [
      [
        'lacks one',
        { 'software-activate': undefined },
        /software\.activate .* lwm2m has no procedure "software-activate"/,
      ],
      ['takes less', { 'firmware-update': { url: true } }, /firmware\.update .* takes no input "version"/],
      ['needs more', { 'software-uninstall': { reason: true } }, /software\.uninstall .* needs the input "reason"/],
    ];
    for (const [what, change, says] of misfits) {
      it(`say so when the leg ${what}`, () => {
        const all = Object.entries({ ...procedures, ...change }).flatMap(([name, signature]) =>
          signature ? [[name, signature] as const] : [],
        );
        const found = procedureProblems(mappings, { technology: 'lwm2m', procedures: Object.fromEntries(all) });
        assert.match(found[0] ?? '', says);
      });
    }
  });

  it('hold the seven commands, each with what it becomes or why not on every leg', () => {
    const { commands, results } = mappings.commands;
    assert.deepEqual(
      Object.entries(commands).map(([name, { cmdType }]) => [cmdType, name]),
      [
        [1, 'RESET'],
        [2, 'REBOOT'],
        [3, 'UPLOAD'],
        [4, 'DOWNLOAD'],
        [5, 'SOFTWAREINSTALL'],
        [6, 'SOFTWAREUNINSTALL'],
        [7, 'SOFTWAREUPDATE'],
      ],
    );
    for (const [name, command] of Object.entries(commands)) {
      for (const technology of technologies) assert.ok(command[technology], `${name} on ${technology}`);
      assert.ok(command.cwmp.rpc, `${name} is an RPC of TR-069`);
    }
    assert.equal(results.cwmp['9018'], 15);
  });
});

describe('loading mapping files', () => {
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'trivet-mappings-'));
    cpSync(mappingDirectory, directory, { recursive: true });
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  function edit(file: string, before: string, after: string): void {
    const path = join(directory, file);
    const text = readFileSync(path, 'utf8');
    assert.ok(text.includes(before), `${file} holds ${before}`);
    writeFileSync(path, text.replace(before, after));
  }

  function linesOf(file: string, text: string): number[] {
    const lines = readFileSync(join(directory, file), 'utf8').split('\n');
    return lines.flatMap((line, index) => (line.includes(text) ? [index + 1] : []));
  }

  function problems(): MappingError {
    try {
      loadMappings({ directory });
    } catch (error) {
      assert.ok(error instanceof MappingError, String(error));
      return error;
    }
    return assert.fail('nothing was found wrong');
  }

  const mistakes: [what: string, file: string, before: string, after: string, marker: string, says: RegExp][] = [
    [
      'an unknown word',
      'battery.yaml',
      '{ read: device/9 }',
      '{ raed: device/9 }',
      'raed',
      /"raed" is not known here; allowed: read, write, value/,
    ],
    [
      'an unknown type',
      'battery.yaml',
      'type: unsignedInt',
      'type: number',
      'type: number',
      /"number" is not one of string, boolean/,
    ],
    ['a missing key', 'battery.yaml', 'mgmtDefinition: 1006', '', '#', /"mgmtDefinition" is missing/],
    [
      'an object that is not there',
      'battery.yaml',
      '{ read: device/9 }',
      '{ read: devise/9 }',
      'devise',
      /no object "devise"; its objects: device/,
    ],
    [
      'a number of oneM2M with a schema of its own',
      'lockAndWipe.yaml',
      'mgmtDefinition: 0',
      'mgmtDefinition: 1020',
      'mgmtDefinition',
      /mgmtSchema belongs to mgmtDefinition 0/,
    ],
    [
      'an attribute without a leg',
      'memory.yaml',
      '    omadm: { read: memory/DiagMonData/RAMTotal, unit: KiB }',
      '',
      'memTotal:',
      /"memTotal" says nothing for omadm/,
    ],
    [
      'a doubled short name',
      'memory.yaml',
      'shortName: mmt',
      'shortName: mma',
      'memTotal',
      /"mma" is the short name of memAvailable already/,
    ],
    ['a doubled key', 'memory.yaml', '  memTotal:', '  memAvailable:', '  memAvailable:', /unique|duplicate/i],
    [
      'an input that is no attribute',
      'firmware.yaml',
      'url: URL,',
      'url: URI,',
      'inputs:',
      /the class has no attribute "URI"/,
    ],
    [
      'a status that is none',
      'firmware.yaml',
      'reports: updateStatus',
      'reports: version',
      'reports: version',
      /"version" is no attribute of type actionStatus/,
    ],
    [
      'a conversion that is not there',
      'eventLog.yaml',
      'convert: logStatusBits',
      'convert: bits',
      'convert: bits',
      /there is no conversion "bits"; there are logStatusBits/,
    ],
    [
      'a trigger that says nothing of repeats',
      'reboot.yaml',
      ', unknown: { restart: true } }    # derived; no answer',
      ' }    # derived; no answer',
      'execute: device/4',
      /may not be repeated and has no evidence/,
    ],
    [
      'words that do not go together',
      'reboot.yaml',
      '{ rpc: Reboot,',
      '{ held: "kept for no reason", rpc: Reboot,',
      'rpc: Reboot',
      /is a trigger|does not go with/,
    ],
    [
      'a link to a class that is not there',
      'activeCmdhPolicy.yaml',
      'active/0, link: cmdhPolicy',
      'active/0, link: policy',
      'active/0',
      /there is no class "policy"/,
    ],
    [
      'a refresh of an attribute that is not there',
      'firmware.yaml',
      'deviceInfo.fwVersion',
      'deviceInfo.firmware',
      'refresh',
      /no attribute "deviceInfo.firmware"/,
    ],
    ['broken YAML', 'battery.yaml', 'range: [0, 100]', 'range: [0, 100', 'range', /./],
  ];
  for (const [what, file, before, after, marker, says] of mistakes) {
    it(`names file, line and what is allowed: ${what}`, () => {
      edit(file, before, after);
      const error = problems();
      const [first] = error.problems;
      assert.match(error.message, says);
      assert.equal(first?.file, join(directory, file));
      const near = linesOf(file, marker).some((line) => Math.abs(line - (first?.line ?? 0)) <= 1);
      assert.ok(near, `line ${first?.line} is not where the mistake is`);
    });
  }

  it('tells all mistakes at once', () => {
    edit('battery.yaml', '{ read: device/9 }', '{ read: devise/9 }');
    edit('memory.yaml', '{ read: device/10', '{ read: devise/10');
    assert.equal(problems().problems.length, 2);
  });

  it('refuses two classes with one number', () => {
    edit('memory.yaml', 'mgmtDefinition: 1003', 'mgmtDefinition: 1006');
    assert.match(problems().message, /mgmtDefinition 1006 is that of battery already/);
  });

  it('refuses a file of more than half a megabyte', () => {
    writeFileSync(join(directory, 'huge.yaml'), '#'.repeat(600_000));
    assert.match(problems().message, /huge\.yaml:0: is larger than/);
  });

  it('refuses aliases that grow without bound', () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...['b', 'c', 'd', 'e', 'f'].map((name, index) => `${name}: &${name} [${`*${'abcdef'[index]},`.repeat(9)}]`),
    ];
    writeFileSync(join(directory, 'bomb.yaml'), bomb.join('\n'));
    assert.throws(() => loadMappings({ directory }), MappingError);
  });

  it('changes its digest with every class', () => {
    const before = loadMappings({ directory }).digest([]);
    edit('battery.yaml', 'device/9', 'device/7');
    assert.notEqual(loadMappings({ directory }).digest([]), before);
  });

  describe('with profiles of an operator', () => {
    let profiles: string;

    beforeEach(() => {
      profiles = join(directory, 'own');
      mkdirSync(profiles);
    });

    function load(text: string): Mappings {
      writeFileSync(join(profiles, 'acme-router.yaml'), text);
      return loadMappings({ directory, profileDirectories: [profiles] });
    }

    const acme = `
match: { technology: cwmp, manufacturer: ACME, productClass: "R7*", softwareVersion: "<2.4" }
settings: { versionAfterUpdate: prefix }
classes:
  battery:
    objects: { cwmp: { battery: { path: "Device.X_ACME_Battery." } } }
    attributes: { batteryLevel: { cwmp: { read: battery/Charge } } }
  deviceInfo: { attributes: { model: { cwmp: { read: info/ProductClass } } } }
`;
    const router = {
      technology: 'cwmp',
      inventory: {
        ...inventoryOf(['Device.DeviceInfo.']),
        manufacturer: 'ACME',
        productClass: 'R7000',
        softwareVersion: '2.3.9',
      },
    };

    it('replaces bindings for the devices that match, and for no others', () => {
      const loaded = load(acme);
      assert.deepEqual(loaded.profilesFor(router), ['acme-router']);
      const merged = loaded.merged('battery', ['acme-router']);
      assert.deepEqual(merged?.legs.cwmp.objects.get('battery')?.paths, ['Device.X_ACME_Battery.']);
      assert.equal(merged?.legs.cwmp.objects.get('battery')?.objectID, 'urn:broadband-forum-org:tr-181-2');
      assert.deepEqual(merged?.attributes.get('batteryLevel')?.reads.cwmp, [{ object: 'battery', resource: 'Charge' }]);
      const plain = loaded.byName('battery')?.attributes.get('batteryLevel');
      assert.deepEqual(merged?.attributes.get('batteryLevel')?.legs.lwm2m, plain?.legs.lwm2m);
      assert.deepEqual(loaded.byName('battery')?.attributes.get('batteryLevel')?.reads.cwmp, [
        { object: 'battery', resource: 'Level' },
      ]);
    });

    const others: [string, object][] = [
      ['another manufacturer', { manufacturer: 'Acme' }],
      ['another product class', { productClass: 'S7000' }],
      ['exactly the version that is too new', { softwareVersion: '2.4' }],
      ['a device that told no version', { softwareVersion: undefined }],
    ];
    for (const [what, difference] of others) {
      it(`does not match ${what}`, () => {
        assert.deepEqual(load(acme).profilesFor({ ...router, inventory: { ...router.inventory, ...difference } }), []);
      });
    }

    it('does not match another technology', () => {
      assert.deepEqual(load(acme).profilesFor({ ...router, technology: 'lwm2m' }), []);
    });

    it('gives the settings of a leg', () => {
      assert.deepEqual(load(acme).settings(['acme-router', 'gone']), { versionAfterUpdate: 'prefix' });
    });

    it('leaves classes alone that it does not name', () => {
      const loaded = load(acme);
      assert.equal(loaded.merged('memory', ['acme-router']), loaded.byName('memory'));
    });

    it('merges once and remembers', () => {
      const loaded = load(acme);
      assert.equal(loaded.merged('battery', ['acme-router']), loaded.merged('battery', ['acme-router']));
    });

    it('has its part in the digest', () => {
      const loaded = load(acme);
      assert.notEqual(loaded.digest(['acme-router']), loaded.digest([]));
    });

    const wrong: [what: string, text: string, line: number, says: RegExp][] = [
      [
        'the type of an attribute',
        'match: { technology: cwmp }\nclasses:\n  battery:\n    attributes:\n      batteryLevel: { type: string }',
        5,
        /"type" is not known here; allowed: lwm2m, cwmp, omadm/,
      ],
      [
        'a new attribute',
        'match: { technology: cwmp }\nclasses:\n  battery:\n    attributes:\n      charge: { cwmp: { read: battery/Charge } }',
        5,
        /a profile cannot add one/,
      ],
      [
        'a class that is not there',
        'match: { technology: cwmp }\nclasses:\n  toaster: {}',
        3,
        /there is no such class/,
      ],
      [
        'a reference to nothing',
        'match: { technology: cwmp }\nclasses:\n  battery:\n    attributes:\n      batteryLevel:\n        cwmp: { read: cell/Charge }',
        6,
        /no object "cell"/,
      ],
      ['no match', 'classes: {}', 1, /"match" is missing/],
      [
        'a rule for versions that is none',
        'match: { technology: lwm2m }\nsettings:\n  composite: true\n  versionAfterUpdate: loose',
        4,
        /settings\.versionAfterUpdate: "loose" is not one of exact, prefix, ignore/,
      ],
      [
        'a switch that is neither on nor off',
        'match: { technology: lwm2m }\nsettings:\n  composite: maybe',
        3,
        /settings\.composite: "maybe" is not one of true, false/,
      ],
      [
        'a setting that no leg has',
        'match: { technology: lwm2m }\nsettings:\n  versionAfterUpdat: prefix',
        3,
        /settings: "versionAfterUpdat" is not known here; allowed: versionAfterUpdate, composite, booleans, xmlDeclaration/,
      ],
    ];
    for (const [what, text, line, says] of wrong) {
      it(`refuses ${what}, naming file and line`, () => {
        assert.throws(
          () => load(text),
          (error: unknown) => {
            assert.ok(error instanceof MappingError);
            assert.match(error.message, says);
            assert.deepEqual(
              [error.problems[0]?.file, error.problems[0]?.line],
              [join(profiles, 'acme-router.yaml'), line],
            );
            return true;
          },
        );
      });
    }
  });

  it('moves a gateway of TR-098 to its own root', () => {
    const device = { technology: 'cwmp', inventory: inventoryOf(['InternetGatewayDevice.DeviceInfo.']) };
    assert.deepEqual(mappings.profilesFor(device), ['tr-098']);
    assert.deepEqual(mappings.merged('deviceInfo', ['tr-098'])?.legs.cwmp.objects.get('info')?.paths, [
      'InternetGatewayDevice.DeviceInfo.',
    ]);
  });
});

describe('conditions on versions', () => {
  const cases: [condition: string, version: string, holds: boolean][] = [
    ['<2.4', '2.3.9', true],
    ['<2.4', '2.4', false],
    ['<2.4', '2.4.0', false],
    ['<=2.4', '2.4.0', true],
    ['<2.10', '2.9', true],
    ['>=1.2', '1.10', true],
    ['>1.2', '1.2', false],
    ['2.4', 'v2.4', true],
    ['=2.4', '2.5', false],
    ['<2.4', '2.4-rc1', false],
  ];
  for (const [condition, version, holds] of cases) {
    it(`${condition} ${holds ? 'holds' : 'does not hold'} for ${version}`, () =>
      assert.equal(versionMatches(condition, version), holds));
  }
});
