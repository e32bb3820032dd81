import { CpeFault } from './cpe-fault.ts';
import type { Content } from './envelope.ts';
import type { Workshop } from './workshop.ts';
import { childOf, textOf } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** Does one RPC and gives the content of its response; throws CpeFault. */
export type Handler = (workshop: Workshop, rpc: XmlElement, id: string | undefined) => Content;

/** The text of an argument. Throws 9003 when it is missing or too long. */
export function argument(rpc: XmlElement, name: string, length = 1024): string {
  const text = textOf(rpc, name);
  if (text === undefined) throw new CpeFault(9003, `${name} is missing`);
  if (text.length > length) throw new CpeFault(9003, `${name} has more than ${length} characters`);
  return text;
}

/** CommandKey and ParameterKey have at most 32 characters. */
export const keyArgument = (rpc: XmlElement, name: string): string => argument(rpc, name, 32);

export function numberArgument(rpc: XmlElement, name: string): number {
  const text = argument(rpc, name).trim();
  if (!/^\d{1,10}$/.test(text)) throw new CpeFault(9003, `${name} is not an unsignedInt`);
  return Number(text);
}

export function booleanArgument(rpc: XmlElement, name: string): boolean {
  const text = argument(rpc, name).trim();
  if (!['0', '1', 'true', 'false'].includes(text)) throw new CpeFault(9003, `${name} is not a boolean`);
  return text === '1' || text === 'true';
}

/** The elements of an array argument; at least one is needed. */
export function arrayArgument(rpc: XmlElement, name: string): XmlElement[] {
  const list = childOf(rpc, name);
  if (!list) throw new CpeFault(9003, `${name} is missing`);
  if (list.children.length === 0) throw new CpeFault(9003, `${name} is empty`);
  return list.children;
}

/** A SOAP array: `type` with its prefix, for example `cwmp:EventStruct`; the elements are named by it, or `string`. */
export function soapArray(type: string, elements: Content[]): Content {
  const name = type.replace(/^.*:/, '');
  return { '@soap-enc:arrayType': `${type}[${elements.length}]`, ...(elements.length > 0 ? { [name]: elements } : {}) };
}
