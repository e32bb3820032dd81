/** Orders that a CPE accepts and carries out later: firmware, software, and the RPCs of commands. */
import type { AdapterContext, LaneSession, ManagedDevice, ProcedureSignature } from '../../src/management/adapter.ts';
import { createHash } from 'node:crypto';
import type { Operation, Step } from '../../src/management/operation.ts';
import { succeeded, type Failure, type TargetResult } from '../../src/management/outcome.ts';
import type { Channel, Result } from './channel.ts';
import type { WorkState } from './completions.ts';
import type { CpeFacts } from './facts.ts';
import { readValues } from './reading.ts';
import { ownFile, remoteFile } from './remote-file.ts';
import { readCount } from './scalars.ts';
import type { Arguments, DeploymentOperation, TransferAnswer } from './rpc.ts';
import type { CwmpSettings } from './settings.ts';
import { scheduleFor } from './time-window.ts';
import { maximumKey } from './writing.ts';

export const procedures: Readonly<Record<string, ProcedureSignature>> = Object.freeze({
  'firmware-update': { url: true, version: false, name: false },
  'software-install': { url: true, version: false, name: false },
  'software-uninstall': {},
});

export interface Order {
  channel: Channel;
  lane: LaneSession;
  context: AdapterContext;
  settings: CwmpSettings;
  device: ManagedDevice;
  facts: CpeFacts;
  operation: Operation;
  /** Results of the steps before. */
  results: TargetResult[];
}

/** How an order ended: accepted or settled by itself, or with a failure that the caller settles. `restarts`: the session should end now. */
export type Ordered = { failure: Failure } | { failure?: undefined; restarts: boolean };

const firmwareImage = '1 Firmware Upgrade Image';

/** At most 32 characters, and the same after a restart of the gateway: nothing has to be stored before it is sent. */
export function commandKeyOf({ id }: Pick<Operation, 'id'>): string {
  return id.length <= maximumKey ? id : createHash('sha1').update(id).digest('hex').slice(0, maximumKey);
}

export function orderProcedure(order: Order, step: Extract<Step, { action: 'procedure' }>): Promise<Ordered> {
  switch (step.procedure) {
    case 'firmware-update':
      return updateFirmware(order, step);
    case 'software-install':
      return installSoftware(order, step);
    case 'software-uninstall':
      return uninstallSoftware(order, step);
    default:
      return Promise.resolve({ failure: unknownOrder(`procedure ${step.procedure}`) });
  }
}

async function updateFirmware(order: Order, step: Extract<Step, { action: 'procedure' }>): Promise<Ordered> {
  const file = await remoteFile(order, step.inputs['url']);
  if ('failure' in file) return file;
  const { version } = step.inputs;
  return transfer(order, {
    ask: (commandKey) => order.channel.ask('Download', { ...file, commandKey, fileType: firmwareImage }),
    procedure: step.procedure,
    holds: step.object,
    state: {
      work: 'firmware',
      phase: 'running',
      version: typeof version === 'string' ? version : undefined,
      runningBefore: order.facts.softwareVersion,
    },
  });
}

interface TransferOrder {
  ask: (commandKey: string) => Promise<Result<TransferAnswer>>;
  commandKey?: string;
  procedure: string;
  holds?: string;
  state: WorkState;
  /** ms from now until it may begin last of all. */
  later?: number;
}

async function transfer(order: Order, given: TransferOrder): Promise<Ordered> {
  const key = given.commandKey ?? commandKeyOf(order.operation);
  const { answer, failure } = await given.ask(key);
  if (!answer) return { failure };
  // Status 0: it is done already, and no TransferComplete will come.
  const isDone = answer.status === 0;
  const isFirmware = given.state.work === 'firmware';
  if (isDone && (!isFirmware || given.state.version === undefined)) {
    await order.lane.settle(order.operation, succeeded(order.results, { evidence: 'Status 0 (done already)' }));
    return { restarts: false };
  }
  const { downloadDeadline, updateDeadline } = order.settings;
  await accept(order, {
    correlator: key,
    procedure: given.procedure,
    holds: given.holds,
    state: isDone ? { ...given.state, phase: 'applying' } : given.state,
    deadline: isDone ? updateDeadline : downloadDeadline + (given.later ?? 0),
  });
  return { restarts: false };
}

/** `deadline`: ms from now. */
function accept(
  { lane, context, operation, results }: Order,
  pending: { correlator: string; procedure: string; holds?: string; state: WorkState; deadline: number },
): Promise<void> {
  return lane.accepted(operation, { ...pending, deadline: context.now() + pending.deadline, progress: 0 }, { results });
}

async function installSoftware(order: Order, step: Extract<Step, { action: 'procedure' }>): Promise<Ordered> {
  const file = await remoteFile(order, step.inputs['url']);
  if ('failure' in file) return file;
  const { url, username, password } = file;
  return changeDeployment(order, [{ operation: 'install', url, username, password }], step.procedure, step.object);
}

async function uninstallSoftware(order: Order, step: Extract<Step, { action: 'procedure' }>): Promise<Ordered> {
  const names = ['UUID', 'Version', 'ExecutionEnvRef'].map((name) => step.object + name);
  const { values, stopped, failures } = await readValues(order.channel, names);
  const [uuid, version, environment] = names.map((name) => values.get(name)?.value);
  if (stopped) return { failure: stopped };
  if (uuid === undefined || uuid === '') {
    const explanation = `the CPE does not tell the UUID of ${step.object}, without which nothing can be uninstalled`;
    return { failure: failures.get(names[0]!) ?? { cause: 'not-found', explanation, path: step.object } };
  }
  const operation: DeploymentOperation = {
    operation: 'uninstall',
    uuid,
    ...(version ? { version } : {}),
    ...(environment ? { environment } : {}),
  };
  return changeDeployment(order, [operation], step.procedure, step.object);
}

async function changeDeployment(
  order: Order,
  operations: DeploymentOperation[],
  procedure: string,
  holds?: string,
  key = commandKeyOf(order.operation),
): Promise<Ordered> {
  const { failure } = await order.channel.ask('ChangeDUState', { operations, commandKey: key });
  if (failure) return { failure };
  await accept(order, {
    correlator: key,
    procedure,
    holds,
    state: { work: 'deployment', phase: 'running' },
    deadline: order.settings.downloadDeadline,
  });
  return { restarts: false };
}

const rpcScheme = 'rpc:';

/** Name of the RPC that a step orders; undefined: none. */
export function rpcOf(step: Step): string | undefined {
  if (step.action !== 'execute' || !step.target.path.startsWith(rpcScheme)) return undefined;
  return step.target.path.slice(rpcScheme.length);
}

/** The CommandKey that the application has chosen, else ours. */
export function commandKeyIn(given: RpcArguments, operation: Pick<Operation, 'id'>): string {
  return (given['CommandKey'] ?? '').slice(0, maximumKey) || commandKeyOf(operation);
}

// Targets `rpc:Name`, with the arguments of the RPC as a JSON object: { "CommandKey": "…", "URL": "…" }.

export type RpcArguments = Readonly<Record<string, string>>;

/** Undefined: the text is no JSON object of texts, numbers and booleans. */
export function readRpcArguments(text: string | undefined): RpcArguments | undefined {
  if (text === undefined || text.trim() === '') return {};
  try {
    const given: unknown = JSON.parse(text);
    if (typeof given !== 'object' || given === null || Array.isArray(given)) return undefined;
    return Object.fromEntries(
      Object.entries(given)
        .filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
        .map(([name, value]) => [name, String(value)]),
    );
  } catch {
    return undefined;
  }
}

/** Carries out the target `rpc:Reboot` and its kind. A command is accepted and ends later; a trigger ends with the answer. */
export async function orderRpc(order: Order, name: string, asked: RpcArguments): Promise<Ordered> {
  const { channel, operation } = order;
  const given = name === 'Download' || name === 'ChangeDUState' ? await withGrant(order, asked) : asked;
  const key = commandKeyIn(given, operation);
  const twice = await problemWithKey(order, key);
  if (twice) return { failure: twice };
  const text = (member: string): string | undefined => given[member] || undefined;
  const file = {
    fileType: given['FileType'] ?? firmwareImage,
    url: given['URL'] ?? '',
    username: text('Username'),
    password: text('Password'),
    delaySeconds: readCount(given['DelaySeconds']),
  };
  switch (name) {
    case 'Reboot':
      return restart(order, key, await channel.ask('Reboot', { commandKey: key }));
    case 'FactoryReset':
      return restart(order, key, await channel.ask('FactoryReset', {}));
    case 'Download': {
      const schedule = scheduleFor(order, given);
      const fileSize = readCount(given['FileSize']);
      const targetFileName = text('TargetFileName');
      const [successUrl, failureUrl] = [text('SuccessURL'), text('FailureURL')];
      return transfer(order, {
        commandKey: key,
        procedure: 'download',
        state: { work: 'transfer', phase: 'running' },
        later: schedule.when === 'window' ? schedule.window.end * 1000 : 0,
        ask: (commandKey) =>
          schedule.when === 'window'
            ? scheduleDownload(channel, { ...file, commandKey, fileSize, targetFileName, windows: [schedule.window] })
            : channel.ask('Download', { ...file, commandKey, fileSize, targetFileName, successUrl, failureUrl }),
      });
    }
    case 'Upload':
      return transfer(order, {
        commandKey: key,
        procedure: 'upload',
        state: { work: 'transfer', phase: 'running' },
        ask: (commandKey) => channel.ask('Upload', { ...file, commandKey }),
      });
    case 'ChangeDUState': {
      const change = deploymentFrom(given);
      return change
        ? changeDeployment(order, [change], 'change-du-state', undefined, key)
        : { failure: unknownOrder(`Operation ${given['Operation'] ?? ''} of ChangeDUState`) };
    }
    default:
      return { failure: unknownOrder(`RPC ${name}`) };
  }
}

/** Where the URL is one of ours and the application names no user, the CPE is told where it can reach it, and by which credentials. */
async function withGrant(order: Order, given: RpcArguments): Promise<RpcArguments> {
  const file = given['Username'] ? undefined : await ownFile(order, given['URL']);
  if (!file) return given;
  const { url, username = '', password = '', fileSize } = file;
  return { FileSize: String(fileSize), ...given, URL: url, Username: username, Password: password };
}

/** Accepted like a Download whose end is still to come: its response says nothing (TR-069 A.4.1.8). */
async function scheduleDownload(
  channel: Channel,
  request: Arguments<'ScheduleDownload'>,
): Promise<Result<TransferAnswer>> {
  const asked = await channel.ask('ScheduleDownload', request);
  return asked.failure ? asked : { answer: { status: 1 } };
}

async function restart(order: Order, key: string, { failure }: Result<unknown>): Promise<Ordered> {
  if (failure) return { failure };
  if (order.operation.kind === 'command') {
    await accept(order, {
      correlator: key,
      procedure: 'restart',
      state: { work: 'restart', phase: 'running' },
      deadline: order.settings.updateDeadline,
    });
  } else {
    await order.lane.settle(order.operation, succeeded(order.results, { evidence: 'the CPE will restart' }));
  }
  // It restarts only after the end of the session (TR-069 A.3.2.9).
  return { restarts: true };
}

/** A key that an application has chosen may be in use: what the CPE reports by it would end the wrong one. */
async function problemWithKey({ context, device, operation }: Order, key: string): Promise<Failure | undefined> {
  const others = (await context.pending(device.id, key)).filter(({ id }) => id !== operation.id);
  if (others.length === 0) return undefined;
  const explanation = `the CommandKey ${JSON.stringify(key)} belongs to an operation of this device that is not over; choose another, or none; nothing was sent`;
  return { cause: 'conflict', explanation };
}

function deploymentFrom(given: RpcArguments): DeploymentOperation | undefined {
  const { URL: url, UUID: uuid, Version: version, Username: username, Password: password } = given;
  const { ExecutionEnvRef: environment } = given;
  switch (given['Operation']) {
    case 'InstallOpStruct':
      return { operation: 'install', url: url ?? '', uuid, username, password, environment };
    case 'UpdateOpStruct':
      return { operation: 'update', url, uuid, version, username, password };
    case 'UninstallOpStruct':
      return { operation: 'uninstall', uuid: uuid ?? '', version, environment };
    default:
      return undefined;
  }
}

function unknownOrder(what: string): Failure {
  return { cause: 'not-implemented', explanation: `the CWMP leg has no ${what}; nothing was sent` };
}
