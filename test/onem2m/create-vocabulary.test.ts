import assert from 'node:assert/strict';
import { createVocabulary } from '../../src/onem2m/create-vocabulary.ts';
import { resourceTypes } from '../../src/onem2m/resource-types.ts';
import type { Json, JsonObject } from '../../src/onem2m/primitive.ts';
import type { Resource } from '../../src/onem2m/resource.ts';
import { battery, cmdhNetworkAccessRule, firmware, resource } from './specializations.ts';

const vocabulary = createVocabulary([battery, firmware, cmdhNetworkAccessRule], {
  knownSchemas: ['http://example.org/lamp'],
});

function refusedCreate(resourceType: number, content: Json | undefined): { code: number; sentence: string } {
  const checked = vocabulary.checkCreate(resourceType, content);
  assert.ok(!checked.ok, `${JSON.stringify(content)} was accepted`);
  return { code: checked.refusal.responseStatusCode, sentence: checked.refusal.explanation };
}

function acceptedCreate(resourceType: number, content: Json) {
  const checked = vocabulary.checkCreate(resourceType, content);
  assert.ok(checked.ok, checked.ok ? '' : checked.refusal.explanation);
  return checked.value;
}

function refusedUpdate(target: Resource, content: Json | undefined): { code: number; sentence: string } {
  const checked = vocabulary.checkUpdate(target, content);
  assert.ok(!checked.ok, `${JSON.stringify(content)} was accepted`);
  return { code: checked.refusal.responseStatusCode, sentence: checked.refusal.explanation };
}

function acceptedUpdate(target: Resource, content: Json) {
  const checked = vocabulary.checkUpdate(target, content);
  assert.ok(checked.ok, checked.ok ? '' : checked.refusal.explanation);
  return checked.value;
}

const firmwareMembers = { mgd: 1001, vr: '2.4', fwn: 'main', url: 'http://img.example/2.4', ud: false };
const ae = { api: 'Rapp', rr: true, srv: ['3'] };
const heldFirmware = resource(13, {
  mgmtDefinition: 1001,
  attributes: {
    labels: ['a'],
    objectIDs: ['urn:oma:lwm2m:oma:5'],
    version: '2.4',
    updateStatus: { action: 'update', status: 3 },
  },
});

describe('the content of a CREATE', () => {
  it('becomes attributes by long name, with the name beside them', () => {
    const value = acceptedCreate(13, {
      'm2m:fwr': { ...firmwareMembers, rn: 'fw0', lbl: ['site:7'], et: '20300101T000000', obis: ['urn:x'] },
    });
    assert.equal(value.definition.name, 'firmware');
    assert.equal(value.requestedName, 'fw0');
    assert.deepEqual(value.attributes, {
      version: '2.4',
      firmwareName: 'main',
      URL: 'http://img.example/2.4',
      update: false,
      labels: ['site:7'],
      expirationTime: '20300101T000000',
      objectIDs: ['urn:x'],
    });
  });

  it('is refused when it is missing, not an object, or has not exactly one root', () => {
    for (const content of [undefined, null, 'x', 7, [], {}, { 'm2m:ae': {}, 'm2m:cnt': {} }, { 'm2m:ae': null }]) {
      assert.equal(refusedCreate(2, content as Json | undefined).code, 4000);
    }
  });

  it('is refused when the root does not go with the resource type', () => {
    assert.match(refusedCreate(3, { 'm2m:ae': ae }).sentence, /"m2m:cnt"/);
    assert.match(refusedCreate(13, { 'm2m:cnt': { mgd: 1001 } }).sentence, /"m2m:fwr"/);
    assert.match(refusedCreate(13, { 'm2m:bat': { ...firmwareMembers, mgd: 1001 } }).sentence, /1006/);
  });

  it('of an unknown attribute names the one that was meant', () => {
    const near = refusedCreate(13, { 'm2m:fwr': { ...firmwareMembers, urll: 'x' } });
    assert.equal(near.code, 4000);
    assert.match(near.sentence, /"urll".*did you mean 'url'/);
    const long = refusedCreate(13, { 'm2m:fwr': { ...firmwareMembers, firmwareName: 'x' } });
    assert.match(long.sentence, /firmwareName is called 'fwn'/);
  });

  it('of a wrong type says what is expected and what came', () => {
    const level = refusedCreate(13, { 'm2m:bat': { mgd: 1006, btl: 101, bts: 1 } });
    assert.equal(level.code, 4000);
    assert.match(level.sentence, /'btl' \(batteryLevel\) expects an integer from 0 to 100, got 101/);
    assert.match(refusedCreate(13, { 'm2m:bat': { mgd: 1006, btl: '5', bts: 1 } }).sentence, /got "5"/);
    assert.match(refusedCreate(13, { 'm2m:bat': { mgd: 1006, btl: 5, bts: 8 } }).sentence, /7 UNKNOWN; got 8/);
    assert.match(refusedCreate(2, { 'm2m:ae': { ...ae, lbl: 'one' } }).sentence, /list/);
    assert.match(refusedCreate(2, { 'm2m:ae': { ...ae, et: '2026-01-01' } }).sentence, /timestamp/);
    assert.match(refusedCreate(2, { 'm2m:ae': { ...ae, api: 'app' } }).sentence, /starts with R, r or N/);
  });

  it('with an attribute that must not be there is refused', () => {
    assert.match(refusedCreate(13, { 'm2m:fwr': { ...firmwareMembers, uds: { sus: 1 } } }).sentence, /'uds'/);
    assert.match(refusedCreate(2, { 'm2m:ae': { ...ae, ri: 'x' } }).sentence, /'ri' \(resourceID\) must not/);
  });

  it('without a mandatory attribute names it by both names', () => {
    const { code, sentence } = refusedCreate(13, { 'm2m:bat': { mgd: 1006, btl: 3 } });
    assert.equal(code, 4000);
    assert.match(sentence, /'bts' \(batteryStatus\) is mandatory/);
  });

  it('may ask for the creator with null, and only with null, and only where the type has it', () => {
    assert.deepEqual(acceptedCreate(3, { 'm2m:cnt': { cr: null } }).attributes, { creator: null });
    assert.match(refusedCreate(3, { 'm2m:cnt': { cr: 'Cme' } }).sentence, /may only be null/);
    assert.equal(refusedCreate(2, { 'm2m:ae': { ...ae, cr: null } }).code, 4000);
  });

  it('with null for another attribute is refused', () => {
    assert.match(refusedCreate(2, { 'm2m:ae': { ...ae, lbl: null } }).sentence, /leave out/);
  });

  it('of a type or attribute that the standard has and we have not answers NOT_IMPLEMENTED', () => {
    const group = refusedCreate(resourceTypes.GROUP, { 'm2m:grp': { mnm: 3, mid: [] } });
    assert.equal(group.code, 5001);
    assert.match(group.sentence, /group/);
    assert.equal(refusedCreate(23, { 'm2m:sub': { nu: ['http://a'], bn: { num: 3 } } }).code, 5001);
  });

  it('of a number that is no resource type is refused', () => {
    assert.equal(refusedCreate(999, { 'm2m:xyz': {} }).code, 4000);
  });

  it('of what only the gateway makes answers OPERATION_NOT_ALLOWED', () => {
    assert.equal(refusedCreate(17, { 'm2m:req': {} }).code, 4005);
    assert.equal(refusedCreate(8, { 'm2m:exin': {} }).code, 4005);
    assert.equal(refusedCreate(5, { 'm2m:cb': {} }).code, 4005);
  });

  it('gets the defaults of the type', () => {
    assert.equal(acceptedCreate(23, { 'm2m:sub': { nu: ['http://a'] } }).attributes.notificationContentType, 1);
    const command = acceptedCreate(12, { 'm2m:mgc': { cmt: 2, ext: 'nd42' } });
    assert.deepEqual(command.attributes, { cmdType: 2, execTarget: 'nd42', execEnable: false, execMode: 1 });
  });

  it('may not take the name of a virtual resource or one outside the grammar', () => {
    assert.match(refusedCreate(3, { 'm2m:cnt': { rn: 'la' } }).sentence, /virtual/);
    for (const rn of ['', '-', 'a/b', 'ä', 'a b', 7]) assert.equal(refusedCreate(3, { 'm2m:cnt': { rn } }).code, 4000);
  });

  it('of a command names wrong command types and arguments by their own codes', () => {
    assert.equal(refusedCreate(12, { 'm2m:mgc': { cmt: 9, ext: 'n' } }).code, 6022);
    assert.equal(refusedCreate(12, { 'm2m:mgc': { cmt: 4, ext: 'n', exra: { dld: [{ ftyp: '1' }] } } }).code, 6024);
    assert.equal(refusedCreate(12, { 'm2m:mgc': { cmt: 4, ext: 'n', exra: { dld: [], rst: [] } } }).code, 6023);
    assert.equal(refusedCreate(12, { 'm2m:mgc': { cmt: 4, ext: 'n', exra: { xyz: [] } } }).code, 6023);
    const { attributes } = acceptedCreate(12, {
      'm2m:mgc': { cmt: 4, ext: 'n', exra: { dld: { ftyp: '1 Firmware', url: 'http://a/b' } } },
    });
    assert.deepEqual(attributes.execReqArgs, { download: [{ fileType: '1 Firmware', URL: 'http://a/b' }] });
  });

  it('of a self-defined management object needs a schema that the gateway knows', () => {
    const free = { mgd: 0, mgs: 'http://example.org/lamp', colour: 'red', list: [1, { a: 2 }] };
    const { attributes, definition } = acceptedCreate(13, { 'm2m:mgo': free });
    assert.equal(definition.mgmtDefinition, 0);
    assert.deepEqual(attributes, { mgmtSchema: 'http://example.org/lamp', colour: 'red', list: [1, { a: 2 }] });
    assert.equal(refusedCreate(13, { 'm2m:mgo': { ...free, mgs: 'http://other' } }).code, 4125);
    assert.equal(refusedCreate(13, { 'm2m:mgo': { mgd: 0 } }).code, 4000);
    assert.equal(refusedCreate(13, { 'm2m:mgo': { ...free, resourceID: 'x' } }).code, 4000);
    assert.equal(refusedCreate(13, { 'm2m:fwr': { ...firmwareMembers, mgs: 'http://example.org/lamp' } }).code, 4000);
  });

  it('keeps structured values by the long names of their members', () => {
    const policy = acceptedCreate(1, {
      'm2m:acp': {
        pv: {
          acr: [{ acor: ['Cops'], acop: 63, acco: [{ acip: { ipv4: ['10.0.0.0/8'] }, actw: ['* * 8-17 * * 1-5 *'] }] }],
        },
        pvs: { acr: [{ acor: ['all'], acop: 63 }] },
      },
    });
    assert.deepEqual(policy.attributes.privileges, {
      accessControlRule: [
        {
          accessControlOriginators: ['Cops'],
          accessControlOperations: 63,
          accessControlContexts: [
            {
              accessControlIpAddresses: { ipv4Addresses: ['10.0.0.0/8'] },
              accessControlWindow: ['* * 8-17 * * 1-5 *'],
            },
          ],
        },
      ],
    });
    const { sentence } = refusedCreate(1, {
      'm2m:acp': { pv: { acr: [{ acor: ['Cops'], acop: 64 }] }, pvs: { acr: [] } },
    });
    assert.match(sentence, /'pv\.acr\[0\]\.acop'/);
  });

  it('takes both spellings of the originator of an operation monitor', () => {
    for (const member of ['or', 'org']) {
      const { attributes } = acceptedCreate(23, {
        'm2m:sub': { nu: ['http://a'], enc: { net: [1], om: [{ ops: 3, [member]: 'Cops' }] } },
      });
      assert.deepEqual(attributes.eventNotificationCriteria, {
        notificationEventType: [1],
        operationMonitor: [{ operations: 3, originator: 'Cops' }],
      });
    }
  });
});

describe('the content of an UPDATE', () => {
  it('becomes a patch by long name', () => {
    assert.deepEqual(acceptedUpdate(heldFirmware, { 'm2m:fwr': { ud: true, lbl: null } }), {
      update: true,
      labels: null,
    });
  });

  it('may be without effect', () => {
    assert.deepEqual(acceptedUpdate(heldFirmware, { 'm2m:fwr': {} }), {});
  });

  it('is refused when its root is that of another type', () => {
    assert.match(refusedUpdate(heldFirmware, { 'm2m:bat': { btl: 3 } }).sentence, /"m2m:fwr"/);
  });

  it('may not remove what is mandatory, but asks for a new expiration with null', () => {
    assert.match(refusedUpdate(heldFirmware, { 'm2m:fwr': { vr: null } }).sentence, /'vr' \(version\).*mandatory/);
    assert.deepEqual(acceptedUpdate(heldFirmware, { 'm2m:fwr': { et: null } }), { expirationTime: null });
  });

  it('may not change what is written once', () => {
    const writtenOnce: JsonObject[] = [{ mgd: 1006 }, { rn: 'x' }, { ct: '20260101T000000' }, { obis: ['x'] }];
    for (const members of writtenOnce) {
      assert.equal(refusedUpdate(heldFirmware, { 'm2m:fwr': members }).code, 4000);
    }
  });

  it('changes access policies alone', () => {
    assert.deepEqual(acceptedUpdate(heldFirmware, { 'm2m:fwr': { acpi: ['acp1'] } }), {
      accessControlPolicyIDs: ['acp1'],
    });
    assert.match(refusedUpdate(heldFirmware, { 'm2m:fwr': { acpi: ['acp1'], vr: '3' } }).sentence, /alone/);
  });

  it('of what a device reports is refused where a device is behind it, and taken where none is', () => {
    const bound = resource(13, {
      mgmtDefinition: 1001,
      internal: { binding: { deviceId: 'd1', technology: 'lwm2m' } },
    });
    assert.match(refusedUpdate(bound, { 'm2m:fwr': { uds: { sus: 1 } } }).sentence, /device/);
    assert.deepEqual(acceptedUpdate(heldFirmware, { 'm2m:fwr': { uds: { acn: 'ud', sus: 1 } } }), {
      updateStatus: { action: 'ud', status: 1 },
    });
  });

  it('of a type without UPDATE answers OPERATION_NOT_ALLOWED', () => {
    assert.equal(refusedUpdate(resource(4), { 'm2m:cin': { con: 'x' } }).code, 4005);
  });
});

describe('a resource on the wire', () => {
  it('has short names, universal attributes first, and structured values by short names', () => {
    const wire = vocabulary.toWire(heldFirmware);
    assert.deepEqual(Object.keys(wire), ['ty', 'ri', 'rn', 'pi', 'ct', 'lt', 'et', 'lbl', 'mgd', 'obis', 'vr', 'uds']);
    assert.deepEqual(wire.uds, { acn: 'update', sus: 3 });
  });

  it('is cut to the attributes that were asked for', () => {
    assert.deepEqual(vocabulary.toWire(heldFirmware, ['vr', 'ri', 'nix']), { ri: 'r1', vr: '2.4' });
  });

  it('shows the attributes that a self-defined class brought', () => {
    const lamp = resource(13, {
      mgmtDefinition: 0,
      attributes: { mgmtSchema: 'http://example.org/lamp', colour: 'red' },
    });
    assert.equal(vocabulary.toWire(lamp).colour, 'red');
    assert.deepEqual(vocabulary.toWire(lamp, ['colour']), { colour: 'red' });
  });

  it('writes what a CREATE read', () => {
    const members = {
      mgd: 1018,
      ttn: ['net1'],
      bop: { bops: [{ nwa: 1, ibt: 10, abt: 20, mbt: 30 }] },
      cmlk: [{ nm: 'allowedSchedule', typ: 1018, val: 'sch1' }],
    };
    const { attributes } = acceptedCreate(13, { 'm2m:cmwr': members });
    assert.deepEqual(attributes.mgmtLink, [{ name: 'allowedSchedule', type: 1018, value: 'sch1' }]);
    const wire = vocabulary.toWire(resource(13, { mgmtDefinition: 1018, attributes }), Object.keys(members));
    assert.deepEqual(wire, members);
  });

  it('shows a patch with nulls', () => {
    assert.deepEqual(vocabulary.patchToWire(heldFirmware, { labels: null, updateStatus: { status: 1 } }), {
      lbl: null,
      uds: { sus: 1 },
    });
  });
});

describe('a vocabulary', () => {
  it('does not start with a table that is wrong', () => {
    assert.throws(() => createVocabulary([battery, battery]), /there are two definitions/);
    const wrong = { ...battery, attributes: [{ ...battery.attributes[0]!, type: 'unsignedInteger' }] };
    assert.throws(() => createVocabulary([wrong]), /'btl' \(batteryLevel\) has the type 'unsignedInteger'/);
    const twice = { ...battery, attributes: [{ ...battery.attributes[0]!, shortName: 'ri' }] };
    assert.throws(() => createVocabulary([twice]), /twice/);
  });

  it('finds definitions and long names', () => {
    assert.equal(vocabulary.definitionOf(13, 1006)?.root, 'm2m:bat');
    assert.equal(vocabulary.definitionOf(9), undefined);
    const definition = vocabulary.definitionByRoot('m2m:fwr')!;
    assert.equal(vocabulary.longName(definition, 'uds'), 'updateStatus');
    assert.equal(vocabulary.longName(definition, 'zzz'), undefined);
  });
});
