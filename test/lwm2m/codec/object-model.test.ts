import assert from 'node:assert/strict';
import { objectModel, withTargets } from '../../../adapters/lwm2m/object-model.ts';

describe('the object model', () => {
  it('knows objects 0-16, 19-28 and 2048-2057, each with resources', () => {
    const ids = [
      ...Array(17).keys(),
      ...[...Array(10).keys()].map((id) => id + 19),
      ...[...Array(10).keys()].map((id) => id + 2048),
    ];
    for (const id of ids) assert.ok((objectModel.object(id)?.resources.size ?? 0) > 0, `object ${id}`);
    assert.equal(objectModel.object(17), undefined);
  });

  it('knows name, type, multiplicity, duty and operations of a resource', () => {
    assert.deepEqual(objectModel.resource(3, 9), {
      id: 9,
      name: 'Battery Level',
      type: 'integer',
      multiple: false,
      mandatory: false,
      operations: 'R',
    });
    assert.deepEqual(objectModel.resource(5, 2), {
      id: 2,
      name: 'Update',
      type: undefined,
      multiple: false,
      mandatory: true,
      operations: 'E',
    });
    assert.equal(objectModel.resource(3, 6)?.multiple, true);
    assert.equal(objectModel.resource(0, 5)?.operations, '');
    assert.equal(objectModel.resource(11, 8)?.name, 'Validity (MCC, MNC)');
  });

  it('knows the objects of oneM2M', () => {
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5].map((id) => objectModel.resource(2055, id)?.type),
      ['string', 'integer', 'integer', 'link', 'string', 'string'],
    );
    assert.equal(objectModel.object(2049)?.multiple, false);
  });

  it('knows IPSO objects, and reusable resources in objects near them that it does not know', () => {
    assert.equal(objectModel.object(3303)?.name, 'Temperature');
    assert.deepEqual([...(objectModel.object(3311)?.resources.keys() ?? [])].slice(0, 2), [5850, 5851]);
    assert.equal(objectModel.resource(3303, 5700)?.type, 'float');
    assert.equal(objectModel.resource(3499, 5850)?.type, 'boolean');
    assert.equal(objectModel.resource(40_000, 5850), undefined);
  });

  it('learns the types of vendor objects from the mapping, but not against the registry', () => {
    const model = withTargets(objectModel, [
      { path: '/33629/0/1', type: 'link', multiple: true },
      { path: '/3/0/9', type: 'string' },
      { path: '/33629/0/2' },
    ]);
    assert.equal(model.resource(33_629, 1)?.type, 'link');
    assert.equal(model.resource(33_629, 1)?.multiple, true);
    assert.equal(model.resource(3, 9)?.type, 'integer');
    assert.equal(model.resource(33_629, 2), undefined);
    assert.equal(withTargets(objectModel, [{ path: '/3/0/9' }]), objectModel);
  });
});
