/** Values of nodes as they stand in Meta and Data (DM TND 1.2, 7.7.2; DM Representation 1.2.1, 6.6). */
import type { NodeValue } from './exchange.ts';
import type { Encoding } from './syncml/encoding.ts';
import type { Data, Meta } from './syncml/message.ts';

const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** What a device said of a node. Octets come as base64 in XML, as they are in WBXML. */
export function readNodeValue(meta: Meta, data: Data | undefined): NodeValue {
  const format = meta.format || 'chr';
  const value: NodeValue = { format };
  if (meta.type !== undefined) value.type = meta.type;
  if (data === undefined) return value;
  if (data instanceof Uint8Array) value.octets = data;
  else if (typeof data !== 'string') value.text = data.markup;
  else if (isEncoded(format)) {
    const octets = decodeBase64(data);
    // Some devices say `bin` of plain text.
    if (octets) value.octets = octets;
    else value.text = data;
  } else value.text = data;
  return value;
}

export function metaOfValue({ format, type }: NodeValue): Meta {
  return type === undefined ? { format } : { format, type };
}

/** Base64 in XML; in WBXML octets as they are, but for `b64`, whose value is base64 by its definition. */
export function dataOfValue({ format, text, octets }: NodeValue, { form }: Encoding): Data {
  if (!isEncoded(format)) {
    if (octets === undefined) return text ?? '';
    return form === 'wbxml' ? octets : Buffer.from(octets).toString('utf8');
  }
  const value = octets ?? Buffer.from(text ?? '');
  return form === 'wbxml' && format === 'bin' ? value : Buffer.from(value).toString('base64');
}

/** Formats whose values are octets. */
export function isEncoded(format: string): boolean {
  return format === 'b64' || format === 'bin';
}

/** Undefined: it is no base64. */
export function decodeBase64(text: string): Buffer | undefined {
  const dense = text.replace(/\s+/g, '');
  if (!base64.test(dense) || dense.replace(/=+$/, '').length % 4 === 1) return undefined;
  return Buffer.from(dense, 'base64');
}
