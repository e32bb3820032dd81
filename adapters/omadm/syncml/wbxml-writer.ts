/** A message as WBXML 1.2 in UTF-8 without a string table, into one buffer that grows. */
import type { Data } from './message.ts';
import type { Output } from './output.ts';
import { type Tag, tags } from './tags.ts';
import { charsetUtf8, globalToken, publicIds, withContent } from './wbxml-tokens.ts';

const version = 0x02;
/** UTF-16 units. */
const shortText = 40;

export class WbxmlOutput implements Output {
  #buffer = Buffer.allocUnsafe(2048);
  #length = 0;
  #page = 0;

  /** Version, public identifier, character set, empty string table. */
  start(representation: '1.1' | '1.2'): void {
    this.#reserve(16);
    this.#octet(version);
    this.#number(publicIds[representation]);
    this.#number(charsetUtf8);
    this.#octet(0);
  }

  begin(tag: Tag): void {
    this.#tag(tag, withContent);
  }

  end(_tag: Tag): void {
    this.#reserve(1);
    this.#octet(globalToken.end);
  }

  empty(tag: Tag): void {
    this.#tag(tag, 0);
  }

  text(tag: Tag, text: string): void {
    if (text === '') return this.#tag(tag, 0);
    this.#tag(tag, withContent);
    this.#string(text);
    this.#octet(globalToken.end);
  }

  /** Markup goes as text. */
  data(data: Data): void {
    if (typeof data === 'string') return this.text(tags.Data, data);
    if (!(data instanceof Uint8Array)) return this.text(tags.Data, data.markup);
    this.#tag(tags.Data, withContent);
    this.#opaque(data);
    this.#octet(globalToken.end);
  }

  /** Pieces that end on page 0 can follow one another. */
  returnToFirstPage(): void {
    if (this.#page === 0) return;
    this.#reserve(2);
    this.#octet(globalToken.switchPage);
    this.#octet(0);
    this.#page = 0;
  }

  append(octets: Uint8Array): void {
    this.#reserve(octets.length);
    this.#buffer.set(octets, this.#length);
    this.#length += octets.length;
  }

  /** What was written; nothing must be written after it. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #tag(tag: Tag, content: number): void {
    this.#reserve(3);
    if (tag.page !== this.#page) {
      this.#octet(globalToken.switchPage);
      this.#octet(tag.page);
      this.#page = tag.page;
    }
    this.#octet(tag.token | content);
  }

  /** An inline string ends at its first NUL: text that has one goes as opaque octets. Leaves room for an END. */
  #string(text: string): void {
    if (text.includes('\0')) return this.#opaque(Buffer.from(text));
    this.#reserve(text.length * 3 + 3);
    this.#octet(globalToken.inlineString);
    if (text.length > shortText || !this.#shortAscii(text)) {
      this.#length += this.#buffer.write(text, this.#length, 'utf8');
    }
    this.#octet(0);
  }

  /** Most text is short and ASCII: a call into the buffer costs more than its octets. Nothing is written when it is not. */
  #shortAscii(text: string): boolean {
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return false;
      this.#buffer[this.#length + index] = code;
    }
    this.#length += text.length;
    return true;
  }

  #opaque(octets: Uint8Array): void {
    this.#reserve(octets.length + 7);
    this.#octet(globalToken.opaque);
    this.#number(octets.length);
    this.append(octets);
    this.#reserve(1);
  }

  /** mb_u_int32 */
  #number(value: number): void {
    for (let shift = 28; shift > 0; shift -= 7) if (value >= 2 ** shift) this.#octet(0x80 | ((value >>> shift) & 0x7f));
    this.#octet(value & 0x7f);
  }

  #octet(value: number): void {
    this.#buffer[this.#length++] = value;
  }

  #reserve(octets: number): void {
    const needed = this.#length + octets;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}
