import assert from 'node:assert/strict';
import fc from 'fast-check';
import { frame, readMessage, writeCommand, writeMessage, type Encoding } from '../../adapters/omadm/syncml/codec.ts';
import type { SyncmlMessage } from '../../adapters/omadm/syncml/message.ts';
import { anyMessage } from './messages.ts';

const xml: Encoding = { form: 'xml', subtype: 'dm', representation: '1.2' };
const wbxml: Encoding = { ...xml, form: 'wbxml' };

/** Where the encodings cannot say what the model says: XML has octets as base64, WBXML has markup as text. */
function asCarried(message: SyncmlMessage, { form }: Encoding): unknown {
  const carry = (value: unknown): unknown => {
    if (value instanceof Uint8Array) return form === 'xml' ? Buffer.from(value).toString('base64') : value;
    if (Array.isArray(value)) return value.map(carry);
    if (typeof value !== 'object' || value === null) return value;
    if (form === 'wbxml' && 'markup' in value) return value.markup;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, carry(one)]));
  };
  return carry(message);
}

/** Octets that happen to be text come back as text from WBXML, unless their Format is `bin`. */
function withFormatOfOctets(message: SyncmlMessage): SyncmlMessage {
  const mark = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('data' in value && value.data instanceof Uint8Array) {
      Object.assign(value, { meta: { ...('meta' in value ? (value.meta as object) : {}), format: 'bin' } });
    }
    Object.values(value).forEach(mark);
  };
  mark(message.commands);
  return message;
}

const anyEncoding = fc
  .constantFrom(xml, wbxml)
  .chain((encoding) =>
    fc
      .constantFrom<Encoding>(encoding, { ...encoding, representation: '1.1' })
      .chain((one) =>
        fc.record({ encoding: fc.constant(one), message: anyMessage(one.representation).map(withFormatOfOctets) }),
      ),
  );

describe('SyncML, written and read', () => {
  it('a message comes back as it was, in XML and in WBXML, in 1.1 and 1.2', () => {
    fc.assert(
      fc.property(anyEncoding, ({ message, encoding }) => {
        const read = readMessage(writeMessage(message, encoding), undefined);
        assert.deepEqual(asCarried(read.message, encoding), asCarried(message, encoding));
        assert.deepEqual(read.encoding, encoding);
        assert.deepEqual(read.warnings, []);
      }),
      { numRuns: 1000 },
    );
  });

  it('from WBXML to XML and back to WBXML the octets are the same', () => {
    const textual = anyMessage().filter((message) => !hasOctets(message));
    fc.assert(
      fc.property(textual, (message) => {
        const octets = writeMessage(message, wbxml);
        const through = readMessage(writeMessage(readMessage(octets, undefined).message, xml), undefined).message;
        assert.deepEqual(writeMessage(through, wbxml), octets);
      }),
      { numRuns: 500 },
    );
  });

  it('a message made of commands that are written has the same octets, so the size of each is known', () => {
    fc.assert(
      fc.property(anyEncoding, ({ message, encoding }) => {
        const { header, commands, final } = message;
        const pieces = commands.map((command) => writeCommand(command, encoding));
        const whole = frame(header, pieces, final, encoding);
        assert.deepEqual(whole, writeMessage(message, encoding));
        const bare = frame(header, [], final, encoding).length;
        assert.equal(
          whole.length,
          pieces.reduce((sum, { length }) => sum + length, bare),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('Data is there for every Add, Replace and Alert, even when there is nothing in it', () => {
    for (const command of ['Add', 'Replace'] as const) {
      const written = writeCommand({ command, id: '1', items: [{ target: './a', meta: { format: 'node' } }] }, xml);
      assert.match(written.toString(), /<\/Meta><Data><\/Data><\/Item>/);
    }
    const alert = writeCommand({ command: 'Alert', id: '1', code: 1100, items: [{}] }, xml);
    assert.equal(alert.toString(), '<Alert><CmdID>1</CmdID><Data>1100</Data><Item><Data></Data></Item></Alert>');
    const get = writeCommand({ command: 'Get', id: '1', items: [{ target: './a' }] }, xml);
    assert.equal(get.toString(), '<Get><CmdID>1</CmdID><Item><Target><LocURI>./a</LocURI></Target></Item></Get>');
  });

  it('package 2 is written in the order that strict clients want', () => {
    const text = writeMessage(
      {
        header: {
          representation: '1.2',
          protocol: 'DM/1.2',
          sessionId: '1',
          messageId: '1',
          target: { uri: 'DMCtest' },
          source: { uri: 'http://gw/dm', name: 'funambol' },
          responseUri: 'http://gw/dm?sid=a&b',
          credential: { meta: { type: 'syncml:auth-md5', format: 'b64' }, data: 'Lx7CSZp0iHRedCEbryGJuw==' },
          meta: { maximumObjectSize: 1_048_576, maximumMessageSize: 16_384 },
        },
        commands: [
          {
            command: 'Status',
            id: '1',
            messageRef: '1',
            commandRef: '0',
            answered: 'SyncHdr',
            targetRefs: ['http://gw/dm'],
            sourceRefs: ['DMCtest'],
            challenge: { type: 'syncml:auth-md5', format: 'b64', nextNonce: 'ABEiM0RVZneImaq7zN3u/w==' },
            code: 407,
            items: [],
          },
          {
            command: 'Exec',
            id: '11',
            correlator: 'op-42',
            meta: { format: 'chr' },
            items: [{ data: 'x', meta: { type: 'a/b', size: 1 }, moreData: true, source: './s', target: './t' }],
          },
        ],
        final: true,
      },
      xml,
    ).toString();
    const information = (name: string, value: string): string => `<${name} xmlns="syncml:metinf">${value}</${name}>`;
    assert.equal(
      text,
      '<?xml version="1.0" encoding="UTF-8"?><SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>' +
        '<SessionID>1</SessionID><MsgID>1</MsgID><Target><LocURI>DMCtest</LocURI></Target><Source><LocURI>http://gw/dm</LocURI>' +
        '<LocName>funambol</LocName></Source><RespURI>http://gw/dm?sid=a&amp;b</RespURI>' +
        `<Cred><Meta>${information('Format', 'b64')}${information('Type', 'syncml:auth-md5')}</Meta>` +
        '<Data>Lx7CSZp0iHRedCEbryGJuw==</Data></Cred>' +
        `<Meta>${information('MaxMsgSize', '16384')}${information('MaxObjSize', '1048576')}</Meta></SyncHdr><SyncBody>` +
        '<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><TargetRef>http://gw/dm</TargetRef>' +
        `<SourceRef>DMCtest</SourceRef><Chal><Meta>${information('Format', 'b64')}${information('Type', 'syncml:auth-md5')}` +
        `${information('NextNonce', 'ABEiM0RVZneImaq7zN3u/w==')}</Meta></Chal><Data>407</Data></Status>` +
        `<Exec><CmdID>11</CmdID><Meta>${information('Format', 'chr')}</Meta><Correlator>op-42</Correlator><Item>` +
        '<Target><LocURI>./t</LocURI></Target><Source><LocURI>./s</LocURI></Source>' +
        `<Meta>${information('Type', 'a/b')}${information('Size', '1')}</Meta><Data>x</Data><MoreData/></Item></Exec>` +
        '<Final/></SyncBody></SyncML>',
    );
  });
});

function hasOctets(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return value instanceof Uint8Array || Object.values(value).some(hasOctets);
}
