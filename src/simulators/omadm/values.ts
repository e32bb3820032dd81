import type { Meta } from './message.ts';
import { Refusal } from './tree.ts';
import type { NodeFormat, TreeNode } from './tree.ts';

/** How values are on the wire. */
export type Form = 'xml' | 'wbxml';

export interface WireValue {
  format: string;
  data: string | Buffer;
}

/** A value of a leaf for Results: octets are base64 in XML, opaque in WBXML. */
export function wireValue({ format, value }: Pick<TreeNode, 'format' | 'value'>, form: Form): WireValue {
  if (!Buffer.isBuffer(value)) return { format, data: value };
  if (format === 'bin' && form === 'wbxml') return { format, data: value };
  return { format: 'b64', data: value.toString('base64') };
}

const patterns: Partial<Record<NodeFormat, RegExp>> = {
  bool: /^(true|false)$/,
  int: /^[+-]?\d{1,10}$/,
  float: /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/,
  date: /^\d{4}-?\d{2}-?\d{2}$/,
  time: /^\d{2}:?\d{2}(:?\d{2})?Z?$/,
};

const same = (given: string, format: NodeFormat): boolean =>
  given === format || (['b64', 'bin'].includes(given) && ['b64', 'bin'].includes(format));

/** What a server sent for a node of that format, as it is kept. Throws Refusal 415. */
export function keptValue(
  format: NodeFormat,
  meta: Meta,
  data: string | Buffer | undefined,
  form: Form,
): string | Buffer {
  const given = meta.format;
  if (given !== undefined && !same(given, format))
    throw new Refusal(415, `the node has the format ${format}, not ${given}`);
  if (format === 'b64' || format === 'bin') {
    if (Buffer.isBuffer(data) && given !== 'b64') return data;
    if (form === 'wbxml' && given === 'bin') return Buffer.from(data ?? '');
    const text = String(data ?? '').replace(/\s/g, '');
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) throw new Refusal(415, 'that is not base64');
    return Buffer.from(text, 'base64');
  }
  const text = String(data ?? '');
  if (patterns[format] && !patterns[format].test(text))
    throw new Refusal(415, `${text} is not of the format ${format}`);
  return text;
}
