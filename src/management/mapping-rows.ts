/** One attribute on one leg: which kind of row it is, and that it says neither too much nor too little. */
import { conversionNamed, conversionNames } from './conversions.ts';
import { referenceFrom, unknownObject, type ClassNames, type Report } from './mapping-references.ts';
import type { AttributeTree, LegTree, SourceTree } from './mapping-tree.ts';
import type { LegObjects, LinkRow, Match, Reference, Row, Source, StatusRow, Technology } from './mapping-types.ts';
import type { TriggerAction, UnknownOutcome, ValueForm } from './mapping-types.ts';
import type { Value, ValueType } from './operation.ts';

/** Keys that go together; a row has the keys of exactly one of these shapes. */
const shapes: readonly { kind: Row['kind']; sign: (tree: LegTree) => boolean; keys: readonly (keyof LegTree)[] }[] = [
  { kind: 'held', sign: (tree) => tree.held !== undefined, keys: ['held'] },
  { kind: 'none', sign: (tree) => tree.none !== undefined, keys: ['none'] },
  { kind: 'constant', sign: (tree) => tree.constant !== undefined, keys: ['constant'] },
  { kind: 'verdict', sign: (tree) => tree.by !== undefined, keys: ['by'] },
  { kind: 'status', sign: (tree) => tree.status !== undefined, keys: ['read', 'status'] },
  { kind: 'fields', sign: (tree) => tree.fields !== undefined, keys: ['fields', 'inside'] },
  { kind: 'onlyOneOf', sign: (tree) => tree.onlyOneOf !== undefined, keys: ['onlyOneOf', 'link'] },
  {
    kind: 'value',
    sign: (tree) => tree.read !== undefined || tree.value !== undefined || tree.write !== undefined,
    keys: ['read', 'write', 'value', 'as', 'unit', 'values', 'otherwise', 'list', 'link', 'convert'],
  },
];
const triggerKeys: readonly (keyof LegTree)[] = [
  'execute',
  'set',
  'rpc',
  'object',
  'accepted',
  'repeatable',
  'unknown',
];

const factors: Readonly<Record<string, number>> = { KiB: 1024, kB: 1000, MiB: 1024 ** 2, MB: 1000 ** 2 };
const statuses: Readonly<Record<string, StatusRow['is']>> = {
  Uninitialized: 0,
  Successful: 1,
  Failure: 2,
  In_Process: 3,
  unchanged: 'unchanged',
};

export function compileRow(
  technology: Technology,
  name: string,
  tree: AttributeTree,
  leg: LegObjects,
  classes: ClassNames,
  report: Report,
): Row {
  const row = tree[technology];
  const fallback: Row = { kind: 'none', reason: 'not in the mapping file' };
  if (tree.links) {
    if (row) report([technology], 'has a row and `links`; links are the rows of a list of links');
    return { kind: 'links', links: compileLinks(technology, tree.links, leg, classes, report) };
  }
  if (!row) {
    report([], `"${name}" says nothing for ${technology}: give it a row, or \`held:\` or \`none:\` with the reason`);
    return fallback;
  }
  const at: Report = (path, problem) => report([technology, ...path], problem);
  const shape = shapes.find(({ sign }) => sign(row));
  const kind = shape?.kind ?? (tree.trigger ? 'trigger' : undefined);
  if (kind === undefined) {
    at(
      [],
      'says neither what to read nor why there is nothing: read, value, constant, fields, status, by, held or none',
    );
    return fallback;
  }
  if (tree.trigger && kind !== 'trigger' && kind !== 'none') {
    at([], `is a trigger: it needs execute, set, rpc or object, or none with the reason, not ${kind}`);
    return fallback;
  }
  const allowed = shape?.keys ?? triggerKeys;
  for (const key of Object.keys(row)) {
    if (!allowed.some((known) => known === key))
      at([key], `"${key}" does not go with ${kind}; allowed: ${allowed.join(', ')}`);
  }
  return rowOfKind(kind, { technology, name, tree, row, leg, classes, at });
}

interface RowContext {
  technology: Technology;
  name: string;
  tree: AttributeTree;
  row: LegTree;
  leg: LegObjects;
  classes: ClassNames;
  at: Report;
}

function rowOfKind(kind: Row['kind'], context: RowContext): Row {
  const { row, at } = context;
  switch (kind) {
    case 'held':
      return { kind, reason: row.held ?? '' };
    case 'verdict':
      if (context.tree.type !== 'actionStatus')
        at(['by'], 'only a status attribute (actionStatus) is set by a verdict');
      return { kind, by: row.by ?? 'trigger' };
    case 'constant':
      return constantRow(context);
    case 'status':
      return statusRow(context);
    case 'fields': {
      const fields = references(row.fields ?? {}, context.leg, (path, problem) => at(['fields', ...path], problem));
      return { kind, fields, writable: true, ...(row.inside === undefined ? {} : { inside: row.inside }) };
    }
    case 'onlyOneOf': {
      const flag = reference(row.onlyOneOf ?? '', context.leg, (problem) => at(['onlyOneOf'], problem));
      if (!context.leg.objects.get(flag.object)?.every)
        at(['onlyOneOf'], `object "${flag.object}" is not marked every: true`);
      return { kind, flag, link: linkedClass(row.link, context) };
    }
    case 'value':
      return valueRow(context);
    case 'trigger':
      return triggerRow(context);
    default:
      return { kind: 'none', reason: row.none ?? 'not in the mapping file' };
  }
}

function constantRow({ row, leg }: RowContext): Row {
  const value = row.constant ?? null;
  const ofKind = [...leg.objects.values()].some(
    (object) =>
      object.kinds.length > 0 && object.kinds.every((kind) => typeof value === 'string' && value in kind.constants),
  );
  return ofKind && typeof value === 'string' ? { kind: 'kindConstant', name: value } : { kind: 'constant', value };
}

function statusRow({ row, leg, tree, at }: RowContext): Row {
  const read = row.read;
  if (tree.type !== 'actionStatus') at(['status'], 'only an attribute of type actionStatus has rows of status');
  if (read === undefined || typeof read === 'string' || Array.isArray(read) || 'join' in read) {
    at(['read'], 'a status is read by names: { result: firmware/5, state: firmware/3 }');
    return { kind: 'status', read: {}, rows: [] };
  }
  const rows = (row.status ?? []).map((entry, index): StatusRow => {
    const { is, ...conditions } = entry;
    const when: Record<string, Match> = {};
    for (const [name, values] of Object.entries(conditions)) {
      if (name !== 'action' && !(name in read)) {
        at(['status', String(index), name], `"${name}" is not read; read are ${Object.keys(read).join(', ')}`);
      }
      when[name] = matchFrom(values);
    }
    return { when, is: statuses[is] ?? 'unchanged' };
  });
  return { kind: 'status', read: references(read, leg, (path, problem) => at(['read', ...path], problem)), rows };
}

function valueRow(context: RowContext): Row {
  const { row, leg, at } = context;
  if (row.value !== undefined && (row.read !== undefined || row.write !== undefined)) {
    at(['value'], '`value` is read and write in one; it does not go with them');
  }
  const tree = row.value ?? row.read;
  const sources = tree === undefined ? [] : Array.isArray(tree) ? tree : [tree];
  const read = sources.map((source, index): Source => {
    const problemAt = (problem: string): void =>
      at([row.value === undefined ? 'read' : 'value', ...(sources.length > 1 ? [String(index)] : [])], problem);
    if (typeof source === 'string') return reference(source, leg, problemAt);
    if (!isJoin(source)) {
      problemAt('named reads go with `status` only');
      return { join: [], with: '' };
    }
    return { join: source.join.map((part) => reference(part, leg, problemAt)), with: source.with };
  });
  const target = row.value ?? row.write;
  const write =
    target === undefined
      ? undefined
      : reference(target, leg, (problem) => at([row.value === undefined ? 'write' : 'value'], problem));
  return { kind: 'value', read, form: formOf(context), ...(write ? { write } : {}) };
}

function formOf(context: RowContext): ValueForm {
  const { row, technology, tree, at } = context;
  if (row.convert !== undefined && !conversionNamed(row.convert)) {
    at(['convert'], `there is no conversion "${row.convert}"; there are ${conversionNames.join(', ')}`);
  }
  if (row.convert !== undefined && (row.values || row.unit || row.link))
    at(['convert'], 'a named conversion does the whole work: no values, unit or link beside it');
  if (
    (row.value !== undefined || row.write !== undefined) &&
    row.convert !== undefined &&
    !conversionNamed(row.convert)?.toDevice
  ) {
    at(['convert'], `"${row.convert}" works from the device only; the attribute cannot be written with it`);
  }
  const units =
    typeof row.unit === 'string'
      ? [{ factor: factors[row.unit] ?? 1 }]
      : Object.entries(row.unit ?? {}).map(([version, unit]) => ({ version, factor: factors[unit] ?? 1 }));
  const values = Object.entries(row.values ?? {}).map(([key, is]) => ({ match: matchFrom(key), is }));
  return {
    type: row.as ?? typeFor(technology, tree.type, row),
    units,
    values,
    ...(row.otherwise === undefined ? {} : { otherwise: row.otherwise }),
    ...(row.list === undefined ? {} : { list: row.list }),
    ...(row.link === undefined ? {} : { link: linkedClass(row.link, context) }),
    ...(row.convert === undefined ? {} : { conversion: row.convert }),
  };
}

/** What a leg writes when the row does not say (`as`). LwM2M knows no unsigned integer before 1.1; TR-106 does. */
function typeFor(technology: Technology, type: string, row: LegTree): ValueType {
  if (row.link !== undefined) return technology === 'lwm2m' ? 'link' : 'string';
  switch (type) {
    case 'boolean':
      return 'boolean';
    case 'timestamp':
      return 'time';
    case 'long':
    case 'listOfMinMax':
      return 'integer';
    case 'unsignedInt':
    case 'unsignedLong':
    case 'nonNegativeInteger':
    case 'positiveInteger':
    case 'batteryStatus':
    case 'logTypeId':
    case 'logStatus':
    case 'eventCat':
    case 'list of eventCat':
    case 'list of eventCatWithDef':
      return technology === 'cwmp' ? 'unsigned' : 'integer';
    default:
      return 'string';
  }
}

function triggerRow(context: RowContext): Row {
  const { row, leg, tree, at } = context;
  const unknown = row.unknown ? unknownOutcome(row.unknown, context) : undefined;
  const ways = [row.execute, row.set, row.rpc, row.object].filter((way) => way !== undefined);
  if (ways.length !== 1) at([], 'needs exactly one of execute, set, rpc and object (of the procedure)');
  let action: TriggerAction = { do: 'rpc', rpc: row.rpc ?? '' };
  if (row.execute !== undefined)
    action = { do: 'execute', targets: [reference(row.execute, leg, (problem) => at(['execute'], problem))] };
  else if (row.set !== undefined) {
    const assignments = Object.entries(row.set).map(([path, value]) => ({
      reference: reference(path, leg, (problem) => at(['set', path], problem)),
      value,
    }));
    action = { do: 'set', assignments };
  } else if (row.object !== undefined) {
    if (!leg.objects.has(row.object)) at(['object'], unknownObject(row.object, leg.objects));
    if (tree.procedure === undefined) at(['object'], 'names the object of a procedure, but the trigger has none');
    action = { do: 'procedure', procedure: tree.procedure ?? '', object: row.object };
  }
  const repeatable = row.repeatable ?? false;
  if (!repeatable && !unknown && action.do !== 'procedure') {
    at(
      [],
      'may not be repeated and has no evidence: say `repeatable: true`, or `unknown:` what settles an unknown outcome',
    );
  }
  return {
    kind: 'trigger',
    action,
    repeatable,
    ...(row.accepted === undefined ? {} : { accepted: row.accepted }),
    ...(unknown ? { unknown } : {}),
  };
}

function unknownOutcome(unknown: NonNullable<LegTree['unknown']>, { leg, tree, at }: RowContext): UnknownOutcome {
  for (const [name, value] of Object.entries(unknown.succeededWhen ?? {})) {
    if (!unknown.read?.[name]) at(['unknown', 'succeededWhen', name], `"${name}" is not read`);
    if (typeof value === 'string' && value.startsWith('$') && !tree.inputs?.[value.slice(1)]) {
      at(['unknown', 'succeededWhen', name], `the trigger has no input "${value.slice(1)}"`);
    }
  }
  return {
    read: references(unknown.read ?? {}, leg, (path, problem) => at(['unknown', 'read', ...path], problem)),
    restart: unknown.restart ?? false,
    ...(unknown.succeededWhen ? { succeededWhen: unknown.succeededWhen } : {}),
    ...(unknown.report === undefined ? {} : { report: unknown.report }),
  };
}

function compileLinks(
  technology: Technology,
  links: NonNullable<AttributeTree['links']>,
  leg: LegObjects,
  classes: ClassNames,
  report: Report,
): LinkRow[] {
  return Object.entries(links).map(([mapping, link]) => {
    const text = link[technology];
    const path = ['links', mapping, technology];
    if (text === undefined) report(['links', mapping], `says nothing for ${technology}`);
    const mgmtDefinition = classes.mgmtDefinitionOf(mapping);
    if (mgmtDefinition === undefined) report(['links', mapping], `there is no class "${mapping}"`);
    const several = link.count.endsWith('n');
    const nodes = text?.endsWith('/{item}') ?? false;
    const list = nodes ? 'nodes' : !several ? undefined : technology === 'lwm2m' ? 'instances' : 'comma';
    return {
      mapping,
      mgmtDefinition: mgmtDefinition ?? 0,
      minimum: link.count.startsWith('0') ? 0 : 1,
      maximum: several ? Number.POSITIVE_INFINITY : 1,
      reference: reference((text ?? '').replace(/\/\{item\}$/, ''), leg, (problem) => report(path, problem)),
      ...(list ? { list } : {}),
    };
  });
}

function linkedClass(name: string | undefined, { classes, at }: RowContext): string {
  if (name === undefined) at([], 'needs `link`: the class that it points at');
  else if (classes.mgmtDefinitionOf(name) === undefined) at(['link'], `there is no class "${name}"`);
  return name ?? '';
}

function references(
  tree: Readonly<Record<string, string>>,
  leg: LegObjects,
  report: Report,
): Record<string, Reference> {
  const result: Record<string, Reference> = {};
  for (const [name, text] of Object.entries(tree))
    result[name] = reference(text, leg, (problem) => report([name], problem));
  return result;
}

function reference(text: string, leg: LegObjects, report: (problem: string) => void): Reference {
  const result = referenceFrom(text);
  if (!leg.objects.has(result.object)) report(unknownObject(result.object, leg.objects));
  return result;
}

function isJoin(source: SourceTree | Record<string, string>): source is { join: string[]; with: string } {
  return typeof source === 'object' && Array.isArray(source['join']);
}

function matchFrom(values: string | number | boolean | readonly (string | number | boolean)[]): Match {
  if (typeof values === 'string') {
    const range = /^(\d+)\.\.(\d+)$/.exec(values);
    if (range) return { from: Number(range[1]), to: Number(range[2]) };
  }
  const one: Value[] = Array.isArray(values)
    ? [...(values as readonly (string | number | boolean)[])]
    : [values as string | number | boolean];
  return { one };
}
