/** The step "read": all targets in one package, what is not there told apart from what failed, interior nodes as what is below them. */
import type { Target, Value } from '../../src/management/operation.ts';
import type { Failure, TargetResult } from '../../src/management/outcome.ts';
import { foundAt, type Channel, type Reply } from './channel.ts';
import type { Found } from './exchange.ts';
import { childOf, namesIn, parentOf } from './paths.ts';
import { textOf, valueFromNode } from './values.ts';

export interface Done {
  results: TargetResult[];
  /** The first failure: the step has failed. */
  failure?: Failure;
}

/** Codes of a node that is there for others, or that cannot be read: a device without it would look the same to us. */
const unreadable: ReadonlySet<number> = new Set([405, 406]);

/** Nodes that are read below one interior node, and how deep. */
const maximumNodes = 500;
const maximumDepth = 6;

/** Gets each path once. Order does not matter: nothing is changed. */
export async function readNodes(channel: Channel, paths: readonly string[]): Promise<Map<string, Reply>> {
  const unique = [...new Set(paths)];
  const replies = await channel.ask(unique.map((path) => ({ command: 'Get', path })));
  return new Map(unique.map((path, index) => [path, replies[index]!]));
}

/** The text of a leaf; undefined where there is none, for whatever reason. */
export function leafText(reply: Reply | undefined, path: string): string | undefined {
  if (!reply || reply.failure) return undefined;
  const found = foundAt(reply, path);
  return !found || found.format === 'node' ? undefined : textOf(found);
}

/** Names of the children of an interior node. */
export function childNames(reply: Reply, path: string): string[] {
  const found = foundAt(reply, path);
  if (found) return found.format === 'node' ? namesIn(textOf(found)) : [];
  // Some tell each child by itself.
  return reply.found.filter((one) => parentOf(one.path) === path).map((one) => one.path.slice(path.length + 1));
}

/**
 * Reads targets. An optional one that the device does not offer is absent; when all of several belong to one object and none is
 * there, the object itself is missing, and that is a failure.
 */
export async function readTargets(channel: Channel, targets: readonly Target[]): Promise<Done> {
  const replies = await readNodes(
    channel,
    targets.map(({ path }) => path),
  );
  const results: TargetResult[] = [];
  for (const target of targets) results.push(await resultOf(channel, target, replies.get(target.path)!));
  const failure = results.find((result) => 'failure' in result)?.failure ?? missingObject(targets, results, replies);
  return failure ? { results, failure } : { results };
}

async function resultOf(channel: Channel, target: Target, reply: Reply): Promise<TargetResult> {
  const { path, type, optional } = target;
  if (reply.failure) {
    const isOptional = optional === true && (reply.isAbsent || unreadable.has(reply.status ?? 0));
    return isOptional ? { path, absent: true } : { path, failure: { ...reply.failure, path } };
  }
  const found = foundAt(reply, path);
  if (!found && reply.found.length === 0) {
    if (optional) return { path, absent: true };
    const explanation = 'the device said yes and told no value of the node; look at its trace';
    return { path, failure: { cause: 'unreadable', explanation, path } };
  }
  if (!target.multiple && found && found.format !== 'node') {
    const value = valueFromNode(found, type);
    return value === null ? { path, absent: true } : { path, value };
  }
  if (target.multiple && found && found.format !== 'node') return { path, value: listOfOne(found, target) };
  return readBelow(channel, target, childNames(reply, path));
}

/** Where the mapping wants a node for each item, and the device has one leaf. */
function listOfOne(found: Found, { type }: Target): Value {
  const value = valueFromNode(found, type);
  return { instances: value === null || value === '' ? {} : { 0: value } };
}

/** An interior node: its children as a list, or all that is below it as lines of text. */
async function readBelow(channel: Channel, target: Target, names: readonly string[]): Promise<TargetResult> {
  const { path, type, multiple } = target;
  if (!multiple) return readLines(channel, path, names);
  const children = names.map((name) => childOf(path, name));
  const replies = await readNodes(channel, children);
  const instances: Record<string, Value> = {};
  for (const [index, child] of children.entries()) {
    const reply = replies.get(child)!;
    if (reply.isAbsent) continue;
    if (reply.failure) return { path, failure: { ...reply.failure, path: child } };
    const found = foundAt(reply, child);
    const value = found && found.format !== 'node' ? valueFromNode(found, type) : undefined;
    if (value !== undefined && value !== null) instances[names[index]!] = value;
  }
  return { path, value: { instances } };
}

/** `Name=value` for each leaf, in the order of the device. */
async function readLines(channel: Channel, path: string, names: readonly string[]): Promise<TargetResult> {
  const lines: string[] = [];
  let level = names.map((name) => childOf(path, name));
  let count = 0;
  for (let depth = 0; level.length > 0 && depth < maximumDepth && count < maximumNodes; depth += 1) {
    const asked = level.slice(0, maximumNodes - count);
    count += asked.length;
    const replies = await readNodes(channel, asked);
    level = [];
    for (const child of asked) {
      const reply = replies.get(child)!;
      if (reply.status === undefined && reply.failure) return { path, failure: { ...reply.failure, path: child } };
      if (reply.failure) continue;
      const found = foundAt(reply, child);
      if (found && found.format !== 'node') lines.push(`${child.slice(path.length + 1)}=${textOf(found)}`);
      else level.push(...childNames(reply, child).map((name) => childOf(child, name)));
    }
  }
  return { path, value: lines.join('\n') };
}

function missingObject(
  targets: readonly Target[],
  results: readonly TargetResult[],
  replies: ReadonlyMap<string, Reply>,
): Failure | undefined {
  const [first, ...others] = targets;
  if (!first || others.length === 0 || !results.every((result) => 'absent' in result)) return undefined;
  const object = parentOf(first.path);
  if (!others.every(({ path }) => parentOf(path) === object)) return undefined;
  if (!targets.every(({ path }) => replies.get(path)?.isAbsent)) return undefined;
  return { ...replies.get(first.path)!.failure!, path: object };
}
