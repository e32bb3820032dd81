/** What the procedures share: where they look, how they wait, how they end. */
import type { Failure, Outcome, TargetResult } from '../../src/management/outcome.ts';
import { failed, succeeded } from '../../src/management/outcome.ts';
import type { Operation, Pending, Value } from '../../src/management/operation.ts';
import type {
  DeviceLink,
  LinkAnswer,
  ProcedureEnd,
  ProcedureRun,
  ProcedureSettings,
  ProcedureStep,
} from './procedure.ts';

export const defaultProcedureSettings: ProcedureSettings = Object.freeze({
  downloadDeadline: 86_400_000,
  updateDeadline: 3_600_000,
  pollInterval: 5000,
});

/** Looks that a device gets to show what it should show at once, before that counts as its answer. */
export const PATIENCE = 3;

/** A device that notifies is read this many times less often. */
const OBSERVED_FACTOR = 6;

export function settled(outcome: Outcome): ProcedureEnd {
  return { state: 'settled', outcome };
}

export function waiting(why: string): ProcedureEnd {
  return { state: 'waiting', why };
}

export function settledAsFailed(failure: Failure, results: TargetResult[] = []): ProcedureEnd {
  return settled(failed(failure, results));
}

export function settledAsDone(results: TargetResult[], evidence: string): ProcedureEnd {
  return settled(succeeded(results, { evidence }));
}

/** The step that the procedure was started with; undefined when the operation is not one of a procedure. */
export function stepOf(operation: Operation): ProcedureStep | undefined {
  return operation.steps.find((step) => step.action === 'procedure');
}

/** Path of another object of the same device, below the alternate root that `object` carries: (`/m/5/0`, `/3/0`) → `/m/3/0`. */
export function beside(object: string, other: string): string {
  const segments = object.split('/').filter((segment) => segment !== '');
  const root = segments.slice(0, -2).join('/');
  return root === '' ? other : `/${root}${other}`;
}

/** Undefined, unless another accepted operation holds the object: two triggers were queued before the first was accepted. */
export async function findConflict(
  device: DeviceLink,
  operation: Operation,
  object: string,
): Promise<Failure | undefined> {
  const accepted = await device.context.pending(device.device().id);
  const holder = accepted.find((other) => other.id !== operation.id && other.pending?.holds === object);
  return (
    holder && {
      cause: 'conflict',
      explanation: `Operation ${holder.id} works on the same object: wait for it, or let the operator cancel it: trivet cancel ${holder.id}.`,
    }
  );
}

export interface Pace {
  /**
   * Waits for the next notification, or for the time of the next look. `soon`: something should have shown itself by now, and
   * notifications of it may be lost.
   */
  pause(soon?: boolean): Promise<void>;
  stop(): void;
}

/** Observes what it can of `paths`, so that the next look comes when something changed. */
export async function createPace(device: DeviceLink, paths: readonly string[], pollInterval: number): Promise<Pace> {
  let hasChanged = false;
  let wake = (): void => {};
  const changed = (): void => {
    hasChanged = true;
    wake();
  };
  const watches: Awaited<ReturnType<DeviceLink['watch']>>[] = [];
  for (const path of paths) watches.push(await device.watch(path, changed));
  const isObserved = watches.every((watch) => watch.ok);
  // The first values belong to the look that comes next anyway.
  hasChanged = false;
  return {
    async pause(soon = false) {
      if (!hasChanged) {
        const notified = new Promise<void>((resolve) => {
          wake = resolve;
        });
        await Promise.race([notified, device.wait(pollInterval * (isObserved && !soon ? OBSERVED_FACTOR : 1))]);
      }
      hasChanged = false;
    },
    stop() {
      for (const watch of watches) watch.stop();
    },
  };
}

/** Failure of a device that says "done" and shows another version, or none. */
export function versionMismatch(running: string | undefined, wanted: string | undefined, evidence: string): Failure {
  const shown = running === undefined ? 'does not tell its version' : `runs version ${JSON.stringify(running)}`;
  return {
    cause: 'version-mismatch',
    explanation: `The device says that it is done, but ${shown} instead of ${JSON.stringify(wanted ?? '')}: check the image, or set versionAfterUpdate in the profile of the device.`,
    evidence,
  };
}

export function textOf(value: Value | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function numberOf(value: Value | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/** A run that was aborted may fail anywhere, because its operation may be settled: that is an interruption, not a fault. */
export async function guard(run: ProcedureRun, work: () => Promise<ProcedureEnd>): Promise<ProcedureEnd> {
  try {
    return await work();
  } catch (error) {
    if (run.signal.aborted) return interrupted(run);
    throw error;
  }
}

/**
 * Takes a note back that was made for an Execute which then never left. An aborted run cannot store progress any more,
 * but what it knows must not be lost: the next run would have to believe that the Execute may have been sent.
 */
export async function takeBack(device: DeviceLink, run: ProcedureRun, pending: Pending): Promise<void> {
  if (!run.signal.aborted) return run.progress(pending);
  try {
    await device.context.progress(run.operation(), pending);
  } catch (error) {
    // The operation was settled meanwhile, or changed elsewhere: then its note does not matter any more.
    device.context.log.debug({ err: error, operation: run.operation().id }, 'a note could not be taken back');
  }
}

/** For an answer without a failure of its own, which a link never gives for a refusal. */
export function unreadable(object: string, answer: LinkAnswer): Failure {
  return (
    answer.failure ?? {
      cause: 'device-error',
      explanation: `The device did not answer for ${object}: try again.`,
      evidence: answer.code,
    }
  );
}

/** Failure of an operation whose stored state this version of the gateway cannot read. */
export const unreadableState: Failure = Object.freeze({
  cause: 'device-error',
  explanation: 'What was stored of this operation cannot be read: trigger it again.',
});

/** Why a run goes on later: it was aborted, or the device does not answer now. */
export function interrupted(run: ProcedureRun): ProcedureEnd {
  return waiting(run.signal.aborted ? 'the run was interrupted' : 'the device does not answer now');
}
