/** Makes the active notifications of a CPE equal to what is wished (SetParameterAttributes, TR-069 A.3.2.4). */
import type { Failure } from '../../src/management/outcome.ts';
import type { Channel } from './channel.ts';

const off = 0;
const active = 2;

export interface Reconciled {
  /** Parameters that are notified of now. */
  notified: string[];
  stopped?: Failure;
}

/** Objects have no notification of their own. */
export function isParameter(path: string): boolean {
  return !path.endsWith('.');
}

/**
 * @param wished paths of parameters
 * @param notified what was set before
 */
export async function reconcileNotifications(
  channel: Channel,
  wished: readonly string[],
  notified: readonly string[],
): Promise<Reconciled> {
  const now = new Set(notified);
  const wanted = new Set(wished.filter((path) => isParameter(path) && !channel.knowledge.isUnknown(path)));
  const unwanted = notified.filter((path) => !wanted.has(path));
  const wanting = [...wanted].filter((path) => !now.has(path));
  const removed = await setAll(channel, unwanted, off);
  for (const path of removed.done) now.delete(path);
  // A parameter that is gone with its object has no attribute any more.
  for (const path of removed.refused) now.delete(path);
  const set = removed.stopped ? removed : await setAll(channel, wanting, active);
  if (set !== removed) for (const path of set.done) now.add(path);
  return { notified: [...now].sort(), ...(set.stopped ? { stopped: set.stopped } : {}) };
}

/** Which of them are active still (GetParameterAttributes): a new firmware may have forgotten some. What a CPE does not tell counts as forgotten. */
export async function stillNotified(channel: Channel, notified: readonly string[]): Promise<Reconciled> {
  const kept: string[] = [];
  for (let at = 0; at < notified.length; at += channel.batchSize) {
    const names = notified.slice(at, at + channel.batchSize);
    const { answer, failure } = await channel.ask('GetParameterAttributes', { names });
    if (failure?.cause === 'no-answer') return { notified: [...notified], stopped: failure };
    const still = new Set(answer?.attributes.flatMap((one) => (one.notification === active ? one.name : [])));
    kept.push(...names.filter((name) => still.has(name)));
  }
  return { notified: kept };
}

interface SetResult {
  done: string[];
  refused: string[];
  stopped?: Failure;
}

async function setAll(channel: Channel, names: readonly string[], notification: number): Promise<SetResult> {
  const result: SetResult = { done: [], refused: [] };
  for (let at = 0; at < names.length && !result.stopped; at += channel.batchSize) {
    await setBatch(channel, names.slice(at, at + channel.batchSize), notification, result);
  }
  return result;
}

/** One that is refused (9005, 9009) is found by halving. */
async function setBatch(
  channel: Channel,
  names: readonly string[],
  notification: number,
  result: SetResult,
): Promise<void> {
  const changes = names.map((name) => ({ name, notification }));
  const { answer, failure, fault } = await channel.ask('SetParameterAttributes', { changes });
  if (answer) {
    result.done.push(...names);
  } else if (failure?.cause === 'no-answer') {
    result.stopped = failure;
  } else if (names.length > 1 && fault && fault.code !== 9000) {
    const half = Math.ceil(names.length / 2);
    await setBatch(channel, names.slice(0, half), notification, result);
    if (!result.stopped) await setBatch(channel, names.slice(half), notification, result);
  } else {
    result.refused.push(...names);
  }
}
