/** A request as a `<request>` resource (TS-0001 9.6.12): its attributes, how long it is kept, and the way back to the primitive. */
import { enumerations } from '../onem2m/enumerations.ts';
import { ResponseType, SerializedContent } from '../onem2m/primitive.ts';
import type {
  FilterCriteria,
  Json,
  JsonObject,
  Operation,
  RequestPrimitive,
  ResponsePrimitive,
} from '../onem2m/primitive.ts';
import type { Attributes, Resource } from '../onem2m/resource.ts';
import { statusCodes } from '../onem2m/status-codes.ts';
import { formatTimestamp, parseAbsoluteOrRelative, parseTimestamp } from '../onem2m/timestamp.ts';
import type { ArrivedRequest } from './behaviour.ts';
import { objectOf } from './json-values.ts';
import type { CseParts } from './parts.ts';
import { Refused } from './refused.ts';

const { requestStatus } = enumerations;

export function requestAttributes({ primitive, originator }: ArrivedRequest): Attributes {
  return {
    ...(originator === '' ? {} : { labels: [originator] }),
    operation: primitive.operation,
    target: primitive.to,
    originator,
    requestID: primitive.requestIdentifier,
    metaInformation: metaInformation(primitive),
    ...(primitive.content === undefined ? {} : { primitiveContent: primitive.content }),
    requestStatus: requestStatus.PENDING,
    operationResult: { responseStatusCode: statusCodes.ACCEPTED, requestIdentifier: primitive.requestIdentifier },
  };
}

/** Parameters that `metaInformation` holds under the same name as the primitive. */
const metaParameters = [
  'resourceType',
  'originatingTimestamp',
  'requestExpirationTimestamp',
  'resultExpirationTimestamp',
  'operationExecutionTime',
  'resultPersistence',
  'resultContent',
  'eventCategory',
  'groupRequestIdentifier',
  'desiredIdentifierResultType',
  'attributeList',
  'releaseVersionIndicator',
  'vendorInformation',
] as const;

function metaInformation(primitive: RequestPrimitive): JsonObject {
  const meta: JsonObject = {};
  for (const name of metaParameters) {
    const value = primitive[name];
    if (value !== undefined) meta[name] = value;
  }
  meta['responseType'] = {
    responseTypeValue: primitive.responseType ?? ResponseType.NON_BLOCKING_SYNCH,
    ...(primitive.responseTypeNotificationURIs ? { notificationURI: primitive.responseTypeNotificationURIs } : {}),
  };
  if (primitive.filterCriteria) meta['filterCriteria'] = { ...primitive.filterCriteria };
  return meta;
}

/** The request as it was accepted, from its resource. */
export function requestFrom(resource: Resource, parts: CseParts): ArrivedRequest {
  const { attributes, internal } = resource;
  const meta = objectOf(attributes['metaInformation']);
  const { responseType: _responseType, filterCriteria, ...parameters } = meta;
  const sender = objectOf(asJson(internal['sender']));
  const expiresAt = Number(internal['expiresAt'] ?? 0);
  return {
    primitive: {
      ...parameters,
      operation: Number(attributes['operation']) as Operation,
      to: String(attributes['target']),
      from: String(attributes['originator']),
      requestIdentifier: String(attributes['requestID']),
      ...(attributes['primitiveContent'] === undefined ? {} : { content: attributes['primitiveContent'] }),
      ...(filterCriteria === undefined ? {} : { filterCriteria: objectOf(filterCriteria) as FilterCriteria }),
      // They were read when it arrived; a relative one would count again from now.
      requestExpirationTimestamp: formatTimestamp(Math.max(expiresAt, parts.clock.now() + 1), 3),
      resultExpirationTimestamp: undefined,
      sender: {
        authenticated: sender['authenticated'] === true,
        ...(typeof sender['address'] === 'string' ? { address: sender['address'] } : {}),
      },
    },
    originator: String(attributes['originator']),
    expiresAt,
    blocking: false,
  };
}

/** Result Persistence, result expiration, or the policy of the CSE; never before the request itself expires. */
export function keptUntil({ primitive, expiresAt }: ArrivedRequest, parts: CseParts): number {
  const now = parts.clock.now();
  const { resultPersistence, resultExpirationTimestamp } = primitive;
  let until = expiresAt + parts.settings.requestPersistence;
  if (resultExpirationTimestamp !== undefined) {
    until = parseAbsoluteOrRelative(resultExpirationTimestamp, now) ?? until;
  }
  if (resultPersistence !== undefined) {
    const at = parseAbsoluteOrRelative(resultPersistence, now);
    if (at === undefined || at <= now) {
      throw new Refused(
        statusCodes.BAD_REQUEST,
        `Result Persistence '${resultPersistence}' is no time to come; write a duration such as PT10M, a number of ms or a timestamp`,
      );
    }
    until = at;
  }
  return Math.max(until, expiresAt);
}

/** The same once the result is there: Result Persistence counts from now on. Undefined: as it was decided at the start. */
export function keptOn({ attributes, creationTime }: Resource, now: number): number | undefined {
  const { resultPersistence, resultExpirationTimestamp } = objectOf(attributes['metaInformation']);
  if (typeof resultPersistence === 'string') return parseAbsoluteOrRelative(resultPersistence, now);
  if (typeof resultExpirationTimestamp !== 'string') return undefined;
  const accepted = parseTimestamp(creationTime) ?? now;
  return parseAbsoluteOrRelative(resultExpirationTimestamp, accepted);
}

/** operationResult (TS-0004 6.3.5.10) by long names. */
export function resultOf(response: ResponsePrimitive, resource: Resource): JsonObject {
  const content = contentOf(response);
  return {
    responseStatusCode: response.responseStatusCode,
    requestIdentifier: String(resource.attributes['requestID']),
    ...(content === undefined ? {} : { primitiveContent: content }),
    ...(response.contentStatus === undefined ? {} : { contentStatus: response.contentStatus }),
    ...(response.contentOffset === undefined ? {} : { contentOffset: response.contentOffset }),
  };
}

/** Content of a response as JSON, however it was made. */
export function contentOf({ content }: ResponsePrimitive): Json | undefined {
  return content instanceof SerializedContent ? (JSON.parse(content.text) as Json) : content;
}

/** An internal member of a resource, which is JSON as it was stored. */
export function asJson(value: Resource['internal'][string]): Json | undefined {
  return value === undefined ? undefined : (value as Json);
}
