/** One HTTP request from its headers to its answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Cse } from '../cse/cse.ts';
import type { RequestPrimitive, ResponsePrimitive } from '../onem2m/primitive.ts';
import { isSuccess, statusCodes } from '../onem2m/status-codes.ts';
import type { Log } from '../support/log.ts';
import type { HttpLimits } from './limits.ts';
import { chooseAnswerType } from './media-types.ts';
import type { AnswerType } from './media-types.ts';
import { allowedMethods, assumedRelease, isMappedMethod, readRequest, supportedReleases } from './read-request.ts';
import { RefusedRequest } from './refused-request.ts';
import { hasBody, readBody } from './request-body.ts';
import type { RequestMetrics } from './request-metrics.ts';
import type { SenderOf } from './sender.ts';
import { writeResponse } from './write-response.ts';
import type { Answer } from './write-response.ts';

/**
 * Judges who sent a request, by its headers and its connection. Answers whether the originator is proved, or why the request is
 * refused (ORIGINATOR_NOT_AUTHENTICATED 4106 …).
 */
export type Authenticate = (
  message: IncomingMessage,
  request: RequestPrimitive,
) => Promise<{ authenticated: boolean } | { responseStatusCode: number; explanation: string }>;

export interface ServingContext {
  cse: Cse;
  log: Log;
  limits: HttpLimits;
  senderOf: SenderOf;
  metrics: RequestMetrics;
  authenticate?: Authenticate;
  state: { inFlight: number; closing: boolean };
}

/** Never rejects. A client that goes away before its answer is forgotten; what it asked for is done all the same. */
export async function serveRequest(
  context: ServingContext,
  message: IncomingMessage,
  output: ServerResponse,
): Promise<void> {
  const { state } = context;
  const startedAt = performance.now();
  const progress: Progress = {};
  let answer: Answer | undefined;
  state.inFlight++;
  try {
    answer = await answerTo(context, message, progress);
  } catch (error) {
    context.log.error({ error, requestIdentifier: progress.request?.requestIdentifier }, 'the HTTP binding failed');
    context.metrics.fault();
    answer = refuse(
      message,
      new RefusedRequest('the gateway failed; its log says why', statusCodes.INTERNAL_SERVER_ERROR),
    );
  } finally {
    state.inFlight--;
  }
  if (!answer) return;
  send(context, output, answer);
  report(context, progress.request, answer.response, performance.now() - startedAt);
}

/** How far a request came, for metrics and log. */
interface Progress {
  request?: RequestPrimitive;
}

async function answerTo(
  context: ServingContext,
  message: IncomingMessage,
  progress: Progress,
): Promise<Answer | undefined> {
  const { limits, state } = context;
  if (state.inFlight > limits.requestsInFlight) {
    message.resume();
    return busy(message);
  }
  if (!isMappedMethod(message.method)) {
    message.resume();
    const refused = new RefusedRequest(
      `the method ${message.method} has no meaning here; use ${allowedMethods}`,
      statusCodes.OPERATION_NOT_ALLOWED,
    );
    return { ...refuse(message, refused), extraHeaders: ['Allow', allowedMethods] };
  }
  const { accept } = message.headers;
  const answerType: AnswerType | null = accept === undefined ? 'application/json' : chooseAnswerType(accept);

  let body: Buffer | undefined;
  if (hasBody(message)) {
    const read = await readBody(message, limits);
    if (read === undefined) return undefined;
    if (read instanceof RefusedRequest) return refuse(message, read);
    body = read;
  }
  if (answerType === null) {
    return refuse(
      message,
      new RefusedRequest('this gateway answers in application/json; accept that', statusCodes.NOT_ACCEPTABLE),
    );
  }
  const request = readRequest(message, body, context.senderOf(message), limits);
  if (request instanceof RefusedRequest) return refuse(message, request);
  progress.request = request;

  if (context.authenticate) {
    const verdict = await context.authenticate(message, request);
    if ('explanation' in verdict) {
      return refuse(message, new RefusedRequest(verdict.explanation, verdict.responseStatusCode));
    }
    request.sender = { ...request.sender, authenticated: verdict.authenticated };
  }
  return { response: await context.cse.request(request), answerType };
}

function refuse(message: IncomingMessage, { responseStatusCode, explanation }: RefusedRequest): Answer {
  const { headers } = message;
  const release = headers['x-m2m-rvi'];
  const known = typeof release === 'string' && supportedReleases.includes(release);
  const response: ResponsePrimitive = {
    responseStatusCode,
    requestIdentifier: (headers['x-m2m-ri'] as string | undefined) ?? '',
    releaseVersionIndicator: known ? release : assumedRelease,
    content: { 'm2m:dbg': explanation },
  };
  return { response, answerType: 'application/json' };
}

function busy(message: IncomingMessage): Answer {
  const refused = new RefusedRequest(
    'the gateway has too many requests in work; send this one again in a moment',
    statusCodes.INTERNAL_SERVER_ERROR,
  );
  return { ...refuse(message, refused), httpStatus: 503, extraHeaders: ['Retry-After', '1'] };
}

function send({ limits, state }: ServingContext, output: ServerResponse, answer: Answer): void {
  if (output.destroyed || output.writableEnded) return;
  if (state.closing) answer.extraHeaders = [...(answer.extraHeaders ?? []), 'Connection', 'close'];
  writeResponse(output, answer);
  // Almost always the kernel has taken it all by now; a client that does not read must not keep it in memory.
  if (output.writableLength > 0 && output.socket) {
    const timer = setTimeout(() => output.destroy(), limits.answerTimeout);
    timer.unref();
    output.once('close', () => clearTimeout(timer));
  }
}

function report(
  { log, metrics }: ServingContext,
  request: RequestPrimitive | undefined,
  { responseStatusCode, requestIdentifier, content }: ResponsePrimitive,
  milliseconds: number,
): void {
  metrics.record(request?.operation, responseStatusCode, milliseconds);
  if (isSuccess(responseStatusCode)) {
    log.debug({ requestIdentifier, to: request?.to, responseStatusCode, milliseconds }, 'request answered');
  } else {
    const fields = { requestIdentifier, from: request?.from, to: request?.to, responseStatusCode, content };
    if (responseStatusCode === statusCodes.INTERNAL_SERVER_ERROR) log.warn(fields, 'request failed');
    else log.debug(fields, 'request refused');
  }
}
