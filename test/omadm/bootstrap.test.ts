/** How a device learns of the gateway: documents that others read too, and the code by which it knows them. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { SaxesParser } from 'saxes';
import {
  bootstrapMac,
  securityParameters,
  writeDmProfile,
  writeProvisioningDocument,
  type DmAccount,
} from '../../adapters/omadm/bootstrap.ts';
import { readMessage } from '../../adapters/omadm/syncml/codec.ts';

const account: DmAccount = {
  serverId: 'gw.example.com',
  name: 'Trivet',
  address: 'https://gw.example.com:7550/omadm?a=1&b=2',
  client: { username: 'IMEI:1', secret: '"<&lt;>' },
  serverSecret: 'gwpass',
  scheme: 'md5',
  startSession: true,
};

/** Start and end of each element, parameters in one line. */
function linesOf(text: string): string[] {
  const lines: string[] = [];
  const parser = new SaxesParser();
  parser.on('opentag', ({ name, attributes }) =>
    lines.push([name, ...Object.entries(attributes).map(([key, value]) => `${key}=${value}`)].join(' ')),
  );
  parser.on('closetag', ({ name }) => name !== 'parm' && lines.push(`/${name}`));
  parser.write(text).close();
  return lines;
}

describe('a bootstrap document', () => {
  it('w7: the account as a provisioning document, with any characters in a password', () => {
    const { contentType, body } = writeProvisioningDocument(account, 'xml');
    assert.equal(contentType, 'text/vnd.wap.connectivity-xml');
    assert.deepEqual(linesOf(body.toString()), [
      'wap-provisioningdoc version=1.1',
      'characteristic type=APPLICATION',
      'parm name=APPID value=w7',
      'parm name=PROVIDER-ID value=gw.example.com',
      'parm name=NAME value=Trivet',
      'parm name=ADDR value=https://gw.example.com:7550/omadm?a=1&b=2',
      'parm name=INIT',
      'characteristic type=APPAUTH',
      'parm name=AAUTHLEVEL value=APPSRV',
      'parm name=AAUTHTYPE value=DIGEST',
      'parm name=AAUTHNAME value=IMEI:1',
      'parm name=AAUTHSECRET value="<&lt;>',
      '/characteristic',
      'characteristic type=APPAUTH',
      'parm name=AAUTHLEVEL value=CLIENT',
      'parm name=AAUTHTYPE value=DIGEST',
      'parm name=AAUTHNAME value=gw.example.com',
      'parm name=AAUTHSECRET value=gwpass',
      '/characteristic',
      '/characteristic',
      '/wap-provisioningdoc',
    ]);
  });

  for (const form of ['xml', 'wbxml'] as const) {
    it(`DM profile as ${form}: a message that adds a DMAcc to ./Inbox, with first nonces`, () => {
      const nonces = { client: 'YWFh', server: 'YmJi' };
      const { contentType, body } = writeDmProfile({ ...account, nonces }, form);
      assert.equal(contentType, `application/vnd.syncml.dm+${form}`);
      const [add] = readMessage(body, contentType).message.commands;
      assert.ok(add?.command === 'Add');
      const item = add.items[0]!;
      assert.equal(item.target, './Inbox');
      assert.ok(typeof item.data === 'string');
      const text = item.data;
      assert.match(text, /urn:oma:mo:oma-dm-dmacc:1\.0/);
      assert.match(text, /<NodeName>SRVCRED</);
      assert.match(text, /<NodeName>AAuthData<.*?<Value>YmJi</s);
    });
  }

  it('the worked MAC with a PIN, and its parameters of the content type', () => {
    const body = Buffer.from('030b6a004501', 'hex');
    assert.equal(bootstrapMac(body, Buffer.from('1234')), '6CD48BFD7FFC33183154734DF4434DA694E25E6A');
    assert.equal(
      securityParameters(body, { method: 'userPin', pin: '1234' }),
      '; SEC=1; MAC=6CD48BFD7FFC33183154734DF4434DA694E25E6A',
    );
  });

  it('signs with the IMSI as a SIM keeps it, odd and even, alone and before the PIN', () => {
    const body = Buffer.from('x');
    const mac = (key: string, pin = ''): string =>
      createHmac('sha1', Buffer.concat([Buffer.from(key, 'hex'), Buffer.from(pin)]))
        .update(body)
        .digest('hex')
        .toUpperCase();
    const odd = securityParameters(body, { method: 'networkId', imsi: '123456789012345' });
    assert.equal(odd, `; SEC=0; MAC=${mac('1932547698103254')}`);
    const even = securityParameters(body, { method: 'userPinNetworkId', imsi: '12345678901234', pin: '77' });
    assert.equal(even, `; SEC=2; MAC=${mac('11325476981032f4', '77')}`);
    assert.throws(() => securityParameters(body, { method: 'networkId', imsi: 'abc' }), /6 to 15 digits/);
  });
});
