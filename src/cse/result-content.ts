/** What a response carries: the resource, its children nested or as references (TS-0004 7.5.2, TS-0001 8.1.2). */
import { Operation, ResultContent } from '../onem2m/primitive.ts';
import type { FilterCriteria, Json, JsonObject, RequestPrimitive } from '../onem2m/primitive.ts';
import type { Resource } from '../onem2m/resource.ts';
import { resourceTypes } from '../onem2m/resource-types.ts';
import { statusCodes } from '../onem2m/status-codes.ts';
import type { Vocabulary } from '../onem2m/vocabulary.ts';
import { privilege } from './access-control.ts';
import type { Answer, ArrivedRequest } from './behaviour.ts';
import { compileCriteria } from './criteria.ts';
import type { CseParts } from './parts.ts';
import { Refused } from './refused.ts';
import { isHiddenInstance } from './resources/container.ts';
import { hasExpired } from './resource-row.ts';

export function rootOf(resource: Resource, vocabulary: Vocabulary): string {
  return (
    vocabulary.definitionOf(resource.resourceType, resource.mgmtDefinition)?.root ?? `m2m:${resource.resourceType}`
  );
}

export function attributesOf(resource: Resource, vocabulary: Vocabulary, only?: string[]): JsonObject {
  return { [rootOf(resource, vocabulary)]: vocabulary.toWire(resource, only) };
}

export function serialize(resource: Resource, vocabulary: Vocabulary): string {
  return JSON.stringify(attributesOf(resource, vocabulary));
}

/** Structured by default, unstructured with Desired Identifier Result Type 2. */
export function addressOf(resource: Resource, primitive: RequestPrimitive): string {
  return primitive.desiredIdentifierResultType === 2 ? resource.resourceID : resource.path;
}

/** Result of a CREATE or UPDATE. `sent`: the members of its content. */
export function changedContent(
  resultContent: ResultContent,
  before: Resource | undefined,
  after: Resource,
  sent: JsonObject,
  vocabulary: Vocabulary,
): Json | undefined {
  switch (resultContent) {
    case ResultContent.NOTHING:
      return undefined;
    case ResultContent.HIERARCHICAL_ADDRESS:
      return { 'm2m:uri': after.path };
    case ResultContent.HIERARCHICAL_ADDRESS_AND_ATTRIBUTES:
      return { 'm2m:rce': { ...attributesOf(after, vocabulary), uri: after.path } };
    case ResultContent.MODIFIED_ATTRIBUTES:
      return { [rootOf(after, vocabulary)]: modifiedBeyond(before, after, sent, vocabulary) };
    default:
      return attributesOf(after, vocabulary);
  }
}

/** Attributes that the CSE set or changed beyond what was asked for; null: it removed them. */
function modifiedBeyond(
  before: Resource | undefined,
  after: Resource,
  sent: JsonObject,
  vocabulary: Vocabulary,
): JsonObject {
  const was = before ? vocabulary.toWire(before) : {};
  const is = vocabulary.toWire(after);
  const modified: JsonObject = {};
  for (const [name, value] of Object.entries(is)) {
    if (!same(value, was[name]) && !same(value, sent[name])) modified[name] = value;
  }
  for (const name of Object.keys(was)) {
    if (!(name in is) && sent[name] !== null) modified[name] = null;
  }
  return modified;
}

function same(left: Json | undefined, right: Json | undefined): boolean {
  return left === right || JSON.stringify(left) === JSON.stringify(right);
}

/** Result of a RETRIEVE or DELETE with one of the Result Contents 1, 4, 5, 6 and 8. */
export async function retrievedContent(
  resultContent: ResultContent,
  resource: Resource,
  request: ArrivedRequest,
  parts: CseParts,
): Promise<Pick<Answer, 'content' | 'contentStatus' | 'contentOffset'>> {
  const { vocabulary } = parts;
  if (resultContent === ResultContent.NOTHING) return {};
  if (resultContent === ResultContent.ATTRIBUTES) return { content: attributesOf(resource, vocabulary) };
  const nested =
    resultContent === ResultContent.ATTRIBUTES_AND_CHILD_RESOURCES || resultContent === ResultContent.CHILD_RESOURCES;
  const { found, next } = await collectDescendants(resource, request, parts);
  const rest = next === undefined ? {} : { contentStatus: 1 as const, contentOffset: next };
  const own =
    resultContent === ResultContent.CHILD_RESOURCES || resultContent === ResultContent.CHILD_RESOURCE_REFERENCES
      ? {}
      : vocabulary.toWire(resource);
  const root = rootOf(resource, vocabulary);
  if (nested) return { content: { [root]: nest(own, resource, found, vocabulary) }, ...rest };
  const references = found.map(({ resource: child }) => referenceTo(child, addressOf(child, request.primitive)));
  if (resultContent === ResultContent.CHILD_RESOURCE_REFERENCES && request.primitive.operation === Operation.RETRIEVE) {
    return { content: { 'm2m:rrl': { rrf: references } }, ...rest };
  }
  return { content: { [root]: { ...own, ch: references } }, ...rest };
}

/** TS-0004 6.3.5.29 childResourceRef; `spty` tells which management object it is. */
export function referenceTo(resource: Resource, address: string): JsonObject {
  return {
    nm: resource.resourceName,
    typ: resource.resourceType,
    ...(resource.resourceType === resourceTypes.MGMT_OBJ && resource.mgmtDefinition !== undefined
      ? { spty: resource.mgmtDefinition }
      : {}),
    val: address,
  };
}

/** Where a list begins and how long it may be. ofst counts from 1. */
export function window(criteria: FilterCriteria | undefined, maximumResults: number): { skip: number; limit: number } {
  return {
    skip: Math.max(0, (criteria?.offset ?? 1) - 1),
    limit: Math.min(criteria?.limit ?? maximumResults, maximumResults),
  };
}

interface Descendant {
  resource: Resource;
  /** The nearest resource above it that is in the answer: what does not match leaves a gap (`?rcn=8&ty=4` on an AE). */
  holder: string;
}

/**
 * Descendants that the originator may retrieve and that match the criteria, parents before children. `next`: offset of the
 * first one left out.
 */
async function collectDescendants(
  root: Resource,
  request: ArrivedRequest,
  parts: CseParts,
): Promise<{ found: Descendant[]; next?: number }> {
  const criteria = request.primitive.filterCriteria;
  const matches = criteria && compileCriteria(criteria, parts.vocabulary);
  const { skip, limit } = window(criteria, parts.settings.maximumResults);
  const found: Descendant[] = [];
  let matched = 0;
  let level: Descendant[] = [{ resource: root, holder: root.resourceID }];
  for (let depth = 1; level.length > 0 && depth <= (criteria?.level ?? Number.POSITIVE_INFINITY); depth++) {
    const deeper: Descendant[] = [];
    for (const { resource: parent, holder } of level) {
      if (isLeaf(parent, parts.vocabulary)) continue;
      for await (const page of parts.tree.childPages(parent.resourceID)) {
        stopWhenLate(request, parts);
        for (const child of page) {
          const shown = !isHiddenInstance(child, parent) && (await isShown(child, request, parts));
          if (!shown || (matches && !matches(child))) {
            deeper.push({ resource: child, holder });
            continue;
          }
          matched += 1;
          if (matched > skip && found.length >= limit) return { found, next: skip + limit + 1 };
          if (matched > skip) found.push({ resource: child, holder });
          deeper.push({ resource: child, holder: child.resourceID });
        }
      }
    }
    level = deeper;
  }
  return { found };
}

function isLeaf(resource: Resource, vocabulary: Vocabulary): boolean {
  return vocabulary.definitionOf(resource.resourceType, resource.mgmtDefinition)?.children.length === 0;
}

async function isShown(resource: Resource, request: ArrivedRequest, parts: CseParts): Promise<boolean> {
  if (hasExpired(resource, parts.clock.now())) return false;
  return parts.access.isAllowed({
    originator: request.originator,
    operation: privilege.RETRIEVE,
    resource,
    sender: request.primitive.sender,
  });
}

/** A list that takes longer than its requester waits is of no use to anybody. */
export function stopWhenLate(request: ArrivedRequest, parts: CseParts): void {
  if (parts.clock.now() < request.expiresAt) return;
  throw new Refused(
    statusCodes.REQUEST_TIMEOUT,
    'the request expired while resources were collected; narrow it with lvl, lim or ty, or give it a later expiration',
  );
}

function nest(own: JsonObject, resource: Resource, found: Descendant[], vocabulary: Vocabulary): JsonObject {
  const contents = new Map<string, JsonObject>([[resource.resourceID, own]]);
  for (const { resource: child, holder } of found) {
    // A page that begins in the middle has children whose parents were in an earlier one.
    const parent = contents.get(holder) ?? own;
    const content = vocabulary.toWire(child);
    contents.set(child.resourceID, content);
    const root = rootOf(child, vocabulary);
    const siblings = parent[root];
    if (Array.isArray(siblings)) siblings.push(content);
    else parent[root] = [content];
  }
  return own;
}
