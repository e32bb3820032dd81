/**
 * Reads and writes one package of OMA DM again and again, as a worker: by the codec of the build; by saxes alone with empty handlers, and
 * by template strings.
 */
import { readFileSync } from 'node:fs';
import { SaxesParser } from 'saxes';
import { built } from './built.ts';
import type { Tally } from './rounds.ts';
import { serveCommands } from './worker.ts';

const { readMessage, writeMessage } = await built<typeof import('../../adapters/omadm/syncml/codec.ts')>(
  'adapters/omadm/syncml/codec.js',
);

const batch = 100;
const xml = { form: 'xml', subtype: 'dm', representation: '1.2' } as const;
const wbxml = { ...xml, form: 'wbxml' } as const;

/** What a client has answered: 13 commands in 3 kB. Its NUL is taken out: saxes would refuse it. */
const captured = readFileSync(new URL('../fixtures/omadm/libdmclient-02-status-results.xml', import.meta.url));
const incoming = captured.filter((octet) => octet !== 0);
const text = incoming.toString();
const inWbxml = writeMessage(readMessage(incoming, undefined).message, wbxml);

const writes = Array.from({ length: 12 }, (_, index) => ({
  id: String(index + 2),
  target: `./Vendor/Bench/Settings/${index}/Threshold`,
  value: String(index * 1000),
}));
const device = 'urn:uuid:11111111-2222-3333-4444-555555555555';
const url = 'http://127.0.0.1:7548/omadm';

/** What the gateway says: the Status of the header and twelve Replace, 3 kB. */
const outgoing: Parameters<typeof writeMessage>[0] = {
  header: {
    representation: '1.2',
    protocol: 'DM/1.2',
    sessionId: '1',
    messageId: '2',
    target: { uri: device },
    source: { uri: url },
    responseUri: `${url}?sid=4b1f`,
    meta: { maximumMessageSize: 16_384, maximumObjectSize: 1_048_576 },
  },
  commands: [
    {
      command: 'Status',
      id: '1',
      messageRef: '2',
      commandRef: '0',
      answered: 'SyncHdr',
      targetRefs: [url],
      sourceRefs: [device],
      code: 212,
      items: [],
    },
    ...writes.map(({ id, target, value }) => ({
      command: 'Replace' as const,
      id,
      items: [{ target, meta: { format: 'int', type: 'text/plain' }, data: value }],
    })),
  ],
  final: true,
};

function template(): Buffer {
  const { header } = outgoing;
  const replaces = writes.map(
    ({ id, target, value }) =>
      `<Replace><CmdID>${id}</CmdID><Item><Target><LocURI>${target}</LocURI></Target><Meta><Format xmlns="syncml:metinf">int</Format><Type xmlns="syncml:metinf">text/plain</Type></Meta><Data>${value}</Data></Item></Replace>`,
  );
  return Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?><SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>${header.sessionId}</SessionID><MsgID>${header.messageId}</MsgID><Target><LocURI>${device}</LocURI></Target><Source><LocURI>${url}</LocURI></Source><RespURI>${header.responseUri}</RespURI><Meta><MaxMsgSize xmlns="syncml:metinf">16384</MaxMsgSize><MaxObjSize xmlns="syncml:metinf">1048576</MaxObjSize></Meta></SyncHdr><SyncBody><Status><CmdID>1</CmdID><MsgRef>2</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><TargetRef>${url}</TargetRef><SourceRef>${device}</SourceRef><Data>212</Data></Status>${replaces.join('')}<Final/></SyncBody></SyncML>`,
  );
}

if (!template().equals(writeMessage(outgoing, xml))) throw new Error('the template says something else than the codec');

function parse(): void {
  const parser = new SaxesParser({ position: false, xmlns: false });
  parser.on('opentag', () => {});
  parser.on('closetag', () => {});
  parser.on('text', () => {});
  parser.on('cdata', () => {});
  parser.on('doctype', () => {});
  parser.write(text);
  parser.close();
}

function read(octets: Uint8Array): void {
  if (readMessage(octets, undefined).message.commands.length !== 13) throw new Error('commands were lost');
}

function repeat(once: () => void, seconds: number): Tally {
  let count = 0;
  const started = performance.now();
  const until = started + seconds * 1000;
  for (; performance.now() < until; count += batch) for (let left = batch; left > 0; left -= 1) once();
  return { count, seconds: (performance.now() - started) / 1000 };
}

serveCommands({
  readXml: (seconds: number) => repeat(() => read(incoming), seconds),
  readWbxml: (seconds: number) => repeat(() => read(inWbxml), seconds),
  writeXml: (seconds: number) => repeat(() => void writeMessage(outgoing, xml), seconds),
  writeWbxml: (seconds: number) => repeat(() => void writeMessage(outgoing, wbxml), seconds),
  parse: (seconds: number) => repeat(parse, seconds),
  template: (seconds: number) => repeat(() => void template(), seconds),
});
