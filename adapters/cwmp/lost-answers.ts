/**
 * Orders whose answer was lost with its session: the CPE may be at work on them, and a version that is the old one proves
 * nothing yet. They are found again by their CommandKey: in what the CPE reports, or in its list of transfers.
 */
import { Withdrawn, type AdapterContext } from '../../src/management/adapter.ts';
import type { DeviceId, Operation, Pending } from '../../src/management/operation.ts';
import type { Channel } from './channel.ts';
import type { WorkState } from './completions.ts';
import { commandKeyIn, commandKeyOf, readRpcArguments, rpcOf } from './orders.ts';
import type { CwmpSettings } from './settings.ts';
import { endOfWindow } from './time-window.ts';

/** What an operation would have become, had its answer arrived. */
type Mark = Pick<Pending, 'correlator' | 'procedure' | 'holds'> & { state: WorkState };

interface LostOrder {
  operation: Operation;
  mark: Mark;
}

/** A report names its order: it was taken. Durable when it resolves. */
export async function takeUpReported(
  context: AdapterContext,
  device: DeviceId,
  commandKey: string,
  settings: CwmpSettings,
): Promise<void> {
  for (const lost of await lostOrders(context, device)) {
    if (commandKey === lost.mark.correlator) await takeUp(context, lost, settings);
  }
}

/** Asks the CPE what it is transferring; nothing when no order is lost. One that does not know the question leaves it to other evidence. */
export async function takeUpQueued(
  context: AdapterContext,
  device: DeviceId,
  channel: Channel,
  settings: CwmpSettings,
): Promise<void> {
  const orders = await lostOrders(context, device);
  const lost = orders.filter(({ mark: { state } }) => state.work === 'firmware' || state.work === 'transfer');
  if (lost.length === 0) return;
  const { answer } = await channel.ask('GetAllQueuedTransfers', {});
  const keys = new Set(answer?.transfers.map(({ commandKey }) => commandKey));
  for (const order of lost) {
    if (keys.has(order.mark.correlator)) await takeUp(context, order, settings);
  }
}

async function lostOrders(context: AdapterContext, device: DeviceId): Promise<LostOrder[]> {
  return (await context.unanswered(device)).flatMap((operation) => {
    const mark = markOf(operation);
    return mark ? [{ operation, mark }] : [];
  });
}

async function takeUp(context: AdapterContext, { operation, mark }: LostOrder, settings: CwmpSettings): Promise<void> {
  try {
    const begin = Math.max(context.now(), windowOf(operation));
    await context.takeUp(operation, { ...mark, deadline: begin + settings.downloadDeadline, progress: 0 });
  } catch (error) {
    // Settled by other evidence in that moment.
    if (!(error instanceof Withdrawn)) throw error;
  }
}

/** End of the window of a ScheduleDownload, ms since 1970; 0 = there is none. */
function windowOf({ steps }: Operation): number {
  const step = steps.at(-1);
  return step?.action === 'execute' ? endOfWindow(readRpcArguments(step.arguments) ?? {}) : 0;
}

/** Undefined: an operation of which no report tells. */
function markOf(operation: Operation): Mark | undefined {
  const step = operation.steps.at(-1);
  if (step?.action === 'procedure') {
    const { procedure, object: holds, inputs } = step;
    const correlator = commandKeyOf(operation);
    if (procedure !== 'firmware-update')
      return { correlator, procedure, holds, state: { work: 'deployment', phase: 'running' } };
    const version = typeof inputs['version'] === 'string' ? { version: inputs['version'] } : {};
    return { correlator, procedure, holds, state: { work: 'firmware', phase: 'running', ...version } };
  }
  const rpc = step && rpcOf(step);
  if (rpc === undefined || step?.action !== 'execute') return undefined;
  const correlator = commandKeyIn(readRpcArguments(step.arguments) ?? {}, operation);
  switch (rpc) {
    case 'Download':
    case 'Upload':
      return { correlator, procedure: rpc.toLowerCase(), state: { work: 'transfer', phase: 'running' } };
    case 'ChangeDUState':
      return { correlator, procedure: 'change-du-state', state: { work: 'deployment', phase: 'running' } };
    default:
      return undefined;
  }
}
