/** Methods on the CPE as a whole: Reboot, FactoryReset, ScheduleInform, GetRPCMethods (TR-069 A.3.1.1, A.3.2.9, A.4.1). */
import type { Element } from '../soap.ts';
import { nothing, xml } from '../xml.ts';
import { listIn, method, type NoArguments } from './method.ts';

export const deviceMethods = {
  GetRPCMethods: method<NoArguments, { methods: string[] }>(
    () => nothing,
    (response) => ({ methods: methodsIn(response) }),
  ),
  Reboot: method(
    ({ commandKey }: { commandKey: string }) => xml`<CommandKey>${commandKey}</CommandKey>`,
    () => ({}),
  ),
  FactoryReset: method<NoArguments, NoArguments>(
    () => nothing,
    () => ({}),
  ),
  ScheduleInform: method(
    ({ delaySeconds, commandKey }: { delaySeconds: number; commandKey: string }) =>
      xml`<DelaySeconds>${delaySeconds}</DelaySeconds><CommandKey>${commandKey}</CommandKey>`,
    () => ({}),
  ),
};

function methodsIn(response: Element): string[] {
  return listIn(response, 'MethodList')
    .map(({ text }) => text.trim())
    .filter((name) => name !== '');
}
