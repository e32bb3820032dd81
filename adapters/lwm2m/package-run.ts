/**
 * One run of a procedure that brings a package onto the device: what is noted of it and when, the delivery, and the one Execute.
 * What comes next is decided by the procedure.
 */
import type { Observation } from '../../src/management/adapter.ts';
import type { Operation, Pending } from '../../src/management/operation.ts';
import type { Failure } from '../../src/management/outcome.ts';
import { deliverInTurn } from './download.ts';
import type { PackageLook, PackageProgress } from './package-states.ts';
import type {
  DeviceLink,
  LinkAnswer,
  ProcedureEnd,
  ProcedureRun,
  ProcedureSettings,
  ProcedureStep,
} from './procedure.ts';
import {
  interrupted,
  numberOf,
  settledAsFailed,
  stepOf,
  takeBack,
  unreadable,
  unreadableState,
  waiting,
} from './procedure-steps.ts';

/** The object that takes the package, and how the procedure reads it. */
export interface PackageKind<Progress extends PackageProgress, Look extends PackageLook> {
  /** Name of the procedure. */
  readonly procedure: string;
  /** Resource IDs; `order` is executed once the package is there. */
  readonly resources: { package: number; uri: number; order: number; result: number };
  /** Percent that a state stands for at least. */
  readonly percents: Readonly<Record<number, number>>;
  /** Phase when the device has taken the order. */
  readonly taken: Progress['phase'];
  /** Undefined when the device does not answer now. */
  lookAt(device: DeviceLink, object: string): Promise<Look | undefined>;
  /** What of a look is shown on the resource. */
  observations(object: string, look: Look): Observation[];
  /** Undefined: the Update Result tells of no failure. */
  failureOf(result: number | undefined): Failure | undefined;
  /** The stored state, checked: it may come from another version of the gateway. */
  readProgress(state: Record<string, unknown> | undefined): Progress | undefined;
  /**
   * The gateway died, or the device came back, before the acceptance was noted, and the device is at work. The order leaves after that
   * note only, so it was never sent. Undefined when the device does not answer now.
   */
  recover(device: DeviceLink, step: ProcedureStep): Promise<Progress | undefined>;
}

interface Start<Progress> {
  device: DeviceLink;
  run: ProcedureRun;
  operation: Operation;
  object: string;
  settings: ProcedureSettings;
  progress: Progress;
  /** ms since 1970. */
  deadline: number;
}

export class PackageRun<Progress extends PackageProgress, Look extends PackageLook> {
  readonly device: DeviceLink;
  readonly run: ProcedureRun;
  readonly object: string;
  readonly settings: ProcedureSettings;
  progress: Progress;
  readonly #kind: PackageKind<Progress, Look>;
  readonly #operation: Operation;
  #isAccepted: boolean;
  #deadline: number;
  #percent: number;

  /** @param accepted percent of an operation that was accepted in an earlier run */
  constructor(kind: PackageKind<Progress, Look>, start: Start<Progress>, accepted?: number) {
    this.device = start.device;
    this.run = start.run;
    this.object = start.object;
    this.settings = start.settings;
    this.progress = start.progress;
    this.#kind = kind;
    this.#operation = start.operation;
    this.#isAccepted = accepted !== undefined;
    this.#deadline = start.deadline;
    this.#percent = accepted ?? 0;
  }

  /** Keeps what the device shows, when it is news, and shows it on the resource. */
  async note(look: Look): Promise<void> {
    const { progress } = this;
    const { state, result } = look;
    if (progress.state === state && progress.result === result) return;
    // The old result is gone: when it is seen again it is a new one.
    const isNew = result !== undefined && result !== progress.staleResult;
    this.progress = { ...progress, state, result, staleResult: isNew ? undefined : progress.staleResult };
    if (state !== undefined) this.#percent = Math.max(this.#percent, this.#kind.percents[state] ?? 0);
    await this.keep(this.#kind.observations(this.object, look));
  }

  /** Durable when it resolves. The first one accepts the operation. */
  async keep(values?: Observation[]): Promise<void> {
    if (this.#isAccepted) return this.run.progress(this.#pending(), values);
    await this.run.accept(this.#pending());
    this.#isAccepted = true;
  }

  #pending(): Pending {
    return {
      correlator: this.#operation.id,
      procedure: this.#kind.procedure,
      state: { ...this.progress },
      deadline: this.#deadline,
      holds: this.object,
      progress: this.#percent,
    };
  }

  /** Tries the ways of delivery in turn. An end only when none is left, or the device must come back first. */
  async deliver(): Promise<ProcedureEnd | undefined> {
    const { device, run, object, progress } = this;
    const { resources } = this.#kind;
    this.progress = { ...progress, attempts: progress.attempts + 1 };
    const { end } = await deliverInTurn(
      progress.methods,
      {
        device,
        run,
        url: progress.url,
        protocols: progress.protocols,
        packagePath: `${object}/${resources.package}`,
        uriPath: `${object}/${resources.uri}`,
        begun: (sent, total) => this.#begun(sent, total),
      },
      (methods) => {
        this.progress = { ...this.progress, methods };
      },
    );
    if (end.state === 'delivered') return undefined;
    if (run.signal.aborted) return interrupted(run);
    if (end.state === 'silent') return this.#whenSilent(end.failure);
    return settledAsFailed(await this.#explained(end.failure));
  }

  /** Progress of a push is kept at every tenth, not at every block: it is a commit each time. */
  async #begun(sent: number, total: number): Promise<void> {
    const percent = total === 0 ? 1 : Math.floor((sent / total) * 89);
    if (this.#isAccepted && percent < this.#percent + 10) return;
    this.#percent = percent;
    await this.keep();
  }

  /** The Update Result says more than the code of the block that was refused. */
  async #explained(failure: Failure): Promise<Failure> {
    const result = numberOf((await this.device.read(`${this.object}/${this.#kind.resources.result}`)).value);
    return (result === this.progress.staleResult ? undefined : this.#kind.failureOf(result)) ?? failure;
  }

  /** No answer to the delivery. Accepted: go on at the next contact. Else the device's state says whether it took it. */
  async #whenSilent(failure: Failure): Promise<ProcedureEnd | undefined> {
    if (this.#isAccepted) return waiting('the device stopped answering during the delivery');
    const look = failure.cause === 'no-answer' ? await this.#kind.lookAt(this.device, this.object) : undefined;
    // 'no-session' would promise that nothing was sent: the device was read, and perhaps what was in the way was ended.
    if (!look?.state) return settledAsFailed({ ...failure, cause: 'no-answer' });
    await this.keep();
    return undefined;
  }

  /**
   * The one Execute of this operation: noted before it leaves, and never repeated. Undefined: what the device shows decides.
   * @param noted progress as long as nobody knows whether the device took the order
   */
  async executeOnce(noted: Progress): Promise<ProcedureEnd | undefined> {
    const { device, run, object, settings } = this;
    const before = { progress: this.progress, deadline: this.#deadline, percent: this.#percent };
    this.progress = noted;
    this.#deadline = device.context.now() + settings.updateDeadline;
    this.#percent = 92;
    await this.keep();
    const answer: LinkAnswer = run.signal.aborted
      ? { ok: false, code: '', failure: { cause: 'no-session', explanation: 'The run ended before the Execute.' } }
      : await device.execute(`${object}/${this.#kind.resources.order}`);
    if (answer.ok) {
      this.progress = { ...this.progress, phase: this.#kind.taken };
      this.#percent = 95;
      await this.keep();
      return undefined;
    }
    const failure = unreadable(object, answer);
    if (answer.code !== '') {
      return settledAsFailed({ ...failure, cause: 'update-failed', evidence: failure.evidence ?? answer.code });
    }
    // Sent, and no answer: devices restart at once. What they show afterwards decides.
    if (failure.cause !== 'no-session') return undefined;
    // Nothing left: the note is taken back, so that the Execute may be sent at the next contact.
    this.progress = before.progress;
    this.#deadline = before.deadline;
    this.#percent = before.percent;
    await takeBack(device, run, this.#pending());
    return waiting('the device went away before the Execute');
  }
}

/** The run that goes on with an accepted operation; an end when nothing can go on now. */
export async function takeUp<Progress extends PackageProgress, Look extends PackageLook>(
  kind: PackageKind<Progress, Look>,
  device: DeviceLink,
  operation: Operation,
  run: ProcedureRun,
  settings: ProcedureSettings,
): Promise<PackageRun<Progress, Look> | { end: ProcedureEnd }> {
  const { pending } = operation;
  const step = stepOf(operation);
  if (!pending || !step) return { end: settledAsFailed(unreadableState) };
  const isRecovered = pending.state['recovered'] === true;
  const progress = isRecovered ? await kind.recover(device, step) : kind.readProgress(pending.state);
  if (!progress) return { end: isRecovered ? interrupted(run) : settledAsFailed(unreadableState) };
  const { object } = step;
  const { deadline } = pending;
  return new PackageRun(kind, { device, run, operation, object, settings, progress, deadline }, pending.progress ?? 0);
}
