/** Device management with a leg and a CSE that a test holds in its hands. */
import { createInProcessBus } from '../../src/bus/in-process.ts';
import type {
  AdapterContext,
  ArtifactSource,
  CancelResult,
  LaneSession,
  ManagedDevice,
  ProtocolAdapter,
  Sighting,
  WakeResult,
} from '../../src/management/adapter.ts';
import type { CommandTable } from '../../src/management/command-table.ts';
import type { Requester, Reply } from '../../src/management/facade.ts';
import {
  createManagementWith,
  type ManagementRuntime,
  type ManagementSettings,
} from '../../src/management/management.ts';
import type { Operation, Value } from '../../src/management/operation.ts';
import { succeeded, type Outcome, type TargetResult } from '../../src/management/outcome.ts';
import type {
  AttributePatch,
  BoundObject,
  Changes,
  ManagementNotes,
  MappedObject,
  ResourceSide,
} from '../../src/management/resource-side.ts';
import type { Row, Store } from '../../src/store/store.ts';
import { ManualClock, type Clock } from '../../src/support/clock.ts';
import { silentLog, type Log } from '../../src/support/log.ts';
import { noMetrics } from '../../src/support/metrics.ts';
import { inventoryOf, testTranslator } from './translator.ts';

interface ResourceData {
  name: string;
  mapping?: string;
  objects: Record<string, string>;
  attributes: AttributePatch;
  notes?: ManagementNotes;
}

/** Resources as rows of the store, so that what one commit writes is seen to be one commit. */
export class TestResources implements ResourceSide {
  readonly outcomes: { operation: Operation; outcome: Outcome | undefined; patches: Map<string, AttributePatch> }[] =
    [];
  subscriptions = new Map<string, { attributes?: string[]; minimumPeriod?: number; maximumPeriod?: number }>();
  /** How often a sighting asked for changes. */
  sightings = 0;
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async outcome(
    operation: Operation,
    outcome: Outcome | undefined,
    patches: Map<string, AttributePatch>,
    notes?: Map<string, ManagementNotes>,
  ): Promise<Changes> {
    this.outcomes.push({ operation: structuredClone(operation), outcome, patches });
    return this.#changes(patches, notes);
  }

  async seen(device: ManagedDevice, objects: MappedObject[] | undefined): Promise<Changes & { node: string }> {
    this.sightings++;
    const node = `node-${device.identity}`;
    const put = [];
    if (!(await this.#store.get('resources', node))) {
      put.push(rowOf(node, '', { name: node, objects: {}, attributes: { nodeID: device.identity } }));
    }
    for (const { mapping, resourceName, objects: paths, attributes } of objects ?? []) {
      const id = `${node}-${resourceName}`;
      if (await this.#store.get('resources', id)) continue;
      put.push(rowOf(id, node, { name: resourceName, mapping, objects: paths, attributes }));
    }
    return { node, commit: { put } };
  }

  async reported(patches: Map<string, AttributePatch>): Promise<Changes> {
    return this.#changes(patches);
  }

  async labelled(resourceIDs: string[], _key: string, label: string): Promise<Changes> {
    return this.#changes(new Map(resourceIDs.map((id) => [id, { labels: [label] }])));
  }

  async objectsOf(device: ManagedDevice): Promise<BoundObject[]> {
    const rows = await this.#store.find<ResourceData>({
      table: 'resources',
      where: [{ column: 'parent', is: '=', value: `node-${device.identity}` }],
    });
    return rows.map((row) => boundTo(device, row));
  }

  async subscribed(): Promise<TestResources['subscriptions']> {
    return this.subscriptions;
  }

  async #changes(patches: Map<string, AttributePatch>, notes = new Map<string, ManagementNotes>()): Promise<Changes> {
    const expect = [];
    const put = [];
    for (const id of new Set([...patches.keys(), ...notes.keys()])) {
      const row = await this.#store.get<ResourceData>('resources', id);
      if (!row) continue;
      const attributes = { ...row.data.attributes, ...patches.get(id) };
      for (const [name, value] of Object.entries(attributes)) if (value === null) delete attributes[name];
      expect.push({ table: 'resources' as const, key: id, version: row.version });
      const data = { ...row.data, attributes, notes: notes.get(id) ?? row.data.notes };
      put.push(rowOf(id, String(row.columns['parent']), data));
    }
    return { commit: { expect, put } };
  }
}

function rowOf(key: string, parent: string, data: ResourceData) {
  return { table: 'resources' as const, key, columns: { parent, path: `cse/${parent}/${key}` }, data };
}

function boundTo(device: ManagedDevice, row: Row<ResourceData>): BoundObject {
  const { mapping = '', objects, attributes, notes, name } = row.data;
  return {
    resourceID: row.key,
    path: `cse/${name}`,
    mapping,
    mgmtDefinition: 0,
    names: {},
    objects,
    attributes,
    profiles: [],
    deviceId: device.id,
    technology: device.technology,
    notes,
  };
}

/** A leg without a protocol. */
export class TestLeg implements ProtocolAdapter {
  readonly technology = 'lwm2m';
  readonly procedures = {};
  wakes: string[] = [];
  wakeResult: WakeResult = { state: 'waiting', why: 'it sleeps' };
  cancelResult: CancelResult = { state: 'cancelled' };
  wishes: string[] = [];

  async start(): Promise<never[]> {
    return [];
  }

  async wake(device: ManagedDevice): Promise<WakeResult> {
    this.wakes.push(device.identity);
    return this.wakeResult;
  }

  async cancel(): Promise<CancelResult> {
    return this.cancelResult;
  }

  wishChanged(device: ManagedDevice): void {
    this.wishes.push(device.identity);
  }

  async stop(): Promise<void> {}
}

export interface World {
  clock: ManualClock;
  store: Store;
  management: ManagementRuntime;
  context: AdapterContext;
  leg: TestLeg;
  resources: TestResources;
  /** Registers a device with these objects (default: all that the test classes need). */
  register(identity?: string, sighting?: Partial<Sighting>): Promise<ManagedDevice>;
  /** The management object of a device, as it is stored now. */
  object(mapping: string, identity?: string): Promise<BoundObject>;
  /** A new process on the same store; the old one is simply left behind, as after kill -9. */
  restarted(): Promise<World>;
}

export const allObjects = ['/3/0', '/5/0', '/9/0', '/10/0'];

const noArtifacts: ArtifactSource = {
  byUrl: async () => undefined,
  linkFor: async () => undefined,
  read: async () => new Uint8Array(),
  fetch: () => Promise.reject(new Error('no artifacts in this test')),
};

/** @param options `quiet` leaves initial values unread, so that lanes hold only what a test puts there; `realTime` is for measuring */
export async function createWorld(
  store: Store,
  options: {
    settings?: Partial<ManagementSettings>;
    clock?: ManualClock;
    realTime?: Clock;
    quiet?: boolean;
    log?: Log;
    commands?: CommandTable;
  } = {},
): Promise<World> {
  const clock = options.clock ?? new ManualClock();
  const resources = new TestResources(store);
  const leg = new TestLeg();
  const quiet = options.quiet ?? true;
  const management = createManagementWith(
    {
      store: counted(store),
      bus: createInProcessBus(silentLog),
      clock: options.realTime ?? clock,
      log: options.log ?? silentLog,
      metrics: noMetrics,
      adapters: [leg],
      resourceSide: () => resources,
      settings: options.settings,
      artifacts: noArtifacts,
      credentials: { forDevice: async () => undefined },
    },
    quiet
      ? {
          ...testTranslator,
          initialReads: () => [],
          objectsOf: (device) => ({
            ...testTranslator.objectsOf(device, new Map([['/3/0/6', 1]])),
            undecided: [],
          }),
        }
      : testTranslator,
    options.commands,
  );
  await management.start();
  const context = management.contextFor('lwm2m');
  return {
    clock,
    store,
    management,
    context,
    leg,
    resources,
    async register(identity = 'pump', sighting = {}) {
      const admission = await context.deviceSeen({
        identity,
        technology: 'lwm2m',
        presence: { state: 'reachable', address: 'here' },
        inventory: { objects: inventoryOf(...allObjects) },
        restarted: true,
        ...sighting,
      });
      if (!admission.admitted) throw new Error(admission.why);
      return admission.device;
    },
    async object(mapping, identity = 'pump') {
      const device = await context.deviceByIdentity(identity);
      const objects = device ? await resources.objectsOf(device) : [];
      const found = objects.find((object) => object.mapping === mapping);
      if (!found) throw new Error(`${identity} has no ${mapping}`);
      return found;
    },
    restarted: () => createWorld(store, { ...options, clock }),
  };
}

export function requester(world: World, options: { within?: number; blocking?: boolean } = {}): Requester {
  return {
    originator: 'CAdmin',
    requestIdentifier: 'r1',
    expiresAt: world.context.now() + (options.within ?? 30_000),
    blocking: options.blocking ?? true,
  };
}

/** Takes, sends and settles the next operation. */
export async function serve(
  session: LaneSession,
  outcome: Outcome | ((operation: Operation) => Outcome),
): Promise<Operation> {
  const operation = await takeOne(session);
  await session.dispatched([operation]);
  await session.settle(operation, typeof outcome === 'function' ? outcome(operation) : outcome);
  return operation;
}

/** Waits for work: a stored operation is there once its commit is done. */
export async function takeOne(session: LaneSession): Promise<Operation> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const [operation] = await session.take(1);
    if (operation) return operation;
    await settled();
  }
  throw new Error('no operation came');
}

export function values(read: Record<string, Value>): Outcome {
  const results: TargetResult[] = Object.entries(read).map(([path, value]) => ({ path, value }));
  return succeeded(results);
}

export function done(...paths: string[]): Outcome {
  return succeeded(paths.map((path) => ({ path, done: true as const })));
}

let storeCallsOpen = 0;

/** A store whose open calls are counted, so that a test can wait for them however slow the machine is. */
function counted(store: Store): Store {
  const count =
    <Given extends unknown[], Result>(call: (...given: Given) => Promise<Result>) =>
    (...given: Given): Promise<Result> => {
      storeCallsOpen++;
      return call.apply(store, given).finally(() => storeCallsOpen--);
    };
  return {
    get: count(store.get) as Store['get'],
    getMany: count(store.getMany) as Store['getMany'],
    find: count(store.find) as Store['find'],
    count: count(store.count),
    commit: count(store.commit),
    now: () => store.now(),
    backup: (file) => store.backup(file),
    statistics: () => store.statistics(),
    close: () => store.close(),
  };
}

/** Lets everything happen that needs no clock, commits to the store among it. */
export async function settled(): Promise<void> {
  const end = performance.now() + 5000;
  for (let quiet = 0; quiet < 3 && performance.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    quiet = storeCallsOpen === 0 ? quiet + 1 : 0;
  }
}

export function statusOf(reply: Reply): number | 'done' | 'locally' {
  if (reply.done === true) return 'done';
  return reply.done === 'locally' ? 'locally' : reply.responseStatusCode;
}
