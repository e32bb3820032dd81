/** Makes a reader (wire value → held value, validated) and a writer (held value → wire value) of a data type. */
import type { Json, JsonObject } from './primitive.ts';
import { dataTypeOf, defaultMaximumItems } from './data-types.ts';
import type { DataType, EnumerationType, ListType, ObjectType, StringType } from './data-types.ts';
import { hintFor } from './nearest-name.ts';

/** What is wrong with a value, without naming where; the readers above it add the place. */
export class Problem {
  readonly sentence: string;
  readonly responseStatusCode: number | undefined;
  readonly place: string;

  constructor(sentence: string, responseStatusCode?: number, place = '') {
    this.sentence = sentence;
    this.responseStatusCode = responseStatusCode;
    this.place = place;
  }

  /** The same problem seen from one level up; the innermost response status code wins. */
  within(place: string, responseStatusCode?: number): Problem {
    return new Problem(this.sentence, this.responseStatusCode ?? responseStatusCode, `${place}${this.place}`);
  }
}

export interface CompiledType {
  /** Validates a wire value; answers it with long member names. */
  read(value: Json): Json | Problem;
  /** Held value → wire value. Absent: they are the same. Members that the type does not know pass as they are. */
  write?: (value: Json) => Json;
}

const compiled = new Map<string, CompiledType>();

/** The compiled type of that name. Throws when there is none: a table is wrong, not a request. */
export function compiledTypeOf(name: string): CompiledType {
  const known = compiled.get(name);
  if (known) return known;
  const type = dataTypeOf(name);
  if (!type) throw new Error(`there is no data type '${name}'; data-types.ts and complex-types.ts list them`);
  const made = compileType(type);
  compiled.set(name, made);
  return made;
}

export function compileType(type: DataType): CompiledType {
  switch (type.kind) {
    case 'string':
      return { read: stringReader(type) };
    case 'integer':
      return integerType(type.minimum, type.maximum);
    case 'number':
      return {
        read: (value) =>
          typeof value === 'number' && Number.isFinite(value)
            ? value
            : new Problem(`expects a number, got ${shown(value)}`),
      };
    case 'boolean':
      return {
        read: (value) =>
          typeof value === 'boolean' ? value : new Problem(`expects true or false, got ${shown(value)}`),
      };
    case 'enumeration':
      return { read: enumerationReader(type) };
    case 'list':
      return listType(type);
    case 'object':
      return objectType(type);
    case 'any':
      return { read: (value) => value };
  }
}

export function integerType(minimum: number, maximum: number): CompiledType {
  const limits =
    minimum === -maximum && maximum === Number.MAX_SAFE_INTEGER
      ? 'an integer'
      : maximum === Number.MAX_SAFE_INTEGER
        ? `an integer of at least ${minimum}`
        : `an integer from ${minimum} to ${maximum}`;
  return {
    read: (value) =>
      typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum
        ? value
        : new Problem(`expects ${limits}, got ${shown(value)}`),
  };
}

function stringReader(type: StringType): (value: Json) => Json | Problem {
  const { pattern, holds, expects } = type;
  const minimum = type.minimumLength ?? 0;
  const maximum = type.maximumLength ?? Infinity;
  return (value) => {
    if (typeof value === 'string' && value.length >= minimum && value.length <= maximum) {
      if ((!pattern || pattern.test(value)) && (!holds || holds(value))) return value;
    }
    return new Problem(`expects ${expects}, got ${shown(value)}`);
  };
}

function enumerationReader(type: EnumerationType): (value: Json) => Json | Problem {
  const values = new Set(Object.values(type.values));
  const [from, to] = type.also ?? [1, 0];
  const names = Object.entries(type.values)
    .map(([name, value]) => `${value} ${name}`)
    .join(', ');
  const shownNames = names.length > 400 ? `${names.slice(0, 400)} …` : names;
  const expects = type.also ? `${shownNames}, or ${from} to ${to}` : shownNames;
  return (value) => {
    if (typeof value === 'number' && (values.has(value) || (value >= from && value <= to && Number.isInteger(value)))) {
      return value;
    }
    return new Problem(`expects one of ${expects}; got ${shown(value)}`, type.refusedWith);
  };
}

function listType(type: ListType): CompiledType {
  const item = lazily(type.of);
  const minimum = type.minimumItems ?? 0;
  const maximum = type.maximumItems ?? defaultMaximumItems;
  const read = (value: Json): Json | Problem => {
    const items = Array.isArray(value) ? value : type.orSingle && value !== null ? [value] : undefined;
    if (!items) return new Problem(`expects a list (JSON array), got ${shown(value)}`);
    if (items.length < minimum || items.length > maximum) {
      return new Problem(`expects ${minimum} to ${maximum} entries, got ${items.length}`);
    }
    const reader = item().read;
    let result: Json[] = items;
    for (let index = 0; index < items.length; index++) {
      const entry = items[index] as Json;
      const held = reader(entry);
      if (held instanceof Problem) return held.within(`[${index}]`);
      if (held !== entry) {
        if (result === items) result = items.slice();
        result[index] = held;
      }
    }
    return result;
  };
  const write = (value: Json): Json => {
    const writer = item().write;
    return writer && Array.isArray(value) ? value.map(writer) : value;
  };
  return hasMembers(type.of) ? { read, write } : { read };
}

function objectType(type: ObjectType): CompiledType {
  const members = type.members.map((member) => ({ ...member, compiled: lazily(member.type) }));
  const byShortName = new Map(members.map((member) => [member.shortName, member]));
  for (const member of members) if (member.alias) byShortName.set(member.alias, member);
  const byName = new Map(members.map((member) => [member.name, member]));
  const required = members.filter((member) => member.required);
  const hints = members.map(({ name, shortName }) => ({ name, shortName }));

  const read = (value: Json): Json | Problem => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      return new Problem(`expects an object, got ${shown(value)}`, type.refusedWith);
    }
    const held: JsonObject = {};
    let count = 0;
    for (const shortName in value) {
      const member = byShortName.get(shortName);
      if (!member) {
        return new Problem(`has a member ${shown(shortName)}${hintFor(shortName, hints)}`, type.refusedWith);
      }
      const read = member.compiled().read(value[shortName] as Json);
      if (read instanceof Problem) return read.within(`.${shortName}`, type.refusedWith);
      held[member.name] = read;
      count++;
    }
    for (const member of required) {
      if (held[member.name] === undefined) {
        return new Problem(
          `lacks the member '${member.shortName}' (${member.name}); add it`,
          type.missingRefusedWith ?? type.refusedWith,
        );
      }
    }
    if (type.choice && count !== 1) {
      const names = members.map((member) => member.shortName).join(', ');
      return new Problem(`expects exactly one of ${names}; got ${count}`, type.refusedWith);
    }
    return held;
  };
  const write = (value: Json): Json => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
    const wire: JsonObject = {};
    for (const name in value) {
      const held = value[name];
      if (held === undefined) continue;
      const member = byName.get(name);
      if (!member) wire[name] = held;
      else wire[member.shortName] = member.compiled().write?.(held) ?? held;
    }
    return wire;
  };
  return { read, write };
}

/** Types name each other, so they are looked up at first use. */
function lazily(name: string): () => CompiledType {
  let type: CompiledType | undefined;
  return () => (type ??= compiledTypeOf(name));
}

function hasMembers(name: string): boolean {
  const type = dataTypeOf(name);
  if (!type) throw new Error(`there is no data type '${name}'; data-types.ts and complex-types.ts list them`);
  return type.kind === 'object' || (type.kind === 'list' && hasMembers(type.of));
}

/** A value in a sentence: short, and never the whole of what somebody sent. */
export function shown(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'string' && value.length > 60
    ? `${JSON.stringify(value.slice(0, 60))}…`
    : JSON.stringify(value);
}
