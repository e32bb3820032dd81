import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CodecError } from '../../../adapters/lwm2m/codec/codec.ts';
import { parseLinks, parseRegistrationLinks } from '../../../adapters/lwm2m/codec/core-link.ts';

describe('a list of links', () => {
  it('has targets and attributes, with and without quotes and values', () => {
    assert.deepEqual(parseLinks('</3/0>;ver=1.1;ct="110 112";pmin=10,</3/0/9>;gt=1.5;obs , </5>'), [
      { target: '/3/0', attributes: { ver: '1.1', ct: '110 112', pmin: '10' } },
      { target: '/3/0/9', attributes: { gt: '1.5', obs: '' } },
      { target: '/5', attributes: {} },
    ]);
  });

  it('keeps commas, semicolons, brackets and escapes within quotes', () => {
    assert.deepEqual(parseLinks('</a>;title="x,</b>;y=\\"z\\"";if=c'), [
      { target: '/a', attributes: { title: 'x,</b>;y="z"', if: 'c' } },
    ]);
  });

  it('may be empty, end with a comma, and have an attribute twice: the first counts', () => {
    assert.deepEqual(parseLinks(''), []);
    assert.deepEqual(parseLinks('</3>;VER=1.0;ver=1.1,'), [{ target: '/3', attributes: { ver: '1.0' } }]);
  });

  it('has attributes of any name without touching what objects inherit', () => {
    const [link] = parseLinks('</3>;__proto__=x;constructor=y');
    assert.equal(link?.attributes['constructor'], 'y');
    assert.equal(Object.getPrototypeOf(link?.attributes), Object.prototype);
  });

  for (const [what, text] of [
    ['no angle bracket', '/3/0'],
    ['a target without end', '</3/0'],
    ['two links without a comma', '</3></4>'],
    ['a quote without end', '</3>;ver="1.1'],
    ['a quote that ends in an escape', '</3>;ver="1.1\\'],
    ['an attribute without a name', '</3>;=1'],
    ['a semicolon at the end', '</3>;'],
    ['33 attributes', `</3>${';a=1'.repeat(33)}`],
    ['10,001 links', '</3>,'.repeat(10_001)],
    ['more than 256 KiB', `</${'x'.repeat(262_144)}>`],
  ] as const) {
    it(`is refused with ${what}`, () => assert.throws(() => parseLinks(text), CodecError));
  }

  it('reads back every list that is written by the rules', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,7}$/);
    const attributes = fc.dictionary(name, fc.string({ maxLength: 12 }), { maxKeys: 4, noNullPrototype: true });
    const target = fc.stringMatching(/^\/[a-z0-9/]{0,12}$/);
    const link = fc.record({ target, attributes }, { noNullPrototype: true });
    fc.assert(
      fc.property(fc.array(link, { maxLength: 6 }), (links) => {
        const text = links
          .map(({ target, attributes }) => {
            const pairs = Object.entries(attributes).map(
              ([key, value]) => `;${key}="${value.replace(/["\\]/g, '\\$&')}"`,
            );
            return `<${target}>${pairs.join('')}`;
          })
          .join(',');
        assert.deepEqual(parseLinks(text), links);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the list of a registration', () => {
  it('names the alternate root and the formats, and lists objects without that root', () => {
    const links = parseRegistrationLinks(
      '</lwm2m>;rt="oma.lwm2m";ct="110 112 11544",</lwm2m/3/0>,</lwm2m/1>;ver=1.2,</lwm2m/1/0>,</1/1>',
    );
    assert.deepEqual(links, {
      root: '/lwm2m',
      contentFormats: [110, 112, 11_544],
      objects: [{ path: '/3/0' }, { path: '/1/0', version: '1.2' }, { path: '/1/1', version: '1.2' }],
      others: [],
    });
  });

  it('keeps a bare object, with its version, only where it has no instances', () => {
    const links = parseRegistrationLinks('</16>;ver="1.0",</3>;ver=1.1,</3/0>,</9/1>,</9>');
    assert.deepEqual(links.objects, [
      { path: '/16', version: '1.0' },
      { path: '/3/0', version: '1.1' },
      { path: '/9/1' },
    ]);
  });

  it('sets aside what is no object: devices behind a gateway, other applications, resources', () => {
    const links = parseRegistrationLinks(
      '</>;rt="oma.lwm2m",</dev1/3/0>,</sensors>;rt=x,</3/0/9>,</70000/0>,</3/0>,</3/0>',
    );
    assert.deepEqual(links.others, ['/dev1/3/0', '/sensors', '/3/0/9', '/70000/0']);
    assert.deepEqual(links.objects, [{ path: '/3/0' }]);
  });

  it('does not believe a version or a format that is none', () => {
    const links = parseRegistrationLinks('</>;rt="oma.lwm2m";ct="110 x 70000",</3>;ver=new,</3/0>');
    assert.deepEqual([links.contentFormats, links.objects], [[110], [{ path: '/3/0' }]]);
  });
});
