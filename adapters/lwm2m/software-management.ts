/**
 * Software management by object 9 as procedures: `software-install` delivers a package, executes Install exactly once and
 * waits for INSTALLED; the orders without a package are in `software-orders.ts`. What is next is decided in `software-states.ts`.
 */
import type { CancelResult } from '../../src/management/adapter.ts';
import type { Operation } from '../../src/management/operation.ts';
import type { Failure } from '../../src/management/outcome.ts';
import { readVersionRule } from '../../src/management/wanted-version.ts';
import { codeWithName } from './coap/codes.ts';
import { checkUrl, type DeliveryMethod, deliveryMethods, readProtocols } from './download.ts';
import { type PackageKind, PackageRun, takeUp } from './package-run.ts';
import type { PackagePatience } from './package-states.ts';
import type {
  DeviceLink,
  LinkAnswer,
  Procedure,
  ProcedureEnd,
  ProcedureRun,
  ProcedureSettings,
  ProcedureStep,
} from './procedure.ts';
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
import { createSoftwareOrder } from './software-orders.ts';
import { lookAtSoftware, observationsOf } from './software-resources.ts';
import {
  decideInstall,
  failureOfSoftware,
  type InstallProgress,
  readInstallProgress,
  type SoftwareLook,
  softwareOrders,
  SoftwareState,
} from './software-states.ts';

type Installation = PackageRun<InstallProgress, SoftwareLook>;

const software: PackageKind<InstallProgress, SoftwareLook> = {
  procedure: 'software-install',
  resources: { package: 2, uri: 3, order: 4, result: 9 },
  percents: { [SoftwareState.DELIVERED]: 90 },
  taken: 'installing',
  lookAt: lookAtSoftware,
  observations: observationsOf,
  failureOf: failureOfSoftware,
  readProgress: readInstallProgress,
  recover,
};

/** `software-install`, `software-uninstall`, `software-activate` and `software-deactivate`. */
export function createSoftwareManagement(settings: Partial<ProcedureSettings> = {}): Procedure[] {
  return [createSoftwareInstall(settings), ...softwareOrders.map((order) => createSoftwareOrder(order, settings))];
}

/** Inputs: `url` (an artifact of ours or a foreign address), `version` that shall be installed, `name`. */
export function createSoftwareInstall(settings: Partial<ProcedureSettings> = {}): Procedure {
  const all = { ...defaultProcedureSettings, ...settings };
  return {
    name: software.procedure,
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
  const look = await lookAtSoftware(device, object);
  if (!look) return settledAsFailed(unreadable(object, await device.read(`${object}/7`)));
  if (look.state === SoftwareState.DOWNLOAD_STARTED || look.state === SoftwareState.DOWNLOADED) {
    // Nobody of ours is at it: a push that ended half-way stays like this for ever. An empty URI gives it up.
    const emptied = await device.write(`${object}/3`, '');
    if (!emptied.ok)
      return settledAsFailed(emptied.code === '' ? unreadable(object, emptied) : stillLoading(look.state, emptied));
  }
  const deadline = device.context.now() + settings.downloadDeadline;
  const progress = await readStart(device, step, source.url, look, 0);
  const installation = new PackageRun(software, { device, run, operation, object, settings, progress, deadline });
  if (look.state === SoftwareState.DELIVERED || look.state === SoftwareState.INSTALLED) {
    const refusal = await makeRoom(installation, look.state);
    return refusal ?? follow(installation, { idle: 0, hasDelivered: false });
  }
  const end = await installation.deliver();
  return end ?? follow(installation, { idle: 0, hasDelivered: true });
}

function stillLoading(state: number, { code }: LinkAnswer): Failure {
  const explanation =
    'The device is downloading a package there and does not let go of it: wait until it is done, or reboot the device.';
  return { cause: 'conflict', explanation, evidence: `Update State ${state}, ${codeWithName(code)}` };
}

/** Object 9 does not say how it takes packages. The firmware object of the same device does, and shares its download. */
async function readCapabilities(
  device: DeviceLink,
  object: string,
): Promise<{ methods: DeliveryMethod[]; protocols?: number[] }> {
  const firmware = beside(object, '/5/0');
  const { values } = await device.readMany([`${firmware}/8`, `${firmware}/9`]);
  const method = numberOf(values.get(`${firmware}/9`));
  const methods = deliveryMethods({ method });
  // It is a hint and no promise: the other way stays open.
  if (methods.length === 1) methods.push(methods[0] === 'pull' ? 'push' : 'pull');
  return { methods, protocols: readProtocols(values.get(`${firmware}/8`)) };
}

/** What is delivered is removed, what is installed is uninstalled for an update (argument 1). The lane does not wait for the end of it. */
async function makeRoom(installation: Installation, state: number): Promise<ProcedureEnd | undefined> {
  const { device, object } = installation;
  const answer = await device.execute(`${object}/6`, state === SoftwareState.INSTALLED ? '1' : undefined);
  if (!answer.ok) return settledAsFailed(unreadable(object, answer));
  installation.progress = { ...installation.progress, phase: 'preparing' };
  await installation.keep();
  return undefined;
}

async function resume(
  device: DeviceLink,
  operation: Operation,
  run: ProcedureRun,
  settings: ProcedureSettings,
): Promise<ProcedureEnd> {
  const installation = await takeUp(software, device, operation, run, settings);
  if ('end' in installation) return installation.end;
  // A device that idles although it has the order lost it: what went on before the restart needs no patience any more.
  const idle = installation.progress.phase === 'delivering' ? PATIENCE : 0;
  return follow(installation, { idle, hasDelivered: false });
}

async function recover(device: DeviceLink, step: ProcedureStep): Promise<InstallProgress | undefined> {
  const source = checkUrl(step.inputs['url']);
  const look = await lookAtSoftware(device, step.object);
  if (!look || 'failure' in source) return undefined;
  return readStart(device, step, source.url, look, 1);
}

async function readStart(
  device: DeviceLink,
  { object, inputs }: ProcedureStep,
  url: string,
  look: SoftwareLook,
  attempts: number,
): Promise<InstallProgress> {
  return {
    phase: 'delivering',
    url,
    version: textOf(inputs['version']),
    ...(await readCapabilities(device, object)),
    attempts,
    staleResult: look.result,
  };
}

/** Looks, decides, acts, until the installation is over or the device has to come back first. */
async function follow(installation: Installation, patience: PackagePatience): Promise<ProcedureEnd> {
  const { device, run, object, settings } = installation;
  const rule = readVersionRule(await device.profile());
  const pace = await createPace(device, [`${object}/7`, `${object}/9`], settings.pollInterval);
  try {
    while (!run.signal.aborted) {
      const look = await lookAtSoftware(device, object);
      if (!look) break;
      await installation.note(look);
      const decision = decideInstall(installation.progress, look, patience, rule);
      switch (decision.next) {
        case 'wait':
          patience.idle = decision.isIdle ? patience.idle + 1 : 0;
          await pace.pause(decision.isIdle);
          break;
        case 'deliver': {
          device.context.log.info(
            { device: device.device().id, why: decision.why },
            'software package is delivered again',
          );
          const { methods } = decision;
          installation.progress = {
            ...installation.progress,
            phase: 'delivering',
            methods,
            staleResult: look.result,
          };
          // Noted before it begins: what is on the device from now on is ours, and nothing that is in the way.
          await installation.keep();
          patience.idle = 0;
          patience.hasDelivered = true;
          const end = await installation.deliver();
          if (end) return end;
          break;
        }
        case 'execute': {
          patience.idle = 0;
          const { progress } = installation;
          const end = await installation.executeOnce({ ...progress, phase: 'executing', staleResult: look.result });
          if (end) return end;
          break;
        }
        case 'succeed':
          return settledAsDone(observationsOf(object, look), decision.evidence);
        case 'fail':
          return settledAsFailed(decision.failure, observationsOf(object, look));
      }
    }
    return interrupted(run);
  } finally {
    pace.stop();
  }
}

async function cancel(device: DeviceLink, operation: Operation): Promise<CancelResult> {
  const object = stepOf(operation)?.object ?? '/9/0';
  const look = await lookAtSoftware(device, object);
  if (!look) return { state: 'refused', failure: unreadable(object, await device.read(`${object}/7`)) };
  const phase = readInstallProgress(operation.pending?.state)?.phase;
  if (phase === 'preparing' && look.state !== SoftwareState.INITIAL) {
    return { state: 'not-cancellable', why: 'the device is making room: try again when it is done' };
  }
  if (phase !== 'delivering' && phase !== 'preparing') {
    return { state: 'not-cancellable', why: 'the device is installing the software: uninstall it when it is done' };
  }
  if (look.state === SoftwareState.INITIAL) return { state: 'cancelled' };
  // A package that has arrived is removed; a download ends with its URI.
  const isDelivered = look.state === SoftwareState.DELIVERED;
  const answer = isDelivered ? await device.execute(`${object}/6`) : await device.write(`${object}/3`, '');
  return answer.ok ? { state: 'cancelled' } : { state: 'refused', failure: unreadable(object, answer) };
}

function overdue(operation: Operation): Failure {
  const progress = readInstallProgress(operation.pending?.state);
  const evidence = `Update State ${progress?.state ?? 'unknown'}, Update Result ${progress?.result ?? 'unknown'}`;
  const explanation =
    progress?.phase === 'delivering' || progress?.phase === 'preparing'
      ? 'The device did not finish the download in time: check that it is online and can reach the package, then try again.'
      : 'The device did not report the end of the installation in time: read its state, then decide.';
  return { cause: 'deadline', explanation, evidence };
}
