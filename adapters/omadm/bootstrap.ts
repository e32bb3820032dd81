/**
 * How a device learns of the gateway without one (DM Bootstrap 1.2.1): its DM account as a provisioning document of the `w7`
 * application (OMA ProvCont 1.1; DM AC w7 1.0), or as a DM profile, a message that adds a DMAcc to ./Inbox.
 */
import { createHmac } from 'node:crypto';
import type { Account, Scheme } from './credential-digests.ts';
import { encodeProvisioning, type Provision } from './provisioning-wbxml.ts';
import { contentTypeOf, writeMessage } from './syncml/codec.ts';
import { escapeAttribute, escapeText } from './syncml/xml-text.ts';

export interface DmAccount {
  /** ServerID. */
  serverId: string;
  name?: string;
  /** URL of the gateway, as the device reaches it. */
  address: string;
  /** By which the device proves itself. */
  client?: Account;
  /** By which the gateway does; its user name is the ServerID. */
  serverSecret?: string;
  scheme: Scheme;
  /** First nonces, in base64; absent: the empty one, which the gateway expects of a device that has told none. */
  nonces?: { client: string; server: string };
  /** The device begins a session at once. */
  startSession?: boolean;
}

export interface BootstrapDocument {
  contentType: string;
  body: Buffer;
}

const authenticationTypes: Readonly<Record<Scheme, string>> = { basic: 'BASIC', md5: 'DIGEST', hmac: 'HMAC' };

/** The provisioning document, as XML or as WBXML. */
export function writeProvisioningDocument(account: DmAccount, form: 'xml' | 'wbxml'): BootstrapDocument {
  const contents = provisionOf(account);
  if (form === 'wbxml') {
    return { contentType: 'application/vnd.wap.connectivity-wbxml', body: encodeProvisioning(contents) };
  }
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n<wap-provisioningdoc version="1.1">${contents.map(xmlOf).join('')}</wap-provisioningdoc>`;
  return { contentType: 'text/vnd.wap.connectivity-xml', body: Buffer.from(text) };
}

function provisionOf(account: DmAccount): Provision[] {
  const { serverId, name, address, client, serverSecret, scheme, nonces, startSession } = account;
  const parameter = (named: string, value?: string): Provision => ({ parameter: named, value });
  const proof = (level: string, { username, secret }: Account, nonce: string | undefined): Provision => ({
    group: 'APPAUTH',
    contents: [
      parameter('AAUTHLEVEL', level),
      parameter('AAUTHTYPE', authenticationTypes[scheme]),
      parameter('AAUTHNAME', username),
      parameter('AAUTHSECRET', secret),
      ...(nonce === undefined ? [] : [parameter('AAUTHDATA', nonce)]),
    ],
  });
  return [
    {
      group: 'APPLICATION',
      contents: [
        parameter('APPID', 'w7'),
        parameter('PROVIDER-ID', serverId),
        ...(name === undefined ? [] : [parameter('NAME', name)]),
        parameter('ADDR', address),
        ...(startSession ? [parameter('INIT')] : []),
        ...(client ? [proof('APPSRV', client, nonces?.client)] : []),
        ...(serverSecret === undefined
          ? []
          : [proof('CLIENT', { username: serverId, secret: serverSecret }, nonces?.server)]),
      ],
    },
  ];
}

function xmlOf(one: Provision): string {
  if ('group' in one) return `<characteristic type="${one.group}">${one.contents.map(xmlOf).join('')}</characteristic>`;
  const value = one.value === undefined ? '' : ` value="${escapeAttribute(one.value)}"`;
  return `<parm name="${one.parameter}"${value}/>`;
}

/** The DM profile. Nothing answers it. */
export function writeDmProfile(account: DmAccount, form: 'xml' | 'wbxml'): BootstrapDocument {
  const encoding = { form, subtype: 'dm', representation: '1.2' } as const;
  const body = writeMessage(
    {
      header: {
        representation: '1.2',
        protocol: 'DM/1.2',
        sessionId: '0',
        messageId: '1',
        target: { uri: '' },
        source: { uri: account.serverId },
      },
      commands: [
        {
          command: 'Add',
          id: '1',
          items: [
            {
              target: './Inbox',
              meta: { format: 'xml', type: 'application/vnd.syncml.dmtnds+xml' },
              data: treeOf(account),
            },
          ],
        },
      ],
      final: true,
    },
    encoding,
  );
  return { contentType: contentTypeOf(encoding), body };
}

/** A DMAcc in the serialization of trees (DM TND 1.2.1, 7). */
function treeOf({ serverId, name, address, client, serverSecret, scheme, nonces }: DmAccount): string {
  const level = (which: string, { username, secret }: Account, nonce: string | undefined): string =>
    interior(
      which,
      leaf('AAuthLevel', which) +
        leaf('AAuthType', authenticationTypes[scheme]) +
        leaf('AAuthName', username) +
        leaf('AAuthSecret', secret) +
        (nonce === undefined ? '' : leaf('AAuthData', nonce, 'b64')),
    );
  const account = interior(
    'Trivet',
    leaf('AppID', 'w7') +
      leaf('ServerID', serverId) +
      (name === undefined ? '' : leaf('Name', name)) +
      interior('AppAddr', interior('Address', leaf('Addr', address) + leaf('AddrType', 'URI'))) +
      leaf('AAuthPref', authenticationTypes[scheme]) +
      interior(
        'AppAuth',
        (client ? level('CLCRED', client, nonces?.client) : '') +
          (serverSecret === undefined
            ? ''
            : level('SRVCRED', { username: serverId, secret: serverSecret }, nonces?.server)),
      ),
    '<Type><DDFName>urn:oma:mo:oma-dm-dmacc:1.0</DDFName></Type>',
  );
  return `<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD>${account}</MgmtTree>`;
}

function interior(name: string, contents: string, type = ''): string {
  const properties = `<RTProperties><Format><node/></Format>${type}</RTProperties>`;
  return `<Node><NodeName>${escapeText(name)}</NodeName>${properties}${contents}</Node>`;
}

function leaf(name: string, value: string, format = 'chr'): string {
  const properties = `<RTProperties><Format><${format}/></Format><Type><MIME>text/plain</MIME></Type></RTProperties>`;
  return `<Node><NodeName>${escapeText(name)}</NodeName>${properties}<Value>${escapeText(value)}</Value></Node>`;
}

/** How the device knows that a push with a bootstrap document is for it: parameters SEC and MAC of its content type. */
export type BootstrapSecurity =
  | { method: 'networkId'; imsi: string }
  | { method: 'userPin'; pin: string }
  | { method: 'userPinNetworkId'; imsi: string; pin: string };

const securityCodes = { networkId: 0, userPin: 1, userPinNetworkId: 2 } as const;

/** `; SEC=1; MAC=6CD4…`: HMAC-SHA1 over the body with what both sides know of the subscriber. */
export function securityParameters(body: Uint8Array, security: BootstrapSecurity): string {
  return `; SEC=${securityCodes[security.method]}; MAC=${bootstrapMac(body, securityKey(security))}`;
}

export function bootstrapMac(body: Uint8Array, key: Uint8Array): string {
  return createHmac('sha1', key).update(body).digest('hex').toUpperCase();
}

function securityKey(security: BootstrapSecurity): Buffer {
  const imsi = 'imsi' in security ? semiOctets(security.imsi) : Buffer.alloc(0);
  return Buffer.concat([imsi, Buffer.from('pin' in security ? security.pin : '', 'ascii')]);
}

/**
 * As the SIM keeps it (3GPP TS 51.011, EF IMSI) without the length: low half first, in front of the digits 9 where their number is
 * odd and 1 where it is even, which a last F fills up.
 * @throws RangeError when it is no IMSI
 */
function semiOctets(imsi: string): Buffer {
  if (!/^\d{6,15}$/.test(imsi)) throw new RangeError('an IMSI has 6 to 15 digits');
  const digits = imsi.length % 2 === 1 ? `9${imsi}` : `1${imsi}F`;
  return Buffer.from(digits.replaceAll(/(.)(.)/g, '$2$1'), 'hex');
}
