/** Finds the resource that To addresses (TS-0004 7.3.2.6, 7.3.3.1). */
import { parseAddress } from '../onem2m/addressing.ts';
import type { Resource } from '../onem2m/resource.ts';
import { statusCodes } from '../onem2m/status-codes.ts';
import type { Answer, ArrivedRequest } from './behaviour.ts';
import type { CseParts } from './parts.ts';
import { Refused } from './refused.ts';

export type Target =
  /** `virtual`: it was addressed through its parent's `la` or `ol`. */
  { resource: Resource; virtual: boolean } | { answer: Answer };

/** Throws Refused: 4000 malformed, 4004 not here or expired, 5001 virtual resources that no type serves. */
export async function findTarget(request: ArrivedRequest, parts: CseParts): Promise<Target> {
  const { to } = request.primitive;
  const address = parseAddress(to, parts.identity);
  if (address.kind === 'malformed') throw new Refused(statusCodes.BAD_REQUEST, address.explanation);
  if (address.kind === 'foreign') {
    const where = address.serviceProviderID ? `//${address.serviceProviderID}${address.cseID}` : address.cseID;
    throw new Refused(
      statusCodes.NOT_FOUND,
      `${where} is not this CSE (${parts.settings.cseId}), which forwards to no other; address a resource of this one`,
    );
  }
  const resource =
    address.kind === 'structured' ? await parts.tree.byPath(address.path) : await parts.tree.byId(address.resourceID);
  if (!resource || (await parts.tree.hasEnded(resource, parts.clock.now()))) throw notFound(to);
  if (address.virtual === undefined) return { resource, virtual: false };
  const behaviour = parts.behaviours.get(resource.resourceType);
  const found = await behaviour?.virtual?.(address.virtual, resource, request, address.relativePath, parts);
  if (!found) {
    if (address.virtual === 'fopt' || address.virtual === 'pcu') {
      const what = address.virtual === 'fopt' ? 'group fan-out is' : 'polling channels are';
      throw new Refused(statusCodes.NOT_IMPLEMENTED, `'${to}': ${what} not implemented by this gateway`);
    }
    throw notFound(to);
  }
  return 'answer' in found ? found : { resource: found.resource, virtual: true };
}

export function notFound(to: string): Refused {
  return new Refused(
    statusCodes.NOT_FOUND,
    `there is no resource '${to}'; discover what is there with ?fu=1 on the CSEBase`,
  );
}
