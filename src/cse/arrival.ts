/** Checks of a request primitive that need no resource (TS-0004 7.3.2.1): parameters, times, what goes with which operation. */
import { Operation, ResultContent } from '../onem2m/primitive.ts';
import type { RequestPrimitive } from '../onem2m/primitive.ts';
import { statusCodes } from '../onem2m/status-codes.ts';
import { parseAbsoluteOrRelative } from '../onem2m/timestamp.ts';
import { resourceTypes } from '../onem2m/resource-types.ts';
import { stemOf } from './access-control.ts';
import type { ArrivedRequest } from './behaviour.ts';
import { Refused } from './refused.ts';
import type { CseSettings } from './settings.ts';

const { ATTRIBUTES_AND_CHILD_RESOURCES, ATTRIBUTES_AND_CHILD_RESOURCE_REFERENCES } = ResultContent;
const { NOTHING, ATTRIBUTES, CHILD_RESOURCES, CHILD_RESOURCE_REFERENCES, MODIFIED_ATTRIBUTES } = ResultContent;
const { HIERARCHICAL_ADDRESS, HIERARCHICAL_ADDRESS_AND_ATTRIBUTES, DISCOVERY_RESULT_REFERENCES } = ResultContent;

const withChildren = [
  ATTRIBUTES,
  ATTRIBUTES_AND_CHILD_RESOURCES,
  ATTRIBUTES_AND_CHILD_RESOURCE_REFERENCES,
  CHILD_RESOURCE_REFERENCES,
  CHILD_RESOURCES,
];

/** TS-0001 8.1.2, table of Result Content. The first is the default. */
const resultContents: Record<Operation, readonly ResultContent[]> = {
  [Operation.CREATE]: [
    ATTRIBUTES,
    NOTHING,
    HIERARCHICAL_ADDRESS,
    HIERARCHICAL_ADDRESS_AND_ATTRIBUTES,
    MODIFIED_ATTRIBUTES,
  ],
  [Operation.RETRIEVE]: withChildren,
  [Operation.UPDATE]: [ATTRIBUTES, NOTHING, MODIFIED_ATTRIBUTES],
  [Operation.DELETE]: [NOTHING, ...withChildren],
  [Operation.NOTIFY]: [NOTHING],
};

const names: Record<Operation, string> = {
  [Operation.CREATE]: 'CREATE',
  [Operation.RETRIEVE]: 'RETRIEVE',
  [Operation.UPDATE]: 'UPDATE',
  [Operation.DELETE]: 'DELETE',
  [Operation.NOTIFY]: 'NOTIFY',
};

const identifier = /^[^\s\p{Cc}]{1,256}$/u;

/** Result Content of the request, or the default of its operation. Throws Refused when the operation does not have it. */
export function resultContentOf({ operation, resultContent, filterCriteria }: RequestPrimitive): ResultContent {
  const allowed = resultContents[operation];
  if (resultContent === undefined) return allowed[0] as ResultContent;
  if (operation === Operation.RETRIEVE && resultContent === ResultContent.ORIGINAL_RESOURCE) {
    throw new Refused(
      statusCodes.NOT_IMPLEMENTED,
      'rcn 7 (original resource) needs announced resources, which this gateway does not have',
    );
  }
  const discovers = operation === Operation.RETRIEVE && filterCriteria?.filterUsage === 1;
  if (discovers && resultContent === DISCOVERY_RESULT_REFERENCES) return resultContent;
  if (!allowed.includes(resultContent)) {
    throw new Refused(
      statusCodes.BAD_REQUEST,
      `rcn ${resultContent} does not go with ${names[operation]}; use one of ${[...allowed].sort().join(', ')}`,
    );
  }
  if (discovers && resultContent !== CHILD_RESOURCE_REFERENCES) {
    throw new Refused(
      statusCodes.BAD_REQUEST,
      `rcn ${resultContent} does not go with discovery (fu=1); leave it out or use 6 or 11`,
    );
  }
  return resultContent;
}

/** Throws Refused: 4000, 4008, 5001. `now`: ms since 1970. */
export function arrive(primitive: RequestPrimitive, settings: CseSettings, now: number): ArrivedRequest {
  const { operation, requestIdentifier, from } = primitive;
  if (!Object.hasOwn(names, operation)) {
    throw new Refused(statusCodes.BAD_REQUEST, `operation ${String(operation)} is none; 1 CREATE to 5 NOTIFY are`);
  }
  if (typeof requestIdentifier !== 'string' || requestIdentifier === '') {
    throw new Refused(statusCodes.BAD_REQUEST, 'the Request Identifier is missing; give every request one of its own');
  }
  checkParameters(primitive);
  resultContentOf(primitive);
  const registers = operation === Operation.CREATE && primitive.resourceType === resourceTypes.AE;
  if ((from === undefined || from === '') && !registers) {
    throw new Refused(statusCodes.BAD_REQUEST, 'From is missing; only an AE that registers may leave it out');
  }
  if (from !== undefined && from !== '' && !identifier.test(from)) {
    throw new Refused(statusCodes.BAD_REQUEST, 'From is no AE-ID or CSE-ID: it has 1 to 256 characters and no blanks');
  }
  const blocking = primitive.responseType === undefined || primitive.responseType === 3 || primitive.responseType === 4;
  return {
    primitive,
    originator: from === undefined ? '' : stemOf(from, settings),
    expiresAt: expiration(primitive, settings, now, blocking),
    blocking,
  };
}

function checkParameters(primitive: RequestPrimitive): void {
  const { operation, filterCriteria, attributeList, resourceType } = primitive;
  if (filterCriteria && (operation === Operation.CREATE || operation === Operation.NOTIFY)) {
    throw new Refused(statusCodes.BAD_REQUEST, `Filter Criteria do not go with ${names[operation]}; leave them out`);
  }
  if (filterCriteria?.filterUsage === 3) {
    throw new Refused(statusCodes.NOT_IMPLEMENTED, 'fu=3 (IPE on-demand discovery) is not implemented; use fu=1');
  }
  if (filterCriteria?.applyRelativePath !== undefined && filterCriteria.filterUsage !== 1) {
    throw new Refused(statusCodes.NOT_IMPLEMENTED, 'arp is implemented for discovery only; add fu=1 or leave it out');
  }
  if (attributeList && operation !== Operation.RETRIEVE) {
    throw new Refused(statusCodes.BAD_REQUEST, `atrl goes with RETRIEVE only, not with ${names[operation]}`);
  }
  if (attributeList && primitive.resultContent !== undefined && primitive.resultContent !== ATTRIBUTES) {
    throw new Refused(statusCodes.BAD_REQUEST, 'atrl asks for attributes of the target; leave rcn out or use 1');
  }
  if (operation === Operation.CREATE ? !Number.isInteger(resourceType) : resourceType !== undefined) {
    throw new Refused(
      statusCodes.BAD_REQUEST,
      operation === Operation.CREATE
        ? "a CREATE needs the Resource Type; over HTTP, add ';ty=<number>' to the Content-Type"
        : `Resource Type does not go with ${names[operation]}; leave it out`,
    );
  }
}

function expiration(primitive: RequestPrimitive, settings: CseSettings, now: number, blocking: boolean): number {
  const requestExpires = time('Request Expiration Timestamp', primitive.requestExpirationTimestamp, now);
  const resultExpires = time('Result Expiration Timestamp', primitive.resultExpirationTimestamp, now);
  const execution = time('Operation Execution Time', primitive.operationExecutionTime, now);
  if (requestExpires !== undefined && requestExpires <= now) {
    throw new Refused(
      statusCodes.REQUEST_TIMEOUT,
      'the request had expired when it arrived; send it with a later Request Expiration Timestamp',
    );
  }
  if (resultExpires !== undefined && resultExpires <= (requestExpires ?? now)) {
    throw new Refused(
      statusCodes.BAD_REQUEST,
      'the Result Expiration Timestamp is not later than the Request Expiration Timestamp',
    );
  }
  if (execution !== undefined && execution > now) {
    throw new Refused(
      statusCodes.NOT_IMPLEMENTED,
      'Operation Execution Time is not implemented; send the request when it is due',
    );
  }
  return requestExpires ?? now + (blocking ? settings.defaultRequestExpiration : settings.defaultNonBlockingExpiration);
}

function time(name: string, text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  const at = parseAbsoluteOrRelative(text, now);
  if (at === undefined) {
    throw new Refused(
      statusCodes.BAD_REQUEST,
      `${name} '${text}' is neither a timestamp such as 20260401T081500 nor a number of ms`,
    );
  }
  return at;
}
