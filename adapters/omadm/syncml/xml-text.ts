/** Text in XML: what it cannot carry, and what must be escaped. */

const careful = /[^\t\n\u0020-\u0025\u0027-\u003b\u003d\u003f-\uD7FF\uE000-\uFFFD]/;
const specials: Readonly<Record<string, string>> = Object.freeze({
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // A parser turns a bare carriage return into a line feed.
  '\r': '&#13;',
});

/** XML 1.0 knows no way to say these characters, not even by reference. */
// oxlint-disable-next-line no-control-regex
const illegal = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

/** Surrogates are among them, for in pairs only they are legal. */
// oxlint-disable-next-line no-control-regex
const doubtful = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD]/;

/** Without the characters that XML cannot carry. */
export function withoutIllegal(text: string): string {
  return doubtful.test(text) ? text.replace(illegal, '') : text;
}

/** Text as content of an element; characters that XML cannot carry are left out. */
export function escapeText(text: string): string {
  return careful.test(text) ? text.replace(illegal, '').replace(/[&<>\r]/g, (one) => specials[one]!) : text;
}

/** Text as value of an attribute in double quotes. */
export function escapeAttribute(text: string): string {
  return text.replace(illegal, '').replace(/[&<>"\r]/g, (one) => specials[one]!);
}
