import { UnreadableMessage } from './element.ts';
import type { Element } from './element.ts';
import type { Part } from './part.ts';
import type { Form } from './values.ts';
import { readWbxml, writeWbxml } from './wbxml-form.ts';
import { readXmlMessage, writeXml } from './xml-form.ts';

/** Which OMA DM a client speaks. */
export type ProtocolVersion = '1.1' | '1.2' | '1.3';

export interface Wire {
  form: Form;
  /** Content types without `.dm`. */
  plain: boolean;
  version: ProtocolVersion;
  declaration: boolean;
}

/** 1.3 kept the representation of 1.2. */
export const representationOf = (version: ProtocolVersion): string => (version === '1.1' ? '1.1' : '1.2');

export const namespaceOf = (version: ProtocolVersion): string => `SYNCML:SYNCML${representationOf(version)}`;

export const contentTypeOf = ({ form, plain }: Wire): string => `application/vnd.syncml${plain ? '' : '.dm'}+${form}`;

export function encode(wire: Wire, root: Part): Buffer {
  const namespace = namespaceOf(wire.version);
  if (wire.form === 'wbxml') return writeWbxml(root, namespace);
  const declaration = wire.declaration ? '<?xml version="1.0" encoding="UTF-8"?>' : '';
  return Buffer.from(`${declaration}${writeXml(root, namespace)}`);
}

/** Reads what the server sent. Throws UnreadableMessage, also for an encoding that the client has not asked for. */
export function decode(wire: Wire, octets: Buffer, contentType: string): Element {
  const type = contentType.split(';')[0]?.trim().toLowerCase();
  if (type !== contentTypeOf(wire))
    throw new UnreadableMessage(`the answer has the type ${type || '(none)'}, not ${contentTypeOf(wire)}`);
  return wire.form === 'wbxml' ? readWbxml(octets, namespaceOf(wire.version)) : readXmlMessage(octets);
}
