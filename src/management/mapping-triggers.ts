/** The half of a trigger that is the same on every leg: its procedure, inputs, status and opposites. */
import type { ClassNames, Report } from './mapping-references.ts';
import type { AttributeTree, ClassTree } from './mapping-tree.ts';
import type { AttributeReference, TriggerMapping } from './mapping-types.ts';

/** Undefined: the attribute is no trigger. */
export function compileTrigger(
  name: string,
  tree: AttributeTree,
  owner: ClassTree,
  classes: ClassNames,
  report: Report,
): TriggerMapping | undefined {
  if (!tree.trigger) {
    for (const key of ['procedure', 'inputs', 'required', 'reports', 'whileRunning', 'excludes', 'then'] as const) {
      if (tree[key] !== undefined) report([key], `"${key}" belongs to a trigger; "${name}" is none`);
    }
    return undefined;
  }
  const inputs = tree.inputs ?? {};
  for (const [input, attribute] of Object.entries(inputs)) {
    if (!owner.attributes[attribute]) report(['inputs', input], `the class has no attribute "${attribute}"`);
  }
  for (const input of tree.required ?? []) {
    if (!inputs[input]) report(['required'], `"${input}" is none of the inputs: ${Object.keys(inputs).join(', ')}`);
  }
  if (tree.reports !== undefined && owner.attributes[tree.reports]?.type !== 'actionStatus') {
    report(['reports'], `"${tree.reports}" is no attribute of type actionStatus of this class`);
  }
  for (const other of tree.excludes ?? []) {
    if (!owner.attributes[other]?.trigger) report(['excludes'], `"${other}" is no trigger of this class`);
  }
  const refresh = (tree.then?.refresh ?? []).map((text) => attributeReference(text, owner, classes, report));
  return {
    inputs,
    required: tree.required ?? [],
    conflicts: tree.whileRunning === 'CONFLICT',
    excludes: tree.excludes ?? [],
    refresh,
    ...(tree.procedure === undefined ? {} : { procedure: tree.procedure }),
    ...(tree.reports === undefined ? {} : { reports: tree.reports }),
  };
}

function attributeReference(text: string, owner: ClassTree, classes: ClassNames, report: Report): AttributeReference {
  const dot = text.indexOf('.');
  if (dot < 0) {
    if (!owner.attributes[text]) report(['then', 'refresh'], `the class has no attribute "${text}"`);
    return { attribute: text };
  }
  const [mapping, attribute] = [text.slice(0, dot), text.slice(dot + 1)];
  if (!classes.hasAttribute(mapping, attribute)) report(['then', 'refresh'], `there is no attribute "${text}"`);
  return { mapping, attribute };
}
