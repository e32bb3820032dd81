/** What keeps an order from being sent at all: a method that the CPE lacks, a time window that is over. */
import type { Step } from '../../src/management/operation.ts';
import type { Failure } from '../../src/management/outcome.ts';
import { lackOf } from './abilities.ts';
import { readRpcArguments, rpcOf, type Order } from './orders.ts';
import { scheduleFor, type Ordering } from './time-window.ts';

/** Undefined: it can be sent. */
export function obstacleTo(order: Ordering & Pick<Order, 'facts'>, step: Step): Failure | undefined {
  const method = methodOf(order, step);
  if (method !== 'too late') return method === undefined ? undefined : lackOf(order.facts, method);
  const explanation =
    'the time between startTime and completeTime was over before the device came; nothing was sent, give a later completeTime';
  return { cause: 'window-missed', explanation };
}

function methodOf(order: Ordering, step: Step): string | undefined {
  if (step.action === 'procedure') return step.procedure === 'firmware-update' ? 'Download' : 'ChangeDUState';
  const rpc = rpcOf(step);
  if (rpc !== 'Download' || step.action !== 'execute') return rpc;
  const { when } = scheduleFor(order, readRpcArguments(step.arguments) ?? {});
  if (when === 'missed') return 'too late';
  return when === 'window' ? 'ScheduleDownload' : rpc;
}
