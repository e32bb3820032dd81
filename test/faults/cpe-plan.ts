/** The boundaries of CWMP sessions at which the gateway is killed: which request is under way, and which message. */
import {
  create,
  factoryReset,
  firmwareUpdate,
  reboot,
  rebootCommand,
  softwareInstall,
  transferCommands,
  write,
  type CpeDeed,
} from './cpe-deeds.ts';
import type { FileServer } from './file-server.ts';
import type { Passage } from './http-relay.ts';

export interface CpeTrigger {
  direction: Passage['direction'];
  message: string;
  /** It reaches its receiver. */
  passed: boolean;
  /** ms from then to the kill. */
  delay: number;
}

export interface CpePlan {
  /** Undefined: a CPE that comes for the first time. */
  deed?: CpeDeed;
  /** One after the other, each with a kill and a start of its own. */
  triggers: CpeTrigger[];
}

type Boundary = Pick<CpeTrigger, 'direction' | 'message'>;
const up = (message: string): Boundary => ({ direction: 'up', message });
const down = (message: string): Boundary => ({ direction: 'down', message });
const exchange = (rpc: string): Boundary[] => [down(rpc), up(`${rpc}Response`)];

/** Every message of every kind of session, cut and passed on, in a random order. @param random numbers in [0, 1) */
export function planKills(files: FileServer, random: () => number): CpePlan[] {
  const plans: CpePlan[] = [];
  const add = (deed: CpeDeed | undefined, boundaries: Boundary[], before: CpeTrigger[] = []): void => {
    for (const boundary of boundaries) {
      for (const passed of [false, true]) {
        // What a message sets going takes some milliseconds: the kill falls anywhere in them.
        plans.push({ deed, triggers: [...before, { ...boundary, passed, delay: passed ? random() * 8 : 0 }] });
      }
    }
  };
  const imageUrl = (number: number): string => files.imageUrl(number);
  const deeds = [
    write,
    reboot,
    factoryReset,
    create,
    rebootCommand,
    firmwareUpdate(imageUrl),
    softwareInstall(imageUrl),
    ...transferCommands(imageUrl(0)),
  ];
  for (const deed of deeds) {
    add(deed, [up('Inform'), down('InformResponse'), up('empty'), ...exchange(deed.rpc)]);
    if (deed.second !== undefined) add(deed, exchange(deed.second));
    if (deed.report !== undefined) add(deed, [up(deed.report), down(`${deed.report}Response`)]);
  }
  // The next session asks for the order that was lost, and dies of that.
  const slow = firmwareUpdate((number) => files.slowImageUrl(number));
  for (const passed of [false, true]) {
    add(slow, exchange('GetAllQueuedTransfers'), [{ ...down('Download'), passed, delay: 0 }]);
  }
  add(undefined, [up('Inform'), down('InformResponse'), up('empty')]);
  add(undefined, [...exchange('SetParameterValues'), ...exchange('GetParameterNames'), down('nothing')]);
  return shuffled(plans, random);
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  return list
    .map((item) => ({ item, at: random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item);
}
