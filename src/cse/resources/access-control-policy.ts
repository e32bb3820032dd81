/** <accessControlPolicy> (TS-0004 7.4.2): somebody must stay able to change it. */
import type { Json } from '../../onem2m/primitive.ts';
import { statusCodes } from '../../onem2m/status-codes.ts';
import type { Behaviour } from '../behaviour.ts';
import { objectOf } from '../json-values.ts';
import { Refused } from '../refused.ts';

export const accessControlPolicy: Behaviour = {
  validateCreate({ attributes }) {
    checkSelfPrivileges(attributes['selfPrivileges']);
  },
  validateUpdate({ patch }) {
    if ('selfPrivileges' in patch) checkSelfPrivileges(patch['selfPrivileges']);
  },
};

function checkSelfPrivileges(value: Json | undefined): void {
  const rules = objectOf(value)['accessControlRule'];
  if (Array.isArray(rules) && rules.length > 0) return;
  throw new Refused(
    statusCodes.BAD_REQUEST,
    "selfPrivileges 'pvs' has no rule, so nobody could change the policy again; give it at least one in 'acr'",
  );
}
