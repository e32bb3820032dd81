/**
 * Orders whose answer was lost with its session: the CPE may be at work on them, and a version that is the old one proves
 * nothing yet. They are found again by their CommandKey: in what the CPE reports, or in its list of transfers.
 */
import { Withdrawn, type AdapterContext } from '../../src/management/adapter.ts';
import type { DeviceId, Operation, Step } from '../../src/management/operation.ts';
import type { Channel } from './channel.ts';
import type { WorkState } from './completions.ts';
import { commandKeyOf } from './orders.ts';
import type { CwmpSettings } from './settings.ts';

type ProcedureStep = Extract<Step, { action: 'procedure' }>;

/** A report names its order: it was taken. Durable when it resolves. */
export async function takeUpReported(
  context: AdapterContext,
  device: DeviceId,
  commandKey: string,
  settings: CwmpSettings,
): Promise<void> {
  for (const { operation, step } of await lostOrders(context, device)) {
    if (commandKey === commandKeyOf(operation)) await takeUp(context, operation, step, settings);
  }
}

/** Asks the CPE what it is transferring; nothing when no order is lost. One that does not know the question leaves it to other evidence. */
export async function takeUpQueued(
  context: AdapterContext,
  device: DeviceId,
  channel: Channel,
  settings: CwmpSettings,
): Promise<void> {
  const lost = (await lostOrders(context, device)).filter(({ step }) => stateOf(step).work === 'firmware');
  if (lost.length === 0) return;
  const { answer } = await channel.ask('GetAllQueuedTransfers', {});
  const keys = new Set(answer?.transfers.map(({ commandKey }) => commandKey));
  for (const { operation, step } of lost) {
    if (keys.has(commandKeyOf(operation))) await takeUp(context, operation, step, settings);
  }
}

async function lostOrders(
  context: AdapterContext,
  device: DeviceId,
): Promise<{ operation: Operation; step: ProcedureStep }[]> {
  return (await context.unanswered(device)).flatMap((operation) => {
    const step = operation.steps.at(-1);
    return step?.action === 'procedure' ? [{ operation, step }] : [];
  });
}

async function takeUp(
  context: AdapterContext,
  operation: Operation,
  step: ProcedureStep,
  { downloadDeadline }: CwmpSettings,
): Promise<void> {
  try {
    await context.takeUp(operation, {
      correlator: commandKeyOf(operation),
      procedure: step.procedure,
      holds: step.object,
      state: stateOf(step),
      deadline: context.now() + downloadDeadline,
      progress: 0,
    });
  } catch (error) {
    // Settled by other evidence in that moment.
    if (!(error instanceof Withdrawn)) throw error;
  }
}

function stateOf({ procedure, inputs }: ProcedureStep): WorkState {
  if (procedure !== 'firmware-update') return { work: 'deployment', phase: 'running' };
  const { version } = inputs;
  return { work: 'firmware', phase: 'running', ...(typeof version === 'string' ? { version } : {}) };
}
