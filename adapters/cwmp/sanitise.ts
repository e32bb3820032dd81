/** The one tolerant try: what CPEs do wrong in XML, put right. A DOCTYPE is never among it. */
import { withoutIllegal } from './xml.ts';

const cdataStart = '<![CDATA[';
const cdataEnd = ']]>';

/**
 * Cuts what stands before the first element and after the envelope, drops the XML declaration and characters that XML does
 * not have, and escapes ampersands that begin no entity of XML. Linear in the length of the text.
 */
export function sanitise(text: string): string {
  const start = text.indexOf('<');
  if (start < 0) return '';
  let body = text.slice(start, endOfEnvelope(text) ?? text.length);
  if (body.startsWith('<?xml')) {
    const end = body.indexOf('?>');
    if (end >= 0) body = body.slice(end + 2);
  }
  return withoutIllegal(mendReferences(body));
}

function endOfEnvelope(text: string): number | undefined {
  const name = text.lastIndexOf('Envelope');
  if (name < 0 || text.lastIndexOf('</', name) < text.lastIndexOf('>', name)) return undefined;
  const end = text.indexOf('>', name);
  return end < 0 ? undefined : end + 1;
}

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
