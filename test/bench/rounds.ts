/** Two sides that take turns, so that what else the machine does meets both alike. */
import { median, shown } from './figures.ts';
import { cpuSeconds } from './measured-gateway.ts';

/** What one turn came to. */
export interface Turn {
  /** How often, per second. */
  perSecond: number;
  /** How often, per second of CPU time of the process that did it: what a core can do, whoever else wants it. */
  perCpuSecond: number;
}

export interface Tally {
  count: number;
  seconds: number;
}

/** A turn of a process; the load comes from another one. */
export async function turnOf(pid: number, run: () => Promise<Tally>): Promise<Turn> {
  const before = cpuSeconds(pid);
  const { count, seconds } = await run();
  return { perSecond: count / seconds, perCpuSecond: count / (cpuSeconds(pid) - before) };
}

export interface Pair {
  subject: Turn;
  reference: Turn;
}

/** Turns of each side before the first that counts: what is measured runs for months, its first seconds are those of the compiler. */
const warmUpTurns = 4;

/**
 * Each side to warm up, then in pairs. The answer is the pair in the middle by the ratio of `by`: its ratio is the median, and its figures
 * belong together.
 */
export async function inPairs(
  rounds: number,
  by: keyof Turn,
  subject: () => Promise<Turn>,
  reference: () => Promise<Turn>,
): Promise<Pair> {
  for (let turn = 0; turn < (rounds > 1 ? warmUpTurns : 1); turn += 1) {
    await subject();
    await reference();
  }
  const pairs: (Pair & { ratio: number })[] = [];
  for (let round = 0; round < rounds; round += 1) {
    // The one that comes second finds a warmer machine: they change places.
    const first = round % 2 === 0 ? await subject() : await reference();
    const second = round % 2 === 0 ? await reference() : await subject();
    const [ours, theirs] = round % 2 === 0 ? [first, second] : [second, first];
    pairs.push({ subject: ours, reference: theirs, ratio: ours[by] / theirs[by] });
  }
  const middle = median(pairs.map(({ ratio }) => ratio));
  return pairs.find(({ ratio }) => ratio === middle)!;
}

/** By CPU time, for a note. */
export function shownCpu({ subject, reference }: Pair): string {
  const ratio = (subject.perCpuSecond / reference.perCpuSecond).toFixed(2);
  return `${shown(subject.perCpuSecond)} and ${shown(reference.perCpuSecond)} per s of CPU time (${ratio})`;
}

/** By the clock, for a note: what the load could ask for. */
export function shownRates({ subject, reference }: Pair): string {
  return `${shown(subject.perSecond)}/s and ${shown(reference.perSecond)}/s by the clock, as fast as the load asked`;
}
