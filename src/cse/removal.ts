/** Removes a resource and everything below it, in as many commits as its size needs, the deepest resources first. */
import type { Resource } from '../onem2m/resource.ts';
import { resourceTypes } from '../onem2m/resource-types.ts';
import { statusCodes } from '../onem2m/status-codes.ts';
import type { ArrivedRequest } from './behaviour.ts';
import type { CseParts } from './parts.ts';

type RemovalParts = Pick<CseParts, 'tree' | 'change' | 'settings' | 'managedObjects'>;

/** The last commit holds the resource itself; a crash before it leaves a smaller, valid tree. */
export async function removeTree(
  resource: Resource,
  parts: RemovalParts,
  mark?: ArrivedRequest['mark'],
): Promise<void> {
  const { tree, settings } = parts;
  // A crash after this leaves a node that its device takes up again when it registers.
  await forgetDevice(resource, parts);
  let limit = settings.removalChunk;
  for (;;) {
    const last = await tree.lastBelow(resource.path, limit);
    if (last.length < limit) break;
    const chunk = withoutWaitingSubscriptions(last);
    if (chunk.length === 0) {
      limit *= 2;
      continue;
    }
    await parts.change(async (changes) => {
      for (const descendant of chunk) {
        const current = await tree.byId(descendant.resourceID);
        if (current) await changes.remove(current);
      }
    });
  }
  await parts.change(async (changes) => {
    const current = await tree.byId(resource.resourceID);
    if (current) await changes.remove(current);
    await mark?.(changes, { responseStatusCode: statusCodes.DELETED, resourceID: resource.resourceID });
  });
  await removeOrphans(resource.path, parts);
  // It may have registered meanwhile.
  await forgetDevice(resource, parts);
}

async function forgetDevice(resource: Resource, parts: RemovalParts): Promise<void> {
  if (resource.resourceType !== resourceTypes.NODE || !resource.internal.binding) return;
  await parts.managedObjects?.forget?.(resource);
}

/** A subscription goes in the commit of what it watches, or it would miss its end. */
function withoutWaitingSubscriptions(resources: Resource[]): Resource[] {
  const going = new Set(resources.map(({ resourceID }) => resourceID));
  return resources.filter(
    ({ resourceType, parentID }) => resourceType !== resourceTypes.SUBSCRIPTION || going.has(parentID),
  );
}

/** What was being created below the resource while it was collected. Creations after the removal fail for want of a parent. */
async function removeOrphans(path: string, parts: RemovalParts): Promise<void> {
  const { tree, settings } = parts;
  for (;;) {
    const orphans = await tree.lastBelow(path, settings.removalChunk);
    const mine = (await tree.byPath(path)) ? [] : orphans;
    if (mine.length === 0) return;
    await parts.change(async (changes) => {
      for (const orphan of mine) if (changes.latest(orphan)) await changes.remove(orphan);
    });
  }
}

/** Whether a resource holds its name or ID; one that has expired and waits for the sweep goes now. */
export async function isTaken(resource: Resource | undefined, parts: CseParts): Promise<boolean> {
  if (!resource) return false;
  if (!(await parts.tree.hasEnded(resource, parts.clock.now()))) return true;
  await parts.removeTree(resource);
  return false;
}
