import assert from 'node:assert/strict';
import { contentTypeOf, readMessage, writeMessage } from '../../adapters/omadm/syncml/codec.ts';
import { captureNames, commandAt, messageIn, readCapture } from './captures.ts';

describe('SyncML captures of real clients', () => {
  for (const name of captureNames) {
    it(`${name} is read, and what we write of it says the same in XML and in WBXML`, () => {
      const read = messageIn(name);
      assert.ok(read.message.commands.length > 0);
      assert.ok(read.message.final);
      assert.match(read.message.header.protocol, /^DM\/1\.\d$/);
      for (const form of ['xml', 'wbxml'] as const) {
        const encoding = { ...read.encoding, form };
        const again = readMessage(writeMessage(read.message, encoding), contentTypeOf(encoding));
        assert.deepEqual(again.message, read.message);
        assert.deepEqual(again.warnings, []);
        assert.deepEqual(again.encoding, encoding);
      }
    });
  }

  it('Windows: three commands, a login status without Format, DmV 1.3 with DM/1.2', () => {
    const read = messageIn('win-01-pkg1-request.xml');
    assert.equal(read.message.header.protocol, 'DM/1.2');
    assert.equal(read.message.header.source.uri, '1E08C6E95D8BB843B1278FF45BC60CC6');
    assert.equal(commandAt(read, 0, 'Alert').code, 1201);
    const login = commandAt(read, 1, 'Alert');
    assert.equal(login.code, 1224);
    assert.deepEqual(login.items, [{ meta: { type: 'com.microsoft/MDM/LoginStatus' }, data: 'user' }]);
    const { items } = commandAt(read, 2, 'Replace');
    assert.deepEqual(items[3], { source: './DevInfo/DmV', data: '1.3' });
  });

  it('Windows: a Replace that is still at work, and a header Status of 200', () => {
    const read = messageIn('win-03-pkg3-request.xml');
    const codes = [0, 1, 2].map((index) => {
      const { commandRef, code } = commandAt(read, index, 'Status');
      return [commandRef, code];
    });
    assert.deepEqual(codes, [
      ['0', 200],
      ['5', 202],
      ['6', 202],
    ]);
  });

  it('Windows: Type without the namespace of MetInf', () => {
    const read = messageIn('win-02-pkg2-response.xml');
    assert.deepEqual(commandAt(read, 4, 'Replace').items[0]?.meta, { format: 'chr', type: 'text/plain' });
  });

  it('libdmclient: Results with two items, a challenge beside 212, a NUL in the Data', () => {
    const read = messageIn('libdmclient-02-status-results.xml');
    assert.ok(readCapture('libdmclient-02-status-results.xml').includes(0), 'the capture has lost its NUL');
    const header = commandAt(read, 0, 'Status');
    assert.equal(header.code, 212);
    assert.deepEqual(header.challenge, { type: 'syncml:auth-md5', format: 'b64', nextNonce: 'b3pxdkN6QThubm89' });
    assert.equal(Buffer.from(header.challenge.nextNonce!, 'base64').toString(), 'ozqvCzA8nno=');
    const results = commandAt(read, 3, 'Results');
    assert.equal(results.commandRef, '10');
    assert.deepEqual(
      results.items.map(({ source, data }) => [source, data]),
      [
        ['./DevInfo/Man', 'test manufacturer'],
        ['./DevDetail/SwV', 'TODO'],
      ],
    );
    assert.equal(commandAt(read, 12, 'Results').items[0]?.data, 'chr');
    assert.match(read.warnings.join(), /left out/);
  });

  it('libdmclient says the same in WBXML as in XML', () => {
    const wbxml = messageIn('libdmclient-03-pkg1-basic.wbxml');
    assert.equal(wbxml.encoding.form, 'wbxml');
    assert.deepEqual(wbxml.message, messageIn('libdmclient-01-pkg1-basic.xml').message);
  });

  it('Koneki: an empty credential, and the result of an update with its correlator', () => {
    const read = messageIn('koneki-01-pkg1-fumo-result-1226.xml');
    assert.deepEqual(read.message.header.credential, { data: '', meta: { format: 'b64', type: 'syncml:auth-basic' } });
    const alert = commandAt(read, 1, 'Alert');
    assert.equal(alert.code, 1226);
    assert.equal(alert.correlator, 'op-42');
    assert.deepEqual(alert.items, [
      {
        source: './FUMO',
        meta: {
          type: 'org.openmobilealliance.dm.firmwareupdate.downloadandupdate',
          format: 'int',
          mark: 'informational',
        },
        data: '200',
      },
    ]);
    assert.deepEqual(commandAt(read, 2, 'Replace').meta, { format: 'chr', type: 'text/plain' });
  });
});
