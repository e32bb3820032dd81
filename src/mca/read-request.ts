/** An HTTP request → a request primitive (TS-0009 6.2, 6.4). */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Operation } from '../onem2m/primitive.ts';
import type { Json, RequestPrimitive, Sender } from '../onem2m/primitive.ts';
import { statusCodes } from '../onem2m/status-codes.ts';
import { parseAbsoluteOrRelative, parseTimestamp } from '../onem2m/timestamp.ts';
import { parseJsonBody } from './json-body.ts';
import type { HttpLimits } from './limits.ts';
import { readContentType } from './media-types.ts';
import { parseQuery } from './query.ts';
import { RefusedRequest } from './refused-request.ts';

/** Release versions that a request may name. */
export const supportedReleases: readonly string[] = ['2a', '3', '4'];
/** A request without X-M2M-RVI is answered as one of Release 3. */
export const assumedRelease = '3';

export const allowedMethods = 'GET, POST, PUT, DELETE';

/** Path and query of the request line. */
export interface Target {
  to: string;
  query: string;
}

/** Maps the path to To (TS-0009 6.2.2.1): `/~/` stands for SP-relative, `/_/` for absolute. */
export function readTarget(url: string): Target | RefusedRequest {
  let text = url;
  if (!text.startsWith('/')) {
    // The absolute form of RFC 9112 3.2.2, as proxies send it.
    const authority = /^https?:\/\/[^/?#]*/i.exec(text)?.[0];
    if (authority === undefined) return new RefusedRequest('the request line has no path');
    text = text.slice(authority.length) || '/';
  }
  const mark = text.indexOf('?');
  let path = mark < 0 ? text : text.slice(0, mark);
  const query = mark < 0 ? '' : text.slice(mark + 1);
  if (path.includes('%')) {
    // A decoded slash would name another resource than the one that a proxy in front of us judged.
    if (/%2f/i.test(path)) return new RefusedRequest("the path has an encoded slash; write '/'");
    try {
      path = decodeURIComponent(path);
    } catch {
      return new RefusedRequest('the path has a wrong percent-encoding; encode it as UTF-8');
    }
  }
  if (path.startsWith('/~/')) return { to: path.slice(2), query };
  if (path.startsWith('/_/')) return { to: `/${path.slice(2)}`, query };
  return { to: path.slice(1), query };
}

/** True for a method that the binding maps. */
export function isMappedMethod(method: string | undefined): boolean {
  return method === 'GET' || method === 'POST' || method === 'PUT' || method === 'DELETE';
}

/** Operation of method and `ty` (TS-0009 6.2.1): a POST without a resource type is a NOTIFY. */
function operationOf(method: string | undefined, resourceType: number | undefined): Operation {
  if (method === 'GET') return Operation.RETRIEVE;
  if (method === 'PUT') return Operation.UPDATE;
  if (method === 'DELETE') return Operation.DELETE;
  return resourceType === undefined ? Operation.NOTIFY : Operation.CREATE;
}

/** The method is one that `isMappedMethod` knows. `body`: undefined when the request has none. */
export function readRequest(
  message: IncomingMessage,
  body: Buffer | undefined,
  sender: Sender,
  limits: HttpLimits,
): RequestPrimitive | RefusedRequest {
  const { headers, method } = message;
  const doubled = repeatedHeader(message);
  if (doubled) return new RefusedRequest(`the header ${doubled} is there more than once; send it once`);

  const requestIdentifier = headers['x-m2m-ri'] as string | undefined;
  if (!requestIdentifier) {
    return new RefusedRequest('the header X-M2M-RI is missing; send an identifier that is unique among your requests');
  }
  const releaseVersionIndicator = (headers['x-m2m-rvi'] as string | undefined) || assumedRelease;
  if (!supportedReleases.includes(releaseVersionIndicator)) {
    return new RefusedRequest(
      `X-M2M-RVI names the release '${releaseVersionIndicator.slice(0, 20)}'; this gateway speaks ${supportedReleases.join(', ')}`,
      statusCodes.RELEASE_VERSION_NOT_SUPPORTED,
    );
  }

  const content = readContent(headers, body, limits);
  if (content instanceof RefusedRequest) return content;
  const operation = operationOf(method, content.resourceType);
  if (operation === Operation.DELETE && content.value !== undefined) {
    return new RefusedRequest('a DELETE has no content; send it without a body');
  }

  const target = readTarget(message.url ?? '/');
  if (target instanceof RefusedRequest) return target;

  const primitive: RequestPrimitive = {
    operation,
    to: target.to,
    from: (headers['x-m2m-origin'] as string | undefined) || undefined,
    requestIdentifier,
    releaseVersionIndicator,
    sender,
  };
  if (operation === Operation.CREATE) primitive.resourceType = content.resourceType;
  if (content.value !== undefined) {
    const refused = addContent(primitive, content.value);
    if (refused) return refused;
  }
  if (target.query !== '') {
    const fields = parseQuery(target.query, limits);
    if (fields instanceof RefusedRequest) return fields;
    if (operation === Operation.CREATE && fields.filterCriteria) {
      // TS-0004 table 7.2.1.1-1: Filter Criteria is not permitted
      return new RefusedRequest('a CREATE has no filter criteria; remove them from the query');
    }
    Object.assign(primitive, fields);
  }
  return addOptionalHeaders(primitive, headers) ?? primitive;
}

function readContent(
  headers: IncomingHttpHeaders,
  body: Buffer | undefined,
  limits: HttpLimits,
): { resourceType?: number; value?: Json } | RefusedRequest {
  const contentType = headers['content-type'];
  if (body === undefined || body.length === 0) {
    // A CREATE that forgot its body is still a CREATE: the CSE says what it lacks.
    const read = contentType === undefined ? {} : readContentType(contentType);
    return read instanceof RefusedRequest ? {} : read;
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    return new RefusedRequest(
      `the body has the content coding '${encoding.slice(0, 40)}'; send it plain`,
      statusCodes.UNSUPPORTED_MEDIA_TYPE,
    );
  }
  if (contentType === undefined) {
    return new RefusedRequest(
      'the body has no Content-Type; say application/json, with ;ty=N for a CREATE',
      statusCodes.UNSUPPORTED_MEDIA_TYPE,
    );
  }
  const read = readContentType(contentType);
  if (read instanceof RefusedRequest) return read;
  const value = parseJsonBody(body, limits.jsonDepth);
  if (value instanceof RefusedRequest) return value;
  return { resourceType: read.resourceType, value };
}

function addContent(primitive: RequestPrimitive, value: Json): RefusedRequest | undefined {
  if (primitive.operation !== Operation.RETRIEVE) {
    primitive.content = value;
    return undefined;
  }
  // TS-0004 7.2.1.1: the content of a RETRIEVE is the list of attributes
  const list = value !== null && typeof value === 'object' && !Array.isArray(value) ? value['m2m:atrl'] : undefined;
  if (!Array.isArray(list) || !list.every((name): name is string => typeof name === 'string')) {
    return new RefusedRequest('the content of a RETRIEVE is {"m2m:atrl": [short names]}; send that, or no body');
  }
  primitive.attributeList = list;
  return undefined;
}

type TimeParameter = 'requestExpirationTimestamp' | 'resultExpirationTimestamp' | 'operationExecutionTime';

const timeHeaders: [header: string, parameter: TimeParameter][] = [
  ['x-m2m-ret', 'requestExpirationTimestamp'],
  ['x-m2m-rst', 'resultExpirationTimestamp'],
  ['x-m2m-oet', 'operationExecutionTime'],
];

function addOptionalHeaders(primitive: RequestPrimitive, headers: IncomingHttpHeaders): RefusedRequest | undefined {
  const originated = headers['x-m2m-ot'] as string | undefined;
  if (originated !== undefined) {
    if (parseTimestamp(originated) === undefined) {
      return new RefusedRequest('X-M2M-OT is no oneM2M timestamp; write one such as 20260401T081500');
    }
    primitive.originatingTimestamp = originated;
  }
  for (const [header, parameter] of timeHeaders) {
    const text = headers[header] as string | undefined;
    if (text === undefined) continue;
    if (parseAbsoluteOrRelative(text, 0) === undefined) {
      return new RefusedRequest(
        `${header.toUpperCase()} is neither a oneM2M timestamp such as 20260401T081500 nor a number of milliseconds`,
      );
    }
    primitive[parameter] = text;
  }
  const category = headers['x-m2m-ec'] as string | undefined;
  if (category !== undefined) {
    if (!/^(?:[234]|[1-9]\d{2})$/.test(category)) {
      return new RefusedRequest('X-M2M-EC is no event category; it is 2, 3, 4 or 100 to 999');
    }
    primitive.eventCategory = Number(category);
  }
  const notify = headers['x-m2m-rtu'] as string | undefined;
  if (notify !== undefined) {
    primitive.responseTypeNotificationURIs = notify.split('&').filter((uri) => uri.trim() !== '');
  }
  const group = headers['x-m2m-gid'] as string | undefined;
  if (group !== undefined) primitive.groupRequestIdentifier = group;
  const vendor = headers['x-m2m-vsi'] as string | undefined;
  if (vendor !== undefined) primitive.vendorInformation = vendor;
  return undefined;
}

/** Node joins repeated headers with a comma; only a value with one is looked at twice. */
function repeatedHeader({ headers, rawHeaders }: IncomingMessage): string | undefined {
  for (const name of ['x-m2m-ri', 'x-m2m-origin', 'x-m2m-rvi'] as const) {
    const value = headers[name];
    if (typeof value !== 'string' || !value.includes(', ')) continue;
    let times = 0;
    for (let index = 0; index < rawHeaders.length; index += 2) {
      if (rawHeaders[index]?.toLowerCase() === name) times++;
    }
    if (times > 1) return name.toUpperCase();
  }
  return undefined;
}
