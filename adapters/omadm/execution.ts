/** One operation on one device: its steps in order, the first failure ends it, one outcome comes out. */
import { Withdrawn, type LaneSession } from '../../src/management/adapter.ts';
import type { Operation, Step } from '../../src/management/operation.ts';
import { failed, succeeded, type Failure, type TargetResult } from '../../src/management/outcome.ts';
import { orderExec, orderProcedure, procedures, type Order, type Ordered } from './orders.ts';
import { readTargets } from './reading.ts';
import { tellerInLane } from './work.ts';
import { createInstance, deleteNode, discoverChildren, writeAssignments, type Grouping } from './writing.ts';

export interface Executor extends Omit<Order, 'operation' | 'teller' | 'results'> {
  grouping: Grouping;
  /** The session is over: outcomes are decided by the next one. */
  isOver(): boolean;
}

export interface Executed {
  restarts: boolean;
  /** It was accepted, and the device says that it is done: its state can be read. */
  isDone: boolean;
  /** Objects that there are now, and that there are no more. */
  made: string[];
  removed: string[];
  /** An answer is missing: nobody knows what the device has done. */
  unanswered: boolean;
}

interface StepResult {
  results: TargetResult[];
  failure?: Failure;
  created?: string;
  evidence?: string;
}

/** Never rejects for what the device does; rejects when management cannot store the outcome. */
export async function executeOperation(executor: Executor, lane: LaneSession, operation: Operation): Promise<Executed> {
  const goOn: Executed = { restarts: false, isDone: false, made: [], removed: [], unanswered: false };
  const impossible = checkSteps(operation);
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
  const results: TargetResult[] = [];
  let created: string | undefined;
  let evidence: string | undefined;
  const teller = tellerInLane(lane, executor.context, operation);
  const order: Order = { ...executor, operation, teller, results };
  for (const [index, step] of operation.steps.entries()) {
    const isLast = index === operation.steps.length - 1;
    const ordered = orderOf(order, step, isLast);
    const done: StepResult | Ordered = ordered ? await ordered : await executeStep(executor, step);
    if (executor.isTold()) {
      goOn.restarts = operation.evidence?.restart === true;
      return goOn;
    }
    if (!('results' in done)) {
      if (!done.failure) {
        goOn.restarts = done.restarts ?? false;
        goOn.isDone = done.isDone ?? false;
        if (isLast) return goOn;
        continue;
      }
    } else {
      results.push(...done.results);
      created = done.created ?? created;
      evidence = done.evidence ?? evidence;
      if (step.action === 'delete' && !done.failure) goOn.removed.push(step.path);
      if (done.created !== undefined) goOn.made.push(done.created);
    }
    if (!done.failure) continue;
    goOn.unanswered = done.failure.cause === 'no-answer';
    // The lane belongs to the next session by now: what was sent, and to what effect, is decided by evidence.
    if (executor.isOver() && goOn.unanswered) return goOn;
    await lane.settle(operation, failed(done.failure, results, index));
    return goOn;
  }
  await lane.settle(operation, succeeded(results, { created, evidence }));
  return goOn;
}

/** What can be known before anything is sent. */
function checkSteps({ steps }: Operation): { failure: Failure; step: number } | undefined {
  for (const [index, step] of steps.entries()) {
    if (step.action !== 'procedure') continue;
    if (!Object.hasOwn(procedures, step.procedure)) {
      const explanation = `the OMA DM leg has no procedure ${step.procedure}; nothing was sent`;
      return { failure: { cause: 'not-implemented', explanation }, step: index };
    }
    if (index < steps.length - 1) {
      const explanation = 'nothing can follow an order in one request, because it ends later; make two requests of it';
      return { failure: { cause: 'not-implemented', explanation }, step: index + 1 };
    }
  }
  return undefined;
}

/** Undefined: an ordinary step. */
function orderOf(order: Order, step: Step, isLast: boolean): Promise<Ordered> | undefined {
  if (step.action === 'procedure') return orderProcedure(order, step);
  return step.action === 'execute' ? orderExec(order, step, isLast) : undefined;
}

function executeStep({ channel, grouping }: Executor, step: Step): Promise<StepResult> {
  switch (step.action) {
    case 'read':
      return readTargets(channel, step.targets);
    case 'write':
      return writeAssignments(channel, step.assignments, grouping);
    case 'create':
      return createInstance(channel, step);
    case 'delete':
      return deleteNode(channel, step.path);
    case 'discover':
      return discoverChildren(channel, step.path);
    case 'execute':
    case 'procedure':
      return Promise.resolve({ results: [] });
  }
}
