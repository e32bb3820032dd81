/** When to kill: at something that can be seen from outside, and a moment after it. */
import { watch, type FSWatcher } from 'node:fs';
import { runInSlices } from './slow-motion.ts';
import type { Datagram } from './udp-relay.ts';

export type Trigger =
  /** Only this share of the request's body has been sent. */
  | { at: 'part of the request'; share: number }
  | { at: 'request sent'; delay: number }
  /** The n-th time that the store's log grows after the request was sent. */
  | { at: 'store written'; nth: number; delay: number }
  /** The n-th request to the device; `passed`: it reaches the device. */
  | { at: 'request to the device'; nth: number; passed: boolean; delay: number }
  /** The n-th answer of the device; `passed`: it reaches the gateway. */
  | { at: 'answer of the device'; nth: number; passed: boolean; delay: number }
  /**
   * The store has the outcome, and the gateway has gone at most one slice (ms) further: between that and the answer to the requester
   * there are microseconds, so from the device's first answer on it runs in slices.
   */
  | { at: 'outcome stored'; slice: number }
  | { at: 'answer begun'; delay: number };

/** Who is to be killed, and over what. */
export interface Aim {
  trigger: Trigger;
  /** Process of the gateway. */
  pid: number;
  /** UDP port of the device that the trigger is about. */
  device: number;
  /** Whether the store has the outcome of the request. */
  isSettled: () => boolean;
}

/** ms after which it fires anyway. */
const latest = 2500;

/** Watches for one trigger at a time and calls `fire` once. */
export class KillSwitch {
  readonly #fire: () => void;
  readonly #log: FSWatcher;
  #aim: Aim | undefined;
  #left = 0;
  #sent = false;
  #fallback: NodeJS.Timeout | undefined;
  #endSlices: (() => void) | undefined;

  /** @param data directory of the store */
  constructor(data: string, fire: () => void) {
    this.#fire = fire;
    this.#log = watch(data, (_event, name) => {
      if (name === 'trivet.db-wal' && this.#sent) this.#seen('store written');
    });
  }

  arm(aim: Aim): void {
    this.#aim = aim;
    this.#left = 'nth' in aim.trigger ? aim.trigger.nth : 1;
    this.#sent = false;
    this.#fallback = setTimeout(() => this.#pull(0), latest);
  }

  requestSent(): void {
    this.#sent = true;
    this.#seen('part of the request');
    this.#seen('request sent');
  }

  answerBegun(): void {
    this.#seen('answer begun');
  }

  /** For the relay: false = the datagram is not passed on. */
  datagram({ direction, device, bytes }: Datagram): boolean {
    if (!this.#aim || !this.#sent || device !== this.#aim.device || bytes.length < 4) return true;
    const { trigger } = this.#aim;
    const code = bytes[1]!;
    const isRequest = code > 0 && code < 0x20;
    // An Update of the device, and our answer to it, is none of the business under test.
    if (direction === 'down' ? !isRequest : isRequest || code === 0) return true;
    if (direction === 'up' && trigger.at === 'outcome stored') this.#slow(this.#aim, trigger.slice);
    const at = direction === 'down' ? 'request to the device' : 'answer of the device';
    if (trigger.at !== at || !('passed' in trigger)) return true;
    const isLast = this.#left === 1;
    this.#seen(at);
    return !isLast || trigger.passed;
  }

  close(): void {
    clearTimeout(this.#fallback);
    this.#endSlices?.();
    this.#log.close();
  }

  #seen(at: Trigger['at']): void {
    const trigger = this.#aim?.trigger;
    if (trigger?.at !== at || --this.#left > 0) return;
    this.#pull('delay' in trigger ? trigger.delay : 0);
  }

  /** The answer of the device is still here: it is passed on while the process stands still. */
  #slow({ pid, isSettled }: Aim, slice: number): void {
    this.#endSlices ??= runInSlices(pid, slice, isSettled, () => this.#pull(0));
  }

  #pull(delay: number): void {
    if (!this.#aim) return;
    this.#aim = undefined;
    clearTimeout(this.#fallback);
    this.#endSlices?.();
    this.#endSlices = undefined;
    after(delay, this.#fire);
  }
}

/** Timers are too coarse below some milliseconds. */
function after(delay: number, run: () => void): void {
  if (delay <= 0) {
    run();
  } else if (delay > 5) {
    setTimeout(run, delay);
  } else {
    const end = performance.now() + delay;
    const look = (): void => {
      if (performance.now() >= end) run();
      else setImmediate(look);
    };
    setImmediate(look);
  }
}
