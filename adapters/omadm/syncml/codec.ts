/** Messages from octets and to octets: the codec's face to the leg. */
import { contradictionOf, decodeXml, type Encoding, formOf, subtypeOf } from './encoding.ts';
import type { Element } from './element.ts';
import { defaultSyncmlLimits, type SyncmlLimits } from './limits.ts';
import type { Command, Data, Header, Item, Meta, SyncmlMessage } from './message.ts';
import { readMessageOf } from './message-reader.ts';
import { writeCommandTo, writeHeader } from './message-writer.ts';
import { SyncmlError } from './syncml-error.ts';
import { tags } from './tags.ts';
import { readWbxml } from './wbxml-reader.ts';
import { WbxmlOutput } from './wbxml-writer.ts';
import { readXml } from './xml-reader.ts';
import { XmlOutput, xmlStart } from './xml-writer.ts';

export type { Element } from './element.ts';
export { contentTypeOf, type Encoding } from './encoding.ts';
export { defaultSyncmlLimits, type SyncmlLimits } from './limits.ts';
export { SyncmlError, type SyncmlReason } from './syncml-error.ts';

export interface ReadMessage {
  message: SyncmlMessage;
  /** For the answer: in the form, the content type and the representation that the device has used. */
  encoding: Encoding;
  /** What was odd, and what was made of it; for the log. */
  warnings: string[];
}

const mostWarnings = 20;

/**
 * The octets decide on the form; the content type only on that of the answer.
 * @param contentType value of the HTTP header
 * @throws SyncmlError and nothing else
 */
export function readMessage(
  octets: Uint8Array,
  contentType: string | undefined,
  limits: SyncmlLimits = defaultSyncmlLimits,
): ReadMessage {
  return finish(readInTurns(octets, contentType, limits));
}

/**
 * As `readMessage`, and the event loop goes on between slices of a big one.
 * @throws SyncmlError and nothing else
 */
export async function readMessageInTurns(
  octets: Uint8Array,
  contentType: string | undefined,
  limits: SyncmlLimits = defaultSyncmlLimits,
): Promise<ReadMessage> {
  const turns = readInTurns(octets, contentType, limits);
  for (;;) {
    const turn = turns.next();
    if (turn.done) return turn.value;
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }
}

function* readInTurns(
  octets: Uint8Array,
  contentType: string | undefined,
  limits: SyncmlLimits,
): Generator<void, ReadMessage> {
  if (octets.length > limits.octets) {
    throw new SyncmlError('too-large', `the message has more than ${limits.octets} octets; raise the limit`);
  }
  const warnings: string[] = [];
  const form = formOf(octets);
  const contradiction = contradictionOf(contentType, form);
  if (contradiction !== undefined) warnings.push(contradiction);
  const document =
    form === 'wbxml'
      ? readWbxml(octets, limits, warnings)
      : yield* readXml(decodeXml(octets, warnings), limits, warnings);
  const message = readMessageOf(document, warnings);
  const representation = message.header.representation.startsWith('1.1') ? '1.1' : '1.2';
  if (warnings.length > mostWarnings) warnings.splice(mostWarnings, Infinity, 'and so on');
  return { message, encoding: { form, subtype: subtypeOf(contentType), representation }, warnings };
}

function finish<Result>(turns: Generator<void, Result>): Result {
  for (;;) {
    const turn = turns.next();
    if (turn.done) return turn.value;
  }
}

/**
 * The document in a Data, such as a tree that a device answers with (`?list=TNDS`): from markup, from XML in its text, from WBXML or
 * XML in its octets.
 * @throws SyncmlError and nothing else
 */
export function readElements(data: Data, limits: SyncmlLimits = defaultSyncmlLimits): Element {
  const content = typeof data === 'string' || data instanceof Uint8Array ? data : data.markup;
  if (content.length > limits.octets) {
    throw new SyncmlError('too-large', `the document has more than ${limits.octets} octets; raise the limit`);
  }
  const isWbxml = typeof content !== 'string' && formOf(content) === 'wbxml';
  if (isWbxml) return readWbxml(content, limits, [], false).root;
  return finish(readXml(typeof content === 'string' ? content : decodeXml(content, []), limits, [], false)).root;
}

/** @throws SyncmlError for an unknown command */
export function writeMessage(message: SyncmlMessage, encoding: Encoding): Buffer {
  if (encoding.form === 'xml') {
    const output = new XmlOutput();
    writeHeader(output, message.header);
    output.begin(tags.SyncBody);
    for (const command of message.commands) writeCommandTo(output, command);
    return Buffer.from(xmlStart(encoding.representation) + output.written + xmlEnd(message.final));
  }
  const output = beginWbxml(message.header, encoding);
  for (const command of message.commands) {
    writeCommandTo(output, command);
    output.returnToFirstPage();
  }
  return endWbxml(output, message.final);
}

/**
 * One command as it stands in a message: its length is what it takes there. `frame` makes messages of such pieces.
 * @throws SyncmlError for an unknown command
 */
export function writeCommand(command: Command, encoding: Encoding): Buffer {
  if (encoding.form === 'xml') {
    const output = new XmlOutput();
    writeCommandTo(output, command);
    return Buffer.from(output.written);
  }
  const output = new WbxmlOutput();
  writeCommandTo(output, command);
  output.returnToFirstPage();
  return output.finish();
}

/** A message of commands that are written; the same octets as `writeMessage`. With none: what the frame alone takes. */
export function frame(header: Header, commands: readonly Uint8Array[], final: boolean, encoding: Encoding): Buffer {
  if (encoding.form === 'xml') {
    const output = new XmlOutput();
    writeHeader(output, header);
    output.begin(tags.SyncBody);
    const start = Buffer.from(xmlStart(encoding.representation) + output.written);
    return Buffer.concat([start, ...commands, Buffer.from(xmlEnd(final))]);
  }
  const output = beginWbxml(header, encoding);
  for (const command of commands) output.append(command);
  return endWbxml(output, final);
}

/** Meta of an item: its own children over those of its command. */
export function metaOf(command: { meta?: Meta }, item: Item): Meta {
  return command.meta ? { ...command.meta, ...item.meta } : (item.meta ?? {});
}

function xmlEnd(final: boolean): string {
  return `${final ? '<Final/>' : ''}</SyncBody></SyncML>`;
}

function beginWbxml(header: Header, encoding: Encoding): WbxmlOutput {
  const output = new WbxmlOutput();
  output.start(encoding.representation);
  output.begin(tags.SyncML);
  writeHeader(output, header);
  output.begin(tags.SyncBody);
  return output;
}

function endWbxml(output: WbxmlOutput, final: boolean): Buffer {
  if (final) output.empty(tags.Final);
  output.end(tags.SyncBody);
  output.end(tags.SyncML);
  return output.finish();
}
