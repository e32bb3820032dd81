import assert from 'node:assert/strict';
import type { Inventory } from '../../src/management/adapter.ts';
import { identified, identityReads, withIdentity } from '../../src/management/identity.ts';
import { loadMappings } from '../../src/management/mapping.ts';
import type { Value } from '../../src/management/operation.ts';
import { absent, type ReadValues } from '../../src/management/translation-values.ts';

const mappings = loadMappings({ directory: 'mappings' });
const objects = [{ path: '/3/0', objectID: 'urn:oma:lwm2m:oma:3', version: '1.0' }];

function after(inventory: Inventory, said: Record<string, Value | typeof absent>): Inventory | undefined {
  const values: ReadValues = new Map(Object.entries(said));
  return identified(mappings, { technology: 'lwm2m', inventory }, values);
}

describe('what a device says of itself', () => {
  it('is read where the class deviceInfo reads it, below the root of the device', () => {
    const paths = (inventory: Inventory): string[] =>
      identityReads(mappings, { technology: 'lwm2m', inventory }).map(({ path }) => path);
    assert.deepEqual(paths({ objects }), ['/3/0/0', '/3/0/1', '/3/0/17', '/3/0/3']);
    assert.deepEqual(paths({ objects: [{ ...objects[0]!, path: '/lwm2m/3/0' }] })[0], '/lwm2m/3/0/0');
    assert.deepEqual(paths({ objects: [{ path: '/5/0' }] }), []);
  });

  it('comes into the inventory', () => {
    assert.deepEqual(after({ objects }, { '/3/0/0': 'ACME', '/3/0/1': 'S-1', '/3/0/17': 'gauge', '/3/0/3': '1.0' }), {
      objects,
      manufacturer: 'ACME',
      model: 'S-1',
      productClass: 'gauge',
      softwareVersion: '1.0',
      learned: true,
    });
  });

  it('brings no news when it is known, was not asked for, is not there, or is no word', () => {
    const known = after({ objects }, { '/3/0/0': 'ACME' })!;
    const sayings: Record<string, Value | typeof absent>[] = [
      { '/3/0/0': 'ACME' },
      { '/3/0/9': 80 },
      { '/3/0/0': absent },
      { '/3/0/0': { bytes: 'AA==' } },
    ];
    for (const said of sayings) assert.equal(after(known, said), undefined);
  });

  it('of two devices is written alike, in whatever order it came', () => {
    const one = after(after({ objects }, { '/3/0/3': '1.0' })!, { '/3/0/0': 'ACME' });
    const other = after({ objects }, { '/3/0/0': 'ACME', '/3/0/3': '1.0' });
    assert.equal(JSON.stringify(one), JSON.stringify(other));
  });

  it('is left to the leg where the leg tells it', () => {
    const told: Inventory = { objects, softwareVersion: '1.0' };
    assert.equal(after(told, { '/3/0/3': '2.0' }), undefined);
    assert.equal(withIdentity({ objects, model: 'S-1', learned: true }, told), told);
  });

  it('is kept when the device tells other objects', () => {
    const known = after({ objects }, { '/3/0/1': 'S-1' })!;
    const more = [...objects, { path: '/5/0' }];
    assert.deepEqual(withIdentity(known, { objects: more }), { objects: more, model: 'S-1', learned: true });
    const plain = { objects: more };
    assert.equal(withIdentity({ objects }, plain), plain);
  });
});
