import assert from 'node:assert/strict';
import { generate, type NamedOption } from 'coap-packet';
import fc from 'fast-check';
import { encodeMessage, parseMessage, type MessageOptions } from '../../../adapters/lwm2m/coap/message.ts';

const octets = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((bytes) => Buffer.from(bytes));
const text = fc.string({ maxLength: 255 });
const block = fc.record({ number: fc.nat(0xf_ffff), more: fc.boolean(), exponent: fc.nat(6) });

const anyOptions: fc.Arbitrary<MessageOptions> = fc.record(
  {
    etag: octets(1, 8),
    observe: fc.nat(0xff_ffff),
    locationPath: fc.array(text, { maxLength: 3 }),
    path: fc.array(text, { maxLength: 4 }),
    contentFormat: fc.nat(0xffff),
    maxAge: fc.nat(),
    query: fc.array(text, { maxLength: 4 }),
    accept: fc.nat(0xffff),
    block2: block,
    block1: block,
    size2: fc.nat(),
    size1: fc.nat(),
  },
  { requiredKeys: [] },
);

function uint(value: number): Buffer {
  const digits = value === 0 ? '' : value.toString(16);
  return Buffer.from(digits.length % 2 === 1 ? `0${digits}` : digits, 'hex');
}

function named(options: MessageOptions): NamedOption[] {
  const blockValue = ({ number, more, exponent }: NonNullable<MessageOptions['block1']>): Buffer =>
    uint(number * 16 + (more ? 8 : 0) + exponent);
  const numbers = (name: string, value: number | undefined) =>
    value === undefined ? [] : [{ name, value: uint(value) }];
  const texts = (name: string, values: string[] = []) => values.map((value) => ({ name, value: Buffer.from(value) }));
  return [
    ...(options.etag ? [{ name: 'ETag', value: options.etag }] : []),
    ...numbers('Observe', options.observe),
    ...texts('Location-Path', options.locationPath),
    ...texts('Uri-Path', options.path),
    ...numbers('Content-Format', options.contentFormat),
    ...numbers('Max-Age', options.maxAge),
    ...texts('Uri-Query', options.query),
    ...numbers('Accept', options.accept),
    ...(options.block2 ? [{ name: 'Block2', value: blockValue(options.block2) }] : []),
    ...(options.block1 ? [{ name: 'Block1', value: blockValue(options.block1) }] : []),
    ...numbers('Size2', options.size2),
    ...numbers('Size1', options.size1),
  ] as NamedOption[];
}

describe('a CoAP message', () => {
  it('has the octets that coap-packet would write', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('CON' as const, 'NON' as const, 'ACK' as const, 'RST' as const),
        fc.constantFrom('0.01', '0.05', '2.05', '2.31', '4.04', '5.03'),
        fc.nat(0xffff),
        octets(0, 8),
        anyOptions,
        octets(0, 700),
        (type, code, messageId, token, options, payload) => {
          const kind = { confirmable: type === 'CON', ack: type === 'ACK', reset: type === 'RST' };
          const expected = generate({ ...kind, code, messageId, token, options: named(options), payload }, 65_507);
          const bytes = encodeMessage(type, code, messageId, token, options, payload);
          assert.equal(bytes.toString('hex'), expected.toString('hex'));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('of which an option takes two more octets for its length reads as it was written', () => {
    const query = ['x'.repeat(255)];
    const etag = Buffer.from('0102030405060708', 'hex');
    const bytes = encodeMessage(
      'CON',
      '0.01',
      7,
      Buffer.of(1),
      { etag, path: ['3', '0'], query, size1: 5 },
      Buffer.from('!'),
    );
    const message = parseMessage(bytes);
    assert.ok(typeof message === 'object');
    assert.deepEqual(message.options, { etag, path: ['3', '0'], query, size1: 5 });
    assert.equal(message.payload.toString(), '!');
  });

  it('that fits into no datagram is not written', () => {
    assert.throws(() => encodeMessage('CON', '0.02', 1, Buffer.alloc(0), {}, Buffer.alloc(65_507)), RangeError);
  });
});
