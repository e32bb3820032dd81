/**
 * What the state machines of a firmware update (object 5) and of a software installation (object 9) share: both bring a package
 * onto the device, execute one order, and wait for the verdict.
 */
import type { Failure } from '../../src/management/outcome.ts';
import type { DeliveryMethod } from './download.ts';

/**
 * What is kept with the accepted operation; enough to go on after a restart of the gateway or of the device. A type and no interface,
 * so that it is a record of what is stored.
 */
export type PackageProgress<Phase extends string = string> = {
  /** In every procedure: `delivering`, the device has, or shall get, the package. */
  phase: Phase;
  url: string;
  version?: string;
  /** Ways of delivery that are left; the first is the one in use. */
  methods: DeliveryMethod[];
  protocols?: number[];
  /** Deliveries that were begun. */
  attempts: number;
  /** Update Result before the delivery, then before the Execute: seeing it again proves nothing. */
  staleResult?: number;
  /** What was seen last: for people, and for the sentence when the deadline passes. */
  state?: number;
  result?: number;
};

/** One look at the device. An absent field: the device does not show it. */
export interface PackageLook {
  state?: number;
  result?: number;
}

/** Counts of looks in the present run that showed the same unfinished business. */
export interface PackagePatience {
  /** Looks in a row without anything going on. */
  idle: number;
  /** True while blocks of a push of this run have been acknowledged. */
  hasDelivered: boolean;
}

export type PackageDecision =
  | { next: 'wait'; isIdle?: true }
  | { next: 'deliver'; methods: DeliveryMethod[]; why: string }
  | { next: 'execute' }
  | { next: 'succeed'; evidence: string }
  | { next: 'fail'; failure: Failure };

/** Deliveries of one operation before it is given up. */
const MAXIMUM_ATTEMPTS = 4;

export function redeliver(progress: PackageProgress, why: string): PackageDecision {
  if (progress.attempts < MAXIMUM_ATTEMPTS) return { next: 'deliver', methods: progress.methods, why };
  const explanation = `The package did not arrive in ${progress.attempts} attempts (${why}): check the connection of the device and try again.`;
  return { next: 'fail', failure: { cause: 'transfer-failed', explanation } };
}

/** Does the device not take the address, the gateway pushes what it can fetch itself. */
export function pushInstead({ methods, url }: PackageProgress, why: string): PackageDecision | undefined {
  const isPossible = methods[0] === 'pull' && methods.length > 1 && /^https?:/i.test(url);
  return isPossible ? { next: 'deliver', methods: methods.slice(1), why } : undefined;
}

/** Failure of an Update Result that tells of one. */
export function failureOfResult(result: number, known: Readonly<Record<number, Failure>>): Failure {
  const failure = known[result] ?? {
    cause: 'update-failed' as const,
    explanation: `The device reports an Update Result that is not in the standard (${result}): see its documentation.`,
  };
  return { ...failure, evidence: `Update Result ${result}` };
}

/** The stored state, checked: it may come from another version of the gateway. */
export function readProgress<Phase extends string>(
  state: Record<string, unknown> | undefined,
  phases: readonly Phase[],
): PackageProgress<Phase> | undefined {
  if (!state) return undefined;
  const { url, version, methods, protocols } = state;
  const phase = phases.find((known) => known === state['phase']);
  if (phase === undefined || typeof url !== 'string' || !Array.isArray(methods)) return undefined;
  const numberAt = (field: string): number | undefined => {
    const value = state[field];
    return typeof value === 'number' ? value : undefined;
  };
  return {
    phase,
    url,
    version: typeof version === 'string' ? version : undefined,
    methods: methods.filter((method) => method === 'pull' || method === 'push'),
    protocols: Array.isArray(protocols) ? protocols.filter((protocol) => typeof protocol === 'number') : undefined,
    attempts: numberAt('attempts') ?? 1,
    staleResult: numberAt('staleResult'),
    state: numberAt('state'),
    result: numberAt('result'),
  };
}
