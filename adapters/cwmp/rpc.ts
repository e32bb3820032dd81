/** All methods of CWMP, typed, in both directions (TR-069 annex A). Deprecated requests of an ACS are left out. */
import type { Envelope } from './soap.ts';
import type { Element } from './soap.ts';
import { readFault, type CpeFault } from './faults.ts';
import { deploymentMethods } from './rpc/deployment.ts';
import { deviceMethods } from './rpc/device.ts';
import type { Method } from './rpc/method.ts';
import { objectMethods } from './rpc/objects.ts';
import { parameterMethods } from './rpc/parameters.ts';
import { readCpeRequest, type CpeRequest } from './rpc/reports.ts';
import { transferMethods } from './rpc/transfers.ts';
import { Xml, xml } from './xml.ts';

export { answerBody } from './rpc/reports.ts';
export type * from './rpc/reports.ts';
export type { DeploymentOperation } from './rpc/deployment.ts';
export type { AttributeChange, ParameterAttributes, ParameterName } from './rpc/parameters.ts';
export type { DownloadRequest, QueuedTransfer, TransferAnswer, UploadRequest } from './rpc/transfers.ts';

const methods = {
  ...parameterMethods,
  ...objectMethods,
  ...deviceMethods,
  ...transferMethods,
  ...deploymentMethods,
};

type Methods = typeof methods;
/** A request of ours. */
export type AcsMethod = keyof Methods;
export type Arguments<M extends AcsMethod> = Parameters<Methods[M]['encode']>[0];
export type Answer<M extends AcsMethod> = ReturnType<Methods[M]['decode']>;

const table: { readonly [M in AcsMethod]: Method<Arguments<M>, Answer<M>> } = methods;

export const acsMethods = Object.freeze(Object.keys(methods)) as readonly AcsMethod[];

/**
 * Requests that do no more when they are carried out twice: questions, and values that are set all or nothing (TR-069 A.3.2.1).
 * Not AddObject, which makes a second one, DeleteObject, which fails then, and what restarts, transfers or schedules.
 */
const repeatable: ReadonlySet<AcsMethod> = new Set([
  'CancelTransfer',
  'GetAllQueuedTransfers',
  'GetParameterAttributes',
  'GetParameterNames',
  'GetParameterValues',
  'GetRPCMethods',
  'SetParameterAttributes',
  'SetParameterValues',
]);

export function isRepeatable(method: AcsMethod): boolean {
  return repeatable.has(method);
}

/** The whole element of a request of ours. */
export function requestBody<M extends AcsMethod>(name: M, request: Arguments<M>): Xml {
  const tag = new Xml(`cwmp:${name}`);
  return xml`<${tag}>${table[name].encode(request)}</${tag}>`;
}

/** The answer in a response element. */
export function readAnswer<M extends AcsMethod>(name: M, response: Element): Answer<M> {
  return table[name].decode(response);
}

/** What a CPE may put into an envelope. A response is read by whoever knows what was asked. */
export type Incoming =
  | { kind: 'request'; request: CpeRequest }
  | { kind: 'response'; method: string; response: Element }
  | { kind: 'fault'; fault: CpeFault }
  /** A request that we do not know: fault 8000. */
  | { kind: 'unknown'; method: string };

export function readIncoming({ body }: Pick<Envelope, 'body'>): Incoming {
  if (body.name === 'Fault') return { kind: 'fault', fault: readFault(body) };
  const request = readCpeRequest(body);
  if (request) return { kind: 'request', request };
  if (body.name.endsWith('Response')) {
    return { kind: 'response', method: body.name.slice(0, -'Response'.length), response: body };
  }
  return { kind: 'unknown', method: body.name.slice(0, 64) };
}
