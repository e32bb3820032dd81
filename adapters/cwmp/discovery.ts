/**
 * Which of the mapped objects a CPE has: GetParameterNames, level by level, and only where a mapping goes. Instance numbers
 * begin at 1 and have holes; what a CPE answers beside the question is not followed. An object is gone only when the CPE has said so.
 */
import type { InventoryObject } from '../../src/management/adapter.ts';
import type { Channel } from './channel.ts';
import type { Failure } from '../../src/management/outcome.ts';

/** Segments of the templates as a tree; `*` = an instance. */
interface Branch {
  children: Map<string, Branch>;
}

interface Place {
  path: string;
  branch: Branch;
  /** The answer to the level above has named it. */
  isCertain: boolean;
}

const anyInstance = '*';
const instanceSegment = /^(?:\d{1,10}|\[[^\]]+\])$/;
const maximumQuestions = 500;
const maximumObjects = 2_000;

/** Faults that say that an object is not there: its name is invalid, or nothing can be asked about it (TR-069 A.3.2.3). */
const absences: ReadonlySet<number> = new Set([9000, 9005]);

const knownTrees = new WeakMap<readonly string[], Map<string, Branch>>();

/** The templates are the same for every CPE. */
function treeOf(templates: readonly string[], root: string): Branch {
  const trees = knownTrees.get(templates) ?? new Map<string, Branch>();
  knownTrees.set(templates, trees);
  const tree = trees.get(root) ?? branchesOf(templates, root);
  trees.set(root, tree);
  return tree;
}

/** `Device.X.{i}.Y.` → tree. Templates of another root are left out. */
export function branchesOf(templates: readonly string[], root: string): Branch {
  const tree: Branch = { children: new Map() };
  for (const template of templates) {
    if (!template.startsWith(root)) continue;
    let branch = tree;
    for (const segment of template.slice(root.length).split('.').filter(Boolean)) {
      const name = segment.startsWith('{') ? anyInstance : segment;
      let next = branch.children.get(name);
      if (!next) branch.children.set(name, (next = { children: new Map() }));
      branch = next;
    }
  }
  return tree;
}

export interface Discovered {
  /** Every object on the way to a mapped one, and the mapped ones, from the root on. */
  objects: InventoryObject[];
  /** The CPE fell silent, or would not say: nothing is certain, and what was known before still holds. */
  stopped?: Failure;
}

/** Looks for the mapped objects below a root. */
export async function discoverObjects(
  channel: Channel,
  templates: readonly string[],
  root: string,
): Promise<Discovered> {
  const found = new Set<string>([root]);
  const open: Place[] = [{ path: root, branch: treeOf(templates, root), isCertain: true }];
  let questions = 0;
  /** The first refusal, as long as no question was answered: a CPE that answers none has not said that it has nothing. */
  let refusal: Failure | undefined;
  let isAnswered = false;
  for (let next = open.shift(); next; next = open.shift()) {
    const { path, branch, isCertain } = next;
    if (branch.children.size === 0 && isCertain) continue;
    if (++questions > maximumQuestions) break;
    const { answer, failure, fault } = await channel.ask('GetParameterNames', { path, nextLevel: true });
    if (!answer) {
      const isRefusedRoot = path === root && fault !== undefined;
      if (!isRefusedRoot && !(fault && absences.has(fault.code))) return { objects: [], stopped: failure };
      if (fault.code !== 9005) refusal ??= failure;
      // Some refuse the root (quirk 22): then every child is asked for by itself.
      if (isRefusedRoot) open.push(...placesBelow(next, branch.children.keys(), false));
      continue;
    }
    isAnswered = true;
    if (found.size < maximumObjects) found.add(path);
    for (const place of placesBelow(next, childrenIn(answer.names, path), true)) {
      if (found.size >= maximumObjects || found.has(place.path)) continue;
      found.add(place.path);
      open.push(place);
    }
  }
  if (refusal && !isAnswered) return { objects: [], stopped: refusal };
  return { objects: [...found].map((path) => ({ path })) };
}

/** Those of the names to which a mapping goes. */
function placesBelow({ path, branch }: Place, names: Iterable<string>, isCertain: boolean): Place[] {
  const places: Place[] = [];
  for (const name of names) {
    if (name === anyInstance) continue;
    const below =
      branch.children.get(name) ?? (instanceSegment.test(name) ? branch.children.get(anyInstance) : undefined);
    if (below) places.push({ path: `${path}${name}.`, branch: below, isCertain });
  }
  return places;
}

/** Names of the child objects; a CPE may answer with more levels than were asked for, or with anything. */
function childrenIn(names: readonly { name: string }[], path: string): Set<string> {
  const children = new Set<string>();
  for (const { name } of names) {
    if (!name.startsWith(path)) continue;
    const rest = name.slice(path.length);
    const end = rest.indexOf('.');
    if (end > 0) children.add(rest.slice(0, end));
  }
  return children;
}
