/**
 * SenML records (RFC 8428), free of their encoding: base fields stay in force until they are changed, a name is base name
 * plus name, a time is base time plus time.
 */
import type { Value } from '../../../src/management/operation.ts';
import { CodecError, codecLimits, problemOf, quote } from './codec-error.ts';
import type { Collector } from './decoded.ts';
import type { FlatScalar } from './encoded.ts';
import { formatPath, parsePath, withoutRoot } from './path.ts';
import { interpret, readLinkText, type WireValue } from './values.ts';

/** One record; a field that is not there is undefined. */
export interface SenmlRecord {
  baseName?: string;
  baseTime?: number;
  baseValue?: number | bigint;
  name?: string;
  time?: number;
  /** `v`: added to the base value. */
  number?: number | bigint;
  /** `vs`, `vb`, `vd` or, from clients that write `null`, nothing. */
  value?: WireValue;
  /** `vlo`: `10:0`. */
  link?: string;
  /** Its value is of the wrong kind; there is no value then. */
  problem?: string;
}

/** Times below are seconds from now, others seconds since 1970 (RFC 8428 clause 4.5.3). */
const ABSOLUTE_TIME = 2 ** 28;

/**
 * @param root alternate root, taken off names that carry it.
 * @param now seconds since 1970 that relative times count from.
 * @throws CodecError
 */
export function resolveRecords(records: readonly SenmlRecord[], collector: Collector, root: string, now: number): void {
  let baseName = '';
  let baseTime: number | undefined;
  let baseValue: number | bigint | undefined;
  for (const record of records) {
    baseName = record.baseName ?? baseName;
    baseTime = record.baseTime ?? baseTime;
    baseValue = record.baseValue ?? baseValue;
    const isBaseOnly =
      record.name === undefined &&
      record.number === undefined &&
      record.value === undefined &&
      record.link === undefined &&
      record.problem === undefined;
    if (isBaseOnly) continue;
    const name = baseName + (record.name ?? '');
    const path = parsePath(withoutRoot(name, root));
    const time = record.time === undefined && baseTime === undefined ? undefined : (baseTime ?? 0) + (record.time ?? 0);
    const absolute = time === undefined || time >= ABSOLUTE_TIME ? time : now + time;
    let value: Value;
    try {
      value = valueOf(record, baseValue, path, collector);
    } catch (error) {
      collector.refuse(path, problemOf(error), absolute);
      continue;
    }
    collector.add(path, value, absolute);
  }
}

function valueOf(
  record: SenmlRecord,
  baseValue: number | bigint | undefined,
  path: readonly number[],
  collector: Collector,
): Value {
  if (record.problem !== undefined) throw new CodecError(record.problem);
  if (record.link !== undefined) {
    const link = readLinkText(record.link);
    if (!link) throw new CodecError(`The object link ${quote(record.link)} is not "object:instance"`);
    return link;
  }
  const type = collector.typeOf(path);
  if (record.number !== undefined) return interpret(add(baseValue, record.number), type);
  if (record.value !== undefined) return interpret(record.value, type);
  if (baseValue !== undefined) return interpret(baseValue, type);
  throw new CodecError('It has no value');
}

function add(base: number | bigint | undefined, value: number | bigint): number | bigint {
  if (base === undefined || base === 0) return value;
  const sum = Number(base) + Number(value);
  if (Number.isSafeInteger(sum) || typeof base === typeof value) {
    return typeof base === 'bigint' && typeof value === 'bigint' ? base + value : sum;
  }
  return sum;
}

/** The names of a write: base name once, then the rest of each path. `base` of a request to the root is empty. */
export function namesOf(
  base: readonly number[],
  values: readonly FlatScalar[],
  root: string,
): { baseName?: string; name?: string }[] {
  const head = base.length === 0 ? '' : `${root}${formatPath(base)}`;
  return values.map(({ path }, index) => {
    const rest = path.slice(base.length).join('/');
    if (base.length === 0) return { name: `${root}/${rest}` };
    if (rest === '') return { baseName: head };
    return index === 0 ? { baseName: `${head}/`, name: rest } : { name: rest };
  });
}

/** @throws CodecError for more records than a payload may have. */
export function checkCount(count: number): void {
  if (count > codecLimits.records)
    throw new CodecError(`SenML has more than ${codecLimits.records} records: read less at once`);
}

/** RFC 8428 clause 4.4: a field whose name ends with `_` must be understood, others may be ignored. */
export function refuseUnknown(field: string): void {
  if (field.endsWith('_')) throw new CodecError(`SenML field ${quote(field)} must be understood, and is not`);
}
