/** Live reads over HTTP while a fleet notifies: each notification is stored before it counts, and told to a subscriber. */
import { eventually } from '../support/eventually.ts';
import type { Round } from '../../src/simulators/lwm2m-fleet.ts';
import type { Effort } from './effort.ts';
import type { Figure } from './figures.ts';
import type { LoadResult } from './http-load.ts';
import { cpuSeconds, endGateway, startMeasuredGateway } from './measured-gateway.ts';
import { httpRequest } from './requests.ts';
import { startWorker } from './worker.ts';

const readsPerSecond = 50;
const notifyEvery = 60; // s
/** Devices that are read, one after the other. */
const readDevices = 500;
const subscriptionsAtATime = 64;

export async function measureNotifying({ notifying, readingFor }: Effort): Promise<Figure[]> {
  const gateway = await startMeasuredGateway();
  const fleet = startWorker('./fleet-process.ts');
  const http = startWorker('./http-load.ts');
  const sink = startWorker('./notification-sink.ts');
  try {
    const { failed } = await fleet.call<Round>('start', {
      server: gateway.urls.lwm2m,
      count: notifying,
      notifyEvery,
      version: '1.1',
    });
    if (failed > 0) throw new Error(`${failed} of ${notifying} registrations failed`);
    const { mca } = gateway.ports;
    const pathsOf = (name: string) => Array.from({ length: notifying }, (_, index) => `cse-in/fleet-${index}/${name}`);
    const batteries = pathsOf('battery');
    // A battery comes once the device has said that it has one; no device is asked for a resourceID.
    const looks = batteries.map((path) => httpRequest('GET', `${path}?atrl=ri`));
    await eventually(
      'every device has its battery',
      () =>
        http.call<LoadResult>('all', { port: mca, requests: looks, connections: 16 }).then(
          () => true,
          () => false,
        ),
      120_000,
    );
    const infos = pathsOf('deviceInfo').slice(0, readDevices);
    const reads = infos.map((path) => httpRequest('GET', path));
    const read = () =>
      http.call<LoadResult>('openLoop', { port: mca, requests: reads, perSecond: readsPerSecond, seconds: readingFor });
    await http.call('all', { port: mca, requests: reads, connections: 8 });
    const quiet = await read();

    const target = `http://127.0.0.1:${await sink.call<number>('port')}`;
    const subscribe = batteries.map((path) =>
      httpRequest('POST', path, { 'm2m:sub': { rn: 'bench', nu: [target], enc: { net: [1] }, nct: 1 } }, 23),
    );
    await http.call('all', { port: mca, requests: subscribe, connections: subscriptionsAtATime, status: 201 });
    await eventually(
      'every battery is observed',
      async () => (await fleet.call<{ observations: number }>('facts')).observations >= notifying,
      60_000,
    );
    const told = await sink.call<number>('count');
    const cpu = cpuSeconds(gateway.pid);
    const busy = await read();
    const rate = ((await sink.call<number>('count')) - told) / readingFor;
    const share = (cpuSeconds(gateway.pid) - cpu) / readingFor;
    const note = `${notifying} devices, once in ${notifyEvery} s; ${rate.toFixed(0)} notifications/s to subscribers; ${(share * 100).toFixed(0)} % of one CPU`;
    return [
      {
        group: 'notifying',
        name: 'live RETRIEVE while a fleet notifies, p50',
        unit: 'ms',
        value: busy.p50,
        reference: { name: 'the same fleet, quiet', value: quiet.p50 },
        note,
      },
      {
        group: 'notifying',
        name: 'live RETRIEVE while a fleet notifies, p99',
        unit: 'ms',
        value: busy.p99,
        reference: { name: 'the same fleet, quiet', value: quiet.p99 },
      },
    ];
  } finally {
    await Promise.all([fleet.stop(), http.stop(), sink.stop(), endGateway(gateway)]);
  }
}
