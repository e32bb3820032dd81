/** DELETE (TS-0001 10.1.5, TS-0004 7.3.3): the resource and everything below it. */
import type { Resource } from '../../onem2m/resource.ts';
import { resourceTypes } from '../../onem2m/resource-types.ts';
import { statusCodes } from '../../onem2m/status-codes.ts';
import { privilege } from '../access-control.ts';
import { resultContentOf } from '../arrival.ts';
import type { Answer, ArrivedRequest } from '../behaviour.ts';
import type { CseParts } from '../parts.ts';
import { Refused } from '../refused.ts';
import { retrievedContent } from '../result-content.ts';
import { findTarget } from '../target.ts';
import { requesterOf, requireMatch, requirePrivilege } from './common.ts';

export async function remove(request: ArrivedRequest, parts: CseParts): Promise<Answer> {
  const target = await findTarget(request, parts);
  if ('answer' in target) return target.answer;
  const { resource } = target;
  await requirePrivilege(request, resource, privilege.DELETE, parts);
  requireMatch(request, resource, parts);
  if (resource.resourceType === resourceTypes.CSE_BASE) {
    throw new Refused(statusCodes.OPERATION_NOT_ALLOWED, 'the CSEBase cannot be deleted');
  }
  const answer = await parts.behaviours.get(resource.resourceType)?.beforeDelete?.(resource, request, parts);
  if (answer) return answer;
  const shown = await retrievedContent(resultContentOf(request.primitive), resource, request, parts);
  await deleteOnDevice(resource, request, parts);
  const parent = await parts.tree.byId(resource.parentID);
  const run = (): Promise<void> => parts.removeTree(resource, request.mark);
  await (parent && parts.behaviours.get(parent.resourceType)?.childrenTakeTurns
    ? parts.turns.take(parent.resourceID, run)
    : run());
  return { responseStatusCode: statusCodes.DELETED, ...shown };
}

async function deleteOnDevice(resource: Resource, request: ArrivedRequest, parts: CseParts): Promise<void> {
  if (!parts.managedObjects || !resource.internal.binding) return;
  const reply = await parts.managedObjects.delete(resource, requesterOf(request));
  if (reply && !reply.done) throw new Refused(reply.responseStatusCode, reply.explanation);
}
