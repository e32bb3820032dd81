/** Requests to one device in one session, with their answers as failures of management; each leaves a line in the trace. */
import type { TraceEntry } from '../../src/management/adapter.ts';
import type { Failure } from '../../src/management/outcome.ts';
import type { Answer, Exchange, Found, Request } from './exchange.ts';
import { plainPath } from './paths.ts';
import { evidenceOf, failureOfStatus, isSuccess } from './status-codes.ts';

export interface Reply {
  /** Undefined: the device has not answered. */
  status?: number;
  found: Found[];
  /** Undefined: it said yes. */
  failure?: Failure;
  /** There is no such node. */
  isAbsent: boolean;
  children?: Answer[];
}

export interface Channel {
  readonly isOpen: boolean;
  readonly batchSize: number;
  /**
   * In their order; in as few packages as `batchSize` allows, so only for what may be carried out in any order.
   */
  ask(requests: readonly Request[]): Promise<Reply[]>;
  /** One request, in a package of its own. */
  order(request: Request): Promise<Reply>;
}

export interface ChannelOptions {
  batchSize: number;
  largeObjects: () => boolean;
  trace: (entry: TraceEntry) => void;
}

export function createChannel(exchange: Exchange, { batchSize, largeObjects, trace }: ChannelOptions): Channel {
  async function send(requests: readonly Request[]): Promise<Reply[]> {
    trace({ direction: 'out', summary: requests.map(wordsOf).join(', ').slice(0, 500) });
    const answers = await exchange.ask(requests, { largeObjects: largeObjects() });
    const replies = requests.map((request, index) => replyOf(request, answers[index]));
    const line = replies.map(({ status }, index) => `${status ?? 'no answer'} ${wordsOf(requests[index]!)}`);
    trace({ direction: 'in', summary: line.join(', ').slice(0, 500) });
    return replies;
  }
  return {
    get isOpen() {
      return exchange.isOpen;
    },
    batchSize,
    async ask(requests) {
      const replies: Reply[] = [];
      for (let at = 0; at < requests.length; at += batchSize) {
        replies.push(...(await send(requests.slice(at, at + batchSize))));
      }
      return replies;
    },
    async order(request) {
      return (await send([request]))[0]!;
    },
  };
}

/** Values are not shown: some are secrets. */
function wordsOf(request: Request): string {
  switch (request.command) {
    case 'Copy':
      return `Copy ${request.from} to ${request.path}`;
    case 'Atomic':
    case 'Sequence':
      return `${request.command} (${request.requests.map(wordsOf).join(', ')})`;
    case 'Alert':
      return `Alert ${request.code}`;
    default:
      return `${request.command} ${request.path}`;
  }
}

const absences: ReadonlySet<number> = new Set([404, 410]);

function replyOf(request: Request, answer: Answer | undefined): Reply {
  const path = 'path' in request ? plainPath(request.path) : undefined;
  const where = path === undefined ? undefined : { path };
  const { status, evidence, found = [], children, problem } = answer ?? {};
  const common = { status, found, children, isAbsent: status !== undefined && absences.has(status) };
  if (problem) {
    const cause = problem.kind === 'not-received' ? 'unreadable' : 'contents-unacceptable';
    const said = status === undefined ? undefined : { evidence: evidenceOf(status, evidence) };
    return { ...common, failure: { cause, explanation: problem.explanation, ...said, ...where } };
  }
  if (status === undefined) {
    const explanation = answer?.sent
      ? 'the device has not answered before the session ended; it may have been done'
      : 'the session ended before it was sent; repeat the request';
    return { ...common, failure: { cause: 'no-answer', explanation, ...where } };
  }
  return isSuccess(status) ? common : { ...common, failure: failureOfStatus(status, evidence, path) };
}

/** What a Get of `path` has found there; the only thing that was found, where the device names it otherwise. */
export function foundAt({ found }: Reply, path: string): Found | undefined {
  const exact = found.find((one) => plainPath(one.path) === path);
  return exact ?? (found.length === 1 ? found[0] : undefined);
}
