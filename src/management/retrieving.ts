/** Live reads. */
import type { Core } from './core.ts';
import type { DeviceEntry } from './device-registry.ts';
import { operationFor } from './drafts.ts';
import type { Reply, Requester } from './facade.ts';
import { waiterOf } from './lane.ts';
import type { Target } from './operation.ts';
import { admissionRefused, enterStored, enterVolatile } from './queueing.ts';
import type { BoundObject } from './resource-side.ts';

/** Equal reads that wait together share one exchange. */
export function retrieve(
  core: Core,
  object: BoundObject,
  attributes: string[] | undefined,
  requester: Requester,
): Promise<Reply> {
  const { targets } = core.translator.planRead(object, attributes);
  if (targets.length === 0) return Promise.resolve({ done: 'locally' });
  const device = core.devices.known(object.deviceId);
  if (device) return read(core, device, object, attributes, targets, requester);
  return core.devices
    .find(object.deviceId)
    .then((found) =>
      found
        ? read(core, found, object, attributes, targets, requester)
        : admissionRefused(core, undefined, requester.blocking)!,
    );
}

function read(
  core: Core,
  device: DeviceEntry,
  object: BoundObject,
  attributes: string[] | undefined,
  targets: Target[],
  requester: Requester,
): Promise<Reply> {
  const { blocking } = requester;
  const key = attributes ? `${object.resourceID} ${attributes.join(' ')}` : object.resourceID;
  return new Promise((resolve) => {
    const shared = blocking && core.lanes.sharedRead(key);
    if (shared) {
      core.tell?.(shared.operation, 'shared by another request', { requestIdentifier: requester.requestIdentifier });
      shared.operation.expiresAt = Math.max(shared.operation.expiresAt, requester.expiresAt);
      core.lanes.wait(waiterOf(shared, requester, resolve));
      return;
    }
    const refused = admissionRefused(core, device, blocking);
    if (refused) {
      resolve(refused);
      return;
    }
    const operation = operationFor(core, device.device, {
      kind: 'read',
      steps: [{ action: 'read', targets }],
      repeatable: true,
      resource: object.resourceID,
      purpose: { what: 'retrieve' },
      requester: { originator: requester.originator, requestIdentifier: requester.requestIdentifier },
      expiresAt: requester.expiresAt,
      volatile: blocking,
    });
    if (!blocking) {
      resolve(new Promise((told) => void enterStored(core, device, operation, requester, told)));
      return;
    }
    enterVolatile(core, device, operation, requester, resolve, object, key);
  });
}
