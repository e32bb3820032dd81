import { XmlError } from '../cwmp/xml.ts';

/** An element that a server sent, from XML or WBXML. */
export interface Element {
  name: string;
  local: string;
  namespace: string;
  attributes: Record<string, string>;
  children: Element[];
  /** All character data directly inside, as sent. */
  text: string;
  /** Opaque data of WBXML. */
  octets?: Buffer;
}

/** The message is not one that this client can read. */
export const UnreadableMessage = XmlError;

export const childOf = (element: Element | undefined, local: string): Element | undefined =>
  element?.children.find((child) => child.local === local);

export const childrenOf = (element: Element | undefined, local: string): Element[] =>
  element?.children.filter((child) => child.local === local) ?? [];

/** The text of the first child of that name without the white space around it. */
export const textOf = (element: Element | undefined, local: string): string | undefined =>
  childOf(element, local)?.text.trim();
