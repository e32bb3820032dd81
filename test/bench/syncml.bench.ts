/** Reading and writing a package of OMA DM: the codec beside the XML parser under it, and beside a template string. */
import type { Effort } from './effort.ts';
import type { Figure } from './figures.ts';
import { profileOptions } from './measured-gateway.ts';
import { inPairs, turnOf, type Tally, type Turn } from './rounds.ts';
import { startWorker, type Worker } from './worker.ts';

type Way = 'readXml' | 'readWbxml' | 'writeXml' | 'writeWbxml';
type Reference = 'parse' | 'template';

const figures: { way: Way; name: string; beside: Reference; most?: number }[] = [
  { way: 'readXml', name: 'reading a package of 3 kB, XML', beside: 'parse', most: 1.6 },
  { way: 'readWbxml', name: 'reading a package of 3 kB, WBXML', beside: 'parse', most: 1 },
  { way: 'writeXml', name: 'writing a package of 3 kB, XML', beside: 'template' },
  { way: 'writeWbxml', name: 'writing a package of 3 kB, WBXML', beside: 'template' },
];
const references: Record<Reference, string> = {
  parse: 'saxes, empty handlers, the XML',
  template: 'a template string, nothing escaped, the XML',
};

export async function measureSyncml(effort: Effort): Promise<Figure[]> {
  const measured: Figure[] = [];
  for (const figure of figures) measured.push(await measure(figure, effort));
  return measured;
}

async function measure(
  { way, name, beside, most }: (typeof figures)[number],
  { rounds, seconds }: Effort,
): Promise<Figure> {
  const ours = startWorker('./syncml-process.ts', profileOptions());
  const theirs = startWorker('./syncml-process.ts', profileOptions());
  const turn = (worker: Worker, command: Way | Reference) =>
    turnOf(worker.pid, () => worker.call<Tally>(command, seconds / 2));
  try {
    const pair = await inPairs(
      rounds,
      'perCpuSecond',
      () => turn(ours, way),
      () => turn(theirs, beside),
    );
    const microseconds = ({ perCpuSecond }: Turn): number => 1e6 / perCpuSecond;
    return {
      group: 'syncml',
      name,
      unit: 'µs of CPU',
      value: microseconds(pair.subject),
      reference: { name: references[beside], value: microseconds(pair.reference) },
      ...(most !== undefined && { target: { of: 'ratio', most } }),
    };
  } finally {
    await Promise.all([ours.stop(), theirs.stop()]);
  }
}
