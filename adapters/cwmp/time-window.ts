/** startTime and completeTime of a DOWNLOAD as the window of ScheduleDownload (TR-069 A.4.1.8). */
import type { Order, RpcArguments } from './orders.ts';
import type { TimeWindow } from './rpc/transfers.ts';
import { readCount } from './scalars.ts';

export type Ordering = Pick<Order, 'operation' | 'context' | 'settings'>;

export type Schedule = { when: 'now' } | { when: 'window'; window: TimeWindow } | { when: 'missed' };

/** `2147483647` and more are not taken by CPEs that keep a signed number. */
const latest = 2_147_483_647;

/**
 * A window that was empty or over when the command was accepted means "at once": TS-0004 wants the two times in every DOWNLOAD. One
 * that has passed since then is missed: whoever asked for the night does not want the noon.
 * @param openEnd ms of a window that has no end
 */
export function scheduleOf(given: RpcArguments, acceptedAt: number, now: number, openEnd: number): Schedule {
  const begin = timeIn(given, 'WindowStart');
  const end = timeIn(given, 'WindowEnd');
  if (begin === undefined && end === undefined) return { when: 'now' };
  if (end === undefined ? begin! <= acceptedAt : end <= acceptedAt || (begin ?? 0) >= end) return { when: 'now' };
  const from = Math.max(begin ?? now, now);
  const to = end ?? from + openEnd;
  if (to <= now) return { when: 'missed' };
  const start = Math.min(Math.floor((from - now) / 1000), latest - 1);
  const window: TimeWindow = {
    start,
    end: Math.min(Math.max(Math.ceil((to - now) / 1000), start + 1), latest),
    mode: given['WindowMode'] || '1 At Any Time',
    ...(given['UserMessage'] ? { userMessage: given['UserMessage'] } : {}),
    ...(/^-?\d{1,9}$/.test(given['MaxRetries'] ?? '') ? { maximumRetries: Number(given['MaxRetries']) } : {}),
  };
  return { when: 'window', window };
}

/** As it stands now. */
export function scheduleFor({ operation, context, settings }: Ordering, given: RpcArguments): Schedule {
  return scheduleOf(given, operation.acceptedAt, context.now(), settings.downloadDeadline);
}

/** The end of the window that was given, ms since 1970; 0 = none. */
export function endOfWindow(given: RpcArguments): number {
  return timeIn(given, 'WindowEnd') ?? timeIn(given, 'WindowStart') ?? 0;
}

/** s since 1970 → ms. */
function timeIn(given: RpcArguments, name: string): number | undefined {
  const seconds = readCount(given[name]);
  return seconds === undefined ? undefined : seconds * 1000;
}
