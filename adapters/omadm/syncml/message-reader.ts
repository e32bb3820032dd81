/**
 * Elements → message. Tolerant as devices need it: children in any order and namespace, unknown elements skipped, what is missing
 * empty and in the warnings. Without a header, its Source and its MsgID there is nobody to answer, and that is refused.
 */
import { isUtf8 } from 'node:buffer';
import { type Element, type ElementDocument, textOf } from './element.ts';
import type {
  Address,
  Alert,
  Challenge,
  Command,
  Credential,
  Data,
  Exec,
  Header,
  Item,
  Meta,
  Results,
  Status,
  SyncmlMessage,
  TreeCommand,
} from './message.ts';
import { SyncmlError } from './syncml-error.ts';

/** @throws SyncmlError */
export function readMessageOf({ root, representation = '1.2' }: ElementDocument, warnings: string[]): SyncmlMessage {
  if (root.name !== 'SyncML') {
    throw new SyncmlError('no-message', `the document is a ${root.name.slice(0, 40)}, not a SyncML message`);
  }
  const header = root.child('SyncHdr');
  if (!header) throw new SyncmlError('incomplete', 'the message has no SyncHdr');
  const body = root.child('SyncBody');
  if (!body) warnings.push('it has no SyncBody');
  return {
    header: readHeader(header, representation, warnings),
    commands: readCommands(body, warnings),
    final: body?.child('Final') !== undefined,
  };
}

function readHeader(element: Element, representation: string, warnings: string[]): Header {
  const source = readAddress(element.child('Source'));
  if (!source?.uri) throw new SyncmlError('incomplete', 'the header has no Source, so nobody knows who speaks');
  const messageId = trimmedIn(element, 'MsgID');
  if (!messageId) throw new SyncmlError('incomplete', 'the header has no MsgID, so it cannot be answered');
  const version = trimmedIn(element, 'VerDTD') || representation;
  const header: Header = {
    representation: version,
    protocol: trimmedIn(element, 'VerProto') || `DM/${version}`,
    sessionId: trimmedIn(element, 'SessionID') ?? '',
    messageId,
    target: readAddress(element.child('Target')) ?? { uri: '' },
    source,
  };
  for (const name of ['VerDTD', 'VerProto', 'SessionID', 'Target']) {
    if (!element.child(name)) warnings.push(`the header has no ${name}`);
  }
  const responseUri = trimmedIn(element, 'RespURI');
  if (responseUri) header.responseUri = responseUri;
  const credential = element.child('Cred');
  if (credential) header.credential = readCredential(credential, warnings);
  const meta = readMeta(element.child('Meta'), warnings);
  if (meta) header.meta = meta;
  return header;
}

function readAddress(element: Element | undefined): Address | undefined {
  if (!element) return undefined;
  const address: Address = { uri: trimmedIn(element, 'LocURI') ?? trimmedOf(element) };
  const name = trimmedIn(element, 'LocName');
  if (name !== undefined) address.name = name;
  return address;
}

function readCredential(element: Element, warnings: string[]): Credential {
  const credential: Credential = { data: encodedIn(element, 'Data') ?? '' };
  const meta = readMeta(element.child('Meta'), warnings);
  if (meta) credential.meta = meta;
  return credential;
}

function readChallenge(element: Element, warnings: string[]): Challenge {
  const meta = readMeta(element.child('Meta') ?? element, warnings) ?? {};
  const challenge: Challenge = { type: meta.type ?? '' };
  if (meta.format !== undefined) challenge.format = meta.format;
  if (meta.nextNonce !== undefined) challenge.nextNonce = meta.nextNonce;
  return challenge;
}

function readMeta(element: Element | undefined, warnings: string[]): Meta | undefined {
  if (!element || element.children.length === 0) return undefined;
  const meta: Meta = {};
  for (const child of element.children) {
    switch (child.name) {
      case 'MetInf':
        Object.assign(meta, readMeta(child, warnings));
        break;
      case 'Format':
        meta.format = trimmedOf(child);
        break;
      case 'Type':
        meta.type = trimmedOf(child);
        break;
      case 'Mark':
        meta.mark = trimmedOf(child);
        break;
      case 'NextNonce':
        meta.nextNonce = encodedOf(child);
        break;
      case 'Size':
        takeNumber(meta, 'size', child, warnings);
        break;
      case 'MaxMsgSize':
        takeNumber(meta, 'maximumMessageSize', child, warnings);
        break;
      case 'MaxObjSize':
        takeNumber(meta, 'maximumObjectSize', child, warnings);
    }
  }
  return meta;
}

function takeNumber(
  meta: Meta,
  key: 'size' | 'maximumMessageSize' | 'maximumObjectSize',
  element: Element,
  warnings: string[],
): void {
  const text = trimmedOf(element);
  if (/^\d{1,15}$/.test(text)) meta[key] = Number(text);
  else warnings.push(`${element.name} is no number: ${text.slice(0, 40)}`);
}

function readCommands(body: Element | undefined, warnings: string[]): Command[] {
  const commands: Command[] = [];
  for (const child of body?.children ?? []) {
    const command = readCommand(child, warnings);
    if (command) commands.push(command);
  }
  return commands;
}

/** Children of a command or of a body that are no commands. */
const notCommands: ReadonlySet<string> = new Set(['Final', 'CmdID', 'NoResp', 'Meta', 'Cred']);

function readCommand(element: Element, warnings: string[]): Command | undefined {
  const { name } = element;
  if (notCommands.has(name)) return undefined;
  const found = trimmedIn(element, 'CmdID');
  const id = found ?? '';
  switch (name) {
    case 'Get':
    case 'Add':
    case 'Replace':
    case 'Delete':
    case 'Copy':
    case 'Exec':
    case 'Alert':
    case 'Atomic':
    case 'Sequence':
    case 'Status':
    case 'Results':
      if (!id) warnings.push(`a ${name} has no CmdID`);
      break;
    default:
      if (found !== undefined) return { command: 'unknown', id, name: name.slice(0, 100) };
      warnings.push(`an unknown element was skipped: ${name.slice(0, 40)}`);
      return undefined;
  }
  if (name === 'Atomic' || name === 'Sequence') return { command: name, id, commands: readCommands(element, warnings) };
  if (name === 'Status') return readStatus(element, id, warnings);
  if (name === 'Results') return readResults(element, id, warnings);
  const meta = readMeta(element.child('Meta'), warnings);
  const items = readItems(element, meta, warnings);
  const correlator = trimmedIn(element, 'Correlator');
  const command: Alert | Exec | TreeCommand =
    name === 'Alert' ? { command: name, id, code: codeIn(element), items } : { command: name, id, items };
  if (meta) command.meta = meta;
  if ((command.command === 'Alert' || command.command === 'Exec') && correlator !== undefined) {
    command.correlator = correlator;
  }
  return command;
}

function readResults(element: Element, id: string, warnings: string[]): Results {
  const meta = readMeta(element.child('Meta'), warnings);
  const results: Results = {
    command: 'Results',
    id,
    commandRef: trimmedIn(element, 'CmdRef') ?? '',
    targetRefs: allIn(element, 'TargetRef'),
    sourceRefs: allIn(element, 'SourceRef'),
    items: readItems(element, meta, warnings),
  };
  const messageRef = trimmedIn(element, 'MsgRef');
  if (messageRef !== undefined) results.messageRef = messageRef;
  if (meta) results.meta = meta;
  return results;
}

function readStatus(element: Element, id: string, warnings: string[]): Status {
  const status: Status = {
    command: 'Status',
    id,
    messageRef: trimmedIn(element, 'MsgRef') ?? '',
    commandRef: trimmedIn(element, 'CmdRef') ?? '',
    answered: trimmedIn(element, 'Cmd') ?? '',
    targetRefs: allIn(element, 'TargetRef'),
    sourceRefs: allIn(element, 'SourceRef'),
    code: codeIn(element),
    items: readItems(element, undefined, warnings),
  };
  const challenge = element.child('Chal');
  if (challenge) status.challenge = readChallenge(challenge, warnings);
  const originalError = element.child('Data')?.originalError;
  if (originalError !== undefined) status.originalError = originalError;
  return status;
}

function readItems(command: Element, commandMeta: Meta | undefined, warnings: string[]): Item[] {
  const items: Item[] = [];
  for (const child of command.children) {
    if (child.name === 'Item') items.push(readItem(child, commandMeta, warnings));
  }
  return items;
}

function readItem(element: Element, commandMeta: Meta | undefined, warnings: string[]): Item {
  const item: Item = {};
  const target = readAddress(element.child('Target'));
  if (target) item.target = target.uri;
  const source = readAddress(element.child('Source'));
  if (source) item.source = source.uri;
  const meta = readMeta(element.child('Meta'), warnings);
  if (meta) item.meta = meta;
  const data = element.child('Data');
  if (data) item.data = readData(data, meta?.format ?? commandMeta?.format, meta?.type ?? commandMeta?.type);
  if (element.child('MoreData')) item.moreData = true;
  return item;
}

/** White space in a Data is content. */
function readData(element: Element, format: string | undefined, type: string | undefined): Data {
  if (element.markup !== undefined) return { markup: element.markup };
  if (!element.octets) return element.text;
  const octets = element.octets.length === 1 ? element.octets[0]! : Buffer.concat(element.octets);
  return meansText(octets, format, type) ? textOf(octets) : octets;
}

// oxlint-disable-next-line no-control-regex
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;

/** Clients write text as opaque octets too, and base64 as what it stands for (libdmclient, libwbxml). */
function meansText(octets: Uint8Array, format: string | undefined, type: string | undefined): boolean {
  if (format === 'bin' || type?.endsWith('+wbxml')) return false;
  if (!isUtf8(octets)) return false;
  const text = textOf(octets);
  if (format === 'b64') return /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text);
  return !controls.test(text);
}

/** 0: none that could be read. */
function codeIn(element: Element): number {
  const text = trimmedIn(element, 'Data') ?? '';
  return /^\d{1,4}$/.test(text) ? Number(text) : 0;
}

function trimmedIn(element: Element, name: string): string | undefined {
  const child = element.child(name);
  return child && trimmedOf(child);
}

function trimmedOf(element: Element): string {
  return (element.octets ? textOf(Buffer.concat(element.octets)) : element.text).trim();
}

function encodedIn(element: Element, name: string): string | undefined {
  const child = element.child(name);
  return child && encodedOf(child);
}

/** What is base64 in XML: opaque octets may be that text, or what it stands for. */
function encodedOf(element: Element): string {
  if (!element.octets) return element.text.trim();
  const octets = Buffer.concat(element.octets);
  return meansText(octets, 'b64', undefined) ? textOf(octets).trim() : octets.toString('base64');
}

function allIn(element: Element, name: string): string[] {
  const found: string[] = [];
  for (const child of element.children) if (child.name === name) found.push(trimmedOf(child));
  return found;
}
