/** Firmware by FUMO 1.0: one order or two, by the nodes that the device has; or the image itself through the session. */
import type { Step, Value } from '../../src/management/operation.ts';
import { failed, succeeded, type Failure, type Outcome, type TargetResult } from '../../src/management/outcome.ts';
import { isWanted, readVersionRule } from '../../src/management/wanted-version.ts';
import type { Reply } from './channel.ts';
import { begin, execute, type Order, type Ordered } from './orders.ts';
import { packageAddress, type PackageAddress } from './package-address.ts';
import { childOf } from './paths.ts';
import { leafText, readNodes } from './reading.ts';
import { setLeaf } from './writing.ts';
import type { WorkState } from './work.ts';

export const firmwareVersionPath = './DevDetail/FwV';
const softwareVersionPath = './DevDetail/SwV';

/** FUMO 1.0, 6: values of State. */
const states = Object.freeze({
  idle: 10,
  downloadFailed: 20,
  downloading: 30,
  downloaded: 40,
  ready: 50,
  updating: 60,
  failedKept: 70,
  failedGone: 80,
  doneKept: 90,
  doneGone: 100,
});

export async function updateFirmware(order: Order, step: Extract<Step, { action: 'procedure' }>): Promise<Ordered> {
  const { channel, settings } = order;
  const { object, inputs, procedure } = step;
  const address = await packageAddress(order, inputs['url']);
  if ('failure' in address) return address;
  const [state, both, download, update] = ['State', 'DownloadAndUpdate', 'Download', 'Update'].map((name) =>
    childOf(object, name),
  ) as [string, string, string, string];
  const nodes = await readNodes(channel, [state, both, download, update, firmwareVersionPath]);
  const silent = [...nodes.values()].find(({ status }) => status === undefined);
  if (silent?.failure) return { failure: silent.failure };
  const isThere = (path: string): boolean => nodes.get(path)?.isAbsent === false;
  const form = isThere(both)
    ? 'both'
    : isThere(download) && isThere(update)
      ? 'two'
      : isThere(update)
        ? 'push'
        : 'none';
  if (form === 'none') {
    const explanation = `${object} has neither DownloadAndUpdate nor Update: the device takes no firmware; look for it in its trace`;
    return { failure: { cause: 'not-implemented', explanation } };
  }
  const wanted: WorkState = {
    work: 'firmware',
    phase: form === 'two' ? 'downloading' : 'running',
    object,
    ...(form === 'two' ? { next: update } : {}),
    version: typeof inputs['version'] === 'string' ? inputs['version'] : undefined,
    runningBefore: leafText(nodes.get(firmwareVersionPath), firmwareVersionPath),
    stateBefore: stateOf(nodes.get(state), state),
  };
  const node = form === 'both' ? both : form === 'two' ? download : update;
  const failure =
    form === 'push'
      ? await pushImage(order, childOf(update, 'PkgData'), address)
      : await setLeaf(channel, childOf(node, 'PkgURL'), address.url);
  if (failure) return { failure };
  const deadline = form === 'push' ? settings.updateDeadline : settings.downloadDeadline;
  return begin(order, node, { procedure, holds: object, state: wanted, deadline });
}

/** The largest image that is held in memory, to be handed over in one object. */
const maximumPushed = 64 * 1024 * 1024;

async function pushImage(
  { channel, context }: Order,
  path: string,
  address: PackageAddress,
): Promise<Failure | undefined> {
  const { artifacts } = context;
  const artifact = address.artifact ?? (await fetched(artifacts, address.url));
  if ('failure' in artifact) return artifact.failure;
  if (artifact.size > maximumPushed) {
    const explanation = `the image has ${artifact.size} octets, and the device takes it through the session only, where ${maximumPushed} are the limit`;
    return { cause: 'transfer-failed', explanation };
  }
  const octets = Buffer.alloc(artifact.size);
  for (let at = 0; at < artifact.size;) {
    const part = await artifacts.read(artifact, at, artifact.size - at);
    if (part.length === 0)
      return { cause: 'transfer-failed', explanation: 'the image ends before its size; upload it again' };
    octets.set(part, at);
    at += part.length;
  }
  const value = { format: 'bin', type: 'application/octet-stream', octets };
  return (await channel.order({ command: 'Replace', path, value })).failure;
}

async function fetched(artifacts: Order['context']['artifacts'], url: string) {
  try {
    return await artifacts.fetch(url);
  } catch (error) {
    const explanation = `the image could not be fetched from its URL: ${(error as Error).message}`;
    return { failure: { cause: 'transfer-failed', explanation } satisfies Failure };
  }
}

/** Looks how far an accepted update is. It ends it, lets it go on, or sends the second order. */
export async function followFirmware(order: Order, work: WorkState): Promise<void> {
  const { channel, operation, teller, settings } = order;
  const { object, phase } = work;
  const goOn = (state: WorkState, progress: number, deadline = settings.downloadDeadline): Promise<void> =>
    teller.goesOn({ procedure: 'firmware-update', holds: operation.pending?.holds, state, deadline, progress });
  if (phase === 'ready') return orderUpdate(order, work);
  const statePath = childOf(object, 'State');
  const nodes = await readNodes(channel, [statePath, firmwareVersionPath, softwareVersionPath]);
  if ([...nodes.values()].some(({ status }) => status === undefined)) return undefined;
  const running = [firmwareVersionPath, softwareVersionPath].flatMap((path) => {
    const value = leafText(nodes.get(path), path);
    return value === undefined ? [] : [{ path, value }];
  });
  if (phase === 'reported') return teller.ends(await verdict(order, work, running));
  const rule = readVersionRule(await order.context.profile(order.device.id));
  const runs =
    work.version !== undefined &&
    running.some(({ value }) => isWanted(value, work.version, rule)) &&
    running[0]?.value !== work.runningBefore;
  if (runs) return teller.ends(await verdict(order, work, running));
  const state = stateOf(nodes.get(statePath), statePath);
  // It may be that of the update before.
  const isOld = state === work.stateBefore && work.result === undefined;
  switch (state) {
    case states.downloadFailed:
    case states.failedKept:
    case states.failedGone:
      return isOld ? undefined : teller.ends(failed(failureOfState(state)));
    case states.doneKept:
    case states.doneGone:
      return isOld ? undefined : teller.ends(await verdict(order, work, running));
    case states.downloaded:
    case states.ready:
      return phase === 'downloading' && !isOld ? orderUpdate(order, work) : undefined;
    case states.downloading:
      return remaining(operation.pending?.progress, 10) ? goOn(work, 10, leftOf(order)) : undefined;
    case states.updating:
      return remaining(operation.pending?.progress, 80) ? goOn(work, 80, leftOf(order)) : undefined;
    default:
      return undefined;
  }
}

/** The second order: noted before it leaves, and never repeated. */
async function orderUpdate(order: Order, work: WorkState): Promise<void> {
  const { teller, operation, settings } = order;
  const state: WorkState = { ...work, phase: 'running', next: undefined, stateBefore: undefined };
  const { updateDeadline: deadline } = settings;
  await teller.goesOn({ procedure: 'firmware-update', holds: operation.pending?.holds, state, deadline, progress: 50 });
  const reply = await execute(order, work.next ?? childOf(work.object, 'Update'));
  // Not answered: its state is read in the next session.
  if (reply.failure && reply.status !== undefined && !order.isTold()) await teller.ends(failed(reply.failure));
}

async function verdict(
  { context, device }: Order,
  { version, result }: WorkState,
  running: readonly { path: string; value: string }[],
): Promise<Outcome> {
  const results: TargetResult[] = running.map(({ path, value }) => ({ path, value: value as Value }));
  const shown = running[0]?.value;
  const said = result === undefined ? '' : `ResultCode ${result}`;
  const evidence = [said, shown === undefined ? '' : `FwV ${shown}`].filter(Boolean).join(', ') || 'State 100';
  const rule = readVersionRule(await context.profile(device.id));
  if (running.length === 0 || running.some(({ value }) => isWanted(value, version, rule))) {
    return succeeded(results, { evidence });
  }
  const explanation = `the device says that it is updated, and runs ${JSON.stringify(shown)} instead of ${JSON.stringify(version)}: check the image, or set versionAfterUpdate in the profile of the device`;
  return { ...failed({ cause: 'version-mismatch', explanation, evidence }), results };
}

function failureOfState(state: number): Failure {
  return state === states.downloadFailed
    ? {
        cause: 'transfer-failed',
        explanation: 'the device could not fetch the image; check its URL',
        evidence: `State ${state}`,
      }
    : {
        cause: 'update-failed',
        explanation: 'the device has the image and could not apply it; check it',
        evidence: `State ${state}`,
      };
}

function stateOf(reply: Reply | undefined, path: string): number | undefined {
  const text = leafText(reply, path)?.trim();
  return text !== undefined && /^\d{1,3}$/.test(text) ? Number(text) : undefined;
}

function remaining(known: number | undefined, now: number): boolean {
  return (known ?? 0) < now;
}

/** ms until the deadline that it has. */
function leftOf({ operation, context, settings }: Order): number {
  return operation.pending ? Math.max(0, operation.pending.deadline - context.now()) : settings.downloadDeadline;
}
