/** NOTIFY addressed to a resource of this CSE (TS-0004 7.5.1.2). */
import type { Json } from '../../onem2m/primitive.ts';
import { statusCodes } from '../../onem2m/status-codes.ts';
import { privilege } from '../access-control.ts';
import type { Answer, ArrivedRequest } from '../behaviour.ts';
import type { CseParts } from '../parts.ts';
import { Refused } from '../refused.ts';
import { objectOf } from '../json-values.ts';
import { findTarget } from '../target.ts';
import { requirePrivilege } from './common.ts';

export async function notify(request: ArrivedRequest, parts: CseParts): Promise<Answer> {
  requireNotification(request.primitive.content);
  const target = await findTarget(request, parts);
  if ('answer' in target) return target.answer;
  const { resource } = target;
  await requirePrivilege(request, resource, privilege.NOTIFY, parts);
  const behaviour = parts.behaviours.get(resource.resourceType);
  if (!behaviour?.notify) {
    throw new Refused(
      statusCodes.OPERATION_NOT_ALLOWED,
      `'${resource.path}' takes no notifications, only an AE does; to create a resource, give the Resource Type (';ty=<number>' over HTTP)`,
    );
  }
  return behaviour.notify(resource, request, parts);
}

/** Roots of what is notified: notifications, aggregated ones, and results of requests (TS-0004 7.5.1.1). */
const notificationRoots = new Set(['m2m:sgn', 'm2m:agn', 'm2m:rsp', 'm2m:seci', 'm2m:rqp']);

/** A CREATE whose Resource Type got lost looks like a NOTIFY; its sender is told what is missing. */
function requireNotification(content: Json | undefined): void {
  const root = Object.keys(objectOf(content))[0];
  if (root !== undefined && notificationRoots.has(root)) return;
  throw new Refused(
    statusCodes.BAD_REQUEST,
    root === undefined
      ? 'the notification has no content; send {"m2m:sgn": { … }}'
      : `'${root.slice(0, 60)}' is no notification; to create a resource, give the Resource Type (';ty=<number>' in the ` +
          'Content-Type over HTTP)',
  );
}
