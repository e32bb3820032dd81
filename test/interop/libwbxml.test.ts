import assert from 'node:assert/strict';
import fc from 'fast-check';
import { create } from 'xmlbuilder2';
import { readElements, readMessage, writeMessage, type Encoding } from '../../adapters/omadm/syncml/codec.ts';
import type { SyncmlMessage } from '../../adapters/omadm/syncml/message.ts';
import { captureNames, messageIn, workedWbxml } from '../omadm/captures.ts';
import { anyMessage } from '../omadm/messages.ts';
import { findLibwbxml, type Libwbxml } from './libwbxml.ts';

const xml: Encoding = { form: 'xml', subtype: 'dm', representation: '1.2' };
const wbxml: Encoding = { ...xml, form: 'wbxml' };
const samples = 60;
/** At the same time. */
const lanes = 4;

interface DomNode {
  readonly nodeType: number;
  readonly nodeValue: string | null;
  readonly localName?: string;
  readonly namespaceURI?: string | null;
  readonly childNodes: Iterable<DomNode>;
}

/** The tool changes line ends. */
const ends = (text: string): string => text.replaceAll(/[\r\n]+/g, '\n');

/** Every element with its namespace and its text, as a parser that is not ours reads it. */
function outline(text: string): string[] {
  const lines: string[] = [];
  const walk = (node: DomNode, depth: number): void => {
    const children = [...node.childNodes];
    const content = children
      .filter(({ nodeType }) => nodeType === 3 || nodeType === 4)
      .map(({ nodeValue }) => nodeValue ?? '')
      .join('');
    lines.push(`${depth} ${node.namespaceURI} ${node.localName} ${JSON.stringify(ends(content))}`);
    for (const child of children) if (child.nodeType === 1) walk(child, depth + 1);
  };
  walk(create({ skipWhitespaceOnlyText: false }, text).root().node as unknown as DomNode, 0);
  return lines;
}

/** What the tool cannot carry: it ends a CDATA section within its content, and makes of elements in a Data what it does not read back. */
function isCarried(value: unknown): boolean {
  if (typeof value === 'string') return !value.includes(']]>');
  if (typeof value !== 'object' || value === null) return true;
  if (value instanceof Uint8Array || 'markup' in value) return false;
  return Object.values(value).every(isCarried);
}

/** With line ends as the tool leaves them; opaque text of Format `bin` is octets to our reader. */
function normalised(value: unknown): unknown {
  if (typeof value === 'string') return ends(value);
  if (value instanceof Uint8Array) return ends(Buffer.from(value).toString());
  if (Array.isArray(value)) return value.map(normalised);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, normalised(one)]));
}

describe('libwbxml', () => {
  let tool: Libwbxml;
  const messages: SyncmlMessage[] = [
    ...captureNames.map((name) => messageIn(name).message),
    ...fc.sample(anyMessage().filter(isCarried), { numRuns: samples, seed: 20_261_122 }),
  ];

  before(async function () {
    const found = await findLibwbxml();
    if (found === undefined) {
      console.log('      SKIPPED: xml2wbxml and wbxml2xml are not installed; install libwbxml2-utils');
      return this.skip();
    }
    tool = found;
  });

  async function forAll(check: (message: SyncmlMessage) => Promise<void>): Promise<void> {
    const waiting = [...messages];
    const lane = async (): Promise<void> => {
      for (let message = waiting.pop(); message; message = waiting.pop()) await check(message);
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  }

  it('our XML survives the way to WBXML and back', async () => {
    await forAll(async (message) => {
      const ours = writeMessage(message, xml).toString();
      assert.deepEqual(outline(await tool.toXml(await tool.toWbxml(ours))), outline(ours));
    });
  });

  it('our WBXML is read as what our XML says', async () => {
    await forAll(async (message) => {
      const read = await tool.toXml(writeMessage(message, wbxml));
      assert.deepEqual(outline(read), outline(writeMessage(message, xml).toString()));
    });
  });

  it('its WBXML is read by us as what our XML says, with a string table and without', async () => {
    await forAll(async (message) => {
      const ours = writeMessage(message, xml).toString();
      for (const options of [[], ['-n']]) {
        const { message: read, warnings } = readMessage(await tool.toWbxml(ours, ...options), undefined);
        assert.deepEqual(normalised(read), normalised(message));
        assert.deepEqual(warnings, []);
      }
    });
  });

  it('the worked message: the same octets from both', async () => {
    const text = writeMessage(readMessage(workedWbxml, undefined).message, xml).toString();
    assert.equal((await tool.toWbxml(text, '-n')).toString('hex'), workedWbxml.toString('hex'));
  });

  it('SyncML 1.1, both ways', async () => {
    const { message } = messageIn('libdmclient-01-pkg1-basic.xml');
    const old = { ...message, header: { ...message.header, representation: '1.1', protocol: 'DM/1.1' } };
    const ours = writeMessage(old, { ...xml, representation: '1.1' }).toString();
    const read = readMessage(await tool.toWbxml(ours), undefined);
    assert.deepEqual(read.message, old);
    assert.equal(read.encoding.representation, '1.1');
    assert.deepEqual(outline(await tool.toXml(writeMessage(old, read.encoding))), outline(ours));
  });

  it('a tree in a Data, which the tool makes a WBXML document of its own, comes to us as octets and is read', async () => {
    const tree =
      '<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD><Node><NodeName>a</NodeName><Value>1</Value></Node></MgmtTree>';
    const { header } = messageIn('libdmclient-01-pkg1-basic.xml').message;
    const items = [{ source: './a?list=TNDS', meta: { format: 'xml' }, data: { markup: tree } }];
    const results = { id: '1', commandRef: '1', targetRefs: [], sourceRefs: [], items };
    const ours = writeMessage({ header, commands: [{ command: 'Results', ...results }], final: true }, xml);
    const [read] = readMessage(await tool.toWbxml(ours.toString()), undefined).message.commands;
    assert.ok(read?.command === 'Results');
    const data = read.items[0]?.data;
    assert.ok(data instanceof Uint8Array);
    const node = readElements(data).child('Node');
    assert.equal(node?.child('NodeName')?.text, 'a');
    assert.equal(node.child('Value')?.text, '1');
  });
});
