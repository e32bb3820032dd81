/**
 * Timestamps and durations of TS-0004 6.3.3: `YYYYMMDDThhmmss[,f…]` (UTC, no zone), absRelTimestamp (a timestamp or a number
 * of milliseconds) and XML Schema durations. In code a time is a number of ms since 1970.
 */
const timestampPattern = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})(?:,(\d{1,6}))?$/;
const durationPattern =
  /^(-)?P(?:(\d{1,9})Y)?(?:(\d{1,9})M)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:\.(\d{1,9}))?S)?)?$/;

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** The last instant that a oneM2M timestamp can say, ms since 1970. */
export const latestTime = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
// Date.UTC reads the years 0..99 as 1900..1999; setUTCFullYear does not.
const earliestTime = new Date(0).setUTCFullYear(1, 0, 1);

function padded(value: number, width: number): string {
  return String(value).padStart(width, '0');
}

/**
 * ms since 1970 → `20260401T081500`, with `,123` appended when `fractionDigits` is 3 (`,123000` for 6).
 * Throws a RangeError outside the years 1..9999.
 */
export function formatTimestamp(time: number, fractionDigits: 0 | 3 | 6 = 0): string {
  if (!(time >= earliestTime && time <= latestTime)) {
    throw new RangeError(`${time} ms is outside the years 1 to 9999 of a oneM2M timestamp`);
  }
  const date = new Date(time);
  const text =
    padded(date.getUTCFullYear(), 4) +
    padded(date.getUTCMonth() + 1, 2) +
    padded(date.getUTCDate(), 2) +
    'T' +
    padded(date.getUTCHours(), 2) +
    padded(date.getUTCMinutes(), 2) +
    padded(date.getUTCSeconds(), 2);
  if (fractionDigits === 0) return text;
  return `${text},${padded(date.getUTCMilliseconds(), 3)}${fractionDigits === 6 ? '000' : ''}`;
}

/** `20260401T081500,5` → ms since 1970 (below a millisecond is cut); undefined when it is no timestamp or no such date. */
export function parseTimestamp(text: string): number | undefined {
  const match = timestampPattern.exec(text);
  if (!match) return undefined;
  const [year, month, dayOfMonth, hours, minutes, seconds] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (year < 1 || month < 1 || month > 12 || dayOfMonth < 1 || hours > 23 || minutes > 59 || seconds > 59) {
    return undefined;
  }
  const milliseconds = match[7] ? Number(match[7].padEnd(3, '0').slice(0, 3)) : 0;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, dayOfMonth);
  // 30 February would silently become 2 March.
  if (date.getUTCDate() !== dayOfMonth || date.getUTCMonth() !== month - 1) return undefined;
  return date.setUTCHours(hours, minutes, seconds, milliseconds);
}

/**
 * absRelTimestamp (TS-0004 6.3.3): a timestamp, or a number of milliseconds from `now`; also a duration from `now`, which
 * tools send in its place. Answers ms since 1970; undefined when it is none of them or beyond the year 9999. A negative
 * number lies in the past.
 */
export function parseAbsoluteOrRelative(text: string, now: number): number | undefined {
  const relative = /^[+-]?\d{1,15}$/.test(text) ? Number(text) : parseDuration(text);
  if (relative === undefined) return parseTimestamp(text);
  const time = now + relative;
  return time >= earliestTime && time <= latestTime ? time : undefined;
}

/**
 * XML Schema duration (`PT10M`, `P1DT0.5S`) → ms. A month counts 30 days and a year 365, for nobody schedules a device by
 * the calendar through a duration. Negative ones, an empty `P` and more than 100 years are undefined.
 */
export function parseDuration(text: string): number | undefined {
  const match = durationPattern.exec(text);
  if (!match || match[1] !== undefined || text.endsWith('P') || text.endsWith('T')) return undefined;
  const [years, months, days, hours, minutes, seconds] = match.slice(2, 8).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const fraction = match[8] ? Number(`0.${match[8]}`) : 0;
  const total =
    (years * 365 + months * 30 + days) * day +
    hours * hour +
    minutes * minute +
    Math.round((seconds + fraction) * second);
  return total <= 100 * 365 * day ? total : undefined;
}

/** ms → the shortest duration without months and years: 600000 → `PT10M`. Throws a RangeError on a negative number. */
export function formatDuration(milliseconds: number): string {
  if (!(milliseconds >= 0 && Number.isFinite(milliseconds))) {
    throw new RangeError(`${milliseconds} ms is no duration`);
  }
  milliseconds = Math.round(milliseconds);
  const days = Math.floor(milliseconds / day);
  const hours = Math.floor((milliseconds % day) / hour);
  const minutes = Math.floor((milliseconds % hour) / minute);
  const seconds = (milliseconds % minute) / second;
  const time = (hours > 0 ? `${hours}H` : '') + (minutes > 0 ? `${minutes}M` : '') + (seconds > 0 ? `${seconds}S` : '');
  if (days === 0 && time === '') return 'PT0S';
  return `P${days > 0 ? `${days}D` : ''}${time === '' ? '' : `T${time}`}`;
}
