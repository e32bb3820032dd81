/**
 * XML → elements, by `saxes`. A DOCTYPE is passed over, and refused when it declares entities. One tolerant second try: without NUL
 * and other characters that XML does not have, because a client in the field sends them, and with bare ampersands escaped.
 */
import { createRequire } from 'node:module';
import type { SaxesParser } from 'saxes';
import { type Attributes, ElementBuilder, type ElementDocument } from './element.ts';
import type { SyncmlLimits } from './limits.ts';
import { SyncmlError } from './syncml-error.ts';
import { withoutIllegal } from './xml-text.ts';

type Parser = SaxesParser<{ position: false; xmlns: false }>;

let saxes: typeof import('saxes') | undefined;

/** Loaded at the first message: the parser compiles large expressions, and the gateway shall start without it. */
function createParser(): Parser {
  saxes ??= createRequire(import.meta.url)('saxes') as typeof import('saxes');
  return new saxes.SaxesParser({ position: false, xmlns: false });
}

/** UTF-16 units that are parsed at a stretch. */
const sliceLength = 128 * 1024;

/**
 * Yields between slices of a big text, for the caller to let others have the event loop.
 * @throws SyncmlError and nothing else
 */
export function* readXml(
  text: string,
  limits: SyncmlLimits,
  warnings: string[],
  keepsMarkup = true,
): Generator<void, ElementDocument> {
  const body = text.trim();
  try {
    return yield* parse(body, limits, keepsMarkup);
  } catch (error) {
    if (!(error instanceof SyncmlError) || error.reason !== 'malformed') throw error;
    const legal = withoutIllegal(text).trim();
    const mended = mendReferences(legal);
    if (mended === body) throw error;
    yield;
    const document = yield* parse(mended, limits, keepsMarkup);
    if (legal !== body) warnings.push('characters that XML does not have were left out');
    if (mended !== legal) warnings.push(`the XML had to be mended: ${error.message}`);
    return document;
  }
}

function* parse(text: string, limits: SyncmlLimits, keepsMarkup: boolean): Generator<void, ElementDocument> {
  const builder = new ElementBuilder(limits, keepsMarkup);
  const parser = createParser();
  let representation: ElementDocument['representation'];
  parser.on('opentag', (tag) => {
    if (builder.depth === 0) representation = representationOf(tag.attributes);
    builder.begin(tag.name, tag.attributes);
  });
  parser.on('closetag', () => builder.end());
  parser.on('text', (content) => builder.text(content));
  parser.on('cdata', (content) => builder.text(content));
  parser.on('doctype', (content) => {
    if (content.includes('<!ENTITY')) {
      throw new SyncmlError('entity', 'the message declares entities, which no device needs: it is refused');
    }
  });
  try {
    for (let at = 0; at < text.length; at += sliceLength) {
      if (at > 0) yield;
      parser.write(text.length <= sliceLength ? text : text.slice(at, at + sliceLength));
    }
    parser.close();
  } catch (error) {
    throw asSyncmlError(error);
  }
  if (!builder.root) throw new SyncmlError('malformed', 'there is no element');
  return { root: builder.root, representation };
}

function representationOf(attributes: Attributes): ElementDocument['representation'] {
  for (const name in attributes) {
    const version = name.startsWith('xmlns') && /SYNCML1\.([12])\s*$/i.exec(attributes[name]!)?.[1];
    if (version) return version === '1' ? '1.1' : '1.2';
  }
  return undefined;
}

function asSyncmlError(error: unknown): SyncmlError {
  if (error instanceof SyncmlError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new SyncmlError('malformed', `the body is no well-formed XML: ${why.slice(0, 200)}`, { cause: error });
}

const cdataStart = '<![CDATA[';
const cdataEnd = ']]>';

/** Ampersands that begin no entity of XML are escaped, references to characters that XML does not have dropped. Linear. */
function mendReferences(text: string): string {
  let mended = '';
  let at = 0;
  while (at < text.length) {
    const start = text.indexOf(cdataStart, at);
    const until = start < 0 ? text.length : start;
    mended += text.slice(at, until).replace(/&(?:(amp|lt|gt|quot|apos);|#(x[0-9a-fA-F]{1,6}|[0-9]{1,7});)?/g, mend);
    if (start < 0) break;
    const end = text.indexOf(cdataEnd, start);
    at = end < 0 ? text.length : end + cdataEnd.length;
    mended += text.slice(start, at);
  }
  return mended;
}

function mend(reference: string, entity: string | undefined, number: string | undefined): string {
  if (entity !== undefined) return reference;
  if (number === undefined) return '&amp;';
  const code = number.startsWith('x') ? Number.parseInt(number.slice(1), 16) : Number.parseInt(number, 10);
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return '';
  return withoutIllegal(String.fromCodePoint(code)) === '' ? '' : reference;
}
