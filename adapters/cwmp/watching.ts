/** What a CPE tells of its values: in its Informs, and by the notifications that are set as the subscriptions wish. */
import type { DeviceId } from '../../src/management/operation.ts';
import type { Channel } from './channel.ts';
import type { CpeRecord } from './cpe-record.ts';
import { readFacts } from './facts.ts';
import type { Leg } from './leg.ts';
import { isParameter, reconcileNotifications, stillNotified } from './notifications.ts';
import { readValues } from './reading.ts';
import { valueFromWire, type ParameterValue } from './values.ts';

/** Values that the CPE has told refresh their resources; equal ones change nothing. Durable when it resolves. */
export async function reportValues(
  { context }: Leg,
  { id, facts }: CpeRecord,
  parameters: Iterable<ParameterValue>,
): Promise<void> {
  const values = [...parameters]
    .filter(({ name }) => !name.startsWith(`${facts.root}ManagementServer.`))
    .map((parameter) => ({ path: parameter.name, value: valueFromWire(parameter) }))
    .filter(({ value }) => value !== null);
  if (values.length > 0) await context.report(id, { event: 'values', values });
}

/** There is nothing to set on it; whatever else there is to do for a wish has time until its next session. */
export async function isAsWished({ context }: Leg, id: DeviceId): Promise<boolean> {
  const device = await context.device(id);
  const facts = device && readFacts(device.facts);
  if (!facts) return true;
  const wished = new Set((await context.wish(id)).map(({ path }) => path).filter(isParameter));
  return !facts.notifiedInDoubt && isSame(wished, facts.notified);
}

function isSame(wished: ReadonlySet<string>, notified: readonly string[]): boolean {
  return wished.size === notified.length && notified.every((path) => wished.has(path));
}

/** Makes its notifications those that are wished, where that is not known to be so. */
export async function watchWished(leg: Leg, record: CpeRecord, channel: Channel): Promise<void> {
  const { context, wishes, observed } = leg;
  const { id, facts } = record;
  const isInDoubt = facts.notifiedInDoubt === true;
  const isWatched = observed.has(id);
  if (isWatched && !wishes.has(id) && !isInDoubt) return;
  wishes.delete(id);
  const wished = (await context.wish(id)).map(({ path }) => path);
  const before = facts.notified;
  const kept = isInDoubt ? await stillNotified(channel, before) : { notified: before };
  const { notified, stopped } = kept.stopped ? kept : await reconcileNotifications(channel, wished, kept.notified);
  if (notified.join() !== before.join() || (isInDoubt && !stopped)) {
    facts.notified = notified;
    if (!stopped) facts.notifiedInDoubt = undefined;
    await record.remember();
  }
  // It tells what changes from now on, and not what there is.
  const known = isWatched ? notified.filter((path) => kept.notified.includes(path)) : [];
  const unread = notified.filter((path) => !known.includes(path));
  const read = stopped ? undefined : await readValues(channel, unread);
  if (read) await reportValues(leg, record, read.values.values());
  const isDone = read !== undefined && !read.stopped;
  if (isDone) observed.add(id);
  else observed.delete(id);
  context.observing(id, isDone ? notified : known);
}
