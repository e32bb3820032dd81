/**
 * OMA TLV (Content-Format 11542; TS-Core 1.1, 7.4.3). A type byte (kind, width of the identifier, width of the length),
 * an identifier, a length, a value; all big-endian. Values carry no type: the object model says it, and a resource that the
 * model does not know is handed on as opaque octets, because octets are the one reading that loses nothing.
 */
import type { Value, ValueType } from '../../../src/management/operation.ts';
import { CodecError, problemOf } from './codec-error.ts';
import type { Collector } from './decoded.ts';
import type { EncodedInstance, EncodedResource } from './encoded.ts';
import { formatPath, UNASSIGNED_INSTANCE } from './path.ts';
import { bytesOf, linkOf, numberOf, type Scalar } from './values.ts';

const Kind = { INSTANCE: 0, RESOURCE_INSTANCE: 1, MULTIPLE: 2, RESOURCE: 3 } as const;

interface Item {
  kind: number;
  id: number;
  start: number;
  end: number;
}

function readItem(buffer: Buffer, at: number, end: number): Item {
  const type = buffer[at] ?? 0;
  const idWidth = (type & 0x20) === 0 ? 1 : 2;
  const lengthWidth = (type >> 3) & 3;
  const start = at + 1 + idWidth + lengthWidth;
  if (start > end) throw new CodecError(`TLV ends inside the header at octet ${at}`);
  const id = buffer.readUIntBE(at + 1, idWidth);
  const length = lengthWidth === 0 ? type & 7 : buffer.readUIntBE(at + 1 + idWidth, lengthWidth);
  if (start + length > end) throw new CodecError(`TLV at octet ${at} says ${length} octets, ${end - start} are left`);
  return { kind: type >> 6, id, start, end: start + length };
}

function readInteger(buffer: Buffer, start: number, end: number, signed: boolean): number | bigint {
  switch (end - start) {
    case 1:
    case 2:
    case 4:
      return signed ? buffer.readIntBE(start, end - start) : buffer.readUIntBE(start, end - start);
    case 8:
      return signed ? buffer.readBigInt64BE(start) : buffer.readBigUInt64BE(start);
    default:
      throw new CodecError(`A TLV integer has 1, 2, 4 or 8 octets, not ${end - start}`);
  }
}

function readValue(buffer: Buffer, start: number, end: number, type: ValueType | undefined): Value {
  switch (type) {
    case 'string':
      return buffer.toString('utf8', start, end);
    case 'integer':
    case 'unsigned':
      return numberOf(readInteger(buffer, start, end, type === 'integer'));
    case 'time': {
      const seconds = numberOf(readInteger(buffer, start, end, true));
      return typeof seconds === 'number' ? { time: seconds } : seconds;
    }
    case 'float':
      if (end - start === 4) return numberOf(buffer.readFloatBE(start));
      if (end - start === 8) return numberOf(buffer.readDoubleBE(start));
      throw new CodecError(`A TLV float has 4 or 8 octets, not ${end - start}`);
    case 'boolean': {
      const octet = buffer[start];
      if (end - start !== 1 || (octet !== 0 && octet !== 1)) throw new CodecError('A TLV boolean is one octet, 0 or 1');
      return octet === 1;
    }
    case 'link':
      if (end - start !== 4) throw new CodecError(`A TLV object link has 4 octets, not ${end - start}`);
      return linkOf(buffer.readUInt16BE(start), buffer.readUInt16BE(start + 2));
    case 'opaque':
    case undefined:
      return bytesOf(buffer.subarray(start, end));
  }
}

/**
 * @param collector base = path of the request: an object (instances, or the bare resources of a single one), an instance
 *   (resources, or one instance that wraps them), a resource or a resource instance.
 * @throws CodecError
 */
export function decodeTlv(payload: Buffer, collector: Collector): void {
  const { base } = collector;
  if (base.length === 0) throw new CodecError('TLV has no paths: it cannot answer a request for several objects');
  const context = base.slice(0, 3);
  if (base.length === 1) context.push(bareInstance(collector));
  readItems(payload, 0, payload.length, Kind.INSTANCE, context, collector);
}

/** Instance that resources without an instance around them belong to: an object with a single instance has only 0. */
function bareInstance(collector: Collector): number {
  return collector.model.object(collector.base[0] ?? -1)?.multiple === true ? UNASSIGNED_INSTANCE : 0;
}

/** `level` is the outermost kind that may come here; TLVs nest at most instance > multiple resource > resource instance. */
function readItems(
  buffer: Buffer,
  start: number,
  end: number,
  level: number,
  context: readonly number[],
  collector: Collector,
): void {
  for (let at = start; at < end;) {
    const item = readItem(buffer, at, end);
    const [objectId = 0, instanceId = 0, resourceId] = context;
    if (item.kind === Kind.INSTANCE && level === Kind.INSTANCE) {
      readItems(buffer, item.start, item.end, Kind.RESOURCE, [objectId, item.id], collector);
    } else if (item.kind === Kind.RESOURCE && level !== Kind.RESOURCE_INSTANCE) {
      addValue(buffer, item, [objectId, instanceId, item.id], collector);
    } else if (item.kind === Kind.MULTIPLE && level !== Kind.RESOURCE_INSTANCE) {
      const path = [objectId, instanceId, item.id];
      readItems(buffer, item.start, item.end, Kind.RESOURCE_INSTANCE, path, collector);
    } else if (item.kind === Kind.RESOURCE_INSTANCE && resourceId !== undefined && level !== Kind.RESOURCE) {
      addValue(buffer, item, [objectId, instanceId, resourceId, item.id], collector);
    } else {
      throw new CodecError(`TLV of kind ${item.kind} at octet ${at} does not belong there`);
    }
    at = item.end;
  }
}

function addValue(buffer: Buffer, item: Item, path: readonly number[], collector: Collector): void {
  if (path[1] === UNASSIGNED_INSTANCE) {
    throw new CodecError(
      `${formatPath(path)}: resources of an object with several instances came without their instance`,
    );
  }
  const { start, end } = item;
  let value: Value;
  try {
    value = readValue(buffer, start, end, collector.typeOf(path));
  } catch (error) {
    collector.refuse(path, `${problemOf(error)}${octetsOf(buffer, start, end)}`);
    return;
  }
  collector.add(path, value);
}

const shownOctets = 16;

/** ` (0x01e240)`: the evidence, for people. */
function octetsOf(buffer: Buffer, start: number, end: number): string {
  if (start === end) return '';
  const more = end - start > shownOctets ? '…' : '';
  return ` (0x${buffer.toString('hex', start, Math.min(end, start + shownOctets))}${more})`;
}

function writeItem(kind: number, id: number, value: Uint8Array): Buffer {
  const { length } = value;
  if (length > 0xff_ff_ff)
    throw new CodecError(`A TLV holds at most 16777215 octets, not ${length}: push it block by block`);
  const idWidth = id > 0xff ? 2 : 1;
  const lengthWidth = length < 8 ? 0 : length < 0x1_00 ? 1 : length < 0x1_00_00 ? 2 : 3;
  const item = Buffer.allocUnsafe(1 + idWidth + lengthWidth + length);
  item[0] = (kind << 6) | ((idWidth - 1) << 5) | (lengthWidth << 3) | (lengthWidth === 0 ? length : 0);
  item.writeUIntBE(id, 1, idWidth);
  if (lengthWidth > 0) item.writeUIntBE(length, 1 + idWidth, lengthWidth);
  item.set(value, 1 + idWidth + lengthWidth);
  return item;
}

function writeInteger(value: number | bigint, signed: boolean): Buffer {
  const number = BigInt(value);
  const fits = (bits: number): boolean =>
    (signed ? BigInt.asIntN(bits, number) : BigInt.asUintN(bits, number)) === number;
  const width = [1, 2, 4, 8].find((octets) => fits(octets * 8));
  if (width === undefined) throw new CodecError(`${number} does not fit into 64 bits`);
  const octets = Buffer.allocUnsafe(8);
  octets.writeBigUInt64BE(BigInt.asUintN(64, number));
  return octets.subarray(8 - width);
}

function writeFloat(value: number): Buffer {
  const isSingle = Math.fround(value) === value;
  const octets = Buffer.allocUnsafe(isSingle ? 4 : 8);
  if (isSingle) octets.writeFloatBE(value);
  else octets.writeDoubleBE(value);
  return octets;
}

function writeValue(scalar: Scalar): Uint8Array {
  switch (scalar.type) {
    case 'string':
      return Buffer.from(scalar.value, 'utf8');
    case 'integer':
    case 'time':
      return writeInteger(scalar.value, true);
    case 'unsigned':
      return writeInteger(scalar.value, false);
    case 'float':
      return writeFloat(scalar.value);
    case 'boolean':
      return Buffer.from([scalar.value ? 1 : 0]);
    case 'opaque':
      return scalar.value;
    case 'link': {
      const octets = Buffer.allocUnsafe(4);
      octets.writeUInt16BE(scalar.value[0], 0);
      octets.writeUInt16BE(scalar.value[1], 2);
      return octets;
    }
  }
}

function writeResource(resource: EncodedResource): Buffer {
  if (resource.scalar) return writeItem(Kind.RESOURCE, resource.id, writeValue(resource.scalar));
  return writeItem(Kind.MULTIPLE, resource.id, writeResourceInstances(resource));
}

function writeResourceInstances(resource: EncodedResource): Buffer {
  const items = [...resource.instances].map(([id, scalar]) =>
    writeItem(Kind.RESOURCE_INSTANCE, id, writeValue(scalar)),
  );
  return Buffer.concat(items);
}

/**
 * @param depth length of the path of the request: 1 object (its instances are wrapped, except one that the device shall
 *   number itself), 2 instance, 3 resource, 4 resource instance.
 * @throws CodecError
 */
export function encodeTlv(depth: number, instances: readonly EncodedInstance[]): Buffer {
  if (depth === 0) throw new CodecError('TLV has no paths: write several objects in SenML or in LwM2M CBOR');
  const items = instances.map((instance) => {
    if (depth === 4) return Buffer.concat(instance.resources.map(writeResourceInstances));
    const resources = Buffer.concat(instance.resources.map(writeResource));
    return depth === 1 && instance.id !== UNASSIGNED_INSTANCE
      ? writeItem(Kind.INSTANCE, instance.id, resources)
      : resources;
  });
  return Buffer.concat(items);
}
