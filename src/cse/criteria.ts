/** Filter criteria and the conditions of a subscription as one predicate (TS-0004 7.3.3.17, TS-0001 8.1.2). */
import type { FilterCriteria, Json, JsonObject } from '../onem2m/primitive.ts';
import type { Resource } from '../onem2m/resource.ts';
import { parseTimestamp } from '../onem2m/timestamp.ts';
import type { Vocabulary } from '../onem2m/vocabulary.ts';
import { Refused } from './refused.ts';

export type Criteria = (resource: Resource) => boolean;

/** FilterOperation: 1 AND (default), 2 OR between different conditions. */
const or = 2;

type Members = FilterCriteria | JsonObject;

type TimeOf = (resource: Resource) => string | undefined;
const created: TimeOf = (resource) => resource.creationTime;
const modified: TimeOf = (resource) => resource.lastModifiedTime;
const expires: TimeOf = (resource) => resource.expirationTime;

const times: [name: string, of: TimeOf, holds: (time: number, limit: number) => boolean][] = [
  ['createdBefore', created, (time, limit) => time < limit],
  ['createdAfter', created, (time, limit) => limit <= time],
  ['modifiedSince', modified, (time, limit) => limit <= time],
  ['unmodifiedSince', modified, (time, limit) => time < limit],
  ['expireBefore', expires, (time, limit) => time < limit],
  ['expireAfter', expires, (time, limit) => limit <= time],
];

const numbers: [name: string, attribute: string, holds: (value: number, limit: number) => boolean][] = [
  ['stateTagSmaller', 'stateTag', (value, limit) => value < limit],
  ['stateTagBigger', 'stateTag', (value, limit) => limit <= value],
  ['sizeAbove', 'contentSize', (value, limit) => limit <= value],
  ['sizeBelow', 'contentSize', (value, limit) => value < limit],
];

/** Undefined: no condition, everything matches. Throws Refused (4000) on a time that is none and an attribute that nothing has. */
export function compileCriteria(members: Members, vocabulary?: Vocabulary): Criteria | undefined {
  const given = new Map<string, Json>(Object.entries(members));
  const conditions: Criteria[] = [];
  for (const [name, of, holds] of times) {
    const text = given.get(name);
    if (text === undefined) continue;
    const limit = parseTimestamp(String(text));
    if (limit === undefined) {
      throw new Refused(4000, `${name} is '${String(text)}'; write a oneM2M timestamp such as 20260401T081500`);
    }
    conditions.push((resource) => {
      const time = parseTimestamp(of(resource) ?? '');
      return time !== undefined && holds(time, limit);
    });
  }
  for (const [name, attribute, holds] of numbers) {
    const limit = given.get(name);
    if (typeof limit !== 'number') continue;
    conditions.push((resource) => {
      const value = resource.attributes[attribute];
      return typeof value === 'number' && holds(value, limit);
    });
  }
  const labels = given.get('labels');
  if (Array.isArray(labels)) conditions.push(hasLabel(new Set(labels)));
  const resourceTypes = given.get('resourceTypes');
  if (Array.isArray(resourceTypes)) {
    const types = new Set<Json>(resourceTypes);
    conditions.push((resource) => types.has(resource.resourceType));
  }
  const attributes = given.get('attributes');
  if (vocabulary && attributes && typeof attributes === 'object' && !Array.isArray(attributes)) {
    for (const [shortName, wanted] of Object.entries(attributes)) {
      if (!vocabulary.hasAttribute(shortName)) {
        throw new Refused(
          4000,
          `'${shortName}' is neither a parameter of a request nor the short name of an attribute; correct its name`,
        );
      }
      conditions.push(
        attributeEquals(shortName, Array.isArray(wanted) ? wanted.map(String) : [String(wanted)], vocabulary),
      );
    }
  }
  if (conditions.length === 0) return undefined;
  return given.get('filterOperation') === or
    ? (resource) => conditions.some((holds) => holds(resource))
    : (resource) => conditions.every((holds) => holds(resource));
}

function hasLabel(wanted: ReadonlySet<Json>): Criteria {
  return (resource) => {
    const labels = resource.attributes['labels'];
    return Array.isArray(labels) && labels.some((label) => wanted.has(label));
  };
}

function attributeEquals(shortName: string, wanted: string[], vocabulary: Vocabulary): Criteria {
  const tests = wanted.map(wildcard);
  return (resource) => {
    const definition = vocabulary.definitionOf(resource.resourceType, resource.mgmtDefinition);
    const longName = definition && vocabulary.longName(definition, shortName);
    if (longName === undefined) return false;
    const value = valueOf(resource, longName);
    if (value === undefined || value === null) return false;
    const values = Array.isArray(value) ? value : [value];
    return values.some((item) => typeof item !== 'object' && tests.some((test) => test(String(item))));
  };
}

/** An attribute by long name, be it a universal one or one of the type. */
export function valueOf(resource: Resource, longName: string): Json | undefined {
  switch (longName) {
    case 'resourceType':
      return resource.resourceType;
    case 'resourceID':
      return resource.resourceID;
    case 'resourceName':
      return resource.resourceName;
    case 'parentID':
      return resource.parentID;
    case 'creationTime':
      return resource.creationTime;
    case 'lastModifiedTime':
      return resource.lastModifiedTime;
    case 'expirationTime':
      return resource.expirationTime;
    case 'mgmtDefinition':
      return resource.mgmtDefinition;
    default:
      return resource.attributes[longName];
  }
}

/**
 * `*` stands for any characters. Literal parts are searched from the left, so the time is linear in the text for each part;
 * a regular expression made of a requester's text could be made to take forever.
 */
export function wildcard(pattern: string): (text: string) => boolean {
  const literals = pattern.split('*');
  if (literals.length === 1) return (text) => text === pattern;
  const start = literals[0] ?? '';
  const end = literals.at(-1) ?? '';
  const between = literals.slice(1, -1).filter((literal) => literal !== '');
  return (text) => {
    if (text.length < start.length + end.length || !text.startsWith(start) || !text.endsWith(end)) return false;
    let at = start.length;
    for (const literal of between) {
      const found = text.indexOf(literal, at);
      if (found < 0) return false;
      at = found + literal.length;
    }
    return at <= text.length - end.length;
  };
}
