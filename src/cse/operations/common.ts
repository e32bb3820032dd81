/** What the operations share. */
import type { Requester } from '../../management/facade.ts';
import type { Resource } from '../../onem2m/resource.ts';
import { statusCodes } from '../../onem2m/status-codes.ts';
import { privilege } from '../access-control.ts';
import type { AccessQuestion } from '../access-control.ts';
import type { ArrivedRequest } from '../behaviour.ts';
import { compileCriteria } from '../criteria.ts';
import type { CseParts } from '../parts.ts';
import { Refused } from '../refused.ts';

const privilegeNames = new Map<number, string>(Object.entries(privilege).map(([name, bit]) => [bit, name]));

/** Throws Refused (4103) when the policies do not let the originator do it. */
export async function requirePrivilege(
  request: ArrivedRequest,
  resource: Resource,
  operation: number,
  parts: CseParts,
  more: Pick<AccessQuestion, 'childResourceType' | 'changesPolicies'> = {},
): Promise<void> {
  const { originator, primitive } = request;
  const question = { originator, operation, resource, sender: primitive.sender, ...more };
  if (await parts.access.isAllowed(question)) return;
  const name = privilegeNames.get(operation) ?? String(operation);
  const where = more.changesPolicies ? "the 'pvs' of one of its present policies" : 'one of its policies';
  throw new Refused(
    statusCodes.ORIGINATOR_HAS_NO_PRIVILEGE,
    `${originator || 'an originator without AE-ID'} has no ${name} privilege on '${resource.path}'; ` +
      `give it ${name} (${operation}) in ${where}`,
  );
}

/** Conditional access (fu=2): a target that does not match is as good as not there (TS-0004 7.3.3.17). */
export function requireMatch(request: ArrivedRequest, resource: Resource, parts: CseParts): void {
  const criteria = request.primitive.filterCriteria;
  const matches = criteria && compileCriteria(criteria, parts.vocabulary);
  if (!matches || matches(resource)) return;
  throw new Refused(
    statusCodes.NOT_FOUND,
    `'${resource.path}' does not match the filter criteria; leave them out or, to search below it, add fu=1`,
  );
}

/** The request as device management sees it. */
export function requesterOf(request: ArrivedRequest): Requester {
  return {
    originator: request.originator,
    requestIdentifier: request.primitive.requestIdentifier,
    expiresAt: request.expiresAt,
    blocking: request.blocking,
  };
}
