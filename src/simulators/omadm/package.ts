import { part } from './part.ts';
import type { Part } from './part.ts';
import type { Entry, Slice } from './replies.ts';
import type { Faults } from './faults.ts';

export interface Filled {
  /** The body of the message: parts with their CmdIDs. */
  parts: Part[];
  /** Entries that are in, by CmdID. */
  sent: Map<string, Entry>;
  rest: Entry[];
  /** The message ends with a part of a large object. */
  cut: boolean;
}

export interface Filling {
  entries: readonly Entry[];
  /** Octets that a message may have. */
  limit: number;
  /** Octets of a message with these parts. */
  measure(parts: Part[]): number;
  firstId: number;
  faults: Faults;
}

const overhead = 64;
const smallestSlice = 16;
/** Less than that waits for the next message. */
const usefulSlice = 64;

/** As many entries as fit into a message, in their order; the last one may be cut (DM Protocol 1.2, 7). */
export function fill({ entries, limit, measure, firstId, faults }: Filling): Filled {
  const parts: Part[] = [];
  const sent = new Map<string, Entry>();
  const base = measure([]) + overhead;
  let size = base;
  const waiting = [...entries];
  while (waiting.length > 0) {
    const entry = waiting[0]!;
    const rest = waiting.slice(1);
    const id = String(firstId + parts.length);
    const whole = entry.write(id);
    const spoilt = entry.name === 'Results' ? spoil(entry, id, faults) : undefined;
    if (spoilt) {
      sent.set(id, entry);
      return { parts: [...parts, spoilt.part], sent, rest: [...spoilt.next, ...rest], cut: true };
    }
    const own = measure([whole]) - base + overhead;
    if (size + own <= limit) {
      parts.push(whole);
      sent.set(id, entry);
      size += own;
      waiting.shift();
      continue;
    }
    if (entry.split) {
      waiting.splice(0, 1, ...entry.split);
      continue;
    }
    if (entry.cut === undefined) {
      // What cannot be cut waits for a message with room, and is too large where there is none.
      if (base + own <= limit && sent.size > 0) return { parts, sent, rest: waiting, cut: false };
      sent.set(id, entry);
      return { parts: [...parts, whole], sent, rest, cut: false };
    }
    const room =
      limit - size - (measure([entry.write(id, { data: '', size: entry.cut.length, more: true })]) - base + overhead);
    if (room < Math.min(usefulSlice, entry.cut.length) && sent.size > 0)
      return { parts, sent, rest: waiting, cut: false };
    const slice = firstSlice(entry.cut, room, (data) => measure([entry.write(id, data)]) - base + size <= limit);
    sent.set(id, entry);
    parts.push(entry.write(id, { ...slice.head, size: sizeOf(entry.cut) + (faults.wrongSize ? 1 : 0) }));
    return {
      parts,
      sent,
      rest: [...(faults.breaksOffChunks ? [] : [remainder(entry, slice.tail)]), ...rest],
      cut: true,
    };
  }
  return { parts, sent, rest: [], cut: false };
}

const sizeOf = (data: string | Buffer): number => Buffer.byteLength(data);

/** What follows of a large object: the next slice, or the last. */
function remainder(entry: Entry, tail: string | Buffer): Entry {
  const { answered, ...rest } = entry;
  return {
    ...rest,
    ...(answered ? { answered } : {}),
    cut: tail,
    write: (id, slice) => entry.write(id, slice ? { data: slice.data, more: slice.more } : { data: tail, more: false }),
  };
}

function firstSlice(
  data: string | Buffer,
  room: number,
  fits: (slice: Slice) => boolean,
): { head: Slice; tail: string | Buffer } {
  let length = Math.max(smallestSlice, Math.floor(room / 4) * 4);
  for (;;) {
    // Not between the halves of a character.
    const end = typeof data === 'string' && /[\ud800-\udbff]/.test(data[length - 1] ?? '') ? length - 1 : length;
    const head = { data: data.slice(0, end), size: sizeOf(data), more: true };
    if (length <= smallestSlice || fits(head)) return { head, tail: data.slice(end) };
    length = Math.max(smallestSlice, Math.floor(length / 8) * 4);
  }
}

/** Results that never end, on request. */
function spoil(entry: Entry, id: string, faults: Faults): { part: Part; next: Entry[] } | undefined {
  if (faults.hugeSize) return { part: entry.write(id, { data: 'x', size: 1_073_741_824, more: true }), next: [] };
  if (!faults.endlessMoreData) return undefined;
  const more: Entry = { name: 'Results', write: (next) => entry.write(next, { data: 'more and more ', more: true }) };
  return { part: entry.write(id, { data: 'more and more ', size: 1000, more: true }), next: [more] };
}

/** Final, where a package ends. */
export const finalPart = part('Final');
