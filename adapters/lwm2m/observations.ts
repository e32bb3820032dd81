/** Makes what is observed on a device equal to what is wished, and takes its notifications upward. */
import type { Observation, ObservationWish } from '../../src/management/adapter.ts';
import type { CoapRequest, CoapResponse, RunningObservation } from './coap/endpoint.ts';
import { encodePaths, type DecodedValue } from './codec/codec.ts';
import { CoapError } from './coap/errors.ts';
import { decodeAnswer, unreadable } from './channel.ts';
import { compositeFormats } from './content-formats.ts';
import type { DeviceSession } from './device-session.ts';
import { tellResponse, tellValues } from './trace-words.ts';
import { writeAttributes } from './writing.ts';

/** One observation: of a path, or of several at once (Observe-Composite). */
interface Observed {
  key: string;
  paths: string[];
  minimumPeriod?: number;
  maximumPeriod?: number;
  running: RunningObservation;
  /**
   * The device said something that could not be stored. It says it again, or takes us for dead and says nothing any more: until a
   * word of it is stored, the observation keeps nothing current.
   */
  isDoubtful: boolean;
}

type Wanted = Omit<Observed, 'running' | 'isDoubtful'>;

/** Paths from which on one composite observation is worth a try. */
const compositeFrom = 3;

export class DeviceObservations {
  readonly #session: DeviceSession;
  readonly #observed = new Map<string, Observed>();
  /** The device refused them; asked for again when it registers, or when the wishes change. */
  readonly #refused = new Set<string>();
  /** Paths that were given periods in this registration: without wishes for them they are taken away again. */
  readonly #limited = new Set<string>();
  #isRunning = false;
  #isWanted = false;
  /** The last attempt could not reach the device. */
  isIncomplete = false;

  constructor(session: DeviceSession) {
    this.#session = session;
  }

  /** What is kept current. */
  get paths(): string[] {
    return [...this.#observed.values()].flatMap(({ paths, isDoubtful }) => (isDoubtful ? [] : paths));
  }

  /** The wishes changed: everything is worth another try. */
  wishChanged(): void {
    this.#refused.clear();
    this.reconcile();
  }

  /** Starts or repeats the comparison; at most one runs per device. */
  reconcile(): void {
    this.#isWanted = true;
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#run()
      .catch((error: unknown) => {
        const { context } = this.#session.leg;
        context.log.error(
          { err: error, device: this.#session.device.id },
          'the observations of a device could not be set up',
        );
      })
      .finally(() => {
        this.#isRunning = false;
      });
  }

  end(): void {
    for (const { running } of this.#observed.values()) {
      running.cancel('passive').catch(() => {
        // Passive cancellation sends nothing.
      });
    }
    this.#observed.clear();
  }

  async #run(): Promise<void> {
    const session = this.#session;
    while (this.#isWanted && !session.over) {
      this.#isWanted = false;
      this.isIncomplete = false;
      const wanted = await this.#group(await session.leg.context.wish(session.device.id));
      for (const [key, observed] of this.#observed) {
        if (!wanted.has(key) || observed.isDoubtful) await this.#cancel(observed);
      }
      for (const one of wanted.values()) {
        if (this.#observed.has(one.key) || this.#refused.has(one.key)) continue;
        if (!session.isAwake) {
          this.isIncomplete = true;
          break;
        }
        await this.#start(one);
      }
      if (!session.over) session.leg.context.observing(session.device.id, this.paths);
    }
  }

  async #group(wishes: ObservationWish[]): Promise<Map<string, Wanted>> {
    const wanted = new Map<string, Wanted>();
    const session = this.#session;
    // In 1.2 the periods go with the request; before that there is no way to give them to a composite observation.
    if (wishes.length >= compositeFrom && session.facts.version === '1.2' && (await session.servesComposite())) {
      const byPeriods = new Map<string, ObservationWish[]>();
      for (const wish of wishes) {
        const periods = `${wish.minimumPeriod ?? ''},${wish.maximumPeriod ?? ''}`;
        byPeriods.set(periods, [...(byPeriods.get(periods) ?? []), wish]);
      }
      for (const members of byPeriods.values()) {
        const paths = members.map(({ path }) => path).sort();
        const { minimumPeriod, maximumPeriod } = members[0]!;
        add(wanted, { key: '', paths, minimumPeriod, maximumPeriod });
      }
      return wanted;
    }
    for (const { path, minimumPeriod, maximumPeriod } of wishes) {
      add(wanted, { key: '', paths: [path], minimumPeriod, maximumPeriod });
    }
    return wanted;
  }

  async #cancel(observed: Observed): Promise<void> {
    this.#observed.delete(observed.key);
    const how = this.#session.isAwake ? 'active' : 'passive';
    await observed.running.cancel(how).catch((error: unknown) => {
      // Its next notification is answered with a reset, which ends it as well.
      this.#session.leg.context.log.debug(
        { err: error, device: this.#session.device.id },
        'an observation ended without an answer',
      );
    });
  }

  async #start(wanted: Wanted): Promise<void> {
    const session = this.#session;
    const { context, endpoint } = session.leg;
    const [path] = wanted.paths as [string];
    const isComposite = wanted.paths.length > 1;
    const { minimumPeriod, maximumPeriod } = wanted;
    const hasPeriods = minimumPeriod !== undefined || maximumPeriod !== undefined;
    if (!isComposite && (hasPeriods || this.#limited.has(path))) {
      // Refused attributes only cost datagrams: the observation is made all the same.
      await writeAttributes(session, path, { pmin: minimumPeriod, pmax: maximumPeriod });
      if (hasPeriods) this.#limited.add(path);
      else this.#limited.delete(path);
    }
    const request = isComposite ? this.#compositeRequest(wanted) : singleRequest(path);
    const naming = { model: session.model, root: session.facts.root };
    context.trace.record(session.device.id, {
      direction: 'out',
      summary: `${request.method} ${wanted.paths.join(' ')} Observe 0`,
    });
    const base = isComposite ? '/' : path;
    try {
      const { response, observation, overtaken } = await endpoint.observe(session.facts.peer, request, {
        changed: (notification) => this.#takeNotified(wanted.key, notification, base),
        ended: (code) => this.#ended(wanted, code),
        lost: () => this.#doubt(wanted.key, true),
      });
      if (session.over) return;
      if (!response.code.startsWith('2.')) {
        context.trace.record(session.device.id, tellResponse(response, base, naming));
        if (isComposite) session.learn({ composite: false });
        else this.#refused.add(wanted.key);
        if (isComposite) this.#isWanted = true; // once more, one by one
        return;
      }
      if (isComposite) session.learn({ composite: true });
      if (observation?.active) this.#observed.set(wanted.key, { ...wanted, running: observation, isDoubtful: false });
      else this.#refused.add(wanted.key);
      if (!overtaken) await this.#take(response, base);
    } catch (error) {
      this.isIncomplete = true;
      const observed = this.#observed.get(wanted.key);
      if (observed) observed.isDoubtful = true;
      context.trace.record(session.device.id, {
        direction: 'note',
        summary: `no answer to the observe request: ${error instanceof Error ? error.message : String(error)}`,
      });
      context.log.debug({ err: error, device: session.device.id, path }, 'a device did not answer an observe request');
      // A device that is away says nothing of composite operations: it gets the same again at its next message.
      if (isComposite && isRefusal(error)) {
        session.learn({ composite: false });
        this.#isWanted = true;
      }
    }
  }

  #compositeRequest({ paths, minimumPeriod, maximumPeriod }: Wanted): CoapRequest {
    const { facts } = this.#session;
    const [contentFormat] = compositeFormats(facts);
    const query: string[] = [];
    if (minimumPeriod !== undefined) query.push(`pmin=${minimumPeriod}`);
    if (maximumPeriod !== undefined) query.push(`pmax=${maximumPeriod}`);
    const payload = encodePaths(contentFormat!, paths, { root: facts.root });
    return { method: 'FETCH', path: '/', query, contentFormat, accept: contentFormat, payload, priority: 'background' };
  }

  async #takeNotified(key: string, response: CoapResponse, base: string): Promise<void> {
    await this.#take(response, base);
    this.#doubt(key, false);
  }

  #doubt(key: string, isDoubtful: boolean): void {
    const observed = this.#observed.get(key);
    const session = this.#session;
    if (!observed || observed.isDoubtful === isDoubtful || session.over) return;
    observed.isDoubtful = isDoubtful;
    // If nothing more comes, it is made anew at the next contact.
    if (isDoubtful) this.isIncomplete = true;
    session.leg.context.observing(session.device.id, this.paths);
  }

  /** Resolves when the values are stored; the device is acknowledged then. */
  #take(response: CoapResponse, base: string): Promise<void> {
    const session = this.#session;
    const { context } = session.leg;
    if (session.over) return Promise.reject(new Error('the device registered anew'));
    const decoded = decodeAnswer(session, response, base, session.model);
    const what = `notify ${base} ${response.code}`;
    if ('explanation' in decoded) {
      context.trace.record(session.device.id, { direction: 'in', summary: `${what}: ${decoded.explanation}` });
      // Acknowledged all the same: it will not be readable when it comes again.
      context.log.warn(
        { device: session.device.id, path: base, why: decoded.explanation },
        'a notification cannot be read',
      );
      return Promise.resolve();
    }
    const naming = { model: session.model, root: session.facts.root };
    context.trace.record(session.device.id, tellValues(what, decoded, naming));
    if (decoded.unreadable.length > 0) {
      session.tellUnreadable(decoded.unreadable.map((one) => unreadable(one.explanation, one.path, response)));
    }
    return reportValues(session, decoded.values);
  }

  #ended(wanted: Wanted, code: string): void {
    const session = this.#session;
    const { context } = session.leg;
    this.#observed.delete(wanted.key);
    this.#refused.add(wanted.key);
    if (session.over) return;
    context.observing(session.device.id, this.paths);
    // Which of several is gone, nobody says.
    if (code !== '4.04' || wanted.paths.length > 1) return;
    context.report(session.device.id, { event: 'gone', paths: wanted.paths }).catch((error: unknown) => {
      context.log.error({ err: error, device: session.device.id }, 'that a resource is gone could not be stored');
    });
  }
}

function singleRequest(path: string): CoapRequest {
  return { method: 'GET', path, priority: 'background' };
}

function add(wanted: Map<string, Wanted>, one: Wanted): void {
  const key = JSON.stringify([one.paths, one.minimumPeriod ?? null, one.maximumPeriod ?? null]);
  wanted.set(key, { ...one, key });
}

/** Values of one message, one event per point in time, oldest first. Resolves when all are stored. */
export async function reportValues(session: DeviceSession, values: DecodedValue[]): Promise<void> {
  if (values.length === 0) return;
  const { context } = session.leg;
  const { root } = session.facts;
  const byTime = new Map<number | undefined, Observation[]>();
  for (const { path, value, time } of values) {
    const observation = { path: root + path, value };
    const others = byTime.get(time);
    if (others) others.push(observation);
    else byTime.set(time, [observation]);
  }
  const times = [...byTime.keys()].sort((one, other) => (one ?? Infinity) - (other ?? Infinity));
  for (const time of times) {
    await context.report(session.device.id, {
      event: 'values',
      values: byTime.get(time)!,
      ...(time === undefined ? {} : { time: timeText(time) }),
    });
  }
}

/** The device's clock is shown, never compared; what is no date is left as a number. */
function timeText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString();
}

/** The device is there, and gave no answer that can be used: an empty ACK and then nothing, a reset, a broken body. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof CoapError &&
    ['no-response', 'reset', 'too-large', 'bad-block', 'bad-response'].includes(error.reason)
  );
}
