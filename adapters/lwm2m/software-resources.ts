/** What the procedures of object 9 read on the device, and how they show it. */
import type { Observation } from '../../src/management/adapter.ts';
import type { DeviceLink } from './procedure.ts';
import { numberOf, textOf } from './procedure-steps.ts';
import type { SoftwareLook } from './software-states.ts';

/** Undefined when the device does not answer now. */
export async function lookAtSoftware(device: DeviceLink, object: string): Promise<SoftwareLook | undefined> {
  const answer = await device.readMany([1, 7, 9, 12].map((resource) => `${object}/${resource}`));
  if (!answer.ok && answer.code === '') return undefined;
  const active = answer.values.get(`${object}/12`);
  return {
    state: numberOf(answer.values.get(`${object}/7`)),
    result: numberOf(answer.values.get(`${object}/9`)),
    isActive: typeof active === 'boolean' ? active : undefined,
    version: textOf(answer.values.get(`${object}/1`)),
  };
}

export function observationsOf(object: string, look: SoftwareLook): Observation[] {
  const values: Observation[] = [];
  if (look.state !== undefined) values.push({ path: `${object}/7`, value: look.state });
  if (look.result !== undefined) values.push({ path: `${object}/9`, value: look.result });
  if (look.isActive !== undefined) values.push({ path: `${object}/12`, value: look.isActive });
  if (look.version !== undefined) values.push({ path: `${object}/1`, value: look.version });
  return values;
}
