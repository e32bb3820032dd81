import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { jsonSchemaOf } from '../../src/onem2m/json-schema.ts';
import { createVocabulary } from '../../src/onem2m/create-vocabulary.ts';
import type { JsonObject } from '../../src/onem2m/primitive.ts';
import { battery, cmdhNetworkAccessRule, firmware, resource } from './specializations.ts';

const vocabulary = createVocabulary([battery, firmware, cmdhNetworkAccessRule]);
const ajv = new Ajv2020({ strict: true, strictTypes: false, formats: {} });

function schemaAccepts(root: string, use: 'resource' | 'create' | 'update', value: JsonObject): boolean {
  return ajv.validate(jsonSchemaOf(vocabulary.definitionByRoot(root)!, use), value);
}

describe('the JSON schema of a resource type', () => {
  it('is valid for every type that the gateway has', () => {
    for (const definition of vocabulary.resourceTypes) {
      for (const use of ['resource', 'create', 'update'] as const) ajv.compile(jsonSchemaOf(definition, use));
    }
  });

  it('agrees with the check of a CREATE', () => {
    const samples: [number, string, JsonObject][] = [
      [13, 'm2m:bat', { mgd: 1006, btl: 50, bts: 1 }],
      [13, 'm2m:bat', { mgd: 1006, btl: 101, bts: 1 }],
      [13, 'm2m:bat', { mgd: 1006, btl: 50, bts: 9 }],
      [13, 'm2m:bat', { mgd: 1006, btl: 50 }],
      [2, 'm2m:ae', { api: 'Rx', rr: true, srv: ['3'] }],
      [2, 'm2m:ae', { api: 'x', rr: true, srv: ['3'] }],
      [2, 'm2m:ae', { api: 'Rx', rr: true, srv: ['3'], what: 1 }],
      [1, 'm2m:acp', { pv: { acr: [{ acor: ['all'], acop: 63 }] }, pvs: { acr: [] } }],
      [1, 'm2m:acp', { pv: { acr: [{ acor: ['all'], acop: 64 }] }, pvs: { acr: [] } }],
      [12, 'm2m:mgc', { cmt: 2, ext: 'n', exra: { rbo: [] } }],
      [12, 'm2m:mgc', { cmt: 2, ext: 'n', exra: { rbo: [], rst: [] } }],
    ];
    for (const [type, root, members] of samples) {
      const checked = vocabulary.checkCreate(type, { [root]: members });
      assert.equal(schemaAccepts(root, 'create', members), checked.ok, JSON.stringify(members));
    }
  });

  it('describes what the vocabulary writes', () => {
    const wire = vocabulary.toWire(
      resource(13, { mgmtDefinition: 1006, attributes: { batteryLevel: 3, batteryStatus: 1, labels: ['a'] } }),
    );
    assert.ok(schemaAccepts('m2m:bat', 'resource', wire), ajv.errorsText());
  });

  it('lets an UPDATE remove optional attributes with null', () => {
    assert.ok(schemaAccepts('m2m:bat', 'update', { lbl: null }));
    assert.ok(!schemaAccepts('m2m:bat', 'update', { btl: null }));
  });
});
