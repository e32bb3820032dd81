/** One operation on one device: its steps in order, the first failure ends it, one outcome comes out. */
import { Withdrawn, type LaneSession } from '../../src/management/adapter.ts';
import type { Operation, Step } from '../../src/management/operation.ts';
import { failed, succeeded, type Failure, type TargetResult } from '../../src/management/outcome.ts';
import type { Channel } from './channel.ts';
import type { DeviceSession } from './device-session.ts';
import { OperationChannel } from './operation-channel.ts';
import { readTargets } from './reading.ts';
import {
  checkAssignments,
  createInstance,
  deleteInstance,
  discover,
  executeTarget,
  writeAssignments,
} from './writing.ts';

interface StepResult {
  results: TargetResult[];
  failure?: Failure;
  created?: string;
  evidence?: string;
}

/** Never rejects for what the device does; rejects when management cannot store the outcome. */
export async function executeOperation(session: DeviceSession, lane: LaneSession, operation: Operation): Promise<void> {
  const impossible = checkSteps(session, operation);
  if (impossible) return lane.settle(operation, failed(impossible.failure, [], impossible.step));
  try {
    await lane.dispatched([operation]);
  } catch (error) {
    if (error instanceof Withdrawn) return;
    throw error;
  }
  const results: TargetResult[] = [];
  let created: string | undefined;
  let evidence: string | undefined;
  const channel = new OperationChannel(session, operation);
  for (let index = 0; index < operation.steps.length; index++) {
    const step = operation.steps[index]!;
    if (step.action === 'procedure') {
      return session.leg.procedures.start(session, lane, operation, step, { index, results });
    }
    const done = await executeStep(session, channel, step);
    for (const result of done.results) results.push(result);
    created = done.created ?? created;
    evidence = done.evidence ?? evidence;
    if (!done.failure) continue;
    // The lane belongs to the next registration by now: what was sent, and to what effect, is decided by evidence.
    if (session.over && (done.failure.cause === 'no-answer' || done.failure.cause === 'no-session')) return;
    const nothingSent = done.failure.cause === 'no-session' && index === 0;
    if (nothingSent && done.results.every((result) => 'failure' in result)) return lane.release([operation]);
    return lane.settle(operation, failed(done.failure, results, index));
  }
  return lane.settle(operation, succeeded(results, { created, evidence }));
}

/** What can be known before anything is sent. */
function checkSteps(session: DeviceSession, operation: Operation): { failure: Failure; step: number } | undefined {
  for (let index = 0; index < operation.steps.length; index++) {
    const step = operation.steps[index]!;
    const failure = step.action === 'read' ? undefined : checkStep(session, step);
    if (failure) return { failure, step: index };
  }
  return undefined;
}

function checkStep(session: DeviceSession, step: Step): Failure | undefined {
  switch (step.action) {
    case 'write':
      return checkAssignments(session, step.assignments);
    case 'create':
      return checkAssignments(session, step.assignments, step.path);
    case 'procedure':
      return session.leg.procedures.knows(step.procedure)
        ? undefined
        : {
            cause: 'not-implemented',
            explanation: `the LwM2M leg has no procedure ${step.procedure}; nothing was sent`,
          };
    default:
      return undefined;
  }
}

function executeStep(
  session: DeviceSession,
  channel: Channel,
  step: Exclude<Step, { action: 'procedure' }>,
): Promise<StepResult> {
  switch (step.action) {
    case 'read':
      return readTargets(channel, step.targets);
    case 'write':
      return writeAssignments(channel, step.assignments);
    case 'execute': {
      const { path } = step.target;
      return executeTarget(channel, path, step.arguments).then((failure) => ofOne(path, failure));
    }
    case 'create':
      return create(session, channel, step);
    case 'delete':
      return deleteInstance(channel, step.path).then((failure) => ofOne(step.path, failure));
    case 'discover':
      return discover(channel, step.path).then(({ links, failure }) =>
        links
          ? { results: links.map(({ path, attributes }) => ({ path, value: attributes })) }
          : ofOne(step.path, failure),
      );
  }
}

async function create(
  session: DeviceSession,
  channel: Channel,
  step: Extract<Step, { action: 'create' }>,
): Promise<StepResult> {
  const has = (path: string): boolean => session.device.inventory.objects.some((object) => object.path === path);
  const { created, failure, evidence } = await createInstance(channel, step, has);
  return { ...ofOne(created ?? step.path, failure), created, evidence };
}

function ofOne(path: string, failure: Failure | undefined): StepResult {
  return failure ? { results: [{ path, failure }], failure } : { results: [{ path, done: true }] };
}
