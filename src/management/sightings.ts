/** Devices come, stay and go. What a leg reports here is durable before the leg answers its device. */
import { isDeepStrictEqual } from 'node:util';
import type { Admission, Inventory, ManagedDevice, Sighting, ToldPresence } from './adapter.ts';
import type { Core } from './core.ts';
import type { Companion, DeviceChange, DeviceEntry } from './device-registry.ts';
import { deviceRestarted } from './evidence.ts';
import { withIdentity } from './identity.ts';
import { enterCommitted } from './internal-operations.ts';
import { lifetimeOf, presenceAt } from './presence.ts';
import { adoptMapping, isOutdated } from './remapping.ts';
import { owesReturn } from './returns.ts';
import type { DeviceObjects } from './objects.ts';
import { align, alignAndRead, isLeftOpen, objectsKnown } from './onboarding.ts';
import type { DeviceId, Operation } from './operation.ts';

/** Registers a device, or renews it; the first sighting and everything that it makes are one commit. */
export async function deviceSeen(core: Core, sighting: Sighting): Promise<Admission> {
  const key = `${sighting.technology} ${sighting.identity}`;
  const known = core.devices.knownByIdentity(sighting.technology, sighting.identity);
  if (known && !core.turns.busy(key) && bringsNoNews(core, known, corrected(core, known, sighting))) {
    core.devices.renew(known, presenceAt(core, known, sighting.presence));
    cameAnew(core, known, sighting);
    return { admitted: true, device: known.device };
  }
  return core.turns.take(key, () => admit(core, sighting));
}

/** Kept in memory, written in the background. */
export function deviceRenewed(core: Core, id: DeviceId, presence: ToldPresence): void {
  const renew = (entry: DeviceEntry | undefined): void => {
    // Whoever is gone comes back by a new registration only; a late word of the old one has no lifetime.
    if (!entry || entry.device.presence.state === 'gone') return;
    core.devices.renew(entry, presenceAt(core, entry, presence));
    if (isOutdated(core, entry)) void adoptMapping(core, entry);
  };
  const known = core.devices.known(id);
  if (known) {
    renew(known);
    return;
  }
  core.devices
    .find(id)
    .then(renew, (error: unknown) =>
      core.log.warn({ err: error, device: id }, 'a renewed registration was lost; the next one counts'),
    );
}

/** The device left. Its resources stay; its session ends. */
export function deviceGone(core: Core, id: DeviceId, why: string): Promise<void> {
  return goes(core, id, why, () => true);
}

/** The registration of a device ran out, unless it came back in that moment. */
export function deviceExpired(core: Core, id: DeviceId): Promise<void> {
  return goes(core, id, 'its registration has expired', ({ device }) => {
    const { until } = device.presence;
    return until !== undefined && until <= core.clock.now();
  });
}

async function goes(core: Core, id: DeviceId, why: string, isSo: (entry: DeviceEntry) => boolean): Promise<void> {
  const entry = await core.devices.find(id);
  if (!entry) return;
  const { technology, identity } = entry.device;
  await core.turns.take(`${technology} ${identity}`, async () => {
    if (entry.device.presence.state !== 'gone' && isSo(entry)) await end(core, entry, why);
  });
}

async function end(core: Core, entry: DeviceEntry, why: string): Promise<void> {
  const { id } = entry.device;
  const { lastSeen, address } = entry.device.presence;
  entry.observed = [];
  await core.devices.change(entry, { presence: { state: 'gone', lastSeen, address, why } });
  // A lane that the device shares is its proxy's.
  if (entry.device.lane === id) core.lanes.existing(id)?.holder?.end(why);
}

/** What a contact means for the resources of a device: their expiration is renewed, not at every contact. */
export function contactOf(
  core: Core,
  entry: DeviceEntry,
  atOnce = false,
): { change: DeviceChange; companion?: Companion } {
  const now = core.clock.now();
  if (!atOnce && now - entry.contactAt < core.settings.contactInterval) return { change: {} };
  return {
    change: { contactAt: now },
    companion: (next) => core.resourceSide().seen(next, undefined, core.translator.profilesFor(next)),
  };
}

/** Looks once more which management objects a device has, without being told anything new. */
export function realign(core: Core, id: DeviceId): void {
  const entry = core.devices.known(id);
  if (!entry) return;
  const inventory = core.alterations.corrected(id, entry.device.inventory);
  core.devices
    .change(entry, { inventory }, (next) => align(core, next, entry.decisions))
    .catch((error: unknown) => {
      core.log.error(
        { err: error, device: id },
        'management objects of a device could not be aligned; its next contact does',
      );
    });
}

async function admit(core: Core, told: Sighting): Promise<Admission> {
  const entry = await core.devices.findByIdentity(told.technology, told.identity);
  if (!entry) return firstSighting(core, told);
  const sighting = corrected(core, entry, told);
  if (entry.blocked !== undefined) return { admitted: false, why: entry.blocked };
  const now = core.clock.now();
  const news = inventoryNews(core, entry, sighting);
  // The node shows the address of its device.
  const moved = sighting.presence.address !== entry.device.presence.address;
  const contact = contactOf(core, entry, moved);
  let refresh: Operation | undefined;
  const change: DeviceChange = {
    ...contact.change,
    presence: presenceAt(core, entry, sighting.presence),
    inventory: news && told.inventory && ((current) => inventoryOf(core, entry.device.id, current, told.inventory!)),
    facts: sighting.facts,
    // One that was behind a proxy and comes by itself has a lane of its own from now on.
    lane: sighting.proxiedBy === undefined ? entry.device.id : await laneOf(core, sighting),
  };
  const companion: Companion | undefined = news?.isAnew
    ? async (next) => {
        const made = await alignAndRead(core, next, entry.decisions, news.before);
        refresh = made.refresh;
        return made.changes;
      }
    : contact.companion;
  const result = await core.devices.change(entry, news?.isAnew ? { ...change, contactAt: now } : change, companion);
  // What was sent in the same millisecond was sent after it.
  const at = sighting.startedAt === undefined ? now : sighting.startedAt - 1;
  const owed = owesReturn(core, entry) && isBackSince(entry, at);
  cameAnew(core, entry, sighting);
  if (refresh) enterCommitted(core, refresh, result.appended[0]!);
  if (sighting.restarted) await deviceRestarted(core, entry, at, owed);
  return { admitted: true, device: entry.device };
}

/** What this process knew of the device for itself and is void now. */
function cameAnew(core: Core, entry: DeviceEntry, { restarted, startedAt }: Sighting): void {
  entry.wake = undefined;
  entry.wokenAt = 0;
  if (!restarted) return;
  entry.observed = [];
  const at = startedAt ?? core.clock.now();
  if (isBackSince(entry, at)) entry.leavingSince = undefined;
  entry.restartedAt = Math.max(entry.restartedAt, at);
}

/** A start that is told again is older than what made the device go since. */
function isBackSince({ leavingSince }: DeviceEntry, at: number): boolean {
  return leavingSince === undefined || leavingSince <= at;
}

/** What the device tells of its objects may be older than what the gateway has done to them. */
function corrected(core: Core, { device }: DeviceEntry, sighting: Sighting): Sighting {
  if (!sighting.inventory) return sighting;
  const inventory = inventoryOf(core, device.id, device.inventory, sighting.inventory);
  return inventory === sighting.inventory ? sighting : { ...sighting, inventory };
}

function inventoryOf(core: Core, id: DeviceId, known: Inventory, told: Inventory): Inventory {
  return withIdentity(known, core.alterations.corrected(id, told));
}

async function firstSighting(core: Core, sighting: Sighting): Promise<Admission> {
  const inventory = core.devices.sharedInventory(sighting.inventory ?? { objects: [] });
  let refresh: Operation | undefined;
  const { entry, result } = await core.devices.create(
    {
      technology: sighting.technology,
      identity: sighting.identity,
      lane: await laneOf(core, sighting),
      presence: presenceAt(core, undefined, sighting.presence),
      inventory,
      facts: sighting.facts ?? null,
    },
    async (next) => {
      const made = await alignAndRead(core, next, []);
      refresh = made.refresh;
      return made.changes;
    },
  );
  if (refresh) enterCommitted(core, refresh, result.appended[0]!);
  return { admitted: true, device: entry.device };
}

/** A proxied device shares the lane of the device whose session carries it. */
async function laneOf(core: Core, sighting: Sighting): Promise<string | undefined> {
  if (sighting.proxiedBy === undefined) return undefined;
  const proxy = await core.devices.findByIdentity(sighting.technology, sighting.proxiedBy);
  return proxy?.device.lane;
}

/**
 * Undefined: nothing changed. `isAnew`: it changes which management objects the device has, or its mapping did. `before`: what it had,
 * where the device has run on with it: after a restart, or by another mapping, the values may be others as well.
 */
function inventoryNews(
  core: Core,
  entry: DeviceEntry,
  sighting: Sighting,
): { isAnew: boolean; before?: DeviceObjects } | undefined {
  const { device } = entry;
  if (isOutdated(core, entry) || (sighting.restarted && isLeftOpen(core, entry))) return { isAnew: true };
  if (!sighting.inventory) return undefined;
  const inventory = core.devices.sharedInventory(sighting.inventory);
  if (device.node !== undefined && isDeepStrictEqual(inventory, device.inventory)) return undefined;
  const { decisions } = entry;
  const before = objectsKnown(core, device, decisions);
  const after = objectsKnown(core, { technology: device.technology, inventory }, decisions);
  if (device.node === undefined) return { isAnew: true };
  const isSameDevice = !sighting.restarted && isDeepStrictEqual(before.profiles, after.profiles);
  return { isAnew: !sameObjects(before, after), before: isSameDevice ? before : undefined };
}

function sameObjects(before: DeviceObjects, after: DeviceObjects): boolean {
  return isDeepStrictEqual(
    { objects: before.objects, undecided: before.undecided, profiles: before.profiles },
    { objects: after.objects, undecided: after.undecided, profiles: after.profiles },
  );
}

function bringsNoNews(core: Core, entry: DeviceEntry, sighting: Sighting): boolean {
  const { device } = entry;
  if (entry.blocked !== undefined || device.node === undefined || isOutdated(core, entry)) return false;
  if (sighting.proxiedBy === undefined && device.lane !== device.id) return false;
  // What waits for the device to come back is settled by it, and that is stored.
  if (sighting.restarted && (hasWork(core, device) || isLeftOpen(core, entry))) return false;
  if (core.clock.now() - entry.contactAt >= core.settings.contactInterval) return false;
  return (
    samePresence(device, sighting.presence, core.clock.now()) &&
    (sighting.inventory === undefined || isDeepStrictEqual(sighting.inventory, device.inventory)) &&
    (sighting.facts === undefined || isDeepStrictEqual(sighting.facts, device.facts))
  );
}

function hasWork(core: Core, { id, lane }: ManagedDevice): boolean {
  return core.lanes.outstanding(id).length > 0 || (core.lanes.existing(lane)?.inFlight.size ?? 0) > 0;
}

/** Equal but for the time: the same state, address and lifetime. */
function samePresence({ presence }: ManagedDevice, next: ToldPresence, now: number): boolean {
  const lifetime = lifetimeOf(presence);
  const nextLifetime = next.until === undefined ? undefined : next.until - now;
  const sameLifetime =
    lifetime === undefined || nextLifetime === undefined
      ? lifetime === nextLifetime
      : Math.abs(lifetime - nextLifetime) <= 1000;
  return presence.state === next.state && presence.address === next.address && sameLifetime;
}
