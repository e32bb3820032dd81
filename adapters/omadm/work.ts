/** What is kept with an accepted operation, and how it ends: for operations that the lane has sent, and for those of before, alike. */
import { createHash } from 'node:crypto';
import type { AdapterContext, LaneSession } from '../../src/management/adapter.ts';
import type { Operation, Pending, Step } from '../../src/management/operation.ts';
import type { Outcome, TargetResult } from '../../src/management/outcome.ts';

/**
 * - `firmware`: a FUMO update; `software`: SCOMO, `order`: any other Exec that the device has accepted; `restart`: it comes back after it.
 */
export interface WorkState extends Record<string, unknown> {
  work: 'firmware' | 'software' | 'order' | 'restart';
  /**
   * `running`: the device is at it. `downloading`: the first of two orders. `ready`: the second is to be sent. `reported`: it said that it is
   * done, and what it runs is to be read.
   */
  phase: 'running' | 'downloading' | 'ready' | 'reported';
  /** Root of the management object, or the node that was executed. */
  object: string;
  /** Node of the second order. */
  next?: string;
  version?: string;
  runningBefore?: string;
  /** State of the object before it began. */
  stateBefore?: number;
  /** Components that were there before. */
  before?: string[];
  /** What it has answered, or reported. */
  result?: number;
  /** It tells nothing of its end: a factory reset takes our account with it. Silence until the deadline is success. */
  isSilent?: boolean;
}

/** The stored state, checked: it may come from another version of the gateway. */
export function workStateOf({ pending }: Pick<Operation, 'pending'>): WorkState | undefined {
  const { work, phase, object, next, version, runningBefore, stateBefore, before, result, isSilent } =
    pending?.state ?? {};
  if (work !== 'firmware' && work !== 'software' && work !== 'order' && work !== 'restart') return undefined;
  const phases = ['running', 'downloading', 'ready', 'reported'] as const;
  return {
    work,
    phase: phases.find((one) => one === phase) ?? 'running',
    object: typeof object === 'string' ? object : '',
    next: text(next),
    version: text(version),
    runningBefore: text(runningBefore),
    stateBefore: typeof stateBefore === 'number' ? stateBefore : undefined,
    before: Array.isArray(before) ? before.filter((one) => typeof one === 'string') : undefined,
    result: typeof result === 'number' ? result : undefined,
    isSilent: isSilent === true || undefined,
  };
}

const maximumCorrelator = 32;

/** The same after a restart of the gateway: nothing has to be stored before it is sent. */
export function correlatorOf({ id }: Pick<Operation, 'id'>): string {
  return id.length <= maximumCorrelator ? id : createHash('sha1').update(id).digest('hex').slice(0, maximumCorrelator);
}

export interface Work {
  procedure: string;
  holds?: string;
  state: WorkState;
  /** ms from now. */
  deadline: number;
  progress?: number;
}

/** Who tells management of an operation: a session that has it from the lane, or the leg for one that was accepted before. */
export interface Teller {
  /** The device is at work on it. Durable when it resolves. */
  goesOn(work: Work, results?: TargetResult[]): Promise<void>;
  ends(outcome: Outcome): Promise<void>;
}

export function tellerInLane(lane: LaneSession, { now }: Pick<AdapterContext, 'now'>, operation: Operation): Teller {
  return {
    goesOn: (work, results) => lane.accepted(operation, pendingOf(operation, work, now()), results && { results }),
    ends: (outcome) => lane.settle(operation, outcome),
  };
}

export function tellerOfAccepted(context: AdapterContext, operation: Operation): Teller {
  return {
    goesOn: (work) => context.progress(operation, pendingOf(operation, work, context.now())),
    ends: (outcome) => context.settle(operation, outcome),
  };
}

/** For one whose answer was lost with its session: it is accepted after all. */
export function tellerOfUnanswered(context: AdapterContext, operation: Operation): Teller {
  const pending = (work: Work): Pending => pendingOf(operation, work, context.now());
  return {
    goesOn: (work) => context.takeUp(operation, pending(work)),
    async ends(outcome) {
      const last = operation.steps.at(-1);
      const work = last && expectedWork(last, operation);
      if (!work) return;
      await context.takeUp(operation, pending(work));
      await context.settle(operation, outcome);
    },
  };
}

function pendingOf(operation: Operation, { procedure, holds, state, deadline, progress }: Work, now: number): Pending {
  return {
    correlator: operation.pending?.correlator ?? correlatorOf(operation),
    procedure,
    holds,
    state,
    deadline: now + deadline,
    progress: progress ?? 0,
  };
}

const hour = 3_600_000;

/** What an operation would have become, had its answer arrived. Undefined: no report tells of it. */
export function expectedWork(step: Step, operation: Pick<Operation, 'evidence'>): Work | undefined {
  if (step.action === 'procedure') {
    const { procedure, object, inputs } = step;
    const version = typeof inputs['version'] === 'string' ? { version: inputs['version'] } : {};
    const work = procedure === 'firmware-update' ? 'firmware' : 'software';
    return { procedure, holds: object, state: { work, phase: 'running', object, ...version }, deadline: 24 * hour };
  }
  if (step.action !== 'execute') return undefined;
  const { path: object } = step.target;
  const work = operation.evidence?.restart ? 'restart' : 'order';
  return { procedure: 'exec', state: { work, phase: 'running', object }, deadline: hour };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
