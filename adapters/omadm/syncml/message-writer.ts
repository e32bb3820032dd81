/**
 * Message → elements, in exactly the order of the DTD (DM Representation 1.2.1, 6): strict clients fail on any other. What only
 * devices say (the original error of a Status) is not written.
 */
import type { Command, Header, Item, Meta, Status } from './message.ts';
import type { Output } from './output.ts';
import { SyncmlError } from './syncml-error.ts';
import { type Tag, tags } from './tags.ts';

export function writeHeader(output: Output, header: Header): void {
  output.begin(tags.SyncHdr);
  output.text(tags.VerDTD, header.representation);
  output.text(tags.VerProto, header.protocol);
  output.text(tags.SessionID, header.sessionId);
  output.text(tags.MsgID, header.messageId);
  writeAddress(output, tags.Target, header.target.uri, header.target.name);
  writeAddress(output, tags.Source, header.source.uri, header.source.name);
  if (header.responseUri !== undefined) output.text(tags.RespURI, header.responseUri);
  if (header.credential) {
    output.begin(tags.Cred);
    writeMeta(output, header.credential.meta);
    output.text(tags.Data, header.credential.data);
    output.end(tags.Cred);
  }
  writeMeta(output, header.meta);
  output.end(tags.SyncHdr);
}

/** @throws SyncmlError for a command that has no form */
export function writeCommandTo(output: Output, command: Command): void {
  if (command.command === 'unknown') {
    throw new SyncmlError('unwritable', `the command ${command.name.slice(0, 40)} is unknown and cannot be written`);
  }
  const tag = tags[command.command];
  output.begin(tag);
  output.text(tags.CmdID, command.id);
  switch (command.command) {
    case 'Status':
      writeStatus(output, command);
      break;
    case 'Results':
      if (command.messageRef !== undefined) output.text(tags.MsgRef, command.messageRef);
      output.text(tags.CmdRef, command.commandRef);
      writeMeta(output, command.meta);
      writeAll(output, tags.TargetRef, command.targetRefs);
      writeAll(output, tags.SourceRef, command.sourceRefs);
      writeItems(output, command.items, false);
      break;
    case 'Alert':
      output.text(tags.Data, String(command.code));
      if (command.correlator !== undefined) output.text(tags.Correlator, command.correlator);
      // An Alert of ours has no Meta of its own (the DTD knows none): its items carry it.
      for (const item of command.items) writeItem(output, item, true, command.meta);
      break;
    case 'Exec':
      writeMeta(output, command.meta);
      if (command.correlator !== undefined) output.text(tags.Correlator, command.correlator);
      writeItems(output, command.items, false);
      break;
    case 'Atomic':
    case 'Sequence':
      for (const child of command.commands) writeCommandTo(output, child);
      break;
    case 'Add':
    case 'Replace':
      writeMeta(output, command.meta);
      // A client in the field crashes on an Add without Data, even of an interior node.
      writeItems(output, command.items, true);
      break;
    default:
      writeMeta(output, command.meta);
      writeItems(output, command.items, false);
  }
  output.end(tag);
}

function writeStatus(output: Output, status: Status): void {
  output.text(tags.MsgRef, status.messageRef);
  output.text(tags.CmdRef, status.commandRef);
  output.text(tags.Cmd, status.answered);
  writeAll(output, tags.TargetRef, status.targetRefs);
  writeAll(output, tags.SourceRef, status.sourceRefs);
  if (status.challenge) {
    output.begin(tags.Chal);
    writeMeta(output, status.challenge);
    output.end(tags.Chal);
  }
  output.text(tags.Data, String(status.code));
  writeItems(output, status.items, false);
}

function writeItems(output: Output, items: readonly Item[], withData: boolean): void {
  for (const item of items) writeItem(output, item, withData);
}

function writeItem(output: Output, item: Item, withData: boolean, commandMeta?: Meta): void {
  output.begin(tags.Item);
  if (item.target !== undefined) writeAddress(output, tags.Target, item.target);
  if (item.source !== undefined) writeAddress(output, tags.Source, item.source);
  writeMeta(output, commandMeta ? { ...commandMeta, ...item.meta } : item.meta);
  if (item.data !== undefined || withData) output.data(item.data ?? '');
  if (item.moreData) output.empty(tags.MoreData);
  output.end(tags.Item);
}

function writeAddress(output: Output, tag: Tag, uri: string, name?: string): void {
  output.begin(tag);
  output.text(tags.LocURI, uri);
  if (name !== undefined) output.text(tags.LocName, name);
  output.end(tag);
}

function writeAll(output: Output, tag: Tag, texts: readonly string[]): void {
  for (const text of texts) output.text(tag, text);
}

function writeMeta(output: Output, meta: Meta | undefined): void {
  if (!meta) return;
  output.begin(tags.Meta);
  if (meta.format !== undefined) output.text(tags.Format, meta.format);
  if (meta.type !== undefined) output.text(tags.Type, meta.type);
  if (meta.mark !== undefined) output.text(tags.Mark, meta.mark);
  if (meta.size !== undefined) output.text(tags.Size, String(meta.size));
  if (meta.nextNonce !== undefined) output.text(tags.NextNonce, meta.nextNonce);
  if (meta.maximumMessageSize !== undefined) output.text(tags.MaxMsgSize, String(meta.maximumMessageSize));
  if (meta.maximumObjectSize !== undefined) output.text(tags.MaxObjSize, String(meta.maximumObjectSize));
  output.end(tags.Meta);
}
