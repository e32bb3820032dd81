/** When a device was heard, and how long it is registered. Two times, for a device speaks without renewing its registration. */
import type { Presence, ToldPresence } from './adapter.ts';
import type { Core } from './core.ts';
import type { DeviceEntry } from './device-entry.ts';

/** What a leg tells, with its times: whoever falls asleep or silent has not been heard by that. */
export function presenceAt(core: Core, entry: DeviceEntry | undefined, told: ToldPresence): Presence {
  const now = core.clock.now();
  const before = entry?.device.presence;
  const lastSeen = told.state === 'reachable' || !before ? now : before.lastSeen;
  if (told.until === undefined) return { ...told, lastSeen };
  const renewedAt = before && told.until === before.until ? renewalOf(before) : now;
  return { ...told, lastSeen, renewedAt };
}

/** ms; undefined = unlimited. */
export function lifetimeOf(presence: Presence): number | undefined {
  return presence.until === undefined ? undefined : presence.until - renewalOf(presence);
}

function renewalOf({ renewedAt, lastSeen }: Presence): number {
  return renewedAt ?? lastSeen;
}
