import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import type { CoapResponse } from '../../adapters/lwm2m/coap/endpoint.ts';
import { ContentFormat, encode } from '../../adapters/lwm2m/codec/codec.ts';
import { objectModel } from '../../adapters/lwm2m/object-model.ts';
import { tellRequest, tellResponse, tellValues } from '../../adapters/lwm2m/trace-words.ts';

const naming = { model: objectModel, root: '' };

function answer(code: string, payload: Buffer, contentFormat?: number): CoapResponse {
  return { code, payload, contentFormat, options: {} };
}

function written(path: string, value: string | { bytes: string }): unknown {
  const single = typeof value === 'string' ? ContentFormat.TEXT : ContentFormat.OPAQUE;
  const payload = encode(single, path, [{ path, value }], objectModel);
  return tellRequest({ method: 'PUT', path, contentFormat: single, payload }, naming)().detail;
}

describe('LwM2M messages in words', () => {
  it('an answer shows its values by path and name', () => {
    const payload = encode(
      ContentFormat.TLV,
      '/3/0',
      [
        { path: '/3/0/0', value: 'ACME' },
        { path: '/3/0/9', value: 87 },
        { path: '/3/0/6', value: { instances: { 0: 1, 1: 5 } } },
        { path: '/3/0/13', value: { time: 1_700_000_000 } },
      ],
      objectModel,
    );
    const { direction, summary, detail } = tellResponse(answer('2.05', payload, ContentFormat.TLV), '/3/0', naming)();
    assert.equal(direction, 'in');
    assert.equal(summary, `2.05 Content as application/vnd.oma.lwm2m+tlv ${payload.length} octets`);
    assert.deepEqual(detail, {
      '/3/0/0 Manufacturer': 'ACME',
      '/3/0/9 Battery Level': 87,
      '/3/0/6 Available Power Sources': { 0: 1, 1: 5 },
      '/3/0/13 Current Time': '2023-11-14T22:13:20.000Z',
    });
  });

  it('names carry the alternate root of the device', () => {
    const response = answer('2.05', Buffer.from('87'), ContentFormat.TEXT);
    const { detail } = tellResponse(response, '/lwm2m/3/0/9', { model: objectModel, root: '/lwm2m' })();
    assert.deepEqual(detail, { '/lwm2m/3/0/9 Battery Level': 87 });
  });

  it('a package is counted, not shown', () => {
    assert.deepEqual(written('/5/0/0', { bytes: Buffer.alloc(300, 'secret').toString('base64') }), {
      '/5/0/0 Package': '<300 octets>',
    });
  });

  it('what is named like a secret is not shown', () => {
    assert.deepEqual(written('/9/0/15', 'open sesame'), { '/9/0/15 Password': '***' });
    assert.deepEqual(written('/12/0/17', 'open sesame'), { '/12/0/17 WPA Pre Shared Key': '***' });
  });

  it('user, password and query of an URL are not shown', () => {
    assert.deepEqual(written('/5/0/1', 'https://me:sesame@images.example/a.img?token=sesame'), {
      '/5/0/1 Package URI': 'https://***@images.example/a.img?***',
    });
  });

  it('long texts and long lists are cut, and say so', () => {
    const [long] = Object.values(written('/3/0/14', 'x'.repeat(500)) as Record<string, string>);
    assert.equal(long, `${'x'.repeat(120)}… (500 characters)`);
    const values = Array.from({ length: 45 }, (_, at) => ({ path: `/3303/${at}/5700`, value: at }));
    const { summary, detail } = tellValues('Send', { values, unreadable: [] }, naming)();
    assert.equal(summary, 'Send, 45 values');
    assert.equal(Object.keys(detail as object).length, 41);
    assert.deepEqual((detail as Record<string, unknown>)['…'], '5 more');
  });

  it('values of one moment name it once, others each', () => {
    const at = (time: number, value: number) => ({ path: '/3303/0/5700', value, time });
    const told = (values: ReturnType<typeof at>[]) => tellValues('Send', { values, unreadable: [] }, naming);
    const { detail: one } = told([at(1_700_000_000, 21)])();
    assert.deepEqual(one, { measured: '2023-11-14T22:13:20.000Z', '/3303/0/5700 Sensor Value': 21 });
    const { detail: series } = told([at(1_700_000_000, 21), at(1_700_000_060, 22)])();
    assert.deepEqual(series, {
      '/3303/0/5700 Sensor Value at 2023-11-14T22:13:20.000Z': 21,
      '/3303/0/5700 Sensor Value at 2023-11-14T22:14:20.000Z': 22,
    });
  });

  it('a refusal shows the diagnostic text of the device', () => {
    const { summary, detail } = tellResponse(answer('4.00', Buffer.from('no such state')), '/5/0/2', naming)();
    assert.equal(summary, '4.00 Bad Request');
    assert.equal(detail, 'no such state');
  });

  it('an answer that cannot be read says why', () => {
    const response = answer('2.05', Buffer.from('ff', 'hex'), ContentFormat.SENML_CBOR);
    assert.match(String(tellResponse(response, '/3/0', naming)().detail), /^cannot be read: ./);
  });

  it('one value that cannot be read says why among the others', () => {
    const response = answer('2.05', Buffer.from('c30901e240c11405', 'hex'), ContentFormat.TLV);
    assert.deepEqual(tellResponse(response, '/3/0', naming)().detail, {
      '/3/0/20 Battery Status': 5,
      '/3/0/9 Battery Level': 'cannot be read: A TLV integer has 1, 2, 4 or 8 octets, not 3 (0x01e240)',
    });
  });

  it('a composite request shows its paths, a push its size', () => {
    const composite = tellRequest({ method: 'FETCH', path: '/', contentFormat: 112 }, naming, ['/3/0/9', '/5/0/3'])();
    assert.deepEqual(composite.detail, ['/3/0/9', '/5/0/3']);
    const source = { size: 70_000, read: async () => Buffer.alloc(0) };
    const push = tellRequest({ method: 'PUT', path: '/5/0/0', contentFormat: 42, source }, naming)();
    assert.equal(push.summary, 'PUT /5/0/0 as application/octet-stream 70000 octets in blocks');
  });
});
