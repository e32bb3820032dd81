/**
 * What a resource type does beyond the generic procedures (TS-0004 7.3.3). A type is one file below `resources/`, entered in
 * `resources/index.ts`; a type without an entry that the vocabulary knows is refused with NOT_IMPLEMENTED.
 */
import type { VirtualName } from '../onem2m/addressing.ts';
import type { Json, RequestPrimitive, SerializedContent } from '../onem2m/primitive.ts';
import type { Attributes, Resource, ResourceInternals } from '../onem2m/resource.ts';
import type { ResourceTypeDefinition } from '../onem2m/vocabulary.ts';
import type { ChangeSet } from './change-set.ts';
import type { CseParts } from './parts.ts';

/** A request that passed the checks of the primitive itself. */
export interface ArrivedRequest {
  primitive: RequestPrimitive;
  /** The AE-ID-Stem or CSE-ID of From; empty for an AE that asks for an AE-ID. */
  originator: string;
  /** Request Expiration, ms since 1970. */
  expiresAt: number;
  /** False: a non-blocking request; nobody waits on a connection. */
  blocking: boolean;
  /** Puts a mark of success into the commit that performs the request, so that a restart knows what was done. */
  mark?: (changes: ChangeSet, answer: { responseStatusCode: number; resourceID: string }) => Promise<void>;
}

/** An answer without the parameters that every response has. */
export interface Answer {
  responseStatusCode: number;
  content?: Json | SerializedContent;
  /** 1: partial; `contentOffset` is where the next part begins. */
  contentStatus?: 1 | 2;
  contentOffset?: number;
  /** Path of a created resource. */
  createdAt?: string;
}

export interface Creation {
  request: ArrivedRequest;
  parent: Resource;
  definition: ResourceTypeDefinition;
  /** rn of the request; a behaviour may set it. */
  resourceName?: string;
  /** Absent: generated. */
  resourceID?: string;
  /** Validated; a behaviour may add what the CSE sets. */
  attributes: Attributes;
  internal: ResourceInternals;
}

export interface Update {
  request: ArrivedRequest;
  resource: Resource;
  /** Validated, by long name; null removes. A behaviour may add what the CSE sets. */
  patch: Attributes;
  /** What the CSE keeps with it; a behaviour may set it. Undefined removes a member. */
  internal?: ResourceInternals;
}

/** A change as it goes into a commit. */
export interface ResourceChange {
  /** Absent: created. */
  before?: Resource;
  /** Absent: removed. */
  after?: Resource;
  /** Long names of an update, with their new values; null = removed. */
  modified: Attributes;
  /** Bookkeeping of the CSE: no subscriber is told. */
  quiet: boolean;
}

export interface Behaviour {
  /** Refuses content or state, by throwing Refused. Runs before anything is asked of a device or changed. */
  validateCreate?(creation: Creation, parts: CseParts): void | Promise<void>;
  /** Fills in what the CSE sets. Runs again when the commit meets a conflict. An answer ends the request. */
  beforeCreate?(creation: Creation, parts: CseParts): void | Answer | Promise<void | Answer>;
  validateUpdate?(update: Update, parts: CseParts): void | Promise<void>;
  /**
   * Does what the UPDATE asks for beyond a change of the resource, before anything is stored; what it waits for holds up no
   * other request. Undefined: the UPDATE goes on.
   */
  perform?(update: Update, parts: CseParts): Promise<Answer | undefined>;
  beforeUpdate?(update: Update, parts: CseParts): void | Answer | Promise<void | Answer>;
  beforeDelete?(resource: Resource, request: ArrivedRequest, parts: CseParts): void | Answer | Promise<void | Answer>;
  /** Refuses a RETRIEVE, or answers with another copy of the resource. */
  retrieve?(resource: Resource, request: ArrivedRequest, parts: CseParts): void | Resource | Promise<void | Resource>;
  /** NOTIFY addressed to the resource; without it: OPERATION_NOT_ALLOWED. */
  notify?(resource: Resource, request: ArrivedRequest, parts: CseParts): Promise<Answer>;
  /** Keeps other resources in step with a change of this type, within the same commit. */
  upkeep?(change: ResourceChange, changes: ChangeSet, parts: CseParts): void | Promise<void>;
  /**
   * A virtual resource below it (`la`, `fopt` …): the resource that is meant, or the whole answer. Undefined: this type has
   * no such virtual resource.
   */
  virtual?(
    name: VirtualName,
    resource: Resource,
    request: ArrivedRequest,
    relativePath: string | undefined,
    parts: CseParts,
  ): Promise<{ resource: Resource } | { answer: Answer } | undefined>;
  /** What a parent hosts changes turn by turn within the process, e.g. the bookkeeping of a container. */
  childrenTakeTurns?: boolean;
}
