/** Collects resource changes and turns them into one commit with the notifications that they cause. */
import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../onem2m/primitive.ts';
import type { Attributes, Resource, ResourceInternals } from '../onem2m/resource.ts';
import { formatTimestamp, parseTimestamp } from '../onem2m/timestamp.ts';
import { plainCopy } from '../support/plain-copy.ts';
import type { Changes } from '../management/resource-side.ts';
import type { Commit, Expectation } from '../store/store.ts';
import type { ResourceChange } from './behaviour.ts';
import type { ChangeSet, NewResource, UpdateOptions } from './change-set.ts';
import { creationOrder, newResourceID } from './identifiers.ts';
import type { CseParts } from './parts.ts';
import { Refused } from './refused.ts';
import { expiresAt, putOf } from './resource-row.ts';
import { notificationsOf } from './subscriptions.ts';
import { resourceTypes as resourceType } from '../onem2m/resource-types.ts';

/** Rounds of upkeep: a change that keeps causing changes is a programming error. */
const maximumRounds = 16;

export function createChangeSet(parts: CseParts): ChangeSet {
  const { tree, vocabulary, clock, settings } = parts;
  /** By resource ID, in the order of the first change. */
  const changes = new Map<string, ResourceChange>();
  const now = clock.now();
  const timestamp = formatTimestamp(now, 3);

  function definitionOf(resourceType: number, mgmtDefinition?: number) {
    const definition = vocabulary.definitionOf(resourceType, mgmtDefinition);
    if (!definition)
      throw new Error(`resource type ${resourceType} (${mgmtDefinition ?? '-'}) is not in the vocabulary`);
    return definition;
  }

  /** The wanted expirationTime, lowered to the policy and to the parent's (TS-0001 9.6.1.3.1). */
  function expiration(wanted: string | undefined, parent: Resource | undefined): string {
    const limit = Math.min(now + settings.maximumExpiration, (parent && expiresAt(parent)) ?? Number.POSITIVE_INFINITY);
    const at = wanted === undefined ? undefined : parseTimestamp(wanted);
    return at === undefined || wanted === undefined || at > limit ? formatTimestamp(limit) : wanted;
  }

  function create(resource: NewResource): Resource {
    const definition = definitionOf(resource.resourceType, resource.mgmtDefinition);
    const resourceID = resource.resourceID ?? newResourceID(definition.root);
    const resourceName = resource.resourceName ?? resourceID;
    const parent = changes.get(resource.parent.resourceID)?.after ?? resource.parent;
    const internal: ResourceInternals = plainCopy(resource.internal ?? {});
    internal['created'] = creationOrder(now);
    const created: Resource = {
      resourceID,
      resourceType: resource.resourceType,
      resourceName,
      parentID: parent.resourceID,
      path: `${parent.path}/${resourceName}`,
      version: 1,
      ...(resource.mgmtDefinition === undefined ? {} : { mgmtDefinition: resource.mgmtDefinition }),
      creationTime: timestamp,
      lastModifiedTime: timestamp,
      expirationTime: expiration(resource.expirationTime, parent),
      attributes: plainCopy(resource.attributes),
      internal,
    };
    changes.set(resourceID, { after: created, modified: {}, quiet: false });
    return created;
  }

  function update(
    resource: Resource,
    patch: Attributes,
    internal?: ResourceInternals,
    options: UpdateOptions = {},
  ): Resource {
    const earlier = changes.get(resource.resourceID);
    if (earlier && !earlier.after) throw new Error(`${resource.path} is removed by the same set of changes`);
    const current = earlier?.after ?? resource;
    const attributes: Attributes = plainCopy(current.attributes);
    const modified: Attributes = {};
    let expirationTime = current.expirationTime;
    for (const [name, value] of Object.entries(patch)) {
      if (name === 'expirationTime') {
        expirationTime = expiration(
          typeof value === 'string' ? value : undefined,
          changes.get(current.parentID)?.after ?? tree.peek(current.parentID),
        );
        if (expirationTime !== current.expirationTime || options.requested) modified[name] = expirationTime;
        continue;
      }
      const before: Json | undefined = attributes[name];
      if (options.requested || !isDeepStrictEqual(value, before ?? null)) modified[name] = value;
      if (value === null) delete attributes[name];
      else attributes[name] = value;
    }
    const keptInternal = internal ? mergeInternal(current.internal, internal) : current.internal;
    const changed = Object.keys(modified).length > 0;
    if (!changed && keptInternal === current.internal) return current;
    if (changed && !options.quiet && typeof attributes['stateTag'] === 'number') attributes['stateTag'] += 1;
    const after: Resource = {
      ...current,
      version: earlier ? current.version : current.version + 1,
      lastModifiedTime: changed ? timestamp : current.lastModifiedTime,
      attributes,
      internal: keptInternal,
    };
    if (expirationTime !== undefined) after.expirationTime = expirationTime;
    const quiet = (options.quiet === true || !changed) && (earlier?.quiet ?? true);
    changes.set(resource.resourceID, {
      ...(earlier ? { before: earlier.before } : { before: resource }),
      after,
      modified: options.quiet ? (earlier?.modified ?? {}) : { ...earlier?.modified, ...modified },
      quiet: earlier && !earlier.before ? false : quiet,
    });
    return after;
  }

  function removeOne(resource: Resource, quiet: boolean): void {
    const earlier = changes.get(resource.resourceID);
    if (earlier && !earlier.before) changes.delete(resource.resourceID);
    else changes.set(resource.resourceID, { before: earlier?.before ?? resource, modified: {}, quiet });
  }

  async function remove(resource: Resource, { quiet = false }: UpdateOptions = {}): Promise<void> {
    if (changes.has(resource.resourceID) && !changes.get(resource.resourceID)?.after) return;
    if (isLeaf(resource)) {
      removeOne(resource, quiet);
      return;
    }
    for (const change of changes.values()) {
      if (change.after?.path.startsWith(`${resource.path}/`)) removeOne(change.after, quiet);
    }
    for await (const page of tree.below(resource.path)) for (const descendant of page) removeOne(descendant, quiet);
    removeOne(resource, quiet);
  }

  function isLeaf(resource: Resource): boolean {
    return definitionOf(resource.resourceType, resource.mgmtDefinition).children.length === 0;
  }

  async function keepOthersInStep(): Promise<void> {
    // Once for a creation or removal; an update is seen again when it grew meanwhile.
    const seen = new Set<ResourceChange | string>();
    for (let round = 0; round < maximumRounds; round++) {
      let quiet = true;
      for (const [resourceID, change] of changes) {
        const mark = change.before && change.after ? change : `${resourceID} ${change.after ? 'created' : 'removed'}`;
        if (seen.has(mark)) continue;
        seen.add(mark);
        quiet = false;
        const resourceType = (change.after ?? change.before)?.resourceType ?? 0;
        await parts.behaviours.get(resourceType)?.upkeep?.(change, set, parts);
      }
      if (quiet) return;
    }
    throw new Error('the upkeep of resources does not come to an end');
  }

  function commitOf(): Commit {
    const expect: Expectation[] = [];
    const commit: Required<Pick<Commit, 'put' | 'delete'>> = { put: [], delete: [] };
    const parents = new Map<string, Resource>();
    for (const [key, { before, after }] of changes) {
      expect.push({ table: 'resources', key, version: before?.version ?? 0 });
      if (after) commit.put.push(putOf(after));
      else commit.delete.push({ table: 'resources', key });
      if (after && !before && !changes.has(after.parentID)) {
        const parent = tree.peek(after.parentID);
        if (parent) parents.set(parent.resourceID, parent);
      }
    }
    // A parent that is removed at the same time must not leave an orphan behind.
    for (const [key, parent] of parents) expect.push({ table: 'resources', key, version: parent.version });
    return { expect, ...commit };
  }

  function afterCommit(notified: boolean): void {
    tree.applied(changes.values());
    if (notified) parts.bus.publish('outbox', []);
    for (const { before, after } of changes.values()) {
      const resource = after ?? before;
      if (resource?.resourceType !== resourceType.SUBSCRIPTION) continue;
      const parent = tree.peek(resource.parentID);
      if (parent?.internal.binding) parts.managedObjects?.subscriptionsChanged?.(parent);
    }
  }

  const set: ChangeSet = {
    latest(resource) {
      const change = changes.get(resource.resourceID);
      return change ? change.after : resource;
    },
    create,
    update,
    remove,
    get empty() {
      return changes.size === 0;
    },
    async build(): Promise<Changes> {
      if (changes.size === 0) return { commit: {} };
      for (const { after, before } of changes.values()) {
        if (after && !before && !changes.has(after.parentID)) await requireParent(after);
      }
      await keepOthersInStep();
      const commit = commitOf();
      const append = await notificationsOf([...changes.values()], parts, now);
      return {
        commit: append.length > 0 ? { ...commit, append } : commit,
        afterCommit: () => afterCommit(append.length > 0),
      };
    },
  };

  async function requireParent(created: Resource): Promise<void> {
    if (!(await tree.byId(created.parentID))) {
      throw new Refused(4004, `the parent of ${created.path} was removed meanwhile; create it again first`);
    }
  }

  return set;
}

/** The same object when nothing differs. Undefined removes a member. */
function mergeInternal(current: ResourceInternals, patch: ResourceInternals): ResourceInternals {
  const entries = Object.entries(patch).filter(([name, value]) => !isDeepStrictEqual(current[name], value));
  if (entries.length === 0) return current;
  const merged: ResourceInternals = plainCopy(current);
  for (const [name, value] of entries) {
    if (value === undefined) delete merged[name];
    else merged[name] = value;
  }
  return merged;
}
