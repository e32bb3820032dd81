/** <execInstance> (TS-0001 9.6.17, TS-0004 7.4.17): an UPDATE that holds execDisable stops the execution, and so does DELETE. */
import { statusCodes } from '../../onem2m/status-codes.ts';
import type { Behaviour } from '../behaviour.ts';
import { operationOfExecution } from '../executions.ts';
import { requesterOf } from '../operations/common.ts';
import { Refused } from '../refused.ts';
import { refusalToStop } from './management-command.ts';

export const executionInstance: Behaviour = {
  /** Stopped first; then the UPDATE goes on as any other. */
  async perform({ request, resource, patch }, parts) {
    if (!('execDisable' in patch)) return undefined;
    const operation = operationOfExecution(resource);
    const commands = parts.managedObjects?.commands;
    if (operation === undefined || !commands) {
      throw new Refused(
        statusCodes.ALREADY_COMPLETE,
        `the execution '${resource.path}' is over already; there is nothing to cancel`,
      );
    }
    const reply = await commands.cancelExecution(operation, requesterOf(request));
    if (reply.done === false) throw new Refused(reply.responseStatusCode, reply.explanation);
    return undefined;
  },

  async beforeDelete(resource, request, parts) {
    const refused = await refusalToStop(resource, request, parts);
    if (refused) throw refused;
  },
};
