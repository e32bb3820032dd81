/**
 * Values that somebody has subscribed to. Where the tree has traps of DiagMon they are enabled, and tell when to read; objects that report
 * their orders tell by those reports; the rest is read at an interval, in sessions.
 */
import type { InventoryObject, Observation, ObservationWish } from '../../src/management/adapter.ts';
import type { Failure } from '../../src/management/outcome.ts';
import { foundAt, type Channel } from './channel.ts';
import { childOf, nameOf, parentOf } from './paths.ts';
import { childNames, leafText, readNodes } from './reading.ts';
import { isSameType, objectAround, objectsOfType, urns } from './urns.ts';
import { valueFromNode } from './values.ts';

export interface Watch {
  /** Paths that are read in this session, if it is time. */
  polled: string[];
  /** Paths that are read when the device has told something. */
  told: string[];
}

const reporting = [urns.fumo, urns.scomo, urns.lawmo, urns.dcmo];

/** @param trapped paths that enabled traps watch */
export function watchOf(
  wishes: readonly ObservationWish[],
  objects: readonly InventoryObject[],
  trapped: readonly string[],
): Watch {
  const watch: Watch = { polled: [], told: [] };
  for (const path of new Set(wishes.map((wish) => wish.path))) {
    const { objectID } = objectAround(objects, path) ?? {};
    const tells = reporting.some((urn) => isSameType(objectID, urn)) || trapped.includes(path);
    watch[tells ? 'told' : 'polled'].push(path);
  }
  return watch;
}

export interface Traps {
  enabled: string[];
  /** What they watch. */
  trapped: string[];
  stopped?: Failure;
}

/** Enables the traps of a device that watch something that is wished, and disables those of ours that do not any more. */
export async function reconcileTraps(
  channel: Channel,
  wishes: readonly ObservationWish[],
  objects: readonly InventoryObject[],
  before: readonly string[],
): Promise<Traps> {
  const there = objectsOfType(objects, urns.trap).map(({ path }) => path);
  const traps: Traps = { enabled: [], trapped: [] };
  if (there.length === 0 || (wishes.length === 0 && before.length === 0)) return traps;
  const nodes = await readNodes(channel, there.map(watchedNode));
  for (const trap of there) {
    const watched = leafText(nodes.get(watchedNode(trap)), watchedNode(trap))?.trim();
    const isWished = watched !== undefined && wishes.some(({ path }) => path === watched);
    let isEnabled = before.includes(trap);
    if (isWished !== isEnabled) {
      const value = { format: 'bool', text: String(isWished) };
      const { status, failure } = await channel.order({ command: 'Replace', path: childOf(trap, 'Enabled'), value });
      if (status === undefined) return { ...traps, stopped: failure };
      // One without a switch, or that is somebody else's, tells nothing to us.
      isEnabled = isWished && !failure;
    }
    if (!isEnabled || watched === undefined) continue;
    traps.enabled.push(trap);
    traps.trapped.push(watched);
  }
  return traps;
}

function watchedNode(trap: string): string {
  return childOf(trap, 'TrapConfig/Node');
}

/** What the device says of these paths; an interior one as the list of its leaves. Undefined: it fell silent. */
export async function readObserved(
  channel: Channel,
  paths: readonly string[],
): Promise<{ values: Observation[]; gone: string[] } | undefined> {
  const values: Observation[] = [];
  const gone: string[] = [];
  const nodes = await readNodes(channel, paths);
  const below: string[] = [];
  for (const [path, reply] of nodes) {
    if (reply.status === undefined && reply.failure) return undefined;
    if (reply.isAbsent) gone.push(path);
    if (reply.failure) continue;
    const found = foundAt(reply, path);
    if (found?.format === 'node') below.push(...childNames(reply, path).map((name) => childOf(path, name)));
    else if (found) values.push({ path, value: valueFromNode(found) });
  }
  const items = new Map<string, Record<string, Observation['value']>>();
  for (const [path, reply] of await readNodes(channel, below)) {
    const found = reply.failure ? undefined : foundAt(reply, path);
    if (!found || found.format === 'node') continue;
    const list = items.get(parentOf(path)) ?? {};
    items.set(parentOf(path), { ...list, [nameOf(path)]: valueFromNode(found) });
  }
  for (const [path, instances] of items) values.push({ path, value: { instances } });
  return { values, gone };
}
