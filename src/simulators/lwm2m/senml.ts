import { decode, encode } from 'cbor2';
import { Refusal, exactInteger, formatPath, instancesOf, isMultiple, parsePath } from './value.ts';
import type { Entry, Resource, Value, ValueType } from './value.ts';

const maximumRecords = 10_000;

/** One record of a SenML pack with its full path; `value` is absent in the list of paths of a composite read. */
export interface SenmlRecord {
  path: number[];
  value?: Value;
}

function encodeValue(value: Value, type: ValueType, form: SenmlForm): object {
  if (value instanceof Uint8Array) {
    return { vd: form === 'json' ? Buffer.from(value).toString('base64url') : new Uint8Array(value) };
  }
  if (typeof value === 'boolean') return { vb: value };
  if (typeof value === 'bigint') return { v: form === 'json' ? Number(value) : value };
  if (typeof value === 'number') return { v: value };
  return type === 'objlnk' ? { vlo: value } : { vs: value };
}

/** Labels of SenML-CBOR (RFC 8428 6); vlo is a text key there too. */
const labels = new Map<string, number>([
  ['bn', -2],
  ['bt', -3],
  ['n', 0],
  ['v', 2],
  ['vs', 3],
  ['vb', 4],
  ['t', 6],
  ['vd', 8],
]);
const namesOfLabels = new Map([...labels].map(([name, label]) => [label, name]));

/** Which of the two forms of SenML: 110 or 112. */
export type SenmlForm = 'json' | 'cbor';

/** The entries as application/senml+json (110) or application/senml+cbor (112), names split as base name and rest. `root` is the alternate path, '' or '/lwm2m'. */
export function encodeSenml(
  form: SenmlForm,
  base: readonly number[],
  entries: Entry[],
  typeOf: (entry: Entry) => ValueType,
  root: string,
  time?: number,
): Buffer {
  const prefix = base.length === 0 ? '/' : formatPath(base);
  const records: Record<string, unknown>[] = [];
  const add = (path: number[], value: Value, type: ValueType): void => {
    const full = formatPath(path);
    const name = base.length === 0 ? full.slice(1) : full.slice(prefix.length);
    const head = records.length === 0 ? { bn: root + prefix, ...(time === undefined ? {} : { bt: time }) } : {};
    records.push({ ...head, ...(name === '' ? {} : { n: name }), ...encodeValue(value, type, form) });
  };
  for (const entry of entries) {
    const path = [entry.object, entry.instance, entry.resource];
    if (!isMultiple(entry.value)) add(path, entry.value, typeOf(entry));
    else for (const [id, value] of instancesOf(entry.value)) add([...path, id], value, typeOf(entry));
  }
  if (form === 'json') return Buffer.from(JSON.stringify(records), 'utf8');
  const labelled = records.map(
    (record) => new Map(Object.entries(record).map(([name, value]) => [labels.get(name) ?? name, value])),
  );
  return Buffer.from(encode(labelled));
}

function decodeValue(record: object, path: string): Value | undefined {
  const present = (['v', 'vs', 'vb', 'vd', 'vlo'] as const).filter((key) => key in record);
  if (present.length === 0) return undefined;
  if (present.length > 1) throw new Refusal('4.00', `${path} has more than one value`);
  if ('v' in record && (typeof record.v === 'number' || typeof record.v === 'bigint')) return record.v;
  if ('vs' in record && typeof record.vs === 'string') return record.vs;
  if ('vb' in record && typeof record.vb === 'boolean') return record.vb;
  if ('vlo' in record && typeof record.vlo === 'string') return record.vlo;
  if ('vd' in record && record.vd instanceof Uint8Array) return Buffer.from(record.vd);
  if ('vd' in record && typeof record.vd === 'string') return Buffer.from(record.vd, 'base64url');
  throw new Refusal('4.00', `${path} has a value of a wrong type`);
}

function parsePack(form: SenmlForm, bytes: Buffer): unknown {
  try {
    if (form === 'json') return JSON.parse(bytes.toString('utf8'));
    const pack: unknown = decode(new Uint8Array(bytes));
    if (!Array.isArray(pack)) return pack;
    return pack.map((record: unknown) => {
      if (!(record instanceof Map)) return record;
      return Object.fromEntries([...record].map(([key, value]) => [namesOfLabels.get(key) ?? String(key), value]));
    });
  } catch {
    throw new Refusal('4.00', `the payload is not ${form.toUpperCase()}`);
  }
}

/** Reads a SenML pack. Names may carry the alternate path. Throws a Refusal 4.00 for anything that is no pack. */
export function decodeSenml(form: SenmlForm, bytes: Buffer, root: string): SenmlRecord[] {
  const pack = parsePack(form, bytes);
  if (!Array.isArray(pack)) throw new Refusal('4.00', 'a SenML pack is an array');
  if (pack.length > maximumRecords) throw new Refusal('4.13', `the pack has more than ${maximumRecords} records`);
  let baseName = '';
  return pack.map((record: unknown) => {
    if (typeof record !== 'object' || record === null) throw new Refusal('4.00', 'a SenML record is a map');
    if ('bn' in record && typeof record.bn === 'string') baseName = record.bn;
    const name = baseName + ('n' in record && typeof record.n === 'string' ? record.n : '');
    const below = root !== '' && name.startsWith(`${root}/`) ? name.slice(root.length) : name;
    return { path: parsePath(below), value: decodeValue(record, name) };
  });
}

function adapt(value: Value, type: ValueType): Value {
  // SenML has one number type; whole numbers of an integer resource stay exact.
  if (typeof value === 'bigint' && type === 'float') return Number(value);
  if (typeof value === 'number' && type !== 'float' && Number.isInteger(value)) return exactInteger(BigInt(value));
  return value;
}

/** Groups records with values by resource. `isMultipleResource` decides how a path of three ids is read. */
export function entriesOf(records: SenmlRecord[], typeOf: (object: number, resource: number) => ValueType): Entry[] {
  const entries = new Map<string, Entry>();
  for (const { path, value } of records) {
    const [object, instance, resource, item] = path;
    if (object === undefined || instance === undefined || resource === undefined || value === undefined) {
      throw new Refusal('4.00', `${formatPath(path)} needs a resource and a value`);
    }
    const key = formatPath(path.slice(0, 3));
    const adapted = adapt(value, typeOf(object, resource));
    const known: Resource | undefined = entries.get(key)?.value;
    const merged: Resource =
      item === undefined ? adapted : { ...(known !== undefined && isMultiple(known) ? known : {}), [item]: adapted };
    entries.set(key, { object, instance, resource, value: merged });
  }
  return [...entries.values()];
}
