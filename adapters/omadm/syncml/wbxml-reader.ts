/** WBXML 1.1 to 1.3 → elements, in one pass without recursion. Lengths are held against what is there before anything is made. */
import { type Attributes, ElementBuilder, type ElementDocument, tooManyAttributes } from './element.ts';
import type { SyncmlLimits } from './limits.ts';
import { SyncmlError } from './syncml-error.ts';
import {
  charsetLatin1,
  charsetUtf8,
  firstToken,
  globalToken,
  pageNamespaces,
  pages,
  publicIds,
  withAttributes,
  withContent,
} from './wbxml-tokens.ts';

/** @throws SyncmlError and nothing else */
export function readWbxml(
  octets: Uint8Array,
  limits: SyncmlLimits,
  warnings: string[],
  keepsMarkup = true,
): ElementDocument {
  return new WbxmlReader(octets, limits, warnings, keepsMarkup).read();
}

const literalName = /^[\p{L}_][\p{L}\p{N}_.:-]{0,99}$/u;
/** US-ASCII is UTF-8, and 0 is "unknown". */
const utf8Charsets: readonly number[] = [charsetUtf8, 3, 0];

class WbxmlReader {
  readonly #octets: Buffer;
  readonly #limits: SyncmlLimits;
  readonly #warnings: string[];
  readonly #builder: ElementBuilder;
  #at = 0;
  #table: Buffer = Buffer.alloc(0);
  #charset: 'utf8' | 'latin1' = 'utf8';
  #page = 0;
  /** Pages of the open elements. */
  readonly #pages: number[] = [];
  /** Octets that strings of the table have come to: a few octets can refer to a long one again and again. */
  #expanded = 0;

  constructor(octets: Uint8Array, limits: SyncmlLimits, warnings: string[], keepsMarkup: boolean) {
    this.#octets = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
    this.#limits = limits;
    this.#warnings = warnings;
    this.#builder = new ElementBuilder(limits, keepsMarkup);
  }

  read(): ElementDocument {
    this.#octet(); // Version: the caller has looked at it.
    const publicId = this.#number();
    const publicIdAt = publicId === 0 ? this.#number() : 0;
    this.#takeCharset(this.#number());
    this.#table = this.#slice(this.#number());
    const representation = this.#representationOf(publicId, publicIdAt);
    do this.#readContent();
    while (this.#builder.depth > 0 || this.#builder.root === undefined);
    return { root: this.#builder.root, representation };
  }

  #takeCharset(charset: number): void {
    if (charset === charsetLatin1) this.#charset = 'latin1';
    else if (!utf8Charsets.includes(charset)) {
      throw new SyncmlError('charset', `the message is in the character set ${charset}; only UTF-8 is spoken here`);
    }
  }

  #representationOf(publicId: number, at: number): ElementDocument['representation'] {
    const name = publicId === 0 ? this.#tableString(at) : '';
    if (publicId === publicIds['1.2'] || name.includes('SyncML 1.2')) return '1.2';
    if (publicId === publicIds['1.1'] || name.includes('SyncML 1.1')) return '1.1';
    this.#warnings.push('its public identifier is none of SyncML');
    return undefined;
  }

  #readContent(): void {
    const token = this.#octet();
    switch (token) {
      case globalToken.switchPage:
        this.#page = this.#octet();
        return;
      case globalToken.end:
        if (this.#builder.depth === 0) throw malformed('an element ends that has not begun');
        this.#builder.end();
        this.#pages.pop();
        return;
      case globalToken.entity:
        this.#builder.text(this.#entity());
        return;
      case globalToken.inlineString:
        this.#builder.text(this.#inlineString());
        return;
      case globalToken.tableString:
        this.#builder.text(this.#tableString(this.#number()));
        return;
      case globalToken.opaque:
        this.#builder.octets(this.#slice(this.#number()));
        return;
      case globalToken.processingInstruction:
        this.#attributes();
        return;
    }
    if (this.#skipExtension(token)) return;
    this.#readElement(token);
  }

  #readElement(token: number): void {
    const number = token & 0x3f;
    const name = number === globalToken.literal ? this.#literal() : this.#nameOf(number);
    let attributes: Attributes | undefined;
    if ((token & withAttributes) !== 0) attributes = this.#attributes();
    else if (this.#builder.inData && this.#pages[this.#pages.length - 1] !== this.#page) {
      attributes = { xmlns: pageNamespaces[this.#page] ?? `page:${this.#page}` };
    }
    this.#builder.begin(name, attributes);
    if ((token & withContent) === 0) this.#builder.end();
    else this.#pages.push(this.#page);
  }

  /** An unknown one gets a name that no table has, and is skipped as unknown elements are. */
  #nameOf(token: number): string {
    const name = pages[this.#page]?.[token - firstToken];
    return name === undefined || name === '-' ? `unknown-${this.#page}-${token}` : name;
  }

  #literal(): string {
    const name = this.#tableString(this.#number());
    if (!literalName.test(name)) throw malformed('a literal name is none');
    return name;
  }

  /** Attribute tokens are unknown in SyncML: only literal names and their values are kept. */
  #attributes(): Attributes {
    const found: Record<string, string> = Object.create(null) as Record<string, string>;
    let name: string | undefined;
    let count = 0;
    for (;;) {
      const token = this.#octet();
      if (token === globalToken.end) return found;
      if (token === globalToken.switchPage) this.#octet();
      else if (
        token === globalToken.literal ||
        (token < withAttributes && token >= firstToken && !isExtension(token))
      ) {
        if (++count > this.#limits.attributes) throw tooManyAttributes(this.#limits);
        name = token === globalToken.literal ? this.#literal() : undefined;
        if (name !== undefined) found[name] = '';
      } else {
        const value = this.#attributeValue(token);
        if (name !== undefined) found[name] += value;
      }
    }
  }

  #attributeValue(token: number): string {
    if (token === globalToken.inlineString) return this.#inlineString();
    if (token === globalToken.tableString) return this.#tableString(this.#number());
    if (token === globalToken.entity) return this.#entity();
    if (token === globalToken.opaque) return this.#slice(this.#number()).toString(this.#charset);
    this.#skipExtension(token);
    return '';
  }

  /** SyncML has no extensions: they are passed over. */
  #skipExtension(token: number): boolean {
    if (!isExtension(token)) return false;
    const kind = token & 0xc0;
    if (kind === globalToken.extensionInline) this.#inlineString();
    else if (kind === globalToken.extensionTable) this.#number();
    return true;
  }

  #entity(): string {
    const code = this.#number();
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw malformed('an entity is no character');
    return code === 0 ? '' : String.fromCodePoint(code);
  }

  #inlineString(): string {
    const end = this.#octets.indexOf(0, this.#at);
    if (end < 0) throw truncated();
    const text = this.#octets.toString(this.#charset, this.#at, end);
    this.#at = end + 1;
    return text;
  }

  #tableString(at: number): string {
    if (at >= this.#table.length) throw malformed('a string is not in the string table');
    const terminator = this.#table.indexOf(0, at);
    const end = terminator < 0 ? this.#table.length : terminator;
    this.#expanded += end - at;
    if (this.#expanded > this.#limits.octets) {
      throw new SyncmlError('too-large', `the strings of the message come to more than ${this.#limits.octets} octets`);
    }
    return this.#table.toString(this.#charset, at, end);
  }

  #slice(length: number): Buffer {
    if (length > this.#octets.length - this.#at) throw truncated();
    const slice = this.#octets.subarray(this.#at, this.#at + length);
    this.#at += length;
    return slice;
  }

  #octet(): number {
    const octet = this.#octets[this.#at++];
    if (octet === undefined) throw truncated();
    return octet;
  }

  /** mb_u_int32: seven bits an octet, the highest first. */
  #number(): number {
    let value = 0;
    for (let count = 0; count < 5; count++) {
      const octet = this.#octet();
      value = value * 128 + (octet & 0x7f);
      if (octet < 0x80) {
        if (value > 0xffff_ffff) break;
        return value;
      }
    }
    throw malformed('a number is longer than 32 bits');
  }
}

function isExtension(token: number): boolean {
  return (token & 0x3f) <= 2 && token >= globalToken.extensionInline;
}

function malformed(what: string): SyncmlError {
  return new SyncmlError('malformed', `the body is no WBXML: ${what}`);
}

function truncated(): SyncmlError {
  return malformed('it ends too early');
}
