/** A response primitive → an HTTP response (TS-0009 6.3, 6.4.3). */
import type { ServerResponse } from 'node:http';
import { SerializedContent } from '../onem2m/primitive.ts';
import type { Json, ResponsePrimitive } from '../onem2m/primitive.ts';
import { httpStatusOf } from '../onem2m/status-codes.ts';
import type { AnswerType } from './media-types.ts';

const beyondAscii = /[^ -~]/;

export interface Answer {
  response: ResponsePrimitive;
  answerType: AnswerType;
  /** Replaces the status of the table, for what HTTP itself says better (503). */
  httpStatus?: number;
  extraHeaders?: string[];
}

/** Writes and ends. Headers that carry what a requester sent have been through node's own check of header values. */
export function writeResponse(
  output: ServerResponse,
  { response, answerType, httpStatus, extraHeaders }: Answer,
): void {
  const text = textOf(response.content);
  const headers: string[] = ['X-M2M-RSC', String(response.responseStatusCode)];
  if (response.requestIdentifier !== '') headers.push('X-M2M-RI', response.requestIdentifier);
  if (response.releaseVersionIndicator !== undefined) headers.push('X-M2M-RVI', response.releaseVersionIndicator);
  if (response.originatingTimestamp !== undefined) headers.push('X-M2M-OT', response.originatingTimestamp);
  if (response.resultExpirationTimestamp !== undefined) headers.push('X-M2M-RST', response.resultExpirationTimestamp);
  if (response.eventCategory !== undefined) headers.push('X-M2M-EC', String(response.eventCategory));
  if (response.vendorInformation !== undefined) headers.push('X-M2M-VSI', response.vendorInformation);
  if (response.contentStatus !== undefined) headers.push('X-M2M-CTS', String(response.contentStatus));
  if (response.contentOffset !== undefined) headers.push('X-M2M-CTO', String(response.contentOffset));
  if (response.createdAt !== undefined) headers.push('Content-Location', pathOf(response.createdAt));
  if (extraHeaders) headers.push(...extraHeaders);
  if (text === undefined) {
    headers.push('Content-Length', '0');
  } else {
    headers.push('Content-Type', answerType, 'Content-Length', String(Buffer.byteLength(text)));
  }
  output.writeHead(httpStatus ?? httpStatusOf(response.responseStatusCode), headers);
  // Node sends headers and a text body as one UTF-8 string; what a requester wrote in Latin-1 must come back as it was.
  output.end(text !== undefined && isEchoBeyondAscii(response) ? Buffer.from(text) : text);
}

function isEchoBeyondAscii({ requestIdentifier, vendorInformation }: ResponsePrimitive): boolean {
  return (
    beyondAscii.test(requestIdentifier) || (vendorInformation !== undefined && beyondAscii.test(vendorInformation))
  );
}

function textOf(content: Json | SerializedContent | undefined): string | undefined {
  if (content === undefined || content === null) return undefined;
  return content instanceof SerializedContent ? content.text : JSON.stringify(content);
}

/** Address of a resource → path of the HTTP binding (TS-0009 6.2.2.1). */
export function pathOf(address: string): string {
  if (address.startsWith('//')) return `/_${address.slice(1)}`;
  return address.startsWith('/') ? `/~${address}` : `/${address}`;
}
