/**
 * What goes over the wire, in words for `trivet trace`: values by path and name. Bounded; octets are counted only, and
 * whatever is named like a secret is not shown. Words are made when somebody looks, so nothing large may be kept for it.
 */
import type { TraceEntry } from '../../src/management/adapter.ts';
import type { Value } from '../../src/management/operation.ts';
import type { Json } from '../../src/onem2m/primitive.ts';
import { codeWithName, isSuccess } from './coap/codes.ts';
import type { CoapRequest, CoapResponse } from './coap/endpoint.ts';
import {
  canonicalContentFormat,
  CodecError,
  ContentFormat,
  contentFormatName,
  decodeReadable,
  type Decoded,
} from './codec/codec.ts';
import type { ObjectModel } from './object-model.ts';

/** How a device names its objects. */
export interface Naming {
  model: ObjectModel;
  /** Alternate root, '' for most. */
  root: string;
}

/** Octets of the largest payload that is kept to be shown. */
const largestPayload = 4096;
const longestText = 120;
const mostValues = 40;

const secretName = /secret|passw|phrase|psk|\bkey\b|credential|identity/i;

/**
 * @param paths of a composite request: its payload holds no values.
 * @returns made into words when somebody looks; later changes of the request do not matter.
 */
export function tellRequest(request: CoapRequest, naming: Naming, paths?: readonly string[]): () => TraceEntry {
  const { method, path, query, contentFormat, accept } = request;
  const payload = kept(request.payload);
  const size = request.payload?.length ?? 0;
  const blocks = request.source?.size;
  return () => {
    const parts = [method, query?.length ? `${path}?${query.join('&')}` : path];
    if (contentFormat !== undefined) parts.push(`as ${contentFormatName(contentFormat)}`);
    if (accept === ContentFormat.LINK_FORMAT) parts.push('(discover)');
    if (size > 0) parts.push(octets(size));
    if (blocks !== undefined) parts.push(`${octets(blocks)} in blocks`);
    const detail = paths ? bounded(paths, (one) => one) : detailOf(contentFormat, payload, path, naming);
    return entry('out', parts.join(' '), detail);
  };
}

/** @param path of the request, which plain formats do not repeat; `/` for composite operations. */
export function tellResponse(response: CoapResponse, path: string, naming: Naming): () => TraceEntry {
  return tellAnswer(() => codeWithName(response.code), response, path, naming);
}

function tellAnswer(what: () => string, response: CoapResponse, path: string, naming: Naming): () => TraceEntry {
  const { code, contentFormat } = response;
  const payload = kept(response.payload);
  const size = response.payload.length;
  return () => {
    if (size === 0) return entry('in', what());
    // RFC 7252 5.5.2: a diagnostic payload has no format.
    if (!isSuccess(code)) return entry('in', what(), payload && text(payload.toString('utf8')));
    const format = contentFormat === undefined ? '' : ` as ${contentFormatName(contentFormat)}`;
    return entry('in', `${what()}${format} ${octets(size)}`, detailOf(contentFormat, payload, path, naming));
  };
}

/** Values that were decoded already. */
export function tellValues(what: string, { values, unreadable }: Decoded, naming: Naming): () => TraceEntry {
  const shown = { values: values.slice(0, mostValues + 1), unreadable: unreadable.slice(0, mostValues + 1) };
  return () => entry('in', `${what}, ${values.length} values`, detailOfValues(shown, naming, values.length));
}

function entry(direction: 'in' | 'out', summary: string, detail?: Json): TraceEntry {
  return detail === undefined ? { direction, summary } : { direction, summary, detail };
}

function kept(payload: Buffer | undefined): Buffer | undefined {
  return payload === undefined || payload.length === 0 || payload.length > largestPayload ? undefined : payload;
}

function detailOf(
  contentFormat: number | undefined,
  payload: Buffer | undefined,
  path: string,
  naming: Naming,
): Json | undefined {
  if (payload === undefined) return undefined;
  if (contentFormat !== undefined && canonicalContentFormat(contentFormat) === ContentFormat.LINK_FORMAT)
    return text(payload.toString('utf8'));
  try {
    const { model, root } = naming;
    const decoded = decodeReadable(contentFormat, payload, path, model, { root });
    return detailOfValues(decoded, naming, decoded.values.length);
  } catch (error) {
    if (error instanceof CodecError) return `cannot be read: ${error.message}`;
    throw error;
  }
}

function detailOfValues({ values, unreadable }: Decoded, naming: Naming, count: number): Json {
  const detail: { [path: string]: Json } = {};
  const [first] = values;
  // Mostly one moment for all of them.
  const common = values.every(({ time }) => time === first?.time) ? first?.time : undefined;
  if (common !== undefined) detail['measured'] = momentOf(common);
  for (const { path, value, time } of values.slice(0, mostValues)) {
    const name = nameOf(path, naming.model);
    const label = labelOf(path, name, naming);
    const moment = time === undefined || time === common ? '' : ` at ${momentOf(time)}`;
    detail[label + moment] = secretName.test(name) ? '***' : show(value);
  }
  for (const { path, explanation } of unreadable.slice(0, mostValues)) {
    const name = nameOf(path, naming.model);
    const why = secretName.test(name) ? '' : `: ${explanation}`;
    detail[labelOf(path, name, naming)] = `cannot be read${why}`;
  }
  if (count > mostValues) detail['…'] = `${count - mostValues} more`;
  return detail;
}

function labelOf(path: string, name: string, naming: Naming): string {
  return `${naming.root}${path}${name === '' ? '' : ` ${name}`}`;
}

function nameOf(path: string, model: ObjectModel): string {
  const [object, , resource] = path.split('/').slice(1).map(Number);
  return model.resource(object ?? -1, resource ?? -1)?.name ?? '';
}

function show(value: Value): Json {
  if (typeof value === 'string') return text(value);
  if (typeof value !== 'object' || value === null) return value;
  if ('bytes' in value) return `<${octets(Buffer.byteLength(value.bytes, 'base64'))}>`;
  if ('time' in value) return momentOf(value.time);
  if ('link' in value) return text(value.link);
  if ('integer' in value) return value.integer;
  const instances = Object.entries(value.instances);
  const shown: { [instance: string]: Json } = {};
  for (const [instance, one] of instances.slice(0, mostValues)) shown[instance] = show(one);
  if (instances.length > mostValues) shown['…'] = `${instances.length - mostValues} more`;
  return shown;
}

function bounded<Item>(items: readonly Item[], tell: (item: Item) => Json): Json[] {
  const shown = items.slice(0, mostValues).map(tell);
  return items.length > mostValues ? [...shown, `… ${items.length - mostValues} more`] : shown;
}

/** Users, passwords and tokens of an URL are not shown. */
function text(given: string): string {
  const open = given
    .replace(/\/\/[^/@\s]*@/g, '//***@')
    .replace(/(:\/\/[^\s?#]*\?)[^\s#]*/g, '$1***')
    // Where an address of ours is all that a device can be told, it ends in the password.
    .replace(/(\/transfers\/[^/\s]+\/[^/\s]+\/)[\w-]+/g, '$1***');
  return open.length > longestText ? `${open.slice(0, longestText)}… (${open.length} characters)` : open;
}

/** The device's clock is shown as it is; what is no date stays a number. */
function momentOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString();
}

function octets(count: number): string {
  return `${count} ${count === 1 ? 'octet' : 'octets'}`;
}
