/** How a message is put into octets: told by the octets themselves, and for the answer by the content type (HTTP binding 1.2). */
import { isUtf8 } from 'node:buffer';
import { SyncmlError } from './syncml-error.ts';

export interface Encoding {
  form: 'xml' | 'wbxml';
  /** `dm`: `application/vnd.syncml.dm+xml`; `plain`: without `.dm`, as some clients have it. */
  subtype: 'dm' | 'plain';
  representation: '1.1' | '1.2';
}

export function contentTypeOf({ form, subtype }: Encoding): string {
  return `application/vnd.syncml${subtype === 'dm' ? '.dm' : ''}+${form}`;
}

/** WBXML begins with its version, 1.1 to 1.3; no XML does. */
export function formOf(octets: Uint8Array): Encoding['form'] {
  const first = octets[0];
  return first !== undefined && first >= 1 && first <= 3 ? 'wbxml' : 'xml';
}

/** Types that say nothing of it, such as `text/xml`, get the standard one. */
export function subtypeOf(contentType: string | undefined): Encoding['subtype'] {
  return /^\s*application\/vnd\.syncml\+/i.test(contentType ?? '') ? 'plain' : 'dm';
}

/** What is odd about a content type, in words; undefined: nothing. */
export function contradictionOf(contentType: string | undefined, form: Encoding['form']): string | undefined {
  const said = /\+(wbxml|xml)\b/i.exec(contentType ?? '')?.[1]?.toLowerCase();
  return said === undefined || said === form ? undefined : `the content type says ${said}, and the body is ${form}`;
}

/**
 * Octets of XML as text: byte order mark, UTF-16 by its zeros, UTF-8, and ISO 8859-1 for what is no UTF-8. An XML declaration is
 * not believed: devices say `utf-16` in front of UTF-8.
 * @throws SyncmlError
 */
export function decodeXml(octets: Uint8Array, warnings: string[]): string {
  const charset = wideCharsetOf(octets);
  if (charset !== undefined) return decodeWide(octets, charset);
  const buffer = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
  if (isUtf8(octets)) return buffer.toString('utf8');
  warnings.push('the body is no UTF-8; it is taken for ISO 8859-1');
  return buffer.toString('latin1');
}

function decodeWide(octets: Uint8Array, charset: string): string {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(octets);
  } catch (error) {
    throw new SyncmlError('charset', `the body is no ${charset}`, { cause: error });
  }
}

/** Four octets are looked at, for a NUL may stand anywhere in UTF-8. */
function wideCharsetOf([first, second, third, fourth]: Uint8Array): string | undefined {
  if ((first === 0xff && second === 0xfe) || (first === 0x3c && second === 0 && fourth === 0)) return 'utf-16le';
  if ((first === 0xfe && second === 0xff) || (first === 0 && second === 0x3c && third === 0)) return 'utf-16be';
  return undefined;
}
