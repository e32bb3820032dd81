import assert from 'node:assert/strict';
import fc from 'fast-check';
import { addressLimits, defaultIdentity, parseAddress } from '../../src/onem2m/addressing.ts';
import type { Address } from '../../src/onem2m/addressing.ts';

const cse = { ...defaultIdentity, serviceProviderID: 'sp.example' };

function structured(path: string, extra: object = {}): Address {
  return { kind: 'structured', path, segments: path.split('/'), ...extra };
}

describe('the address of a resource', () => {
  const same: Record<string, Address> = {
    'cse-in': structured('cse-in'),
    '-': structured('cse-in'),
    'cse-in/': structured('cse-in'),
    'cse-in/node-7/battery': structured('cse-in/node-7/battery'),
    '-/node-7/battery': structured('cse-in/node-7/battery'),
    '/id-in/cse-in/node-7': structured('cse-in/node-7'),
    '/id-in/-/node-7/': structured('cse-in/node-7'),
    '//sp.example/id-in/cse-in/node-7': structured('cse-in/node-7'),
    '//sp.example/id-in/-': structured('cse-in'),
    mo77: { kind: 'unstructured', resourceID: 'mo77' },
    'id-in': { kind: 'unstructured', resourceID: 'id-in' },
    '/id-in/mo77': { kind: 'unstructured', resourceID: 'mo77' },
    '//sp.example/id-in/mo77': { kind: 'unstructured', resourceID: 'mo77' },
    'cnt3/la': { kind: 'unstructured', resourceID: 'cnt3', virtual: 'la' },
    '/id-in/cnt3/ol': { kind: 'unstructured', resourceID: 'cnt3', virtual: 'ol' },
    'cse-in/ae/pch/pcu': structured('cse-in/ae/pch', { virtual: 'pcu' }),
    'cse-in/ae/cnt/la': structured('cse-in/ae/cnt', { virtual: 'la' }),
    'grp1/fopt': { kind: 'unstructured', resourceID: 'grp1', virtual: 'fopt' },
    'grp1/fopt/firmware': {
      kind: 'unstructured',
      resourceID: 'grp1',
      virtual: 'fopt',
      relativePath: 'firmware',
    },
    '-/grp/fopt/a/la': structured('cse-in/grp', { virtual: 'fopt', relativePath: 'a/la' }),
  };
  for (const [text, address] of Object.entries(same)) {
    it(`'${text}' is understood`, () => assert.deepEqual(parseAddress(text, cse), address));
  }

  it('of another CSE or another service provider is foreign', () => {
    assert.deepEqual(parseAddress('/id-mn/cse-mn', cse), { kind: 'foreign', cseID: '/id-mn' });
    assert.deepEqual(parseAddress('//other.example/id-in/cse-in', cse), {
      kind: 'foreign',
      cseID: '/id-in',
      serviceProviderID: 'other.example',
    });
    assert.equal(parseAddress('//sp.example/id-in/cse-in', defaultIdentity).kind, 'foreign');
  });

  it('that names no resource, or one nowhere, is malformed and says why', () => {
    for (const text of ['', '/', '//', '/id-in', '/id-in/', '//sp.example/id-in', '//sp.example', 'a/b', 'cse-in//x']) {
      const address = parseAddress(text, cse);
      assert.equal(address.kind, 'malformed', text);
      assert.ok(address.kind === 'malformed' && address.explanation.length > 20);
    }
    assert.equal(parseAddress('cse-in/a b', cse).kind, 'malformed');
    assert.equal(parseAddress('cse-in/\u0000', cse).kind, 'malformed');
  });

  it('is bounded in length and in segments', () => {
    assert.equal(parseAddress('x'.repeat(addressLimits.length), cse).kind, 'unstructured');
    assert.equal(parseAddress('x'.repeat(addressLimits.length + 1), cse).kind, 'malformed');
    assert.equal(parseAddress(`-${'/x'.repeat(addressLimits.segments - 1)}`, cse).kind, 'structured');
    assert.equal(parseAddress(`-${'/x'.repeat(addressLimits.segments)}`, cse).kind, 'malformed');
  });

  it('never throws, whatever the text', () => {
    const piece = fc.oneof(fc.constantFrom('/', '-', 'la', 'fopt', 'id-in', 'cse-in', '~', '_'), fc.string());
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const address = parseAddress(pieces.join(''), cse);
        if (address.kind === 'structured') assert.equal(address.segments.join('/'), address.path);
      }),
    );
  });

  it('in every form of the same resource is the same', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._~-]{0,8}$/);
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), (names) => {
        const below = names.join('/');
        const wanted = parseAddress(`cse-in/${below}`, cse);
        for (const prefix of ['-/', '/id-in/cse-in/', '/id-in/-/', '//sp.example/id-in/cse-in/']) {
          assert.deepEqual(parseAddress(prefix + below, cse), wanted);
        }
      }),
    );
  });
});
