/** The parts of the CSE as they know each other; `create-cse.ts` puts them together. */
import type { Bus } from '../bus/bus.ts';
import type { CseIdentity } from '../onem2m/addressing.ts';
import type { Json, SerializedContent } from '../onem2m/primitive.ts';
import type { Resource } from '../onem2m/resource.ts';
import type { Vocabulary } from '../onem2m/vocabulary.ts';
import type { Commit, Store } from '../store/store.ts';
import type { Clock } from '../support/clock.ts';
import type { Log } from '../support/log.ts';
import type { Metrics } from '../support/metrics.ts';
import type { AccessControl } from './access-control.ts';
import type { ArrivedRequest, Behaviour } from './behaviour.ts';
import type { ChangeSet } from './change-set.ts';
import type { ManagedObjects } from './managed-objects-port.ts';
import type { CachedTree } from './resource-tree.ts';
import type { CseSettings } from './settings.ts';
import type { Turns } from './turns.ts';

/** Sends one notification at once and waits for its answer; never throws. */
export type SendNow = (url: string, content: Json) => Promise<{ ok: boolean; why?: string }>;

export interface CseParts {
  store: Store;
  bus: Bus;
  vocabulary: Vocabulary;
  log: Log;
  metrics: Metrics;
  clock: Clock;
  settings: CseSettings;
  identity: CseIdentity;
  behaviours: ReadonlyMap<number, Behaviour>;
  sendNow: SendNow;
  turns: Turns;
  tree: CachedTree;
  access: AccessControl;
  managedObjects: ManagedObjects | undefined;
  /** `m2m:x` of a stored resource as JSON text, from the cache of serialized resources. */
  serialized(resource: Resource): SerializedContent;
  /** The resource and everything below it, with notifications. `mark` goes into the last commit. */
  removeTree(resource: Resource, mark?: ArrivedRequest['mark']): Promise<void>;
  /**
   * Collects changes and commits them; on a version conflict everything is done again, `commitAttempts` times at most,
   * then INTERNAL_SERVER_ERROR. `more` is asked last and goes into the same commit.
   */
  change<Result>(collect: (changes: ChangeSet) => Promise<Result>, more?: () => Commit | undefined): Promise<Result>;
}
