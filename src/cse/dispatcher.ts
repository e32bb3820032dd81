/** One primitive in, one primitive out: the order of the checks (TS-0004 7.3.2) and what happens when one fails. */
import { Operation, ResponseType, ResultContent } from '../onem2m/primitive.ts';
import type { RequestPrimitive, ResponsePrimitive } from '../onem2m/primitive.ts';
import { resourceTypes } from '../onem2m/resource-types.ts';
import { statusCodes } from '../onem2m/status-codes.ts';
import { privilege, stemOf } from './access-control.ts';
import { arrive } from './arrival.ts';
import type { Answer, ArrivedRequest } from './behaviour.ts';
import { create } from './operations/create.ts';
import { remove } from './operations/delete.ts';
import { notify } from './operations/notify.ts';
import { isLive, retrieve } from './operations/retrieve.ts';
import { update } from './operations/update.ts';
import type { CseParts } from './parts.ts';
import { Refused } from './refused.ts';
import { createRequests } from './requests.ts';
import type { Requests } from './requests.ts';

export interface Dispatcher {
  /** Never throws. */
  request(primitive: RequestPrimitive): Promise<ResponsePrimitive>;
  readonly requests: Requests;
}

const operations: Record<Operation, (request: ArrivedRequest, parts: CseParts) => Promise<Answer>> = {
  [Operation.CREATE]: create,
  [Operation.RETRIEVE]: retrieve,
  [Operation.UPDATE]: update,
  [Operation.DELETE]: remove,
  [Operation.NOTIFY]: notify,
};

/** Any of these bits lets an originator do something with the target. */
const privilegesOf: Record<Operation, number> = {
  [Operation.CREATE]: privilege.CREATE,
  [Operation.RETRIEVE]: privilege.RETRIEVE | privilege.DISCOVERY,
  [Operation.UPDATE]: privilege.UPDATE,
  [Operation.DELETE]: privilege.DELETE,
  [Operation.NOTIFY]: privilege.NOTIFY,
};

export function createDispatcher(parts: CseParts): Dispatcher {
  const { settings, clock, tree, access } = parts;
  const requests = createRequests(parts, perform);

  /**
   * RETRIEVE of a stored resource with nothing special about it, answered from the caches without a wait. Undefined: take
   * the long way, which also finds the right words for a refusal.
   */
  function retrieveCached(primitive: RequestPrimitive): ResponsePrimitive | undefined {
    const { operation, to, from, resultContent } = primitive;
    if (operation !== Operation.RETRIEVE || from === undefined || !isPlain(primitive)) return undefined;
    if (resultContent !== undefined && resultContent !== ResultContent.ATTRIBUTES) return undefined;
    const resource = tree.peekPath(to) ?? tree.peek(to);
    if (!resource || isLive(resource) || parts.behaviours.get(resource.resourceType)?.retrieve) return undefined;
    if (tree.peekEnded(resource, clock.now()) !== false) return undefined;
    const originator = stemOf(from, settings);
    if (needsRegistration(originator) && access.isRegisteredNow(originator) !== true) return undefined;
    const { sender } = primitive;
    if (access.decideNow({ originator, operation: privilege.RETRIEVE, resource, sender }) !== true) return undefined;
    return respond(primitive, {
      responseStatusCode: statusCodes.OK,
      content: parts.serialized(resource),
    });
  }

  /** TS-0004 7.3.2.1 outside of a security association. Tools in the field use originators that only policies name. */
  function needsRegistration(originator: string): boolean {
    return settings.requireRegistration && !originator.startsWith('/');
  }

  async function requireRegistration(request: ArrivedRequest): Promise<void> {
    const { originator, primitive } = request;
    if (primitive.operation === Operation.CREATE && primitive.resourceType === resourceTypes.AE) return;
    if (!needsRegistration(originator) || (await access.isRegistered(originator))) return;
    throw new Refused(
      statusCodes.ORIGINATOR_NOT_AUTHENTICATED,
      `${originator} is not registered; create an AE below '${settings.cseBaseName}' with it as From first`,
    );
  }

  /** The acknowledgement of a non-blocking request makes a resource: a stranger without any right on the target gets none. */
  async function requireWelcome({ originator, primitive }: ArrivedRequest): Promise<void> {
    if (await access.isRegistered(originator)) return;
    const resource = await tree.resolve(primitive.to);
    const { sender, resourceType: childResourceType } = primitive;
    const operation = privilegesOf[primitive.operation];
    if (resource && (await access.isAllowed({ originator, operation, resource, sender, childResourceType }))) return;
    throw new Refused(
      statusCodes.ORIGINATOR_HAS_NO_PRIVILEGE,
      `${originator} is neither registered nor has it rights on '${primitive.to}'; register it, or send the request blocking`,
    );
  }

  /** A blocking request, or the work of a non-blocking one. */
  async function perform(request: ArrivedRequest): Promise<ResponsePrimitive> {
    try {
      await requireRegistration(request);
      return respond(request.primitive, await operations[request.primitive.operation](request, parts));
    } catch (error) {
      return failed(request.primitive, error);
    }
  }

  async function accept(primitive: RequestPrimitive): Promise<ResponsePrimitive> {
    const request = arrive(primitive, settings, clock.now());
    switch (primitive.responseType) {
      case ResponseType.NON_BLOCKING_SYNCH:
      case ResponseType.NON_BLOCKING_ASYNCH:
        if (request.originator === '') {
          throw new Refused(
            statusCodes.BAD_REQUEST,
            'a non-blocking request needs From; register the AE first, blocking',
          );
        }
        await requireRegistration({ ...request, primitive: { ...primitive, resourceType: undefined } });
        await requireWelcome(request);
        return respond(primitive, await requests.submit(request));
      case ResponseType.NO_RESPONSE:
        throw new Refused(
          statusCodes.NOT_IMPLEMENTED,
          'rt=5 (noResponse) is not implemented; use rt=3, or 2 with an empty X-M2M-RTU',
        );
      default:
        return perform(request);
    }
  }

  function failed(primitive: RequestPrimitive, error: unknown): ResponsePrimitive {
    if (error instanceof Refused) {
      return respond(primitive, {
        responseStatusCode: error.responseStatusCode,
        content: { 'm2m:dbg': error.message },
      });
    }
    parts.metrics.count('trivet_faults_total', { part: 'cse' });
    parts.log.error(
      { error, requestIdentifier: primitive.requestIdentifier, to: primitive.to },
      'a request failed unexpectedly',
    );
    return respond(primitive, {
      responseStatusCode: statusCodes.INTERNAL_SERVER_ERROR,
      content: {
        'm2m:dbg': `the gateway failed to answer the request ${String(primitive.requestIdentifier)}; its log says why under this identifier`,
      },
    });
  }

  return {
    requests,
    async request(primitive) {
      try {
        return retrieveCached(primitive) ?? (await accept(primitive));
      } catch (error) {
        return failed(primitive, error);
      }
    },
  };
}

/** No parameter that changes how a RETRIEVE is answered. */
function isPlain(primitive: RequestPrimitive): boolean {
  return (
    (primitive.responseType === undefined || primitive.responseType === ResponseType.BLOCKING) &&
    primitive.attributeList === undefined &&
    primitive.filterCriteria === undefined &&
    primitive.resourceType === undefined &&
    primitive.requestExpirationTimestamp === undefined &&
    primitive.resultExpirationTimestamp === undefined &&
    primitive.operationExecutionTime === undefined &&
    primitive.requestIdentifier !== ''
  );
}

function respond(
  primitive: RequestPrimitive,
  answer: Omit<Answer, 'content'> & Pick<ResponsePrimitive, 'content'>,
): ResponsePrimitive {
  const response: ResponsePrimitive = {
    responseStatusCode: answer.responseStatusCode,
    requestIdentifier: primitive.requestIdentifier,
  };
  if (primitive.releaseVersionIndicator !== undefined) {
    response.releaseVersionIndicator = primitive.releaseVersionIndicator;
  }
  if (answer.content !== undefined) response.content = answer.content;
  if (answer.contentStatus !== undefined) response.contentStatus = answer.contentStatus;
  if (answer.contentOffset !== undefined) response.contentOffset = answer.contentOffset;
  if (answer.createdAt !== undefined) response.createdAt = answer.createdAt;
  if (primitive.eventCategory !== undefined) response.eventCategory = primitive.eventCategory;
  if (primitive.vendorInformation !== undefined) response.vendorInformation = primitive.vendorInformation;
  return response;
}
