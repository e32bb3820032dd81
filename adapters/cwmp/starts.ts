/**
 * Whether an Inform tells of a new start. Events stay undelivered until a session ends in success (TR-069 3.7.1.5), so that a CPE says
 * `1 BOOT` again after one that broke: then it has not started since, and proves nothing that was sent in that session.
 */
import { ownText } from '../../src/support/own-text.ts';
import type { Occasion } from './events.ts';
import type { Inform } from './rpc.ts';
import { readCount } from './scalars.ts';

/** A start that the CPE has told, in sessions none of which came to its end. */
export interface Start {
  /** Events of the start with their keys, one a line. */
  events: string;
  /** ms since 1970, our clock: when it was told first. */
  at: number;
  /** RetryCount of the last telling. */
  retries: number;
}

/** @returns undefined: the device has not started */
export function startToldBy(
  inform: Inform,
  occasion: Occasion,
  before: Start | undefined,
  now: number,
): Start | undefined {
  if (!occasion.restarted) return undefined;
  const events = eventsOf(occasion);
  const { retryCount: retries } = inform;
  if (before && isToldAgain(inform, events, before, now)) return { ...before, retries };
  return { events: ownText(events.join('\n')), at: now, retries };
}

function isToldAgain({ parameters, retryCount }: Inform, events: string[], before: Start, now: number): boolean {
  const told = new Set(before.events.split('\n'));
  if (!events.every((event) => told.has(event))) return false;
  const upTime = readCount(parameters.find(({ name }) => name.endsWith('.DeviceInfo.UpTime'))?.value);
  if (upTime !== undefined) return now - upTime * 1000 <= before.at;
  // A restart begins the count anew.
  return retryCount > before.retries;
}

/** `M Reboot` names the Reboot that it belongs to. */
function eventsOf({ bootstrap, boot, commandKeys }: Occasion): string[] {
  const reboots = commandKeys
    .filter(({ event }) => event === 'm reboot')
    .map(({ key }) => `m reboot ${key}`.slice(0, 80));
  return [...(bootstrap ? ['bootstrap'] : []), ...(boot ? ['boot'] : []), ...reboots.slice(0, 16)];
}
