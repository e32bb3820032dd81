/** A gateway with simulated devices: HTTP on one side, a look into the devices on the other. */
import assert from 'node:assert/strict';
import { startLwm2mDevice } from '../../src/simulators/lwm2m-device.ts';
import type { DeviceOptions, JournalEntry, SimulatedDevice } from '../../src/simulators/lwm2m-device.ts';
import { eventually } from '../support/eventually.ts';
import { startTestGateway } from '../support/gateway.ts';
import type { TestGateway } from '../support/gateway.ts';
import type { McaAnswer, McaClient, McaRequest } from '../support/mca-client.ts';

export type Attributes = Record<string, unknown>;

export interface World {
  readonly gateway: TestGateway;
  readonly mca: McaClient;
  /** Registers a device and waits until its node and management objects hold what it has. */
  addDevice(options?: Partial<DeviceOptions>): Promise<TestDevice>;
  /** A device that has not been onboarded yet, or not by this gateway. */
  startDevice(options?: Partial<DeviceOptions>): Promise<SimulatedDevice>;
  /** Stops this with the world. */
  owns(device: { stop(): Promise<void> }): void;
  /** Stops the gateway and starts it again at the same ports of the devices with the same data. The devices do not notice. */
  restart(options?: string[]): Promise<void>;
  stop(): Promise<void>;
}

/** A device as a DM application sees it, whatever protocol it speaks. */
export interface ManagedNode {
  /** Path of its `<node>`. */
  readonly node: string;
  /** RETRIEVE of a management object; `query` begins with `?`. */
  get(object: string, query?: string, options?: McaRequest): Promise<McaAnswer>;
  /** UPDATE of a management object: `root` is its name on the wire without `m2m:`. */
  update(object: string, root: string, attributes: Attributes, options?: McaRequest): Promise<McaAnswer>;
  create(root: string, attributes: Attributes, options?: McaRequest): Promise<McaAnswer>;
  remove(object: string, options?: McaRequest): Promise<McaAnswer>;
  /** Attributes as the CSE has stored them: no device is asked. */
  stored(object: string): Promise<Attributes | undefined>;
  /** How the gateway sees it: `reachable`, `asleep` or `gone`. */
  presence(): Promise<string>;
}

/** A LwM2M device as a DM application sees it, and as it is. */
export interface TestDevice extends ManagedNode {
  readonly simulator: SimulatedDevice;
  /** What was done to the device, of these kinds. */
  deeds(...kinds: JournalEntry['kind'][]): JournalEntry[];
  /** Reads that the device has served since it was started. */
  reads(): string[];
}

let devices = 0;

/** @param options of `trivet start` */
export async function openWorld(options: string[] = []): Promise<World> {
  let gateway = await startTestGateway(options);
  const simulators: { stop(): Promise<void> }[] = [];

  async function startDevice(given: Partial<DeviceOptions> = {}): Promise<SimulatedDevice> {
    const simulator = await startLwm2mDevice({
      endpoint: `dev-${++devices}`,
      server: gateway.urls.lwm2m!,
      localAddress: '127.0.0.1',
      life: false,
      speed: 50,
      timeout: 10,
      ...given,
    });
    simulators.push(simulator);
    return simulator;
  }

  const world: World = {
    get gateway() {
      return gateway;
    },
    get mca() {
      return gateway.mca;
    },
    startDevice,
    owns: (device) => void simulators.push(device),
    async addDevice(given = {}) {
      const reads: string[] = [];
      const simulator = await startDevice({ ...given, autoRegister: false });
      simulator.on('event', ({ kind, path, text }) => {
        if (kind === 'read') reads.push(path ?? text);
      });
      await simulator.register();
      const device = view(world, simulator, reads);
      await eventually(`the initial values of ${simulator.endpoint}`, async () => {
        const info = await device.stored('deviceInfo');
        return info?.['man'] !== undefined && info['man'] !== '';
      });
      // What else onboarding reads stands before this in the lane of the device.
      expectOk(await device.get('deviceInfo'));
      return device;
    },
    async restart(more = []) {
      const ports = ['lwm2m', 'cwmp'].flatMap((name) => [`--${name}-port`, new URL(gateway.urls[name]!).port]);
      await gateway.halt();
      // The later option wins.
      gateway = await startTestGateway([...options, ...ports, ...more], gateway.data);
    },
    async stop() {
      await Promise.all(simulators.map((simulator) => simulator.stop()));
      await gateway.stop();
    },
  };
  return world;
}

function view(world: World, simulator: SimulatedDevice, reads: string[]): TestDevice {
  return {
    ...nodeOf(world, simulator.endpoint),
    simulator,
    deeds: (...kinds) => simulator.journal.filter(({ kind }) => kinds.includes(kind)),
    reads: () => [...reads],
  };
}

/** @param identity endpoint name, or URN of a CPE */
export function nodeOf(world: World, identity: string): ManagedNode {
  const node = `cse-in/${identity.replaceAll(/[^0-9A-Za-z._-]+/g, '-')}`;
  return {
    node,
    get: (object, query = '', options) => world.mca.get(`${node}/${object}${query}`, options),
    update: (object, root, attributes, options) =>
      world.mca.update(`${node}/${object}`, { [`m2m:${root}`]: attributes }, options),
    create: (root, attributes, options) => world.mca.create(node, 13, { [`m2m:${root}`]: attributes }, options),
    remove: (object, options) => world.mca.delete(`${node}/${object}`, options),
    async stored(object) {
      const children = Object.values((await world.mca.get(`${node}?rcn=4`)).body['m2m:nod'] ?? {}).flat();
      return children.filter(isObject).find(({ rn }) => rn === object);
    },
    async presence() {
      const admin = world.gateway.urls.admin!.replace(/\/$/, '');
      const response = await fetch(`${admin}/devices/${encodeURIComponent(identity)}`);
      const { presence } = (await response.json()) as { presence: { state: string } };
      return presence.state;
    },
  };
}

function isObject(value: unknown): value is Attributes {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The attributes of an answer that succeeded. */
export function expectOk(answer: McaAnswer, rsc?: number): Attributes {
  assert.ok(rsc === undefined ? answer.rsc < 4000 : answer.rsc === rsc, `${answer.rsc} ${answer.text}`);
  return Object.values(answer.body)[0] ?? {};
}

/** The answer is this refusal, with a sentence; the sentence is looked at where it matters. */
export function expectRefused(answer: McaAnswer, rsc: number, sentence = /\w+ \w+ \w+/): void {
  assert.equal(answer.rsc, rsc, answer.text);
  assert.match(answer.dbg, sentence);
}

/** Members of the attributes with these values; others may be there. */
export function expectMembers(attributes: Attributes | undefined, wanted: Attributes): void {
  const found = Object.fromEntries(Object.keys(wanted).map((name) => [name, attributes?.[name]]));
  assert.deepEqual(found, wanted);
}

/** Waits until a status attribute says how a trigger stands: 1 Successful, 2 Failure, 3 In_Process. `trigger` = short name. */
export async function untilStatus(
  device: ManagedNode,
  object: string,
  attribute: string,
  trigger: string,
  status: 1 | 2 | 3,
): Promise<void> {
  await eventually(`${attribute} of ${object} is ${status} for ${trigger}`, async () => {
    const value = (await device.stored(object))?.[attribute];
    return isObject(value) && value['acn'] === trigger && value['sus'] === status;
  });
}

/** Waits until the device has gone down so many times in all and is registered again. */
export async function untilRestarted(device: TestDevice, times: number): Promise<void> {
  await eventually(`${device.simulator.endpoint} is registered again`, () => {
    return device.deeds('reboot').length === times && device.simulator.location !== undefined;
  });
}
