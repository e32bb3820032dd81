/** What the encoders of all formats write from: neutral values, made fit and ordered as instance > resource > instances. */
import type { Value, ValueType } from '../../../src/management/operation.ts';
import type { ObjectModel } from '../object-model.ts';
import { CodecError, codecLimits } from './codec-error.ts';
import { formatPath, isBelow, parsePath, UNASSIGNED_INSTANCE, withoutRoot } from './path.ts';
import { conform, type Scalar } from './values.ts';

export interface ValueToEncode {
  /** Of a resource (`/3/0/14`) or a resource instance (`/3/0/11/0`), below the base path. */
  path: string;
  value: Value;
  /** Used where the object model does not know the resource. */
  type?: ValueType;
}

export interface EncodeOptions {
  /** Alternate root of the device (`/lwm2m`): paths may carry it, names in SenML will. */
  root?: string;
}

export interface EncodedResource {
  readonly id: number;
  /** Absent for a multiple resource. */
  readonly scalar?: Scalar;
  readonly instances: Map<number, Scalar>;
}

export interface EncodedInstance {
  readonly objectId: number;
  readonly id: number;
  readonly resources: EncodedResource[];
}

/** @throws CodecError for a path that is no resource or not below the base, a path that comes twice, or an unfit value. */
export function arrange(
  base: readonly number[],
  values: readonly ValueToEncode[],
  model: ObjectModel,
  root: string,
): EncodedInstance[] {
  if (values.length > codecLimits.records) {
    throw new CodecError(`More than ${codecLimits.records} values in one write: write less at once`);
  }
  const instances = new Map<string, EncodedInstance>();
  const resources = new Map<string, EncodedResource>();
  for (const { path: text, value, type } of values) {
    const path = parsePath(withoutRoot(text, root));
    const [objectId = 0, instanceId = 0, resourceId, resourceInstanceId] = path;
    if (resourceId === undefined) throw new CodecError(`${text} is not a resource: values are written to resources`);
    if (!isBelow(path, base)) throw new CodecError(`${text} is not below ${formatPath(base)}`);
    const definition = model.resource(objectId, resourceId);
    const key = `${objectId}/${instanceId}`;
    let instance = instances.get(key);
    if (!instance) instances.set(key, (instance = { objectId, id: instanceId, resources: [] }));
    const name = `${key}/${resourceId}`;
    const before = resources.get(name);
    const resource = encodeResource(
      resourceId,
      resourceInstanceId,
      value,
      definition?.type ?? type,
      definition?.multiple,
    );
    if (!before) {
      resources.set(name, resource);
      instance.resources.push(resource);
    } else if (
      before.scalar ||
      resource.scalar ||
      resourceInstanceId === undefined ||
      before.instances.has(resourceInstanceId)
    ) {
      throw new CodecError(`${text} is written twice`);
    } else {
      for (const [id, scalar] of resource.instances) before.instances.set(id, scalar);
    }
  }
  return [...instances.values()];
}

function encodeResource(
  id: number,
  instanceId: number | undefined,
  value: Value,
  type: ValueType | undefined,
  isMultiple: boolean | undefined,
): EncodedResource {
  if (value !== null && typeof value === 'object' && 'instances' in value) {
    if (instanceId !== undefined)
      throw new CodecError(`Instance ${instanceId} of resource ${id} cannot have instances itself`);
    return {
      id,
      instances: new Map(Object.entries(value.instances).map(([key, one]) => [instanceOf(key), conform(one, type)])),
    };
  }
  const scalar = conform(value, type);
  if (instanceId !== undefined) return { id, instances: new Map([[instanceId, scalar]]) };
  // One value for a resource that the model knows as multiple is its instance 0.
  return isMultiple === true ? { id, instances: new Map([[0, scalar]]) } : { id, scalar, instances: new Map() };
}

function instanceOf(key: string): number {
  const path = parsePath(key);
  if (path.length !== 1 || path[0] === undefined)
    throw new CodecError(`${key} is not the number of a resource instance`);
  return path[0];
}

export interface FlatScalar {
  path: number[];
  scalar: Scalar;
}

/**
 * One entry per resource and resource instance, with its whole path.
 * @throws CodecError for an instance that the device shall number itself: only TLV can leave the number out.
 */
export function flatten(instances: readonly EncodedInstance[]): FlatScalar[] {
  const flat: FlatScalar[] = [];
  for (const instance of instances) {
    if (instance.id === UNASSIGNED_INSTANCE) {
      throw new CodecError(`/${instance.objectId}: choose a number for the new instance, or write TLV`);
    }
    for (const resource of instance.resources) {
      const path = [instance.objectId, instance.id, resource.id];
      if (resource.scalar) flat.push({ path, scalar: resource.scalar });
      for (const [id, scalar] of resource.instances) flat.push({ path: [...path, id], scalar });
    }
  }
  return flat;
}
