import type { ServerCommand } from './message.ts';

/** What to do with a command that may be a part of a large object (DM Protocol 1.2, 7). */
export type Assembly =
  | { kind: 'whole'; command: ServerCommand }
  | { kind: 'answered'; code: number }
  /** The object before it was broken off. */
  | { kind: 'broken'; target: string; next: Assembly };

interface Partial {
  key: string;
  target: string;
  size: number;
  parts: Buffer[];
  text: boolean;
}

const keyOf = ({ name, items }: ServerCommand): string => `${name} ${items[0]?.target ?? ''}`;

/** Puts large objects of the server together, one at a time. */
export class Assembler {
  readonly #maximum: number;
  readonly #complain: (sentence: string) => void;
  #open: Partial | undefined;

  constructor(maximum: number, complain: (sentence: string) => void) {
    this.#maximum = maximum;
    this.#complain = complain;
  }

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  take(command: ServerCommand): Assembly {
    const [item] = command.items;
    const open = this.#open;
    if (open && open.key !== keyOf(command)) {
      this.#open = undefined;
      return { kind: 'broken', target: open.target, next: this.take(command) };
    }
    if (!item || (!open && !item.moreData)) return { kind: 'whole', command };
    const size = item.meta.size ?? command.meta.size;
    if (!open) {
      if (size === undefined) this.#complain('the first part of a large object has no Size');
      if (size !== undefined && size > this.#maximum) return { kind: 'answered', code: 416 };
    } else if (size !== undefined) this.#complain('a further part of a large object has a Size');
    const object = open ?? {
      key: keyOf(command),
      target: item.target ?? '',
      size: size ?? Number.NaN,
      parts: [],
      text: !Buffer.isBuffer(item.data),
    };
    object.parts.push(Buffer.from((item.data as string | undefined) ?? ''));
    const length = object.parts.reduce((sum, one) => sum + one.length, 0);
    if (length > this.#maximum * 1.4) {
      this.#open = undefined;
      return { kind: 'answered', code: 416 };
    }
    this.#open = item.moreData ? object : undefined;
    if (item.moreData) return { kind: 'answered', code: 213 };
    const octets = Buffer.concat(object.parts);
    const format = item.meta.format ?? command.meta.format;
    // Size counts the object, which base64 makes longer.
    const decoded = format === 'b64' || format === 'bin' ? Buffer.from(octets.toString(), 'base64').length : length;
    if (object.size !== length && object.size !== decoded) return { kind: 'answered', code: 424 };
    const data = object.text ? octets.toString() : octets;
    return { kind: 'whole', command: { ...command, items: [{ ...item, data }] } };
  }
}
