/**
 * What the gateway knows of LwM2M objects: names, types, multiplicity and operations of resources. The codecs need it
 * because TLV, plain text and (partly) CBOR do not say the type of a value.
 */
import type { Target, ValueType } from '../../src/management/operation.ts';
import { ipsoObjects, objectDefinitions, reusableResources } from './object-definitions.ts';

export interface ResourceDefinition {
  readonly id: number;
  readonly name: string;
  /** Absent for executable resources. A CoRE link is a string. */
  readonly type?: ValueType;
  readonly multiple: boolean;
  readonly mandatory: boolean;
  /** Empty: in reach of a bootstrap server only. */
  readonly operations: '' | 'R' | 'W' | 'RW' | 'E';
}

export interface ObjectDefinition {
  readonly id: number;
  readonly name: string;
  /** Newest version, e.g. `1.2`. */
  readonly version: string;
  readonly multiple: boolean;
  readonly mandatory: boolean;
  readonly resources: ReadonlyMap<number, ResourceDefinition>;
}

export interface ObjectModel {
  object(objectId: number): ObjectDefinition | undefined;
  resource(objectId: number, resourceId: number): ResourceDefinition | undefined;
}

const types: Record<string, ValueType | undefined> = {
  s: 'string',
  i: 'integer',
  u: 'unsigned',
  f: 'float',
  b: 'boolean',
  o: 'opaque',
  t: 'time',
  l: 'link',
  c: 'string',
};

const operations = ['', 'R', 'W', 'RW', 'E'] as const;

/** `9 Battery Level i! R` → definition. The name may hold blanks, the other fields may not. */
function readResource(text: string): ResourceDefinition {
  const words = text.trim().split(/\s+/);
  const [allowed, marks, id] = [words.at(-1) ?? '', words.at(-2) ?? '', words[0] ?? ''];
  const operation = operations.find((name) => name === (allowed === '-' ? '' : allowed));
  if (words.length < 4 || operation === undefined)
    throw new Error(`object-definitions.ts: "${text}" is not a resource`);
  return Object.freeze({
    id: Number(id),
    name: words.slice(1, -2).join(' '),
    type: types[marks.charAt(0)],
    multiple: marks.includes('*'),
    mandatory: marks.includes('!'),
    operations: operation,
  });
}

function readResources(text: string): Map<number, ResourceDefinition> {
  const resources = text
    .split(';')
    .filter((part) => part.trim() !== '')
    .map(readResource);
  return new Map(resources.map((resource) => [resource.id, resource]));
}

function readObjects(text: string): ObjectDefinition[] {
  return text
    .split(/^\//m)
    .filter((part) => part.trim() !== '')
    .map((part) => {
      const [head = '', ...rest] = part.split('\n');
      const words = head.trim().split(' ');
      return Object.freeze({
        id: Number(words[0]),
        name: words.slice(1, -3).join(' '),
        version: words.at(-3) ?? '1.0',
        multiple: words.at(-2) === 'multiple',
        mandatory: words.at(-1) === 'mandatory',
        resources: readResources(rest.join('\n')),
      });
    });
}

function readIpsoObjects(text: string, reusable: ReadonlyMap<number, ResourceDefinition>): ObjectDefinition[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [head = '', list = ''] = line.split(':');
      const resources = new Map<number, ResourceDefinition>();
      for (const id of list.trim().split(' ').map(Number)) {
        const resource = reusable.get(id);
        if (resource) resources.set(id, resource);
      }
      const name = head.slice(head.indexOf(' ') + 1);
      return Object.freeze({
        id: Number.parseInt(head, 10),
        name,
        version: '1.0',
        multiple: true,
        mandatory: false,
        resources,
      });
    });
}

/** Object IDs that IPSO and its successors fill with reusable resources. */
const isReusing = (objectId: number): boolean => objectId >= 3200 && objectId < 3500;

function createObjectModel(): ObjectModel {
  const reusable = readResources(reusableResources);
  const objects = new Map<number, ObjectDefinition>();
  for (const object of [...readObjects(objectDefinitions), ...readIpsoObjects(ipsoObjects, reusable)]) {
    objects.set(object.id, object);
  }
  return {
    object: (objectId) => objects.get(objectId),
    resource: (objectId, resourceId) =>
      objects.get(objectId)?.resources.get(resourceId) ?? (isReusing(objectId) ? reusable.get(resourceId) : undefined),
  };
}

/** The registered objects 0-28, the oneM2M objects 2048-2057 and the IPSO objects. */
export const objectModel: ObjectModel = createObjectModel();

/**
 * A model that also knows the types of targets, as the mapping (a profile for a vendor's object) states them. What the
 * model underneath knows wins.
 * @param targets paths with at least object, instance and resource; others are ignored.
 */
export function withTargets(model: ObjectModel, targets: readonly Target[]): ObjectModel {
  const stated = new Map<string, ResourceDefinition>();
  for (const target of targets) {
    if (target.type === undefined) continue;
    const [objectId, , resourceId] = target.path.split('/').filter(Boolean).map(Number);
    if (objectId === undefined || resourceId === undefined) continue;
    if (model.resource(objectId, resourceId)) continue;
    stated.set(`${objectId}/${resourceId}`, {
      id: resourceId,
      name: target.path,
      type: target.type,
      multiple: target.multiple ?? false,
      mandatory: false,
      operations: 'RW',
    });
  }
  if (stated.size === 0) return model;
  return {
    object: model.object,
    resource: (objectId, resourceId) => model.resource(objectId, resourceId) ?? stated.get(`${objectId}/${resourceId}`),
  };
}
