/** scheduleEntry (TS-0004 6.3.3, 7.4.9.1): seven fields like those of cron, matched in UTC. */
/** First and last value of the seven fields of a scheduleEntry: second … year; the day of the week counts from Sunday = 0. */
const fields: readonly [minimum: number, maximum: number][] = [
  [0, 59],
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 6],
  [1970, 9999],
];

const partPattern = /^(?:\*|(\d{1,4})(?:-(\d{1,4}))?)(?:\/(\d{1,4}))?$/;

/** Tells of an instant (ms since 1970) whether the entry covers it. */
export type Window = (time: number) => boolean;

/** Undefined: not a scheduleEntry. */
export function compileScheduleEntry(entry: string): Window | undefined {
  const texts = entry.trim().split(/\s+/);
  if (texts.length !== fields.length) return undefined;
  const tests: ((value: number) => boolean)[] = [];
  for (const [index, text] of texts.entries()) {
    const test = compileField(text, fields[index] as [number, number]);
    if (!test) return undefined;
    tests.push(test);
  }
  return (time) => {
    const date = new Date(time);
    const values = [
      date.getUTCSeconds(),
      date.getUTCMinutes(),
      date.getUTCHours(),
      date.getUTCDate(),
      date.getUTCMonth() + 1,
      date.getUTCDay(),
      date.getUTCFullYear(),
    ];
    return tests.every((test, index) => test(values[index] as number));
  };
}

function compileField(text: string, [minimum, maximum]: [number, number]): ((value: number) => boolean) | undefined {
  const ranges: [from: number, to: number, step: number][] = [];
  for (const part of text.split(',')) {
    const match = partPattern.exec(part);
    if (!match) return undefined;
    const from = match[1] === undefined ? minimum : Number(match[1]);
    const to =
      match[2] === undefined ? (match[1] === undefined || match[3] !== undefined ? maximum : from) : Number(match[2]);
    const step = match[3] === undefined ? 1 : Number(match[3]);
    if (from < minimum || to > maximum || from > to || step < 1) return undefined;
    ranges.push([from, to, step]);
  }
  return (value) => ranges.some(([from, to, step]) => value >= from && value <= to && (value - from) % step === 0);
}
