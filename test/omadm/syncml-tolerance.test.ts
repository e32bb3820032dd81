import assert from 'node:assert/strict';
import { metaOf, readElements, readMessage } from '../../adapters/omadm/syncml/codec.ts';
import { commandAt, itemIn, metaIn, readText, workedWbxml, xmlMessage } from './captures.ts';

describe('SyncML as devices write it', () => {
  it('the answer is in the content type that the device has used', () => {
    const alert = Buffer.from(xmlMessage('<Alert><CmdID>1</CmdID><Data>1201</Data></Alert><Final/>'));
    const subtypes = [
      ['application/vnd.syncml.dm+xml; charset=utf-8', 'dm'],
      ['Application/vnd.syncml+xml', 'plain'],
      ['text/xml', 'dm'],
      [undefined, 'dm'],
    ] as const;
    for (const [contentType, subtype] of subtypes) {
      const { encoding, warnings } = readMessage(alert, contentType);
      assert.deepEqual(encoding, { form: 'xml', subtype, representation: '1.2' });
      assert.deepEqual(warnings, []);
    }
  });

  it('the octets decide what is XML and what is WBXML', () => {
    const { encoding, warnings } = readMessage(workedWbxml, 'application/vnd.syncml+xml');
    assert.deepEqual(encoding, { form: 'wbxml', subtype: 'plain', representation: '1.2' });
    assert.match(warnings.join(), /says xml/);
  });

  it('1.1 is told by VerDTD, and without it by the namespace', () => {
    const old = xmlMessage('').replace('SYNCML1.2', 'SYNCML1.1');
    assert.equal(readText(old.replace('<VerDTD>1.2', '<VerDTD>1.1')).encoding.representation, '1.1');
    const { message, encoding } = readText(
      old.replace('<VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>', '').replace('SYNCML:', 'syncml:'),
    );
    assert.equal(encoding.representation, '1.1');
    assert.equal(message.header.protocol, 'DM/1.1');
  });

  it('UTF-16 with and without its mark, and ISO 8859-1', () => {
    const text = xmlMessage('<Alert><CmdID>1</CmdID><Data>1226</Data><Item><Data>Zürich €</Data></Item></Alert>');
    const little = Buffer.from(text, 'utf16le');
    const bodies = [
      Buffer.from(`\uFEFF${text}`),
      Buffer.concat([Buffer.from([0xff, 0xfe]), little]),
      Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(little).swap16()]),
      little,
      Buffer.from(little).swap16(),
      Buffer.from(`<?xml version="1.0" encoding="utf-16"?>${text}`),
    ];
    for (const body of bodies) {
      assert.equal(commandAt(readMessage(body, undefined), 0, 'Alert').items[0]?.data, 'Zürich €');
    }
    const latin = readMessage(Buffer.from(text.replace('€', ''), 'latin1'), undefined);
    assert.equal(commandAt(latin, 0, 'Alert').items[0]?.data, 'Zürich ');
    assert.match(latin.warnings.join(), /8859-1/);
  });

  it('NUL and other characters that XML does not have, anywhere', () => {
    const text = `\0${xmlMessage('<Get><CmdID>\u00014</CmdID></Get>\0<Final/>').replace('<SyncHdr>', '<Sy\0ncHdr>')}\0\0`;
    const { message, warnings } = readText(text);
    assert.equal(message.commands[0]?.id, '4');
    assert.ok(message.final);
    assert.equal(warnings.length, 1);
  });

  it('white space in front of the XML declaration', () => {
    assert.ok(readText(`\r\n <?xml version="1.0"?>${xmlMessage('<Final/>')}\n`).message.final);
  });

  it('an ampersand that is not escaped', () => {
    const { message, warnings } = readText(
      xmlMessage('<Alert><CmdID>1</CmdID><Data>1226</Data><Item><Data>a&b=1&amp;c&#0;&foo;</Data></Item></Alert>'),
    );
    assert.equal(message.commands[0]?.command === 'Alert' && message.commands[0].items[0]?.data, 'a&b=1&c&foo;');
    assert.match(warnings.join(), /mended/);
  });

  it('prefixes, declared and not, single quotes and a DOCTYPE', () => {
    const { message } = readText(
      `<!DOCTYPE SyncML PUBLIC "-//SYNCML//DTD SyncML 1.2//EN" "http://127.0.0.1:1/never.dtd">
      <s:SyncML xmlns:s='SYNCML:SYNCML1.2'><s:SyncHdr><s:MsgID> 3 </s:MsgID><s:Source><s:LocURI>
        d1 </s:LocURI></s:Source></s:SyncHdr><s:SyncBody><s:Replace><s:CmdID>9</s:CmdID><s:Item><s:Meta>
        <m:Type>text/plain</m:Type><Format xmlns='syncml:metinf'>chr</Format></s:Meta></s:Item></s:Replace></s:SyncBody></s:SyncML>`,
    );
    assert.equal(message.header.source.uri, 'd1');
    assert.equal(message.header.messageId, '3');
    const [command] = message.commands;
    assert.ok(command?.command === 'Replace');
    assert.deepEqual(command.items, [{ meta: { type: 'text/plain', format: 'chr' } }]);
  });

  it('children of Meta in any order, in a MetInf, in no namespace; sizes that are none are left out', () => {
    assert.deepEqual(metaIn('<Size>12</Size><Type>a/b</Type><EMI>x</EMI><Format> int </Format>'), {
      size: 12,
      type: 'a/b',
      format: 'int',
    });
    assert.deepEqual(metaIn('<MetInf xmlns="syncml:metinf"><Mark>fatal</Mark></MetInf>'), { mark: 'fatal' });
    assert.deepEqual(metaIn('<Size>-1</Size><MaxObjSize>1e9</MaxObjSize><MaxMsgSize></MaxMsgSize>'), {});
  });

  it('an item has the last word over the Meta of its command', () => {
    const command = { meta: { format: 'chr', type: 'text/plain' } };
    assert.deepEqual(metaOf(command, { meta: { format: 'int' } }), { format: 'int', type: 'text/plain' });
    assert.deepEqual(metaOf({}, {}), {});
  });

  it('white space is content in a Data and nowhere else', () => {
    assert.deepEqual(itemIn('\n <Item>\n <Source>\n<LocURI>\n ./a </LocURI></Source> <Data>\n 1 </Data>\n</Item>'), {
      source: './a',
      data: '\n 1 ',
    });
  });

  it('Data in CDATA, escaped, empty, and missing', () => {
    assert.equal(itemIn('<Item><Data>x<![CDATA[<a>&amp;</a>]]>&lt;b/&gt;</Data></Item>').data, 'x<a>&amp;</a><b/>');
    assert.equal(itemIn('<Item><Data/></Item>').data, '');
    assert.equal(itemIn('<Item/>').data, undefined);
  });

  it('elements in a Data are handed on as markup', () => {
    const { data } = itemIn(
      `<Item><Data> <MgmtTree xmlns='syncml:dmddf1.2' q='"&lt;'><VerDTD>1.2</VerDTD><Data>a&amp;b<![CDATA[<]]></Data></MgmtTree></Data></Item>`,
    );
    assert.deepEqual(data, {
      markup:
        ' <MgmtTree xmlns="syncml:dmddf1.2" q="&quot;&lt;"><VerDTD>1.2</VerDTD><Data>a&amp;b&lt;</Data></MgmtTree>',
    });
  });

  it('the document in a Data is read from markup, text and octets', () => {
    const tree = "<MgmtTree xmlns='syncml:dmddf1.2'><Node><Data><b>x</b></Data></Node></MgmtTree>";
    const inMarkup = itemIn(`<Item><Data> ${tree} </Data></Item>`).data!;
    const inText = itemIn(`<Item><Data><![CDATA[${tree}]]></Data></Item>`).data!;
    for (const data of [inMarkup, inText, Buffer.from(tree)]) {
      const root = readElements(data);
      assert.equal(root.name, 'MgmtTree');
      assert.equal(root.child('Node')?.child('Data')?.child('b')?.text, 'x');
    }
    assert.throws(() => readElements('no document'), { name: 'SyncmlError', reason: 'malformed' });
  });

  it('a Status with the original error of Windows, and its parts in another order', () => {
    const status = `<Status xmlns:msft="http://schemas.microsoft.com/MobileDevice/MDM"><Data msft:originalerror="0x80070002"> 404 </Data>
      <Chal><Meta><Type>syncml:auth-basic</Type></Meta></Chal><Cmd>Get</Cmd><CmdRef>5</CmdRef><MsgRef>2</MsgRef><CmdID>1</CmdID>
      <TargetRef>./a</TargetRef><TargetRef>./b</TargetRef></Status>`;
    assert.deepEqual(commandAt(readText(xmlMessage(status)), 0, 'Status'), {
      command: 'Status',
      id: '1',
      messageRef: '2',
      commandRef: '5',
      answered: 'Get',
      targetRefs: ['./a', './b'],
      sourceRefs: [],
      challenge: { type: 'syncml:auth-basic' },
      code: 404,
      originalError: '0x80070002',
      items: [],
    });
  });

  it('a Status without a code, and commands without a CmdID', () => {
    const read = readText(xmlMessage('<Status><Data>OK</Data></Status><Get/>'));
    assert.equal(commandAt(read, 0, 'Status').code, 0);
    assert.equal(commandAt(read, 1, 'Get').id, '');
    assert.equal(read.warnings.length, 2);
  });

  it('unknown elements are skipped, unknown commands are named', () => {
    const read = readText(
      xmlMessage(
        '<Put><CmdID>1</CmdID><Item><Data>x</Data></Item></Put><Vendor>x</Vendor><Get><CmdID>2</CmdID><X/></Get>',
      ),
    );
    assert.deepEqual(read.message.commands, [
      { command: 'unknown', id: '1', name: 'Put' },
      { command: 'Get', id: '2', items: [] },
    ]);
    assert.match(read.warnings.join(), /Vendor/);
  });

  it('commands in Atomic and Sequence keep their order', () => {
    const read = readText(
      xmlMessage(
        '<Atomic><CmdID>1</CmdID><Meta/><Add><CmdID>2</CmdID></Add><Sequence><CmdID>3</CmdID><Delete><CmdID>4</CmdID></Delete></Sequence></Atomic>',
      ),
    );
    assert.deepEqual(commandAt(read, 0, 'Atomic').commands, [
      { command: 'Add', id: '2', items: [] },
      { command: 'Sequence', id: '3', commands: [{ command: 'Delete', id: '4', items: [] }] },
    ]);
  });

  it('a thousand oddities do not fill the log', () => {
    const { warnings } = readText(xmlMessage('<Vendor/>'.repeat(1000)));
    assert.equal(warnings.length, 21);
  });
});
