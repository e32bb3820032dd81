/** What became of a non-blocking request that was pending when the process ended. */
import { Operation, ResultContent } from '../onem2m/primitive.ts';
import type { ResponsePrimitive } from '../onem2m/primitive.ts';
import type { Resource } from '../onem2m/resource.ts';
import { statusCodes } from '../onem2m/status-codes.ts';
import type { ArrivedRequest } from './behaviour.ts';
import { objectOf } from './json-values.ts';
import { requesterOf } from './operations/common.ts';
import type { CseParts } from './parts.ts';
import { asJson } from './request-resource.ts';
import { attributesOf } from './result-content.ts';

/** What is known of a request that was pending at a restart; undefined: it was not performed and can be performed now. */
export async function knownResult(
  resource: Resource,
  request: ArrivedRequest,
  parts: CseParts,
): Promise<ResponsePrimitive | undefined> {
  const { requestIdentifier, operation, resultContent } = request.primitive;
  const performed = objectOf(asJson(resource.internal['performed']));
  if (typeof performed['responseStatusCode'] === 'number') {
    const made = await parts.tree.byId(String(performed['resourceID']));
    const shown = made && operation !== Operation.DELETE && resultContent !== ResultContent.NOTHING;
    return {
      responseStatusCode: performed['responseStatusCode'],
      requestIdentifier,
      ...(shown ? { content: attributesOf(made, parts.vocabulary) } : {}),
    };
  }
  const onDevice = operation !== Operation.RETRIEVE && operation !== Operation.NOTIFY;
  const target = onDevice ? await parts.tree.resolve(request.primitive.to) : undefined;
  if (target?.internal.binding) {
    const known = await resultFromDevice(target, request, parts);
    if (known) return known;
  }
  return request.expiresAt <= parts.clock.now()
    ? failure(
        requestIdentifier,
        statusCodes.REQUEST_TIMEOUT,
        'the request expired while the gateway was not running; send it again',
      )
    : undefined;
}

/** What the device was asked before the restart, and what came of it; undefined: it was asked nothing. */
async function resultFromDevice(
  target: Resource,
  request: ArrivedRequest,
  parts: CseParts,
): Promise<ResponsePrimitive | undefined> {
  const { requestIdentifier, operation } = request.primitive;
  const reply = await parts.managedObjects?.resume?.(target, requesterOf(request));
  if (reply?.done === 'never') return undefined;
  if (reply && !reply.done) return failure(requestIdentifier, reply.responseStatusCode, reply.explanation);
  if (reply && operation === Operation.DELETE) {
    const left = await parts.tree.byId(target.resourceID);
    if (left) await parts.removeTree(left);
    return { responseStatusCode: statusCodes.DELETED, requestIdentifier };
  }
  if (reply) {
    const shown = await parts.tree.byId(reply.resourceID ?? target.resourceID);
    const isOfRequest = operation === Operation.UPDATE || reply.resourceID !== undefined;
    return {
      responseStatusCode: operation === Operation.CREATE ? statusCodes.CREATED : statusCodes.UPDATED,
      requestIdentifier,
      ...(shown && isOfRequest ? { content: attributesOf(shown, parts.vocabulary) } : {}),
    };
  }
  return failure(
    requestIdentifier,
    statusCodes.INTERNAL_SERVER_ERROR,
    `the gateway was restarted while the device of '${target.path}' was asked; whether it was done is not known. ` +
      'Retrieve the resource to see, and send the request again if it was not',
  );
}

function failure(requestIdentifier: string, responseStatusCode: number, explanation: string): ResponsePrimitive {
  return { responseStatusCode, requestIdentifier, content: { 'm2m:dbg': explanation } };
}
