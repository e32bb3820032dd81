/** <node> (TS-0004 7.4.18): when it goes, no AE may keep pointing at it. */
import { resourceTypes } from '../../onem2m/resource-types.ts';
import type { Behaviour } from '../behaviour.ts';
import { stringsOf } from '../json-values.ts';

export const node: Behaviour = {
  async upkeep({ before, after }, changes, parts) {
    if (after || !before) return;
    for (const id of stringsOf(before.attributes['hostedAELinks'])) {
      const found = await parts.tree.resolve(id);
      const entity = found && changes.latest(found);
      if (entity?.resourceType !== resourceTypes.AE) continue;
      const link = entity.attributes['nodeLink'];
      if (link === before.resourceID || link === before.path) changes.update(entity, { nodeLink: null });
    }
  },
};
