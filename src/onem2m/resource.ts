/** A resource as the CSE holds it: long attribute names; short names exist on the wire only. */
import type { Json, JsonObject } from './primitive.ts';

export interface Resource {
  /** Unstructured CSE-relative identifier, unique in the CSE. */
  resourceID: string;
  resourceType: number;
  resourceName: string;
  /** Resource ID of the parent; empty for the CSEBase. */
  parentID: string;
  /** Structured CSE-relative address from the CSEBase name down, e.g. `cse-in/node-7/battery`. */
  path: string;
  /** Version of the row: grows by one with every committed change. */
  version: number;
  /** mgmtObj only: which specialization (TS-0004 6.3.4.2.22). */
  mgmtDefinition?: number;
  creationTime: string;
  lastModifiedTime: string;
  /** oneM2M timestamp; absent on the CSEBase. */
  expirationTime?: string;
  /** Every other attribute, by long name, in the value space of its type (JSON). */
  attributes: Attributes;
  /** What the gateway knows of the resource and never shows. */
  internal: ResourceInternals;
}

export type Attributes = { [longName: string]: Json };

export interface ResourceInternals {
  /** From of the CREATE; the default access policy gives this originator everything. */
  createdBy?: string;
  /** A mgmtObj that mirrors objects of a device. */
  binding?: Binding;
  [name: string]: Json | Binding | undefined;
}

/** Ties a mgmtObj (or node) to a managed device. */
export interface Binding {
  deviceId: string;
  technology: string;
  /** Name of the mapping, e.g. `battery`; absent on a `<node>`. */
  mapping?: string;
  /** Instance names bound at discovery, e.g. `{ battery: '1' }`, and object roots by object name. */
  names?: Record<string, string>;
  /** Object name of the mapping → path on the device, e.g. `{ device: '/3/0' }`. */
  objects?: Record<string, string>;
  /** Path of its main object with an alias in place of the number, where the device gives one. */
  aliasPath?: string;
  /** Profiles the device was onboarded with. */
  profiles?: string[];
}

export type { Json, JsonObject };
