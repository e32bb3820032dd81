/** SenML CBOR (Content-Format 112; RFC 8428 clause 6, TS-Core 1.1, 7.4.6). `vlo` has no number: its label is the text. */
import { type CborItem, readCbor, writeCborArray, writeCborInteger, writeCborMap, writeCborText } from './cbor-data.ts';
import { writeCborScalar } from './cbor-value.ts';
import { CodecError, problemOf } from './codec-error.ts';
import type { Collector } from './decoded.ts';
import type { FlatScalar } from './encoded.ts';
import { checkCount, namesOf, refuseUnknown, resolveRecords, type SenmlRecord } from './senml.ts';
import type { Scalar } from './values.ts';

const Label = {
  BASE_NAME: -2,
  BASE_TIME: -3,
  BASE_VALUE: -5,
  NAME: 0,
  VALUE: 2,
  STRING: 3,
  BOOLEAN: 4,
  TIME: 6,
  DATA: 8,
} as const;

type ValueLabel = typeof Label.VALUE | typeof Label.STRING | typeof Label.BOOLEAN | typeof Label.DATA | 'vlo';

/** @throws CodecError */
export function decodeSenmlCbor(payload: Buffer, collector: Collector, root: string, now: number): void {
  const pack = readCbor(payload);
  if (!Array.isArray(pack)) throw new CodecError('SenML CBOR is an array of records');
  checkCount(pack.length);
  resolveRecords(pack.map(readRecord), collector, root, now);
}

function readRecord(item: CborItem): SenmlRecord {
  if (
    item === null ||
    typeof item !== 'object' ||
    !('entries' in item) ||
    Array.isArray(item) ||
    Buffer.isBuffer(item)
  ) {
    throw new CodecError('A SenML record is a CBOR map');
  }
  const record: SenmlRecord = {};
  for (const [label, value] of item.entries) {
    switch (label) {
      case Label.BASE_NAME:
        record.baseName = textOf('base name', value);
        break;
      case Label.NAME:
        record.name = textOf('name', value);
        break;
      case Label.BASE_TIME:
        record.baseTime = Number(numberOf('base time', value));
        break;
      case Label.TIME:
        record.time = Number(numberOf('time', value));
        break;
      case Label.BASE_VALUE:
        record.baseValue = numberOf('base value', value);
        break;
      case Label.VALUE:
      case Label.STRING:
      case Label.BOOLEAN:
      case Label.DATA:
      case 'vlo':
        try {
          readValue(record, label, value);
        } catch (error) {
          record.problem = problemOf(error);
        }
        break;
      default:
        if (typeof label === 'string') refuseUnknown(label);
        else if (typeof label !== 'number') throw new CodecError('SenML label is neither a number nor a text');
    }
  }
  return record;
}

function readValue(record: SenmlRecord, label: ValueLabel, value: CborItem): void {
  switch (label) {
    case Label.VALUE:
      if (value === null) record.value = null;
      else record.number = numberOf('value', value);
      break;
    case Label.STRING:
      record.value = textOf('string value', value);
      break;
    case Label.BOOLEAN:
      if (typeof value !== 'boolean') throw new CodecError('SenML boolean value is not true or false');
      record.value = value;
      break;
    case Label.DATA:
      if (!Buffer.isBuffer(value)) throw new CodecError('SenML data value is not a string of octets');
      record.value = value;
      break;
    case 'vlo':
      record.link = textOf('object link', value);
      break;
  }
}

function textOf(field: string, value: CborItem): string {
  if (typeof value === 'string') return value;
  throw new CodecError(`SenML ${field} is not a text`);
}

function numberOf(field: string, value: CborItem): number | bigint {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  throw new CodecError(`SenML ${field} is not a number`);
}

function labelOf(scalar: Scalar): Buffer {
  switch (scalar.type) {
    case 'string':
      return writeCborInteger(Label.STRING);
    case 'boolean':
      return writeCborInteger(Label.BOOLEAN);
    case 'opaque':
      return writeCborInteger(Label.DATA);
    case 'link':
      return writeCborText('vlo');
    case 'integer':
    case 'unsigned':
    case 'time':
    case 'float':
      return writeCborInteger(Label.VALUE);
  }
}

/** @throws CodecError */
export function encodeSenmlCbor(base: readonly number[], values: readonly FlatScalar[], root: string): Buffer {
  const names = namesOf(base, values, root);
  const records = values.map(({ scalar }, index) => {
    const { baseName, name } = names[index] ?? {};
    const entries: [Buffer, Buffer][] = [];
    if (baseName !== undefined) entries.push([writeCborInteger(Label.BASE_NAME), writeCborText(baseName)]);
    if (name !== undefined) entries.push([writeCborInteger(Label.NAME), writeCborText(name)]);
    entries.push([labelOf(scalar), writeCborScalar(scalar)]);
    return writeCborMap(entries);
  });
  return writeCborArray(records);
}

/** A list of paths, for a composite read. */
export function encodeSenmlCborPaths(names: readonly string[]): Buffer {
  return writeCborArray(names.map((name) => writeCborMap([[writeCborInteger(Label.NAME), writeCborText(name)]])));
}
