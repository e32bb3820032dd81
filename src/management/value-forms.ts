/** One value, in the form that its row gives it: from the device to an attribute, and back. */
import type { Json } from '../onem2m/primitive.ts';
import type { AttributeDefinition } from '../onem2m/vocabulary.ts';
import {
  anyFromText,
  booleanOf,
  ConversionFailure,
  conversionNamed,
  integerOf,
  itemsOf,
  joinWithCommas,
  quoted,
  secondsFromTimestamp,
  splitAtCommas,
  textOf,
  timestampFromSeconds,
} from './conversions.ts';
import { versionMatches } from './mapping-profiles.ts';
import type { Match, ValueForm } from './mapping-types.ts';
import type { Value, ValueType } from './operation.ts';
import type { LinkResolver } from './translation-values.ts';

export interface FormContext {
  definition: AttributeDefinition;
  form: ValueForm;
  links: LinkResolver;
  /** Version of the object on the device, for units that depend on it. */
  version: string | undefined;
}

/** Its items have places of their own on the device. */
export function isSpread({ list }: ValueForm): boolean {
  return list === 'instances' || list === 'nodes';
}

/** Items that are joined are a text, whatever they are themselves. */
export function typeOnDevice(form: ValueForm): ValueType {
  return form.list === undefined || isSpread(form) ? form.type : 'string';
}

/** Throws `ConversionFailure`. */
export function attributeFromValue(value: Value, context: FormContext): Json {
  const { form, definition } = context;
  const conversion = form.conversion === undefined ? undefined : conversionNamed(form.conversion);
  if (conversion) return conversion.fromDevice(value);
  if (!isList(definition)) return itemFromValue(value, context);
  const items = listItems(value, form).map((item) => itemFromValue(item, context));
  return form.link === undefined ? items : items.filter((item) => item !== null);
}

/** Throws `ConversionFailure`. */
export function valueFromAttribute(json: Json, context: FormContext): Value {
  const { form, definition } = context;
  const conversion = form.conversion === undefined ? undefined : conversionNamed(form.conversion);
  if (conversion?.toDevice) return conversion.toDevice(json);
  if (!isList(definition)) return itemToValue(json, context);
  if (!Array.isArray(json)) throw new ConversionFailure('is no list');
  const items = json.map((item) => itemToValue(item, context));
  switch (form.list) {
    case 'comma':
      return joinWithCommas(items.map(textOf));
    case 'space':
      return items.map((item) => withoutBlank(textOf(item))).join(' ');
    default:
      return { instances: Object.fromEntries(items.map((item, index) => [String(index), item])) };
  }
}

/** Asked for every value: what the names of types say is worked out once. */
const lists = new WeakMap<AttributeDefinition, boolean>();
const baseTypes = new Map<string, string>();

/** True for a list, by its cardinality or by its type. */
export function isList(definition: AttributeDefinition): boolean {
  let known = lists.get(definition);
  if (known === undefined) {
    const { cardinality, type } = definition;
    known = cardinality.endsWith('(L)') || /^(?:restricted )?list ?of|^listOf|^protocolList$/i.test(type);
    lists.set(definition, known);
  }
  return known;
}

/** Whether a value is what a row of a table means: compared as text, `true` also as 1. */
export function matches(match: Match, value: Value): boolean {
  if (value !== null && typeof value === 'object' && 'instances' in value) return false;
  const text = textOf(value);
  if ('from' in match) {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return number >= match.from && number <= match.to;
  }
  return match.one.some((one) => {
    if (typeof one === 'boolean') return text === String(one) || text === (one ? '1' : '0');
    return textOf(one) === text || (typeof value === 'boolean' && textOf(one) === (value ? '1' : '0'));
  });
}

function listItems(value: Value, form: ValueForm): Value[] {
  if (form.list === 'comma') return splitAtCommas(textOf(value));
  if (form.list === 'space')
    return textOf(value)
      .split(/\s+/)
      .filter((item) => item !== '');
  return value === null ? [] : itemsOf(value);
}

/** null = a link to nothing, or to an object that no resource mirrors. */
function itemFromValue(value: Value, context: FormContext): Json {
  const { form, definition, links } = context;
  if (form.link !== undefined) {
    const path = textOf(value);
    if (path === '') return null;
    const found = links.resourceAt(path, form.link) ?? links.resourceAt(`${path}.`, form.link);
    if (!found && !isList(definition))
      throw new ConversionFailure(`points at ${quoted(path)}, which is no known ${form.link}`);
    return found ? found.resourceID : null;
  }
  const row = form.values.length === 0 ? undefined : form.values.find(({ match }) => matches(match, value));
  if (row && row.is !== 'same') return row.is;
  if (!row && form.values.length > 0)
    throw new ConversionFailure(`is ${quoted(textOf(value))}, which the mapping does not know`);
  const json = jsonOfType(baseType(definition.type), value);
  const factor = factorFor(context);
  const scaled = factor !== 1 && typeof json === 'number' ? json * factor : json;
  if (typeof scaled === 'number') checkRange(scaled, definition);
  return scaled;
}

function itemToValue(json: Json, context: FormContext): Value {
  const { form, links } = context;
  if (form.link !== undefined) {
    if (typeof json !== 'string') throw new ConversionFailure('is no resource ID');
    const path = json === '' ? '' : links.pathOf(json, form.link);
    if (path === undefined)
      throw new ConversionFailure(`names ${quoted(json)}, which is no ${form.link} of this device`);
    return form.type === 'link' ? { link: path } : path;
  }
  const row = form.values.find(({ match, is }) => (is === 'same' ? matches(match, scalar(json)) : is === json));
  if (row && row.is !== 'same') return valueOfType(form.type, firstOf(row.match));
  if (!row && form.values.length > 0)
    throw new ConversionFailure(`is ${quoted(String(json))}, for which the device has no value`);
  const factor = factorFor(context);
  if (factor === 1 || typeof json !== 'number') return valueOfType(form.type, json);
  if (json % factor !== 0) throw new ConversionFailure(`is ${json}; the device counts in units of ${factor}`);
  return valueOfType(form.type, json / factor);
}

/** Name of the type of an item: `list of eventCat` → `eventCat`. */
function baseType(type: string): string {
  switch (type) {
    case 'listOfURIs':
      return 'anyURI';
    case 'listOfM2MID':
      return 'ID';
    case 'listOfMinMax':
      return 'long';
    case 'protocolList':
      return 'string';
    default: {
      let base = baseTypes.get(type);
      if (base === undefined) baseTypes.set(type, (base = type.replace(/^(?:restricted )?list of /, '')));
      return base;
    }
  }
}

function jsonOfType(type: string, value: Value): Json {
  switch (type) {
    case 'string':
    case 'anyURI':
    case 'ID':
      return textOf(value);
    case 'boolean':
      return booleanOf(value);
    case 'timestamp':
      return value !== null && typeof value === 'object' && 'time' in value
        ? timestampFromSeconds(value.time)
        : timestampFromSeconds(integerOf(value));
    case 'anyType':
      return typeof value === 'number' || typeof value === 'boolean' ? value : anyFromText(textOf(value));
    case 'long':
      return integerOf(value);
    case 'positiveInteger':
      return atLeast(1, integerOf(value));
    // The unsigned types, and the enumerations: numbers all of them.
    default:
      return atLeast(0, integerOf(value));
  }
}

function valueOfType(type: ValueType, json: Json): Value {
  switch (type) {
    case 'boolean':
      return booleanOf(scalar(json));
    case 'integer':
    case 'unsigned':
      return integerOf(scalar(json));
    case 'float':
      if (typeof json !== 'number') throw new ConversionFailure('is no number');
      return json;
    case 'opaque':
      return { bytes: base64(json) };
    case 'time':
      return { time: secondsFromTimestamp(textOf(scalar(json))) };
    case 'link':
      return { link: textOf(scalar(json)) };
    default:
      return typeof json === 'object' ? JSON.stringify(json) : String(json);
  }
}

function base64(json: Json): string {
  if (typeof json !== 'string' || !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(json)) {
    throw new ConversionFailure('is no base64 text');
  }
  return json;
}

function scalar(json: Json): Value {
  if (json !== null && typeof json === 'object') throw new ConversionFailure('is no single value');
  return json;
}

function firstOf(match: Match): Json {
  return 'from' in match ? match.from : scalarJson(match.one[0] ?? null);
}

function scalarJson(value: Value): Json {
  return value !== null && typeof value === 'object' ? textOf(value) : value;
}

function factorFor({ form, version }: FormContext): number {
  // LwM2M: an object that tells no version is of version 1.0.
  const row = form.units.find((unit) => unit.version === undefined || versionMatches(unit.version, version ?? '1.0'));
  return row?.factor ?? 1;
}

function checkRange(value: number, { range }: AttributeDefinition): void {
  if (!Number.isSafeInteger(value)) throw new ConversionFailure(`is ${value}, beyond what a number says exactly`);
  if (range && (value < range[0] || value > range[1])) {
    throw new ConversionFailure(`is ${value}; between ${range[0]} and ${range[1]} is allowed`);
  }
}

function atLeast(minimum: number, value: number): number {
  if (value < minimum) throw new ConversionFailure(`is ${value}; at least ${minimum} is allowed`);
  return value;
}

function withoutBlank(text: string): string {
  if (/\s/.test(text) || text === '')
    throw new ConversionFailure(`holds ${quoted(text)}; the device separates items by blanks`);
  return text;
}
