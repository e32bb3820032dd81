import { decodeSenml, encodeSenml, entriesOf } from './senml.ts';
import type { SenmlForm } from './senml.ts';
import { decodeText, encodeText } from './text.ts';
import { decodeTlv, encodeTlv } from './tlv.ts';
import type { ResourceTree } from './tree.ts';
import { Refusal, isMultiple } from './value.ts';
import type { Entry, Resource, Value } from './value.ts';

/** The content formats that the device speaks, by number. */
export const formats = {
  text: 0,
  link: 40,
  opaque: 42,
  cbor: 60,
  senmlJson: 110,
  senmlCbor: 112,
  oldTlv: 1542,
  tlv: 11_542,
} as const;

// node-coap turns numbers that it knows into names.
const numbers: Record<string, number> = {
  'text/plain': 0,
  'application/link-format': 40,
  'application/octet-stream': 42,
  'application/cbor': 60,
  'application/senml+json': 110,
  'application/senml+cbor': 112,
  'application/vnd.oma.lwm2m+tlv': 11_542,
  'application/vnd.oma.lwm2m+json': 11_543,
  'application/vnd.oma.lwm2m+cbor': 11_544,
};

/** The number behind node-coap's Content-Format or Accept header; −1 for one that nobody here knows. */
export function formatNumber(header: unknown): number | undefined {
  if (header === undefined) return undefined;
  if (typeof header === 'number') return header;
  return typeof header === 'string' ? (numbers[header] ?? -1) : -1;
}

/** Which SenML a content format is, if any. */
export function senmlForm(format: number | undefined): SenmlForm | undefined {
  if (format === formats.senmlJson) return 'json';
  return format === formats.senmlCbor ? 'cbor' : undefined;
}

export interface Coding {
  tree: ResourceTree;
  /** SenML is 1.1 and later. */
  senml: boolean;
  /** The alternate path, '' when there is none. */
  root: string;
}

export interface Body {
  format: number;
  payload: Buffer;
}

function singleValue(path: readonly number[], entries: Entry[]): Value | undefined {
  const value = path.length >= 3 && entries.length === 1 ? entries[0]?.value : undefined;
  if (value === undefined) return undefined;
  if (!isMultiple(value)) return value;
  return path.length === 4 ? value[path[3] ?? 0] : undefined;
}

/** The entries in the format that was asked for, or in the one that the device prefers. Throws 4.06 when it cannot. */
export function encodeBody(
  path: readonly number[],
  entries: Entry[],
  accept: number | undefined,
  coding: Coding,
): Body {
  const single = singleValue(path, entries);
  const typeOf = (entry: Entry) => coding.tree.typeOf(entry.object, entry.resource);
  const preferred =
    single === undefined
      ? coding.senml
        ? formats.senmlJson
        : formats.tlv
      : single instanceof Uint8Array
        ? formats.opaque
        : formats.text;
  const format = accept ?? preferred;
  if (format === formats.text && single !== undefined) return { format, payload: encodeText(single) };
  if (format === formats.opaque && single instanceof Uint8Array) return { format, payload: Buffer.from(single) };
  if (format === formats.tlv || format === formats.oldTlv) return { format, payload: encodeTlv(path, entries, typeOf) };
  const form = senmlForm(format);
  if (form && coding.senml) return { format, payload: encodeSenml(form, path, entries, typeOf, coding.root) };
  throw new Refusal('4.06', `content format ${format} cannot say this`);
}

/** The entries of a body that was sent to `path`. Throws 4.15 for a format that the device does not take there, 4.00 for a bad body. */
export function decodeBody(
  path: readonly number[],
  payload: Buffer,
  format: number | undefined,
  coding: Coding,
): Entry[] {
  const { tree } = coding;
  const [object = 0, instance = -1, resource] = path;
  const one = (value: Value): Entry[] => {
    if (resource === undefined) throw new Refusal('4.15', 'this format holds one value');
    const whole: Resource = path.length === 4 ? { [path[3] ?? 0]: value } : value;
    return [{ object, instance, resource, value: whole }];
  };
  const typeOf = (id: number, item: number) => tree.typeOf(id, item);
  switch (format ?? formats.text) {
    case formats.text:
      return one(resource === undefined ? '' : decodeText(payload, typeOf(object, resource)));
    case formats.opaque:
      return one(Buffer.from(payload));
    case formats.tlv:
    case formats.oldTlv:
      return decodeTlv(path, payload, typeOf);
    case formats.senmlJson:
    case formats.senmlCbor: {
      const form = senmlForm(format);
      if (!coding.senml || !form) break;
      const entries = entriesOf(decodeSenml(form, payload, coding.root), typeOf);
      const outside = entries.some(
        (entry) => entry.object !== object || (instance >= 0 && entry.instance !== instance),
      );
      if (outside) throw new Refusal('4.00', 'the body has records outside of the path that it was sent to');
      return entries;
    }
  }
  throw new Refusal('4.15', `content format ${format} is not supported here`);
}
