/** UPDATE (TS-0001 10.1.4, TS-0004 7.3.3). */
import type { JsonObject } from '../../onem2m/primitive.ts';
import type { Attributes, Resource, ResourceInternals } from '../../onem2m/resource.ts';
import { statusCodes } from '../../onem2m/status-codes.ts';
import { privilege } from '../access-control.ts';
import { resultContentOf } from '../arrival.ts';
import type { Answer, ArrivedRequest, Behaviour, Update } from '../behaviour.ts';
import type { ChangeSet } from '../change-set.ts';
import { objectOf } from '../json-values.ts';
import type { CseParts } from '../parts.ts';
import { Refused, refusedBy } from '../refused.ts';
import { changedContent } from '../result-content.ts';
import { findTarget, notFound } from '../target.ts';
import { requesterOf, requireMatch, requirePrivilege } from './common.ts';
import { requireFuture, requirePolicies } from './create.ts';

export async function update(request: ArrivedRequest, parts: CseParts): Promise<Answer> {
  const target = await findTarget(request, parts);
  if ('answer' in target) return target.answer;
  const { resource } = target;
  const sent = objectOf(Object.values(objectOf(request.primitive.content))[0]);
  // TS-0001 9.6.1.3.2: the policies themselves say who may replace them
  await requirePrivilege(request, resource, privilege.UPDATE, parts, { changesPolicies: 'acpi' in sent });
  requireMatch(request, resource, parts);
  const behaviour = parts.behaviours.get(resource.resourceType) ?? {};
  const checked = parts.vocabulary.checkUpdate(resource, request.primitive.content);
  if (!checked.ok) throw refusedBy(checked.refusal);
  const patch = checked.value;
  await requirePolicies(patch['accessControlPolicyIDs'], parts);
  requireFuture(patch['expirationTime'], parts);
  await behaviour.validateUpdate?.({ request, resource, patch }, parts);
  const performed = await behaviour.perform?.({ request, resource, patch }, parts);
  if (performed) return performed;

  const internal = await updateOnDevice(resource, patch, request, parts);
  if (internal === 'done') {
    const after = await parts.tree.byId(resource.resourceID);
    if (!after) throw notFound(request.primitive.to);
    return answerFor(resource, after, sent, request, parts);
  }
  return parts.turns.take(resource.resourceID, async () => {
    const done = await parts.change((changes) =>
      collect({ request, resource, patch }, internal, behaviour, changes, parts),
    );
    if ('responseStatusCode' in done) return done;
    // The upkeep of the type may have changed more than was asked for.
    const after = parts.tree.peek(done.after.resourceID) ?? done.after;
    return answerFor(done.before, after, sent, request, parts);
  });
}

function answerFor(
  before: Resource,
  after: Resource,
  sent: JsonObject,
  request: ArrivedRequest,
  parts: CseParts,
): Answer {
  const content = changedContent(resultContentOf(request.primitive), before, after, sent, parts.vocabulary);
  return { responseStatusCode: statusCodes.UPDATED, ...(content === undefined ? {} : { content }) };
}

/** What is to be stored with the patch, where the device has no part in it. Throws Refused. */
async function updateOnDevice(
  resource: Resource,
  patch: Attributes,
  request: ArrivedRequest,
  parts: CseParts,
): Promise<'done' | ResourceInternals | undefined> {
  if (!parts.managedObjects || !resource.internal.binding) return undefined;
  const reply = await parts.managedObjects.update(resource, patch, requesterOf(request));
  if (!reply) return undefined;
  if (!reply.done) throw new Refused(reply.responseStatusCode, reply.explanation);
  return reply.done === 'locally' ? reply.internal : 'done';
}

async function collect(
  checked: Update,
  planned: ResourceInternals | undefined,
  behaviour: Behaviour,
  changes: ChangeSet,
  parts: CseParts,
): Promise<Answer | { before: Resource; after: Resource }> {
  const { request } = checked;
  const resource = await parts.tree.byId(checked.resource.resourceID);
  if (!resource) throw notFound(request.primitive.to);
  const patch = { ...checked.patch };
  const update: Update = { request, resource, patch };
  const answer = await behaviour.beforeUpdate?.(update, parts);
  if (answer) return answer;
  // The parent caps the expiration time; the set of changes takes it from the cache.
  if ('expirationTime' in patch) await parts.tree.byId(resource.parentID);
  // An update before this one may have left something to remember, too.
  const internal =
    planned && resource.version !== checked.resource.version
      ? await updateOnDevice(resource, checked.patch, request, parts)
      : planned;
  if (internal === 'done') return { before: checked.resource, after: resource };
  const kept = update.internal ? { ...update.internal, ...internal } : internal;
  const after = changes.update(resource, patch, kept, { requested: true });
  await request.mark?.(changes, { responseStatusCode: statusCodes.UPDATED, resourceID: resource.resourceID });
  return { before: resource, after };
}
