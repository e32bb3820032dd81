/** A simulated CPE, onboarded by the gateway of a world: as a DM application sees it, and as it is. */
import { startCwmpCpe, type CpeOptions, type JournalEntry, type SimulatedCpe } from '../../src/simulators/cwmp-cpe.ts';
import { eventually } from '../support/eventually.ts';
import { expectOk, nodeOf, type ManagedNode, type World } from './world.ts';

export interface TestCpe extends ManagedNode {
  readonly simulator: SimulatedCpe;
  /** What was done to the device, of these kinds. */
  deeds(...kinds: JournalEntry['kind'][]): JournalEntry[];
  /** How often it was asked so. */
  asked(method: string): number;
  /** Its session is over: whatever is asked next has to call it. */
  untilAsleep(): Promise<unknown>;
}

let cpes = 0;

/** Starts a CPE and waits until its management objects hold what it has, and it sleeps. */
export async function addCpe(world: World, options: Partial<CpeOptions> = {}): Promise<TestCpe> {
  const simulator = await startCwmpCpe({
    acs: world.gateway.urls.cwmp!,
    serialNumber: `CPE${++cpes}`,
    life: false,
    speed: 50,
    timeout: 10,
    ...options,
  });
  world.owns(simulator);
  const cpe = viewOf(world, simulator);
  await eventually(`the initial values of ${simulator.id}`, async () => {
    const info = await cpe.stored('deviceInfo');
    return info?.['man'] !== undefined && info['man'] !== '';
  });
  // What else onboarding reads stands before this in the lane of the device.
  expectOk(await cpe.get('deviceInfo'));
  await cpe.untilAsleep();
  return cpe;
}

export function viewOf(world: World, simulator: SimulatedCpe): TestCpe {
  const { id, journal } = simulator;
  const node = nodeOf(world, `urn:dev:${id.split('-').length > 2 ? 'ops' : 'os'}:${id}`);
  return {
    ...node,
    simulator,
    untilAsleep: () => eventually(`the end of the session of ${id}`, async () => (await node.presence()) === 'asleep'),
    deeds: (...kinds) => journal.filter(({ kind }) => kinds.includes(kind)),
    asked: (method) => journal.filter((entry) => entry.kind === 'method' && entry.method === method).length,
  };
}
