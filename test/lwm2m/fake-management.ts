/** Management in memory, for tests of the leg: devices, one lane each, and a record of all that the leg told. */
import type {
  AdapterContext,
  Admission,
  Artifact,
  DeviceEvent,
  LaneSession,
  ManagedDevice,
  ObservationWish,
  Sighting,
} from '../../src/management/adapter.ts';
import { Withdrawn } from '../../src/management/adapter.ts';
import type { Operation, Pending, Step } from '../../src/management/operation.ts';
import type { Outcome } from '../../src/management/outcome.ts';
import { systemClock, type Clock } from '../../src/support/clock.ts';
import { silentLog } from '../../src/support/log.ts';
import { noMetrics } from '../../src/support/metrics.ts';
import { createMemoryNotes } from '../support/memory-notes.ts';

interface FakeLane {
  queue: Operation[];
  holder?: { onWork: () => void; end: () => void };
}

export interface FakeManagement {
  context: AdapterContext;
  devices: Map<string, ManagedDevice>;
  sightings: Sighting[];
  events: { device: string; event: DeviceEvent }[];
  observing: Map<string, string[]>;
  wishes: Map<string, ObservationWish[]>;
  artifacts: Map<string, { artifact: Artifact; octets: Buffer }>;
  profile: Record<string, unknown>;
  /** How often the store would have been written. */
  commits: number;
  /** Operations as they are now, by id. */
  operations: Map<string, Operation>;
  /** What happened to operations, in order: `dispatched op1`. */
  history: string[];
  /** Before `deviceSeen`, `report` and `dispatched` resolve; a test may hold or fail them. */
  beforeStore: () => Promise<void> | void;
  refuse?: string;
  /** Puts an operation into the lane of a device. */
  queue(device: string, steps: Step[], change?: Partial<Operation>): Operation;
  /** As `queue`, and the outcome. */
  run(device: string, steps: Step[], change?: Partial<Operation>): Promise<Outcome>;
  outcome(id: string): Promise<Outcome>;
  device(identity: string): ManagedDevice;
}

export function createFakeManagement(clock: Clock = systemClock): FakeManagement {
  const lanes = new Map<string, FakeLane>();
  const settled = new Map<string, { promise: Promise<Outcome>; resolve: (outcome: Outcome) => void }>();
  let count = 0;

  function lane(id: string): FakeLane {
    let found = lanes.get(id);
    if (!found) lanes.set(id, (found = { queue: [] }));
    return found;
  }

  function waiter(id: string): { promise: Promise<Outcome>; resolve: (outcome: Outcome) => void } {
    let found = settled.get(id);
    if (!found) {
      let resolve: (outcome: Outcome) => void = () => {};
      const promise = new Promise<Outcome>((done) => (resolve = done));
      settled.set(id, (found = { promise, resolve }));
    }
    return found;
  }

  async function store(): Promise<void> {
    await fake.beforeStore();
    fake.commits++;
  }

  async function settle(operation: Operation, outcome: Outcome): Promise<void> {
    const known = fake.operations.get(operation.id);
    if (!known || known.outcome) return;
    known.state = outcome.status;
    known.outcome = outcome;
    fake.history.push(`${outcome.status} ${operation.id}`);
    waiter(operation.id).resolve(outcome);
  }

  async function progress(operation: Operation, pending: Pending): Promise<void> {
    const known = fake.operations.get(operation.id);
    if (!known || known.outcome) throw new Withdrawn(operation.id);
    known.pending = pending;
  }

  const context: AdapterContext = {
    async deviceSeen(sighting: Sighting): Promise<Admission> {
      await store();
      if (fake.refuse !== undefined) return { admitted: false, why: fake.refuse };
      fake.sightings.push(sighting);
      const known = [...fake.devices.values()].find(({ identity }) => identity === sighting.identity);
      const presence = { ...sighting.presence, lastSeen: clock.now() };
      if (known) {
        Object.assign(known, {
          presence,
          facts: sighting.facts ?? known.facts,
          inventory: sighting.inventory ?? known.inventory,
        });
        return { admitted: true, device: known };
      }
      const id = `device-${++count}`;
      const device: ManagedDevice = {
        id,
        technology: sighting.technology,
        identity: sighting.identity,
        lane: id,
        presence,
        inventory: sighting.inventory ?? { objects: [] },
        facts: sighting.facts ?? null,
      };
      fake.devices.set(id, device);
      return { admitted: true, device };
    },
    deviceRenewed(id, presence) {
      const device = fake.devices.get(id);
      if (device && device.presence.state !== 'gone') device.presence = { ...presence, lastSeen: clock.now() };
    },
    deviceHeard: () => {},
    async deviceGone(id, why) {
      await store();
      const device = fake.devices.get(id);
      if (device) device.presence = { state: 'gone', lastSeen: clock.now(), why };
      lane(id).holder?.end();
    },
    device: async (id) => fake.devices.get(id),
    deviceByIdentity: async (identity) => [...fake.devices.values()].find((device) => device.identity === identity),
    async *devices() {
      yield* fake.devices.values();
    },
    async report(device, event) {
      await store();
      fake.events.push({ device, event });
    },
    async remember(id, facts) {
      fake.commits++;
      const device = fake.devices.get(id);
      if (device) device.facts = facts;
    },
    async openSession(id, onWork): Promise<LaneSession> {
      const mine = lane(id);
      mine.holder?.end();
      const controller = new AbortController();
      const taken = new Set<Operation>();
      const end = (): void => {
        if (mine.holder === holder) mine.holder = undefined;
        for (const operation of taken) {
          if (operation.state === 'taken' || (operation.state === 'dispatched' && operation.repeatable)) {
            operation.state = 'queued';
            mine.queue.unshift(operation);
          }
        }
        controller.abort();
      };
      const holder = { onWork, end };
      mine.holder = holder;
      if (mine.queue.length > 0) setImmediate(() => mine.holder === holder && onWork());
      return {
        device: id,
        signal: controller.signal,
        async take(max) {
          const operations = mine.holder === holder ? mine.queue.splice(0, max) : [];
          for (const operation of operations) {
            operation.state = 'taken';
            taken.add(operation);
          }
          return operations;
        },
        async dispatched(operations) {
          await fake.beforeStore();
          for (const operation of operations) {
            if (operation.state !== 'taken') throw new Withdrawn(operation.id);
            operation.state = 'dispatched';
            operation.dispatchedAt = clock.now();
            fake.history.push(`dispatched ${operation.id}`);
          }
        },
        async accepted(operation, pending) {
          await store();
          const known = fake.operations.get(operation.id)!;
          known.state = 'accepted';
          known.pending = pending;
          taken.delete(known);
          fake.history.push(`accepted ${operation.id}`);
        },
        async settle(operation, outcome) {
          taken.delete(operation);
          await settle(operation, outcome);
        },
        async release(operations) {
          for (const operation of operations) {
            taken.delete(operation);
            operation.state = 'queued';
            mine.queue.unshift(operation);
            fake.history.push(`released ${operation.id}`);
          }
        },
        close: async () => end(),
      };
    },
    hasWork: (id) => lane(id).queue.length > 0,
    async pending(id, correlator) {
      return [...fake.operations.values()]
        .filter(({ device, state }) => device === id && state === 'accepted')
        .filter(({ pending }) => (correlator ?? pending?.correlator) === pending?.correlator);
    },
    async unanswered(id) {
      return [...fake.operations.values()].filter(({ device, state }) => device === id && state === 'unknown');
    },
    async takeUp(operation, pending) {
      await store();
      const known = fake.operations.get(operation.id);
      if (known?.state !== 'unknown') throw new Withdrawn(operation.id);
      known.state = 'accepted';
      known.pending = pending;
      fake.history.push(`accepted ${operation.id}`);
    },
    progress,
    settle,
    wish: async (id) => fake.wishes.get(id) ?? [],
    observing: (id, paths) => void fake.observing.set(id, paths),
    profile: async () => fake.profile,
    now: () => clock.now(),
    clock,
    log: silentLog,
    metrics: noMetrics,
    trace: { record: (_, entry) => void (typeof entry === 'function' && entry()) },
    artifacts: {
      byUrl: async () => undefined,
      async access({ path: [, id = '', , password] }) {
        const artifact = fake.artifacts.get(id)?.artifact;
        if (!artifact) return { refused: 'not-found', explanation: 'no such artifact', challenges: [] };
        if (password === 'wrong') return { refused: 'unauthorized', explanation: 'given to no device', challenges: [] };
        return { artifact };
      },
      linkFor: async () => undefined,
      read: async ({ id }, offset, length) => fake.artifacts.get(id)!.octets.subarray(offset, offset + length),
      fetch: () => Promise.reject(new Error('no foreign artifacts here')),
    },
    credentials: { forDevice: async () => undefined },
    notes: createMemoryNotes(),
  };

  const fake: FakeManagement = {
    context,
    devices: new Map(),
    sightings: [],
    events: [],
    observing: new Map(),
    wishes: new Map(),
    artifacts: new Map(),
    profile: {},
    commits: 0,
    operations: new Map(),
    history: [],
    beforeStore: () => {},
    queue(device, steps, change = {}) {
      const operation: Operation = {
        id: `op${fake.operations.size + 1}`,
        device,
        lane: device,
        sequence: 1,
        version: 1,
        state: 'queued',
        kind: 'read',
        steps,
        repeatable: true,
        volatile: false,
        purpose: {},
        requester: { originator: 'C', requestIdentifier: 'r' },
        acceptedAt: clock.now(),
        expiresAt: clock.now() + 30_000,
        ...change,
      };
      fake.operations.set(operation.id, operation);
      lane(device).queue.push(operation);
      lane(device).holder?.onWork();
      return operation;
    },
    run: (device, steps, change) => fake.outcome(fake.queue(device, steps, change).id),
    outcome: (id) => waiter(id).promise,
    device(identity) {
      const device = [...fake.devices.values()].find((one) => one.identity === identity);
      if (!device) throw new Error(`${identity} is not registered`);
      return device;
    },
  };
  return fake;
}
