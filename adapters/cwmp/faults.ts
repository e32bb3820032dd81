/**
 * SOAP faults of CPEs and the fault codes of CWMP (TR-069 A.5.1). `evidence` of a failure begins with the code, so that
 * the execResult of a command follows from it by mappings/commands.yaml.
 */
import type { Cause, Failure } from '../../src/management/outcome.ts';
import { descendantOf, textIn, type Element } from './soap.ts';
import { readCount } from './scalars.ts';

export interface ParameterFault {
  name: string;
  code: number;
  text: string;
}

export interface CpeFault {
  /** 9000–9899. */
  code: number;
  text: string;
  /** SetParameterValues only: what is wrong with which parameter. */
  parameters: ParameterFault[];
}

export const requestDenied = 9001;
export const internalError = 9002;
const maximumParameterFaults = 1000;

/**
 * Reads a SOAP fault wherever its parts stand: `detail` inside `faultstring`, no `cwmp:Fault`, the code in `faultstring`
 * (quirk 17). Without a CWMP code it is an internal error.
 */
export function readFault(element: Element): CpeFault {
  const scope = descendantOf(element, 'detail') ?? element;
  const fault = nestedFault(scope) ?? scope;
  const said = textIn(fault, 'FaultString') ?? textIn(element, 'faultstring') ?? '';
  const code =
    cpeCode(textIn(fault, 'FaultCode')) ??
    cpeCode(descendantOf(element, 'FaultCode')?.text) ??
    cpeCode(/\b9[0-8]\d\d\b/.exec(`${textIn(element, 'faultstring')} ${textIn(element, 'faultcode')}`)?.[0]);
  const parameters = fault.children
    .filter(({ name }) => name === 'SetParameterValuesFault')
    .slice(0, maximumParameterFaults)
    .map((entry) => ({
      name: textIn(entry, 'ParameterName')?.trim() ?? '',
      code: cpeCode(textIn(entry, 'FaultCode')) ?? internalError,
      text: trimmed(textIn(entry, 'FaultString')),
    }));
  return { code: code ?? internalError, text: trimmed(said), parameters };
}

/** The `cwmp:Fault` below the `soap:Fault`. */
function nestedFault(scope: Element): Element | undefined {
  for (const child of scope.children) {
    const found = descendantOf(child, 'Fault');
    if (found) return found;
  }
  return undefined;
}

function cpeCode(text: string | undefined): number | undefined {
  const code = readCount(text);
  return code !== undefined && code >= 9000 && code <= 9899 ? code : undefined;
}

function trimmed(text: string | undefined): string {
  return text?.trim().slice(0, 256) ?? '';
}

interface FaultRow {
  name: string;
  /** In the answer to an RPC (TS-0006 8.1: 9005 is NOT_IMPLEMENTED, all others BAD_REQUEST). */
  cause: Cause;
  /** At the end of a procedure: TransferComplete, DUStateChangeComplete. */
  procedureCause: Cause;
  advice: string;
}

const rows: Readonly<Record<number, FaultRow>> = Object.freeze({
  9000: row('method not supported', 'not-implemented', 'the CPE does not know the method'),
  9001: row('request denied', 'bad-request', 'the CPE refuses it, without saying why; look at its settings'),
  9002: row('internal error', 'bad-request', 'the CPE failed; try again, and look at the CPE when it fails again'),
  9003: row('invalid arguments', 'bad-request', 'the CPE calls the arguments wrong; check the values'),
  9004: row('resources exceeded', 'bad-request', 'the CPE has no room or memory for it; ask for less or try later'),
  9005: row('invalid parameter name', 'not-implemented', 'the CPE does not have this parameter or object'),
  9006: row('invalid parameter type', 'bad-request', 'the CPE keeps this parameter in another type; check the mapping'),
  9007: row('invalid parameter value', 'bad-request', 'the CPE does not take this value; change it'),
  9008: row('parameter is not writable', 'bad-request', 'the CPE does not let this parameter be written'),
  9009: row('notification request rejected', 'bad-request', 'the CPE does not notify of this parameter'),
  9010: transfer('file transfer failure', 'check that the CPE can reach the file'),
  9011: transfer('upload failure', 'check that the server takes uploads from the CPE'),
  9012: transfer('file server authentication failure', 'check the credentials of the file server'),
  9013: transfer('unsupported transfer protocol', 'use a URL with another scheme'),
  9014: transfer('cannot join the multicast group', 'use a unicast URL'),
  9015: transfer('cannot contact the file server', 'check that the CPE can reach the file server'),
  9016: transfer('cannot access the file', 'check the URL'),
  9017: transfer('cannot complete the download', 'check the connection of the CPE, then try again'),
  9018: transfer('file corrupted', 'check the image'),
  9019: transfer('file authentication failure', 'check the signature of the image'),
  9020: row('not completed within the time windows', 'bad-request', 'give wider time windows', 'deadline'),
  9021: row('cancellation not permitted now', 'not-acceptable', 'wait until the transfer is over'),
  9022: row('invalid UUID format', 'bad-request', 'give a UUID as RFC 4122 writes it', 'update-failed'),
  9023: row('unknown execution environment', 'bad-request', 'name an environment that the CPE has', 'update-failed'),
  9024: row('disabled execution environment', 'bad-request', 'enable the environment first', 'update-failed'),
  9025: row('unit and environment do not match', 'bad-request', 'choose another environment', 'update-failed'),
  9026: row('duplicate deployment unit', 'bad-request', 'it is installed already: uninstall it first', 'update-failed'),
  9027: row('system resources exceeded', 'bad-request', 'make room on the CPE', 'update-failed'),
  9028: row(
    'unknown deployment unit',
    'bad-request',
    'let the objects of the CPE be discovered again',
    'update-failed',
  ),
  9029: row('invalid deployment unit state', 'bad-request', 'read the state of the unit first', 'update-failed'),
  9030: row('downgrade not permitted', 'bad-request', 'choose a newer version', 'update-failed'),
  9031: row('version not specified', 'bad-request', 'give the version', 'update-failed'),
  9032: row('version exists already', 'bad-request', 'the CPE has this version', 'update-failed'),
});

function row(name: string, cause: Cause, advice: string, procedureCause: Cause = 'device-error'): FaultRow {
  return Object.freeze({ name, cause, procedureCause, advice });
}

function transfer(name: string, advice: string): FaultRow {
  return row(name, 'bad-request', advice, 'transfer-failed');
}

const vendorRow = row('vendor fault', 'bad-request', 'ask the vendor of the CPE what it means');

/** Codes that a CPE gives while it is busy: the same request may succeed a moment later (quirk 46). */
export function isTransient(code: number): boolean {
  return code === requestDenied || code === internalError;
}

/** `9005 invalid parameter name`, and the CPE's own words where it has others. */
export function evidenceOf({ code, text }: { code: number; text: string }): string {
  const { name } = rows[code] ?? vendorRow;
  return text === '' || text.toLowerCase() === name ? `${code} ${name}` : `${code} ${name}: ${text}`;
}

/** The code at the beginning of the evidence of a failure of this leg. */
export function faultCodeIn(evidence: string | undefined): number | undefined {
  return cpeCode(/^\d{4}\b/.exec(evidence ?? '')?.[0]);
}

/** The failure that a fault in the answer to an RPC is. */
export function failureOfFault(fault: { code: number; text: string }, path?: string): Failure {
  const { cause, advice } = rows[fault.code] ?? vendorRow;
  return { cause, explanation: advice, evidence: evidenceOf(fault), ...(path === undefined ? {} : { path }) };
}

/** The failure that a fault at the end of a transfer or of a change of deployment units is. */
export function failureOfProcedure(fault: { code: number; text: string }): Failure {
  const { procedureCause, advice } = rows[fault.code] ?? { ...vendorRow, procedureCause: 'update-failed' };
  return { cause: procedureCause, explanation: advice, evidence: evidenceOf(fault) };
}
