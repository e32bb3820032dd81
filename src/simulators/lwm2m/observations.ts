import type { Attributes } from './attributes.ts';
import type { Timers } from './timers.ts';
import { equalValues, formatPath, isMultiple } from './value.ts';
import type { Entry, Resource } from './value.ts';

export interface Observation {
  /** Peer and token. */
  key: string;
  token: string;
  /** One path, or those of a composite observation. */
  paths: number[][];
  /** Sends the present state; an error ends the observation. */
  send(confirmable: boolean): void;
  /** Sends 4.04 and forgets it. */
  gone(): void;
}

interface Watch extends Observation {
  lastSent: number;
  lastValue: Resource | undefined;
  stopMinimum?: () => void;
  stopMaximum?: () => void;
}

export interface ObservationRules {
  timers: Timers;
  attributes(path: readonly number[]): Attributes;
  /** Default periods of the server account, in seconds. */
  defaults(): { pmin: number; pmax: number | undefined };
  value(path: readonly number[]): Resource | undefined;
  confirmable: boolean;
}

const maximum = 200;

/** The observations of the device: decides when a change is told (TS Core 5.1.2: pmin, pmax, gt, lt, st). */
export class Observations {
  readonly #watches = new Map<string, Watch>();
  readonly #rules: ObservationRules;

  constructor(rules: ObservationRules) {
    this.#rules = rules;
  }

  get size(): number {
    return this.#watches.size;
  }

  /** False when there are too many. A second one with the same peer and token replaces the first. */
  add(observation: Observation): boolean {
    this.cancel(observation.key);
    if (this.#watches.size >= maximum) return false;
    const watch: Watch = { ...observation, lastSent: performance.now(), lastValue: this.#numeric(observation) };
    this.#watches.set(watch.key, watch);
    this.#armMaximum(watch);
    return true;
  }

  cancel(key: string): void {
    const watch = this.#watches.get(key);
    watch?.stopMinimum?.();
    watch?.stopMaximum?.();
    this.#watches.delete(key);
  }

  cancelToken(token: string): void {
    for (const watch of this.#watches.values()) if (watch.token === token) this.cancel(watch.key);
  }

  clear(): void {
    for (const key of this.#watches.keys()) this.cancel(key);
  }

  /** Attributes changed: the periods of what is below the path start anew. */
  rearm(path: readonly number[]): void {
    for (const watch of this.#watches.values())
      if (watch.paths.some((own) => covers(path, own))) this.#armMaximum(watch);
  }

  changed(path: readonly number[], value: Resource | undefined): void {
    for (const watch of this.#watches.values()) {
      const exact = watch.paths.find((own) => covers(own, path));
      if (!exact && !watch.paths.some((own) => covers(path, own))) continue;
      if (path.length === 2 && value === undefined && watch.paths.length === 1 && (watch.paths[0]?.length ?? 0) >= 2) {
        this.cancel(watch.key);
        watch.gone();
      } else if (this.#crosses(watch)) this.#schedule(watch);
    }
  }

  #numeric(observation: Observation): Resource | undefined {
    const [path] = observation.paths;
    return path && path.length >= 3 && observation.paths.length === 1 ? this.#rules.value(path) : undefined;
  }

  #effective(watch: Observation): Attributes {
    return watch.paths.length === 1 ? this.#rules.attributes(watch.paths[0] ?? []) : {};
  }

  #crosses(watch: Watch): boolean {
    const { gt, lt, st } = this.#effective(watch);
    const now = this.#numeric(watch);
    const before = watch.lastValue;
    if (now !== undefined && equalValues(now, before) && !isMultiple(now)) return false;
    if (gt === undefined && lt === undefined && st === undefined) return true;
    if (typeof now !== 'number' || typeof before !== 'number') return true;
    const passes = (bound: number | undefined): boolean => bound !== undefined && now > bound !== before > bound;
    return (
      passes(gt) || (lt !== undefined && now < lt !== before < lt) || (st !== undefined && Math.abs(now - before) >= st)
    );
  }

  #schedule(watch: Watch): void {
    if (watch.stopMinimum) return;
    const minimum = (this.#effective(watch).pmin ?? this.#rules.defaults().pmin) * 1000;
    const wait = watch.lastSent + minimum - performance.now();
    if (wait <= 0) this.#send(watch);
    else watch.stopMinimum = this.#rules.timers.after(wait, () => this.#send(watch));
  }

  #send(watch: Watch): void {
    watch.stopMinimum?.();
    watch.stopMinimum = undefined;
    watch.lastSent = performance.now();
    watch.lastValue = this.#numeric(watch);
    this.#armMaximum(watch);
    const wanted = this.#effective(watch).con;
    watch.send(wanted === undefined ? this.#rules.confirmable : wanted === 1);
  }

  #armMaximum(watch: Watch): void {
    watch.stopMaximum?.();
    watch.stopMaximum = undefined;
    const { pmin, pmax } = { ...this.#rules.defaults(), ...this.#effective(watch) };
    // pmax below pmin is ignored (TS Core 5.1.2).
    if (pmax === undefined || pmax <= 0 || pmax < (pmin ?? 0)) return;
    const wait = watch.lastSent + pmax * 1000 - performance.now();
    watch.stopMaximum = this.#rules.timers.after(wait, () => this.#send(watch));
  }
}

function covers(outer: readonly number[], inner: readonly number[]): boolean {
  return outer.every((id, at) => inner[at] === id);
}

/** Names of what is observed, for the journal. */
export function observedPaths(paths: number[][]): string {
  return paths.map(formatPath).join(' ');
}

/** True when an entry lies at or below a path. */
export function within(path: readonly number[], entry: Entry): boolean {
  return covers(path.slice(0, 3), [entry.object, entry.instance, entry.resource]);
}
