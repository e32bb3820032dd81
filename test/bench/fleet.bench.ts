/** A big fleet in one gateway: how fast it comes in, and what each registration weighs. */
import type { Round } from '../../src/simulators/lwm2m-fleet.ts';
import { residentSize } from '../support/process-facts.ts';
import type { Effort } from './effort.ts';
import type { Figure } from './figures.ts';
import { cpuSeconds, endGateway, startMeasuredGateway } from './measured-gateway.ts';
import { startWorker } from './worker.ts';

/** Devices that come first, so that code is compiled and pools are filled before the weighing. */
const warmUp = 1000;
const lifetime = 86_400; // s
/** Processes of devices: one has not enough file descriptors. Each has an address of its own, for its ports. */
const fleetCount = 4;
const inFlight = 128;

export async function measureFleet({ registrations }: Effort): Promise<Figure[]> {
  const gateway = await startMeasuredGateway();
  const fleets = Array.from({ length: fleetCount }, () => startWorker('./fleet-process.ts'));
  const start = async (count: number, name: string): Promise<Round> => {
    const before = performance.now();
    const rounds = await Promise.all(
      fleets.map((fleet, index) =>
        fleet.call<Round>('start', {
          server: gateway.urls.lwm2m,
          count: count / fleetCount,
          // A socket for each, as in life: behind a shared one, every device would have a path of its own for its objects.
          sockets: count / fleetCount,
          addresses: [`127.0.0.${index + 2}`],
          prefix: `${name}-${index}-`,
          lifetime,
          notifyEvery: 0,
          inFlight: inFlight / fleetCount,
        }),
      ),
    );
    const failed = rounds.reduce((sum, round) => sum + round.failed, 0);
    if (failed > 0) throw new Error(`${failed} of ${count} registrations failed`);
    return { done: count, failed, seconds: (performance.now() - before) / 1000 };
  };
  try {
    await start(Math.min(warmUp, registrations), 'warm');
    await Promise.all(fleets.map((fleet) => fleet.call('stop')));
    const before = await restingSize(gateway.pid);
    const cpuBefore = cpuSeconds(gateway.pid);
    const { done, seconds } = await start(registrations, 'fleet');
    const after = await restingSize(gateway.pid);
    const cpu = ((cpuSeconds(gateway.pid) - cpuBefore) / done) * 1000;
    return [
      {
        group: 'fleet',
        name: 'first registration, durable, with its resources',
        unit: '/s',
        value: done / seconds,
        note: `${done} devices, ${inFlight} at a time; ${cpu.toFixed(2)} ms CPU each, with the first read of its values`,
      },
      {
        group: 'fleet',
        name: 'memory of one live registration',
        unit: 'kB RSS',
        value: (after - before) / done / 1000,
        target: { of: 'value', most: 12 },
        note: `${(after / 1e6).toFixed(0)} MB with ${done + warmUp} registrations, ${(before / 1e6).toFixed(0)} MB before`,
      },
    ];
  } finally {
    await Promise.all([...fleets.map((fleet) => fleet.stop()), endGateway(gateway)]);
  }
}

/** Once it has stopped moving: what is only garbage is not counted twice, and what runs in the background has ended. */
async function restingSize(pid: number): Promise<number> {
  let size = residentSize(pid);
  for (let still = 0, looks = 0; still < 4 && looks < 40; looks += 1) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const next = residentSize(pid);
    still = Math.abs(next - size) < 0.005 * size ? still + 1 : 0;
    size = next;
  }
  return size;
}
