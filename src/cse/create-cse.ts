/** Puts the CSE together. */
import type { Bus } from '../bus/bus.ts';
import type { CseIdentity } from '../onem2m/addressing.ts';
import type { Resource } from '../onem2m/resource.ts';
import type { Vocabulary } from '../onem2m/vocabulary.ts';
import { statusCodes } from '../onem2m/status-codes.ts';
import { Conflict, mergeCommits } from '../store/store.ts';
import type { Commit, Store } from '../store/store.ts';
import type { Clock } from '../support/clock.ts';
import type { Log } from '../support/log.ts';
import type { Metrics } from '../support/metrics.ts';
import { createAccessControl } from './access-control.ts';
import { createChangeSet } from './change-set-builder.ts';
import type { ChangeSet, ResourceTree } from './change-set.ts';
import type { Cse } from './cse.ts';
import { createDispatcher } from './dispatcher.ts';
import { createExpiration } from './expiration.ts';
import { describeBase, ensureBase } from './first-start.ts';
import type { ManagedObjects } from './managed-objects-port.ts';
import type { CseParts, SendNow } from './parts.ts';
import { Refused } from './refused.ts';
import { removeTree } from './removal.ts';
import { resourceBehaviours } from './resources/index.ts';
import { createResourceTree } from './resource-tree.ts';
import { serialize } from './result-content.ts';
import { SerializedCache } from './serialized-cache.ts';
import { completeSettings } from './settings.ts';
import type { CseSettings } from './settings.ts';
import { createTurns } from './turns.ts';

export interface CseOptions {
  store: Store;
  bus: Bus;
  vocabulary: Vocabulary;
  log: Log;
  metrics: Metrics;
  clock: Clock;
  settings: Partial<CseSettings>;
  sendNow: SendNow;
  /** Made with the tree of this CSE, which it reads and changes; absent: no resource is bound to a device. */
  management?: (tree: ResourceTree) => ManagedObjects;
}

export interface CseRuntime extends Cse {
  readonly tree: ResourceTree;
  /** A notification of this subscription was delivered: its expirationCounter goes down, and at 0 it is removed. */
  notified(subscription: string): Promise<void>;
  /** Call when the listeners are open: shows their addresses, goes on with pending requests, sweeps. */
  start(): Promise<void>;
  /** Ends the sweeps and waits `milliseconds` at most for what is being worked on. */
  stop(milliseconds?: number): Promise<void>;
  /** Removes what has expired now, without waiting for the next sweep; answers how many were found. */
  sweep(): Promise<number>;
}

/** The CSEBase is there when it resolves. Throws an Error when the store belongs to another CSE. */
export async function createCse(options: CseOptions): Promise<CseRuntime> {
  const settings = completeSettings(options.settings);
  const { store, clock, vocabulary } = options;
  const identity: CseIdentity = {
    cseID: settings.cseId,
    resourceID: settings.cseBaseResourceID,
    resourceName: settings.cseBaseName,
    ...(settings.spId === undefined ? {} : { serviceProviderID: settings.spId }),
  };
  const tree = createResourceTree({
    store,
    identity,
    cachedResources: settings.cachedResources,
    newChangeSet: () => createChangeSet(parts),
  });
  const texts = new SerializedCache(settings.cachedCharacters);
  const toText = (resource: Resource): string => serialize(resource, vocabulary);
  const parts: CseParts = {
    store,
    bus: options.bus,
    vocabulary,
    log: options.log,
    metrics: options.metrics,
    clock,
    settings,
    identity,
    behaviours: resourceBehaviours(),
    sendNow: options.sendNow,
    turns: createTurns(),
    tree,
    access: createAccessControl({ tree, vocabulary, clock, settings }),
    managedObjects: options.management?.(tree),
    serialized: (resource) => texts.of(resource, toText),
    change: (collect, more) => change(parts, collect, more),
    removeTree: (resource, mark) => removeTree(resource, parts, mark),
  };
  await ensureBase(parts);
  const dispatcher = createDispatcher(parts);
  const expiration = createExpiration(parts);
  return {
    tree,
    request: dispatcher.request,
    notified: (subscription) => countDown(subscription, parts),
    async start() {
      await describeBase(parts);
      await dispatcher.requests.resume();
      expiration.start();
    },
    async stop(milliseconds = 5_000) {
      await expiration.stop();
      await dispatcher.requests.settle(milliseconds);
    },
    sweep: expiration.sweep,
  };
}

async function change<Result>(
  parts: CseParts,
  collect: (changes: ChangeSet) => Promise<Result>,
  more?: () => Commit | undefined,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    const changes = createChangeSet(parts);
    const result = await collect(changes);
    const { commit, afterCommit } = await changes.build();
    const extra = more?.();
    if (changes.empty && !extra) return result;
    try {
      await parts.store.commit(extra ? mergeCommits(commit, extra) : commit);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      if (error.table === 'resources') parts.tree.forget(error.key);
      if (attempt < parts.settings.commitAttempts) continue;
      throw new Refused(
        statusCodes.INTERNAL_SERVER_ERROR,
        `the resource was changed by others during each of ${attempt} attempts; send the request again`,
        error,
      );
    }
    afterCommit?.();
    return result;
  }
}

/** expirationCounter (TS-0001 9.6.8). */
async function countDown(resourceID: string, parts: CseParts): Promise<void> {
  const known = await parts.tree.byId(resourceID);
  if (typeof known?.attributes['expirationCounter'] !== 'number') return;
  await parts.turns.take(resourceID, async () => {
    const subscription = await parts.tree.byId(resourceID);
    const left = subscription?.attributes['expirationCounter'];
    if (!subscription || typeof left !== 'number') return;
    if (left <= 1) {
      await parts.removeTree(subscription);
      return;
    }
    await parts.change(async (changes) => {
      const current = await parts.tree.byId(resourceID);
      const counter = current?.attributes['expirationCounter'];
      if (current && typeof counter === 'number') {
        changes.update(current, { expirationCounter: counter - 1 }, undefined, { quiet: true });
      }
    });
  });
}
