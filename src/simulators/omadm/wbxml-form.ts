import { UnreadableMessage } from './element.ts';
import type { Element } from './element.ts';
import { metaNames } from './part.ts';
import type { Part } from './part.ts';
import { firstToken, pages, publicIds } from './wbxml-pages.ts';

const switchPage = 0x00;
const end = 0x01;
const entity = 0x02;
const inlineString = 0x03;
const literal = 0x04;
const tableString = 0x83;
const opaque = 0xc3;
const withContent = 0x40;
const withAttributes = 0x80;
const utf8 = 106;

/** mb_u_int32: seven bits an octet, the highest first. */
function multiByte(value: number): number[] {
  const octets = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) octets.unshift((rest & 0x7f) | 0x80);
  return octets;
}

class Writer {
  readonly #parts: Buffer[] = [];
  #page = 0;

  write({ name, content }: Part): void {
    const page = metaNames.has(name) ? 1 : 0;
    if (page !== this.#page) this.octets(switchPage, page);
    this.#page = page;
    const at = pages[page]?.names.indexOf(name) ?? -1;
    if (at < 0) throw new Error(`${name} has no token`);
    const token = firstToken + at;
    if (content.length === 0) return this.octets(token);
    this.octets(token | withContent);
    if (Array.isArray(content)) for (const child of content) this.write(child);
    else if (typeof content === 'string' && !content.includes('\0')) {
      this.octets(inlineString);
      this.#parts.push(Buffer.from(content), Buffer.from([0]));
    } else {
      const data = Buffer.from(content as string);
      this.octets(opaque, ...multiByte(data.length));
      this.#parts.push(data);
    }
    this.octets(end);
  }

  octets(...octets: number[]): void {
    this.#parts.push(Buffer.from(octets));
  }

  get result(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** A message as WBXML 1.2. */
export function writeWbxml(root: Part, namespace: string): Buffer {
  const writer = new Writer();
  writer.octets(0x02, ...multiByte(publicIds[namespace] ?? 1), utf8, 0);
  writer.write(root);
  return writer.result;
}

class Reader {
  readonly #octets: Buffer;
  #at = 0;
  #page = 0;
  #table: Buffer = Buffer.alloc(0);

  constructor(octets: Buffer) {
    this.#octets = octets;
  }

  #octet(): number {
    const octet = this.#octets[this.#at];
    if (octet === undefined) throw new UnreadableMessage('the message ends too early');
    this.#at += 1;
    return octet;
  }

  #number(): number {
    let value = 0;
    for (let count = 0; count < 5; count += 1) {
      const octet = this.#octet();
      value = value * 128 + (octet & 0x7f);
      if (octet < 0x80) return value;
    }
    throw new UnreadableMessage('a number has more than five octets');
  }

  #take(length: number): Buffer {
    if (this.#at + length > this.#octets.length) throw new UnreadableMessage('data are longer than the message');
    this.#at += length;
    return this.#octets.subarray(this.#at - length, this.#at);
  }

  #string(source: Buffer, from: number): { text: string; next: number } {
    const to = source.indexOf(0, from);
    if (to < 0) throw new UnreadableMessage('a string has no end');
    return { text: source.toString('utf8', from, to), next: to + 1 };
  }

  message(namespace: string): Element {
    const version = this.#octet();
    if (version < 1 || version > 3) throw new UnreadableMessage(`WBXML of version ${version} is not known`);
    const publicId = this.#number();
    if (publicId === 0) this.#number();
    else if (publicId !== publicIds[namespace])
      throw new UnreadableMessage(`the public identifier ${publicId} is not that of ${namespace}`);
    if (this.#number() !== utf8) throw new UnreadableMessage('the character set is not UTF-8');
    this.#table = this.#take(this.#number());
    const root = this.#element(this.#tag(), namespace);
    if (this.#at < this.#octets.length) throw new UnreadableMessage('something follows the root element');
    return root;
  }

  #tag(): number {
    for (;;) {
      const token = this.#octet();
      if (token !== switchPage) return token;
      this.#page = this.#octet();
    }
  }

  #element(token: number, namespace: string): Element {
    if ((token & withAttributes) !== 0 || (token & 0x3f) === literal)
      throw new UnreadableMessage('SyncML has neither attributes nor literals');
    const page = pages[this.#page];
    const local = page?.names[(token & 0x3f) - firstToken];
    if (!page || local === undefined || local === '-')
      throw new UnreadableMessage(`token ${token & 0x3f} of code page ${this.#page} is not known`);
    const own = this.#page === 0 ? namespace : page.namespace;
    const element: Element = { name: local, local, namespace: own, attributes: {}, children: [], text: '' };
    if ((token & withContent) === 0) return element;
    for (;;) {
      const next = this.#tag();
      if (next === end) return element;
      if (next === inlineString) {
        const { text, next: at } = this.#string(this.#octets, this.#at);
        element.text += text;
        this.#at = at;
      } else if (next === tableString) element.text += this.#string(this.#table, this.#number()).text;
      else if (next === entity) element.text += String.fromCodePoint(this.#number());
      else if (next === opaque) {
        const octets = this.#take(this.#number());
        element.octets = Buffer.concat([element.octets ?? Buffer.alloc(0), octets]);
        element.text += octets.toString('utf8');
      } else element.children.push(this.#element(next, namespace));
    }
  }
}

/** Throws UnreadableMessage. */
export const readWbxml = (octets: Buffer, namespace: string): Element => new Reader(octets).message(namespace);
