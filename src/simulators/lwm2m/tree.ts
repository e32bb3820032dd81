import { definitions } from './definitions.ts';
import type { ObjectDefinition, ResourceDefinition } from './definitions.ts';
import { checkType, equalValues, formatPath, isMultiple, Refusal } from './value.ts';
import type { Entry, Resource, ValueType } from './value.ts';

export type InstanceValues = Record<number, Resource>;
/** Objects → instances → resources. */
export type TreeValues = Record<number, Record<number, InstanceValues>>;

export type ChangeListener = (path: readonly number[], value: Resource | undefined) => void;

/** A resource that is computed at the moment of reading, for example the clock. */
export type LiveValue = () => Resource;

/**
 * What the device holds. Reads and writes follow the operations of the object definitions; `set` and `get` are the device's own way in,
 * without those rules. Every change is told to `onChange`.
 */
export class ResourceTree {
  readonly #objects = new Map<number, Map<number, Map<number, Resource>>>();
  readonly #live = new Map<string, LiveValue>();
  readonly #hidden: (path: readonly number[]) => boolean;
  readonly #firstVersionOnly: boolean;
  onChange: ChangeListener = () => {};

  constructor(
    values: TreeValues,
    options: { firstVersionOnly?: boolean; hidden?: (path: readonly number[]) => boolean } = {},
  ) {
    this.#hidden = options.hidden ?? (() => false);
    this.#firstVersionOnly = options.firstVersionOnly ?? false;
    this.reset(values);
  }

  /** Replaces everything, silently: what a factory reset does. */
  reset(values: TreeValues): void {
    this.#objects.clear();
    for (const [object, instances] of Object.entries(values)) {
      const map = new Map<number, Map<number, Resource>>();
      this.#objects.set(Number(object), map);
      for (const [instance, resources] of Object.entries(instances)) {
        map.set(Number(instance), new Map(Object.entries(resources).map(([id, value]) => [Number(id), value])));
      }
    }
  }

  live(path: string, value: LiveValue): void {
    this.#live.set(path, value);
  }

  objects(): number[] {
    return [...this.#objects.keys()].sort((a, b) => a - b);
  }

  instances(object: number): number[] {
    return [...(this.#objects.get(object)?.keys() ?? [])].sort((a, b) => a - b);
  }

  definition(object: number): ObjectDefinition {
    const definition = this.#objects.has(object) ? definitions.get(object) : undefined;
    if (!definition) throw new Refusal('4.04', `the device has no object ${object}`);
    return definition;
  }

  /** The definition of a resource of the object; 4.04 when the device does not know it. */
  resource(object: number, resource: number): ResourceDefinition {
    const definition = this.definition(object).resources.get(resource);
    // Firmware Update 1.0 ends at resource 9.
    if (!definition || (this.#firstVersionOnly && object === 5 && resource > 9)) {
      throw new Refusal('4.04', `the device does not know /${object}/x/${resource}`);
    }
    return definition;
  }

  typeOf(object: number, resource: number): ValueType {
    const { type } = this.resource(object, resource);
    if (!type) throw new Refusal('4.05', `/${object}/x/${resource} can only be executed`);
    return type;
  }

  instance(object: number, instance: number): Map<number, Resource> {
    this.definition(object);
    const found = this.#objects.get(object)?.get(instance);
    if (!found) throw new Refusal('4.04', `the device has no /${object}/${instance}`);
    return found;
  }

  get(path: readonly number[]): Resource | undefined {
    const [object, instance, resource] = path;
    if (object === undefined || instance === undefined || resource === undefined) return undefined;
    const live = this.#live.get(formatPath(path.slice(0, 3)));
    return live ? live() : this.#objects.get(object)?.get(instance)?.get(resource);
  }

  /** Sets or, with undefined, removes a resource; makes the instance when it is missing. Tells of a change only when there is one. */
  set(path: readonly number[], value: Resource | undefined): void {
    const [object = 0, instance = 0, resource = 0] = path;
    const instances = this.#objects.get(object) ?? new Map<number, Map<number, Resource>>();
    const resources = instances.get(instance) ?? new Map<number, Resource>();
    this.#objects.set(object, instances.set(instance, resources));
    if (equalValues(resources.get(resource), value)) return;
    if (value === undefined) resources.delete(resource);
    else resources.set(resource, value);
    this.onChange([object, instance, resource], value);
  }

  addInstance(object: number, instance: number): void {
    const instances = this.#objects.get(object);
    if (!instances) throw new Refusal('4.04', `the device has no object ${object}`);
    if (instances.has(instance)) throw new Refusal('4.00', `/${object}/${instance} exists already`);
    instances.set(instance, new Map());
  }

  removeInstance(object: number, instance: number): void {
    this.instance(object, instance);
    this.#objects.get(object)?.delete(instance);
    this.onChange([object, instance], undefined);
  }

  /** The readable entries at or below a path of one to four ids. Throws 4.04 for what is not there, 4.05 for what cannot be read. */
  read(path: readonly number[]): Entry[] {
    const [object, instance, resource, item] = path;
    if (object === undefined) throw new Refusal('4.05', 'the root cannot be read');
    const definition = this.definition(object);
    if (instance === undefined) return this.instances(object).flatMap((id) => this.read([object, id]));
    const held = this.instance(object, instance);
    if (resource === undefined) {
      return [...definition.resources.values()]
        .filter((row) => row.read && !this.#hidden([object, instance, row.id]))
        .flatMap((row): Entry[] => {
          const value = this.get([object, instance, row.id]);
          return value === undefined ? [] : [{ object, instance, resource: row.id, value }];
        });
    }
    const row = this.resource(object, resource);
    if (!row.read) throw new Refusal('4.05', `${formatPath(path)} cannot be read`);
    const value = this.get([object, instance, resource]);
    if ((!held.has(resource) && value === undefined) || value === undefined || this.#hidden(path.slice(0, 3))) {
      throw new Refusal('4.04', `${formatPath(path)} has no value`);
    }
    if (item === undefined) return [{ object, instance, resource, value }];
    const one = isMultiple(value) ? value[item] : undefined;
    if (one === undefined) throw new Refusal('4.04', `${formatPath(path)} has no value`);
    return [{ object, instance, resource, value: { [item]: one } }];
  }

  /** Throws the Refusal that a write of these entries would meet; changes nothing. */
  checkWrite(entries: Entry[], creating = false): void {
    for (const { object, instance, resource, value } of entries) {
      const path = formatPath([object, instance, resource]);
      const row = this.resource(object, resource);
      if (!creating) this.instance(object, instance);
      if (!row.write) throw new Refusal('4.05', `${path} cannot be written`);
      if (isMultiple(value) !== row.multiple) {
        throw new Refusal('4.00', `${path} takes ${row.multiple ? 'resource instances' : 'one value'}`);
      }
      for (const one of isMultiple(value) ? Object.values(value) : [value])
        checkType(one, this.typeOf(object, resource), path);
    }
  }
}
