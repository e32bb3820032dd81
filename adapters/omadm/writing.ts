/**
 * The steps that change a tree: write, create, delete; and discover. Order matters, so each command goes in a package of its own, unless
 * the device is known to keep several together (Atomic), or in their order (Sequence).
 */
import type { Assignment, Step, Value } from '../../src/management/operation.ts';
import type { Failure, TargetResult } from '../../src/management/outcome.ts';
import { foundAt, type Channel, type Reply } from './channel.ts';
import type { Answer, NodeValue, Request } from './exchange.ts';
import { childOf, parentOf } from './paths.ts';
import { childNames, type Done } from './reading.ts';
import { evidenceOf, failureOfStatus, isSuccess } from './status-codes.ts';
import { formatFor, nodeFromValue, ValueError } from './values.ts';

export type Create = Extract<Step, { action: 'create' }>;

/** What the profile of a device says that it takes; some crash on what they do not. */
export interface Grouping {
  atomic: boolean;
  sequence: boolean;
}

const wrongFormat = 415;
const alreadyThere = 418;

/** All values are said before the first is written: one that cannot be said leaves the device as it was. */
export async function writeAssignments(
  channel: Channel,
  assignments: readonly Assignment[],
  grouping: Grouping,
): Promise<Done & { evidence?: string }> {
  const values: NodeValue[] = [];
  for (const { path, value, type, multiple } of assignments) {
    try {
      if (multiple) for (const item of itemsOf(value)) nodeFromValue(path, item, formatFor(item, type));
      values.push(multiple ? { format: 'node' } : nodeFromValue(path, value, formatFor(value, type)));
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      const failure: Failure = { cause: 'conversion', explanation: `${error.message}; nothing was written`, path };
      return { results: [{ path, failure }], failure };
    }
  }
  const isPlain = assignments.length > 1 && !assignments.some(({ multiple }) => multiple);
  if (isPlain && (grouping.atomic || grouping.sequence)) {
    const requests = assignments.map(({ path }, index): Request => ({
      command: 'Replace',
      path,
      value: values[index]!,
    }));
    return writeTogether(channel, grouping.atomic ? 'Atomic' : 'Sequence', requests);
  }
  return writeInTurn(channel, assignments, values);
}

async function writeInTurn(
  channel: Channel,
  assignments: readonly Assignment[],
  values: readonly NodeValue[],
): Promise<Done> {
  const results: TargetResult[] = [];
  for (const [index, assignment] of assignments.entries()) {
    const { path } = assignment;
    const failure = assignment.multiple
      ? await writeItems(channel, assignment)
      : await writeLeaf(channel, assignment, values[index]!);
    if (!failure) {
      results.push({ path, done: true });
      continue;
    }
    results.push({ path, failure: { ...failure, path } });
    for (const left of assignments.slice(index + 1)) {
      const explanation = `not written, because ${path} before it was refused`;
      results.push({ path: left.path, failure: { ...failure, explanation, path: left.path } });
    }
    const done = assignments.slice(0, index).map((one) => one.path);
    const before = done.length > 0 ? `; ${done.join(', ')} ${done.length > 1 ? 'were' : 'was'} written before it` : '';
    return { results, failure: { ...failure, explanation: failure.explanation + before, path } };
  }
  return { results };
}

/** The value in the format that the node has; where the leaf is not there yet it is added. */
async function writeLeaf(channel: Channel, { path, value }: Assignment, said: NodeValue): Promise<Failure | undefined> {
  const replaced = await channel.order({ command: 'Replace', path, value: said });
  if (!replaced.failure) return undefined;
  if (replaced.isAbsent) {
    const added = await channel.order({ command: 'Add', path, value: said });
    // The first answer says more: most leaves cannot be added.
    return added.failure && added.status !== undefined ? replaced.failure : added.failure;
  }
  if (replaced.status !== wrongFormat) return replaced.failure;
  const read = await channel.order({ command: 'Get', path });
  const format = foundAt(read, path)?.format;
  if (format === undefined || format === said.format || format === 'node') return replaced.failure;
  try {
    return (await channel.order({ command: 'Replace', path, value: nodeFromValue(path, value, format) })).failure;
  } catch (error) {
    if (error instanceof ValueError) return replaced.failure;
    throw error;
  }
}

/** A text in a leaf, which is added where it is not there yet. */
export function setLeaf(channel: Channel, path: string, text: string): Promise<Failure | undefined> {
  return writeLeaf(channel, { path, value: text, type: 'string' }, nodeFromValue(path, text, 'chr'));
}

/** A node for each item: those that are too many go, the others are written. */
async function writeItems(channel: Channel, { path, value, type }: Assignment): Promise<Failure | undefined> {
  const items = Object.entries(typeof value === 'object' && value && 'instances' in value ? value.instances : {});
  const read = await channel.order({ command: 'Get', path });
  if (read.failure && !read.isAbsent) return read.failure;
  if (read.isAbsent) {
    const failure = await addNode(channel, path);
    if (failure) return failure;
  }
  const present = read.isAbsent ? [] : childNames(read, path);
  for (const name of present.filter((one) => !items.some(([wanted]) => wanted === one))) {
    const { failure, isAbsent } = await channel.order({ command: 'Delete', path: childOf(path, name) });
    if (failure && !isAbsent) return failure;
  }
  for (const [name, item] of items) {
    const child = childOf(path, name);
    const said = nodeFromValue(child, item, formatFor(item, type));
    const failure = await writeLeaf(channel, { path: child, value: item, type }, said);
    if (failure) return failure;
  }
  return undefined;
}

function itemsOf(value: Value): Value[] {
  return typeof value === 'object' && value !== null && 'instances' in value ? Object.values(value.instances) : [value];
}

async function writeTogether(
  channel: Channel,
  command: 'Atomic' | 'Sequence',
  requests: readonly (Request & { path?: string })[],
): Promise<Done & { evidence?: string }> {
  const reply = await channel.order({ command, requests });
  const failures = requests.map((request, index) => failureOfChild(reply, index, request.path ?? ''));
  // Some give Atomic itself no status; then the children tell.
  const hasOwnStatus = reply.status !== undefined;
  const first = failures.find((failure) => failure !== undefined) ?? (hasOwnStatus ? reply.failure : undefined);
  const results = requests.map(({ path = '' }, index): TargetResult => {
    const failure = failures[index] ?? (first && command === 'Atomic' ? { ...first, path } : undefined);
    return failure ? { path, failure } : { path, done: true };
  });
  return first
    ? { results, failure: first }
    : { results, evidence: `${command} ${reply.status ?? 'without a status'}` };
}

function failureOfChild({ children, failure, status }: Reply, index: number, path: string): Failure | undefined {
  const child: Answer | undefined = children?.[index];
  if (child?.status === undefined) return status === undefined ? { ...failure!, path } : undefined;
  return isSuccess(child.status) ? undefined : failureOfStatus(child.status, child.evidence, path);
}

/** An interior node, its parents before it where they are missing. */
export async function addNode(channel: Channel, path: string, levels = 3): Promise<Failure | undefined> {
  const add = (): Promise<Reply> => channel.order({ command: 'Add', path, value: { format: 'node' } });
  const added = await add();
  if (!added.isAbsent || levels === 0) return added.failure;
  const parent = await addNode(channel, parentOf(path), levels - 1);
  if (parent && !parent.evidence?.startsWith(String(alreadyThere))) return parent;
  return (await add()).failure;
}

/**
 * Adds an instance and its leaves, the node before what is below it. An instance that does not take its values is deleted again.
 */
export async function createInstance(
  channel: Channel,
  step: Create,
): Promise<Done & { created?: string; evidence?: string }> {
  const { path: parent, instance, assignments } = step;
  if (instance === undefined || instance === '' || instance.includes('/')) {
    const explanation = `a node below ${parent} needs a name; give objectPaths`;
    const failure: Failure = { cause: 'conversion', explanation, path: parent };
    return { results: [{ path: parent, failure }], failure };
  }
  const created = childOf(parent, instance);
  const failure = await addNode(channel, created);
  if (failure) return { results: [{ path: created, failure }], failure };
  for (const assignment of assignments) {
    const problem = assignment.multiple ? await writeItems(channel, assignment) : await addLeaf(channel, assignment);
    if (!problem) continue;
    if (problem.cause === 'no-answer')
      return { results: [{ path: assignment.path, failure: problem }], failure: problem };
    const removed = await channel.order({ command: 'Delete', path: created });
    const evidence = removed.failure ? `${created} was made, and could not be deleted again` : undefined;
    return { results: [{ path: assignment.path, failure: problem }], failure: problem, evidence };
  }
  return { created, results: [{ path: created, done: true }], evidence: evidenceOf(200) };
}

/** A leaf of a new node: some devices make those that must be there with it. */
export async function addLeaf(channel: Channel, { path, value, type }: Assignment): Promise<Failure | undefined> {
  let said: NodeValue;
  try {
    said = nodeFromValue(path, value, formatFor(value, type));
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    return { cause: 'conversion', explanation: error.message, path };
  }
  const added = await channel.order({ command: 'Add', path, value: said });
  if (added.status !== alreadyThere && added.status !== 405) return added.failure;
  return writeLeaf(channel, { path, value, type }, said);
}

export async function deleteNode(channel: Channel, path: string): Promise<Done> {
  const { failure } = await channel.order({ command: 'Delete', path });
  return failure
    ? { results: [{ path, failure: { ...failure, path } }], failure }
    : { results: [{ path, done: true }] };
}

/** The children of a node. */
export async function discoverChildren(channel: Channel, path: string): Promise<Done> {
  const reply = await channel.order({ command: 'Get', path });
  if (reply.failure) return { results: [{ path, failure: reply.failure }], failure: reply.failure };
  return { results: childNames(reply, path).map((name) => ({ path: childOf(path, name), value: '' })) };
}
