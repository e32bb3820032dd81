/** One operation on one CPE: its steps in order, the first failure ends it, one outcome comes out. */
import { Withdrawn, type AdapterContext, type LaneSession, type ManagedDevice } from '../../src/management/adapter.ts';
import type { Operation, Step } from '../../src/management/operation.ts';
import { failed, succeeded, type Failure, type TargetResult } from '../../src/management/outcome.ts';
import type { Channel } from './channel.ts';
import type { CpeFacts } from './facts.ts';
import {
  commandKeyOf,
  orderProcedure,
  orderRpc,
  procedures,
  readRpcArguments,
  rpcOf,
  type Order,
  type Ordered,
} from './orders.ts';
import { obstacleTo } from './obstacles.ts';
import { readTargets } from './reading.ts';
import type { CwmpSettings } from './settings.ts';
import { createInstance, deleteInstance, discoverChildren, writeAssignments } from './writing.ts';

export interface Executor {
  channel: Channel;
  context: AdapterContext;
  settings: CwmpSettings;
  device: ManagedDevice;
  facts: CpeFacts;
  /** The session is over: outcomes are decided by the next one. */
  isOver(): boolean;
}

export interface Executed {
  /** The CPE will restart at the end of the session: what follows belongs into the next one. */
  restarts: boolean;
  /** Objects that there are now. */
  made: string[];
  /** Objects that there are no more. */
  removed: string[];
  /** An answer is missing: nobody knows what the CPE has done. */
  unanswered: boolean;
  /** The session may carry no more requests: it is back in the lane, and done in the next one. */
  isCutShort: boolean;
}

interface StepResult {
  results: TargetResult[];
  failure?: Failure;
  created?: string;
  evidence?: string;
}

/** Never rejects for what the CPE does; rejects when management cannot store the outcome. */
export async function executeOperation(executor: Executor, lane: LaneSession, operation: Operation): Promise<Executed> {
  const goOn: Executed = { restarts: false, made: [], removed: [], unanswered: false, isCutShort: false };
  const impossible = checkSteps(operation, executor);
  if (impossible) {
    await lane.settle(operation, failed(impossible.failure, [], impossible.step));
    return goOn;
  }
  try {
    await lane.dispatched([operation]);
  } catch (error) {
    if (error instanceof Withdrawn) return goOn;
    throw error;
  }
  const { count } = executor.channel;
  const results: TargetResult[] = [];
  let created: string | undefined;
  let evidence: string | undefined;
  for (const [index, step] of operation.steps.entries()) {
    const order: Order = { ...executor, lane, operation, results };
    const ordered = orderOf(order, step);
    const done: StepResult | Ordered = ordered ? await ordered : await executeStep(executor, operation, step);
    if ('restarts' in done && !done.failure) return { ...goOn, restarts: done.restarts };
    if ('results' in done) {
      results.push(...done.results);
      created = done.created ?? created;
      evidence = done.evidence ?? evidence;
      if (step.action === 'delete' && !done.failure) goOn.removed.push(withDot(step.path));
    }
    if (!done.failure) continue;
    goOn.unanswered = done.failure.cause === 'no-answer';
    // The lane belongs to the next session by now: what was sent, and to what effect, is decided by evidence.
    if (executor.isOver() && goOn.unanswered) return goOn;
    if (fitsIntoNext(executor.channel, operation, done.failure, count)) {
      await lane.release([operation]);
      return { ...goOn, isCutShort: true };
    }
    await lane.settle(operation, failed(done.failure, results, index));
    return goOn;
  }
  await lane.settle(operation, succeeded(results, { created, evidence }));
  if (created !== undefined) goOn.made.push(created);
  return goOn;
}

/** It met the limit of requests only because of others before it. `before`: requests before its first one. */
function fitsIntoNext(
  { count, maximumRequests }: Channel,
  { repeatable }: Operation,
  { cause }: Failure,
  before: number,
): boolean {
  return repeatable && cause === 'unavailable' && count >= maximumRequests && count - before < maximumRequests / 2;
}

function withDot(path: string): string {
  return path.endsWith('.') ? path : `${path}.`;
}

/** What can be known before anything is sent. */
function checkSteps(operation: Operation, executor: Executor): { failure: Failure; step: number } | undefined {
  for (const [index, step] of operation.steps.entries()) {
    const failure = problemWith(step) ?? obstacleTo({ ...executor, operation }, step);
    if (failure) return { failure, step: index };
    if ((step.action === 'procedure' || step.action === 'execute') && index < operation.steps.length - 1) {
      const explanation = 'nothing can follow an RPC in one request, because it ends later; make two requests of it';
      return { failure: { cause: 'not-implemented', explanation }, step: index + 1 };
    }
  }
  return undefined;
}

function problemWith(step: Step): Failure | undefined {
  if (step.action === 'procedure' && !Object.hasOwn(procedures, step.procedure)) {
    return {
      cause: 'not-implemented',
      explanation: `the CWMP leg has no procedure ${step.procedure}; nothing was sent`,
    };
  }
  if (step.action !== 'execute') return undefined;
  const { path } = step.target;
  if (rpcOf(step) === undefined) {
    return {
      cause: 'not-allowed',
      explanation: `${path} cannot be executed: a CPE has parameters and RPCs; the mapping says rpc:Name`,
      path,
    };
  }
  if (readRpcArguments(step.arguments)) return undefined;
  return {
    cause: 'invalid-command',
    explanation: 'the arguments of the RPC are no JSON object; nothing was sent',
    path,
  };
}

/** Undefined: an ordinary step. */
function orderOf(order: Order, step: Step): Promise<Ordered> | undefined {
  if (step.action === 'procedure') return orderProcedure(order, step);
  const rpc = rpcOf(step);
  if (rpc === undefined || step.action !== 'execute') return undefined;
  return orderRpc(order, rpc, readRpcArguments(step.arguments) ?? {});
}

function executeStep({ channel }: Executor, operation: Operation, step: Step): Promise<StepResult> {
  const key = commandKeyOf(operation);
  switch (step.action) {
    case 'read':
      return readTargets(channel, step.targets);
    case 'write':
      return writeAssignments(channel, step.assignments, key);
    case 'create':
      return createInstance(channel, step, key);
    case 'delete':
      return deleteInstance(channel, step.path, key);
    case 'discover':
      return discoverChildren(channel, step.path);
    case 'execute':
    case 'procedure':
      return Promise.resolve({ results: [] });
  }
}
