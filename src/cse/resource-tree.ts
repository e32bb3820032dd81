/**
 * The resources of the CSE, read through bounded caches. A cached resource is the last version this process has seen
 * become durable; a change is checked against its version at commit, so a stale read costs a retry and never a lost update.
 */
import { parseAddress } from '../onem2m/addressing.ts';
import type { CseIdentity } from '../onem2m/addressing.ts';
import type { Resource } from '../onem2m/resource.ts';
import { resourceTypes as resourceType } from '../onem2m/resource-types.ts';
import type { Condition, Row, Store } from '../store/store.ts';
import type { ChangeSet, ResourceTree } from './change-set.ts';
import { ReadThrough } from './read-through.ts';
import { hasExpired, resourceOf } from './resource-row.ts';
import type { StoredResource } from './resource-row.ts';

/** What became durable, for the caches. */
export interface AppliedChange {
  before?: Resource;
  /** Absent: removed. */
  after?: Resource;
}

/** The tree as the parts of the CSE use it; `ResourceTree` is what others see. */
export interface CachedTree extends ResourceTree {
  /** Cached resources, without any wait; undefined says nothing about the store. */
  peek(resourceID: string): Resource | undefined;
  peekPath(path: string): Resource | undefined;
  /** A reference as resources hold it: resource ID or address in any form; a foreign or malformed one is undefined. */
  resolve(reference: string): Promise<Resource | undefined>;
  /** IDs of the subscriptions below a resource, if they are known without a wait. */
  peekSubscriptions(resourceID: string): readonly string[] | undefined;
  subscriptionsOf(resourceID: string): Promise<Resource[]>;
  /** Direct children in order of creation, in pages. */
  childPages(parentID: string): AsyncIterable<Resource[]>;
  /** The latest or oldest child of a type that has not expired. */
  edge(parentID: string, ofType: number, which: 'latest' | 'oldest', now: number): Promise<Resource | undefined>;
  /** Descendants in pages; by path (ancestors first), one type after the other when types are given. */
  below(path: string, resourceTypes?: number[]): AsyncIterable<Resource[]>;
  /** Descendants that can be removed first: the deepest of the first `limit`, children before their parents. */
  lastBelow(path: string, limit: number): Promise<Resource[]>;
  expired(now: number, limit: number): Promise<Resource[]>;
  /** True when it or an ancestor has expired. */
  hasEnded(resource: Resource, now: number): Promise<boolean>;
  /** As `hasEnded` from cached ancestors alone; undefined: one of them is not cached. */
  peekEnded(resource: Resource, now: number): boolean | undefined;
  applied(changes: Iterable<AppliedChange>): void;
  /** Drops what is cached of a resource: someone else has changed it. */
  forget(resourceID: string): void;
}

export interface TreeOptions {
  store: Store;
  identity: CseIdentity;
  cachedResources: number;
  newChangeSet: () => ChangeSet;
}

const noChildren: readonly string[] = Object.freeze([]);
const pageSize = 200;
const subscriptionsPerResource = 1_000;
/** A parent with more children than this is read from the store each time. */
const rememberedChildren = 100;
const rememberedRemovals = 10_000;

export function createResourceTree(options: TreeOptions): CachedTree {
  const { store, identity } = options;
  const resources = new ReadThrough<Resource>(options.cachedResources);
  const paths = new ReadThrough<string>(options.cachedResources);
  const subscriptions = new ReadThrough<readonly string[]>(options.cachedResources * 2);
  /** IDs of the children of nodes: every contact of a device asks for them. */
  const nodeChildren = new ReadThrough<readonly string[]>(Math.ceil(options.cachedResources / 4));
  /** Removed a moment ago: an update that was durable before the removal but is told after it must not bring it back. */
  const removed = new Set<string>();
  let base: Resource | undefined;

  async function find(
    where: Condition[],
    order: 'created' | '-created' | 'path' | '-path' | 'expires',
    limit?: number,
  ) {
    const column = order.startsWith('-') ? order.slice(1) : order;
    const rows = await store.find<StoredResource>({
      table: 'resources',
      where,
      orderBy: [{ column, descending: order.startsWith('-') }],
      ...(limit === undefined ? {} : { limit }),
    });
    return rows.map(fresher);
  }

  /** The cached object where it is the same version: its serialization and compiled rules hang on it. */
  function fresher(row: Row<StoredResource>): Resource {
    const cached = resources.peek(row.key);
    return cached && cached.version >= row.version ? cached : resourceOf(row);
  }

  async function loadById(resourceID: string): Promise<Resource | undefined> {
    if (resourceID === '') return undefined;
    const row = await store.get<StoredResource>('resources', resourceID);
    return row && resourceOf(row);
  }

  async function loadIdOfPath(path: string): Promise<string | undefined> {
    const rows = await store.find<StoredResource>({
      table: 'resources',
      where: [{ column: 'path', is: '=', value: path }],
      limit: 1,
    });
    return rows[0]?.key;
  }

  async function loadSubscriptions(resourceID: string): Promise<readonly string[]> {
    const rows = await store.find<StoredResource>({
      table: 'resources',
      where: [
        { column: 'parent', is: '=', value: resourceID },
        { column: 'type', is: '=', value: resourceType.SUBSCRIPTION },
      ],
      orderBy: [{ column: 'created' }],
      limit: subscriptionsPerResource,
    });
    return rows.length === 0 ? noChildren : rows.map((row) => row.key);
  }

  async function loadChildren(resourceID: string): Promise<readonly string[] | undefined> {
    const rows = await store.find<StoredResource>({
      table: 'resources',
      where: [{ column: 'parent', is: '=', value: resourceID }],
      orderBy: [{ column: 'created' }],
      limit: rememberedChildren + 1,
    });
    return rows.length > rememberedChildren ? undefined : rows.map((row) => row.key);
  }

  function byId(resourceID: string): Promise<Resource | undefined> {
    return resources.get(resourceID, loadById);
  }

  async function byPath(path: string): Promise<Resource | undefined> {
    const resourceID = await paths.get(path, loadIdOfPath);
    if (resourceID === undefined) return undefined;
    const resource = await byId(resourceID);
    if (resource?.path === path) return resource;
    paths.delete(path);
    return undefined;
  }

  function peek(resourceID: string): Resource | undefined {
    return resources.peek(resourceID);
  }

  async function resolve(reference: string): Promise<Resource | undefined> {
    const address = parseAddress(reference, identity);
    if (address.kind === 'structured' && address.virtual === undefined) return byPath(address.path);
    if (address.kind === 'unstructured' && address.virtual === undefined) return byId(address.resourceID);
    return undefined;
  }

  async function* pages(where: Condition[]): AsyncIterable<Resource[]> {
    let last: string | undefined;
    for (;;) {
      const after: Condition[] = last === undefined ? [] : [{ column: 'path', is: '>', value: last }];
      const page = await find([...where, ...after], 'path', pageSize);
      if (page.length > 0) yield page;
      if (page.length < pageSize) return;
      last = page.at(-1)?.path;
    }
  }

  function keep(resource: Resource): void {
    const kept = resources.peek(resource.resourceID);
    if (kept && kept.version > resource.version && kept.creationTime === resource.creationTime) return;
    resources.set(resource.resourceID, resource);
    paths.set(resource.path, resource.resourceID);
    if (resource.resourceID === identity.resourceID) base = resource;
  }

  function changeIn(
    lists: ReadThrough<readonly string[]>,
    parentID: string,
    change: (known: readonly string[]) => readonly string[],
  ): void {
    const known = lists.peek(parentID);
    if (known && known.length < subscriptionsPerResource) lists.set(parentID, change(known));
    else lists.delete(parentID);
  }

  function applyCreation(resource: Resource): void {
    removed.delete(resource.resourceID);
    subscriptions.set(resource.resourceID, noChildren);
    if (resource.resourceType === resourceType.SUBSCRIPTION) {
      changeIn(subscriptions, resource.parentID, (known) => [...known, resource.resourceID]);
    }
    if (resource.resourceType === resourceType.NODE) nodeChildren.set(resource.resourceID, noChildren);
    changeIn(nodeChildren, resource.parentID, (known) => [...known, resource.resourceID]);
    keep(resource);
  }

  function applyRemoval(resource: Resource): void {
    removed.add(resource.resourceID);
    if (removed.size > rememberedRemovals)
      for (const oldest of removed) {
        removed.delete(oldest);
        break;
      }
    resources.delete(resource.resourceID);
    paths.delete(resource.path);
    subscriptions.delete(resource.resourceID);
    if (resource.resourceType === resourceType.SUBSCRIPTION) {
      changeIn(subscriptions, resource.parentID, (known) => known.filter((id) => id !== resource.resourceID));
    }
    nodeChildren.delete(resource.resourceID);
    changeIn(nodeChildren, resource.parentID, (known) => known.filter((id) => id !== resource.resourceID));
  }

  async function subscriptionsOf(resourceID: string): Promise<Resource[]> {
    const ids = (await subscriptions.get(resourceID, loadSubscriptions)) ?? noChildren;
    if (ids.length === 0) return [];
    const found = await Promise.all(ids.map(byId));
    return found.filter((resource) => resource !== undefined);
  }

  return {
    get base() {
      if (!base)
        throw new Error('the CSEBase is not there yet: createCse makes it before anything else reads the tree');
      return base;
    },
    changes: options.newChangeSet,
    byId,
    byPath,
    peek,
    resolve,
    peekPath(path) {
      const resourceID = paths.peek(path);
      const resource = resourceID === undefined ? undefined : resources.peek(resourceID);
      return resource?.path === path ? resource : undefined;
    },
    async children(resourceID, resourceTypes) {
      if (resourceTypes?.length === 1 && resourceTypes[0] === resourceType.SUBSCRIPTION) {
        return subscriptionsOf(resourceID);
      }
      const isNode = resources.peek(resourceID)?.resourceType === resourceType.NODE;
      const ids = isNode ? await nodeChildren.get(resourceID, loadChildren) : undefined;
      if (ids) {
        const found = await Promise.all(ids.map(byId));
        const children = found.filter((child) => child !== undefined);
        return resourceTypes ? children.filter((child) => resourceTypes.includes(child.resourceType)) : children;
      }
      const where: Condition[] = [{ column: 'parent', is: '=', value: resourceID }];
      if (resourceTypes) where.push({ column: 'type', is: 'in', value: resourceTypes });
      return find(where, 'created');
    },
    async *childPages(parentID) {
      let last = -1;
      for (;;) {
        const page = await find(
          [
            { column: 'parent', is: '=', value: parentID },
            { column: 'created', is: '>', value: last },
          ],
          'created',
          pageSize,
        );
        if (page.length > 0) yield page;
        if (page.length < pageSize) return;
        last = Number(page.at(-1)?.internal['created'] ?? Number.MAX_SAFE_INTEGER);
      }
    },
    peekSubscriptions: (resourceID) => subscriptions.peek(resourceID),
    subscriptionsOf,
    async edge(parentID, ofType, which, now) {
      const order = which === 'latest' ? '-created' : 'created';
      const found = await find(
        [
          { column: 'parent', is: '=', value: parentID },
          { column: 'type', is: '=', value: ofType },
          { column: 'expires', is: '>', value: now },
        ],
        order,
        1,
      );
      return found[0];
    },
    async *below(path, resourceTypes) {
      const inside: Condition = { column: 'path', is: 'prefix', value: `${path}/` };
      if (!resourceTypes) {
        yield* pages([inside]);
        return;
      }
      for (const ofType of new Set(resourceTypes)) {
        yield* pages([{ column: 'type', is: '=', value: ofType }, inside]);
      }
    },
    lastBelow: (path, limit) => find([{ column: 'path', is: 'prefix', value: `${path}/` }], '-path', limit),
    expired: (now, limit) => find([{ column: 'expires', is: '<=', value: now }], 'expires', limit),
    async hasEnded(resource, now) {
      for (let at: Resource | undefined = resource; at; at = at.parentID === '' ? undefined : await byId(at.parentID)) {
        if (hasExpired(at, now)) return true;
      }
      return false;
    },
    peekEnded(resource, now) {
      let at = resource;
      for (;;) {
        if (hasExpired(at, now)) return true;
        if (at.parentID === '') return false;
        const parent = resources.peek(at.parentID);
        if (!parent) return undefined;
        at = parent;
      }
    },
    applied(changes) {
      for (const { before, after } of changes) {
        if (after && !before) applyCreation(after);
        else if (after && !removed.has(after.resourceID)) keep(after);
        else if (before && !after) applyRemoval(before);
      }
    },
    forget(resourceID) {
      const resource = resources.peek(resourceID);
      if (resource) {
        paths.delete(resource.path);
        nodeChildren.delete(resource.parentID);
      }
      nodeChildren.delete(resourceID);
      resources.delete(resourceID);
      subscriptions.delete(resourceID);
    },
  };
}
