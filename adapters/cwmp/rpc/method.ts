/** What the methods have in common: a method is how its arguments are written and how its answer is read. */
import { childOf, textIn, type Element } from '../soap.ts';
import { readBoolean, readCount, readTime } from '../scalars.ts';
import { Xml, xml } from '../xml.ts';

export interface Method<Arguments, Answer> {
  /** Arguments as the content of the method element. */
  encode(this: void, request: Arguments): Xml;
  /** Reads the response element; in any order, with anything missing. */
  decode(this: void, response: Element): Answer;
}

/** Of a method that takes none, or whose answer says nothing. */
export type NoArguments = Record<never, never>;

export function method<Arguments, Answer>(
  encode: (request: Arguments) => Xml,
  decode: (response: Element) => Answer,
): Method<Arguments, Answer> {
  return Object.freeze({ encode, decode });
}

/** Most entries that are taken from any list; the limit on elements of the envelope is the lower one in practice. */
const maximumEntries = 250_000;

/** Members of a list. Counts in arrayType are wrong in the field and not looked at (quirk 12). */
export function listIn(element: Element | undefined, name: string): readonly Element[] {
  return childOf(element, name)?.children.slice(0, maximumEntries) ?? [];
}

/** Trimmed; '' when it is not there. */
export function wordIn(element: Element | undefined, name: string): string {
  return textIn(element, name)?.trim() ?? '';
}

export function countIn(element: Element | undefined, name: string): number | undefined {
  return readCount(textIn(element, name));
}

export function booleanIn(element: Element | undefined, name: string): boolean | undefined {
  return readBoolean(textIn(element, name));
}

/** s since 1970; undefined: not given, or not known to the CPE. */
export function timeIn(element: Element | undefined, name: string): number | undefined {
  return readTime(textIn(element, name));
}

/** `<Name soap-enc:arrayType="type[n]">…</Name>` */
export function arrayOf(name: string, type: string, members: readonly Xml[]): Xml {
  const tag = new Xml(name);
  return xml`<${tag} soap-enc:arrayType="${type}[${members.length}]">${members}</${tag}>`;
}

/** Applied at once (0), or taken and applied later (1). Missing counts as applied. */
export function statusIn(element: Element): 0 | 1 {
  return countIn(element, 'Status') === 1 ? 1 : 0;
}
