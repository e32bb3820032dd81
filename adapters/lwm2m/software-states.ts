/**
 * The state machine of object 9 as pure functions: what we did so far and what the device shows now → what to do next.
 * LwM2M software management 1.0, clause 6 and table of Update Result.
 */
import type { Failure } from '../../src/management/outcome.ts';
import { isWanted, type VersionRule } from '../../src/management/wanted-version.ts';
import {
  failureOfResult,
  type PackageDecision,
  type PackageLook,
  type PackagePatience,
  type PackageProgress,
  readProgress,
  pushInstead,
  redeliver,
} from './package-states.ts';
import { PATIENCE, versionMismatch } from './procedure-steps.ts';

/** Update State, /9/x/7. */
export const SoftwareState = { INITIAL: 0, DOWNLOAD_STARTED: 1, DOWNLOADED: 2, DELIVERED: 3, INSTALLED: 4 } as const;

/** Update Result, /9/x/9: below 50 it tells of progress or success. */
const FIRST_FAILURE = 50;
const INSTALLED_RESULT = 2;
const BAD_URI = 56;

/**
 * `preparing`: the device makes room, and what is there is not ours. `executing`: Execute of Install was about to leave; it is never
 * sent again. `installing`: the device took it.
 */
export type InstallProgress = PackageProgress<'preparing' | 'delivering' | 'executing' | 'installing'>;

export function readInstallProgress(state: Record<string, unknown> | undefined): InstallProgress | undefined {
  return readProgress(state, ['preparing', 'delivering', 'executing', 'installing']);
}

export interface SoftwareLook extends PackageLook {
  /** Activation State, /9/x/12. */
  isActive?: boolean;
  /** PkgVersion, readable from DELIVERED on. */
  version?: string;
}

const resultFailures: Record<number, Failure> = {
  50: {
    cause: 'transfer-failed',
    explanation: 'The device has not enough storage for the package: uninstall something, or use a smaller package.',
  },
  51: {
    cause: 'transfer-failed',
    explanation: 'The device ran out of memory while it downloaded: try again after a reboot.',
  },
  52: { cause: 'transfer-failed', explanation: 'The device lost the connection while it downloaded: try again.' },
  53: {
    cause: 'transfer-failed',
    explanation: 'The package failed the integrity check of the device: check it and upload it again.',
  },
  54: {
    cause: 'transfer-failed',
    explanation: 'The device does not take packages of this type: use a package for this model.',
  },
  56: {
    cause: 'transfer-failed',
    explanation: 'The device calls the URL of the package invalid: check that it can be reached from the device.',
  },
  57: {
    cause: 'update-failed',
    explanation: 'The device reports an error of its own while it installed: see its documentation.',
  },
  58: {
    cause: 'update-failed',
    explanation: 'The device could not install the package: check that it is for this model.',
  },
  59: { cause: 'update-failed', explanation: 'The device could not uninstall the software: try again after a reboot.' },
};

/** Failure of an Update Result; undefined below 50. */
export function failureOfSoftware(result: number | undefined): Failure | undefined {
  if (result === undefined || result < FIRST_FAILURE) return undefined;
  return failureOfResult(result, resultFailures);
}

export function decideInstall(
  progress: InstallProgress,
  look: SoftwareLook,
  patience: PackagePatience,
  rule: VersionRule,
): PackageDecision {
  // Whoever lost the order in a restart shows the old result for ever.
  const isNews = look.result !== progress.staleResult || (patience.hasDelivered && patience.idle >= PATIENCE);
  const failure = isNews ? failureOfSoftware(look.result) : undefined;
  switch (progress.phase) {
    case 'preparing':
      return decideRoom(progress, look, patience, failure);
    case 'delivering':
      return decideDelivery(progress, look, patience, failure);
    case 'executing':
    case 'installing':
      return decideVerdict(progress, look, patience, rule, failure);
  }
}

/** Looks that an Uninstall gets before the installation is given up. */
const PATIENCE_FOR_ROOM = PATIENCE * 4;

function decideRoom(
  progress: InstallProgress,
  look: SoftwareLook,
  patience: PackagePatience,
  failure: Failure | undefined,
): PackageDecision {
  if (look.state === SoftwareState.INITIAL)
    return { next: 'deliver', methods: progress.methods, why: 'there is room now' };
  if (failure) return { next: 'fail', failure };
  if (patience.idle < PATIENCE_FOR_ROOM) return { next: 'wait', isIdle: true };
  const explanation = 'The device did not make room for the new package: uninstall the software, then install again.';
  return { next: 'fail', failure: { cause: 'conflict', explanation } };
}

function decideDelivery(
  progress: InstallProgress,
  look: SoftwareLook,
  patience: PackagePatience,
  failure: Failure | undefined,
): PackageDecision {
  switch (look.state) {
    case SoftwareState.DELIVERED:
      return { next: 'execute' };
    case SoftwareState.DOWNLOAD_STARTED:
      // Nobody sends the rest of a push that another run began.
      if (progress.methods[0] === 'push' && !patience.hasDelivered)
        return redeliver(progress, 'the push was interrupted');
      return { next: 'wait' };
    case SoftwareState.DOWNLOADED:
      return failure ? { next: 'fail', failure } : { next: 'wait' };
    default:
      if (failure) {
        return (look.result === BAD_URI && pushInstead(progress, failure.explanation)) || { next: 'fail', failure };
      }
      if (patience.idle < PATIENCE) return { next: 'wait', isIdle: true };
      return redeliver(progress, 'the device lost the package');
  }
}

function decideVerdict(
  progress: InstallProgress,
  look: SoftwareLook,
  patience: PackagePatience,
  rule: VersionRule,
  failure: Failure | undefined,
): PackageDecision {
  const { state, result } = look;
  if (state === SoftwareState.INSTALLED || (state === undefined && result === INSTALLED_RESULT)) {
    const evidence = `Update State ${state ?? 'unknown'}, Update Result ${result ?? 'unknown'}`;
    if (isWanted(look.version, progress.version, rule)) return { next: 'succeed', evidence };
    return { next: 'fail', failure: versionMismatch(look.version, progress.version, evidence) };
  }
  if (failure) return { next: 'fail', failure };
  if (state === SoftwareState.DELIVERED) {
    if (progress.phase === 'installing') return { next: 'wait' };
    return patience.idle < PATIENCE ? { next: 'wait', isIdle: true } : { next: 'fail', failure: neverStarted };
  }
  if (state !== SoftwareState.INITIAL && state !== undefined) return { next: 'wait' };
  if (patience.idle < PATIENCE) return { next: 'wait', isIdle: true };
  const explanation =
    'The device has no software installed although it took the order, and gives no reason: try again.';
  return {
    next: 'fail',
    failure: { cause: 'update-failed', explanation, evidence: `Update State ${state ?? 'unknown'}` },
  };
}

/** The gateway stopped between its note and the Execute, or the Execute was lost. It is not sent a second time. */
const neverStarted: Failure = {
  cause: 'no-answer',
  explanation:
    'The package is on the device, but the order to install it was not answered and the device did not begin: trigger the installation again.',
  evidence: 'Update State 3',
};

/** One of the orders that need no package: what it executes, when it is done, and when it makes sense. */
export interface SoftwareOrder {
  readonly name: 'software-uninstall' | 'software-activate' | 'software-deactivate';
  /** Resource to execute. */
  readonly resource: number;
  isDone(look: SoftwareLook): boolean;
  /** Why it cannot be done now. */
  obstacle(look: SoftwareLook): Failure | undefined;
}

const notInstalled: Failure = {
  cause: 'not-acceptable',
  explanation: 'No software is installed there: install it first.',
};

const isLoading = (look: SoftwareLook): boolean =>
  look.state === SoftwareState.DOWNLOAD_STARTED || look.state === SoftwareState.DOWNLOADED;

const loading: Failure = {
  cause: 'conflict',
  explanation: 'The device is downloading a package there: wait until it is done.',
};

export const softwareOrders: readonly SoftwareOrder[] = [
  {
    name: 'software-uninstall',
    resource: 6,
    isDone: (look) => look.state === SoftwareState.INITIAL,
    obstacle: (look) => (isLoading(look) ? loading : undefined),
  },
  {
    name: 'software-activate',
    resource: 10,
    isDone: (look) => look.isActive === true,
    obstacle: (look) => (look.state !== undefined && look.state !== SoftwareState.INSTALLED ? notInstalled : undefined),
  },
  {
    name: 'software-deactivate',
    resource: 11,
    isDone: (look) => look.isActive === false,
    obstacle: (look) => (look.state !== undefined && look.state !== SoftwareState.INSTALLED ? notInstalled : undefined),
  },
];

export type OrderDecision =
  | { next: 'wait' }
  | { next: 'succeed'; evidence: string }
  | { next: 'fail'; failure: Failure };

/** After the device took the order: done, failed, or not yet. */
export function decideOrder(order: SoftwareOrder, look: SoftwareLook, staleResult: number | undefined): OrderDecision {
  const failure = look.result === staleResult ? undefined : failureOfSoftware(look.result);
  if (failure) return { next: 'fail', failure };
  if (!order.isDone(look)) return { next: 'wait' };
  const evidence = `Update State ${look.state ?? 'unknown'}, Activation State ${look.isActive ?? 'unknown'}`;
  return { next: 'succeed', evidence };
}
