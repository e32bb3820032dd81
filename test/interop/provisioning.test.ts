/** The provisioning document through an independent decoder of WBXML. */
import assert from 'node:assert/strict';
import { create } from 'xmlbuilder2';
import { writeProvisioningDocument, type DmAccount } from '../../adapters/omadm/bootstrap.ts';
import { findLibwbxml } from './libwbxml.ts';

describe('libwbxml reads a provisioning document', () => {
  it('in WBXML as it is in XML', async function () {
    const tool = await findLibwbxml();
    if (tool === undefined) {
      console.log('      SKIPPED: xml2wbxml and wbxml2xml are not installed; install libwbxml2-utils');
      return this.skip();
    }
    const account: DmAccount = {
      serverId: 'gw.example.com',
      name: 'Trivet',
      address: 'https://gw.example.com:7550/omadm?a=1&b=2',
      client: { username: 'IMEI:1', secret: 'wön "<der' },
      serverSecret: 'gwpass',
      scheme: 'hmac',
      nonces: { client: 'YWFh', server: 'YmJi' },
    };
    const contents = (xml: string): unknown => create(xml.replace(/<!DOCTYPE[^>]*>/, '')).end({ format: 'object' });
    const decoded = await tool.toXml(writeProvisioningDocument(account, 'wbxml').body);
    assert.deepEqual(contents(decoded), contents(writeProvisioningDocument(account, 'xml').body.toString()));
    const flagged = await tool.toXml(writeProvisioningDocument({ ...account, startSession: true }, 'wbxml').body);
    assert.match(flagged, /<parm name="INIT"\s*\/>/);
  });
});
