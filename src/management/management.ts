/**
 * Device management: the facade that the CSE asks, the context that the legs get, and everything between them. The only writer of
 * devices and operations.
 */
import { randomBytes } from 'node:crypto';
import type { Bus } from '../bus/bus.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from '../support/clock.ts';
import type { Log } from '../support/log.ts';
import type { Metrics } from '../support/metrics.ts';
import type { AdapterContext, ArtifactSource, CredentialSource, ProtocolAdapter } from './adapter.ts';
import { Alterations } from './alterations.ts';
import { cancel, forgetDevice, operationById } from './cancelling.ts';
import { noCommands, type CommandTable } from './command-table.ts';
import { createCommands, type Commands } from './commands.ts';
import { contextFor } from './context.ts';
import type { Core } from './core.ts';
import { create, remove } from './creating.ts';
import { DeviceRegistry } from './device-registry.ts';
import { withdrawnFor } from './drafts.ts';
import { seekEvidence } from './evidence.ts';
import type { Management } from './facade.ts';
import { Lanes } from './lanes.ts';
import { isUnderWay, operationsOf } from './listing.ts';
import type { Mappings } from './mapping.ts';
import { createWishTeller, isCurrent } from './observations.ts';
import { createOperationLog } from './operation-log.ts';
import type { DeviceId, Operation, OperationId } from './operation.ts';
import { overdue, purgeSettled, recoverOperations } from './recovery.ts';
import { adoptMappings } from './remapping.ts';
import type { ResourceSide } from './resource-side.ts';
import { resumeRequest } from './resuming.ts';
import { retrieve } from './retrieving.ts';
import { defaultManagementSettings, type ManagementSettings } from './settings.ts';
import { contactOf, deviceExpired } from './sightings.ts';
import { registerGauges, statisticsOf, type ManagementStatistics } from './statistics.ts';
import { createTrace, type TraceLine } from './trace.ts';
import { createTranslator, type Translator } from './translator.ts';
import { Turns } from './turns.ts';
import { update } from './updating.ts';
import { expire, isUnsent, withdraw } from './withdrawal.ts';

export type { ManagementSettings } from './settings.ts';
export type { ManagementStatistics } from './statistics.ts';
export type { TraceLine } from './trace.ts';

export interface ManagementParts {
  store: Store;
  bus: Bus;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  mappings: Mappings;
  adapters: ProtocolAdapter[];
  /** Known only once the CSE is there, which needs management itself. */
  resourceSide: () => ResourceSide;
  settings?: Partial<ManagementSettings>;
  artifacts: ArtifactSource;
  credentials: CredentialSource;
}

export interface ManagementRuntime extends Management {
  readonly commands: Commands;
  contextFor(technology: string): AdapterContext;
  /** Before the legs start: what was not settled when the last process ended goes on. */
  start(): Promise<void>;
  /**
   * Nothing new is accepted; requesters whose operations were not sent are told so; what was sent is waited for until the
   * deadline. Call it before the legs stop.
   */
  stop(deadline: Date): Promise<void>;
  statistics(): ManagementStatistics;
  /** What was asked of a device, newest first: what goes on, and what is over and still kept. */
  operations(device: DeviceId, limit: number): Promise<Operation[]>;
  /** It was sent, and it is not over: the device may be at work on it. */
  isUnderWay(operation: OperationId): boolean;
  /** The last messages of a device, oldest first, secrets redacted. */
  traceOf(device: DeviceId): TraceLine[];
  /** Keeps a device out from its next contact on. False: no such device. */
  block(device: DeviceId, why: string): Promise<boolean>;
  unblock(device: DeviceId): Promise<boolean>;
}

export function createManagement(parts: ManagementParts): ManagementRuntime {
  return createManagementWith(parts, createTranslator(parts.mappings), parts.mappings.commands);
}

/** As `createManagement`, with a translation of one's own. */
export function createManagementWith(
  parts: Omit<ManagementParts, 'mappings'>,
  translator: Translator,
  commands: CommandTable = noCommands,
): ManagementRuntime {
  const core = createCore(parts, translator, commands);
  const tellWish = createWishTeller(core);
  const stopSweeps: (() => void)[] = [];
  registerGauges(core);
  return {
    retrieve: (object, attributes, requester) => retrieve(core, object, attributes, requester),
    isCurrent: (object, attributes) => isCurrent(core, object, attributes),
    update: (object, patch, requester) => update(core, object, patch, requester),
    create: (device, definition, attributes, wanted, requester) =>
      create(core, device, definition, attributes, wanted, requester),
    delete: (object, requester) => remove(core, object, requester),
    cancel: (operation, requester, givesUp) => cancel(core, operation, requester, givesUp),
    resume: (device, requester) => resumeRequest(core, device, requester),
    device: async (id) => (await core.devices.find(id))?.device,
    deviceByNode: async (node) => (await core.devices.findByNode(node))?.device,
    operation: (id) => operationById(core, id),
    subscriptionsChanged: tellWish,
    forget: (device) => forgetDevice(core, device),
    commands: createCommands(core),
    contextFor: (technology) => contextFor(core, technology, parts),
    async start() {
      core.devices
        .load()
        .then(() => adoptMappings(core))
        .catch((error: unknown) => {
          core.log.error({ err: error }, 'devices could not be read from the store; they are looked up one by one');
        });
      const count = await recoverOperations(core);
      if (count > 0) core.log.info({ operations: count }, 'operations of the last run go on');
      stopSweeps.push(
        every(core, core.settings.renewalInterval, 'renewals', () => flushRenewals(core)),
        every(core, core.settings.renewalInterval, 'settled operations', () => purgeSettled(core)),
      );
    },
    async stop(deadline) {
      core.stopping = true;
      for (const stop of stopSweeps) stop();
      await drain(core, deadline);
      await flushRenewals(core);
      core.lanes.close();
      core.devices.close();
    },
    statistics: () => statisticsOf(core),
    operations: (device, limit) => operationsOf(core, device, limit),
    isUnderWay: (id) => isUnderWay(core, id),
    traceOf: (device) => core.trace.of(device),
    block: (device, why) => setBlocked(core, device, why),
    unblock: (device) => setBlocked(core, device, null),
  };
}

function createCore(parts: Omit<ManagementParts, 'mappings'>, translator: Translator, commands: CommandTable): Core {
  const { store, bus, clock, metrics, adapters, resourceSide } = parts;
  const log = parts.log.child({ part: 'management' });
  const settings = { ...defaultManagementSettings, ...parts.settings };
  const run = randomBytes(6).toString('hex');
  let number = 0;
  const core: Core = {
    store,
    bus,
    clock,
    log,
    metrics,
    settings,
    translator,
    commands,
    resourceSide,
    adapters: new Map(adapters.map((adapter) => [adapter.technology, adapter])),
    lanes: new Lanes(clock, log, {
      expired: (waiter) => expire(core, waiter),
      overdue: (entry) => overdue(core, entry),
    }),
    devices: new DeviceRegistry(store, clock, log, (entry) => {
      deviceExpired(core, entry.device.id).catch((error: unknown) => {
        log.error({ err: error, device: entry.device.id }, 'the end of a registration could not be stored');
      });
    }),
    trace: createTrace(clock, { messages: settings.traceMessages, devices: settings.traceDevices }, log),
    tell: createOperationLog(log),
    alterations: new Alterations(clock),
    turns: new Turns(),
    newOperationId: () => `${run}-${(++number).toString(36)}`,
    seekEvidence: (entry) => seekEvidence(core, entry),
    stopping: false,
  };
  return core;
}

const flushSize = 500;

/** At most as many as there are devices: what is renewed while this runs waits for the next time. */
async function flushRenewals(core: Core): Promise<void> {
  for (let left = core.devices.size; left > 0; left -= flushSize) {
    const written = await core.devices.flush(flushSize, (entry) => contactOf(core, entry));
    if (written < flushSize) return;
  }
}

/** Repeats a sweep, never two of it at once. @returns ends it */
function every(core: Core, interval: number, what: string, sweep: () => Promise<unknown>): () => void {
  let cancelTimer = core.clock.after(interval, run);
  let stopped = false;
  function run(): void {
    sweep()
      .catch((error: unknown) => core.log.error({ err: error, sweep: what }, 'a sweep failed; it is tried again'))
      .finally(() => {
        if (!stopped) cancelTimer = core.clock.after(interval, run);
      });
  }
  return () => {
    stopped = true;
    cancelTimer();
  };
}

const drainStep = 20;

async function drain(core: Core, deadline: Date): Promise<void> {
  const stopping = 'the gateway is stopping; nothing was sent, repeat the request later';
  for (const entry of core.lanes.entries()) {
    const waits = entry.waiters.some(({ blocking }) => blocking);
    if (waits && isUnsent(entry)) await withdraw(core, entry, withdrawnFor('no-session', stopping));
  }
  while (core.clock.now() < deadline.getTime() && somethingIsSent(core)) {
    await new Promise<void>((resolve) => core.clock.after(drainStep, resolve));
  }
}

function somethingIsSent(core: Core): boolean {
  for (const { operation } of core.lanes.entries()) if (operation.state === 'dispatched') return true;
  return false;
}

async function setBlocked(core: Core, device: DeviceId, why: string | null): Promise<boolean> {
  const entry = await core.devices.find(device);
  if (!entry) return false;
  await core.devices.change(entry, { blocked: why });
  return true;
}
