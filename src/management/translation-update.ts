/** From a patch of attributes to steps: plain writes first, then triggers (TS-0004 7.4.15.2.4). */
import type { Json } from '../onem2m/primitive.ts';
import { ConversionFailure } from './conversions.ts';
import type {
  AttributeMapping,
  AttributeReference,
  Mapping,
  Reference,
  Row,
  Technology,
  UnknownOutcome,
} from './mapping-types.ts';
import { resourcePath } from './object-paths.ts';
import type { Assignment, Evidence, Step, Target, Value } from './operation.ts';
import type { AttributePatch } from './resource-side.ts';
import { legOf, noLinks } from './translation-values.ts';
import type { LinkResolver, TranslatedObject } from './translation-values.ts';
import { assignmentsFor, isWritable, ObjectMissing } from './translation-writes.ts';

/** Nothing was planned; `explanation` is the `m2m:dbg` sentence. */
export interface Refused {
  ok: false;
  /** 4000 BAD_REQUEST, 4005 OPERATION_NOT_ALLOWED, 5001 NOT_IMPLEMENTED, 6005 EXTERNAL_OBJECT_NOT_FOUND */
  responseStatusCode: number;
  explanation: string;
}

export interface UpdateOptions {
  /** Inputs of triggers that earlier updates left, by attribute name. */
  inputs?: AttributePatch;
  links?: LinkResolver;
}

export interface UpdatePlan {
  ok: true;
  /** Attributes that the CSE keeps (some of them are inputs of a trigger as well). */
  held: AttributePatch;
  /** Attributes that are inputs of a trigger: to be kept until a trigger uses them. */
  inputs: AttributePatch;
  /** Attributes as they are once `steps` succeeded. */
  written: AttributePatch;
  /** Plain writes, before the triggers. */
  steps: Step[];
  /** False: the writes may not be sent twice. */
  repeatable: boolean;
  /** In the order of the standard's table. */
  triggers: TriggerPlan[];
  /** Triggers written false: nothing to do. */
  ignored: string[];
}

export interface TriggerPlan {
  attribute: string;
  /** Present: answered when the device accepted it. Absent: settled by the answer to its steps. */
  procedure?: string;
  steps: Step[];
  repeatable: boolean;
  evidence?: Evidence;
  /** Status attribute, set by `actionStatus`. */
  reports?: string;
  /** A second trigger of the object while this one runs. */
  whileRunning: 'CONFLICT' | 'ALLOWED';
  /** Attributes whose values went into it; kept inputs of these names are used up. */
  inputsUsed: string[];
  /** To be read again after success. */
  refresh: AttributeReference[];
}

/**
 * Plans an UPDATE by an AE. Attributes that the mapping does not know (labels, description …) are held. Nothing is planned
 * when any of them is refused: 4005 read-only on the device, 4000 a value that cannot be said or triggers that exclude each
 * other, 5001 not on this leg, 6005 the device lacks the object.
 */
export function planUpdate(
  mapping: Mapping,
  object: TranslatedObject,
  patch: AttributePatch,
  options: UpdateOptions = {},
): UpdatePlan | Refused {
  const plan: UpdatePlan = {
    ok: true,
    held: {},
    inputs: {},
    written: {},
    steps: [],
    repeatable: true,
    triggers: [],
    ignored: [],
  };
  const technology = legOf(object.technology);
  const pulled: string[] = [];
  for (const [name, value] of inOrder(mapping, patch)) {
    const attribute = mapping.attributes.get(name);
    if (!attribute || !technology) {
      plan.held[name] = value;
      continue;
    }
    if (attribute.trigger) {
      if (value === true) pulled.push(name);
      else plan.ignored.push(name);
      continue;
    }
    const refusal = planAttribute(
      value,
      { mapping, attribute, technology, object, links: options.links ?? noLinks },
      plan,
    );
    if (refusal) return refusal;
  }
  return technology
    ? planTriggers(pulled, { mapping, technology, object, patch, plan, kept: options.inputs ?? {} })
    : plan;
}

/** Value of a status attribute: `{ action: 'ud', status: 3 }`; `action` = short name of the trigger. */
export function actionStatus(
  mapping: Mapping,
  trigger: string,
  status: 0 | 1 | 2 | 3,
): { action: string; status: number } {
  return { action: mapping.attributes.get(trigger)?.definition.shortName ?? trigger, status };
}

/** Long names of the triggers of a class. */
export function triggersOf(mapping: Mapping): string[] {
  return [...mapping.attributes].filter(([, attribute]) => attribute.trigger).map(([name]) => name);
}

function planAttribute(
  value: Json,
  context: {
    mapping: Mapping;
    attribute: AttributeMapping;
    technology: Technology;
    object: TranslatedObject;
    links: LinkResolver;
  },
  plan: UpdatePlan,
): Refused | undefined {
  const { attribute, technology } = context;
  const { name } = attribute.definition;
  const row = attribute.legs[technology];
  if (attribute.definition.originators === 'device') {
    return refused(4005, `${label(attribute)} is set by the device alone; leave it out of the request`);
  }
  if (row.kind === 'none') return refused(5001, `${label(attribute)} is not there on ${technology}: ${row.reason}`);
  if (row.kind === 'held' || (attribute.input && !isWritable(row))) {
    plan.held[name] = value;
    if (attribute.input) plan.inputs[name] = value;
    return undefined;
  }
  if (!isWritable(row))
    return refused(4005, `${label(attribute)} is read-only on the device; leave it out of the request`);
  if (value === null)
    return refused(4005, `${label(attribute)} is a value of the device, which cannot lose it; write another value`);
  try {
    const assignments = assignmentsFor(value, context);
    // The procedure gets it in any case: a device without a place for it need not refuse.
    addWrites(plan.steps, attribute.input ? assignments.map((one) => ({ ...one, optional: true })) : assignments, row);
  } catch (error) {
    if (error instanceof ConversionFailure) {
      // TS-0006 5: a value that cannot be converted is a BAD_REQUEST
      return refused(4000, `${label(attribute)} ${error.message}`);
    }
    if (error instanceof ObjectMissing) return refused(6005, `${label(attribute)}: ${error.message}`);
    throw error;
  }
  plan.written[name] = value;
  if (attribute.input) plan.inputs[name] = value;
  return undefined;
}

/** One step per object, in order; flags of several instances stay together in a step of their own. */
function addWrites(steps: Step[], assignments: readonly Assignment[], row: Row): void {
  if (row.kind === 'onlyOneOf') {
    steps.push({ action: 'write', assignments: [...assignments] });
    return;
  }
  for (const assignment of assignments) {
    const parent = parentOf(assignment.path);
    const step = steps.find(
      (candidate) => candidate.action === 'write' && parentOf(candidate.assignments[0]?.path ?? '') === parent,
    );
    if (step?.action === 'write') step.assignments.push(assignment);
    else steps.push({ action: 'write', assignments: [assignment] });
  }
}

interface TriggerContext {
  mapping: Mapping;
  technology: Technology;
  object: TranslatedObject;
  patch: AttributePatch;
  plan: UpdatePlan;
  kept: AttributePatch;
}

function planTriggers(pulled: readonly string[], context: TriggerContext): UpdatePlan | Refused {
  const { mapping, technology, plan } = context;
  for (const name of pulled) {
    const attribute = mapping.attributes.get(name);
    const row = attribute?.legs[technology];
    if (!attribute?.trigger || !row) continue;
    const opposed = attribute.trigger.excludes.find((other) => pulled.includes(other));
    if (opposed !== undefined) {
      const other = mapping.attributes.get(opposed);
      // TS-0004 D.3, D.9, D.10, D.11
      return refused(
        4000,
        `${label(attribute)} and ${other ? label(other) : opposed} exclude each other; set only one of them to true`,
      );
    }
    if (row.kind !== 'trigger') {
      return refused(
        5001,
        `${label(attribute)} is not there on ${technology}: ${row.kind === 'none' ? row.reason : 'nothing stands for it'}`,
      );
    }
    const trigger = planTrigger(attribute, row, context);
    if ('ok' in trigger) return trigger;
    plan.triggers.push(trigger);
  }
  if (plan.triggers.filter((trigger) => trigger.procedure !== undefined).length > 1) {
    const names = plan.triggers.map((trigger) => trigger.attribute).join(' and ');
    return refused(
      4000,
      `${names} both take their time on the device; trigger one, and the other when its status says that it is done`,
    );
  }
  // A procedure goes on after its acceptance, so it comes last.
  plan.triggers.sort((a, b) => Number(a.procedure !== undefined) - Number(b.procedure !== undefined));
  return plan;
}

function planTrigger(
  attribute: AttributeMapping,
  row: Extract<Row, { kind: 'trigger' }>,
  context: TriggerContext,
): TriggerPlan | Refused {
  const { object } = context;
  const trigger = attribute.trigger;
  if (!trigger) return refused(4000, `${label(attribute)} is no trigger`);
  const { action } = row;
  const missing = objectsOf(row).find((name) => object.objects[name] === undefined);
  if (missing !== undefined)
    return refused(6005, `${label(attribute)} needs an object of the device ("${missing}") that it does not have`);
  const inputs = action.do === 'procedure' ? inputsOf(attribute, context) : { values: {}, used: [] };
  if ('ok' in inputs) return inputs;
  const evidence = row.unknown ? evidenceOf(row.unknown, object, inputs.values) : undefined;
  return {
    attribute: attribute.definition.name,
    steps: stepsOf(row, object, inputs.values),
    repeatable: row.repeatable,
    whileRunning: trigger.conflicts ? 'CONFLICT' : 'ALLOWED',
    inputsUsed: inputs.used,
    refresh: [...trigger.refresh],
    ...(action.do === 'procedure' ? { procedure: action.procedure } : {}),
    ...(evidence ? { evidence } : {}),
    ...(trigger.reports === undefined ? {} : { reports: trigger.reports }),
  };
}

function stepsOf(
  row: Extract<Row, { kind: 'trigger' }>,
  object: TranslatedObject,
  inputs: Record<string, Value>,
): Step[] {
  const { action } = row;
  switch (action.do) {
    case 'procedure':
      return [
        { action: 'procedure', procedure: action.procedure, object: object.objects[action.object] ?? '', inputs },
      ];
    case 'execute':
      return action.targets.map((reference) => ({ action: 'execute', target: { path: pathOf(object, reference) } }));
    case 'set':
      return [
        {
          action: 'write',
          assignments: action.assignments.map(({ reference, value }) => ({
            path: pathOf(object, reference),
            type: typeof value === 'boolean' ? 'boolean' : typeof value === 'number' ? 'integer' : 'string',
            value,
          })),
        },
      ];
    case 'rpc':
      return [{ action: 'execute', target: { path: `rpc:${action.rpc}` } }];
  }
}

/**
 * An input is what this request says, else what an earlier one left, else the stored value where only the CSE has it or the
 * procedure cannot do without. A version that the device itself told is no wish.
 */
function inputsOf(
  attribute: AttributeMapping,
  { mapping, technology, object, patch, kept }: TriggerContext,
): { values: Record<string, Value>; used: string[] } | Refused {
  const trigger = attribute.trigger;
  const values: Record<string, Value> = {};
  const used: string[] = [];
  for (const [input, name] of Object.entries(trigger?.inputs ?? {})) {
    const source = mapping.attributes.get(name);
    const required = trigger?.required.includes(input) ?? false;
    const stored = required || source?.legs[technology].kind === 'held' ? object.attributes[name] : undefined;
    const value = patch[name] ?? kept[name] ?? stored;
    if (typeof value === 'string' && value !== '') {
      values[input] = value;
      used.push(name);
    } else if (required) {
      return refused(
        4000,
        `${label(attribute)} needs ${source ? label(source) : name}: write it first, or in the same request`,
      );
    }
  }
  return { values, used };
}

function evidenceOf(
  unknown: UnknownOutcome,
  object: TranslatedObject,
  inputs: Record<string, Value>,
): Evidence | undefined {
  const told: Evidence = {
    ...(unknown.restart ? { restart: true } : {}),
    ...(unknown.report === undefined ? {} : { report: true }),
  };
  const read: Record<string, Target> = {};
  for (const [name, reference] of Object.entries(unknown.read)) {
    if (object.objects[reference.object] === undefined) continue;
    read[name] = { path: pathOf(object, reference), optional: true };
  }
  const succeededWhen: Record<string, Value> = {};
  for (const [name, wanted] of Object.entries(unknown.succeededWhen ?? {})) {
    const value = typeof wanted === 'string' && wanted.startsWith('$') ? inputs[wanted.slice(1)] : wanted;
    // Without the input, or without the object, values prove nothing.
    if (value === undefined || !read[name]) return unlessEmpty(told);
    succeededWhen[name] = value;
  }
  return unlessEmpty(Object.keys(succeededWhen).length > 0 ? { ...told, read, succeededWhen } : told);
}

function unlessEmpty(evidence: Evidence): Evidence | undefined {
  return Object.keys(evidence).length > 0 ? evidence : undefined;
}

function objectsOf(row: Extract<Row, { kind: 'trigger' }>): string[] {
  switch (row.action.do) {
    case 'procedure':
      return [row.action.object];
    case 'execute':
      return row.action.targets.map((reference) => reference.object);
    case 'set':
      return row.action.assignments.map(({ reference }) => reference.object);
    case 'rpc':
      return [];
  }
}

function* inOrder(mapping: Mapping, patch: AttributePatch): Iterable<[string, Json]> {
  for (const name of mapping.attributes.keys()) {
    const value = patch[name];
    if (value !== undefined) yield [name, value];
  }
  for (const [name, value] of Object.entries(patch)) if (!mapping.attributes.has(name)) yield [name, value];
}

function pathOf(object: TranslatedObject, reference: Reference): string {
  return resourcePath(object.objects[reference.object] ?? '', reference.resource);
}

/** The object that a resource path belongs to. */
function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), path.lastIndexOf('.')) + 1);
}

/** Long and short name, as people know them: `updateStatus (uds)`. */
export function label(attribute: AttributeMapping): string {
  return `${attribute.definition.name} (${attribute.definition.shortName})`;
}

export function refused(responseStatusCode: number, explanation: string): Refused {
  return { ok: false, responseStatusCode, explanation };
}
