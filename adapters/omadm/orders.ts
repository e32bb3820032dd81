/** Orders that a device may accept and carry out later: Exec, with a correlator by which it tells the end (OMA DM RepPro 1.2.1, 6.5.9). */
import type { AdapterContext, ManagedDevice, ProcedureSignature } from '../../src/management/adapter.ts';
import type { Operation, Step } from '../../src/management/operation.ts';
import { succeeded, type Failure, type TargetResult } from '../../src/management/outcome.ts';
import type { Channel, Reply } from './channel.ts';
import type { DeviceSettings } from './device-settings.ts';
import type { DeviceFacts } from './facts.ts';
import { updateFirmware } from './firmware.ts';
import { installSoftware, uninstallSoftware } from './software.ts';
import { evidenceOf, isAccepted } from './status-codes.ts';
import { correlatorOf, type Teller, type Work, type WorkState } from './work.ts';

export const procedures: Readonly<Record<string, ProcedureSignature>> = Object.freeze({
  'firmware-update': { url: true, version: false, name: false },
  'software-install': { url: true, version: false, name: false },
  'software-uninstall': {},
});

export interface Order {
  channel: Channel;
  context: AdapterContext;
  settings: DeviceSettings;
  device: ManagedDevice;
  facts: DeviceFacts;
  operation: Operation;
  teller: Teller;
  /** Results of the steps before. */
  results: TargetResult[];
  /** An alert that came with the answer has told management already what became of it. */
  isTold(): boolean;
  /** Said before an order leaves: what an alert that comes with the answer would be about. */
  expect(work: Work): void;
}

/** How an order ended: told by itself, or with a failure that the caller settles. */
export type Ordered =
  | { failure: Failure }
  | {
      failure?: undefined;
      /** The device starts anew: what follows belongs into its next session. */
      restarts?: boolean;
      /** It says that it is done: its state can be read at once. */
      isDone?: boolean;
    };

type Procedure = Extract<Step, { action: 'procedure' }>;

export function orderProcedure(order: Order, step: Procedure): Promise<Ordered> {
  switch (step.procedure) {
    case 'firmware-update':
      return updateFirmware(order, step);
    case 'software-install':
      return installSoftware(order, step);
    case 'software-uninstall':
      return uninstallSoftware(order, step);
    default: {
      const explanation = `the OMA DM leg has no procedure ${step.procedure}; nothing was sent`;
      return Promise.resolve({ failure: { cause: 'not-implemented', explanation } });
    }
  }
}

export function execute(
  { channel, operation }: Pick<Order, 'channel' | 'operation'>,
  path: string,
  data?: string,
): Promise<Reply> {
  return channel.order({ command: 'Exec', path, data, correlator: correlatorOf(operation) });
}

/** Orders it; when it has begun, or is done, management is told so, unless an alert was faster. */
export async function begin(order: Order, path: string, work: Work): Promise<Ordered> {
  order.expect(work);
  const reply = await execute(order, path);
  if (reply.failure) return order.isTold() ? {} : { failure: reply.failure };
  const isDone = !isAccepted(reply.status ?? 0);
  const state: WorkState = isDone ? { ...work.state, result: reply.status } : work.state;
  if (!order.isTold()) await order.teller.goesOn({ ...work, state }, order.results);
  return { isDone };
}

/** Operations that take our account with them. */
const silent = /\/(?:FactoryReset|Wipe)$/;

/** The step "execute". */
export async function orderExec(
  order: Order,
  step: Extract<Step, { action: 'execute' }>,
  isLast: boolean,
): Promise<Ordered> {
  const { operation, teller, results, settings } = order;
  const { path } = step.target;
  const isRestart = operation.evidence?.restart === true;
  const state: WorkState = {
    work: isRestart ? 'restart' : 'order',
    phase: 'running',
    object: path,
    ...(silent.test(path) ? { isSilent: true } : {}),
  };
  const work: Work = { procedure: 'exec', state, deadline: settings.updateDeadline };
  order.expect(work);
  const reply = await execute(order, path, step.arguments);
  if (reply.failure) return order.isTold() ? {} : { failure: reply.failure };
  if (order.isTold()) return { restarts: isRestart };
  const evidence = evidenceOf(reply.status ?? 200);
  if (!isLast) {
    results.push({ path, done: true });
    return {};
  }
  // A command ends when the device is back, not when it says yes.
  const waits = isAccepted(reply.status ?? 0) || (isRestart && operation.kind === 'command');
  if (waits) {
    await teller.goesOn(work, results);
  } else {
    await teller.ends(succeeded([...results, { path, done: true }], { evidence }));
  }
  return { restarts: isRestart };
}
