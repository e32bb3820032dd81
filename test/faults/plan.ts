/** What a round of the `kill -9` suite asks, of which device, and when it kills: chosen so that the kill is likely to hit a phase. */
import { create, firmwareUpdate, read, reboot, softwareChange, toggle, write, type Deed } from './deeds.ts';
import type { Trigger } from './kill-trigger.ts';
import type { Mode, Phase } from './verdicts.ts';

/** Devices that listen; that take packages by push alone; that sleep. */
export type Kind = 'awake' | 'pushed to' | 'asleep';

export interface Plan {
  deed: Deed;
  mode: Mode;
  trigger: Trigger;
  kind: Kind;
}

/** Deeds that keep in mind what they have asked: one set for each rig. */
export interface Deeds {
  firmware: Deed;
  software: Deed;
}

/** @param imageUrl of the image whose version is `versionOf(number)` */
export function deedsWith(imageUrl: (number: number) => string): Deeds {
  return { firmware: firmwareUpdate(imageUrl), software: softwareChange(imageUrl) };
}

/** @param random numbers in [0, 1) */
export function planRound(aim: Phase, random: () => number, { firmware, software }: Deeds): Plan {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const mode = pick<Mode>(['blocking', 'blocking', 'synchronous', 'asynchronous']);
  const short = [write, reboot, toggle, create];
  const long = [firmware, firmware, software];
  const any = [...short, ...long];
  const passed = random() < 0.5;
  switch (aim) {
    case 'receive': {
      const part: Trigger = { at: 'part of the request', share: random() };
      const sent: Trigger = { at: 'request sent', delay: random() * 1.5 };
      return { deed: pick([...any, read]), mode, trigger: random() < 0.3 ? part : sent, kind: 'awake' };
    }
    case 'store': {
      const waiting = random() < 0.5;
      const deed = pick(waiting ? short : any);
      return waiting
        ? { deed, mode, trigger: { at: 'request sent', delay: 20 + random() * 150 }, kind: 'asleep' }
        : {
            deed,
            mode,
            trigger: { at: 'store written', nth: 1 + Math.floor(random() * 4), delay: random() * 0.5 },
            kind: 'awake',
          };
    }
    case 'dispatch':
      return {
        deed: pick(any),
        mode,
        trigger: {
          at: 'request to the device',
          nth: 1 + Math.floor(random() * 1.5),
          passed,
          delay: random() * 0.5,
        },
        kind: pick<Kind>(['awake', 'awake', 'pushed to']),
      };
    case 'accept': {
      const nth = 2 + Math.floor(random() * 14);
      const at = pick(['request to the device', 'answer of the device'] as const);
      return {
        deed: pick(long),
        mode,
        trigger: { at, nth, passed, delay: random() * 2 },
        kind: pick<Kind>(['awake', 'pushed to']),
      };
    }
    case 'settle': {
      if (random() < 0.8) {
        // No reboot: slices outlast the ACK time-out, and a device that has restarted takes the retransmission for a new order.
        const settled: Trigger = { at: 'outcome stored', slice: 0.05 + random() * 0.1 };
        return { deed: pick([write, toggle, create]), mode, trigger: settled, kind: 'awake' };
      }
      const answered: Trigger = { at: 'answer of the device', nth: 1, passed, delay: random() * 3 };
      return { deed: pick(short), mode, trigger: answered, kind: 'awake' };
    }
    case 'answer':
      return {
        deed: pick([...any, read]),
        mode,
        trigger: { at: 'answer begun', delay: random() * 10 },
        kind: 'awake',
      };
  }
}
