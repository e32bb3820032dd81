/** CREATE (TS-0001 10.1.2, TS-0004 7.3.3). */
import type { Json, JsonObject } from '../../onem2m/primitive.ts';
import { withArticle } from '../../onem2m/nearest-name.ts';
import type { Resource } from '../../onem2m/resource.ts';
import { absentResourceTypes, resourceTypes } from '../../onem2m/resource-types.ts';
import { statusCodes } from '../../onem2m/status-codes.ts';
import { parseTimestamp } from '../../onem2m/timestamp.ts';
import { privilege } from '../access-control.ts';
import { resultContentOf } from '../arrival.ts';
import type { Answer, ArrivedRequest, Behaviour, Creation } from '../behaviour.ts';
import type { ChangeSet } from '../change-set.ts';
import { objectOf, stringsOf } from '../json-values.ts';
import type { CseParts } from '../parts.ts';
import { Refused, refusedBy } from '../refused.ts';
import { changedContent } from '../result-content.ts';
import { isTaken } from '../removal.ts';
import { findTarget, notFound } from '../target.ts';
import { requesterOf, requirePrivilege } from './common.ts';

export async function create(request: ArrivedRequest, parts: CseParts): Promise<Answer> {
  const target = await findTarget(request, parts);
  if ('answer' in target) return target.answer;
  const { resource: parent, virtual } = target;
  if (virtual) {
    throw new Refused(
      statusCodes.OPERATION_NOT_ALLOWED,
      `'${request.primitive.to}' takes no children; create below '${parent.path}'`,
    );
  }
  const resourceType = request.primitive.resourceType ?? 0;
  // An AE that registers has no rights yet; its registration is checked instead (TS-0001 10.2.2.2).
  if (resourceType !== resourceTypes.AE) {
    await requirePrivilege(request, parent, privilege.CREATE, parts, { childResourceType: resourceType });
  }
  const behaviour = behaviourOf(resourceType, parent, parts);
  const creation = readContent(resourceType, parent, request, parts);
  await requirePolicies(creation.attributes['accessControlPolicyIDs'], parts);
  requireFuture(creation.attributes['expirationTime'], parts);
  await behaviour.validateCreate?.(creation, parts);
  await requireFreeName(creation, parts);

  const managed = await createOnDevice(creation, parts);
  const made = managed ?? (await perform(creation, behaviour, parts));
  if (!('resourceID' in made)) return made;
  const sent = objectOf(Object.values(objectOf(request.primitive.content))[0]);
  return answerFor(made, sent, request, parts);
}

function answerFor(made: Resource, sent: JsonObject, request: ArrivedRequest, parts: CseParts): Answer {
  const content = changedContent(resultContentOf(request.primitive), undefined, made, sent, parts.vocabulary);
  return {
    responseStatusCode: statusCodes.CREATED,
    ...(content === undefined ? {} : { content }),
    createdAt: made.path,
  };
}

/** Throws Refused: 4000, 4108, 5001, 5203. */
function behaviourOf(resourceType: number, parent: Resource, parts: CseParts): Behaviour {
  const absent = absentResourceTypes.get(resourceType);
  const behaviour = parts.behaviours.get(resourceType);
  const known = parts.vocabulary.resourceTypes.find((definition) => definition.resourceType === resourceType);
  if (absent !== undefined || (known && !behaviour)) {
    throw new Refused(
      statusCodes.NOT_IMPLEMENTED,
      `the resource type ${resourceType} (${absent ?? known?.name}) is not implemented by this gateway`,
    );
  }
  if (!known || !behaviour) {
    throw new Refused(
      statusCodes.BAD_REQUEST,
      `there is no resource type ${resourceType}; 'ty' is the number of one, e.g. 2 for an AE`,
    );
  }
  const parentDefinition = parts.vocabulary.definitionOf(parent.resourceType, parent.mgmtDefinition);
  if (known.notAllowed?.includes('create') || parentDefinition?.children.includes(resourceType)) return behaviour;
  if (resourceType === resourceTypes.SUBSCRIPTION) return behaviour;
  throw new Refused(
    statusCodes.INVALID_CHILD_RESOURCE_TYPE,
    `${withArticle(resourceType === resourceTypes.MGMT_OBJ ? 'mgmtObj' : known.name)} cannot be created below ` +
      `${withArticle(parentDefinition?.name ?? 'resource of this type')} ('${parent.path}')`,
  );
}

function readContent(resourceType: number, parent: Resource, request: ArrivedRequest, parts: CseParts): Creation {
  const checked = parts.vocabulary.checkCreate(
    resourceType,
    request.primitive.content,
    request.primitive.releaseVersionIndicator,
  );
  if (!checked.ok) throw refusedBy(checked.refusal);
  const { definition, requestedName, attributes } = checked.value;
  // TS-0001 9.6.1.3.2: a null asks to be recorded
  if (attributes['creator'] === null) attributes['creator'] = request.originator;
  return {
    request,
    parent,
    definition,
    ...(requestedName === undefined ? {} : { resourceName: requestedName }),
    attributes,
    internal: { createdBy: request.originator },
  };
}

/** A policy that is not there would silently lock everybody out. */
export async function requirePolicies(references: Json | undefined, parts: CseParts): Promise<void> {
  for (const reference of stringsOf(references)) {
    const policy = await parts.tree.resolve(reference);
    if (policy?.resourceType === resourceTypes.ACCESS_CONTROL_POLICY) continue;
    throw new Refused(
      statusCodes.BAD_REQUEST,
      `accessControlPolicyIDs 'acpi' names '${reference}', which is no accessControlPolicy here; create it first`,
    );
  }
}

export function requireFuture(expirationTime: Json | undefined, parts: CseParts): void {
  if (typeof expirationTime !== 'string') return;
  const at = parseTimestamp(expirationTime);
  if (at !== undefined && at > parts.clock.now()) return;
  throw new Refused(
    statusCodes.BAD_REQUEST,
    `expirationTime 'et' ${expirationTime} has passed; choose a later one, in UTC`,
  );
}

async function requireFreeName({ resourceName, parent }: Creation, parts: CseParts): Promise<void> {
  if (resourceName === undefined) return;
  const path = `${parent.path}/${resourceName}`;
  if (!(await isTaken(await parts.tree.byPath(path), parts))) return;
  throw new Refused(
    statusCodes.CONFLICT,
    `there is a resource '${path}' already; choose another name 'rn' or update that one`,
  );
}

/** TS-0004 7.3.4: the device first; when it refuses, nothing has changed here. */
async function createOnDevice(creation: Creation, parts: CseParts): Promise<Resource | undefined> {
  const { parent, definition, attributes, request } = creation;
  if (!parts.managedObjects || !parent.internal.binding || definition.resourceType !== resourceTypes.MGMT_OBJ) {
    return undefined;
  }
  const reply = await parts.managedObjects.create(parent, definition, attributes, requesterOf(request));
  if (!reply) return undefined;
  if (!reply.done) throw new Refused(reply.responseStatusCode, reply.explanation);
  if ('resourceID' in reply) {
    const resource = await parts.tree.byId(reply.resourceID);
    if (!resource) throw new Error(`the resource ${reply.resourceID} made for the device is not there`);
    return resource;
  }
  Object.assign(creation.attributes, reply.attributes);
  if (reply.binding) creation.internal.binding = reply.binding;
  return undefined;
}

function perform(creation: Creation, behaviour: Behaviour, parts: CseParts): Promise<Resource | Answer> {
  const run = (): Promise<Resource | Answer> => parts.change((changes) => collect(creation, behaviour, changes, parts));
  return parts.behaviours.get(creation.parent.resourceType)?.childrenTakeTurns
    ? parts.turns.take(creation.parent.resourceID, run)
    : run();
}

async function collect(
  checked: Creation,
  behaviour: Behaviour,
  changes: ChangeSet,
  parts: CseParts,
): Promise<Resource | Answer> {
  const parent = await parts.tree.byId(checked.parent.resourceID);
  if (!parent) throw notFound(checked.request.primitive.to);
  const creation: Creation = {
    ...checked,
    parent,
    attributes: { ...checked.attributes },
    internal: { ...checked.internal },
  };
  const answer = await behaviour.beforeCreate?.(creation, parts);
  if (answer) return answer;
  await requireFreeName(creation, parts);
  const { expirationTime, ...attributes } = creation.attributes;
  const created = changes.create({
    parent,
    resourceType: creation.definition.resourceType,
    ...(creation.definition.mgmtDefinition === undefined ? {} : { mgmtDefinition: creation.definition.mgmtDefinition }),
    ...(creation.resourceName === undefined ? {} : { resourceName: creation.resourceName }),
    ...(creation.resourceID === undefined ? {} : { resourceID: creation.resourceID }),
    attributes,
    ...(typeof expirationTime === 'string' ? { expirationTime } : {}),
    internal: creation.internal,
  });
  await creation.request.mark?.(changes, { responseStatusCode: statusCodes.CREATED, resourceID: created.resourceID });
  return created;
}
