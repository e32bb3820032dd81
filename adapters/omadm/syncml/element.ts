/** The tree of elements that both readers build: local names, because devices put the children of Meta into any namespace or none. */
import type { SyncmlLimits } from './limits.ts';
import { SyncmlError } from './syncml-error.ts';
import { escapeAttribute, escapeText } from './xml-text.ts';

const noChildren: readonly Element[] = Object.freeze([]);

export class Element {
  /** Local name. */
  readonly name: string;
  /** All text directly in it, untrimmed. */
  text = '';
  /** Opaque content of WBXML, in pieces, where there is nothing else. */
  octets: Uint8Array[] | undefined;
  /** Of a Data that has elements: all its content. */
  markup: string | undefined;
  /** Value of an attribute with the local name `originalerror`. */
  originalError: string | undefined;
  children: readonly Element[] = noChildren;

  constructor(name: string) {
    this.name = name;
  }

  /** The first child with the name. */
  child(name: string): Element | undefined {
    for (const child of this.children) if (child.name === name) return child;
    return undefined;
  }
}

/** What a reader has found in the octets. */
export interface ElementDocument {
  root: Element;
  /** As the namespace or the public identifier says. */
  representation: '1.1' | '1.2' | undefined;
}

export type Attributes = Readonly<Record<string, string>>;

/** Builds the tree within the limits. Elements in a Data of a message are not built: they are kept as markup. */
export class ElementBuilder {
  readonly #limits: SyncmlLimits;
  readonly #keepsMarkup: boolean;
  readonly #open: Element[] = [];
  /** Names of the open elements in a Data. */
  readonly #inMarkup: string[] = [];
  #root: Element | undefined;
  #current: Element | undefined;
  #elements = 0;
  #items = 0;

  /** @param keepsMarkup false: the elements in a Data are built as all others. */
  constructor(limits: SyncmlLimits, keepsMarkup: boolean) {
    this.#limits = limits;
    this.#keepsMarkup = keepsMarkup;
  }

  /** Elements that are open. */
  get depth(): number {
    return this.#open.length + this.#inMarkup.length;
  }

  /** What begins now becomes markup. */
  get inData(): boolean {
    return this.#keepsMarkup && (this.#inMarkup.length > 0 || this.#current?.name === 'Data');
  }

  get root(): Element | undefined {
    return this.#root;
  }

  /**
   * @param name as written, with its prefix
   * @throws SyncmlError
   */
  begin(name: string, attributes?: Attributes): void {
    this.#count();
    const parent = this.#current;
    if (this.inData) return this.#beginMarkup(parent!, name, attributes);
    const element = new Element(name.slice(name.indexOf(':') + 1));
    let count = 0;
    for (const attribute in attributes) {
      if (++count > this.#limits.attributes) throw tooManyAttributes(this.#limits);
      if (attribute === 'originalerror' || attribute.endsWith(':originalerror'))
        element.originalError = attributes[attribute]!.trim();
    }
    if (element.name === 'Item' && ++this.#items > this.#limits.items) {
      throw new SyncmlError('too-many-items', `the message has more than ${this.#limits.items} items`);
    }
    if (parent === undefined) this.#root ??= element;
    else if (parent.children === noChildren) parent.children = [element];
    else (parent.children as Element[]).push(element);
    this.#open.push(element);
    this.#current = element;
  }

  text(text: string): void {
    const element = this.#current;
    if (element === undefined) return;
    if (element.markup !== undefined) element.markup += escapeText(text);
    else {
      if (element.octets) dissolve(element);
      element.text += text;
    }
  }

  octets(octets: Uint8Array): void {
    const element = this.#current;
    if (element === undefined) return;
    if (element.markup !== undefined || element.text !== '') this.text(textOf(octets));
    else (element.octets ??= []).push(octets);
  }

  end(): void {
    const name = this.#inMarkup.pop();
    if (name !== undefined) {
      this.#current!.markup += `</${name}>`;
      return;
    }
    this.#open.pop();
    this.#current = this.#open[this.#open.length - 1];
  }

  #beginMarkup(data: Element, name: string, attributes?: Attributes): void {
    if (data.octets) dissolve(data);
    data.markup ??= escapeText(data.text);
    let start = `<${name}`;
    let count = 0;
    for (const attribute in attributes) {
      if (++count > this.#limits.attributes) throw tooManyAttributes(this.#limits);
      start += ` ${attribute}="${escapeAttribute(attributes[attribute]!)}"`;
    }
    data.markup += `${start}>`;
    this.#inMarkup.push(name);
  }

  #count(): void {
    if (this.depth >= this.#limits.depth) {
      throw new SyncmlError('too-deep', `the message is nested deeper than ${this.#limits.depth} elements`);
    }
    if (++this.#elements > this.#limits.elements) {
      throw new SyncmlError('too-many-elements', `the message has more than ${this.#limits.elements} elements`);
    }
  }
}

export function tooManyAttributes({ attributes }: SyncmlLimits): SyncmlError {
  return new SyncmlError('too-many-attributes', `an element has more than ${attributes} attributes`);
}

/** Opaque content becomes text, because something else follows it. */
function dissolve(element: Element): void {
  element.text += textOf(Buffer.concat(element.octets!));
  element.octets = undefined;
}

/** Octets as UTF-8, without the NULs that C clients leave at the end. */
export function textOf(octets: Uint8Array): string {
  let end = octets.length;
  while (end > 0 && octets[end - 1] === 0) end--;
  return Buffer.from(octets.buffer, octets.byteOffset, end).toString('utf8');
}
