/** Result codes that a device reports when an order is over (FUMO 1.0, SCOMO 1.0, LAWMO 1.0, DCMO 1.0) as failures of management. */
import type { Cause, Failure } from '../../src/management/outcome.ts';

interface CodeRow {
  words: string;
  cause: Cause;
}

type Family = 'firmware' | 'software' | 'lawmo' | 'other';

const transfer = 'transfer-failed';
const update = 'update-failed';

const firmware: Readonly<Record<number, CodeRow>> = Object.freeze({
  400: row('client error', update),
  401: row('the user has cancelled it', 'cancelled'),
  402: row('the package is damaged', transfer),
  403: row('the package is for another device', transfer),
  404: row('the package could not be validated', transfer),
  405: row('the package is not acceptable', transfer),
  406: row('the download server refused the device', transfer),
  407: row('the download server did not answer in time', transfer),
  408: row('not implemented', 'not-implemented'),
  409: row('undefined error', update),
  410: row('the update failed', update),
  411: row('the URL is malformed or wrong', transfer),
  412: row('the download server is not there', transfer),
  500: row('error of the download server', transfer),
  501: row('no memory for the download', transfer),
  502: row('no memory for the update', update),
  503: row('trouble with the network', transfer),
});

const software: Readonly<Record<number, CodeRow>> = Object.freeze({
  1400: row('client error', update),
  1401: row('the user has cancelled it', 'cancelled'),
  1402: row('the download failed', transfer),
  1403: row('the download server refused the device', transfer),
  1404: row('no memory for the download', transfer),
  1405: row('the installation failed', update),
  1406: row('no memory for the installation', update),
  1407: row('the package could not be validated', transfer),
  1408: row('the removal failed', update),
  1409: row('the activation failed', update),
  1410: row('the deactivation failed', update),
  1411: row('not implemented', 'not-implemented'),
  1412: row('undefined error', update),
  1413: row('the environment is not supported', update),
  1500: row('error of the download server', transfer),
  1501: row('the download server is not there', transfer),
});

const lawmo: Readonly<Record<number, CodeRow>> = Object.freeze({
  1400: row('client error', 'device-error'),
  1401: row('the user has cancelled it', 'cancelled'),
  1402: row('the full lock failed', 'device-error'),
  1403: row('the partial lock failed', 'device-error'),
  1404: row('the unlock failed', 'device-error'),
  1405: row('the wipe failed', 'device-error'),
  1406: row('the wipe was not done, or in part', 'device-error'),
});

const families: Readonly<Record<Family, Readonly<Record<number, CodeRow>>>> = Object.freeze({
  firmware,
  software,
  lawmo,
  other: {},
});

function row(words: string, cause: Cause): CodeRow {
  return Object.freeze({ words, cause });
}

/** 200 to 299 and 1200 to 1299 say yes. */
export function isGoodResult(code: number): boolean {
  return (code >= 200 && code < 300) || (code >= 1200 && code < 1300);
}

export function failureOfResult(code: number, family: Family): Failure {
  const known = families[family][code];
  const isServer = (code >= 500 && code < 600) || (code >= 1500 && code < 1600);
  const cause =
    known?.cause ?? (family === 'firmware' || family === 'software' ? (isServer ? transfer : update) : 'device-error');
  const words = known?.words ?? 'the device reports a failure of its own kind; ask its vendor';
  return { cause, explanation: `${words}; ${adviceFor(cause)}`, evidence: `ResultCode ${code}` };
}

function adviceFor(cause: Cause): string {
  switch (cause) {
    case transfer:
      return 'check the URL and the image, then trigger it again';
    case 'cancelled':
      return 'ask again';
    case 'not-implemented':
      return 'the device cannot do it';
    default:
      return 'look at the device, then trigger it again';
  }
}

/** The code in the data of an alert: a number, or markup with a ResultCode (SCOMO 1.0). Undefined: there is none. */
export function readResultCode(text: string): number | undefined {
  const plain = text.trim();
  const digits = /^\d{1,4}$/.test(plain) ? plain : /<(?:\w+:)?ResultCode[^>]*>\s*(\d{1,4})\s*</.exec(plain)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
