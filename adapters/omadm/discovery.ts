/**
 * Which management objects a device has: found by the URN in their Type, wherever they are (OMA DM StdObj 1.2, 6). The whole structure in
 * one answer where the device gives it, else level by level. What it would not say is not gone: it is asked again.
 */
import type { InventoryObject } from '../../src/management/adapter.ts';
import type { Failure } from '../../src/management/outcome.ts';
import { foundAt, type Channel, type Reply } from './channel.ts';
import type { DeviceFacts } from './facts.ts';
import { childOf, isWithin, namesIn, parentOf, plainPath, root } from './paths.ts';
import { childNames } from './reading.ts';
import { isObjectType, isSameType, urns } from './urns.ts';
import { textOf } from './values.ts';

export interface Discovered {
  objects: InventoryObject[];
  /** It fell silent: nothing is certain, and what was known before still holds. */
  stopped?: Failure;
  /** Nodes that it would not show; what was known below them still holds. */
  refused: string[];
  /** Some of that may be shown another time. */
  isOpen: boolean;
}

const maximumDepth = 8;
const maximumNodes = 5_000;
const maximumRequests = 3_000;
const maximumObjects = 2_000;

/** Where objects are that every device has, or nearly so: they need no looking for. */
const fixed: readonly InventoryObject[] = [
  { path: './DevInfo', objectID: urns.devInfo },
  { path: './DevDetail', objectID: urns.devDetail },
];
/** Nothing below them is mapped; the second one cannot be read. */
const ignored: ReadonlySet<string> = new Set(['./DMAcc', './Inbox']);

/** Codes that say that something is not there, or not for reading. Others say nothing about the tree. */
const absences: ReadonlySet<number> = new Set([404, 405, 406, 410]);
/** Codes that are the same the next time. */
const refusals: ReadonlySet<number> = new Set([401, 403, 407, 425, 501]);
/** Codes of a device that knows a feature not. */
const unsupported: ReadonlySet<number> = new Set([400, 404, 405, 406, 414, 415, 500, 501]);

interface Node {
  path: string;
  type?: string;
  isLeaf: boolean;
}

/** Segments of the templates as a tree; `*` = a name that the device has chosen. */
interface Branch {
  children: Map<string, Branch>;
}

const anyName = '*';

/** Templates below one root: `{mo}/Inventory/Deployed/{package}` → tree. */
export function branchesOf(templates: readonly string[], prefix: string): Branch {
  const tree: Branch = { children: new Map() };
  for (const template of templates) {
    if (!template.startsWith(prefix)) continue;
    let branch = tree;
    for (const segment of template.slice(prefix.length).split('/').filter(Boolean)) {
      const name = segment.startsWith('{') ? anyName : segment;
      let next = branch.children.get(name);
      if (!next) branch.children.set(name, (next = { children: new Map() }));
      branch = next;
    }
  }
  return tree;
}

/**
 * Looks for management objects, and below them for what the mappings name. Learns into `facts` how the device answers.
 * @param known objects of before
 */
export async function discoverObjects(
  channel: Channel,
  templates: readonly string[],
  facts: DeviceFacts,
  known: readonly InventoryObject[],
): Promise<Discovered> {
  const look = new Look(channel, templates, facts);
  const isListed = facts.listsStructure !== false && (await look.byStructure());
  if (!isListed && !look.stopped) await look.byWalking();
  const { stopped, refused, isOpen } = look;
  if (stopped) return { objects: [], stopped, refused, isOpen: true };
  const objects = new Map([...fixed, ...look.objects].map((one) => [one.path, one]));
  for (const one of known) {
    if (refused.some((path) => isWithin(one.path, path)) && !objects.has(one.path)) objects.set(one.path, one);
  }
  return { objects: [...objects.values()].slice(0, maximumObjects), refused, isOpen };
}

class Look {
  readonly objects: InventoryObject[] = [];
  readonly refused: string[] = [];
  isOpen = false;
  stopped?: Failure;
  readonly #channel: Channel;
  readonly #facts: DeviceFacts;
  readonly #below: Branch;
  /** Paths that the mappings name in full: a device that tells no types is recognised by them. */
  readonly #named: Branch;
  #requests = 0;

  constructor(channel: Channel, templates: readonly string[], facts: DeviceFacts) {
    this.#channel = channel;
    this.#facts = facts;
    this.#below = branchesOf(templates, '{mo}/');
    this.#named = branchesOf(templates, './');
  }

  // All at once

  /** False: the device does not do it. */
  async byStructure(): Promise<boolean> {
    const [reply] = await this.#ask([`${root}?list=Struct`]);
    if (!reply) return false;
    const nodes = reply.failure ? [] : nodesIn(reply);
    if (nodes.length <= 1) {
      // Too large an answer is no lack of the feature.
      if (reply.status !== undefined && (!reply.failure || unsupported.has(reply.status)))
        this.#facts.listsStructure = false;
      return false;
    }
    this.#facts.listsStructure = true;
    const types = new Map(nodes.filter(({ type }) => isObjectType(type)).map(({ path, type }) => [path, type!]));
    for (const node of nodes.slice(0, maximumNodes)) {
      const type = types.get(node.path);
      if (type !== undefined) this.#enter(node.path, type);
      else if (node.path !== root && this.#isMapped(node, types)) this.#enter(node.path);
    }
    return true;
  }

  #isMapped({ path, isLeaf }: Node, types: ReadonlyMap<string, string>): boolean {
    for (let above = parentOf(path); above !== root; above = parentOf(above)) {
      if (types.has(above)) return isNamed(this.#below, path.slice(above.length + 1), isLeaf);
    }
    return isNamed(this.#named, path.slice(2), isLeaf);
  }

  // Level by level

  async byWalking(): Promise<void> {
    const [top] = await this.#ask([root]);
    if (!top) return;
    // One that does not show its root is asked for what the mappings name.
    const names = top.failure ? [...this.#named.children.keys()] : childNames(top, root);
    if (top.failure && !(top.status !== undefined && absences.has(top.status))) this.#refuse(root, top);
    let level = names.map((name): Place => placeBelow(root, name, this.#named));
    for (let depth = 1; level.length > 0 && depth <= maximumDepth && !this.stopped; depth += 1) {
      level = await this.#level(level);
    }
  }

  async #level(places: readonly Place[]): Promise<Place[]> {
    const asked = places.filter(({ path }) => !ignored.has(path) && !fixed.some((one) => one.path === path));
    const types = await this.#typesOf(asked.filter(({ object }) => object === undefined).map(({ path }) => path));
    const interior = asked.filter(({ path }) => !(types.get(path) ?? '').includes('/'));
    const replies = await this.#ask(interior.map(({ path }) => path));
    const next: Place[] = [];
    for (const [index, place] of interior.entries()) {
      const reply = replies[index];
      if (reply) next.push(...this.#lookAt(place, reply, types.get(place.path)));
    }
    return next.slice(0, maximumNodes);
  }

  /** What is below a place, as far as it matters. */
  #lookAt({ path, branch, isExact, object }: Place, reply: Reply, told: string | undefined): Place[] {
    const found = foundAt(reply, path);
    if (found && found.format !== 'node') {
      // What the device has named is an object, and a leaf is none.
      if (branch && branch.children.size === 0 && isExact) this.#enter(path);
      return [];
    }
    const type = [told, found?.type].find(isObjectType);
    const isHidden = reply.failure !== undefined;
    if (isHidden && !reply.isAbsent) {
      if (!absences.has(reply.status ?? 0)) this.#refuse(path, reply);
      // It is there all the same.
      else if (type === undefined && !branch) return [];
    }
    if (reply.isAbsent) return [];
    const own = object === undefined && type !== undefined;
    if (own) this.#enter(path, type);
    else if (branch) this.#enter(path);
    if (isHidden) return [];
    const names = childNames(reply, path);
    if (own) return this.#placesBelow(path, names, this.#below, path, isSameType(type, urns.gatewayInventory));
    if (object !== undefined) return this.#placesBelow(path, names, branch, object, false);
    return names.map((name) => placeBelow(path, name, branch));
  }

  /** @param isOpenEnded objects of other devices are somewhere below */
  #placesBelow(
    path: string,
    names: readonly string[],
    branch: Branch | undefined,
    object: string,
    isOpenEnded: boolean,
  ): Place[] {
    return names
      .map((name) => placeBelow(path, name, branch))
      .filter((place) => place.branch)
      .map((place) => (isOpenEnded ? place : { ...place, object }));
  }

  async #typesOf(paths: readonly string[]): Promise<Map<string, string>> {
    const types = new Map<string, string>();
    if (this.#facts.tellsTypes === false || paths.length === 0) return types;
    // One first: some end the session, or refuse each, at what they do not know.
    const [first, ...others] = paths;
    const asked = this.#facts.tellsTypes === undefined ? [first!] : paths;
    const replies = await this.#ask(asked.map(typeQuery));
    if (this.#facts.tellsTypes === undefined && replies[0]?.status !== undefined) {
      this.#facts.tellsTypes = !(replies[0].failure && unsupported.has(replies[0].status));
      if (this.#facts.tellsTypes) replies.push(...(await this.#ask(others.map(typeQuery))));
    }
    for (const [index, path] of paths.entries()) {
      const reply = replies[index];
      const said = reply && !reply.failure ? reply.found[0] : undefined;
      if (said) types.set(path, textOf(said).trim());
    }
    return types;
  }

  // Both

  /** Undefined at the end: it fell silent, or was asked enough. */
  async #ask(paths: readonly string[]): Promise<Reply[]> {
    const left = paths.slice(0, Math.max(0, maximumRequests - this.#requests));
    this.#requests += left.length;
    if (left.length === 0 || this.stopped) return [];
    const replies = await this.#channel.ask(left.map((path) => ({ command: 'Get', path })));
    // An answer that cannot be taken (too large) is an answer.
    const silent = replies.find(({ status, failure }) => status === undefined && failure?.cause === 'no-answer');
    if (silent) this.stopped = silent.failure;
    return silent ? [] : replies;
  }

  #refuse(path: string, { status }: Reply): void {
    this.refused.push(path);
    if (status === undefined || !refusals.has(status)) this.isOpen = true;
  }

  #enter(path: string, type?: string): void {
    if (this.objects.length >= maximumObjects) return;
    this.objects.push(type === undefined ? { path } : { path, objectID: type });
  }
}

interface Place {
  path: string;
  /** Where mappings go from here. */
  branch?: Branch;
  /** They name it themselves, and not any node that is there. */
  isExact: boolean;
  /** The management object that it belongs to. */
  object?: string;
}

function typeQuery(path: string): string {
  return `${path}?prop=Type`;
}

function placeBelow(path: string, name: string, branch: Branch | undefined): Place {
  return {
    path: childOf(path, name),
    branch: branch && next(branch, name),
    isExact: branch?.children.has(name) ?? false,
  };
}

function next(branch: Branch, name: string): Branch | undefined {
  return branch.children.get(name) ?? branch.children.get(anyName);
}

/** The mappings name it, or something below it. */
function isNamed(tree: Branch, relative: string, isLeaf: boolean): boolean {
  let branch: Branch | undefined = tree;
  let isExact = false;
  for (const name of relative.split('/')) {
    isExact = branch?.children.has(name) ?? false;
    branch = branch && next(branch, name);
  }
  return branch !== undefined && (isExact || !isLeaf);
}

/** Nodes of `?list=Struct`: each by itself, or interior ones with the names of their children. */
function nodesIn({ found }: Reply): Node[] {
  const nodes = new Map<string, Node>();
  for (const one of found) {
    const path = plainPath(one.path);
    nodes.set(path, { path, type: one.type, isLeaf: one.format !== 'node' });
    if (one.format !== 'node' || one.text === undefined) continue;
    for (const name of namesIn(textOf(one))) {
      const child = childOf(path, name);
      if (!nodes.has(child)) nodes.set(child, { path: child, isLeaf: false });
    }
  }
  const parents = new Set([...nodes.keys()].map(parentOf));
  return [...nodes.values()].map((node) => ({ ...node, isLeaf: node.isLeaf && !parents.has(node.path) }));
}
