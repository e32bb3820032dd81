import { childOf, childrenOf, textOf, UnreadableMessage } from './element.ts';
import type { Element } from './element.ts';

export interface Meta {
  format?: string;
  type?: string;
  size?: number;
  nextNonce?: string;
}

export interface ServerItem {
  target: string | undefined;
  source: string | undefined;
  meta: Meta;
  /** Octets where WBXML has opaque data. */
  data: string | Buffer | undefined;
  moreData: boolean;
}

/** A command of the server. */
export interface ServerCommand {
  name: string;
  id: string;
  meta: Meta;
  /** Code of an Alert. */
  data: string;
  correlator: string;
  items: ServerItem[];
  /** Of Atomic and Sequence. */
  commands: ServerCommand[];
}

export interface Challenge {
  type: string;
  nextNonce: Buffer | undefined;
}

export interface ServerStatus {
  id: string;
  messageRef: string;
  commandRef: string;
  answered: string;
  code: number;
  challenge: Challenge | undefined;
  targetRefs: string[];
  sourceRefs: string[];
}

export interface ServerMessage {
  representation: string;
  protocol: string;
  sessionId: string;
  messageId: string;
  target: string;
  source: string;
  sourceName: string | undefined;
  responseUri: string | undefined;
  credential: { type: string; data: string } | undefined;
  maximumMessageSize: number | undefined;
  maximumObjectSize: number | undefined;
  statuses: ServerStatus[];
  commands: ServerCommand[];
  final: boolean;
  root: Element;
}

function metaOf(element: Element | undefined): Meta {
  const meta = childOf(element, 'Meta');
  const size = textOf(meta, 'Size');
  return {
    format: textOf(meta, 'Format'),
    type: textOf(meta, 'Type'),
    nextNonce: textOf(meta, 'NextNonce'),
    ...(size === undefined ? {} : { size: Number(size) }),
  };
}

const numberIn = (element: Element | undefined, name: string): number | undefined => {
  const text = textOf(element, name);
  return text === undefined ? undefined : Number(text);
};

/** Elements inside Data, written again: what a server did not escape. */
const markupOf = (element: Element): string =>
  `<${element.local}${element.namespace === '' ? '' : ` xmlns="${element.namespace}"`}>${element.children.map(markupOf).join('')}${element.text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')}</${element.local}>`;

function dataOf(element: Element): string | Buffer | undefined {
  const data = childOf(element, 'Data');
  if (!data) return undefined;
  if (data.children.length > 0) return data.children.map(markupOf).join('');
  return data.octets ?? data.text;
}

function itemOf(element: Element): ServerItem {
  return {
    target: textOf(childOf(element, 'Target'), 'LocURI'),
    source: textOf(childOf(element, 'Source'), 'LocURI'),
    meta: metaOf(element),
    data: dataOf(element),
    moreData: childOf(element, 'MoreData') !== undefined,
  };
}

const responses = new Set(['Status', 'Final']);
const ownChildren = new Set(['CmdID', 'Meta', 'Item', 'Data', 'Correlator', 'NoResp', 'Cred']);

function commandOf(element: Element): ServerCommand {
  const nested = element.local === 'Atomic' || element.local === 'Sequence';
  return {
    name: element.local,
    id: textOf(element, 'CmdID') ?? '',
    meta: metaOf(element),
    data: textOf(element, 'Data') ?? '',
    correlator: textOf(element, 'Correlator') ?? '',
    items: childrenOf(element, 'Item').map(itemOf),
    commands: nested ? element.children.filter((child) => !ownChildren.has(child.local)).map(commandOf) : [],
  };
}

function statusOf(element: Element): ServerStatus {
  const challenge = childOf(element, 'Chal');
  const { type = '', nextNonce } = metaOf(challenge);
  return {
    id: textOf(element, 'CmdID') ?? '',
    messageRef: textOf(element, 'MsgRef') ?? '',
    commandRef: textOf(element, 'CmdRef') ?? '',
    answered: textOf(element, 'Cmd') ?? '',
    code: Number(textOf(element, 'Data') ?? 0),
    challenge: challenge && {
      type,
      nextNonce: nextNonce === undefined ? undefined : Buffer.from(nextNonce, 'base64'),
    },
    targetRefs: childrenOf(element, 'TargetRef').map((one) => one.text),
    sourceRefs: childrenOf(element, 'SourceRef').map((one) => one.text),
  };
}

/** What a message says. Throws UnreadableMessage when it is no SyncML. */
export function messageOf(root: Element): ServerMessage {
  const header = childOf(root, 'SyncHdr');
  const body = childOf(root, 'SyncBody');
  if (root.local !== 'SyncML' || !header || !body)
    throw new UnreadableMessage('the message is not a SyncML with SyncHdr and SyncBody');
  const credential = childOf(header, 'Cred');
  const meta = childOf(header, 'Meta');
  return {
    root,
    representation: textOf(header, 'VerDTD') ?? '',
    protocol: textOf(header, 'VerProto') ?? '',
    sessionId: textOf(header, 'SessionID') ?? '',
    messageId: textOf(header, 'MsgID') ?? '',
    target: textOf(childOf(header, 'Target'), 'LocURI') ?? '',
    source: textOf(childOf(header, 'Source'), 'LocURI') ?? '',
    sourceName: textOf(childOf(header, 'Source'), 'LocName'),
    responseUri: textOf(header, 'RespURI'),
    credential: credential && { type: metaOf(credential).type ?? '', data: textOf(credential, 'Data') ?? '' },
    maximumMessageSize: numberIn(meta, 'MaxMsgSize'),
    maximumObjectSize: numberIn(meta, 'MaxObjSize'),
    statuses: childrenOf(body, 'Status').map(statusOf),
    commands: body.children.filter((child) => !responses.has(child.local)).map(commandOf),
    final: childOf(body, 'Final') !== undefined,
  };
}
