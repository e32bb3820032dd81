/**
 * Firmware update by object 5 as a procedure that survives restarts of the device and of the gateway: deliver the package,
 * execute Update exactly once, wait for the verdict. What is next is decided in `firmware-states.ts`; here it is done.
 */
import type { CancelResult, Observation } from '../../src/management/adapter.ts';
import type { Operation, Value } from '../../src/management/operation.ts';
import type { Failure, TargetResult } from '../../src/management/outcome.ts';
import { readVersionRule } from '../../src/management/wanted-version.ts';
import { checkUrl, deliveryMethods, readProtocols } from './download.ts';
import {
  decide,
  failureOf,
  type FirmwareLook,
  type FirmwareProgress,
  FirmwareState,
  readFirmwareProgress,
  UpdateResult,
} from './firmware-states.ts';
import { type PackageKind, PackageRun, takeUp } from './package-run.ts';
import type { PackagePatience } from './package-states.ts';
import {
  beside,
  createPace,
  defaultProcedureSettings,
  findConflict,
  guard,
  interrupted,
  numberOf,
  PATIENCE,
  settledAsDone,
  settledAsFailed,
  stepOf,
  textOf,
  unreadable,
} from './procedure-steps.ts';
import type {
  DeviceLink,
  Procedure,
  ProcedureEnd,
  ProcedureRun,
  ProcedureSettings,
  ProcedureStep,
} from './procedure.ts';

type FirmwareUpdate = PackageRun<FirmwareProgress, FirmwareLook>;

const firmware: PackageKind<FirmwareProgress, FirmwareLook> = {
  procedure: 'firmware-update',
  resources: { package: 0, uri: 1, order: 2, result: 5 },
  percents: { [FirmwareState.DOWNLOADING]: 5, [FirmwareState.DOWNLOADED]: 90 },
  taken: 'updating',
  lookAt,
  observations,
  failureOf,
  readProgress: readFirmwareProgress,
  recover,
};

/** Inputs: `url` (an artifact of ours or a foreign address), `version` that shall run afterwards, `name`. */
export function createFirmwareUpdate(settings: Partial<ProcedureSettings> = {}): Procedure {
  const all = { ...defaultProcedureSettings, ...settings };
  return {
    name: firmware.procedure,
    signature: { url: true, version: false, name: false },
    start: (device, operation, step, run) => guard(run, () => start(device, operation, step, run, all)),
    resume: (device, operation, run) => guard(run, () => resume(device, operation, run, all)),
    cancel,
    overdue,
  };
}

async function start(
  device: DeviceLink,
  operation: Operation,
  step: ProcedureStep,
  run: ProcedureRun,
  settings: ProcedureSettings,
): Promise<ProcedureEnd> {
  const { object } = step;
  const source = checkUrl(step.inputs['url']);
  if ('failure' in source) return settledAsFailed(source.failure);
  const conflict = await findConflict(device, operation, object);
  if (conflict) return settledAsFailed(conflict);
  const answer = await device.readMany([3, 5, 8, 9].map((resource) => `${object}/${resource}`));
  if (!answer.ok) return settledAsFailed(unreadable(object, answer));
  const { values } = answer;
  const deadline = device.context.now() + settings.downloadDeadline;
  const progress = await readStart(device, step, source.url, values, 0);
  const update = new PackageRun(firmware, { device, run, operation, object, settings, progress, deadline });
  const state = numberOf(values.get(`${object}/3`));
  if (state === FirmwareState.UPDATING) {
    const explanation = 'The device is installing firmware already: wait until it is done, then try again.';
    return settledAsFailed({ cause: 'conflict', explanation, evidence: 'State 3' });
  }
  if (state !== undefined && state !== FirmwareState.IDLE) await clear(update);
  const end = await update.deliver();
  return end ?? follow(update, { idle: 0, hasDelivered: true });
}

async function resume(
  device: DeviceLink,
  operation: Operation,
  run: ProcedureRun,
  settings: ProcedureSettings,
): Promise<ProcedureEnd> {
  const update = await takeUp(firmware, device, operation, run, settings);
  if ('end' in update) return update.end;
  // A device that idles although it has the order lost it: what went on before the restart needs no patience any more.
  const idle = update.progress.phase === 'delivering' ? PATIENCE : 0;
  return follow(update, { idle, hasDelivered: false });
}

async function recover(device: DeviceLink, step: ProcedureStep): Promise<FirmwareProgress | undefined> {
  const source = checkUrl(step.inputs['url']);
  const answer = await device.readMany([5, 8, 9].map((resource) => `${step.object}/${resource}`));
  if (!answer.ok || 'failure' in source) return undefined;
  return readStart(device, step, source.url, answer.values, 1);
}

/** @param values of resources 5, 8 and 9, as far as the device has them */
async function readStart(
  device: DeviceLink,
  { object, inputs }: ProcedureStep,
  url: string,
  values: ReadonlyMap<string, Value>,
  attempts: number,
): Promise<FirmwareProgress> {
  return {
    phase: 'delivering',
    url,
    version: textOf(inputs['version']),
    methods: deliveryMethods({ method: numberOf(values.get(`${object}/9`)) }),
    protocols: readProtocols(values.get(`${object}/8`)),
    attempts,
    staleResult: numberOf(values.get(`${object}/5`)),
    runningBefore: (await readRunning(device, object))?.running,
  };
}

/** Looks, decides, acts, until the update is over or the device has to come back first. */
async function follow(update: FirmwareUpdate, patience: PackagePatience): Promise<ProcedureEnd> {
  const { device, run, object, settings } = update;
  const rule = readVersionRule(await device.profile());
  const pace = await createPace(device, [`${object}/3`, `${object}/5`], settings.pollInterval);
  try {
    while (!run.signal.aborted) {
      const look = await lookAt(device, object);
      if (!look) break;
      await update.note(look);
      const decision = decide(update.progress, look, patience, rule);
      switch (decision.next) {
        case 'wait':
          patience.idle = decision.isIdle ? patience.idle + 1 : 0;
          await pace.pause(decision.isIdle);
          break;
        case 'deliver': {
          device.context.log.info(
            { device: device.device().id, why: decision.why },
            'firmware package is delivered again',
          );
          update.progress = { ...update.progress, methods: decision.methods, staleResult: look.result };
          if (look.state === FirmwareState.DOWNLOADING) await clear(update);
          patience.idle = 0;
          patience.hasDelivered = true;
          const end = await update.deliver();
          if (end) return end;
          break;
        }
        case 'execute': {
          patience.idle = 0;
          const end = await update.executeOnce({
            ...update.progress,
            phase: 'executing',
            staleResult: look.result,
            runningBefore: look.running,
          });
          if (end) return end;
          break;
        }
        case 'succeed':
          return settledAsDone(results(object, look), decision.evidence);
        case 'fail':
          return settledAsFailed(decision.failure, results(object, look));
      }
    }
    return interrupted(run);
  } finally {
    pace.stop();
  }
}

/** State, result and running version; undefined when the device does not answer now. */
async function lookAt(device: DeviceLink, object: string): Promise<FirmwareLook | undefined> {
  const answer = await device.readMany([`${object}/3`, `${object}/5`]);
  if (!answer.ok && answer.code === '') return undefined;
  const running = await readRunning(device, object);
  return (
    running && {
      ...running,
      state: numberOf(answer.values.get(`${object}/3`)),
      result: numberOf(answer.values.get(`${object}/5`)),
    }
  );
}

/**
 * Firmware Version of the device; where it has none, the version of the package. Undefined when the device does not
 * answer: that is not the same as having no version.
 */
async function readRunning(device: DeviceLink, object: string): Promise<{ running?: string } | undefined> {
  const running = await device.read(beside(object, '/3/0/3'));
  if (running.ok) return { running: textOf(running.value) };
  const version = running.code === '' ? running : await device.read(`${object}/7`);
  return version.ok || version.code !== '' ? { running: textOf(version.value) } : undefined;
}

/** ms; short, because before the device has accepted the update nothing else of its lane is served. */
const clearingPauses = [100, 400, 1600];

/** Brings a device that has begun or finished another download back to Idle. It may refuse: the delivery will tell. */
async function clear(update: FirmwareUpdate): Promise<void> {
  const { device, object, settings } = update;
  const answer = await device.write(`${object}/1`, '');
  if (!answer.ok) await device.execute(`${object}/10`);
  for (const pause of clearingPauses) {
    const state = await device.read(`${object}/3`);
    if (!state.ok || state.value === FirmwareState.IDLE) return;
    await device.wait(Math.min(pause, settings.pollInterval));
  }
}

function observations(object: string, look: FirmwareLook): Observation[] {
  const values: Observation[] = [];
  if (look.state !== undefined) values.push({ path: `${object}/3`, value: look.state });
  if (look.result !== undefined) values.push({ path: `${object}/5`, value: look.result });
  return values;
}

function results(object: string, look: FirmwareLook): TargetResult[] {
  const shown: TargetResult[] = observations(object, look);
  if (look.running !== undefined) shown.push({ path: beside(object, '/3/0/3'), value: look.running });
  return shown;
}

async function cancel(device: DeviceLink, operation: Operation): Promise<CancelResult> {
  const object = stepOf(operation)?.object ?? '/5/0';
  const state = await device.read(`${object}/3`);
  if (!state.ok && state.code === '') {
    return { state: 'refused', failure: unreadable(object, state) };
  }
  const hasBegun = readFirmwareProgress(operation.pending?.state)?.phase !== 'delivering';
  if (state.value === FirmwareState.UPDATING || (hasBegun && state.value !== FirmwareState.DOWNLOADED)) {
    return { state: 'not-cancellable', why: 'the device is installing the firmware: it cannot be stopped any more' };
  }
  const emptied = await device.write(`${object}/1`, '');
  if (emptied.ok) return { state: 'cancelled' };
  // Object 5 version 1.2 has an order of its own for it.
  const cancelled = await device.execute(`${object}/10`);
  if (cancelled.ok) return { state: 'cancelled' };
  return { state: 'refused', failure: unreadable(object, emptied) };
}

function overdue(operation: Operation): Failure {
  const progress = readFirmwareProgress(operation.pending?.state);
  if (progress?.result === UpdateResult.DEFERRED) {
    const explanation = 'The user of the device put the update off until it was too late: trigger it again.';
    return { cause: 'deadline', explanation, evidence: `Update Result ${UpdateResult.DEFERRED}` };
  }
  const shown = `State ${progress?.state ?? 'unknown'}, Update Result ${progress?.result ?? 'unknown'}`;
  const explanation =
    progress?.phase === 'delivering'
      ? 'The device did not finish the download in time: check that it is online and can reach the image, then try again.'
      : 'The device did not report the end of the update in time: read its version, then decide.';
  return { cause: 'deadline', explanation, evidence: shown };
}
