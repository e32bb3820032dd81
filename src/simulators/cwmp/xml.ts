/** An element of what a server sent. `local` is the name without its prefix, `namespace` what the prefix is bound to. */
export interface XmlElement {
  name: string;
  local: string;
  namespace: string;
  /** By local name. */
  attributes: Record<string, string>;
  children: XmlElement[];
  /** All character data directly inside, as sent. */
  text: string;
}

/** The document is not one that this device can read. */
export class XmlError extends Error {
  override name = 'XmlError';
}

const maximumLength = 16 * 1024 * 1024;
const maximumDepth = 64;
const maximumElements = 200_000;
const entities: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const tag = /<([^\s/>=<]+)((?:\s+[^\s/>=<]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y;
const attribute = /([^\s/>=<]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const closing = /<\/([^\s/>]+)\s*>/y;

function decode(text: string): string {
  return text.replace(/&([^;&\s]*);?/g, (whole, name: string) => {
    const known = entities[name];
    if (known !== undefined && whole.endsWith(';')) return known;
    const number = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(name);
    const code = number ? Number.parseInt(number[1] ?? number[2] ?? '', number[1] === undefined ? 10 : 16) : Number.NaN;
    if (whole.endsWith(';') && code > 0 && code <= 0x10_ffff) return String.fromCodePoint(code);
    throw new XmlError(`${whole.slice(0, 20)} is not an entity that a CPE knows`);
  });
}

interface Open {
  element: XmlElement;
  prefixes: Record<string, string>;
}

function open(name: string, attributeText: string, prefixes: Record<string, string>): Open {
  const found = [...attributeText.matchAll(attribute)].map(
    (match) => [match[1] ?? '', decode(match[2] ?? match[3] ?? '')] as const,
  );
  const declared = found
    .filter(([key]) => key === 'xmlns' || key.startsWith('xmlns:'))
    .map(([key, uri]) => [key.slice(6), uri]);
  const scope = declared.length === 0 ? prefixes : { ...prefixes, ...Object.fromEntries(declared) };
  const resolve = (prefixed: string): { local: string; namespace: string } => {
    const at = prefixed.indexOf(':');
    const prefix = at < 0 ? '' : prefixed.slice(0, at);
    const namespace = scope[prefix];
    if (namespace === undefined && prefix !== '')
      throw new XmlError(`the prefix ${prefix} of ${prefixed} is not declared`);
    return { local: prefixed.slice(at + 1), namespace: namespace ?? '' };
  };
  const attributes: Record<string, string> = {};
  for (const [key, value] of found) {
    if (key === 'xmlns' || key.startsWith('xmlns:')) continue;
    const local = key.includes(':') ? resolve(key).local : key;
    attributes[local] = value;
  }
  return { element: { name, ...resolve(name), attributes, children: [], text: '' }, prefixes: scope };
}

/** Reads a document and gives its root. Strict, as a device is: throws XmlError for what is not well-formed, for DOCTYPE, undeclared prefixes, and too much of anything. */
export function readXml(source: string): XmlElement {
  if (source.length > maximumLength) throw new XmlError(`the document has more than ${maximumLength} characters`);
  const stack: Open[] = [];
  let root: XmlElement | undefined;
  let count = 0;
  let at = 0;
  const skipPast = (end: string): number => {
    const found = source.indexOf(end, at);
    if (found < 0) throw new XmlError(`${end} is missing`);
    return found + end.length;
  };
  while (at < source.length) {
    const top = stack.at(-1);
    if (source[at] !== '<') {
      const next = source.indexOf('<', at);
      const text = source.slice(at, next < 0 ? source.length : next);
      if (top) top.element.text += decode(text);
      else if (text.trim() !== '') throw new XmlError('there is text outside of the root element');
      at += text.length;
    } else if (source.startsWith('<!--', at)) at = skipPast('-->');
    else if (source.startsWith('<?', at)) at = skipPast('?>');
    else if (source.startsWith('<![CDATA[', at)) {
      const end = skipPast(']]>');
      if (!top) throw new XmlError('there is text outside of the root element');
      top.element.text += source.slice(at + 9, end - 3);
      at = end;
    } else if (source.startsWith('<!', at)) throw new XmlError('a document type is not allowed');
    else if (source.startsWith('</', at)) {
      closing.lastIndex = at;
      const match = closing.exec(source);
      if (!match || !top || match[1] !== top.element.name)
        throw new XmlError(`the end of ${top?.element.name ?? 'nothing'} is missing`);
      stack.pop();
      at = closing.lastIndex;
    } else {
      tag.lastIndex = at;
      const match = tag.exec(source);
      if (!match) throw new XmlError(`a tag cannot be read: ${source.slice(at, at + 40)}`);
      count += 1;
      if (count > maximumElements) throw new XmlError(`there are more than ${maximumElements} elements`);
      if (stack.length >= maximumDepth) throw new XmlError(`there are more than ${maximumDepth} levels`);
      if (!top && root) throw new XmlError('there is a second root element');
      const opened = open(match[1] ?? '', match[2] ?? '', top?.prefixes ?? { '': '', xml: 'xml' });
      if (top) top.element.children.push(opened.element);
      else root = opened.element;
      if (match[3] === '') stack.push(opened);
      at = tag.lastIndex;
    }
  }
  if (stack.length > 0) throw new XmlError(`the end of ${stack.at(-1)?.element.name} is missing`);
  if (!root) throw new XmlError('there is no element');
  return root;
}

/** The first child of that local name. */
export function childOf(element: XmlElement | undefined, local: string): XmlElement | undefined {
  return element?.children.find((child) => child.local === local);
}

/** The text of the first child of that name, or undefined. */
export function textOf(element: XmlElement | undefined, local: string): string | undefined {
  return childOf(element, local)?.text;
}
