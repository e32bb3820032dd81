/** The elements that we write, each with its face in XML and in WBXML. */
import { firstToken, pageNamespaces, pages } from './wbxml-tokens.ts';

export interface Tag {
  readonly name: string;
  /** Code page. */
  readonly page: number;
  /** Without the bits of content and attributes. */
  readonly token: number;
  /** `<Format xmlns="syncml:metinf">` */
  readonly start: string;
  readonly end: string;
}

const common = [
  'Add', 'Alert', 'Atomic', 'Chal', 'Cmd', 'CmdID', 'CmdRef', 'Copy', 'Correlator', 'Cred', 'Data', 'Delete', 'Exec', 'Final', 'Get',
  'Item', 'LocName', 'LocURI', 'Meta', 'MoreData', 'MsgID', 'MsgRef', 'Replace', 'RespURI', 'Results', 'Sequence', 'SessionID', 'Source',
  'SourceRef', 'Status', 'SyncBody', 'SyncHdr', 'SyncML', 'Target', 'TargetRef', 'VerDTD', 'VerProto',
] as const; // prettier-ignore
const information = ['Format', 'Type', 'Mark', 'Size', 'NextNonce', 'MaxMsgSize', 'MaxObjSize'] as const;

type TagName = (typeof common)[number] | (typeof information)[number];

function tagOf(name: TagName, page: number): Tag {
  const token = pages[page]!.indexOf(name) + firstToken;
  const namespace = page === 0 ? '' : ` xmlns="${pageNamespaces[page]!}"`;
  return Object.freeze({ name, page, token, start: `<${name}${namespace}>`, end: `</${name}>` });
}

export const tags = Object.freeze(
  Object.fromEntries([
    ...common.map((name) => [name, tagOf(name, 0)]),
    ...information.map((name) => [name, tagOf(name, 1)]),
  ]),
) as Readonly<Record<TagName, Tag>>;
