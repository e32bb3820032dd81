/** Live reads of CPEs that have to be called first: the whole gateway beside bare node:http in the same exchanges. */
import { eventually } from '../support/eventually.ts';
import type { McaAnswer } from '../support/mca-client.ts';
import type { Arrived, RawAnswer } from './cwmp-load.ts';
import { serialOf } from './cwmp-strings.ts';
import type { Effort } from './effort.ts';
import { median, type Figure } from './figures.ts';
import type { LoadResult } from './http-load.ts';
import { endGateway, profileOptions, startMeasuredGateway } from './measured-gateway.ts';
import { discover, httpRequest } from './requests.ts';
import { inPairs, turnOf } from './rounds.ts';
import { startWorker } from './worker.ts';

/** Enough that the session before is over when a CPE is called again. */
const cpes = 256;

export async function measureCalling({ rounds, seconds }: Effort): Promise<Figure[]> {
  const gateway = await startMeasuredGateway();
  const bare = startWorker('./bare-acs.ts', profileOptions());
  const fleet = startWorker('./cwmp-load.ts');
  const http = startWorker('./http-load.ts');
  try {
    const port = gateway.ports.cwmp;
    const callPort = await fleet.call<number>('listen');
    await fleet.call('callsGoTo', port);
    const everybody = { port, from: 0, count: cpes, connections: 8, occasion: '0 BOOTSTRAP' };
    await fleet.call<Arrived>('arrive', everybody);
    const [example] = await eventually('all objects are there', async () => {
      const found = await discover(gateway, 'ty=13&mgd=1019');
      return found.length === cpes && found;
    });
    const paths = Array.from({ length: cpes }, (_, index) => example!.replace(/BENCH\d+/, serialOf(index)));
    const answer = await gateway.mca.get(paths[0]!);
    if (answer.status !== 200) throw new Error(`a read was answered ${answer.status}: ${answer.dbg}`);
    const answers = await fleet.call<RawAnswer[]>('lastCall');
    if (answers.map(({ status }) => status).join() !== '200,200,204')
      throw new Error(`a read took the answers ${answers.map(({ status }) => status).join()}`);
    const bareServer = await bare.call<{ mca: number; cwmp: number }>('listenAndCall', {
      answers,
      answer: rawOf(answer),
      callPort,
    });
    const requests = paths.map((path) => httpRequest('GET', path));
    const times: Record<'ours' | 'bare', LoadResult[]> = { ours: [], bare: [] };
    const run = async (side: 'ours' | 'bare', mca: number, cwmp: number): Promise<LoadResult> => {
      await fleet.call('callsGoTo', cwmp);
      const before = await fleet.call<number>('calls');
      const result = await http.call<LoadResult>('closedLoop', { port: mca, requests, connections: 1, seconds });
      const calls = (await fleet.call<number>('calls')) - before;
      if (calls !== result.count) throw new Error(`${result.count} reads took ${calls} connection requests`);
      times[side].push(result);
      return result;
    };
    await inPairs(
      rounds,
      'perSecond',
      () => turnOf(gateway.pid, () => run('ours', gateway.ports.mca, port)),
      () => turnOf(bare.pid, () => run('bare', bareServer.mca, bareServer.cwmp)),
    );
    // The turns before these were to warm up.
    const typical = (side: 'ours' | 'bare', what: 'p50' | 'p99'): number =>
      median(times[side].slice(-rounds).map((result) => result[what]));
    return [
      {
        group: 'calling',
        name: 'live RETRIEVE of 3 parameters by connection request, p50',
        unit: 'ms',
        value: typical('ours', 'p50'),
        reference: { name: 'bare node:http, same exchanges', value: typical('bare', 'p50') },
        note: `p99 ${typical('ours', 'p99').toFixed(1)} ms and ${typical('bare', 'p99').toFixed(1)} ms; one at a time: two exchanges to call it, three in its session`,
      },
    ];
  } finally {
    await Promise.all([bare.stop(), fleet.stop(), http.stop(), endGateway(gateway)]);
  }
}

function rawOf({ status, headers, text }: McaAnswer): RawAnswer {
  return { status, headers: Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`), body: text };
}
