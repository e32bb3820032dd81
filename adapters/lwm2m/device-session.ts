/**
 * One registration of one device: whether it listens, its lane, its exchanges. There may be 50,000 of them, so what most of them do not need is
 * made when it is needed. A new registration of the device is a new session; the old one is over then.
 */
import type { LaneSession, ManagedDevice } from '../../src/management/adapter.ts';
import type { Operation } from '../../src/management/operation.ts';
import type { Failure } from '../../src/management/outcome.ts';
import type { CoapRequest, CoapResponse } from './coap/endpoint.ts';
import { CoapError } from './coap/errors.ts';
import type { Asked, Channel } from './channel.ts';
import { writeFacts, type DeviceFacts, type Learned } from './facts.ts';
import { failureOfError } from './failures.ts';
import { goOn } from './going-on.ts';
import type { Leg } from './leg.ts';
import type { ObjectModel } from './object-model.ts';
import type { DeviceObservations } from './observations.ts';
import { executeOperation } from './execution.ts';
import { tellRequest, tellResponse } from './trace-words.ts';

/** Longest Max-Age of a 5.03 that is waited for before the one repetition. */
const patience = 5; // s
/** ms; the store did not take what had to be noted, and may take it later. */
const pauseAfterFailure = 1_000;
/** Values that cannot be read, in one line of the log. */
const shownFailures = 10;

export class DeviceSession implements Channel {
  readonly leg: Leg;
  /** Its members follow the device. */
  readonly device: ManagedDevice;
  facts: DeviceFacts;
  /** Another registration took its place, or the device left. */
  over = false;
  /** Another device has its address now; kept by the fleet. */
  isDisplaced = false;
  /** It is registering anew: nothing more leaves in this registration. */
  isPaused = false;
  /** Queue mode only; monotonic ms. */
  awakeUntil = 0;
  /** For the fleet: `awakeUntil` when it was looked at last. */
  lookedAt = 0;
  /** After a silence: not asked before; monotonic ms. */
  silentUntil = 0;
  lane: LaneSession | undefined = undefined;
  observations: DeviceObservations | undefined = undefined;
  /** Its wishes were looked at since this process runs. */
  isObserved = false;
  /** Its accepted operations were looked for since this process runs. */
  isResumed = false;
  /** The body that is pushed to it now. */
  push: Promise<void> | undefined = undefined;
  #isOpening = false;
  #isBusy = false;
  #hasMore = false;
  #cancelPause: (() => void) | undefined = undefined;

  constructor(leg: Leg, device: ManagedDevice, facts: DeviceFacts) {
    this.leg = leg;
    this.device = device;
    this.facts = facts;
  }

  get model(): ObjectModel {
    return this.leg.model;
  }

  get isAwake(): boolean {
    if (this.over || this.isPaused || this.isDisplaced || this.isGone) return false;
    const now = this.leg.context.clock.monotonic();
    return now >= this.silentUntil && (!this.facts.queueMode || now < this.awakeUntil);
  }

  /** Management has ended the registration: only a new one brings the device back. */
  get isGone(): boolean {
    return this.device.presence.state === 'gone';
  }

  /** Nothing is under way with the device, and nothing of it would be void after a new registration. */
  get isQuiet(): boolean {
    return (
      !this.over && !this.#isBusy && !this.#isOpening && !this.observations && !this.push && this.silentUntil === 0
    );
  }

  /**
   * Anything came from the device: it listens.
   * @param isRequest the device waits for our answer first; whoever answers calls `listen` after it
   */
  heard(isRequest = false): void {
    if (this.over || this.isGone) return;
    this.leg.context.deviceHeard(this.device.id);
    const wasSilent = this.silentUntil !== 0;
    this.silentUntil = 0;
    if (this.facts.queueMode) {
      const now = this.leg.context.clock.monotonic();
      const slept = this.awakeUntil <= now;
      this.awakeUntil = now + this.leg.settings.awakeWindow;
      if (slept) this.leg.fleet.watchWindow(this);
      if (!slept && !wasSilent) return;
    } else if (!wasSilent) return;
    this.#cancelPause?.();
    this.#cancelPause = undefined;
    this.tellPresence('reachable');
    if (!isRequest) setImmediate(() => goOn(this));
  }

  /** Another device has its address: nothing is sent before it says where it is. */
  lose(): void {
    if (this.over) return;
    this.tellPresence('asleep', 'another device has its address now; it is served at its next Update');
    this.#closeLane();
  }

  /** Takes the lane and serves what waits in it, if the device listens. */
  listen(): void {
    if (!this.isAwake) return;
    if (this.lane) {
      this.#work();
      return;
    }
    if (!this.#isOpening) void this.#open();
  }

  /** Queue mode: the window is over. What is under way is waited for; nothing new is sent. */
  fallAsleep(): void {
    if (this.over) return;
    this.tellPresence('asleep', 'queue mode: it listens after its next message');
    this.#closeLane();
  }

  /** It did not answer. */
  fallSilent(): void {
    if (this.over) return;
    const { context, settings } = this.leg;
    this.silentUntil = context.clock.monotonic() + settings.silencePause;
    this.awakeUntil = 0;
    this.tellPresence('asleep', 'it did not answer');
    if (this.facts.queueMode || this.#cancelPause) return;
    this.#cancelPause = context.clock.after(settings.silencePause, () => {
      this.#cancelPause = undefined;
      goOn(this);
    });
  }

  /** The registration is over. */
  end(why: string): void {
    if (this.over) return;
    this.over = true;
    this.#cancelPause?.();
    // Devices behind one address: what is under way there may belong to another one.
    const isAlone = this.leg.fleet.isAlone(this);
    this.leg.fleet.remove(this);
    if (isAlone) this.leg.endpoint.forget(this.facts.peer, why);
    this.observations?.end();
    this.#closeLane();
  }

  /** @param operation what it is asked for, in trace and log */
  ask(request: CoapRequest, paths?: readonly string[], operation?: Operation): Promise<Asked> {
    return this.#exchange(request, paths, operation, true);
  }

  /** It is busy: once more, when it says that it can. */
  async #askAgain(
    first: Asked,
    { options }: CoapResponse,
    request: CoapRequest,
    paths: readonly string[] | undefined,
    operation: Operation | undefined,
  ): Promise<Asked> {
    // Some clients serve nothing else while they take or give a body in blocks.
    if (this.push && request.source === undefined) {
      this.learn({ exclusivePush: true });
      await this.push;
    } else {
      const pause = options.maxAge ?? 1;
      if (pause > patience) return first;
      await new Promise<void>((resolve) => void this.leg.context.clock.after(pause * 1000, resolve));
    }
    return this.over ? first : this.#exchange(request, paths, operation, false);
  }

  /** @param patient a 5.03 is waited for, and asked again */
  #exchange(
    request: CoapRequest,
    paths: readonly string[] | undefined,
    operation: Operation | undefined,
    patient: boolean,
  ): Promise<Asked> {
    return this.push && this.facts.learned.exclusivePush && request.source === undefined
      ? this.push.then(() => this.#exchangeNow(request, paths, operation, patient))
      : this.#exchangeNow(request, paths, operation, patient);
  }

  #exchangeNow(
    request: CoapRequest,
    paths: readonly string[] | undefined,
    operation: Operation | undefined,
    patient: boolean,
  ): Promise<Asked> {
    const { context, endpoint } = this.leg;
    if (this.over || this.isDisplaced) {
      const explanation = 'nothing was sent: the device registered anew or left';
      return Promise.resolve({ failure: { cause: 'no-session', explanation } });
    }
    const naming = { model: this.model, root: this.facts.root };
    context.trace.record(this.device.id, tellRequest(request, naming, paths), operation);
    return endpoint.request(this.facts.peer, request).then(
      (response) => {
        context.trace.record(this.device.id, tellResponse(response, request.path, naming), operation);
        const answered = { response };
        return patient && response.code === '5.03'
          ? this.#askAgain(answered, response, request, paths, operation)
          : answered;
      },
      (error: unknown) => {
        if (error instanceof CoapError && error.reason === 'no-answer') this.fallSilent();
        const failure = failureOfError(error, request.path);
        context.trace.record(this.device.id, { direction: 'note', summary: failure.explanation }, operation);
        return { failure };
      },
    );
  }

  learn(change: Partial<Learned>): void {
    const { learned } = this.facts;
    const isNews = Object.entries(change).some(([name, value]) => {
      const known = learned[name as keyof Learned];
      return Array.isArray(value) ? value.length !== (known as number[] | undefined)?.length : value !== known;
    });
    if (!isNews || this.over) return;
    this.facts.learned = { ...learned, ...change };
    this.leg.context.remember(this.device.id, writeFacts(this.facts)).catch((error: unknown) => {
      this.leg.context.log.warn(
        { err: error, device: this.device.id },
        'what was learned of a device could not be stored',
      );
    });
  }

  tellUnreadable(failures: readonly Failure[], operation?: Operation): void {
    this.leg.context.log.warn(
      {
        device: this.device.id,
        operation: operation?.id,
        requestIdentifier: operation?.requester.requestIdentifier,
        values: failures
          .slice(0, shownFailures)
          .map(({ path, explanation, evidence }) => ({ path, explanation, evidence })),
        count: failures.length,
      },
      'a device gives values that cannot be read; what is stored of them stays',
    );
  }

  async servesComposite(): Promise<boolean> {
    const { composite } = this.facts.learned;
    if (composite !== undefined || this.facts.version === '1.0') return composite ?? false;
    // 1.1 clients exist that acknowledge a FETCH and then say nothing for good.
    return this.facts.version === '1.2' || (await this.leg.context.profile(this.device.id))['composite'] === true;
  }

  tellPresence(state: 'reachable' | 'asleep', why?: string): void {
    if (this.isGone) return;
    const { until } = this.device.presence;
    const address = this.leg.endpoint.transport.describe(this.facts.peer);
    this.leg.context.deviceRenewed(this.device.id, { state, until, address, why });
  }

  /** Never rejects. */
  async #open(): Promise<void> {
    this.#isOpening = true;
    try {
      const lane = await this.leg.context.openSession(this.device.id, () => this.#work());
      if (this.over || !this.isAwake) await lane.close();
      else {
        this.lane = lane;
        this.#work();
      }
    } catch (error) {
      this.leg.context.log.error({ err: error, device: this.device.id }, 'the lane of a device could not be taken');
    } finally {
      this.#isOpening = false;
    }
  }

  #closeLane(): void {
    const lane = this.lane;
    // While an operation is under way the lane stays ours; the loop closes it.
    if (!lane || (this.#isBusy && !this.over)) return;
    this.lane = undefined;
    lane.close().catch((error: unknown) => {
      this.leg.context.log.error({ err: error, device: this.device.id }, 'a lane could not be closed');
    });
  }

  #work(): void {
    if (this.#isBusy) {
      this.#hasMore = true;
      return;
    }
    this.#isBusy = true;
    let failed = false;
    this.#drain()
      .catch((error: unknown) => {
        failed = true;
        this.leg.context.log.error(
          { err: error, device: this.device.id },
          'the operations of a device could not be served; they are tried again',
        );
      })
      .finally(() => {
        this.#isBusy = false;
        if (!this.isAwake) this.#closeLane();
        else if (failed) this.leg.context.clock.after(pauseAfterFailure, () => this.listen());
        else if (this.#hasMore) this.#work();
      });
  }

  async #drain(): Promise<void> {
    while (this.lane && this.isAwake) {
      this.#hasMore = false;
      const [operation] = await this.lane.take(1);
      if (operation) await executeOperation(this, this.lane, operation);
      else if (!this.#hasMore) return;
    }
  }
}
