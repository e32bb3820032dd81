/** What one resource instance can hold. Integers beyond 2^53 are bigint, opaque is bytes, time is seconds since 1970, objlnk is "object:instance". */
export type Value = string | number | bigint | boolean | Uint8Array;

/** The instances of a multiple resource by their id. `length` is never there: it keeps strings and byte arrays out of the type. */
export type Instances = { [instance: number]: Value; length?: never };

export type Resource = Value | Instances;

export type ValueType =
  | 'string'
  | 'integer'
  | 'unsigned'
  | 'float'
  | 'boolean'
  | 'opaque'
  | 'time'
  | 'objlnk'
  | 'corelnk';

/** One resource on its way into or out of a codec. `only` names the resource instance when just that one is meant. */
export interface Entry {
  object: number;
  instance: number;
  resource: number;
  value: Resource;
}

/** An answer other than success, with the CoAP code that says so. */
export class Refusal extends Error {
  readonly code: string;

  constructor(code: string, sentence: string) {
    super(sentence);
    this.name = 'Refusal';
    this.code = code;
  }
}

/** True when the resource is the instances of a multiple resource. */
export function isMultiple(value: Resource): value is Instances {
  return typeof value === 'object' && !(value instanceof Uint8Array);
}

/** The instances of a multiple resource in order of id. */
export function instancesOf(value: Instances): [number, Value][] {
  return Object.keys(value)
    .map(Number)
    .flatMap((id): [number, Value][] => {
      const item = value[id];
      return item === undefined ? [] : [[id, item]];
    })
    .sort(([a], [b]) => a - b);
}

/** An integer as number where that is exact, as bigint beyond. */
export function exactInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Same content, bytes compared by content. */
export function equalValues(a: Resource | undefined, b: Resource | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0;
  }
  if (!isMultiple(a) || !isMultiple(b)) return a === b;
  const left = instancesOf(a);
  const right = instancesOf(b);
  return (
    left.length === right.length &&
    left.every(([id, value], at) => right[at]?.[0] === id && equalValues(value, right[at]?.[1]))
  );
}

/** "/3/0/9" → [3, 0, 9]; at most four ids of 0..65535. Throws a Refusal 4.04 for anything else. */
export function parsePath(path: string): number[] {
  const parts = path.split('/').filter((part) => part !== '');
  if (parts.length > 4 || parts.some((part) => !/^\d{1,5}$/.test(part) || Number(part) > 65_535)) {
    throw new Refusal('4.04', `${path} is not a path of at most four ids`);
  }
  return parts.map(Number);
}

/** [3, 0, 9] → "/3/0/9". */
export function formatPath(path: readonly number[]): string {
  return `/${path.join('/')}`;
}

/** Throws a Refusal 4.00 when the value is not of the resource's type. */
export function checkType(value: Value, type: ValueType, path: string): Value {
  const fits = {
    string: typeof value === 'string',
    corelnk: typeof value === 'string',
    integer: typeof value === 'bigint' || Number.isInteger(value),
    time: typeof value === 'bigint' || Number.isInteger(value),
    unsigned: (typeof value === 'bigint' || Number.isInteger(value)) && Number(value) >= 0,
    float: typeof value === 'number',
    boolean: typeof value === 'boolean',
    opaque: value instanceof Uint8Array,
    objlnk: typeof value === 'string' && /^\d{1,5}:\d{1,5}$/.test(value),
  }[type];
  if (!fits) throw new Refusal('4.00', `${path} takes a value of type ${type}`);
  return value;
}
