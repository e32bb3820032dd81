import assert from 'node:assert/strict';
import fc from 'fast-check';
import { create } from 'xmlbuilder2';
import { requestBody } from '../../adapters/cwmp/rpc.ts';
import { readEnvelope, writeEnvelope } from '../../adapters/cwmp/soap.ts';
import { valueFromWire, valueToWire } from '../../adapters/cwmp/values.ts';
import { withoutIllegal, type Xml } from '../../adapters/cwmp/xml.ts';

const namespace = 'urn:dslforum-org:cwmp-1-2';

/** Any text, with what is special in XML more often than chance has it. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom('&', '<', '>', '"', "'", ']', '\r', '\n', '\t', ' ', 'a', 'é', '\u0002', '\ufffe'),
  }),
);

interface PlainElement {
  name: string;
  text: string;
  type: string | null;
  children: PlainElement[];
}

interface DomNode {
  readonly nodeType: number;
  readonly nodeValue: string | null;
  readonly childNodes: Iterable<DomNode>;
}

interface DomElement extends DomNode {
  readonly localName: string;
  getAttribute(name: string): string | null;
}

/** As a parser that shares nothing with ours reads it. */
function independently(text: string): PlainElement {
  const plain = (element: DomElement): PlainElement => {
    const nodes = [...element.childNodes];
    return {
      name: element.localName,
      text: nodes
        .filter(({ nodeType }) => nodeType === 3 || nodeType === 4)
        .map(({ nodeValue }) => nodeValue ?? '')
        .join(''),
      type: element.getAttribute('xsi:type'),
      children: nodes.filter(({ nodeType }) => nodeType === 1).map((child) => plain(child as DomElement)),
    };
  };
  const root: DomNode = create({ skipWhitespaceOnlyText: false }, text).root().node;
  return plain(root as DomElement);
}

function find(element: PlainElement, ...names: string[]): PlainElement[] {
  const [name, ...rest] = names;
  if (name === undefined) return [element];
  return element.children.filter((child) => child.name === name).flatMap((child) => find(child, ...rest));
}

const written = (body: Xml, id = '1'): string => writeEnvelope({ namespace, id, body });

describe('CWMP, written by us and read by an independent parser', () => {
  it('a SetParameterValues says every name, value and type', () => {
    const parameter = fc.record({ name: anyText, value: anyText, type: fc.constantFrom('string', 'unsignedInt') });
    fc.assert(
      fc.property(fc.array(parameter, { maxLength: 5 }), anyText, (values, parameterKey) => {
        const root = independently(written(requestBody('SetParameterValues', { values, parameterKey })));
        const [body] = find(root, 'Body', 'SetParameterValues');
        assert.ok(body);
        assert.deepEqual(
          find(body, 'ParameterList', 'ParameterValueStruct').map((entry) => ({
            name: find(entry, 'Name')[0]?.text,
            value: find(entry, 'Value')[0]?.text,
            type: find(entry, 'Value')[0]?.type,
          })),
          values.map(({ name, value, type }) => ({
            name: withoutIllegal(name),
            value: withoutIllegal(value),
            type: `xsd:${type}`,
          })),
        );
        assert.equal(find(body, 'ParameterKey')[0]?.text, withoutIllegal(parameterKey));
      }),
      { numRuns: 300 },
    );
  });

  it('a Download says all of its arguments, and the ID', () => {
    fc.assert(
      fc.property(fc.record({ commandKey: anyText, fileType: anyText, url: anyText, password: anyText }), (request) => {
        const root = independently(written(requestBody('Download', request), request.commandKey));
        const [body] = find(root, 'Body', 'Download');
        assert.ok(body);
        const said = Object.fromEntries(body.children.map(({ name, text }) => [name, text]));
        assert.deepEqual(said, {
          CommandKey: withoutIllegal(request.commandKey),
          FileType: withoutIllegal(request.fileType),
          URL: withoutIllegal(request.url),
          Username: '',
          Password: withoutIllegal(request.password),
          FileSize: '0',
          TargetFileName: '',
          DelaySeconds: '0',
          SuccessURL: '',
          FailureURL: '',
        });
        assert.equal(find(root, 'Header', 'ID')[0]?.text, withoutIllegal(request.commandKey));
      }),
      { numRuns: 200 },
    );
  });

  it('our reader gives back any text of any writer', () => {
    fc.assert(
      fc.property(anyText, anyText, (one, any) => {
        // No CDATA section can hold its own end.
        const other = withoutIllegal(any).replaceAll(']]>', ']]');
        const document = create({
          Envelope: {
            '@xmlns:cwmp': namespace,
            Body: { 'cwmp:X': { A: withoutIllegal(one), B: { $: other } } },
          },
        });
        const text = document.end({ headless: true });
        // Line ends are one line feed to any parser.
        const ends = (value: string): string => withoutIllegal(value).replaceAll(/\r\n?/g, '\n');
        const [a, b] = readEnvelope(text).body.children;
        assert.equal(a?.text, ends(one));
        assert.equal(b?.text, ends(other));
      }),
      { numRuns: 200 },
    );
  });

  it('a value comes back as it was sent', () => {
    const value = fc.oneof(
      fc.tuple(fc.constantFrom('int', 'long'), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
      fc.tuple(fc.constantFrom('unsignedInt', 'unsignedLong', 'integer'), fc.nat({ max: 2 ** 32 - 1 })),
      fc.tuple(fc.constant('boolean'), fc.boolean()),
      fc.tuple(fc.constant('string'), fc.string()),
      fc.tuple(fc.constantFrom('base64', 'hexBinary'), fc.uint8Array().map(toBytes)),
      fc.tuple(
        fc.constant('dateTime'),
        fc.integer({ min: 0, max: 4_000_000_000 }).map((time) => ({ time })),
      ),
      fc.tuple(fc.constant('unsignedLong'), fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }).map(toInteger)),
    );
    fc.assert(
      fc.property(value, ([type, given]) => {
        assert.deepEqual(valueFromWire(valueToWire('D.X', given, type)), given);
      }),
    );
  });

  it('a value that its type cannot say is refused with a sentence', () => {
    assert.throws(
      () => valueToWire('D.X', 2 ** 32, 'unsignedInt'),
      /D\.X: 4294967296 cannot be said as xsd:unsignedInt/,
    );
    assert.throws(() => valueToWire('D.X', -1, 'unsignedLong'), { name: 'ValueError' });
    assert.throws(() => valueToWire('D.X', 'perhaps', 'boolean'), { name: 'ValueError' });
    assert.throws(() => valueToWire('D.X', 'yesterday', 'dateTime'), { name: 'ValueError' });
    assert.throws(() => valueToWire('D.X', { instances: {} }, 'string'), { name: 'ValueError' });
  });

  it('a parameter that was never heard of is sent in the type of the mapping, or of the value', () => {
    const typeOf = (...given: Parameters<typeof valueToWire>): string => valueToWire(...given).type;
    assert.equal(typeOf('D.X', 5, '', 'unsigned'), 'unsignedInt');
    assert.equal(typeOf('D.X', 2 ** 40, '', 'unsigned'), 'unsignedLong');
    assert.equal(typeOf('D.X', -5, ''), 'int');
    assert.equal(typeOf('D.X', 'text', ''), 'string');
    assert.equal(typeOf('D.X', true, ''), 'boolean');
  });
});

function toBytes(octets: Uint8Array): { bytes: string } {
  return { bytes: Buffer.from(octets).toString('base64') };
}

function toInteger(value: bigint): { integer: string } {
  return { integer: String(value) };
}
