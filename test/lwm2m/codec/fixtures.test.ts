import assert from 'node:assert/strict';
import { ContentFormat, decode, type DecodedValue } from '../../../adapters/lwm2m/codec/codec.ts';
import { parseRegistrationLinks } from '../../../adapters/lwm2m/codec/core-link.ts';
import { objectModel } from '../../../adapters/lwm2m/object-model.ts';
import { contentFormatOf, readFixture } from './support.ts';

function read(name: string, path: string): DecodedValue[] {
  const packet = readFixture(name);
  return decode(contentFormatOf(packet), packet.payload, path, objectModel);
}

/** Without what changes from second to second: free memory, clock. */
const lasting = (values: DecodedValue[]): DecodedValue[] =>
  values.filter(({ path }) => path !== '/3/0/10' && path !== '/3/0/13');

describe('captured datagrams', () => {
  it('show the same device object of Anjay in TLV, SenML CBOR and LwM2M CBOR', () => {
    const tlv = lasting(read('anjay-read-3-0-tlv', '/3/0'));
    assert.deepEqual(lasting(read('anjay-read-3-0-senml-cbor', '/3/0')), tlv);
    assert.deepEqual(lasting(read('anjay-read-3-0-lwm2m-cbor', '/3/0')), tlv);
    assert.equal(tlv.length, 18);
    assert.deepEqual(
      tlv.find(({ path }) => path === '/3/0/22'),
      { path: '/3/0/22', value: { instances: { 0: { link: '/33606/0' } } } },
    );
  });

  it('show the device object of Wakaama, its clock beyond 2038', () => {
    const values = new Map(read('wakaama-read-3-0-tlv', '/3/0').map(({ path, value }) => [path, value]));
    assert.equal(values.get('/3/0/0'), 'Open Mobile Alliance');
    assert.equal(values.get('/3/0/9'), 100);
    assert.deepEqual(values.get('/3/0/7'), { instances: { 0: 3800, 1: 5000 } });
    assert.deepEqual(values.get('/3/0/8'), { instances: { 0: 125, 1: 900 } });
    assert.deepEqual(values.get('/3/0/13'), { time: 3_162_779_625 });
  });

  it('show notified clocks in text', () => {
    assert.deepEqual(read('wakaama-notify-3-0-13', '/3/0/13'), [{ path: '/3/0/13', value: { time: 3_162_779_628 } }]);
    assert.deepEqual(read('anjay-notify-3-0-13-con', '/3/0/13'), [{ path: '/3/0/13', value: { time: 1_795_288_464 } }]);
  });

  it('show what Wakaama registers: a root with a format, versions on the object', () => {
    const links = parseRegistrationLinks(readFixture('wakaama-register').payload);
    assert.equal(links.root, '');
    assert.deepEqual(links.contentFormats, [ContentFormat.SENML_JSON]);
    assert.deepEqual(links.objects.slice(0, 2), [{ path: '/1/0', version: '1.1' }, { path: '/2/0' }]);
    assert.deepEqual(
      links.objects.slice(-3),
      [10, 11, 12].map((instance) => ({ path: `/31024/${instance}`, version: '1.0' })),
    );
  });

  it('show the instance that a later list of Wakaama adds', () => {
    const links = parseRegistrationLinks(readFixture('wakaama-update-objects').payload);
    assert.deepEqual(
      links.objects.map(({ path }) => path).filter((path) => path.startsWith('/31024')),
      ['/31024/2', '/31024/10', '/31024/11', '/31024/12'],
    );
  });

  it('show what Anjay registers: no root, objects without instances', () => {
    const links = parseRegistrationLinks(readFixture('anjay-register').payload);
    assert.deepEqual([links.root, links.contentFormats, links.others], ['', [], []]);
    assert.equal(links.objects.length, 23);
    const byPath = new Map(links.objects.map((object) => [object.path, object.version]));
    assert.equal(byPath.get('/10/0'), '1.1');
    assert.ok(byPath.has('/16'));
    assert.ok(!byPath.has('/10'));
  });
});
