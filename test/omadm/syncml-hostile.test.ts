import assert from 'node:assert/strict';
import {
  defaultSyncmlLimits,
  readMessage,
  readMessageInTurns,
  SyncmlError,
  writeCommand,
  type SyncmlReason,
} from '../../adapters/omadm/syncml/codec.ts';
import { readCapture, workedWbxml, xmlMessage } from './captures.ts';

function reasonOf(octets: Uint8Array): SyncmlReason | undefined {
  try {
    readMessage(octets, undefined);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof SyncmlError, String(error));
    return error.reason;
  }
}

const nested = (name: string, depth: number): string => `<${name}>`.repeat(depth) + `</${name}>`.repeat(depth);
const withCommand = (content: string): string => xmlMessage(`<Results><CmdID>1</CmdID>${content}</Results>`);
const attributes = (count: number): string => Array.from({ length: count }, (_, index) => ` a${index}="x"`).join('');
const billion = '<!DOCTYPE SyncML [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>';
const external = '<!DOCTYPE SyncML [<!ENTITY a SYSTEM "file:///etc/passwd">]>';

const documents: [what: string, text: string, reason: SyncmlReason | undefined][] = [
  ['nothing', '', 'malformed'],
  ['white space', ' \n ', 'malformed'],
  ['no XML', 'hello', 'malformed'],
  ['two roots', '<SyncML/><SyncML/>', 'malformed'],
  ['another document', '<Envelope/>', 'no-message'],
  ['no header', '<SyncML/>', 'incomplete'],
  ['no Source', '<SyncML><SyncHdr><MsgID>1</MsgID></SyncHdr></SyncML>', 'incomplete'],
  ['an empty Source', xmlMessage('').replace('urn:dev:1', ' '), 'incomplete'],
  ['no MsgID', xmlMessage('').replace('<MsgID>1</MsgID>', ''), 'incomplete'],
  ['cut off', xmlMessage('<Get>').slice(0, -30), 'malformed'],
  ['an element that is not closed', xmlMessage('<Get>'), 'malformed'],
  ['markup in a Data that is none', withCommand('<Item><Data>5 < 6</Data></Item>'), 'malformed'],
  ['entities that grow', `${billion}${withCommand('<Item><Data>&b;</Data></Item>')}`, 'entity'],
  ['an external entity', `${external}${withCommand('<Item><Data>&a;</Data></Item>')}`, 'entity'],
  ['deep', xmlMessage(nested('Sequence', 40)), 'too-deep'],
  ['deep in a Data', withCommand(`<Item><Data>${nested('a', 40)}</Data></Item>`), 'too-deep'],
  ['as deep as can be', xmlMessage(nested('Sequence', 30)), undefined],
  ['many items', withCommand('<Item/>'.repeat(4097)), 'too-many-items'],
  ['as many items as can be', withCommand('<Item/>'.repeat(4096)), undefined],
  ['many elements', xmlMessage('<Get/>'.repeat(65_536)), 'too-many-elements'],
  ['many elements in a Data', withCommand(`<Item><Data>${'<a/>'.repeat(65_536)}</Data></Item>`), 'too-many-elements'],
  ['many attributes', xmlMessage(`<Get${attributes(33)}/>`), 'too-many-attributes'],
  ['a tenth of a million attributes', xmlMessage(`<Get${attributes(80_000)}/>`), 'too-many-attributes'],
  ['too large', xmlMessage(' '.repeat(defaultSyncmlLimits.octets)), 'too-large'],
  ['half an octet pair', '\ufeff<', 'malformed'],
];

const tables: [what: string, hex: string, reason: SyncmlReason | undefined][] = [
  ['only a version', '02', 'malformed'],
  ['a number without an end', '02ffffffffffff', 'malformed'],
  ['a number of 33 bits', '029fffffff7f6a00', 'malformed'],
  ['a string table that is not there', '02a4016a8fffffff7f', 'malformed'],
  ['an unknown character set', '02a4018f7800', 'charset'],
  ['a public identifier outside of the table', '0200056a00', 'malformed'],
  ['an END before anything', '02a4016a0001', 'malformed'],
  ['an opaque that is longer than the message', '02a4016a006dc38fffffff7f', 'malformed'],
  ['a string without an end', '02a4016a006d0361', 'malformed'],
  ['a string outside of the table', '02a4016a006d8305', 'malformed'],
  ['a literal that is no name', '02a4016a033c3e004400', 'malformed'],
  ['an entity that is no character', '02a4016a006d02878000', 'malformed'],
  ['an entity beyond Unicode', '02a4016a006d02c88000', 'malformed'],
  ['another root', '02a4016a0005', 'no-message'],
  ['an unknown page', '02a4016a0000ff05', 'no-message'],
];

describe('SyncML that shall do harm', () => {
  for (const [what, text, reason] of documents) {
    it(`${what} in XML: ${reason ?? 'read'}`, () => {
      assert.equal(reasonOf(Buffer.from(text)), reason);
    });
  }

  for (const [what, hex, reason] of tables) {
    it(`${what} in WBXML: ${reason ?? 'read'}`, () => {
      assert.equal(reasonOf(Buffer.from(hex, 'hex')), reason);
    });
  }

  it('WBXML that is cut off, wherever, is refused', () => {
    for (const octets of [readCapture('libdmclient-03-pkg1-basic.wbxml'), workedWbxml]) {
      for (let length = 0; length < octets.length; length++) {
        assert.equal(reasonOf(octets.subarray(0, length)), 'malformed', `${length} octets`);
      }
    }
  });

  it('few octets that refer to a long string again and again', () => {
    const table = Buffer.alloc(60_000, 'a');
    const head = Buffer.from([0x02, 0xa4, 0x01, 0x6a, 0x83, 0xd4, 0x60]);
    const body = Buffer.concat([Buffer.from([0x6d]), ...Array.from({ length: 100_000 }, () => Buffer.from([0x83, 0]))]);
    assert.equal(reasonOf(Buffer.concat([head, table, body])), 'too-large');
    const names = Buffer.concat([Buffer.from([0x6d]), ...Array.from({ length: 100 }, () => Buffer.from([0x04, 0]))]);
    assert.equal(reasonOf(Buffer.concat([head, table, names])), 'malformed');
  });

  it('WBXML that is deep, or has more than is allowed of items, elements and attributes', () => {
    const message = (body: Buffer): Buffer => {
      const at = workedWbxml.indexOf(Buffer.from('6b464b', 'hex')) + 1;
      return Buffer.concat([workedWbxml.subarray(0, at), body, workedWbxml.subarray(at)]);
    };
    assert.equal(reasonOf(message(Buffer.alloc(0))), undefined);
    assert.equal(reasonOf(message(Buffer.alloc(40, 0x64))), 'too-deep');
    assert.equal(reasonOf(message(Buffer.alloc(70_000, 0x13))), 'too-many-elements');
    const items = Buffer.concat([Buffer.from([0x60]), Buffer.alloc(4097, 0x14), Buffer.from([0x01])]);
    assert.equal(reasonOf(message(items)), 'too-many-items');
    const many = Buffer.concat([Buffer.from([0x93]), Buffer.alloc(40, 0x05), Buffer.from([0x01])]);
    assert.equal(reasonOf(message(many)), 'too-many-attributes');
  });

  it('the time for a message grows with its size and not faster', () => {
    const shapes: ((count: number) => string)[] = [
      (count) => withCommand(`<Item><Data>${'&amp;'.repeat(count)}</Data></Item>`),
      (count) => withCommand(`<Item><Data>${'&'.repeat(count)}</Data></Item>`),
      (count) => withCommand(`<Item><Data>${'<![CDATA['.repeat(count)}</Data></Item>`),
      (count) => withCommand(`<Item><Data>${'<![CDATA[x]]>'.repeat(count)}</Data></Item>`),
      (count) => withCommand(`<Item><Data>${'<a/>'.repeat(Math.min(count, 60_000))}</Data></Item>`),
      (count) => withCommand(`<Item><Data>${'\u0001x'.repeat(count)}</Data></Item>`),
      (count) => `${'<!--'.repeat(count)}${withCommand('')}`,
      (count) => `<!DOCTYPE ${'['.repeat(count)}`,
      (count) => ' '.repeat(count * 4),
    ];
    for (const shape of shapes) {
      const begin = performance.now();
      reasonOf(Buffer.from(shape(75_000)));
      const took = performance.now() - begin;
      // A quadratic one takes minutes.
      assert.ok(took < 3000, `${took.toFixed(0)} ms for ${shape.toString()}`);
    }
  });

  it('a big message lets others have the event loop, and comes to the same', async () => {
    const octets = Buffer.from(withCommand(`<Item><Data>${'&amp;é😀'.repeat(60_000)}</Data></Item>`));
    const bad = Buffer.from(withCommand(`<Item><Data>${'&'.repeat(500_000)}</Data></Item></Wrong>`));
    let turns = 0;
    const others = setInterval(() => (turns += 1), 0);
    try {
      assert.deepEqual(await readMessageInTurns(octets, undefined), readMessage(octets, undefined));
      await assert.rejects(readMessageInTurns(bad, undefined), { name: 'SyncmlError', reason: 'malformed' });
    } finally {
      clearInterval(others);
    }
    assert.ok(turns >= 2, `${turns} turns`);
  });

  it('a command that is unknown cannot be written', () => {
    assert.throws(
      () =>
        writeCommand(
          { command: 'unknown', id: '1', name: 'Put' },
          { form: 'xml', subtype: 'dm', representation: '1.2' },
        ),
      (error) => error instanceof SyncmlError && error.reason === 'unwritable',
    );
  });
});
