/**
 * A mapping as the gateway uses it: one management object, its attributes in the order of the standard, and for every leg
 * what each of them becomes there. Made from the files below `mappings/` by `mapping.ts`; never changed afterwards.
 */
import type { Json } from '../onem2m/primitive.ts';
import type { AttributeDefinition, ResourceTypeDefinition } from '../onem2m/vocabulary.ts';
import type { Value, ValueType } from './operation.ts';

export const technologies = ['lwm2m', 'cwmp', 'omadm'] as const;
export type Technology = (typeof technologies)[number];

export interface Mapping {
  /** Name of the class and of its file: `battery`. */
  readonly name: string;
  /** 0 = self-defined: `mgmtSchema` tells it from others. */
  readonly mgmtDefinition: number;
  readonly mgmtSchema?: string;
  readonly shortName: string;
  readonly perNode: 'one' | 'many';
  readonly definition: ResourceTypeDefinition;
  readonly legs: Readonly<Record<Technology, LegObjects>>;
  readonly attributes: ReadonlyMap<string, AttributeMapping>;
}

/** The objects of one leg that the rows of a mapping name, in file order. */
export interface LegObjects {
  readonly objects: ReadonlyMap<string, ObjectMapping>;
  /** One management object per match of any of these; empty = the leg has none. */
  readonly exists: readonly string[];
  readonly when?: Condition;
  /** Why the leg has no object for this class. */
  readonly none?: string;
}

/** `exists.when`: decided by a value that is read once at onboarding. */
export interface Condition {
  readonly anyInstanceOf: Reference;
  readonly in: readonly Value[];
  readonly ifUnreadable: boolean;
}

/** `device/9`: resource 9 of the object that the mapping calls `device`. */
export interface Reference {
  readonly object: string;
  readonly resource: string;
}

export interface ObjectMapping {
  readonly name: string;
  /** Matched by prefix: `urn:broadband-forum-org:tr-181-2` takes every 2.x. */
  readonly objectID?: string;
  readonly alsoSeenAs: readonly string[];
  /** `/9/{software}`, `Device.DeviceInfo.`, `{mo}/DiagMonData/{battery}`; one per kind where there are kinds. */
  readonly paths: readonly string[];
  /** False: read only, not in objectIDs and objectPaths. */
  readonly listed: boolean;
  readonly create?: 'instance' | 'node';
  /** Resource → value that a CREATE adds when no attribute gives it. */
  readonly fill: Readonly<Record<string, Value>>;
  /** The object whose path this resource of the owner holds. */
  readonly ownedThrough?: Reference;
  /** Stands in for that object where the device lacks it. */
  readonly insteadOf?: string;
  /** All instances below the management object, as `name:instance`. */
  readonly every: boolean;
  /** Named where the device does not have it as well: a procedure adds it. Then it is not in objectIDs and objectPaths. */
  readonly implied?: true;
  readonly kinds: readonly Kind[];
}

/** One of several kinds of object that have the same shape, e.g. a USB interface and a Wi-Fi radio. */
export interface Kind {
  readonly name: string;
  readonly path: string;
  readonly constants: Readonly<Record<string, Json>>;
}

export interface AttributeMapping {
  readonly definition: AttributeDefinition;
  /** Status attributes: the trigger they report on, when it is one only. */
  readonly action?: string;
  readonly trigger?: TriggerMapping;
  readonly legs: Readonly<Record<Technology, Row>>;
  /** What has to be read for it, per leg; each once. */
  readonly reads: Readonly<Record<Technology, readonly Reference[]>>;
  /** It is an input of a procedure of its class. */
  readonly input: boolean;
}

export interface TriggerMapping {
  /** A multi-step business of the leg; a leg whose row says `execute` or `set` does without. */
  readonly procedure?: string;
  /** Input of the procedure → attribute. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Inputs without which the trigger is refused. */
  readonly required: readonly string[];
  /** Status attribute that it sets. */
  readonly reports?: string;
  /** True: a second trigger while one runs is refused (CONFLICT). */
  readonly conflicts: boolean;
  /** Trigger of the same object that may not be true in the same request. */
  readonly excludes: readonly string[];
  /** Attributes to read again once it is done; `mapping` absent = of the same object. */
  readonly refresh: readonly AttributeReference[];
}

export interface AttributeReference {
  readonly mapping?: string;
  readonly attribute: string;
}

/** What one attribute is on one leg. */
export type Row =
  /** The CSE keeps it; the device knows nothing of it. */
  | { readonly kind: 'held'; readonly reason: string }
  /** The leg cannot offer it at all. */
  | { readonly kind: 'none'; readonly reason: string }
  | { readonly kind: 'constant'; readonly value: Json }
  /** The constant of that name of the kind that the object is of. */
  | { readonly kind: 'kindConstant'; readonly name: string }
  | { readonly kind: 'value'; readonly read: readonly Source[]; readonly write?: Reference; readonly form: ValueForm }
  /** A structured attribute: member → resource; `inside` = the list member whose one element holds them. */
  | {
      readonly kind: 'fields';
      readonly fields: Readonly<Record<string, Reference>>;
      readonly inside?: string;
      readonly writable: boolean;
    }
  | { readonly kind: 'links'; readonly links: readonly LinkRow[] }
  /** A flag of which at most one instance is true: the link names that instance. */
  | { readonly kind: 'onlyOneOf'; readonly flag: Reference; readonly link: string }
  | { readonly kind: 'status'; readonly read: Readonly<Record<string, Reference>>; readonly rows: readonly StatusRow[] }
  /** Set by the verdict of the procedure, or by the answer to the trigger. */
  | { readonly kind: 'verdict'; readonly by: 'procedure' | 'trigger' }
  | {
      readonly kind: 'trigger';
      readonly action: TriggerAction;
      readonly accepted?: string;
      readonly repeatable: boolean;
      readonly unknown?: UnknownOutcome;
    };

export type Source = Reference | { readonly join: readonly Reference[]; readonly with: string };

export interface ValueForm {
  readonly type: ValueType;
  /** First version condition that holds; `factor` = device value → attribute value. */
  readonly units: readonly { readonly version?: string; readonly factor: number }[];
  /** Device value → attribute value, first row that matches; `same` keeps it. */
  readonly values: readonly { readonly match: Match; readonly is: Json | 'same' }[];
  readonly otherwise?: Json;
  readonly list?: 'instances' | 'comma' | 'space' | 'nodes';
  /** Mapping whose objects the value points at. */
  readonly link?: string;
  /** Named function of `conversions.ts`. */
  readonly conversion?: string;
}

/** One value, several, or a range of integers, `"2..10"`. */
export type Match = { readonly one: readonly Value[] } | { readonly from: number; readonly to: number };

export interface LinkRow {
  readonly mapping: string;
  readonly mgmtDefinition: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly reference: Reference;
  readonly list?: 'instances' | 'comma' | 'nodes';
}

export interface StatusRow {
  /** Name in `read` → values; `action` = the trigger the stored status speaks of. */
  readonly when: Readonly<Record<string, Match>>;
  /** m2m:status (TS-0004 6.3.4.2.20), or leave it. */
  readonly is: 0 | 1 | 2 | 3 | 'unchanged';
}

export type TriggerAction =
  | { readonly do: 'procedure'; readonly procedure: string; readonly object: string }
  | { readonly do: 'execute'; readonly targets: readonly Reference[] }
  | { readonly do: 'set'; readonly assignments: readonly { readonly reference: Reference; readonly value: Value }[] }
  /** A command of the protocol that has no path, e.g. Reboot of TR-069. */
  | { readonly do: 'rpc'; readonly rpc: string };

/** How an unknown outcome is settled. */
export interface UnknownOutcome {
  readonly read: Readonly<Record<string, Reference>>;
  /** `$version` = the input `version` of the trigger. */
  readonly succeededWhen?: Readonly<Record<string, Value>>;
  readonly restart: boolean;
  /** The report that the device makes when it is over, for people. */
  readonly report?: string;
}
