/** Plain CBOR (Content-Format 60): the value of one resource or resource instance. TS-Core 1.1, 7.4.2. */
import {
  readCbor,
  writeCborBoolean,
  writeCborBytes,
  writeCborFloat,
  writeCborInteger,
  writeCborText,
} from './cbor-data.ts';
import type { CborItem } from './cbor-data.ts';
import { CodecError } from './codec-error.ts';
import type { Collector } from './decoded.ts';
import type { FlatScalar } from './encoded.ts';
import { formatPath } from './path.ts';
import { interpret, linkText, type Scalar, type WireValue } from './values.ts';

/** @throws CodecError for arrays and maps. */
export function wireValue(item: CborItem): WireValue {
  if (item === null || typeof item !== 'object' || Buffer.isBuffer(item)) return item;
  throw new CodecError('CBOR has an array or a map where a value belongs');
}

/** @throws CodecError */
export function decodeCborValue(payload: Buffer, collector: Collector): void {
  const { base } = collector;
  if (base.length < 3)
    throw new CodecError(`${formatPath(base)} is no resource: plain CBOR holds the value of one resource`);
  collector.add(base, interpret(wireValue(readCbor(payload)), collector.typeOf(base)));
}

/** Time as an integer without tag, an object link as `"10:0"`. */
export function writeCborScalar(scalar: Scalar): Buffer {
  switch (scalar.type) {
    case 'string':
      return writeCborText(scalar.value);
    case 'integer':
    case 'unsigned':
    case 'time':
      return writeCborInteger(scalar.value);
    case 'float':
      return writeCborFloat(scalar.value);
    case 'boolean':
      return writeCborBoolean(scalar.value);
    case 'opaque':
      return writeCborBytes(scalar.value);
    case 'link':
      return writeCborText(linkText(scalar.value));
  }
}

/** @throws CodecError when it is not exactly one value. */
export function encodeCborValue(values: readonly FlatScalar[]): Buffer {
  const [only] = values;
  if (!only || values.length > 1)
    throw new CodecError(`Plain CBOR holds one value, not ${values.length}: use SenML or TLV`);
  return writeCborScalar(only.scalar);
}
