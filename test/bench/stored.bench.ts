/** What the store answers and takes, over HTTP: nothing of it concerns a device. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChildGateway } from '../support/child-gateway.ts';
import type { McaAnswer } from '../support/mca-client.ts';
import { makeTemporaryDirectory } from '../support/store.ts';
import { shown, type Figure } from './figures.ts';
import type { LoadResult } from './http-load.ts';
import { endGateway, startMeasuredGateway } from './measured-gateway.ts';
import type { Effort } from './effort.ts';
import { httpRequest } from './requests.ts';
import { inPairs, turnOf } from './rounds.ts';
import { measureDriver, measureOurs } from './store.bench.ts';
import { startWorker } from './worker.ts';

const connections = 32;
const updaters = 128;
const containers = 256;

const pathOf = (index: number): string => `cse-in/bench-${index}`;

/** Stored RETRIEVE beside a bare handler that sends the same octets; durable UPDATE beside the bare driver. */
export async function measureStored({ rounds, seconds }: Effort): Promise<Figure[]> {
  const gateway = await startMeasuredGateway();
  const load = startWorker('./http-load.ts');
  const bare = startWorker('./bare-http.ts');
  try {
    await makeContainers(gateway);
    const { mca } = gateway.ports;
    const ask = async (port: number, requests: string[], count = connections): Promise<LoadResult> =>
      load.call('closedLoop', { port, requests, connections: count, seconds });

    const answer = await gateway.mca.get(pathOf(0));
    const barePort = await bare.call<number>('listen', { headers: headersOf(answer), body: answer.text });
    const reads = [httpRequest('GET', pathOf(0))];
    const retrieve = await inPairs(
      rounds,
      'perSecond',
      () => turnOf(gateway.pid, () => ask(mca, reads)),
      () => turnOf(bare.pid, () => ask(barePort, reads)),
    );

    let turn = 0;
    const updates = (): string[] => {
      turn += 1;
      return Array.from({ length: containers }, (_, index) =>
        httpRequest('PUT', pathOf(index), { 'm2m:cnt': { lbl: [`round-${turn}`, `number-${index}`] } }),
      );
    };
    let latency = { p50: 0, p99: 0 };
    const directory = await makeTemporaryDirectory();
    const update = await inPairs(
      rounds,
      'perSecond',
      () =>
        turnOf(gateway.pid, async () => {
          const result = await ask(mca, updates(), updaters);
          latency = result;
          return result;
        }),
      async () => {
        const file = join(directory.path, 'driver.db');
        const perSecond = measureDriver(file, 'full', Math.round(700 * seconds));
        await rm(file);
        return { perSecond, perCpuSecond: 0 };
      },
    );
    const grouped = await measureOurs(join(directory.path, 'store.db'), 'full', Math.round(10_000 * seconds));
    await directory.remove();
    return [
      {
        group: 'stored',
        name: 'stored RETRIEVE over HTTP',
        unit: '/s',
        value: retrieve.subject.perSecond,
        reference: { name: 'bare node:http, same octets', value: retrieve.reference.perSecond },
        target: { of: 'ratio', least: 0.6 },
        note: `per second of CPU: ${shown(retrieve.subject.perCpuSecond)} and ${shown(retrieve.reference.perCpuSecond)}`,
      },
      {
        group: 'stored',
        name: 'durable UPDATE over HTTP',
        unit: '/s',
        value: update.subject.perSecond,
        reference: { name: 'libsql, a commit per update', value: update.reference.perSecond },
        target: { of: 'ratio', least: 0.4 },
        note: `${updaters} at a time; p50 ${latency.p50.toFixed(1)} ms, p99 ${latency.p99.toFixed(1)} ms`,
      },
      {
        group: 'stored',
        name: 'group commit of the store alone',
        unit: '/s',
        value: grouped.storeUpdates,
        reference: { name: 'libsql, a commit per update', value: update.reference.perSecond },
        note: `groups of ${grouped.groupSize.toFixed(0)}; event loop ${(grouped.eventLoop * 100).toFixed(0)} % busy`,
      },
    ];
  } finally {
    await Promise.all([load.stop(), bare.stop(), endGateway(gateway)]);
  }
}

async function makeContainers(gateway: ChildGateway): Promise<void> {
  for (let index = 0; index < containers; index += 1) {
    const made = await gateway.mca.create('cse-in', 3, { 'm2m:cnt': { rn: `bench-${index}`, lbl: ['a', 'label'] } });
    if (made.status !== 201) throw new Error(`a container could not be made: ${made.dbg}`);
  }
}

/** All that our answer says, for the bare handler to say as well; node itself adds the rest. */
function headersOf({ headers }: McaAnswer): string[] {
  const own = new Set(['date', 'connection', 'keep-alive']);
  return Object.entries(headers).flatMap(([name, value]) => (own.has(name) ? [] : [name, String(value)]));
}
