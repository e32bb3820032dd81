/**
 * What the news of an operation mean for resources: patches of attributes, notes, and what has to be read again. Pure but for
 * the question to the resource side which management objects the device has.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../onem2m/primitive.ts';
import { finishedExecution, pendingExecution } from './command-outcome.ts';
import type { Core } from './core.ts';
import { namesOf } from './operation-log.ts';
import type { DeviceId, Operation } from './operation.ts';
import type { Outcome, TargetResult } from './outcome.ts';
import { purposeOf, type TriggerPurpose, type UpdatePurpose } from './purpose.ts';
import type { AttributePatch, BoundObject, ManagementNotes } from './resource-side.ts';
import { valuesOf, type LinkResolver, type ReadValues, type TranslatedValues } from './translation.ts';

export interface Effects {
  /** Resource ID → attributes that change. */
  patches: Map<string, AttributePatch>;
  notes: Map<string, ManagementNotes>;
  /** Resource ID → attributes to read again, now that the operation is over. */
  refresh: Map<string, string[]>;
  /** The patch of the operation's own resource. */
  own: AttributePatch;
  /** Why none of the values for it could be said as an attribute; absent: some could, or there were none. */
  lost?: string[];
}

export type Moment = 'accepted' | 'settled';

export async function boundObjects(core: Core, device: DeviceId): Promise<BoundObject[]> {
  const entry = await core.devices.find(device);
  return entry ? core.resourceSide().objectsOf(entry.device) : [];
}

/** Effects of an outcome: of a whole operation, or of what an accepted one has done so far. */
export async function effectsOf(core: Core, operation: Operation, outcome: Outcome, moment: Moment): Promise<Effects> {
  const objects = await boundObjects(core, operation.device);
  const effects: Effects = { patches: new Map(), notes: new Map(), refresh: new Map(), own: {} };
  const purpose = purposeOf(operation);
  if (purpose.what === 'create' || purpose.what === 'delete') return effects;
  const links = linksFor(core, objects);
  const values = valuesOf(outcome.results);
  if (purpose.what === 'update') {
    const object = objects.find(({ resourceID }) => resourceID === operation.resource);
    if (!object) return effects;
    updateEffects(core, object, operation, purpose, outcome, moment, objects, effects);
    addPatch(effects, object, patchOf(core, object, values, links, verdictsOf(purpose)));
    effects.own = effects.patches.get(object.resourceID) ?? {};
  } else if (values.size > 0) {
    for (const object of objects) {
      const { patch, problems, isLost } = understand(core, object, values, links);
      addPatch(effects, object, patch);
      if (problems.length > 0) logProblems(core, object, problems, operation);
      if (isLost && object.resourceID === operation.resource) effects.lost = problems;
    }
    if (operation.resource !== undefined) effects.own = effects.patches.get(operation.resource) ?? {};
  }
  if (purpose.what === 'command' && operation.resource !== undefined) {
    const patch = moment === 'accepted' ? pendingExecution : finishedExecution(core.commands, outcome);
    effects.patches.set(operation.resource, patch);
    if (moment === 'settled' && outcome.status === 'succeeded') {
      for (const { resourceID, mapping, attributes } of objects) {
        if (purpose.refresh.includes(mapping)) effects.refresh.set(resourceID, Object.keys(attributes));
      }
    }
  }
  return effects;
}

/** Patches that follow from values that a device tells, for every object that they touch. */
export function patchesFromValues(core: Core, objects: BoundObject[], values: ReadValues): Map<string, AttributePatch> {
  const links = linksFor(core, objects);
  const patches = new Map<string, AttributePatch>();
  for (const object of objects) {
    const patch = patchOf(core, object, values, links);
    if (Object.keys(patch).length > 0) patches.set(object.resourceID, patch);
  }
  return patches;
}

/** Patch of one object from values; a status attribute that a procedure has set is not overwritten. */
export function patchOf(
  core: Core,
  object: BoundObject,
  values: ReadValues,
  links: LinkResolver | undefined,
  guarded: readonly string[] = [],
): AttributePatch {
  const { patch, problems } = understand(core, object, values, links, guarded);
  if (problems.length > 0) logProblems(core, object, problems);
  return patch;
}

/** As `patchOf`, with what is not understood; nothing is logged. */
export function understand(
  core: Core,
  object: BoundObject,
  values: ReadValues,
  links: LinkResolver | undefined,
  guarded: readonly string[] = [],
): TranslatedValues {
  const told = core.translator.patchFromValues(object, values, links);
  const verdicts = object.notes?.verdicts;
  for (const attribute in told.patch) {
    if (verdicts?.includes(attribute) || guarded.includes(attribute)) delete told.patch[attribute];
  }
  return told;
}

function logProblems(core: Core, object: BoundObject, problems: string[], operation?: Operation): void {
  core.log.warn(
    { ...(operation && namesOf(operation)), device: object.deviceId, resource: object.resourceID, problems },
    'values of the device are not understood',
  );
}

function linksFor(core: Core, objects: BoundObject[]): LinkResolver | undefined {
  return objects.some((object) => core.translator.hasLinks(object)) ? core.translator.linksAmong(objects) : undefined;
}

function updateEffects(
  core: Core,
  object: BoundObject,
  operation: Operation,
  purpose: UpdatePurpose,
  outcome: Outcome,
  moment: Moment,
  objects: BoundObject[],
  effects: Effects,
): void {
  const done = moment === 'accepted' || outcome.status === 'succeeded';
  const stored = operation.pending !== undefined && moment === 'settled';
  const patch: AttributePatch = {};
  if (done && !stored) Object.assign(patch, purpose.held, purpose.written);
  else if (!stored) Object.assign(patch, writtenSoFar(core, object, purpose, outcome.results));
  if (purpose.notes && done && !stored) effects.notes.set(object.resourceID, purpose.notes);
  for (const trigger of purpose.triggers) {
    const verdict = verdictOf(trigger, operation, outcome, moment);
    if (verdict === undefined) continue;
    patch[trigger.attribute] = verdict === 'running';
    if (trigger.reports !== undefined) patch[trigger.reports] = trigger[verdict];
    if (verdict === 'succeeded') addRefresh(effects, trigger, object, objects);
  }
  addPatch(effects, object, patch);
}

/** How a trigger stands; undefined = it was not reached, or nothing was sent. */
function verdictOf(
  trigger: TriggerPurpose,
  operation: Operation,
  outcome: Outcome,
  moment: Moment,
): 'running' | 'succeeded' | 'failed' | undefined {
  const isLast = trigger.steps[1] === operation.steps.length;
  // What was accepted is the last step. A plain trigger without a status has nothing that could say more.
  if (moment === 'accepted')
    return isLast && (trigger.procedure ?? trigger.reports) !== undefined ? 'running' : 'succeeded';
  switch (outcome.status) {
    case 'succeeded':
      return 'succeeded';
    case 'withdrawn':
    case 'expired':
      return undefined;
    case 'failed':
    case 'unknown':
    case 'cancelled': {
      if (operation.dispatchedAt === undefined) return undefined;
      const failedStep = operation.pending === undefined ? (outcome.failedStep ?? 0) : operation.steps.length - 1;
      if (failedStep >= trigger.steps[1]) return 'succeeded';
      return failedStep >= trigger.steps[0] ? 'failed' : undefined;
    }
  }
}

/** Attributes whose writes were done although a later step failed. */
function writtenSoFar(
  core: Core,
  object: BoundObject,
  purpose: UpdatePurpose,
  results: readonly TargetResult[],
): AttributePatch {
  const paths = results.filter((result) => 'done' in result).map(({ path }) => path);
  if (paths.length === 0) return {};
  const touched = core.translator.attributesTouchedBy(object, paths);
  const entries = touched
    .filter((attribute) => attribute in purpose.written)
    .map((attribute): [string, Json] => [attribute, purpose.written[attribute]!]);
  return Object.fromEntries(entries);
}

function verdictsOf(purpose: UpdatePurpose): string[] {
  return purpose.triggers.flatMap(({ reports }) => (reports === undefined ? [] : [reports]));
}

function addRefresh(effects: Effects, trigger: TriggerPurpose, own: BoundObject, objects: BoundObject[]): void {
  for (const { mapping, attribute } of trigger.refresh) {
    const targets = mapping === undefined ? [own] : objects.filter((object) => object.mapping === mapping);
    for (const { resourceID } of targets) {
      effects.refresh.set(resourceID, [...(effects.refresh.get(resourceID) ?? []), attribute]);
    }
  }
}

/** Keeps what differs from the resource as it is. */
function addPatch(effects: Effects, object: BoundObject, patch: AttributePatch): void {
  const changed = effects.patches.get(object.resourceID) ?? {};
  for (const [attribute, value] of Object.entries(patch)) {
    if (isDeepStrictEqual(object.attributes[attribute] ?? null, value)) delete changed[attribute];
    else changed[attribute] = value;
  }
  if (Object.keys(changed).length > 0) effects.patches.set(object.resourceID, changed);
  else effects.patches.delete(object.resourceID);
}
