/**
 * Resource types and their attributes as data, and everything that follows from the tables alone: wire form ⇄ long names,
 * validation of a CREATE or UPDATE. The specializations of mgmtObj come from the mapping files (there is no second copy), so a
 * vocabulary is made from them once at start: `createVocabulary(specializations)`.
 */
import type { Json, JsonObject } from './primitive.ts';
import type { Resource, Attributes } from './resource.ts';

export type Cardinality = '1' | '0..1' | '1(L)' | '0..1(L)';
export type Presence = 'M' | 'O' | 'NP';

export interface AttributeDefinition {
  /** Long name, e.g. `batteryLevel`. */
  name: string;
  shortName: string;
  /** Name of a data type of `data-types.ts`: string, unsignedInt, boolean, anyURI, timestamp, actionStatus … */
  type: string;
  range?: [number, number];
  cardinality: Cardinality;
  create: Presence;
  update: Presence;
  /** `device`: an AE may not set it, the gateway does. */
  originators?: 'device';
  /** A trigger: writing true means "do it"; the stored value is false again when it is done. */
  trigger?: boolean;
  /** Filled in at CREATE when it is absent. */
  default?: Json;
  /** Triggers that must not be true in the same request (TS-0004 Annex D). */
  excludes?: readonly string[];
  /** Mandatory in a CREATE (`create` is `M`) only from this release on. */
  mandatorySince?: number;
  /** The standard has it, the gateway does not do what it asks for: a CREATE or UPDATE with it answers NOT_IMPLEMENTED. */
  unsupported?: boolean;
}

export interface ResourceTypeDefinition {
  /** Name in prose: `accessControlPolicy`, `battery`. */
  name: string;
  resourceType: number;
  /** Only specializations of mgmtObj. */
  mgmtDefinition?: number;
  /** Root member on the wire: `m2m:acp`, `m2m:bat`. */
  root: string;
  /** Resource types that may be its children. */
  children: number[];
  /** Universal, common and specific attributes, in the order of the standard. */
  attributes: AttributeDefinition[];
  /** Operations that the API does not offer for it (OPERATION_NOT_ALLOWED). */
  notAllowed?: ('create' | 'update' | 'delete')[];
}

/** Why content was refused; `responseStatusCode` is 4000, 4005, 4108, 5001, 4125 … */
export interface Refusal {
  responseStatusCode: number;
  /** The `m2m:dbg` sentence: names the attribute and says what to change. */
  explanation: string;
}

export type Checked<T> = { ok: true; value: T } | { ok: false; refusal: Refusal };

export interface Vocabulary {
  readonly resourceTypes: ResourceTypeDefinition[];
  /** Undefined: not a type that we have. */
  definitionOf(resourceType: number, mgmtDefinition?: number): ResourceTypeDefinition | undefined;
  definitionByRoot(root: string): ResourceTypeDefinition | undefined;
  /**
   * Content of a CREATE in its wire form → attributes by long name, validated and with defaults. `requestedName` = rn.
   * `release`: that of the request, e.g. `2a`.
   */
  checkCreate(
    resourceType: number,
    content: Json | undefined,
    release?: string,
  ): Checked<{ definition: ResourceTypeDefinition; requestedName?: string; attributes: Attributes }>;
  /** Content of an UPDATE → patch by long name, validated; null = remove. */
  checkUpdate(resource: Resource, content: Json | undefined): Checked<Attributes>;
  /** A resource as wire content without the root: short names, universal attributes first. `only` = short names (atrl). */
  toWire(resource: Resource, only?: string[]): JsonObject;
  /** A patch by long name in wire form without the root. */
  patchToWire(resource: Resource, patch: Attributes): JsonObject;
  /** Short name → long name of an attribute of that type. A class 0 names its attributes itself. */
  longName(definition: ResourceTypeDefinition, shortName: string): string | undefined;
  /** False: no resource can have an attribute of that short name. */
  hasAttribute(shortName: string): boolean;
}
