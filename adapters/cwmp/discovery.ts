/**
 * Which of the mapped objects a CPE has: GetParameterNames, level by level, and only where a mapping goes. Instance numbers
 * begin at 1 and have holes; what a CPE answers beside the question is not followed.
 */
import type { InventoryObject } from '../../src/management/adapter.ts';
import type { Channel } from './channel.ts';
import type { Failure } from '../../src/management/outcome.ts';

/** Segments of the templates as a tree; `*` = an instance. */
interface Branch {
  children: Map<string, Branch>;
}

const anyInstance = '*';
const instanceSegment = /^(?:\d{1,10}|\[[^\]]+\])$/;
const maximumQuestions = 500;
const maximumObjects = 2_000;

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
  /** The CPE fell silent: nothing is certain. */
  stopped?: Failure;
}

/** Looks for the mapped objects below a root. */
export async function discoverObjects(
  channel: Channel,
  templates: readonly string[],
  root: string,
): Promise<Discovered> {
  const found = new Set<string>([root]);
  const open: { path: string; branch: Branch }[] = [{ path: root, branch: branchesOf(templates, root) }];
  let questions = 0;
  for (let next = open.shift(); next; next = open.shift()) {
    const { path, branch } = next;
    if (branch.children.size === 0) continue;
    if (++questions > maximumQuestions) break;
    const { answer, failure } = await channel.ask('GetParameterNames', { path, nextLevel: true });
    if (failure?.cause === 'no-answer') return { objects: [], stopped: failure };
    // Some refuse the root (quirk 22): then every child is asked for by itself.
    const children = answer ? childrenIn(answer.names, path) : path === root ? [...branch.children.keys()] : [];
    for (const child of children) {
      const below =
        branch.children.get(child) ?? (instanceSegment.test(child) ? branch.children.get(anyInstance) : undefined);
      if (!below || child === anyInstance) continue;
      const childPath = `${path}${child}.`;
      if (found.size >= maximumObjects || found.has(childPath)) continue;
      if (answer) found.add(childPath);
      else if (!(await exists(channel, childPath))) continue;
      else found.add(childPath);
      open.push({ path: childPath, branch: below });
    }
  }
  return { objects: [...found].map((path) => ({ path })) };
}

async function exists(channel: Channel, path: string): Promise<boolean> {
  const { answer } = await channel.ask('GetParameterNames', { path, nextLevel: true });
  return answer !== undefined;
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
