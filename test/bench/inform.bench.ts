/** Reading an Inform: the leg, as far as the typed message, beside the XML parser under it. */
import type { Effort } from './effort.ts';
import type { Figure } from './figures.ts';
import { profileOptions } from './measured-gateway.ts';
import { inPairs, turnOf, type Tally, type Turn } from './rounds.ts';
import { startWorker, type Worker } from './worker.ts';

export async function measureInform({ rounds, seconds }: Effort): Promise<Figure[]> {
  const ours = startWorker('./inform-process.ts', profileOptions());
  const theirs = startWorker('./inform-process.ts', profileOptions());
  const turn = (worker: Worker, side: 'ours' | 'bare') =>
    turnOf(worker.pid, () => worker.call<Tally>(side, seconds / 2));
  try {
    const pair = await inPairs(
      rounds,
      'perCpuSecond',
      () => turn(ours, 'ours'),
      () => turn(theirs, 'bare'),
    );
    const microseconds = ({ perCpuSecond }: Turn): number => 1e6 / perCpuSecond;
    return [
      {
        group: 'inform',
        name: 'reading an Inform of 40 parameters',
        unit: 'µs of CPU',
        value: microseconds(pair.subject),
        reference: { name: 'saxes, empty handlers', value: microseconds(pair.reference) },
        target: { of: 'ratio', most: 1.5 },
      },
    ];
  } finally {
    await Promise.all([ours.stop(), theirs.stop()]);
  }
}
