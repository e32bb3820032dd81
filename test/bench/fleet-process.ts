/** Many small devices, as a worker. */
import { startFleet, type Fleet, type FleetOptions } from '../../src/simulators/lwm2m-fleet.ts';
import { serveCommands } from './worker.ts';

let fleet: Fleet | undefined;

serveCommands({
  async start(options: FleetOptions) {
    fleet = await startFleet(options);
    return fleet.registration;
  },
  facts: () => ({ observations: fleet!.observations, ...fleet!.counters }),
  stop: () => fleet?.stop(),
});
