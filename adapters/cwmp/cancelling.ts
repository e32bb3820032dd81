/** Transfers that somebody wants no more: CancelTransfer, in a session that is open or is called for. */
import type { CancelResult, ManagedDevice, WakeResult } from '../../src/management/adapter.ts';
import type { DeviceId, Operation } from '../../src/management/operation.ts';
import { lacks } from './abilities.ts';
import type { Channel } from './channel.ts';
import { workStateOf } from './completions.ts';
import { readFacts } from './facts.ts';
import type { Cancellation, Leg } from './leg.ts';
import type { Waker } from './waking.ts';

/** ms in which a session must come for a cancellation. */
const patience = 30_000;

/** @param holder the device that holds the session. Undefined: it can be cancelled. */
export function whyNotCancellable(operation: Operation, holder: ManagedDevice): string | undefined {
  const work = workStateOf(operation);
  if (work?.work !== 'firmware' && work?.work !== 'transfer') {
    return 'only transfers can be cancelled on a CPE (CancelTransfer)';
  }
  if (work.phase === 'applying') return 'the file is on the device already: it cannot be stopped any more';
  const facts = readFacts(holder.facts);
  return facts && lacks(facts, 'CancelTransfer')
    ? 'the device does not list CancelTransfer among its methods'
    : undefined;
}

/** @param holder the device that holds the session: its own, or its proxy */
export async function cancelTransfer(
  leg: Leg,
  waker: Waker,
  holder: ManagedDevice,
  operation: Operation,
): Promise<CancelResult> {
  const { context, cancellations, sessions } = leg;
  let give!: Cancellation['done'];
  const result = new Promise<CancelResult>((resolve) => (give = resolve));
  const entry: Cancellation = { operation, done: (answer) => give(answer) };
  const giveUp = (why: string): void => {
    remove(cancellations, holder.id, entry);
    const explanation = `${why}; cancel it again when it is there`;
    give({ state: 'refused', failure: { cause: 'session-timeout', explanation } });
  };
  cancellations.set(holder.id, [...(cancellations.get(holder.id) ?? []), entry]);
  const stopWaiting = context.clock.after(patience, () => giveUp('the device did not come in time to be told'));
  const session = sessions.get(holder.id);
  if (session?.isOpen) {
    session.workCame();
  } else {
    const woken = await waker.wake(holder);
    const comesLater =
      woken.state === 'waiting' && !waker.isCalling(holder.id) && (woken.nextContact ?? 0) > context.now() + patience;
    if (woken.state === 'impossible' || comesLater) giveUp(`the device cannot be told now (${whyOf(woken)})`);
  }
  return result.finally(stopWaiting);
}

/** Tells the CPE of a session what is wanted no more. What a session cannot say any more waits for the next one. */
export async function tellCancelled({ cancellations }: Leg, id: DeviceId, channel: Channel): Promise<void> {
  for (let next = cancellations.get(id)?.[0]; next; next = cancellations.get(id)?.[0]) {
    const commandKey = next.operation.pending?.correlator ?? '';
    const { failure, fault } = await channel.ask('CancelTransfer', { commandKey });
    // It may be asked twice.
    if (failure && !fault && failure.cause !== 'device-error') return;
    remove(cancellations, id, next);
    if (!failure) next.done({ state: 'cancelled' });
    else if (fault?.code === 9000) next.done({ state: 'not-cancellable', why: 'the CPE does not know CancelTransfer' });
    else next.done({ state: 'refused', failure });
  }
}

function remove(waiting: Map<DeviceId, Cancellation[]>, id: DeviceId, entry: Cancellation): void {
  const left = waiting.get(id)?.filter((one) => one !== entry) ?? [];
  if (left.length > 0) waiting.set(id, left);
  else waiting.delete(id);
}

function whyOf(woken: WakeResult): string {
  return 'why' in woken ? woken.why : '';
}
