/** What a CPE says on its own: Inform and the other requests of a CPE (TR-069 A.3.3, A.4.2), and our answers. */
import { internalError } from '../faults.ts';
import { childOf, textIn, type Element } from '../soap.ts';
import { readTime } from '../scalars.ts';
import type { ParameterValue } from '../values.ts';
import { nothing, Xml, xml } from '../xml.ts';
import { arrayOf, booleanIn, countIn, listIn, timeIn, wordIn } from './method.ts';
import { readParameterValues } from './parameters.ts';

export interface DeviceId {
  manufacturer: string;
  oui: string;
  /** '' = none. */
  productClass: string;
  serialNumber: string;
}

export interface CpeEvent {
  /** As the CPE wrote it, blanks made single: `0 BOOTSTRAP`, `M Download`. */
  code: string;
  commandKey: string;
}

/** FaultCode 0 = no fault. */
export interface FaultStruct {
  code: number;
  text: string;
}

export interface Inform {
  method: 'Inform';
  deviceId: DeviceId;
  events: CpeEvent[];
  retryCount: number;
  /** The CPE's clock, s since 1970: shown, never compared (quirk 42). */
  currentTime?: number;
  parameters: ParameterValue[];
}

export interface TransferComplete {
  method: 'TransferComplete';
  commandKey: string;
  fault: FaultStruct;
  startTime?: number;
  completeTime?: number;
}

export interface AutonomousTransferComplete {
  method: 'AutonomousTransferComplete';
  announceUrl: string;
  transferUrl: string;
  isDownload: boolean;
  fileType: string;
  fileSize?: number;
  targetFileName: string;
  fault: FaultStruct;
  startTime?: number;
  completeTime?: number;
}

export interface RequestDownload {
  method: 'RequestDownload';
  fileType: string;
  arguments: { name: string; value: string }[];
}

export interface DeploymentResult {
  uuid: string;
  deploymentUnitRef: string;
  version: string;
  /** Installed, Uninstalled or Failed. */
  currentState: string;
  resolved: boolean;
  executionUnitRefs: string[];
  startTime?: number;
  completeTime?: number;
  fault: FaultStruct;
  /** Install, Update or Uninstall; only when it was not asked for. */
  operationPerformed?: string;
}

export interface DUStateChangeComplete {
  method: 'DUStateChangeComplete';
  commandKey: string;
  results: DeploymentResult[];
}

export interface AutonomousDUStateChangeComplete {
  method: 'AutonomousDUStateChangeComplete';
  results: DeploymentResult[];
}

export interface Kicked {
  method: 'Kicked';
  command: string;
  referer: string;
  argument: string;
  next: string;
}

export type CpeRequest =
  | Inform
  | TransferComplete
  | AutonomousTransferComplete
  | RequestDownload
  | DUStateChangeComplete
  | AutonomousDUStateChangeComplete
  | { method: 'GetRPCMethods' }
  | Kicked;

/** Most events of an Inform that are looked at; TR-069 allows 64. */
const maximumEvents = 256;
/** Most results of a change of deployment units that are looked at. */
const maximumResults = 4096;

const readers: { [M in CpeRequest['method']]: (request: Element) => Extract<CpeRequest, { method: M }> } = {
  Inform: readInform,
  TransferComplete: (request) => ({
    method: 'TransferComplete',
    commandKey: wordIn(request, 'CommandKey'),
    ...transferEnd(request),
  }),
  AutonomousTransferComplete: (request) => ({
    method: 'AutonomousTransferComplete',
    announceUrl: wordIn(request, 'AnnounceURL'),
    transferUrl: wordIn(request, 'TransferURL'),
    isDownload: booleanIn(request, 'IsDownload') ?? true,
    fileType: wordIn(request, 'FileType'),
    fileSize: countIn(request, 'FileSize'),
    targetFileName: wordIn(request, 'TargetFileName'),
    ...transferEnd(request),
  }),
  RequestDownload: (request) => ({
    method: 'RequestDownload',
    fileType: wordIn(request, 'FileType'),
    arguments: listIn(request, 'FileTypeArg').map((entry) => ({
      name: wordIn(entry, 'Name'),
      value: textIn(entry, 'Value') ?? '',
    })),
  }),
  DUStateChangeComplete: (request) => ({
    method: 'DUStateChangeComplete',
    commandKey: wordIn(request, 'CommandKey'),
    results: readDeploymentResults(request),
  }),
  AutonomousDUStateChangeComplete: (request) => ({
    method: 'AutonomousDUStateChangeComplete',
    results: readDeploymentResults(request),
  }),
  GetRPCMethods: () => ({ method: 'GetRPCMethods' }),
  Kicked: (request) => ({
    method: 'Kicked',
    command: wordIn(request, 'Command'),
    referer: wordIn(request, 'Referer'),
    argument: wordIn(request, 'Arg'),
    next: wordIn(request, 'Next'),
  }),
};

/** The request that an element is; undefined when we do not know the method. */
export function readCpeRequest(element: Element): CpeRequest | undefined {
  return isCpeMethod(element.name) ? readers[element.name](element) : undefined;
}

function isCpeMethod(name: string): name is CpeRequest['method'] {
  return Object.hasOwn(readers, name);
}

function readInform(request: Element): Inform {
  const deviceId = childOf(request, 'DeviceId');
  return {
    method: 'Inform',
    // Pretty-printed values have line feeds around them (quirk 9).
    deviceId: {
      manufacturer: wordIn(deviceId, 'Manufacturer'),
      oui: wordIn(deviceId, 'OUI'),
      productClass: wordIn(deviceId, 'ProductClass'),
      serialNumber: wordIn(deviceId, 'SerialNumber'),
    },
    events: listIn(request, 'Event')
      .slice(0, maximumEvents)
      .map((entry) => ({
        code: wordIn(entry, 'EventCode').replaceAll(/\s+/g, ' '),
        commandKey: wordIn(entry, 'CommandKey'),
      })),
    retryCount: countIn(request, 'RetryCount') ?? 0,
    currentTime: readTime(textIn(request, 'CurrentTime')),
    parameters: readParameterValues(request),
  };
}

/** Whatever the order, and with anything missing (quirks 8 and 27). */
function transferEnd(request: Element): { fault: FaultStruct; startTime?: number; completeTime?: number } {
  return {
    fault: readFaultStruct(childOf(request, 'FaultStruct')),
    startTime: timeIn(request, 'StartTime'),
    completeTime: timeIn(request, 'CompleteTime'),
  };
}

/** Without any code in it the struct is empty, and nothing went wrong (quirk 27); where it speaks all the same, it is of a failure. */
function readFaultStruct(element: Element | undefined): FaultStruct {
  const text = wordIn(element, 'FaultString');
  const code = countIn(element, 'FaultCode');
  const speaks = text !== '' || wordIn(element, 'FaultCode') !== '';
  return { code: code ?? (speaks ? internalError : 0), text };
}

/**
 * Each `Results` is one result (cwmp-1-2.xsd: OpResultStruct, unbounded). Where it holds structs instead, as the arrays of other
 * methods do, each of those is one: a failure must not be lost by the form.
 */
function readDeploymentResults(request: Element): DeploymentResult[] {
  const entries = request.children
    .filter(({ name }) => name === 'Results')
    .flatMap((entry) => {
      const members = entry.children.filter(({ name }) => name.endsWith('OpResultStruct'));
      return members.length > 0 ? members : [entry];
    });
  return entries.slice(0, maximumResults).map((entry) => ({
    uuid: wordIn(entry, 'UUID'),
    deploymentUnitRef: wordIn(entry, 'DeploymentUnitRef'),
    version: wordIn(entry, 'Version'),
    currentState: wordIn(entry, 'CurrentState'),
    resolved: booleanIn(entry, 'Resolved') ?? false,
    executionUnitRefs: wordIn(entry, 'ExecutionUnitRefList')
      .split(',')
      .map((reference) => reference.trim())
      .filter((reference) => reference !== ''),
    startTime: timeIn(entry, 'StartTime'),
    completeTime: timeIn(entry, 'CompleteTime'),
    fault: readFaultStruct(childOf(entry, 'Fault')),
    operationPerformed: wordIn(entry, 'OperationPerformed') || undefined,
  }));
}

const ourMethods = Object.keys(readers);

/** Our answer to a request of a CPE, as the whole element. */
export function answerBody(request: CpeRequest): Xml {
  const tag = new Xml(`cwmp:${request.method}Response`);
  return xml`<${tag}>${answerContent(request)}</${tag}>`;
}

function answerContent(request: CpeRequest): Xml {
  switch (request.method) {
    case 'Inform':
      return xml`<MaxEnvelopes>1</MaxEnvelopes>`;
    case 'GetRPCMethods':
      return arrayOf(
        'MethodList',
        'xsd:string',
        ourMethods.map((name) => xml`<string>${name}</string>`),
      );
    case 'Kicked':
      return xml`<NextURL>${request.next}</NextURL>`;
    default:
      return nothing;
  }
}
