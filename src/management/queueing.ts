/** How operations of requesters come into a lane. */
import { statusCodes } from '../onem2m/status-codes.ts';
import { mergeCommits, type Append, type CommitResult } from '../store/store.ts';
import { commitAnew, type Prepared } from './commits.ts';
import type { Core } from './core.ts';
import type { DeviceEntry } from './device-registry.ts';
import type { Reply, Requester } from './facade.ts';
import { waiterOf, type LaneEntry, type Waiter } from './lane.ts';
import { appendOf } from './operation-rows.ts';
import type { Operation } from './operation.ts';
import type { Outcome } from './outcome.ts';
import { refuse } from './replies.ts';
import type { BoundObject } from './resource-side.ts';
import { wakeFor } from './waking.ts';

/** A refusal, when the device cannot have one more operation of this requester; undefined = it can. */
export function admissionRefused(core: Core, device: DeviceEntry | undefined, blocking: boolean): Reply | undefined {
  if (core.stopping) return refuse('no-session', 'the gateway is stopping; nothing was sent, repeat the request later');
  if (!device) return refuse('not-reachable', 'no such device is registered; nothing was sent');
  if (!core.adapters.has(device.device.technology)) {
    const { technology } = device.device;
    return refuse('not-reachable', `the gateway runs without a ${technology} leg; nothing was sent, switch the leg on`);
  }
  if (blocking && device.device.presence.state === 'gone') {
    const why = device.device.presence.why ?? 'its registration has ended';
    return refuse(
      'not-reachable',
      `the device is not registered (${why}); nothing was sent, repeat the request once it is back`,
    );
  }
  const waiting = core.lanes.existing(device.device.lane)?.queue.length ?? 0;
  if (waiting >= core.settings.laneCapacity) {
    return refuse(
      'too-many-operations',
      `${waiting} operations wait for the device already; wait until it has been in contact, or raise lane.capacity`,
    );
  }
  return undefined;
}

/** Into the lane at once; nothing is stored. `shared` = key under which equal reads find it. */
export function enterVolatile(
  core: Core,
  device: DeviceEntry,
  operation: Operation,
  requester: Requester,
  answer: Waiter['answer'],
  object?: BoundObject,
  shared?: string,
): LaneEntry {
  const entry = core.lanes.enter(operation, device.device.technology);
  entry.object = object;
  core.tell?.(operation, 'accepted');
  if (shared !== undefined) core.lanes.share(entry, shared);
  core.lanes.wait(waiterOf(entry, requester, answer));
  offer(core, device, operation.lane);
  return entry;
}

/**
 * Into the lane, durably. It has its place from now on; nobody gets it before it is stored.
 * @param told gets the answer and the outcome
 * @param more `holds`: key of what it holds until it is settled; `completed`: gets the outcome, however late it comes;
 * `beside`: what is stored in the same commit, undefined = what it was for is gone
 */
export async function enterStored(
  core: Core,
  device: DeviceEntry,
  operation: Operation,
  requester: Requester,
  told: (reply: Reply, outcome?: Outcome) => void,
  more: {
    holds?: string;
    completed?: (outcome: Outcome) => void;
    beside?: () => Promise<Prepared | undefined>;
  } = {},
): Promise<void> {
  const entry = core.lanes.enter(operation, device.device.technology);
  entry.completed = more.completed;
  if (more.holds !== undefined) core.lanes.hold(entry, more.holds);
  try {
    const append = [appendOf(operation)];
    const result = more.beside ? await commitBeside(core, append, more.beside) : await core.store.commit({ append });
    if (!result) {
      core.lanes.forget(entry);
      told(refuse('not-found', 'what it was for was deleted meanwhile; nothing was sent'));
      return;
    }
    operation.sequence = result.appended[0]!;
    operation.version = 1;
  } catch (error) {
    core.lanes.forget(entry);
    core.log.error({ err: error, device: operation.device }, 'an operation could not be stored');
    told({
      done: false,
      responseStatusCode: statusCodes.INTERNAL_SERVER_ERROR,
      explanation: 'the store did not take the operation, nothing was sent; look at the log of the gateway',
    });
    return;
  }
  entry.ready = true;
  core.tell?.(operation, 'accepted');
  core.lanes.wait(waiterOf(entry, requester, told));
  offer(core, device, operation.lane);
}

function commitBeside(
  core: Core,
  append: Append[],
  beside: () => Promise<Prepared | undefined>,
): Promise<CommitResult | undefined> {
  return commitAnew(core, async () => {
    const prepared = await beside();
    return prepared && { ...prepared, commit: mergeCommits({ append }, prepared.commit) };
  });
}

/** Tells the holder of the lane, and wakes the device where nobody holds it or it sleeps. */
function offer(core: Core, device: DeviceEntry, laneId: string): void {
  const lane = core.lanes.existing(laneId);
  if (!lane) return;
  const reachable = lane.holder !== undefined && device.device.presence.state === 'reachable';
  core.lanes.announce(lane);
  if (!reachable) wakeFor(core, device);
}
