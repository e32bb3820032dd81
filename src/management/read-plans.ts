/**
 * What to read of a whole management object, kept: devices with the same objects share one plan, and what a leg works out of its targets is
 * worked out once. Plans are never changed afterwards.
 */
import type { Mapping } from './mapping-types.ts';
import { planRead, type ReadPlan } from './translation-read.ts';
import type { TranslatedObject } from './translation-values.ts';

/** Per mapping; dropped as a whole when full. */
const maximumPlans = 1024;

export class ReadPlans {
  readonly #plans = new WeakMap<Mapping, Map<string, ReadPlan>>();

  of(mapping: Mapping, object: TranslatedObject): ReadPlan {
    let plans = this.#plans.get(mapping);
    if (!plans) this.#plans.set(mapping, (plans = new Map()));
    const key = keyOf(object);
    let plan = plans.get(key);
    if (!plan) {
      if (plans.size >= maximumPlans) plans.clear();
      plan = planRead(mapping, object, undefined);
      Object.freeze(plan.targets);
      plans.set(key, plan);
    }
    return plan;
  }
}

/** All that the targets depend on besides the mapping: `lwm2m device=/3/0 `. */
function keyOf({ technology, objects }: TranslatedObject): string {
  let key = technology;
  for (const name in objects) key += ` ${name}=${objects[name]}`;
  return key;
}
