/** What the decoders of all formats fill: values per resource, resource instances folded together. */
import type { Value, ValueType } from '../../../src/management/operation.ts';
import type { ObjectModel } from '../object-model.ts';
import { CodecError, codecLimits } from './codec-error.ts';
import { formatPath, isBelow } from './path.ts';

export interface DecodedValue {
  /** Of the resource: `/3/0/9`. Instances of a multiple resource are folded into one `{ instances }`. */
  path: string;
  value: Value;
  /** Seconds since 1970 by the device's clock, where the payload says when it was measured. */
  time?: number;
}

/** A value that is there and cannot be read: too many octets for its type, a number where a text belongs. */
export interface UnreadableValue {
  /** Of the resource: one bad instance spoils it as a whole, for the others alone would say something else. */
  path: string;
  explanation: string;
}

export interface Decoded {
  /** One entry per resource and time, in the order of the payload. */
  values: DecodedValue[];
  unreadable: UnreadableValue[];
}

export interface DecodeOptions {
  /** Alternate root of the device (`/lwm2m`): taken off names where they carry it. Paths in the answer never do. */
  root?: string;
  /** Seconds since 1970 that relative times in the payload count from; default: now. */
  now?: number;
}

export interface Collector {
  readonly base: readonly number[];
  readonly model: ObjectModel;
  typeOf(path: readonly number[]): ValueType | undefined;
  /** @throws CodecError when the path is not below the base, names no resource, came before, or is one too many. */
  add(path: readonly number[], value: Value, time?: number): void;
  /** Instead of `add`: the value at this path is malformed, and what follows it can be read. Throws like `add`. */
  refuse(path: readonly number[], explanation: string, time?: number): void;
  result(): Decoded;
}

/** Collects the values of one payload that answers a request for `base`. */
export function createCollector(base: readonly number[], model: ObjectModel): Collector {
  return new ValueCollector(base, model);
}

class ValueCollector implements Collector {
  readonly base: readonly number[];
  readonly model: ObjectModel;
  readonly #decoded: DecodedValue[] = [];
  /** Resource (and time) → its entry, or the instances that its entry has so far. */
  readonly #found = new Map<string, Record<string, Value> | undefined>();
  /** Resource (and time) → what is wrong with it. Made when it is needed, which is hardly ever. */
  #refused: Map<string, UnreadableValue> | undefined = undefined;
  #records = 0;

  constructor(base: readonly number[], model: ObjectModel) {
    this.base = base;
    this.model = model;
  }

  typeOf(path: readonly number[]): ValueType | undefined {
    return this.model.resource(path[0] ?? -1, path[2] ?? -1)?.type;
  }

  add(path: readonly number[], value: Value, time?: number): void {
    this.#check(path);
    const resource = resourceOf(path);
    const key = keyOf(resource, time);
    const instanceId = path[3];
    const instances = this.#found.get(key);
    if (instances && instanceId !== undefined && !Object.hasOwn(instances, instanceId)) {
      instances[instanceId] = value;
      return;
    }
    if (this.#found.has(key))
      throw new CodecError(`The payload has ${formatPath(path)} twice, or both a value and instances of it`);
    const folded = instanceId === undefined ? undefined : { [instanceId]: value };
    this.#found.set(key, folded);
    const entry: DecodedValue = { path: resource, value: folded ? { instances: folded } : value };
    if (time !== undefined) entry.time = time;
    this.#decoded.push(entry);
  }

  refuse(path: readonly number[], explanation: string, time?: number): void {
    this.#check(path);
    const resource = resourceOf(path);
    const key = keyOf(resource, time);
    this.#refused ??= new Map<string, UnreadableValue>();
    if (!this.#refused.has(key)) this.#refused.set(key, { path: resource, explanation });
  }

  result(): Decoded {
    const bad = this.#refused;
    if (!bad) return { values: this.#decoded, unreadable: [] };
    const values = this.#decoded.filter(({ path, time }) => !bad.has(keyOf(path, time)));
    return { values, unreadable: [...bad.values()] };
  }

  #check(path: readonly number[]): void {
    if (path.length < 3) {
      throw new CodecError(`${formatPath(path)} has a value, but only resources and their instances have one`);
    }
    if (!isBelow(path, this.base))
      throw new CodecError(`The payload has ${formatPath(path)}, which is not below ${formatPath(this.base)}`);
    if (++this.#records > codecLimits.records) {
      throw new CodecError(`The payload has more than ${codecLimits.records} values: read less at once`);
    }
  }
}

function resourceOf(path: readonly number[]): string {
  return formatPath(path.length === 3 ? path : path.slice(0, 3));
}

function keyOf(resource: string, time: number | undefined): string {
  return time === undefined ? resource : `${resource}@${time}`;
}
