/**
 * A set of resource changes on its way into one commit. Whoever changes resources (a request, an outcome, an onboarding, a
 * sweep) collects the changes here; `build` evaluates the subscriptions that they concern, adds the notifications to the
 * outbox in the same commit, and answers with what management or the CSE commits.
 */
import type { Resource, ResourceInternals, Attributes } from '../onem2m/resource.ts';
import type { Changes } from '../management/resource-side.ts';

export interface NewResource {
  parent: Resource;
  resourceType: number;
  mgmtDefinition?: number;
  /** Absent: generated. Taken among the siblings: `build` rejects with a Conflict at commit time. */
  resourceName?: string;
  /** Absent: generated. */
  resourceID?: string;
  attributes: Attributes;
  /** oneM2M timestamp; absent: the longest the policy allows. */
  expirationTime?: string;
  internal?: ResourceInternals;
}

export interface UpdateOptions {
  /** An UPDATE of a requester: it counts (last modified, subscribers) although a value may be what it was. */
  requested?: boolean;
  /** Bookkeeping of the CSE: no subscriber is told. */
  quiet?: boolean;
}

export interface ChangeSet {
  create(resource: NewResource): Resource;
  /** `patch`: long names, null removes. `internal` is merged over what is there. Unchanged values make no new version. */
  update(resource: Resource, patch: Attributes, internal?: ResourceInternals, options?: UpdateOptions): Resource;
  /** The resource as this set leaves it so far; undefined: removed by it. */
  latest(resource: Resource): Resource | undefined;
  /** The resource and everything below it. */
  remove(resource: Resource, options?: Pick<UpdateOptions, 'quiet'>): Promise<void>;
  /** True when nothing would be written. */
  readonly empty: boolean;
  build(): Promise<Changes>;
}

/** Reads of the resource tree; answers may come from a bounded cache and are frozen by convention. */
export interface ResourceTree {
  byId(resourceID: string): Promise<Resource | undefined>;
  byPath(path: string): Promise<Resource | undefined>;
  /** Direct children, in order of creation. */
  children(resourceID: string, resourceTypes?: number[]): Promise<Resource[]>;
  /** The CSEBase. */
  readonly base: Resource;
  changes(): ChangeSet;
}
