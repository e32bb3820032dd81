/**
 * SOAP 1.1 envelopes of CWMP in and out. In: `saxes`, local names only, because CPEs use prefixes that they do not declare;
 * limits on size, depth and count; one tolerant second try. Out: no XML declaration and fixed prefixes, because CPEs search
 * for `<soap-env:` and `cwmp:` literally.
 */
import { createRequire } from 'node:module';
import type { SaxesParser } from 'saxes';
import { sanitise } from './sanitise.ts';
import { SoapError } from './soap-error.ts';
import { optional, xml, Xml } from './xml.ts';

export { SoapError } from './soap-error.ts';

export interface Element {
  /** Local name. */
  readonly name: string;
  /** All text directly in it, untrimmed. */
  text: string;
  /** Local part of the value of any attribute with the local name `type`. */
  type: string | undefined;
  children: readonly Element[];
}

export interface EnvelopeHeader {
  id?: string;
  /** Never set by a CPE that keeps the rules. */
  holdRequests?: boolean;
  /** s */
  sessionTimeout?: number;
  supportedVersions?: string[];
}

export interface Envelope {
  /** `urn:dslforum-org:cwmp-1-2`, as the sender says; 1-0 when it says none that is known. */
  namespace: string;
  header: EnvelopeHeader;
  /** First element of the body. */
  body: Element;
  warnings: string[];
}

export interface SoapLimits {
  /** UTF-16 units. */
  characters: number;
  depth: number;
  elements: number;
}

export const defaultSoapLimits: Readonly<SoapLimits> = Object.freeze({
  characters: 16 * 1024 * 1024,
  depth: 64,
  elements: 500_000,
});

const defaultNamespace = 'urn:dslforum-org:cwmp-1-0';
const cwmpNamespace = /^urn:dslforum-org:cwmp-1-\d{1,2}$/;
const noChildren: readonly Element[] = Object.freeze([]);

/** Characters that are parsed at a stretch by `readEnvelopeInTurns`. */
const sliceLength = 128 * 1024;

/**
 * Reads an envelope at once.
 * @throws SoapError and nothing else
 */
export function readEnvelope(text: string, limits: SoapLimits = defaultSoapLimits): Envelope {
  const turns = readInTurns(text, limits);
  for (;;) {
    const turn = turns.next();
    if (turn.done) return turn.value;
  }
}

/**
 * As `readEnvelope`, and the event loop goes on between slices of a big one (quirk 23).
 * @throws SoapError and nothing else
 */
export async function readEnvelopeInTurns(text: string, limits: SoapLimits = defaultSoapLimits): Promise<Envelope> {
  if (text.length <= sliceLength) return readEnvelope(text, limits);
  const turns = readInTurns(text, limits);
  for (;;) {
    const turn = turns.next();
    if (turn.done) return turn.value;
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }
}

function* readInTurns(text: string, limits: SoapLimits): Generator<void, Envelope> {
  if (text.length > limits.characters) {
    throw new SoapError('too-large', `the envelope has more than ${limits.characters} characters; raise the limit`);
  }
  try {
    return yield* parse(text, limits);
  } catch (error) {
    if (!(error instanceof SoapError) || error.reason !== 'malformed') throw error;
    const envelope = yield* parse(sanitise(text), limits);
    envelope.warnings.push(`the XML had to be mended: ${error.message}`);
    return envelope;
  }
}

function* parse(text: string, limits: SoapLimits): Generator<void, Envelope> {
  const reader = new TreeReader(limits);
  for (let at = 0; at < text.length; at += sliceLength) {
    reader.write(text.length <= sliceLength ? text : text.slice(at, at + sliceLength));
    if (at + sliceLength < text.length) yield;
  }
  return envelopeOf(reader.close(), reader);
}

type Parser = SaxesParser<{ position: false; xmlns: false }>;

let saxes: typeof import('saxes') | undefined;

/** Loaded at the first envelope: the parser compiles large expressions, and the gateway shall start without it. */
function createParser(): Parser {
  saxes ??= createRequire(import.meta.url)('saxes') as typeof import('saxes');
  return new saxes.SaxesParser({ position: false, xmlns: false });
}

/** Builds the tree of elements. One per envelope. */
class TreeReader {
  /** Prefix → CWMP namespace, as far as the method element. */
  readonly namespaces = new Map<string, string>();
  methodPrefix = '';
  readonly #parser = createParser();
  readonly #limits: SoapLimits;
  readonly #open: Element[] = [];
  #root: Element | undefined;
  #current: Element | undefined;
  #count = 0;

  constructor(limits: SoapLimits) {
    this.#limits = limits;
    const parser = this.#parser;
    parser.on('opentag', (tag) => this.#begin(tag.name, tag.attributes));
    parser.on('closetag', () => {
      this.#open.pop();
      this.#current = this.#open[this.#open.length - 1];
    });
    const take = (text: string): void => {
      if (this.#current) this.#current.text += text;
    };
    parser.on('text', take);
    parser.on('cdata', take);
    parser.on('doctype', () => {
      throw new SoapError('doctype', 'the envelope has a DOCTYPE, which no CPE needs: it is refused');
    });
  }

  write(slice: string): void {
    try {
      this.#parser.write(slice);
    } catch (error) {
      throw asSoapError(error);
    }
  }

  /** The root. */
  close(): Element {
    try {
      this.#parser.close();
    } catch (error) {
      throw asSoapError(error);
    }
    if (!this.#root) throw new SoapError('malformed', 'there is no element');
    return this.#root;
  }

  #begin(tag: string, attributes: Record<string, string>): void {
    const colon = tag.indexOf(':');
    const element: Element = {
      name: colon < 0 ? tag : tag.slice(colon + 1),
      text: '',
      type: undefined,
      children: noChildren,
    };
    for (const name in attributes) this.#takeAttribute(element, name, attributes[name]!);
    const depth = this.#open.push(element);
    if (depth > this.#limits.depth) {
      throw new SoapError('too-deep', `the envelope is nested deeper than ${this.#limits.depth} elements`);
    }
    if (++this.#count > this.#limits.elements) {
      throw new SoapError('too-many-elements', `the envelope has more than ${this.#limits.elements} elements`);
    }
    if (depth === 3) this.methodPrefix = colon < 0 ? '' : tag.slice(0, colon);
    const parent = this.#current;
    if (!parent) this.#root = element;
    else if (parent.children === noChildren) parent.children = [element];
    else (parent.children as Element[]).push(element);
    this.#current = element;
  }

  #takeAttribute(element: Element, name: string, value: string): void {
    if (name === 'xsi:type' || name === 'type' || name.endsWith(':type')) {
      element.type = value.slice(value.indexOf(':') + 1).trim();
    } else if (this.#open.length < 3 && name.startsWith('xmlns') && cwmpNamespace.test(value.trim())) {
      this.namespaces.set(name.slice('xmlns:'.length), value.trim());
    }
  }
}

function asSoapError(error: unknown): SoapError {
  if (error instanceof SoapError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new SoapError('malformed', `the body is no well-formed XML: ${why.slice(0, 200)}`, { cause: error });
}

function envelopeOf(root: Element, reader: TreeReader): Envelope {
  if (root.name !== 'Envelope') {
    throw new SoapError('no-envelope', `the document is a ${root.name.slice(0, 40)}, not a SOAP Envelope`);
  }
  const body = childOf(childOf(root, 'Body'));
  if (!body) throw new SoapError('no-body', 'the envelope has no body, or nothing in it');
  const warnings: string[] = [];
  let namespace = reader.namespaces.get(reader.methodPrefix);
  if (namespace === undefined) [namespace] = reader.namespaces.values();
  if (namespace === undefined) {
    namespace = defaultNamespace;
    warnings.push('it names no CWMP namespace that is known; it is taken for CWMP 1.0');
  }
  return { namespace, header: headerOf(childOf(root, 'Header')), body, warnings };
}

function headerOf(element: Element | undefined): EnvelopeHeader {
  const header: EnvelopeHeader = {};
  for (const { name, text } of element?.children ?? noChildren) {
    const value = text.trim();
    // Names in odd case exist (quirk 44).
    switch (name.toLowerCase()) {
      case 'id':
        header.id = value;
        break;
      case 'holdrequests':
        header.holdRequests = value === '1' || value.toLowerCase() === 'true';
        break;
      case 'sessiontimeout':
        if (/^\d{1,9}$/.test(value)) header.sessionTimeout = Number(value);
        break;
      case 'supportedcwmpversions':
        header.supportedVersions = value.split(/[\s,]+/).filter((version) => /^\d{1,2}\.\d{1,2}$/.test(version));
    }
  }
  return header;
}

/** The first child with the name; without a name the first child. */
export function childOf(element: Element | undefined, name?: string): Element | undefined {
  if (!element) return undefined;
  return name === undefined ? element.children[0] : element.children.find((child) => child.name === name);
}

/** Text of a child, untrimmed; undefined when there is no such child. */
export function textIn(element: Element | undefined, name: string): string | undefined {
  return childOf(element, name)?.text;
}

/** The first descendant with the name, in document order, the element itself included. */
export function descendantOf(element: Element, name: string): Element | undefined {
  if (element.name === name) return element;
  for (const child of element.children) {
    const found = descendantOf(child, name);
    if (found) return found;
  }
  return undefined;
}

export interface EnvelopeOut {
  namespace: string;
  /** Absent: the answered message had none. */
  id?: string;
  holdRequests?: boolean;
  /** CWMP version for `UseCWMPVersion`, only in InformResponse. */
  useVersion?: string;
  body: Xml;
  /** An XML declaration in front, for CPEs that insist on one. */
  declaration?: boolean;
}

const mustUnderstand = new Xml(' soap-env:mustUnderstand="1"');

/** The text of an envelope; in UTF-8 on the wire. */
export function writeEnvelope(envelope: EnvelopeOut): string {
  const { namespace, id, holdRequests, useVersion, body } = envelope;
  const entries = [
    id === undefined ? [] : xml`<cwmp:ID${mustUnderstand}>${id}</cwmp:ID>`,
    holdRequests ? xml`<cwmp:HoldRequests${mustUnderstand}>1</cwmp:HoldRequests>` : [],
    useVersion === undefined ? [] : xml`<cwmp:UseCWMPVersion${mustUnderstand}>${useVersion}</cwmp:UseCWMPVersion>`,
  ].flat();
  const header = entries.length === 0 ? entries : xml`<soap-env:Header>${entries}</soap-env:Header>`;
  const text =
    xml`<soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:soap-enc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="${namespace}">${header}<soap-env:Body>${body}</soap-env:Body></soap-env:Envelope>`
      .text;
  return envelope.declaration ? `<?xml version="1.0" encoding="UTF-8"?>${text}` : text;
}

/** A SOAP fault of ours. `code`: 8000–8899. */
export function faultBody(code: number, text: string): Xml {
  const isServer = code === 8002 || code === 8004;
  return xml`<soap-env:Fault><faultcode>${isServer ? 'Server' : 'Client'}</faultcode><faultstring>CWMP fault</faultstring><detail><cwmp:Fault><FaultCode>${code}</FaultCode>${optional('FaultString', text.slice(0, 256))}</cwmp:Fault></detail></soap-env:Fault>`;
}
