/**
 * <mgmtCmd> (TS-0001 9.6.16, TS-0004 7.4.16). An UPDATE that holds execEnable carries the command out, whatever its value: its
 * other attributes are stored first, in the commit that makes the <execInstance>.
 */
import { enumerations } from '../../onem2m/enumerations.ts';
import { ResultContent } from '../../onem2m/primitive.ts';
import { resourceTypes } from '../../onem2m/resource-types.ts';
import type { Attributes, Resource } from '../../onem2m/resource.ts';
import { statusCodes } from '../../onem2m/status-codes.ts';
import type { ExecutionStart } from '../../management/commands.ts';
import type { Changes } from '../../management/resource-side.ts';
import { privilege } from '../access-control.ts';
import { resultContentOf } from '../arrival.ts';
import type { Answer, ArrivedRequest, Behaviour, Update } from '../behaviour.ts';
import {
  requireFittingArguments,
  requireFittingMode,
  targetOf,
  withoutSecrets,
  withSecrets,
} from '../command-arguments.ts';
import { executionAttributes, labelsAfter, operationOfExecution } from '../executions.ts';
import { newResourceID } from '../identifiers.ts';
import { objectOf } from '../json-values.ts';
import { requesterOf, requirePrivilege } from '../operations/common.ts';
import type { CseParts } from '../parts.ts';
import { Refused } from '../refused.ts';
import { addressOf, changedContent } from '../result-content.ts';

export const managementCommand: Behaviour = {
  async validateCreate({ attributes }, parts) {
    requireFittingArguments(attributes, parts);
    requireFittingMode(attributes);
    await targetOf(attributes, parts);
  },

  beforeCreate({ attributes, internal }) {
    if (attributes['execReqArgs'] === undefined) return;
    const hidden = withoutSecrets(attributes['execReqArgs']);
    attributes['execReqArgs'] = hidden.shown;
    Object.assign(internal, hidden.internal);
  },

  async validateUpdate({ resource, patch }, parts) {
    const attributes = { ...resource.attributes, ...patch };
    // A password that was given is kept apart, and is an argument all the same.
    const given = 'execReqArgs' in patch ? {} : resource.internal;
    requireFittingArguments(
      { ...attributes, execReqArgs: withSecrets(attributes['execReqArgs'], given) ?? null },
      parts,
    );
    requireFittingMode(attributes);
    if ('execTarget' in patch) await targetOf(attributes, parts);
    if (!('execEnable' in patch)) await requireNoExecutions(resource, patch, parts);
  },

  beforeUpdate(update) {
    hideSecrets(update);
  },

  async perform(update, parts) {
    return 'execEnable' in update.patch ? execute(update, parts) : undefined;
  },

  async beforeDelete(resource, request, parts) {
    let refused: Refused | undefined;
    for await (const page of parts.tree.childPages(resource.resourceID)) {
      for (const child of page) {
        if (child.resourceType !== resourceTypes.EXEC_INSTANCE) continue;
        // One that cannot be stopped is no reason to let the others go on.
        refused = (await refusalToStop(child, request, parts)) ?? refused;
      }
    }
    if (refused) throw refused;
  },
};

/** Stops an execution before it is deleted; one that is over needs nothing. 6026, 6029: it stays. */
export async function refusalToStop(
  instance: Resource,
  request: ArrivedRequest,
  parts: CseParts,
): Promise<Refused | undefined> {
  const operation = operationOfExecution(instance);
  const commands = parts.managedObjects?.commands;
  if (operation === undefined || !commands) return undefined;
  const reply = await commands.cancelExecution(operation, requesterOf(request));
  if (reply.done !== false || reply.responseStatusCode === statusCodes.ALREADY_COMPLETE) return undefined;
  return new Refused(reply.responseStatusCode, `'${instance.path}' is not deleted: ${reply.explanation}`);
}

function hideSecrets(update: Update): void {
  if (!('execReqArgs' in update.patch)) return;
  const { shown, internal } = withoutSecrets(update.patch['execReqArgs']);
  update.patch['execReqArgs'] = shown;
  update.internal = { ...update.internal, ...internal };
}

/** TS-0004 7.4.16.2.3: what an execution has a copy of is not changed under it. */
async function requireNoExecutions(resource: Resource, patch: Attributes, parts: CseParts): Promise<void> {
  const changed = ['execTarget', 'execMode'].find((name) => name in patch && patch[name] !== resource.attributes[name]);
  if (changed === undefined) return;
  for await (const page of parts.tree.childPages(resource.resourceID)) {
    const execution = page.find(({ resourceType }) => resourceType === resourceTypes.EXEC_INSTANCE);
    if (!execution) continue;
    throw new Refused(
      statusCodes.OPERATION_NOT_ALLOWED,
      `${changed} of '${resource.path}' cannot be changed while it has executions such as '${execution.path}'; delete them first, or make another <mgmtCmd>`,
    );
  }
}

async function execute(update: Update, parts: CseParts): Promise<Answer> {
  const { request, resource } = update;
  const attributes = { ...resource.attributes, ...update.patch };
  requireImmediate(attributes);
  const node = await targetOf(attributes, parts);
  // Whoever may make commands must not thereby command every device.
  await requirePrivilege(request, node, privilege.UPDATE, parts);
  const commands = parts.managedObjects?.commands;
  if (!commands)
    throw new Refused(statusCodes.NOT_IMPLEMENTED, 'this gateway has no device management; nothing was sent');

  const made: { instance?: Resource; command?: Resource } = {};
  const instance = newResourceID('m2m:exin');
  const make = async (start: ExecutionStart): Promise<Changes | undefined> => {
    const current = await parts.tree.byId(resource.resourceID);
    if (!current) return undefined;
    const changes = parts.tree.changes();
    const now: Update = { request, resource: current, patch: { ...update.patch } };
    hideSecrets(now);
    if ('expirationTime' in now.patch) await parts.tree.byId(current.parentID);
    made.command = changes.update(current, now.patch, now.internal, { requested: true });
    const labels = start.outcome && labelsAfter(undefined, start.outcome);
    made.instance = changes.create({
      parent: made.command,
      resourceType: resourceTypes.EXEC_INSTANCE,
      resourceID: instance,
      attributes: {
        ...executionAttributes(made.command.attributes, node, start.patch),
        ...(labels ? { labels } : {}),
      },
      internal: {
        createdBy: request.originator,
        ...(start.operation === undefined ? {} : { operation: start.operation }),
      },
    });
    await request.mark?.(changes, { responseStatusCode: statusCodes.UPDATED, resourceID: resource.resourceID });
    return changes.build();
  };
  const given = withSecrets(attributes['execReqArgs'], 'execReqArgs' in update.patch ? {} : resource.internal);
  const reply = await commands.execute(
    {
      node: node.resourceID,
      cmdType: Number(attributes['cmdType']),
      arguments: given,
      instance,
      expiresAt: expirationOf(request, parts),
    },
    make,
    requesterOf(request),
  );
  if (reply.done === false) {
    const where = made.instance ? `; '${made.instance.path}' keeps it` : '';
    throw new Refused(reply.responseStatusCode, `${reply.explanation}${where}`);
  }
  return answerFor(update, made, parts);
}

/** Until when it may wait for its device: as long as the request says, or as long as a non-blocking one would. */
function expirationOf({ primitive, expiresAt }: ArrivedRequest, parts: CseParts): number {
  if (primitive.requestExpirationTimestamp !== undefined) return expiresAt;
  return Math.max(expiresAt, parts.clock.now() + parts.settings.defaultNonBlockingExpiration);
}

function requireImmediate(attributes: Attributes): void {
  const mode = attributes['execMode'] ?? enumerations.execModeType.IMMEDIATEONCE;
  if (mode === enumerations.execModeType.IMMEDIATEONCE) return;
  throw new Refused(
    statusCodes.NOT_IMPLEMENTED,
    `execMode 'exm' ${String(mode)} is stored and not carried out by this gateway; set it to 1 (IMMEDIATEONCE)`,
  );
}

/** The address of the execution, as TS-0001 10.2.8.18 wants it; a Result Content that is asked for goes before it. */
function answerFor(
  { request, resource }: Update,
  made: { instance?: Resource; command?: Resource },
  parts: CseParts,
): Answer {
  const { primitive } = request;
  const answer = { responseStatusCode: statusCodes.UPDATED };
  if (primitive.resultContent === undefined) {
    return made.instance ? { ...answer, content: { 'm2m:uril': [addressOf(made.instance, primitive)] } } : answer;
  }
  const after = parts.tree.peek(resource.resourceID) ?? made.command;
  if (!after || primitive.resultContent === ResultContent.NOTHING) return answer;
  const sent = objectOf(Object.values(objectOf(primitive.content))[0]);
  const content = changedContent(resultContentOf(primitive), resource, after, sent, parts.vocabulary);
  return content === undefined ? answer : { ...answer, content };
}
