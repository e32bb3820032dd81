/** Captured messages of real clients, and small things that the tests of the codec share. */
import { readdirSync, readFileSync } from 'node:fs';
import { readMessage, type ReadMessage } from '../../adapters/omadm/syncml/codec.ts';
import type { Command, Item, Meta } from '../../adapters/omadm/syncml/message.ts';

const directory = new URL('../fixtures/omadm/', import.meta.url);

export const captureNames: readonly string[] = readdirSync(directory)
  .filter((name) => /\.(xml|wbxml)$/.test(name))
  .sort();

export function readCapture(name: string): Buffer {
  return readFileSync(new URL(name, directory));
}

export function messageIn(name: string): ReadMessage {
  return readMessage(readCapture(name), undefined);
}

/** The command, which must be of the kind. */
export function commandAt<K extends Command['command']>(
  { message }: ReadMessage,
  index: number,
  kind: K,
): Command & { command: K } {
  const command = message.commands[index];
  if (command?.command !== kind) throw new Error(`command ${index} is ${command?.command}, not ${kind}`);
  return command as Command & { command: K };
}

/** A body in the plainest message. */
export function xmlMessage(body: string, header = ''): string {
  return (
    '<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>7</SessionID>' +
    '<MsgID>1</MsgID><Target><LocURI>http://gw/omadm</LocURI></Target><Source><LocURI>urn:dev:1</LocURI></Source>' +
    `${header}</SyncHdr><SyncBody>${body}</SyncBody></SyncML>`
  );
}

export function readText(text: string): ReadMessage {
  return readMessage(Buffer.from(text), undefined);
}

/** The only item of the only command of a message with these children. */
export function itemIn(children: string): Item {
  const { items } = commandAt(readText(xmlMessage(`<Results><CmdID>1</CmdID>${children}</Results>`)), 0, 'Results');
  if (items.length !== 1) throw new Error(`${items.length} items`);
  return items[0]!;
}

export function metaIn(children: string): Meta | undefined {
  return itemIn(`<Item><Meta>${children}</Meta></Item>`).meta;
}

/** The worked message of WBXML: hand-written, and accepted by libwbxml. */
export const workedWbxml = Buffer.from(
  '02a4016a006d6c7103312e3200017203444d2f312e32000165033100015b033100016e5703687474703a2f2f732f646d00010167570364310001015a' +
    '00014c03343039360001010100006b464b033100014f0331323031000101120101',
  'hex',
);

/** mulberry32: the same numbers in every run, so that a failure can be seen again. */
export function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
