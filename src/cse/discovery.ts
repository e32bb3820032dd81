/**
 * Discovery (fu=1; TS-0001 10.2.6, TS-0004 7.3.3.14): addresses of what is below the target, matches the criteria and may be
 * discovered. The store is read page by page; what may not be discovered is skipped, what is below it is still looked at.
 */
import { ResultContent } from '../onem2m/primitive.ts';
import type { FilterCriteria, Json } from '../onem2m/primitive.ts';
import type { Resource } from '../onem2m/resource.ts';
import { resourceTypes } from '../onem2m/resource-types.ts';
import { statusCodes } from '../onem2m/status-codes.ts';
import { privilege } from './access-control.ts';
import type { Answer, ArrivedRequest } from './behaviour.ts';
import { compileCriteria } from './criteria.ts';
import type { CseParts } from './parts.ts';
import { isHiddenInstance } from './resources/container.ts';
import { hasExpired } from './resource-row.ts';
import { addressOf, referenceTo, stopWhenLate, window } from './result-content.ts';

/** Throws Refused: 4000 for criteria that cannot be read, 4008 when the request expires meanwhile. */
export async function discover(root: Resource, request: ArrivedRequest, parts: CseParts): Promise<Answer> {
  const { primitive } = request;
  const criteria = primitive.filterCriteria ?? {};
  const { skip, limit } = window(criteria, parts.settings.maximumResults);
  const references = primitive.resultContent === ResultContent.CHILD_RESOURCE_REFERENCES;
  const list: Json[] = [];
  let matched = 0;
  let more = false;
  for await (const resource of matching(root, criteria, request, parts)) {
    matched += 1;
    if (matched <= skip) continue;
    if (list.length >= limit) {
      more = true;
      break;
    }
    const address = addressOf(resource, primitive);
    list.push(references ? referenceTo(resource, address) : address);
  }
  return {
    responseStatusCode: statusCodes.OK,
    content: references ? { 'm2m:rrl': { rrf: list } } : { 'm2m:uril': list },
    ...(more ? { contentStatus: 1, contentOffset: skip + limit + 1 } : {}),
  };
}

async function* matching(
  root: Resource,
  criteria: FilterCriteria,
  request: ArrivedRequest,
  parts: CseParts,
): AsyncIterable<Resource> {
  const matches = compileCriteria(criteria, parts.vocabulary);
  const deepest = criteria.level === undefined ? Number.POSITIVE_INFINITY : depthOf(root) + criteria.level;
  // With OR, another condition may bring in resources of any other type.
  const types = criteria.filterOperation === 2 ? undefined : criteria.resourceTypes;
  for await (const page of parts.tree.below(root.path, types)) {
    stopWhenLate(request, parts);
    for (const candidate of page) {
      if (depthOf(candidate) > deepest || hasExpired(candidate, parts.clock.now())) continue;
      if (matches && !matches(candidate)) continue;
      if (await isHidden(candidate, parts)) continue;
      const resource = await relativeTo(candidate, criteria.applyRelativePath, parts);
      if (resource && (await mayDiscover(resource, request, parts))) yield resource;
    }
  }
}

async function isHidden(resource: Resource, parts: CseParts): Promise<boolean> {
  if (resource.resourceType !== resourceTypes.CONTENT_INSTANCE) return false;
  return isHiddenInstance(resource, await parts.tree.byId(resource.parentID));
}

/** arp: not the match itself, but the resource at this path below it, where there is one. */
async function relativeTo(
  resource: Resource,
  relativePath: string | undefined,
  parts: CseParts,
): Promise<Resource | undefined> {
  if (relativePath === undefined) return resource;
  const segments = relativePath.split('/').filter((segment) => segment !== '');
  const last = segments.at(-1);
  if (last === 'la' || last === 'ol') {
    const container = await parts.tree.byPath([resource.path, ...segments.slice(0, -1)].join('/'));
    const which = last === 'la' ? 'latest' : 'oldest';
    return container && parts.tree.edge(container.resourceID, resourceTypes.CONTENT_INSTANCE, which, parts.clock.now());
  }
  const found = await parts.tree.byPath([resource.path, ...segments].join('/'));
  return found && (await parts.tree.hasEnded(found, parts.clock.now())) ? undefined : found;
}

function mayDiscover(resource: Resource, request: ArrivedRequest, parts: CseParts): Promise<boolean> {
  return parts.access.isAllowed({
    originator: request.originator,
    operation: privilege.DISCOVERY,
    resource,
    sender: request.primitive.sender,
  });
}

function depthOf({ path }: Resource): number {
  let depth = 0;
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) depth += 1;
  return depth;
}
