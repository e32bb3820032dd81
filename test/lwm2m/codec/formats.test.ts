import assert from 'node:assert/strict';
import { decode as decodeCbor } from 'cbor2';
import type { Value } from '../../../src/management/operation.ts';
import {
  canonicalContentFormat,
  CodecError,
  ContentFormat,
  contentFormatName,
  contentFormatNumber,
  decode,
  decodeReadable,
  encode,
  encodePaths,
} from '../../../adapters/lwm2m/codec/codec.ts';
import { objectModel, withTargets } from '../../../adapters/lwm2m/object-model.ts';
import { hex } from './support.ts';

const { TEXT, OPAQUE, CBOR, SENML_JSON, SENML_CBOR, TLV, JSON: OLD_JSON, LWM2M_CBOR } = ContentFormat;

const read = (format: number, payload: string | Buffer, base: string, root?: string): unknown =>
  decode(format, Buffer.from(payload), base, objectModel, { root, now: 1_700_000_000 });

const write = (format: number, base: string, values: [path: string, value: Value][], root?: string): Buffer =>
  encode(
    format,
    base,
    values.map(([path, value]) => ({ path, value })),
    objectModel,
    { root },
  );

const device: [path: string, value: Value][] = [
  ['/3/0/0', 'Open Mobile Alliance'],
  ['/3/0/6', { instances: { 0: 1, 1: 5 } }],
  ['/3/0/9', 100],
  ['/3/0/13', { time: 1_367_491_215 }],
  ['/3/0/22', { instances: { 0: { link: '/10/0' } } }],
];

describe('one write in every format', () => {
  const written = (format: number): Buffer => write(format, '/3/0', device);

  it('is bare resources in TLV', () => {
    assert.equal(
      written(TLV).toString('hex'),
      'c800144f70656e204d6f62696c6520416c6c69616e6365' +
        '8606410001410105' +
        'c10964' +
        'c40d5182428f' +
        '86164400000a0000',
    );
  });

  it('is records in SenML JSON', () => {
    assert.deepEqual(JSON.parse(written(SENML_JSON).toString()), [
      { bn: '/3/0/', n: '0', vs: 'Open Mobile Alliance' },
      { n: '6/0', v: 1 },
      { n: '6/1', v: 5 },
      { n: '9', v: 100 },
      { n: '13', v: 1_367_491_215 },
      { n: '22/0', vlo: '10:0' },
    ]);
  });

  it('is the same records in SenML CBOR', () => {
    const records = decodeCbor<Map<unknown, unknown>[]>(written(SENML_CBOR), { preferMap: true });
    assert.deepEqual(
      records.map((record) => [...record]),
      [
        [
          [-2, '/3/0/'],
          [0, '0'],
          [3, 'Open Mobile Alliance'],
        ],
        [
          [0, '6/0'],
          [2, 1],
        ],
        [
          [0, '6/1'],
          [2, 5],
        ],
        [
          [0, '9'],
          [2, 100],
        ],
        [
          [0, '13'],
          [2, 1_367_491_215],
        ],
        [
          [0, '22/0'],
          ['vlo', '10:0'],
        ],
      ],
    );
  });

  it('is maps below the path of the request in LwM2M CBOR', () => {
    const outer = decodeCbor<Map<number[], Map<number, unknown>>>(written(LWM2M_CBOR), { preferMap: true });
    const [[key, resources] = []] = outer;
    assert.deepEqual(key, [3, 0]);
    assert.deepEqual(
      resources,
      new Map<number, unknown>([
        [0, 'Open Mobile Alliance'],
        [
          6,
          new Map([
            [0, 1],
            [1, 5],
          ]),
        ],
        [9, 100],
        [13, 1_367_491_215],
        [22, new Map([[0, '10:0']])],
      ]),
    );
  });

  it('is elements in the JSON of LwM2M 1.0', () => {
    assert.deepEqual(JSON.parse(written(OLD_JSON).toString()), {
      bn: '/3/0/',
      e: [
        { n: '0', sv: 'Open Mobile Alliance' },
        { n: '6/0', v: 1 },
        { n: '6/1', v: 5 },
        { n: '9', v: 100 },
        { n: '13', v: 1_367_491_215 },
        { n: '22/0', ov: '10:0' },
      ],
    });
  });

  for (const format of [TEXT, OPAQUE, CBOR]) {
    it(`is refused in ${contentFormatName(format)}, which holds one value`, () => {
      assert.throws(() => written(format), CodecError);
    });
  }
});

describe('text', () => {
  const unknown = '/40000/0/1';
  for (const [path, text, value] of [
    ['/3/0/0', 'Café 12', 'Café 12'],
    ['/3/0/9', '100', 100],
    ['/3/0/9', '-128', -128],
    ['/3/0/9', '9007199254740993', { integer: '9007199254740993' }],
    ['/3/0/13', '1367491215', { time: 1_367_491_215 }],
    ['/3303/0/5700', '22.5', 22.5],
    ['/3303/0/5700', '0.0000001', 1e-7],
    ['/3303/0/5700', '-12000000000000000000000', -1.2e22],
    ['/3311/0/5850', '1', true],
    ['/3/0/22', '10:0', { link: '/10/0' }],
    ['/3/0/22', '65535:65535', { link: '' }],
    ['/5/0/0', 'AQIDBAU=', { bytes: 'AQIDBAU=' }],
    [unknown, '12', '12'],
  ] as [string, string, Value][]) {
    it(`says ${text} at ${path}`, () => {
      assert.deepEqual(read(TEXT, text, path), [{ path, value }]);
      if (path !== '/3/0/22') assert.equal(write(TEXT, path, [[path, value]]).toString(), text);
    });
  }

  it('of a resource instance is folded into its resource', () => {
    assert.deepEqual(read(TEXT, '5', '/3/0/6/1'), [{ path: '/3/0/6', value: { instances: { 1: 5 } } }]);
    assert.equal(write(TEXT, '/3/0/22/0', [['/3/0/22/0', { link: '/10' }]]).toString(), '10:65535');
  });

  it('cannot hold a multiple resource', () => {
    assert.throws(() => write(TEXT, '/2054/0/0', [['/2054/0/0', 2]]), /use SenML or TLV/);
  });

  for (const [path, text] of [
    ['/3/0/9', 'full'],
    ['/3/0/9', ''],
    ['/3/0/9', '1.5'],
    ['/3303/0/5700', '22,5'],
    ['/3311/0/5850', 'yes'],
    ['/3/0/22', '70000:0'],
    ['/5/0/0', "!,-INVALID$_'"],
    ['/3/0', 'text'],
  ] as const) {
    it(`is refused when ${path} says ${JSON.stringify(text)}`, () =>
      assert.throws(() => read(TEXT, text, path), CodecError));
  }
});

describe('octets', () => {
  it('are the value of an opaque resource', () => {
    const value = { bytes: 'AAH/' };
    assert.deepEqual(read(OPAQUE, Buffer.from([0, 1, 255]), '/5/0/0'), [{ path: '/5/0/0', value }]);
    assert.deepEqual(write(OPAQUE, '/5/0/0', [['/5/0/0', value]]), Buffer.from([0, 1, 255]));
  });

  it('cannot hold a string, nor an instance', () => {
    assert.throws(() => write(OPAQUE, '/3/0/14', [['/3/0/14', '+02:00']]), CodecError);
    assert.throws(() => read(OPAQUE, 'x', '/3/0'), CodecError);
  });
});

describe('plain CBOR', () => {
  for (const [path, bytes, value] of [
    ['/3/0/9', '1864', 100],
    ['/3/0/9', '387f', -128],
    ['/3/0/13', 'c11a5182428f', { time: 1_367_491_215 }],
    ['/3/0/13', '1b00000000bc842fe9', { time: 3_162_779_625 }],
    ['/3/0/0', '63616263', 'abc'],
    ['/3/0/0', '7f616162626380ff', undefined],
    ['/3/0/0', '7f6161626263ff', 'abc'],
    ['/3/0/22', '6431303a30', { link: '/10/0' }],
    ['/3303/0/5700', 'f94da0', 22.5],
    ['/3303/0/5700', 'fa41b40000', 22.5],
    ['/3303/0/5700', 'fb4036800000000000', 22.5],
    ['/3303/0/5700', '16', 22],
    ['/3303/0/5700', 'c48221187d', 1.25],
    ['/3303/0/5700', 'f97e00', null],
    ['/3311/0/5850', 'f5', true],
    ['/3311/0/5850', '00', false],
    ['/5/0/0', '430001ff', { bytes: 'AAH/' }],
    ['/40000/0/1', '1bffffffffffffffff', { integer: '18446744073709551615' }],
    ['/40000/0/1', 'c249010000000000000000', { integer: '18446744073709551616' }],
    ['/40000/0/1', '3bffffffffffffffff', { integer: '-18446744073709551616' }],
  ] as [string, string, Value | undefined][]) {
    it(`${value === undefined ? 'refuses' : 'reads'} ${bytes} at ${path}`, () => {
      if (value === undefined) assert.throws(() => read(CBOR, hex(bytes), path), CodecError);
      else assert.deepEqual(read(CBOR, hex(bytes), path), [{ path, value }]);
    });
  }

  it('writes floats as floats and integers as integers', () => {
    const path = '/40000/0/1';
    const model = withTargets(objectModel, [{ path, type: 'float' }]);
    assert.equal(encode(CBOR, path, [{ path, value: 22 }], model).toString('hex'), 'fa41b00000');
    assert.equal(encode(CBOR, path, [{ path, value: 22 }], objectModel).toString('hex'), '16');
  });

  for (const [what, bytes] of [
    ['an array', '8101'],
    ['a map', 'a0'],
    ['two items', '0101'],
    ['a text that is cut off', '6361'],
    ['an unknown tag', 'd81801'],
    ['an unknown simple value', 'e0'],
    ['a reserved head', '1c'],
    ['a break without a list', 'ff'],
    ['nothing', ''],
    ['an array that says it has 2^32 items', '9affffffff'],
  ] as const) {
    it(`refuses ${what}`, () => assert.throws(() => read(CBOR, hex(bytes), '/3/0/0'), CodecError));
  }

  it('refuses what is nested deeper than 16', () => {
    const nested = (depth: number): Buffer => hex(`${'81'.repeat(depth)}00`);
    assert.throws(() => read(SENML_CBOR, nested(16), '/'), /not.*map|map/);
    assert.throws(() => read(SENML_CBOR, nested(17), '/'), /nested deeper than 16/);
  });
});

describe('SenML', () => {
  const json = (records: object[]): string => JSON.stringify(records);

  it('keeps a base name until the next one', () => {
    const records = [
      { bn: '/2/3/', n: '0', v: 3 },
      { n: '1', v: 1 },
      { bn: '/2/2/', n: '0', v: 4 },
      { n: '3', v: 124 },
    ];
    assert.deepEqual(read(SENML_JSON, json(records), '/2'), [
      { path: '/2/3/0', value: 3 },
      { path: '/2/3/1', value: 1 },
      { path: '/2/2/0', value: 4 },
      { path: '/2/2/3', value: 124 },
    ]);
  });

  it('takes the path in the base name alone, split anywhere, or in the name alone', () => {
    const expected = [{ path: '/3/0/11', value: { instances: { 0: 1, 1: 2 } } }];
    for (const records of [
      [
        { bn: '/3/0/11/0', v: 1 },
        { bn: '/3/0/11/1', v: 2 },
      ],
      [
        { bn: '/3/0/1', n: '1/0', v: 1 },
        { n: '1/1', v: 2 },
      ],
      [
        { bn: '/3/0', n: '/11/0', v: 1 },
        { n: '/11/1', v: 2 },
      ],
      [
        { n: '/3/0/11/0', v: 1 },
        { n: '/3/0/11/1', v: 2 },
      ],
    ]) {
      assert.deepEqual(read(SENML_JSON, json(records), '/3/0'), expected);
    }
  });

  it('counts times from 1970 or, below 2^28, from now', () => {
    const records = [
      { bn: '/3303/0/5700', bt: 1_600_000_000, t: 5, v: 21 },
      { t: 6, v: 22 },
      { bt: 0, t: -10, v: 23 },
    ];
    assert.deepEqual(read(SENML_JSON, json(records), '/3303/0/5700'), [
      { path: '/3303/0/5700', value: 21, time: 1_600_000_005 },
      { path: '/3303/0/5700', value: 22, time: 1_600_000_006 },
      { path: '/3303/0/5700', value: 23, time: 1_699_999_990 },
    ]);
  });

  it('folds the instances of each time apart', () => {
    const records = [
      { bn: '/3/0/', bt: 1_600_000_000, n: '7/0', v: 1 },
      { n: '7/1', v: 2 },
      { n: '7/0', t: 1, v: 3 },
    ];
    assert.deepEqual(read(SENML_JSON, json(records), '/'), [
      { path: '/3/0/7', value: { instances: { 0: 1, 1: 2 } }, time: 1_600_000_000 },
      { path: '/3/0/7', value: { instances: { 0: 3 } }, time: 1_600_000_001 },
    ]);
  });

  it('adds the base value to numbers', () => {
    const records = [{ bn: '/3/0/', bv: 90 }, { n: '9', v: 10 }, { n: '10' }];
    assert.deepEqual(read(SENML_JSON, json(records), '/3/0'), [
      { path: '/3/0/9', value: 100 },
      { path: '/3/0/10', value: 90 },
    ]);
  });

  it('takes the alternate root off names and puts it on', () => {
    const records = json([
      { bn: '/lwm2m/3/0/', n: '9', v: 100 },
      { bn: '/5/0/', n: '3', v: 1 },
    ]);
    assert.deepEqual(read(SENML_JSON, records, '/', '/lwm2m'), [
      { path: '/3/0/9', value: 100 },
      { path: '/5/0/3', value: 1 },
    ]);
    const bytes = write(SENML_JSON, '/lwm2m/3/0', [['/lwm2m/3/0/14', '+02:00']], '/lwm2m');
    assert.deepEqual(JSON.parse(bytes.toString()), [{ bn: '/lwm2m/3/0/', n: '14', vs: '+02:00' }]);
    const composite = write(SENML_JSON, '/', [['/3/0/14', '+02:00']], 'lwm2m');
    assert.deepEqual(JSON.parse(composite.toString()), [{ n: '/lwm2m/3/0/14', vs: '+02:00' }]);
  });

  it('keeps the digits of long integers', () => {
    const text = '[{"bn":"/40000/0/","n":"1","v":9007199254740993},{"n":"2","vs":"9007199254740993 \\" 1"}]';
    assert.deepEqual(read(SENML_JSON, text, '/40000/0'), [
      { path: '/40000/0/1', value: { integer: '9007199254740993' } },
      { path: '/40000/0/2', value: '9007199254740993 " 1' },
    ]);
    assert.equal(
      write(SENML_JSON, '/40000/0/1', [['/40000/0/1', { integer: '9007199254740993' }]]).toString(),
      '[{"bn":"/40000/0/1","v":9007199254740993}]',
    );
  });

  it('takes base64 of either alphabet', () => {
    for (const vd of ['-_8', '+/8=', '-_8=']) {
      const values = read(SENML_JSON, json([{ bn: '/5/0/0', vd }]), '/5/0/0');
      assert.deepEqual(values, [{ path: '/5/0/0', value: { bytes: '+/8=' } }]);
    }
    assert.match(write(SENML_JSON, '/5/0/0', [['/5/0/0', { bytes: '+/8=' }]]).toString(), /"vd":"-_8"/);
  });

  it('ignores what it does not know, unless it must be understood', () => {
    const record = { bn: '/3/0/9', v: 1, u: '%', ut: 5 };
    assert.deepEqual(read(SENML_JSON, json([record]), '/3/0/9'), [{ path: '/3/0/9', value: 1 }]);
    assert.throws(() => read(SENML_JSON, json([{ ...record, secret_: 1 }]), '/3/0/9'), /must be understood/);
  });

  it('lists the paths of a composite read', () => {
    assert.equal(encodePaths(SENML_JSON, ['/3/0/0', '/5/0']).toString(), '[{"n":"/3/0/0"},{"n":"/5/0"}]');
    const records = decodeCbor<Map<number, string>[]>(encodePaths(SENML_CBOR, ['/3/0/0'], { root: '/m' }), {
      preferMap: true,
    });
    assert.deepEqual(records, [new Map([[0, '/m/3/0/0']])]);
    assert.throws(() => encodePaths(LWM2M_CBOR, ['/3']), /use SenML/);
    assert.throws(() => encodePaths(SENML_CBOR, ['/x']), CodecError);
  });

  for (const [what, payload] of [
    ['no JSON', '[{'],
    ['no array', '{"n":"/3/0/9","v":1}'],
    ['a record that is no object', '[1]'],
    ['a name that is no path', '[{"n":"battery","v":1}]'],
    ['a name with a leading zero', '[{"n":"/3/0/09","v":1}]'],
    ['a name of five numbers', '[{"n":"/3/0/6/0/0","v":1}]'],
    ['a value of an instance', '[{"n":"/3/0","v":1}]'],
    ['a record without a value', '[{"n":"/3/0/9"}]'],
    ['a path twice', '[{"n":"/3/0/9","v":1},{"n":"/3/0/9","v":2}]'],
    ['a resource with a value and instances', '[{"n":"/3/0/6","v":1},{"n":"/3/0/6/0","v":2}]'],
    ['a resource with instances and a value', '[{"n":"/3/0/6/0","v":2},{"n":"/3/0/6","v":1}]'],
    ['a number in quotes that is none', '[{"n":"/3/0/9","v":"one"}]'],
    ['an object link that is none', '[{"n":"/3/0/22","vlo":"10"}]'],
    ['data that is no base64', '[{"n":"/5/0/0","vd":"a"}]'],
    ['10,000 levels', `${'['.repeat(10_000)}${']'.repeat(10_000)}`],
    ['10,001 records', JSON.stringify(Array.from({ length: 10_001 }, (_, index) => ({ n: `/2/${index}/0`, v: 1 })))],
    ['more than a megabyte', `[${' '.repeat(1_048_576)}]`],
  ] as const) {
    it(`refuses ${what}`, () => assert.throws(() => read(SENML_JSON, payload, '/'), CodecError));
  }
});

describe('LwM2M CBOR', () => {
  const expected = [
    { path: '/13/26/1', value: 42 },
    { path: '/13/26/2', value: 21 },
  ];
  for (const [shape, bytes] of [
    ['{[13, 26]: {1: 42, 2: 21}}', 'a1820d181aa201182a0215'],
    ['{[13, 26, 1]: 42, [13, 26, 2]: 21}', 'a2830d181a01182a830d181a0215'],
    ['{[13, 26]: {1: 42}, [13, 26, 2]: 21}', 'a2820d181aa101182a830d181a0215'],
    ['{[13, 26, 1]: 42, [13, 26]: {[2]: 21}}', 'a2830d181a01182a820d181aa1810215'],
    ['{13: {26: {1: 42, 2: 21}}}', 'a10da1181aa201182a0215'],
    ['indefinite maps and arrays', 'bf9f0d181affbf01182a0215ffff'],
  ] as const) {
    it(`reads ${shape}`, () => assert.deepEqual(read(LWM2M_CBOR, hex(bytes), '/13/26'), expected));
  }

  it('reads resource instances and nulls', () => {
    assert.deepEqual(read(LWM2M_CBOR, hex('a1830d181a01a202f60305'), '/13/26/1'), [
      { path: '/13/26/1', value: { instances: { 2: null, 3: 5 } } },
    ]);
  });

  it('skips the alternate root', () => {
    assert.deepEqual(read(LWM2M_CBOR, hex('a184656c776d326d0300091864'), '/3/0', '/lwm2m'), [
      { path: '/3/0/9', value: 100 },
    ]);
  });

  it('writes a single resource with its whole path as the key, a composite from the root', () => {
    assert.equal(write(LWM2M_CBOR, '/13/26/1', [['/13/26/1', 42]]).toString('hex'), 'a1830d181a01182a');
    assert.equal(
      write(LWM2M_CBOR, '/', [
        ['/13/26/1', 42],
        ['/39/0/1', 1],
      ]).toString('hex'),
      'a20da1181aa101182a1827a100a10101',
    );
  });

  for (const [what, bytes] of [
    ['an array outside', '80'],
    ['a key that is a text', 'a1613303'],
    ['a key beyond 65535', 'a11a0001000000'],
    ['a negative key', 'a12000'],
    ['a path of five numbers', 'a185030006000001'],
    ['a value where a path is too short', 'a182030001'],
    ['a path twice', 'a283030009018303000902'],
  ] as const) {
    it(`refuses ${what}`, () => assert.throws(() => read(LWM2M_CBOR, hex(bytes), '/'), CodecError));
  }
});

describe('JSON of LwM2M 1.0', () => {
  const expected = [
    { path: '/3/0/0', value: 'a' },
    { path: '/3/0/6', value: { instances: { 0: 1 } } },
    { path: '/3/0/22', value: { instances: { 0: { link: '/66/0' } } } },
  ];
  const entries = (names: [string, string, string]): object[] => [
    { n: names[0], sv: 'a' },
    { n: names[1], v: 1 },
    { n: names[2], ov: '66:0' },
  ];
  for (const [what, pack] of [
    ['a base name with a slash at the end', { bn: '/3/0/', e: entries(['0', '6/0', '22/0']) }],
    ['a base name with the slash in the names', { bn: '/3/0', e: entries(['/0', '/6/0', '/22/0']) }],
    ['a base name without a slash at the start', { bn: '3/0/', e: entries(['0', '6/0', '22/0']) }],
    ['the root as base name', { bn: '/', e: entries(['3/0/0', '3/0/6/0', '3/0/22/0']) }],
    ['whole paths and no base name', { e: entries(['/3/0/0', '/3/0/6/0', '/3/0/22/0']) }],
    ['names relative to the request', { e: entries(['0', '6/0', '22/0']) }],
  ] as const) {
    it(`reads ${what}`, () => assert.deepEqual(read(OLD_JSON, JSON.stringify(pack), '/3/0'), expected));
  }

  it('reads a single resource without names', () => {
    assert.deepEqual(read(OLD_JSON, '{"e":[{"v":100}]}', '/3/0/9'), [{ path: '/3/0/9', value: 100 }]);
  });

  it('reads a history: times before the base time', () => {
    const text = '{"bn":"/3303/0/5700","e":[{"v":22.9,"t":-30},{"v":22.4,"t":-5}],"bt":25462634}';
    assert.deepEqual(read(OLD_JSON, text, '/3303/0/5700'), [
      { path: '/3303/0/5700', value: 22.9, time: 25_462_604 },
      { path: '/3303/0/5700', value: 22.4, time: 25_462_629 },
    ]);
  });

  it('reads base64 of an opaque resource', () => {
    assert.deepEqual(read(OLD_JSON, '{"e":[{"sv":"AAH/"}]}', '/5/0/0'), [{ path: '/5/0/0', value: { bytes: 'AAH/' } }]);
  });

  for (const [what, text] of [
    ['no elements', '{}'],
    ['an element without a value', '{"bn":"/3/0/","e":[{"n":"0"}]}'],
    ['a name twice', '{"bn":"/3/0/","e":[{"n":"1","sv":"a"},{"n":"1","sv":"b"}]}'],
    ['a boolean that is none', '{"bn":"/3/0/","e":[{"n":"1","bv":"true"}]}'],
  ] as const) {
    it(`refuses ${what}`, () => assert.throws(() => read(OLD_JSON, text, '/3/0'), CodecError));
  }
});

describe('one value that cannot be read', () => {
  const rest = [{ path: '/3/0/20', value: 5 }];
  for (const [what, format, payload] of [
    ['a word in SenML JSON', SENML_JSON, '[{"n":"/3/0/9","v":"full"},{"n":"/3/0/20","v":5}]'],
    ['a record without a value', SENML_JSON, '[{"n":"/3/0/9"},{"n":"/3/0/20","v":5}]'],
    ['a text of octets in SenML CBOR', SENML_CBOR, '82 a20066 2f332f302f39 0341ff a20067 2f332f302f3230 0205'],
    ['an element without a value', OLD_JSON, '{"bn":"/3/0/","e":[{"n":"9"},{"n":"20","v":5}]}'],
    ['an array in LwM2M CBOR', LWM2M_CBOR, 'a1820300a20981011405'],
  ] as const) {
    it(`${what} is named, and the rest is read`, () => {
      const octets = payload.startsWith('[') || payload.startsWith('{') ? Buffer.from(payload) : hex(payload);
      const { values, unreadable } = decodeReadable(format, octets, '/3/0', objectModel);
      assert.deepEqual(values, rest);
      assert.deepEqual(
        unreadable.map(({ path }) => path),
        ['/3/0/9'],
      );
      assert.match(unreadable[0]!.explanation, /\w+ \w+ \w+/);
    });
  }

  it('of a history costs one moment of it', () => {
    const text = '{"bn":"/3303/0/5700","e":[{"t":-30},{"v":22.4,"t":-5}],"bt":25462634}';
    assert.deepEqual(decodeReadable(OLD_JSON, Buffer.from(text), '/3303/0/5700', objectModel).values, [
      { path: '/3303/0/5700', value: 22.4, time: 25_462_629 },
    ]);
  });

  it('counts as one of the values that a payload may have, and has to belong there', () => {
    const records = Array.from({ length: 10_001 }, (_, index) => ({ n: `/2/${index}/0`, v: 'x' }));
    for (const pack of [records, [{ n: '/3/0', v: 'x' }]]) {
      const payload = Buffer.from(JSON.stringify(pack));
      assert.throws(() => decodeReadable(SENML_JSON, payload, '/', objectModel), CodecError);
    }
    const foreign = Buffer.from('[{"n":"/4/0/0","v":"x"}]');
    assert.throws(() => decodeReadable(SENML_JSON, foreign, '/3/0', objectModel), /not below/);
  });
});

describe('a payload', () => {
  it('of no octets has no values', () => {
    for (const format of [TLV, SENML_JSON, SENML_CBOR, LWM2M_CBOR, OLD_JSON]) {
      assert.deepEqual(read(format, '', '/3/0'), []);
    }
  });

  it('without Content-Format is text for a resource, and refused for an instance', () => {
    assert.deepEqual(decode(undefined, Buffer.from('100'), '/3/0/9', objectModel), [{ path: '/3/0/9', value: 100 }]);
    assert.throws(() => decode(undefined, Buffer.from('100'), '/3/0', objectModel), /no Content-Format/);
  });

  it('may be labelled with the numbers from before IANA', () => {
    assert.deepEqual(read(1542, hex('c10964'), '/3/0'), [{ path: '/3/0/9', value: 100 }]);
    assert.deepEqual(read(1543, '{"e":[{"v":100}]}', '/3/0/9'), [{ path: '/3/0/9', value: 100 }]);
  });

  it('in a format that holds no values is refused by name', () => {
    assert.throws(() => read(40, '</3/0>', '/3'), /application\/link-format/);
    assert.throws(() => read(50, '{}', '/3'), /50/);
    assert.throws(() => write(40, '/3/0', []), CodecError);
  });
});

describe('content formats', () => {
  it('have numbers and names', () => {
    assert.equal(contentFormatName(11_542), 'application/vnd.oma.lwm2m+tlv');
    assert.equal(contentFormatName(9), '9');
    assert.equal(contentFormatNumber('application/senml+cbor'), 112);
    assert.equal(contentFormatNumber('nothing'), undefined);
    assert.equal(canonicalContentFormat(1543), 11_543);
  });
});

describe('a value to write', () => {
  for (const [what, path, value, text] of [
    ['true as the integer that the registry has', '/2052/0/5', true, '1'],
    ['digits as an integer', '/3/0/9', '17', '17'],
    ['a number as text', '/3/0/14', 2, '2'],
    ['text as a boolean', '/1/0/6', 'true', '1'],
    ['seconds as a time', '/3/0/13', 5, '5'],
    ['a link below an alternate root', '/1/0/10', { link: '/lwm2m/11/0' }, '11:0'],
    ['no link', '/1/0/10', { link: '' }, '65535:65535'],
  ] as const) {
    it(`says ${what}`, () => assert.equal(write(TEXT, path, [[path, value]]).toString(), text));
  }

  for (const [what, path, value] of [
    ['a word as an integer', '/3/0/9', 'full'],
    ['a fraction as an integer', '/3/0/9', 1.5],
    ['a negative as an unsigned', '/1/0/14', -1],
    ['NaN as a float', '/6/0/0', Number.NaN],
    ['a string as octets', '/5/0/0', 'AAEC'],
    ['2 as a boolean', '/1/0/6', 2],
    ['a resource as a link', '/1/0/10', { link: '/3/0/9' }],
    ['a word as a link', '/1/0/10', { link: '/battery' }],
    ['nothing', '/3/0/14', null],
  ] as const) {
    it(`cannot say ${what}`, () => assert.throws(() => write(TEXT, path, [[path, value]]), CodecError));
  }

  it('is refused outside of the path of the request, twice, or for an instance as a whole', () => {
    assert.throws(() => write(TLV, '/3/0', [['/1/0/1', 1]]), /not below/);
    assert.throws(
      () =>
        write(TLV, '/1/0', [
          ['/1/0/1', 1],
          ['/1/0/1', 2],
        ]),
      /twice/,
    );
    assert.throws(() => write(TLV, '/1', [['/1/0', 1]]), /not a resource/);
  });

  it('needs the number of a new instance in every format but TLV', () => {
    assert.throws(() => write(SENML_JSON, '/2048', [['/2048/65535/0', 'p']]), /choose a number/);
  });
});
