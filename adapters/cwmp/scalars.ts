/**
 * Numbers, booleans and times as text, read leniently: CPEs write `TRUE`, `+07`, blanks and line feeds around, and times
 * without a zone. What cannot be read is undefined, never an exception.
 */

/** Any run of decimal digits with a sign; others are undefined. Leading zeros and blanks do not count. */
export function readInteger(text: string | undefined): bigint | undefined {
  const digits = /^\s*([+-]?)0*(\d{1,20})\s*$/.exec(text ?? '');
  if (!digits) return undefined;
  const value = BigInt(digits[2]!);
  return digits[1] === '-' ? -value : value;
}

/** An unsigned number in the safe range. */
export function readCount(text: string | undefined): number | undefined {
  const value = readInteger(text);
  return value === undefined || value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(value);
}

export function readBoolean(text: string | undefined): boolean | undefined {
  switch (text?.trim().toLowerCase()) {
    case '1':
    case 'true':
    case 'yes':
    case 'on':
      return true;
    case '0':
    case 'false':
    case 'no':
    case 'off':
      return false;
    default:
      return undefined;
  }
}

const dateTime =
  /^(-?\d{4,6})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/i;

/**
 * Seconds since 1970 of a dateTime. No zone: UTC is taken. Undefined for what is no time, and for the "unknown time"
 * and the relative times of TR-106, which are in the first years of our era.
 */
export function readTime(text: string | undefined): number | undefined {
  const parts = dateTime.exec(text?.trim() ?? '');
  if (!parts) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0)) as Moment;
  if (year < 1900 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31) return undefined;
  if (hour > 24 || minute > 59 || second > 60) return undefined;
  const seconds = Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
  return seconds - zoneSeconds(parts[8]);
}

type Moment = [number, number, number, number, number, number];

function zoneSeconds(zone: string | undefined): number {
  if (zone === undefined || zone === 'Z' || zone === 'z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return (zone.startsWith('-') ? -minutes : minutes) * 60;
}

/** What TR-106 says for a time that is not known. */
export const unknownTime = '0001-01-01T00:00:00Z';

/** `YYYY-MM-DDThh:mm:ssZ`: a fraction is refused by some CPEs (quirk 11). */
export function writeTime(seconds: number): string {
  return `${new Date(Math.floor(seconds) * 1000).toISOString().slice(0, 19)}Z`;
}

/** Times that a Date can say: four digits of year. */
export function isWritableTime(seconds: number): boolean {
  return Number.isFinite(seconds) && seconds >= -62_135_596_800 && seconds <= 253_402_300_799;
}
