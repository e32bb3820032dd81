/**
 * Operations that a CPE has accepted and will report later: transfers, changes of deployment units, restarts. They are found
 * again by the CommandKey, in another session, after a reboot, in another process.
 */
import type { AdapterContext, ManagedDevice } from '../../src/management/adapter.ts';
import type { Operation, Pending } from '../../src/management/operation.ts';
import { failed, succeeded, type Outcome } from '../../src/management/outcome.ts';
import { isWanted, readVersionRule } from '../../src/management/wanted-version.ts';
import type { Occasion } from './events.ts';
import { failureOfProcedure } from './faults.ts';
import type { DeploymentResult, DUStateChangeComplete, TransferComplete } from './rpc.ts';

/** What is kept with an accepted operation; JSON. */
export interface WorkState extends Record<string, unknown> {
  work: 'firmware' | 'transfer' | 'deployment' | 'restart';
  /** `applying`: the file is there, and the device has to come back with it. */
  phase: 'running' | 'applying';
  /** Firmware: what shall run afterwards, and what ran before. */
  version?: string;
  runningBefore?: string;
}

export interface CpeNow {
  device: ManagedDevice;
  occasion: Occasion;
  /** When the start was told first, ms since 1970. Undefined: this is the first time. */
  startedAt?: number;
  /** SoftwareVersion, and the parameter that it is. */
  running?: string;
  versionPath: string;
}

/** The stored state, checked: it may come from another version of the gateway. */
export function workStateOf({ pending }: Operation): WorkState | undefined {
  const { work, phase, version, runningBefore } = pending?.state ?? {};
  if (work !== 'firmware' && work !== 'transfer' && work !== 'deployment' && work !== 'restart') return undefined;
  return {
    work,
    phase: phase === 'applying' ? 'applying' : 'running',
    version: typeof version === 'string' ? version : undefined,
    runningBefore: typeof runningBefore === 'string' ? runningBefore : undefined,
  };
}

/** What an Inform alone says of accepted operations: the device came back, and which version it runs. Durable. */
export async function noteInform(context: AdapterContext, now: CpeNow): Promise<void> {
  if (!now.occasion.restarted && now.running === undefined) return;
  const rule = readVersionRule(await context.profile(now.device.id));
  for (const operation of await context.pending(now.device.id)) {
    const state = workStateOf(operation);
    switch (state?.work) {
      case 'restart':
        if (isBackFrom(now, operation))
          await context.settle(operation, succeeded([], { evidence: 'the device came back after it' }));
        break;
      case 'firmware': {
        const runs = isWanted(now.running, state.version, rule);
        if (state.phase === 'applying') {
          if (runs || isBackFrom(now, operation)) await settleFirmware(context, operation, now, runs);
        } else if (isBackFrom(now, operation) && !now.occasion.transfer && provesUpdate(state, now.running, runs)) {
          // No TransferComplete, and none announced: the version is the proof (quirk 25).
          await settleFirmware(context, operation, now, true);
        }
      }
    }
  }
}

/** It has started since the operation was sent. A start that is told again is as old as at the first time. */
export function isBackFrom({ occasion, startedAt }: CpeNow, { dispatchedAt, pending }: Operation): boolean {
  if (startedAt === undefined) return occasion.restarted;
  const isNamed = occasion.commandKeys.some(({ event, key }) => event === 'm reboot' && key === pending?.correlator);
  return isNamed || (dispatchedAt ?? Infinity) < startedAt;
}

function provesUpdate({ version, runningBefore }: WorkState, running: string | undefined, runs: boolean): boolean {
  return runs && version !== undefined && running !== runningBefore;
}

/** Durable when it resolves; a repeat changes nothing. @returns false: it belongs to nothing that we asked for */
export async function noteTransfer(
  context: AdapterContext,
  now: CpeNow,
  message: TransferComplete,
  updateDeadline: number,
): Promise<boolean> {
  const operation = matching(await context.pending(now.device.id), message.commandKey, ['firmware', 'transfer']);
  const state = operation && workStateOf(operation);
  if (!operation || !state) return false;
  if (message.fault.code !== 0) {
    await context.settle(operation, failed(failureOfProcedure(message.fault)));
    return true;
  }
  if (state.work === 'transfer') {
    await context.settle(operation, succeeded([], { evidence: 'TransferComplete, FaultCode 0' }));
    return true;
  }
  const rule = readVersionRule(await context.profile(now.device.id));
  const runs = isWanted(now.running, state.version, rule);
  if (runs || isBackFrom(now, operation)) {
    await settleFirmware(context, operation, now, runs);
    return true;
  }
  // The file is there; the version is that of before, because the device has not started with the new one yet.
  await context.progress(operation, applying(operation, state, context.now() + updateDeadline));
  return true;
}

export function applying(operation: Operation, state: WorkState, deadline: number): Pending {
  const { pending } = operation;
  return {
    correlator: pending?.correlator ?? operation.id,
    procedure: pending?.procedure ?? 'firmware-update',
    holds: pending?.holds,
    state: { ...state, phase: 'applying' },
    deadline,
    progress: 90,
  };
}

async function settleFirmware(
  context: AdapterContext,
  operation: Operation,
  now: CpeNow,
  runs: boolean,
): Promise<void> {
  const { running, versionPath } = now;
  const results = running === undefined ? [] : [{ path: versionPath, value: running }];
  const wanted = workStateOf(operation)?.version ?? '';
  const outcome: Outcome = runs
    ? succeeded(results, {
        evidence: running === undefined ? 'TransferComplete, FaultCode 0' : `SoftwareVersion ${running}`,
      })
    : {
        ...failed({
          cause: 'version-mismatch',
          explanation: `the device has started anew and runs ${JSON.stringify(running ?? '')} instead of ${JSON.stringify(wanted)}: check the image, or set versionAfterUpdate in the profile of the device`,
          evidence: `SoftwareVersion ${running ?? 'unknown'}`,
        }),
        results,
      };
  await context.settle(operation, outcome);
}

/** As `noteTransfer`. */
export async function noteDeployment(
  context: AdapterContext,
  device: ManagedDevice,
  message: DUStateChangeComplete,
): Promise<boolean> {
  const operation = matching(await context.pending(device.id), message.commandKey, ['deployment']);
  if (!operation) return false;
  await context.settle(operation, deploymentOutcome(message.results));
  return true;
}

function deploymentOutcome(results: readonly DeploymentResult[]): Outcome {
  if (results.length === 0) {
    const explanation =
      'the CPE reported the end of the change and no result of it; read the object to see what became of it';
    return failed({ cause: 'device-error', explanation, evidence: 'DUStateChangeComplete without Results' });
  }
  const bad = results.find(({ fault, currentState }) => fault.code !== 0 || currentState === 'Failed');
  if (bad) return failed(failureOfProcedure(bad.fault.code === 0 ? { code: 9002, text: bad.fault.text } : bad.fault));
  const states = results.map(({ currentState }) => currentState).join(', ');
  return succeeded([], { evidence: `DUStateChangeComplete: ${states}` });
}

/** By key; by the beginning of the key when the CPE cut it; else the only one there is (quirk 25). */
function matching(operations: Operation[], key: string, works: readonly WorkState['work'][]): Operation | undefined {
  const candidates = operations.filter((operation) => {
    const state = workStateOf(operation);
    return state !== undefined && works.includes(state.work);
  });
  const exact = candidates.find(({ pending }) => pending?.correlator === key);
  if (exact) return exact;
  const cut = key.length < 4 ? [] : candidates.filter(({ pending }) => pending?.correlator.startsWith(key));
  if (cut.length === 1) return cut[0];
  return key === '' && candidates.length === 1 ? candidates[0] : undefined;
}
