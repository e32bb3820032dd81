import assert from 'node:assert/strict';
import { readMessage, writeMessage, type Encoding } from '../../adapters/omadm/syncml/codec.ts';
import type { Item, SyncmlMessage } from '../../adapters/omadm/syncml/message.ts';
import { commandAt, workedWbxml } from './captures.ts';

const encoding: Encoding = { form: 'wbxml', subtype: 'dm', representation: '1.2' };
const worked: SyncmlMessage = {
  header: {
    representation: '1.2',
    protocol: 'DM/1.2',
    sessionId: '1',
    messageId: '1',
    target: { uri: 'http://s/dm' },
    source: { uri: 'd1' },
    meta: { maximumMessageSize: 4096 },
  },
  commands: [{ command: 'Alert', id: '1', code: 1201, items: [] }],
  final: true,
};

/** Octets of tokens in hexadecimal, and of texts in quotes. */
function octets(tokens: string): Buffer {
  const parts = tokens.match(/"[^"]*"|[0-9a-f]{2}/gi) ?? [];
  return Buffer.concat(
    parts.map((part) => (part.startsWith('"') ? Buffer.from(part.slice(1, -1)) : Buffer.from(part, 'hex'))),
  );
}

const header = `6c 5b 03 "1" 00 01 67 57 03 "d1" 00 01 01 01`;
/** A message with one Results; its content is given. */
const message = (content: string, head = '02 a4 01 6a 00'): Buffer =>
  octets(`${head} 6d ${header} 6b 62 4b 03 "1" 00 01 ${content} 01 01 01`);

function itemIn(content: string, head?: string): Item {
  const { items } = commandAt(readMessage(message(content, head), undefined), 0, 'Results');
  assert.equal(items.length, 1);
  return items[0]!;
}

const format = (name: string): string => `5a 00 01 47 03 "${name}" 00 01 01 00 00`;

describe('SyncML in WBXML', () => {
  it('the worked message is read', () => {
    assert.deepEqual(readMessage(workedWbxml, undefined), { message: worked, encoding, warnings: [] });
  });

  it('the worked message is written, octet for octet', () => {
    assert.equal(writeMessage(worked, encoding).toString('hex'), workedWbxml.toString('hex'));
  });

  it('public identifiers of 1.2 and 1.1, by number and by the string table', () => {
    const tables: [head: string, representation: string | undefined, warnings: number][] = [
      ['02 a4 01 6a 00', '1.2', 0],
      ['03 9f 53 6a 00', '1.1', 0],
      ['01 00 00 6a 1d "-//SYNCML//DTD SyncML 1.1//EN"', '1.1', 0],
      ['02 00 01 6a 1f 00 "-//SYNCML//DTD SyncML 1.2//EN" 00', '1.2', 0],
      ['02 01 6a 00', '1.2', 1],
    ];
    for (const [head, representation, warnings] of tables) {
      const read = readMessage(message('', head), undefined);
      assert.equal(read.encoding.representation, representation, head);
      const publicIdWarnings = read.warnings.filter((warning) => warning.includes('public identifier'));
      assert.equal(publicIdWarnings.length, warnings, head);
    }
  });

  it('text from inline strings, the string table, entities and opaque octets is one text', () => {
    const head = '02 a4 01 6a 06 "ab" 00 "cd" 00';
    assert.equal(itemIn(`54 4f 03 "x" 00 83 00 83 03 02 81 5c c3 02 "yz" 01 01`, head).data, 'xabcdÜyz');
    assert.equal(itemIn(`54 4f c3 02 "yz" c3 01 "a" 02 21 01 01`, head).data, 'yza!');
  });

  it('elements by literal names', () => {
    const head = '02 a4 01 6a 0c "Item" 00 "Vendor" 00';
    assert.equal(itemIn('44 00 4f 03 "x" 00 01 44 05 03 "y" 00 01 04 05 01', head).data, 'x');
  });

  it('attributes and extensions, which SyncML does not have, are passed over', () => {
    const attributes = '05 03 "a" 00 85 83 00 04 00 c3 01 "b" 40 "c" 00 80 05 c0 00 01 06 02 41 01';
    assert.equal(
      itemIn(`d4 ${attributes} cf ${attributes} 03 "x" 00 c1 81 05 42 "n" 00 01 01`, '02 a4 01 6a 02 "q" 00').data,
      'x',
    );
  });

  it('the original error of a Status as a literal attribute', () => {
    const head = '02 a4 01 6a 13 "msft:originalerror" 00';
    const status = octets(
      `${head} 6d ${header} 6b 69 4b 03 "1" 00 01 cf 04 00 03 "0x80" 00 03 "07" 00 01 03 "500" 00 01 01 01 01`,
    );
    const { code, originalError } = commandAt(readMessage(status, undefined), 0, 'Status');
    assert.deepEqual([code, originalError], [500, '0x8007']);
  });

  it('a page holds until the next switch, also beyond the end of its elements', () => {
    assert.deepEqual(itemIn('54 5a 00 01 47 03 "chr" 00 01 53 03 "a/b" 00 01 01 00 00 4f 03 "v" 00 01 01'), {
      meta: { format: 'chr', type: 'a/b' },
      data: 'v',
    });
  });

  it('opaque Data is text where it is text, without the NULs at its end', () => {
    assert.equal(itemIn(`54 ${format('chr')} 4f c3 04 "chr" 00 01 01`).data, 'chr');
    assert.equal(itemIn('54 4f c3 02 c3 a9 01 01').data, 'é');
    assert.equal(itemIn(`54 ${format('b64')} 4f c3 08 "aGVsbG8=" 01 01`).data, 'aGVsbG8=');
    assert.equal(itemIn('54 4f c3 00 01 01').data, '');
    assert.equal(itemIn('54 0f 01').data, '');
  });

  it('opaque Data is octets where its Format says so, where it is no text, and where it is WBXML', () => {
    const octetsIn = (content: string): string => {
      const { data } = itemIn(content);
      assert.ok(data instanceof Uint8Array, String(data));
      return Buffer.from(data).toString('hex');
    };
    assert.equal(octetsIn(`54 ${format('bin')} 4f c3 02 "ab" 01 01`), '6162');
    assert.equal(octetsIn(`54 ${format('b64')} 4f c3 02 "a-" 01 01`), '612d');
    assert.equal(octetsIn('54 4f c3 02 ff 00 01 01'), 'ff00');
    assert.equal(octetsIn('54 4f c3 02 ff 00 c3 01 01 01 01'), 'ff0001');
    assert.equal(octetsIn(`54 ${format('xml')} 4f c3 05 02 00 00 6a 60 01 01`), '0200006a60');
    // The Format of the command counts where the item has none.
    assert.equal(octetsIn(`${format('bin')} 54 4f c3 01 "a" 01 01`), '61');
  });

  it('a tree of page 2 in a Data is handed on as markup', () => {
    assert.deepEqual(itemIn('54 4f 00 02 60 77 03 "1.2" 00 01 64 63 03 "a<" 00 01 0b 01 01 01 01').data, {
      markup:
        '<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD><Node><Name>a&lt;</Name><chr></chr></Node></MgmtTree>',
    });
  });

  it('a nonce and a credential that are opaque octets are base64, as in XML', () => {
    const challenge = octets(
      `02 a4 01 6a 00 6d ${header} 6b 69 4b 03 "1" 00 01 49 5a 00 01 50 c3 02 ff 00 01 53 03 "syncml:auth-md5" 00 01 01 01 00 00 01 01 01`,
    );
    assert.deepEqual(commandAt(readMessage(challenge, undefined), 0, 'Status').challenge, {
      type: 'syncml:auth-md5',
      nextNonce: '/wA=',
    });
    const credential = octets(
      '02 a4 01 6a 00 6d 6c 5b 03 "1" 00 01 67 57 03 "d1" 00 01 01 4e 4f c3 02 fe fd 01 01 01 01',
    );
    assert.equal(readMessage(credential, undefined).message.header.credential?.data, '/v0=');
  });

  it('ISO 8859-1 by its number', () => {
    assert.equal(itemIn('54 4f 03 fc 00 01 01', '02 a4 01 04 00').data, 'ü');
  });

  it('text with a NUL is written as opaque octets, for an inline string would end there', () => {
    const results: SyncmlMessage = {
      ...worked,
      commands: [{ command: 'Get', id: '1', items: [{ target: './a\0b' }] }],
    };
    const read = readMessage(writeMessage(results, encoding), undefined);
    assert.equal(commandAt(read, 0, 'Get').items[0]?.target, './a\0b');
  });
});
