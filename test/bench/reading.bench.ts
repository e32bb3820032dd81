/** Live reads of devices that answer at once. */

import { eventually } from '../support/eventually.ts';
import { endGateway, profileOptions, startMeasuredGateway } from './measured-gateway.ts';
import type { Effort } from './effort.ts';
import { shown, type Figure } from './figures.ts';
import type { LoadResult } from './http-load.ts';
import { discover, httpRequest } from './requests.ts';
import { inPairs, shownRates, turnOf, type Tally } from './rounds.ts';
import { startWorker } from './worker.ts';

const devices = 64;

/** At the lane beside node-coap's agent, the same devices and the same answers; then over HTTP. */
export async function measureReading(effort: Effort): Promise<Figure[]> {
  return [...(await atTheLane(effort)), ...(await overHttp(effort))];
}

async function atTheLane({ rounds, seconds }: Effort): Promise<Figure[]> {
  const lane = startWorker('./lane-process.ts', profileOptions());
  const bare = startWorker('./bare-coap.ts');
  const load = startWorker('./coap-load.ts');
  try {
    const port = await lane.call<number>('port');
    const ports = await load.call<number[]>('register', { port });
    const before = await load.call<number>('reads');
    let asked = 0;
    const pair = await inPairs(
      rounds,
      'perCpuSecond',
      () =>
        turnOf(lane.pid, async () => {
          const tally = await lane.call<Tally>('reads', { count: devices, seconds });
          asked += tally.count;
          return tally;
        }),
      () => turnOf(bare.pid, () => bare.call<Tally>('reads', { ports, seconds })),
    );
    const exchanges = (await load.call<number>('reads')) - before;
    if (exchanges < asked) throw new Error(`${asked} reads took only ${exchanges} exchanges`);
    await lane.call('stop');
    return [
      {
        group: 'reading',
        name: 'live read at the lane',
        unit: '/s of CPU',
        value: pair.subject.perCpuSecond,
        reference: { name: "node-coap's agent, the GET alone", value: pair.reference.perCpuSecond },
        target: { of: 'ratio', least: 1.5 },
        note: shownRates(pair),
      },
    ];
  } finally {
    await Promise.all([lane.stop(), bare.stop(), load.stop()]);
  }
}

async function overHttp({ rounds, seconds }: Effort): Promise<Figure[]> {
  const gateway = await startMeasuredGateway();
  const bare = startWorker('./bare-coap.ts');
  const load = startWorker('./coap-load.ts');
  const http = startWorker('./http-load.ts');
  try {
    const ports = await load.call<number[]>('register', { port: gateway.ports.lwm2m });
    const paths = await eventually('all batteries are there', async () => {
      const found = await discover(gateway, 'ty=13&mgd=1006');
      return found.length === devices && found;
    });
    const requests = paths.map((path) => httpRequest('GET', path));
    let latency = { p50: 0, p99: 0 };
    const pair = await inPairs(
      rounds,
      'perCpuSecond',
      () =>
        turnOf(gateway.pid, async () => {
          const asked = { port: gateway.ports.mca, requests, connections: devices, seconds };
          const result = await http.call<LoadResult>('closedLoop', asked);
          latency = result;
          return result;
        }),
      () => turnOf(bare.pid, () => bare.call<Tally>('reads', { ports, seconds })),
    );
    return [
      {
        group: 'reading',
        name: 'live RETRIEVE over HTTP',
        unit: '/s of CPU',
        value: pair.subject.perCpuSecond,
        reference: { name: "node-coap's agent, the GET alone", value: pair.reference.perCpuSecond },
        note: `${shown(pair.subject.perSecond)}/s by the clock, ${devices} at a time; p50 ${latency.p50.toFixed(1)} ms, p99 ${latency.p99.toFixed(1)} ms`,
      },
    ];
  } finally {
    await Promise.all([bare.stop(), load.stop(), http.stop(), endGateway(gateway)]);
  }
}
