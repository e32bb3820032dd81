import { create } from 'xmlbuilder2';
import type { XMLBuilder } from 'xmlbuilder2/lib/interfaces.js';
import { readXml } from '../cwmp/xml.ts';
import type { Element } from './element.ts';
import { metaNames } from './part.ts';
import type { Part } from './part.ts';

// xmlbuilder2 leaves & alone in what looks like an entity, and what is to be no XML at all has to get past it: noncharacters stand in.
const ampersand = '\ufdd0';
const nul = '\ufdd1';

const hide = (text: string): string => text.replaceAll('&', ampersand).replaceAll('\0', nul);

function append(parent: XMLBuilder, { name, content, attributes }: Part, namespace: string): void {
  const own = metaNames.has(name) ? 'syncml:metinf' : namespace;
  const element = parent.ele(own, name);
  for (const [key, value] of Object.entries(attributes ?? {})) element.att(key, hide(value));
  if (Array.isArray(content)) for (const child of content) append(element, child, namespace);
  else if (typeof content !== 'string') element.txt(content.toString('base64'));
  else if (content !== '') element.txt(hide(content));
}

/** A message as XML, without a declaration. */
export function writeXml(root: Part, namespace: string): string {
  const document = create();
  append(document, root, namespace);
  return document
    .end({ headless: true })
    .replaceAll(ampersand, '&amp;')
    .replaceAll(nul, '\0')
    .replaceAll('\r', '&#13;');
}

/** Throws UnreadableMessage. */
export const readXmlMessage = (octets: Buffer): Element => readXml(octets.toString('utf8').replace(/^\ufeff/, ''));
