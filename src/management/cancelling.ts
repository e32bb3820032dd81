/** Operations that somebody wants no more, and devices that are forgotten. */
import { statusCodes } from '../onem2m/status-codes.ts';
import { failureOf } from './causes.ts';
import type { Core } from './core.ts';
import type { Reply, Requester } from './facade.ts';
import { isSettled, operationOf } from './operation-rows.ts';
import type { DeviceId, Operation, OperationId } from './operation.ts';
import type { Outcome } from './outcome.ts';
import { refuse } from './replies.ts';
import { refusalOf } from './causes.ts';
import { settle, settleForGood } from './settlement.ts';
import { withdraw } from './withdrawal.ts';

/**
 * Goes past the queue.
 * @param givesUp an operation that the device has accepted and will not or cannot cancel ends here all the same
 */
export async function cancel(core: Core, id: OperationId, requester: Requester, givesUp = false): Promise<Reply> {
  const entry = core.lanes.entry(id);
  if (!entry) return notGoingOn(core, id);
  const { operation } = entry;
  const outcome = cancelled(requester.originator);
  if (await withdraw(core, entry, outcome)) {
    return core.lanes.entry(id) ? notStored(id) : { done: true, patch: {}, operation: id };
  }
  if (operation.state !== 'accepted') {
    if (isSettled(operation)) return complete(id);
    return {
      done: false,
      responseStatusCode: statusCodes.MGMT_COMMAND_NOT_CANCELLABLE,
      explanation: `operation ${id} was sent and its outcome is awaited; it cannot be called back`,
      operation: id,
    };
  }
  const device = await core.devices.find(operation.device);
  const adapter = device && core.adapters.get(device.device.technology);
  if (!device || !adapter) return refuse('not-reachable', 'the device of the operation is not there any more');
  const answer = await adapter.cancel(device.device, operation);
  if (answer.state !== 'cancelled' && givesUp) {
    // It has ended while the device was asked.
    if (!core.lanes.entry(id)) return complete(id);
    await settle(core, operation, givenUp(requester.originator));
    return { done: true, patch: {}, operation: id };
  }
  switch (answer.state) {
    case 'cancelled':
      await settle(core, operation, outcome);
      return { done: true, patch: {}, operation: id };
    case 'refused': {
      const { explanation } = refusalOf(answer.failure, operation.kind);
      return {
        done: false,
        responseStatusCode: statusCodes.MGMT_CANCELLATION_FAILED,
        explanation: `the device did not cancel it: ${explanation}; ${whatElse(id)}`,
        operation: id,
      };
    }
    case 'not-cancellable':
      return {
        done: false,
        responseStatusCode: statusCodes.MGMT_COMMAND_NOT_CANCELLABLE,
        explanation: `it cannot be cancelled now: ${answer.why}; ${whatElse(id)}`,
        operation: id,
      };
  }
}

/** One that is going on, or one that is over and still kept. */
export async function operationById(core: Core, id: OperationId): Promise<Operation | undefined> {
  const entry = core.lanes.entry(id);
  if (entry) return entry.operation;
  const rows = await core.store.find<Operation>({
    table: 'operations',
    where: [{ column: 'id', is: '=', value: id }],
    limit: 1,
  });
  return rows[0] && operationOf(rows[0]);
}

/** Ends everything that concerns a device, and removes it. */
export async function forgetDevice(core: Core, id: DeviceId): Promise<void> {
  const device = await core.devices.find(id);
  if (!device) return;
  if (device.device.lane === id) core.lanes.existing(id)?.holder?.end('the device was removed');
  const outcome: Outcome = {
    status: 'cancelled',
    failure: failureOf('not-reachable', 'the device was removed from the gateway'),
    results: [],
  };
  const mine = [...core.lanes.entries()].filter(({ operation }) => operation.device === id);
  for (const entry of mine) {
    await (entry.operation.volatile ? settle(core, entry.operation, outcome) : settleForGood(core, entry, outcome));
  }
  await core.devices.remove(device);
  core.trace.forget(id);
  core.alterations.forget(id);
}

async function notGoingOn(core: Core, id: OperationId): Promise<Reply> {
  if (await operationById(core, id)) return complete(id);
  return {
    done: false,
    responseStatusCode: statusCodes.NOT_FOUND,
    explanation: `there is no operation ${id}, or it was over long ago`,
  };
}

/** This process will not send it; the next one might. */
function notStored(id: OperationId): Reply {
  return {
    done: false,
    responseStatusCode: statusCodes.INTERNAL_SERVER_ERROR,
    explanation: `the store did not take the cancellation of ${id}; it is tried again, look at the log of the gateway`,
    operation: id,
  };
}

function complete(id: OperationId): Reply {
  return {
    done: false,
    responseStatusCode: statusCodes.ALREADY_COMPLETE,
    explanation: `operation ${id} is over already; there is nothing to cancel`,
    operation: id,
  };
}

function cancelled(originator: string): Outcome {
  const by = originator ? ` by ${originator}` : '';
  return { status: 'cancelled', failure: failureOf('cancelled', `the operation was cancelled${by}`), results: [] };
}

function whatElse(id: OperationId): string {
  return `wait for its outcome, or let the operator give it up: trivet cancel ${id} --force`;
}

/** Nobody waits for it any more, and the device was not stopped. */
function givenUp(originator: string): Outcome {
  const by = originator ? ` by ${originator}` : '';
  const explanation = `the operation was given up${by}; the device may still carry it out`;
  return { status: 'cancelled', failure: failureOf('cancelled', explanation), results: [] };
}
