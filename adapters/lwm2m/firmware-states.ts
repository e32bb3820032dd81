/**
 * The state machine of a firmware update (object 5), as a pure function: what we did so far and what the device shows now
 * → what to do next. TS-Core 1.1, E.6; object 5 version 1.2.
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

/** State, /5/x/3. */
export const FirmwareState = { IDLE: 0, DOWNLOADING: 1, DOWNLOADED: 2, UPDATING: 3 } as const;

/** Update Result, /5/x/5. */
export const UpdateResult = { INITIAL: 0, SUCCESS: 1, BAD_URI: 7, BAD_PROTOCOL: 9, DEFERRED: 11 } as const;

/** `executing`: Execute of Update was about to leave; it is never sent again. `updating`: the device took the Execute. */
export interface FirmwareProgress extends PackageProgress<'delivering' | 'executing' | 'updating'> {
  /** Version that ran before. */
  runningBefore?: string;
}

export function readFirmwareProgress(state: Record<string, unknown> | undefined): FirmwareProgress | undefined {
  const progress = readProgress(state, ['delivering', 'executing', 'updating']);
  const runningBefore = state?.['runningBefore'];
  return progress && { ...progress, runningBefore: typeof runningBefore === 'string' ? runningBefore : undefined };
}

export interface FirmwareLook extends PackageLook {
  running?: string;
}

const resultFailures: Record<number, Failure> = {
  2: {
    cause: 'transfer-failed',
    explanation: 'The device has not enough flash memory for the package: use a smaller image.',
  },
  3: {
    cause: 'transfer-failed',
    explanation: 'The device ran out of memory while it downloaded: try again after a reboot, or use a smaller image.',
  },
  4: { cause: 'transfer-failed', explanation: 'The device lost the connection while it downloaded: try again.' },
  5: {
    cause: 'transfer-failed',
    explanation: 'The package failed the integrity check of the device: check the image and upload it again.',
  },
  6: {
    cause: 'transfer-failed',
    explanation: 'The device does not take packages of this type: use an image for this model.',
  },
  7: {
    cause: 'transfer-failed',
    explanation: 'The device calls the URL of the package invalid: check that it can be reached from the device.',
  },
  8: {
    cause: 'update-failed',
    explanation:
      'The device could not install the firmware: it still runs the version before. Check that the image is for this model.',
  },
  9: {
    cause: 'transfer-failed',
    explanation:
      'The device does not support the protocol of the URL: use another one, or let the gateway push the image.',
  },
  10: { cause: 'cancelled', explanation: 'The update was cancelled on the device.' },
};

/** Failure of an Update Result; undefined for 0, 1 and 11 (deferred: the device will go on). */
export function failureOf(result: number | undefined): Failure | undefined {
  if (result === undefined || result <= UpdateResult.SUCCESS || result === UpdateResult.DEFERRED) return undefined;
  return failureOfResult(result, resultFailures);
}

export function decide(
  progress: FirmwareProgress,
  look: FirmwareLook,
  patience: PackagePatience,
  rule: VersionRule,
): PackageDecision {
  switch (progress.phase) {
    case 'delivering':
      return decideDelivery(progress, look, patience, rule);
    case 'executing':
    case 'updating':
      return decideVerdict(progress, look, patience, rule);
  }
}

function decideDelivery(
  progress: FirmwareProgress,
  look: FirmwareLook,
  patience: PackagePatience,
  rule: VersionRule,
): PackageDecision {
  const { state, result } = look;
  // Right after the delivery a slow device may still show the result of the update before; and whoever lost the order in a restart
  // shows it for ever.
  const isNews = result !== progress.staleResult || (patience.hasDelivered && patience.idle >= PATIENCE);
  const failure = isNews ? failureOf(result) : undefined;
  if (failure && state !== FirmwareState.DOWNLOADING) return decideAfterFailure(progress, look, failure);
  switch (state) {
    case FirmwareState.DOWNLOADED:
      return { next: 'execute' };
    case FirmwareState.DOWNLOADING:
      // Nobody sends the rest of a push that another run began.
      if (progress.methods[0] === 'push' && !patience.hasDelivered)
        return redeliver(progress, 'the push was interrupted');
      return { next: 'wait' };
    case FirmwareState.UPDATING:
      // Resource 14 lets a device go on by itself.
      return { next: 'wait' };
    default:
      if (result === UpdateResult.SUCCESS && (result !== progress.staleResult || hasChanged(progress, look)))
        return decideSuccess(progress, look, patience, rule);
      if (patience.idle < PATIENCE) return { next: 'wait', isIdle: true };
      return redeliver(progress, 'the device lost the package');
  }
}

/** A URI or protocol that the device does not take (7, 9) leaves the push; every other failure is the end. */
function decideAfterFailure(progress: FirmwareProgress, look: FirmwareLook, failure: Failure): PackageDecision {
  const isAddress = look.result === UpdateResult.BAD_URI || look.result === UpdateResult.BAD_PROTOCOL;
  return (isAddress && pushInstead(progress, failure.explanation)) || { next: 'fail', failure };
}

function decideVerdict(
  progress: FirmwareProgress,
  look: FirmwareLook,
  patience: PackagePatience,
  rule: VersionRule,
): PackageDecision {
  const { state, result } = look;
  if (state === FirmwareState.UPDATING) return { next: 'wait' };
  if (result === UpdateResult.DEFERRED) return { next: 'wait' };
  const isNews = result !== progress.staleResult || state === FirmwareState.IDLE;
  if (isNews && result === UpdateResult.SUCCESS) return decideSuccess(progress, look, patience, rule);
  const failure = isNews ? failureOf(result) : undefined;
  if (failure) return { next: 'fail', failure };
  if (state === FirmwareState.DOWNLOADED) {
    if (progress.phase === 'updating') return { next: 'wait' };
    return patience.idle < PATIENCE ? { next: 'wait', isIdle: true } : { next: 'fail', failure: neverStarted };
  }
  return decideWithoutResult(progress, look, patience, rule);
}

/** The gateway stopped between its note and the Execute, or the Execute was lost. It is not sent a second time. */
const neverStarted: Failure = {
  cause: 'no-answer',
  explanation:
    'The package is on the device, but the order to install it was not answered and the device did not begin: trigger the update again.',
  evidence: 'State 2',
};

function decideSuccess(
  progress: FirmwareProgress,
  look: FirmwareLook,
  patience: PackagePatience,
  rule: VersionRule,
): PackageDecision {
  const evidence = `Update Result ${UpdateResult.SUCCESS}`;
  if (isWanted(look.running, progress.version, rule)) return { next: 'succeed', evidence };
  // Some devices say "success" before they restart into the new version.
  if (patience.idle < PATIENCE) return { next: 'wait', isIdle: true };
  return { next: 'fail', failure: versionMismatch(look.running, progress.version, evidence) };
}

function hasChanged(progress: FirmwareProgress, look: FirmwareLook): boolean {
  return look.running !== undefined && look.running !== progress.runningBefore;
}

/** The device is idle again without a result: a device that forgot it in the restart is judged by what it runs. */
function decideWithoutResult(
  progress: FirmwareProgress,
  look: FirmwareLook,
  patience: PackagePatience,
  rule: VersionRule,
): PackageDecision {
  const isOther = hasChanged(progress, look);
  const isAsked = (progress.version?.trim() ?? '') !== '' && rule !== 'ignore';
  if (isAsked ? isWanted(look.running, progress.version, rule) && isOther : isOther) {
    return { next: 'succeed', evidence: `runs version ${look.running}` };
  }
  if (patience.idle < PATIENCE) return { next: 'wait', isIdle: true };
  // The same version as before cannot prove anything, and equal versions before and after are what was asked for.
  if (isAsked && isWanted(look.running, progress.version, rule))
    return { next: 'succeed', evidence: `runs version ${look.running}` };
  const shown =
    look.running === undefined ? 'does not tell its version' : `runs version ${JSON.stringify(look.running)}`;
  return {
    next: 'fail',
    failure: {
      cause: 'update-failed',
      explanation: `The device came back without a result and ${shown}: check the image and try again.`,
      evidence: `State ${look.state ?? 'unknown'}, Update Result ${look.result ?? 'unknown'}`,
    },
  };
}
