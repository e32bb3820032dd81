/**
 * The one front of the codecs: payloads of LwM2M ⇄ neutral values, by Content-Format. A malformed payload is refused with a
 * `CodecError`, never with anything else.
 */
import type { ObjectModel } from '../object-model.ts';
import { decodeCborValue, encodeCborValue } from './cbor-value.ts';
import { CodecError, codecLimits } from './codec-error.ts';
import { canonicalContentFormat, ContentFormat, contentFormatName } from './content-format.ts';
import { createCollector, type Collector, type Decoded, type DecodedValue, type DecodeOptions } from './decoded.ts';
import { arrange, type EncodeOptions, flatten, type ValueToEncode } from './encoded.ts';
import { decodeJson, encodeJson } from './json-11543.ts';
import { decodeLwm2mCbor, encodeLwm2mCbor } from './lwm2m-cbor.ts';
import { decodeOpaque, encodeOpaque } from './opaque.ts';
import { formatPath, parsePath, withoutRoot } from './path.ts';
import { decodeSenmlCbor, encodeSenmlCbor, encodeSenmlCborPaths } from './senml-cbor.ts';
import { decodeSenmlJson, encodeSenmlJson, encodeSenmlJsonPaths } from './senml-json.ts';
import { decodeText, encodeText } from './text.ts';
import { decodeTlv, encodeTlv } from './tlv.ts';

export { CodecError, codecLimits } from './codec-error.ts';
export { canonicalContentFormat, ContentFormat, contentFormatName, contentFormatNumber } from './content-format.ts';
export type { Decoded, DecodedValue, DecodeOptions, UnreadableValue } from './decoded.ts';
export type { EncodeOptions, ValueToEncode } from './encoded.ts';
export { UNASSIGNED_INSTANCE } from './path.ts';

/**
 * Values of an answer, a notification or a Send; and which of them cannot be read, when the payload is sound but for them. A payload
 * that is one value is refused with it.
 * @param contentFormat of the answer, old numbers included. Absent: text for a resource, else refused.
 * @param basePath path of the request; `/` (or empty) for composite operations and Send.
 * @param model types of resources; what it does not know stays opaque in TLV and a string in text.
 * @returns no values for an empty payload that is no single value.
 * @throws CodecError
 */
export function decodeReadable(
  contentFormat: number | undefined,
  payload: Buffer,
  basePath: string,
  model: ObjectModel,
  options: DecodeOptions = {},
): Decoded {
  const root = normalRoot(options.root);
  const base = parsePath(withoutRoot(basePath, root));
  if (payload.length > codecLimits.size) {
    throw new CodecError(`The payload has ${payload.length} octets; the limit is ${codecLimits.size}`);
  }
  const format = contentFormat === undefined ? formatWithout(base, payload) : canonicalContentFormat(contentFormat);
  const collector = createCollector(base, model);
  const isSingleValue =
    format === ContentFormat.TEXT || format === ContentFormat.OPAQUE || format === ContentFormat.CBOR;
  if (payload.length > 0 || isSingleValue)
    decodeInto(format, payload, collector, root, options.now ?? Date.now() / 1000);
  return collector.result();
}

/**
 * As `decodeReadable`, all or nothing.
 * @throws CodecError also for a single value that cannot be read
 */
export function decode(...given: Parameters<typeof decodeReadable>): DecodedValue[] {
  const { values, unreadable } = decodeReadable(...given);
  const [first] = unreadable;
  if (first) throw new CodecError(`${first.path}: ${first.explanation}`);
  return values;
}

/** RFC 7252 lets a Content-Format be left out; 1.0 clients do so for text. */
function formatWithout(base: readonly number[], payload: Buffer): number {
  if (base.length >= 3) return ContentFormat.TEXT;
  if (payload.length === 0) return ContentFormat.TLV;
  throw new CodecError(`The answer for ${formatPath(base)} has no Content-Format: it cannot be read`);
}

function decodeInto(format: number, payload: Buffer, collector: Collector, root: string, now: number): void {
  switch (format) {
    case ContentFormat.TEXT:
      return decodeText(payload, collector);
    case ContentFormat.OPAQUE:
      return decodeOpaque(payload, collector);
    case ContentFormat.CBOR:
      return decodeCborValue(payload, collector);
    case ContentFormat.SENML_JSON:
      return decodeSenmlJson(payload, collector, root, now);
    case ContentFormat.SENML_CBOR:
      return decodeSenmlCbor(payload, collector, root, now);
    case ContentFormat.TLV:
      return decodeTlv(payload, collector);
    case ContentFormat.JSON:
      return decodeJson(payload, collector, root, now);
    case ContentFormat.LWM2M_CBOR:
      return decodeLwm2mCbor(payload, collector, root);
    default:
      throw new CodecError(`Content-Format ${contentFormatName(format)} holds no values that can be read`);
  }
}

/**
 * Payload of a write or a create.
 * @param basePath path of the request; `/` for a composite write. For Create it is the object, and the paths of the values
 *   carry the instance: its number, or `UNASSIGNED_INSTANCE` where the device shall choose it (TLV only).
 * @param values of resources or resource instances below the base path. The model's type wins over a value's `type`.
 * @throws CodecError when the format cannot say them.
 */
export function encode(
  contentFormat: number,
  basePath: string,
  values: readonly ValueToEncode[],
  model: ObjectModel,
  options: EncodeOptions = {},
): Buffer {
  const root = normalRoot(options.root);
  const base = parsePath(withoutRoot(basePath, root));
  const instances = arrange(base, values, model, root);
  const format = canonicalContentFormat(contentFormat);
  switch (format) {
    case ContentFormat.TLV:
      return encodeTlv(base.length, instances);
    case ContentFormat.TEXT:
      return encodeText(ofOneResource(base, flatten(instances)));
    case ContentFormat.OPAQUE:
      return encodeOpaque(ofOneResource(base, flatten(instances)));
    case ContentFormat.CBOR:
      return encodeCborValue(ofOneResource(base, flatten(instances)));
    case ContentFormat.SENML_JSON:
      return encodeSenmlJson(base, flatten(instances), root);
    case ContentFormat.SENML_CBOR:
      return encodeSenmlCbor(base, flatten(instances), root);
    case ContentFormat.JSON:
      return encodeJson(base, flatten(instances), root);
    case ContentFormat.LWM2M_CBOR:
      return encodeLwm2mCbor(base, flatten(instances));
    default:
      throw new CodecError(`Content-Format ${contentFormatName(contentFormat)} holds no values that can be written`);
  }
}

/** The formats of single values have no names: the value has to be the one that the request's path names. */
function ofOneResource<T extends { path: number[] }>(base: readonly number[], values: readonly T[]): readonly T[] {
  for (const { path } of values) {
    if (path.length !== base.length) {
      throw new CodecError(
        `${formatPath(path)} cannot be written at ${formatPath(base)} as a single value: use SenML or TLV`,
      );
    }
  }
  return values;
}

/**
 * Payload of a composite read or observation: the paths, without values.
 * @throws CodecError for a format other than SenML JSON and SenML CBOR (TS-Transport 1.1, 6.4).
 */
export function encodePaths(contentFormat: number, paths: readonly string[], options: EncodeOptions = {}): Buffer {
  const root = normalRoot(options.root);
  if (paths.length > codecLimits.records) {
    throw new CodecError(`More than ${codecLimits.records} paths in one read: read less at once`);
  }
  const names = paths.map((path) => `${root}${formatPath(parsePath(withoutRoot(path, root)))}`);
  switch (canonicalContentFormat(contentFormat)) {
    case ContentFormat.SENML_JSON:
      return encodeSenmlJsonPaths(names);
    case ContentFormat.SENML_CBOR:
      return encodeSenmlCborPaths(names);
    default:
      throw new CodecError(
        `Content-Format ${contentFormatName(contentFormat)} holds no paths: use SenML JSON or SenML CBOR`,
      );
  }
}

function normalRoot(root: string | undefined): string {
  if (root === undefined || root === '') return '';
  const name = (root ?? '').replace(/^\/+|\/+$/g, '');
  return name === '' ? '' : `/${name}`;
}
