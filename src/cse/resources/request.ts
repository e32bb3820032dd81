/** <request> (TS-0004 7.4.10): the memory of a non-blocking request. Made by the CSE only. */
import { enumerations } from '../../onem2m/enumerations.ts';
import { statusCodes } from '../../onem2m/status-codes.ts';
import type { Behaviour } from '../behaviour.ts';
import { Refused } from '../refused.ts';

export const request: Behaviour = {
  beforeDelete(resource) {
    if (resource.attributes['requestStatus'] !== enumerations.requestStatus.PENDING) return;
    throw new Refused(
      statusCodes.UNABLE_TO_RECALL_REQUEST,
      `'${resource.path}' is still being worked on and cannot be recalled; delete it when its 'rs' is no longer 3`,
    );
  },
};
