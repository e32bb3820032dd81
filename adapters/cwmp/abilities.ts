/** Which of the optional methods a CPE lacks: what it lists itself (GetRPCMethods, TR-069 A.3.1.1), believed until it runs another version. */
import type { Failure } from '../../src/management/outcome.ts';
import type { Channel } from './channel.ts';
import type { CpeFacts } from './facts.ts';
import type { AcsMethod } from './rpc.ts';

/** Optional in TR-069 table 4, and asked for by this gateway. */
const optionalMethods = [
  'Upload',
  'FactoryReset',
  'ScheduleInform',
  'GetAllQueuedTransfers',
  'ScheduleDownload',
  'CancelTransfer',
  'ChangeDUState',
] as const satisfies readonly AcsMethod[];

const mandatory: AcsMethod = 'GetParameterValues';

/** Optional methods that the CPE does not list. One that does not know the question, or lists nothing of use, lacks none. Undefined: it was not asked. */
export async function findLackingMethods(channel: Channel): Promise<string[] | undefined> {
  const { answer, failure, fault } = await channel.ask('GetRPCMethods', {});
  if (failure && !fault && failure.cause !== 'device-error') return undefined;
  const listed = new Set(answer?.methods);
  return listed.has(mandatory) ? optionalMethods.filter((method) => !listed.has(method)) : [];
}

export function lacks({ lacking }: CpeFacts, method: string): boolean {
  return lacking?.includes(method) ?? false;
}

/** Undefined: nothing speaks against it. */
export function lackOf(facts: CpeFacts, method: string): Failure | undefined {
  if (!lacks(facts, method)) return undefined;
  const explanation = `it needs ${method}, which the device does not list among its methods (GetRPCMethods); nothing was sent`;
  return { cause: 'not-implemented', explanation };
}
