import { childOf } from './element.ts';
import type { Element } from './element.ts';
import type { ServerCommand, ServerMessage } from './message.ts';
import { isFormat } from './tree.ts';

/** Children in their order (DM Representation 1.2.1, DTD); what is not listed may not be there. */
const orders: Readonly<Record<string, string>> = {
  SyncML: 'SyncHdr SyncBody',
  SyncHdr: 'VerDTD VerProto SessionID MsgID Target Source RespURI Cred Meta',
  Target: 'LocURI LocName',
  Source: 'LocURI LocName',
  Cred: 'Meta Data',
  Chal: 'Meta',
  Status: 'CmdID MsgRef CmdRef Cmd TargetRef SourceRef Cred Chal Data Item',
  Item: 'Target Source Meta Data MoreData',
  Alert: 'CmdID Data Item',
  Exec: 'CmdID Meta Correlator Item',
  Get: 'CmdID Meta Item',
  Delete: 'CmdID Meta Item',
  Copy: 'CmdID Meta Item',
  Add: 'CmdID Meta Item',
  Replace: 'CmdID Meta Item',
  Atomic: 'CmdID Meta Add Alert Copy Delete Exec Get Replace Sequence Atomic',
  Sequence: 'CmdID Meta Add Alert Copy Delete Exec Get Replace Atomic Sequence',
};
const once = new Set([
  'CmdID',
  'MsgRef',
  'CmdRef',
  'Cmd',
  'Meta',
  'Data',
  'Target',
  'Source',
  'Cred',
  'Chal',
  'Final',
  'RespURI',
]);
const groups = new Set(['Atomic', 'Sequence']);
const namespaces: Readonly<Record<string, string>> = { Meta: 'syncml:metinf' };

/** What is wrong with the form of a message, a sentence each. */
export function* formFaults(element: Element, namespace: string): Generator<string> {
  const wanted = namespaces[element.local] ?? namespace;
  const order = orders[element.local]?.split(' ');
  let reached = 0;
  const seen = new Set<string>();
  for (const child of element.children) {
    if (element.local === 'Data') return;
    if (child.namespace !== wanted)
      yield `${child.local} in ${element.local} has the namespace ${child.namespace || '(none)'}, not ${wanted}`;
    if (once.has(child.local) && seen.has(child.local)) yield `${element.local} has ${child.local} twice`;
    seen.add(child.local);
    if (order) {
      const at = order.indexOf(child.local);
      if (at < 0) yield `${child.local} may not be in ${element.local}`;
      else if (at < reached && !(groups.has(element.local) && at > 1))
        yield `${child.local} of ${element.local} comes too late`;
      reached = Math.max(reached, at);
    }
    yield* formFaults(child, namespace);
  }
}

const allowed = new Set(['Add', 'Alert', 'Atomic', 'Copy', 'Delete', 'Exec', 'Get', 'Replace', 'Sequence']);
const withTarget = new Set(['Add', 'Copy', 'Delete', 'Exec', 'Get', 'Replace']);
const alerts = new Set(['1100', '1101', '1102', '1103', '1104', '1222', '1223', '1225']);

function* commandFaults(command: ServerCommand, inside: string): Generator<string> {
  const { name, items, meta, data } = command;
  if (!allowed.has(name)) yield `a server does not send ${name}`;
  if (inside === 'Atomic' && ['Get', 'Exec', 'Atomic', 'Sequence'].includes(name)) yield `${name} is inside of Atomic`;
  if (name === 'Alert' && !alerts.has(data)) yield `a server does not send the alert ${data || '(none)'}`;
  if (withTarget.has(name) && items.length === 0) yield `${name} has no Item`;
  if (name === 'Exec' && items.length > 1) yield 'Exec has more than one Item';
  for (const item of items) {
    const format = item.meta.format ?? meta.format;
    if (withTarget.has(name) && !item.target) yield `an Item of ${name} has no Target`;
    if (item.target && /^\/|\/$|\/\//.test(item.target)) yield `${item.target} is not a URI of a node`;
    if (format !== undefined && !isFormat(format)) yield `${format} is not a format`;
    if ((name === 'Add' || name === 'Replace') && item.data === undefined) yield `an Item of ${name} has no Data`;
    if (name === 'Copy' && !item.source) yield 'Copy has no Source';
    if (item.moreData && inside !== '') yield `a part of a large object is inside of ${inside}`;
  }
  for (const child of command.commands) yield* commandFaults(child, name);
}

const idsOf = (command: ServerCommand): string[] => [command.id, ...command.commands.flatMap(idsOf)];

/** What is wrong with a message by itself. */
export function* messageFaults(message: ServerMessage, namespace: string): Generator<string> {
  yield* formFaults(message.root, namespace);
  const body = childOf(message.root, 'SyncBody');
  for (const [at, child] of (body?.children ?? []).entries()) {
    if (child.local === 'Final' && at !== (body?.children.length ?? 0) - 1) yield 'Final is not the last';
  }
  const first = body?.children[0];
  if (first?.local !== 'Status' || childOf(first, 'Cmd')?.text !== 'SyncHdr')
    yield 'the Status of the header does not come first';
  const ids = [...message.statuses.map((status) => status.id), ...message.commands.flatMap(idsOf)];
  for (const [at, id] of ids.entries()) {
    if (id === '' || id === '0') yield `a CmdID is ${id === '' ? 'missing' : '0'}`;
    else if (ids.indexOf(id) !== at) yield `the CmdID ${id} is there twice`;
  }
  for (const command of message.commands) yield* commandFaults(command, '');
  if (message.responseUri !== undefined && !URL.canParse(message.responseUri))
    yield `the RespURI ${message.responseUri} is not absolute`;
  if (message.source === '') yield 'the Source of the header is empty';
}
