/** XML out: tagged templates that escape what is put into them. */

/** A piece of XML that is not escaped any more. */
export class Xml {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type XmlPart = string | number | bigint | boolean | Xml | readonly Xml[];

const special = /[&<>"'\r]/;
const specials: Readonly<Record<string, string>> = Object.freeze({
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  // A parser turns a bare carriage return into a line feed.
  '\r': '&#13;',
});

/** XML 1.0 knows no way to say these characters, not even by reference. */
// oxlint-disable-next-line no-control-regex
const illegal = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

/** Without the characters that XML cannot carry. */
export function withoutIllegal(text: string): string {
  return text.replace(illegal, '');
}

/** Text as content of an element or of an attribute; characters that XML cannot carry are left out. */
export function escapeText(text: string): string {
  const legal = withoutIllegal(text);
  return special.test(legal) ? legal.replace(/[&<>"'\r]/g, (one) => specials[one]!) : legal;
}

/** xml`<Name>${text}</Name>`: text is escaped, pieces of XML are not. */
export function xml(strings: TemplateStringsArray, ...parts: XmlPart[]): Xml {
  let text = strings[0]!;
  for (let index = 0; index < parts.length; index++) text += textOf(parts[index]!) + strings[index + 1]!;
  return new Xml(text);
}

function textOf(part: XmlPart): string {
  if (typeof part === 'string') return escapeText(part);
  if (part instanceof Xml) return part.text;
  if (typeof part !== 'object') return String(part);
  let text = '';
  for (const { text: one } of part) text += one;
  return text;
}

/** `<name>text</name>`; nothing when there is no text. `name` is ours, and not escaped. */
export function optional(name: string, text: string | undefined): Xml {
  return text === undefined ? nothing : new Xml(`<${name}>${escapeText(text)}</${name}>`);
}

export const nothing = new Xml('');
