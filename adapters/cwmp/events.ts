/** Events of an Inform, compared leniently: the number or the M counts, case and blanks do not (quirk 43). */
import type { CpeEvent, Inform } from './rpc.ts';

/** TR-069 table 8. */
const names: Readonly<Record<string, string>> = Object.freeze({
  '0': 'bootstrap',
  '1': 'boot',
  '2': 'periodic',
  '3': 'scheduled',
  '4': 'value-change',
  '5': 'kicked',
  '6': 'connection-request',
  '7': 'transfer-complete',
  '8': 'diagnostics-complete',
  '9': 'request-download',
  '10': 'autonomous-transfer-complete',
  '11': 'du-state-change-complete',
  '12': 'autonomous-du-state-change-complete',
  '13': 'wakeup',
});

/** `bootstrap`, `boot`, `m reboot`; what is unknown is its own name in lower case. */
export function eventName({ code }: Pick<CpeEvent, 'code'>): string {
  const lower = code.trim().replaceAll(/\s+/g, ' ').toLowerCase();
  const number = /^(\d{1,2})\b/.exec(lower)?.[1];
  return (number === undefined ? undefined : names[String(Number(number))]) ?? lower;
}

export interface Occasion {
  /** First contact, or everything that we had set is lost. */
  bootstrap: boolean;
  boot: boolean;
  /** The device has started anew since its last session that came to its end. */
  restarted: boolean;
  /** We have asked for the session. */
  called: boolean;
  /** A TransferComplete is announced. */
  transfer: boolean;
  /** Command keys by the method that they belong to: `m reboot`. */
  commandKeys: { event: string; key: string }[];
}

export function occasionOf({ events }: Pick<Inform, 'events'>): Occasion {
  const happened = new Set(events.map(eventName));
  return {
    bootstrap: happened.has('bootstrap'),
    boot: happened.has('boot'),
    restarted: happened.has('boot') || happened.has('bootstrap') || happened.has('m reboot'),
    called: happened.has('connection-request'),
    transfer: happened.has('transfer-complete'),
    commandKeys: events
      .map((event) => ({ event: eventName(event), key: event.commandKey }))
      .filter(({ event }) => event.startsWith('m ')),
  };
}
