/** The resource types that this CSE has. What the vocabulary knows and this table does not is NOT_IMPLEMENTED. */
import { resourceTypes } from '../../onem2m/resource-types.ts';
import type { Behaviour } from '../behaviour.ts';
import { accessControlPolicy } from './access-control-policy.ts';
import { applicationEntity } from './application-entity.ts';
import { container, contentInstance } from './container.ts';
import { executionInstance } from './execution-instance.ts';
import { managementCommand } from './management-command.ts';
import { managementObject } from './management-object.ts';
import { node } from './node.ts';
import { request } from './request.ts';
import { subscription } from './subscription.ts';

/** Nothing beyond the generic procedures. */
const generic: Behaviour = {};

export function resourceBehaviours(): Map<number, Behaviour> {
  return new Map<number, Behaviour>([
    [resourceTypes.CSE_BASE, generic],
    [resourceTypes.ACCESS_CONTROL_POLICY, accessControlPolicy],
    [resourceTypes.AE, applicationEntity],
    [resourceTypes.CONTAINER, container],
    [resourceTypes.CONTENT_INSTANCE, contentInstance],
    [resourceTypes.NODE, node],
    [resourceTypes.MGMT_CMD, managementCommand],
    [resourceTypes.EXEC_INSTANCE, executionInstance],
    [resourceTypes.MGMT_OBJ, managementObject],
    [resourceTypes.REQUEST, request],
    [resourceTypes.SUBSCRIPTION, subscription],
  ]);
}
