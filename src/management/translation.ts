/**
 * Translation between attributes of a management object and targets on a device: pure functions over a mapping and a bound
 * object. No I/O, no state; a protocol is never named here, only the rows of its leg are.
 */
export { absent, linksAmong, noLinks, valuesOf } from './translation-values.ts';
export type { LinkResolver, ReadValues, TranslatedObject } from './translation-values.ts';
export {
  attributesTouchedBy,
  initialAttributes,
  observationPaths,
  patchFromValues,
  planRead,
} from './translation-read.ts';
export type { ReadPlan, TranslatedValues } from './translation-read.ts';
export { actionStatus, planUpdate, triggersOf } from './translation-update.ts';
export type { Refused, TriggerPlan, UpdateOptions, UpdatePlan } from './translation-update.ts';
export { planCreate, planDelete } from './translation-create.ts';
export type { CreateOptions, CreatePlan, DeletePlan } from './translation-create.ts';
