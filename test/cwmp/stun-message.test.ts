import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import {
  addressAttribute,
  attributeOf,
  bindingError,
  bindingRequest,
  bindingResponse,
  errorAttribute,
  hasMagicCookie,
  provenStyle,
  readAddress,
  readError,
  readStunMessage,
  readUsername,
  readXorAddress,
  stunAttributes,
  unknownAttribute,
  writeStunMessage,
  xorAddressAttribute,
  type StunMessage,
} from '../../adapters/cwmp/stun-message.ts';

/** RFC 5769: password of its messages with a short-term credential. */
const password = 'VOkJxbRl1RmTxUk/WvJxBt';

/** RFC 5769 2.1 */
const sampleRequest = Buffer.from(
  '000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff' +
    '80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2' +
    '80280004e57a3bcf',
  'hex',
);
/** RFC 5769 2.2 */
const sampleIpv4Response = Buffer.from(
  '0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643' +
    '000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96',
  'hex',
);
/** RFC 5769 2.3 */
const sampleIpv6Response = Buffer.from(
  '010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9faa5d3f179' +
    'bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c',
  'hex',
);

function read(octets: Buffer): StunMessage {
  const message = readStunMessage(octets);
  assert.ok(message);
  return message;
}

describe('a STUN message', () => {
  it('RFC 5769: the sample request is read, and proved by its password alone', () => {
    const message = read(sampleRequest);
    assert.equal(message.type, bindingRequest);
    assert.ok(hasMagicCookie(message));
    assert.equal(readUsername(attributeOf(message, stunAttributes.username)!), 'evtj:h6vY');
    assert.equal(provenStyle(sampleRequest, message, password), 'plain');
    assert.equal(provenStyle(sampleRequest, message, `${password}x`), undefined);
    const forged = Buffer.from(sampleRequest);
    forged[30]! ^= 1;
    assert.equal(provenStyle(forged, read(forged), password), undefined);
  });

  it('RFC 5769: XOR-MAPPED-ADDRESS of both kinds, with their proofs', () => {
    for (const [octets, address] of [
      [sampleIpv4Response, '192.0.2.1'],
      [sampleIpv6Response, '2001:db8:1234:5678:11:2233:4455:6677'],
    ] as const) {
      const message = read(octets);
      assert.equal(message.type, bindingResponse);
      const value = attributeOf(message, stunAttributes.xorMappedAddress)!;
      assert.deepEqual(readXorAddress(value, message.transaction), { address, port: 32_853 });
      assert.deepEqual(xorAddressAttribute({ address, port: 32_853 }, message.transaction).value, value);
      assert.equal(provenStyle(octets, message, password), 'plain');
    }
  });

  it('RFC 3489: the proof is made over the message filled up with zeros to 64 octets', () => {
    const transaction = Buffer.from('0102030405060708090a0b0c0d0e0f10', 'hex');
    const name = { type: stunAttributes.username, value: Buffer.from('me  ') };
    const head = Buffer.concat([Buffer.of(0, 1, 0, 32), transaction, Buffer.of(0, 6, 0, 4), name.value]);
    const text = Buffer.concat([head, Buffer.alloc(64 - head.length)]);
    const hash = createHmac('sha1', 'secret').update(text).digest();
    const wanted = Buffer.concat([head, Buffer.of(0, 8, 0, 20), hash]);
    const message = { type: bindingRequest, transaction, attributes: [name] };
    assert.deepEqual(writeStunMessage(message, { key: 'secret', style: 'filled' }), wanted);
    assert.equal(provenStyle(wanted, read(wanted), 'secret'), 'filled');
    assert.equal(readUsername(attributeOf(read(wanted), stunAttributes.username)!), 'me');
  });

  it('what stands behind the proof is not looked at', () => {
    const octets = writeStunMessage(
      { type: bindingRequest, transaction: Buffer.alloc(16), attributes: [] },
      { key: 'k', style: 'plain' },
    );
    const more = Buffer.concat([octets, Buffer.of(0xc0, 2, 0, 0)]);
    more.writeUInt16BE(more.length - 20, 2);
    assert.equal(attributeOf(read(more), stunAttributes.bindingChange), undefined);
    assert.equal(provenStyle(more, read(more), 'k'), 'plain');
  });

  it('errors and unknown attributes are written as RFC 3489 has them: multiples of four octets', () => {
    const attributes = [errorAttribute(420, 'Unknown Attribute'), unknownAttribute([0x24, 3, 0x25])];
    const message = read(writeStunMessage({ type: bindingError, transaction: Buffer.alloc(16), attributes }));
    const [error, unknown] = message.attributes;
    assert.equal(error!.value.length % 4, 0);
    assert.deepEqual(readError(error!.value), { code: 420, reason: 'Unknown Attribute' });
    assert.equal(unknown!.value.toString('hex'), '0024000300250025');
  });

  it('every message that is written is read as it was, and every octet that is changed ends its proof', () => {
    const port = fc.integer({ min: 1, max: 65_535 });
    const address = fc.oneof(fc.ipV4(), fc.ipV6());
    const octets = (size: number) =>
      fc.uint8Array({ minLength: size, maxLength: size }).map((list) => Buffer.from(list));
    const attribute = fc
      .tuple(fc.integer({ min: 0x20, max: 0xff_ff }), fc.uint8Array({ maxLength: 40 }))
      .map(([type, list]) => ({ type, value: Buffer.from(list) }));
    const style = fc.constantFrom('plain' as const, 'filled' as const);
    fc.assert(
      fc.property(
        fc.array(attribute, { maxLength: 8 }),
        octets(16),
        fc.string({ minLength: 1 }),
        style,
        fc.nat(),
        (attributes, transaction, key, style, where) => {
          const written = writeStunMessage({ type: bindingRequest, transaction, attributes }, { key, style });
          const message = read(written);
          assert.deepEqual(message.attributes, attributes);
          assert.deepEqual(message.transaction, transaction);
          // Both are one when the text happens to be a multiple of 64 octets.
          assert.ok(provenStyle(written, message, key));
          const forged = Buffer.from(written);
          forged[where % written.length]! ^= 0x10;
          const other = readStunMessage(forged);
          assert.ok(!other || provenStyle(forged, other, key) === undefined);
        },
      ),
    );
    fc.assert(
      fc.property(address, port, octets(16), (address, port, transaction) => {
        const plain = readAddress(addressAttribute(stunAttributes.mappedAddress, { address, port }).value)!;
        assert.equal(plain.port, port);
        assert.deepEqual(addressAttribute(1, plain).value, addressAttribute(1, { address, port }).value);
        assert.deepEqual(readXorAddress(xorAddressAttribute(plain, transaction).value, transaction), plain);
      }),
    );
  });

  it('garbage is refused', () => {
    const good = writeStunMessage({ type: bindingRequest, transaction: Buffer.alloc(16), attributes: [] });
    const attribute = (...octets: number[]): Buffer => {
      const all = Buffer.concat([good, Buffer.from(octets)]);
      all.writeUInt16BE(octets.length, 2);
      return all;
    };
    for (const octets of [
      Buffer.alloc(0),
      good.subarray(0, 19),
      Buffer.concat([good, Buffer.of(0)]),
      Buffer.from('GET http://192.0.2.1:1?ts=1&id=1&un=u&cn=c&sig=0 HTTP/1.1\r\n\r\n'),
      attribute(0, 6, 0, 5),
      attribute(0, 6, 0xff, 0xff),
      // MESSAGE-INTEGRITY of another length
      attribute(0, 8, 0, 4, 1, 2, 3, 4),
      // too many
      attribute(...Array.from({ length: 33 }, () => [0xc0, 2, 0, 0]).flat()),
    ]) {
      assert.equal(readStunMessage(octets), undefined, octets.toString('hex'));
    }
    assert.equal(readAddress(Buffer.of(0, 3, 0, 1, 1, 1, 1, 1)), undefined);
    assert.equal(readXorAddress(Buffer.of(0, 1, 0), Buffer.alloc(16)), undefined);
    assert.equal(readError(Buffer.of(0)), undefined);
  });
});
