/** A fleet of CPEs that all come back at once, each with a write that waits for it. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChildGateway } from '../support/child-gateway.ts';
import { residentSize } from '../support/process-facts.ts';
import { makeTemporaryDirectory } from '../support/store.ts';
import { multiply } from './cwmp-fleet.ts';
import type { Arrived, RawAnswer } from './cwmp-load.ts';
import { serialOf } from './cwmp-strings.ts';
import type { Effort } from './effort.ts';
import type { Figure } from './figures.ts';
import type { LoadResult } from './http-load.ts';
import { cpuSeconds, endGateway, startMeasuredGateway } from './measured-gateway.ts';
import { discover, httpRequest } from './requests.ts';
import { startWorker } from './worker.ts';

/** Processes of CPEs: one has not enough file descriptors. */
const loads = 2;
/** CPEs that stand before the door at one time: as many as the queue of the system takes (net.core.somaxconn); it drops the others silently. */
const atOnce = 4_000;
const nobodyListens = 1;

export async function measurePowerCut({ cpes: count }: Effort): Promise<Figure[]> {
  const directory = await makeTemporaryDirectory();
  await prepareFleet(directory.path, count);
  const gateway = await startMeasuredGateway({ data: directory.path });
  const fleets = Array.from({ length: loads }, () => startWorker('./cwmp-load.ts'));
  const http = startWorker('./http-load.ts');
  try {
    const port = gateway.ports.cwmp;
    const requests = await queueWrites(gateway, count, (load) => http.call('all', load));
    const before = residentSize(gateway.pid);
    let peak = before;
    const watch = setInterval(() => (peak = Math.max(peak, residentSize(gateway.pid))), 100);
    const cpuBefore = cpuSeconds(gateway.pid);
    const share = count / loads;
    const arrivals = await Promise.all(
      fleets.map((fleet, at) =>
        fleet.call<Arrived>('arrive', {
          port,
          from: at * share,
          count: share,
          connections: Math.min(share, atOnce / loads),
          occasion: '1 BOOT',
        }),
      ),
    );
    const cpu = cpuSeconds(gateway.pid) - cpuBefore;
    clearInterval(watch);
    for (const [at, fleet] of fleets.entries()) {
      const written = await fleet.call<[number, number][]>('written', { from: at * share, count: share });
      for (const [index, [value, writes]] of written.entries()) {
        const cpe = at * share + index;
        if (value !== valueOf(cpe) || writes !== 1)
          throw new Error(`CPE ${cpe} was set ${writes} times, at last to ${value}`);
      }
    }
    // Every request has ended, and well: requestStatus 1, and 2004 in its operationResult.
    const asked = requests.map((path) => httpRequest('GET', path));
    const ended = { port: gateway.ports.mca, requests: asked, connections: 32, find: '("rs":1,.*"rsc":2004)' };
    await http.call<LoadResult>('all', ended);
    const after = residentSize(gateway.pid);
    const lastWrite = Math.max(...arrivals.map((arrival) => arrival.lastWrite));
    const sum = (what: 'refused' | 'broken'): number => arrivals.reduce((total, arrival) => total + arrival[what], 0);
    const megabytes = (octets: number): string => (octets / 1e6).toFixed(0);
    return [
      {
        group: 'powerCut',
        name: `${count} CPEs come back, until the last write`,
        unit: 's',
        value: lastWrite,
        note:
          `none lost, none twice; ${sum('refused')} Informs were answered 503 and came again, ${sum('broken')} connections broke; ` +
          `${((cpu / count) * 1000).toFixed(2)} ms CPU each, with the look at their objects; ` +
          `${megabytes(before)} MB RSS before, ${megabytes(peak)} MB at most, ${megabytes(after)} MB after`,
      },
    ];
  } finally {
    await Promise.all([...fleets.map((fleet) => fleet.stop()), http.stop(), endGateway(gateway)]);
    await directory.remove();
  }
}

/** One CPE is onboarded through the leg; the rows of the others are made from its rows. */
async function prepareFleet(data: string, count: number): Promise<void> {
  const gateway = await startMeasuredGateway({ data });
  const load = startWorker('./cwmp-load.ts');
  try {
    await load.call<RawAnswer[]>('answers', { port: gateway.ports.cwmp, occasion: '0 BOOTSTRAP' });
  } finally {
    await load.stop();
    await gateway.terminate();
  }
  await rm(join(data, 'trivet.db.pid'), { force: true });
  multiply(join(data, 'trivet.db'), count, nobodyListens);
}

const valueOf = (cpe: number): number => 1_000_000 + cpe;

/** A write for each CPE that does not wait for it. @returns paths of the request resources */
async function queueWrites(
  gateway: ChildGateway,
  count: number,
  all: (load: object) => Promise<LoadResult & { found: string[] }>,
): Promise<string[]> {
  const [example] = await discover(gateway, 'ty=13&mgd=1019&lim=1');
  if (example === undefined) throw new Error('the CPEs have no management object that can be written');
  const anySerial = /BENCH\d+/;
  const requests = Array.from({ length: count }, (_, cpe) =>
    httpRequest('PUT', `${example.replace(anySerial, serialOf(cpe))}?rt=1`, { 'm2m:cmbf': { mbfs: valueOf(cpe) } }),
  );
  const { found } = await all({
    port: gateway.ports.mca,
    requests,
    connections: 32,
    status: 202,
    find: '"m2m:uri":"/?([^"]+)"',
  });
  return found;
}
