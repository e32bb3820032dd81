/** Reads that the gateway asks for itself: values that a procedure has changed. */
import type { Core } from './core.ts';
import { internalRead } from './drafts.ts';
import { boundObjects } from './effects.ts';
import type { Requester } from './facade.ts';
import { waiterOf } from './lane.ts';
import type { DeviceId, Operation, Target } from './operation.ts';

/** An internal operation whose row was appended with another commit. */
export function enterCommitted(core: Core, operation: Operation, sequence: number): void {
  const device = core.devices.known(operation.device);
  if (!device) return;
  operation.sequence = sequence;
  operation.version = 1;
  const entry = core.lanes.enter(operation, device.device.technology);
  entry.ready = true;
  core.tell?.(operation, 'accepted');
  core.lanes.wait(waiterOf(entry, internalRequester(operation)));
  const lane = core.lanes.existing(operation.lane);
  if (lane) core.lanes.announce(lane);
}

export function internalRequester(operation: Operation): Requester {
  return { ...operation.requester, expiresAt: operation.expiresAt, blocking: false };
}

/** One read of all attributes that have to be read again; undefined = none. */
export async function refreshOperation(
  core: Core,
  device: DeviceId,
  wanted: ReadonlyMap<string, readonly string[]>,
): Promise<Operation | undefined> {
  const entry = wanted.size > 0 ? core.devices.known(device) : undefined;
  if (!entry) return undefined;
  const targets = new Map<string, Target>();
  for (const object of await boundObjects(core, device)) {
    const attributes = wanted.get(object.resourceID);
    if (!attributes) continue;
    for (const target of core.translator.planRead(object, attributes).targets) targets.set(target.path, target);
  }
  return targets.size > 0 ? internalRead(core, entry.device, [...targets.values()], { what: 'refresh' }) : undefined;
}
