import type { Content } from './envelope.ts';
import type { Malformation } from './faults.ts';
import type { Quirk } from './quirks.ts';

const noString = new Set([
  'EventCode',
  'MaxEnvelopes',
  'CurrentTime',
  'RetryCount',
  'OUI',
  'ProductClass',
  'SerialNumber',
  'FaultCode',
  'Status',
  'InstanceNumber',
  'StartTime',
  'CompleteTime',
]);

type Fields = Exclude<Content, string>;

const isFields = (content: Content | Content[] | undefined): content is Fields =>
  typeof content === 'object' && !Array.isArray(content);

const textIn = (content: Content | Content[] | undefined): string | undefined => {
  if (typeof content === 'string') return content;
  if (!isFields(content)) return undefined;
  const text = content['#'];
  return typeof text === 'string' ? text : undefined;
};

const isLeaf = (content: Content): boolean =>
  typeof content === 'string' || '#' in content || Object.keys(content).every((name) => name.startsWith('@'));

function bendLeaf(name: string, content: Content, quirks: ReadonlySet<Quirk>): Content {
  let text = textIn(content) ?? '';
  const attributes: Fields = isFields(content) ? { ...content } : {};
  delete attributes['#'];
  if (quirks.has(4)) attributes['@xsi:type'] ??= 'xsd:string';
  if (quirks.has(6)) delete attributes['@xsi:type'];
  if (quirks.has(13) && attributes['@xsi:type'] === 'xsd:string') attributes['@xsi:type'] = 'xsd:json';
  if (quirks.has(9) && name === 'Manufacturer') text = '';
  const typed = attributes['@xsi:type'];
  const countable = typeof typed === 'string' && /(boolean|int|unsignedInt|long|unsignedLong|dateTime)$/.test(typed);
  if (quirks.has(9) && (noString.has(name) || countable)) text = `\n    ${text}\n  `;
  if (quirks.has(16) && text !== '' && !name.includes(':')) return { ...attributes, '!': ` ${name} `, $: text };
  return Object.keys(attributes).length === 0 ? text : { ...attributes, '#': text };
}

function bendElement(name: string, content: Content, quirks: ReadonlySet<Quirk>): Content {
  if (typeof content === 'string' || isLeaf(content)) return bendLeaf(name, content, quirks);
  const fields: Fields = {};
  for (const [key, value] of Object.entries(content)) {
    if (key.startsWith('@')) {
      const count = /^(.*)\[(\d+)\]$/.exec(textIn(value) ?? '');
      fields[key] =
        quirks.has(12) && key.endsWith(':arrayType') && count ? `${count[1]}[0${Number(count[2]) + 2}]` : value;
    } else if (quirks.has(7) && key === 'Value' && textIn(Array.isArray(value) ? undefined : value) === '') continue;
    else
      fields[key] = Array.isArray(value)
        ? value.map((one) => bendElement(key, one, quirks))
        : bendElement(key, value, quirks);
  }
  return fields;
}

/** The quirks that change elements: 4, 6, 7, 9, 12, 13, 16. */
export function bendContent(envelope: Content, quirks: ReadonlySet<Quirk>): Content {
  return quirks.size === 0 ? envelope : bendElement('', envelope, quirks);
}

/** The quirks that change the text of a message: 3, 4, 5, 14, 15, 16, 17, 44. `xml` has no declaration. */
export function bendText(xml: string, quirks: ReadonlySet<Quirk>): string {
  let text = xml;
  if (quirks.has(4)) text = text.replaceAll('http://www.w3.org/2001/XMLSchema', 'http://www.w3.org/1999/XMLSchema');
  if (quirks.has(17)) {
    text = text.replace(
      /<faultstring[^>]*>[^<]*<\/faultstring>(<detail>.*<\/detail>)/s,
      (_, detail: string) => `<faultstring>\n${detail}\n</faultstring>`,
    );
  }
  if (quirks.has(3)) {
    text = text.replace(/ xmlns:xs[di]="[^"]*"/g, '').replace(/(<\/?)soap-env:Fault/g, '$1soap:Fault');
  }
  if (quirks.has(5)) {
    text = text
      .replace(/ xmlns:cwmp="[^"]*"/, '')
      .replace(/<cwmp:(\w+)/g, '<cwmp:$1 xmlns:cwmp="urn:dslforum-org:cwmp-1-3"');
  }
  if (quirks.has(14)) {
    text = text
      .replace(/(<Manufacturer>)([^<]*)/, '$1$2 & Co\u0002')
      .replace(/(Description<\/Name><Value[^>]*>)([^<]*)/g, '$1$2 & Co\u0002');
  }
  if (quirks.has(15)) {
    text = text
      .replace(/(<Manufacturer>)([^<]*)/, '$1$2 caf\u00e9')
      .replace(/(Description<\/Name><Value[^>]*>)([^<]*)/g, '$1$2 caf\u00e9');
  }
  if (quirks.has(16)) text = `<!-- a CPE -->\n<?cpe trivet?>\n${text}`;
  if (quirks.has(44)) {
    text = text
      .replaceAll('cwmp:SessionTimeout', 'cwmp:sessiontimeout')
      .replaceAll('cwmp:SupportedCWMPVersions', 'cwmp:supportedCwmpVersions');
  }
  return text;
}

const doctype = `<!DOCTYPE e [<!ENTITY a "ha"><!ENTITY b "${'&a;'.repeat(10)}"><!ENTITY c "${'&b;'.repeat(10)}">]>\n`;

/** The bytes of a message; quirks 14, 15 and 48. */
export function encode(text: string, quirks: ReadonlySet<Quirk>): Buffer {
  let document = text;
  if (quirks.has(48)) document = document.replace('?>\n', `?>\n${doctype}`);
  if (quirks.has(14)) document = ` ${document}\n\0`;
  return Buffer.from(document, quirks.has(15) ? 'latin1' : 'utf8');
}

const spoilers: Record<Malformation, (body: Buffer) => Buffer> = {
  truncated: (body) => body.subarray(0, Math.floor(body.length / 2)),
  misnested: (body) =>
    Buffer.from(
      body.toString().replace('</soap-env:Body></soap-env:Envelope>', '</soap-env:Envelope></soap-env:Body>'),
    ),
  'not-xml': () => Buffer.from('{"Inform": true}'),
  'entity-bomb': (body) => encode(body.toString().replace(/(<Manufacturer>)/, '$1&c;'), new Set<Quirk>([48])),
  deep: (body) =>
    Buffer.from(
      body.toString().replace('<soap-env:Body>', `<soap-env:Body>${'<a>'.repeat(5000)}${'</a>'.repeat(5000)}`),
    ),
  huge: (body) =>
    Buffer.from(body.toString().replace('<soap-env:Body>', `<soap-env:Body>${' '.repeat(10 * 1024 * 1024)}`)),
  'wrong-encoding': (body) => Buffer.from(body.toString(), 'utf16le'),
  'soap-12': (body) =>
    Buffer.from(
      body.toString().replace('http://schemas.xmlsoap.org/soap/envelope/', 'http://www.w3.org/2003/05/soap-envelope'),
    ),
};

/** A message spoilt on purpose. */
export const spoil = (body: Buffer, how: Malformation): Buffer => spoilers[how](body);
