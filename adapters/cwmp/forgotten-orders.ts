/**
 * Accepted orders that a CPE has forgotten: no report will come of them. A factory reset loses them (0 BOOTSTRAP); some CPEs lose their
 * transfers by any restart, others begin them again, so after 1 BOOT only a list of transfers without it is a proof. Reports that
 * are late prove nothing (quirk 25).
 */
import type { AdapterContext } from '../../src/management/adapter.ts';
import type { Operation } from '../../src/management/operation.ts';
import { failed } from '../../src/management/outcome.ts';
import { lacks } from './abilities.ts';
import type { Channel } from './channel.ts';
import { isBackFrom, workStateOf, type CpeNow } from './completions.ts';
import type { CpeFacts } from './facts.ts';

/** Once in a session, when the CPE has handed us the word: what it reports by itself has come by then. Durable when it resolves. */
export async function failForgotten(
  context: AdapterContext,
  now: CpeNow,
  channel: Channel,
  facts: CpeFacts,
): Promise<void> {
  const { bootstrap, restarted, transfer } = now.occasion;
  if (!restarted || transfer) return;
  const inDoubt = (await context.pending(now.device.id)).filter((one) => isInDoubt(now, one));
  if (inDoubt.length === 0) return;
  const listed = lacks(facts, 'GetAllQueuedTransfers') ? undefined : await listedKeys(channel);
  if (listed === 'silent' || (!listed && !bootstrap)) return;
  for (const operation of inDoubt) {
    if (listed && isListed(operation, listed)) continue;
    // Of deployment units there is no list.
    if (!bootstrap && workStateOf(operation)?.work === 'deployment') continue;
    const explanation = bootstrap
      ? 'the device was reset (0 BOOTSTRAP) before it had reported the end: it has forgotten the order; give it again'
      : 'the device has started anew and does not list the transfer any more: it has forgotten it; give the order again';
    const evidence = bootstrap ? '0 BOOTSTRAP' : 'GetAllQueuedTransfers';
    await context.settle(operation, failed({ cause: 'transfer-failed', explanation, evidence }));
  }
}

/** It was begun before the device has started, and nothing tells yet how it ended. */
function isInDoubt(now: CpeNow, operation: Operation): boolean {
  const state = workStateOf(operation);
  if (!state || state.work === 'restart' || state.phase !== 'running' || !isBackFrom(now, operation)) return false;
  // It runs something new: the transfer is done, and its report is late.
  return state.work !== 'firmware' || now.running === undefined || now.running === state.runningBefore;
}

/** Undefined: the CPE does not say. */
async function listedKeys(channel: Channel): Promise<string[] | 'silent' | undefined> {
  const { answer, failure } = await channel.ask('GetAllQueuedTransfers', {});
  if (failure) return failure.cause === 'no-answer' || failure.cause === 'unavailable' ? 'silent' : undefined;
  return answer.transfers.map(({ commandKey }) => commandKey);
}

/** Some cut keys, some lose them (quirk 25). */
function isListed({ pending }: Operation, keys: readonly string[]): boolean {
  return keys.some((key) => pending?.correlator.startsWith(key));
}
