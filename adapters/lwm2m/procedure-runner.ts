/** Runs procedures: what `procedure.ts` promises to them is kept here. */
import { Withdrawn, type CancelResult, type LaneSession, type ManagedDevice } from '../../src/management/adapter.ts';
import type { DeviceId, Operation, OperationId, Pending } from '../../src/management/operation.ts';
import { failed, type Outcome, type TargetResult } from '../../src/management/outcome.ts';
import type { DeviceSession } from './device-session.ts';
import type { Leg } from './leg.ts';
import type { Procedure, ProcedureEnd, ProcedureRun, ProcedureStep } from './procedure.ts';
import { createLink } from './procedure-link.ts';

interface Run {
  readonly controller: AbortController;
  readonly session: DeviceSession;
  operation: Operation;
  isAccepted: boolean;
  /** The operation was settled by somebody else: nothing more is done for it. */
  isOver: boolean;
  ended: Promise<void>;
}

interface Before {
  index: number;
  results: TargetResult[];
}

export class ProcedureRunner {
  readonly #procedures: ReadonlyMap<string, Procedure>;
  readonly #runs = new Map<OperationId, Run>();
  /** Accepted, without a run: the device has to come back. */
  readonly #waiting = new Map<DeviceId, Map<OperationId, Operation>>();
  readonly #deadlines = new Map<OperationId, () => void>();

  constructor(procedures: readonly Procedure[]) {
    this.#procedures = new Map(procedures.map((procedure) => [procedure.name, procedure]));
  }

  knows(name: string): boolean {
    return this.#procedures.has(name);
  }

  isWaiting(device: DeviceId): boolean {
    return this.#waiting.has(device);
  }

  /** Resolves when the lane may go on: the device accepted, or the operation is settled. */
  async start(
    session: DeviceSession,
    lane: LaneSession,
    operation: Operation,
    step: ProcedureStep,
    before: Before,
  ): Promise<void> {
    const procedure = this.#procedures.get(step.procedure)!;
    await new Promise<void>((goOn) => {
      const run = this.#begin(session, operation, false);
      const accept = async (pending: Pending, outcome?: Partial<Outcome>): Promise<void> => {
        if (run.isAccepted) return this.#progress(run, pending);
        const soFar = { ...outcome, results: outcome?.results ?? before.results };
        await this.#stopWhenOver(run, lane.accepted(run.operation, pending, soFar));
        run.isAccepted = true;
        this.#keep(run, pending);
        goOn();
      };
      const face = this.#face(run, accept);
      const link = createLink(session, operation, run.controller.signal);
      run.ended = this.#finish(run, () => procedure.start(link, operation, step, face), lane, before).finally(goOn);
    });
  }

  /** After a Register (`anew`): every run starts over from the device's state. Otherwise: what waits for the device goes on. */
  async resume(session: DeviceSession, anew: boolean): Promise<void> {
    const device = session.device.id;
    const operations = await session.leg.context.pending(device);
    this.#waiting.delete(device);
    for (const operation of operations) {
      const running = this.#runs.get(operation.id);
      if (running) {
        if (!anew) continue;
        running.controller.abort(new Error('the device registered anew'));
        await running.ended;
      }
      if (session.over || this.#runs.has(operation.id)) continue;
      // Its latest state; `pending` may have moved on while the old run ended.
      const [latest] = (await session.leg.context.pending(device)).filter(({ id }) => id === operation.id);
      if (latest?.pending) this.#go(session, latest, latest.pending);
    }
  }

  async cancel(session: DeviceSession | undefined, device: ManagedDevice, operation: Operation): Promise<CancelResult> {
    const procedure = this.#procedures.get(operation.pending?.procedure ?? '');
    if (!procedure)
      return { state: 'not-cancellable', why: 'the device took it, and it is no procedure that can be stopped' };
    if (!session?.isAwake) {
      return { state: 'not-cancellable', why: `${device.identity} does not listen now; try again when it does` };
    }
    const link = createLink(session, operation, new AbortController().signal);
    const result = await procedure.cancel(link, operation);
    if (result.state === 'cancelled') this.#forget(operation);
    return result;
  }

  async stop(): Promise<void> {
    for (const cancel of this.#deadlines.values()) cancel();
    this.#deadlines.clear();
    const runs = [...this.#runs.values()];
    for (const run of runs) run.controller.abort(new Error('the gateway stops'));
    await Promise.all(runs.map(({ ended }) => ended));
  }

  #go(session: DeviceSession, operation: Operation, pending: Pending): void {
    const procedure = this.#procedures.get(pending.procedure);
    if (!procedure) {
      this.#settle(session.leg, operation, {
        status: 'failed',
        failure: {
          cause: 'not-implemented',
          explanation: `the LwM2M leg has no procedure ${pending.procedure} any more`,
        },
        results: [],
      });
      return;
    }
    const run = this.#begin(session, operation, true);
    this.#keep(run, pending);
    const face = this.#face(run, (next) => this.#progress(run, next));
    const link = createLink(session, operation, run.controller.signal);
    run.ended = this.#finish(run, () => procedure.resume(link, operation, face));
  }

  #begin(session: DeviceSession, operation: Operation, isAccepted: boolean): Run {
    const controller = new AbortController();
    const run: Run = { controller, session, operation, isAccepted, isOver: false, ended: Promise.resolve() };
    this.#runs.set(operation.id, run);
    return run;
  }

  #face(run: Run, accept: ProcedureRun['accept']): ProcedureRun {
    return {
      signal: run.controller.signal,
      accept,
      progress: (pending, values) => this.#progress(run, pending, values),
      operation: () => run.operation,
    };
  }

  async #progress(run: Run, pending: Pending, values?: Parameters<ProcedureRun['progress']>[1]): Promise<void> {
    run.controller.signal.throwIfAborted();
    await this.#stopWhenOver(run, run.session.leg.context.progress(run.operation, pending, values));
    this.#keep(run, pending);
  }

  /** A note that is not taken because the operation is over ends the run before its next step. */
  async #stopWhenOver(run: Run, noted: Promise<void>): Promise<void> {
    try {
      await noted;
    } catch (error) {
      if (error instanceof Withdrawn) this.#forget(run.operation);
      throw error;
    }
  }

  #keep(run: Run, pending: Pending): void {
    run.operation = { ...run.operation, state: 'accepted', pending };
    this.#watch(run.session.leg, run.operation, pending.deadline);
  }

  async #finish(run: Run, work: () => Promise<ProcedureEnd>, lane?: LaneSession, before?: Before): Promise<void> {
    const { session, controller } = run;
    const { context } = session.leg;
    let end: ProcedureEnd;
    try {
      end = await work();
    } catch (error) {
      if (!controller.signal.aborted) {
        context.log.error({ err: error, device: session.device.id, operation: run.operation.id }, 'a procedure failed');
      }
      end = failedRun(run, error);
    }
    this.#runs.delete(run.operation.id);
    if (run.isOver) return;
    if (end.state === 'waiting' && !run.isAccepted) {
      const explanation = `the device did not take it: ${end.why}`;
      end = { state: 'settled', outcome: failed({ cause: 'no-answer', explanation }) };
    }
    // What an interrupted run calls a failure is not the device's verdict: `resume` asks the device.
    if (end.state === 'settled' && controller.signal.aborted && run.isAccepted && end.outcome.status === 'failed') {
      end = { state: 'waiting', why: 'interrupted' };
    }
    if (end.state === 'waiting') {
      if (!controller.signal.aborted) note(session.leg, run.operation, end.why);
      this.#wait(run.operation);
      return;
    }
    const outcome: Outcome = before
      ? { ...end.outcome, results: [...before.results, ...end.outcome.results] }
      : { ...end.outcome };
    if (before && outcome.status === 'failed') outcome.failedStep = before.index;
    // Cut off before the device took it: the next registration, and evidence, decide.
    if (controller.signal.aborted && !run.isAccepted) return;
    if (session.over && !run.isAccepted && outcome.failure?.cause === 'no-answer') return;
    this.#clear(run.operation.id);
    note(session.leg, run.operation, tellOutcome(procedureOf(run.operation), outcome));
    try {
      if (run.isAccepted || !lane) await context.settle(run.operation, outcome);
      else await lane.settle(run.operation, outcome);
    } catch (error) {
      context.log.error({ err: error, operation: run.operation.id }, 'the outcome of a procedure could not be stored');
    }
  }

  #wait(operation: Operation): void {
    let waiting = this.#waiting.get(operation.device);
    if (!waiting) this.#waiting.set(operation.device, (waiting = new Map<OperationId, Operation>()));
    waiting.set(operation.id, operation);
  }

  /** Ends the operation when its deadline passes. A timer of the clock may be shorter than the deadline. */
  #watch(leg: Leg, operation: Operation, deadline: number): void {
    this.#deadlines.get(operation.id)?.();
    const left = deadline - leg.context.now();
    const cancel = leg.context.clock.after(left, () => {
      if (leg.context.now() < deadline) return this.#watch(leg, operation, deadline);
      this.#overdue(leg, this.#runs.get(operation.id)?.operation ?? operation);
    });
    this.#deadlines.set(operation.id, cancel);
  }

  #overdue(leg: Leg, operation: Operation): void {
    const procedure = this.#procedures.get(operation.pending?.procedure ?? '');
    const failure = procedure?.overdue?.(operation) ?? {
      cause: 'deadline',
      explanation: 'the procedure did not end in time; look at the device, and give it more time or try again',
    };
    this.#forget(operation);
    const outcome = failed(failure);
    note(leg, operation, tellOutcome(procedureOf(operation), outcome));
    this.#settle(leg, operation, outcome);
  }

  #settle(leg: Leg, operation: Operation, outcome: Outcome): void {
    leg.context.settle(operation, outcome).catch((error: unknown) => {
      leg.context.log.error({ err: error, operation: operation.id }, 'the outcome of a procedure could not be stored');
    });
  }

  /** Settled by somebody else: its run ends, and nothing is remembered. */
  #forget(operation: Operation): void {
    this.#clear(operation.id);
    const run = this.#runs.get(operation.id);
    if (run) {
      run.isOver = true;
      run.controller.abort(new Error('the operation is over'));
    }
    const waiting = this.#waiting.get(operation.device);
    if (waiting?.delete(operation.id) && waiting.size === 0) this.#waiting.delete(operation.device);
  }

  #clear(id: OperationId): void {
    this.#deadlines.get(id)?.();
    this.#deadlines.delete(id);
  }
}

function note(leg: Leg, operation: Operation, summary: string): void {
  leg.context.trace.record(operation.device, { direction: 'note', summary }, operation);
}

function procedureOf(operation: Operation): string {
  const step = operation.steps.find(({ action }) => action === 'procedure');
  return step?.action === 'procedure' ? step.procedure : 'procedure';
}

/** `firmware-update failed: The package failed … (Update Result 5)` */
function tellOutcome(procedure: string, { status, failure, evidence }: Outcome): string {
  const proof = failure?.evidence ?? evidence;
  const why = failure ? `: ${failure.explanation}` : '';
  return `${procedure} ${status}${why}${proof === undefined ? '' : ` (${proof})`}`;
}

function failedRun(run: Run, error: unknown): ProcedureEnd {
  const text = error instanceof Error ? error.message : String(error);
  if (run.isAccepted) return { state: 'waiting', why: `the procedure stopped: ${text}` };
  return {
    state: 'settled',
    outcome: failed({ cause: 'device-error', explanation: `the procedure could not be carried out: ${text}` }),
  };
}
