/** SenML JSON (Content-Format 110; RFC 8428 clause 5, TS-Core 1.1, 7.4.5). */
import { CodecError, problemOf } from './codec-error.ts';
import type { Collector } from './decoded.ts';
import type { FlatScalar } from './encoded.ts';
import { isJsonObject, parseJson, readJsonNumber } from './json-text.ts';
import { checkCount, namesOf, refuseUnknown, resolveRecords, type SenmlRecord } from './senml.ts';
import { linkText, readBase64, type Scalar } from './values.ts';

/** @throws CodecError */
export function decodeSenmlJson(payload: Buffer, collector: Collector, root: string, now: number): void {
  resolveRecords(readRecords(payload), collector, root, now);
}

function readRecords(payload: Buffer): SenmlRecord[] {
  const pack = parseJson(payload.toString('utf8'));
  if (!Array.isArray(pack)) throw new CodecError('SenML JSON is an array of records');
  checkCount(pack.length);
  return pack.map((entry: unknown) => {
    if (!isJsonObject(entry)) throw new CodecError('A SenML record is a JSON object');
    return readRecord(entry);
  });
}

function readRecord(entry: Record<string, unknown>): SenmlRecord {
  const record: SenmlRecord = {};
  for (const [field, value] of Object.entries(entry)) {
    switch (field) {
      case 'bn':
        record.baseName = textOf(field, value);
        break;
      case 'n':
        record.name = textOf(field, value);
        break;
      case 'bt':
        record.baseTime = Number(numberOf(field, value));
        break;
      case 't':
        record.time = Number(numberOf(field, value));
        break;
      case 'bv':
        record.baseValue = numberOf(field, value);
        break;
      case 'v':
      case 'vs':
      case 'vb':
      case 'vd':
      case 'vlo':
        try {
          readValue(record, field, value);
        } catch (error) {
          record.problem = problemOf(error);
        }
        break;
      default:
        refuseUnknown(field);
    }
  }
  return record;
}

function readValue(record: SenmlRecord, field: 'v' | 'vs' | 'vb' | 'vd' | 'vlo', value: unknown): void {
  switch (field) {
    case 'v':
      if (value === null) record.value = null;
      else record.number = numberOf(field, value);
      break;
    case 'vs':
      record.value = textOf(field, value);
      break;
    case 'vb':
      if (typeof value !== 'boolean') throw new CodecError('SenML field "vb" is not true or false');
      record.value = value;
      break;
    case 'vd': {
      const octets = readBase64(textOf(field, value));
      if (!octets) throw new CodecError('SenML field "vd" is not base64');
      record.value = octets;
      break;
    }
    case 'vlo':
      record.link = textOf(field, value);
      break;
  }
}

function textOf(field: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw new CodecError(`SenML field "${field}" is not a string`);
}

function numberOf(field: string, value: unknown): number | bigint {
  const number = readJsonNumber(value);
  if (number === undefined) throw new CodecError(`SenML field "${field}" is not a number`);
  return number;
}

function writeValue(scalar: Scalar): string {
  switch (scalar.type) {
    case 'string':
      return `"vs":${JSON.stringify(scalar.value)}`;
    case 'integer':
    case 'unsigned':
    case 'time':
    case 'float':
      return `"v":${scalar.value.toString()}`;
    case 'boolean':
      return `"vb":${scalar.value}`;
    case 'opaque':
      return `"vd":"${Buffer.from(scalar.value).toString('base64url')}"`;
    case 'link':
      return `"vlo":"${linkText(scalar.value)}"`;
  }
}

/** @throws CodecError */
export function encodeSenmlJson(base: readonly number[], values: readonly FlatScalar[], root: string): Buffer {
  const names = namesOf(base, values, root);
  const records = values.map(({ scalar }, index) => {
    const { baseName, name } = names[index] ?? {};
    const fields = baseName === undefined ? [] : [`"bn":${JSON.stringify(baseName)}`];
    if (name !== undefined) fields.push(`"n":${JSON.stringify(name)}`);
    return `{${[...fields, writeValue(scalar)].join(',')}}`;
  });
  return Buffer.from(`[${records.join(',')}]`, 'utf8');
}

/** A list of paths, for a composite read. */
export function encodeSenmlJsonPaths(names: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify(names.map((name) => ({ n: name }))), 'utf8');
}
