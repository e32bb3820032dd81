/**
 * oneM2M primitives (TS-0004 6.4, 7.2.1), free of any binding. A binding of Mca turns its messages into a
 * `RequestPrimitive`, hands it to the CSE and turns the `ResponsePrimitive` back.
 */

export type Json = null | boolean | number | string | Json[] | { [member: string]: Json };
export type JsonObject = { [member: string]: Json };

/** TS-0004 6.3.4.2.5 */
export const Operation = { CREATE: 1, RETRIEVE: 2, UPDATE: 3, DELETE: 4, NOTIFY: 5 } as const;
export type Operation = (typeof Operation)[keyof typeof Operation];

/** TS-0004 6.3.4.2.7 */
export const ResultContent = {
  NOTHING: 0,
  ATTRIBUTES: 1,
  HIERARCHICAL_ADDRESS: 2,
  HIERARCHICAL_ADDRESS_AND_ATTRIBUTES: 3,
  ATTRIBUTES_AND_CHILD_RESOURCES: 4,
  ATTRIBUTES_AND_CHILD_RESOURCE_REFERENCES: 5,
  CHILD_RESOURCE_REFERENCES: 6,
  ORIGINAL_RESOURCE: 7,
  CHILD_RESOURCES: 8,
  MODIFIED_ATTRIBUTES: 9,
  /** Release 4: what a discovery answers with when nothing else is asked for. */
  DISCOVERY_RESULT_REFERENCES: 11,
} as const;
export type ResultContent = (typeof ResultContent)[keyof typeof ResultContent];

/** TS-0004 6.3.4.2.6 */
export const ResponseType = {
  NON_BLOCKING_SYNCH: 1,
  NON_BLOCKING_ASYNCH: 2,
  BLOCKING: 3,
  FLEX_BLOCKING: 4,
  NO_RESPONSE: 5,
} as const;
export type ResponseType = (typeof ResponseType)[keyof typeof ResponseType];

/** Filter criteria and discovery options (TS-0004 7.3.3.17). Lists are "any of"; `filterOperation` joins different criteria. */
export interface FilterCriteria {
  filterUsage?: 1 | 2 | 3;
  filterOperation?: 1 | 2;
  resourceTypes?: number[];
  labels?: string[];
  createdBefore?: string;
  createdAfter?: string;
  modifiedSince?: string;
  unmodifiedSince?: string;
  stateTagSmaller?: number;
  stateTagBigger?: number;
  expireBefore?: string;
  expireAfter?: string;
  sizeAbove?: number;
  sizeBelow?: number;
  /** Attribute equality: short name → wanted values, `*` as wildcard. */
  attributes?: Record<string, string[]>;
  limit?: number;
  offset?: number;
  level?: number;
  applyRelativePath?: string;
}

export interface RequestPrimitive {
  operation: Operation;
  /** As addressed by the requester, in any of the six forms (TS-0001 9.3.1). */
  to: string;
  from?: string;
  requestIdentifier: string;
  releaseVersionIndicator?: string;
  /** CREATE only. */
  resourceType?: number;
  /** Content in its wire form: `{ 'm2m:fwr': { … short names … } }`. */
  content?: Json;
  resultContent?: ResultContent;
  /** Short names of a partial RETRIEVE (`atrl`). */
  attributeList?: string[];
  filterCriteria?: FilterCriteria;
  /** 1 structured (default), 2 unstructured. */
  desiredIdentifierResultType?: 1 | 2;
  responseType?: ResponseType;
  /** `notificationURI` of Response Type; `undefined` = not given, `[]` = given and empty (no notification). */
  responseTypeNotificationURIs?: string[];
  originatingTimestamp?: string;
  /** oneM2M timestamp or a number of milliseconds from arrival (absRelTimestamp), still as text. */
  requestExpirationTimestamp?: string;
  resultExpirationTimestamp?: string;
  operationExecutionTime?: string;
  resultPersistence?: string;
  eventCategory?: number;
  groupRequestIdentifier?: string;
  vendorInformation?: string;
  /** Where the request came from, for access-control contexts and logs; set by the binding. */
  sender: Sender;
}

export interface Sender {
  /** IP address of the requester (behind a trusted proxy: the forwarded one). */
  address?: string;
  /** True when a credential proved the originator (accessControlAuthenticationFlag). */
  authenticated: boolean;
}

/** Content that is already JSON text, from the cache of serialized resources: a binding sends it as it is. */
export class SerializedContent {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export interface ResponsePrimitive {
  responseStatusCode: number;
  requestIdentifier: string;
  releaseVersionIndicator?: string;
  content?: Json | SerializedContent;
  originatingTimestamp?: string;
  resultExpirationTimestamp?: string;
  eventCategory?: number;
  vendorInformation?: string;
  /** 1 partial content, 2 full content (only with `contentOffset`). */
  contentStatus?: 1 | 2;
  contentOffset?: number;
  /** Address of a created resource, for a binding's Content-Location. */
  createdAt?: string;
}
