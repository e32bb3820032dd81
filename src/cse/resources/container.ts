/** <container> and its <contentInstance>s (TS-0004 7.4.6, 7.4.7): bookkeeping, eviction, `la` and `ol`. */
import type { Resource } from '../../onem2m/resource.ts';
import { Operation } from '../../onem2m/primitive.ts';
import type { Json } from '../../onem2m/primitive.ts';
import { resourceTypes } from '../../onem2m/resource-types.ts';
import { statusCodes } from '../../onem2m/status-codes.ts';
import { formatTimestamp } from '../../onem2m/timestamp.ts';
import type { Behaviour } from '../behaviour.ts';
import type { ChangeSet } from '../change-set.ts';
import type { CseParts } from '../parts.ts';
import { Refused } from '../refused.ts';

export const container: Behaviour = {
  childrenTakeTurns: true,

  beforeCreate({ attributes }) {
    attributes['stateTag'] = 0;
    attributes['currentNrOfInstances'] = 0;
    attributes['currentByteSize'] = 0;
  },

  async upkeep({ before, after, modified }, changes, parts) {
    if (!before || !after) return;
    const limits = ['maxNrOfInstances', 'maxByteSize', 'maxInstanceAge'];
    if (limits.some((name) => name in modified)) await evict(after, 0, 0, changes, parts);
    if (isRetrievalDisabled(before) && !isRetrievalDisabled(after)) await removeInstances(after, changes, parts);
  },

  async virtual(name, resource, request, _relativePath, parts) {
    if (name !== 'la' && name !== 'ol') return undefined;
    const { operation } = request.primitive;
    if (operation !== Operation.RETRIEVE && operation !== Operation.DELETE) {
      throw new Refused(
        statusCodes.OPERATION_NOT_ALLOWED,
        `'${name}' can be retrieved and deleted only; address '${resource.path}' instead`,
      );
    }
    requireRetrieval(resource);
    const which = name === 'la' ? 'latest' : 'oldest';
    const found = await parts.tree.edge(resource.resourceID, resourceTypes.CONTENT_INSTANCE, which, parts.clock.now());
    if (!found) {
      throw new Refused(statusCodes.NOT_FOUND, `'${resource.path}' has no contentInstance; create one first`);
    }
    return { resource: found };
  },
};

export const contentInstance: Behaviour = {
  validateCreate({ attributes, parent }) {
    const size = sizeOf(attributes['content']);
    const limit = parent.attributes['maxByteSize'];
    if (typeof limit === 'number' && size > limit) {
      throw new Refused(
        statusCodes.NOT_ACCEPTABLE,
        `the content has ${size} octets, more than the ${limit} of maxByteSize 'mbs' of '${parent.path}'`,
      );
    }
    if (parent.attributes['maxNrOfInstances'] === 0) {
      throw new Refused(
        statusCodes.NOT_ACCEPTABLE,
        `'${parent.path}' takes no contentInstance, for its maxNrOfInstances 'mni' is 0; raise it`,
      );
    }
  },

  beforeCreate({ attributes, parent }, parts) {
    attributes['contentSize'] = sizeOf(attributes['content']);
    attributes['stateTag'] = Number(parent.attributes['stateTag'] ?? 0) + 1;
    const age = parent.attributes['maxInstanceAge'];
    if (typeof age === 'number') {
      const latest = formatTimestamp(parts.clock.now() + age * 1000, 3);
      const wanted = attributes['expirationTime'];
      if (typeof wanted !== 'string' || wanted > latest) attributes['expirationTime'] = latest;
    }
  },

  async retrieve(resource, _request, parts) {
    requireRetrieval(await parts.tree.byId(resource.parentID));
  },

  async beforeDelete(resource, _request, parts) {
    requireRetrieval(await parts.tree.byId(resource.parentID));
  },

  async upkeep(change, changes, parts) {
    const instance = change.after ?? change.before;
    if (!instance || (change.before && change.after)) return;
    const cached = await parts.tree.byId(instance.parentID);
    const parent = cached && changes.latest(cached);
    if (!parent) return;
    if (change.after) {
      const size = Number(instance.attributes['contentSize'] ?? 0);
      await evict(parent, 1, size, changes, parts, instance.resourceID);
      count(parent, 1, size, true, changes);
    } else {
      count(parent, -1, -Number(instance.attributes['contentSize'] ?? 0), false, changes);
    }
  },
};

function isRetrievalDisabled(container: Resource | undefined): boolean {
  return container?.attributes['disableRetrieval'] === true;
}

/** TS-0004 7.4.7.2.2, 7.4.7.2.4 */
function requireRetrieval(container: Resource | undefined): void {
  if (!container || !isRetrievalDisabled(container)) return;
  throw new Refused(
    statusCodes.OPERATION_NOT_ALLOWED,
    `the contentInstances of '${container.path}' are neither retrieved nor deleted; set its disableRetrieval 'disr' ` +
      'to false first, which removes them',
  );
}

/** True for an instance that lists must not show (TS-0001 9.6.6 disableRetrieval). */
export function isHiddenInstance({ resourceType }: Resource, parent: Resource | undefined): boolean {
  return resourceType === resourceTypes.CONTENT_INSTANCE && isRetrievalDisabled(parent);
}

/** TS-0001 9.6.6: what could not be retrieved goes when disableRetrieval ends. */
async function removeInstances(parent: Resource, changes: ChangeSet, parts: CseParts): Promise<void> {
  for await (const page of parts.tree.childPages(parent.resourceID)) {
    for (const child of page) {
      if (child.resourceType !== resourceTypes.CONTENT_INSTANCE || !changes.latest(child)) continue;
      await changes.remove(child);
    }
  }
}

/** cni, cbs and st of the container; no event, for the subscribers of new children are told of those. */
function count(parent: Resource, instances: number, octets: number, isNew: boolean, changes: ChangeSet): void {
  const current = changes.latest(parent);
  if (!current) return;
  const { attributes } = current;
  changes.update(
    current,
    {
      currentNrOfInstances: Math.max(0, Number(attributes['currentNrOfInstances'] ?? 0) + instances),
      currentByteSize: Math.max(0, Number(attributes['currentByteSize'] ?? 0) + octets),
      ...(isNew ? { stateTag: Number(attributes['stateTag'] ?? 0) + 1 } : {}),
    },
    undefined,
    { quiet: true },
  );
}

/** Removes the oldest instances until `instances` more with `octets` more fit (TS-0004 7.4.7.2.1). */
async function evict(
  parent: Resource,
  instances: number,
  octets: number,
  changes: ChangeSet,
  parts: CseParts,
  except?: string,
): Promise<void> {
  const { maxNrOfInstances, maxByteSize } = parent.attributes;
  const most = typeof maxNrOfInstances === 'number' ? maxNrOfInstances : Number.POSITIVE_INFINITY;
  const largest = typeof maxByteSize === 'number' ? maxByteSize : Number.POSITIVE_INFINITY;
  let left = Number(parent.attributes['currentNrOfInstances'] ?? 0) + instances;
  let size = Number(parent.attributes['currentByteSize'] ?? 0) + octets;
  if (left <= most && size <= largest) return;
  for await (const page of parts.tree.childPages(parent.resourceID)) {
    for (const child of page) {
      if (left <= most && size <= largest) return;
      if (child.resourceType !== resourceTypes.CONTENT_INSTANCE || child.resourceID === except) continue;
      if (!changes.latest(child)) continue;
      // TS-0004 7.4.7.2.1: nobody is told of an instance that makes room
      await changes.remove(child, { quiet: true });
      left -= 1;
      size -= Number(child.attributes['contentSize'] ?? 0);
    }
  }
}

/** Octets of the content as UTF-8; anything but a string counts as its JSON text. */
function sizeOf(content: Json | undefined): number {
  if (content === undefined) return 0;
  return Buffer.byteLength(typeof content === 'string' ? content : JSON.stringify(content));
}
