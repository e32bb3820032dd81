/**
 * Executions of `<mgmtCmd>` (TS-0004 7.4.16.2.3, 7.4.17): one operation for one `<execInstance>`. The two are made in one
 * commit, and every commit of the operation carries what it means for the resource.
 */
import type { JsonObject } from '../onem2m/primitive.ts';
import { statusCodes } from '../onem2m/status-codes.ts';
import type { Clock } from '../support/clock.ts';
import type { ManagedDevice } from './adapter.ts';
import { cancel } from './cancelling.ts';
import { refusalOf } from './causes.ts';
import { finishedExecution, startedExecution } from './command-outcome.ts';
import { planCommand, type CommandPlan } from './command-plan.ts';
import { commandOf, type CommandArgument } from './command-table.ts';
import { commitAnew } from './commits.ts';
import type { Core } from './core.ts';
import type { DeviceEntry } from './device-registry.ts';
import { operationFor } from './drafts.ts';
import { boundObjects } from './effects.ts';
import { markExecution } from './execution-marks.ts';
import type { Reply, Requester } from './facade.ts';
import { internalRequester } from './internal-operations.ts';
import type { Operation, OperationId } from './operation.ts';
import { failed, type Failure, type Outcome } from './outcome.ts';
import type { CommandPurpose } from './purpose.ts';
import { admissionRefused, enterStored } from './queueing.ts';
import { refuse } from './replies.ts';
import type { AttributePatch, BoundObject, Changes } from './resource-side.ts';
import { holdKey } from './settlement.ts';
import { isUnsent } from './withdrawal.ts';

export interface CommandOrder {
  /** Resource ID of the `<node>`. */
  node: string;
  cmdType: number;
  /** `execReqArgs` by long names. */
  arguments: JsonObject | undefined;
  /** Resource ID that the `<execInstance>` gets. */
  instance: string;
  /** Not sent by then: expired. ms since 1970, store clock. */
  expiresAt: number;
}

/** How the `<execInstance>` begins; `operation` absent = it is over already. */
export interface ExecutionStart {
  operation?: OperationId;
  /** Attributes of the standard. */
  patch: AttributePatch;
  outcome?: Outcome;
}

/** Changes that make the `<execInstance>`; undefined = its `<mgmtCmd>` is gone. Called again when a commit meets a conflict. */
export type MakeExecution = (start: ExecutionStart) => Promise<Changes | undefined>;

export interface FittingArguments {
  /** Long and short name of the member. */
  member: string;
  shortName: string;
  /** Of the command. */
  name: string;
  fields: Readonly<Record<string, CommandArgument>>;
}

export interface Commands {
  /**
   * Done: the device has accepted it or will be asked once it is there; how it stands is seen on the `<execInstance>`.
   * Not done: why; the `<execInstance>` is there all the same where `make` was called.
   */
  execute(order: CommandOrder, make: MakeExecution, requester: Requester): Promise<Reply>;
  /** Stops an execution: 6026, 6028 and 6029 when it cannot be. */
  cancelExecution(operation: OperationId, requester: Requester): Promise<Reply>;
  /** The member of `execReqArgs` that fits the command; undefined = there is no such command. */
  argumentsOf(cmdType: number): FittingArguments | undefined;
}

export function createCommands(core: Core): Commands {
  return {
    execute: (order, make, requester) => execute(core, order, make, requester),
    cancelExecution: (operation, requester) => cancelExecution(core, operation, requester),
    argumentsOf(cmdType) {
      const command = commandOf(core.commands, cmdType);
      if (!command) return undefined;
      const { execReqArgs: member, shortName, arguments: fields } = command.row;
      return { member, shortName, name: command.name, fields };
    },
  };
}

async function execute(core: Core, order: CommandOrder, make: MakeExecution, requester: Requester): Promise<Reply> {
  const device = await core.devices.findByNode(order.node);
  if (!device) return refuse('not-reachable', 'the <node> has no device that is registered here; nothing was sent');
  const objects = await boundObjects(core, device.device.id);
  const plan = planCommand(core.commands, order.cmdType, order.arguments, device.device, objects, (path) =>
    isFree(core, device.device, path, objects),
  );
  if (!plan.ok) return refuseExecution(core, make, plan.failure);
  const refused = admissionRefused(core, device, requester.blocking);
  if (refused?.done === false) {
    const { cause = 'not-reachable', explanation } = refused;
    return refuseExecution(core, make, { cause, explanation });
  }
  return enter(core, device, order, plan, make, requester);
}

/** Nothing is going on at the object, neither by a command nor by its management object. */
function isFree(core: Core, { id }: ManagedDevice, path: string, objects: readonly BoundObject[]): boolean {
  const bound = objects.filter((object) => Object.values(object.objects).includes(path));
  const keys = [path, ...bound.map(({ resourceID }) => resourceID)];
  return keys.every((key) => core.lanes.holderOf(holdKey(id, key)) === undefined);
}

/** The execution is over before it began; it stays as the record of it. */
async function refuseExecution(core: Core, make: MakeExecution, failure: Failure): Promise<Reply> {
  const outcome = failed(failure);
  let isGone = false;
  await commitAnew(core, async () => {
    const changes = await make({ patch: finishedExecution(core.commands, outcome), outcome });
    isGone = changes === undefined;
    return changes;
  });
  return isGone ? commandGone() : { done: false, ...refusalOf(failure, 'command') };
}

/** Into the lane, in the commit that makes the `<execInstance>`. */
async function enter(
  core: Core,
  device: DeviceEntry,
  order: CommandOrder,
  plan: CommandPlan,
  make: MakeExecution,
  requester: Requester,
): Promise<Reply> {
  const purpose: CommandPurpose = {
    what: 'command',
    endsWithReturn: plan.endsWithReturn,
    cancellable: plan.cancellable,
    refresh: plan.refresh,
    ...(plan.object === undefined ? {} : { holds: holdKey(device.device.id, plan.object) }),
  };
  const { originator, requestIdentifier } = requester;
  const operation = operationFor(core, device.device, {
    kind: 'command',
    steps: plan.steps,
    repeatable: false,
    evidence: plan.evidence,
    resource: order.instance,
    purpose,
    requester: { originator, requestIdentifier },
    expiresAt: order.expiresAt,
    volatile: false,
  });
  const isThere =
    device.device.presence.state === 'reachable' && core.lanes.existing(operation.lane)?.holder !== undefined;
  let isGone = false;
  const beside = async (): Promise<Changes | undefined> => {
    const changes = await make({ operation: operation.id, patch: startedExecution });
    isGone = changes === undefined;
    return changes;
  };
  let stored = Promise.resolve();
  // It waits for its device although the requester may be answered long before.
  const begun = new Promise<Reply>((told) => {
    const waiting = internalRequester(operation);
    stored = enterStored(core, device, operation, waiting, told, { holds: purpose.holds, beside });
  });
  await stored;
  if (isGone) return commandGone();
  const patience = new Patience(core.clock, requester.expiresAt - core.clock.now() - answeringTime);
  if (!isThere) void device.waking?.then(() => isOutOfReach(device) && patience.end());
  const reply = await Promise.race([begun, patience.ended]);
  patience.end();
  return reply ?? goesOn(core, operation);
}

/** There is no way to call it now, and nobody can tell when it comes. */
function isOutOfReach({ wake }: DeviceEntry): boolean {
  return wake?.state === 'waiting' || wake?.state === 'impossible';
}

/** The time for which a requester waits for the first word of the device. */
class Patience {
  readonly ended: Promise<undefined>;
  #end = (): void => {};

  constructor(clock: Clock, milliseconds: number) {
    this.ended = new Promise((resolve) => {
      const stopTimer = clock.after(Math.max(0, milliseconds), () => resolve(undefined));
      this.#end = () => {
        stopTimer();
        resolve(undefined);
      };
    });
  }

  end(): void {
    this.#end();
  }
}

/** ms before the end of the requester's patience that are left for the answer. */
const answeringTime = 200;

/** The requester is answered before the device was asked: the execution is pending from now on. */
async function goesOn(core: Core, operation: Operation): Promise<Reply> {
  const entry = core.lanes.entry(operation.id);
  if (entry && !operation.pending) await markExecution(core, entry, 'PENDING');
  return { done: true, patch: {}, operation: operation.id };
}

async function cancelExecution(core: Core, id: OperationId, requester: Requester): Promise<Reply> {
  const entry = core.lanes.entry(id);
  if (!entry) return complete(id);
  if (isUnsent(entry)) {
    const reply = await cancel(core, id, requester);
    if (reply.done || !core.lanes.entry(id)) return reply;
  }
  const { operation } = entry;
  const purpose = operation.purpose as Partial<CommandPurpose>;
  if (operation.state !== 'accepted' || purpose.cancellable !== true) {
    await markExecution(core, entry, 'STATUS_NON_CANCELLABLE');
    return core.lanes.entry(id) ? notCancellable(operation) : complete(id);
  }
  await markExecution(core, entry, 'CANCELLING');
  const reply = await cancel(core, id, requester);
  if (reply.done) return reply;
  const isFinal = reply.responseStatusCode === statusCodes.MGMT_COMMAND_NOT_CANCELLABLE;
  await markExecution(core, entry, isFinal ? 'STATUS_NON_CANCELLABLE' : 'PENDING');
  return core.lanes.entry(id) ? reply : complete(id);
}

function notCancellable({ id }: Operation): Reply {
  return {
    done: false,
    responseStatusCode: statusCodes.MGMT_COMMAND_NOT_CANCELLABLE,
    explanation: `operation ${id} was sent and such a command cannot be called back; wait for its outcome`,
    operation: id,
  };
}

function complete(id: OperationId): Reply {
  return {
    done: false,
    responseStatusCode: statusCodes.ALREADY_COMPLETE,
    explanation: 'the execution is over already; there is nothing to cancel',
    operation: id,
  };
}

function commandGone(): Reply {
  return {
    done: false,
    responseStatusCode: statusCodes.NOT_FOUND,
    explanation: 'the <mgmtCmd> was deleted meanwhile; nothing was sent',
  };
}
