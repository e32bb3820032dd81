/** Objects that are larger than a message (DM Representation 1.2.1, 6.12; DM Protocol 1.2.1, 7): cut on the way out, joined on the way in. */
import type { Data, Item, Meta } from './syncml/message.ts';

/** Octets that an object has when it is whole: what Size says. */
export function sizeOf(data: Data): number {
  if (data instanceof Uint8Array) return data.length;
  return Buffer.byteLength(typeof data === 'string' ? data : data.markup);
}

/** Octets of one character in a message: escaped in XML, plain in WBXML. */
function costOf(character: string, form: 'xml' | 'wbxml'): number {
  if (form === 'xml') {
    switch (character) {
      case '&':
      case '\r':
        return 5;
      case '<':
      case '>':
        return 4;
    }
  }
  return Buffer.byteLength(character);
}

/**
 * A first part of at most `room` octets in a message, and where it ends. Text is cut between characters, base64 between groups of
 * four, so that every part can be decoded by itself.
 */
export function cutData(
  data: string | Uint8Array,
  from: number,
  room: number,
  { form, base64 }: { form: 'xml' | 'wbxml'; base64: boolean },
): { part: string | Uint8Array; end: number } {
  if (data instanceof Uint8Array || base64) {
    const whole = base64 ? room - (room % 4) : room;
    const end = Math.min(data.length, from + whole);
    return { part: data.slice(from, end), end };
  }
  let end = from;
  let used = 0;
  while (end < data.length) {
    const character = String.fromCodePoint(data.codePointAt(end)!);
    used += costOf(character, form);
    if (used > room) break;
    end += character.length;
  }
  return { part: data.slice(from, end), end };
}

export type Taken =
  /** Nothing is missing. */
  | { state: 'whole'; item: Item }
  /** More of it follows. */
  | { state: 'part' }
  /** It is not taken; the status code that says why. */
  | { state: 'refused'; status: number; why: string };

interface OpenObject {
  key: string;
  item: Item;
  parts: (string | Uint8Array)[];
  received: number;
  /** In a row. */
  emptyParts: number;
  announced: number | undefined;
  /** It was refused, and its other parts are, too. */
  refused?: { status: number; why: string };
}

/** A device that sends nothing in so many parts sends nothing. */
const maximumEmptyParts = 8;

/** Joins the parts of one object at a time: no other may come between them. */
export class ObjectAssembler {
  readonly #maximum: number;
  #open: OpenObject | undefined;

  /** @param maximum octets of one object */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** Parts are missing. */
  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** It is not the next part of what is open, though no other may come. */
  isInterruptedBy(owner: string, item: Item): boolean {
    return this.#open !== undefined && this.#open.key !== keyOf(owner, item);
  }

  /** Gives up what is open. Undefined: nothing is, or it was refused before. */
  abandon(): Item | undefined {
    const open = this.#open;
    this.#open = undefined;
    return open?.refused ? undefined : open?.item;
  }

  /**
   * @param owner tells commands with the same node apart: their name, and what they answer
   * @param meta of the item and its command together
   */
  take(owner: string, item: Item, meta: Meta): Taken {
    const key = keyOf(owner, item);
    if (!this.#open) {
      if (!item.moreData) return { state: 'whole', item };
      this.#open = {
        key,
        item: { ...item, meta, moreData: undefined },
        parts: [],
        received: 0,
        emptyParts: 0,
        announced: meta.size,
      };
    }
    const open = this.#open;
    const verdict = open.refused ?? this.#judge(open, item);
    if (verdict) {
      open.refused = verdict;
      open.parts = [];
      if (!item.moreData) this.#open = undefined;
      return { state: 'refused', ...verdict };
    }
    if (item.moreData) return { state: 'part' };
    this.#open = undefined;
    const data = join(open.parts);
    if (open.announced !== undefined && !isSize(open.announced, data, open.item.meta)) {
      const why = `it has ${sizeOf(data)} octets and not the ${open.announced} that were announced`;
      return { state: 'refused', status: 424, why };
    }
    return { state: 'whole', item: { ...open.item, data } };
  }

  #judge(open: OpenObject, { data }: Item): { status: number; why: string } | undefined {
    const maximum = this.#maximum;
    if ((open.announced ?? 0) > maximum) {
      return { status: 416, why: `${open.announced} octets are announced, and at most ${maximum} are taken` };
    }
    const part = data === undefined || typeof data === 'string' || data instanceof Uint8Array ? data : data.markup;
    const size = part === undefined ? 0 : sizeOf(part);
    open.emptyParts = size === 0 ? open.emptyParts + 1 : 0;
    if (open.emptyParts > maximumEmptyParts) {
      return { status: 424, why: `${open.emptyParts} parts in a row are empty` };
    }
    open.received += size;
    // Base64 is a third longer than what it stands for.
    if (open.received > maximum * 1.4) return { status: 416, why: `it goes on after ${maximum} octets` };
    if (part !== undefined && size > 0) open.parts.push(part);
    return undefined;
  }
}

function keyOf(owner: string, { source, target }: Item): string {
  return `${owner} ${source ?? ''} ${target ?? ''}`;
}

function join(parts: readonly (string | Uint8Array)[]): string | Uint8Array {
  if (parts.every((part) => typeof part === 'string')) return parts.join('');
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
}

/** Devices count what the text stands for, or the text. */
function isSize(announced: number, data: string | Uint8Array, meta: Meta | undefined): boolean {
  if (sizeOf(data) === announced) return true;
  if (typeof data !== 'string' || (meta?.format !== 'b64' && meta?.format !== 'bin')) return false;
  return Buffer.from(data, 'base64').length === announced;
}
