/**
 * LwM2M CBOR (Content-Format 11544; TS-Core 1.2, 7.4.7): maps within maps, keyed by one number or by an array of numbers
 * that is a piece of the path: `{[3,0]: {0: "x", 6: {0: 1}}}`. Lengths may be indefinite. There are no times in it.
 */
import { type CborItem, readCbor, writeCborArray, writeCborInteger, writeCborMap } from './cbor-data.ts';
import { writeCborScalar, wireValue } from './cbor-value.ts';
import { CodecError } from './codec-error.ts';
import type { Collector } from './decoded.ts';
import type { FlatScalar } from './encoded.ts';
import { formatPath, readPath } from './path.ts';
import { interpret } from './values.ts';

/**
 * @param root alternate root: a text key with it (`{"lwm2m": {3: …}}`, `{["lwm2m", 3]: …}`) is skipped.
 * @throws CodecError
 */
export function decodeLwm2mCbor(payload: Buffer, collector: Collector, root: string): void {
  const item = readCbor(payload);
  if (!isMap(item)) throw new CodecError('LwM2M CBOR is a map at its outermost level');
  readLevel(item, [], collector, root);
}

function isMap(item: CborItem): item is { entries: [CborItem, CborItem][] } {
  return (
    item !== null && typeof item === 'object' && 'entries' in item && !Array.isArray(item) && !Buffer.isBuffer(item)
  );
}

function readLevel(
  map: { entries: [CborItem, CborItem][] },
  above: readonly number[],
  collector: Collector,
  root: string,
): void {
  for (const [key, value] of map.entries) {
    const path = [...above, ...readKey(key, above.length === 0 ? root : '')];
    if (path.length > 4)
      throw new CodecError(`LwM2M CBOR has a path of more than four numbers below ${formatPath(above)}`);
    if (isMap(value)) readLevel(value, path, collector, root);
    else if (Array.isArray(value)) collector.refuse(path, 'CBOR has an array where a value belongs');
    else collector.add(path, interpret(wireValue(value), collector.typeOf(path)));
  }
}

function readKey(key: CborItem, root: string): number[] {
  const parts = Array.isArray(key) ? key : [key];
  const path: number[] = [];
  for (const part of parts) {
    if (typeof part === 'string' && root !== '' && path.length === 0 && root === `/${part.replace(/^\//, '')}`)
      continue;
    const id = typeof part === 'number' ? readPath(String(part)) : undefined;
    if (!id || id.length !== 1) throw new CodecError('LwM2M CBOR has a key that is no number from 0 to 65535');
    path.push(...id);
  }
  return path;
}

/** A tree of ids; leaves are encoded values. */
interface Branch {
  readonly children: Map<number, Branch | Buffer>;
}

/**
 * Writes one map whose key is the path of the request, and maps keyed by single numbers within it.
 * @throws CodecError
 */
export function encodeLwm2mCbor(base: readonly number[], values: readonly FlatScalar[]): Buffer {
  const [first] = values;
  if (!first) return writeCborMap([]);
  // A base that is the path of the one value itself: {[3, 0, 14]: "+02:00"}.
  if (first.path.length === base.length) return writeCborMap([[writeKey(base), writeCborScalar(first.scalar)]]);
  const top: Branch = { children: new Map() };
  for (const { path, scalar } of values) {
    let branch = top;
    for (const id of path.slice(base.length, -1)) {
      const child = branch.children.get(id);
      if (Buffer.isBuffer(child)) throw new CodecError(`${formatPath(path)} is below a value`);
      const next: Branch = child ?? { children: new Map() };
      if (!child) branch.children.set(id, next);
      branch = next;
    }
    branch.children.set(path.at(-1) ?? 0, writeCborScalar(scalar));
  }
  const body = writeBranch(top);
  return base.length === 0 ? body : writeCborMap([[writeKey(base), body]]);
}

function writeBranch(branch: Branch): Buffer {
  return writeCborMap(
    [...branch.children].map(([id, child]) => [
      writeCborInteger(id),
      Buffer.isBuffer(child) ? child : writeBranch(child),
    ]),
  );
}

function writeKey(path: readonly number[]): Buffer {
  return path.length === 1 ? writeCborInteger(path[0] ?? 0) : writeCborArray(path.map((id) => writeCborInteger(id)));
}
