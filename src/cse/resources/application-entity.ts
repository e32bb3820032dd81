/** <AE>: registration of an application (TS-0001 10.2.2.2, TS-0004 7.4.5). */
import type { Json } from '../../onem2m/primitive.ts';
import { resourceTypes } from '../../onem2m/resource-types.ts';
import { statusCodes } from '../../onem2m/status-codes.ts';
import type { Answer, Behaviour, Creation } from '../behaviour.ts';
import { randomText } from '../identifiers.ts';
import { stringsOf } from '../json-values.ts';
import { targetsOf } from '../notification-targets.ts';
import type { CseParts } from '../parts.ts';
import { Refused } from '../refused.ts';
import { isTaken } from '../removal.ts';

/** An AE-ID-Stem: C is assigned by the CSE, S by the service provider (TS-0001 7.2). */
const stem = /^[CS][A-Za-z0-9\-._]{1,254}$/;

export const applicationEntity: Behaviour = {
  async validateCreate({ request, attributes, parent }, parts) {
    const { originator, primitive } = request;
    if (parent.resourceType !== resourceTypes.CSE_BASE) {
      throw new Refused(
        statusCodes.INVALID_CHILD_RESOURCE_TYPE,
        'an AE registers below the CSEBase; send the CREATE there',
      );
    }
    if (originator.startsWith('/')) {
      throw new Refused(
        statusCodes.ORIGINATOR_HAS_NO_PRIVILEGE,
        `${originator} is a CSE-ID, and an AE registers itself; send From as 'C', 'S' or an AE-ID-Stem`,
      );
    }
    if (originator !== '' && originator !== 'C' && originator !== 'S' && !stem.test(originator)) {
      throw new Refused(
        statusCodes.BAD_REQUEST,
        `From '${originator}' is no AE-ID-Stem; it starts with C or S, or is 'C' or 'S' alone to get one assigned`,
      );
    }
    checkApplicationId(attributes['App-ID'], primitive.releaseVersionIndicator);
    if (stem.test(originator)) await requireUnregistered(originator, parts);
  },

  async beforeCreate(creation, parts) {
    const id = stemFor(creation);
    // Once more: of two that register at the same time under different names, one was faster.
    await requireUnregistered(id, parts);
    creation.resourceID = id;
    creation.resourceName ??= id;
    creation.attributes['AE-ID'] = id;
    // The AE owns its resource, whatever From it had before it was assigned one.
    creation.internal.createdBy = id;
  },

  /** A node lists the AEs that point at it. */
  async upkeep({ before, after }, changes, parts) {
    const id = (after ?? before)?.resourceID;
    const left = before?.attributes['nodeLink'];
    const entered = after?.attributes['nodeLink'];
    if (id === undefined || left === entered) return;
    const relink = async (link: Json | undefined, next: (links: string[]) => string[]): Promise<void> => {
      const found = typeof link === 'string' ? await parts.tree.resolve(link) : undefined;
      const node = found && changes.latest(found);
      if (node?.resourceType !== resourceTypes.NODE) return;
      const links = next(stringsOf(node.attributes['hostedAELinks']).filter((other) => other !== id));
      changes.update(node, { hostedAELinks: links.length > 0 ? links : null });
    };
    await relink(left, (links) => links);
    await relink(entered, (links) => [...links, id]);
  },

  async notify(resource, request, parts): Promise<Answer> {
    // TS-0004 7.3.3.9: the entries are tried in their order
    const failures: string[] = [];
    const content: Json = request.primitive.content ?? null;
    for (const url of await targetsOf(resource.resourceID, parts)) {
      const sent = await parts.sendNow(url, content);
      if (sent.ok) return { responseStatusCode: statusCodes.OK };
      failures.push(`${url}: ${sent.why ?? 'no answer'}`);
    }
    throw new Refused(
      statusCodes.TARGET_NOT_REACHABLE,
      failures.length === 0
        ? `${resource.path} has no http point of access; set its 'poa'`
        : `${resource.path} could not be reached (${failures.join('; ')})`,
    );
  },
};

async function requireUnregistered(id: string, parts: CseParts): Promise<void> {
  if (!(await isTaken(await parts.tree.byId(id), parts))) return;
  throw new Refused(
    statusCodes.ORIGINATOR_HAS_ALREADY_REGISTERED,
    `${id} has registered already; update its AE resource or delete it first`,
  );
}

function stemFor({ request }: Creation): string {
  if (stem.test(request.originator)) return request.originator;
  return (request.originator === 'S' ? 'S' : 'C') + randomText();
}

/** R: registered, N: not registered, r: registered before Release 4 gave it up. */
function checkApplicationId(value: Json | undefined, release: string | undefined): void {
  const text = String(value ?? '');
  if (!/^[RrN]/.test(text)) {
    throw new Refused(
      statusCodes.BAD_REQUEST,
      `App-ID 'api' is '${text}'; it starts with R (registered) or N (not registered)`,
    );
  }
  if (text.startsWith('r') && Number.parseInt(release ?? '', 10) >= 4) {
    throw new Refused(statusCodes.BAD_REQUEST, `App-ID 'api' is '${text}'; from Release 4 on it starts with R or N`);
  }
}
