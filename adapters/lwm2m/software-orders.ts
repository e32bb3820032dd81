/** Uninstall, activate and deactivate of object 9: one Execute, then waiting until the device shows that it is done. */
import type { Operation, Pending } from '../../src/management/operation.ts';
import type { Failure } from '../../src/management/outcome.ts';
import type {
  DeviceLink,
  Procedure,
  ProcedureEnd,
  ProcedureRun,
  ProcedureSettings,
  ProcedureStep,
} from './procedure.ts';
import {
  createPace,
  defaultProcedureSettings,
  findConflict,
  guard,
  interrupted,
  settled,
  settledAsDone,
  settledAsFailed,
  stepOf,
  unreadable,
  unreadableState,
} from './procedure-steps.ts';
import { lookAtSoftware, observationsOf } from './software-resources.ts';
import { decideOrder, type SoftwareLook, type SoftwareOrder } from './software-states.ts';

export function createSoftwareOrder(order: SoftwareOrder, settings: Partial<ProcedureSettings> = {}): Procedure {
  const all = { ...defaultProcedureSettings, ...settings };
  return {
    name: order.name,
    signature: {},
    start: (device, operation, step, run) => guard(run, () => start(order, device, operation, step, run, all)),
    resume: (device, operation, run) => guard(run, () => resume(order, device, operation, run, all)),
    cancel: async () => ({ state: 'not-cancellable', why: 'the device has taken the order: it cannot be called back' }),
    overdue,
  };
}

async function start(
  order: SoftwareOrder,
  device: DeviceLink,
  operation: Operation,
  step: ProcedureStep,
  run: ProcedureRun,
  settings: ProcedureSettings,
): Promise<ProcedureEnd> {
  const { object } = step;
  const conflict = await findConflict(device, operation, object);
  if (conflict) return settledAsFailed(conflict);
  const look = await lookAtSoftware(device, object);
  if (!look) return settledAsFailed(unreadable(object, await device.read(`${object}/7`)));
  const obstacle = order.obstacle(look);
  if (obstacle) return settledAsFailed({ ...obstacle, evidence: `Update State ${look.state}` });
  if (order.isDone(look)) return settledAsDone(observationsOf(object, look), 'nothing to do');
  const answer = await device.execute(`${object}/${order.resource}`);
  if (!answer.ok && answer.code !== '') return settledAsFailed(unreadable(object, answer));
  if (!answer.ok) return whenSilent(order, device, object, look, unreadable(object, answer));
  const pending: Pending = {
    correlator: operation.id,
    procedure: order.name,
    state: { staleResult: look.result },
    deadline: device.context.now() + settings.updateDeadline,
    holds: object,
  };
  await run.accept(pending);
  return follow(order, device, object, look.result, run, settings);
}

/** The order was sent and not answered. It is not repeated: either the device shows that it is done, or nobody knows. */
async function whenSilent(
  order: SoftwareOrder,
  device: DeviceLink,
  object: string,
  before: SoftwareLook,
  failure: Failure,
): Promise<ProcedureEnd> {
  const look = failure.cause === 'no-answer' ? await lookAtSoftware(device, object) : undefined;
  if (look) {
    const decision = decideOrder(order, look, before.result);
    if (decision.next === 'succeed') return settledAsDone(observationsOf(object, look), decision.evidence);
    if (decision.next === 'fail') return settledAsFailed(decision.failure, observationsOf(object, look));
  }
  return failure.cause === 'no-answer'
    ? settled({ status: 'unknown', failure, results: [] })
    : settledAsFailed(failure);
}

async function resume(
  order: SoftwareOrder,
  device: DeviceLink,
  operation: Operation,
  run: ProcedureRun,
  settings: ProcedureSettings,
): Promise<ProcedureEnd> {
  const object = stepOf(operation)?.object;
  if (object === undefined || !operation.pending) return settledAsFailed(unreadableState);
  const { staleResult } = operation.pending.state;
  return follow(order, device, object, typeof staleResult === 'number' ? staleResult : undefined, run, settings);
}

async function follow(
  order: SoftwareOrder,
  device: DeviceLink,
  object: string,
  staleResult: number | undefined,
  run: ProcedureRun,
  settings: ProcedureSettings,
): Promise<ProcedureEnd> {
  const pace = await createPace(device, [`${object}/7`, `${object}/9`, `${object}/12`], settings.pollInterval);
  try {
    while (!run.signal.aborted) {
      const look = await lookAtSoftware(device, object);
      if (!look) break;
      const decision = decideOrder(order, look, staleResult);
      if (decision.next === 'succeed') return settledAsDone(observationsOf(object, look), decision.evidence);
      if (decision.next === 'fail') return settledAsFailed(decision.failure, observationsOf(object, look));
      await pace.pause();
    }
    return interrupted(run);
  } finally {
    pace.stop();
  }
}

function overdue(): Failure {
  const explanation =
    'The device took the order and did not show in time that it is done: read its state, then decide.';
  return { cause: 'deadline', explanation };
}
