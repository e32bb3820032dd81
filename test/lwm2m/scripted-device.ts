/**
 * A device for the tests of procedures: a few resources and a life that advances with every wait, behind the `DeviceLink`
 * that the adapter would give. Nothing of it runs on a real clock.
 */
import type { Artifact, ManagedDevice, Observation } from '../../src/management/adapter.ts';
import type { Operation, Pending, Value } from '../../src/management/operation.ts';
import type { Outcome } from '../../src/management/outcome.ts';
import { silentLog } from '../../src/support/log.ts';
import { ManualClock } from '../../src/support/clock.ts';
import { noMetrics } from '../../src/support/metrics.ts';
import { createMemoryNotes } from '../support/memory-notes.ts';
import type {
  DeviceLink,
  LinkAnswer,
  Procedure,
  ProcedureEnd,
  ProcedureRun,
  ProcedureStep,
} from '../../adapters/lwm2m/procedure.ts';

/** The gateway dies here. */
export class Crash extends Error {}

export interface ScriptedDevice {
  /** Resources that can be read, by path. */
  resources: Map<string, Value>;
  /** What the device was asked to do, in order: `write /5/0/1 coap://…`, `execute /5/0/2`, `push /5/0/0 5000`. */
  journal: string[];
  /** Called for a write, an execute or a push that is complete; the code of the answer, '' for none. */
  act(action: 'write' | 'execute' | 'push', path: string, value: Value | undefined): string;
  /** Time passes: called for every wait, and for every call of the link. */
  live(): void;
  /** Restarts the device: the run is aborted, the next one resumes. */
  reboot(): void;
  silent: boolean;
  observable: boolean;
  artifacts: Map<string, Artifact>;
  /** Links by scheme that the gateway can give. */
  links: { http?: string; coap?: string };
  /** Called before (`effect` false) and after (`effect` true) each call of the link; may throw `Crash`. */
  interfere(call: number, effect: boolean, what: string): void;
  accepted: Operation[];
  /** Called after an accepted operation was stored. */
  stored(pending: Pending): void;
}

export interface Driven {
  outcome?: Outcome;
  operation: Operation;
  pendings: Pending[];
  shown: Observation[];
  end: ProcedureEnd | undefined;
}

export const managedDevice: ManagedDevice = {
  id: 'd1',
  technology: 'lwm2m',
  identity: 'ep1',
  lane: 'd1',
  presence: { state: 'reachable', lastSeen: 0 },
  inventory: { objects: [] },
  facts: {},
};

export function createScriptedDevice(resources: Record<string, Value>): ScriptedDevice {
  return {
    resources: new Map(Object.entries(resources)),
    journal: [],
    act: () => '2.04',
    live: () => {},
    reboot: () => {},
    silent: false,
    observable: false,
    artifacts: new Map(),
    links: {},
    interfere: () => {},
    accepted: [],
    stored: () => {},
  };
}

export function operationOf(step: Omit<ProcedureStep, 'action'>): Operation {
  return {
    id: 'op1',
    device: 'd1',
    lane: 'd1',
    sequence: 1,
    version: 1,
    state: 'dispatched',
    kind: 'trigger',
    steps: [{ action: 'procedure', ...step }],
    repeatable: false,
    volatile: false,
    purpose: {},
    requester: { originator: 'CAdmin', requestIdentifier: 'r1' },
    acceptedAt: 0,
    expiresAt: 0,
  };
}

const silence = (cause: 'no-answer' | 'no-session'): LinkAnswer => ({
  ok: false,
  code: '',
  failure: { cause, explanation: 'The device does not answer.' },
});

const refusal = (code: string): LinkAnswer => ({
  ok: false,
  code,
  failure: {
    cause: code === '4.05' ? 'not-allowed' : 'device-error',
    explanation: 'The device says no.',
    evidence: code,
  },
});

/** Starts the operation and resumes it after every interruption, as the adapter does; ends after `runs` runs. */
export async function drive(
  device: ScriptedDevice,
  procedure: Procedure,
  operation: Operation,
  options: { runs?: number; profile?: Record<string, unknown> } = {},
): Promise<Driven> {
  const clock = new ManualClock();
  const driven: Driven = { operation, pendings: [], shown: [], end: undefined };
  let call = 0;
  for (let count = 0; count < (options.runs ?? 12); count++) {
    const controller = new AbortController();
    device.reboot = () => controller.abort();
    const { link, run } = connect(device, driven, clock, controller.signal, options.profile ?? {}, () => ++call);
    try {
      const step = operation.steps[0];
      if (step?.action !== 'procedure') throw new Error('no procedure');
      driven.end = driven.operation.pending
        ? await procedure.resume(link, driven.operation, run)
        : await procedure.start(link, driven.operation, step, run);
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      driven.end = { state: 'waiting', why: 'the gateway died' };
    }
    if (driven.end.state === 'settled') return { ...driven, outcome: driven.end.outcome };
    // Dispatched and never accepted: nobody resumes it.
    if (!driven.operation.pending) return driven;
    device.live();
  }
  return driven;
}

/** A link without a run, as for cancelling. */
export function linkTo(device: ScriptedDevice): DeviceLink {
  const operation = operationOf({ procedure: '', object: '', inputs: {} });
  const driven: Driven = { operation, pendings: [], shown: [], end: undefined };
  let call = 0;
  return connect(device, driven, new ManualClock(), new AbortController().signal, {}, () => ++call).link;
}

/** Of one run: what waits longer would keep the event loop for itself, so that no time limit could end the test. */
const mostWaits = 1000;

function connect(
  device: ScriptedDevice,
  driven: Driven,
  clock: ManualClock,
  signal: AbortSignal,
  profile: Record<string, unknown>,
  nextCall: () => number,
): { link: DeviceLink; run: ProcedureRun } {
  let waits = 0;
  const exchange = async <T>(what: string, cannot: (answer: LinkAnswer) => T, does: () => T): Promise<T> => {
    const call = nextCall();
    device.interfere(call, false, what);
    if (signal.aborted) return cannot(silence('no-session'));
    if (device.silent) return cannot(silence('no-answer'));
    const answer = does();
    device.interfere(call, true, what);
    return signal.aborted ? cannot(silence('no-answer')) : answer;
  };
  const act = (action: 'write' | 'execute' | 'push', path: string, value: Value | undefined): LinkAnswer => {
    const shown = value === undefined ? '' : ` ${typeof value === 'object' ? JSON.stringify(value) : value}`;
    device.journal.push(`${action} ${path}${shown}`);
    const code = device.act(action, path, value);
    if (code === '') return silence('no-answer');
    return code.startsWith('2.') ? { ok: true, code } : refusal(code);
  };
  const readOne = (path: string): LinkAnswer & { value?: Value } => {
    const value = device.resources.get(path);
    return value === undefined ? refusal('4.04') : { ok: true, code: '2.05', value };
  };
  const store = async (pending: Pending): Promise<void> => {
    // What is durable is JSON.
    const kept = structuredClone(pending);
    driven.pendings.push(kept);
    driven.operation = { ...driven.operation, state: 'accepted', pending: kept };
    await Promise.resolve();
    device.stored(kept);
  };
  const link: DeviceLink = {
    device: () => managedDevice,
    profile: async () => profile,
    context: {
      deviceSeen: async () => ({ admitted: true, device: managedDevice }),
      deviceRenewed: () => {},
      deviceHeard: () => {},
      deviceGone: async () => {},
      device: async () => managedDevice,
      deviceByIdentity: async () => managedDevice,
      devices: async function* devices() {
        yield managedDevice;
      },
      report: async () => {},
      remember: async () => {},
      openSession: () => Promise.reject(new Error('not here')),
      pending: async () => device.accepted,
      hasWork: () => false,
      unanswered: async () => [],
      takeUp: (_operation, pending) => store(pending),
      progress: (_operation, pending) => store(pending),
      settle: async () => {},
      wish: async () => [],
      observing: () => {},
      profile: async () => profile,
      now: () => clock.now(),
      clock,
      log: silentLog,
      metrics: noMetrics,
      trace: { record: () => {} },
      artifacts: {
        byUrl: async (url) => device.artifacts.get(url),
        linkFor: async (_device, _artifact, { scheme }) => {
          const url = device.links[scheme];
          return url === undefined ? undefined : { url };
        },
        read: async (artifact, offset, length) => new Uint8Array(Math.min(length, artifact.size - offset)),
        fetch: async (url) => {
          if (url.includes('missing')) throw new Error('404 Not Found');
          return artifactOf(url, 4000);
        },
      },
      credentials: { forDevice: async () => undefined },
      notes: createMemoryNotes(),
    },
    read: (path) =>
      exchange(
        `read ${path}`,
        (answer) => answer,
        () => readOne(path),
      ),
    readMany: (paths) =>
      exchange<LinkAnswer & { values: Map<string, Value> }>(
        `read ${paths.join(' ')}`,
        (answer) => ({ ...answer, values: new Map() }),
        () => {
          const values = new Map<string, Value>();
          for (const path of paths) {
            const value = device.resources.get(path);
            if (value !== undefined) values.set(path, value);
          }
          return { ok: true, code: '2.05', values };
        },
      ),
    write: (path, value) =>
      exchange(
        `write ${path}`,
        (answer) => answer,
        () => act('write', path, value),
      ),
    execute: (path, args) =>
      exchange(
        `execute ${path}`,
        (answer) => answer,
        () => act('execute', path, args),
      ),
    async push(path, source, options) {
      const block = options?.blockSize ?? 1024;
      for (let sent = 0; sent < source.size; sent += block) {
        const octets = await source.read(sent, block);
        const isLast = sent + octets.length === source.size;
        const answer = await exchange(
          `block ${sent} of ${path}`,
          (refused) => refused,
          (): LinkAnswer => {
            if (isLast || sent === 0) {
              const what = isLast ? act('push', path, source.size) : act('push', path, 'begin');
              if (!what.ok) return what;
            }
            device.live();
            return { ok: true, code: isLast ? '2.04' : '2.31' };
          },
        );
        if (!answer.ok) return answer;
        await options?.onBlock?.(sent + octets.length, source.size);
      }
      return { ok: true, code: '2.04' };
    },
    async watch(_path, changed) {
      if (!device.observable) return { ...refusal('4.05'), stop: () => {} };
      changed(0);
      return { ok: true, code: '2.05', stop: () => {} };
    },
    async wait(ms) {
      if (++waits > mostWaits) throw new Error('the procedure waits for ever');
      clock.advance(ms);
      if (!signal.aborted) device.live();
      await Promise.resolve();
    },
  };
  const run: ProcedureRun = {
    signal,
    accept: store,
    async progress(pending, values) {
      signal.throwIfAborted();
      await store(pending);
      driven.shown.push(...(values ?? []));
    },
    operation: () => driven.operation,
  };
  return { link, run };
}

export function artifactOf(name: string, size: number): Artifact {
  return { id: 'a1', size, sha256: '00', contentType: 'application/octet-stream', name };
}
