/** Initial values of a device that showed up, and the management objects whose existence depends on values. */
import { isDeepStrictEqual } from 'node:util';
import { mergeCommits } from '../store/store.ts';
import type { Inventory, ManagedDevice, Observation } from './adapter.ts';
import type { Core } from './core.ts';
import type { Companion, DeviceEntry } from './device-registry.ts';
import { internalRead } from './drafts.ts';
import type { DeviceObjects } from './objects.ts';
import { appendOf } from './operation-rows.ts';
import type { Operation, Target } from './operation.ts';
import type { Cause, Outcome, TargetResult } from './outcome.ts';
import { purposeOf, type Purpose } from './purpose.ts';
import type { MappedObject } from './resource-side.ts';
import { valuesOf } from './translation.ts';

/** Rounds of reading: objects that appear by a value have values of their own. */
const maximumRounds = 4;

/**
 * The read of initial values; undefined = there is nothing to read.
 * @param before what the device had until now, and what was read then
 */
function onboardingRead(
  core: Core,
  device: ManagedDevice,
  found: DeviceObjects,
  decisions: readonly TargetResult[],
  before: DeviceObjects | undefined,
): Operation | undefined {
  return readRound(core, device, found, 1, before ? readBefore(core, device, found, decisions, before) : []);
}

/** Paths that need not be read again: those of objects that are as they were, and what was decided or learned of the device. */
function readBefore(
  core: Core,
  device: ManagedDevice,
  found: DeviceObjects,
  decisions: readonly TargetResult[],
  before: DeviceObjects,
): string[] {
  const known = new Map(before.objects.map((object) => [object.resourceName, object]));
  const isKept = (object: MappedObject): boolean => isDeepStrictEqual(known.get(object.resourceName), object);
  const pathsOf = (objects: MappedObject[]): string[] =>
    core.translator.initialReads(device.technology, objects, found.profiles).map(({ path }) => path);
  const wanted = new Set(pathsOf(found.objects.filter((object) => !isKept(object))));
  const told = [
    ...pathsOf(found.objects.filter(isKept)),
    ...decisions.map(({ path }) => path),
    ...(device.inventory.learned ? core.translator.identityPaths(device).keys() : []),
  ];
  return [...new Set(told)].filter((path) => !wanted.has(path));
}

/**
 * The values came: decides what was undecided, and makes the objects that follow.
 * @returns the next round
 */
export async function settleOnboarding(
  core: Core,
  operation: Operation,
  purpose: Extract<Purpose, { what: 'onboarding' }>,
  outcome: Outcome,
): Promise<Operation | undefined> {
  const entry = core.devices.known(operation.device);
  if (!entry || outcome.results.length === 0) return undefined;
  const { device } = entry;
  const before = entry.mapping;
  const inventory = inventoryAfter(core, device, outcome.results);
  let found = objectsKnown(
    core,
    { ...device, inventory: inventory?.(device.inventory) ?? device.inventory },
    entry.decisions,
  );
  const asked = new Set(found.undecided.flatMap(({ reads }) => reads.map(({ path }) => path)));
  const decided = outcome.results.filter((result) => asked.has(result.path) && isAnswered(result)).map(readable);
  if (decided.length > 0 || inventory) {
    const anew = new Set(decided.map(({ path }) => path));
    const decisions = [...entry.decisions.filter(({ path }) => !anew.has(path)), ...decided];
    await core.devices.change(entry, { decisions, inventory }, (next) => align(core, next, decisions));
    found = objectsKnown(core, device, decisions);
  }
  if (purpose.round >= maximumRounds) return undefined;
  // Other profiles read other things, and what was read means something else by them.
  if (digestIn(entry.mapping) !== digestIn(before)) return readRound(core, device, found, purpose.round + 1, []);
  const read = [...new Set([...purpose.read, ...outcome.results.map(({ path }) => path)])];
  return readRound(core, device, found, purpose.round + 1, read);
}

/** What a device says of itself, into its inventory; undefined = it said nothing new. */
export function inventoryAfter(
  core: Core,
  { technology, inventory }: ManagedDevice,
  results: readonly (TargetResult | Observation)[],
): ((current: Inventory) => Inventory) | undefined {
  const paths = core.translator.identityPaths({ technology, inventory });
  const told = results.filter(({ path }) => paths.has(path));
  if (told.length === 0) return undefined;
  const values = valuesOf(told);
  const identified = (current: Inventory): Inventory | undefined =>
    core.translator.identified({ technology, inventory: current }, values);
  const news = identified(inventory);
  if (!news) return undefined;
  const shared = core.devices.sharedInventory(news);
  return (current) => (current === inventory ? shared : (identified(current) ?? current));
}

/**
 * What a companion commits for a device whose objects are made anew: aligned, and their values read.
 * @param before what the device had until now, when that is all as it was: only what is new is read; absent: everything is
 */
export async function alignAndRead(
  core: Core,
  device: ManagedDevice,
  decisions: TargetResult[],
  before?: DeviceObjects,
): Promise<{ changes: Awaited<ReturnType<Companion>>; refresh: Operation | undefined }> {
  const aligned = await align(core, device, decisions);
  const refresh = onboardingRead(core, device, objectsKnown(core, device, decisions), decisions, before);
  // Its row comes first, so that its number is the first of the result.
  const changes = refresh
    ? { ...aligned, commit: mergeCommits({ append: [appendOf(refresh)] }, aligned.commit) }
    : aligned;
  return { changes, refresh };
}

/**
 * Changes that make the management objects of a device equal to what it has now. What a requester is creating counts as there,
 * so that a resource that appears while this runs is not taken for a lost one.
 */
export async function align(
  core: Core,
  device: ManagedDevice,
  decisions: TargetResult[],
): Promise<Awaited<ReturnType<Companion>>> {
  const { id, technology, inventory } = device;
  const places = core.alterations.withPlacesTaken(id, inventory);
  const { objects, profiles } = objectsKnown(core, { technology, inventory: places }, decisions);
  const left = core.alterations.leaveToRequesters(id, objects);
  const changes = await core.resourceSide().seen(device, left, profiles);
  const digest = core.translator.mappingDigest(device);
  return { ...changes, mapping: left === objects ? digest : digest + leftOpen };
}

/** After a digest: some resources are left to their requesters. Only this process knows of those, and the next one has to look again. */
const leftOpen = '+';

/** What is stored of the mapping of a device, without that mark. */
export function digestIn(mapping: string): string {
  return mapping.endsWith(leftOpen) ? mapping.slice(0, -leftOpen.length) : mapping;
}

/** The objects of a device as far as values have decided; what is still to be read is among `undecided`. */
export function objectsKnown(
  core: Core,
  device: { technology: string; inventory: Inventory },
  decisions: TargetResult[],
): DeviceObjects {
  const open = core.translator.objectsOf(device);
  if (decisions.length === 0) return open;
  const values = valuesOf(decisions);
  const decided = core.translator.objectsOf(device, values);
  const certain = new Set(open.objects.map(({ resourceName }) => resourceName));
  // With values, an object whose own value was never read counts as decided; it is not.
  const unread = new Set(
    open.undecided
      .filter(({ reads, object }) => !certain.has(object.resourceName) && reads.some(({ path }) => !values.has(path)))
      .map(({ object }) => object.resourceName),
  );
  return {
    profiles: decided.profiles,
    objects: decided.objects.filter(({ resourceName }) => !unread.has(resourceName)),
    undecided: [...open.undecided, ...decided.undecided],
  };
}

/** Silence decides nothing: the device is asked again when it registers anew. */
function isAnswered(result: TargetResult): boolean {
  return !('failure' in result) || !unanswered.has(result.failure.cause);
}

const unanswered: ReadonlySet<Cause> = new Set<Cause>(['no-answer', 'no-session', 'session-timeout', 'unavailable']);

/** A value that decides about objects was never read, and nobody is about to read it. */
export function isLeftOpen(core: Core, { device, decisions }: DeviceEntry): boolean {
  const { undecided } = core.translator.objectsOf(device);
  if (undecided.length === 0) return false;
  const known = new Set(decisions.map(({ path }) => path));
  if (undecided.every(({ reads }) => reads.every(({ path }) => known.has(path)))) return false;
  const lane = core.lanes.existing(device.lane);
  return ![...(lane?.queue ?? []), ...(lane?.inFlight ?? [])].some(
    ({ operation }) => operation.device === device.id && purposeOf(operation).what === 'onboarding',
  );
}

/** What cannot be read decides like what is not there. */
function readable(result: TargetResult): TargetResult {
  return 'value' in result ? result : { path: result.path, absent: true };
}

function readRound(
  core: Core,
  device: ManagedDevice,
  found: DeviceObjects,
  round: number,
  read: string[],
): Operation | undefined {
  const done = new Set(read);
  const targets = new Map<string, Target>();
  const wanted = [
    ...core.translator.initialReads(device.technology, found.objects, found.profiles),
    ...core.translator.identityReads(device),
    ...found.undecided.flatMap(({ reads }) => reads),
  ];
  for (const target of wanted) if (!done.has(target.path)) targets.set(target.path, target);
  if (targets.size === 0) return undefined;
  return internalRead(core, device, [...targets.values()], { what: 'onboarding', round, read });
}
