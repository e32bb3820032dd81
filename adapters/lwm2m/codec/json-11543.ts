/**
 * JSON of LwM2M 1.0 (Content-Format 11543; TS 1.0.2, 6.4.4): `{"bn":"/3/0/","bt":…,"e":[{"n":"0","sv":"x"}]}`. A name is
 * base name plus name; without a base name it is relative to the request, unless it is a whole path below it.
 */
import type { Value } from '../../../src/management/operation.ts';
import { CodecError } from './codec-error.ts';
import type { Collector } from './decoded.ts';
import type { FlatScalar } from './encoded.ts';
import { isJsonObject, parseJson, readJsonNumber } from './json-text.ts';
import { formatPath, isBelow, parsePath, readPath, withoutRoot } from './path.ts';
import { checkCount } from './senml.ts';
import { bytesOf, interpret, linkText, readBase64, readLinkText, type Scalar } from './values.ts';

/** @throws CodecError */
export function decodeJson(payload: Buffer, collector: Collector, root: string, now: number): void {
  const pack = parseJson(payload.toString('utf8'));
  const entries = isJsonObject(pack) ? pack['e'] : undefined;
  if (!isJsonObject(pack) || !Array.isArray(entries)) throw new CodecError('LwM2M JSON is an object with an array "e"');
  checkCount(entries.length);
  const baseName = optionalText('bn', pack['bn']);
  const baseTime = optionalTime('bt', pack['bt']);
  for (const entry of entries as unknown[]) {
    if (!isJsonObject(entry)) throw new CodecError('An element of "e" is a JSON object');
    const path = pathOf(baseName, optionalText('n', entry['n']) ?? '', collector.base, root);
    const time = optionalTime('t', entry['t']);
    const absolute = absoluteTime(baseTime, time, now);
    const value = valueOf(entry, path, collector);
    if (value === undefined) collector.refuse(path, 'One of "v", "sv", "bv", "ov" of its type is expected', absolute);
    else collector.add(path, value, absolute);
  }
}

/** A base time is seconds since 1970; without one, `t` counts from now. */
function absoluteTime(base: number | undefined, time: number | undefined, now: number): number | undefined {
  if (base === undefined) return time === undefined ? undefined : now + time;
  return base + (time ?? 0);
}

function pathOf(baseName: string | undefined, name: string, base: readonly number[], root: string): number[] {
  if (baseName !== undefined) return parsePath(withoutRoot(baseName + name, root));
  const whole = readPath(withoutRoot(name, root));
  if (whole && name.startsWith('/') && isBelow(whole, base)) return whole;
  if (name === '') return [...base];
  return parsePath(base.length === 0 ? name : `${formatPath(base)}/${name.replace(/^\//, '')}`);
}

function optionalText(field: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw new CodecError(`LwM2M JSON field "${field}" is not a string`);
}

function optionalTime(field: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const number = readJsonNumber(value);
  if (number === undefined) throw new CodecError(`LwM2M JSON field "${field}" is not a number`);
  return Number(number);
}

function valueOf(entry: Record<string, unknown>, path: readonly number[], collector: Collector): Value | undefined {
  const type = collector.typeOf(path);
  const { v, sv, bv, ov } = entry;
  if (typeof sv === 'string') return (type === 'opaque' ? octetsOf(sv) : undefined) ?? interpret(sv, type);
  if (typeof bv === 'boolean') return bv;
  const number = readJsonNumber(v);
  if (number !== undefined) return interpret(number, type);
  return typeof ov === 'string' ? readLinkText(ov) : undefined;
}

function octetsOf(text: string): Value | undefined {
  const octets = readBase64(text);
  return octets && bytesOf(octets);
}

function writeValue(scalar: Scalar): string {
  switch (scalar.type) {
    case 'string':
      return `"sv":${JSON.stringify(scalar.value)}`;
    case 'integer':
    case 'unsigned':
    case 'time':
    case 'float':
      return `"v":${scalar.value.toString()}`;
    case 'boolean':
      return `"bv":${scalar.value}`;
    case 'opaque':
      return `"sv":"${Buffer.from(scalar.value).toString('base64')}"`;
    case 'link':
      return `"ov":"${linkText(scalar.value)}"`;
  }
}

/** @throws CodecError */
export function encodeJson(base: readonly number[], values: readonly FlatScalar[], root: string): Buffer {
  if (base.length === 0) throw new CodecError('JSON of LwM2M 1.0 holds one object: write several in SenML');
  const isLeaf = values.length === 1 && values[0]?.path.length === base.length;
  const entries = values.map(({ path, scalar }) => {
    const name = path.slice(base.length).join('/');
    return name === '' ? `{${writeValue(scalar)}}` : `{"n":"${name}",${writeValue(scalar)}}`;
  });
  const baseName = `${root}${formatPath(base)}${isLeaf ? '' : '/'}`;
  return Buffer.from(`{"bn":${JSON.stringify(baseName)},"e":[${entries.join(',')}]}`, 'utf8');
}
