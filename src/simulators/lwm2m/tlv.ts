import { exactInteger, instancesOf, isMultiple, Refusal } from './value.ts';
import type { Entry, Instances, Resource, Value, ValueType } from './value.ts';

const kinds = { objectInstance: 0, resourceInstance: 1, multipleResource: 2, resource: 3 } as const;

/** Largest body that the device parses, in records. */
const maximumRecords = 10_000;

function encodeInteger(value: number | bigint, signed: boolean): Buffer {
  const big = BigInt(value);
  for (const size of [1, 2, 4]) {
    const bits = BigInt(size * 8);
    const fits = signed ? BigInt.asIntN(Number(bits), big) === big : BigInt.asUintN(Number(bits), big) === big;
    if (!fits) continue;
    const bytes = Buffer.alloc(size);
    if (signed) bytes.writeIntBE(Number(big), 0, size);
    else bytes.writeUIntBE(Number(big), 0, size);
    return bytes;
  }
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, big));
  return bytes;
}

function encodeValue(value: Value, type: ValueType): Buffer {
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (typeof value === 'boolean') return Buffer.of(value ? 1 : 0);
  if (typeof value === 'bigint') return encodeInteger(value, type !== 'unsigned');
  if (typeof value === 'number' && type === 'float') {
    const single = Math.fround(value) === value;
    const bytes = Buffer.alloc(single ? 4 : 8);
    if (single) bytes.writeFloatBE(value);
    else bytes.writeDoubleBE(value);
    return bytes;
  }
  if (typeof value === 'number') return encodeInteger(value, type !== 'unsigned');
  if (type !== 'objlnk') return Buffer.from(value, 'utf8');
  const [object, instance] = value.split(':').map(Number);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16BE(object ?? 65_535, 0);
  bytes.writeUInt16BE(instance ?? 65_535, 2);
  return bytes;
}

function encodeRecord(kind: number, id: number, value: Buffer): Buffer {
  const wideId = id > 255;
  const length = value.length;
  const lengthOctets = length < 8 ? 0 : length < 256 ? 1 : length < 65_536 ? 2 : 3;
  const header = Buffer.alloc(1 + (wideId ? 2 : 1) + lengthOctets);
  header[0] = (kind << 6) | (wideId ? 0x20 : 0) | (lengthOctets << 3) | (lengthOctets === 0 ? length : 0);
  if (wideId) header.writeUInt16BE(id, 1);
  else header[1] = id;
  if (lengthOctets > 0) header.writeUIntBE(length, wideId ? 3 : 2, lengthOctets);
  return Buffer.concat([header, value]);
}

function encodeResource(id: number, value: Resource, type: ValueType): Buffer {
  if (!isMultiple(value)) return encodeRecord(kinds.resource, id, encodeValue(value, type));
  const items = instancesOf(value).map(([item, one]) =>
    encodeRecord(kinds.resourceInstance, item, encodeValue(one, type)),
  );
  return encodeRecord(kinds.multipleResource, id, Buffer.concat(items));
}

/**
 * The entries below `path` as application/vnd.oma.lwm2m+tlv: instances nested for an object, bare resources for an instance or a resource,
 * one resource-instance record for a path of four ids.
 */
export function encodeTlv(path: readonly number[], entries: Entry[], typeOf: (entry: Entry) => ValueType): Buffer {
  const encode = (entry: Entry): Buffer => encodeResource(entry.resource, entry.value, typeOf(entry));
  if (path.length === 4) {
    return Buffer.concat(
      entries.flatMap((entry) =>
        isMultiple(entry.value)
          ? instancesOf(entry.value).map(([id, value]) =>
              encodeRecord(kinds.resourceInstance, id, encodeValue(value, typeOf(entry))),
            )
          : [],
      ),
    );
  }
  if (path.length > 1) return Buffer.concat(entries.map(encode));
  const instances = new Map<number, Buffer[]>();
  for (const entry of entries) instances.set(entry.instance, [...(instances.get(entry.instance) ?? []), encode(entry)]);
  return Buffer.concat(
    [...instances].map(([id, records]) => encodeRecord(kinds.objectInstance, id, Buffer.concat(records))),
  );
}

interface TlvRecord {
  kind: number;
  id: number;
  value: Buffer;
}

function readRecords(bytes: Buffer): TlvRecord[] {
  const records: TlvRecord[] = [];
  let at = 0;
  const need = (octets: number): number => {
    if (at + octets > bytes.length) throw new Refusal('4.00', 'the TLV ends in the middle of a record');
    at += octets;
    return at - octets;
  };
  while (at < bytes.length) {
    if (records.length >= maximumRecords) throw new Refusal('4.13', `the TLV has more than ${maximumRecords} records`);
    const type = bytes.readUInt8(need(1));
    const idOctets = type & 0x20 ? 2 : 1;
    const id = bytes.readUIntBE(need(idOctets), idOctets);
    const lengthOctets = (type >> 3) & 3;
    const length = lengthOctets === 0 ? type & 7 : bytes.readUIntBE(need(lengthOctets), lengthOctets);
    const start = need(length);
    records.push({ kind: type >> 6, id, value: bytes.subarray(start, start + length) });
  }
  return records;
}

function decodeInteger(bytes: Buffer, signed: boolean): number | bigint {
  if (bytes.length === 0) return 0;
  if (bytes.length > 8) throw new Refusal('4.00', 'an integer has at most 8 octets');
  let value = 0n;
  for (const octet of bytes) value = (value << 8n) | BigInt(octet);
  return exactInteger(signed ? BigInt.asIntN(bytes.length * 8, value) : value);
}

function decodeValue(bytes: Buffer, type: ValueType): Value {
  switch (type) {
    case 'string':
    case 'corelnk':
      return bytes.toString('utf8');
    case 'opaque':
      return Buffer.from(bytes);
    case 'integer':
    case 'time':
      return decodeInteger(bytes, true);
    case 'unsigned':
      return decodeInteger(bytes, false);
    case 'boolean':
      if (bytes.length !== 1 || (bytes[0] !== 0 && bytes[0] !== 1))
        throw new Refusal('4.00', 'a boolean is one octet, 0 or 1');
      return bytes[0] === 1;
    case 'float':
      if (bytes.length === 4) return bytes.readFloatBE();
      if (bytes.length === 8) return bytes.readDoubleBE();
      throw new Refusal('4.00', 'a float has 4 or 8 octets');
    case 'objlnk':
      if (bytes.length !== 4) throw new Refusal('4.00', 'an object link has 4 octets');
      return `${bytes.readUInt16BE(0)}:${bytes.readUInt16BE(2)}`;
  }
}

/**
 * Reads a TLV body that was sent to `path`. `typeOf` throws a Refusal for a resource that the device does not know.
 * An object path gives the nested instances; bare resources there belong to instance −1 (the device chooses).
 */
export function decodeTlv(
  path: readonly number[],
  bytes: Buffer,
  typeOf: (object: number, resource: number) => ValueType,
): Entry[] {
  const object = path[0] ?? 0;
  const resource = (record: TlvRecord, instance: number): Entry => {
    const type = typeOf(object, record.id);
    if (record.kind === kinds.resource) {
      return { object, instance, resource: record.id, value: decodeValue(record.value, type) };
    }
    if (record.kind !== kinds.multipleResource) throw new Refusal('4.00', 'the TLV nests records in a wrong order');
    const value: Instances = {};
    for (const item of readRecords(record.value)) {
      if (item.kind !== kinds.resourceInstance)
        throw new Refusal('4.00', 'a multiple resource holds resource instances only');
      value[item.id] = decodeValue(item.value, type);
    }
    return { object, instance, resource: record.id, value };
  };
  const records = readRecords(bytes);
  if (path.length >= 3 && records.every((record) => record.kind === kinds.resourceInstance) && records.length > 0) {
    const id = path[2] ?? 0;
    const value: Instances = {};
    for (const record of records) value[record.id] = decodeValue(record.value, typeOf(object, id));
    return [{ object, instance: path[1] ?? 0, resource: id, value }];
  }
  return records.flatMap((record) => {
    if (record.kind !== kinds.objectInstance) return [resource(record, path[1] ?? -1)];
    return readRecords(record.value).map((inner) => resource(inner, record.id));
  });
}
