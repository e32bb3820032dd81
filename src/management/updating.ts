/** Writes and triggers: one request is one operation, plain attributes before triggers (TS-0004 7.4.15.2.4). */
import { isDeepStrictEqual } from 'node:util';
import { statusCodes } from '../onem2m/status-codes.ts';
import type { Core } from './core.ts';
import { operationFor } from './drafts.ts';
import { boundObjects } from './effects.ts';
import type { Reply, Requester } from './facade.ts';
import type { Operation, Step } from './operation.ts';
import type { TriggerPurpose, UpdatePurpose } from './purpose.ts';
import { admissionRefused, enterStored } from './queueing.ts';
import { refuse } from './replies.ts';
import type { AttributePatch, BoundObject, ManagementNotes } from './resource-side.ts';
import { holdKey } from './settlement.ts';
import type { LinkResolver, TriggerPlan, UpdatePlan } from './translation.ts';

export async function update(
  core: Core,
  object: BoundObject,
  patch: AttributePatch,
  requester: Requester,
): Promise<Reply> {
  const plan = core.translator.planUpdate(object, patch, {
    inputs: object.notes?.inputs ?? {},
    links: await linksOf(core, object),
  });
  if (!plan.ok) return { done: false, responseStatusCode: plan.responseStatusCode, explanation: plan.explanation };
  const triggers = procedureLast(plan.triggers);
  if (triggers.filter(({ procedure }) => procedure !== undefined).length > 1) {
    return {
      done: false,
      responseStatusCode: statusCodes.BAD_REQUEST,
      explanation: `one request may start one procedure; send ${triggers.map(({ attribute }) => attribute).join(' and ')} one after the other`,
    };
  }
  const notes = notesAfter(object, plan);
  if (plan.steps.length === 0 && triggers.length === 0) return { done: 'locally', ...(notes && { notes }) };
  const device = await core.devices.find(object.deviceId);
  const refused = admissionRefused(core, device, requester.blocking) ?? conflict(core, object, triggers);
  if (refused || !device) return refused ?? refuse('not-reachable');

  const steps: Step[] = [...plan.steps];
  const purpose: UpdatePurpose = {
    what: 'update',
    written: plan.written,
    held: plan.held,
    triggers: triggers.map((trigger) => triggerPurpose(core, object, trigger, steps)),
    notes,
  };
  if (triggers.some(({ whileRunning }) => whileRunning === 'CONFLICT')) purpose.holds = ownKey(object);
  const operation = operationFor(core, device.device, {
    kind: triggers.length > 0 ? 'trigger' : 'write',
    steps,
    repeatable: plan.repeatable && triggers.every(({ repeatable }) => repeatable),
    evidence: triggers.length === 1 ? triggers[0]!.evidence : undefined,
    resource: object.resourceID,
    purpose,
    requester: requesterOf(requester),
    expiresAt: requester.expiresAt,
    volatile: false,
  });
  return new Promise((told) => void enterStored(core, device, operation, requester, told, { holds: purpose.holds }));
}

export function requesterOf({ originator, requestIdentifier }: Requester): Operation['requester'] {
  return { originator, requestIdentifier };
}

export async function linksOf(core: Core, object: BoundObject): Promise<LinkResolver | undefined> {
  if (!core.translator.hasLinks(object)) return undefined;
  return core.translator.linksAmong(await boundObjects(core, object.deviceId));
}

function ownKey(object: BoundObject): string {
  return holdKey(object.deviceId, object.resourceID);
}

/** A second trigger of an object is refused before it is queued. */
function conflict(core: Core, object: BoundObject, triggers: TriggerPlan[]): Reply | undefined {
  if (!triggers.some(({ whileRunning }) => whileRunning === 'CONFLICT')) return undefined;
  const keys = [ownKey(object), ...Object.values(object.objects).map((path) => holdKey(object.deviceId, path))];
  for (const key of keys) {
    const holder = core.lanes.holderOf(key);
    if (!holder) continue;
    const { id, state, pending } = holder.operation;
    const progress = pending?.progress === undefined ? '' : `, ${pending.progress} %`;
    return refuse(
      'conflict',
      `operation ${id} on the same object is not over (${state}${progress}); ` +
        `wait for its outcome, or let the operator cancel it: trivet cancel ${id}`,
    );
  }
  return undefined;
}

/** Plain triggers end with the answer to them; a procedure comes last, for it leaves the lane unfinished. */
function procedureLast(triggers: TriggerPlan[]): TriggerPlan[] {
  const plain = triggers.filter(({ procedure }) => procedure === undefined);
  return [...plain, ...triggers.filter(({ procedure }) => procedure !== undefined)];
}

/** Appends the steps of the trigger to `steps`. */
function triggerPurpose(core: Core, object: BoundObject, trigger: TriggerPlan, steps: Step[]): TriggerPurpose {
  const first = steps.length;
  steps.push(...trigger.steps);
  const { attribute, procedure, reports, refresh } = trigger;
  const status = (value: 1 | 2 | 3) => core.translator.actionStatus(object, attribute, value);
  return {
    attribute,
    procedure,
    reports,
    running: status(3),
    succeeded: status(1),
    failed: status(2),
    steps: [first, steps.length],
    refresh,
  };
}

/** Notes of the resource once this is done; undefined = as they are. */
function notesAfter(object: BoundObject, plan: UpdatePlan): ManagementNotes | undefined {
  const before = object.notes ?? {};
  const inputs: AttributePatch = { ...before.inputs, ...plan.inputs };
  const verdicts = new Set(before.verdicts);
  for (const { inputsUsed, procedure, reports } of plan.triggers) {
    for (const attribute of inputsUsed) delete inputs[attribute];
    if (procedure !== undefined && reports !== undefined) verdicts.add(reports);
  }
  const after: ManagementNotes = {};
  if (Object.keys(inputs).length > 0) after.inputs = inputs;
  if (verdicts.size > 0) after.verdicts = [...verdicts];
  return isDeepStrictEqual(before, after) ? undefined : after;
}
