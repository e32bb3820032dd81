/** TR-069 sessions without news: the whole gateway beside a bare node:http server that says the same octets to the same CPEs. */
import type { Arrived, RawAnswer } from './cwmp-load.ts';
import type { Effort } from './effort.ts';
import type { Figure } from './figures.ts';
import { endGateway, profileOptions, startMeasuredGateway } from './measured-gateway.ts';
import { inPairs, shownCpu, turnOf, type Tally } from './rounds.ts';
import { startWorker } from './worker.ts';

const cpes = 256;
const connections = 64;
/** Sessions until the compiler is done with the long way that one takes: by the clock, a busy machine would still be at it when it counts. */
const warmUp = 8_000;

export async function measureSessions({ rounds, seconds }: Effort): Promise<Figure[]> {
  const gateway = await startMeasuredGateway();
  const bare = startWorker('./bare-acs.ts', profileOptions());
  const load = startWorker('./cwmp-load.ts');
  try {
    const port = gateway.ports.cwmp;
    const all = { port, from: 0, count: cpes, connections: 16 };
    await load.call<Arrived>('arrive', { ...all, occasion: '0 BOOTSTRAP' });
    // The values that the first session asked for are read in it; now there is nothing to say.
    const answers = await load.call<RawAnswer[]>('answers', { port, occasion: '2 PERIODIC' });
    if (answers.map(({ status }) => status).join() !== '200,204')
      throw new Error(`a session without news had the answers ${answers.map(({ status }) => status).join()}`);
    const barePort = await bare.call<number>('listen', answers);
    const run = (at: number) => load.call<Tally>('sessions', { port: at, count: cpes, connections, seconds });
    if (rounds > 1) for (let done = 0; done < warmUp;) done += (await run(port)).count;
    const pair = await inPairs(
      rounds,
      'perSecond',
      () => turnOf(gateway.pid, () => run(port)),
      () => turnOf(bare.pid, () => run(barePort)),
    );
    return [
      {
        group: 'sessions',
        name: 'TR-069 session without news, durable',
        unit: '/s',
        value: pair.subject.perSecond,
        reference: { name: 'bare node:http, same octets', value: pair.reference.perSecond },
        target: { of: 'ratio', least: 0.5 },
        note: `${shownCpu(pair)}, ${connections} at a time`,
      },
    ];
  } finally {
    await Promise.all([bare.stop(), load.stop(), endGateway(gateway)]);
  }
}
