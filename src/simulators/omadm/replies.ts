import type { CommandOutcome, ItemOutcome } from './commands.ts';
import type { Faults } from './faults.ts';
import type { ServerMessage } from './message.ts';
import { address, part } from './part.ts';
import type { Part } from './part.ts';
import type { Quirk } from './quirks.ts';
import type { Found } from './queries.ts';

/** A part of the data of a command. */
export interface Slice {
  data: string | Buffer;
  /** Octets of the whole: first slice of several. */
  size?: number;
  more: boolean;
}

/** A command of the client that waits for a message to be in. */
export interface Entry {
  name: 'Alert' | 'Replace' | 'Status' | 'Results';
  write(id: string, slice?: Slice): Part;
  /** What can be spread over messages. */
  cut?: string | Buffer;
  /** The same in smaller commands, where it does not fit. */
  split?: Entry[];
  /** The status that the server has answered with. */
  answered?(code: number): void;
}

export interface ReplyStyle {
  quirks: ReadonlySet<Quirk>;
  faults: Faults;
}

const refer = (value: string, wrong: boolean): string => (wrong ? String(Number(value) + 70) : value);

function statusPart(
  style: ReplyStyle,
  id: string,
  message: ServerMessage,
  about: { command: string; id: string },
  code: number,
  more: { items?: readonly ItemOutcome[]; challenge?: Part; texts?: string[]; originalError?: string } = {},
): Part {
  const { faults, quirks } = style;
  const items = quirks.has('no-target-refs') ? [] : (more.items ?? []);
  const data = part('Data', String(code));
  if (more.originalError !== undefined)
    data.attributes = {
      'msft:originalerror': more.originalError,
      'xmlns:msft': 'http://schemas.microsoft.com/MobileDevice/MDM',
    };
  return part('Status', [
    part('CmdID', id),
    part('MsgRef', refer(message.messageId, faults.wrongReference === 'message')),
    part('CmdRef', about.id === '0' ? '0' : refer(about.id, faults.wrongReference === 'command')),
    part('Cmd', about.command),
    ...items.map((item) => item.target !== undefined && part('TargetRef', item.target)).filter((one) => one !== false),
    ...items.map((item) => item.source !== undefined && part('SourceRef', item.source)).filter((one) => one !== false),
    more.challenge,
    data,
    ...(more.texts ?? []).map((text) => part('Item', [part('Data', text)])),
  ]);
}

/** The Status of a message's header. */
export function headerStatus(
  style: ReplyStyle,
  message: ServerMessage,
  code: number,
  challenge: Part | undefined,
): Entry {
  const header: ItemOutcome = { code, target: message.target, source: message.source, found: [], texts: [] };
  return {
    name: 'Status',
    write: (id) =>
      statusPart(style, id, message, { command: 'SyncHdr', id: '0' }, code, {
        items: [header],
        ...(challenge ? { challenge } : {}),
      }),
  };
}

/** Meta in the order of the client. */
export function metaPart(quirks: ReadonlySet<Quirk>, fields: Record<string, string | undefined>): Part | undefined {
  const given = Object.entries(fields).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '',
  );
  if (given.length === 0) return undefined;
  const order = quirks.has('type-before-format')
    ? ['Type', 'Format', 'Mark', 'Size']
    : ['Format', 'Type', 'Mark', 'Size'];
  const sorted = given.toSorted(([one], [other]) => order.indexOf(one) - order.indexOf(other));
  return part(
    'Meta',
    sorted.map(([name, value]) => part(name, value)),
  );
}

function foundItem(quirks: ReadonlySet<Quirk>, found: Found, slice?: Slice): Part {
  const { uri, format, type, data } = found;
  const size = slice?.size === undefined ? undefined : String(slice.size);
  const content = slice ? slice.data : data;
  return part('Item', [
    address('Source', uri),
    metaPart(quirks, { Format: format, Type: type, Size: size }),
    content === undefined ? undefined : part('Data', content),
    slice?.more ? part('MoreData') : undefined,
  ]);
}

function results(style: ReplyStyle, message: ServerMessage, commandId: string, found: readonly Found[]): Entry {
  const [only] = found;
  const cut = found.length === 1 ? only?.data : undefined;
  return {
    name: 'Results',
    ...(cut === undefined || cut.length === 0 ? {} : { cut }),
    ...(found.length > 1 ? { split: found.map((one) => results(style, message, commandId, [one])) } : {}),
    write: (id, slice) =>
      part('Results', [
        part('CmdID', id),
        part('MsgRef', refer(message.messageId, style.faults.wrongReference === 'message')),
        part('CmdRef', refer(commandId, style.faults.wrongReference === 'command')),
        ...found.map((one) => foundItem(style.quirks, one, slice)),
      ]),
  };
}

/** Results of many nodes in pieces that fit into a message. */
const mostItems = 40;

/** The Statuses and Results for a command, in the order in which they are sent. */
export function repliesTo(style: ReplyStyle, message: ServerMessage, outcome: CommandOutcome): Entry[] {
  const { command, items, code, children, silent } = outcome;
  const about = { command: command.name, id: command.id };
  const entries: Entry[] = [];
  const status = (statusCode: number, of: readonly ItemOutcome[], texts: string[] = []): void => {
    const originalError = of[0]?.originalError;
    entries.push({
      name: 'Status',
      write: (id) =>
        statusPart(style, id, message, about, statusCode, {
          items: of,
          texts,
          ...(originalError === undefined ? {} : { originalError }),
        }),
    });
  };
  if (silent && code === undefined) return entries;
  if (code !== undefined) {
    if (!silent) status(code, []);
    return [...entries, ...children.flatMap((child) => repliesTo(style, message, child))];
  }
  const codes = new Set(items.map((item) => item.code));
  const together = codes.size === 1 && !style.quirks.has('status-per-item');
  if (together || style.quirks.has('no-target-refs')) {
    const worst = items.find((item) => item.code >= 300) ?? items[0];
    if (worst) status(worst.code, items, worst.texts);
  } else for (const item of items) status(item.code, [item], item.texts);
  const found = items.flatMap((item) => item.found);
  for (let at = 0; at < found.length; at += mostItems)
    entries.push(results(style, message, command.id, found.slice(at, at + mostItems)));
  return entries;
}

/** An alert of the client without Items: 1200, 1201, 1222, 1223. */
export const alertEntry = (code: number): Entry => ({
  name: 'Alert',
  write: (id) => part('Alert', [part('CmdID', id), part('Data', String(code))]),
});
