/**
 * One session with one CPE: what it says is stored before it is answered; when it hands over the word, its lane is drained,
 * and what the gateway itself wants of it is done.
 */
import type { LaneSession } from '../../src/management/adapter.ts';
import type { DeviceId, Operation } from '../../src/management/operation.ts';
import { ownText } from '../../src/support/own-text.ts';
import { lacks } from './abilities.ts';
import { tellCancelled } from './cancelling.ts';
import { createChannel, type Channel } from './channel.ts';
import { noteInform, type CpeNow } from './completions.ts';
import type { Conversation } from './conversation.ts';
import { CpeRecord } from './cpe-record.ts';
import { takeReport } from './cpe-reports.ts';
import { askForMethods, tellSettings, tellStun } from './cpe-setup.ts';
import { occasionOf } from './events.ts';
import { executeOperation } from './execution.ts';
import { readFacts, writeFacts } from './facts.ts';
import { failForgotten } from './forgotten-orders.ts';
import { callWith, factsAfter, inventoryAfter } from './inform-news.ts';
import type { Leg } from './leg.ts';
import { Lingering } from './lingering.ts';
import { takeUpQueued } from './lost-answers.ts';
import { searchObjects } from './object-search.ts';
import type { CpeRequest, Inform } from './rpc.ts';
import type { SessionHost } from './server.ts';
import type { Start } from './starts.ts';
import type { LiteralStyle } from './values.ts';
import { reportValues, watchWished } from './watching.ts';

export interface SessionStart {
  identity: string;
  namespace: string;
  address: string;
  /** As its profile says. */
  style?: LiteralStyle;
}

const technology = 'cwmp';
/** s after which a CPE shall come back, when a session was not enough. */
const comingBack = 60;
/** ms after which a session waits for no more work: what the CPE has to tell meanwhile needs a new one. */
const longestLinger = 10_000;

export class CpeSession implements SessionHost {
  readonly #leg: Leg;
  readonly #start: SessionStart;
  readonly #conversation: Conversation;
  /** From its Inform on. */
  #record: CpeRecord | undefined;
  #channel: Channel | undefined;
  #now: CpeNow | undefined;
  /** The start that the Inform has told. */
  #told: Start | undefined;
  #lane: LaneSession | undefined;
  #isDriving = false;
  /** Our settings were told in this session: what it would not take is told in the next one. */
  #hasToldSettings = false;
  /** Its objects were asked for in this session: what it would not say is asked in the next one. */
  #hasAskedObjects = false;
  /** What was accepted before was compared with what it still knows: what is accepted from now on is not. */
  #hasLookedForOrders = false;
  /** How often it has told in this session that its objects have changed. */
  #changesTold = 0;
  #hasMore = false;
  readonly #lingering = new Lingering();
  /** By the monotonic clock. */
  readonly #beganAt: number;
  /** What is asked of the CPE now belongs to it. */
  #serving: Operation | undefined;
  #isOver = false;
  /** The CPE restarts at the end of the session: what waits belongs into the next one. */
  #restarts = false;
  /** There is more in the lane than one session may carry. */
  #isCutShort = false;

  constructor(leg: Leg, start: SessionStart, conversation: Conversation) {
    this.#leg = leg;
    this.#start = start;
    this.#conversation = conversation;
    this.#beganAt = leg.context.clock.monotonic();
  }

  get device(): DeviceId | undefined {
    return this.#record?.id;
  }

  /** The CPE is there, and what is put into its lane now is served in this session. */
  get isOpen(): boolean {
    const { phase } = this.#conversation;
    return !this.#isOver && !this.#restarts && phase !== 'done' && phase !== 'over';
  }

  async store(request: CpeRequest): Promise<{ code: number; why: string } | undefined> {
    try {
      return request.method === 'Inform' ? await this.#storeInform(request) : await this.#storeReport(request);
    } catch (error) {
      // Not acknowledged: the CPE says it again.
      this.#leg.context.log.error({ err: error, device: this.device }, 'what a CPE reported could not be stored');
      return { code: 8002, why: 'the gateway could not store it; try again' };
    }
  }

  heard(): void {
    if (this.#record) this.#leg.context.deviceHeard(this.#record.id);
  }

  /** There is more to do, if the CPE has handed us the word already; when it does so later, it is found then. */
  workCame(): void {
    this.#hasMore = true;
    this.#lingering.stir();
  }

  think(): void {
    if (this.#isDriving) return this.workCame();
    this.#isDriving = true;
    this.#driveOn()
      .catch((error: unknown) => {
        this.#leg.context.log.error({ err: error, device: this.device }, 'a CPE could not be served');
      })
      .finally(() => {
        this.#isDriving = false;
        this.#rest();
        this.#conversation.finish();
      });
  }

  ended(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#lingering.stir();
    this.#closeLane();
    this.#rest();
    const id = this.device;
    if (id === undefined) return;
    if (this.#leg.sessions.get(id) === this) this.#leg.sessions.delete(id);
    this.#leg.context.trace.record(id, { direction: 'note', summary: `session over: ${why}` });
  }

  /** It has proved that it is reached by UDP at this address. Durable when it resolves. */
  async bound(udpAddress: string): Promise<void> {
    if (!this.#record) return;
    const { facts } = this.#record;
    facts.udpAddress = udpAddress;
    if (facts.stun) facts.stun.proves = true;
    await this.#record.remember();
  }

  // What the CPE says

  async #storeInform(inform: Inform): Promise<{ code: number; why: string } | undefined> {
    const { context } = this.#leg;
    const { identity, namespace, address } = this.#start;
    const known = await context.deviceByIdentity(identity);
    const occasion = occasionOf(inform);
    const before = known && readFacts(known.facts);
    const facts = factsAfter(inform, occasion, before, namespace, context.now());
    callWith(facts, (await context.credentials.forDevice(technology, identity))?.connectionRequest);
    // Told again: it proves nothing that was sent since.
    const startedAt = facts.start?.at === before?.start?.at ? facts.start?.at : undefined;
    const admission = await context.deviceSeen({
      identity,
      technology,
      presence: { state: 'reachable', address },
      inventory: inventoryAfter(inform, facts, known?.inventory),
      restarted: occasion.restarted,
      startedAt,
      facts: writeFacts(facts),
    });
    if (!admission.admitted) return { code: 8001, why: admission.why };
    const { device } = admission;
    const record = new CpeRecord(context, device, facts, address);
    this.#record = record;
    if (occasion.restarted) this.#leg.observed.delete(device.id);
    if (occasion.restarted) this.#leg.knowledge.forget(device.id);
    this.#leg.sessions.set(device.id, this);
    this.#leg.came(device.id);
    // Words, and not the Inform to make them of: a trace keeps many.
    context.trace.record(device.id, { direction: 'in', summary: ownText(`Inform ${codesOf(inform)}`) });
    const channel = this.#openChannel(record);
    for (const { name, type } of inform.parameters) channel.knowledge.learnType(name, type);
    await reportValues(this.#leg, record, inform.parameters);
    const versionPath = `${facts.root}DeviceInfo.SoftwareVersion`;
    this.#told = facts.start;
    this.#now = { device, occasion, startedAt, running: facts.softwareVersion, versionPath };
    await noteInform(context, this.#now);
    return undefined;
  }

  #openChannel({ id, device: { identity }, facts }: CpeRecord): Channel {
    const { context, knowledge, settings } = this.#leg;
    // One model and firmware: the identity without the serial number.
    const model = `${identity.slice(0, identity.lastIndexOf('-'))} ${facts.softwareVersion ?? ''}`;
    this.#channel = createChannel(this.#conversation, knowledge.of(model, id), {
      batchSize: settings.batchSize,
      maximumRequests: settings.maximumRequests,
      transientPause: settings.transientPause,
      transientRetries: settings.transientRetries,
      clock: context.clock,
      style: this.#start.style,
      trace: (line) => context.trace.record(id, line, this.#serving),
    });
    return this.#channel;
  }

  async #storeReport(request: CpeRequest): Promise<undefined> {
    if (!this.#record || !this.#now) return;
    const haveObjectsChanged = await takeReport(this.#leg, this.#record, this.#now, request);
    if (haveObjectsChanged) await this.#noteChangedObjects(this.#record);
  }

  /** Durable: once it is answered the CPE does not say it again, and its objects may be looked for in another session only. */
  async #noteChangedObjects(record: CpeRecord): Promise<void> {
    this.#leg.knowledge.forget(record.id);
    this.#hasAskedObjects = false;
    this.#changesTold += 1;
    this.workCame();
    await record.setDiscovered(false);
  }

  // What we say

  /** The lane is given back in the same turn in which nothing more was found, so that no work falls between. */
  async #driveOn(): Promise<void> {
    try {
      do {
        this.#hasMore = false;
        await this.#drive();
        if (!this.#hasMore) await this.#linger();
      } while (this.#hasMore && this.isOpen && this.#conversation.count < this.#leg.settings.maximumRequests);
      if (this.#isCutShort) await this.#askToComeBack();
    } finally {
      this.#closeLane();
    }
  }

  /** Only where we have asked for the session: Informs in masses are not held up. */
  async #linger(): Promise<void> {
    const { context, settings } = this.#leg;
    const { lingerBeforeEnd } = settings;
    if (!this.#now?.occasion.called || lingerBeforeEnd === 0 || this.#isCutShort) return;
    if (!this.isOpen || context.clock.monotonic() - this.#beganAt > longestLinger) return;
    await this.#lingering.wait(context.clock, lingerBeforeEnd);
  }

  async #drive(): Promise<void> {
    const record = this.#record;
    const channel = this.#channel;
    if (!record || !channel || this.#restarts) return;
    const leg = this.#leg;
    const { id, facts } = record;
    await tellCancelled(leg, id, channel);
    if (this.#now && !this.#hasLookedForOrders) await failForgotten(leg.context, this.#now, channel, facts);
    this.#hasLookedForOrders = true;
    // Before the lane is opened: that is when other evidence is read.
    if (!this.#lane && !lacks(facts, 'GetAllQueuedTransfers'))
      await takeUpQueued(leg.context, id, channel, leg.settings);
    await this.#setUp(record, channel);
    this.#lane ??= await leg.context.openSession(id, () => this.workCame());
    await this.#drain(record, channel);
    if (!this.#restarts && !this.#isOver) await watchWished(leg, record, channel);
    if (!this.#restarts && !this.#isOver) await record.noteStart(undefined);
  }

  async #setUp(record: CpeRecord, channel: Channel): Promise<void> {
    const { facts } = record;
    if (this.#leg.estranged.delete(record.id)) facts.provisioned = false;
    if (!facts.provisioned && !this.#hasToldSettings) {
      this.#hasToldSettings = true;
      await tellSettings(this.#leg, record, channel);
    }
    await tellStun(this.#leg, record, channel);
    if (!facts.lacking) await askForMethods(record, channel);
    if (!facts.discovered && !this.#hasAskedObjects) {
      this.#hasAskedObjects = true;
      await searchObjects(this.#leg, record, channel, () => this.#hasAskedObjects);
    }
  }

  async #drain(record: CpeRecord, channel: Channel): Promise<void> {
    while (this.#lane && !this.#isOver && !this.#restarts && !this.#isCutShort) {
      const [operation] = await this.#lane.take(1);
      if (!operation) return;
      if (this.#conversation.count >= this.#leg.settings.maximumRequests) {
        this.#isCutShort = true;
        return this.#lane.release([operation]);
      }
      this.#serving = operation;
      await this.#execute(record, channel, this.#lane, operation).finally(() => (this.#serving = undefined));
      await tellCancelled(this.#leg, record.id, channel);
    }
  }

  async #execute(record: CpeRecord, channel: Channel, lane: LaneSession, operation: Operation): Promise<void> {
    const { context, settings, knowledge } = this.#leg;
    const { id, device, facts } = record;
    const { discovered } = facts;
    const changesTold = this.#changesTold;
    const changesObjects = operation.steps.some(({ action }) => action === 'create' || action === 'delete');
    // Noted before it is sent: when its answer is lost, the next session looks which objects there are.
    if (changesObjects && discovered) await record.setDiscovered(false);
    const executor = { channel, context, settings, device, facts, isOver: () => this.#isOver };
    const { restarts, made, removed, unanswered, isCutShort } = await executeOperation(executor, lane, operation);
    if (isCutShort) this.#isCutShort = true;
    if (restarts) await this.#leaves(record);
    for (const path of [...made, ...removed]) knowledge.forget(id, path);
    if (made.length + removed.length > 0) await record.noteObjects(made, removed);
    const isAsBefore = discovered && changesTold === this.#changesTold;
    if (changesObjects && isAsBefore && !unanswered) await record.setDiscovered(true);
  }

  /** Should this session break after all, the CPE tells its last start once more, and not this one. */
  async #leaves(record: CpeRecord): Promise<void> {
    this.#restarts = true;
    await record.noteStart(this.#told);
  }

  /** What waits could not be told to a CPE that cannot be called before its next periodic Inform. One that refuses comes then. */
  async #askToComeBack(): Promise<void> {
    const { context } = this.#leg;
    const record = this.#record;
    if (!record || !this.isOpen || lacks(record.facts, 'ScheduleInform')) return;
    context.trace.record(record.id, {
      direction: 'out',
      summary: `ScheduleInform in ${comingBack} s: more waits for it`,
    });
    await this.#conversation.ask('ScheduleInform', { delaySeconds: comingBack, commandKey: 'trivet' });
  }

  #closeLane(): void {
    const lane = this.#lane;
    this.#lane = undefined;
    lane?.close().catch((error: unknown) => {
      this.#leg.context.log.error({ err: error, device: this.device }, 'a lane could not be closed');
    });
  }

  /** Between sessions: the next operation has to call it. */
  #rest(): void {
    const id = this.device;
    if (id === undefined || this.#leg.sessions.get(id) !== this) return;
    const why = 'between two sessions: it is called when there is something to do';
    this.#leg.context.deviceRenewed(id, { state: 'asleep', address: this.#start.address, why });
  }
}

function codesOf({ events }: Inform): string {
  return events
    .map(({ code }) => code)
    .join(', ')
    .slice(0, 200);
}
